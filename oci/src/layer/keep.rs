//! Which files' content is kept while a layer passes by.

use super::{LayerFlaw, flawed};
use crate::{
    error::Error,
    tarball::{Failure, Item, Skip, Tarball},
};
use bytes::Bytes;
use plimsoll_model::{
    TreePath,
    image::Layer,
    tree::{Interest, Want},
};
use std::{
    collections::BTreeMap,
    io::{Read, copy},
    sync::atomic::{AtomicU64, Ordering},
};

/// What is known of the content of a file.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// All of it.
    Kept(Bytes),
    /// Nothing: nobody asked.
    Unasked,
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
            .map_err(|_left| Error::KeptTooLarge { limit: self.limit })
    }

    /// Gives back what was taken for something that is not kept any more.
    pub(crate) fn give_back(&self, count: usize) {
        self.left.fetch_add(u64::try_from(count).unwrap_or_default(), Ordering::Relaxed);
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

/// Keeps the content of the current entry, as far as it is wanted.
pub(super) fn keep<R: Skip>(
    tarball: &mut Tarball<R>,
    item: &Item,
    want: Want,
    reading: &super::Reading<'_>,
) -> Result<Content, Stop> {
    let (magic, needle): (&[u8], &[u8]) = match want {
        Want::Nothing => return Ok(Content::Unasked),
        Want::Content => (&[], &[]),
        Want::Matching { magic, needle } => (magic, needle),
    };
    // A reader that takes no more than this will see from the size why there is no content.
    if item.size > reading.limits.file {
        return Ok(Content::Refused(want));
    }
    let mut content = tarball.reader(item);
    let mut bytes = Vec::new();
    let mut take = |bytes: &mut Vec<u8>, count: u64| {
        let read = copy(&mut Read::by_ref(&mut content).take(count), bytes);
        read.map(drop).map_err(|error| Stop::Failure(content.failure(error)))
    };
    take(&mut bytes, u64::try_from(magic.len()).unwrap_or(u64::MAX))?;
    if bytes != magic {
        return Ok(Content::Refused(want));
    }
    take(&mut bytes, u64::MAX)?;
    if !needle.is_empty() && memchr::memmem::find(&bytes, needle).is_none() {
        return Ok(Content::Refused(want));
    }
    reading.kept.take(bytes.len()).map_err(Stop::Error)?;
    Ok(Content::Kept(Bytes::from(bytes.into_boxed_slice())))
}
