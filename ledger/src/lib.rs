//! The ledger: every build, append-only, and which of them went bad.
//!
//! Nothing here changes or deletes an entry. Each carries a hash over the one before it and its own record, so that
//! [`Ledger::verify_chain`] tells when a row was changed, taken out or put in by other means. Who can rewrite the whole
//! file can forge the whole chain: keep the newest hash elsewhere to tell that, too.

mod chain;
pub mod error;
pub mod record;
mod stores;

pub use error::{Break, Error};
pub use record::{Record, RecordedVerdict};
pub use stores::sqlite::Ledger;

use plimsoll_model::Digest;
use std::{fmt, str::FromStr};

/// Position of an entry in the ledger, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub i64);

/// A text that is no [`RecordId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed ledger entry number: expected a whole number from 1")]
pub struct RecordIdError;

/// A record with its place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its position.
    pub id: RecordId,
    /// SHA-256 over the hash before it and the bytes of its record.
    pub hash: Digest,
    /// The record.
    pub record: Record,
}

/// Which entries are wanted. The default is the newest 100 of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Only those about this digest.
    pub subject: Option<Digest>,
    /// Only those about a subject of exactly this name.
    pub name: Option<String>,
    /// Only those that ended so.
    pub verdict: Option<RecordedVerdict>,
    /// At most so many.
    pub limit: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self { subject: None, name: None, verdict: None, limit: 100 }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl FromStr for RecordId {
    type Err = RecordIdError;

    fn from_str(text: &str) -> Result<Self, RecordIdError> {
        text.parse().ok().filter(|number| *number > 0).map(Self).ok_or(RecordIdError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_entries() {
        assert_eq!("17".parse(), Ok(RecordId(17)));
        assert_eq!(RecordId(17).to_string(), "17");
        for text in ["", "0", "-1", "x", "1.5", "99999999999999999999"] {
            assert_eq!(text.parse::<RecordId>(), Err(RecordIdError), "{text}");
        }
    }
}
