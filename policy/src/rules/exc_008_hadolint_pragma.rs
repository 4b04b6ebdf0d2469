//! EXC-008: exceptions are written for this tool.

use super::{About, Raised, Rule, RuleContext};
use crate::{decide::Action, inline::Scope};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "EXC-008",
    name: "exc_008_hadolint_pragma",
    title: "exceptions are written for this tool",
    severity: Severity::Low,
    action: Action::Inform,
    why: "What hadolint is asked to ignore has no last day and often no reason, so that it accepts nothing here.",
    mend: "write `# plimsoll: except RULE until YYYY-MM-DD reason` above the instruction",
    bad: "# hadolint ignore=DL3002",
    good: "# plimsoll: except DF-020 until 2026-12-31 legacy",
    equivalents: &[],
    about: &[About::Exceptions],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let foreign = context.subject.inlines.foreign.iter();
    foreign
        .map(|foreign| {
            let title = "hadolint is asked to ignore rules";
            let found = foreign.ids.join(", ");
            let raised = context.fail(
                foreign.place.clone(),
                title,
                found,
                "exceptions with a last day and a reason",
            );
            let kind = match foreign.scope {
                Scope::Instruction => "except",
                Scope::File => "except-file",
            };
            match foreign.rules.as_slice() {
                [] => raised.with_remedy("remove it: no rule here is the same"),
                rules => {
                    let lines = rules
                        .iter()
                        .map(|rule| format!("`# plimsoll: {kind} {rule} until YYYY-MM-DD reason`"));
                    raised.with_remedy(format!("write {}", lines.collect::<Vec<_>>().join(" and ")))
                }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn they_are_shown_with_what_to_write_and_accept_nothing() {
        let case = Case::default().dockerfile(
            "# hadolint global ignore=DL9999\nFROM scratch\n  # hadolint ignore=DL3002, DL3000 # why\nUSER root\n",
        );
        let findings = case.findings("EXC-008");
        let told: Vec<_> = findings
            .iter()
            .map(|judged| (judged.finding.found.as_str(), judged.finding.remedy.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("DL9999", "remove it: no rule here is the same"),
                (
                    "DL3002, DL3000",
                    "write `# plimsoll: except DF-020 until YYYY-MM-DD reason` and `# plimsoll: except DF-092 until YYYY-MM-DD reason`"
                ),
            ]
        );
        assert_eq!(case.places("EXC-008"), [(1, 1), (3, 3)]);
        assert_eq!(findings[0].action, crate::Action::Inform);
        assert!(case.findings("DF-020")[0].is_blocking());
    }

    #[test]
    fn other_comments_pass() {
        check_files(
            "EXC-008",
            Expect::Pass,
            &["# hadolint shell=bash\nFROM a\n# hadolint ignore=\n# hadolint is good\nUSER 1"],
        );
    }
}
