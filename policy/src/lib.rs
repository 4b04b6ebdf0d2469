//! Policy: the file, the facts, the rules, the exceptions and the decision.
//!
//! Nothing here reads a file, a clock, an environment or a network, and nothing here promotes: facts come in as
//! values, and what goes out is a [`Decision`]. One function, [`decide()`], judges for every command, so that an
//! exception that has expired is expired everywhere.

pub mod bases;
pub mod cases;
pub mod cis;
mod clearance;
mod compose;
mod configs;
mod custom;
mod daemon;
pub mod decide;
pub mod dockerfile;
pub mod effective;
mod error;
mod evidence;
mod exceptions;
mod facts;
mod file;
mod files;
pub mod guidelines;
mod host;
mod inline;
mod kubernetes;
pub mod manifests;
pub mod official;
pub mod policy;
mod profiles;
pub mod record;
mod revision;
pub mod rules;
pub mod schema;
pub mod secrets;
pub mod stated;
pub mod template;
mod users;
pub mod vex;
mod yaml;

pub use clearance::Clearance;
pub use configs::{ConfigFile, ConfigKind};
pub use decide::{Action, AppliedException, Decision, Judged, PolicyLine, Verdict, decide};
pub use error::Error;
pub use evidence::{EvidenceKind, OutagePolicy};
pub use exceptions::{Exception, Inline};
pub use facts::{Checkout, Dockerfile, Facts, Flag, Flags, Since, SourceFile};
pub use files::Files;
pub use plimsoll_model::{Pattern, pattern::PatternError};
pub use policy::{
    AllowedBase, BasesPolicy, EvidencePolicy, ParameterPath, Policy, Profile, PromotionPolicy,
    ProvenancePolicy, SignerPolicy, SignerWho, TufPolicy, VexPolicy,
};
pub use revision::{Change, Revision};
pub use users::{Account, Users};
