//! DF-129: files are copied to absolute paths, or below a WORKDIR.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, commands, inputs};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-129",
    name: "df_129_relative_copy_without_workdir",
    title: "files are copied to absolute paths, or below a WORKDIR",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "A relative path is one below the working directory of the base image, which may change.",
    mend: "write the whole path, or a `WORKDIR` in front",
    bad: "FROM debian:12\nCOPY app app",
    good: "FROM debian:12\nWORKDIR /srv\nCOPY app app",
    equivalents: &["DL3045"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let steps = commands::in_image(context).filter(|placed| placed.is("COPY") || placed.is("ADD"));
    let raise = |placed: commands::Placed<'_>| {
        let to = placed.step.arguments.last()?;
        let text = to.known().or(to.written.as_deref())?.trim_matches(['"', '\'']);
        // What begins with a variable may be absolute.
        let is_drive = text.get(1..2) == Some(":");
        let is_relative = !text.starts_with(['/', '\\', '$']) && !is_drive;
        let sets = |stage: &crate::dockerfile::Stage| {
            let is_before = |step: &crate::dockerfile::Step| {
                step.keyword() == "WORKDIR" && step.at() < placed.step.at()
            };
            stage.steps.iter().any(is_before)
        };
        let is_meant = is_relative && !placed.build.chain(placed.stage).any(sets);
        let title = "files are copied to a place that depends on the base image";
        let found = format!("`{text}`, without a `WORKDIR`");
        is_meant.then(|| {
            context.fail(
                inputs::place(placed.build, to.at),
                title,
                found,
                "an absolute path, or a `WORKDIR`",
            )
        })
    };
    steps.filter_map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn relative_places_fail() {
        let bad = [
            "FROM a\nCOPY b c",
            "FROM a\nCOPY b .",
            "FROM a\nADD [\"b\", \"./c\"]",
            "FROM a\nCOPY b c\nWORKDIR /d",
        ];
        check_files("DF-129", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("DF-129"), [(2, 8)]);
    }

    #[test]
    fn absolute_places_and_a_working_directory_pass() {
        let good = [
            "FROM a\nCOPY b /c\nCOPY [\"b\", \"/d e/\"]\nCOPY b $C\nCOPY b c:/d",
            "FROM a AS b\nWORKDIR /c\nFROM b\nCOPY d .",
        ];
        check_files("DF-129", Expect::Pass, &good);
    }
}
