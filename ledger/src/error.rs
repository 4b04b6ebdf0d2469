//! What can go wrong with a ledger.

use crate::RecordId;
use camino::Utf8PathBuf;
use plimsoll_model::{Class, Classify};

/// Why the ledger could not be opened, read or added to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory of the ledger could not be made.
    #[error("cannot create the directory of ledger {path}")]
    CreateDirectory {
        /// The ledger.
        path: Utf8PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not there and could not be made, or may not be opened for writing.
    #[error("cannot open or create ledger {path}")]
    Open {
        /// The ledger.
        path: Utf8PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no SQLite database.
    #[error("{path} is not a ledger: it is no SQLite database")]
    NotADatabase {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The file is a database of something else.
    #[error("{path} is not a ledger: it is a database of another program")]
    NotALedger {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The database is damaged.
    #[error("ledger {path} is damaged")]
    Damaged {
        /// The file.
        path: Utf8PathBuf,
        /// Where SQLite noticed.
        source: rusqlite::Error,
    },
    /// A newer version made it.
    #[error("ledger {path} has schema {found}: expected at most {supported}")]
    NewerSchema {
        /// The file.
        path: Utf8PathBuf,
        /// Its schema.
        found: i64,
        /// The newest that this version knows.
        supported: i64,
    },
    /// Another process holds it for longer than was waited.
    #[error("ledger {path} is locked by another process")]
    Locked {
        /// The file.
        path: Utf8PathBuf,
    },
    /// It can be read and not written.
    #[error("ledger {path} can not be written to")]
    ReadOnly {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The disk is full, an I/O error, or another refusal of SQLite's.
    #[error("cannot access ledger {path}")]
    Database {
        /// The file.
        path: Utf8PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A row is not what was appended.
    #[error("the chain of the ledger is broken at entry {id}: {reason}")]
    ChainBroken {
        /// The first entry that does not fit.
        id: RecordId,
        /// What does not fit.
        reason: Break,
    },
    /// A record could not be put into bytes.
    #[error("cannot encode the record")]
    Encode {
        /// Why.
        source: serde_json::Error,
    },
    /// A record could not be read from its bytes.
    #[error("cannot read the record of ledger entry {id}")]
    Decode {
        /// The entry.
        id: RecordId,
        /// Why.
        source: serde_json::Error,
    },
    /// The record is of a version that is not known.
    #[error("the record of ledger entry {id} has version {found}: expected {supported}")]
    UnsupportedRecord {
        /// The entry.
        id: RecordId,
        /// Its version.
        found: u64,
        /// The version that is known.
        supported: u64,
    },
    /// The inventory of a record is larger than what is read, inflated.
    #[error("the inventory of the record is more than the limit of {limit} bytes")]
    InventoryTooLarge {
        /// The limit.
        limit: u64,
    },
    /// The inventory could not be deflated or inflated.
    #[error("cannot deflate or inflate the inventory of the record")]
    Inventory {
        /// Why.
        source: std::io::Error,
    },
}

/// What does not fit in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Break {
    /// There is no entry of this number, and there are later ones.
    #[error("the entry is missing")]
    Missing,
    /// The entry does not name the hash of the one before it.
    #[error("it does not continue the entry before it")]
    Link,
    /// The record does not have the hash that the entry names.
    #[error("its record does not have its hash")]
    Record,
    /// The columns for looking up say something else than the record.
    #[error("its columns contradict its record")]
    Columns,
    /// The inventory does not have the digest that the record names.
    #[error("its inventory does not have the digest that the record names")]
    Inventory,
    /// The newest entry is not the one that was appended last.
    #[error("it is not what was appended last")]
    Head,
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::CreateDirectory { .. } | Self::Open { .. } | Self::ReadOnly { .. } => {
                Class::Action
            }
            Self::NotADatabase { .. }
            | Self::NotALedger { .. }
            | Self::Damaged { .. }
            | Self::ChainBroken { .. }
            | Self::Decode { .. }
            | Self::InventoryTooLarge { .. }
            | Self::Inventory { .. } => Class::Rejected,
            Self::NewerSchema { .. } | Self::UnsupportedRecord { .. } => Class::Usage,
            Self::Locked { .. } | Self::Database { .. } => Class::Undecided,
            Self::Encode { .. } => Class::Bug,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NewerSchema { .. } | Self::UnsupportedRecord { .. } => {
                "a newer Plimsoll wrote it: use that version or a later one"
            }
            Self::Locked { .. } => "wait for the other process to end, or give each its own ledger",
            Self::CreateDirectory { .. } | Self::Open { .. } | Self::ReadOnly { .. } => {
                "name a ledger in a directory that can be written to"
            }
            Self::NotADatabase { .. } | Self::NotALedger { .. } => {
                "name another file: a ledger is made where there is none"
            }
            Self::Damaged { .. } | Self::ChainBroken { .. } => {
                "restore the ledger from a backup; keep the damaged file to find out what happened"
            }
            Self::Database { .. }
            | Self::Encode { .. }
            | Self::Decode { .. }
            | Self::InventoryTooLarge { .. }
            | Self::Inventory { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
