//! REG-010: who builds does not push to where approved images are.

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext, registry};
use crate::decide::Action;
use plimsoll_model::{
    Severity,
    registry::{CredentialKind, Door, RegistryFacts, Told},
};

pub(crate) const RULE: Rule = Rule {
    id: "REG-010",
    name: "reg_010_build_may_approve",
    title: "who builds can not push to where approved images are",
    severity: Severity::High,
    action: Action::Warn,
    why: "Where a build pushes to the repository that is deployed from, nothing has to pass the gate: its own credentials are the approval.",
    mend: "let builds push to a repository of their own, and only the promotion to the approved one; run the audit with the credentials of the build",
    bad: "promotion: {from: \"registry.corp/**\", to: \"registry.corp/**\"}",
    good: "promotion: {from: \"registry.corp/build/*\", to: \"registry.corp/prod/*\"}",
    equivalents: &[],
    about: &[About::Registry],
    parameters: &[Parameter {
        name: "approved",
        kind: ParameterKind::Patterns,
        help: "patterns of the repositories that approved images are in, beside `promotion.to`",
    }],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(facts) = context.facts().registry else { return Vec::new() };
    let promotion = context.policy().promotion();
    let name = facts.repository.to_string();
    let is_from = promotion.from.as_ref().is_some_and(|pattern| pattern.is_match(&name));
    let is_to = promotion.to.as_ref().map(|pattern| pattern.is_match(&name));
    let place = registry::repository(facts);
    if is_from && is_to == Some(true) {
        let title = "images are promoted from the repository that they are promoted to";
        let found = "`promotion.from` and `promotion.to` both name it";
        return vec![context.fail(place, title, found, "two repositories").by_line(promotion.line)];
    }
    match (is_to, context.names("approved", &facts.repository)) {
        (None, None) => {
            let title = "which repositories are approved can not be told";
            let found = "a policy that does not say";
            let raised = context.unknown(place, title, found, "`promotion.to`, or `approved`");
            vec![raised.at_most(Action::Inform)]
        }
        (Some(true), _) | (_, Some(true)) => push(context, facts).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Whether the credentials of this run may push: what was tried counts before what a token says.
fn push(context: &RuleContext<'_>, facts: &RegistryFacts) -> Option<Raised> {
    let place = registry::repository(facts);
    let expected = "credentials that can not push there";
    let fail = |found: &str| {
        let title = "the credentials of this run may push to an approved repository";
        Some(context.fail(place.clone(), title, found, expected))
    };
    let unknown = |why: &str| {
        let title = "whether the credentials of this run may push to an approved repository can not be told";
        Some(context.unknown(place.clone(), title, why, expected))
    };
    if facts.credential == CredentialKind::Absent {
        return unknown("there are no credentials: run it with those of the build");
    }
    match (&facts.own_push, &facts.grants) {
        (Told::Is(Door::Open(_)), _) => fail("an upload was begun, and given up"),
        // 401 is also what one gets who was not logged in; then what the token says counts.
        (Told::Is(Door::Shut(401)), Told::Untold(_) | Told::NoConsent) => {
            unknown("an upload is answered 401, as it is to who was not logged in")
        }
        (Told::Is(Door::Shut(401)) | Told::Untold(_) | Told::NoConsent, Told::Is(grants)) => {
            let is_push = |action: &String| action == "push" || action == "*";
            let may_push = grants.for_push.iter().any(|grant| {
                grant.kind == "repository"
                    && grant.name == facts.repository.path()
                    && grant.actions.iter().any(is_push)
            });
            if may_push { fail("the token that is given allows `push`") } else { None }
        }
        (Told::Is(Door::Shut(_)), _) => None,
        (Told::Untold(why), _) | (Told::NoConsent, Told::Untold(why)) => unknown(why),
        (Told::NoConsent, Told::NoConsent) => unknown("it was not asked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{
        registry::{case, untold},
        testing::*,
    };

    use plimsoll_model::registry::{Grant, Grants};

    const TO: &str = "promotion: {from: registry.corp/build/*, to: registry.corp/prod/*}";

    fn grants(actions: &[&str]) -> Told<Grants> {
        let actions = actions.iter().map(|action| (*action).to_owned()).collect();
        let (kind, name) = ("repository".to_owned(), "prod/app".to_owned());
        let for_push = vec![Grant { kind, name, actions }];
        Told::Is(Grants { for_pull: Vec::new(), for_push })
    }

    #[test]
    fn one_repository_for_both_fails_at_the_line_of_the_policy() {
        let same = case(|_| {}).policy("promotion: {from: registry.corp/**, to: registry.corp/**}");
        same.check("REG-010", Expect::Fail);
        let found = same.findings("REG-010");
        assert_eq!(found[0].policy_line.as_ref().map(|line| line.line), Some(2));
    }

    #[test]
    fn a_build_that_may_push_to_an_approved_repository_fails() {
        case(|facts| facts.own_push = Told::Is(Door::Open(202)))
            .policy(TO)
            .check("REG-010", Expect::Fail);
        for actions in [&["pull", "push"][..], &["*"]] {
            let granted = case(|facts| {
                (facts.own_push, facts.grants) = (Told::NoConsent, grants(actions));
            });
            granted.clone().policy(TO).check("REG-010", Expect::Fail);
            let named = "rules: {REG-010: {approved: [registry.corp/prod/app]}}";
            granted.policy(named).check("REG-010", Expect::Fail);
        }
    }

    #[test]
    fn one_that_may_not_passes_and_so_does_a_repository_of_builds() {
        case(|_| {}).policy(TO).check("REG-010", Expect::Pass);
        let untried = case(|facts| facts.own_push = Told::NoConsent);
        untried.policy(TO).check("REG-010", Expect::Pass);
        let open = case(|facts| facts.own_push = Told::Is(Door::Open(202)));
        open.policy("promotion: {to: registry.corp/release/*}").check("REG-010", Expect::Pass);
    }

    #[test]
    fn what_nobody_says_can_not_be_told() {
        let opaque = case(|facts| (facts.own_push, facts.grants) = (Told::NoConsent, untold()));
        opaque.clone().policy(TO).check("REG-010", Expect::Unknown);
        let unstated = case(|_| {});
        unstated.check("REG-010", Expect::Unknown);
        assert_eq!(unstated.findings("REG-010")[0].action, Action::Inform);
    }

    #[test]
    fn a_run_without_credentials_does_not_tell_what_those_of_the_build_may() {
        let nobody = case(|facts| {
            facts.credential = CredentialKind::Absent;
            (facts.own_push, facts.grants) = (untold(), untold());
        });
        let nobody = nobody.policy(TO);
        nobody.check("REG-010", Expect::Unknown);
        let found = &nobody.findings("REG-010")[0].finding.found;
        assert_eq!(found, "there are no credentials: run it with those of the build");
    }

    #[test]
    fn a_refusal_to_who_may_not_have_been_logged_in_tells_nothing_by_itself() {
        let refused = |grants| {
            case(|facts| {
                (facts.own_push, facts.grants) = (Told::Is(Door::Shut(401)), grants);
            })
        };
        let opaque = refused(untold()).policy(TO);
        opaque.check("REG-010", Expect::Unknown);
        let found = &opaque.findings("REG-010")[0].finding.found;
        assert_eq!(found, "an upload is answered 401, as it is to who was not logged in");
        refused(grants(&["pull"])).policy(TO).check("REG-010", Expect::Pass);
        refused(grants(&["push"])).policy(TO).check("REG-010", Expect::Fail);
        let forbidden = case(|facts| facts.grants = untold());
        forbidden.policy(TO).check("REG-010", Expect::Pass);
    }
}
