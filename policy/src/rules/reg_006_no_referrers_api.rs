//! REG-006: the registry lists referrers by itself.

use super::{About, Raised, Rule, RuleContext, registry};
use crate::decide::Action;
use plimsoll_model::{Severity, registry::ReferrersApi};

pub(crate) const RULE: Rule = Rule {
    id: "REG-006",
    name: "reg_006_no_referrers_api",
    title: "the registry has the referrers API",
    severity: Severity::Info,
    action: Action::Inform,
    why: "Without the API the list of signatures and SBOMs of an image is a tag that clients write: two that write at once lose one of them, and who may push may empty it.",
    mend: "nothing has to be done: the fallback tag is read and written where there is no API; newer versions of most registries have it",
    bad: "GET /v2/prod/app/referrers/sha256:…   # 404",
    good: "GET /v2/prod/app/referrers/sha256:…   # 200, an index",
    equivalents: &[],
    about: &[About::Registry],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(facts) = context.facts().registry else { return Vec::new() };
    let place = registry::repository(facts);
    let expected = "the API of distribution specification 1.1";
    let what = ("how referrers are listed", expected);
    let raised = match registry::told(context, &place, &facts.referrers, what) {
        Err(raised) => Some(*raised),
        Ok(ReferrersApi::Present) => None,
        Ok(ReferrersApi::Absent) => {
            let title = "referrers are listed under a fallback tag";
            Some(context.fail(place, title, "no referrers API", expected))
        }
    };
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

    use plimsoll_model::registry::Told;

    #[test]
    fn no_api_is_shown_and_no_more() {
        let absent = case(|facts| facts.referrers = Told::Is(ReferrersApi::Absent));
        absent.check("REG-006", Expect::Fail);
        let place = Place::Registry { at: "registry.corp/prod/app".to_owned() };
        assert_eq!(absent.findings("REG-006")[0].finding.place, place);
        assert_eq!(absent.findings("REG-006")[0].action, Action::Inform);
    }

    #[test]
    fn the_api_passes() {
        case(|_| {}).check("REG-006", Expect::Pass);
    }

    #[test]
    fn no_answer_can_not_be_told() {
        case(|facts| facts.referrers = untold()).check("REG-006", Expect::Unknown);
    }
}
