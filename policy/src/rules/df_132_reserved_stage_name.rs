//! DF-132: no stage has a reserved name.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, inputs};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-132",
    name: "df_132_reserved_stage_name",
    title: "no stage has a reserved name",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "`scratch` and `context` mean something to the builder: a stage by that name is not found, or another thing is found in its place.",
    mend: "give the stage another name",
    bad: "FROM debian:12 AS scratch",
    good: "FROM debian:12 AS build",
    equivalents: &["DL3063"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let stages = context
        .builds()
        .iter()
        .flat_map(|build| build.stages.iter().map(move |stage| (build, stage)));
    let raise = |(build, stage): (&crate::dockerfile::Build, &crate::dockerfile::Stage)| {
        let name = stage.name.as_deref().filter(|name| matches!(*name, "scratch" | "context"))?;
        let place = inputs::place(build, stage.at);
        Some(context.fail(
            place,
            "a stage has a reserved name",
            format!("`AS {name}`"),
            "another name",
        ))
    };
    stages.filter_map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn reserved_names_fail_and_others_pass() {
        check_files("DF-132", Expect::Fail, &["FROM a AS scratch", "FROM a as Context"]);
        assert_eq!(
            Case::default().dockerfile("FROM a\nFROM b AS scratch").places("DF-132"),
            [(2, 1)]
        );
        check_files(
            "DF-132",
            Expect::Pass,
            &["FROM scratch", "FROM scratch AS build\nFROM build AS contexts"],
        );
    }
}
