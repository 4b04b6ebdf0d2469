//! Literals of Erlang and Elixir, as their lock files and application files have them.
//!
//! Grammars: <https://www.erlang.org/doc/system/data_types.html>, <https://hexdocs.pm/elixir/syntax-reference.html>. Only data:
//! nothing is called, concatenated or bound.

/// A value. Keyword lists and maps are lists of pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Term {
    /// A name without quotes or with a colon; numbers are kept as they are written.
    Atom(String),
    /// A string or a binary.
    Text(String),
    /// A list or a map.
    List(Vec<Self>),
    /// A tuple, or a pair of key and value.
    Tuple(Vec<Self>),
}

/// How deep values may lie in each other.
const DEPTH: usize = 64;
/// How many values a text may have.
const TERMS: usize = 2_000_000;

impl Term {
    /// What it says, where it is an atom or text.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Atom(text) | Self::Text(text) => Some(text),
            Self::List(_) | Self::Tuple(_) => None,
        }
    }

    /// The elements of a list, a map or a tuple.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) | Self::Tuple(items) => items,
            Self::Atom(_) | Self::Text(_) => &[],
        }
    }

    /// The pairs of a map, a keyword list or a list of tuples of two.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.items().iter().filter_map(|item| match item.items() {
            [key, value] => Some((key.as_str()?, value)),
            _ => None,
        })
    }

    /// The value of the first pair with this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.pairs().find(|(found, _)| *found == key).map(|(_, value)| value)
    }
}

/// All values of a text, in order.
pub(crate) fn parse(text: &str) -> Result<Vec<Term>, String> {
    let mut parser = Parser::default();
    let mut rest = text;
    loop {
        rest = skip(rest);
        if rest.is_empty() {
            return parser.finish();
        }
        rest = parser.take(rest)?;
    }
}

/// Without the spaces, commas and comments that a text begins with. Full stops part the terms of a file.
fn skip(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest
            .trim_start_matches(|char: char| char.is_whitespace() || char == ',' || char == '.');
        let is_comment =
            rest.starts_with('#') || (rest.starts_with('%') && !rest.starts_with("%{"));
        if !is_comment {
            return rest;
        }
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
}

#[derive(Default)]
struct Parser {
    /// The values that are open, outermost first; the values of the file itself lie below them.
    open: Vec<Open>,
    done: Vec<Term>,
    terms: usize,
}

struct Open {
    /// What ends it.
    close: char,
    items: Vec<Term>,
    /// The key whose value comes next.
    key: Option<Term>,
}

