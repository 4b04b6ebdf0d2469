//! From text to instructions: directives, continuations, comments, here-documents.

use super::{
    instruction::{self, Heredoc, Instruction},
    words,
};

/// A Dockerfile, instruction by instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The character that continues a line: a backslash, or a backtick by directive.
    pub escape: char,
    /// The frontend that `# syntax=` asks for.
    pub syntax: Option<(String, Position)>,
    /// What could be read, in order.
    pub instructions: Vec<Instruction>,
    /// What could not.
    pub problems: Vec<Problem>,
    /// Comments that speak to tools, in order.
    pub pragmas: Vec<Pragma>,
}

/// A comment that speaks to this tool or to hadolint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pragma {
    /// Where its `#` stands.
    pub at: Position,
    /// What follows the `#`.
    pub text: String,
    /// What it stands in front of.
    pub before: Before,
}

/// What a comment stands in front of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// The first instruction, from line to line.
    First(u32, u32),
    /// Another instruction, from line to line.
    Instruction(u32, u32),
    /// The rest of an instruction in whose lines it stands, or nothing.
    Nothing,
}

/// A place in a file, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

/// Something that is no instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: Position,
    /// The keyword, or the line's first word.
    pub found: String,
    /// What is wrong.
    pub message: String,
}

/// Instructions of one file that are read.
const INSTRUCTIONS: usize = 10_000;
/// Mistakes of one file that are told apart. A here-document without end costs a look at all that follows it.
const PROBLEMS: usize = 100;

/// Directives of the parser.
const DIRECTIVES: [&str; 3] = ["syntax", "escape", "check"];

/// Comments of one file that are listened to.
const PRAGMAS: usize = 1_000;
/// What they begin with.
const SPEAKING: [&str; 2] = ["plimsoll:", "hadolint "];

/// A line after continuation, which still knows where each of its parts came from.
#[derive(Debug)]
pub(super) struct Logical {
    pub(super) text: String,
    pub(super) marks: Marks,
    pub(super) first_line: u32,
    pub(super) end_line: u32,
    /// The character that continues lines.
    pub(super) escape: char,
}

/// Byte offsets at which a physical line begins in a text, with the place of that character.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marks(Vec<(usize, Position)>);

impl Marks {
    /// Where the byte at `offset` of the text stands in the file.
    pub(super) fn position(&self, text: &str, offset: usize) -> Position {
        let mark = self.0.iter().rev().find(|(start, _)| *start <= offset);
        let (start, at) = mark.copied().unwrap_or((0, Position { line: 1, column: 1 }));
        let between = text.get(start..offset).map_or(0, |text| text.chars().count());
        let between = u32::try_from(between).unwrap_or(u32::MAX);
        Position { line: at.line, column: at.column.saturating_add(between) }
    }

    /// Those of the text from `start` on.
    pub(super) fn from(&self, text: &str, start: usize) -> Self {
        let later = self.0.iter().filter(|(at, _)| *at > start);
        let later = later.map(|(at, position)| (at.saturating_sub(start), *position));
        Self(std::iter::once((0, self.position(text, start))).chain(later).collect())
    }
}

impl Logical {
    fn push(&mut self, text: &str, at: Position) {
        self.marks.0.push((self.text.len(), at));
        self.text.push_str(text);
        self.end_line = at.line;
    }

    /// Where the byte at `offset` stands in the file.
    pub(super) fn position(&self, offset: usize) -> Position {
        self.marks.position(&self.text, offset)
    }
}

