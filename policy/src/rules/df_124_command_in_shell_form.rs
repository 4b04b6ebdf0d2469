//! DF-124: CMD and ENTRYPOINT are lists.

use super::{About, CORRECTNESS, Raised, Rule, RuleContext, commands, inputs};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-124",
    name: "df_124_command_in_shell_form",
    title: "CMD and ENTRYPOINT are lists",
    severity: Severity::Low,
    action: CORRECTNESS,
    why: "A shell stands between the runtime and the program: signals do not reach the program, and it is killed instead of stopped.",
    mend: "write the command as a list",
    bad: "CMD /app --port 80",
    good: "CMD [\"/app\", \"--port\", \"80\"]",
    equivalents: &["DL3025"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let steps =
        commands::in_image(context).filter(|placed| placed.is("CMD") || placed.is("ENTRYPOINT"));
    let meant = steps.filter(|placed| {
        !placed.step.instruction.is_json() && !placed.step.instruction.text.trim().is_empty()
    });
    meant
        .map(|placed| {
            let keyword = placed.step.keyword();
            let title = format!("`{keyword}` is run by a shell");
            let found = format!("`{keyword}` without a list");
            let expected = format!("`{keyword} [\"program\", \"argument\"]`");
            context.fail(inputs::place(placed.build, placed.step.at()), title, found, expected)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn text_fails() {
        let bad = [
            "FROM a\nCMD b c",
            "FROM a\nENTRYPOINT exec b",
            "FROM a\nCMD ['b']",
            "FROM a AS b\nCMD c\nFROM b",
        ];
        check_files("DF-124", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("DF-124"), [(2, 1)]);
    }

    #[test]
    fn lists_and_other_stages_pass() {
        check_files(
            "DF-124",
            Expect::Pass,
            &[
                "FROM a AS b\nCMD c\nFROM d\nCMD [\"b\"]\nENTRYPOINT [ \"c\" , \"d\" ]\nRUN x\nCMD []",
            ],
        );
    }
}
