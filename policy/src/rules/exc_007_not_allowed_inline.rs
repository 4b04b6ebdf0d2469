//! EXC-007: a Dockerfile excepts itself only from what the policy allows.

use super::{About, Raised, Rule, RuleContext};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "EXC-007",
    name: "exc_007_not_allowed_inline",
    title: "a Dockerfile excepts itself only from what the policy allows",
    severity: Severity::Low,
    action: Action::Warn,
    why: "A Dockerfile comes from the change that is judged: whoever brings a defect could bring its exception along.",
    mend: "write the exception into the policy file, or name the rule under `inline-exceptions` there",
    bad: "# plimsoll: except DF-020 until 2026-12-31 legacy",
    good: "exceptions: [{rule: DF-020, path: Dockerfile, reason: legacy, owner: a@example.com, expires: 2026-12-31}]",
    equivalents: &[],
    about: &[About::Exceptions],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let exceptions = context.exceptions().iter().enumerate();
    let not_allowed = &context.subject.exceptions_used.not_allowed;
    exceptions
        .filter(|(position, _)| not_allowed.contains(position))
        .map(|(_, exception)| {
            let title = "a Dockerfile asks for an exception that the policy does not allow";
            let found = exception.describe_until();
            context.fail_exception(
                exception,
                title,
                found,
                "an exception of the policy, or a rule that `inline-exceptions` allows",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    const ROOT: &str =
        "FROM scratch\n# plimsoll: except DF-020 until 2026-12-31 legacy\nUSER root\n";
    const ALLOWED: &str = "inline-exceptions: {allow: [DF-020]}";

    fn case(dockerfile: &str) -> Case {
        Case::default().dockerfile(dockerfile)
    }

    #[test]
    fn b14_a_dockerfile_does_not_accept_its_own_blocking_findings() {
        let judged = case(ROOT).findings("DF-020");
        assert!(judged[0].is_blocking() && judged[0].exception.is_none());
        case(ROOT).check("EXC-007", Expect::Fail);
        assert_eq!(case(ROOT).places("EXC-007"), [(2, 1)]);
        // Nor does the policy let it by allowing another rule.
        case(ROOT).policy("inline-exceptions: {allow: [DF-030]}").check("EXC-007", Expect::Fail);
    }

    #[test]
    fn what_the_policy_allows_is_accepted_with_its_line() {
        let case = case(ROOT).policy(ALLOWED);
        case.check("EXC-007", Expect::Pass);
        let exception = case.findings("DF-020")[0].exception.clone().unwrap();
        let parts = (
            exception.reason.as_str(),
            exception.owner.as_str(),
            exception.expires.to_string(),
            exception.line,
        );
        assert_eq!(parts, ("legacy", "Dockerfile:2", "2026-12-31".to_owned(), 2));
    }

    #[test]
    fn what_does_not_block_is_accepted_without_being_allowed_and_stays_visible() {
        let warned =
            "# plimsoll: except-file DF-030 until 2026-12-31 asked from outside\nFROM a\nUSER 1\n";
        let judged = case(warned).findings("DF-030");
        assert_eq!(judged[0].exception.as_ref().map(|e| e.owner.as_str()), Some("Dockerfile:1"));
        case(warned).check("EXC-007", Expect::Pass);
        // Where the policy denies it, no more.
        let denied = case(warned).policy("rules: {DF-030: deny}");
        assert!(denied.findings("DF-030")[0].is_blocking());
        denied.check("EXC-007", Expect::Fail);
    }

    #[test]
    fn one_is_about_the_instruction_below_it_alone() {
        let two = "FROM a\n# plimsoll: except DF-083 until 2026-12-31 r\n\n# another\nEXPOSE 80 \\\n 81\nEXPOSE 82\n";
        let accepted: Vec<_> =
            case(two).findings("DF-083").iter().map(|judged| judged.exception.is_some()).collect();
        assert_eq!(accepted.iter().filter(|accepted| **accepted).count(), 2);
        assert_eq!(accepted.len(), 3);
        let broken = "FROM a\n# plimsoll: except DF-083 until 2026-12-31 r\nNOTHING\nEXPOSE 82\n";
        assert_eq!(case(broken).findings("DF-083")[0].exception, None);
        let heredoc = "FROM a\n# plimsoll: except DF-100 until 2026-12-31 r\nRUN <<EOF\nchmod u+s /x\nEOF\nRUN chmod u+s /y\n";
        let accepted: Vec<_> = case(heredoc)
            .findings("DF-100")
            .iter()
            .map(|judged| judged.exception.is_some())
            .collect();
        assert_eq!(accepted, [true, false]);
    }

    #[test]
    fn one_file_excepts_nothing_of_another() {
        let one = "# plimsoll: except-file DF-083 until 2026-12-31 r\nFROM a\n";
        let (first, second) = (one.to_owned(), "FROM a\nEXPOSE 80\n");
        let mut both = case(&first);
        both = both.dockerfile_at("other/Dockerfile", second);
        assert_eq!(both.findings("DF-083")[0].exception, None);
    }

    #[test]
    fn they_expire_and_are_judged_as_those_of_the_policy_are() {
        let with = |date: &str| case(&ROOT.replace("2026-12-31", date)).policy(ALLOWED);
        assert!(with("2026-06-15").findings("DF-020")[0].exception.is_some());
        let expired = with("2026-06-14");
        assert!(expired.findings("DF-020")[0].is_blocking());
        expired.check("EXC-003", Expect::Fail);
        assert_eq!(expired.places("EXC-003"), [(2, 1)]);
        with("2026-06-20").check("EXC-004", Expect::Fail);
        with("2036-06-20").check("EXC-002", Expect::Fail);
        let unused = case("FROM a\n# plimsoll: except DF-083 until 2026-12-31 r\nEXPOSE 8080\n");
        unused.check("EXC-005", Expect::Fail);
        assert_eq!(unused.places("EXC-005"), [(2, 1)]);
    }

    #[test]
    fn the_policy_may_except_as_well() {
        let policy =
            "exceptions: [{rule: DF-020, reason: of the policy, owner: o, expires: 2026-12-31}]";
        let case = case(ROOT).policy(policy);
        assert_eq!(
            case.findings("DF-020")[0].exception.as_ref().map(|e| e.reason.as_str()),
            Some("of the policy")
        );
    }
}
