//! BASE-050: an image is built on layers of an approved base.

use super::{About, Raised, Rule, RuleContext, attested_base, inputs};
use crate::{bases::Flattened, decide::Action};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "BASE-050",
    name: "base_050_base_unknown",
    title: "the lowest layers of the image are those of an approved base",
    severity: Severity::High,
    action: Action::Deny,
    why: "What an image says of its base is a claim. The digests of its lowest layers are the bytes themselves: where they are those of no approved image, nobody knows what it was built on.",
    mend: "approve the base with `plimsoll base approve`, or build on one that is approved; an image that was squashed has to be built anew, or `allow-flattened` takes signed provenance for it",
    bad: "bases: {lock: bases.lock}   # and an image whose layers begin with those of no entry",
    good: "the same, and an image FROM one of its entries",
    equivalents: &["CIS 4.2", "Scout no data"],
    about: &[About::Image],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let bases = context.policy().bases();
    let unknown = |found: String| {
        let title = "it can not be told which base image this was built on";
        let raised = context.unknown(Place::Image, title, found, "the layers of an approved base");
        raised.by_line(bases.line)
    };
    if context.facts().image.is_none() || inputs::base(context).is_some() {
        return Vec::new();
    }
    if context.facts().bases.is_some() {
        let found = "its lowest layers are those of no approved base";
        return match (attested_base::of(context), bases.flattened) {
            (Ok(_), _) => Vec::new(),
            (Err(reason), Flattened::Attested) => vec![unknown(format!("{found}, and {reason}"))],
            (Err(_), Flattened::Unknown) => vec![unknown(found.to_owned())],
        };
    }
    let found = match &bases.lock {
        Some(path) => format!("the lock `{path}` was not read"),
        None => "no lock of approved bases is configured".to_owned(),
    };
    // Without a lock no image could ever pass: that is said, and left to the Dockerfile rules.
    let can_tell = bases.lock.is_some() || context.is_set();
    let mend = "approve the base with `plimsoll base approve` and name the lock under `bases.lock`";
    let at_most = if can_tell { Action::Deny } else { Action::Warn };
    vec![unknown(found).at_most(at_most).with_remedy(mend)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn image(layers: &[&str]) -> Case {
        let case = Case::default().policy("bases: {lock: bases.lock, allow: []}").image(layers);
        case.approved("debian:12", &["a", "b"], "2026-06-15")
    }

    #[test]
    fn the_lowest_layers_tell_the_base_of_an_image() {
        image(&["a", "b", "c"]).check("BASE-050", Expect::Pass);
        image(&["a", "b"]).check("BASE-050", Expect::Pass);
        // Squashed, in another order, with a layer below, or cut.
        for other in [vec!["ab"], vec!["b", "a"], vec!["x", "a", "b"], vec!["a"], vec![]] {
            image(&other).check("BASE-050", Expect::Unknown);
            let place = &image(&other).findings("BASE-050")[0].finding.place;
            assert_eq!(*place, Place::Image);
        }
    }

    #[test]
    fn what_the_image_says_of_itself_proves_nothing() {
        let name = "org.opencontainers.image.base.name";
        let case = image(&["x"]).annotated(name, "docker.io/library/debian:12");
        case.check("BASE-050", Expect::Unknown);
    }

    #[test]
    fn without_a_lock_an_image_warns_and_says_so() {
        let case = Case::default().image(&["a"]);
        let judged = case.findings("BASE-050");
        assert_eq!((judged.len(), judged[0].action), (1, Action::Warn));
        assert_eq!(judged[0].finding.found, "no lock of approved bases is configured");
        for strict in ["bases: {lock: bases.lock}", "rules: {BASE-050: deny}"] {
            let judged = case.clone().policy(strict).findings("BASE-050");
            assert_eq!(judged[0].action, Action::Deny, "{strict}");
            case.clone().policy(strict).check("BASE-050", Expect::Unknown);
        }
    }
}
