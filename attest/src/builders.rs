//! How something was built, as the CI tells it: one file for each CI, and one for none.
//!
//! The facts come from environment variables. They prove what the environment of the signing process said, no more:
//! who can set its variables can state what he likes, and the signature of a key says only that the holder of the key
//! let him. Where the claims of the job's identity token are known, they count in the place of the variables: the platform
//! made them. Nothing here asks for such a token, or verifies one.

mod redact;

use crate::{Error, source::SourceFacts};
use jiff::Timestamp;
use plimsoll_model::Digest;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Environment variables by name.
pub type Variables = BTreeMap<String, String>;

/// A place where builds run.
#[derive(Debug, Clone, Copy)]
pub struct Builder {
    /// What it is called.
    pub id: &'static str,
    /// Whether the variables are those of this place.
    pub detects: fn(&Variables) -> bool,
    /// Variables, each with the claim of an identity token that says the same.
    claims: &'static [(&'static str, &'static str)],
    /// What the variables say.
    facts: fn(&Input<'_>) -> Result<ProvenanceFacts, Error>,
}

macro_rules! builders {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Every builder. The first that detects itself is taken; the last always does.
        pub const ALL: &[&Builder] = &[$(&$module::BUILDER),*];
    };
}
builders! {
    github,
    gitlab,
    local,
}

/// What is known of one run of Plimsoll.
#[derive(Debug, Clone)]
pub struct RunFacts {
    /// When the build began, as far as Plimsoll saw it.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// The version of Plimsoll.
    pub tool_version: String,
    /// What went into the artifact: base images and the like.
    pub dependencies: Vec<ResolvedDependency>,
    /// What the job's identity token says, where there is one that a certificate authority looks at before this is signed.
    pub identity: Option<IdentityClaims>,
}

/// The claims of an identity token, by name; numbers as texts, other kinds of values left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityClaims(pub BTreeMap<String, String>);

/// Something that went into an artifact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResolvedDependency {
    /// What it is (`git+https://…@refs/heads/main`, `pkg:oci/…`).
    pub uri: String,
    /// Which one exactly.
    pub digest: DependencyDigest,
}

/// Digest of a dependency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DependencyDigest {
    /// Of an image or a file.
    Sha256(Digest),
    /// A commit of a git repository, in hexadecimal.
    GitCommit(String),
}

/// How an artifact was built.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvenanceFacts {
    /// How to read the parameters: a URI.
    pub build_type: &'static str,
    /// What whoever started the build could choose.
    pub external_parameters: Map<String, Value>,
    /// What the CI set.
    pub internal_parameters: Map<String, Value>,
    /// What went into it, the source first.
    pub dependencies: Vec<ResolvedDependency>,
    /// Who built: a URI.
    pub builder_id: String,
    /// Versions of the builder's parts.
    pub builder_version: BTreeMap<&'static str, String>,
    /// The run of the CI.
    pub invocation_id: Option<String>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// The fields in which something that looks like a secret was replaced: such a build deserves a look.
    pub redacted: Vec<String>,
}

/// What a builder has to tell from.
struct Input<'a> {
    builder: &'static str,
    /// The claims of the builder's tokens that say the same as a variable.
    claims: &'static [(&'static str, &'static str)],
    env: &'a Variables,
    source: Option<&'a SourceFacts>,
    run: &'a RunFacts,
}

/// How something was built, from the variables of the environment, the source and the run.
///
/// [`Error::VariableMissing`] and [`Error::VariableMalformed`] where the environment is half a CI's. Values that are
/// secrets are replaced, and the places listed in [`ProvenanceFacts::redacted`].
pub fn detect(
    env: &Variables,
    source: Option<&SourceFacts>,
    run: &RunFacts,
) -> Result<ProvenanceFacts, Error> {
    let builder = ALL.iter().find(|builder| (builder.detects)(env)).unwrap_or(&&local::BUILDER);
    let Builder { id, claims, facts, .. } = *builder;
    let facts = facts(&Input { builder: id, claims, env, source, run })?;
    Ok(redact::redact(facts, env))
}

impl<'a> Input<'a> {
    /// A variable that may be unset, or the claim that says the same; empty counts as unset.
    fn get(&self, variable: &str) -> Option<&'a str> {
        let claim = self.claims.iter().find(|(name, _)| *name == variable);
        claim
            .and_then(|(_, claim)| self.claim(claim))
            .or_else(|| self.env.get(variable).map(String::as_str))
            .filter(|value| !value.is_empty())
    }

    /// What the identity token says, where it is known.
    fn claim(&self, name: &str) -> Option<&'a str> {
        self.run.identity.as_ref()?.0.get(name).map(String::as_str)
    }

    /// A variable that this CI always sets.
    fn require(&self, variable: &'static str) -> Result<&'a str, Error> {
        self.get(variable).ok_or(Error::VariableMissing { builder: self.builder, variable })
    }

    /// A variable that this CI always sets to a commit.
    fn require_commit(&self, variable: &'static str) -> Result<String, Error> {
        let value = self.require(variable)?;
        let is_commit = matches!(value.len(), 40 | 64)
            && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_commit {
            Ok(value.to_owned())
        } else {
            let builder = self.builder;
            Err(Error::VariableMalformed { builder, variable, expected: "a commit" })
        }
    }

    /// The checked-out source, where it is another than the CI's `commit`: then that is what was built from.
    fn other_source(&self, commit: &str) -> Option<ResolvedDependency> {
        self.source.filter(|source| source.commit != commit).and_then(source_dependency)
    }
}

/// A checked-out source as a dependency; none where nobody could find the repository again.
fn source_dependency(source: &SourceFacts) -> Option<ResolvedDependency> {
    let repository = source.repository.as_deref()?;
    let at = source.reference.as_ref().map(|reference| format!("@{reference}"));
    Some(ResolvedDependency {
        uri: format!("git+{repository}{}", at.unwrap_or_default()),
        digest: DependencyDigest::GitCommit(source.commit.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    pub(super) fn run() -> RunFacts {
        RunFacts {
            started: "2026-11-22T11:00:00Z".parse().unwrap(),
            finished: "2026-11-22T11:05:00Z".parse().unwrap(),
            tool_version: "0.1.0".to_owned(),
            dependencies: vec![ResolvedDependency {
                uri: "docker.io/library/node".to_owned(),
                digest: DependencyDigest::Sha256(Digest::of(b"")),
            }],
            identity: None,
        }
    }

    #[test]
    fn every_builder_has_its_own_id_and_the_last_is_always_there() {
        let ids: Vec<_> = ALL.iter().map(|builder| builder.id).collect();
        assert_eq!(ids, ["GitHub Actions", "GitLab CI", "local"]);
        assert!((ALL.last().unwrap().detects)(&Variables::new()));
    }
}
