//! EXC-005: an exception that accepts nothing is removed.

use super::{About, Raised, Rule, RuleContext};
use crate::{decide::Action, exceptions::Exception};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "EXC-005",
    name: "exc_005_unused",
    title: "every exception serves",
    severity: Severity::Low,
    action: Action::Warn,
    why: "An exception for something that is mended accepts it again, unseen, on the day it comes back.",
    mend: "remove it, or correct what it names; turn the rule off in a policy that many images share",
    bad: "{rule: IMG-002, …}   # and the image has a health check",
    good: "no such exception",
    equivalents: &[],
    about: &[About::Exceptions],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    // What was not judged may still need it.
    let is_judged = |exception: &Exception| {
        super::find(exception.rule).is_some_and(|rule| {
            let is_about_files =
                exception.path.is_some() && rule.about.contains(&About::Dockerfiles);
            rule.is_judged(context.facts())
                && !(is_about_files && context.facts().dockerfiles.is_empty())
                && context.policy().action(rule).value.is_some()
        })
    };
    let exceptions = context.exceptions().iter().enumerate();
    exceptions
        .filter(|(position, exception)| {
            !context.subject.exceptions_used.served.contains(position)
                && !exception.is_expired(context.now())
                && is_judged(exception)
        })
        .map(|(_, exception)| {
            let (title, found) = ("an exception accepts nothing", exception.describe());
            context.fail_exception(exception, title, found, "a finding that it accepts")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(exceptions: &str) -> Case {
        let image = Case::default().image_with(&["a"], |config| config.user = None);
        image.policy(&format!("exceptions:\n{exceptions}"))
    }

    const SERVING: &str = "  - {rule: IMG-001, reason: r, owner: o, expires: 2026-12-31}\n";
    const UNUSED: &str = "  - {rule: IMG-002, reason: r, owner: o, expires: 2026-12-31}\n";
    const ELSEWHERE: &str = "  - {rule: DF-020, reason: r, owner: o, expires: 2026-12-31}\n";

    #[test]
    fn one_that_accepts_nothing_is_a_finding_at_its_line() {
        case(SERVING).check("EXC-005", Expect::Pass);
        let judged = case(&format!("{SERVING}{UNUSED}")).findings("EXC-005");
        assert_eq!(judged.len(), 1);
        assert_eq!(judged[0].policy_line.as_ref().map(|line| line.line), Some(4));
    }

    #[test]
    fn one_for_what_was_not_judged_may_serve_elsewhere() {
        case(ELSEWHERE).check("EXC-005", Expect::Pass);
        case(ELSEWHERE).dockerfile("FROM a\nUSER 1").check("EXC-005", Expect::Fail);
    }

    #[test]
    fn two_for_the_same_finding_both_serve() {
        case(&format!("{SERVING}{SERVING}")).check("EXC-005", Expect::Pass);
    }
}
