//! Which statements hold, and which matches they clear.
//!
//! 1. A statement is accepted or refused by itself: by its issuer, its age, its reason ([`Refusal`]).
//! 2. Of the accepted ones about a flaw of a component, the latest holds; of those at one time, the worst.
//! 3. A match is cleared where what holds is `not_affected` or `fixed`. Where a record is about several CVEs,
//!    that has to be so for each of them: a statement about one says nothing of the others.
//!
//! Malware is never cleared. Every statement is accounted for, whatever became of it.

use super::{
    Document, Statement, Status,
    product::{Difference, Fit},
};
use crate::policy::VexPolicy;
use camino::Utf8PathBuf;
use jiff::Timestamp;
use plimsoll_model::{
    Digest, Inventory, Purl,
    advisory::AdvisoryClass,
    component::Component,
    reference::{self, Repository},
    scan::{Match, Scan},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

/// The documents that count for a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VexFacts {
    /// What was read.
    pub documents: Arc<[Document]>,
    /// The image that is judged, where it is one.
    pub image: Option<Image>,
}

/// By what a statement can name the image that is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Of what the reference came to, and of the manifest.
    pub digests: BTreeSet<Digest>,
    /// Where it lies, if in a registry.
    pub repository: Option<Repository>,
    /// As its configuration says.
    pub architecture: Option<String>,
}

impl Image {
    /// By what a statement can name an image.
    pub fn of(image: &plimsoll_model::image::Image) -> Self {
        let repository = match &image.pinned.place {
            reference::Place::Repository(repository) => Some(repository.clone()),
            reference::Place::OciLayout(_)
            | reference::Place::OciArchive(_)
            | reference::Place::DockerArchive(_)
            | reference::Place::DockerDaemon(_) => None,
        };
        Self {
            digests: [image.pinned.digest, image.manifest].into(),
            repository,
            architecture: Some(image.platform.architecture.clone()),
        }
    }

    pub(super) fn describe(&self) -> String {
        let digests: Vec<_> = self.digests.iter().map(ToString::to_string).collect();
        digests.join(" or ")
    }
}

/// Why a statement does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Its issuer is nobody whom the policy believes.
    #[error("its issuer `{0}` is not among `vex.issuers`")]
    Issuer(String),
    /// A later version of the document is there.
    #[error("a later version of its document is there")]
    Superseded,
    /// It clears, and says not why.
    #[error("`not_affected` without a justification or an impact statement")]
    Unreasoned,
    /// It says that every version is fixed.
    #[error("`fixed` for no version in particular")]
    AnyVersion,
    /// It clears, and was said too long ago.
    #[error("it is older than `vex.max-age` permits")]
    Old,
    /// It clears, and nobody knows when it was said.
    #[error("it has no time, and the policy has a `vex.max-age`")]
    Undated,
    /// It clears, and is not said yet.
    #[error("its time, {0}, has not come yet")]
    Future(Timestamp),
    /// It is about malware.
    #[error("malware is not cleared by a statement")]
    Malware,
    /// It names no product.
    #[error("it names no product")]
    NoProduct,
    /// Nothing can be its product.
    #[error("its product `{label}` {reason}")]
    Unusable {
        /// What the statement calls it.
        label: String,
        /// Why.
        reason: String,
    },
}

/// What became of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// It is the word on so many matches; whether it clears them, its status says.
    Applied(usize),
    /// It is about something aboard, and another statement holds in its place.
    Overruled,
    /// It is about something aboard but for this.
    Near(Vec<Difference>),
    /// It does not count.
    Refused(Refusal),
    /// Nothing aboard is what it is about.
    Unused,
}

