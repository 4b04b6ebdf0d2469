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
