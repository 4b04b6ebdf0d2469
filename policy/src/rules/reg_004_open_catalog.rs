//! REG-004: nobody lists the repositories without credentials.

use super::{About, Raised, Rule, RuleContext, registry};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "REG-004",
    name: "reg_004_open_catalog",
    title: "nobody lists the repositories of the registry without credentials",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "The names of repositories tell what there is to attack, and what an image could be named to be taken for it.",
    mend: "have the registry ask for a login before it answers `/v2/_catalog`, or turn the catalog off",
    bad: "curl https://registry.corp/v2/_catalog   # 200",
    good: "curl https://registry.corp/v2/_catalog   # 401",
    equivalents: &[],
    about: &[About::Registry],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(facts) = context.facts().registry else { return Vec::new() };
    let what = ("listing the repositories by everybody", "GET /v2/_catalog");
    registry::shut(context, (&registry::host(facts), &facts.catalog), what).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{
        registry::{case, untold},
        testing::*,
    };

    use plimsoll_model::{
        finding::Place,
        registry::{Door, Told},
    };

    #[test]
    fn a_catalog_for_everybody_fails() {
        let open = case(|facts| facts.catalog = Told::Is(Door::Open(200)));
        open.check("REG-004", Expect::Fail);
        let place = Place::Registry { at: "registry.corp".to_owned() };
        assert_eq!(open.findings("REG-004")[0].finding.place, place);
    }

    #[test]
    fn none_passes() {
        case(|facts| facts.catalog = Told::Is(Door::Shut(404))).check("REG-004", Expect::Pass);
    }

    #[test]
    fn no_answer_can_not_be_told() {
        case(|facts| facts.catalog = untold()).check("REG-004", Expect::Unknown);
    }
}
