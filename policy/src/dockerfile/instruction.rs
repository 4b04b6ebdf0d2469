//! One instruction.

use super::{
    lines::{Logical, Marks, Position, Problem},
    words,
};
use serde_json::Value;

/// One instruction as written: nothing in it is expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// In upper case.
    pub keyword: String,
    /// Where its keyword stands.
    pub at: Position,
    /// The line that it begins on, which a lone escape character may separate from its keyword.
    pub first_line: u32,
    /// The last line of it, here-documents included.
    pub end_line: u32,
    /// `--name=value`, in order.
    pub flags: Vec<Flag>,
    /// The arguments as one text, continuations joined.
    pub text: String,
    /// Where the arguments begin.
    pub text_at: Position,
    /// The arguments, where they are a JSON list.
    pub form: Form,
    /// Here-documents, in order.
    pub heredocs: Vec<Heredoc>,
    /// The instruction that an `ONBUILD` triggers.
    pub triggered: Option<Box<Self>>,
    /// The whole line, continuations joined.
    pub(super) original: String,
    /// Where the parts of the arguments come from.
    pub(super) marks: Marks,
}

/// A flag of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Without dashes.
    pub name: String,
    /// Absent where there is no `=`.
    pub value: Option<String>,
    /// Where it stands.
    pub at: Position,
}

/// How arguments are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// As text.
    Shell,
    /// As a JSON list of strings.
    Json(Vec<String>),
}

/// A here-document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// What ends it.
    pub name: String,
    /// Its lines.
    pub content: String,
    /// The number of the first of them, from 1.
    pub line: u32,
}

const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];
/// What ends a keyword.
const SPACE: [char; 5] = [' ', '\t', '\u{b}', '\u{c}', '\r'];
/// Instructions whose arguments may be a JSON list.
const JSON: [&str; 7] = ["ADD", "COPY", "RUN", "CMD", "ENTRYPOINT", "SHELL", "VOLUME"];

impl Instruction {
    /// Whether the arguments are a JSON list.
    pub const fn is_json(&self) -> bool {
        matches!(self.form, Form::Json(_))
    }

    /// The first flag with this name.
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// Where the byte at `offset` of [`Self::text`] stands in the file.
    pub fn position(&self, offset: usize) -> Position {
        self.marks.position(&self.text, offset)
    }

    /// The arguments, split at whitespace.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_whitespace()
    }
}

/// The instruction on a logical line.
pub(super) fn parse(line: &Logical) -> Result<Instruction, Problem> {
    let mut instruction = parse_from(line, 0)?;
    line.text.trim().clone_into(&mut instruction.original);
    if instruction.keyword == "ONBUILD" {
        let start = line.text.trim_end().len().saturating_sub(instruction.text.len());
        let triggered = parse_from(line, start)?;
        if matches!(triggered.keyword.as_str(), "ONBUILD" | "FROM" | "MAINTAINER") {
            let message = format!("`{}` can not be triggered", triggered.keyword);
            return Err(problem(triggered.at, "ONBUILD", message));
        }
        instruction.triggered = Some(Box::new(triggered));
    }
    Ok(instruction)
}

