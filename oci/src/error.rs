//! What can go wrong with an image.

use crate::{layer::LayerFlaw, tarball::TarFlaw};
use camino::Utf8PathBuf;
use plimsoll_model::{
    Class, Classify, Digest, Printable,
    platform::Platform,
    reference::{Place, Tag},
};
use std::{fmt, io, time::Duration};

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
    /// A document or an answer is larger than anything honest.
    #[error("{from} is larger than {limit} bytes")]
    TooLarge {
        /// What was read, and where.
        from: String,
        /// The limit.
        limit: u64,
    },
    /// There are more parts than anything honest has.
    #[error("{from} has more than {limit} {what}")]
    TooMany {
        /// What was read, and where.
        from: String,
        /// Of what there are too many.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A document is not JSON, or not of the form it should have.
    #[error("{from} is malformed")]
    Json {
        /// What was read, and where.
        from: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A manifest or a configuration has a key in another case than it is specified, which some programs take and some do not.
    #[error("{from} is ambiguous: the key `{key}` differs from a known one only by its case")]
    Respelled {
        /// What was read, and where.
        from: String,
        /// The key.
        key: String,
    },
    /// A document can be taken for two things.
    #[error("{from} is ambiguous: `{one}` and `{other}` at once")]
    Ambiguous {
        /// What was read, and where.
        from: String,
        /// What it is by one account.
        one: String,
        /// What it is by another.
        other: String,
    },
    /// A manifest of Docker's schema 1, whose digest does not cover its layers' order the way later ones do.
    #[error("{from} is a manifest of schema 1, which is not supported")]
    Schema1 {
        /// What was read, and where.
        from: String,
    },
    /// A document is neither an image manifest nor an index.
    #[error("{from} is neither an image manifest nor an index: found media type `{found}`")]
    NotAManifest {
        /// What was read, and where.
        from: String,
        /// The media type found.
        found: String,
    },
    /// A manifest lacks what makes it one.
    #[error("{from} is incomplete: it has no `{field}`")]
    Incomplete {
        /// What was read, and where.
        from: String,
        /// The field that is absent.
        field: &'static str,
    },
    /// A layer is to be fetched from elsewhere than the registry.
    #[error("{from} has a layer that is not kept with it: {layer}")]
    ForeignLayer {
        /// What was read, and where.
        from: String,
        /// The layer.
        layer: Digest,
    },
    /// A registry would have been asked although the network was refused.
    #[error("cannot {attempt}: the network is not to be used")]
    Offline {
        /// What was attempted.
        attempt: Attempt,
    },
    /// The HTTP client could not be set up.
    #[error("cannot set up the HTTP client")]
    Client {
        /// Why not.
        source: reqwest::Error,
    },
    /// A server could not be reached, or the connection broke.
    #[error("cannot {attempt}")]
    Transport {
        /// What was attempted.
        attempt: Attempt,
        /// What happened.
        source: reqwest::Error,
    },
    /// The server's certificate was not accepted, or it does not speak TLS.
    #[error("cannot {attempt}: no secure connection")]
    Tls {
        /// What was attempted.
        attempt: Attempt,
        /// What happened.
        source: reqwest::Error,
    },
    /// Nothing came, or nothing was taken, for too long.
    #[error("cannot {attempt}: nothing moved for {} seconds", after.as_secs())]
    Stalled {
        /// What was attempted.
        attempt: Attempt,
        /// How long was waited.
        after: Duration,
    },
    /// Wrong or absent credentials (401).
    #[error("cannot {attempt}: not logged in{}", reason.shown())]
    Unauthorized {
        /// What was attempted.
        attempt: Attempt,
        /// What the registry said.
        reason: Reason,
    },
    /// The credentials do not allow it (403).
    #[error("cannot {attempt}: not allowed{}", reason.shown())]
    Forbidden {
        /// What was attempted.
        attempt: Attempt,
        /// What the registry said.
        reason: Reason,
    },
    /// It is not there (404).
    #[error("cannot {attempt}: not found{}", reason.shown())]
    NotFound {
        /// What was attempted.
        attempt: Attempt,
        /// What the registry said.
        reason: Reason,
    },
    /// Asked too often (429).
    #[error("cannot {attempt}: rate limited{}", reason.shown())]
    RateLimited {
        /// What was attempted.
        attempt: Attempt,
        /// When to come again, where the registry says so.
        retry_after: Option<Duration>,
        /// What the registry said.
        reason: Reason,
    },
    /// The server is in trouble (408, 499, 5xx).
    #[error("cannot {attempt}: status {status}{}", reason.shown())]
    Unavailable {
        /// What was attempted.
        attempt: Attempt,
        /// The status.
        status: u16,
        /// When to come again, where the registry says so.
        retry_after: Option<Duration>,
        /// What the registry said.
        reason: Reason,
    },
    /// Any other status that was not expected.
    #[error("cannot {attempt}: unexpected status {status}{}", reason.shown())]
    Status {
        /// What was attempted.
        attempt: Attempt,
        /// The status.
        status: u16,
        /// What the registry said.
        reason: Reason,
    },
    /// An answer lacks a header, or has one that makes no sense.
    #[error("cannot {attempt}: the answer has no usable `{header}` header")]
    Header {
        /// What was attempted.
        attempt: Attempt,
        /// The header.
        header: &'static str,
    },
    /// A registry wants its login done by a host that is not known to be its own.
    #[error(
        "cannot log in to `{registry}`: it wants the login done by `{realm}`, which is not known to belong to it"
    )]
    ForeignRealm {
        /// The registry.
        registry: String,
        /// The host it names.
        realm: String,
    },
    /// A server sends us on to a place where we do not go: from https to http, or to this machine's own network.
    #[error("cannot {attempt}: refused to be sent on to `{to}`")]
    Redirect {
        /// What was attempted.
        attempt: Attempt,
        /// Where it would have gone: scheme, host and port.
        to: String,
    },
    /// A server sends us on and on.
    #[error("cannot {attempt}: sent on more than {limit} times")]
    Redirects {
        /// What was attempted.
        attempt: Attempt,
        /// The limit.
        limit: u32,
    },
    /// The list of referrers never ends.
    #[error("cannot {attempt}: the pages of the list lead back to themselves or never end")]
    Pagination {
        /// What was attempted.
        attempt: Attempt,
    },
    /// A referrer was written, and then was not in the list of its subject's referrers.
    #[error("wrote the referrer {referrer} of {subject}, but `{place}` does not list it")]
    ReferrerLost {
        /// Where.
        place: Box<Place>,
        /// What it is about.
        subject: Digest,
        /// The referrer.
        referrer: Digest,
    },
    /// A tag is not what it was expected to be.
    #[error("tag `{tag}` of `{place}` has moved: expected {}, found {}", digest_or_none(expected.as_ref()), digest_or_none(found.as_ref()))]
    TagMoved {
        /// Where.
        place: Box<Place>,
        /// The tag.
        tag: Tag,
        /// The digest expected; absent when there was to be no such tag.
        expected: Option<Digest>,
        /// The digest found.
        found: Option<Digest>,
    },
    /// The registry has lost what it said where to upload to.
    #[error("cannot {attempt}: the upload was given up by the registry{}", reason.shown())]
    UploadLost {
        /// What was attempted.
        attempt: Attempt,
        /// What the registry said.
        reason: Reason,
    },
    /// A thread that worked for this crate died.
    #[error("a background task died")]
    Task {
        /// How.
        source: tokio::task::JoinError,
    },
    /// What was named is no image in a registry or a layout.
    #[error("`{reference}` is no image")]
    NotAnImage {
        /// What was named.
        reference: String,
    },
    /// What was named can be read but not written.
    #[error("`{reference}` cannot be written to: expected a registry or `oci-layout:`")]
    ReadOnly {
        /// What was named.
        reference: String,
    },
    /// The file with the credentials is malformed.
    #[error("the credentials for registries are malformed: {problem}")]
    Credentials {
        /// What is wrong with them; never the credentials themselves.
        problem: &'static str,
    },
    /// A credential helper has a name that no helper has.
    #[error(
        "malformed name of a credential helper `{name}`: expected letters, digits, `_` and `-`"
    )]
    HelperName {
        /// The name.
        name: String,
    },
    /// A credential helper is not installed.
    #[error("credential helper `docker-credential-{name}` is not on PATH")]
    HelperAbsent {
        /// The name.
        name: String,
    },
    /// A credential helper could not be run, failed, or said something that makes no sense.
    #[error(
        "credential helper `docker-credential-{name}` gave no credentials for `{registry}`: {problem}"
    )]
    Helper {
        /// The name.
        name: String,
        /// For which registry.
        registry: String,
        /// What happened.
        problem: &'static str,
    },
    /// A file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file or directory.
        path: Utf8PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What an engine sends could not be kept until it is read.
    #[error("cannot {attempt}: cannot keep what it sends in a temporary file")]
    Spool {
        /// What was attempted.
        attempt: Attempt,
        /// Why not.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}")]
    Write {
        /// The file or directory.
        path: Utf8PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A blob is not where it should be.
    #[error("{place} has no blob {digest}")]
    MissingBlob {
        /// Where it should be.
        place: String,
        /// Its digest.
        digest: Digest,
    },
    /// A directory or an archive is no OCI image layout, or of a version that is not known.
    #[error("{place} is no OCI image layout: {problem}")]
    NotALayout {
        /// What was opened.
        place: String,
        /// What it lacks.
        problem: &'static str,
    },
    /// A directory that was to become a layout holds other things.
    #[error("cannot make an OCI image layout in {path}: the directory is not empty")]
    ForeignDirectory {
        /// The directory.
        path: Utf8PathBuf,
    },
    /// An archive is malformed.
    #[error("{path} is malformed at byte {offset}")]
    Archive {
        /// The archive.
        path: Utf8PathBuf,
        /// Where the entry begins.
        offset: u64,
        /// What is wrong with it.
        source: TarFlaw,
    },
    /// Two entries of an archive, or two of its images, have the same name.
    #[error("{path} is ambiguous: it has `{}` twice", Printable(name))]
    ArchiveName {
        /// The archive.
        path: Utf8PathBuf,
        /// The name.
        name: String,
    },
    /// There is no such image in a layout or an archive.
    #[error("{place} has no image {asked}: it has {}", list(names))]
    NoSuchImage {
        /// Where.
        place: String,
        /// Which was asked for.
        asked: String,
        /// Those there are, by tag or digest.
        names: Vec<String>,
    },
    /// A layout or an archive holds several images, and it was not said which.
    #[error("{place} has several images: {}", list(names))]
    SeveralImages {
        /// Where.
        place: String,
        /// Those there are, by tag or digest.
        names: Vec<String>,
    },
    /// An image is not there for the platform.
    #[error("{place} has no image for {asked}: it has {}", list(offered))]
    NoPlatform {
        /// Which image.
        place: String,
        /// The platform wanted.
        asked: Platform,
        /// The platforms there are.
        offered: Vec<Platform>,
    },
    /// Indexes lie in indexes, deeper than anything honest.
    #[error("{place} has indexes within indexes, more than {limit} deep")]
    NestedIndexes {
        /// Which image.
        place: String,
        /// The limit.
        limit: usize,
    },
    /// The configuration speaks of other layers than the manifest.
    #[error(
        "{place} is contradictory: the manifest has {layers} layers, `rootfs.diff_ids` of the configuration {found}"
    )]
    LayerCount {
        /// Which image.
        place: String,
        /// How many the manifest has.
        layers: usize,
        /// How many the configuration has.
        found: usize,
    },
    /// A layer is not what it should be.
    #[error("layer {layer} is refused")]
    Layer {
        /// Its digest.
        layer: Digest,
        /// What is wrong with it.
        source: LayerFlaw,
    },
    /// What is to be kept of an image is more than fits.
    #[error("the files to be read in the image are more than {limit} bytes together")]
    KeptTooLarge {
        /// The limit.
        limit: u64,
    },
    /// Work was given up because nobody waits for it any more.
    #[error("reading the image was given up")]
    GivenUp,
}

