//! FS-009: the image has no compilers, debuggers and package managers.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::{decide::Action, files::Topic};
use plimsoll_model::Severity;

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
    let words = ("the image has tools that build, debug or install", "only what runs");
    layers::about(context, Topic::Tool, words)
}

#[cfg(test)]
mod tests {
    use crate::rules::layers::testing::check_together;

    #[test]
    fn each_is_named_and_the_first_is_the_place_and_what_only_looks_like_it_passes() {
        let all = ["usr/bin/apt-get", "usr/bin/gcc", "usr/bin/gcc-12", "usr/local/bin/go"];
        let others = ["usr/share/gcc", "usr/bin/gcc-wrapper", "opt/gcc", "usr/bin/gopher"];
        check_together("FS-009", &all, &others);
    }
}
