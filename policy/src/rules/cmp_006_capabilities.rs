//! CMP-006: every service drops all capabilities and adds only harmless ones.

use super::{
    About, Parameter, ParameterKind, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{HOLE, Node},
    decide::Action,
    host,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-006",
    name: "cmp_006_capabilities",
    title: "every service drops all capabilities and adds only harmless ones",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A container has fourteen capabilities if nobody says otherwise, and hardly any program needs one of them. One that was added may be the way out.",
    mend: "write `cap_drop: [ALL]`, and add what is needed; `allow` of this rule lists what may be",
    bad: "cap_add: [SYS_ADMIN]",
    good: "cap_drop: [ALL]\ncap_add: [NET_BIND_SERVICE]",
    equivalents: &["CIS 5.4"],
    about: &[About::Compose],
    parameters: &[Parameter {
        name: "allow",
        kind: ParameterKind::Texts,
        help: "capabilities that may be added besides NET_BIND_SERVICE; none if absent",
    }],
    check,
};

const ALLOWED: &str = "NET_BIND_SERVICE";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, judge)
}

fn judge(on: &Judged<'_, '_>) -> Vec<Raised> {
    let list = |key: &str| on.service.node.get(key).map(Node::one_or_more).unwrap_or_default();
    let mut raised = Vec::new();
    for node in list("cap_add") {
        let name = capability(node);
        let found = format!("`cap_add: {}`", node.written());
        let what = "adds a capability that is not allowed";
        let expected = "none but those that are allowed";
        if name.contains(HOLE) {
            raised.push(on.unknown(node.at, what, found, expected));
        } else if name != ALLOWED
            && !on.context.texts("allow").iter().any(|allowed| host::capability(allowed) == name)
        {
            let found = on.fail(node.at, what, found, expected);
            let is_worst = host::is_dangerous(&name);
            raised.push(if is_worst { found.with_severity(Severity::High) } else { found });
        }
    }
    let dropped = list("cap_drop");
    let is = |value: &str| dropped.iter().any(|node| capability(node) == value);
    if !is("ALL") {
        let expected = "`cap_drop: [ALL]`";
        raised.push(match dropped.iter().find(|node| capability(node).contains(HOLE)) {
            Some(node) => {
                on.unknown(node.at, "keeps capabilities", format!("`{}`", node.written()), expected)
            }
            None => on.fail(
                on.service.at,
                "keeps capabilities that it may not need",
                "no `cap_drop: [ALL]`",
                expected,
            ),
        });
    }
    raised
}

fn capability(node: &Node) -> String {
    host::capability(&node.scalar().unwrap_or_default())
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
    fn capabilities_that_are_kept_or_added_fail() {
        let kept = case("image: a");
        kept.check("CMP-006", Expect::Fail);
        assert_eq!(kept.places("CMP-006"), [(2, 3)]);
        let added = case("cap_drop: [all]\n    cap_add: [cap_sys_admin, NET_BIND_SERVICE, CHOWN]");
        assert_eq!(added.places("CMP-006"), [(4, 15), (4, 48)]);
        let severities: Vec<_> =
            added.findings("CMP-006").iter().map(|found| found.finding.severity).collect();
        assert_eq!(severities, [Severity::High, Severity::Medium]);
    }

    #[test]
    fn what_drops_all_passes_with_what_is_allowed() {
        case("cap_drop: [ALL]\n    cap_add: [CAP_NET_BIND_SERVICE]").check("CMP-006", Expect::Pass);
        case("cap_drop: [ALL]\n    cap_add: [CHOWN]")
            .policy("rules: {CMP-006: {allow: [CAP_CHOWN]}}")
            .check("CMP-006", Expect::Pass);
    }

    #[test]
    fn a_capability_that_is_not_known_can_not_be_told() {
        case("cap_drop: ['${DROP}']\n    cap_add: ['${ADD}']").check("CMP-006", Expect::Unknown);
    }
}
