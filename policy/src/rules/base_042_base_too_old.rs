//! BASE-042: a base image was looked at not long ago.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::decide::Action;
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-042",
    name: "base_042_base_too_old",
    title: "a base image was approved within the age that the policy allows",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A base image ages: every week flaws are found in what it holds, and the fixes are in the next build of it.",
    mend: "approve the present image with `plimsoll base approve`, and rebuild",
    bad: "bases: {allow: [{repository: \"docker.io/library/*\", max-age: 60d}]}   # and an approval of last year",
    good: "the same, with an approval of last month",
    equivalents: &["CIS 4.4", "kyverno block-stale-images"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::named(context)
        .filter_map(|(place, input, name)| {
            let mut allowed = context.policy().bases().allow.iter();
            let allowed = allowed
                .find(|allowed| allowed.max_age.is_some() && allowed.admits(&name.repository))?;
            let limit = allowed.max_age?;
            let what = format!("{} `{}`", input.kind.as_str(), input.written);
            let expected = format!("an approval of the last {} days", days(limit));
            let approved = inputs::entries(context, name).iter().map(|entry| entry.approved).max();
            let raised = match approved {
                Some(date) if age(date, context.now()) <= limit => return None,
                Some(date) => {
                    let title = format!("{what} was approved too long ago");
                    context.fail(place, title, format!("approved on {date}"), expected)
                }
                None => {
                    let title = format!("{what}: it can not be told how old that is");
                    context.unknown(place, title, "it is in no lock of bases", expected)
                }
            };
            Some(raised.by_line(allowed.line))
        })
        .collect()
}

fn age(date: civil::Date, now: Timestamp) -> SignedDuration {
    date.to_zoned(TimeZone::UTC)
        .map_or(SignedDuration::MAX, |then| now.duration_since(then.timestamp()))
}

const fn days(duration: SignedDuration) -> i64 {
    duration.as_hours() / 24
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(days: u32) -> Case {
        let policy = format!(
            "bases: {{lock: l, allow: [{{repository: \"docker.io/library/*\", max-age: {days}d}}]}}"
        );
        Case::default().policy(&policy).dockerfile("FROM debian:12")
    }

    #[test]
    fn an_approval_counts_for_as_long_as_the_policy_says() {
        // Approved on 2026-01-01; it is noon of the 165th day after.
        case(166).approved("debian:12", &["a"], "2026-12-31").check("BASE-042", Expect::Pass);
        case(165).approved("debian:12", &["a"], "2026-12-31").check("BASE-042", Expect::Fail);
        case(30).check("BASE-042", Expect::Unknown);
        assert_eq!(case(30).places("BASE-042"), [(1, 6)]);
        let old = case(165).approved("debian:12", &["a"], "2026-12-31");
        assert_eq!(old.places("BASE-042"), [(1, 6)]);
    }

    #[test]
    fn without_a_limit_nothing_is_judged() {
        Case::default().dockerfile("FROM debian:12").check("BASE-042", Expect::Pass);
        case(1).dockerfile("FROM acme/x").findings("BASE-042").iter().for_each(|judged| {
            assert!(!judged.finding.title.contains("acme"));
        });
    }
}