impl Document {
    /// Reads a Dockerfile. There is no text that it refuses as a whole.
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut document = Self {
            escape: '\\',
            syntax: None,
            instructions: Vec::new(),
            problems: Vec::new(),
            pragmas: Vec::new(),
        };
        document.read_directives(text);
        let mut lines = Lines { rest: text, number: 0, pragmas: Vec::new() };
        let mut is_first = true;
        while let Some(line) = lines.next_logical(document.escape) {
            if document.instructions.len() >= INSTRUCTIONS || document.problems.len() >= PROBLEMS {
                document.problems.push(Problem {
                    at: line.position(0),
                    found: "more".to_owned(),
                    message: format!(
                        "reading ended here, after {INSTRUCTIONS} instructions or {PROBLEMS} mistakes"
                    ),
                });
                break;
            }
            let pragmas = std::mem::take(&mut lines.pragmas);
            document.read_instruction(&line, &mut lines);
            document.place_pragmas(pragmas, &line, (lines.number, is_first));
            is_first = false;
        }
        document.pragmas.append(&mut lines.pragmas);
        document.pragmas.truncate(PRAGMAS);
        if document.instructions.is_empty() && document.problems.is_empty() {
            document.problems.push(Problem {
                at: Position { line: 1, column: 1 },
                found: "nothing".to_owned(),
                message: "there is no instruction".to_owned(),
            });
        }
        document
    }

    /// Directives stand in front of everything else, each at most once; an unknown one is a comment and ends them. Blanks in front
    /// of one do not count, but where BuildKit looks for the frontend.
    fn read_directives(&mut self, text: &str) {
        self.syntax = syntax(text);
        let mut seen: Vec<&str> = Vec::new();
        for (number, line) in (1_u32..).zip(text.lines()) {
            let start = line.trim_start();
            let Some((key, value)) = directive(start) else { return };
            let indent = line.chars().count().saturating_sub(start.chars().count());
            let column = u32::try_from(indent).unwrap_or(u32::MAX).saturating_add(1);
            let at = Position { line: number, column };
            let mut fail = |message: String| {
                self.problems.push(Problem { at, found: format!("# {key}"), message });
            };
            if seen.contains(&key) {
                fail(format!("the directive `{key}` can be used only once"));
                continue;
            }
            match (key, value) {
                ("escape", "\\" | "`") => self.escape = if value == "`" { '`' } else { '\\' },
                ("escape", _) => fail("expected a backslash or a backtick".to_owned()),
                _ => {}
            }
            seen.push(key);
        }
    }

    /// Says of comments which instruction, read up to the line `last`, they stand in front of.
    fn place_pragmas(
        &mut self,
        pragmas: Vec<Pragma>,
        line: &Logical,
        (last, is_first): (u32, bool),
    ) {
        let first = line.first_line;
        let placed = pragmas.into_iter().map(|pragma| {
            let before = match pragma.at.line {
                own if own > first => Before::Nothing,
                _ if is_first => Before::First(first, last),
                _ => Before::Instruction(first, last),
            };
            Pragma { before, ..pragma }
        });
        self.pragmas.extend(placed);
    }

    fn read_instruction(&mut self, line: &Logical, lines: &mut Lines<'_>) {
        let mut instruction = match instruction::parse(line) {
            Ok(instruction) => instruction,
            Err(problem) => return self.problems.push(problem),
        };
        for head in heredoc_heads(&instruction) {
            let line = lines.number.saturating_add(1);
            let Some(content) = lines.take_heredoc(&head) else {
                self.problems.push(Problem {
                    at: instruction.at,
                    found: instruction.keyword.clone(),
                    message: format!("here-document `{}` has no end", head.name),
                });
                break;
            };
            let owner = match instruction.triggered.as_deref_mut() {
                Some(triggered) => triggered,
                None => &mut instruction,
            };
            owner.heredocs.push(Heredoc { name: head.name, content, line });
        }
        instruction.end_line = lines.number.max(instruction.end_line);
        self.instructions.push(instruction);
    }
}

/// The frontend that a file asks for, as BuildKit looks for it before it reads the file: a first line `#!…` does not count, and a
/// directive begins its line. <https://github.com/moby/buildkit/blob/v0.25.0/frontend/dockerfile/parser/directives.go>
fn syntax(text: &str) -> Option<(String, Position)> {
    let mut lines = (1_u32..).zip(text.lines()).peekable();
    lines.next_if(|(_, line)| line.starts_with("#!"));
    let mut directives =
        lines.map_while(|(line, text)| Some((Position { line, column: 1 }, directive(text)?)));
    let (at, (_, value)) = directives.find(|(_, (key, _))| *key == "syntax")?;
    Some((value.split(' ').next().unwrap_or(value).to_owned(), at))
}

