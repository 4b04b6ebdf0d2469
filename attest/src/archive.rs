//! An evidence file: everything that it takes to verify images where no registry can be asked.
//!
//! A tar archive (ustar) of an index and of blobs under their digests, each entry exactly as it is written here: a reader makes
//! the header that has to be there and compares, so that no link, folder, other name, extension or second entry of a name
//! comes in. The same content is the same file, byte for byte.
//!
//! What is packed is what somebody has found; it proves no more than it did where it lay. Whom its maker believed is in it
//! too, and is a proposal: who reads the file decides whether to believe the same.

mod index_v1;
mod tarball;

use crate::{Candidate, Error, Trust, text::excerpt};
use index_v1::Blobs;
use jiff::Timestamp;
use plimsoll_model::{Digest, Limits};
use std::collections::BTreeSet;

/// The longest evidence file, in bytes (256 MiB).
pub const ARCHIVE_LIMIT: u64 = 256 << 20;
/// The most images in one.
pub const IMAGES_LIMIT: usize = 1_000;
/// The most candidates for one image.
pub const CANDIDATES_LIMIT: usize = 1_000;
/// The most signers in one.
const SIGNERS_LIMIT: usize = 1_000;
/// The longest text in an index, in bytes.
const TEXT_LIMIT: usize = 16 << 10;

/// What is in an evidence file.
#[derive(Debug, Clone)]
pub struct Archive {
    /// The images.
    pub images: Vec<ArchivedImage>,
    /// Whom its maker believed.
    pub trust: Trust,
    /// What its maker demanded: words that mean something to the policy.
    pub required: BTreeSet<String>,
    /// The policy file that its maker judged by, for people.
    pub policy: Option<String>,
}

/// One image and what was found about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedImage {
    /// What it was called where the file was made. Not yet fit for a terminal.
    pub subject: String,
    /// Its digest.
    pub digest: Digest,
    /// Every candidate, or why it could not be told what there is.
    pub candidates: Result<Vec<Candidate>, String>,
}

impl Archive {
    /// The file.
    ///
    /// [`Error::ArchiveLimit`] where nobody would read it.
    pub fn to_bytes(&self, limits: &Limits) -> Result<Vec<u8>, Error> {
        let mut blobs = Blobs::default();
        let index = index_v1::write(self, &mut blobs, limits)?;
        let bytes = tarball::write(&index, &blobs)?;
        at_most("bytes", bytes.len(), ARCHIVE_LIMIT)?;
        at_most("bytes of index", index.len(), limits.user_file)?;
        Ok(bytes)
    }

    /// Reads a file of at most [`ARCHIVE_LIMIT`] bytes, which whoever reads the file sees to. `now` is what ages
    /// are counted from.
    ///
    /// [`Error::Archive`] where a bit of it is not as [`Archive::to_bytes`] writes it.
    pub fn parse(bytes: &[u8], limits: &Limits, now: Timestamp) -> Result<Self, Error> {
        let (index, blobs) = tarball::read(bytes, limits)?;
        index_v1::read(index, &blobs, limits, now)
    }

    /// What was found about a digest; absent where the file does not speak of it.
    pub fn find(&self, digest: Digest) -> Option<&ArchivedImage> {
        self.images.iter().find(|image| image.digest == digest)
    }
}

fn at_most(what: &str, found: usize, limit: u64) -> Result<(), Error> {
    if u64::try_from(found).is_ok_and(|found| found <= limit) {
        return Ok(());
    }
    Err(Error::ArchiveLimit { what: format!("{found} {what}"), limit })
}

fn malformed(message: impl Into<String>) -> Error {
    Error::Archive { message: excerpt(&message.into()) }
}

#[cfg(test)]
mod tests;
