//! CMP-009: every service has a read-only root file system.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{compose::Told, decide::Action};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-009",
    name: "cmp_009_writable_root",
    title: "every service has a read-only root file system",
    severity: Severity::Low,
    action: Action::Warn,
    why: "Who can write can replace the program that runs, and leave tools for later.",
    mend: "write `read_only: true`, with `tmpfs` or volumes where the service writes",
    bad: "image: acme/app",
    good: "read_only: true\ntmpfs: [/tmp]",
    equivalents: &["CIS 5.13"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, |on| judge(on).into_iter().collect())
}

fn judge(on: &Judged<'_, '_>) -> Option<Raised> {
    const EXPECTED: &str = "`read_only: true`";
    const WHAT: &str = "can write to its root file system";
    let Some(node) = on.service.node.get("read_only") else {
        return Some(on.fail(on.service.at, WHAT, "no `read_only`", EXPECTED));
    };
    let found = format!("`read_only: {}`", node.written());
    match node.flag() {
        Told::Is(true) => None,
        Told::Is(false) => Some(on.fail(node.at, WHAT, found, EXPECTED)),
        Told::Untold => Some(on.unknown(node.at, WHAT, found, EXPECTED)),
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn what_can_write_fails() {
        assert_eq!(case("image: a").places("CMP-009"), [(2, 3)]);
        case("image: a").check("CMP-009", Expect::Fail);
        case("read_only: false").check("CMP-009", Expect::Fail);
        assert_eq!(case("read_only: false").places("CMP-009"), [(3, 16)]);
    }

    #[test]
    fn what_is_read_only_passes() {
        case("read_only: true").check("CMP-009", Expect::Pass);
    }

    #[test]
    fn what_depends_on_a_variable_can_not_be_told() {
        case("read_only: ${R}").check("CMP-009", Expect::Unknown);
    }
}
