//! What tests need to have images and registries.

#[cfg(test)]
mod corpus;
pub mod image;
pub mod layers;
pub mod registry;

use crate::{
    auth::Credentials,
    source::{Access, AccessOptions, Network},
};
use plimsoll_model::Limits;
use std::time::Duration;

/// Access for tests: anonymous, impatient, and changed by `change`.
#[expect(clippy::expect_used, reason = "a test that can not set up its client has failed")]
pub fn access(change: impl FnOnce(&mut AccessOptions)) -> Access {
    let mut options = AccessOptions {
        credentials: Credentials::anonymous(),
        plain_http: Vec::new(),
        trusted_realms: Vec::new(),
        user_agent: "plimsoll-test".to_owned(),
        network: Network::Allowed,
        limits: Limits::STANDARD,
        attempts: 3,
        timeout: Duration::from_secs(20),
        retry_budget: Duration::from_secs(5),
    };
    change(&mut options);
    Access::new(options).expect("set up the HTTP client")
}
