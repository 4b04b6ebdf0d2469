//! What a rule is: what `explain` says of it, what it looks at, what the policy can set of it.

use super::{Raised, RuleContext};
use crate::decide::Action;
use plimsoll_model::Severity;

/// What is checked, why, and how.
#[derive(Debug)]
pub struct Rule {
    /// `BASE-001`; never given to another rule.
    pub id: &'static str,
    /// The name of its source file, without the extension.
    pub name: &'static str,
    /// One line: what has to hold.
    pub title: &'static str,
    /// How bad it is where it does not hold.
    pub severity: Severity,
    /// What findings come to where the policy does not say.
    pub action: Action,
    /// What can go wrong otherwise.
    pub why: &'static str,
    /// What to do about it.
    pub mend: &'static str,
    /// An example that fails.
    pub bad: &'static str,
    /// The same, mended.
    pub good: &'static str,
    /// The same rule elsewhere (`CIS 4.1`, `DL3002`).
    pub equivalents: &'static [&'static str],
    /// What it looks at.
    pub about: &'static [About],
    /// What the policy can set.
    pub parameters: &'static [Parameter],
    /// Looks.
    pub check: fn(&RuleContext<'_>) -> Vec<Raised>,
}

/// What a rule looks at. A rule is judged where one of them is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The image's configuration and layers.
    Image,
    /// The image's files.
    Files,
    /// Dockerfiles.
    Dockerfiles,
    /// Settings of the daemon, and pipelines.
    Configs,
    /// Compose files.
    Compose,
    /// Manifests of Kubernetes.
    Kubernetes,
    /// What the probes of a registry came to.
    Registry,
    /// The inventory and what the advisories say of it.
    Scan,
    /// Evidence.
    Evidence,
    /// The list of flagged builds.
    Flags,
    /// The exceptions of the policy, after all other rules.
    Exceptions,
}

/// Something that the policy can set for a rule.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// The key.
    pub name: &'static str,
    /// What its value is.
    pub kind: ParameterKind,
    /// What it does, and its default.
    pub help: &'static str,
}

/// What the value of a parameter is.
#[derive(Debug, Clone, Copy)]
pub enum ParameterKind {
    /// A whole number.
    Number {
        /// The smallest.
        low: i64,
        /// The largest.
        high: i64,
    },
    /// A list of texts.
    Texts,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of patterns; kept as texts that are known to be some.
    Patterns,
}
