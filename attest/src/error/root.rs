//! What can be wrong with the roots of trust.

use jiff::Timestamp;
use plimsoll_model::{Class, Classify};

/// Why a trusted root can not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// It is not what one is.
    #[error("cannot use the trusted root `{name}`")]
    Unusable {
        /// What it is called.
        name: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What TUF leads to a trusted root by has expired.
    #[error(
        "the updated trusted root of `{name}` holds no more: its {role} metadata expired at {expires}, {days} days ago"
    )]
    Expired {
        /// The instance.
        name: String,
        /// The metadata.
        role: String,
        /// When.
        expires: Timestamp,
        /// How many days ago.
        days: i64,
    },
    /// A trusted root was fetched or kept that does not verify by TUF.
    #[error("will not use the trusted root at {place}: it does not verify by TUF")]
    Refused {
        /// Where it was found.
        place: String,
        /// Why.
        source: Box<sigstore_tuf::Error>,
    },
    /// The trusted root of a private instance was never updated.
    #[error("there is no trusted root of `{url}` yet")]
    NotFetched {
        /// Where it is.
        url: String,
    },
}

impl Classify for RootError {
    fn class(&self) -> Class {
        match self {
            Self::Unusable { .. } => Class::Usage,
            Self::Refused { .. } => Class::Rejected,
            Self::Expired { .. } | Self::NotFetched { .. } => Class::Undecided,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unusable { .. } => {
                "give the file that `gh attestation trusted-root` or `cosign trusted-root create` prints, or leave it out: the public instance's is built in"
            }
            Self::Expired { .. } => {
                "fetch a new one with `plimsoll trust update`; where that says the same, what it is fetched from is out of date"
            }
            Self::Refused { .. } => {
                "`plimsoll trust update` replaces what was kept; what a server sends is refused until it verifies"
            }
            Self::NotFetched { .. } => {
                "fetch it with `plimsoll trust update` and the same `--tuf-url` and `--tuf-root`"
            }
        };
        Some(hint.to_owned())
    }
}
