//! Which files' content is kept while a layer passes by.

use super::{LayerFlaw, flawed};
use crate::{
    error::Error,
    kept::Kept,
    tarball::{Failure, Item, Skip, Tarball},
};
use plimsoll_model::{
    TreePath,
    image::Layer,
    tree::{Condense, Condenser, Interest, Want},
};
use std::{
    collections::BTreeMap,
    io::{BufRead, copy},
    ops::ControlFlow,
    sync::atomic::{AtomicU64, Ordering},
};

/// What is known of the content of a file.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// All of it.
    Kept(Kept),
    /// What this made of it.
    Condensed(&'static Condenser, Kept),
    /// Nothing: nobody asked.
    Unasked,
    /// Nothing, though somebody asked: it is a hole, which may be of any size.
    Hole,
    /// That it is not what was asked for, or that it is larger than any reader takes.
    Refused(Want),
}

/// How much more of an image may be kept.
#[derive(Debug)]
pub(crate) struct KeptBudget {
    left: AtomicU64,
    limit: u64,
}

impl KeptBudget {
    pub(crate) const fn new(limit: u64) -> Self {
        Self { left: AtomicU64::new(limit), limit }
    }

    /// Takes so many bytes from what is left.
    pub(crate) fn take(&self, count: usize) -> Result<(), Error> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(count))
            .map(drop)
            .map_err(|_left| self.exceeded())
    }

    /// How much there was.
    pub(crate) const fn limit(&self) -> u64 {
        self.limit
    }

    /// That there is no more.
    pub(crate) const fn exceeded(&self) -> Error {
        Error::KeptTooLarge { limit: self.limit }
    }

    /// Gives back what was taken for something that is not kept any more.
    pub(crate) fn give_back(&self, count: usize) {
        self.left.fetch_add(u64::try_from(count).unwrap_or_default(), Ordering::Relaxed);
    }
}

/// What was taken of a budget for something that may yet come to nothing: given back unless it is used.
#[derive(Debug)]
pub(crate) struct Loan<'a> {
    budget: &'a KeptBudget,
    taken: usize,
}

impl<'a> Loan<'a> {
    /// Nothing yet.
    pub(crate) const fn new(budget: &'a KeptBudget) -> Self {
        Self { budget, taken: 0 }
    }

    /// Takes so many bytes more; `None` if there are not so many left.
    pub(crate) fn take(&mut self, count: usize) -> Option<()> {
        self.budget.take(count).ok()?;
        self.taken = self.taken.saturating_add(count);
        Some(())
    }

    /// Says that what it was taken for is there.
    pub(crate) fn used(mut self) {
        self.taken = 0;
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.budget.give_back(self.taken);
    }
}

/// How it is decided what is kept of a layer.
#[derive(Clone, Copy)]
pub(crate) enum Selection<'a> {
    /// By path.
    Interest(&'a dyn Interest),
    /// By position among the layer's entries.
    Ordinals(&'a BTreeMap<u32, Want>),
}

impl Selection<'_> {
    /// Who looks at a file as it passes by. What is read a second time was looked at the first.
    pub(super) fn inspect(&self, path: &TreePath, size: u64) -> Option<Box<dyn Condense>> {
        match self {
            Self::Interest(interest) => interest.inspect(path, size),
            Self::Ordinals(_) => None,
        }
    }

    pub(super) fn want(&self, ordinal: u32, path: &TreePath, size: u64, mode: u32) -> Want {
        match self {
            Self::Interest(interest) => interest.want(path, size, mode),
            Self::Ordinals(wanted) => wanted.get(&ordinal).copied().unwrap_or(Want::Nothing),
        }
    }
}

/// Why content was not kept.
#[derive(Debug)]
pub(super) enum Stop {
    Failure(Failure),
    Error(Error),
}

impl Stop {
    pub(super) fn into_error(self, layer: &Layer) -> Error {
        match self {
            Self::Failure(Failure::Io(_)) => Error::GivenUp,
            Self::Failure(Failure::Flaw { offset, flaw }) => {
                flawed(layer, LayerFlaw::Tar { offset, source: flaw })
            }
            Self::Error(error) => error,
        }
    }
}

