//! Whether a version is affected, as the OSV schema evaluates it.
//!
//! <https://ossf.github.io/osv-schema/#evaluation>.

use crate::versions::{Scheme, Unorderable};
use std::cmp::Ordering;

/// One event of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    Introduced(&'a str),
    Fixed(&'a str),
    LastAffected(&'a str),
    Limit(&'a str),
    Unreadable(&'a str),
}

/// That a version is affected, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) because: String,
    pub(crate) fixed: Vec<String>,
    pub(crate) end: End,
}

/// Whether a record says that the versions it is about come to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// They do, with a fix or with the last that has the flaw.
    Known,
    /// It has a range, and that has no end.
    Open,
    /// It has a list of versions, which says nothing of the others; or it can not be told.
    Untold,
}

/// Why a range can not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("its range has no `introduced` event")]
    NoIntroduced,
    #[error("its range has both `fixed` and `last_affected` events")]
    FixedAndLastAffected,
    #[error("its range is of the unknown type `{0}`")]
    UnknownType(String),
    #[error("{0}, as {1}")]
    Version(Unorderable, &'static str),
}

/// Whether `version` lies in the range; it must be one that `scheme` can read.
pub(crate) fn evaluate(
    scheme: &Scheme,
    version: &str,
    events: &[Event<'_>],
) -> Result<Option<Hit>, Unusable> {
    refuse_contradictions(events)?;
    let bad = |error| Unusable::Version(error, scheme.name);
    let compare = |left, right| (scheme.compare)(left, right).map_err(bad);
    if !is_before_limits(version, events, &compare)? {
        return Ok(None);
    }
    let mut steps = Vec::with_capacity(events.len());
    for event in events {
        if let Some((at, change)) = step(*event) {
            let order = if change == Change::Introduced && at == "0" {
                // `0` comes before every version, also before 0.0.0-alpha.
                Ordering::Less
            } else {
                compare(at, version)?
            };
            steps.push(Step { at, change, order, rank: 0 });
        }
    }
    sort(&mut steps, scheme);
    Ok(affected_from(&steps).map(|introduced| explain(version, introduced, &steps)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Introduced,
    Fixed,
    LastAffected,
}

/// An event that switches between affected and not, and how its version stands to the one that is judged.
struct Step<'a> {
    at: &'a str,
    change: Change,
    order: Ordering,
    /// The same for equal versions, however they are spelled.
    rank: u32,
}

fn step(event: Event<'_>) -> Option<(&str, Change)> {
    match event {
        Event::Introduced(at) => Some((at, Change::Introduced)),
        Event::Fixed(at) => Some((at, Change::Fixed)),
        Event::LastAffected(at) => Some((at, Change::LastAffected)),
        Event::Limit(_) | Event::Unreadable(_) => None,
    }
}

fn refuse_contradictions(events: &[Event<'_>]) -> Result<(), Unusable> {
    if let Some(kind) = events.iter().find_map(|event| match event {
        Event::Unreadable(kind) => Some(*kind),
        Event::Introduced(_) | Event::Fixed(_) | Event::LastAffected(_) | Event::Limit(_) => None,
    }) {
        return Err(Unusable::UnknownType(kind.to_owned()));
    }
    let has = |wanted| events.iter().filter_map(|event| step(*event)).any(|(_, is)| is == wanted);
    if !has(Change::Introduced) {
        return Err(Unusable::NoIntroduced);
    }
    if has(Change::Fixed) && has(Change::LastAffected) {
        return Err(Unusable::FixedAndLastAffected);
    }
    Ok(())
}

/// Before any limit; no limit, or `*`, is infinitely far.
fn is_before_limits<'a>(
    version: &'a str,
    events: &[Event<'a>],
    compare: &impl Fn(&'a str, &'a str) -> Result<Ordering, Unusable>,
) -> Result<bool, Unusable> {
    let mut is_limited = false;
    for event in events {
        if let Event::Limit(limit) = event {
            is_limited = true;
            if *limit == "*" || compare(version, limit)? == Ordering::Less {
                return Ok(true);
            }
        }
    }
    Ok(!is_limited)
}

/// By version. The versions were compared with the one that is judged, so that all of them can be read.
fn sort(steps: &mut [Step<'_>], scheme: &Scheme) {
    let is_zero = |step: &Step<'_>| step.change == Change::Introduced && step.at == "0";
    let order = |left: &Step<'_>, right: &Step<'_>| {
        is_zero(right)
            .cmp(&is_zero(left))
            .then_with(|| (scheme.compare)(left.at, right.at).unwrap_or(Ordering::Equal))
    };
    steps.sort_by(order);
    let mut rank = 0;
    let mut rest = steps;
    while let [first, second, ..] = rest {
        if order(first, second) != Ordering::Equal {
            rank += 1;
        }
        second.rank = rank;
        rest = rest.get_mut(1..).unwrap_or_default();
    }
}

/// The event that made the version affected, if it still is after the events up to it.
///
/// A fix and an introduction of the same version cancel out: whatever held before goes on, whether the record wrote
/// two adjoining intervals in whatever order, or an empty one.
fn affected_from<'a>(steps: &[Step<'a>]) -> Option<&'a str> {
    let mut affected = None;
    let passed: Vec<_> = steps.iter().filter(|step| step.order != Ordering::Greater).collect();
    let is_met = |step: &Step<'_>, other: Change| {
        passed.iter().any(|next| next.change == other && next.rank == step.rank)
    };
    for step in &passed {
        match step.change {
            Change::Introduced if !is_met(step, Change::Fixed) => {
                affected = affected.or(Some(step.at));
            }
            Change::Fixed if !is_met(step, Change::Introduced) => affected = None,
            Change::LastAffected if step.order == Ordering::Less => affected = None,
            Change::Introduced | Change::Fixed | Change::LastAffected => {}
        }
    }
    affected
}

fn explain(version: &str, introduced: &str, steps: &[Step<'_>]) -> Hit {
    let ahead = |change| {
        steps.iter().filter(move |step| step.change == change && step.order != Ordering::Less)
    };
    let mut fixed: Vec<_> = ahead(Change::Fixed)
        .filter(|step| step.order == Ordering::Greater)
        .map(|step| step.at.to_owned())
        .collect();
    fixed.dedup();
    let is_open = fixed.is_empty() && ahead(Change::LastAffected).next().is_none();
    let because = match (fixed.first(), ahead(Change::LastAffected).next()) {
        (Some(fixed), _) => {
            format!("introduced {introduced}, fixed {fixed}; {version} lies before")
        }
        (None, Some(last)) => {
            format!("introduced {introduced}, last affected {}; {version} lies within", last.at)
        }
        (None, None) => format!("introduced {introduced}, no fix; {version} lies after"),
    };
    Hit { because, fixed, end: if is_open { End::Open } else { End::Known } }
}

/// The range in the words of its record: `introduced 0, fixed 1.2.13-1`.
pub(crate) fn in_words(events: &[Event<'_>]) -> String {
    let word = |event: &Event<'_>| match event {
        Event::Introduced(at) => format!("introduced {at}"),
        Event::Fixed(at) => format!("fixed {at}"),
        Event::LastAffected(at) => format!("last affected {at}"),
        Event::Limit(at) => format!("limit {at}"),
        Event::Unreadable(kind) => format!("a range of the unknown type `{kind}`"),
    };
    events.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Why a version is not in a range that could be evaluated.
pub(crate) fn why_outside(scheme: &Scheme, version: &str, events: &[Event<'_>]) -> String {
    let order = |at: &str| (scheme.compare)(at, version).unwrap_or(Ordering::Equal);
    let nearest = |is_passed: &dyn Fn(Change, &str) -> bool| {
        let steps = events.iter().filter_map(|event| step(*event));
        steps.filter(|(at, change)| is_passed(*change, at)).max_by(|(left, _), (right, _)| {
            (scheme.compare)(left, right).unwrap_or(Ordering::Equal)
        })
    };
    let fixed = nearest(&|change, at| change == Change::Fixed && order(at).is_le());
    let last = nearest(&|change, at| change == Change::LastAffected && order(at).is_lt());
    match (fixed, last) {
        (Some((at, _)), _) if order(at).is_eq() => format!("{version} is the fix"),
        (Some((at, _)), _) => format!("{version} lies after the fix {at}"),
        (None, Some((at, _))) => format!("{version} lies after {at}, the last with the flaw"),
        (None, None) => format!("{version} lies outside"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::versions::{deb, go, pep440, semver};
    use Event::{Fixed, Introduced, LastAffected, Limit, Unreadable};

    #[track_caller]
    fn check(scheme: &Scheme, events: &[Event<'_>], affected: &[&str], not: &[&str]) {
        for version in affected {
            assert!(evaluate(scheme, version, events).unwrap().is_some(), "{version} is affected");
        }
        for version in not {
            assert_eq!(evaluate(scheme, version, events), Ok(None), "{version}");
        }
    }

    #[test]
    fn zero_comes_before_every_version() {
        let events = [Introduced("0"), Fixed("0.0.0-20250101000000-abcdef")];
        check(
            &go::SCHEME,
            &events,
            &["v0.0.0-20200101000000-abcdef", "0.0.0-0"],
            &["v0.0.0-20250101000000-abcdef", "0.0.0", "1.0.0"],
        );
        check(&pep440::SCHEME, &[Introduced("0"), Fixed("1")], &["0.dev0", "0a1"], &["1"]);
        check(&deb::SCHEME, &[Introduced("0"), Fixed("1-1")], &["0~~", "1-1~"], &["1-1"]);
        // How RustSec writes it.
        check(&semver::SCHEME, &[Introduced("0.0.0-0")], &["0.0.0-0", "0.0.0-a", "9.0.0"], &[]);
    }

    #[test]
    fn fixed_clears_and_last_affected_does_not() {
        check(
            &semver::SCHEME,
            &[Introduced("1.0.0"), Fixed("2.0.0")],
            &["1.0.0", "1.9.9", "2.0.0-rc.1"],
            &["0.9.0", "2.0.0"],
        );
        check(
            &semver::SCHEME,
            &[Introduced("1.0.0"), LastAffected("2.0.0")],
            &["1.0.0", "2.0.0"],
            &["2.0.1", "0.9.0"],
        );
        check(
            &semver::SCHEME,
            &[Introduced("1.0.0"), LastAffected("1.0.0")],
            &["1.0.0"],
            &["0.9.9", "1.0.1"],
        );
    }

    #[test]
    fn events_in_any_order() {
        let events = [Introduced("2"), Fixed("2.1"), Introduced("0"), Fixed("1.9")];
        check(&pep440::SCHEME, &events, &["0", "1.8", "2", "2.0.5"], &["1.9", "1.9.9", "2.1"]);
    }

    #[test]
    fn adjoining_intervals_are_one_and_an_empty_interval_is_none() {
        let adjoining = [
            Introduced("0"),
            Fixed("3.1.1"),
            Introduced("3.2"),
            Fixed("3.2.2"),
            Introduced("3.1.1"),
            Fixed("3.1.3"),
        ];
        check(&pep440::SCHEME, &adjoining, &["3.1.1", "3.1", "3.1.2", "3.2"], &["3.1.3", "3.2.2"]);
        let reversed = [Introduced("0.13"), Fixed("0.14"), Introduced("0.12.2"), Fixed("0.13.0")];
        check(&pep440::SCHEME, &reversed, &["0.12.2", "0.13", "0.13.5"], &["0.12.1", "0.14"]);
        check(&pep440::SCHEME, &[Introduced("1"), Fixed("1")], &[], &["0.9", "1", "2"]);
    }

    #[test]
    fn limits() {
        let events = [Introduced("1.0.0"), Limit("2.0.0"), Limit("1.5.0")];
        check(&semver::SCHEME, &events, &["1.0.0", "1.9.9"], &["2.0.0", "3.0.0", "0.1.0"]);
        check(&semver::SCHEME, &[Introduced("1.0.0"), Limit("*")], &["9.0.0"], &["0.1.0"]);
    }

    #[test]
    fn what_can_not_be_evaluated_is_an_error() {
        let evaluate = |events: &[Event<'_>]| evaluate(&semver::SCHEME, "1.0.0", events);
        assert_eq!(evaluate(&[]), Err(Unusable::NoIntroduced));
        assert_eq!(evaluate(&[Fixed("2.0.0")]), Err(Unusable::NoIntroduced));
        assert_eq!(
            evaluate(&[Introduced("0"), Fixed("2.0.0"), LastAffected("3.0.0")]),
            Err(Unusable::FixedAndLastAffected)
        );
        assert_eq!(
            evaluate(&[Introduced("0"), Unreadable("COMMIT")]),
            Err(Unusable::UnknownType("COMMIT".to_owned()))
        );
        for event in [Introduced("x"), Fixed("x"), LastAffected("x"), Limit("x")] {
            assert_eq!(
                evaluate(&[Introduced("0"), event]),
                Err(Unusable::Version(Unorderable::new("x"), "a semantic version")),
                "{event:?}"
            );
        }
    }

    #[track_caller]
    fn check_words(events: &[Event<'_>], because: &str, fixed: &[&str]) {
        let hit = evaluate(&deb::SCHEME, "1.2.11-1", events).unwrap().unwrap();
        assert_eq!(
            (hit.because.as_str(), hit.fixed),
            (because, fixed.iter().map(|text| (*text).to_owned()).collect())
        );
    }

    #[test]
    fn the_reason_names_the_interval() {
        check_words(
            &[Introduced("0"), Fixed("1.2.13-1")],
            "introduced 0, fixed 1.2.13-1; 1.2.11-1 lies before",
            &["1.2.13-1"],
        );
        check_words(
            &[
                Introduced("2"),
                Fixed("2.1"),
                Introduced("0"),
                Fixed("1.1"),
                Introduced("1.2"),
                Fixed("1.3"),
            ],
            "introduced 1.2, fixed 1.3; 1.2.11-1 lies before",
            &["1.3", "2.1"],
        );
        check_words(&[Introduced("1")], "introduced 1, no fix; 1.2.11-1 lies after", &[]);
        check_words(
            &[Introduced("0"), LastAffected("1.2.11-1")],
            "introduced 0, last affected 1.2.11-1; 1.2.11-1 lies within",
            &[],
        );
    }
}