/// What was attempted, and on what: `read manifest of a.io/b@sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What was attempted, as a verb and its object.
    pub action: &'static str,
    /// Where: a host, a repository, or something in one.
    pub on: String,
}

impl fmt::Display for Attempt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.action, Printable(&self.on))
    }
}

/// What a registry gives as the reason for refusing; its own words, cut short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason {
    /// One of the codes of the distribution specification, or another; empty where there is none.
    pub code: String,
    /// A sentence, or empty.
    pub message: String,
}

impl Reason {
    fn shown(&self) -> String {
        match (self.code.as_str(), self.message.as_str()) {
            ("", "") => String::new(),
            ("", text) | (text, "") => format!("; the server says: {}", Printable(text)),
            (code, message) => {
                format!("; the server says: {} ({})", Printable(code), Printable(message))
            }
        }
    }
}

fn list(names: &[impl fmt::Display]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<_> = names.iter().map(|name| Printable(&name.to_string()).to_string()).collect();
    names.join(", ")
}

fn digest_or_none(digest: Option<&Digest>) -> String {
    digest.map_or_else(|| "none".to_owned(), Digest::to_string)
}

impl Error {
    /// Whether the same might succeed a moment later.
    pub(crate) const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Transport { .. }
                | Self::Stalled { .. }
                | Self::RateLimited { .. }
                | Self::Unavailable { .. }
                | Self::UploadLost { .. }
                | Self::ReferrerLost { .. }
        )
    }

    /// Whether it says of bytes with the right digest that they are no manifest.
    pub(crate) const fn is_no_manifest(&self) -> bool {
        matches!(
            self,
            Self::Json { .. }
                | Self::Ambiguous { .. }
                | Self::Schema1 { .. }
                | Self::NotAManifest { .. }
                | Self::Incomplete { .. }
                | Self::ForeignLayer { .. }
        )
    }

    /// How long the server asks to be left alone.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only answers of servers ask for anything")]
    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::Digest { .. }
            | Self::Size { .. }
            | Self::TooLarge { .. }
            | Self::TooMany { .. }
            | Self::Json { .. }
            | Self::Respelled { .. }
            | Self::Ambiguous { .. }
            | Self::Schema1 { .. }
            | Self::NotAManifest { .. }
            | Self::Incomplete { .. }
            | Self::ForeignLayer { .. }
            | Self::Pagination { .. }
            | Self::MissingBlob { .. }
            | Self::NotALayout { .. }
            | Self::Archive { .. }
            | Self::ArchiveName { .. }
            | Self::NestedIndexes { .. }
            | Self::LayerCount { .. }
            | Self::Layer { .. }
            | Self::KeptTooLarge { .. } => Class::Rejected,
            Self::Offline { .. }
            | Self::Client { .. }
            | Self::Transport { .. }
            | Self::Tls { .. }
            | Self::Stalled { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::RateLimited { .. }
            | Self::Unavailable { .. }
            | Self::Status { .. }
            | Self::UploadLost { .. }
            | Self::Header { .. }
            | Self::ForeignRealm { .. }
            | Self::Redirect { .. }
            | Self::Redirects { .. }
            | Self::HelperAbsent { .. }
            | Self::Helper { .. }
            | Self::Read { .. }
            | Self::Spool { .. }
            | Self::NoSuchImage { .. }
            | Self::GivenUp => Class::Undecided,
            Self::Write { .. } | Self::ReferrerLost { .. } | Self::TagMoved { .. } => Class::Action,
            Self::Task { .. } => Class::Bug,
            Self::NotAnImage { .. }
            | Self::ReadOnly { .. }
            | Self::Credentials { .. }
            | Self::HelperName { .. }
            | Self::ForeignDirectory { .. }
            | Self::SeveralImages { .. }
            | Self::NoPlatform { .. } => Class::Usage,
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "where no way out is known there is no hint"
    )]
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Schema1 { .. } => "push the image again with a tool of this decade",
            Self::Offline { .. } => {
                "leave out `--offline`, or use an `oci-layout:` that was filled before"
            }
            Self::Unauthorized { .. } => {
                "log in with `docker login`, or name a file with `--registry-auth`"
            }
            Self::Forbidden { .. } => "see whether the login may do this in that repository",
            Self::RateLimited { .. } => "wait, or log in: registries allow more to those who do",
            Self::Tls { .. } => {
                "install the registry's certificate authority; where it has no TLS, name it with `--plain-http`"
            }
            Self::ReferrerLost { .. } => {
                "run the same command again: somebody else wrote at the same time"
            }
            Self::TagMoved { .. } => {
                "somebody else moved the tag: look at what it is now and decide again"
            }
            Self::Spool { .. } => {
                "make room there, or name another directory with TMPDIR; it takes as much as the image unpacked"
            }
            Self::HelperAbsent { .. } => "install the helper, or log in without one",
            Self::ForeignDirectory { .. } => {
                "name a directory that is empty, or that is not there yet"
            }
            Self::Archive { offset: 0, .. } => "where the file is compressed, decompress it first",
            Self::SeveralImages { .. } => "name one of them, as `:TAG` or `@DIGEST` after the path",
            Self::NoPlatform { .. } => "name one of the platforms that are there with `--platform`",
            Self::Layer { source, .. } => return source.hint(),
            Self::ForeignRealm { realm, .. } => {
                return Some(format!(
                    "if it does belong to it, say so with `--trusted-realm {realm}`"
                ));
            }
            _ => return None,
        };
        Some(text.to_owned())
    }
}
