//! FS-003: nobody may change what others run or read.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::{decide::Action, files};
use plimsoll_model::{
    Severity, TreePath,
    tree::{Entry, EntryKind},
};
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "FS-003",
    name: "fs_003_writable",
    title: "no file or directory is open to everybody's writing, and no program to the user's that runs it",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Whoever gets into the container by a flaw can put other programs in the place of those that run there, and stays. A directory that all write to needs the sticky bit, or each can replace what others have in it.",
    mend: "let root own what is not written at run time, and take away the right: `chmod o-w`, `chown root`",
    bad: "RUN chmod -R 777 /app",
    good: "RUN chmod -R go-w /app",
    equivalents: &[],
    about: &[About::Files],
    parameters: &[],
    check,
};

/// Where a `PATH` leads that is not set.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let base = layers::of_base(context);
    let mut open: BTreeMap<&TreePath, (&Entry, usize)> = BTreeMap::new();
    for entry in files.entries.iter().filter(|entry| files::is_open(entry)) {
        // What lies in such a directory goes with it.
        let above = std::iter::successors(entry.path.parent(), TreePath::parent);
        match above.into_iter().find(|path| open.contains_key(path)) {
            Some(above) => {
                if let Some((_, below)) = open.get_mut(&above) {
                    *below = below.saturating_add(1);
                }
            }
            None => drop(open.insert(&entry.path, (entry, 0))),
        }
    }
    let open = open.into_values().map(|(entry, below)| {
        let below = if below == 0 { String::new() } else { format!(", and {below} below it") };
        let found = format!("mode {:04o}{below}", entry.mode);
        let (title, expected) = if entry.kind == EntryKind::Directory {
            let expected = "the sticky bit, or no right to write for others";
            ("can be emptied and filled by everybody", expected)
        } else {
            ("can be written to by everybody", "no right to write for others")
        };
        let title = format!("{} {title}", entry.path);
        let raised = context.fail(layers::place_of(files, entry), title, found, expected);
        layers::limited(raised, layers::origin(base, entry.layer))
    });
    open.chain(owned(context)).collect()
}

/// Programs in the `PATH` that the user can change that the image runs as.
fn owned<'a>(context: &RuleContext<'a>) -> Option<Raised> {
    let (files, image) = (context.facts().files?, context.facts().image?);
    let user = user(context).filter(|user| *user != 0)?;
    let set = image.config.env.iter().rev().find_map(|line| line.strip_prefix("PATH="));
    let path: Vec<&str> = set.unwrap_or(PATH).split(':').map(|at| at.trim_matches('/')).collect();
    let is_in_path = |path_of: &TreePath| path_of.as_str().is_some_and(|at| path.contains(&at));
    let is_owned = |entry: &&Entry| {
        let is_there = match entry.kind {
            EntryKind::Directory => is_in_path(&entry.path),
            EntryKind::File => entry.path.parent().is_some_and(|parent| is_in_path(&parent)),
            EntryKind::Symlink(_) | EntryKind::Device | EntryKind::Special => false,
        };
        // An owner that may not write may let itself.
        is_there && entry.uid == user
    };
    let owned: Vec<&'a Entry> = files.entries.iter().filter(is_owned).collect();
    let words = (
        "the user that the image runs as can change programs in its PATH",
        "programs that another user owns",
    );
    layers::together(context, &owned, words)
}

/// The number of the user that the image runs as, where it can be told. IMG-001 speaks of who is root, and of who can not be.
fn user(context: &RuleContext<'_>) -> Option<u64> {
    let user = context.facts().image?.config.user.as_deref()?;
    let name = user.split(':').next()?.trim();
    let accounts = match context.facts().users {
        Some(crate::Users::Known(accounts)) => accounts.as_slice(),
        _ => &[],
    };
    let known = accounts.iter().find(|account| account.name == name).map(|account| account.id);
    known.or_else(|| name.parse().ok())
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case() -> Case {
        Case::default().image(&["base", "app"])
    }

    #[test]
    fn what_everybody_may_write_to_fails_once_for_a_directory_and_all_in_it() {
        let case = case()
            .directory("app", 0o777, 1)
            .directory("app-data", 0o1777, 1)
            .file("app/a", 0o666, 1)
            .file("app/b/c", 0o777, 1)
            .file("etc/x", 0o646, 1);
        let seen: Vec<_> = case
            .findings("FS-003")
            .into_iter()
            .map(|judged| format!("{}: {}", judged.finding.place, judged.finding.found))
            .collect();
        let layer = digest("app").short();
        let expect = [
            format!("/app (layer {layer}): mode 0777, and 2 below it"),
            format!("/etc/x (layer {layer}): mode 0646"),
        ];
        assert_eq!(seen, expect);
    }

    #[test]
    fn sticky_directories_and_what_others_only_read_pass() {
        let case = case().directory("tmp", 0o1777, 0).file("a", 0o775, 0).link("b", "a", 0);
        case.check("FS-003", Expect::Pass);
    }

    #[test]
    fn what_the_user_can_change_of_its_own_programs_fails() {
        let owned = |user: &str, env: &[&str]| {
            let case = Case::default().image_with(&["base", "app"], |config| {
                config.user = Some(user.to_owned());
                config.env = env.iter().map(|line| (*line).to_owned()).collect();
            });
            let case = case.passwd("root:x:0:0::/:\napp:x:10001:1::/:");
            case.owned("usr/local/bin/app", 10001, 1).owned("opt/bin/x", 10001, 1)
        };
        for user in ["10001", "app", "app:5"] {
            let case = owned(user, &[]);
            let found = case.findings("FS-003");
            assert_eq!(
                (found.len(), &*found[0].finding.found),
                (1, "/usr/local/bin/app"),
                "{user}"
            );
        }
        let both = owned("app", &["PATH=/opt/bin/:/usr/local/bin"]).findings("FS-003");
        assert_eq!(both[0].finding.found, "/opt/bin/x, /usr/local/bin/app");
        owned("4242", &[]).check("FS-003", Expect::Pass);
        owned("app", &["PATH=/bin"]).check("FS-003", Expect::Pass);
    }
}
