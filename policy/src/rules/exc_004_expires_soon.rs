//! EXC-004: exceptions that are about to expire are seen before they do.

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext};
use crate::{decide::Action, exceptions::today};
use jiff::ToSpan as _;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "EXC-004",
    name: "exc_004_expires_soon",
    title: "no exception expires within the next days",
    severity: Severity::Info,
    action: Action::Warn,
    why: "When it expires, what it accepts blocks: better to learn that two weeks before than from a build that fails.",
    mend: "mend what it accepts, or decide again and set a new last day",
    bad: "expires: 2026-11-23   # tomorrow",
    good: "expires: 2027-03-31",
    equivalents: &[],
    about: &[About::Exceptions],
    parameters: &[Parameter {
        name: "days",
        kind: ParameterKind::Number { low: 1, high: 365 },
        help: "how many days before its last day an exception is shown; 14 unless set",
    }],
    check,
};

const DAYS: i64 = 14;

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let days = context.number("days", DAYS);
    let Ok(soon) = today(context.now()).checked_add(days.days()) else { return Vec::new() };
    let exceptions = context.exceptions().iter();
    exceptions
        .filter(|exception| !exception.is_expired(context.now()) && exception.expires <= soon)
        .map(|exception| {
            let title = format!("an exception expires within {days} days");
            let found = exception.describe_until();
            context.fail_exception(exception, title, found, format!("a last day after {soon}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn two_weeks_before_its_last_day_it_is_shown() {
        excepting_until("2026-06-30", "{}").check("EXC-004", Expect::Pass);
        excepting_until("2026-06-29", "{}").check("EXC-004", Expect::Fail);
        assert_eq!(excepting_until("2026-06-29", "{}").places("EXC-004"), [(3, 14)]);
        excepting_until("2026-06-15", "{}").check("EXC-004", Expect::Fail);
        excepting_until("2026-06-14", "{}").check("EXC-004", Expect::Pass);
        excepting_until("2026-06-30", "{EXC-004: {days: 15}}").check("EXC-004", Expect::Fail);
    }
}
