//! Images in tar files: OCI layouts, and what `docker save` writes.
//!
//! One pass over the headers finds where each file lies; after that, files are read at their places.

mod docker;

pub use docker::DockerArchive;

use crate::{
    error::Error,
    layout::{LayoutFile, LayoutFiles, read},
    manifest::{Descriptor, Index},
    tarball::{Failure, Item, ItemKind, Skip, Tarball},
};
use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::{Digest, Limits, TreePath, reference::Selector};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::FileExt as _,
    sync::Arc,
};

/// An OCI image layout in a tar file.
#[derive(Clone, Debug)]
pub struct OciArchive {
    members: Arc<Members>,
}

impl OciArchive {
    /// Finds the files of an archive.
    ///
    /// # Errors
    /// [`Error::Archive`], [`Error::ArchiveName`], [`Error::NotALayout`], [`Error::Read`].
    pub fn open(path: &Utf8Path, limits: &Limits) -> Result<Self, Error> {
        let archive = Self { members: Arc::new(Members::open(path, limits)?) };
        read::check_marker(&archive)?;
        Ok(archive)
    }

    /// The archive.
    pub fn path(&self) -> &Utf8Path {
        &self.members.path
    }

    /// The index.
    pub fn index(&self) -> Result<Index, Error> {
        read::index(self)
    }

    /// The image that is meant. The one image of an archive is found among its signatures and other referrers.
    ///
    /// # Errors
    /// [`Error::NoSuchImage`], [`Error::SeveralImages`].
    pub fn resolve(&self, selector: &Selector) -> Result<Descriptor, Error> {
        read::resolve(self, selector)
    }

    /// A blob of at most `limit` bytes, verified.
    ///
    /// # Errors
    /// [`Error::MissingBlob`], [`Error::TooLarge`], [`Error::Digest`].
    pub fn read_blob(&self, digest: &Digest, limit: u64) -> Result<Bytes, Error> {
        read::read_blob(self, digest, limit)
    }

    /// The bytes of a blob that has the promised size. Its digest is for the caller to verify: nothing is hashed here.
    ///
    /// # Errors
    /// [`Error::MissingBlob`], [`Error::Size`].
    pub(crate) fn blob_reader(
        &self,
        descriptor: &Descriptor,
    ) -> Result<impl Read + Send + use<>, Error> {
        read::blob_reader(self, descriptor)
    }

    /// Whether a blob is there with the size promised.
    pub fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, Error> {
        read::has_blob(self, descriptor)
    }

    /// Everything that is known to be about `subject`, as [`crate::layout::Layout::referrers`].
    pub fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        read::referrers(self, subject)
    }
}

impl LayoutFiles for OciArchive {
    fn open_file(&self, name: &str) -> Result<Option<LayoutFile>, Error> {
        Ok(self.members.open_file(name.as_bytes()))
    }

    fn place(&self) -> String {
        format!("oci-archive:{}", self.members.path)
    }

    fn limits(&self) -> &Limits {
        &self.members.limits
    }
}

/// Where the files of an archive lie.
#[derive(Debug)]
struct Members {
    file: Arc<File>,
    /// What it is called, for messages.
    path: Utf8PathBuf,
    limits: Limits,
    by_name: BTreeMap<TreePath, Member>,
}

#[derive(Debug, Clone)]
enum Member {
    File {
        offset: u64,
        size: u64,
    },
    /// Another name, for a file that occurs twice.
    Link(TreePath),
}

impl Members {
    fn open(path: &Utf8Path, limits: &Limits) -> Result<Self, Error> {
        let (file, length) = read::open_regular(path)
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Self::of(file, length, path, limits)
    }

    /// The same of a file that is open, of so many bytes.
    fn of(file: File, length: u64, path: &Utf8Path, limits: &Limits) -> Result<Self, Error> {
        let file = Arc::new(file);
        let reader = BufReader::new(At { file: Arc::clone(&file), at: 0 });
        let mut tarball = Tarball::new(ArchiveReader { file: reader, length }, limits.path);
        let mut members =
            Self { file, path: path.to_owned(), limits: limits.clone(), by_name: BTreeMap::new() };
        while let Some(item) = tarball.next().map_err(|failure| members.failed(failure))? {
            if members.by_name.len() >= limits.archive_entries {
                let (from, limit) = (path.to_string(), limits.archive_entries);
                return Err(Error::TooMany { from, what: "entries", limit });
            }
            members.add(&item, length, tarball.header_at())?;
        }
        Ok(members)
    }

