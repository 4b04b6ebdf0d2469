//! DF-030: what a Dockerfile builds has a health check.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{
    decide::Action,
    dockerfile::{Build, Healthcheck, Stage},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-030",
    name: "df_030_healthcheck_missing",
    title: "the stage that is built has a HEALTHCHECK",
    severity: Severity::Low,
    action: Action::Warn,
    why: "Without one a container that hangs counts as running. (An orchestrator's own probes do as well: turn the rule off where they are there.)",
    mend: "add a `HEALTHCHECK CMD` that asks the service itself",
    bad: "FROM debian:12\nCMD [\"/app\"]",
    good: "FROM debian:12\nHEALTHCHECK CMD [\"/app\", \"--health\"]\nCMD [\"/app\"]",
    equivalents: &["CIS 4.6", "DL3057", "DS-0026", "CKV_DOCKER_2"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "`HEALTHCHECK CMD …`";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let untold = "it can not be told whether the target stage has a health check";
    inputs::of_targets(context, (untold, EXPECTED), |build, stage| {
        check_stage(context, build, stage)
    })
}

fn check_stage(context: &RuleContext<'_>, build: &Build, stage: &Stage) -> Option<Raised> {
    match build.healthcheck(stage) {
        Some((_, Healthcheck::Command)) => None,
        Some((at, Healthcheck::None)) => {
            let place = inputs::place(build, at);
            Some(context.fail(
                place,
                "the health check is switched off",
                "`HEALTHCHECK NONE`",
                EXPECTED,
            ))
        }
        None => {
            let place = inputs::place(build, stage.at);
            Some(context.fail(place, "the stage has no health check", "no `HEALTHCHECK`", EXPECTED))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(dockerfile: &str) -> Case {
        Case::default().dockerfile(dockerfile)
    }

    #[test]
    fn none_missing_and_switched_off_fail() {
        for bad in [
            "FROM debian",
            "FROM debian\nHEALTHCHECK CMD x\nHEALTHCHECK NONE",
            "FROM debian AS a\nHEALTHCHECK CMD x\nFROM debian",
            "FROM debian\nONBUILD HEALTHCHECK CMD x",
        ] {
            case(bad).check("DF-030", Expect::Fail);
        }
        assert_eq!(case("FROM debian").findings("DF-030")[0].action, Action::Warn);
    }

    #[test]
    fn one_in_the_chain_passes() {
        case("FROM debian\nHEALTHCHECK --interval=5s CMD x").check("DF-030", Expect::Pass);
        case("FROM debian AS a\nhealthcheck cmd x\nFROM a").check("DF-030", Expect::Pass);
    }

    #[test]
    fn a_stage_that_is_not_there_can_not_be_told() {
        case("FROM debian\nHEALTHCHECK CMD x").target("x").check("DF-030", Expect::Unknown);
    }
}
