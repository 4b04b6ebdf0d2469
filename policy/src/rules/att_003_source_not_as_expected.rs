//! ATT-003: the source is the one that the policy names, by the word of whoever built.

use super::{
    About, Raised, Rule, RuleContext,
    statements::{compare, of_provenance, some_of},
};
use crate::{
    decide::Action,
    policy::ProvenancePolicy,
    stated::{Provenance, Said},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "ATT-003",
    name: "att_003_source_not_as_expected",
    title: "repository, branch, commit and trigger of the build are as expected",
    severity: Severity::High,
    action: Action::Deny,
    why: "Provenance that verifies may be that of a fork, of a branch that nobody reviewed, or of a pull request by a stranger.",
    mend: "build from the repository and the branch or tag that the policy names under `evidence.provenance`, or name this one there",
    bad: "evidence: {provenance: {ref: refs/heads/main}}   # and the build was one of refs/pull/7/merge",
    good: "evidence: {provenance: {ref: refs/heads/main}}   # and so was the build",
    equivalents: &["conforma git_branch", "conforma github_certificate"],
    about: &[About::Evidence],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let policy = &context.policy().evidence().provenance;
    let demands: [Demand; 4] = [repository, reference, commit, trigger];
    if policy.demands_no_source() {
        return Vec::new();
    }
    of_provenance(context, "provenance that can be read", |stated, said| {
        demands.iter().filter_map(move |demand| demand(context, policy, (stated, said)))
    })
}

type Demand =
    fn(&RuleContext<'_>, &ProvenancePolicy, (&Provenance, &Said<Provenance>)) -> Option<Raised>;

fn repository(
    context: &RuleContext<'_>,
    policy: &ProvenancePolicy,
    (stated, said): (&Provenance, &Said<Provenance>),
) -> Option<Raised> {
    let expected = policy.repository.as_deref()?;
    // Whoever writes the address for git ends it so; it is the same repository.
    let is_met = |stated: &str| stated == expected || stated.strip_suffix(".git") == Some(expected);
    let stated = stated.repository.as_deref();
    compare(context, ("repository", &said.by), (stated, &format!("`{expected}`")), is_met)
}

fn reference(
    context: &RuleContext<'_>,
    policy: &ProvenancePolicy,
    (stated, said): (&Provenance, &Said<Provenance>),
) -> Option<Raised> {
    let expected = policy.reference.as_ref()?;
    let stated = stated.reference.as_deref();
    let text = format!("`{}`", expected.as_str());
    compare(context, ("branch or tag", &said.by), (stated, &text), |stated| {
        expected.is_match(stated)
    })
}

fn commit(
    context: &RuleContext<'_>,
    policy: &ProvenancePolicy,
    (stated, said): (&Provenance, &Said<Provenance>),
) -> Option<Raised> {
    let expected = policy.commit.as_deref()?;
    let stated = stated.commit.as_deref();
    let text = format!("`{expected}`");
    compare(context, ("commit", &said.by), (stated, &text), |stated| stated == expected)
}

fn trigger(
    context: &RuleContext<'_>,
    policy: &ProvenancePolicy,
    (stated, said): (&Provenance, &Said<Provenance>),
) -> Option<Raised> {
    let expected = &policy.triggers;
    if expected.is_empty() {
        return None;
    }
    let text = format!("one of {}", some_of(expected));
    compare(context, ("trigger", &said.by), (stated.trigger.as_deref(), &text), |stated| {
        expected.iter().any(|expected| expected == stated)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    const COMMIT: &str = "1234567890123456789012345678901234567890";
    type Change = fn(&mut Provenance);

    fn case(change: Change) -> Case {
        let policy = format!(
            "evidence: {{require: [], provenance: {{repository: https://github.com/acme/app, ref: refs/tags/v*, commit: \"{COMMIT}\", triggers: [push, release]}}}}"
        );
        Case::default().policy(&policy).stated(|stated| {
            stated.provenance = vec![provenance(|it| {
                it.repository = Some("https://github.com/acme/app".to_owned());
                it.reference = Some("refs/tags/v1".to_owned());
                it.commit = Some(COMMIT.to_owned());
                it.trigger = Some("push".to_owned());
                change(it);
            })];
        })
    }

    #[test]
    fn b3_each_part_of_the_source_counts() {
        case(|_| ()).check("ATT-003", Expect::Pass);
        case(|it| it.repository = Some("https://github.com/acme/app.git".to_owned()))
            .check("ATT-003", Expect::Pass);
        let changes: [Change; 8] = [
            |it| it.repository = Some("https://github.com/acme/app2".to_owned()),
            |it| it.repository = Some("https://github.com/acme/app.git.git".to_owned()),
            |it| {
                it.repository = Some("https://evil.example/https://github.com/acme/app".to_owned());
            },
            |it| it.reference = Some("refs/pull/7/merge".to_owned()),
            |it| it.reference = Some("refs/tags/v1/x".to_owned()),
            |it| it.commit = Some(COMMIT.replace('1', "2")),
            |it| it.commit = Some(COMMIT.chars().take(12).collect()),
            |it| it.trigger = Some("pull_request_target".to_owned()),
        ];
        for change in changes {
            case(change).check("ATT-003", Expect::Fail);
            assert_eq!(case(change).findings("ATT-003").len(), 1);
        }
    }

    #[test]
    fn what_the_provenance_does_not_say_is_not_told() {
        let absent: [Change; 4] = [
            |it| it.repository = None,
            |it| it.reference = None,
            |it| it.commit = None,
            |it| it.trigger = None,
        ];
        for change in absent {
            case(change).check("ATT-003", Expect::Unknown);
        }
        case(|it| *it = Provenance::default())
            .policy("evidence: {require: []}")
            .check("ATT-003", Expect::Pass);
    }

    #[test]
    fn every_statement_counts_and_the_line_is_named() {
        let mixed = case(|_| ()).stated(|stated| {
            let mut other = stated.provenance[0].clone();
            other.what.as_mut().unwrap().reference = Some("refs/heads/x".to_owned());
            stated.provenance.push(other);
        });
        let found = mixed.findings("ATT-003");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].finding.found, "`refs/heads/x`");
        assert_eq!(found[0].policy_line.as_ref().map(|line| line.line), Some(2));
    }
}
