//! Permission to promote one digest.

use jiff::Timestamp;
use plimsoll_model::{Digest, reference::Pinned};

/// Permission to promote one digest. Only a decision that passed gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearance {
    subject: Pinned,
    policy: Digest,
    decided: Timestamp,
}

impl Clearance {
    pub(crate) const fn new(subject: Pinned, policy: Digest, decided: Timestamp) -> Self {
        Self { subject, policy, decided }
    }

    /// What may be promoted.
    pub const fn subject(&self) -> &Pinned {
        &self.subject
    }

    /// The digest of the policy that it passed.
    pub const fn policy(&self) -> Digest {
        self.policy
    }

    /// When it passed.
    pub const fn decided(&self) -> Timestamp {
        self.decided
    }
}
