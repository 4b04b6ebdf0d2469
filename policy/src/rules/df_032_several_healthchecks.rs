//! DF-032: a stage has one health check.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{
    decide::Action,
    dockerfile::{Stage, Step},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-032",
    name: "df_032_several_healthchecks",
    title: "a stage has one HEALTHCHECK",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Only the last one counts; what the others ask is never asked.",
    mend: "keep one `HEALTHCHECK`, which asks for everything that has to hold",
    bad: "FROM debian:12\nHEALTHCHECK CMD /app --ready\nHEALTHCHECK CMD /app --alive",
    good: "FROM debian:12\nHEALTHCHECK CMD /app --ready && /app --alive",
    equivalents: &["DL3012", "DS-0023"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let of_stage = |stage: &Stage| {
        let checks = stage.steps.iter().filter(|step| step.keyword() == "HEALTHCHECK");
        checks.skip(1).map(Step::at).collect::<Vec<_>>()
    };
    let builds = context.builds().iter();
    let of_build = builds.flat_map(|build| {
        let stages = build.in_image().into_iter();
        stages.flat_map(of_stage).map(move |at| inputs::place(build, at))
    });
    let title = "an earlier health check of the stage is without effect";
    let raise = |place| context.fail(place, title, "another `HEALTHCHECK`", "one `HEALTHCHECK`");
    of_build.map(raise).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(dockerfile: &str) -> Case {
        Case::default().dockerfile(dockerfile)
    }

    #[test]
    fn a_second_one_fails_where_it_stands() {
        let case = case("FROM a\nHEALTHCHECK CMD x\nRUN y\nhealthcheck none\nHEALTHCHECK CMD z");
        case.check("DF-032", Expect::Fail);
        assert_eq!(case.places("DF-032"), [(4, 1), (5, 1)]);
        assert_eq!(case.findings("DF-032")[0].action, Action::Warn);
    }

    #[test]
    fn one_in_each_stage_passes() {
        case("FROM a AS a\nHEALTHCHECK CMD x\nFROM a\nHEALTHCHECK CMD y")
            .check("DF-032", Expect::Pass);
        case("FROM a\nHEALTHCHECK CMD x\nONBUILD HEALTHCHECK CMD y").check("DF-032", Expect::Pass);
        case("FROM a AS a\nHEALTHCHECK CMD x\nHEALTHCHECK CMD x\nFROM b")
            .check("DF-032", Expect::Pass);
    }
}
