//! EXC-003: exceptions that have expired are removed or renewed.

use super::{About, Raised, Rule, RuleContext};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "EXC-003",
    name: "exc_003_expired",
    title: "no exception has expired",
    severity: Severity::Low,
    action: Action::Warn,
    why: "An expired exception accepts nothing any more: what it accepted blocks again. It is shown so that nobody has to wonder why.",
    mend: "mend what it accepted and remove it, or decide again and set a new last day",
    bad: "expires: 2020-01-01",
    good: "expires: 2027-03-31",
    equivalents: &[],
    about: &[About::Exceptions],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let exceptions = context.exceptions().iter();
    exceptions
        .filter(|exception| exception.is_expired(context.now()))
        .map(|exception| {
            let (title, found) = ("an exception has expired", exception.describe_until());
            context.fail_exception(exception, title, found, "a last day to come")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(expires: &str) -> Case {
        let case = Case::default().image_with(&["a"], |config| config.user = None);
        case.policy(&format!(
            "exceptions: [{{rule: IMG-001, reason: r, owner: o, expires: {expires}}}]"
        ))
    }

    #[test]
    fn the_last_day_belongs_to_it() {
        case("2026-06-15").check("EXC-003", Expect::Pass);
        case("2026-06-14").check("EXC-003", Expect::Fail);
        assert_eq!(case("2026-06-14").places("EXC-003"), [(2, 14)]);
    }

    #[test]
    fn what_an_expired_one_accepted_blocks_again() {
        assert!(case("2026-06-15").findings("IMG-001")[0].exception.is_some());
        let judged = case("2026-06-14").findings("IMG-001");
        assert!(judged[0].exception.is_none() && judged[0].is_blocking());
    }
}
