//! What the index knows beside advisories: which flaws are exploited, which are likely to be, how long releases live.
//!
//! Each list is told by its content, not by its name.

mod cve;
mod exploited;
mod lifetimes;
mod predictions;

pub use exploited::{Exploited, Ransomware};
pub use lifetimes::Lifetime;
pub use predictions::Prediction;

use crate::{Error, builder::Imported, index::Index, source::UnreadableRecord, wire::Writer};
use cve::Cve;
use flate2::bufread::MultiGzDecoder;
use jiff::Timestamp;
use plimsoll_model::scan::{SourceKind, SourceStamp};
use std::collections::BTreeMap;

/// The largest of these lists, in bytes as they are sent (256 MiB).
pub(crate) const LARGEST_LIST: u64 = 256 << 20;
/// The most that one is inflated to, in bytes (1 GiB).
const MOST_INFLATED: u64 = 1 << 30;
/// The most entries that one may have (4,000,000).
const MOST_ENTRIES: usize = 4_000_000;

/// Begins the keys of these lists in the index: no name of an ecosystem has this byte.
const MARK: u8 = 0xff;

/// Everything of this sort, in the making.
#[derive(Debug)]
pub(crate) struct Extras {
    exploited: BTreeMap<Cve, Exploited>,
    predictions: predictions::Predictions,
    lifetimes: BTreeMap<Vec<u8>, lifetimes::Owned>,
    stamps: BTreeMap<(SourceKind, String), SourceStamp>,
}

/// One list, read.
#[derive(Debug)]
pub(crate) struct List {
    /// What it is called in the index.
    pub(crate) name: String,
    entries: Entries,
    newest: Option<Timestamp>,
    pub(crate) unreadable: Vec<UnreadableRecord>,
}

#[derive(Debug)]
enum Entries {
    Exploited(BTreeMap<Cve, Exploited>),
    Predictions(predictions::Predictions),
    Lifetimes(BTreeMap<Vec<u8>, lifetimes::Owned>),
}

impl List {
    /// Reads a list; nothing where `bytes` are none of those that are known. `name` is for errors.
    pub(crate) fn read(name: &str, bytes: &[u8]) -> Result<Option<Self>, Error> {
        let inflated;
        let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
            inflated = inflate(name, bytes)?;
            &inflated
        } else {
            bytes
        };
        let Ok(text) = std::str::from_utf8(bytes) else { return Ok(None) };
        let readers = [exploited::read, predictions::read, lifetimes::read];
        let Some(list) = readers.iter().find_map(|read| read(text)) else { return Ok(None) };
        let entries = list.len().saturating_add(list.unreadable.len());
        if entries == 0 {
            return Err(Error::EmptyList { name: name.to_owned() });
        }
        if entries > MOST_ENTRIES {
            return Err(Error::TooManyFiles { name: name.to_owned(), limit: MOST_ENTRIES });
        }
        Ok(Some(list))
    }

    /// What it tells.
    pub(crate) const fn kind(&self) -> SourceKind {
        match self.entries {
            Entries::Exploited(_) => SourceKind::Exploited,
            Entries::Predictions(_) => SourceKind::Predictions,
            Entries::Lifetimes(_) => SourceKind::Lifetimes,
        }
    }

    fn len(&self) -> usize {
        match &self.entries {
            Entries::Exploited(entries) => entries.len(),
            Entries::Predictions(predictions) => predictions.scores.len(),
            Entries::Lifetimes(entries) => entries.values().filter(|entry| entry.is_first).count(),
        }
    }
}

fn inflate(name: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    crate::source::read_at_most(MultiGzDecoder::new(bytes), MOST_INFLATED)
        .map_err(|source| Error::List { name: name.to_owned(), source })?
        .ok_or_else(|| Error::SourceTooLarge { name: name.to_owned(), limit: MOST_INFLATED })
}

