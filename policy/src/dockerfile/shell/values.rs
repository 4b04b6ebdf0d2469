//! What words come to: every value that they may have, by the variables that are set where they stand.

use super::{
    Command, Word,
    lexer::{self, Lexed, Part},
    locals::{Certainty, Locals},
    reader::Reader,
    walk::{Building, Candidate, Reading, Walk},
};
use crate::dockerfile::expand::{self, Expanded, Variable};

/// Programs that set variables of the shell.
const SETTERS: [&str; 7] = ["export", "declare", "local", "readonly", "typeset", "read", "unset"];

impl Reader<'_> {
    /// The word with every value that it may have, and on the way the scripts in it.
    pub(super) fn expanded(&self, walk: &mut Walk<'_>, word: &Lexed) -> Candidate {
        Self::inner_scripts(walk, word);
        let (written, value) = self.value(&walk.locals, word, 0);
        let mut others = Vec::new();
        for way in 1..ways(&walk.locals, word) {
            let (_, other) = self.value(&walk.locals, word, way);
            if other != value && !others.contains(&other) {
                others.push(other);
            }
        }
        let at = (walk.position)(word.at);
        Candidate { word: Word { at, written, value }, others, splits: false }
    }

    /// A word as it is written, and what it comes to with one of the values of each variable.
    fn value(&self, locals: &Locals, word: &Lexed, way: usize) -> (String, Expanded) {
        let (mut written, mut known, mut unknown) = (String::new(), String::new(), None);
        for part in &word.parts {
            let value = match part {
                Part::Text(text) => {
                    written.push_str(text);
                    Expanded::Known(text.clone())
                }
                Part::Variable(variable) => {
                    written.push_str(variable);
                    self.variable(locals, variable, way)
                }
                Part::Script(_, script) => {
                    let text = format!("$({script})");
                    written.push_str(&text);
                    Expanded::Unknown { variable: text }
                }
                Part::Other(text) => {
                    written.push_str(text);
                    Expanded::Unknown { variable: text.clone() }
                }
            };
            match value {
                Expanded::Known(text) => known.push_str(&text),
                other @ Expanded::Unknown { .. } => {
                    unknown.get_or_insert(other);
                }
            }
        }
        (written, unknown.unwrap_or(Expanded::Known(known)))
    }

    fn variable(&self, locals: &Locals, written: &str, way: usize) -> Expanded {
        if !is_named(written) {
            return Expanded::Unknown { variable: written.to_owned() };
        }
        expand::expand(written, '\\', &|name| {
            let values = locals.of(name);
            let value = values.get(way).or_else(|| values.first());
            value.cloned().unwrap_or_else(|| (self.shell.lookup)(name))
        })
    }

    /// Sets a variable for what comes after.
    pub(super) fn set(
        &self,
        locals: &mut Locals,
        name: &str,
        (new, certainty): (Vec<Variable>, Certainty),
    ) {
        locals.set(name, new, (certainty, (self.shell.lookup)(name)));
    }

    /// Remembers the variables that a command sets for those after it; those that it sets for what it runs itself.
    pub(super) fn remember(&self, walk: &mut Walk<'_>, building: &Building) -> Locals {
        let variable = |value: &Expanded| match value {
            Expanded::Known(text) => Variable::Set(text.as_str().into()),
            Expanded::Unknown { .. } => Variable::Unknown,
        };
        let mut own = walk.locals.clone();
        for assigned in &building.assignments {
            // The one that counts comes last.
            let mut values: Vec<_> = assigned.value.values().map(variable).collect();
            values.reverse();
            let certainty = walk.certainty().min(assigned.certainty);
            self.set(&mut own, &assigned.name, (values, certainty));
        }
        if building.words.is_empty() {
            walk.locals = own.clone();
            return own;
        }
        let sets = |candidate: &Candidate| SETTERS.contains(&candidate.word.text());
        if !building.words.iter().any(sets) {
            return own;
        }
        let mut certainty = walk.certainty();
        for Reading { words, .. } in building.readings().into_iter().rev() {
            let (path, within) = (Vec::new(), None);
            let (assignments, redirects) = (Vec::new(), Vec::new());
            let command = Command { at: building.at, assignments, words, redirects, path, within };
            let Some((name, arguments)) = command.program() else {
                continue;
            };
            for argument in arguments {
                match (name, lexer::assignment(argument.text())) {
                    (
                        "export" | "declare" | "local" | "readonly" | "typeset",
                        Some((name, value)),
                    ) => {
                        let value = match argument.value {
                            Expanded::Known(_) => Variable::Set(value.into()),
                            Expanded::Unknown { .. } => Variable::Unknown,
                        };
                        self.set(&mut walk.locals, name, (vec![value], certainty));
                    }
                    ("read" | "unset", _) => {
                        let unknown = vec![Variable::Unknown];
                        self.set(&mut walk.locals, argument.text(), (unknown, certainty));
                    }
                    _ => {}
                }
            }
            certainty = Certainty::Perhaps;
        }
        own
    }
}

fn is_named(variable: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    variable.trim_start_matches(['$', '{']).starts_with(is_first)
}

/// How many values a word may have: as many as the variable in it that has the most.
fn ways(locals: &Locals, word: &Lexed) -> usize {
    let of_part = |part: &Part| match part {
        Part::Variable(written) if is_named(written) => {
            let name = written.trim_start_matches(['$', '{']);
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = name.find(|c| !is_part(c)).unwrap_or(name.len());
            locals.of(name.get(..end).unwrap_or_default()).len()
        }
        Part::Variable(_) | Part::Text(_) | Part::Script(..) | Part::Other(_) => 1,
    };
    word.parts.iter().map(of_part).max().unwrap_or(1)
}
