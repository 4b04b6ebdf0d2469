//! REG-011: what has no tag is kept.

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext, registry};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "REG-011",
    name: "reg_011_collected",
    title: "retention keeps what has no tag: signatures, SBOMs, and the images of an index",
    severity: Severity::Low,
    action: Action::Inform,
    why: "Evidence refers to its image and has no tag, and neither have the images of an index for several platforms. A rule that deletes what has no tag deletes them.",
    mend: "have retention and garbage collection leave untagged manifests that others refer to alone, and say so with `keeps-untagged`",
    bad: "retention: delete untagged manifests after 7 days",
    good: "rules: {REG-011: {keeps-untagged: [\"registry.corp/**\"]}}",
    equivalents: &[],
    about: &[About::Registry],
    parameters: &[Parameter {
        name: "keeps-untagged",
        kind: ParameterKind::Patterns,
        help: "patterns of the repositories whose retention is known to keep untagged manifests",
    }],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(facts) = context.facts().registry else { return Vec::new() };
    let place = registry::repository(facts);
    let expected = "every manifest that is listed";
    let what = ("whether listed manifests are there", expected);
    let gone = match registry::told(context, &place, &facts.gone, what) {
        Ok(gone) => gone,
        Err(raised) => return vec![*raised],
    };
    if !gone.is_empty() {
        let title = "manifests that are listed are gone";
        let found = gone.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return vec![context.fail(place, title, found, expected)];
    }
    if context.names("keeps-untagged", &facts.repository) == Some(true) {
        return Vec::new();
    }
    // No registry says by the protocol what it will delete.
    let title = "what retention deletes can not be told";
    let found = "a protocol that does not say";
    vec![context.unknown(place, title, found, "`keeps-untagged` in the policy")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{
        registry::{case, untold},
        testing::*,
    };
    use plimsoll_model::finding::Place;

    use plimsoll_model::registry::Told;

    const KEPT: &str = "rules: {REG-011: {keeps-untagged: [registry.corp/**]}}";

    #[test]
    fn what_is_listed_and_gone_fails_whatever_the_policy_says() {
        let gone = case(|facts| facts.gone = Told::Is(vec![digest("gone")]));
        gone.clone().policy(KEPT).check("REG-011", Expect::Fail);
        let place = Place::Registry { at: "registry.corp/prod/app".to_owned() };
        assert_eq!(gone.findings("REG-011")[0].finding.place, place);
        assert_eq!(gone.findings("REG-011")[0].finding.found, digest("gone").to_string());
    }

    #[test]
    fn a_repository_that_is_known_to_keep_passes() {
        case(|_| {}).policy(KEPT).check("REG-011", Expect::Pass);
    }

    #[test]
    fn otherwise_it_can_not_be_told() {
        let unsaid = case(|_| {});
        unsaid.check("REG-011", Expect::Unknown);
        assert_eq!(unsaid.findings("REG-011")[0].action, Action::Inform);
        case(|facts| facts.gone = untold()).policy(KEPT).check("REG-011", Expect::Unknown);
    }
}