/// `# key = value`, of the keys that there are.
fn directive(line: &str) -> Option<(&'static str, &str)> {
    let (key, value) = line.strip_prefix('#')?.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    let key = DIRECTIVES.iter().find(|directive| directive.eq_ignore_ascii_case(key))?;
    (!value.is_empty()).then_some((key, value))
}

fn heredoc_heads(instruction: &Instruction) -> Vec<words::HeredocHead> {
    let run = instruction.triggered.as_deref().unwrap_or(instruction);
    let can_have = matches!(run.keyword.as_str(), "ADD" | "COPY" | "RUN")
        && !run.is_json()
        && run.text.contains("<<");
    if can_have { words::heredocs(&instruction.original) } else { Vec::new() }
}

/// Physical lines, taken one by one.
struct Lines<'t> {
    rest: &'t str,
    /// Of the line taken last, from 1.
    number: u32,
    /// Comments that speak to tools, since the last instruction.
    pragmas: Vec<Pragma>,
}

impl<'t> Lines<'t> {
    /// The next physical line, with its line break.
    fn next(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at.saturating_add(1));
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        self.number = self.number.saturating_add(1);
        Some(line)
    }

    /// The next line that is neither empty nor a comment, with its continuations.
    fn next_logical(&mut self, escape: char) -> Option<Logical> {
        loop {
            let line = trim_newline(self.next()?);
            let start = line.trim_start();
            if start.is_empty() || start.starts_with('#') {
                self.listen(line);
                continue;
            }
            let indent = line.chars().count().saturating_sub(start.chars().count());
            let column = u32::try_from(indent).unwrap_or(u32::MAX).saturating_add(1);
            let mut logical = Logical {
                text: String::new(),
                marks: Marks::default(),
                first_line: self.number,
                end_line: self.number,
                escape,
            };
            let mut is_complete = self.append(&mut logical, (start, column));
            // An escape alone on its line begins nothing.
            while !is_complete {
                let Some(line) = self.next().map(trim_newline) else { break };
                let start = line.trim_start();
                // Comments and empty lines between continuations belong to neither side.
                if start.is_empty() || start.starts_with('#') {
                    self.listen(line);
                } else {
                    is_complete = self.append(&mut logical, (line, 1));
                }
            }
            if !logical.text.trim().is_empty() {
                return Some(logical);
            }
        }
    }

    /// Keeps a comment that speaks to tools.
    fn listen(&mut self, line: &str) {
        let start = line.trim_start();
        let Some(text) = start.strip_prefix('#').map(str::trim) else { return };
        let is_speaking = SPEAKING.iter().any(|word| text.starts_with(word));
        if is_speaking && self.pragmas.len() <= PRAGMAS {
            let indent = line.chars().count().saturating_sub(start.chars().count());
            let column = u32::try_from(indent).unwrap_or(u32::MAX).saturating_add(1);
            let at = Position { line: self.number, column };
            self.pragmas.push(Pragma { at, text: text.to_owned(), before: Before::Nothing });
        }
    }

    /// Appends one physical line; whether it was the last.
    fn append(&self, logical: &mut Logical, line: (&str, u32)) -> bool {
        let (text, column) = line;
        let at = Position { line: self.number, column };
        let continued = continued(text, logical.escape);
        logical.push(continued.unwrap_or(text), at);
        continued.is_none()
    }

    /// The lines up to the end of a here-document; nothing is taken where it has none.
    fn take_heredoc(&mut self, head: &words::HeredocHead) -> Option<String> {
        let (rest, number) = (self.rest, self.number);
        let mut content = String::new();
        while let Some(line) = self.next() {
            let text = trim_newline(line);
            let end = if head.strips_tabs { text.trim_start_matches('\t') } else { text };
            if end == head.name {
                return Some(content);
            }
            content.push_str(line);
        }
        (self.rest, self.number) = (rest, number);
        None
    }
}

/// What stands before the escape character that continues a line; two of them continue nothing.
fn continued(line: &str, escape: char) -> Option<&str> {
    let rest = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!rest.ends_with(escape)).then_some(rest)
}

