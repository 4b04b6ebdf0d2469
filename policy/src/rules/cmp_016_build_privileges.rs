//! CMP-016: no build gets secrets as arguments, or more rights than a build has.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{HOLE, Node, Told},
    decide::Action,
    secrets::is_named_secret,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-016",
    name: "cmp_016_build_privileges",
    title: "no build gets secrets as arguments, or more rights than a build has",
    severity: Severity::High,
    action: Action::Deny,
    why: "Build arguments stay in the history of the image, for everyone who pulls it. A privileged build is root on the machine that builds.",
    mend: "give secrets by `build.secrets`, and remove `privileged` and `entitlements`",
    bad: "build: {context: ., args: {NPM_TOKEN: abc}}",
    good: "build: {context: ., secrets: [npm_token]}",
    equivalents: &[],
    about: &[About::Compose],
    parameters: &[],
    check,
};

/// What a build may ask for that no build should have.
const ENTITLEMENTS: [&str; 3] = ["security.insecure", "network.host", "device"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, judge)
}

fn judge(on: &Judged<'_, '_>) -> Vec<Raised> {
    let Some(build) = on.service.node.get("build") else { return Vec::new() };
    let mut raised = Vec::new();
    for entry in build.get("args").map(Node::entries).unwrap_or_default() {
        // The value stays out of the report, and does not matter: it is in the history of the image whoever gives it.
        let is_empty = entry.value.scalar().is_some_and(|value| value.is_empty());
        if is_named_secret(&entry.key) && !is_empty {
            let found = format!("`args: {}`", entry.key);
            raised.push(on.fail(
                entry.at,
                "is built with a secret as an argument",
                found,
                "`build.secrets`",
            ));
        }
    }
    if let Some(node) = build.get("privileged") {
        let (what, found) =
            ("is built with privileges", format!("`privileged: {}`", node.written()));
        match node.flag() {
            Told::Is(false) => {}
            Told::Is(true) => raised.push(on.fail(node.at, what, found, "no `privileged`")),
            Told::Untold => raised.push(on.unknown(node.at, what, found, "no `privileged`")),
        }
    }
    let network = build.get("network").filter(|node| {
        node.scalar().is_some_and(|value| value == "host" || value.starts_with(HOLE))
    });
    let entitlements = build.get("entitlements").map(Node::one_or_more).unwrap_or_default();
    for (key, node) in entitlements
        .iter()
        .map(|node| ("entitlements", node))
        .chain(network.map(|node| ("network", node)))
    {
        let value = node.scalar().unwrap_or_default();
        let (what, found) =
            ("is built with rights on the machine", format!("`{key}: {}`", node.written()));
        if value.starts_with(HOLE) {
            raised.push(on.unknown(node.at, what, found, "no such rights"));
        } else if key == "network" || ENTITLEMENTS.iter().any(|known| value.starts_with(known)) {
            raised.push(on.fail(node.at, what, found, "no such rights"));
        }
    }
    raised
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn secrets_and_rights_of_builds_fail() {
        for (bad, place) in [
            ("{context: ., args: {NPM_TOKEN: abc}}", (3, 32)),
            ("{context: ., args: ['NPM_TOKEN=${T}']}", (3, 32)),
            ("{context: ., args: [NPM_TOKEN]}", (3, 32)),
            ("{context: ., privileged: true}", (3, 37)),
            ("{context: ., entitlements: [security.insecure]}", (3, 40)),
            ("{context: ., network: host}", (3, 34)),
        ] {
            let case = case(&format!("build: {bad}"));
            case.check("CMP-016", Expect::Fail);
            assert_eq!(case.places("CMP-016"), [place], "{bad}");
            assert!(!format!("{:?}", case.findings("CMP-016")).contains("abc"));
        }
    }

    #[test]
    fn other_builds_pass() {
        for good in [
            ".",
            "{context: ., args: {VERSION: 1, TOKEN: ''}, secrets: [t]}",
            "{context: ., privileged: false}",
        ] {
            case(&format!("build: {good}")).check("CMP-016", Expect::Pass);
        }
    }

    #[test]
    fn rights_that_are_not_known_can_not_be_told() {
        case("build: {context: ., privileged: '${P}'}").check("CMP-016", Expect::Unknown);
        case("build: {context: ., network: '${N}'}").check("CMP-016", Expect::Unknown);
    }

    #[test]
    fn the_rules_about_names_of_images_judge_those_of_services() {
        let short = case("image: postgres");
        for rule in ["BASE-004", "BASE-010", "BASE-012"] {
            short.check(rule, Expect::Fail);
            assert_eq!(short.places(rule), [(3, 12)], "{rule}");
        }
        assert_eq!(short.findings("BASE-004")[0].action, Action::Warn);
        case("image: docker.io/somebody/x:1").check("BASE-020", Expect::Fail);
        case("image: docker.io/library/postgress:1").check("BASE-030", Expect::Fail);
        case("image: docker.io/library/debian:9").check("BASE-041", Expect::Fail);
        case("image: 'a@sha256:abcd'").check("BASE-003", Expect::Fail);
        case("image: 'a:${TAG}'").check("BASE-002", Expect::Unknown);
        case("image: 'a:${TAG}'").check("BASE-020", Expect::Unknown);
        // What is built here and has a name too is pulled where it can be, unless it says otherwise.
        for policy in ["", "\n    pull_policy: always", "\n    pull_policy: missing"] {
            let named = case(&format!("build: .\n    image: evil.io/x{policy}"));
            named.check("BASE-010", Expect::Fail);
            assert_eq!(named.places("BASE-020"), [(4, 12)]);
        }
        for policy in ["build", "never"] {
            case(&format!("build: .\n    image: evil.io/x\n    pull_policy: {policy}"))
                .check("BASE-020", Expect::Pass);
        }
        let context = case(
            "build: {context: ., additional_contexts: {x: 'docker-image://evil.io/x:1', y: ./y}}",
        );
        context.check("BASE-020", Expect::Fail);
        assert_eq!(context.places("BASE-020"), [(3, 50)]);
        case("build: {context: ., additional_contexts: ['x=docker-image://evil.io/x:1']}")
            .check("BASE-020", Expect::Fail);
        case("image: a").check("BASE-044", Expect::Pass);
    }
}
