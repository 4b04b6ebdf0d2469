//! What can go wrong with advisories.

use camino::Utf8PathBuf;
use plimsoll_model::{Class, Classify, Digest};
use std::io;

/// Why advisories could not be read, fetched or stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no index at this path.
    #[error("there is no advisory index at `{path}`")]
    IndexMissing {
        /// Where it was looked for.
        path: Utf8PathBuf,
    },
    /// The index is there and can not be read.
    #[error("cannot read the advisory index `{path}`")]
    IndexUnreadable {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The bytes do not begin as an index does.
    #[error("this is not an advisory index")]
    NotAnIndex,
    /// The index ends before it should, or has more behind it.
    #[error("the advisory index is {found} bytes long, expected {expected}")]
    Truncated {
        /// Bytes that its header announces.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The index was written by an older Plimsoll.
    #[error("the advisory index has format {found}, older than {expected}")]
    OlderFormat {
        /// Its format.
        found: u32,
        /// Ours.
        expected: u32,
    },
    /// The index was written by a newer Plimsoll.
    #[error("the advisory index has format {found}, newer than {expected}")]
    NewerFormat {
        /// Its format.
        found: u32,
        /// Ours.
        expected: u32,
    },
    /// A part of the index contradicts another.
    #[error("the advisory index is damaged: {part} can not be read")]
    Damaged {
        /// Which part.
        part: &'static str,
    },
    /// The digest of the index is not the one that it states.
    #[error("the advisory index is damaged: its digest is {found}, expected {expected}")]
    DigestMismatch {
        /// The digest in its header.
        expected: Digest,
        /// The digest of its bytes.
        found: Digest,
    },
    /// The advisories do not fit into one index.
    #[error("the advisories do not fit into an index: {part} is larger than {limit} bytes")]
    IndexTooLarge {
        /// Which part.
        part: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The index could not be put in its place; the one before is untouched.
    #[error("cannot install the advisory index at `{path}`")]
    Install {
        /// Where to.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder of advisories can not be read.
    #[error("cannot read advisories from `{path}`")]
    Source {
        /// Which.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There are no advisories where some were expected.
    #[error("there are no advisories in `{path}`: expected `*.json` or `all.zip`")]
    NoRecords {
        /// Where.
        path: Utf8PathBuf,
    },
    /// A file of advisories is larger than is taken.
    #[error("`{name}` is larger than {limit} bytes")]
    SourceTooLarge {
        /// The file, or what it was fetched for.
        name: String,
        /// The limit.
        limit: u64,
    },
    /// A folder or an archive holds more files than are taken.
    #[error("`{name}` holds more than {limit} files")]
    TooManyFiles {
        /// The folder or archive.
        name: String,
        /// The limit.
        limit: usize,
    },
    /// An archive of advisories can not be read.
    #[error("cannot read the archive `{name}`")]
    Archive {
        /// The archive.
        name: String,
        /// Why.
        source: zip::result::ZipError,
    },
    /// A list of exploited flaws, scores or lifetimes can not be inflated.
    #[error("cannot inflate `{name}`")]
    List {
        /// The file, or what it was fetched for.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A list of exploited flaws, scores or lifetimes has no entry.
    #[error("`{name}` has no entries")]
    EmptyList {
        /// The file, or what it was fetched for.
        name: String,
    },
    /// This is no list that is known.
    #[error("`{name}` is neither CISA's catalog, EPSS nor a list of distro-info-data")]
    UnknownList {
        /// The file, or what it was fetched for.
        name: String,
    },
    /// A list is another than the one that was asked for.
    #[error("`{name}` is no list of the kind `{expected}`")]
    OtherList {
        /// The file, or what it was fetched for.
        name: String,
        /// What it has to tell.
        expected: &'static str,
    },
    /// An index can not be packed.
    #[error("cannot pack the advisory index")]
    Pack {
        /// Why.
        source: io::Error,
    },
    /// What is kept of former updates can not be written; the index is untouched.
    #[error("cannot keep what was fetched in `{path}`")]
    Keep {
        /// Where.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// This is no name of an ecosystem.
    #[error("`{name}` is not the name of an ecosystem")]
    EcosystemName {
        /// As given.
        name: String,
    },
    /// The feed has no such ecosystem.
    #[error("`{base}` has no advisories for the ecosystem `{ecosystem}`")]
    EcosystemAbsent {
        /// Which.
        ecosystem: String,
        /// The feed.
        base: String,
    },
    /// The feed can not be used as a base of addresses.
    #[error("`{base}` cannot be a base of addresses")]
    FeedUrl {
        /// As given.
        base: String,
    },
    /// The client for fetching could not be set up.
    #[error("cannot set up the client for fetching advisories")]
    Client {
        /// Why.
        source: reqwest::Error,
    },
    /// Fetching failed.
    #[error("cannot fetch `{url}`")]
    Fetch {
        /// What was fetched.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The feed answered, but not with what was asked for.
    #[error("cannot fetch `{url}`: expected status 200, found {status}")]
    Status {
        /// What was fetched.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The list of ecosystems of a feed is not text, or empty.
    #[error("the list of ecosystems at `{url}` is empty or not text")]
    EcosystemList {
        /// Where.
        url: String,
    },
    /// A task of ours was lost.
    #[error("a task that reads advisories was lost")]
    Task {
        /// Why.
        source: tokio::task::JoinError,
    },
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::EcosystemName { .. } | Self::FeedUrl { .. } => Class::Usage,
            Self::Install { .. } | Self::Keep { .. } | Self::Pack { .. } => Class::Action,
            Self::NoRecords { .. }
            | Self::SourceTooLarge { .. }
            | Self::TooManyFiles { .. }
            | Self::Archive { .. }
            | Self::List { .. }
            | Self::EmptyList { .. }
            | Self::UnknownList { .. }
            | Self::OtherList { .. }
            | Self::EcosystemList { .. }
            | Self::IndexTooLarge { .. } => Class::Rejected,
            Self::IndexMissing { .. }
            | Self::IndexUnreadable { .. }
            | Self::NotAnIndex
            | Self::Truncated { .. }
            | Self::OlderFormat { .. }
            | Self::NewerFormat { .. }
            | Self::Damaged { .. }
            | Self::DigestMismatch { .. }
            | Self::Source { .. }
            | Self::EcosystemAbsent { .. }
            | Self::Client { .. }
            | Self::Fetch { .. }
            | Self::Status { .. } => Class::Undecided,
            Self::Task { .. } => Class::Bug,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::IndexMissing { .. } => {
                "make one with `plimsoll db update` or `plimsoll db import DIR`"
            }
            Self::NotAnIndex
            | Self::Truncated { .. }
            | Self::OlderFormat { .. }
            | Self::Damaged { .. }
            | Self::DigestMismatch { .. } => {
                "make it anew with `plimsoll db update` or `plimsoll db import DIR`"
            }
            Self::NewerFormat { .. } => {
                "update Plimsoll, or make the index anew with `plimsoll db update`"
            }
            Self::NoRecords { .. } => {
                "give a folder in the layout of OSV's export (`<ECOSYSTEM>/all.zip`), an `all.zip`, or a record"
            }
            Self::EcosystemAbsent { .. } | Self::EcosystemName { .. } => {
                "names are spelled as in `ecosystems.txt` of the feed (`Debian`, `npm`, `crates.io`)"
            }
            Self::Fetch { .. } | Self::Status { .. } => {
                "the index that was there before is unchanged; without a network use `plimsoll db import DIR`"
            }
            Self::IndexTooLarge { .. } => "choose fewer ecosystems with `--ecosystem`",
            Self::IndexUnreadable { .. }
            | Self::Install { .. }
            | Self::Keep { .. }
            | Self::Pack { .. }
            | Self::List { .. }
            | Self::EmptyList { .. }
            | Self::UnknownList { .. }
            | Self::OtherList { .. }
            | Self::Source { .. }
            | Self::SourceTooLarge { .. }
            | Self::TooManyFiles { .. }
            | Self::Archive { .. }
            | Self::FeedUrl { .. }
            | Self::Client { .. }
            | Self::EcosystemList { .. }
            | Self::Task { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
