//! CMP-012: every service has a health check.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{HOLE, Node, Told},
    decide::Action,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-012",
    name: "cmp_012_healthcheck_missing",
    title: "every service has a health check",
    severity: Severity::Low,
    action: Action::Warn,
    why: "A process that is there and does not answer goes unnoticed, and what depends on it starts too early.",
    mend: "write a `healthcheck`, or use an image that has one",
    bad: "healthcheck: {disable: true}",
    good: "healthcheck: {test: [CMD, /app, health]}",
    equivalents: &["CIS 5.27"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a `healthcheck` with a `test`";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, |on| judge(on).into_iter().collect())
}

fn judge(on: &Judged<'_, '_>) -> Option<Raised> {
    const WHAT: &str = "has no health check";
    let Some(check) = on.service.node.get("healthcheck") else { return of_image(on) };
    if let Some(node) = check.get("disable") {
        let found = format!("`disable: {}`", node.written());
        match node.flag() {
            Told::Is(true) => return Some(on.fail(node.at, WHAT, found, EXPECTED)),
            Told::Untold => return Some(on.unknown(node.at, WHAT, found, EXPECTED)),
            Told::Is(false) => {}
        }
    }
    let Some(test) = check.get("test") else { return of_image(on) };
    let first = test.one_or_more().first().and_then(Node::scalar).unwrap_or_default();
    let found = format!("`test: {}`", first.replace(HOLE, "…"));
    if first.starts_with(HOLE) {
        return Some(on.unknown(test.at, WHAT, found, EXPECTED));
    }
    matches!(first.as_str(), "NONE" | "").then(|| on.fail(test.at, WHAT, found, EXPECTED))
}

/// The service says nothing: its image decides, where that is the one that is judged besides.
fn of_image(on: &Judged<'_, '_>) -> Option<Raised> {
    let digest = on.service.image_name().and_then(|name| name.digest);
    let image = on.context.facts().image.filter(|image| {
        digest.is_some_and(|digest| [image.pinned.digest, image.manifest].contains(&digest))
    });
    let at = on.service.at;
    let Some(image) = image else {
        let found = "no `healthcheck`, and whether its image has one is not known";
        return Some(on.unknown(at, "has a health check", found, EXPECTED));
    };
    let test = image.config.healthcheck.as_ref().map(|check| check.test.as_slice());
    let has_one = test.is_some_and(|test| test.first().is_some_and(|first| first != "NONE"));
    (!has_one)
        .then(|| on.fail(at, "has no health check", "none here, and none in its image", EXPECTED))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn health_checks_that_are_off_fail() {
        case("healthcheck: {disable: true}").check("CMP-012", Expect::Fail);
        assert_eq!(case("healthcheck: {disable: true}").places("CMP-012"), [(3, 28)]);
        case("healthcheck: {test: [NONE]}").check("CMP-012", Expect::Fail);
        let pinned = case(&format!("image: registry.corp/build/app@{}", digest("index")));
        pinned
            .clone()
            .image_with(&["a"], |config| config.healthcheck = None)
            .check("CMP-012", Expect::Fail);
        pinned.image(&["a"]).check("CMP-012", Expect::Pass);
    }

    #[test]
    fn health_checks_pass() {
        for good in [
            "test: [CMD, /app, health]",
            "test: curl -f localhost",
            "{test: [CMD, a], disable: false}",
        ] {
            let good = if good.starts_with('{') { good.to_owned() } else { format!("{{{good}}}") };
            case(&format!("healthcheck: {good}")).check("CMP-012", Expect::Pass);
        }
    }

    #[test]
    fn what_the_image_has_can_not_be_told() {
        case("image: a").check("CMP-012", Expect::Unknown);
        assert_eq!(case("image: a").places("CMP-012"), [(2, 3)]);
        case("healthcheck: {interval: 5s}").check("CMP-012", Expect::Unknown);
        case("healthcheck: {disable: '${D}'}").check("CMP-012", Expect::Unknown);
    }
}
