//! ATT-002: how the image was built, signed by somebody who is believed.

use super::{
    About, Raised, Rule, RuleContext,
    att_001_sbom_missing::missing,
    statements::{compare, of_provenance, some_of},
};
use crate::{EvidenceKind, decide::Action};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "ATT-002",
    name: "att_002_provenance_missing",
    title: "verified provenance is there, of a type of build that is known",
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
    let mut raised = missing(context, EvidenceKind::Provenance);
    let known = &context.policy().evidence().provenance.build_types;
    if !known.is_empty() {
        let expected = format!("one of {}", some_of(known));
        raised.extend(of_provenance(context, &expected, |provenance, said| {
            let stated = provenance.build_type.as_deref();
            let is_known = |stated: &str| known.iter().any(|known| known == stated);
            compare(context, ("type", &said.by), (stated, &expected), is_known)
        }));
    }
    raised
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

    #[test]
    fn b07_a_type_of_build_that_is_not_known_fails_and_none_is_not_told() {
        let of = |kind: Option<&str>| {
            let kind = kind.map(str::to_owned);
            Case::default()
                .policy("evidence: {require: [], provenance: {build-types: [https://x/v1, https://y/v1]}}")
                .stated(|stated| stated.provenance = vec![provenance(|it| it.build_type = kind)])
        };
        of(Some("https://y/v1")).check("ATT-002", Expect::Pass);
        for stranger in ["https://y/v1/", "https://y/v2", "HTTPS://y/v1", ""] {
            of(Some(stranger)).check("ATT-002", Expect::Fail);
        }
        of(None).check("ATT-002", Expect::Unknown);
        let unread =
            of(None).stated(|stated| stated.provenance = vec![said(Err("malformed".to_owned()))]);
        unread.check("ATT-002", Expect::Unknown);
        of(Some("https://z/v1")).policy("evidence: {require: []}").check("ATT-002", Expect::Pass);
    }
}