impl Use {
    /// The word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Applied(_) => "applied",
            Self::Overruled => "overruled",
            Self::Near(_) => "near-miss",
            Self::Refused(_) => "refused",
            Self::Unused => "unused",
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Applied(_) => 4,
            Self::Overruled => 3,
            Self::Refused(_) => 2,
            Self::Near(_) => 1,
            Self::Unused => 0,
        }
    }

    /// Takes what became of it on another match, where that says more.
    fn become_or_stay(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Applied(count), Self::Applied(more)) => *count = count.saturating_add(more),
            (Self::Near(differences), Self::Near(others)) if others.len() < differences.len() => {
                *differences = others;
            }
            (own, other) if own.rank() < other.rank() => *own = other,
            _ => {}
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied(count) => write!(out, "applied to {count} matches"),
            Self::Overruled => out.write_str("overruled by another statement"),
            Self::Near(differences) => {
                let texts: Vec<_> = differences.iter().map(ToString::to_string).collect();
                out.write_str(&texts.join("; "))
            }
            Self::Refused(refusal) => refusal.fmt(out),
            Self::Unused => out.write_str("nothing aboard is what it is about"),
        }
    }
}

/// A statement, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The document.
    pub path: Utf8PathBuf,
    /// Its place there.
    pub at: String,
    /// Who says so.
    pub author: String,
    /// Of which flaw, by its first id.
    pub flaw: String,
    /// Of which product, by the first one's name.
    pub product: String,
    /// What is said.
    pub status: Status,
    /// What became of it.
    pub usage: Use,
}

/// The statement by which a match is cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared {
    /// The document.
    pub path: Utf8PathBuf,
    /// Its place there.
    pub at: String,
    /// Who says so.
    pub author: String,
    /// What is said.
    pub status: Status,
    /// Why, in the format's word.
    pub justification: Option<&'static str>,
    /// Why, in words.
    pub impact: Option<String>,
    /// When it was said.
    pub timestamp: Option<Timestamp>,
}

impl Cleared {
    /// The reason in one line.
    pub fn reason(&self) -> String {
        let parts = [self.justification, self.impact.as_deref()];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() { self.status.as_str().to_owned() } else { parts.join(": ") }
    }
}

/// What the statements come to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Judgement {
    /// By component and advisory; nothing where not every component of that package URL is cleared.
    cleared: BTreeMap<(Purl, String), Option<Cleared>>,
    pub(crate) usages: Vec<Usage>,
}

impl Judgement {
    /// The statement that clears a match.
    pub(crate) fn clearing(&self, component: &Component, found: &Match) -> Option<&Cleared> {
        self.cleared.get(&(component.purl.clone(), found.advisory.id.clone()))?.as_ref()
    }
}

/// A statement with its document, on its way to what becomes of it.
struct Entry<'a> {
    document: &'a Document,
    statement: &'a Statement,
    usage: Use,
}

/// Judges the matches of a scan by the statements.
pub(crate) fn judge(
    facts: &VexFacts,
    (inventory, scan): (&Inventory, &Scan),
    settings: &VexPolicy,
    now: Timestamp,
) -> Judgement {
    let mut entries = accepted(&facts.documents, settings, now);
    let mut by_id: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (position, entry) in entries.iter().enumerate() {
        if matches!(entry.usage, Use::Unused) {
            for id in entry
                .statement
                .ids
                .iter()
                .map(|id| id.to_ascii_lowercase())
                .collect::<BTreeSet<_>>()
            {
                by_id.entry(id).or_default().push(position);
            }
        }
    }
    let mut cleared = BTreeMap::new();
    for (id, found) in scan.matches() {
        let Some(component) = inventory.component(id) else { continue };
        let about = About { component, found, image: facts.image.as_ref() };
        let answer = about.judge(&mut entries, &by_id);
        let key = (component.purl.clone(), found.advisory.id.clone());
        let entry = cleared.entry(key).or_insert_with(|| answer.clone());
        if answer.is_none() {
            *entry = None;
        }
    }
    Judgement { cleared, usages: entries.into_iter().map(usage).collect() }
}

fn usage(entry: Entry<'_>) -> Usage {
    let statement = entry.statement;
    let unusable = statement.products.iter().find_map(super::Product::unusable);
    let usage = match (entry.usage, unusable) {
        (Use::Unused, _) if statement.products.is_empty() => Use::Refused(Refusal::NoProduct),
        (Use::Unused, Some((label, reason))) => {
            Use::Refused(Refusal::Unusable { label: label.to_owned(), reason: reason.to_owned() })
        }
        (usage, _) => usage,
    };
    Usage {
        path: entry.document.path.clone(),
        at: statement.at.clone(),
        author: entry.document.author.clone(),
        flaw: statement.ids.first().cloned().unwrap_or_default(),
        product: statement.products.first().map(name).unwrap_or_default(),
        status: statement.status,
        usage,
    }
}

