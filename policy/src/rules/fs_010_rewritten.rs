//! FS-010: no layer changes the files of packages that lower layers installed.
//!
//! Files that came with their package's layer are the package's. One that a later layer brought is held to what the database of
//! packages states of it: dpkg's sums, apk's checksums, rpm's digests. Configuration may differ. Who changes the database as well
//! is not caught by this, nor what was changed in the layer of the package itself.

use super::{
    About, Parameter, ParameterKind, Raised, Rule, RuleContext,
    layers::{self, Origin},
};
use crate::decide::Action;
use plimsoll_model::{
    Digest, Severity, TreePath,
    finding::Place,
    owned::{LaterContent, LaterFile},
};
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "FS-010",
    name: "fs_010_rewritten",
    title: "no layer changes files of Debian, Alpine or RPM packages that a lower layer installed",
    severity: Severity::High,
    action: Action::Warn,
    why: "Advisories and SBOMs go by the version of a package. Where a later layer puts another file in the place of the package's, what runs is not what they speak of.",
    mend: "find out which instruction of the build does it; install another version of the package instead, or name the file under `allow`",
    bad: "COPY openssl /usr/bin/openssl",
    good: "COPY openssl /usr/local/bin/openssl",
    equivalents: &[],
    about: &[About::Files],
    parameters: &[Parameter {
        name: "allow",
        kind: ParameterKind::Texts,
        help: "files that may be changed, by their whole paths (none)",
    }],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let (allowed, base) = (context.texts("allow"), layers::of_base(context));
    let (mut changed, mut untold) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
    for file in &files.later {
        let is_of_base = layers::origin(base, file.layer) == Origin::Base;
        if is_of_base || allowed.contains(&file.path.to_string()) {
            continue;
        }
        let of_package = (file.package.as_str(), file.layer);
        match &file.content {
            LaterContent::Changed { expected, found } => {
                changed.entry(of_package).or_default().push((file, (expected, found)));
            }
            LaterContent::Untold(why) => {
                untold.entry((of_package, why.as_str())).or_default().push(file);
            }
            LaterContent::Expected(_) => {
                let why = "its content was not hashed";
                untold.entry((of_package, why)).or_default().push(file);
            }
        }
    }
    let changed = changed.into_values().filter_map(|of_it| rewritten(context, &of_it));
    let untold = untold.into_iter().filter_map(|((_, why), of_it)| unknown(context, &of_it, why));
    changed.chain(untold).chain(unread(context)).collect()
}

/// Files of one package that one layer changed, each with what was expected and found.
fn rewritten(
    context: &RuleContext<'_>,
    of_it: &[(&LaterFile, (&String, &String))],
) -> Option<Raised> {
    let (first, (expected, found)) = of_it.first()?;
    let title = format!("files of `{}` are not the package's", first.package);
    let place = layers::place(context.facts().files?, &first.path, first.layer);
    let (expected, found) = if of_it.len() == 1 {
        ((*expected).clone(), (*found).clone())
    } else {
        let names = of_it.iter().map(|(file, _)| file.path.to_string());
        let found = format!("changed: {}", layers::listed(names));
        ("the files as the package has them".to_owned(), found)
    };
    let mut raised = context.fail(place, title, found, expected);
    raised.also_at = others(&of_it.iter().map(|(file, _)| *file).collect::<Vec<_>>());
    Some(raised)
}

/// Files of one package that one layer brought, of which it can not be told whether they are other ones.
fn unknown(context: &RuleContext<'_>, of_it: &[&LaterFile], why: &str) -> Option<Raised> {
    let first = of_it.first()?;
    let title =
        format!("it can not be told whether files of `{}` are the package's", first.package);
    let place = layers::place(context.facts().files?, &first.path, first.layer);
    let names = of_it.iter().map(|file| file.path.to_string());
    let found = format!("brought anew: {}; {why}", layers::listed(names));
    let mut raised = context.unknown(place, title, found, "the files as the package has them");
    raised.also_at = others(of_it);
    Some(raised)
}