/// Somebody who looks at a file while it passes by, until there is nothing more to see for them.
pub(super) struct Onlooker {
    look: Option<Box<dyn Condense>>,
    flow: ControlFlow<()>,
}

impl Onlooker {
    /// `None` is nobody.
    pub(super) fn new(look: Option<Box<dyn Condense>>) -> Self {
        let flow = match look {
            Some(_) => ControlFlow::Continue(()),
            None => ControlFlow::Break(()),
        };
        Self { look, flow }
    }

    fn is_done(&self) -> bool {
        self.flow.is_break()
    }

    /// Shows the next piece; `Break` where nobody looks any more.
    fn take(&mut self, piece: &[u8]) -> ControlFlow<()> {
        if let (Some(look), ControlFlow::Continue(())) = (&mut self.look, self.flow) {
            self.flow = look.take(piece);
        }
        self.flow
    }

    /// What was noted.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        self.look.and_then(Condense::finish)
    }
}

/// Keeps the content of the current entry, as far as it is wanted, and shows it to the onlooker.
pub(super) fn keep<R: Skip + BufRead>(
    tarball: &mut Tarball<R>,
    item: &Item,
    want: Want,
    (onlooker, reading): (&mut Onlooker, &super::Reading<'_>),
) -> Result<Content, Stop> {
    match want {
        Want::Content if item.size <= reading.limits.file => {
            let mut content = tarball.reader(item);
            let mut bytes = Vec::new();
            copy(&mut content, &mut bytes)
                .map_err(|error| Stop::Failure(content.failure(error)))?;
            charge(&bytes, reading)?;
            // Whether more of it would be looked at makes no difference: there is no more.
            let (ControlFlow::Continue(()) | ControlFlow::Break(())) = onlooker.take(&bytes);
            Ok(Content::Kept(Kept::new(bytes)))
        }
        Want::Condensed(condenser) => condense(tarball, item, condenser, (onlooker, reading)),
        // A reader that takes no more than this will see from the size why there is no content.
        Want::Nothing | Want::Content => {
            if !onlooker.is_done() && item.offset.is_some() {
                let shown = tarball.reader(item).each_piece(|piece| onlooker.take(piece));
                shown.map_err(Stop::Failure)?;
            }
            let is_refused = want == Want::Content;
            Ok(if is_refused { Content::Refused(want) } else { Content::Unasked })
        }
    }
}

fn condense<R: Skip + BufRead>(
    tarball: &mut Tarball<R>,
    item: &Item,
    condenser: &'static Condenser,
    (onlooker, reading): (&mut Onlooker, &super::Reading<'_>),
) -> Result<Content, Stop> {
    // A hole of any size costs nothing in the archive: whoever reads it may read for ever.
    if item.offset.is_none() {
        return Ok(Content::Hole);
    }
    let mut condense = (condenser.begin)(item.size);
    let mut flow = ControlFlow::Continue(());
    let both = |piece: &[u8]| {
        if flow.is_continue() {
            flow = condense.take(piece);
        }
        match onlooker.take(piece) {
            ControlFlow::Break(()) => flow,
            ControlFlow::Continue(()) => ControlFlow::Continue(()),
        }
    };
    tarball.reader(item).each_piece(both).map_err(Stop::Failure)?;
    match condense.finish() {
        Some(bytes) => {
            charge(&bytes, reading)?;
            // It is small already, and is looked at by several.
            Ok(Content::Condensed(condenser, Kept::plain(bytes)))
        }
        None => Ok(Content::Refused(Want::Condensed(condenser))),
    }
}

/// Bytes that are kept count for as many as they are when they are read.
fn charge(bytes: &[u8], reading: &super::Reading<'_>) -> Result<(), Stop> {
    reading.kept.take(bytes.len()).map_err(Stop::Error)
}