fn parse_from(line: &Logical, start: usize) -> Result<Instruction, Problem> {
    let text = line.text.get(start..).unwrap_or_default().trim_end();
    let (word, rest) = text.split_once(SPACE).unwrap_or((text, ""));
    let keyword = word.to_ascii_uppercase();
    let at = line.position(start);
    if !KEYWORDS.contains(&keyword.as_str()) {
        let shown: String = word.chars().take(40).collect();
        return Err(problem(at, &shown, format!("unknown instruction `{shown}`")));
    }
    // Offsets are counted from the end, which is common to the line and all its rests.
    let offset = |rest: &str| start.saturating_add(text.len().saturating_sub(rest.len()));
    let (flags, arguments) = words::flags(rest);
    let flags = flags.into_iter().map(|(from, word)| {
        let at = line.position(offset(rest).saturating_add(from));
        let word = word.strip_prefix("--").unwrap_or(&word);
        let (name, value) = word.split_once('=').map_or((word, None), |(n, v)| (n, Some(v)));
        Flag { name: name.to_owned(), value: value.map(str::to_owned), at }
    });
    let flags = flags.collect();
    let arguments = rest.get(arguments..).unwrap_or_default().trim_start();
    let instruction = Instruction {
        form: form(&keyword, arguments).map_err(|message| problem(at, &keyword, message))?,
        at,
        first_line: line.first_line,
        end_line: line.end_line,
        flags,
        text: arguments.to_owned(),
        text_at: line.position(offset(arguments)),
        heredocs: Vec::new(),
        triggered: None,
        original: String::new(),
        marks: line.marks.from(&line.text, offset(arguments)),
        keyword,
    };
    match complaint(&instruction, line.escape) {
        Some(message) => Err(problem(at, &instruction.keyword, message)),
        None => Ok(instruction),
    }
}

fn problem(at: Position, found: &str, message: String) -> Problem {
    Problem { at, found: found.to_owned(), message }
}

/// As BuildKit reads it: what is no JSON is text, and what follows the list does not make it text.
fn form(keyword: &str, text: &str) -> Result<Form, String> {
    let text = match keyword {
        // The list stands after the word.
        "HEALTHCHECK" => text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest),
        keyword if JSON.contains(&keyword) => text,
        _ => "",
    };
    if !text.trim_start().starts_with('[') {
        return Ok(Form::Shell);
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Vec<Value>>();
    let Some(Ok(list)) = values.next() else { return Ok(Form::Shell) };
    let texts = list.into_iter().map(|value| match value {
        Value::String(text) => Ok(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err("a JSON list of arguments holds strings alone".to_owned())
        }
    });
    texts.collect::<Result<_, _>>().map(Form::Json)
}

/// What is wrong with the number and shape of the arguments.
fn complaint(instruction: &Instruction, escape: char) -> Option<String> {
    let count = match &instruction.form {
        Form::Json(list) if instruction.keyword != "HEALTHCHECK" => list.len(),
        Form::Json(_) | Form::Shell => instruction.words().count(),
    };
    let needs = |what: &str| Some(format!("`{}` needs {what}", instruction.keyword));
    match (instruction.keyword.as_str(), count) {
        ("CMD" | "ENTRYPOINT", _) | ("FROM", 1) => None,
        (_, 0) => needs("an argument"),
        ("COPY" | "ADD", 1) => needs("a source and a destination"),
        ("FROM", 3) if instruction.words().nth(1).is_some_and(|word| is(word, "AS")) => None,
        ("FROM", _) => needs("one image, and `AS` before a stage's name"),
        ("HEALTHCHECK", _) => {
            let kind = instruction.words().next().unwrap_or_default();
            if is(kind, "NONE") && count > 1 {
                Some("`HEALTHCHECK NONE` takes no arguments".to_owned())
            } else if is(kind, "NONE") || (is(kind, "CMD") && count > 1) {
                None
            } else {
                needs("`NONE`, or `CMD` and a command")
            }
        }
        ("ENV" | "LABEL", _) => pairs_complaint(instruction, escape),
        ("SHELL", _) if !instruction.is_json() => needs("a JSON list"),
        _ => None,
    }
}

/// `name=value …`, or the old form `name value`.
fn pairs_complaint(instruction: &Instruction, escape: char) -> Option<String> {
    let words = words::quoted(&instruction.text, escape);
    let keyword = &instruction.keyword;
    match words.as_slice() {
        [first, ..] if first.contains('=') => words
            .iter()
            .find(|word| !word.contains('='))
            .map(|word| format!("`{keyword}` needs `name=value`, found `{word}`")),
        [_, _, ..] => None,
        _ => Some(format!("`{keyword}` needs a name and a value")),
    }
}

fn is(word: &str, keyword: &str) -> bool {
    word.eq_ignore_ascii_case(keyword)
}
