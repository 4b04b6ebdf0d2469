//! REG-009: nobody deletes without credentials.

use super::{About, Raised, Rule, RuleContext, registry};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "REG-009",
    name: "reg_009_anonymous_delete",
    title: "nobody deletes from the repository without credentials",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Who deletes an image stops what is to start next, and who deletes a signature makes what was proven unproven.",
    mend: "have the registry ask for a login before it deletes, or turn deletion off (`storage: {delete: {enabled: false}}`)",
    bad: "curl -X DELETE https://registry.corp/v2/prod/app/manifests/sha256:…   # 404",
    good: "curl -X DELETE https://registry.corp/v2/prod/app/manifests/sha256:…   # 401",
    equivalents: &[],
    about: &[About::Registry],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(facts) = context.facts().registry else { return Vec::new() };
    let place = registry::repository(facts);
    let request = format!("DELETE /v2/{}/manifests/…", facts.repository.path());
    let what = ("deleting by everybody", &*request);
    registry::shut(context, (&place, &facts.delete), what).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{
        registry::{case, untold},
        testing::*,
    };
    use plimsoll_model::finding::Place;

    use plimsoll_model::registry::{Door, Told};

    #[test]
    fn what_looks_for_the_digest_fails() {
        for status in [202, 404] {
            let open = case(|facts| facts.delete = Told::Is(Door::Open(status)));
            open.check("REG-009", Expect::Fail);
            let place = Place::Registry { at: "registry.corp/prod/app".to_owned() };
            assert_eq!(open.findings("REG-009")[0].finding.place, place);
            assert!(open.findings("REG-009")[0].is_blocking());
        }
    }

    #[test]
    fn what_refuses_passes() {
        case(|facts| facts.delete = Told::Is(Door::Shut(405))).check("REG-009", Expect::Pass);
    }

    #[test]
    fn no_answer_is_undecided_and_no_consent_is_said() {
        let silent = case(|facts| facts.delete = untold());
        silent.check("REG-009", Expect::Unknown);
        assert!(silent.findings("REG-009")[0].is_blocking());
        let unasked = case(|facts| facts.delete = Told::NoConsent);
        unasked.check("REG-009", Expect::Unknown);
        assert_eq!(unasked.findings("REG-009")[0].action, Action::Inform);
    }
}
