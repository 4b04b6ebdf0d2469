//! An instruction with what its variables come to, and what it runs.

use super::{
    expand::{Expanded, Variable},
    instruction::{Flag, Form, Heredoc, Instruction},
    lines::Position,
    mounts::Mount,
    shell::{self, Files, Script, Shell},
    words,
};
use std::rc::Rc;

/// One instruction of a stage, in its place.
#[derive(Debug, Clone)]
pub struct Step {
    /// As written.
    pub instruction: Instruction,
    /// Its arguments: words, the strings of a JSON list, or the pairs of `ENV`, `ARG` and `LABEL`. None for what runs.
    pub arguments: Vec<Argument>,
    /// What `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK` run, in a POSIX shell or without any.
    pub script: Script,
    /// Its flags, each with what its value comes to.
    pub flags: Vec<Argument>,
    /// What a `RUN` mounts.
    pub mounts: Vec<Mount>,
    /// What an `ONBUILD` makes a build run that starts from the image, as far as it can be told here.
    pub triggered: Option<Box<Self>>,
    /// The program that reads the script, where it is no POSIX shell (`SHELL ["powershell", …]`): then nothing is told of it.
    pub interpreter: Option<String>,
}

/// An argument of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Where it begins.
    pub at: Position,
    /// The name, of a pair.
    pub name: Option<String>,
    /// The word, or the value of the pair, as written with its quotes; absent for an `ARG` without a default.
    pub written: Option<String>,
    /// The same with its variables replaced and without its quotes.
    pub value: Option<Expanded>,
}

/// Interpreters whose scripts are read as those of a POSIX shell.
const SHELLS: [&str; 6] = ["sh", "bash", "ash", "dash", "zsh", "ksh"];

/// What an instruction sees where it stands.
pub(super) struct View<'a> {
    /// The character that continues lines.
    pub(super) escape: char,
    /// What is known of variables.
    pub(super) lookup: &'a dyn Fn(&str) -> Variable,
    /// The last `SHELL` of the stage.
    pub(super) shell: Option<&'a [String]>,
    /// What here-documents of steps before it have written.
    pub(super) files: &'a Files,
}

impl Argument {
    /// The text, where it is known.
    pub fn known(&self) -> Option<&str> {
        self.value.as_ref().and_then(Expanded::known)
    }
}

impl Step {
    pub(super) fn of(instruction: &Instruction, view: &View<'_>) -> Self {
        let (mut arguments, mut script, mut interpreter) = (Vec::new(), Script::default(), None);
        match instruction.keyword.as_str() {
            "RUN" | "CMD" | "ENTRYPOINT" | "HEALTHCHECK" => {
                interpreter = view.interpreter().filter(|_| !instruction.is_json());
                if interpreter.is_none() {
                    script = view.script(instruction);
                }
            }
            "ENV" | "ARG" | "LABEL" => arguments = view.pairs(instruction),
            // What is triggered is a step of its own.
            "ONBUILD" => {}
            _ => arguments = view.words(instruction),
        }
        if matches!(instruction.keyword.as_str(), "COPY" | "ADD") {
            script.files = written(instruction, &arguments);
        }
        Self {
            instruction: instruction.clone(),
            arguments,
            script,
            flags: view.flags(instruction),
            mounts: view.mounts(instruction),
            triggered: None,
            interpreter,
        }
    }

    /// The flag with this name.
    pub fn flag(&self, name: &str) -> Option<&Argument> {
        self.flags.iter().find(|flag| flag.name.as_deref() == Some(name))
    }

    /// Where it stands.
    pub const fn at(&self) -> Position {
        self.instruction.at
    }

    /// Its keyword, in upper case.
    pub fn keyword(&self) -> &str {
        &self.instruction.keyword
    }
}

