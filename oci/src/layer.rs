//! One layer: from the blob to its entries, in one pass and without a file.
//!
//! ```text
//! blob ─ counted and hashed ─ inflated ─┃─ hashed again ─ tar entries ─ content that somebody wants
//!             one thread                ┃              another thread
//! ```
//! Whatever goes wrong on the way, the blob is hashed to its end: a layer that is not what its digest promised is
//! reported as that, and not as whatever its forged bytes happened to break.
//!
//! Image specification v1.1.0: <https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md>.

mod files;
mod inflate;
mod keep;
mod pipe;

pub(crate) use files::{LayerEntry, LayerEntryKind, LayerFiles};
pub(crate) use inflate::Compression;
pub(crate) use keep::{Content, KeptBudget, Selection};

use crate::{
    error::Error,
    tarball::{Failure, Item, ItemKind, TarFlaw, Tarball},
};
use keep::{Onlooker, keep};
use pipe::Chunks;
use plimsoll_model::{Digest, Limits, TreePath, image::Layer};
use std::{
    io::{self, Read},
    panic,
    sync::atomic::AtomicBool,
    thread,
};

/// What is wrong with a layer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerFlaw {
    /// It cannot be inflated.
    #[error("its compressed data is malformed")]
    Inflate(#[source] io::Error),
    /// Something other than zeros follows the compressed data. Some programs pass over it, others refuse it.
    #[error("something follows its compressed data")]
    TrailingBytes,
    /// It is larger than is read, inflated. Reading stopped there.
    #[error("it is larger than {limit} bytes when it is inflated")]
    TooLarge {
        /// The limit: the lower of the absolute one and the one that follows from its size as stored.
        limit: u64,
    },
    /// Inflated, it is not what the configuration says.
    #[error(
        "inflated, it is not what the configuration promised: expected {expected}, found {found}"
    )]
    DiffId {
        /// The diffID in the configuration.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// It is no well-formed archive.
    #[error("it is no well-formed archive at byte {offset}")]
    Tar {
        /// Where the entry begins.
        offset: u64,
        /// What is wrong with it.
        source: TarFlaw,
    },
    /// It has more entries than are read.
    #[error("it has more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: u64,
    },
    /// An entry would lie outside the image, or where no entry can lie.
    #[error(
        "its entry `{}` leaves the root of the image, or is no name for what it is",
        plimsoll_model::Printable(path)
    )]
    Path {
        /// The name as it stands there.
        path: String,
    },
    /// The name of an entry or the target of a link is too long.
    #[error(
        "its entry `{}…` has a name or a target of more than {limit} bytes",
        plimsoll_model::Printable(path)
    )]
    PathTooLong {
        /// How the name begins.
        path: String,
        /// The limit.
        limit: usize,
    },
    /// A hard link leads to nothing, or to a directory.
    #[error(
        "its entry `{}` is a hard link to `{}`, which is no file",
        plimsoll_model::Printable(path),
        plimsoll_model::Printable(target)
    )]
    HardLink {
        /// The entry.
        path: String,
        /// What it links to.
        target: String,
    },
    /// The parent directories of an entry are links in a loop, or too long a chain of them.
    #[error("its entry `{}` lies below too many symbolic links", plimsoll_model::Printable(path))]
    Links {
        /// The entry.
        path: String,
    },
}

impl LayerFlaw {
    pub(crate) fn hint(&self) -> Option<String> {
        let is_sparse = matches!(self, Self::Tar { source: TarFlaw::PaxSparse, .. });
        is_sparse.then(|| "make the layer again from an archive without sparse files".to_owned())
    }
}

/// Hears how far the reading of an image has come.
pub trait Progress: Send + Sync {
    /// So many bytes more were read of layers, as stored.
    fn bytes(&self, count: u64);
}

/// What the layers of one image share while they are read.
pub(crate) struct Reading<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) kept: &'a KeptBudget,
    pub(crate) progress: &'a dyn Progress,
    /// Set when nobody waits for the result any more.
    pub(crate) given_up: &'a AtomicBool,
}

/// Reads a layer from the bytes of its blob.
///
/// # Errors
/// [`Error::Digest`] and [`Error::Size`] before any other; [`Error::Layer`]; [`Error::KeptTooLarge`]; what `blob` says.
pub(crate) fn read_layer(
    blob: impl Read + Send,
    layer: &Layer,
    selection: &Selection<'_>,
    reading: &Reading<'_>,
) -> Result<LayerFiles, Error> {
    let limits = reading.limits;
    if layer.size > limits.layer_compressed {
        return Err(Error::TooLarge {
            from: format!("layer {}", layer.digest),
            limit: limits.layer_compressed,
        });
    }
    let (sender, chunks) = Chunks::channel();
    thread::scope(|scope| {
        let inflating = scope.spawn(move || inflate::inflate(blob, layer, reading, &sender));
        let walked = walk(chunks, layer, selection, reading);
        // The inflating thread ends: its receiver is gone, and it reads no more than the blob's promised size.
        let inflated = inflating.join().unwrap_or_else(|payload| panic::resume_unwind(payload));
        let (files, found) = inflated.and(walked)?;
        if found == layer.diff_id {
            Ok(files)
        } else {
            Err(flawed(layer, LayerFlaw::DiffId { expected: layer.diff_id, found }))
        }
    })
}

