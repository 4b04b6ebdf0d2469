//! FS-004: the accounts of the image are what they seem.
//!
//! Formats: `passwd(5)`, `shadow(5)`, `group(5)`.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::{
    decide::Action,
    files::{Files, Text},
};
use plimsoll_model::Severity;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "FS-004",
    name: "fs_004_accounts",
    title: "no second account is root, none is without a password, and no two share a name or a number",
    severity: Severity::High,
    action: Action::Deny,
    why: "A second account with number 0 is root under a name that nobody looks for. An empty password lets everybody in. Of two accounts with one name, one program believes the first and another the last.",
    mend: "remove the account with `userdel`, or lock it with `passwd -l`",
    bad: "toor:x:0:0::/root:/bin/sh",
    good: "app:x:10001:10001::/app:/sbin/nologin",
    equivalents: &["DKL-LI-0001", "DKL-LI-0002"],
    about: &[About::Files],
    parameters: &[],
    check,
};

/// What is wrong with the accounts of a file.
type Judge = fn(&[Vec<String>]) -> Vec<Flaw>;

const FILES: [(&str, Judge); 3] =
    [("etc/passwd", passwd), ("etc/shadow", shadow), ("etc/group", group)];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let mut raised = Vec::new();
    for (path, judge) in FILES {
        let Some(text) = files.text(path) else { continue };
        match &text.content {
            Ok(content) => raised.extend(
                judge(&records(content)).iter().map(|flaw| flaw.raise(context, (files, text))),
            ),
            Err(error) => {
                let place = layers::place(files, &text.path, text.layer);
                let title = format!("it can not be told which accounts /{path} has");
                raised.push(context.unknown(
                    place,
                    title,
                    error.to_string(),
                    "a file that can be read",
                ));
            }
        }
    }
    raised
}

/// Something that is wrong with accounts.
enum Flaw {
    /// Another account than the first is root.
    Root(String),
    /// This account has no password.
    Open(String),
    /// More than one has this name or number.
    Double(&'static str, String),
}

impl Flaw {
    fn raise(&self, context: &RuleContext<'_>, (files, text): (&Files, &Text)) -> Raised {
        let place = layers::place(files, &text.path, text.layer);
        match self {
            Self::Root(name) => {
                let title = format!("the account `{name}` is root under another name");
                context.fail(
                    place,
                    title,
                    format!("`{name}` with number 0"),
                    "no number 0 but root's",
                )
            }
            Self::Open(name) => {
                let title = format!("the account `{name}` has an empty password");
                context.fail(
                    place,
                    title,
                    format!("`{name}` with an empty field"),
                    "`x`, `!` or `*`",
                )
            }
            Self::Double(what, value) => {
                let title = format!("two accounts or groups have the {what} `{value}`");
                // It confuses, and some distributions do it on purpose.
                let found = format!("the {what} `{value}` more than once");
                context.fail(place, title, found, format!("each {what} once")).at_most(Action::Warn)
            }
        }
    }
}

/// The fields of each line.
fn records(content: &[u8]) -> Vec<Vec<String>> {
    let lines = Text::lines(content).into_iter();
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split(':').map(|field| field.trim().to_owned()).collect())
        .collect()
}

fn field(record: &[String], at: usize) -> &str {
    record.get(at).map(String::as_str).unwrap_or_default()
}

/// Whether it is any spelling of 0, or what runtimes take for it.
fn is_zero(number: &str) -> bool {
    number.parse::<u64>().unwrap_or(0) == 0
}

fn passwd(records: &[Vec<String>]) -> Vec<Flaw> {
    let name = |record: &[String]| field(record, 0).to_owned();
    let roots =
        records.iter().filter(|record| is_zero(field(record, 2)) && field(record, 0) != "root");
    let open = records.iter().filter(|record| record.len() > 1 && field(record, 1).is_empty());
    let others: Vec<_> =
        records.iter().filter(|record| !is_zero(field(record, 2))).cloned().collect();
    roots
        .map(|record| Flaw::Root(name(record)))
        .chain(open.map(|record| Flaw::Open(name(record))))
        .chain(doubles(records, 0, "name"))
        .chain(doubles(&others, 2, "number"))
        .collect()
}

fn shadow(records: &[Vec<String>]) -> Vec<Flaw> {
    let open = records.iter().filter(|record| record.len() > 1 && field(record, 1).is_empty());
    open.map(|record| Flaw::Open(field(record, 0).to_owned()))
        .chain(doubles(records, 0, "name"))
        .collect()
}

fn group(records: &[Vec<String>]) -> Vec<Flaw> {
    doubles(records, 0, "name").chain(doubles(records, 2, "number")).collect()
}

/// What more than one record has in a field.
fn doubles(records: &[Vec<String>], at: usize, what: &'static str) -> impl Iterator<Item = Flaw> {
    let mut counts = BTreeMap::new();
    for value in records.iter().map(|record| field(record, at)).filter(|value| !value.is_empty()) {
        let count: &mut usize = counts.entry(value.to_owned()).or_default();
        *count = count.saturating_add(1);
    }
    counts
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .map(move |(value, _)| Flaw::Double(what, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::{finding::Place, tree::TreeError};

    fn case(path: &str, text: &str) -> Case {
        Case::default().image(&["base", "app"]).text(path, text, 1)
    }

    #[test]
    fn each_flaw_is_found_where_it_is() {
        for (path, text, title, action) in [
            (
                "etc/passwd",
                "root:x:0:0\ntoor:x:00:0",
                "the account `toor` is root under another name",
                Action::Deny,
            ),
            (
                "etc/passwd",
                "root:x:0:0\na:x:zero:0",
                "the account `a` is root under another name",
                Action::Deny,
            ),
            (
                "etc/passwd",
                "root:x:0:0\na::1:1",
                "the account `a` has an empty password",
                Action::Deny,
            ),
            ("etc/passwd", "root::0:0", "the account `root` has an empty password", Action::Deny),
            ("etc/shadow", "root::1:", "the account `root` has an empty password", Action::Deny),
            (
                "etc/passwd",
                "a:x:1:1\na:x:2:1",
                "two accounts or groups have the name `a`",
                Action::Warn,
            ),
            (
                "etc/passwd",
                "a:x:1:1\nb:x:1:1",
                "two accounts or groups have the number `1`",
                Action::Warn,
            ),
            (
                "etc/group",
                "a:x:1:\nb:x:1:",
                "two accounts or groups have the number `1`",
                Action::Warn,
            ),
        ] {
            let found = case(path, text).findings("FS-004");
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!((&*found[0].finding.title, found[0].action), (title, action));
            let place = Place::File { path: format!("/{path}"), layer: Some(digest("app")) };
            assert_eq!(found[0].finding.place, place);
        }
    }

    #[test]
    fn accounts_as_distributions_have_them_pass() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nsync:x:5:0:sync:/sbin:/bin/sync\n\n# no\napp:x:1:1::/:";
        case("etc/passwd", passwd).check("FS-004", Expect::Pass);
        case("etc/shadow", "root:*:1::::::\napp:!:1:").check("FS-004", Expect::Pass);
        case("etc/group", "root:x:0:\nwheel:x:10:root,app").check("FS-004", Expect::Pass);
        Case::default().image(&["a"]).files().check("FS-004", Expect::Pass);
    }

    #[test]
    fn what_can_not_be_read_can_not_be_told() {
        let error = TreeError::TooLarge { size: 5, limit: 4 };
        let case = Case::default().image(&["a"]).unreadable("etc/passwd", error);
        case.check("FS-004", Expect::Unknown);
    }
}
