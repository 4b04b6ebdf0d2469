//! What can go wrong with an image.

use plimsoll_model::{Class, Classify, Digest};

/// Why an image could not be read, written or copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes are not what their digest promised.
    #[error("{from} is not what its digest promised: expected {expected}, found {found}")]
    Digest {
        /// What was read, and where.
        from: String,
        /// The digest asked for.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// There are more or fewer bytes than the descriptor promised.
    #[error("{from} has the wrong size: expected {expected} bytes for {digest}, found {}", found.map_or_else(|| "more".to_owned(), |found| found.to_string()))]
    Size {
        /// What was read, and where.
        from: String,
        /// The digest asked for.
        digest: Digest,
        /// The size promised.
        expected: u64,
        /// The size found; absent when reading stopped at the promised size and there was more.
        found: Option<u64>,
    },
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::Digest { .. } | Self::Size { .. } => Class::Rejected,
        }
    }

    fn hint(&self) -> Option<String> {
        None
    }
}
