//! CMP-018: what a moving tag names is pulled anew.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{compose::HOLE, decide::Action};
use plimsoll_model::{Severity, reference::ImageName};

pub(crate) const RULE: Rule = Rule {
    id: "CMP-018",
    name: "cmp_018_stale_pull",
    title: "what a moving tag names is pulled anew",
    severity: Severity::Low,
    action: Action::Warn,
    why: "With `never` or `missing`, each host runs what it happened to pull when, and none of them gets the fixes.",
    mend: "name the image by its digest, or write `pull_policy: always`",
    bad: "image: nginx:1.29\npull_policy: never",
    good: "image: nginx:1.29@sha256:…",
    equivalents: &["CIS 5.28"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, |on| judge(on).into_iter().collect())
}

fn judge(on: &Judged<'_, '_>) -> Option<Raised> {
    const EXPECTED: &str = "a digest, or `pull_policy: always`";
    const WHAT: &str = "runs whatever its host has under a tag";
    let node = on.service.node.get("pull_policy")?;
    let image = on.service.image()?;
    let (value, name) = (node.scalar()?, image.scalar()?);
    let found = format!("`pull_policy: {}` of `{}`", node.written(), image.written());
    if !matches!(value.as_str(), "never" | "missing" | "if_not_present") && !value.contains(HOLE) {
        return None;
    }
    let named = name.parse::<ImageName>();
    if named.is_ok_and(|name| name.digest.is_some()) {
        return None;
    }
    let is_untold = value.contains(HOLE) || name.contains(HOLE);
    Some(if is_untold {
        on.unknown(node.at, WHAT, found, EXPECTED)
    } else {
        on.fail(node.at, WHAT, found, EXPECTED)
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn tags_that_are_not_pulled_fail() {
        for policy in ["never", "missing", "if_not_present"] {
            let case = case(&format!("image: a:1\n    pull_policy: {policy}"));
            case.check("CMP-018", Expect::Fail);
            assert_eq!(case.places("CMP-018"), [(4, 18)]);
        }
    }

    #[test]
    fn digests_and_pulls_pass() {
        case("image: a:1\n    pull_policy: always").check("CMP-018", Expect::Pass);
        case("image: a:1").check("CMP-018", Expect::Pass);
        case(&format!("image: {}\n    pull_policy: never", at_digest("a")))
            .check("CMP-018", Expect::Pass);
        case("build: .\n    image: a\n    pull_policy: never").check("CMP-018", Expect::Pass);
        case("build: .\n    image: a\n    pull_policy: build").check("CMP-018", Expect::Pass);
        case("build: .\n    image: a\n    pull_policy: missing").check("CMP-018", Expect::Fail);
    }

    #[test]
    fn what_is_not_known_can_not_be_told() {
        case("image: a:1\n    pull_policy: ${P}").check("CMP-018", Expect::Unknown);
        case("image: 'a:${T}'\n    pull_policy: never").check("CMP-018", Expect::Unknown);
    }
}
