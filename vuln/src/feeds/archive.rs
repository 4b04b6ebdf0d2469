//! One ecosystem: its archive, whole or with only what changed fetched anew.

use super::{
    Answer, Failure, Feed,
    kept::{Held, Kept, Tag, Version},
    listed,
};
use crate::{
    Error,
    osv::Record,
    source::{LARGEST_ARCHIVE, Outcome, parse, read_zip_named},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Write as _},
    sync::Arc,
};
use zip::{ZipArchive, ZipWriter, result::ZipError, write::SimpleFileOptions};

/// The largest list of records, in bytes (1 GiB).
const LARGEST_LIST: u64 = 1 << 30;
/// Records that are fetched one by one; when more have changed, the archive is the shorter way.
pub(super) const MOST_SINGLE: usize = 500;
/// Records that are fetched at once.
const AT_ONCE: usize = 8;

/// What is fetched, and where it is kept.
pub(super) struct Updating<'a> {
    pub(super) feed: &'a Feed<'a>,
    pub(super) kept: &'a Kept,
    /// Bytes of one record.
    pub(super) limit: u64,
    pub(super) progress: &'a (dyn Fn(&str, u64) + Sync),
}

/// The records of an archive by the names of their entries, which are theirs and `.json`.
type Named = Vec<(String, Outcome)>;

impl Updating<'_> {
    /// The records of an ecosystem as the feed has them now.
    pub(super) async fn records(&self, name: &str) -> Result<Vec<Outcome>, Error> {
        let kept = self.kept.clone();
        let (file, from) = (file(name), self.feed.address(&[name, "all.zip"]).to_string());
        let held = blocking(move || kept.read(&file, &from, LARGEST_ARCHIVE)).await?;
        let held = held.map(Arc::new);
        if let Some(held) = &held
            && let Some(named) = self.changed(name, held).await?
        {
            return Ok(named.into_iter().map(|(_, outcome)| outcome).collect());
        }
        self.whole(name, held.as_deref()).await
    }

    /// Fetches the archive, unless it is the one that is held.
    async fn whole(&self, name: &str, held: Option<&Held>) -> Result<Vec<Outcome>, Error> {
        let url = self.feed.address(&[name, "all.zip"]);
        let progress = |bytes| (self.progress)(name, bytes);
        let known = held.map(|held| &held.tag.version);
        let answer = self
            .feed
            .fetch(&url, LARGEST_ARCHIVE, known, &progress)
            .await
            .map_err(|failure| failure.about(name, self.feed.base))?;
        let (bytes, version) = match (answer, held) {
            (Answer::Unchanged, Some(held)) => (held.bytes.clone(), None),
            (Answer::Unchanged, None) => {
                return Err(Error::Status { url: url.to_string(), status: 304 });
            }
            (Answer::Body { bytes, version }, _) => (bytes, Some(version)),
        };
        let (kept, limit, name) = (self.kept.clone(), self.limit, name.to_owned());
        blocking(move || {
            let named = read_zip_named(&name, &bytes, limit)?;
            if let Some(version) = version {
                let tag = Tag::new(url.as_str(), version, Version::default());
                kept.write(&file(&name), &bytes, tag)?;
            }
            Ok(named.into_iter().map(|(_, outcome)| outcome).collect())
        })
        .await?
    }

    /// What is held with everything that changed; nothing where the archive has to be fetched: when the list can not tell
    /// what changed, when too much did, and when it does not name a record that is held. No record is ever dropped on the
    /// word of the list alone.
    async fn changed(&self, name: &str, held: &Arc<Held>) -> Result<Option<Named>, Error> {
        let url = self.feed.address(&[name, "modified_id.csv"]);
        let progress = |bytes| (self.progress)(name, bytes);
        let answer = self.feed.fetch(&url, LARGEST_LIST, Some(&held.tag.list), &progress).await;
        let list = match answer {
            Ok(Answer::Unchanged) => None,
            Ok(Answer::Body { bytes, version }) => match listed::read(name, &bytes) {
                Some(list) => Some((list, version)),
                None => return Ok(None),
            },
            Err(failure) if failure.is_absent() => return Ok(None),
            Err(failure) => return Err(failure.about(name, self.feed.base)),
        };
        let named = {
            let (held, name, limit) = (Arc::clone(held), name.to_owned(), self.limit);
            blocking(move || read_zip_named(&name, &held.bytes, limit)).await?
        };
        let Ok(named) = named else { return Ok(None) };
        let Some((list, version)) = list else { return Ok(Some(named)) };
        let Some(ids) = differences(&list, &named) else { return Ok(None) };
        let Some(fetched) = self.fetch_records(name, ids).await? else { return Ok(None) };
        let (kept, held) = (self.kept.clone(), Arc::clone(held));
        let (name, limit) = (name.to_owned(), self.limit);
        blocking(move || {
            let file = file(&name);
            if fetched.is_empty() {
                kept.write_tag(&file, &held.bytes, Tag { list: version, ..held.tag.clone() })?;
                return Ok(Some(named));
            }
            let failed = |source| Error::Archive { name: name.clone(), source };
            let bytes = rewrite(&held.bytes, &fetched).map_err(failed)?;
            let tag = Tag { version: Version::default(), list: version, ..held.tag.clone() };
            kept.write(&file, &bytes, tag)?;
            let mut named = named;
            named.retain(|(name, _)| !fetched.contains_key(name));
            for (name, bytes) in &fetched {
                named.push((name.clone(), parse(name, Ok(bytes.as_slice()), limit)));
            }
            Ok(Some(named))
        })
        .await?
    }

    /// The bytes of these records by the names of their entries; nothing where one is not there, or is too large.
    async fn fetch_records(
        &self,
        name: &str,
        ids: Vec<String>,
    ) -> Result<Option<BTreeMap<String, Vec<u8>>>, Error> {
        let fetch = |id: String| async move {
            let entry = format!("{id}.json");
            let url = self.feed.address(&[name, &entry]);
            match self.feed.fetch(&url, self.limit, None, &|_| {}).await {
                Ok(Answer::Body { bytes, .. }) => Ok(Some((entry, bytes))),
                Ok(Answer::Unchanged) | Err(Failure::TooLarge { .. }) => Ok(None),
                Err(failure) if failure.is_absent() => Ok(None),
                Err(failure) => Err(failure.about(name, self.feed.base)),
            }
        };
        let fetched: Vec<_> =
            stream::iter(ids.into_iter().map(fetch)).buffered(AT_ONCE).try_collect().await?;
        Ok(fetched.into_iter().collect())
    }
}

