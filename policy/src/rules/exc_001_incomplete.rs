//! EXC-001: every exception in a Dockerfile is complete.

use super::{About, Raised, Rule, RuleContext};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "EXC-001",
    name: "exc_001_incomplete",
    title: "every exception in a Dockerfile is complete",
    severity: Severity::Low,
    action: Action::Warn,
    why: "What is not complete accepts nothing, and is shown so that nobody believes it does. (A policy file with such an exception is refused.)",
    mend: "write one rule, a last day and a reason, above the instruction, or the whole file above the first one with `except-file`",
    bad: "# plimsoll: except DF-030",
    good: "# plimsoll: except DF-030 until 2026-12-31 the orchestrator asks",
    equivalents: &[],
    about: &[About::Exceptions],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let refused = context.subject.inlines.refused.iter();
    refused
        .map(|refused| {
            let title = "a comment is meant as an exception and is none";
            let found = format!("`{}`", refused.written);
            context.fail(refused.place.clone(), title, found, refused.expected)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(comment: &str) -> Case {
        Case::default().dockerfile(&format!("FROM a\nUSER 1\n{comment}\nRUN x"))
    }

    #[test]
    fn what_is_not_complete_is_shown_with_what_is_missing() {
        for (comment, expected) in [
            ("# plimsoll: ignore DF-030", "`# plimsoll: except RULE until YYYY-MM-DD reason`"),
            ("# plimsoll:", "`# plimsoll: except RULE until YYYY-MM-DD reason`"),
            ("# plimsoll: except", "a rule about Dockerfiles"),
            ("# plimsoll: except DF-999 until 2026-12-31 r", "a rule about Dockerfiles"),
            ("# plimsoll: except * until 2026-12-31 r", "a rule about Dockerfiles"),
            ("# plimsoll: except VUL-002 until 2026-12-31 r", "a rule about Dockerfiles"),
            ("# plimsoll: except EXC-007 until 2026-12-31 r", "a rule about Dockerfiles"),
            ("# plimsoll: except DF-030 r", "`until` and a last day such as `2026-12-31`"),
            (
                "# plimsoll: except DF-030 until 2026-02-30 r",
                "`until` and a last day such as `2026-12-31`",
            ),
            (
                "# plimsoll: except DF-030 until 20261231 r",
                "`until` and a last day such as `2026-12-31`",
            ),
            ("# plimsoll: except DF-030 until 2026-12-31", "a reason behind the last day"),
            (
                "# plimsoll: except-file DF-030 until 2026-12-31 r",
                "`except-file` above the first instruction",
            ),
        ] {
            let findings = case(comment).findings("EXC-001");
            let expecteds: Vec<_> =
                findings.iter().map(|judged| judged.finding.expected.as_str()).collect();
            assert_eq!(expecteds, [expected], "{comment}");
            assert_eq!(case(comment).places("EXC-001"), [(3, 1)]);
        }
        let nothing = [
            "FROM a\n# plimsoll: except DF-030 until 2026-12-31 r",
            "FROM a\nRUN x \\\n  # plimsoll: except DF-030 until 2026-12-31 r\n  y",
        ];
        check_files("EXC-001", Expect::Fail, &nothing);
        assert_eq!(Case::default().dockerfile(nothing[1]).places("EXC-001"), [(3, 3)]);
    }

    #[test]
    fn complete_ones_and_other_comments_pass() {
        for comment in [
            "# plimsoll: except DF-030 until 2026-12-31 r",
            "  #plimsoll:except df-030 until 2026-12-31 r",
            "# plimsoll is good",
            "# x",
        ] {
            case(comment).check("EXC-001", Expect::Pass);
        }
        check_files(
            "EXC-001",
            Expect::Pass,
            &["FROM a\nRUN <<EOF\n# plimsoll: except\nEOF\n", "RUN x # plimsoll: except"],
        );
    }
}
