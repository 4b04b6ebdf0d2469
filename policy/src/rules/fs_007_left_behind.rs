//! FS-007: nothing is left of version control, editors and builds.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::{decide::Action, files::Topic};
use plimsoll_model::{Severity, tree::Entry};

pub(crate) const RULE: Rule = Rule {
    id: "FS-007",
    name: "fs_007_left_behind",
    title: "nothing is left of version control, editors and builds",
    severity: Severity::Low,
    action: Action::Inform,
    why: "A `.git` directory has the whole history of the source, with what was removed from it; the rest tells how the image was made.",
    mend: "name them in `.dockerignore`, or copy only what runs",
    bad: "COPY . /app   # with /app/.git",
    good: "COPY dist /app",
    equivalents: &["DKL-LI-0003"],
    about: &[About::Files],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let seen: Vec<&Entry> = files.about(Topic::Junk).collect();
    let words = ("files are left of version control, editors or builds", "only what runs");
    layers::together(context, &seen, words).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;
    use plimsoll_model::finding::Place;

    #[test]
    fn each_is_named_and_the_first_is_the_place() {
        let case = Case::default().image(&["base", "app"]).files();
        let all = ["app/.DS_Store", "app/.git", "app/Dockerfile", "app/compose.yaml"];
        for path in all {
            let found = case.clone().file(path, 0o755, 1).findings("FS-007");
            let place = Place::File { path: format!("/{path}"), layer: Some(digest("app")) };
            assert_eq!((found.len(), &found[0].finding.place), (1, &place));
        }
        let case = all.iter().fold(case, |case, path| case.file(path, 0o755, 1));
        let found = case.findings("FS-007");
        let mut named: Vec<_> = all.iter().map(|path| format!("/{path}")).collect();
        named.sort();
        assert_eq!((found.len(), &found[0].finding.found), (1, &named.join(", ")));
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        let case = Case::default().image(&["base", "app"]).files();
        for path in ["app/.gitignore", "app/git", "app/Dockerfile.md"] {
            case.clone().file(path, 0o755, 1).check("FS-007", Expect::Pass);
        }
    }
}