fn file(name: &str) -> String {
    format!("{name}/all.zip")
}

/// The ids of the records that have to be fetched; nothing where the archive has to be.
fn differences(list: &BTreeMap<String, Timestamp>, named: &Named) -> Option<Vec<String>> {
    let mut held: BTreeMap<&str, Option<Timestamp>> = BTreeMap::new();
    for (name, outcome) in named {
        let modified = outcome.as_ref().ok().and_then(|record: &Record| record.modified);
        held.insert(name.strip_suffix(".json")?, modified);
    }
    let is_same_set = held.keys().all(|id| list.contains_key(*id)) && held.len() == named.len();
    let changed: Vec<_> = list
        .iter()
        .filter(|(id, time)| held.get(id.as_str()).copied().flatten() < Some(**time))
        .map(|(id, _)| id.clone())
        .collect();
    (is_same_set && changed.len() <= MOST_SINGLE).then_some(changed)
}

/// The archive with these entries put in place of those of their names. Nothing else is inflated.
fn rewrite(archive: &[u8], entries: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, ZipError> {
    let mut archive = ZipArchive::new(Cursor::new(archive))?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let replaced: BTreeSet<&str> = entries.keys().map(String::as_str).collect();
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at)?;
        if !replaced.contains(&*String::from_utf8_lossy(entry.name_raw())) {
            writer.raw_copy_file(entry)?;
        }
    }
    for (name, bytes) in entries {
        writer.start_file(name.as_str(), SimpleFileOptions::default())?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// Work that waits for the disk or keeps the processor busy.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|source| Error::Task { source })
}
