//! IMG-009: the image was made before now, and not too long ago.

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext};
use crate::decide::Action;
use jiff::{SignedDuration, Timestamp};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "IMG-009",
    name: "img_009_created",
    title: "the image was made before now, and not longer ago than the policy allows",
    severity: Severity::Low,
    action: Action::Warn,
    why: "What an image says of its age is a claim; one that lies ahead is wrong, and an old one has not been built since flaws in its parts were mended.",
    mend: "build the image again, on a machine whose clock is right",
    bad: "\"created\": \"2020-01-01T00:00:00Z\"   # and rules: {IMG-009: {max-age-days: 90}}",
    good: "\"created\": \"2026-06-01T00:00:00Z\"",
    equivalents: &[],
    about: &[About::Image],
    parameters: &[Parameter {
        name: "max-age-days",
        kind: ParameterKind::Number { low: 0, high: 36_500 },
        help: "how old an image may be (0: as old as it is)",
    }],
    check,
};

/// What clocks may differ by.
const SKEW: SignedDuration = SignedDuration::from_mins(10);
/// Builds that are to come out the same say that they were made at the beginning of time: in 1970, or in 1980 where ZIP's is.
const DATELESS: &str = "1980-01-02T00:00:00Z";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(image) = context.facts().image else { return Vec::new() };
    let days = context.number("max-age-days", 0);
    let place = Place::Config { field: "created".to_owned() };
    let created = image.config.created.filter(|created| !is_dateless(*created));
    let Some(created) = created else {
        if days == 0 {
            return Vec::new();
        }
        let title = "it can not be told how old the image is";
        let found =
            image.config.created.map_or_else(|| "no time".to_owned(), |time| time.to_string());
        return vec![context.unknown(place, title, found, "the time at which it was made")];
    };
    let age = context.now().duration_since(created);
    let (title, expected) = if age < -SKEW {
        ("the image says that it was made in the future", "a time before now".to_owned())
    } else if days > 0 && age > SignedDuration::from_hours(days.saturating_mul(24)) {
        ("the image is too old", format!("at most {days} days"))
    } else {
        return Vec::new();
    };
    vec![context.fail(place, title, created.to_string(), expected)]
}

fn is_dateless(created: Timestamp) -> bool {
    DATELESS.parse().is_ok_and(|end: Timestamp| created < end)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(created: &str, days: u32) -> Case {
        let created = created.parse().ok();
        let case = Case::default().image_with(&["a"], |config| config.created = created);
        case.policy(&format!("rules: {{IMG-009: {{max-age-days: {days}}}}}"))
    }

    #[test]
    fn what_lies_ahead_or_too_far_behind_fails() {
        for (created, days, title) in [
            ("2026-06-15T12:10:01Z", 0, "the image says that it was made in the future"),
            ("2999-01-01T00:00:00Z", 30, "the image says that it was made in the future"),
            ("2026-05-16T11:59:59Z", 30, "the image is too old"),
        ] {
            let found = case(created, days).findings("IMG-009");
            assert_eq!((found.len(), &*found[0].finding.title), (1, title), "{created}");
            assert_eq!(found[0].finding.outcome, plimsoll_model::finding::Outcome::Fail);
            let field = "created".to_owned();
            let place = plimsoll_model::finding::Place::Config { field };
            assert_eq!(found[0].finding.place, place);
        }
    }

    #[test]
    fn what_is_as_old_as_it_may_be_passes() {
        case("2026-06-15T12:10:00Z", 30).check("IMG-009", Expect::Pass);
        case("2026-05-16T12:00:00Z", 30).check("IMG-009", Expect::Pass);
        for created in ["2010-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "none"] {
            case(created, 0).check("IMG-009", Expect::Pass);
        }
    }

    #[test]
    fn an_age_that_is_asked_for_and_not_told_is_unknown() {
        for created in ["none", "1970-01-01T00:00:00Z", "1980-01-01T00:00:00Z"] {
            case(created, 30).check("IMG-009", Expect::Unknown);
        }
    }
}