/// What a product is called: by its component, where it names one.
fn name(product: &super::Product) -> String {
    product.subcomponents.first().unwrap_or(&product.item).label.clone()
}

/// Every statement of the documents, each document once, with its refusal where it is refused.
fn accepted<'a>(documents: &'a [Document], settings: &VexPolicy, now: Timestamp) -> Vec<Entry<'a>> {
    let mut newest: BTreeMap<(&str, &str), &[u64]> = BTreeMap::new();
    for document in documents {
        if let Some(id) = &document.id {
            let version = newest.entry((id, &document.author)).or_insert(&document.version);
            *version = (*version).max(&document.version);
        }
    }
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for document in documents.iter().filter(|document| seen.insert(document.digest)) {
        let newest =
            document.id.as_deref().and_then(|id| newest.get(&(id, document.author.as_str())));
        let is_newest = newest.is_none_or(|newest| *newest == document.version);
        for statement in &document.statements {
            let refusal = if is_newest {
                refusal(document, statement, settings, now)
            } else {
                Some(Refusal::Superseded)
            };
            let usage = refusal.map_or(Use::Unused, Use::Refused);
            entries.push(Entry { document, statement, usage });
        }
    }
    entries
}

/// Why a statement does not count. What would clear nothing counts whenever it was said.
fn refusal(
    document: &Document,
    statement: &Statement,
    settings: &VexPolicy,
    now: Timestamp,
) -> Option<Refusal> {
    let issuers = &settings.issuers;
    if !issuers.is_empty() && !issuers.iter().any(|pattern| pattern.is_match(&document.author)) {
        return Some(Refusal::Issuer(document.author.clone()));
    }
    if !statement.status.is_clearing() {
        return None;
    }
    let is_reasoned = statement.justification.is_some() || statement.impact.is_some();
    if statement.status == Status::NotAffected && !is_reasoned {
        return Some(Refusal::Unreasoned);
    }
    if statement.status == Status::Fixed
        && !statement.products.iter().all(super::Product::has_version)
    {
        return Some(Refusal::AnyVersion);
    }
    match (statement.timestamp, settings.max_age) {
        (Some(time), _) if time > now => Some(Refusal::Future(time)),
        (Some(time), Some(most)) if now.duration_since(time) > most => Some(Refusal::Old),
        (None, Some(_)) => Some(Refusal::Undated),
        (Some(_) | None, _) => None,
    }
}

/// One match.
struct About<'a> {
    component: &'a Component,
    found: &'a Match,
    image: Option<&'a Image>,
}

