//! What a shell is told to run: the commands of a script, what is piped into what, and where each stands.
//!
//! A reader of its own, and no library: rules need the commands that can be read whatever else is wrong with a script,
//! and the parser that was tried (brush-parser 0.4) refuses a script as a whole and overflows the stack on one that is
//! nested 3,000 deep, which a pull request may bring. Nothing is run and nothing is looked up here.
//!
//! The grammar is that of a POSIX shell, <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html>, with
//! the forms of bash that are common in Dockerfiles: `[[ ]]`, `<( )`, `<<<`, `&>`, `$' '`.

mod lexer;
mod locals;
mod reader;
mod run;
mod starters;
mod take;
mod values;
mod walk;

use super::{expand::Expanded, instruction::Heredoc, lines::Position};
pub(super) use reader::{Shell, exec, read};
use std::{collections::BTreeMap, rc::Rc};

/// Commands of one instruction that are told apart.
const COMMANDS: usize = 4_000;
/// Scripts in scripts (`$( )`, `sh -c`, here-documents) that are followed.
const DEPTH: usize = 8;
/// Bytes of a script that are read.
const LENGTH: usize = 256 << 10;

/// What an instruction runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// The commands that can be told, in the order of the text; those within others come after them.
    pub commands: Vec<Command>,
    /// What can not be told, and where.
    pub untold: Vec<(Position, String)>,
    /// Scripts in other languages, which are not read.
    pub foreign: Vec<Foreign>,
    /// Here-documents that are written to files, by the path that is named.
    pub files: Vec<(String, Rc<Heredoc>)>,
}

/// Here-documents that are written to files, by the last part of the path.
pub(super) type Files = BTreeMap<String, Rc<Heredoc>>;

/// A script in a language that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Where it begins, or the command that runs it.
    pub at: Position,
    /// The program that runs it.
    pub interpreter: String,
    /// The script.
    pub text: String,
}

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Where it begins.
    pub at: Position,
    /// `NAME=value` in front of it.
    pub assignments: Vec<(String, Word)>,
    /// The program and its arguments; empty where it only assigns or redirects.
    pub words: Vec<Word>,
    /// Where its output goes and its input comes from.
    pub redirects: Vec<Redirect>,
    /// For each list of commands that it stands in, outermost first: which pipeline of the script, and which part of it.
    path: Vec<(usize, usize)>,
    /// The command that this one is inside of, as `$( )`, as the script of a shell, or behind `find -exec`.
    pub within: Option<usize>,
}

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Where it begins.
    pub at: Position,
    /// Without its quotes; variables and commands within it as they are written.
    pub written: String,
    /// The same with its variables replaced, where all of them are known.
    pub value: Expanded,
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The operator without a number: `>`, `>>`, `<`, `<<`, `<<<`, `>&`, ….
    pub operator: &'static str,
    /// The file, the text, or the name of the here-document.
    pub to: Word,
}

/// Programs that read a script from their input or after `-c`.
const SHELLS: [&str; 8] = ["sh", "bash", "ash", "dash", "zsh", "ksh", "busybox", "rbash"];

impl Word {
    /// The text, as far as it is known: with variables replaced where all are, else as written.
    pub fn text(&self) -> &str {
        self.value.known().unwrap_or(&self.written)
    }
}

impl Command {
    /// The program without its directory, and its arguments; past programs that only start another one.
    pub fn program(&self) -> Option<(&str, &[Word])> {
        let mut words = self.words.as_slice();
        // Each turn takes a word.
        loop {
            let (first, rest) = words.split_first()?;
            let name = base_name(first.text());
            let Some(starter) = starters::named(name, rest) else { return Some((name, rest)) };
            words = starter.started(rest);
            if words.is_empty() {
                return Some((name, rest));
            }
        }
    }

    /// The arguments of the program, where it is this one.
    pub fn arguments_of(&self, program: &str) -> Option<&[Word]> {
        self.program().filter(|(name, _)| *name == program).map(|(_, arguments)| arguments)
    }

    /// Whether one of the words, as far as it is known, is this one.
    pub fn has_word(&self, word: &str) -> bool {
        self.words.iter().any(|own| own.text() == word)
    }

    /// Whether it stands behind a pipe.
    pub fn is_fed(&self) -> bool {
        self.path.iter().any(|(_, part)| *part > 0)
    }

    /// Whether its output is the input of the other, directly.
    fn is_just_before(&self, other: &Self) -> bool {
        let mut steps = self.path.iter().zip(&other.path);
        steps.find(|(left, right)| left != right).is_some_and(
            |((left, earlier), (right, later))| {
                left == right && earlier.saturating_add(1) == *later
            },
        )
    }

    /// Whether this is nothing but the redirections of a group, in which the other stands: `{ OTHER; } > FILE`.
    pub fn redirects_group_of(&self, other: &Self) -> bool {
        self.words.is_empty()
            && other.path.len() > self.path.len()
            && other.path.starts_with(&self.path)
    }

    /// Whether the program is a shell.
    pub fn is_shell(&self) -> bool {
        self.program().is_some_and(|(name, _)| SHELLS.contains(&name))
    }
}

impl Script {
    /// Whether the output of the one command is the input of the other, through however many between.
    pub fn feeds(&self, from: &Command, to: &Command) -> bool {
        from.path
            .iter()
            .zip(&to.path)
            .find(|(left, right)| left != right)
            .is_some_and(|((left, earlier), (right, later))| left == right && earlier < later)
    }

    /// The commands that read the output of the one with this number. (Those of one pipeline stand side by side.)
    pub fn readers(&self, number: usize) -> impl Iterator<Item = &Command> {
        let mut rest = self.commands.iter().skip(number);
        let from = rest.next();
        let outermost = |command: &Command| command.path.first().map(|(pipeline, _)| *pipeline);
        let is_near =
            move |to: &&Command| from.is_some_and(|from| outermost(from) == outermost(to));
        let near = rest.take_while(is_near);
        near.filter(move |to| from.is_some_and(|from| self.feeds(from, to)))
    }

    /// The commands inside of another one: in `$( )` of its words, or in the script that it runs.
    pub fn inside<'s>(&'s self, command: &'s Command) -> impl Iterator<Item = &'s Command> {
        let number = self.commands.iter().position(|other| std::ptr::eq(other, command));
        self.commands.iter().filter(move |other| number.is_some() && other.within == number)
    }
}

/// A path without its folders.
pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
