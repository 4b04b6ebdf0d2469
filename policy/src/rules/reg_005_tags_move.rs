//! REG-005: what a tag stands for does not change.

use super::{About, Raised, Rule, RuleContext, registry};
use crate::decide::Action;
use plimsoll_model::{
    Severity,
    registry::{LeftKind, TagMoves},
};

pub(crate) const RULE: Rule = Rule {
    id: "REG-005",
    name: "reg_005_tags_move",
    title: "a tag of the repository that is pushed again stays where it was",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Who deploys a tag runs what was pushed last, not what was judged. Where tags can not move, neither can what they stand for.",
    mend: "turn on immutable tags for the repository (Harbor: tag immutability rules; ECR: imageTagMutability; Artifact Registry: immutableTags; Quay: tag immutability), and deploy by digest",
    bad: "docker push registry.corp/prod/app:1.4   # twice, with two images",
    good: "docker push registry.corp/prod/app:1.4   # the second is refused",
    equivalents: &[],
    about: &[About::Registry],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(facts) = context.facts().registry else { return Vec::new() };
    let place = registry::repository(facts);
    let expected = "a second push that changes nothing";
    let what = ("whether tags move", expected);
    let raised = match registry::told(context, &place, &facts.tag_moves, what) {
        Err(raised) => Some(*raised),
        Ok(TagMoves::No(_)) => None,
        Ok(TagMoves::Yes(tag)) => {
            let found = format!("tag `{tag}` stands for what was pushed last");
            Some(context.fail(place, "a tag that is pushed again moves", found, expected))
        }
    };
    let left = [LeftKind::Tag, LeftKind::Manifests];
    let left = left.into_iter().flat_map(|kind| registry::left(context, facts, kind));
    raised.into_iter().chain(left).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{
        registry::{case, untold},
        testing::*,
    };
    use plimsoll_model::finding::Place;

    use plimsoll_model::registry::{Leftover, Told};

    #[test]
    fn a_tag_that_moves_fails() {
        let moves = Told::Is(TagMoves::Yes("plimsoll-audit-1".to_owned()));
        let moves = case(|facts| facts.tag_moves = moves);
        moves.check("REG-005", Expect::Fail);
        let place = Place::Registry { at: "registry.corp/prod/app".to_owned() };
        assert_eq!(moves.findings("REG-005")[0].finding.place, place);
        let found = moves.findings("REG-005");
        assert_eq!(
            found[0].finding.found,
            "tag `plimsoll-audit-1` stands for what was pushed last"
        );
    }

    #[test]
    fn one_that_stays_passes_and_is_said_where_it_remains() {
        case(|_| {}).check("REG-005", Expect::Pass);
        let left = Leftover {
            kind: LeftKind::Tag,
            what: "tag `plimsoll-audit-1`".to_owned(),
            why: "405".to_owned(),
        };
        let found = case(|facts| facts.leftovers = vec![left]).findings("REG-005");
        assert_eq!(found[0].finding.title, "the audit left tag `plimsoll-audit-1` behind");
        let left = Leftover {
            kind: LeftKind::Manifests,
            what: "manifests of the probe, without a tag".to_owned(),
            why: "405".to_owned(),
        };
        let found = case(|facts| facts.leftovers = vec![left]).findings("REG-005");
        let title = "the audit left manifests of the probe, without a tag behind";
        assert_eq!((found.len(), &*found[0].finding.title), (1, title));
    }

    #[test]
    fn no_answer_and_no_consent_can_not_be_told() {
        case(|facts| facts.tag_moves = untold()).check("REG-005", Expect::Unknown);
        let unasked = case(|facts| facts.tag_moves = Told::NoConsent);
        unasked.check("REG-005", Expect::Unknown);
        assert_eq!(unasked.findings("REG-005")[0].action, Action::Inform);
    }
}
