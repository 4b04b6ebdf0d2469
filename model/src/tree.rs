//! A read-only view of the files of a subject.

use crate::digest::Digest;
use std::{borrow::Cow, fmt, ops::ControlFlow};

/// The files of an image after all its layers, or of a directory.
///
/// Only files that an [`Interest`] asked for have content; all have an [`Entry`].
pub trait Tree: Send + Sync + fmt::Debug {
    /// Every entry of the merged view, in path order.
    fn entries(&self) -> Box<dyn Iterator<Item = Entry> + '_>;

    /// The regular files of which an [`Interest`] may want something, and all symbolic links, in path order. A tree that was
    /// made by an interest leaves out, of a hundred thousand, what that one wanted nothing of.
    fn asked(&self) -> Box<dyn Iterator<Item = Entry> + '_> {
        let is_asked =
            |entry: &Entry| matches!(entry.kind, EntryKind::File | EntryKind::Symlink(_));
        Box::new(self.entries().filter(is_asked))
    }

    /// The entry at exactly this path; a symbolic link is returned as such.
    fn entry(&self, path: &TreePath) -> Option<Entry>;

    /// The entry that `path` leads to, symbolic links followed, never out of the root.
    ///
    /// # Errors
    /// [`TreeError::Absent`], [`TreeError::TooManyLinks`].
    fn resolve(&self, path: &TreePath) -> Result<Entry, TreeError>;

    /// The content of the regular file that `path` leads to, at most `limit` bytes.
    ///
    /// # Errors
    /// Those of [`Tree::resolve`], and [`TreeError::TooLarge`], [`TreeError::NotKept`], [`TreeError::NotAFile`].
    fn read(&self, path: &TreePath, limit: u64) -> Result<Cow<'_, [u8]>, TreeError>;

    /// What `condenser` made of the regular file that `path` leads to, whatever its size; `None` where it found nothing.
    ///
    /// # Errors
    /// Those of [`Tree::resolve`], and [`TreeError::NotKept`], [`TreeError::NotAFile`].
    fn condensed(
        &self,
        path: &TreePath,
        condenser: &'static Condenser,
    ) -> Result<Option<Cow<'_, [u8]>>, TreeError>;

    /// What the file at exactly this path held in the views of lower layers before a higher one replaced or removed it,
    /// each with the layer that it came from, lowest first. Only of files for which [`Interest::wants_earlier`].
    fn earlier(&self, path: &TreePath) -> Vec<(LayerIndex, Cow<'_, [u8]>)>;

    /// The layers this view was made of, lowest first; empty for a directory.
    fn layers(&self) -> &[LayerInfo];

    /// Where nothing is known of what lies there: directories that could not be listed, for example. In path order.
    fn gaps(&self) -> &[Gap] {
        &[]
    }
}

/// A place in a tree of whose entries nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// Where.
    pub path: TreePath,
    /// Why: a sentence without a final period.
    pub reason: String,
}

/// Identity of one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerInfo {
    /// Digest of the layer as stored.
    pub digest: Digest,
    /// Digest of the layer inflated.
    pub diff_id: Digest,
    /// The command that made it, as the image's history has it.
    pub created_by: Option<String>,
}

/// Position of a layer in [`Tree::layers`], lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerIndex(pub u32);

/// One file, directory, link or other entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: TreePath,
    /// What it is.
    pub kind: EntryKind,
    /// Size of a regular file in bytes, else 0.
    pub size: u64,
    /// Permission bits with set-id and sticky (octal 07777).
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// What its `security.capability` attribute holds, cut where that is longer than any that a kernel takes; empty where
    /// there is none, and for what is read from a directory.
    pub capabilities: Box<[u8]>,
    /// The layer that it comes from.
    pub layer: LayerIndex,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file; hard links are files of their own with the same content.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, with the bytes of its target.
    Symlink(Vec<u8>),
    /// A character or block device.
    Device,
    /// A pipe or a socket.
    Special,
}

/// A path inside a tree: relative to its root, without empty, `.` or `..` components; any bytes but NUL.
/// The default is the root.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(Box<[u8]>);

/// A path that leaves its tree, or holds a NUL byte.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("path `{}` leaves the root of the image or holds a NUL byte", crate::Printable(.0))]
pub struct TreePathError(pub String);

impl TreePath {
    /// The path with leading `/`, `./` and double slashes taken away.
    ///
    /// # Errors
    /// When a component is `..` or a byte is NUL: a name that would escape is refused, not bent back.
    pub fn parse(path: &[u8]) -> Result<Self, TreePathError> {
        let mut clean = Vec::with_capacity(path.len());
        for part in path.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => return Err(TreePathError(String::from_utf8_lossy(path).into_owned())),
                part if part.contains(&0) => {
                    return Err(TreePathError(String::from_utf8_lossy(path).into_owned()));
                }
                part => {
                    if !clean.is_empty() {
                        clean.push(b'/');
                    }
                    clean.extend_from_slice(part);
                }
            }
        }
        Ok(Self(clean.into()))
    }

    /// The bytes, without a leading slash; empty for the root.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text, where it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The last component.
    pub fn file_name(&self) -> &[u8] {
        self.0.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
    }

    /// The path without its last component; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        Some(Self(self.0.get(..end).unwrap_or_default().into()))
    }

    /// `child` below this path.
    ///
    /// # Errors
    /// As [`TreePath::parse`].
    pub fn join(&self, child: &str) -> Result<Self, TreePathError> {
        let mut path = self.0.to_vec();
        path.push(b'/');
        path.extend_from_slice(child.as_bytes());
        Self::parse(&path)
    }
}

