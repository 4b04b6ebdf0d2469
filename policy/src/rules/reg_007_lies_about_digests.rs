//! REG-007: what a registry sends is what was asked for.

use super::{About, Raised, Rule, RuleContext, registry};
use crate::decide::Action;
use plimsoll_model::{
    Severity,
    finding::Place,
    registry::{Lie, RegistryFacts},
};

pub(crate) const RULE: Rule = Rule {
    id: "REG-007",
    name: "reg_007_lies_about_digests",
    title: "what the registry sends for a digest has that digest, and what it says of digests is so",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "A registry, or a proxy before it, that sends something else by a digest is broken or hostile. Clients that believe its header pin what they never saw.",
    mend: "find out who answers, bypass proxies and mirrors, compare with another registry, and take nothing from this one before that is known",
    bad: "GET /v2/prod/app/manifests/sha256:aa…   # a document whose digest is sha256:bb…",
    good: "GET /v2/prod/app/manifests/sha256:aa…   # a document whose digest is sha256:aa…",
    equivalents: &[],
    about: &[About::Registry],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(facts) = context.facts().registry else { return Vec::new() };
    let place = registry::repository(facts);
    let what =
        ("whether digests are as the registry says", "an image, and honest answers about it");
    match registry::told(context, &place, &facts.lies, what) {
        Err(raised) => vec![*raised],
        Ok(lies) => lies.iter().map(|lie| fail(context, facts, lie)).collect(),
    }
}

fn fail(context: &RuleContext<'_>, facts: &RegistryFacts, lie: &Lie) -> Raised {
    let place = Place::Registry { at: format!("{}, {}", facts.repository, lie.asked) };
    let title = "the registry's answer is not about what was asked";
    context.fail(place, title, lie.found.as_str(), lie.expected.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{
        registry::{case, untold},
        testing::*,
    };

    use plimsoll_model::registry::Told;

    #[test]
    fn a_lie_fails_where_it_was_told() {
        let lie = Lie {
            asked: "GET manifests/1".to_owned(),
            found: "sha256:bb".to_owned(),
            expected: "sha256:aa".to_owned(),
        };
        let lies = case(|facts| facts.lies = Told::Is(vec![lie.clone(), lie]));
        lies.check("REG-007", Expect::Fail);
        let found = lies.findings("REG-007");
        let at = "registry.corp/prod/app, GET manifests/1".to_owned();
        assert_eq!((found.len(), &found[0].finding.place), (2, &Place::Registry { at }));
        assert!(found[0].is_blocking());
    }

    #[test]
    fn honesty_passes() {
        case(|_| {}).check("REG-007", Expect::Pass);
    }

    #[test]
    fn without_an_image_it_is_undecided() {
        let silent = case(|facts| facts.lies = untold());
        silent.check("REG-007", Expect::Unknown);
        assert!(silent.findings("REG-007")[0].is_blocking());
    }
}