impl Parser {
    /// Takes one token, and returns what comes after it.
    fn take<'a>(&mut self, text: &'a str) -> Result<&'a str, String> {
        for (token, close) in [("%{", '}'), ("{", '}'), ("[", ']')] {
            if let Some(rest) = text.strip_prefix(token) {
                return self.begin(close, token).map(|()| rest);
            }
        }
        if let Some(rest) = text.strip_prefix(['}', ']']) {
            return self.end(if text.starts_with('}') { '}' } else { ']' }).map(|()| rest);
        }
        // Binaries hold nothing but text, and may say how it is encoded.
        for token in ["<<", "/utf8", ">>"] {
            if let Some(rest) = text.strip_prefix(token) {
                return Ok(rest);
            }
        }
        if let Some(rest) = text.strip_prefix("=>") {
            return self.arrow().map(|()| rest);
        }
        let (term, rest) = scalar(text)?;
        // `key: value`, where a colon follows at once and no other.
        if let Some(after) = rest.strip_prefix(':')
            && after.starts_with(char::is_whitespace)
        {
            self.key(term)?;
            return Ok(after);
        }
        self.push(term)?;
        Ok(rest)
    }

    fn begin(&mut self, close: char, token: &str) -> Result<(), String> {
        if self.open.len() >= DEPTH {
            return Err(format!("malformed: values lie in each other deeper than {DEPTH}"));
        }
        // Maps are lists of pairs.
        let close = if token == "%{" { '%' } else { close };
        self.open.push(Open { close, items: Vec::new(), key: None });
        Ok(())
    }

    fn end(&mut self, close: char) -> Result<(), String> {
        let Some(Open { close: expected, items, key: None }) = self.open.pop() else {
            return Err(format!("malformed: `{close}` ends nothing"));
        };
        let term = match (expected, close) {
            ('%', '}') | (']', ']') => Term::List(items),
            ('}', '}') => Term::Tuple(items),
            _ => return Err(format!("malformed: `{close}` ends nothing")),
        };
        self.push(term)
    }

    fn arrow(&mut self) -> Result<(), String> {
        let key = self.open.last_mut().and_then(|open| open.items.pop());
        key.map_or_else(|| Err("malformed: `=>` without a key".to_owned()), |key| self.key(key))
    }

    fn key(&mut self, key: Term) -> Result<(), String> {
        match self.open.last_mut() {
            Some(open) if open.key.is_none() => open.key = Some(key),
            _ => return Err("malformed: a key without a value, or outside of a list".to_owned()),
        }
        Ok(())
    }

    fn push(&mut self, term: Term) -> Result<(), String> {
        self.terms = self.terms.saturating_add(1);
        if self.terms > TERMS {
            return Err(format!("it has more than {TERMS} values"));
        }
        match self.open.last_mut() {
            Some(open) => match open.key.take() {
                Some(key) => open.items.push(Term::Tuple(vec![key, term])),
                None => open.items.push(term),
            },
            None => self.done.push(term),
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Term>, String> {
        if self.open.is_empty() {
            Ok(self.done)
        } else {
            Err("malformed: it ends too early".to_owned())
        }
    }
}

/// An atom, a number or a string, and what comes after it.
fn scalar(text: &str) -> Result<(Term, &str), String> {
    let (is_atom, rest) = match text.strip_prefix(':') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if let Some(quote) = rest.chars().next().filter(|char| matches!(char, '"' | '\'')) {
        let (inside, rest) = quoted(rest, quote)?;
        let is_atom = is_atom || quote == '\'';
        return Ok((if is_atom { Term::Atom(inside) } else { Term::Text(inside) }, rest));
    }
    let is_of_word = |char: char| char.is_alphanumeric() || "_@?!-+/".contains(char);
    let end = rest.find(|char| !is_of_word(char)).unwrap_or(rest.len());
    match rest.split_at_checked(end) {
        Some((word, rest)) if !word.is_empty() => Ok((Term::Atom(word.to_owned()), rest)),
        _ => {
            let found: String = text.chars().take(20).collect();
            Err(format!("malformed: expected a value, found `{found}`"))
        }
    }
}

/// What stands between quotes, and what comes after them.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut inside = String::new();
    let mut chars = text.chars();
    chars.next();
    while let Some(char) = chars.next() {
        match char {
            '\\' => inside.extend(chars.next()),
            char if char == quote => return Ok((inside, chars.as_str())),
            char => inside.push(char),
        }
    }
    Err("malformed: a text is not ended".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> Term {
        Term::Text(text.to_owned())
    }

    fn atom(text: &str) -> Term {
        Term::Atom(text.to_owned())
    }

    #[test]
    fn elixir() {
        let terms =
            parse("# x\n%{\n  \"a\": {:hex, :a, \"1\", [b: true, c: nil]},\n  \"d\" => [],\n}\n")
                .unwrap();
        let [map] = terms.as_slice() else { panic!("{terms:?}") };
        let a = map.get("a").unwrap();
        assert_eq!(a.items()[..3], [atom("hex"), atom("a"), text("1")]);
        assert_eq!(a.items()[3].get("b"), Some(&atom("true")));
        assert_eq!(map.get("d"), Some(&Term::List(vec![])));
    }

    #[test]
    fn erlang() {
        let terms =
            parse("%% x\n{\"1.2.0\",\n[{<<\"a\"/utf8>>,{pkg,<<\"b\">>},0}]}.\n[{h,'X y'}].\n")
                .unwrap();
        let package = &terms[0].items()[1].items()[0];
        assert_eq!(package.items()[..2], [text("a"), Term::Tuple(vec![atom("pkg"), text("b")])]);
        assert_eq!(terms[0].items()[0], text("1.2.0"));
        assert_eq!(terms[1].get("h"), Some(&atom("X y")));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for text in [
            "{",
            "}",
            "[}",
            "{]",
            "%{]",
            "\"a",
            "[a: ]",
            "[=> a]",
            "a: b",
            "[a: b: c]",
            "\u{1}",
            "(a)",
        ] {
            assert!(parse(text).unwrap_err().starts_with("malformed: "), "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&"a,".repeat(TERMS + 1)).is_err());
        assert_eq!(parse("").unwrap(), []);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "([%]?[{]|[}\\[\\]:,.'\"]|<<|>>|=>|a|\\\\| |\\PC){0,40}") {
            if let Err(reason) = parse(&text) {
                prop_assert!(reason.starts_with("malformed: "));
            }
        }
    }
}
