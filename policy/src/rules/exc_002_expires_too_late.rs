//! EXC-002: an exception is for a time, not for ever.

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext};
use crate::{decide::Action, exceptions::today};
use jiff::ToSpan as _;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "EXC-002",
    name: "exc_002_expires_too_late",
    title: "no exception lasts longer than the policy admits",
    severity: Severity::Medium,
    action: Action::Deny,
    why: "An exception for ten years is a decision that nobody will ever look at again.",
    mend: "choose an earlier day, and decide again then",
    bad: "expires: 2099-12-31",
    good: "expires: 2027-03-31   # at most `max-days` away",
    equivalents: &[],
    about: &[About::Exceptions],
    parameters: &[Parameter {
        name: "max-days",
        kind: ParameterKind::Number { low: 1, high: 3_650 },
        help: "how many days away the last day may be; 365 unless set",
    }],
    check,
};

const MAX_DAYS: i64 = 365;

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let days = context.number("max-days", MAX_DAYS);
    let Ok(latest) = today(context.now()).checked_add(days.days()) else { return Vec::new() };
    let late = context.exceptions().iter().filter(|exception| exception.expires > latest);
    late.map(|exception| {
        let title = format!("an exception lasts longer than {days} days");
        let found = exception.describe_until();
        context.fail_exception(exception, title, found, format!("{latest} or earlier"))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn the_last_day_is_at_most_a_year_away() {
        excepting_until("2027-06-15", "{}").check("EXC-002", Expect::Pass);
        excepting_until("2027-06-16", "{}").check("EXC-002", Expect::Fail);
        assert_eq!(excepting_until("2027-06-16", "{}").places("EXC-002"), [(3, 14)]);
    }

    #[test]
    fn the_policy_may_say_how_far() {
        let rules = "{EXC-002: {max-days: 30}}";
        excepting_until("2026-07-15", rules).check("EXC-002", Expect::Pass);
        excepting_until("2026-07-16", rules).check("EXC-002", Expect::Fail);
    }
}
