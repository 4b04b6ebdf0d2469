//! FS-011: no layer changes whom the base image trusts.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::{
    decide::Action,
    files::{Files, Text, Topic},
};
use plimsoll_model::{
    Severity,
    tree::{Entry, EntryKind},
};
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "FS-011",
    name: "fs_011_replaced",
    title: "no layer replaces what decides who is trusted in the layers below",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Accounts, `ld.so.preload`, `nsswitch.conf`, PAM, `sudoers` and the keys of package repositories decide who gets in and what is installed. A layer that replaces them undoes what the base was approved for. Accounts and groups that are only added are not meant.",
    mend: "find out which instruction of the build does it, and leave the file as the base has it",
    bad: "COPY passwd /etc/passwd",
    good: "RUN useradd --system app",
    equivalents: &[],
    about: &[About::Files],
    parameters: &[],
    check,
};

/// Those of the texts that are meant. Certificates of authorities are FS-014's.
const GUARDED: [&str; 7] = [
    "etc/group",
    "etc/gshadow",
    "etc/ld.so.preload",
    "etc/nsswitch.conf",
    "etc/passwd",
    "etc/shadow",
    "etc/sudoers",
];
const GUARDED_IN: [&str; 6] = [
    "etc/apk/keys/",
    "etc/apt/keyrings/",
    "etc/apt/trusted.gpg.d/",
    "etc/pam.d/",
    "etc/sudoers.d/",
    "usr/share/keyrings/",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let base = layers::of_base(context);
    let single = GUARDED.into_iter().filter_map(|path| files.text(path));
    let all = single.chain(GUARDED_IN.into_iter().flat_map(|directory| files.texts_in(directory)));
    let judged = all.filter_map(|text| judge(context, (files, text), base));
    judged.chain(linked(context, files, base)).collect()
}

/// Links that layers above the lowest, or the base, put in the place of directories: what was there is gone, and what there is
/// now was not kept.
fn linked<'a>(
    context: &'a RuleContext<'_>,
    files: &'a Files,
    base: Option<u32>,
) -> impl Iterator<Item = Raised> + 'a {
    let is_later = move |entry: &&Entry| entry.layer.0 >= base.unwrap_or(1);
    let raise = |entry: &Entry| {
        let EntryKind::Symlink(target) = &entry.kind else { return None };
        let path = format!("{}/", entry.path.as_str()?);
        let mut guarded = GUARDED.iter().chain(&GUARDED_IN);
        guarded.find(|guarded| guarded.starts_with(&path))?;
        let title = format!("it can not be told what a layer makes of {}", entry.path);
        let found = format!("a symbolic link to `{}`", String::from_utf8_lossy(target));
        let place = layers::place_of(files, entry);
        Some(context.unknown(place, title, found, "the directory as the layers below have it"))
    };
    files.about(Topic::Link).filter(is_later).filter_map(raise)
}

fn judge(
    context: &RuleContext<'_>,
    (files, text): (&Files, &Text),
    base: Option<u32>,
) -> Option<Raised> {
    let path = text.path.as_str()?;
    // What was changed among the layers of the base is the base's.
    if base.is_some_and(|count| text.layer.0 < count) {
        return None;
    }
    let of_base = |layer: u32| base.is_none_or(|count| layer < count);
    let earlier = text.earlier.iter().rev().find(|(layer, _)| of_base(layer.0));
    let is_new_preload = earlier.is_none() && path == "etc/ld.so.preload";
    if earlier.is_none() && !is_new_preload {
        return None;
    }
    let place = layers::place(files, &text.path, text.layer);
    let expected = "the file as the layers below have it";
    let now = match &text.content {
        Ok(now) => now,
        Err(error) => {
            let title = format!("it can not be told what a layer makes of /{path}");
            return Some(context.unknown(place, title, error.to_string(), expected));
        }
    };
    let found = match earlier {
        Some((_, earlier)) => difference(path, earlier, now)?,
        None if now.is_empty() => return None,
        None => "a file that the layers below do not have".to_owned(),
    };
    let title = format!("a layer replaces /{path}");
    Some(context.fail(place, title, found, expected))
}

