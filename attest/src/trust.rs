//! Who is believed, of what, and how well it has to be proven.

use crate::{PENDING_TYPE, PublicKey, TrustRoot, predicates::vsa, trust_root::Instance};
use jiff::{SignedDuration, Timestamp};
use plimsoll_model::{
    evidence::{Legacy, Unlogged, Validity},
    identity::{IdentityDemand, IdentityPattern},
};
use std::fmt;

/// Who is believed. Without signers nobody is, and nothing verifies.
#[derive(Debug, Clone)]
pub struct Trust {
    /// Those who are believed.
    pub signers: Vec<TrustedSigner>,
    /// Whose word counts for certificates, logs and times; without one, only keys verify, without a log.
    pub root: Option<TrustRoot>,
    /// How much has to be proven.
    pub demands: Demands,
}

/// Somebody who is believed.
#[derive(Debug, Clone)]
pub struct TrustedSigner {
    /// Who.
    pub who: SignerDemand,
    /// The predicate types that are believed of this signer; absent means all.
    pub predicate_types: Option<Vec<String>>,
    /// Whose builds this signer may state, by the ids of the builders; empty means anyone's.
    pub builders: Vec<IdentityPattern>,
    /// As which verifier this signer may summarise: a URI, letter by letter.
    pub verifier: String,
}

/// Who has to have signed.
#[derive(Debug, Clone)]
pub enum SignerDemand {
    /// The holder of a key.
    Key {
        /// The key.
        key: PublicKey,
        /// Whether something has to prove when. Where the validity is limited it has to in any case.
        unlogged: Unlogged,
        /// When it may have signed.
        validity: Validity,
    },
    /// Somebody by an identity.
    Identity(IdentityDemand),
}

/// How much has to be proven.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Demands {
    /// What becomes of old forms.
    pub legacy: Legacy,
    /// How many different logs have to have seen the signature, where the instance has any; 0 means 1.
    pub logs: usize,
    /// How many different timestamp authorities have to have seen it; 0 means as many as it takes to know when.
    pub timestamps: usize,
    /// How long ago it may have been signed.
    pub age: Option<MaxAge>,
}

/// How old evidence may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxAge {
    /// At most this.
    pub at_most: SignedDuration,
    /// The time it is now.
    pub now: Timestamp,
}

impl Trust {
    /// Believes the holders of these keys, whatever they state, without a log.
    pub fn in_keys(keys: &[PublicKey]) -> Self {
        let signer =
            |key: &PublicKey| TrustedSigner::of(SignerDemand::key(key.clone(), Unlogged::Accept));
        Self { signers: keys.iter().map(signer).collect(), root: None, demands: Demands::default() }
    }
}

impl Trust {
    /// Those by whom certificates, logs and times are proven.
    pub(crate) fn instances(&self) -> &[Instance] {
        self.root.as_ref().map_or(&[], TrustRoot::instances)
    }
}

impl fmt::Display for TrustedSigner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.who.fmt(out)?;
        let is_for_outages = self.predicate_types.as_deref() == Some(&[PENDING_TYPE.to_owned()]);
        out.write_str(if is_for_outages { ", of what is pending alone" } else { "" })
    }
}

impl fmt::Display for SignerDemand {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { key, unlogged, validity } => {
                write!(out, "key {}", key.id())?;
                if *unlogged == Unlogged::Refuse {
                    out.write_str(", logged")?;
                }
                if validity.is_limited() { write!(out, ", {validity}") } else { Ok(()) }
            }
            Self::Identity(demand) => {
                write!(out, "identity {} by {}", demand.subject, demand.issuer)
            }
        }
    }
}

impl SignerDemand {
    /// The holder of a key, at any time.
    pub const fn key(key: PublicKey, unlogged: Unlogged) -> Self {
        Self::Key { key, unlogged, validity: Validity { from: None, until: None } }
    }

    /// Whether something has to prove when he signed.
    pub const fn is_dated(&self) -> bool {
        match self {
            Self::Key { unlogged: Unlogged::Accept, validity, .. } => validity.is_limited(),
            Self::Key { unlogged: Unlogged::Refuse, .. } | Self::Identity(_) => true,
        }
    }
}

impl TrustedSigner {
    /// Somebody who is believed whatever he states; of summaries, those by Plimsoll.
    pub fn of(who: SignerDemand) -> Self {
        let verifier = vsa::VERIFIER_ID.to_owned();
        Self { who, predicate_types: None, builders: Vec::new(), verifier }
    }

    /// The holder of the key that signs during outages: believed that something is pending, and nothing else.
    pub fn of_outages(key: PublicKey) -> Self {
        let types = vec![PENDING_TYPE.to_owned()];
        Self { predicate_types: Some(types), ..Self::of(SignerDemand::key(key, Unlogged::Accept)) }
    }

    /// Whether this signer is believed about statements of a type.
    pub(crate) fn may_state(&self, predicate_type: &str) -> bool {
        self.predicate_types
            .as_ref()
            .is_none_or(|types| types.iter().any(|kind| kind == predicate_type))
    }
}
