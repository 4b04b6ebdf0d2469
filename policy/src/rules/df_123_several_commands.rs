//! DF-123: a stage has one CMD and one ENTRYPOINT.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, inputs};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-123",
    name: "df_123_several_commands",
    title: "a stage has one CMD and one ENTRYPOINT",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "The last one counts, and the others do nothing: whoever reads the first is misled.",
    mend: "remove all but the last",
    bad: "CMD [\"/a\"]\nCMD [\"/b\"]",
    good: "CMD [\"/b\"]",
    equivalents: &["DL4003", "DL4004", "DS-0016", "DS-0007"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for build in context.builds() {
        for stage in &build.stages {
            for keyword in ["CMD", "ENTRYPOINT"] {
                let mut all = stage.steps.iter().filter(|step| step.keyword() == keyword);
                let last = all.next_back();
                for step in all {
                    let title = format!("a `{keyword}` does nothing");
                    let found = format!(
                        "`{keyword}`, and another in line {}",
                        last.map_or(0, |last| last.at().line)
                    );
                    raised.push(context.fail(
                        inputs::place(build, step.at()),
                        title,
                        found,
                        format!("one `{keyword}`"),
                    ));
                }
            }
        }
    }
    raised
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn all_but_the_last_are_shown() {
        let case =
            Case::default().dockerfile("FROM a\nCMD b\nENTRYPOINT [\"c\"]\ncmd d\nENTRYPOINT e");
        case.check("DF-123", Expect::Fail);
        assert_eq!(case.places("DF-123"), [(2, 1), (3, 1)]);
    }

    #[test]
    fn one_of_each_in_each_stage_passes() {
        check_files(
            "DF-123",
            Expect::Pass,
            &["FROM a AS b\nCMD c\nFROM b\nCMD d\nENTRYPOINT e\nONBUILD CMD f\nHEALTHCHECK CMD g"],
        );
    }
}
