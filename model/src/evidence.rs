//! Statements whose signature, signer and subject have been verified.

use crate::{digest::Digest, identity::SignerIdentity};
use jiff::Timestamp;
use std::fmt;

/// A statement that has been verified. Only `attest::verify` makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    facts: EvidenceFacts,
}

/// What is known of a verified statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceFacts {
    /// The subject that it is about.
    pub subject: Digest,
    /// What it states (`https://slsa.dev/provenance/v1`).
    pub predicate_type: String,
    /// Who signed.
    pub signer: Signer,
    /// Digest of the statement's bytes.
    pub statement: Digest,
    /// Digest of the bundle's bytes.
    pub bundle: Digest,
    /// When it was signed, where a log or a timestamp authority proves it.
    pub signed: Option<Timestamp>,
    /// The predicate, as JSON text.
    pub predicate: String,
}

/// A property of a build that its provenance may state.
///
/// `metadata` of <https://slsa.dev/spec/v0.2/provenance>, and the fields of BuildKit:
/// <https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuildProperty {
    /// The parameters that are listed are all.
    CompleteParameters,
    /// The environment that is listed is all of it.
    CompleteEnvironment,
    /// The dependencies that are listed are all.
    CompleteMaterials,
    /// The build did not use the network.
    Hermetic,
    /// The same build again makes the same bytes.
    Reproducible,
}

impl BuildProperty {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::CompleteParameters,
        Self::CompleteEnvironment,
        Self::CompleteMaterials,
        Self::Hermetic,
        Self::Reproducible,
    ];

    /// What a finding calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CompleteParameters => "complete parameters",
            Self::CompleteEnvironment => "a complete environment",
            Self::CompleteMaterials => "complete materials",
            Self::Hermetic => "hermetic",
            Self::Reproducible => "reproducible",
        }
    }
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signer {
    /// The holder of a key.
    Key {
        /// SHA-256 of the public key as DER `SubjectPublicKeyInfo`.
        id: Digest,
    },
    /// Somebody with a certificate for minutes, by an identity.
    Identity(Box<SignerIdentity>),
}

impl Evidence {
    /// Attests that the facts were verified. Everyone but `attest::verify` is kept from calling this by a lint.
    pub const fn attested(facts: EvidenceFacts) -> Self {
        Self { facts }
    }

    /// What was verified.
    pub const fn facts(&self) -> &EvidenceFacts {
        &self.facts
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { id } => write!(out, "key {id}"),
            Self::Identity(identity) => identity.fmt(out),
        }
    }
}

/// What becomes of a signature by a trusted key which neither a log nor a timestamp authority has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unlogged {
    /// It is refused.
    #[default]
    Refuse,
    /// It is accepted: whoever has the key may have signed at any time. What the bundle has of logs is not looked at.
    Accept,
}

/// When the holder of a key may have signed: from its first moment to its last, both included. An end that is absent is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Validity {
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Not after this.
    pub until: Option<Timestamp>,
}

impl Validity {
    /// Whether it has an end: then it has to be proven when somebody signed.
    pub const fn is_limited(self) -> bool {
        self.from.is_some() || self.until.is_some()
    }

    /// Whether a moment is in it.
    pub fn is_at(self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= time) && self.until.is_none_or(|until| time <= until)
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.until) {
            (Some(from), Some(until)) => write!(out, "valid from {from:.0} until {until:.0}"),
            (Some(from), None) => write!(out, "valid from {from:.0}"),
            (None, Some(until)) => write!(out, "valid until {until:.0}"),
            (None, None) => out.write_str("valid at any time"),
        }
    }
}

/// What becomes of forms of evidence that others no longer write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Legacy {
    /// They are refused.
    #[default]
    Refuse,
    /// They are accepted: a log's promise without a proof (bundles v0.1), Statement v0.1.
    Accept,
}

/// What looking for one kind of evidence came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// Verified evidence is there; never empty.
    Present(Vec<Evidence>),
    /// Everything was looked at, and there is none that verifies.
    Absent {
        /// How many candidates were looked at and refused.
        refused: usize,
    },
    /// It could not be told; never taken for absent.
    CouldNotTell {
        /// Why: a sentence without a final period.
        reason: String,
    },
}

impl Presence {
    /// The evidence that is there; none where it is absent or could not be told.
    pub fn evidence(&self) -> &[Evidence] {
        match self {
            Self::Present(evidence) => evidence,
            Self::Absent { .. } | Self::CouldNotTell { .. } => &[],
        }
    }
}
