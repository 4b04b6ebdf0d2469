//! Where reading a script has come to.

use super::{
    Redirect, Word,
    locals::{Certainty, Locals},
};
use crate::dockerfile::{expand::Expanded, lines::Position};
use std::collections::VecDeque;

/// A script that is to be read.
pub(super) struct Pending {
    pub(super) text: String,
    pub(super) place: Place,
    pub(super) depth: usize,
    pub(super) within: Option<usize>,
    /// The variables that are set where it stands.
    pub(super) locals: Locals,
}

/// Where a script stands.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// In the outermost one, from this byte.
    Offset(usize),
    /// In a word that stands here.
    At(Position),
    /// In lines of its own, from this one.
    Lines(u32),
}

/// What is open.
pub(super) struct Frame {
    pub(super) pipeline: usize,
    pub(super) segment: usize,
    pub(super) ends_with: &'static str,
}

impl Frame {
    pub(super) const fn root(pipeline: usize) -> Self {
        Self { pipeline, segment: 0, ends_with: "" }
    }
}

/// A word in the making, with the other values that it may have.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) word: Word,
    pub(super) others: Vec<Expanded>,
    /// Whether it is split where its value has blanks.
    pub(super) splits: bool,
}

impl Candidate {
    /// Every value that it may have.
    pub(super) fn values(&self) -> impl Iterator<Item = &Expanded> {
        std::iter::once(&self.word.value).chain(&self.others)
    }

    /// The words that it is in one of the ways to read the command.
    fn words(&self, way: usize) -> Vec<Word> {
        let at = self.word.at;
        match (self.values().nth(way).unwrap_or(&self.word.value), self.splits) {
            (Expanded::Known(text), true) => {
                let part = |part: &str| (part.to_owned(), Expanded::Known(part.to_owned()));
                let parts = text.split_whitespace().map(part);
                parts.map(|(written, value)| Word { at, written, value }).collect()
            }
            (value, _) => {
                vec![Word { at, written: self.word.written.clone(), value: value.clone() }]
            }
        }
    }

    fn word(&self, way: usize) -> Word {
        let value = self.values().nth(way).unwrap_or(&self.word.value).clone();
        Word { value, ..self.word.clone() }
    }
}

/// An assignment in the making.
#[derive(Debug, Clone)]
pub(super) struct Assigned {
    pub(super) name: String,
    pub(super) value: Candidate,
    /// Whether the value replaces the one before, or is added to it.
    pub(super) certainty: Certainty,
}

/// A command in the making.
pub(super) struct Building {
    pub(super) at: Position,
    pub(super) assignments: Vec<Assigned>,
    pub(super) words: Vec<Candidate>,
    pub(super) redirects: Vec<(&'static str, Candidate)>,
    pub(super) scripts: Vec<(usize, String)>,
    pub(super) bodies: Vec<(Place, String)>,
}

/// One way to read a command.
pub(super) struct Reading {
    pub(super) assignments: Vec<(String, Word)>,
    pub(super) words: Vec<Word>,
    pub(super) redirects: Vec<Redirect>,
}

impl Building {
    pub(super) const fn new(at: Position) -> Self {
        Self {
            at,
            assignments: Vec::new(),
            words: Vec::new(),
            redirects: Vec::new(),
            scripts: Vec::new(),
            bodies: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.assignments.is_empty() && self.words.is_empty() && self.redirects.is_empty()
    }

    /// The ways to read it: as many as the values of the word that may have the most.
    pub(super) fn readings(&self) -> Vec<Reading> {
        let assigned = self.assignments.iter().map(|assigned| &assigned.value);
        let redirected = self.redirects.iter().map(|(_, to)| to);
        let candidates = self.words.iter().chain(assigned).chain(redirected);
        let ways = candidates.map(|candidate| candidate.others.len()).max().unwrap_or(0);
        let reading = |way| Reading {
            assignments: self
                .assignments
                .iter()
                .map(|assigned| (assigned.name.clone(), assigned.value.word(way)))
                .collect(),
            words: self.words.iter().flat_map(|candidate| candidate.words(way)).collect(),
            redirects: self
                .redirects
                .iter()
                .map(|(operator, to)| Redirect { operator, to: to.word(way) })
                .collect(),
        };
        (0..=ways).map(reading).collect()
    }
}

/// One script on the way from tokens to commands.
pub(super) struct Walk<'p> {
    pub(super) pending: &'p Pending,
    pub(super) position: &'p dyn Fn(usize) -> Position,
    pub(super) bodies: VecDeque<(usize, String)>,
    pub(super) frames: Vec<Frame>,
    pub(super) current: Option<Building>,
    pub(super) expects: Expects,
    /// The variables that are set so far.
    pub(super) locals: Locals,
    /// Whether what comes next runs only where what came before went well, or badly.
    pub(super) is_conditional: bool,
    /// Whether a command goes on after the line break that comes next.
    pub(super) is_open: bool,
}

/// What the next token is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expects {
    /// A command.
    Command,
    /// The word of a redirection.
    Target(&'static str),
    /// The variable of a `for`, the word of a `case`, or what follows them.
    Header(Header),
    /// A pattern of a `case`.
    Pattern,
    /// The end of `[[`.
    Test,
    /// The end of a list in brackets that is no command: an array, or what follows a function's name.
    Bracket,
    /// The name of a function.
    Function,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    ForName,
    ForWords,
    Case,
}

impl Walk<'_> {
    pub(super) fn building(&mut self, offset: usize) -> &mut Building {
        let at = (self.position)(offset);
        self.building_at(at)
    }

    pub(super) fn building_at(&mut self, at: Position) -> &mut Building {
        self.current.get_or_insert_with(|| Building::new(at))
    }

    /// Whether a bracket follows a function's name, or the `NAME=` of an array.
    pub(super) fn is_definition_or_array(&mut self) -> bool {
        let Some(current) = &mut self.current else { return false };
        let is_definition = current.words.len() == 1 && current.redirects.is_empty();
        let is_array = current.words.is_empty() && !current.assignments.is_empty();
        if is_definition {
            current.words.clear();
        }
        is_definition || is_array
    }

    pub(super) fn place(&self, offset: usize) -> Place {
        match self.pending.place {
            Place::Offset(base) => Place::Offset(base.saturating_add(offset)),
            Place::At(at) => Place::At(at),
            Place::Lines(_) => Place::At((self.position)(offset)),
        }
    }

    /// The place of a here-document, which begins a line.
    pub(super) fn place_of_body(&self, offset: usize) -> Place {
        match self.pending.place {
            Place::Lines(_) => Place::Lines((self.position)(offset).line),
            Place::Offset(_) | Place::At(_) => self.place(offset),
        }
    }

    /// Whether what is assigned here is assigned whatever happens.
    pub(super) fn certainty(&self) -> Certainty {
        match self.frames.as_slice() {
            [root] if root.segment == 0 && !self.is_conditional => Certainty::Always,
            _ => Certainty::Perhaps,
        }
    }
}

impl Place {
    pub(super) fn position(
        self,
        text: &str,
        offset: usize,
        outermost: &dyn Fn(usize) -> Position,
    ) -> Position {
        match self {
            Self::Offset(base) => outermost(base.saturating_add(offset)),
            Self::At(position) => position,
            Self::Lines(first) => {
                let before = text.get(..offset).unwrap_or_default();
                let lines = before.bytes().filter(|byte| *byte == b'\n').count();
                let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
                let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
                Position {
                    line: first.saturating_add(number(lines)),
                    column: number(column).saturating_add(1),
                }
            }
        }
    }
}
