//! REG-002: what is private is not for everybody to pull.

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext, registry};
use crate::decide::Action;
use plimsoll_model::{
    Severity,
    registry::{Door, Told},
};

pub(crate) const RULE: Rule = Rule {
    id: "REG-002",
    name: "reg_002_anonymous_pull",
    title: "nobody pulls from a private repository without credentials",
    severity: Severity::High,
    action: Action::Warn,
    why: "An image is the whole program with its dependencies, and often more than was meant to be in it. Whoever pulls it has all of that.",
    mend: "have the registry ask for a login before it gives manifests and blobs of that repository",
    bad: "docker pull registry.corp/prod/app:1   # without a login",
    good: "rules: {REG-002: {private: [\"registry.corp/**\"]}}   # and 401 to who has no login",
    equivalents: &[],
    about: &[About::Registry],
    parameters: &[Parameter {
        name: "private",
        kind: ParameterKind::Patterns,
        help: "patterns of the repositories that are private; without it an open one is shown and no more",
    }],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(facts) = context.facts().registry else { return Vec::new() };
    let private = context.names("private", &facts.repository);
    if private == Some(false) {
        return Vec::new();
    }
    let place = registry::repository(facts);
    let request = format!("GET /v2/{}/manifests/…", facts.repository.path());
    let raised = registry::shut(context, (&place, &facts.pull), ("pulling by everybody", &request));
    // Where the policy does not say what is private, that is for people to know.
    let raised = raised.map(|raised| match (private, &facts.pull) {
        (None, Told::Is(Door::Open(_)) | Told::Untold(_)) => raised.at_most(Action::Inform),
        _ => raised,
    });
    raised.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{
        registry::{case, untold},
        testing::*,
    };
    use plimsoll_model::finding::Place;

    const PRIVATE: &str = "rules: {REG-002: {private: [registry.corp/**, other.corp/app]}}";

    #[test]
    fn a_private_repository_that_everybody_pulls_from_fails() {
        let open = case(|facts| facts.pull = Told::Is(Door::Open(200)));
        open.clone().policy(PRIVATE).check("REG-002", Expect::Fail);
        let place = Place::Registry { at: "registry.corp/prod/app".to_owned() };
        assert_eq!(open.findings("REG-002")[0].finding.place, place);
        assert_eq!(open.clone().policy(PRIVATE).findings("REG-002")[0].action, Action::Warn);
        // Nothing says that it is private.
        assert_eq!(open.findings("REG-002")[0].action, Action::Inform);
    }

    #[test]
    fn one_that_is_shut_or_public_passes() {
        case(|_| {}).policy(PRIVATE).check("REG-002", Expect::Pass);
        let public = "rules: {REG-002: {private: [registry.corp/*]}}";
        case(|facts| facts.pull = Told::Is(Door::Open(200)))
            .policy(public)
            .check("REG-002", Expect::Pass);
    }

    #[test]
    fn where_there_is_no_answer_it_can_not_be_told() {
        case(|facts| facts.pull = untold()).policy(PRIVATE).check("REG-002", Expect::Unknown);
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_with_the_policy() {
        let text = "version: 1\nrules: {REG-002: {private: ['!registry.corp/**']}}";
        let refused = crate::Policy::parse(text, "p.yaml".into()).unwrap_err();
        assert!(refused.to_string().starts_with("p.yaml:2:"), "{refused}");
    }
}