/// What a layer has changed; `None` where that is nothing, or accounts that were added.
fn difference(path: &str, earlier: &[u8], now: &[u8]) -> Option<String> {
    if earlier == now {
        return None;
    }
    // So much of each line has to stay: members of a group, and the day of a change, come and go.
    let fields = match path {
        "etc/passwd" => 7,
        "etc/shadow" => 2,
        "etc/group" | "etc/gshadow" => 1,
        _ => return Some("another content".to_owned()),
    };
    // The number of a group is its third field.
    let key = |line: &String| {
        let all: Vec<&str> = line.split(':').collect();
        let number = (path == "etc/group").then(|| all.get(2).copied()).flatten();
        let kept: Vec<&str> = all.iter().take(fields).copied().chain(number).collect();
        kept.join(":")
    };
    let left: BTreeSet<String> = Text::lines(now).iter().map(key).collect();
    let gone = Text::lines(earlier).iter().map(key).filter(|line| !left.contains(line)).count();
    (gone > 0).then(|| format!("{gone} of its lines changed or removed"))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;
    use plimsoll_model::{finding::Place, tree::TreeError};

    fn case(path: &str, now: &str, earlier: &[(&str, u32)]) -> Case {
        Case::default().image(&["base", "more", "app"]).replaced(path, (now, 2), earlier)
    }

    #[test]
    fn what_a_layer_replaces_fails_where_it_is() {
        for (path, earlier, now) in [
            ("etc/nsswitch.conf", "passwd: files", "passwd: evil files"),
            ("etc/passwd", "a:x:1:1::/:/bin/false", "a:x:1:1::/:/bin/sh"),
            ("etc/passwd", "a:x:1:1::/:", ""),
            ("etc/shadow", "root:*:1:", "root:$6$x:1:"),
            ("etc/group", "adm:x:4:", "adm:x:5:"),
            ("etc/pam.d/su", "auth required x", "auth sufficient x"),
            ("usr/share/keyrings/debian.gpg", "key", "other"),
        ] {
            let found = case(path, now, &[(earlier, 0)]).findings("FS-011");
            let place = Place::File { path: format!("/{path}"), layer: Some(digest("app")) };
            assert_eq!((found.len(), &found[0].finding.place), (1, &place), "{path}");
            case(path, earlier, &[(earlier, 0)]).check("FS-011", Expect::Pass);
            case(path, now, &[]).check("FS-011", Expect::Pass);
        }
        case("etc/ld.so.preload", "/x.so", &[]).check("FS-011", Expect::Fail);
        case("etc/ld.so.preload", "", &[]).check("FS-011", Expect::Pass);
    }

    #[test]
    fn accounts_and_members_that_are_added_pass() {
        for (path, earlier, now) in [
            ("etc/passwd", "a:x:1:1::/:", "a:x:1:1::/:\nb:x:2:2::/:"),
            ("etc/shadow", "a:*:1:", "a:*:2:\nb:!:2:"),
            ("etc/group", "adm:x:4:", "adm:x:4:b\nb:x:2:"),
        ] {
            case(path, now, &[(earlier, 0)]).check("FS-011", Expect::Pass);
        }
    }

    #[test]
    fn what_the_base_did_to_itself_is_the_bases_and_what_was_there_after_it_is_not() {
        let case = case("etc/pam.d/su", "c", &[("a", 0), ("c", 1)]);
        let approved = |layers: &[&str]| case.clone().approved("debian:12", layers, "2026-12-31");
        approved(&["base"]).check("FS-011", Expect::Fail);
        approved(&["base", "more"]).check("FS-011", Expect::Pass);
        approved(&["base", "more", "app"]).check("FS-011", Expect::Pass);
        case.check("FS-011", Expect::Pass);
    }

    #[test]
    fn a_link_in_the_place_of_a_directory_can_not_be_told() {
        let case = Case::default().image(&["base", "app"]).files();
        for (path, is_guarded) in [
            ("etc/sudoers.d", true),
            ("etc/pam.d", true),
            ("etc", true),
            ("etc/ssh", false),
            ("srv", false),
        ] {
            let expect = if is_guarded { Expect::Unknown } else { Expect::Pass };
            let linked = case.clone().link(path, "/opt/x", 1);
            linked.check("FS-011", expect);
            // What the lowest layer has was there before.
            case.clone().link(path, "/opt/x", 0).check("FS-011", Expect::Pass);
            let Some(judged) = linked.findings("FS-011").first().cloned() else { continue };
            let place = Place::File { path: format!("/{path}"), layer: Some(digest("app")) };
            assert_eq!(judged.finding.place, place);
            assert_eq!(judged.finding.found, "a symbolic link to `/opt/x`");
        }
    }

    #[test]
    fn what_can_not_be_read_can_not_be_told() {
        let case = case("etc/sudoers", "", &[("a", 0)]).change_files(|files| {
            files.texts[0].content = Err(TreeError::NotKept);
        });
        case.check("FS-011", Expect::Unknown);
    }
}
