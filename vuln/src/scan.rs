//! Matches an inventory against the index. Pure, and never fails open: what can not be told is said to be so.

use crate::{
    Error, Index,
    ecosystem::{Package, Target, base, is_operating_system, target},
    index::{Details, Row},
    ranges::{Event, Hit, evaluate},
    severity::Rating,
    versions::{Scheme, rpm},
};
use plimsoll_model::{
    Inventory,
    advisory::{Advisory, AdvisoryClass},
    component::{Component, ComponentId},
    inventory::Distribution,
    risk::{self, Choice, Exploitation, Ratings},
    scan::{Dated, Fix, FixedIn, FixedSince, Match, NotEvaluated, Origin, Scan, ScanVerdict},
};
use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BTreeSet},
};

/// Reasons that are spelled out in one match; the others are counted.
const REASONS: usize = 8;

/// What the advisories say of each component.
pub fn scan(inventory: &Inventory, index: &Index) -> Scan {
    let distribution = inventory.distribution.as_ref();
    let verdict = |component: &Component| match owner(inventory, component) {
        Some(owner) => match matches(component, distribution, index) {
            Ok(matches) if !matches.is_empty() && !speaks_of(inventory, owner, index) => {
                ScanVerdict::Matched(matches)
            }
            Ok(_) | Err(_) => ScanVerdict::JudgedAs(owner),
        },
        None => match matches(component, distribution, index) {
            Ok(matches) if matches.is_empty() => ScanVerdict::Clean,
            Ok(matches) => ScanVerdict::Matched(matches),
            Err(reason) => ScanVerdict::NotEvaluated(reason),
        },
    };
    Scan {
        index: index.stamp().clone(),
        verdicts: inventory.components().iter().map(verdict).collect(),
    }
}

/// The operating-system package that a component's files belong to: its distribution patches them without changing the
/// version that upstream's advisories speak of.
fn owner(inventory: &Inventory, component: &Component) -> Option<ComponentId> {
    component.owned_by.filter(|id| {
        inventory
            .component(*id)
            .is_some_and(|owner| owner.owned_by.is_none() && is_operating_system(owner.purl.kind()))
    })
}

/// Whether the distribution's advisories speak of a package of its at all, be it of other versions, or are not there to be
/// asked. Of a package that is not the distribution's own they never do, and their silence clears nothing that is in it.
fn speaks_of(inventory: &Inventory, owner: ComponentId, index: &Index) -> bool {
    let target = inventory
        .component(owner)
        .and_then(|owner| target(owner, inventory.distribution.as_ref()).ok());
    target.is_none_or(|target| {
        !index.has_ecosystem(&target.ecosystem) || !matches!(rows(index, &target), Ok(None))
    })
}

/// Every flaw of one component, whoever judges it.
pub(crate) fn matches(
    component: &Component,
    distribution: Option<&Distribution>,
    index: &Index,
) -> Result<Vec<Match>, NotEvaluated> {
    let target = target(component, distribution)?;
    if !index.has_ecosystem(&target.ecosystem) {
        return Err(NotEvaluated::NoAdvisories { ecosystem: target.ecosystem.into_owned() });
    }
    let Some((package, rows)) = rows(index, &target)? else { return Ok(Vec::new()) };
    let version = package.version.as_deref().ok_or(NotEvaluated::NoVersion)?;
    let (mut found, mut doubts) = (Vec::new(), Vec::new());
    for row in &rows {
        let rating = row.rating.as_ref();
        let details = || index.details(row.advisory).map_err(|error| damaged(&error));
        match judge(target.scheme, version, row) {
            Ok(None) => {}
            Ok(Some(hit)) => found.push((details()?, rating, hit)),
            Err(doubt) => {
                let details = details()?;
                let reason = doubt.reason(details.id, version, target.scheme);
                doubts.push((reason, details, rating));
            }
        }
    }
    if found.is_empty() {
        return doubts.into_iter().next().map_or(Ok(Vec::new()), |(reason, ..)| Err(reason));
    }
    // A component that matches cannot be not-evaluated as well. What is in doubt counts as a match then: an exception for
    // the certain ones must not let it pass.
    found.extend(doubts.into_iter().map(|(reason, details, rating)| {
        let because = format!("it can not be told, and so it counts: {reason}");
        (details, rating, Hit { because, fixed: Vec::new() })
    }));
    Ok(by_flaw(&found, target.scheme, &package.name))
}

/// A damaged index is never an index without the advisory.
fn damaged(error: &Error) -> NotEvaluated {
    NotEvaluated::UnusableAdvisory {
        advisory: "(unreadable)".to_owned(),
        reason: error.to_string(),
    }
}

/// The advisories about the first name of the target that has any.
fn rows<'t, 'i>(
    index: &'i Index,
    target: &'t Target<'_>,
) -> Result<Option<(&'t Package<'t>, Vec<Row<'i>>)>, NotEvaluated> {
    for package in &target.packages {
        let mut rows =
            index.rows(&target.ecosystem, &package.name).map_err(|error| damaged(&error))?;
        // An advisory that names no release is about every release.
        let whole = base(&target.ecosystem);
        if whole != target.ecosystem {
            rows.extend(index.rows(whole, &package.name).map_err(|error| damaged(&error))?);
        }
        if !rows.is_empty() {
            return Ok(Some((package, rows)));
        }
    }
    Ok(None)
}

