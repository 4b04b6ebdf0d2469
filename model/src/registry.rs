//! What probing a registry came to.
//!
//! Nothing here says that something is fine: a value is what was seen, or why it could not be. Texts that come from a registry
//! are not yet fit for a terminal.

use crate::{Digest, reference::Repository};

/// What one question came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<T> {
    /// This.
    Is(T),
    /// It could not be told, for this reason.
    Untold(String),
    /// It was not asked: asking writes, and nobody has consented to that.
    NoConsent,
}

/// Whether a registry lets somebody do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// It does; the status that it answered.
    Open(u16),
    /// It does not; the status that it answered.
    Shut(u16),
}

/// How the registry is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// By TLS of version 1.2 or later, with a certificate that this machine accepts.
    Secure,
    /// Without TLS, at an address that nobody but this machine has.
    Loopback,
    /// Without TLS, because the user says so.
    Plain,
    /// Not at all: no TLS, or a certificate that is not accepted, for this reason.
    Refused(String),
}

/// An address without TLS at which the registry answers all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainAnswer {
    /// The address.
    pub address: String,
    /// The status that it answered.
    pub status: u16,
}

/// Whether versions of TLS before 1.2 are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldTls {
    /// The server begins a conversation in one.
    Spoken,
    /// It declines.
    Declined,
}

/// What becomes of a tag that is pushed a second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagMoves {
    /// It stands for the second push; this tag was tried.
    Yes(String),
    /// It stays where it was; this tag was tried.
    No(String),
}

/// How a registry lists what refers to a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferrersApi {
    /// By the API.
    Present,
    /// Clients keep the list under a tag.
    Absent,
}

/// An answer that is not about the digest asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lie {
    /// The request, such as `GET manifests/1.4`.
    pub asked: String,
    /// What was answered.
    pub found: String,
    /// What an honest answer is.
    pub expected: String,
}

/// Where the credentials for the registry come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialKind {
    /// There are none.
    Absent,
    /// A credential helper of this name.
    Helper(String),
    /// A name and a password that stand in a file or a variable.
    Static,
    /// A token of a service that is known to give none that last: by the name that goes with it, or by its form.
    ShortLived(String),
    /// A refresh token, or a token for the registry, that stands in a file or a variable.
    Token,
}

/// What a token lets its bearer do with one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// `repository`, or another type of thing.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `pull`, `push`, `delete`, `*`.
    pub actions: Vec<String>,
}

/// What tokens let the credentials do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// By the token that was given for pulling from the repository.
    pub for_pull: Vec<Grant>,
    /// By the token that was given for pushing to it.
    pub for_push: Vec<Grant>,
}

/// What the probes left behind and could not remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Which kind of thing.
    pub kind: LeftKind,
    /// What it is, such as ``tag `plimsoll-audit-1` ``.
    pub what: String,
    /// Why it is still there.
    pub why: String,
}

/// What kind of thing the probes left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftKind {
    /// An upload that was begun.
    Upload,
    /// A tag.
    Tag,
    /// Manifests that no tag stands for.
    Manifests,
}

/// Everything that the probes of one repository came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryFacts {
    /// The repository.
    pub repository: Repository,
    /// How its registry is reached.
    pub connection: Connection,
    /// Where the registry answers without TLS although it has it.
    pub plain_http: Told<Vec<PlainAnswer>>,
    /// Whether it speaks versions of TLS before 1.2.
    pub old_tls: Told<OldTls>,
    /// Whether everybody may pull from the repository.
    pub pull: Told<Door>,
    /// Whether everybody may push to it.
    pub push: Told<Door>,
    /// Whether everybody may delete from it.
    pub delete: Told<Door>,
    /// Whether everybody may list the registry's repositories.
    pub catalog: Told<Door>,
    /// Whether a tag that is there can be pushed again.
    pub tag_moves: Told<TagMoves>,
    /// How referrers are listed.
    pub referrers: Told<ReferrersApi>,
    /// Answers that are not about the digest asked for.
    pub lies: Told<Vec<Lie>>,
    /// Manifests that an index or a list of referrers names, and that are gone.
    pub gone: Told<Vec<Digest>>,
    /// Where the credentials for it come from.
    pub credential: CredentialKind,
    /// What tokens let those credentials do.
    pub grants: Told<Grants>,
    /// Whether those credentials may push, found by trying.
    pub own_push: Told<Door>,
    /// What is left of the probes.
    pub leftovers: Vec<Leftover>,
}
