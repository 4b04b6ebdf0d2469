//! VUL-001: every image is judged by advisories that are there and fresh, and others can see that it was.

use super::{About, Raised, Rule, RuleContext, att_001_sbom_missing::missing};
use crate::{EvidenceKind, decide::Action};
use jiff::{SignedDuration, Timestamp};
use plimsoll_model::{
    Severity,
    finding::Place,
    scan::{IndexStamp, Scan, SourceKind},
};

pub(crate) const RULE: Rule = Rule {
    id: "VUL-001",
    name: "vul_001_advisories_unusable",
    title: "the advisories are there and fresh, and the scan is attested",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "A scan against no advisories, or against last year's, finds nothing, and that looks exactly like an image without flaws.",
    mend: "run `plimsoll db update` or `plimsoll db import`, then scan again",
    bad: "an index of advisories that was built 30 days ago",
    good: "gate: {max-advisory-age: 3d}   # and an index of today",
    equivalents: &[],
    about: &[About::Scan, About::Evidence],
    parameters: &[],
    check,
};

/// Clocks of two machines may differ by this much.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = match (context.facts().scan, context.facts().inventory) {
        (Some(scan), _) => check_scan(context, scan),
        (None, Some(_)) => {
            let title = "the components were not judged by any advisories";
            vec![context.unknown(Place::Image, title, "no advisories", "an advisory index")]
        }
        (None, None) => Vec::new(),
    };
    raised.extend(missing(context, EvidenceKind::Vulnerabilities));
    raised
}

fn check_scan(context: &RuleContext<'_>, scan: &Scan) -> Vec<Raised> {
    let limit = context.policy().gate().max_advisory_age;
    let unknown = |title: &str, found: String, expected: String| {
        context.unknown(Place::Image, title, found, expected).by_line(limit.line)
    };
    let has_advisories =
        scan.index.sources.iter().any(|source| source.kind == SourceKind::Advisories);
    let Some(oldest) = oldest(&scan.index).filter(|_| has_advisories) else {
        let found = "an index without any source".to_owned();
        return vec![unknown("the advisory index is empty", found, "advisories".to_owned())];
    };
    let mut raised = Vec::new();
    let age = context.now().duration_since(oldest);
    let expected = |limit: SignedDuration| format!("advisories of the last {}", days(limit));
    match limit.value {
        _ if age < SignedDuration::ZERO.saturating_sub(SKEW) => {
            let found = format!("advisories fetched at {oldest}, which is yet to come");
            let expected = limit.value.map_or_else(|| "a time in the past".to_owned(), expected);
            raised.push(unknown("the age of the advisories can not be told", found, expected));
        }
        Some(limit) if age > limit => {
            let found = format!("advisories fetched at {oldest}, {} ago", days(age));
            raised.push(unknown("the advisories are too old", found, expected(limit)));
        }
        Some(_) | None => {}
    }
    raised.extend(unreadable(context, &scan.index));
    raised.extend(yet_to_come(context, &scan.index));
    raised
}

/// Where a record was changed at a time that is yet to come, the clock that ages are told by may be behind; or the record is
/// wrong, which is why it is said, and no more.
fn yet_to_come(context: &RuleContext<'_>, index: &IndexStamp) -> Option<Raised> {
    let limit = context.now().checked_add(SKEW).ok()?;
    let (source, newest) = index
        .sources
        .iter()
        .filter_map(|source| Some((source, source.newest?)))
        .find(|(_, newest)| *newest > limit)?;
    let title = "an advisory is of a time that is yet to come";
    let found = format!("{} has a record of {newest}", source.ecosystem);
    let raised = context.unknown(Place::Image, title, found, "records of the past");
    Some(raised.at_most(Action::Warn))
}

/// When the source that was fetched longest ago was fetched: an index is as old as its oldest part.
fn oldest(index: &IndexStamp) -> Option<Timestamp> {
    index.sources.iter().map(|source| source.fetched).min()
}

