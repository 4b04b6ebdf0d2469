//! The files of a directory on this machine, as a tree.
//!
//! Only what is there is recorded when the tree is opened; content is read when it is asked for. Links are resolved among
//! the recorded entries, never by the system, so that none leads out of the directory. What is opened then has to be the
//! very file that was recorded (device and inode): whoever changes the directory meanwhile gains nothing.

mod gitignore;
mod links;
mod walk;

use crate::error::Error;
use camino::Utf8Path;
use plimsoll_model::{
    Limits, TreePath,
    tree::{Condenser, Entry, EntryKind, Gap, LayerIndex, LayerInfo, Tree, TreeError},
};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read as _},
    ops::ControlFlow,
    os::fd::OwnedFd,
};
use walk::{Kind, Listing, Node, Record, Walk};

/// The largest file that is looked through, in bytes: a file may be nothing but holes, of any size.
const LARGEST: u64 = 64 << 30;
/// How much of a file is read at first, in bytes: of most files the beginning says that nobody wants them.
const FIRST: usize = 4 << 10;
/// How much is read at once after that.
const CHUNK: usize = 128 << 10;

/// What becomes of files that git ignores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// They are read like any other.
    Read,
    /// Inside a git work tree they are passed over, as its `.gitignore` files say. A root file system, and a directory
    /// that is itself ignored, are read whole.
    PassedOver,
}

/// A directory, or a single file. Cheap to hold: about a hundred bytes for each entry.
#[derive(Debug)]
pub struct DirectoryTree {
    root: OwnedFd,
    listing: Listing,
    links: usize,
}

impl DirectoryTree {
    /// Lists a directory. `.git` is never listed, nor what the kernel shows as files (`/proc`, `/sys`).
    ///
    /// # Errors
    /// [`Error::Read`] when the directory itself can not be opened, [`Error::TooMany`] past
    /// [`Limits::layer_entries`]. Whatever else can not be listed is a [`Gap`].
    pub fn open(path: &Utf8Path, ignored: Ignored, limits: &Limits) -> Result<Self, Error> {
        let failed = |source: io::Error| Error::Read { path: path.to_owned(), source };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, path.as_std_path(), flags, Mode::empty())
            .map_err(|error| failed(error.into()))?;
        let listing = Walk::new(&root, limits).list(path, ignored)?;
        Ok(Self { root, listing, links: limits.links })
    }

    /// A tree with one file in it, under its own name.
    ///
    /// # Errors
    /// [`Error::Read`] when it can not be opened or is no regular file.
    pub fn open_file(path: &Utf8Path, limits: &Limits) -> Result<Self, Error> {
        let failed = |source: io::Error| Error::Read { path: path.to_owned(), source };
        let name = path.file_name().ok_or_else(|| failed(io::ErrorKind::IsADirectory.into()))?;
        // What the user names may be a link; from here on it is the file.
        let real = path.canonicalize_utf8().map_err(failed)?;
        let (Some(directory), Some(real_name)) = (real.parent(), real.file_name()) else {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, directory.as_std_path(), flags, Mode::empty())
            .map_err(|error| failed(error.into()))?;
        let listing = Walk::new(&root, limits).single(name, real_name).map_err(failed)?;
        Ok(Self { root, listing, links: limits.links })
    }

    /// How many files and directories were passed over because git ignores them.
    pub const fn passed_over(&self) -> usize {
        self.listing.ignored
    }

    fn at(&self, path: &[u8]) -> Option<&Record> {
        self.listing.find(path)
    }

    fn entry_of(&self, record: &Record) -> Option<Entry> {
        Some(Entry {
            path: TreePath::parse(self.listing.path(record)).ok()?,
            kind: match record.kind {
                Kind::File => EntryKind::File,
                Kind::Directory => EntryKind::Directory,
                Kind::Special => EntryKind::Special,
                Kind::Link(_) => self.listing.link(record)?.clone(),
            },
            size: record.size,
            mode: record.mode,
            uid: record.uid.into(),
            gid: record.gid.into(),
            capabilities: Box::default(),
            layer: LayerIndex(0),
        })
    }

    fn find(&self, path: &TreePath) -> Result<&Record, TreeError> {
        let path = links::follow(&self.listing, path.as_bytes(), self.links)?;
        self.at(&path).ok_or(TreeError::Absent)
    }

    /// The regular file that `path` leads to, opened, if it is the one that was recorded.
    fn open_content(&self, path: &TreePath) -> Result<(File, u64), TreeError> {
        let record = self.find(path)?;
        if record.kind != Kind::File {
            return Err(TreeError::NotAFile);
        }
        // Nothing waits for the other end of a pipe that has taken the file's place.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let on_disk = self.listing.name_on_disk(record);
        let file =
            rustix::fs::openat(&self.root, on_disk, flags, Mode::empty()).map_err(unreadable)?;
        let stat = rustix::fs::fstat(&file).map_err(unreadable)?;
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if !is_file || Node::of(&stat) != record.node {
            return Err(TreeError::Changed);
        }
        Ok((file.into(), record.size))
    }
}

fn unreadable(error: impl Into<io::Error>) -> TreeError {
    TreeError::Unreadable { reason: walk::reason(&error.into()) }
}

impl Tree for DirectoryTree {
    fn entries(&self) -> Box<dyn Iterator<Item = Entry> + '_> {
        Box::new(self.listing.records.iter().filter_map(|record| self.entry_of(record)))
    }

    fn entry(&self, path: &TreePath) -> Option<Entry> {
        self.at(path.as_bytes()).and_then(|record| self.entry_of(record))
    }

    fn resolve(&self, path: &TreePath) -> Result<Entry, TreeError> {
        self.entry_of(self.find(path)?).ok_or(TreeError::Absent)
    }

    #[expect(clippy::disallowed_methods, reason = "the read is bounded by `take`")]
    fn read(&self, path: &TreePath, limit: u64) -> Result<Cow<'_, [u8]>, TreeError> {
        let (file, size) = self.open_content(path)?;
        if size > limit {
            return Err(TreeError::TooLarge { size, limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        file.take(size.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
        if u64::try_from(bytes.len()) == Ok(size) {
            Ok(Cow::Owned(bytes))
        } else {
            Err(TreeError::Changed)
        }
    }

    fn condensed(
        &self,
        path: &TreePath,
        condenser: &'static Condenser,
    ) -> Result<Option<Cow<'_, [u8]>>, TreeError> {
        let (mut file, size) = self.open_content(path)?;
        if size > LARGEST {
            return Err(TreeError::TooLarge { size, limit: LARGEST });
        }
        let mut condense = (condenser.begin)(size);
        let mut buffer = vec![0; FIRST];
        let mut left = size;
        while left > 0 {
            let count = match file.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(error)),
            };
            let whole = buffer.get(..count).unwrap_or_default();
            let piece = whole.get(..usize::try_from(left).unwrap_or(count)).unwrap_or(whole);
            if piece.is_empty() {
                return Err(TreeError::Changed);
            }
            left = left.saturating_sub(u64::try_from(piece.len()).unwrap_or(left));
            if condense.take(piece) == ControlFlow::Break(()) {
                break;
            }
            buffer.resize(CHUNK, 0);
        }
        Ok(condense.finish().map(Cow::Owned))
    }

    fn earlier(&self, _path: &TreePath) -> Vec<(LayerIndex, Cow<'_, [u8]>)> {
        Vec::new()
    }

    fn layers(&self) -> &[LayerInfo] {
        &[]
    }

    fn gaps(&self) -> &[Gap] {
        &self.listing.gaps
    }
}

#[cfg(test)]
mod tests;
