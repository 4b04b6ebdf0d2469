//! SEC-010: no account of the image has an empty password, or one that is kept in a way that protects nothing.

use super::{About, Raised, Rule, RuleContext, secret_files as files};
use crate::{
    decide::Action,
    secrets::{SecretFile, Seen, State},
};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "SEC-010",
    name: "sec_010_open_account",
    title: "no account of the image has an empty password or a weak hash",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "With an empty password any program that asks for one lets everybody in: `su` and `login` make a root of every user (CVE-2019-5021). Hashes by DES and MD5 are broken in hours, by everybody who has the image.",
    mend: "lock the account: `passwd -l NAME`, or `usermod -p '*' NAME`",
    bad: "root:::0:::::",
    good: "root:*::0:::::",
    equivalents: &["DKL-LI-0001", "CVE-2019-5021"],
    about: &[About::Image],
    parameters: &[],
    check,
};

const FILES: [&[u8]; 2] = [b"etc/shadow", b"etc/passwd"];
const EXPECTED: &str = "accounts that are locked, or whose password is hashed well";
const UNTOLD: &str = "it can not be told whether an account is open";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(secrets) = context.facts().secrets else { return Vec::new() };
    let accounts =
        files::of(context, State::Remains).filter(|file| FILES.contains(&file.path.as_bytes()));
    let mut raised: Vec<Raised> = accounts.filter_map(|file| judge(context, file)).collect();
    if let Some(why) = &secrets.shadow_untold {
        let place = Place::File { path: "/etc/shadow".to_owned(), layer: None };
        raised.push(context.unknown(place, UNTOLD, why.clone(), EXPECTED));
    }
    raised
}

fn judge(context: &RuleContext<'_>, file: &SecretFile) -> Option<Raised> {
    let unknown =
        |found: String| Some(context.unknown(files::place(file), UNTOLD, found, EXPECTED));
    match &file.seen {
        Seen::Content { accounts, .. } if accounts.is_empty() => None,
        Seen::Content { accounts, .. } => {
            let told: Vec<String> = accounts
                .iter()
                .map(|account| {
                    format!("`{}` has {}", files::name(&account.name), account.password.as_str())
                })
                .collect();
            let title = "accounts of the image are open";
            Some(context.fail(files::place(file), title, told.join(", "), EXPECTED))
        }
        Seen::TooLarge { size, .. } => {
            unknown(format!("{size} bytes, which is more than is looked at"))
        }
        Seen::Unreadable => unknown("what was noted of it can not be read".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rules::testing::*, secrets::LARGEST};

    fn shadow(text: &str) -> Case {
        Case::default().secret_file("etc/shadow", State::Remains, text.as_bytes())
    }

    #[test]
    fn an_open_account_fails_by_its_name() {
        let case = shadow("root:::0:::::\nbin:!::0:::::\nold:ab01FAX.bQRSU:1\n");
        case.check("SEC-010", Expect::Fail);
        let judged = &case.findings("SEC-010")[0];
        let found = "`root` has an empty password, `old` has a password hashed with DES";
        assert_eq!((judged.finding.found.as_str(), judged.action), (found, Action::Deny));
        let place = Place::File { path: "/etc/shadow".to_owned(), layer: Some(digest("a")) };
        assert_eq!(judged.finding.place, place);
        let passwd =
            Case::default().secret_file("etc/passwd", State::Remains, b"root::0:0::/:/bin/sh\n");
        passwd.check("SEC-010", Expect::Fail);
    }

    #[test]
    fn locked_accounts_pass_and_so_does_what_is_not_there_any_more() {
        shadow("root:*::0:::::\napp:$y$j9T$a$b:1\n").check("SEC-010", Expect::Pass);
        let gone = Case::default().secret_file("etc/shadow", State::Removed, b"root:::0:::::\n");
        gone.check("SEC-010", Expect::Pass);
        let other =
            Case::default().secret_file("srv/etc/shadow", State::Remains, b"root:::0:::::\n");
        other.check("SEC-010", Expect::Pass);
    }

    #[test]
    fn accounts_that_were_not_read_can_not_be_told() {
        shadow(&"a".repeat(usize::try_from(LARGEST).unwrap() + 1))
            .check("SEC-010", Expect::Unknown);
        Case::default().shadow_untold("a link").check("SEC-010", Expect::Unknown);
    }
}
