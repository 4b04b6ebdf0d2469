//! FS-010: no layer changes the files of packages that lower layers installed.
//!
//! Of Debian's packages the layers tell which files were brought anew; whether their content is another is not compared, so
//! that it is said to be unknown.

use super::{
    About, Parameter, ParameterKind, Raised, Rule, RuleContext,
    layers::{self, Origin},
};
use crate::{decide::Action, files::Rewritten};
use plimsoll_model::Severity;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "FS-010",
    name: "fs_010_rewritten",
    title: "no layer brings files of Debian's packages anew that a lower layer installed",
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
        help: "files that may be brought anew, by their whole paths (none)",
    }],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let (allowed, base) = (context.texts("allow"), layers::of_base(context));
    let mut packages: BTreeMap<_, Vec<&Rewritten>> = BTreeMap::new();
    for file in &files.packages.rewritten {
        let is_of_base = layers::origin(base, file.layer) == Origin::Base;
        if !is_of_base && !allowed.contains(&file.path.to_string()) {
            packages.entry((&file.package, file.layer)).or_default().push(file);
        }
    }
    let expected = "the files as the package has them";
    let rewritten = packages.into_iter().filter_map(|((package, layer), of_it)| {
        let place = layers::place(files, &of_it.first()?.path, layer);
        let names = of_it.iter().map(|file| file.path.to_string());
        let found = format!("brought anew: {}", layers::listed(names));
        let title = format!("it can not be told whether files of `{package}` are the package's");
        let mut raised = context.unknown(place, title, found, expected);
        raised.also_at = of_it.iter().skip(1).map(|file| file.path.to_string()).collect();
        Some(raised)
    });
    let unread = files.packages.unread.iter().map(|(path, layer, error)| {
        let title = "it can not be told which files a package has";
        context.unknown(layers::place(files, path, *layer), title, error.to_string(), expected)
    });
    rewritten.chain(unread).collect()
}

#[cfg(test)]
mod tests {
    use crate::{files::Rewritten, rules::testing::*};
    use plimsoll_model::{
        TreePath,
        finding::Place,
        tree::{LayerIndex, TreeError},
    };

    fn case(paths: &[&str]) -> Case {
        let rewritten = paths.iter().map(|path| Rewritten {
            package: "openssl".to_owned(),
            path: TreePath::parse(path.as_bytes()).unwrap(),
            layer: LayerIndex(1),
            installed: LayerIndex(0),
        });
        let case = Case::default().image(&["base", "app"]);
        case.change_files(|files| files.packages.rewritten = rewritten.collect())
    }

    #[test]
    fn what_was_brought_anew_is_told_once_for_each_package_and_layer() {
        case(&[]).check("FS-010", Expect::Pass);
        let both = case(&["usr/bin/c_rehash", "usr/bin/openssl"]);
        both.check("FS-010", Expect::Unknown);
        let found = both.findings("FS-010");
        let place =
            Place::File { path: "/usr/bin/c_rehash".to_owned(), layer: Some(digest("app")) };
        assert_eq!((found.len(), &found[0].finding.place), (1, &place));
        assert_eq!(found[0].finding.found, "brought anew: /usr/bin/c_rehash, /usr/bin/openssl");
        let one = "rules: {FS-010: {allow: [/usr/bin/c_rehash]}}";
        let found = both.clone().policy(one).findings("FS-010");
        assert_eq!(found[0].finding.found, "brought anew: /usr/bin/openssl");
        both.approved("debian:12", &["base", "app"], "2026-12-31").check("FS-010", Expect::Pass);
    }

    #[test]
    fn a_list_that_can_not_be_read_can_not_be_told() {
        let path = TreePath::parse(b"var/lib/dpkg/info/a.list").unwrap();
        let unread = case(&[]).change_files(|files| {
            files.packages.unread = vec![(path, LayerIndex(1), TreeError::NotKept)];
        });
        unread.check("FS-010", Expect::Unknown);
    }
}
