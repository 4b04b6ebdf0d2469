//! DF-125: there is no MAINTAINER.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, inputs};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-125",
    name: "df_125_maintainer",
    title: "there is no MAINTAINER",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "The instruction is deprecated: a label says the same, and tools read it.",
    mend: "write `LABEL org.opencontainers.image.authors=…`",
    bad: "MAINTAINER a@example.com",
    good: "LABEL org.opencontainers.image.authors=a@example.com",
    equivalents: &["DL4000", "DS-0022", "CKV_DOCKER_6"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let steps =
        context.builds().iter().flat_map(|build| build.steps().map(move |step| (build, step)));
    steps
        .filter(|(_, step)| step.keyword() == "MAINTAINER")
        .map(|(build, step)| {
            let place = inputs::place(build, step.at());
            context.fail(place, "`MAINTAINER` is deprecated", "`MAINTAINER`", "a label")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn the_instruction_fails_and_a_label_passes() {
        let case = Case::default().dockerfile("FROM a\n  maintainer b");
        case.check("DF-125", Expect::Fail);
        assert_eq!(case.places("DF-125"), [(2, 3)]);
        check_files("DF-125", Expect::Pass, &["FROM a\nLABEL maintainer=b\nRUN MAINTAINER"]);
    }
}
