//! CMP-007: every service is confined, and can gain no privileges.

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
    id: "CMP-007",
    name: "cmp_007_confinement",
    title: "every service is confined, and can gain no privileges",
    severity: Severity::High,
    action: Action::Deny,
    why: "Without `no-new-privileges` a setuid program makes root of anybody. Without seccomp and AppArmor the whole kernel is open to the container.",
    mend: "write `security_opt: ['no-new-privileges:true']`, and no `unconfined`",
    bad: "security_opt: ['seccomp:unconfined']",
    good: "security_opt: ['no-new-privileges:true']",
    equivalents: &["CIS 5.2", "CIS 5.3", "CIS 5.22", "CIS 5.26"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

const OPTION: &str = "no-new-privileges";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, judge)
}

/// That nothing stops privileges from being gained warns at most: images that need no root lose little by it.
fn judge(on: &Judged<'_, '_>) -> Vec<Raised> {
    let options = on.service.node.get("security_opt").map(Node::one_or_more).unwrap_or_default();
    let mut raised = Vec::new();
    let (mut is_set, mut is_untold) = (false, None);
    for node in options {
        let text = node.scalar().unwrap_or_default().to_ascii_lowercase();
        let (name, value) = text.split_once([':', '=']).unwrap_or((&text, "true"));
        let found = format!("`security_opt: {}`", node.written());
        let is_off = matches!(
            (name, value),
            ("seccomp" | "apparmor" | "systempaths", "unconfined") | ("label", "disable")
        );
        if is_off {
            raised.push(on.fail(
                node.at,
                "is not confined",
                found,
                "no option that lifts confinement",
            ));
        } else if value.contains(HOLE) && name != OPTION || name.contains(HOLE) {
            raised.push(on.unknown(
                node.at,
                "is confined",
                found,
                "options without unknown variables",
            ));
            is_untold = is_untold.or(name.contains(HOLE).then_some(node));
        } else if name == OPTION {
            is_set |= value == "true";
            is_untold = is_untold.or(value.contains(HOLE).then_some(node));
        }
    }
    let expected = format!("`security_opt: ['{OPTION}:true']`");
    if !is_set {
        let missing = match is_untold {
            Some(node) => on.unknown(
                node.at,
                "may gain privileges",
                format!("`{}`", node.written()),
                expected,
            ),
            None => {
                on.fail(on.service.at, "may gain privileges", format!("no `{OPTION}`"), expected)
            }
        };
        raised.push(missing.at_most(Action::Warn).with_severity(Severity::Medium));
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
    fn what_is_not_confined_is_denied_and_what_may_gain_privileges_warns() {
        for bad in
            ["seccomp:unconfined", "apparmor=unconfined", "label:disable", "systempaths=unconfined"]
        {
            let case = case(&format!("security_opt: ['no-new-privileges', '{bad}']"));
            case.check("CMP-007", Expect::Fail);
            assert_eq!(case.places("CMP-007"), [(3, 41)]);
            assert_eq!(case.findings("CMP-007")[0].action, Action::Deny, "{bad}");
        }
        for bad in ["image: a", "security_opt: ['no-new-privileges:false']"] {
            case(bad).check("CMP-007", Expect::Fail);
            let found = case(bad).findings("CMP-007");
            assert_eq!(
                (found[0].action, found[0].finding.severity),
                (Action::Warn, Severity::Medium)
            );
            assert_eq!(case(bad).places("CMP-007"), [(2, 3)]);
        }
    }

    #[test]
    fn no_new_privileges_passes() {
        for good in ["no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"] {
            case(&format!("security_opt: ['{good}', 'seccomp:./p.json']"))
                .check("CMP-007", Expect::Pass);
        }
    }

    #[test]
    fn an_option_that_is_not_known_can_not_be_told() {
        case("security_opt: ['no-new-privileges:${N}']").check("CMP-007", Expect::Unknown);
        case("security_opt: ['seccomp:${S}', 'no-new-privileges']")
            .check("CMP-007", Expect::Unknown);
    }
}
