//! CMP-020: no service has its logs thrown away.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{compose::HOLE, decide::Action};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-020",
    name: "cmp_020_logging_off",
    title: "no service has its logs thrown away",
    severity: Severity::Low,
    action: Action::Inform,
    why: "What was not written down can not be looked into after it went wrong.",
    mend: "use a driver that keeps logs, with a limit: `driver: local`",
    bad: "logging: {driver: none}",
    good: "logging: {driver: local}",
    equivalents: &["CIS 2.13"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, |on| judge(on).into_iter().collect())
}

fn judge(on: &Judged<'_, '_>) -> Option<Raised> {
    const EXPECTED: &str = "a driver that keeps logs";
    const WHAT: &str = "has its logs thrown away";
    let node = on.service.node.at(&["logging", "driver"])?;
    let (value, found) = (node.scalar()?, format!("`driver: {}`", node.written()));
    if value.contains(HOLE) {
        return Some(on.unknown(node.at, WHAT, found, EXPECTED));
    }
    (value == "none").then(|| on.fail(node.at, WHAT, found, EXPECTED))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn no_logs_fail() {
        case("logging: {driver: none}").check("CMP-020", Expect::Fail);
        assert_eq!(case("logging: {driver: none}").places("CMP-020"), [(3, 23)]);
    }

    #[test]
    fn logs_pass() {
        case("logging: {driver: local}").check("CMP-020", Expect::Pass);
        case("image: a").check("CMP-020", Expect::Pass);
    }

    #[test]
    fn a_driver_that_is_not_known_can_not_be_told() {
        case("logging: {driver: '${D}'}").check("CMP-020", Expect::Unknown);
    }
}
