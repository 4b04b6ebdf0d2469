//! ATT-001: a list of what is aboard, signed by somebody who is believed.

use super::{About, Raised, Rule, RuleContext};
use crate::{EvidenceKind, decide::Action};
use plimsoll_model::{Severity, evidence::Presence, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "ATT-001",
    name: "att_001_sbom_missing",
    title: "a verified SBOM is there",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Without a signed list of its components nobody can tell, when a flaw is published tomorrow, whether this image has it.",
    mend: "run `plimsoll attest`, or `plimsoll run`, with a key that the policy lists under `evidence.signers`",
    bad: "evidence: {require: [sbom]}   # and nothing is attached to the image",
    good: "evidence: {require: [sbom]}   # and a CycloneDX or SPDX statement about this digest verifies",
    equivalents: &["conforma sbom"],
    about: &[About::Evidence],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    missing(context, EvidenceKind::Sbom)
}

/// The finding where evidence of a kind is demanded and not there.
pub(super) fn missing(context: &RuleContext<'_>, kind: EvidenceKind) -> Vec<Raised> {
    let policy = context.policy().evidence();
    let Some(evidence) = context.facts().evidence.filter(|_| policy.require.contains(&kind)) else {
        return Vec::new();
    };
    let expected = format!("verified evidence of kind `{kind}`");
    let unknown = |reason: &str| {
        let title = format!("it could not be told whether there is evidence of kind `{kind}`");
        context.unknown(Place::Evidence, title, reason, expected.clone())
    };
    let raised = match evidence.get(&kind) {
        Some(Presence::Present(found)) if !found.is_empty() => return Vec::new(),
        Some(Presence::CouldNotTell { reason }) => unknown(reason),
        None => unknown("nobody looked for it"),
        Some(Presence::Present(_)) => absent(context, kind, 0),
        Some(Presence::Absent { refused }) => match pending(context, kind) {
            Some(reason) => {
                let title = format!("evidence of kind `{kind}` is pending");
                let remedy = "run `plimsoll attest` or `plimsoll run` again, with `--keyless`, once the services are back";
                let raised = context.fail(Place::Evidence, title, reason, expected);
                raised.with_remedy(remedy).at_most(Action::Warn)
            }
            None => absent(context, kind, *refused),
        },
    };
    vec![raised.by_line(policy.line)]
}

/// Why evidence of a kind is there only for the time being, where this run has made it so.
fn pending<'a>(context: &RuleContext<'a>, kind: EvidenceKind) -> Option<&'a str> {
    context.facts().stated?.pending.get(&kind).map(String::as_str)
}

fn absent(context: &RuleContext<'_>, kind: EvidenceKind, refused: usize) -> Raised {
    let found = match refused {
        0 => "none".to_owned(),
        1 => "none that verifies; 1 candidate was refused".to_owned(),
        count => format!("none that verifies; {count} candidates were refused"),
    };
    let title = format!("there is no verified evidence of kind `{kind}`");
    context.fail(Place::Evidence, title, found, format!("verified evidence of kind `{kind}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::evidence::{Evidence, EvidenceFacts, Signer};

    const REQUIRED: &str = "evidence: {require: [sbom]}";

    #[expect(clippy::disallowed_methods, reason = "a test stands in for the verifier")]
    fn verified() -> Presence {
        Presence::Present(vec![Evidence::attested(EvidenceFacts {
            subject: digest("index"),
            predicate_type: "https://cyclonedx.org/bom".to_owned(),
            signer: Signer::Key { id: digest("key") },
            statement: digest("statement"),
            bundle: digest("bundle"),
            signed: None,
            predicate: "{}".to_owned(),
        })])
    }

    fn case(presence: Presence) -> Case {
        Case::default().policy(REQUIRED).evidence(EvidenceKind::Sbom, presence)
    }

    #[test]
    fn absent_fails_present_passes_and_not_told_is_unknown() {
        case(Presence::Absent { refused: 2 }).check("ATT-001", Expect::Fail);
        case(verified()).check("ATT-001", Expect::Pass);
        let reason = "the registry answered 500".to_owned();
        case(Presence::CouldNotTell { reason }).check("ATT-001", Expect::Unknown);
    }

    #[test]
    fn nobody_having_looked_is_not_told_and_nothing_verified_is_absent() {
        let case = Case::default().policy("evidence: {require: [sbom, provenance]}");
        let case = case.evidence(EvidenceKind::Provenance, Presence::Absent { refused: 0 });
        case.check("ATT-001", Expect::Unknown);
        self::case(Presence::Present(vec![])).check("ATT-001", Expect::Fail);
    }

    #[test]
    fn what_is_not_required_or_not_judged_is_no_finding() {
        let absent = Presence::Absent { refused: 0 };
        case(absent).policy("evidence: {require: []}").check("ATT-001", Expect::Pass);
        Case::default().policy(REQUIRED).image(&["a"]).check("ATT-001", Expect::Pass);
    }

    #[test]
    fn the_line_that_requires_it_is_named() {
        let judged = case(Presence::Absent { refused: 1 }).findings("ATT-001");
        assert_eq!(judged[0].policy_line.as_ref().map(|line| line.line), Some(2));
        assert_eq!(judged[0].finding.found, "none that verifies; 1 candidate was refused");
    }
}
