//! BASE-054: the base itself passed the gate when it was approved.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{Verdict, bases::Entry, decide::Action};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "BASE-054",
    name: "base_054_base_gate",
    title: "the base was scanned when it was approved, and passed",
    severity: Severity::High,
    action: Action::Warn,
    why: "Every image inherits the flaws of its base. Who approves one without a look at them approves them in all that is built on it.",
    mend: "approve it again with advisories at hand (`plimsoll base approve`), or a newer one where it has flaws",
    bad: "plimsoll base approve debian:12   # without advisories",
    good: "plimsoll db update && plimsoll base approve debian:12",
    equivalents: &["CIS 4.4"],
    about: &[About::Dockerfiles, About::Image],
    parameters: &[],
    check,
};

const EXPECTED: &str = "an approval after a scan that passed";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised: Vec<Raised> = inputs::named(context)
        .filter_map(|(place, input, name)| {
            let what = format!("{} `{}`", input.kind.as_str(), input.written);
            let entries = inputs::entries(context, name);
            entries.into_iter().find_map(|entry| judge(context, place.clone(), &what, entry))
        })
        .collect();
    let bases = inputs::bases(context).into_iter();
    raised.extend(
        bases.filter_map(|entry| judge(context, Place::Image, "the base of the image", entry)),
    );
    raised
}

fn judge(context: &RuleContext<'_>, place: Place, what: &str, entry: &Entry) -> Option<Raised> {
    let name = entry.name();
    let untold = |found: String| {
        let title = format!("what the flaws of {what} come to can not be told");
        Some(context.unknown(place.clone(), title, found, EXPECTED))
    };
    match &entry.scan {
        None => untold(format!("`{name}`, approved without a scan")),
        Some(scan) => match scan.verdict {
            Verdict::Pass => None,
            Verdict::Undecided => {
                untold(format!("`{name}`, whose scan on {} could not tell", scan.on))
            }
            Verdict::Blocked => {
                let title = format!("{what} has flaws that the gate blocked when it was approved");
                let found = format!("`{name}`, blocked on {}", scan.on);
                Some(context.fail(place, title, found, EXPECTED))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bases::BaseScan, rules::testing::*};

    fn case(verdict: Option<Verdict>) -> Case {
        let on = "2026-01-01".parse().unwrap();
        let scan = verdict.map(|verdict| BaseScan { verdict, on, advisories: digest("index") });
        let entry = Entry { scan, ..entry("debian:12", &["a"], "2026-12-31") };
        Case::default().policy("bases: {lock: l}").approved_entry(entry)
    }

    #[test]
    fn a_base_with_flaws_fails_in_dockerfile_and_image() {
        let bad = case(Some(Verdict::Blocked));
        bad.clone().dockerfile("FROM debian:12").check("BASE-054", Expect::Fail);
        bad.clone().image(&["a", "b"]).check("BASE-054", Expect::Fail);
        assert_eq!(bad.clone().dockerfile("FROM debian:12").places("BASE-054"), [(1, 6)]);
        let found = &bad.dockerfile("FROM debian:12").findings("BASE-054")[0];
        let expect = "`docker.io/library/debian:12`, blocked on 2026-01-01";
        assert_eq!((&*found.finding.found, found.action), (expect, Action::Warn));
    }

    #[test]
    fn a_base_that_passed_and_one_that_nobody_approved_pass() {
        let good = case(Some(Verdict::Pass));
        good.clone().dockerfile("FROM debian:12").check("BASE-054", Expect::Pass);
        good.clone().image(&["a", "b"]).check("BASE-054", Expect::Pass);
        good.dockerfile("FROM debian:13").check("BASE-054", Expect::Pass);
    }

    #[test]
    fn a_base_that_nobody_scanned_can_not_be_told() {
        for verdict in [None, Some(Verdict::Undecided)] {
            case(verdict).dockerfile("FROM debian:12").check("BASE-054", Expect::Unknown);
            case(verdict).image(&["a", "b"]).check("BASE-054", Expect::Unknown);
        }
    }
}
