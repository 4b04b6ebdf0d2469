//! Evidence: statements, signatures, bundles, and their verification.
//!
//! No [`plimsoll_model::evidence::Evidence`] comes from anywhere but [`verify`]: what was merely read, found or
//! signed here is never evidence. Statements are in-toto v1 in a DSSE envelope in a Sigstore bundle v0.3, signed by a key or,
//! without one, by the holder of an identity.
//!
//! Nothing here reads the environment or a clock, or opens a socket but [`signers::keyless`], [`RootCache::update`] and [`github`]; files are
//! touched by [`signers`] (keys, tokens), [`RootCache`] and [`source`] (a git repository) alone, and a program is started by [`signers::exec`] alone.
//! Texts in errors and in [`Step`]s may come from a hostile bundle: they are
//! shortened, and shown only through [`plimsoll_model::Printable`].

pub mod archive;
pub mod builders;
mod bundle;
pub mod claims;
#[cfg(test)]
mod corpus;
mod cosign;
mod der;
mod envelope;
mod error;
mod files;
pub mod github;
mod json;
#[cfg(feature = "link")]
pub mod link;
mod pending;
pub mod predicates;
mod public_key;
pub mod signers;
pub mod source;
mod statement;
#[cfg(feature = "testing")]
#[expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test whose services can not be set up has failed"
)]
pub mod testing;
mod text;
mod trust;
mod trust_root;
mod tuf;
mod verify;

pub use bundle::{BUNDLE_MEDIA_TYPE, Bundle, sign};
pub use cosign::pack_layer;
pub use envelope::{Envelope, open_payload, sign_payload};
pub use error::{Error, RootError};
pub use pending::{PENDING_TYPE, Pending};
pub use public_key::{PublicKey, SignatureAlgorithm};
pub use statement::{
    IN_TOTO_PAYLOAD_TYPE, STATEMENT_TYPE, SUBJECTS_LIMIT, Statement, StatementSubject,
};
pub use trust::{Demands, MaxAge, SignerDemand, Trust, TrustedSigner};
pub use trust_root::{EMBEDDED_DATE, Origin, TrustRoot};
pub use tuf::{Before, RootCache, RootRepository, UpdateStamp, UpdatedRoot};
pub use verify::{
    Candidate, Expectation, Fault, Search, Step, StepKind, StepOutcome, Verification, Wanted, look,
    verify,
};
