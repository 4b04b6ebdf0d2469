//! FS-009: the image has no compilers, debuggers and package managers.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::{decide::Action, files::Topic};
use plimsoll_model::{Severity, tree::Entry};

pub(crate) const RULE: Rule = Rule {
    id: "FS-009",
    name: "fs_009_tools",
    title: "the image has no compilers, debuggers and package managers",
    severity: Severity::Low,
    action: Action::Inform,
    why: "What is not there can not be used by somebody who got in, has no flaws, and needs no updates.",
    mend: "build in one stage and copy what runs into another, on a base without them",
    bad: "FROM golang:1.24",
    good: "FROM gcr.io/distroless/static   # with COPY --from=build",
    equivalents: &["CIS 4.3"],
    about: &[About::Files],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let seen: Vec<&Entry> = files.about(Topic::Tool).collect();
    let words = ("the image has tools that build, debug or install", "only what runs");
    layers::together(context, &seen, words).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;
    use plimsoll_model::finding::Place;

    #[test]
    fn each_is_named_and_the_first_is_the_place() {
        let case = Case::default().image(&["base", "app"]).files();
        let all = ["usr/bin/apt-get", "usr/bin/gcc", "usr/bin/gcc-12", "usr/local/bin/go"];
        for path in all {
            let found = case.clone().file(path, 0o755, 1).findings("FS-009");
            let place = Place::File { path: format!("/{path}"), layer: Some(digest("app")) };
            assert_eq!((found.len(), &found[0].finding.place), (1, &place));
        }
        let case = all.iter().fold(case, |case, path| case.file(path, 0o755, 1));
        let found = case.findings("FS-009");
        let mut named: Vec<_> = all.iter().map(|path| format!("/{path}")).collect();
        named.sort();
        assert_eq!((found.len(), &found[0].finding.found), (1, &named.join(", ")));
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        let case = Case::default().image(&["base", "app"]).files();
        for path in ["usr/share/gcc", "usr/bin/gcc-wrapper", "opt/gcc", "usr/bin/gopher"] {
            case.clone().file(path, 0o755, 1).check("FS-009", Expect::Pass);
        }
    }
}
