//! IMG-001: the image does not run as root.

use super::{About, Raised, Rule, RuleContext};
use crate::decide::Action;
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "IMG-001",
    name: "img_001_user_is_root",
    title: "the image's configuration names a user other than root",
    severity: Severity::High,
    action: Action::Deny,
    why: "Root in the container is root on the host as soon as one isolation fails, and until then may rewrite everything in the container.",
    mend: "end the Dockerfile with `USER` and the number of a user other than root, and build again",
    bad: "\"User\": \"\"",
    good: "\"User\": \"10001\"",
    equivalents: &["CIS 4.1", "CIS-DI-0001"],
    about: &[About::Image],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(image) = context.facts().image else { return Vec::new() };
    let user = image.config.user.as_deref().unwrap_or_default();
    let place = || Place::Config { field: "config.User".to_owned() };
    let expected = "a user other than root";
    if is_root(user) {
        let found = if user.trim().is_empty() { "no user, which means root" } else { user };
        vec![context.fail(place(), "the image runs as root", found, expected)]
    } else if user.contains('$') {
        let title = "it can not be told which user the image runs as";
        vec![context.unknown(place(), title, user, expected)]
    } else {
        Vec::new()
    }
}

/// Whether a `USER` means root: none, `root`, or any spelling of 0, whatever the group.
pub(super) fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or_default().trim();
    let digits = name.strip_prefix(['+', '-']).unwrap_or(name);
    name.is_empty() || name == "root" || digits.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(user: Option<&str>) -> Case {
        let user = user.map(str::to_owned);
        Case::default().image_with(&["a"], |config| config.user = user)
    }

    #[test]
    fn every_spelling_of_root_fails() {
        for user in [None, Some(""), Some(" "), Some("root"), Some("0"), Some("000:5"), Some(":5")]
        {
            case(user).check("IMG-001", Expect::Fail);
        }
    }

    #[test]
    fn another_user_passes_and_a_variable_can_not_be_told() {
        for user in ["1", "10001:0", "app", "root2", "00x"] {
            case(Some(user)).check("IMG-001", Expect::Pass);
        }
        case(Some("$USER")).check("IMG-001", Expect::Unknown);
        Case::default().dockerfile("FROM debian").check("IMG-001", Expect::Pass);
    }
}