/// Why it could not be told whether an advisory applies.
enum Doubt {
    /// The component's version can not be ordered.
    Version,
    /// The advisory makes no sense.
    Advisory(String),
}

impl Doubt {
    fn reason(self, advisory: &str, version: &str, scheme: &Scheme) -> NotEvaluated {
        match self {
            Self::Version => NotEvaluated::UnorderableVersion {
                version: version.to_owned(),
                scheme: scheme.name,
            },
            Self::Advisory(reason) => {
                NotEvaluated::UnusableAdvisory { advisory: advisory.to_owned(), reason }
            }
        }
    }
}

/// Whether a row applies: its version is listed, or lies in any of the ranges.
fn judge(scheme: &'static Scheme, version: &str, row: &Row<'_>) -> Result<Option<Hit>, Doubt> {
    if scheme.name == rpm::SCHEME.name {
        // Streams of one module have versions that say nothing about each other, and a package does not tell its stream.
        if is_module(version) {
            return Err(Doubt::Advisory("the stream of its module is not known".to_owned()));
        }
        if has_module(row) {
            return Ok(None);
        }
    }
    let is_readable = scheme.check(version).is_ok();
    let mut doubt = None;
    let mut hits = Vec::new();
    for range in &row.ranges {
        if !is_readable {
            doubt = Some(Doubt::Version);
            break;
        }
        match evaluate(scheme, version, range) {
            Ok(hit) => hits.extend(hit),
            Err(reason) => doubt = Some(Doubt::Advisory(reason.to_string())),
        }
    }
    if let Some(hit) = together(hits, scheme) {
        return Ok(Some(hit));
    }
    let is_version = |listed: &&str| {
        *listed == version
            || (is_readable && (scheme.compare)(listed, version) == Ok(Ordering::Equal))
    };
    if row.versions.iter().any(is_version) {
        let because = format!("{version} is among the versions that the record lists");
        return Ok(Some(Hit { because, fixed: Vec::new() }));
    }
    doubt.map_or(Ok(None), Err)
}

fn is_module(version: &str) -> bool {
    version.contains(".module")
}

fn has_module(row: &Row<'_>) -> bool {
    row.ranges.iter().flatten().any(|event| match event {
        Event::Introduced(at) | Event::Fixed(at) | Event::LastAffected(at) | Event::Limit(at) => {
            is_module(at)
        }
        Event::Unreadable(_) => false,
    })
}

/// Several ranges of one row that apply.
fn together(hits: Vec<Hit>, scheme: &Scheme) -> Option<Hit> {
    let mut hits = hits.into_iter();
    let mut first = hits.next()?;
    for hit in hits {
        if hit.because != first.because {
            first.because = format!("{}; {}", first.because, hit.because);
        }
        first.fixed.extend(hit.fixed);
    }
    first.fixed = in_order(first.fixed, scheme);
    Some(first)
}

/// Lowest first, each once. Versions that can not be read stand last.
fn in_order(mut versions: Vec<String>, scheme: &Scheme) -> Vec<String> {
    versions.sort();
    versions.dedup();
    let (mut readable, unreadable): (Vec<_>, Vec<_>) =
        versions.into_iter().partition(|version| scheme.check(version).is_ok());
    readable.sort_by(|left, right| (scheme.compare)(left, right).unwrap_or(Ordering::Equal));
    readable.extend(unreadable);
    readable
}

type Found<'a> = (Details<'a>, Option<&'a Rating>, Hit);

/// One record on one flaw.
#[derive(Clone, Copy)]
struct Item<'a> {
    details: &'a Details<'a>,
    rating: &'a Rating,
    hit: &'a Hit,
    /// The ids that tell that two records are about one flaw.
    ids: &'a [&'a str],
}