/// With a leading slash; bytes that are not UTF-8 are replaced. Not yet fit for a terminal: see [`crate::Printable`].
impl fmt::Display for TreePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "/{}", String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Why a file of a tree could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// There is no such file.
    #[error("no such file")]
    Absent,
    /// It is a directory or a special file.
    #[error("not a regular file")]
    NotAFile,
    /// The links are a loop, or a chain longer than [`crate::Limits::links`].
    #[error("too many symbolic links")]
    TooManyLinks,
    /// It is larger than the reader takes.
    #[error("{size} bytes is more than the limit of {limit}")]
    TooLarge {
        /// How large it is.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Nobody had asked for its content when the layers passed by.
    #[error("the content was not kept")]
    NotKept,
    /// It is there, and the system did not let it be read.
    #[error("it can not be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// It is not any more what it was when the tree was listed.
    #[error("it changed while it was read")]
    Changed,
}

/// Decides, while layers pass by, which files' content is kept for later reading.
pub trait Interest: Send + Sync {
    /// What is wanted of a regular file.
    fn want(&self, path: &TreePath, size: u64, mode: u32) -> Want;

    /// A name for all that it wants: another where any answer of it may be another. What was kept of a layer under one
    /// name is never taken for another's. Without a name nothing is kept for later.
    fn id(&self) -> Option<&str> {
        None
    }

    /// Every condenser that it may want.
    fn condensers(&self) -> &[&'static Condenser] {
        &[]
    }

    /// What is wanted of a regular file because a symbolic link at `path` leads to it, besides what is wanted of it under
    /// its own name.
    fn want_by_link(&self, path: &TreePath, size: u64, mode: u32) -> Want {
        self.want(path, size, mode)
    }

    /// Looks at a regular file as it passes by in its layer, whatever higher layers do to it, and besides what is wanted of
    /// it. What comes of it is kept as a [`Note`]; `None` where nobody looks.
    fn inspect(&self, _path: &TreePath, _size: u64) -> Option<Box<dyn Condense>> {
        None
    }

    /// Whether the content that this file had in lower layers is wanted as well.
    fn wants_earlier(&self, _path: &TreePath) -> bool {
        false
    }
}

/// What [`Interest::inspect`] made of one file of one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The layer.
    pub layer: LayerIndex,
    /// The path, as that layer spells it.
    pub path: TreePath,
    /// Where the file still is after all layers, by its first path; `None` where a higher layer replaces or removes it.
    pub remains: Option<TreePath>,
    /// What was made of it.
    pub bytes: Vec<u8>,
}

/// How much of a file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Nothing but its entry.
    Nothing,
    /// All of it.
    Content,
    /// What this makes of it.
    Condensed(&'static Condenser),
}

/// Makes out of a file, while it passes by, the little of it that somebody wants: programs and archives are too many and
/// too large to be held.
#[derive(Debug)]
pub struct Condenser {
    /// Its name; two with one name are one.
    pub id: &'static str,
    /// The name of another, whose readers read what this one makes as well: a hard link that goes by a name of its own
    /// does not make the layer be read again.
    pub also: Option<&'static str>,
    /// Begins with a file of so many bytes.
    pub begin: fn(u64) -> Box<dyn Condense>,
}

impl PartialEq for Condenser {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Condenser {}

impl Condenser {
    /// Whether what this one makes is what `wanted` would make, or more.
    pub fn answers(&self, wanted: &Self) -> bool {
        self == wanted || self.also == Some(wanted.id)
    }

    /// What it makes of a file that is in memory.
    pub fn condense(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut condense = (self.begin)(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        // That nothing more is wanted makes no difference: there is no more.
        let (ControlFlow::Continue(()) | ControlFlow::Break(())) = condense.take(bytes);
        condense.finish()
    }
}

/// One file on its way through a [`Condenser`].
pub trait Condense {
    /// Takes the next piece, of any length; `Break` when no more of the file is wanted.
    fn take(&mut self, piece: &[u8]) -> ControlFlow<()>;

    /// What was made of all pieces; `None` if there is nothing in the file that anybody wants. What it holds is data of
    /// an enemy, made smaller: it is parsed with the same care.
    fn finish(self: Box<Self>) -> Option<Vec<u8>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &[u8], expect: Option<&str>) {
        assert_eq!(TreePath::parse(path).ok().map(|path| path.to_string()).as_deref(), expect);
    }

    #[test]
    fn paths_are_made_relative_and_never_leave_the_root() {
        check(b"./usr//bin/./x/", Some("/usr/bin/x"));
        check(b"/etc/passwd", Some("/etc/passwd"));
        check(b"", Some("/"));
        check(b"a/../b", None);
        check(b"../etc/passwd", None);
        check(b"a\0b", None);
        check(b"..a/b..", Some("/..a/b.."));
    }

    #[test]
    fn parts_of_a_path() {
        let path = TreePath::parse(b"usr/bin/x").unwrap();
        assert_eq!(path.file_name(), b"x");
        assert_eq!(path.parent().unwrap().to_string(), "/usr/bin");
        assert_eq!(TreePath::parse(b"x").unwrap().parent().unwrap().to_string(), "/");
        assert_eq!(TreePath::parse(b"").unwrap().parent(), None);
        assert_eq!(path.parent().unwrap().join("y/z").unwrap().to_string(), "/usr/bin/y/z");
        assert!(path.join("../../../..").is_err());
    }
}