/// Walks the archive, then through whatever follows it, and gives the diffID.
fn walk(
    chunks: Chunks,
    layer: &Layer,
    selection: &Selection<'_>,
    reading: &Reading<'_>,
) -> Result<(LayerFiles, Digest), Error> {
    let tarball = Tarball::new(chunks, reading.limits.path);
    let mut walk = Walk { tarball, layer, selection, reading, files: LayerFiles::default() };
    let limit = reading.limits.layer_entries;
    let mut count = 0_u64;
    while let Some(item) = walk.tarball.next().map_err(|failure| malformed(layer, failure))? {
        count = count.saturating_add(1);
        if count > limit {
            return Err(flawed(layer, LayerFlaw::TooManyEntries { limit }));
        }
        walk.add(&item)?;
    }
    walk.files.shrink();
    Ok((walk.files, walk.tarball.into_inner().finish()))
}

/// A walk through the archive of a layer.
struct Walk<'a> {
    tarball: Tarball<Chunks>,
    layer: &'a Layer,
    selection: &'a Selection<'a>,
    reading: &'a Reading<'a>,
    files: LayerFiles,
}

impl Walk<'_> {
    fn add(&mut self, item: &Item) -> Result<(), Error> {
        let layer = self.layer;
        let limit = self.reading.limits.path;
        if item.name.len() > limit || item.link.len() > limit {
            let path = text(item.name.get(..64.min(item.name.len())).unwrap_or_default());
            return Err(flawed(layer, LayerFlaw::PathTooLong { path, limit }));
        }
        let refused = |name: &[u8]| flawed(layer, LayerFlaw::Path { path: text(name) });
        let path = TreePath::parse(&item.name).ok().ok_or_else(|| refused(&item.name))?;
        match Meaning::of(&path) {
            Meaning::Ignored => Ok(()),
            Meaning::Refused => Err(refused(&item.name)),
            Meaning::Opaque(directory) => {
                self.files.charge(&directory, self.reading.kept)?;
                self.files.opaques.push(directory);
                Ok(())
            }
            Meaning::Whiteout(path) => {
                self.files.charge(&path, self.reading.kept)?;
                self.files.whiteouts.push(path);
                Ok(())
            }
            Meaning::Entry if path.as_bytes().is_empty() && item.kind != ItemKind::Directory => {
                Err(refused(&item.name))
            }
            Meaning::Entry => self.add_entry(&path, item),
        }
    }

    fn add_entry(&mut self, path: &TreePath, item: &Item) -> Result<(), Error> {
        let layer = self.layer;
        let target;
        let kind = match item.kind {
            ItemKind::File => {
                let ordinal = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
                let want = self.selection.want(ordinal, path, item.size, item.mode);
                let mut onlooker = Onlooker::new(self.selection.inspect(path, item.size));
                let content = keep(&mut self.tarball, item, want, (&mut onlooker, self.reading));
                let content = content.map_err(|stop| stop.into_error(layer))?;
                if let Some(note) = onlooker.finish() {
                    self.files.note(ordinal, note, self.reading.kept)?;
                }
                LayerEntryKind::File(content)
            }
            ItemKind::Directory => LayerEntryKind::Directory,
            ItemKind::Symlink => LayerEntryKind::Symlink(&item.link),
            ItemKind::Hardlink => {
                let refused = || flawed(layer, LayerFlaw::Path { path: text(&item.link) });
                target = TreePath::parse(&item.link).ok().ok_or_else(refused)?;
                LayerEntryKind::Hardlink(target.as_bytes())
            }
            ItemKind::Device => LayerEntryKind::Device,
            ItemKind::Special => LayerEntryKind::Special,
        };
        let (directory, name) = split(path.as_bytes());
        let Item { size, mode, uid, gid, .. } = *item;
        let capabilities = &item.capabilities;
        let entry = LayerEntry { directory, name, kind, size, mode, uid, gid, capabilities };
        self.files.push(entry, self.reading.kept)
    }
}

/// The directory of a path, and the name in it.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => {
            let (directory, name) = path.split_at(slash);
            (directory, name.get(1..).unwrap_or_default())
        }
        None => (b"", path),
    }
}

/// What the name of an entry says about it.
enum Meaning {
    Entry,
    /// Removes this path from the layers below.
    Whiteout(TreePath),
    /// Empties this directory of what the layers below have in it.
    Opaque(TreePath),
    /// For those who build or lazily pull the layer, not for those who run it.
    Ignored,
    /// A marker for nothing.
    Refused,
}

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Begins the names of what AUFS keeps in the root of its branches; no runtime unpacks it.
const AUFS: &[u8] = b".wh..wh.";
/// What eStargz adds to a layer: its table of contents, and where prefetching ends.
const STARGZ: [&[u8]; 3] = [b"stargz.index.json", b".prefetch.landmark", b".no.prefetch.landmark"];

impl Meaning {
    fn of(path: &TreePath) -> Self {
        let bytes = path.as_bytes();
        let name = path.file_name();
        if name == OPAQUE {
            return path.parent().map_or(Self::Refused, Self::Opaque);
        }
        if STARGZ.contains(&bytes) || bytes.starts_with(AUFS) {
            return Self::Ignored;
        }
        let Some(hidden) = name.strip_prefix(WHITEOUT) else { return Self::Entry };
        let mut hidden_path =
            path.parent().map(|parent| parent.as_bytes().to_vec()).unwrap_or_default();
        hidden_path.push(b'/');
        hidden_path.extend_from_slice(hidden);
        match TreePath::parse(&hidden_path) {
            // `.wh.` and `.wh..` would remove the directory that they lie in.
            Ok(path) if path.file_name() == hidden => Self::Whiteout(path),
            _ => Self::Refused,
        }
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) const fn flawed(layer: &Layer, flaw: LayerFlaw) -> Error {
    Error::Layer { layer: layer.digest, source: flaw }
}

fn malformed(layer: &Layer, failure: Failure) -> Error {
    match failure {
        // The pipe gives no other error than its end.
        Failure::Io(_) => Error::GivenUp,
        Failure::Flaw { offset, flaw } => flawed(layer, LayerFlaw::Tar { offset, source: flaw }),
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
