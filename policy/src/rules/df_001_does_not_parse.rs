//! DF-001: every instruction of a Dockerfile can be read.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-001",
    name: "df_001_does_not_parse",
    title: "every instruction of a Dockerfile can be read",
    severity: Severity::High,
    action: Action::Deny,
    why: "What can not be read can not be judged, and what a gate skips in silence is where things hide.",
    mend: "write the instruction as the Dockerfile reference has it",
    bad: "FORM debian:12",
    good: "FROM debian:12",
    equivalents: &["DL1000", "DL3061"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let problems = context
        .builds()
        .iter()
        .flat_map(|build| build.problems.iter().map(move |problem| (build, problem)));
    problems
        .map(|(build, problem)| {
            let place = inputs::place(build, problem.at);
            let found = format!("`{}`", problem.found);
            context.fail(place, problem.message.clone(), found, "an instruction")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn each_bad_instruction_is_a_finding_and_hides_nothing() {
        let case = Case::default().dockerfile("FROM debian\nRUM x\nENV A\n  COPY a\nUSER root\n");
        case.check("DF-001", Expect::Fail);
        assert_eq!(case.places("DF-001"), [(2, 1), (3, 1), (4, 3)]);
        case.check("DF-020", Expect::Fail);
        case.check("BASE-010", Expect::Fail);
    }

    #[test]
    fn what_is_no_dockerfile_fails_and_what_is_one_passes() {
        for bad in ["", "# nothing", "RUN x", "hello world", "FROM a b", "FROM a AS", "FROM"] {
            Case::default().dockerfile(bad).check("DF-001", Expect::Fail);
        }
        Case::default().dockerfile("FROM debian:12\nUSER 1\n").check("DF-001", Expect::Pass);
    }
}
