//! From a script to words and operators.

/// A word or an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word.
    Word(Lexed),
    /// What stands between words: `;`, `&&`, `|`, `(`, a line break, ….
    Operator(&'static str),
    /// A redirection, whose word comes next.
    Redirect(&'static str),
}

/// A word, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lexed {
    /// Byte offset of its first character.
    pub(super) at: usize,
    /// Its parts, in order.
    pub(super) parts: Vec<Part>,
    /// Whether any of it is quoted; then it is no reserved word.
    pub(super) quoting: Quoting,
}

/// Whether something is quoted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Quoting {
    #[default]
    Bare,
    Quoted,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// This text.
    Text(String),
    /// `$NAME`, `${…}`, as it is written.
    Variable(String),
    /// A script in the script, which begins at this offset.
    Script(usize, String),
    /// Something else that only the shell can tell: `$((…))`.
    Other(String),
}

/// Operators, the longest first.
const OPERATORS: [&str; 13] =
    [";;&", "&&", "||", ";;", ";&", "|&", ";", "|", "&", "(", ")", "\r\n", "\n"];
const REDIRECTS: [&str; 12] =
    ["&>>", "<<<", "<<-", "&>", ">>", "<<", "<&", ">&", "<>", ">|", "<", ">"];

/// A script, taken apart.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// Each with its offset.
    pub(super) all: Vec<(usize, Token)>,
    /// The here-documents that stand in the script itself, in order, each with its offset.
    pub(super) bodies: Vec<(usize, String)>,
    /// What is wrong with it, where something is.
    pub(super) wrong: Option<(usize, &'static str)>,
}

/// The tokens of a script.
pub(super) fn tokens(script: &str) -> Tokens {
    let mut lexer = Lexer { script, at: 0, wrong: None };
    let (mut tokens, mut bodies) = (Vec::new(), Vec::new());
    // Here-documents begin after the line on which they are named.
    let (mut named, mut heads) = (None, Vec::new());
    while let Some((at, token)) = lexer.next() {
        match &token {
            Token::Redirect(operator) => named = operator.starts_with("<<").then_some(*operator),
            Token::Word(word) => {
                let head = named.take().filter(|operator| *operator != "<<<");
                heads.extend(head.map(|operator| (operator, word.plain())));
            }
            Token::Operator("\n") => {
                let taken = heads.drain(..).map_while(|(operator, end)| lexer.body(operator, &end));
                bodies.extend(taken);
            }
            Token::Operator(_) => named = None,
        }
        tokens.push((at, token));
    }
    Tokens { all: tokens, bodies, wrong: lexer.wrong }
}

/// The name in `NAME=…`, and what follows.
pub(super) fn assignment(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some((name, value))
}

