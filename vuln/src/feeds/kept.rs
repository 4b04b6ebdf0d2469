//! What former updates fetched, so that the next one fetches only what changed.
//!
//! A folder beside the index, laid out like OSV's export (`npm/all.zip`): it can be imported, too. Beside each file lies
//! what it has to be (`npm/all.zip.tag`): its digest, where it is from, and what the server called it. A file that is
//! something else, whatever the reason, is fetched anew. One update at a time.

use crate::{Error, install::replace, source::read_at_most};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::Digest;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind},
    sync::Arc,
    time::Duration,
};

/// How long to wait before another update is asked again whether it is done.
const PAUSE: Duration = Duration::from_millis(50);
/// The largest tag, in bytes (64 KiB).
const LARGEST_TAG: u64 = 64 << 10;

/// The folder, held by this update alone until it is dropped.
#[derive(Debug, Clone)]
pub struct Kept {
    folder: Utf8PathBuf,
    _lock: Arc<File>,
}

/// A file as it was kept.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    pub(super) tag: Tag,
}

/// What a file has to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tag {
    pub(super) digest: Option<Digest>,
    /// The address that it stands for.
    pub(super) from: String,
    /// What the server called exactly these bytes.
    #[serde(default)]
    pub(super) version: Version,
    /// What the server called the list of records that an archive agreed with.
    #[serde(default)]
    pub(super) list: Version,
}

/// What a server calls the bytes that it sends: `ETag` and `Last-Modified`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) etag: Option<String>,
    pub(super) modified: Option<String>,
}

impl Version {
    pub(super) const fn is_known(&self) -> bool {
        self.etag.is_some() || self.modified.is_some()
    }
}

impl Tag {
    pub(super) fn new(from: &str, version: Version, list: Version) -> Self {
        Self { digest: None, from: from.to_owned(), version, list }
    }
}

impl Kept {
    /// The folder beside `index`, once no other update works in it.
    pub async fn beside(index: &Utf8Path) -> Result<Self, Error> {
        let folder = Utf8PathBuf::from(format!("{index}.feeds"));
        let failed = |source| Error::Keep { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"))
            .map_err(failed)?;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
                // Where files can not be locked, renaming alone has to do: of two updates the last one stays.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => break,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        Ok(Self { folder, _lock: Arc::new(lock) })
    }

    /// A file that was fetched from `from`, if it is what it was.
    pub(super) fn read(&self, name: &str, from: &str, limit: u64) -> Option<Held> {
        let read = |path: &Utf8Path, limit| read_at_most(File::open(path)?, limit);
        let tag = read(&self.tag_path(name), LARGEST_TAG).ok()??;
        let tag: Tag = serde_json::from_slice(&tag).ok()?;
        if tag.from != from {
            return None;
        }
        let bytes = read(&self.folder.join(name), limit).ok()??;
        (tag.digest == Some(Digest::of(&bytes))).then_some(Held { bytes, tag })
    }

    /// Keeps a file. Where it ends half-way, the old tag does not fit, and the file is fetched anew.
    pub(super) fn write(&self, name: &str, bytes: &[u8], tag: Tag) -> Result<(), Error> {
        let path = self.folder.join(name);
        let tag = Tag { digest: Some(Digest::of(bytes)), ..tag };
        let keep = || {
            replace(bytes, &path)?;
            let tag = serde_json::to_vec(&tag).map_err(io::Error::from)?;
            replace(&tag, &self.tag_path(name))
        };
        keep().map_err(|source| Error::Keep { path: path.clone(), source })
    }

    /// Writes the tag of a file that stays as it is.
    pub(super) fn write_tag(&self, name: &str, bytes: &[u8], tag: Tag) -> Result<(), Error> {
        let path = self.tag_path(name);
        let tag = Tag { digest: Some(Digest::of(bytes)), ..tag };
        let keep = || replace(&serde_json::to_vec(&tag).map_err(io::Error::from)?, &path);
        keep().map_err(|source| Error::Keep { path: path.clone(), source })
    }

    fn tag_path(&self, name: &str) -> Utf8PathBuf {
        self.folder.join(format!("{name}.tag"))
    }
}
