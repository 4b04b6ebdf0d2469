//! REG-003: nobody pushes without credentials.

use super::{About, Raised, Rule, RuleContext, registry};
use crate::decide::Action;
use plimsoll_model::{Severity, registry::LeftKind};

pub(crate) const RULE: Rule = Rule {
    id: "REG-003",
    name: "reg_003_anonymous_push",
    title: "nobody pushes to the repository without credentials",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Who may push says what a tag stands for: everybody on the network decides what runs. A registry as installed asks nobody who they are.",
    mend: "have the registry ask for a login (`auth:` in the configuration of docker-registry), and let it be reached by nobody before that",
    bad: "curl -X POST https://registry.corp/v2/prod/app/blobs/uploads/   # 202",
    good: "curl -X POST https://registry.corp/v2/prod/app/blobs/uploads/   # 401",
    equivalents: &[],
    about: &[About::Registry],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(facts) = context.facts().registry else { return Vec::new() };
    let place = registry::repository(facts);
    let request = format!("POST /v2/{}/blobs/uploads/", facts.repository.path());
    let raised = registry::shut(context, (&place, &facts.push), ("pushing by everybody", &request));
    raised.into_iter().chain(registry::left(context, facts, LeftKind::Upload)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{
        registry::{case, untold},
        testing::*,
    };
    use plimsoll_model::finding::Place;

    use plimsoll_model::registry::{Door, Leftover, Told};

    #[test]
    fn an_upload_that_everybody_may_begin_fails() {
        let open = case(|facts| facts.push = Told::Is(Door::Open(202)));
        open.check("REG-003", Expect::Fail);
        let place = Place::Registry { at: "registry.corp/prod/app".to_owned() };
        assert_eq!(open.findings("REG-003")[0].finding.place, place);
        let found = open.findings("REG-003");
        let request = "`POST /v2/prod/app/blobs/uploads/` without credentials is answered 202";
        assert_eq!(found[0].finding.found, request);
        assert!(found[0].is_blocking());
    }

    #[test]
    fn one_that_is_refused_passes() {
        case(|_| {}).check("REG-003", Expect::Pass);
    }

    #[test]
    fn no_answer_is_undecided_and_no_consent_is_said() {
        let silent = case(|facts| facts.push = untold());
        silent.check("REG-003", Expect::Unknown);
        assert!(silent.findings("REG-003")[0].is_blocking());
        let unasked = case(|facts| facts.push = Told::NoConsent);
        unasked.check("REG-003", Expect::Unknown);
        let found = unasked.findings("REG-003");
        assert_eq!(found[0].action, Action::Inform);
        assert_eq!(found[0].finding.title, "pushing by everybody was not looked at");
    }

    #[test]
    fn an_upload_that_could_not_be_given_up_is_said() {
        let left = Leftover {
            kind: LeftKind::Upload,
            what: "an unfinished upload".to_owned(),
            why: "503".to_owned(),
        };
        let found = case(|facts| facts.leftovers = vec![left]).findings("REG-003");
        assert_eq!((found.len(), found[0].action), (1, Action::Warn));
        assert_eq!(found[0].finding.title, "the audit left an unfinished upload behind");
    }
}
