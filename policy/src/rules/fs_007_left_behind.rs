//! FS-007: nothing is left of version control, editors and builds.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::{decide::Action, files::Topic};
use plimsoll_model::Severity;

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
    let words = ("files are left of version control, editors or builds", "only what runs");
    layers::about(context, Topic::Junk, words)
}

#[cfg(test)]
mod tests {
    use crate::rules::layers::testing::check_together;

    #[test]
    fn each_is_named_and_the_first_is_the_place_and_what_only_looks_like_it_passes() {
        let all = ["app/.DS_Store", "app/.git", "app/Dockerfile", "app/compose.yaml"];
        let others = ["app/.gitignore", "app/git", "app/Dockerfile.md"];
        check_together("FS-007", &all, &others);
    }
}