fn others(files: &[&LaterFile]) -> Vec<String> {
    files.iter().skip(1).map(|file| file.path.to_string()).collect()
}

/// What could not be read of each database.
fn unread(context: &RuleContext<'_>) -> Vec<Raised> {
    let unread = context.facts().files.map_or(&[][..], |files| &files.unread);
    let mut databases: BTreeMap<(&TreePath, Option<Digest>), Vec<&str>> = BTreeMap::new();
    for unknown in unread {
        databases.entry((&unknown.path, unknown.layer)).or_default().push(&unknown.reason);
    }
    let raised = databases.into_iter().map(|((path, layer), reasons)| {
        let place = Place::File { path: path.to_string(), layer };
        let found = layers::listed(reasons.iter().map(|reason| (*reason).to_owned()));
        let title = "it can not be told which files packages have";
        context.unknown(place, title, found, "a database of packages that can be read")
    });
    raised.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::{inventory::Unknown, tree::LayerIndex};

    fn case(files: &[(&str, LaterContent)]) -> Case {
        let later = files.iter().map(|(path, content)| LaterFile {
            package: "openssl".to_owned(),
            path: TreePath::parse(path.as_bytes()).unwrap(),
            layer: LayerIndex(1),
            content: content.clone(),
        });
        let case = Case::default().image(&["base", "app"]);
        case.change_files(|files| files.later = later.collect())
    }

    fn changed() -> LaterContent {
        LaterContent::Changed { expected: "MD5 00".to_owned(), found: "MD5 01".to_owned() }
    }

    #[test]
    fn what_was_changed_is_told_once_for_each_package_and_layer() {
        case(&[]).check("FS-010", Expect::Pass);
        let both = case(&[("usr/bin/c_rehash", changed()), ("usr/bin/openssl", changed())]);
        both.check("FS-010", Expect::Fail);
        let found = both.findings("FS-010");
        let place =
            Place::File { path: "/usr/bin/c_rehash".to_owned(), layer: Some(digest("app")) };
        assert_eq!((found.len(), &found[0].finding.place), (1, &place));
        assert_eq!(found[0].finding.found, "changed: /usr/bin/c_rehash, /usr/bin/openssl");
        let one = "rules: {FS-010: {allow: [/usr/bin/c_rehash]}}";
        let found = both.clone().policy(one).findings("FS-010");
        let found = &found[0].finding;
        assert_eq!((&*found.expected, &*found.found), ("MD5 00", "MD5 01"));
        both.approved("debian:12", &["base", "app"], "2026-12-31").check("FS-010", Expect::Pass);
    }

    #[test]
    fn what_can_not_be_compared_can_not_be_told() {
        let untold = LaterContent::Untold("its package has no sums of its files".to_owned());
        let case = case(&[("usr/bin/openssl", untold)]);
        case.check("FS-010", Expect::Unknown);
        let found = "brought anew: /usr/bin/openssl; its package has no sums of its files";
        assert_eq!(case.findings("FS-010")[0].finding.found, found);
    }

    #[test]
    fn a_database_that_can_not_be_read_can_not_be_told() {
        let unknown = |reason: &str| Unknown {
            path: TreePath::parse(b"lib/apk/db/installed").unwrap(),
            layer: Some(digest("app")),
            cataloger: "apk",
            reason: reason.to_owned(),
        };
        let case = case(&[]).change_files(|files| files.unread = vec![unknown("a"), unknown("b")]);
        case.check("FS-010", Expect::Unknown);
        let found = case.findings("FS-010");
        let place =
            Place::File { path: "/lib/apk/db/installed".to_owned(), layer: Some(digest("app")) };
        let [found] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((&found.finding.place, &*found.finding.found), (&place, "a, b"));
    }
}
