//! What is wrong with a candidate, in a word: what whoever releases has to look at.

use super::StepKind;
use plimsoll_model::identity::{IdentityDemand, IdentityPattern, SignerIdentity};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It comes from another repository.
    Repository,
    /// It comes from another branch or tag.
    Reference,
    /// It is about another artifact.
    Digest,
    /// Nobody who is trusted has signed it, or proves when.
    Trust,
    /// It was signed during an outage, for the time being.
    Pending,
    /// It is no evidence of the kind, or none that is whole.
    Evidence,
}

impl Fault {
    /// For people, in front of what was expected and found.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Repository => "wrong repository",
            Self::Reference => "wrong ref",
            Self::Digest => "wrong digest",
            Self::Trust => "not trusted",
            Self::Pending => "pending",
            Self::Evidence => "unusable evidence",
        }
    }

    /// For programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Reference => "ref",
            Self::Digest => "digest",
            Self::Trust => "trust",
            Self::Pending => "pending",
            Self::Evidence => "evidence",
        }
    }

    /// What it means that a step failed.
    pub(super) const fn of_step(kind: StepKind) -> Self {
        match kind {
            StepKind::Subject => Self::Digest,
            StepKind::Signer
            | StepKind::Time
            | StepKind::Certificate
            | StepKind::CertificateLog
            | StepKind::Log
            | StepKind::LogEntry
            | StepKind::Identity => Self::Trust,
            StepKind::Bundle
            | StepKind::Envelope
            | StepKind::Signature
            | StepKind::Statement
            | StepKind::PredicateType
            | StepKind::Agreement
            | StepKind::Verdict
            | StepKind::Age => Self::Evidence,
        }
    }

    /// What it means that an identity meets none of these demands: what is wrong by the one that it comes closest to.
    pub(super) fn of_identity(demands: &[&IdentityDemand], identity: &SignerIdentity) -> Self {
        let faults = demands.iter().map(|demand| {
            let mismatches = demand.mismatches(identity);
            let words: Vec<&str> = mismatches.iter().map(|mismatch| mismatch.what).collect();
            (words.len(), Self::of_mismatches(&words, demand, identity))
        });
        faults.min_by_key(|(count, _)| *count).map_or(Self::Trust, |(_, fault)| fault)
    }

    fn of_mismatches(words: &[&str], demand: &IdentityDemand, identity: &SignerIdentity) -> Self {
        let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
        let (expected, found) = (demand.subject.as_str(), identity.subject.as_str());
        if has(&["issuer"]) {
            Self::Trust
        } else if has(&["repository", "repository-id", "owner-id"]) {
            Self::Repository
        } else if has(&["identity"]) {
            match (split_workflow(expected), split_workflow(found)) {
                (Some((theirs, ..)), Some((repository, ..))) if !is_match(theirs, repository) => {
                    Self::Repository
                }
                (Some((_, workflow, _)), Some((_, other, _))) if is_match(workflow, other) => {
                    Self::Reference
                }
                _ => Self::Trust,
            }
        } else if has(&["ref"]) {
            Self::Reference
        } else {
            Self::Trust
        }
    }
}

/// A workflow's identity, `https://HOST/OWNER/REPOSITORY/PATH@REF`: its repository, everything up to the ref, and the ref.
fn split_workflow(identity: &str) -> Option<(&str, &str, &str)> {
    let (workflow, reference) = identity.rsplit_once('@')?;
    let mut slashes = workflow.match_indices('/').map(|(at, _)| at);
    // Behind the scheme, the host and the owner.
    let repository = slashes.nth(4).and_then(|at| workflow.get(..at))?;
    Some((repository, workflow, reference))
}

/// Whether a part of a pattern matches a part of an identity.
fn is_match(pattern: &str, text: &str) -> bool {
    pattern == text || pattern.parse().is_ok_and(|one: IdentityPattern| one.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://token.actions.githubusercontent.com";
    const WORKFLOW: &str = "https://github.com/acme/app/.github/workflows/release.yml";

    fn identity(subject: &str, repository: &str) -> SignerIdentity {
        let mut identity = SignerIdentity {
            issuer: ISSUER.to_owned(),
            subject: subject.to_owned(),
            ..SignerIdentity::default()
        };
        identity.build.repository = Some(repository.to_owned());
        identity.build.reference = Some("refs/heads/main".to_owned());
        identity
    }

    #[track_caller]
    fn check(demand: &IdentityDemand, subject: &str, repository: &str, expect: Fault) {
        let identity = identity(subject, repository);
        assert_ne!(demand.mismatches(&identity), []);
        assert_eq!(Fault::of_identity(&[demand], &identity), expect);
    }

    #[test]
    fn what_is_wrong_is_what_differs() {
        let demand =
            |subject: String| IdentityDemand::new(ISSUER.to_owned(), subject.parse().unwrap());
        let main = format!("{WORKFLOW}@refs/heads/main");
        let app = "https://github.com/acme/app";
        let other = "https://github.com/acme/other/.github/workflows/release.yml@refs/heads/main";
        check(&demand(main.clone()), &format!("{WORKFLOW}@refs/heads/dev"), app, Fault::Reference);
        let tags = demand(format!("{WORKFLOW}@refs/tags/v*"));
        check(&tags, &main, app, Fault::Reference);
        check(&demand(main.clone()), other, "https://github.com/acme/other", Fault::Repository);
        check(&demand(main.clone()), &main, "https://github.com/acme/other", Fault::Repository);
        let ci = "https://github.com/acme/app/.github/workflows/ci.yml@refs/heads/main";
        check(&demand(main.clone()), ci, app, Fault::Trust);
        let person = SignerIdentity {
            issuer: ISSUER.to_owned(),
            subject: "b@acme.example".to_owned(),
            ..SignerIdentity::default()
        };
        let other = demand("a@acme.example".to_owned());
        assert_eq!(Fault::of_identity(&[&other], &person), Fault::Trust);
        let elsewhere =
            IdentityDemand { issuer: "https://other".to_owned(), ..demand(main.clone()) };
        check(&elsewhere, &main, app, Fault::Trust);
        let of_tag = IdentityDemand {
            reference: Some("refs/tags/*".parse().unwrap()),
            ..demand(main.clone())
        };
        check(&of_tag, &main, app, Fault::Reference);
        // Of several demands, the one that is nearly met.
        let identity = identity(&main, app);
        assert_eq!(Fault::of_identity(&[&elsewhere, &of_tag], &identity), Fault::Trust);
        let far = IdentityDemand { issuer: "https://other".to_owned(), ..of_tag.clone() };
        assert_eq!(Fault::of_identity(&[&far, &of_tag], &identity), Fault::Reference);
        assert_eq!(Fault::of_identity(&[], &identity), Fault::Trust);
    }
}
