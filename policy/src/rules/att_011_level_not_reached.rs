//! ATT-011: the build reached the SLSA build level that the policy asks for.
//!
//! The level follows from what was verified, never from what a statement says of itself
//! (<https://slsa.dev/spec/v1.1/levels#build-track>, <https://slsa.dev/spec/v1.1/verifying-artifacts#step-1-check-slsa-build-level>):
//!
//! - 1: provenance that verifies and can be read, whoever signed it. A key tells who holds it, and not where it was built.
//! - 2: the certificate says that a hosted platform built: `github-hosted` by GitHub's issuer, `gitlab-hosted` by that of
//!   gitlab.com. On a runner of one's own whoever owns the machine can sign what did not come of the build.
//! - 3: besides, the workflow that signed is GitHub's, and of another repository than what it built: a reusable one, which
//!   what is built can not change
//!   (<https://docs.github.com/en/actions/how-tos/secure-your-work/use-artifact-attestations/increase-security-rating>).

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext};
use crate::{
    decide::Action,
    stated::{Provenance, Said},
};
use plimsoll_model::{Severity, evidence::Signer, finding::Place, identity::SignerIdentity};

pub(crate) const RULE: Rule = Rule {
    id: "ATT-011",
    name: "att_011_level_not_reached",
    title: "the build reached the SLSA level that the policy asks for",
    severity: Severity::High,
    action: Action::Deny,
    why: "Provenance from a machine that its owner can reach into is that owner's word. Only what a hosted platform signs, by a workflow that the source can not change, holds against whoever controls the source.",
    mend: "build on a hosted runner with a certificate (level 2), by a reusable workflow of another repository (level 3), or ask for less",
    bad: "rules: {ATT-011: {level: 3}}   # and the workflow that signed is of the repository that was built",
    good: "rules: {ATT-011: {level: 3}}   # and a reusable workflow of acme/ci signed for acme/app on a hosted runner",
    equivalents: &["slsa-verifier"],
    about: &[About::Evidence],
    parameters: &[Parameter {
        name: "level",
        kind: ParameterKind::Number { low: 1, high: 3 },
        help: "the SLSA build level that has to be reached (none)",
    }],
    check,
};

/// Issuers of tokens of hosted platforms, and what they call their own runners.
const PLATFORMS: [(&str, &str); 2] =
    [(GITHUB, "github-hosted"), ("https://gitlab.com", "gitlab-hosted")];
const GITHUB: &str = "https://token.actions.githubusercontent.com";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let wanted = context.number("level", 0);
    let Some(stated) = context.facts().stated.filter(|_| wanted > 0) else { return Vec::new() };
    // The best counts: that somebody else states less takes nothing from it.
    let reached = stated.provenance.iter().filter_map(reached);
    let Some((level, because)) = reached.max_by_key(|(level, _)| *level) else {
        let title = "the SLSA level of the build can not be told";
        let found = "no provenance that verifies and can be read";
        return vec![context.unknown(Place::Evidence, title, found, expected(wanted))];
    };
    if i64::from(level) >= wanted {
        return Vec::new();
    }
    let title = format!("the build reached SLSA level {level} alone");
    vec![context.fail(Place::Evidence, title, because, expected(wanted))]
}

fn expected(level: i64) -> String {
    format!("SLSA build level {level} at least")
}

/// The level that a statement reaches, and why no higher one.
fn reached(said: &Said<Provenance>) -> Option<(u8, String)> {
    let provenance = said.what.as_ref().ok()?;
    let Some(Signer::Identity(identity)) = &provenance.signer else {
        return Some((1, "a key signed, which does not tell where it was built".to_owned()));
    };
    let runner = identity.build.runner.as_deref();
    if !PLATFORMS.contains(&(identity.issuer.as_str(), runner.unwrap_or_default())) {
        let runner = runner.unwrap_or("unknown");
        return Some((1, format!("`{}` runs on `{runner}`", identity.subject)));
    }
    if identity.issuer == GITHUB && is_of_another_repository(identity) {
        return Some((3, String::new()));
    }
    Some((2, format!("`{}` is of the repository that was built", identity.subject)))
}

