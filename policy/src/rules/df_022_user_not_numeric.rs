//! DF-022: the user is named by its number.

use super::{About, Raised, Rule, RuleContext, img_001_user_is_root::is_root, inputs};
use crate::{
    decide::Action,
    dockerfile::{Build, Expanded, Stage, User},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-022",
    name: "df_022_user_not_numeric",
    title: "`USER` is a number",
    severity: Severity::Low,
    action: Action::Inform,
    why: "Kubernetes can not prove `runAsNonRoot` of a name: only the image's /etc/passwd says who it is.",
    mend: "write the number of the user: `USER 10001`",
    bad: "FROM node:22\nUSER node",
    good: "FROM node:22\nUSER 1000",
    equivalents: &["DL3066"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a number";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let untold = "it can not be told which user the target stage names";
    inputs::of_targets(context, (untold, EXPECTED), |build, stage| {
        check_stage(context, build, stage)
    })
}

fn check_stage(context: &RuleContext<'_>, build: &Build, stage: &Stage) -> Option<Raised> {
    let User::Set { at, user } = build.user(stage) else { return None };
    let place = inputs::place(build, at);
    match user {
        Expanded::Unknown { variable } => {
            let title = "it can not be told whether the user is named by its number";
            let found = format!("`USER` depends on `{variable}`, whose value is not known here");
            Some(context.unknown(place, title, found, EXPECTED))
        }
        Expanded::Known(user) => {
            let name = user.split(':').next().unwrap_or_default().trim();
            // Of root, DF-020 speaks.
            let is_fine = is_root(user) || name.bytes().all(|byte| byte.is_ascii_digit());
            let title = "the user is named, not numbered";
            (!is_fine).then(|| context.fail(place, title, format!("`USER {user}`"), EXPECTED))
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
    fn names_fail() {
        for bad in ["app", "app:1000", "\"app\"", "1000x", "$U"] {
            let case = case(&format!("FROM debian\nARG U=node\nUSER {bad}"));
            case.check("DF-022", Expect::Fail);
            assert_eq!(case.places("DF-022"), [(3, 1)]);
            assert_eq!(case.findings("DF-022")[0].action, Action::Inform);
        }
        case("FROM debian AS a\nUSER app\nFROM a").check("DF-022", Expect::Fail);
    }

    #[test]
    fn numbers_and_root_pass() {
        for good in ["10001", "10001:app", "'7'", "root", "0", "app\nUSER 5"] {
            case(&format!("FROM debian\nUSER {good}")).check("DF-022", Expect::Pass);
        }
        case("FROM debian").check("DF-022", Expect::Pass);
        case("FROM debian AS a\nUSER app\nFROM debian\nUSER 5").check("DF-022", Expect::Pass);
    }

    #[test]
    fn variables_without_value_can_not_be_told() {
        case("FROM debian\nARG U\nUSER $U").check("DF-022", Expect::Unknown);
        case("FROM debian\nARG U\nUSER $U").build_arg("U", "7").check("DF-022", Expect::Pass);
    }
}