struct Lexer<'s> {
    script: &'s str,
    at: usize,
    wrong: Option<(usize, &'static str)>,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        self.script.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, text: &str) {
        self.at = self.at.saturating_add(text.len());
    }

    fn take(&mut self) -> Option<char> {
        let char = self.rest().chars().next()?;
        self.at = self.at.saturating_add(char.len_utf8());
        Some(char)
    }

    fn fail(&mut self, at: usize, what: &'static str) {
        self.wrong.get_or_insert((at, what));
    }

    fn next(&mut self) -> Option<(usize, Token)> {
        self.skip_blanks();
        let rest = self.rest();
        if rest.is_empty() {
            return None;
        }
        let at = self.at;
        let is_substitution = rest.starts_with("<(") || rest.starts_with(">(");
        let digits =
            rest.len().saturating_sub(rest.trim_start_matches(|c: char| c.is_ascii_digit()).len());
        let after = rest.get(digits..).unwrap_or_default();
        let redirect = REDIRECTS.iter().find(|operator| after.starts_with(**operator));
        match redirect {
            Some(operator) if !is_substitution && (digits == 0 || !operator.starts_with('&')) => {
                self.at = self.at.saturating_add(digits);
                self.skip(operator);
                return Some((at, Token::Redirect(operator)));
            }
            _ => {}
        }
        let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator));
        if let Some(operator) = operator {
            self.skip(operator);
            let operator = if operator.ends_with('\n') { "\n" } else { operator };
            return Some((at, Token::Operator(operator)));
        }
        Some((at, Token::Word(self.word())))
    }

    /// The lines up to the one that ends a here-document.
    fn body(&mut self, operator: &str, end: &str) -> Option<(usize, String)> {
        let start = self.at;
        let mut body = String::new();
        for line in self.rest().split_inclusive('\n') {
            self.skip(line);
            let text = line.trim_end_matches(['\n', '\r']);
            let text = if operator == "<<-" { text.trim_start_matches('\t') } else { text };
            if text == end {
                return Some((start, body));
            }
            body.push_str(line);
        }
        self.fail(start, "a here-document without end");
        None
    }

    /// Blanks, continued lines and comments.
    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let blank =
                ["\\\r\n", "\\\n", " ", "\t"].iter().find(|blank| rest.starts_with(**blank));
            if let Some(blank) = blank {
                self.skip(blank);
            } else if rest.starts_with('#') {
                self.at =
                    rest.find('\n').map_or(self.script.len(), |end| self.at.saturating_add(end));
            } else {
                return;
            }
        }
    }

    fn word(&mut self) -> Lexed {
        let mut word = Lexed { at: self.at, ..Lexed::default() };
        while let Some(char) = self.rest().chars().next() {
            let rest = self.rest();
            let begins_substitution = rest.starts_with("<(") || rest.starts_with(">(");
            if begins_substitution && word.parts.is_empty() {
                self.skip("<(");
                self.parenthesised(&mut word);
                continue;
            }
            match char {
                ' ' | '\t' | '\n' | ';' | '|' | '&' | '(' | ')' | '<' | '>' => break,
                '\r' if rest.starts_with("\r\n") => break,
                _ => {}
            }
            self.take();
            match char {
                '\\' => self.escaped(&mut word),
                '\'' => {
                    word.quoting = Quoting::Quoted;
                    self.single_quoted(&mut word);
                }
                '"' => {
                    word.quoting = Quoting::Quoted;
                    self.double_quoted(&mut word);
                }
                '$' => self.dollar(&mut word),
                '`' => self.backticks(&mut word),
                char => word.push(char),
            }
        }
        word
    }

    fn escaped(&mut self, word: &mut Lexed) {
        word.quoting = Quoting::Quoted;
        match self.take() {
            // A continued line within a word.
            Some('\n') | None => {}
            Some(char) => word.push(char),
        }
    }

    fn single_quoted(&mut self, word: &mut Lexed) {
        let rest = self.rest();
        if let Some(end) = rest.find('\'') {
            let text = rest.get(..end).unwrap_or_default();
            word.text(text);
            self.skip(text);
            self.skip("'");
        } else {
            self.fail(self.at, "a quote without end");
            word.text(rest);
            self.skip(rest);
        }
    }

    fn double_quoted(&mut self, word: &mut Lexed) {
        let start = self.at;
        word.text("");
        while let Some(char) = self.take() {
            match char {
                '"' => return,
                '\\' => match self.take() {
                    Some('\n') | None => {}
                    Some(char @ ('"' | '$' | '`' | '\\')) => word.push(char),
                    Some(char) => {
                        word.push('\\');
                        word.push(char);
                    }
                },
                '$' => self.dollar(word),
                '`' => self.backticks(word),
                char => word.push(char),
            }
        }
        self.fail(start, "a quote without end");
    }

    /// What follows a `$`.
    fn dollar(&mut self, word: &mut Lexed) {
        let rest = self.rest();
        if rest.starts_with("((") {
            let inner = self.closing(("(", ")"));
            word.parts.push(Part::Other(format!("$({inner})")));
        } else if rest.starts_with('(') {
            self.skip("(");
            self.parenthesised(word);
        } else if rest.starts_with('{') {
            let inner = self.closing(("{", "}"));
            word.parts.push(Part::Variable(format!("${{{inner}}}")));
        } else if rest.starts_with('\'') {
            self.skip("'");
            word.quoting = Quoting::Quoted;
            self.single_quoted(word);
        } else {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let length = match rest.chars().next() {
                Some('@' | '*' | '#' | '?' | '-' | '$' | '!' | '0'..='9') => 1,
                Some(first) if is_part(first) => rest.find(|c| !is_part(c)).unwrap_or(rest.len()),
                _ => 0,
            };
            let name = rest.get(..length).unwrap_or_default();
            self.skip(name);
            if name.is_empty() {
                word.push('$');
            } else {
                word.parts.push(Part::Variable(format!("${name}")));
            }
        }
    }

    /// A script up to the parenthesis that closes it.
    fn parenthesised(&mut self, word: &mut Lexed) {
        self.at = self.at.saturating_sub(1);
        let start = self.at.saturating_add(1);
        let inner = self.closing(("(", ")"));
        word.parts.push(Part::Script(start, inner.to_owned()));
    }

    /// What stands between the brackets that begin here, quotes taken as such; all that follows where they are never closed.
    fn closing(&mut self, (open, close): (&str, &str)) -> &'s str {
        let start = self.at;
        self.skip(open);
        let inner = self.rest();
        let mut depth = 1_usize;
        let mut quote: Option<char> = None;
        let mut chars = inner.char_indices();
        while let Some((at, char)) = chars.next() {
            let here = inner.get(at..).unwrap_or_default();
            match (quote, char) {
                (Some(open), _) if open == char => quote = None,
                (None | Some('"'), '\\') => {
                    chars.next();
                }
                (None, '\'' | '"') => quote = Some(char),
                (None, _) if here.starts_with(close) => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        let found = inner.get(..at).unwrap_or_default();
                        self.skip(found);
                        self.skip(close);
                        return found;
                    }
                }
                (None, _) if here.starts_with(open) => depth = depth.saturating_add(1),
                (None | Some(_), _) => {}
            }
        }
        self.fail(start, "a bracket without end");
        self.skip(inner);
        inner
    }

    fn backticks(&mut self, word: &mut Lexed) {
        let start = self.at;
        let mut script = String::new();
        while let Some(char) = self.take() {
            match char {
                '`' => {
                    word.parts.push(Part::Script(start, script));
                    return;
                }
                '\\' => match self.take() {
                    Some(next @ ('`' | '\\' | '$')) => script.push(next),
                    next => {
                        script.push('\\');
                        script.extend(next);
                    }
                },
                char => script.push(char),
            }
        }
        self.fail(start, "a backtick without end");
        word.parts.push(Part::Script(start, script));
    }
}

impl Lexed {
    fn push(&mut self, char: char) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.push(char),
            _ => self.parts.push(Part::Text(char.to_string())),
        }
    }

    fn text(&mut self, more: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.push_str(more),
            _ => self.parts.push(Part::Text(more.to_owned())),
        }
    }

    /// The text alone.
    fn plain(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Variable(_) | Part::Script(..) | Part::Other(_) => None,
        });
        texts.collect()
    }

    /// The text of a word that is nothing but bare text, as reserved words are.
    pub(super) fn bare(&self) -> Option<&str> {
        match (self.parts.as_slice(), self.quoting) {
            ([Part::Text(text)], Quoting::Bare) => Some(text),
            _ => None,
        }
    }
}