impl View<'_> {
    fn interpreter(&self) -> Option<String> {
        let program = self.shell?.first()?;
        let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
        (!SHELLS.contains(&name.as_str())).then_some(name)
    }

    fn script(&self, instruction: &Instruction) -> Script {
        let heredocs = &instruction.heredocs;
        let shell = Shell { lookup: self.lookup, heredocs, files: self.files };
        if let Form::Json(list) = &instruction.form {
            return shell::exec(&shell, list, instruction.text_at);
        }
        let start = if instruction.keyword == "HEALTHCHECK" {
            // `CMD` comes first, and `NONE` runs nothing.
            let kind = instruction.words().next().unwrap_or_default();
            if kind.eq_ignore_ascii_case("NONE") { instruction.text.len() } else { kind.len() }
        } else {
            0
        };
        let text = instruction.text.get(start..).unwrap_or_default();
        shell::read(&shell, text, &|offset| instruction.position(start.saturating_add(offset)))
    }

    fn expand(&self, text: &str) -> Expanded {
        super::expand::expand(text, self.escape, self.lookup)
    }

    fn flags(&self, instruction: &Instruction) -> Vec<Argument> {
        let flag = |flag: &Flag| Argument {
            at: flag.at,
            name: Some(flag.name.clone()),
            value: flag.value.as_deref().map(|value| self.expand(value)),
            written: flag.value.clone(),
        };
        instruction.flags.iter().map(flag).collect()
    }

    fn mounts(&self, instruction: &Instruction) -> Vec<Mount> {
        let is_mount = |flag: &&Flag| instruction.keyword == "RUN" && flag.name == "mount";
        let read = |flag: &Flag| {
            let value = flag.value.as_deref().unwrap_or_default();
            Mount::read(flag.at, value, &|text| self.expand(text))
        };
        instruction.flags.iter().filter(is_mount).map(read).collect()
    }

    fn words(&self, instruction: &Instruction) -> Vec<Argument> {
        let argument = |at: Position, written: String| {
            let value = Some(self.expand(&written));
            Argument { at, name: None, written: Some(written), value }
        };
        match &instruction.form {
            Form::Json(list) => {
                list.iter().map(|text| argument(instruction.text_at, text.clone())).collect()
            }
            Form::Shell => {
                // As BuildKit takes them apart: quotes hold no words together, and some take all that follows.
                let words = match instruction.keyword.as_str() {
                    "WORKDIR" | "USER" | "STOPSIGNAL" | "MAINTAINER" => {
                        vec![(0, instruction.text.clone())]
                    }
                    _ => words::bare(&instruction.text),
                };
                let placed = words.into_iter().filter(|(_, word)| !word.is_empty());
                placed.map(|(at, word)| argument(instruction.position(at), word)).collect()
            }
        }
    }

    fn pairs(&self, instruction: &Instruction) -> Vec<Argument> {
        let text = &instruction.text;
        let pair = |at: usize, name: &str, written: Option<&str>| Argument {
            at: instruction.position(at),
            // The names of labels may be quoted.
            name: Some(self.expand(name).known().unwrap_or(name).to_owned()),
            written: written.map(str::to_owned),
            value: written.map(|written| self.expand(written)),
        };
        let words = words::placed(text, self.escape);
        let is_old = words.first().is_some_and(|(_, word)| !word.contains('='));
        if instruction.keyword != "ARG" && is_old {
            // The old form: `ENV name value`.
            let first = instruction.words().next().unwrap_or_default();
            let value = text.strip_prefix(first).unwrap_or_default().trim();
            return vec![pair(0, first, Some(value))];
        }
        words
            .into_iter()
            .map(|(at, word)| match word.split_once('=') {
                Some((name, value)) => pair(at, name, Some(value)),
                None => pair(at, &word, None),
            })
            .collect()
    }
}

/// The here-documents that a `COPY` writes, by the files that they become.
fn written(instruction: &Instruction, arguments: &[Argument]) -> Vec<(String, Rc<Heredoc>)> {
    let Some(to) = arguments.last().and_then(Argument::known) else { return Vec::new() };
    let named = instruction.heredocs.iter().map(|heredoc| {
        let path = if to.ends_with('/') { format!("{to}{}", heredoc.name) } else { to.to_owned() };
        (path, Rc::new(heredoc.clone()))
    });
    named.collect()
}