impl About<'_> {
    fn ids(&self) -> BTreeSet<String> {
        let advisory = &self.found.advisory;
        let ids = std::iter::once(&advisory.id).chain(&advisory.aliases);
        ids.map(|id| id.to_ascii_lowercase()).collect()
    }

    /// The statement that clears it; what becomes of the statements about it is noted with them.
    fn judge(
        &self,
        entries: &mut [Entry<'_>],
        by_id: &BTreeMap<String, Vec<usize>>,
    ) -> Option<Cleared> {
        let ids = self.ids();
        let named: BTreeSet<usize> =
            ids.iter().filter_map(|id| by_id.get(id)).flatten().copied().collect();
        let fitting = self.fitting(entries, &named);
        let is_malware = self.found.advisory.class == AdvisoryClass::Malware
            || ids.iter().any(|id| id.starts_with("mal-"));
        if is_malware {
            note(entries, &fitting, &Use::Refused(Refusal::Malware));
            return None;
        }
        let cves: Vec<&String> = ids.iter().filter(|id| id.starts_with("cve-")).collect();
        if cves.len() < 2 {
            return holding(entries, &fitting).map(|holding| holding.settle(entries, &fitting))?;
        }
        let each = cves.iter().map(|cve| {
            let about = |position: &&usize| {
                entries.get(**position).is_some_and(|entry| {
                    names(entry.statement, cve) || names_whole(entry.statement, &ids)
                })
            };
            let about: BTreeSet<usize> = fitting.iter().filter(about).copied().collect();
            (holding(entries, &about), about)
        });
        let each: Vec<_> = each.collect();
        let is_clear = each.iter().all(|(holding, _)| {
            holding.as_ref().is_some_and(|holding| holding.status.is_clearing())
        });
        if !is_clear {
            let found =
                cves.iter().map(|cve| cve.to_ascii_uppercase()).collect::<Vec<_>>().join(", ");
            for position in &fitting {
                let Some(entry) = entries.get_mut(*position) else { continue };
                let near = Difference {
                    field: "vulnerability".to_owned(),
                    expected: entry.statement.ids.join(", "),
                    found: found.clone(),
                };
                let usage = if entry.statement.status.is_clearing() {
                    Use::Near(vec![near])
                } else {
                    Use::Applied(1)
                };
                entry.usage.become_or_stay(usage);
            }
            return None;
        }
        let mut cleared = None;
        for (holding, about) in each {
            cleared = cleared.or(holding?.settle(entries, &about));
        }
        cleared
    }

    /// The statements that are about this component; what is near is noted.
    fn fitting(&self, entries: &mut [Entry<'_>], named: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut fitting = BTreeSet::new();
        for position in named {
            let Some(entry) = entries.get_mut(*position) else { continue };
            let fits = entry
                .statement
                .products
                .iter()
                .map(|product| product.fit(self.component, self.image));
            match fits.reduce(Fit::nearer).unwrap_or(Fit::Other) {
                Fit::Same => {
                    fitting.insert(*position);
                }
                Fit::Near(differences) => entry.usage.become_or_stay(Use::Near(differences)),
                Fit::Other => {}
            }
        }
        fitting
    }
}

fn names(statement: &Statement, id: &str) -> bool {
    statement.ids.iter().any(|named| named.eq_ignore_ascii_case(id))
}

/// Whether a statement names the record itself, by an id that is no CVE.
fn names_whole(statement: &Statement, ids: &BTreeSet<String>) -> bool {
    let named = statement.ids.iter().map(|id| id.to_ascii_lowercase());
    named.into_iter().any(|id| !id.starts_with("cve-") && ids.contains(&id))
}

fn note(entries: &mut [Entry<'_>], positions: &BTreeSet<usize>, usage: &Use) {
    for position in positions {
        if let Some(entry) = entries.get_mut(*position) {
            entry.usage.become_or_stay(usage.clone());
        }
    }
}

/// What holds of a flaw in a component.
struct Holding {
    position: usize,
    status: Status,
    timestamp: Option<Timestamp>,
}

/// Of several statements, the latest holds; of those at one time, the worst; of equal ones, the first.
fn holding(entries: &[Entry<'_>], positions: &BTreeSet<usize>) -> Option<Holding> {
    let all = positions.iter().filter_map(|position| {
        let statement = entries.get(*position)?.statement;
        Some(Holding {
            position: *position,
            status: statement.status,
            timestamp: statement.timestamp,
        })
    });
    all.reduce(|best, other| {
        let is_better = (other.timestamp, other.status) > (best.timestamp, best.status);
        if is_better { other } else { best }
    })
}

impl Holding {
    /// Notes it as applied and the others as overruled, unless they say the same at the same time.
    fn settle(&self, entries: &mut [Entry<'_>], positions: &BTreeSet<usize>) -> Option<Cleared> {
        for position in positions {
            let Some(entry) = entries.get_mut(*position) else { continue };
            let statement = entry.statement;
            let is_same = (statement.timestamp, statement.status) == (self.timestamp, self.status);
            entry.usage.become_or_stay(if is_same { Use::Applied(1) } else { Use::Overruled });
        }
        let Entry { document, statement, .. } = entries.get(self.position)?;
        self.status.is_clearing().then(|| Cleared {
            path: document.path.clone(),
            at: statement.at.clone(),
            author: document.author.clone(),
            status: statement.status,
            justification: statement.justification,
            impact: statement.impact.clone(),
            timestamp: statement.timestamp,
        })
    }
}

#[cfg(test)]
mod tests;
