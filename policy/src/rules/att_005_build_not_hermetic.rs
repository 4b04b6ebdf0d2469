//! ATT-005: the build was hermetic, reproducible or wholly described, where the policy asks for that.
//!
//! The words are those of <https://slsa.dev/spec/v0.2/provenance>; v1 has none of them but BuildKit's
//! (<https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md>), which leaves out what is false.

use super::{About, Raised, Rule, RuleContext, statements::of_provenance};
use crate::{
    decide::Action,
    stated::{Provenance, Said},
};
use plimsoll_model::{Severity, evidence::BuildProperty, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "ATT-005",
    name: "att_005_build_not_hermetic",
    title: "the build was hermetic, or wholly described, as the policy asks",
    severity: Severity::Low,
    action: Action::Deny,
    why: "What a build fetches while it runs, and what its provenance leaves out, is in the image and in no list of what went into it.",
    mend: "build without the network and from a repository that the builder fetches itself (BuildKit: a Git context, `--network=none`, `--provenance=mode=max`), or ask for less under `evidence.provenance`",
    bad: "evidence: {provenance: {complete: [materials]}}   # and the build was from a local directory",
    good: "evidence: {provenance: {complete: [materials]}}   # and the build was from a Git repository",
    equivalents: &[],
    about: &[About::Evidence],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let demanded = &context.policy().evidence().provenance.properties;
    if demanded.is_empty() {
        return Vec::new();
    }
    let expected = names(demanded.iter().copied());
    of_provenance(context, &expected, |provenance, said| {
        judge(context, (provenance, said), &expected)
    })
}

/// What is not so, and what is not stated.
fn judge(
    context: &RuleContext<'_>,
    (provenance, said): (&Provenance, &Said<Provenance>),
    expected: &str,
) -> Vec<Raised> {
    let demanded = &context.policy().evidence().provenance.properties;
    let stated = |value: Option<bool>| {
        let is_stated = |it: &BuildProperty| provenance.properties.get(it).copied() == value;
        let found = names(demanded.iter().copied().filter(is_stated));
        (!found.is_empty()).then_some(found)
    };
    let by = &said.by;
    let fail = stated(Some(false)).map(|missing| {
        let title = format!("the build that {by} states is not as demanded");
        context.fail(Place::Evidence, title, format!("not {missing}"), expected)
    });
    let unknown = stated(None).map(|missing| {
        let title = format!("whether the build that {by} states is as demanded can not be told");
        let found = format!("the provenance does not say whether it is {missing}");
        context.unknown(Place::Evidence, title, found, expected)
    });
    fail.into_iter().chain(unknown).collect()
}

fn names(properties: impl Iterator<Item = BuildProperty>) -> String {
    properties.map(BuildProperty::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    const DEMAND: &str = "{complete: [materials], hermetic: true}";

    fn case(demand: &str, stated: &[(BuildProperty, bool)]) -> Case {
        let policy = format!("evidence: {{require: [], provenance: {demand}}}");
        Case::default().policy(&policy).stated(|all| {
            let properties = stated.iter().copied().collect();
            all.provenance = vec![provenance(|it| it.properties = properties)];
        })
    }

    use BuildProperty::{CompleteMaterials, CompleteParameters, Hermetic};

    #[test]
    fn what_is_demanded_has_to_be_stated() {
        case(DEMAND, &[(CompleteMaterials, true), (Hermetic, true)]).check("ATT-005", Expect::Pass);
        for bad in [
            [(CompleteMaterials, false), (Hermetic, true)],
            [(CompleteMaterials, true), (Hermetic, false)],
        ] {
            case(DEMAND, &bad).check("ATT-005", Expect::Fail);
        }
        let both = case(DEMAND, &[(CompleteMaterials, false), (Hermetic, false)]);
        let found = both.findings("ATT-005");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].finding.found, "not complete materials, hermetic");
        assert_eq!(found[0].finding.expected, "complete materials, hermetic");
        assert_eq!((found[0].action, &found[0].finding.place), (Action::Deny, &Place::Evidence));
    }

    #[test]
    fn what_is_not_stated_can_not_be_told() {
        case(DEMAND, &[]).check("ATT-005", Expect::Unknown);
        case(DEMAND, &[(CompleteMaterials, true)]).check("ATT-005", Expect::Unknown);
        // That something else is complete says nothing.
        case("{complete: [materials]}", &[(CompleteParameters, true)])
            .check("ATT-005", Expect::Unknown);
        let mixed = case(DEMAND, &[(Hermetic, false)]);
        let outcomes: Vec<_> =
            mixed.findings("ATT-005").iter().map(|it| it.finding.found.clone()).collect();
        let expect =
            ["not hermetic", "the provenance does not say whether it is complete materials"];
        assert_eq!(outcomes, expect);
        let unread =
            case(DEMAND, &[]).stated(|all| all.provenance = vec![said(Err("x".to_owned()))]);
        unread.check("ATT-005", Expect::Unknown);
    }

    #[test]
    fn every_statement_counts() {
        let good = || provenance(|it| it.properties = [(Hermetic, true)].into());
        let bad = provenance(|it| it.properties = [(Hermetic, false)].into());
        let case = case("{hermetic: true}", &[]);
        let case = case.stated(|all| all.provenance = vec![good(), bad, good()]);
        case.check("ATT-005", Expect::Fail);
    }

    #[test]
    fn where_nothing_is_demanded_nothing_is_asked() {
        case("{}", &[(Hermetic, false)]).check("ATT-005", Expect::Pass);
        case("{repository: https://github.com/acme/app}", &[]).check("ATT-005", Expect::Pass);
        case("{reproducible: true}", &[]).check("ATT-005", Expect::Unknown);
    }
}
