//! Registries, over the distribution protocol.
//!
//! Distribution specification v1.1.0: <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md>.
//! Credentials go to the registry's own origin and to a login host that is known to belong to it, and nowhere else,
//! wherever a registry points: redirects and uploads are followed by hand.

mod access;
mod address;
mod blobs;
mod challenge;
mod exchange;
mod manifests;
mod probe;
mod referrers;
mod refusal;
mod retry;
#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
mod token;
mod uploads;

use crate::error::{Attempt, Error};
pub use access::{Access, AccessOptions, Network};
pub(crate) use blobs::collect;
use plimsoll_model::{
    Digest,
    reference::{Place, Repository},
};
pub use probe::{Consent, probe};
pub(crate) use retry::Retry;
pub(crate) use uploads::Mount;
use url::Url;

/// One repository of a registry.
#[derive(Debug, Clone)]
pub struct Registry {
    access: Access,
    repository: Repository,
    /// Scheme, host and port.
    origin: Url,
}

impl Registry {
    /// The repository, to be reached by `access`. Nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::NotAnImage`] for a registry that makes no address.
    pub fn new(repository: Repository, access: &Access) -> Result<Self, Error> {
        let origin = access.origin(&repository)?;
        Ok(Self { access: access.clone(), repository, origin })
    }

    /// Which repository this is.
    pub const fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Where this is.
    pub fn place(&self) -> Place {
        Place::Repository(self.repository.clone())
    }

    pub(crate) const fn access(&self) -> &Access {
        &self.access
    }

    /// The address of something in the repository, as `manifests/1`.
    fn url(&self, rest: &str) -> Url {
        let mut url = self.origin.clone();
        url.set_path(&format!("/v2/{}/{rest}", self.repository.path()));
        url
    }

    fn attempt(&self, action: &'static str, what: &str) -> Attempt {
        Attempt { action, on: format!("{}{what}", self.repository) }
    }

    fn attempt_by_digest(&self, action: &'static str, digest: &Digest) -> Attempt {
        self.attempt(action, &format!("@{digest}"))
    }
}