    /// Takes in an entry. Two files with one name are refused: programs differ in which of them they read.
    fn add(&mut self, item: &Item, length: u64, header_at: u64) -> Result<(), Error> {
        // Names that lead out of the archive cannot be asked for, so they may lie there unread.
        let Ok(name) = TreePath::parse(&item.name) else { return Ok(()) };
        let member = match (item.kind, item.offset) {
            (ItemKind::File, Some(offset)) => {
                if offset.checked_add(item.size).is_none_or(|end| end > length) {
                    let flaw = crate::tarball::TarFlaw::Truncated;
                    return Err(self.failed(Failure::Flaw { offset: header_at, flaw }));
                }
                Member::File { offset, size: item.size }
            }
            (ItemKind::Hardlink, _) => match TreePath::parse(&item.link) {
                Ok(other) => Member::Link(other),
                Err(_) => return Ok(()),
            },
            (ItemKind::Symlink, _) => match beside(&name, &item.link) {
                Some(other) => Member::Link(other),
                None => return Ok(()),
            },
            (ItemKind::File | ItemKind::Directory | ItemKind::Device | ItemKind::Special, _) => {
                return Ok(());
            }
        };
        match self.by_name.entry(name) {
            Entry::Vacant(slot) => {
                slot.insert(member);
                Ok(())
            }
            Entry::Occupied(slot) => {
                Err(Error::ArchiveName { path: self.path.clone(), name: slot.key().to_string() })
            }
        }
    }

    /// A file by its name; `None` where there is none.
    fn open_file(&self, name: &[u8]) -> Option<LayoutFile> {
        let (at, size) = self.find(name)?;
        let reader = At { file: Arc::clone(&self.file), at }.take(size);
        Some(LayoutFile { size, reader: Box::new(reader), path: self.path.clone() })
    }

    fn find(&self, name: &[u8]) -> Option<(u64, u64)> {
        let mut name = TreePath::parse(name).ok()?;
        for _ in 0..=self.limits.links {
            match self.by_name.get(&name)? {
                Member::File { offset, size } => return Some((*offset, *size)),
                Member::Link(other) => name = other.clone(),
            }
        }
        None
    }

    fn failed(&self, failure: Failure) -> Error {
        let path = self.path.clone();
        match failure {
            Failure::Io(source) => Error::Read { path, source },
            Failure::Flaw { offset, flaw } => Error::Archive { path, offset, source: flaw },
        }
    }
}

/// What a symbolic link at `name` points to, within the archive. `docker save` once wrote `../OTHER/layer.tar`.
fn beside(name: &TreePath, link: &[u8]) -> Option<TreePath> {
    let mut parts: Vec<&[u8]> = name.as_bytes().split(|byte| *byte == b'/').collect();
    parts.pop();
    for part in link.split(|byte| *byte == b'/') {
        match part {
            b".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    TreePath::parse(&parts.join(&b'/')).ok()
}

/// A place in a file that others read as well.
#[derive(Debug)]
struct At {
    file: Arc<File>,
    at: u64,
}

impl Read for At {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(into, self.at)?;
        self.at = self.at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

impl Seek for At {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(to) => Some(to),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// A file that is passed over by seeking.
#[derive(Debug)]
struct ArchiveReader {
    file: BufReader<At>,
    length: u64,
}

impl Read for ArchiveReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file.read(into)
    }
}

impl Skip for ArchiveReader {
    fn skip(&mut self, count: u64) -> io::Result<()> {
        let at = self.file.stream_position()?;
        if at.checked_add(count).is_none_or(|end| end > self.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let count = i64::try_from(count).map_err(io::Error::other)?;
        self.file.seek_relative(count)
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
pub(crate) mod tests;
