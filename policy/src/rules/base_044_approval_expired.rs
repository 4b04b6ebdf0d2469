//! BASE-044: an approval of a base image has not expired.
//!
//! Where a lock is configured and was not read, BASE-001 and BASE-050 speak.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{bases::Entry, decide::Action, dockerfile::Source};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "BASE-044",
    name: "base_044_approval_expired",
    title: "the approval of every base image holds today",
    severity: Severity::High,
    action: Action::Deny,
    why: "An approval ends so that somebody looks again. What nobody has looked at since is not approved.",
    mend: "look at the image as it is now, and approve it again with `plimsoll base approve`",
    bad: "expires: 2026-01-31   # in bases.lock, in February",
    good: "expires: 2026-12-31",
    equivalents: &[],
    about: &[About::Dockerfiles, About::Image],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let named = inputs::of(context).filter_map(|(place, input)| {
        let Source::Image(name) = &input.source else { return None };
        let entries = inputs::entries(context, name);
        let is_expired = entries.iter().all(|entry| entry.is_expired(context.now()));
        let last = entries.into_iter().max_by_key(|entry| entry.expires).filter(|_| is_expired)?;
        Some(raise(context, place, last))
    });
    let base = inputs::base(context).filter(|entry| entry.is_expired(context.now()));
    named.chain(base.map(|entry| raise(context, Place::Image, entry))).collect()
}

fn raise(context: &RuleContext<'_>, place: Place, entry: &Entry) -> Raised {
    let title = format!("the approval of the base image `{}` has expired", entry.name());
    let found = format!("approved by {} until {}", entry.approver, entry.expires);
    let raised = context.fail(place, title, found, "an approval that holds today");
    raised.by_line(context.policy().bases().line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(expires: &str) -> Case {
        Case::default().policy("bases: {lock: l}").approved("debian:12", &["a", "b"], expires)
    }

    #[test]
    fn an_approval_ends_with_its_last_day() {
        let named = |expires| case(expires).dockerfile("FROM debian:12");
        named("2026-06-15").check("BASE-044", Expect::Pass);
        named("2026-06-14").check("BASE-044", Expect::Fail);
        assert_eq!(named("2026-06-14").places("BASE-044"), [(1, 6)]);
        assert!(
            named("2026-06-14").findings("BASE-044")[0].finding.found.ends_with("until 2026-06-14")
        );
        named("2026-06-14").check("BASE-001", Expect::Pass);
        // One that holds is enough.
        let two = named("2026-06-14").approved_entry(Entry {
            index: Some(digest("newer")),
            ..entry("debian:12", &["n"], "2026-12-31")
        });
        two.check("BASE-044", Expect::Pass);
    }

    #[test]
    fn the_base_that_the_layers_tell_counts_the_longest_first() {
        case("2026-06-15").image(&["a", "b", "c"]).check("BASE-044", Expect::Pass);
        case("2026-06-14").image(&["a", "b", "c"]).check("BASE-044", Expect::Fail);
        let python = case("2026-06-15").approved("python:3", &["a", "b", "c"], "2026-06-01");
        python.image(&["a", "b", "c", "d"]).check("BASE-044", Expect::Fail);
    }

    #[test]
    fn what_was_never_approved_is_another_rules_affair() {
        case("2026-06-14").dockerfile("FROM debian:13").check("BASE-044", Expect::Pass);
        case("2026-06-14").image(&["z"]).check("BASE-044", Expect::Pass);
    }
}
