//! CMP-010: no service runs as root.

use super::{
    About, Raised, Rule, RuleContext, inputs,
    services::{self, Judged},
};
use crate::{
    compose::{HOLE, Node},
    decide::Action,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-010",
    name: "cmp_010_user_is_root",
    title: "no service runs as root",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Root in a container is root on the host as soon as anything else fails. What the image says holds where the service says nothing.",
    mend: "write `user: '10001:10001'`, or use an image that runs as somebody",
    bad: "user: root",
    good: "user: '10001:10001'",
    equivalents: &["CIS 4.1"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a user other than root";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, |on| {
        let hooks = on.service.hooks().filter_map(|(_, hook)| {
            named_user(on, hook.get("user")?, "has a hook that runs as root")
        });
        judge(on).into_iter().chain(hooks).collect()
    })
}

/// What is said of a user that is named.
fn named_user(on: &Judged<'_, '_>, node: &Node, what: &str) -> Option<Raised> {
    let user = node.scalar().unwrap_or_default();
    let found = format!("`user: {}`", node.written());
    let name = user.split(':').next().unwrap_or_default();
    if name.contains(HOLE) {
        return Some(on.unknown(node.at, what, found, EXPECTED));
    }
    is_root(name).then(|| on.fail(node.at, what, found, EXPECTED))
}

fn judge(on: &Judged<'_, '_>) -> Option<Raised> {
    if let Some(node) = on.service.node.get("user") {
        return named_user(on, node, "runs as root");
    }
    let name = on.service.image_name();
    match name.as_ref().and_then(|name| inputs::user_of(on.context, name)) {
        Some(user) if is_root(&user) => {
            let found = format!("no `user`, and the image runs as `{user}`");
            Some(on.fail(on.service.at, "runs as root", found, EXPECTED))
        }
        Some(_) => None,
        None => {
            let found = "no `user`, and the user of its image is not known";
            Some(on.unknown(on.service.at, "runs as root", found, EXPECTED))
        }
    }
}

/// Whether a user is root: by name, by number, or because nobody says.
fn is_root(user: &str) -> bool {
    let user = user.split(':').next().unwrap_or_default();
    user.is_empty() || user == "root" || user.trim_start_matches('+').parse() == Ok(0_u64)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn root_by_any_name_fails() {
        for bad in ["root", "0", "'0:0'", "'root:10'", "'000'", "''"] {
            let case = case(&format!("user: {bad}"));
            case.check("CMP-010", Expect::Fail);
            assert_eq!(case.places("CMP-010"), [(3, 11)], "{bad}");
        }
    }

    #[test]
    fn hooks_have_users_of_their_own() {
        let bad = case("user: '5'\n    post_start: [{command: /x, user: root}, {command: /y}]");
        bad.check("CMP-010", Expect::Fail);
        assert_eq!(bad.places("CMP-010"), [(4, 38)]);
        case("user: '5'\n    pre_stop: [{command: /x, user: '${U}'}]")
            .check("CMP-010", Expect::Unknown);
        case("user: '5'\n    pre_stop: [{command: /x, user: '7'}]").check("CMP-010", Expect::Pass);
    }

    #[test]
    fn the_user_of_an_image_that_is_known_counts() {
        let text = "image: docker.io/library/app:1";
        case(text)
            .approved_with_user("docker.io/library/app:1", None)
            .check("CMP-010", Expect::Fail);
        case(text)
            .approved_with_user("docker.io/library/app:1", Some("10001"))
            .check("CMP-010", Expect::Pass);
        let digest = digest("index");
        let pinned = case(&format!("image: registry.corp/build/app@{digest}"));
        pinned.clone().image(&["a"]).check("CMP-010", Expect::Pass);
        pinned.image_with(&["a"], |config| config.user = None).check("CMP-010", Expect::Fail);
    }

    #[test]
    fn others_pass() {
        for good in ["10001", "'10001:0'", "app"] {
            case(&format!("user: {good}")).check("CMP-010", Expect::Pass);
        }
    }

    #[test]
    fn a_user_that_nobody_states_can_not_be_told() {
        case("image: a").check("CMP-010", Expect::Unknown);
        case("build: .").check("CMP-010", Expect::Unknown);
        case("user: ${UID}").check("CMP-010", Expect::Unknown);
    }
}
