//! One match for each flaw, whatever number of records is about it.

use super::judge::in_order;
use crate::{
    Index,
    ecosystem::{Target, base},
    extra::{self, Exploited},
    index::{Details, Row},
    ranges::{End, Hit},
    severity::Rating,
};
use plimsoll_model::{
    advisory::{Advisory, AdvisoryClass},
    component::Component,
    risk::{self, Choice, Exploitation, KnownExploited, Prediction, Ransomware, Ratings},
    scan::{Dated, Fix, FixedIn, FixedSince, Match, MatchEvidence, Origin, SourceKind},
};
use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// Reasons that are spelled out in one match; the others are counted.
const REASONS: usize = 8;

/// Ecosystems whose databases have the state of every flaw in every release.
const TRACKERS: [&str; 2] = ["Debian", "Ubuntu"];

/// A record that applies.
#[derive(Debug)]
pub(super) struct Found<'r, 'a> {
    details: Details<'a>,
    /// What it says of this package alone.
    row: &'r Row<'a>,
    hit: Hit,
    /// The packages of a Go module that have the flaw and are linked.
    packages: Vec<&'a str>,
}

/// A flaw, as far as it decides on a remedy.
#[derive(Debug)]
pub(crate) struct Left<'a> {
    /// The id people know it by.
    pub(crate) id: Cow<'a, str>,
    /// The versions that have a fix, lowest first.
    pub(crate) fixed: Cow<'a, [String]>,
    /// Whether the package itself is malware.
    pub(crate) class: AdvisoryClass,
}

impl<'a> Left<'a> {
    /// What of a match decides on a remedy.
    pub(crate) fn of(found: &'a Match) -> Self {
        Self {
            id: Cow::Borrowed(found.advisory.display_id()),
            fixed: Cow::Borrowed(found.fix.versions()),
            class: found.advisory.class,
        }
    }
}

/// One record on one flaw.
#[derive(Clone, Copy)]
struct Item<'a> {
    details: &'a Details<'a>,
    row: &'a Row<'a>,
    rating: &'a Rating,
    hit: &'a Hit,
    /// The ids that tell that two records are about one flaw.
    ids: &'a [&'a str],
    packages: &'a [&'a str],
}

/// What all matches of one component have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) index: &'a Index,
    pub(super) component: &'a Component,
    pub(super) target: &'a Target<'a>,
    /// The name that the records are under.
    pub(super) name: &'a str,
}

impl<'r, 'a> Found<'r, 'a> {
    pub(super) fn new(
        details: Details<'a>,
        row: &'r Row<'a>,
        hit: Hit,
        packages: &[&'a str],
    ) -> Self {
        Self { details, row, hit, packages: packages.to_vec() }
    }

    /// One item for each flaw that the record is about.
    fn items(&self) -> impl Iterator<Item = Item<'_>> {
        let Self { details, row, hit, packages } = self;
        let rating = row.rating.as_ref().unwrap_or(&details.rating);
        details.flaws.iter().map(move |ids| Item { details, row, rating, hit, ids, packages })
    }
}

/// One match for each flaw, whatever number of records is about it.
pub(super) fn by_flaw(context: &Context<'_>, found: &[Found<'_, '_>]) -> Vec<Match> {
    let items: Vec<_> = found.iter().flat_map(Found::items).collect();
    by_name(&items).iter().map(|items| context.one_match(items)).collect()
}

/// The same in the same order, and only what decides on a remedy.
pub(super) fn left(context: &Context<'_>, found: &[Found<'_, '_>]) -> Vec<Left<'static>> {
    let items: Vec<_> = found.iter().flat_map(Found::items).collect();
    by_name(&items).iter().map(|items| context.one_left(items)).collect()
}

impl Context<'_> {
    fn one_left(&self, items: &[Item<'_>]) -> Left<'static> {
        let fixed = items.iter().flat_map(|item| item.hit.fixed.clone()).collect();
        Left {
            id: Cow::Owned(name(items).to_owned()),
            fixed: Cow::Owned(in_order(fixed, self.target.scheme)),
            class: class(items),
        }
    }

    fn one_match(&self, items: &[Item<'_>]) -> Match {
        let advisory = advisory(items);
        Match {
            fix: fix(items, self.target),
            ratings: ratings(items),
            exploitation: exploitation(self.index, &advisory),
            prediction: prediction(self.index, &advisory),
            // That is told by who knows the base image.
            origin: Origin::Unknown,
            evidence: evidence(items, self.component),
            because: because(items),
            matched_name: self.name.to_owned(),
            advisory,
        }
    }
}

/// The items on each flaw, flaws by their names. The worst item comes first and speaks for the others.
fn by_name<'a>(items: &[Item<'a>]) -> Vec<Vec<Item<'a>>> {
    let score = |item: &Item<'_>| item.rating.cvss.as_ref().map_or(-1.0, |cvss| cvss.score);
    let mut groups = groups(items);
    for group in &mut groups {
        group.sort_by(|left, right| {
            (Reverse(left.rating.severity).cmp(&Reverse(right.rating.severity)))
                .then_with(|| score(right).total_cmp(&score(left)))
                .then_with(|| left.details.id.cmp(right.details.id))
        });
    }
    groups.sort_by_cached_key(|group| (name(group), speaker(group)));
    groups
}