/// Whether the workflow that signed is known to be of another repository than the one that was built.
fn is_of_another_repository(identity: &SignerIdentity) -> bool {
    let workflow = identity.subject.split_once("/.github/workflows/");
    let (Some((of, _)), Some(built)) = (workflow, identity.build.repository.as_deref()) else {
        return false;
    };
    // GitHub's names are the same in capitals.
    !of.eq_ignore_ascii_case(built.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::identity::BuildClaims;

    const OWN: &str = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1";
    const REUSED: &str = "https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v1";

    fn identity(subject: &str) -> SignerIdentity {
        SignerIdentity {
            subject: subject.to_owned(),
            issuer: GITHUB.to_owned(),
            build: BuildClaims {
                repository: Some("https://github.com/acme/app".to_owned()),
                runner: Some("github-hosted".to_owned()),
                ..BuildClaims::default()
            },
        }
    }

    fn signed(change: impl FnOnce(&mut SignerIdentity)) -> Signer {
        let mut identity = identity(REUSED);
        change(&mut identity);
        Signer::Identity(Box::new(identity))
    }

    fn key() -> Signer {
        Signer::Key { id: digest("key") }
    }

    fn case(level: i64, signers: &[Signer]) -> Case {
        let statement = |signer: &Signer| provenance(|it| it.signer = Some(signer.clone()));
        Case::default()
            .policy(&format!("evidence: {{require: []}}\nrules: {{ATT-011: {{level: {level}}}}}"))
            .stated(|stated| stated.provenance = signers.iter().map(statement).collect())
    }

    /// The highest level that passes.
    #[track_caller]
    fn reaches(level: i64, signers: &[Signer]) {
        for wanted in 1..=3 {
            let expect = if wanted <= level { Expect::Pass } else { Expect::Fail };
            case(wanted, signers).check("ATT-011", expect);
        }
    }

    #[test]
    fn the_level_follows_from_who_signed_and_where() {
        reaches(1, &[key()]);
        reaches(2, &[signed(|it| it.subject = OWN.to_owned())]);
        reaches(3, &[signed(|_| {})]);
        let gitlab = signed(|it| {
            it.issuer = "https://gitlab.com".to_owned();
            it.build.runner = Some("gitlab-hosted".to_owned());
        });
        reaches(2, &[gitlab]);
        reaches(3, &[key(), signed(|_| {})]);
        let found = case(2, &[key()]).findings("ATT-011");
        assert_eq!(found[0].finding.title, "the build reached SLSA level 1 alone");
        let because = "a key signed, which does not tell where it was built";
        assert_eq!(found[0].finding.found, because);
        assert_eq!(found[0].finding.expected, "SLSA build level 2 at least");
        assert!(found[0].is_blocking());
    }

    #[test]
    fn a_runner_of_ones_own_and_a_strange_issuer_reach_no_more_than_a_key() {
        for runner in [None, Some("self-hosted"), Some("GitHub-hosted"), Some("gitlab-hosted")] {
            reaches(1, &[signed(|it| it.build.runner = runner.map(str::to_owned))]);
        }
        for issuer in ["https://gitlab.example", "https://token.actions.githubusercontent.com.evil"]
        {
            reaches(1, &[signed(|it| it.issuer = issuer.to_owned())]);
        }
    }

    #[test]
    fn a_workflow_that_is_not_known_to_be_of_another_repository_reaches_no_third_level() {
        let own = "https://github.com/Acme/App/.github/workflows/release.yml@refs/tags/v1";
        reaches(2, &[signed(|it| it.subject = own.to_owned())]);
        reaches(2, &[signed(|it| it.build.repository = None)]);
        reaches(2, &[signed(|it| it.subject = "a@corp.example".to_owned())]);
    }

    #[test]
    fn without_provenance_that_can_be_read_the_level_can_not_be_told() {
        case(1, &[]).check("ATT-011", Expect::Unknown);
        let unread = case(1, &[]).stated(|stated| stated.provenance = vec![said(Err("x".into()))]);
        unread.check("ATT-011", Expect::Unknown);
        // Who signed is not known: no more than that it was signed.
        case(2, &[])
            .stated(|stated| stated.provenance = vec![provenance(|_| {})])
            .check("ATT-011", Expect::Fail);
        let none = case(1, &[]).policy("evidence: {require: []}");
        none.check("ATT-011", Expect::Pass);
    }
}
