//! DF-113: the image brings no steps into builds that start from it.

use super::{About, Raised, Rule, RuleContext, commands, inputs};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-113",
    name: "df_113_onbuild_runs",
    title: "the image brings no steps into builds that start from it",
    severity: Severity::Low,
    action: Action::Inform,
    why: "Whoever builds on the image runs these steps and does not see them in a Dockerfile.",
    mend: "write the steps into the Dockerfiles that need them",
    bad: "ONBUILD RUN make",
    good: "RUN make",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let raise = |placed: commands::Placed<'_>| {
        let triggered = placed.step.instruction.triggered.as_deref()?;
        let is_meant = matches!(triggered.keyword.as_str(), "ADD" | "COPY" | "RUN");
        let place = inputs::place(placed.build, placed.step.at());
        let title = "the image brings steps into builds that start from it";
        let found = format!("`ONBUILD {}`", triggered.keyword);
        is_meant
            .then(|| context.fail(place, title, found, "no `ONBUILD` of `ADD`, `COPY` or `RUN`"))
    };
    commands::in_image(context).filter_map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn triggers_that_run_or_copy_are_shown() {
        let bad = [
            "FROM a\nONBUILD RUN x",
            "FROM a\nonbuild copy . /",
            "FROM a AS b\nONBUILD ADD x /\nFROM b",
        ];
        check_files("DF-113", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("DF-113"), [(2, 1)]);
    }

    #[test]
    fn other_triggers_and_stages_pass() {
        let good = [
            "FROM a\nONBUILD USER 1\nRUN x",
            "FROM a AS b\nONBUILD RUN x\nFROM c\nCOPY --from=b / /",
        ];
        check_files("DF-113", Expect::Pass, &good);
    }
}
