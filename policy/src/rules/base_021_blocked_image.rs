//! BASE-021: no image that is blocked goes in.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-021",
    name: "base_021_blocked_image",
    title: "no image that the policy blocks goes in",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "An image that is known to be bad stays bad, whoever has approved it before.",
    mend: "build on another image",
    bad: "bases: {deny: [\"docker.io/library/node\"]}   # and FROM node:22",
    good: "FROM registry.corp/base/node:22",
    equivalents: &[],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let bases = context.policy().bases();
    inputs::images(context)
        .filter_map(|(place, input, name)| {
            let original = bases.original(&name.repository);
            let mut names =
                std::iter::once(&name.repository).chain(&original).map(ToString::to_string);
            let denied = names
                .find_map(|name| bases.deny.iter().find(|denied| denied.value.is_match(&name)))?;
            let title = format!("{} `{}` is blocked", input.kind.as_str(), input.written);
            let expected = format!("nothing that matches `{}`", denied.value);
            let raised = context.fail(place, title, format!("`{}`", name.repository), expected);
            Some(raised.by_line(denied.line))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    const POLICY: &str = "bases:\n  deny: [\"docker.io/library/node\"]\n  mirrors: [{from: \"registry.corp/hub/*\", to: \"docker.io/*\"}]";

    #[test]
    fn what_is_blocked_fails_also_when_it_is_approved_and_on_a_mirror() {
        let case = |from: &str| Case::default().policy(POLICY).dockerfile(&format!("FROM {from}"));
        case("node:22").approved("node:22", &["a"], "2026-12-31").check("BASE-021", Expect::Fail);
        case("registry.corp/hub/library/node").check("BASE-021", Expect::Fail);
        case("debian\nCOPY --from=node / /").check("BASE-021", Expect::Fail);
        // The program that reads the file is one of them.
        let policy = "bases:\n  deny: [\"docker.io/docker/dockerfile-upstream\"]";
        let file = |syntax: &str| {
            let text = format!("# syntax={syntax}\nFROM debian");
            Case::default().policy(policy).dockerfile(&text)
        };
        let upstream = file("docker/dockerfile-upstream:master");
        upstream.check("BASE-021", Expect::Fail);
        assert_eq!(upstream.places("BASE-021"), [(1, 1)]);
        file("docker/dockerfile:1").check("BASE-021", Expect::Pass);
        let line = case("node").findings("BASE-021")[0].policy_line.clone();
        assert_eq!(line.map(|line| line.line), Some(3));
        let copied = case("debian\nCOPY --from=node / /");
        assert_eq!(copied.places("BASE-021"), [(2, 6)]);
        for good in ["debian", "nodes", "acme/node"] {
            case(good).check("BASE-021", Expect::Pass);
        }
    }
    #[test]
    fn a_blocked_frontend_fails_though_its_maker_is_trusted() {
        let frontend = |name: &str| {
            let text = format!("# syntax={name}\nFROM debian");
            Case::default()
                .policy("bases: {deny: [\"docker.io/docker/dockerfile-upstream\"]}")
                .dockerfile(&text)
        };
        let blocked = frontend("docker/dockerfile-upstream:master");
        blocked.check("BASE-021", Expect::Fail);
        assert_eq!(blocked.places("BASE-021"), [(1, 1)]);
        frontend("docker/dockerfile:1").check("BASE-021", Expect::Pass);
    }
}
