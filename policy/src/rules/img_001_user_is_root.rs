//! IMG-001: the image does not run as root.

use super::{About, Raised, Rule, RuleContext};
use crate::{Account, Users, decide::Action};
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
    let fail = |found: &str| vec![context.fail(place(), "the image runs as root", found, expected)];
    let unknown = |found: &str| {
        let title = "it can not be told which user the image runs as";
        vec![context.unknown(place(), title, found, expected)]
    };
    if is_root(user) {
        return fail(if user.trim().is_empty() { "no user, which means root" } else { user });
    }
    if user.contains('$') {
        return unknown(user);
    }
    match context.facts().users.map(|users| account(users, user)) {
        Some(Known::Root) => fail(&format!("`{user}`, which is user 0 in /etc/passwd")),
        Some(Known::Nobody) => unknown(&format!("`{user}`, which is not in /etc/passwd")),
        Some(Known::Unreadable) => {
            unknown(&format!("`{user}`, and an /etc/passwd that can not be read"))
        }
        Some(Known::Other) | None => Vec::new(),
    }
}

/// Who a `USER` is by the accounts of the image.
enum Known {
    Root,
    Other,
    Nobody,
    Unreadable,
}

fn account(users: &Users, user: &str) -> Known {
    let user = user.split(':').next().unwrap_or_default().trim();
    let is_number = !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_digit());
    match users {
        Users::Unreadable(_) => Known::Unreadable,
        Users::Absent if is_number => Known::Other,
        Users::Absent => Known::Nobody,
        Users::Known(accounts) => {
            let is_meant =
                |account: &&Account| account.name == user || account.id.to_string() == user;
            let meant: Vec<&Account> = accounts.iter().filter(is_meant).collect();
            match meant.is_empty() {
                true if is_number => Known::Other,
                true => Known::Nobody,
                false if meant.iter().any(|account| account.id == 0) => Known::Root,
                false => Known::Other,
            }
        }
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
    use crate::{Users, rules::testing::*};

    fn case(user: Option<&str>) -> Case {
        let user = user.map(str::to_owned);
        Case::default().image_with(&["a"], |config| config.user = user)
    }

    #[test]
    fn every_spelling_of_root_fails() {
        for user in [None, Some(""), Some(" "), Some("root"), Some("0"), Some("000:5"), Some(":5")]
        {
            case(user).check("IMG-001", Expect::Fail);
            let field = "config.User".to_owned();
            let place = &case(user).findings("IMG-001")[0].finding.place;
            assert_eq!(*place, plimsoll_model::finding::Place::Config { field });
        }
    }

    #[test]
    fn another_user_passes_and_a_variable_can_not_be_told() {
        for user in ["1", "10001:0", "app", "root2", "00x"] {
            case(Some(user)).check("IMG-001", Expect::Pass);
        }
        case(Some("$USER")).check("IMG-001", Expect::Unknown);
    }

    #[test]
    fn a_name_or_a_number_is_who_passwd_says() {
        let passwd =
            "root:x:0:0::/:\ntoor:x:0:0::/:\n1000:x:0:0::/:\napp:x:1001:1::/:\nodd:x:zero:1::/:";
        for user in ["toor", "toor:5", "1000", "odd"] {
            case(Some(user)).passwd(passwd).check("IMG-001", Expect::Fail);
        }
        for user in ["app", "app:0", "1001", "4242"] {
            case(Some(user)).passwd(passwd).check("IMG-001", Expect::Pass);
        }
        case(Some("nobody")).passwd(passwd).check("IMG-001", Expect::Unknown);
        case(Some("app")).users(Users::Absent).check("IMG-001", Expect::Unknown);
        case(Some("1001")).users(Users::Absent).check("IMG-001", Expect::Pass);
        let unreadable = Users::Unreadable(plimsoll_model::tree::TreeError::TooManyLinks);
        case(Some("1001")).users(unreadable).check("IMG-001", Expect::Unknown);
    }

    #[test]
    fn a_dockerfile_alone_is_not_judged() {
        Case::default().dockerfile("FROM debian").check("IMG-001", Expect::Pass);
    }
}
