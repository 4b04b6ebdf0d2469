//! ATT-012: tests have passed, and other gates have let it pass, where the policy requires that.

use super::{
    About, Parameter, ParameterKind, Raised, Rule, RuleContext,
    att_001_sbom_missing::missing,
    statements::{of_each, some_of},
};
use crate::{EvidenceKind, decide::Action};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "ATT-012",
    name: "att_012_tests_missing",
    title: "test results and verification summaries that the policy requires are there",
    severity: Severity::High,
    action: Action::Deny,
    why: "An image that nobody tested, or that another gate has not let pass, is not ready, however clean it is.",
    mend: "state what the tests came to, `plimsoll attest --type test-result --junit FILE`, or pass the gate that signs the summary",
    bad: "evidence: {require: [tests]}   # and the tests failed",
    good: "evidence: {require: [tests]}   # and a test result about this digest verifies and says PASSED",
    equivalents: &[],
    about: &[About::Evidence],
    parameters: &[Parameter {
        name: "results",
        kind: ParameterKind::Texts,
        help: "what tests may come to besides PASSED: WARNED; none by default",
    }],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = missing(context, EvidenceKind::Tests);
    raised.extend(missing(context, EvidenceKind::Vsa));
    let policy = context.policy().evidence();
    if let Some(stated) = context.facts().stated
        && policy.require.contains(&EvidenceKind::Tests)
    {
        let (expected, accepted) = ("a test result that says PASSED", context.texts("results"));
        let judged = of_each(context, (&stated.tests, expected), |tests, said| {
            let is_fine = tests.result == "PASSED"
                || (tests.result == "WARNED" && accepted.contains(&tests.result));
            let found = match tests.remarkable.as_slice() {
                [] => tests.result.clone(),
                names => format!("{}: {}", tests.result, some_of(names)),
            };
            let title = format!("the tests that {} states did not simply pass", said.by);
            (!is_fine).then(|| context.fail(Place::Evidence, title, found, expected))
        });
        raised.extend(judged.into_iter().map(|raised| raised.by_line(policy.line)));
    }
    raised
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rules::testing::*, stated::TestOutcome};
    use plimsoll_model::evidence::Presence;

    fn case(presence: Presence) -> Case {
        let policy = "evidence: {require: [tests]}";
        Case::default().policy(policy).evidence(EvidenceKind::Tests, presence)
    }

    fn tests(result: &str) -> Case {
        let outcome =
            TestOutcome { result: result.to_owned(), remarkable: vec!["slow".to_owned()] };
        // What is there is stated; that it is there is for ATT-001's tests to say.
        let case = case(Presence::Absent { refused: 0 });
        case.stated(|stated| stated.tests = vec![said(Ok(outcome))])
    }

    #[test]
    fn absent_fails_and_not_told_is_unknown() {
        case(Presence::Absent { refused: 1 }).check("ATT-012", Expect::Fail);
        let reason = "no network".to_owned();
        case(Presence::CouldNotTell { reason }).check("ATT-012", Expect::Unknown);
        let summary = Case::default()
            .policy("evidence: {require: [vsa]}")
            .evidence(EvidenceKind::Vsa, Presence::Absent { refused: 0 });
        summary.check("ATT-012", Expect::Fail);
        let not_required = case(Presence::Absent { refused: 0 }).policy("evidence: {require: []}");
        not_required.check("ATT-012", Expect::Pass);
    }

    #[test]
    fn a_result_that_is_no_pass_is_told_with_its_tests() {
        let found = |case: &Case| -> Vec<_> {
            case.findings("ATT-012").into_iter().map(|judged| judged.finding.found).collect()
        };
        assert_eq!(found(&tests("PASSED")), ["none"]);
        assert_eq!(found(&tests("WARNED")), ["WARNED: `slow`", "none"]);
        for (result, count) in [("WARNED", 1), ("FAILED", 2), ("passed", 2), ("", 2)] {
            let policy =
                "evidence: {require: [tests]}\nrules: {ATT-012: {results: [WARNED, FAILED]}}";
            assert_eq!(found(&tests(result).policy(policy)).len(), count, "{result}");
        }
    }
}
