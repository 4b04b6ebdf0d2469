//! ATT-009: the scan that is stated is a recent one, by recent advisories.

use super::{About, Raised, Rule, RuleContext};
use crate::{EvidenceKind, decide::Action, stated::Scanned};
use jiff::{SignedDuration, Timestamp};
use plimsoll_model::{Severity, finding::Place};

/// How far the clock of whoever scanned may be ahead.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

pub(crate) const RULE: Rule = Rule {
    id: "ATT-009",
    name: "att_009_scan_too_old",
    title: "the scan that is stated ended at most `evidence.max-scan-age` ago, by advisories at most `gate.max-advisory-age` older",
    severity: Severity::High,
    action: Action::Deny,
    why: "A signature on last year's scan is still good; what was published since is not in it.",
    mend: "scan the image again and sign that: `plimsoll run`, or `plimsoll attest --type vulnerabilities`",
    bad: "evidence: {max-scan-age: 24h}   # and the only scan ended last week",
    good: "evidence: {max-scan-age: 24h}   # and one ended this morning",
    equivalents: &[],
    about: &[About::Evidence],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let policy = context.policy().evidence();
    let (Some(limit), Some(stated)) = (policy.max_scan_age.value, context.facts().stated) else {
        return Vec::new();
    };
    let expected = format!("a scan that ended at most {limit:#} ago");
    let read: Vec<Scanned> =
        stated.scans.iter().filter_map(|said| said.what.as_ref().ok().copied()).collect();
    // One that is recent is enough: others were made before.
    let mut judged: Vec<_> = read.iter().map(|scan| judge(context, *scan, limit)).collect();
    if judged.contains(&Age::Good) {
        return Vec::new();
    }
    judged.sort();
    let raised = match (judged.into_iter().next(), stated.scans.is_empty()) {
        (Some(Age::TooOld(found)), _) if read.len() == stated.scans.len() => {
            context.fail(Place::Evidence, "the scan that is stated is too old", found, expected)
        }
        // Of evidence that is required and missing, another rule speaks.
        (None, true) if policy.require.contains(&EvidenceKind::Vulnerabilities) => {
            return Vec::new();
        }
        (None, true) => context.fail(
            Place::Evidence,
            "no scan is stated by anybody who is believed",
            "none",
            expected,
        ),
        (Some(Age::Untold(found)), _) => context.unknown(
            Place::Evidence,
            "when the image was scanned can not be told",
            found,
            expected,
        ),
        _ => context.unknown(
            Place::Evidence,
            "when the image was scanned can not be told",
            "a statement that can not be read",
            expected,
        ),
    };
    vec![raised.by_line(policy.max_scan_age.line)]
}

/// Of several that are not good, the first in this order is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    Good,
    /// This is not known, and so it may be good.
    Untold(String),
    TooOld(String),
}

fn judge(context: &RuleContext<'_>, scan: Scanned, limit: SignedDuration) -> Age {
    let now = context.now();
    let scanned = age("the scan ended", scan.finished, (now, Some(limit)));
    if scanned != Age::Good {
        return scanned;
    }
    let limit = context.policy().max_advisory_age();
    match (scan.advisories, limit, scan.finished) {
        (_, None, _) => Age::Good,
        // What counts is what the scan did not know when it was made.
        (advisories, Some(_), finished) => {
            age("its advisories were updated", advisories, (finished.unwrap_or(now), limit))
        }
    }
}

fn age(
    what: &str,
    when: Option<Timestamp>,
    (now, limit): (Timestamp, Option<SignedDuration>),
) -> Age {
    let Some(when) = when else { return Age::Untold(format!("no time at which {what}")) };
    let found = format!("{what} at {when}");
    let passed = now.duration_since(when);
    if passed < -SKEW {
        Age::Untold(format!("{found}, which is later than it can be"))
    } else if limit.is_some_and(|limit| passed > limit) {
        Age::TooOld(found)
    } else {
        Age::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn scanned(finished: Option<&str>, advisories: Option<&str>) -> Scanned {
        let time = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        Scanned { finished: time(finished), advisories: time(advisories) }
    }

    fn case(scans: &[Scanned]) -> Case {
        let policy = "gate: {max-advisory-age: 3d}\nevidence: {require: [], max-scan-age: 24h}";
        Case::default().policy(policy).stated(|stated| {
            stated.scans = scans.iter().map(|scan| said(Ok(*scan))).collect();
        })
    }

    /// Now is 2026-06-15 12:00 UTC.
    const RECENT: Option<&str> = Some("2026-06-14T12:00:00Z");

    #[test]
    fn b9_a_scan_that_is_too_old_fails_to_the_second() {
        let advisories = Some("2026-06-12T00:00:00Z");
        case(&[scanned(RECENT, advisories)]).check("ATT-009", Expect::Pass);
        let late = scanned(Some("2026-06-14T11:59:59Z"), advisories);
        case(&[late]).check("ATT-009", Expect::Fail);
        case(&[late, scanned(RECENT, advisories)]).check("ATT-009", Expect::Pass);
        // A recent scan by old advisories is an old one.
        let stale = scanned(RECENT, Some("2026-06-11T11:59:59Z"));
        case(&[stale]).check("ATT-009", Expect::Fail);
        let off = "gate: {max-advisory-age: off}\nevidence: {require: [], max-scan-age: 24h}";
        case(&[stale]).policy(off).check("ATT-009", Expect::Pass);
    }

    #[test]
    fn b9_what_is_not_said_or_can_not_be_is_not_told() {
        let advisories = Some("2026-06-14T00:00:00Z");
        case(&[scanned(None, advisories)]).check("ATT-009", Expect::Unknown);
        case(&[scanned(RECENT, None)]).check("ATT-009", Expect::Unknown);
        let future = scanned(Some("2026-06-15T12:05:01Z"), advisories);
        case(&[future]).check("ATT-009", Expect::Unknown);
        let ahead = scanned(Some("2026-06-15T12:05:00Z"), advisories);
        case(&[ahead]).check("ATT-009", Expect::Pass);
        case(&[scanned(RECENT, Some("2026-06-14T13:00:00Z"))]).check("ATT-009", Expect::Unknown);
        let unread =
            |stated: &mut crate::stated::Stated| stated.scans.push(said(Err("x".to_owned())));
        case(&[]).stated(unread).check("ATT-009", Expect::Unknown);
        let old = scanned(Some("2026-01-01T00:00:00Z"), advisories);
        case(&[old]).stated(unread).check("ATT-009", Expect::Unknown);
    }

    #[test]
    fn no_scan_fails_once_and_an_age_that_nobody_demands_is_not_judged() {
        case(&[]).check("ATT-009", Expect::Fail);
        let required =
            case(&[]).policy("evidence: {require: [vulnerabilities], max-scan-age: 24h}");
        required.check("ATT-009", Expect::Pass);
        let old = case(&[scanned(None, None)]).policy("evidence: {require: []}");
        old.check("ATT-009", Expect::Pass);
    }
}