/// The record that speaks for the others on one flaw.
fn speaker<'a>(items: &[Item<'a>]) -> &'a str {
    items.first().map(|item| item.details.id).unwrap_or_default()
}

/// The id that people know a flaw by, as [`Advisory::display_id`] has it.
fn name<'a>(items: &[Item<'a>]) -> &'a str {
    let speaker = speaker(items);
    let is_cve = |id: &&str| id.starts_with("CVE-");
    let cves = items.iter().flat_map(|item| item.ids.iter().copied().chain([item.details.id]));
    Some(speaker).filter(is_cve).or_else(|| cves.filter(is_cve).min()).unwrap_or(speaker)
}

fn class(items: &[Item<'_>]) -> AdvisoryClass {
    let is_malware = items.iter().any(|item| item.details.class == AdvisoryClass::Malware);
    if is_malware { AdvisoryClass::Malware } else { AdvisoryClass::Vulnerability }
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

/// What the records on one flaw say together; the first of them speaks for the others.
fn advisory(items: &[Item<'_>]) -> Advisory {
    let id = speaker(items);
    let aliases: BTreeSet<_> = items
        .iter()
        .flat_map(|item| item.ids.iter().copied().chain([item.details.id]))
        .filter(|alias| *alias != id)
        .map(str::to_owned)
        .collect();
    let rating = items.first().map_or(Rating::UNKNOWN, |item| item.rating.clone());
    Advisory {
        id: id.to_owned(),
        aliases: aliases.into_iter().collect(),
        summary: items
            .iter()
            .map(|item| item.details.summary)
            .find(|text| !text.is_empty())
            .unwrap_or_default()
            .to_owned(),
        severity: rating.severity,
        cvss: rating.cvss,
        published: items.iter().filter_map(|item| item.details.published).min(),
        modified: items.iter().filter_map(|item| item.details.modified).max(),
        class: class(items),
        reference: items.iter().find_map(|item| item.details.reference).map(str::to_owned),
    }
}

/// Every id of a flaw that catalogs of flaws may have.
fn cves(advisory: &Advisory) -> impl Iterator<Item = &str> {
    let ids = std::iter::once(&advisory.id).chain(&advisory.aliases);
    ids.map(String::as_str).filter(|id| id.starts_with("CVE-"))
}

/// A catalog that is not there, or can not be read, says nothing.
fn exploitation(index: &Index, advisory: &Advisory) -> Exploitation {
    if !index.has_source(SourceKind::Exploited) {
        return Exploitation::NoCatalog;
    }
    let mut outcome = Exploitation::NotListed;
    for cve in cves(advisory) {
        match index.exploited(cve) {
            Ok(Some(entry)) => return Exploitation::Known(known(entry)),
            Ok(None) => {}
            Err(_) => outcome = Exploitation::NoCatalog,
        }
    }
    outcome
}

const fn known(entry: Exploited) -> KnownExploited {
    KnownExploited {
        added: entry.added,
        due: entry.due,
        ransomware: match entry.ransomware {
            extra::Ransomware::Known => Ransomware::Known,
            extra::Ransomware::Unknown => Ransomware::Unknown,
        },
    }
}

/// The likeliest, where a flaw has several ids.
fn prediction(index: &Index, advisory: &Advisory) -> Option<Prediction> {
    cves(advisory)
        .filter_map(|cve| index.score(cve).ok().flatten())
        .map(|score| Prediction {
            probability: score.probability(),
            percentile: score.percentile(),
        })
        .max_by(|left, right| left.probability.total_cmp(&right.probability))
}

/// Where the component was found, and what of the flaw is linked.
fn evidence(items: &[Item<'_>], component: &Component) -> Vec<MatchEvidence> {
    let packages: BTreeSet<&str> = items.iter().flat_map(|item| item.packages).copied().collect();
    let files = component.locations.iter().cloned().map(MatchEvidence::File);
    files.chain(packages.into_iter().map(|path| MatchEvidence::Links(path.to_owned()))).collect()
}

/// What the records on one flaw say of a fix together: a version that any of them names counts.
fn fix(items: &[Item<'_>], target: &Target<'_>) -> Fix {
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
    let Some((since, record)) = oldest else { return unfixed(items, target) };
    let versions = naming.iter().flat_map(|item| item.hit.fixed.clone()).collect();
    Fix::Fixed(FixedIn {
        versions: in_order(versions, target.scheme),
        record: record.to_owned(),
        since,
    })
}

/// What the records say of a flaw that none of them names a fix of.
///
/// The trackers of Debian and Ubuntu have every flaw of every release, and a range without an end where there is no fix yet.
/// Other databases may just not know of one.
fn unfixed(items: &[Item<'_>], target: &Target<'_>) -> Fix {
    let says = |wanted: Intent| {
        let is_said = |item: &&Item<'_>| {
            let remarks = item.row.remarks.iter().chain(&item.details.remarks);
            remarks.into_iter().any(|remark| Intent::of(remark.text) == Some(wanted))
        };
        items.iter().find(is_said)
    };
    let is_tracked = TRACKERS.contains(&base(&target.ecosystem));
    let record = |item: &Item<'_>| item.details.id.to_owned();
    if let Some(item) = says(Intent::Never) {
        return Fix::WontFix { record: record(item) };
    }
    let is_open = |item: &&Item<'_>| is_tracked && item.hit.end == End::Open;
    match says(Intent::NotYet).or_else(|| items.iter().find(is_open)) {
        Some(item) => Fix::NotFixed { record: record(item) },
        None => Fix::NoneKnown,
    }
}

/// What a database means to do about a flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intent {
    NotYet,
    Never,
}

impl Intent {
    /// The words of Red Hat (`fix_state`), Debian (`urgency`) and Ubuntu (`status`).
    fn of(remark: &str) -> Option<Self> {
        match remark.trim().to_ascii_lowercase().as_str() {
            "affected" | "fix deferred" | "deferred" | "needed" | "pending" | "in progress" => {
                Some(Self::NotYet)
            }
            "will not fix"
            | "won't fix"
            | "wont-fix"
            | "out of support scope"
            | "end-of-life"
            | "end of life"
            | "ignored" => Some(Self::Never),
            _ => None,
        }
    }
}

/// Everything that the records say on how bad the flaw is. The worst item comes first, and what it goes by counts.
fn ratings(items: &[Item<'_>]) -> Ratings {
    let mut all = stated(items);
    let Some(worst) = items.first().filter(|item| *item.rating != Rating::UNKNOWN) else {
        return Ratings { all, choice: Choice::Nothing };
    };
    let is_chosen = |rating: &risk::Rating| {
        let counts = match &worst.rating.cvss {
            Some(cvss) => rating.stated == cvss.vector,
            None => rating.score.is_none() && rating.severity == worst.rating.severity,
        };
        counts && rating.source == worst.details.id
    };
    let score = |rating: &risk::Rating| rating.score.unwrap_or(-1.0);
    all.sort_by(|left, right| {
        (is_chosen(right).cmp(&is_chosen(left)))
            .then_with(|| right.severity.cmp(&left.severity))
            .then_with(|| score(right).total_cmp(&score(left)))
            .then_with(|| (&left.source, &left.kind).cmp(&(&right.source, &right.kind)))
    });
    let choice = match &worst.rating.cvss {
        Some(_) => Choice::NewestCvss,
        None => Choice::WorstWord,
    };
    Ratings { all, choice }
}

/// What each record states, of the package alone and of the flaw as such, each statement once.
fn stated(items: &[Item<'_>]) -> Vec<risk::Rating> {
    let mut all: Vec<risk::Rating> = Vec::new();
    for item in items {
        for stated in item.row.severities.iter().chain(&item.details.severities) {
            let (score, severity) = stated.rated();
            let rating = risk::Rating {
                source: item.details.id.to_owned(),
                kind: stated.kind.to_owned(),
                stated: stated.text.to_owned(),
                score,
                severity,
            };
            if !all.contains(&rating) {
                all.push(rating);
            }
        }
    }
    all
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
