//! Where reading a script has come to.

use super::{Redirect, Word};
use crate::dockerfile::lines::Position;
use std::collections::VecDeque;

/// A script that is to be read.
pub(super) struct Pending {
    pub(super) text: String,
    pub(super) place: Place,
    pub(super) depth: usize,
    pub(super) within: Option<usize>,
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

/// A command in the making.
pub(super) struct Building {
    pub(super) at: Position,
    pub(super) assignments: Vec<(String, Word)>,
    pub(super) words: Vec<Word>,
    pub(super) redirects: Vec<Redirect>,
    pub(super) scripts: Vec<(usize, String)>,
    pub(super) bodies: Vec<(Place, String)>,
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
}

/// One script on the way from tokens to commands.
pub(super) struct Walk<'p> {
    pub(super) pending: &'p Pending,
    pub(super) position: &'p dyn Fn(usize) -> Position,
    pub(super) bodies: VecDeque<(usize, String)>,
    pub(super) frames: Vec<Frame>,
    pub(super) current: Option<Building>,
    pub(super) expects: Expects,
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