/// Records that could not be read may be about anything: said, and no more, since no component is known to be concerned.
fn unreadable(context: &RuleContext<'_>, index: &IndexStamp) -> Option<Raised> {
    let broken: Vec<_> = index
        .sources
        .iter()
        .filter(|source| source.unreadable > 0)
        .map(|source| format!("{} ({} records)", source.ecosystem, source.unreadable))
        .collect();
    let title = "some advisories could not be read";
    let raised = context.unknown(Place::Image, title, broken.join(", "), "every record readable");
    (!broken.is_empty()).then(|| raised.at_most(Action::Warn))
}

fn days(duration: SignedDuration) -> String {
    match duration.as_hours() {
        0 => format!("{} minutes", duration.as_mins()),
        1 => "1 hour".to_owned(),
        hours @ ..48 => format!("{hours} hours"),
        hours => format!("{} days", hours.div_euclid(24)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::evidence::Presence;

    fn case(age: SignedDuration) -> Case {
        Case::default().index(index(age))
    }

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    #[test]
    fn advisories_as_old_as_the_limit_pass_and_older_ones_leave_it_undecided() {
        case(HOUR * 24 * 7).check("VUL-001", Expect::Pass);
        case(HOUR * (24 * 7 + 1)).check("VUL-001", Expect::Unknown);
        let policy = "gate:\n  max-advisory-age: 2h";
        case(HOUR * 2).policy(policy).check("VUL-001", Expect::Pass);
        let judged = case(HOUR * 3).policy(policy).findings("VUL-001");
        assert_eq!(judged[0].policy_line.as_ref().map(|line| line.line), Some(3));
        case(HOUR * 9_999).policy("gate: {max-advisory-age: off}").check("VUL-001", Expect::Pass);
    }

    #[test]
    fn ages_are_told_in_a_unit_that_tells_them_apart() {
        for (minutes, expect) in [
            (0, "0 minutes"),
            (59, "59 minutes"),
            (60, "1 hour"),
            (47 * 60, "47 hours"),
            (48 * 60, "2 days"),
        ] {
            assert_eq!(days(SignedDuration::from_mins(minutes)), expect);
        }
    }

    #[test]
    fn the_oldest_source_counts() {
        let mut stamp = index(HOUR);
        stamp.sources.extend(index(HOUR * 24 * 30).sources);
        Case::default().index(stamp).check("VUL-001", Expect::Unknown);
    }

    #[test]
    fn no_advisories_no_sources_and_a_time_to_come_can_not_be_told() {
        Case::default().unscanned().check("VUL-001", Expect::Unknown);
        let mut stamp = index(HOUR);
        stamp.sources[0].kind = SourceKind::Exploited;
        Case::default().index(stamp).check("VUL-001", Expect::Unknown);
        let mut stamp = index(HOUR);
        stamp.sources[0].newest = Some(stamp.built + HOUR * 2);
        let judged = Case::default().index(stamp).findings("VUL-001");
        assert_eq!(judged.len(), 1);
        let mut stamp = index(HOUR);
        stamp.sources.clear();
        Case::default().index(stamp).check("VUL-001", Expect::Unknown);
        case(HOUR * -1).check("VUL-001", Expect::Unknown);
        case(SignedDuration::from_mins(-5)).check("VUL-001", Expect::Pass);
        Case::default().image(&["a"]).check("VUL-001", Expect::Pass);
    }

    #[test]
    fn unreadable_records_are_said() {
        let mut stamp = index(HOUR);
        stamp.sources[0].unreadable = 3;
        let judged = Case::default().index(stamp).findings("VUL-001");
        assert_eq!(judged[0].finding.found, "Debian (3 records)");
        assert_eq!(judged[0].action, Action::Warn);
    }

    #[test]
    fn an_attested_scan_is_demanded_where_evidence_is_judged() {
        let absent = |kind| Case::default().evidence(kind, Presence::Absent { refused: 0 });
        absent(EvidenceKind::Vulnerabilities).check("VUL-001", Expect::Fail);
        absent(EvidenceKind::Sbom).check("VUL-001", Expect::Unknown);
    }
}
