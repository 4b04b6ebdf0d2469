//! ATT-002: how the image was built, signed by somebody who is believed.

use super::{About, Raised, Rule, RuleContext, att_001_sbom_missing::missing};
use crate::{EvidenceKind, decide::Action};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "ATT-002",
    name: "att_002_provenance_missing",
    title: "verified provenance is there",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Without provenance an image from anybody's machine looks like one from the pipeline.",
    mend: "run `plimsoll attest`, or `plimsoll run`, in the job that builds the image, with a key that the policy lists under `evidence.signers`",
    bad: "evidence: {require: [provenance]}   # and nothing is attached to the image",
    good: "evidence: {require: [provenance]}   # and a SLSA statement about this digest verifies",
    equivalents: &[],
    about: &[About::Evidence],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    missing(context, EvidenceKind::Provenance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::evidence::Presence;

    fn case(presence: Presence) -> Case {
        let policy = "evidence: {require: [provenance]}";
        Case::default().policy(policy).evidence(EvidenceKind::Provenance, presence)
    }

    #[test]
    fn absent_fails_and_not_told_is_unknown() {
        case(Presence::Absent { refused: 0 }).check("ATT-002", Expect::Fail);
        let reason = "no network".to_owned();
        case(Presence::CouldNotTell { reason }).check("ATT-002", Expect::Unknown);
        let not_required = case(Presence::Absent { refused: 0 }).policy("evidence: {require: []}");
        not_required.check("ATT-002", Expect::Pass);
    }
}
