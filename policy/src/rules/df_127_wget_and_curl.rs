//! DF-127: a stage uses either wget or curl.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, commands, inputs};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-127",
    name: "df_127_wget_and_curl",
    title: "a stage uses either wget or curl",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "Two programs for one thing are two to install and to keep up to date.",
    mend: "use one of them",
    bad: "RUN curl -O https://a.example/x\nRUN wget https://a.example/y",
    good: "RUN curl -O https://a.example/x\nRUN curl -O https://a.example/y",
    equivalents: &["DL4001", "DS-0014"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether a stage uses both wget and curl",
    expected: "one of them",
    names: &[],
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let of_build = |build: &crate::dockerfile::Build| {
        let of_stage = |stage: &crate::dockerfile::Stage| {
            let steps = stage.steps.iter().filter(|step| step.keyword() == "RUN");
            let commands: Vec<_> = steps.flat_map(|step| &step.script.commands).collect();
            let uses = |program: &str| {
                commands.iter().find(|command| command.arguments_of(program).is_some())
            };
            let later = uses("wget")?.at.max(uses("curl")?.at);
            let (title, found) = ("a stage uses both wget and curl", "`wget` and `curl`");
            Some(context.fail(inputs::place(build, later), title, found, "one of them"))
        };
        build.reachable().into_iter().filter_map(of_stage).collect::<Vec<_>>()
    };
    let runs = commands::reachable(context).filter(|placed| placed.is("RUN"));
    let untold = commands::untold_of(context, runs, ABOUT);
    context.builds().iter().flat_map(of_build).chain(untold).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn both_in_one_stage_fail_where_the_second_is_used() {
        let case = Case::default().dockerfile("FROM a\nRUN curl b\nRUN c && wget d && curl e");
        case.check("DF-127", Expect::Fail);
        assert_eq!(case.places("DF-127"), [(3, 10)]);
    }

    #[test]
    fn one_of_them_passes() {
        check_files(
            "DF-127",
            Expect::Pass,
            &[
                "FROM a AS b\nRUN curl c\nFROM d\nRUN wget e && apt-get install curl\nCMD curl f\nCOPY --from=b / /",
            ],
        );
    }
}