/// One match for each flaw, whatever number of records is about it.
fn by_flaw(found: &[Found<'_>], scheme: &Scheme, name: &str) -> Vec<Match> {
    let items: Vec<_> = found
        .iter()
        .flat_map(|(details, own, hit)| {
            let rating = own.unwrap_or(&details.rating);
            details.flaws.iter().map(move |ids| Item { details, rating, hit, ids })
        })
        .collect();
    let mut matches: Vec<_> =
        groups(&items).iter().map(|group| one_match(group, scheme, name)).collect();
    matches.sort_by(|left, right| {
        let order =
            |found: &Match| (found.advisory.display_id().to_owned(), found.advisory.id.clone());
        order(left).cmp(&order(right))
    });
    matches
}

/// Items that share an id, directly or through others.
fn groups<'a>(items: &[Item<'a>]) -> Vec<Vec<Item<'a>>> {
    let mut groups: Vec<Vec<Item<'a>>> = Vec::new();
    let mut group_of: BTreeMap<&str, usize> = BTreeMap::new();
    for item in items {
        let known: BTreeSet<usize> =
            item.ids.iter().filter_map(|id| group_of.get(id).copied()).collect();
        let mut joined = vec![*item];
        for at in known {
            joined.extend(groups.get_mut(at).map(std::mem::take).unwrap_or_default());
        }
        for id in joined.iter().flat_map(|item| item.ids) {
            group_of.insert(id, groups.len());
        }
        groups.push(joined);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

fn one_match(group: &[Item<'_>], scheme: &Scheme, name: &str) -> Match {
    let mut items = group.to_vec();
    // The worst comes first and speaks for the others.
    items.sort_by(|left, right| {
        let score = |item: &Item<'_>| item.rating.cvss.as_ref().map_or(-1.0, |cvss| cvss.score);
        (Reverse(left.rating.severity).cmp(&Reverse(right.rating.severity)))
            .then_with(|| score(right).total_cmp(&score(left)))
            .then_with(|| left.details.id.cmp(right.details.id))
    });
    let first = |text: fn(&Item<'_>) -> Option<String>| items.iter().find_map(text);
    let id = items.first().map(|item| item.details.id).unwrap_or_default();
    let aliases: BTreeSet<_> = items
        .iter()
        .flat_map(|item| item.ids.iter().copied().chain([item.details.id]))
        .filter(|alias| *alias != id)
        .map(str::to_owned)
        .collect();
    let rating = items.first().map_or(Rating::UNKNOWN, |item| item.rating.clone());
    let is_malware = items.iter().any(|item| item.details.class == AdvisoryClass::Malware);
    Match {
        advisory: Advisory {
            id: id.to_owned(),
            aliases: aliases.into_iter().collect(),
            summary: first(|item| {
                Some(item.details.summary.to_owned()).filter(|text| !text.is_empty())
            })
            .unwrap_or_default(),
            severity: rating.severity,
            cvss: rating.cvss,
            published: items.iter().filter_map(|item| item.details.published).min(),
            modified: items.iter().filter_map(|item| item.details.modified).max(),
            class: if is_malware { AdvisoryClass::Malware } else { AdvisoryClass::Vulnerability },
            reference: first(|item| item.details.reference.map(str::to_owned)),
        },
        fix: fix(&items, scheme),
        ratings: ratings(&items),
        exploitation: Exploitation::NoCatalog,
        prediction: None,
        origin: Origin::Unknown,
        evidence: Vec::new(),
        because: because(&items),
        matched_name: name.to_owned(),
    }
}

/// What the records on one flaw say of a fix together: a version that any of them names counts.
fn fix(items: &[Item<'_>], scheme: &Scheme) -> Fix {
    let naming: Vec<_> = items.iter().filter(|item| !item.hit.fixed.is_empty()).collect();
    let since = |item: &Item<'_>| {
        let published = item.details.published.map(|at| FixedSince { at, dated: Dated::Published });
        published.or(item.details.modified.map(|at| FixedSince { at, dated: Dated::Modified }))
    };
    // A record without a date is not the oldest that is known.
    let oldest = naming
        .iter()
        .map(|item| (since(item), item.details.id))
        .min_by_key(|(since, id)| (since.is_none(), since.map(|since| since.at), *id));
    let Some((since, record)) = oldest else { return Fix::NoneKnown };
    let versions = naming.iter().flat_map(|item| item.hit.fixed.clone()).collect();
    Fix::Fixed(FixedIn { versions: in_order(versions, scheme), record: record.to_owned(), since })
}

/// Everything that the records say on how bad the flaw is. The worst item comes first, and so does its rating.
fn ratings(items: &[Item<'_>]) -> Ratings {
    let mut all: Vec<risk::Rating> = Vec::new();
    for item in items.iter().filter(|item| *item.rating != Rating::UNKNOWN) {
        let cvss = item.rating.cvss.as_ref();
        let rating = risk::Rating {
            source: item.details.id.to_owned(),
            kind: if cvss.is_some() { "CVSS" } else { "severity" }.to_owned(),
            stated: cvss
                .map_or_else(|| item.rating.severity.to_string(), |cvss| cvss.vector.clone()),
            score: cvss.map(|cvss| cvss.score),
            severity: item.rating.severity,
        };
        if !all.contains(&rating) {
            all.push(rating);
        }
    }
    let choice = match all.first() {
        Some(first) if first.score.is_some() => Choice::NewestCvss,
        Some(_) => Choice::WorstWord,
        None => Choice::Nothing,
    };
    Ratings { all, choice }
}

fn because(items: &[Item<'_>]) -> String {
    let records: BTreeSet<_> = items.iter().map(|item| item.details.id).collect();
    let mut reasons: Vec<String> = Vec::new();
    for item in items {
        let reason = if records.len() > 1 {
            format!("{}: {}", item.details.id, item.hit.because)
        } else {
            item.hit.because.clone()
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    let more = reasons.len().saturating_sub(REASONS);
    reasons.truncate(REASONS);
    if more > 0 {
        reasons.push(format!("and {more} more"));
    }
    reasons.join("; ")
}

#[cfg(test)]
mod tests;
