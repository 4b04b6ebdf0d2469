//! EXC-003: exceptions that have expired are removed or renewed.

use super::{About, Raised, Rule, RuleContext};
use crate::decide::Action;
use plimsoll_model::{Severity, finding::Place};

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
    let exceptions = context.policy().exceptions().iter();
    exceptions
        .filter(|exception| exception.is_expired(context.now()))
        .map(|exception| {
            let found = format!("{}, until {}", exception.describe(), exception.expires);
            context
                .fail(Place::Policy, "an exception has expired", found, "a last day to come")
                .by_line(Some(exception.line))
        })
        .collect()
}
