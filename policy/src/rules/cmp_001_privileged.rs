//! CMP-001: no service is privileged.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{Node, Told},
    decide::Action,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-001",
    name: "cmp_001_privileged",
    title: "no service is privileged",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "A privileged container has every capability and every device of the host: whoever breaks into it has the host.",
    mend: "remove `privileged`, and add the one capability or device that is needed",
    bad: "privileged: true",
    good: "cap_add: [NET_BIND_SERVICE]",
    equivalents: &["CIS 5.5"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, judge)
}

fn judge(on: &Judged<'_, '_>) -> Vec<Raised> {
    const EXPECTED: &str = "no `privileged: true`";
    let own = std::iter::once((&on.service.node, "is privileged"));
    let hooks = on.service.hooks().map(|(_, hook)| (hook, "has a privileged hook"));
    let raise = |(node, what): (&Node, &str)| {
        let node = node.get("privileged")?;
        let found = format!("`privileged: {}`", node.written());
        match node.flag() {
            Told::Is(false) => None,
            Told::Is(true) => Some(on.fail(node.at, what, found, EXPECTED)),
            Told::Untold => Some(on.unknown(node.at, what, found, EXPECTED)),
        }
    };
    own.chain(hooks).filter_map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn privileged_services_fail_where_it_is_said() {
        for bad in ["privileged: true", "privileged: '${P:-true}'", "privileged: 'yes'"] {
            case(bad).check("CMP-001", Expect::Fail);
            assert_eq!(case(bad).places("CMP-001"), [(3, 17)], "{bad}");
        }
        case("privileged: ${P}").env_file(".env", "P=true\n").check("CMP-001", Expect::Fail);
    }

    #[test]
    fn the_place_is_that_of_the_anchor_that_is_merged() {
        let text = "x-base: &base\n  privileged: true\nservices:\n  a: {<<: *base, image: x}\n  b:\n    extends: a\n";
        let case = Case::default().compose(text);
        assert_eq!(case.places("CMP-001"), [(2, 15), (2, 15)]);
    }

    #[test]
    fn hooks_count_as_the_service_does() {
        let bad = case(
            "post_start: [{command: /x, privileged: true}]\n    pre_stop:\n      - {command: /y}\n      - {command: /z, privileged: 'yes'}",
        );
        bad.check("CMP-001", Expect::Fail);
        assert_eq!(bad.places("CMP-001"), [(3, 44), (6, 35)]);
        case("post_start: [{command: /x, privileged: '${P}'}]").check("CMP-001", Expect::Unknown);
        case("post_start: [{command: /x, privileged: false}]").check("CMP-001", Expect::Pass);
    }

    #[test]
    fn what_a_provider_makes_is_no_container() {
        case("provider: {type: awesomecloud}").check("CMP-006", Expect::Pass);
        case("image: a").check("CMP-006", Expect::Fail);
    }

    #[test]
    fn others_pass() {
        for good in ["privileged: false", "image: a", "privileged: ${P:-false}"] {
            case(good).check("CMP-001", Expect::Pass);
        }
    }

    #[test]
    fn what_depends_on_a_variable_can_not_be_told() {
        case("privileged: ${P}").check("CMP-001", Expect::Unknown);
        case("privileged: maybe").check("CMP-001", Expect::Unknown);
    }
}