/// The date on which something of a list was said, as a time.
fn midnight(date: jiff::civil::Date) -> Option<Timestamp> {
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

fn unreadable(line: usize, reason: &str) -> UnreadableRecord {
    UnreadableRecord { name: format!("line {line}"), reason: reason.to_owned() }
}

impl Extras {
    pub(crate) const fn new() -> Self {
        Self {
            exploited: BTreeMap::new(),
            predictions: predictions::Predictions::NONE,
            lifetimes: BTreeMap::new(),
            stamps: BTreeMap::new(),
        }
    }

    /// Takes a list. Of several of one kind, entries of the later ones replace those of the earlier; of predictions, all of
    /// the newest list count and none of the others.
    pub(crate) fn take(&mut self, list: List, from: Option<&str>, now: Timestamp) -> Imported {
        let (kind, records) = (list.kind(), u64::try_from(list.len()).unwrap_or(u64::MAX));
        let mut stamp = SourceStamp {
            kind,
            ecosystem: list.name.clone(),
            from: from.map(str::to_owned),
            records,
            unreadable: u64::try_from(list.unreadable.len()).unwrap_or(u64::MAX),
            newest: list.newest,
            fetched: now,
        };
        let known = self.stamps.get(&(kind, list.name.clone()));
        match list.entries {
            Entries::Exploited(entries) => {
                self.exploited.extend(entries);
                stamp.records = u64::try_from(self.exploited.len()).unwrap_or(u64::MAX);
                stamp.newest = stamp.newest.max(known.and_then(|known| known.newest));
            }
            Entries::Predictions(newer)
                if known.is_none_or(|known| known.newest <= stamp.newest) =>
            {
                self.predictions = newer;
            }
            Entries::Predictions(_) => {
                if let Some(known) = known {
                    stamp = known.clone();
                }
            }
            Entries::Lifetimes(entries) => self.lifetimes.extend(entries),
        }
        self.stamps.insert((kind, list.name.clone()), stamp);
        Imported { source: list.name, records, skipped_withdrawn: 0, unreadable: list.unreadable }
    }

    /// What the index says of these lists.
    pub(crate) fn stamps(&self) -> impl Iterator<Item = &SourceStamp> {
        self.stamps.values()
    }

    /// Key and entries of every block, in the order of the keys.
    pub(crate) fn blocks(&self) -> BTreeMap<Vec<u8>, (u32, Writer)> {
        let mut blocks = BTreeMap::new();
        exploited::write(&self.exploited, &mut blocks);
        predictions::write(&self.predictions, &mut blocks);
        lifetimes::write(&self.lifetimes, &mut blocks);
        blocks
    }
}

/// Blocks in the making: how many entries, and their bytes.
type Blocks = BTreeMap<Vec<u8>, (u32, Writer)>;

fn entry(blocks: &mut Blocks, key: Vec<u8>) -> &mut Writer {
    let (count, writer) = blocks.entry(key).or_default();
    *count = count.saturating_add(1);
    writer
}

impl Index {
    /// Whether the index was built from a source of this kind. Where it was not, its silence says nothing.
    pub fn has_source(&self, kind: SourceKind) -> bool {
        self.stamp().sources.iter().any(|source| source.kind == kind)
    }

    /// Whether a flaw is known to be exploited, from CISA's catalog. Ids that are no CVE are in no such catalog.
    pub fn exploited(&self, cve: &str) -> Result<Option<Exploited>, Error> {
        let Ok(cve) = cve.parse::<Cve>() else { return Ok(None) };
        let found = self.entries(&cve.key(exploited::KIND), exploited::entry)?;
        Ok(found.into_iter().find(|(last, _)| *last == cve.last()).map(|(_, entry)| entry))
    }

    /// How likely it is that a flaw will be exploited in the next 30 days, from FIRST's model.
    pub fn epss(&self, cve: &str) -> Result<Option<Prediction<'_>>, Error> {
        let Some(score) = self.score(cve)? else { return Ok(None) };
        let model = self.entries(&predictions::MODEL, predictions::model)?.into_iter().next();
        let (model, scored) = model.unwrap_or(("", None));
        Ok(Some(Prediction {
            probability: score.probability(),
            percentile: score.percentile(),
            model,
            scored,
        }))
    }

    /// The same without the model, which is the same for every flaw.
    pub(crate) fn score(&self, cve: &str) -> Result<Option<predictions::Score>, Error> {
        let Ok(cve) = cve.parse::<Cve>() else { return Ok(None) };
        if !self.has_source(SourceKind::Predictions) {
            return Ok(None);
        }
        let found = self.entries(&cve.key(predictions::KIND), predictions::entry)?;
        Ok(found.into_iter().find(|(last, _)| *last == cve.last()).map(|(_, score)| score))
    }

    /// How long a release of a distribution is looked after. `distribution` is its `ID` in os-release, `version` its
    /// `VERSION_ID` (`12`, `24.04`) or the name of its series (`bookworm`).
    pub fn end_of_life(
        &self,
        distribution: &str,
        version: &str,
    ) -> Result<Option<Lifetime<'_>>, Error> {
        let key = lifetimes::key(distribution, version);
        Ok(self.entries(&key, lifetimes::entry)?.into_iter().next())
    }
}

#[cfg(test)]
mod tests;