fn trim_newline(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn position(line: u32, column: u32) -> Position {
        Position { line, column }
    }

    #[test]
    fn places_point_through_continuations() {
        let document = Document::parse("FROM \\\n  --platform=é \\\n# c\n  debian:12 \\\n AS x\n");
        assert_eq!(document.problems, []);
        let [from] = document.instructions.as_slice() else { panic!() };
        assert_eq!(from.at, position(1, 1));
        assert_eq!(from.flags[0].at, position(2, 3));
        assert_eq!(from.text_at, position(4, 3));
        assert_eq!(from.words().collect::<Vec<_>>(), ["debian:12", "AS", "x"]);
        assert_eq!((from.first_line, from.end_line), (1, 5));
    }

    #[test]
    fn blanks_in_front_of_a_directive_do_not_count() {
        for (text, escape, problems) in [
            ("# escape=`\nFROM a", '`', 0),
            ("  # escape=`\nFROM a", '`', 0),
            ("\t#ESCAPE = `\nFROM a", '`', 0),
            ("# syntax=x\n  # escape=`\nFROM a", '`', 0),
            ("#!x\n# escape=`\nFROM a", '\\', 0),
            ("# comment\n# escape=`\nFROM a", '\\', 0),
            ("\n# escape=`\nFROM a", '\\', 0),
            ("# escape=`\n # escape=`\nFROM a", '`', 1),
        ] {
            let document = Document::parse(text);
            assert_eq!((document.escape, document.problems.len()), (escape, problems), "{text}");
        }
        let document = Document::parse("  # escape=x\nFROM a");
        assert_eq!(document.problems[0].at, position(1, 3));
        // The next line is an instruction of its own.
        let document = Document::parse("  # escape=`\nFROM a\nRUN true # \\\nUSER root");
        let keywords: Vec<_> = document.instructions.iter().map(|i| i.keyword.as_str()).collect();
        assert_eq!(keywords, ["FROM", "RUN", "USER"]);
    }

    #[test]
    fn one_mistake_hides_nothing_else() {
        let document = Document::parse("FROM a\nRUM x\nRUN <<EOF\nUSER 1\n");
        let problems: Vec<_> = document.problems.iter().map(|p| (p.at, p.found.as_str())).collect();
        assert_eq!(problems, [(position(2, 1), "RUM"), (position(3, 1), "RUN")]);
        assert_eq!(document.problems[1].message, "here-document `EOF` has no end");
        let keywords: Vec<_> = document.instructions.iter().map(|i| i.keyword.as_str()).collect();
        assert_eq!(keywords, ["FROM", "RUN", "USER"]);
    }

    #[test]
    fn directives_end_with_the_first_line_that_is_none() {
        let document = Document::parse("# syntax = a/b:1 \n#escape=`\n\n# check=x\nFROM a\n");
        assert_eq!(document.syntax, Some(("a/b:1".to_owned(), position(1, 1))));
        assert_eq!(document.escape, '`');
        assert_eq!(Document::parse("FROM a\n# escape=`\n").escape, '\\');
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,300}") {
            Document::parse(&text);
        }

        #[test]
        fn no_dockerfile_makes_it_panic_and_every_place_lies_in_it(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("FROM a AS b\n"), Just("RUN <<EOF\n"), Just("EOF\n"), Just("COPY <<-'A B' <<C /\n"),
                    Just("\\\n"), Just("`\n"), Just("# escape=`\n"), Just("ONBUILD "), Just("USER ${A:-"),
                    Just("\r\n"), Just("é"), Just("[\"a\","), Just("--from=b "), Just("\t# c\n"), Just("ENV A=\"b"),
                ],
                0..24,
            )
        ) {
            let text = parts.concat();
            let document = Document::parse(&text);
            let lines = u32::try_from(text.lines().count()).unwrap().max(1);
            let places = document.instructions.iter().map(|i| i.at)
                .chain(document.problems.iter().map(|p| p.at));
            for place in places {
                prop_assert!((1..=lines).contains(&place.line), "{place:?} {text:?}");
            }
        }
    }
}
