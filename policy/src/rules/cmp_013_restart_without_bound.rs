//! CMP-013: services that fail are not restarted for ever.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{HOLE, Node},
    decide::Action,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-013",
    name: "cmp_013_restart_without_bound",
    title: "services that fail are not restarted for ever",
    severity: Severity::Low,
    action: Action::Inform,
    why: "What restarts for ever hides that it fails, and gives an attacker who has to guess as many tries as it takes.",
    mend: "write `restart: on-failure:5`",
    bad: "restart: always",
    good: "restart: on-failure:5",
    equivalents: &["CIS 5.15"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, |on| judge(on).into_iter().collect())
}

fn judge(on: &Judged<'_, '_>) -> Option<Raised> {
    const EXPECTED: &str = "`on-failure` with a number of attempts";
    const WHAT: &str = "is restarted without bound";
    if let Some(policy) = on.service.node.at(&["deploy", "restart_policy"]) {
        let condition = policy.get("condition").and_then(Node::scalar);
        if condition.as_deref() == Some("none") {
            return None;
        }
        let Some(attempts) = policy.get("max_attempts") else {
            return Some(on.fail(policy.at, WHAT, "no `max_attempts`", EXPECTED));
        };
        let found = format!("`max_attempts: {}`", attempts.written());
        let value = attempts.scalar().unwrap_or_default();
        if value.contains(HOLE) {
            return Some(on.unknown(attempts.at, WHAT, found, EXPECTED));
        }
        // None is no bound.
        return (!is_bound(&value)).then(|| on.fail(attempts.at, WHAT, found, EXPECTED));
    }
    let node = on.service.node.get("restart")?;
    let (value, found) =
        (node.scalar().unwrap_or_default(), format!("`restart: {}`", node.written()));
    if value.contains(HOLE) {
        return Some(on.unknown(node.at, WHAT, found, EXPECTED));
    }
    let is_endless = match value.as_str() {
        "always" | "unless-stopped" | "on-failure" => true,
        value => value.strip_prefix("on-failure:").is_some_and(|rest| !is_bound(rest)),
    };
    is_endless.then(|| on.fail(node.at, WHAT, found, EXPECTED))
}

fn is_bound(attempts: &str) -> bool {
    attempts.parse::<u32>().is_ok_and(|attempts| attempts > 0)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn restarts_without_bound_fail() {
        for bad in ["always", "unless-stopped", "on-failure", "'on-failure:0'"] {
            let case = case(&format!("restart: {bad}"));
            case.check("CMP-013", Expect::Fail);
            assert_eq!(case.places("CMP-013"), [(3, 14)], "{bad}");
        }
        let zero = case("deploy: {restart_policy: {condition: any, max_attempts: 0}}");
        zero.check("CMP-013", Expect::Fail);
        assert_eq!(zero.places("CMP-013"), [(3, 61)]);
        case("deploy: {restart_policy: {max_attempts: '${N}'}}").check("CMP-013", Expect::Unknown);
        case("deploy: {restart_policy: {condition: any}}").check("CMP-013", Expect::Fail);
    }

    #[test]
    fn restarts_with_a_bound_pass() {
        for good in [
            "restart: 'no'",
            "restart: on-failure:5",
            "image: a",
            "deploy: {restart_policy: {max_attempts: 3}}",
        ] {
            case(good).check("CMP-013", Expect::Pass);
        }
    }

    #[test]
    fn a_policy_that_is_not_known_can_not_be_told() {
        case("restart: ${R}").check("CMP-013", Expect::Unknown);
    }
}
