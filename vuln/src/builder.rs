//! Collects records and writes them as an index.

use crate::{
    Error,
    aliases::Aliases,
    ecosystem::base,
    extra::{self, Extras, List},
    index::{
        CHECKSUM, DIGEST, Details, FORMAT, HEADER, MAGIC, Row, Unreadable, block_crc, crc, digest,
        key, write_details, write_row, write_source, write_unreadable,
    },
    osv::{self, Affected, Record, Remark},
    ranges::Event,
    severity::Stated,
    source::{
        Outcome, Source, UnreadableRecord, find, read_archive, read_file, read_files, read_zip,
    },
    wire::Writer,
};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use plimsoll_model::{
    Limits,
    scan::{SourceKind, SourceStamp},
};
use std::collections::{BTreeMap, BTreeSet};

/// Collects advisories from any number of sources and writes one index.
///
/// A record that is there several times is kept once, the newest copy; copies of the same age that name different packages
/// (one erratum in the folders of two releases) are put together. The same records and the same time give the same bytes.
#[derive(Debug)]
pub struct Builder {
    now: Timestamp,
    /// Bytes of one record.
    limit: u64,
    records: BTreeMap<String, Record>,
    /// Records that could not be read and why, by the source they came from.
    unreadable: BTreeMap<String, BTreeMap<String, String>>,
    /// Where the records of an ecosystem were fetched from.
    addresses: BTreeMap<String, BTreeSet<String>>,
    extras: Extras,
}

/// Records of one source that could not be read and are named in the index.
const MOST_NAMED: usize = 20;
/// The longest name or reason of such a record that is kept, in characters.
const LONGEST_REASON: usize = 300;

/// What was taken from one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The ecosystem, where the source is its archive; else the file or folder.
    pub source: String,
    /// Records that were taken.
    pub records: u64,
    /// Records that were left out because they have been withdrawn.
    pub skipped_withdrawn: u64,
    /// Records that could not be read; with any, the source is incomplete.
    pub unreadable: Vec<UnreadableRecord>,
}

impl Builder {
    /// Nothing yet. `now` is when the index is built and its sources are fetched.
    pub const fn new(now: Timestamp, limits: &Limits) -> Self {
        Self {
            now,
            limit: limits.advisory,
            records: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            addresses: BTreeMap::new(),
            extras: Extras::new(),
        }
    }

    /// Takes the records of a folder (every `*.json` and `all.zip` in it or below), of an archive, or of one file; or one
    /// file that is CISA's catalog, EPSS or a list of `distro-info-data`, which is told by its content.
    pub fn import(&mut self, path: &Utf8Path) -> Result<Imported, Error> {
        if let Some(list) = self.read_list(path)? {
            return Ok(self.take_list(list, None));
        }
        let mut total = Imported::nothing(path.as_str());
        let mut files: BTreeMap<String, Vec<Utf8PathBuf>> = BTreeMap::new();
        for source in find(path)? {
            match source {
                Source::Archive(file) => {
                    let name = archive_name(&file);
                    total.add(self.import_zip_bytes(&name, &read_archive(&file)?)?);
                }
                Source::Record(file) => {
                    files.entry(folder_name(&file)).or_default().push(file);
                }
                Source::Unreadable(record) => {
                    total.add(self.take(path.as_str(), vec![Err(record)]));
                }
            }
        }
        for (name, files) in files {
            total.add(self.take(&name, read_files(&files, self.limit)));
        }
        if total.is_nothing() {
            return Err(Error::NoRecords { path: path.to_owned() });
        }
        Ok(total)
    }

    /// Takes the records of an archive. `name` is its ecosystem, where it is that of one.
    pub fn import_zip_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<Imported, Error> {
        Ok(self.take(name, read_zip(name, bytes, self.limit)?))
    }

    /// Takes CISA's catalog, EPSS or a list of `distro-info-data`, which is told by its content. `name` is for errors.
    pub fn import_list_bytes(
        &mut self,
        name: &str,
        from: Option<&str>,
        bytes: &[u8],
    ) -> Result<Imported, Error> {
        let list = List::read(name, bytes)?;
        let list = list.ok_or_else(|| Error::UnknownList { name: name.to_owned() })?;
        Ok(self.take_list(list, from))
    }

    pub(crate) fn take_list(&mut self, list: List, from: Option<&str>) -> Imported {
        let imported = self.extras.take(list, from, self.now);
        let names = self.unreadable.entry(imported.source.clone()).or_default();
        *names = named(&imported.unreadable);
        imported
    }

    /// The list in a file; nothing where it is a folder, an archive or a record.
    fn read_list(&self, path: &Utf8Path) -> Result<Option<List>, Error> {
        let is_archive = path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("zip"));
        if is_archive || path.is_dir() {
            return Ok(None);
        }
        let bytes = read_file(path, extra::LARGEST_LIST)?;
        let is_record = u64::try_from(bytes.len()).is_ok_and(|size| size <= self.limit)
            && Record::parse(&bytes).is_ok();
        if is_record { Ok(None) } else { List::read(path.as_str(), &bytes) }
    }

    /// Bytes that one record may have.
    pub(crate) const fn limit(&self) -> u64 {
        self.limit
    }

    /// Takes what was fetched of a source.
    pub(crate) fn take_fetched(
        &mut self,
        name: &str,
        from: &str,
        outcomes: Vec<Outcome>,
    ) -> Imported {
        let ecosystems: BTreeSet<_> = outcomes
            .iter()
            .flatten()
            .flat_map(|record| &record.affected)
            .map(|affected| base(&affected.ecosystem))
            .chain([name])
            .collect();
        for ecosystem in ecosystems {
            self.addresses.entry(ecosystem.to_owned()).or_default().insert(from.to_owned());
        }
        self.take(name, outcomes)
    }

    /// Takes what was read of a source.
    pub(crate) fn take(&mut self, name: &str, outcomes: Vec<Outcome>) -> Imported {
        let mut imported = Imported::nothing(name);
        for outcome in outcomes {
            match outcome {
                Ok(record) => {
                    let count = if record.is_withdrawn {
                        &mut imported.skipped_withdrawn
                    } else {
                        &mut imported.records
                    };
                    *count = count.saturating_add(1);
                    self.add(record);
                }
                Err(record) => {
                    let names = self.unreadable.entry(name.to_owned()).or_default();
                    names.insert(record.name.clone(), record.reason.clone());
                    imported.unreadable.push(record);
                }
            }
        }
        imported
    }

    /// Writes the index.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        let (sources, unreadable) = (self.sources(), self.first_unreadable());
        let extras = self.extras.blocks();
        let records: Vec<_> =
            self.records.into_values().filter(|record| !record.is_withdrawn).collect();
        let mut aliases = Aliases::default();
        for record in &records {
            let own: Vec<_> =
                std::iter::once(&record.id).chain(&record.aliases).map(String::as_str).collect();
            aliases.join(&own);
            for id in &record.upstream {
                aliases.join(&[id]);
            }
        }
        let mut sections = Sections::default();
        let mut packages: BTreeMap<Vec<u8>, Writer> = BTreeMap::new();
        let mut counts: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        for record in &records {
            let advisory = sections.add_details(record, &aliases)?;
            for affected in &record.affected {
                sections.ecosystems.insert(&affected.ecosystem);
                if let Some(row) = row(affected, advisory) {
                    let key = key(&affected.ecosystem, &affected.name);
                    let count = counts.entry(key.clone()).or_default();
                    *count = count.saturating_add(1);
                    write_row(packages.entry(key).or_default(), &row);
                }
            }
        }
        for ((key, rows), count) in packages.into_iter().zip(counts.into_values()) {
            sections.add_block(&key, count, &rows.0)?;
        }
        // No name of an ecosystem begins as these keys do, with the last of all bytes: they come after all others.
        for (key, (count, entries)) in extras {
            sections.add_block(&key, count, &entries.0)?;
        }
        sections.finish((&sources, &unreadable), records.len(), self.now)
    }

    fn add(&mut self, record: Record) {
        match self.records.remove(&record.id) {
            None => self.records.insert(record.id.clone(), record),
            Some(known) => self.records.insert(record.id.clone(), merge(known, record)),
        };
    }

    fn sources(&self) -> Vec<SourceStamp> {
        let empty = |ecosystem: &str| SourceStamp {
            kind: SourceKind::Advisories,
            from: self.addresses.get(ecosystem).and_then(together),
            ecosystem: ecosystem.to_owned(),
            records: 0,
            unreadable: 0,
            newest: None,
            fetched: self.now,
        };
        let mut sources: BTreeMap<&str, SourceStamp> = BTreeMap::new();
        for record in self.records.values().filter(|record| !record.is_withdrawn) {
            let ecosystems: BTreeSet<_> =
                record.affected.iter().map(|affected| base(&affected.ecosystem)).collect();
            for ecosystem in ecosystems {
                let stamp = sources.entry(ecosystem).or_insert_with(|| empty(ecosystem));
                stamp.records = stamp.records.saturating_add(1);
                stamp.newest = stamp.newest.max(record.modified);
            }
        }
        // An archive may have nothing in it, and then says so.
        for name in self.addresses.keys() {
            sources.entry(name).or_insert_with(|| empty(name));
        }
        let lists: BTreeSet<_> =
            self.extras.stamps().map(|stamp| stamp.ecosystem.as_str()).collect();
        for (name, records) in &self.unreadable {
            if lists.contains(name.as_str()) {
                continue;
            }
            let stamp = sources.entry(name).or_insert_with(|| empty(name));
            stamp.unreadable = u64::try_from(records.len()).unwrap_or(u64::MAX);
        }
        sources.into_values().chain(self.extras.stamps().cloned()).collect()
    }

    fn first_unreadable(&self) -> Vec<Unreadable> {
        let clip = |text: &String| text.chars().take(LONGEST_REASON).collect();
        let record = |(name, reason)| UnreadableRecord { name: clip(name), reason: clip(reason) };
        self.unreadable
            .iter()
            .filter(|(_, records)| !records.is_empty())
            .map(|(source, records)| Unreadable {
                source: source.clone(),
                first: records.iter().take(MOST_NAMED).map(record).collect(),
            })
            .collect()
    }
}

impl Imported {
    fn nothing(source: &str) -> Self {
        Self { source: source.to_owned(), records: 0, skipped_withdrawn: 0, unreadable: Vec::new() }
    }

    const fn is_nothing(&self) -> bool {
        self.records == 0 && self.skipped_withdrawn == 0 && self.unreadable.is_empty()
    }

    fn add(&mut self, other: Self) {
        self.records = self.records.saturating_add(other.records);
        self.skipped_withdrawn = self.skipped_withdrawn.saturating_add(other.skipped_withdrawn);
        self.unreadable.extend(other.unreadable);
    }
}

fn named(records: &[UnreadableRecord]) -> BTreeMap<String, String> {
    records.iter().map(|record| (record.name.clone(), record.reason.clone())).collect()
}

/// One address, or the first and how many more there are.
fn together(addresses: &BTreeSet<String>) -> Option<String> {
    let first = addresses.first()?;
    match addresses.len().saturating_sub(1) {
        0 => Some(first.clone()),
        more => Some(format!("{first} and {more} more")),
    }
}

/// `npm/all.zip` is the archive of npm.
fn archive_name(file: &Utf8Path) -> String {
    if file.file_name() == Some("all.zip") {
        folder_name(file)
    } else {
        file.file_stem().unwrap_or_default().to_owned()
    }
}

fn folder_name(file: &Utf8Path) -> String {
    file.parent().and_then(Utf8Path::file_name).unwrap_or("records").to_owned()
}

/// Two copies of one record. The newer one says what holds; of the older one stays what is about releases that the newer
/// one does not speak of, since an erratum that several releases share may have a copy for each.
fn merge(left: Record, right: Record) -> Record {
    // A copy that has been withdrawn says so last.
    let age = |record: &Record| (record.modified, record.is_withdrawn);
    let is_same_age = age(&left) == age(&right);
    let (mut newer, older) = if age(&left) > age(&right) { (left, right) } else { (right, left) };
    if newer.is_withdrawn {
        return newer;
    }
    let spoken_of: BTreeSet<_> =
        newer.affected.iter().map(|affected| affected.ecosystem.clone()).collect();
    for affected in older.affected {
        if (is_same_age || !spoken_of.contains(&affected.ecosystem))
            && !newer.affected.contains(&affected)
        {
            newer.affected.push(affected);
        }
    }
    let order = |affected: &Affected| {
        (affected.ecosystem.clone(), affected.name.clone(), affected.ranges.clone())
    };
    newer.affected.sort_by_cached_key(order);
    newer.aliases.extend(older.aliases);
    newer.upstream.extend(older.upstream);
    newer
}

/// What the index keeps of a package; nothing where the record can not apply to any version.
fn row(affected: &Affected, advisory: u32) -> Option<Row<'_>> {
    let says_something = !affected.ranges.is_empty() || !affected.versions.is_empty();
    (affected.is_vulnerability && says_something).then(|| Row {
        advisory,
        rating: affected.rating.clone(),
        severities: affected.severities.iter().map(Stated::borrowed).collect(),
        imports: affected.imports.iter().map(String::as_str).collect(),
        remarks: affected.remarks.iter().map(Remark::borrowed).collect(),
        ranges: affected.ranges.iter().map(|events| events.iter().map(event).collect()).collect(),
        versions: affected.versions.iter().map(String::as_str).collect(),
    })
}

fn event(event: &osv::Event) -> Event<'_> {
    match event {
        osv::Event::Introduced(text) => Event::Introduced(text),
        osv::Event::Fixed(text) => Event::Fixed(text),
        osv::Event::LastAffected(text) => Event::LastAffected(text),
        osv::Event::Limit(text) => Event::Limit(text),
        osv::Event::Unreadable(text) => Event::Unreadable(text),
    }
}

/// The ids of each flaw that a record is about.
///
/// A record of a distribution that mends several flaws of upstream stands for each of them; any other is about one.
fn flaws<'a>(record: &'a Record, aliases: &'a Aliases) -> Vec<Vec<&'a str>> {
    let of = |id: &'a str| aliases.of(id);
    if record.upstream.len() > 1 {
        return record.upstream.iter().map(|id| of(id).into_iter().collect()).collect();
    }
    let mut ids = of(&record.id);
    ids.extend(record.aliases.iter().map(String::as_str));
    for id in &record.upstream {
        ids.extend(of(id));
    }
    vec![ids.into_iter().collect()]
}

/// The parts of the file, in the making.
#[derive(Default)]
struct Sections<'a> {
    ecosystems: BTreeSet<&'a str>,
    key_ends: Writer,
    block_ends: Writer,
    keys: Vec<u8>,
    blocks: Writer,
    details: Writer,
    count: usize,
}

impl Sections<'_> {
    fn add_details(&mut self, record: &Record, aliases: &Aliases) -> Result<u32, Error> {
        let at = offset(self.details.0.len(), "all advisories together")?;
        let mut writer = Writer::default();
        write_details(
            &mut writer,
            &Details {
                id: &record.id,
                flaws: flaws(record, aliases),
                summary: &record.summary,
                rating: record.rating.clone(),
                severities: record.severities.iter().map(Stated::borrowed).collect(),
                remarks: record.remarks.iter().map(Remark::borrowed).collect(),
                published: record.published,
                modified: record.modified,
                class: record.class,
                reference: record.reference.as_deref(),
            },
        );
        self.details.count(writer.0.len());
        self.details.u32(crc(&[&writer.0]));
        self.details.0.extend(writer.0);
        Ok(at)
    }

    fn add_block(&mut self, key: &[u8], rows: u32, bytes: &[u8]) -> Result<(), Error> {
        let count = rows.to_le_bytes();
        self.blocks.u32(block_crc(self.count, key, &[&count, bytes]));
        self.blocks.0.extend(count);
        self.blocks.0.extend(bytes);
        self.keys.extend(key);
        self.key_ends.u32(offset(self.keys.len(), "the list of packages")?);
        self.block_ends.u32(offset(self.blocks.0.len(), "the list of affected versions")?);
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    fn finish(
        self,
        (sources, unreadable): (&[SourceStamp], &[Unreadable]),
        records: usize,
        built: Timestamp,
    ) -> Result<Vec<u8>, Error> {
        let mut tables = Writer::default();
        tables.list(sources, write_source);
        tables.list(unreadable, write_unreadable);
        let ecosystems: Vec<_> = self.ecosystems.into_iter().collect();
        tables.list(&ecosystems, |writer, ecosystem| writer.text(ecosystem));
        tables.count(self.count);
        tables.u32(offset(self.keys.len(), "the list of packages")?);
        tables.u32(offset(self.blocks.0.len(), "the list of affected versions")?);
        let rest = [self.key_ends.0, self.block_ends.0, self.keys, self.blocks.0, self.details.0];
        let length = rest.iter().fold(HEADER.saturating_add(tables.0.len()), |length, part| {
            length.saturating_add(part.len())
        });
        let mut all = Writer(MAGIC.to_vec());
        all.u32(FORMAT);
        all.u32(offset(tables.0.len(), "the list of packages")?);
        all.u64(u64::try_from(length).unwrap_or(u64::MAX));
        all.u64(u64::try_from(records).unwrap_or(u64::MAX));
        all.time(built);
        let checksum = crc(&[&all.0, &tables.0]);
        all.u32(checksum);
        debug_assert_eq!(all.0.len(), CHECKSUM.end, "the header is laid out as the reader expects");
        all.0.extend([0; DIGEST.end - DIGEST.start]);
        all.0.reserve_exact(length.saturating_sub(all.0.len()));
        all.0.extend(tables.0);
        // Each is given back when it has been copied: together they are as large as the index.
        for part in rest {
            all.0.extend(part);
        }
        let mut all = all.0;
        if let (Some(digest), Some(place)) = (digest(&all), all.get_mut(DIGEST)) {
            place.copy_from_slice(digest.as_bytes());
        }
        Ok(all)
    }
}

fn offset(length: usize, part: &'static str) -> Result<u32, Error> {
    u32::try_from(length).ok().ok_or(Error::IndexTooLarge { part, limit: u64::from(u32::MAX) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{builder, zip};

    #[test]
    fn a_folder_is_taken_whole_and_what_is_broken_is_counted_where_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        let record = |id: &str| {
            format!(
                r#"{{"id":"{id}","affected":[{{"package":{{"ecosystem":"npm","name":"a"}},"versions":["1"]}}]}}"#
            )
        };
        std::fs::create_dir_all(root.join("npm/more")).unwrap();
        std::fs::write(root.join("npm/A.json"), record("A")).unwrap();
        std::fs::write(root.join("npm/more/B.json"), "{").unwrap();
        let archive = zip(&[("A.json", record("A").as_bytes()), ("C.json", b"[]")]);
        std::fs::write(root.join("npm/all.zip"), archive).unwrap();
        let mut builder = builder();
        let imported = builder.import(root).unwrap();
        let unreadable: Vec<_> =
            imported.unreadable.iter().map(|record| record.name.as_str()).collect();
        assert_eq!(unreadable, ["C.json", root.join("npm/more/B.json").as_str()]);
        assert_eq!((imported.records, imported.skipped_withdrawn), (2, 0));
        let stamps: Vec<_> = builder
            .sources()
            .into_iter()
            .map(|stamp| (stamp.ecosystem, stamp.records, stamp.unreadable))
            .collect();
        assert_eq!(stamps, [("more".to_owned(), 0, 1), ("npm".to_owned(), 1, 1)]);
    }

    #[test]
    fn one_file_is_a_source_and_nothing_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        assert!(matches!(builder().import(root), Err(Error::NoRecords { .. })));
        assert!(matches!(builder().import(&root.join("absent")), Err(Error::Source { .. })));
        let file = root.join("a.json");
        std::fs::write(&file, r#"{"id":"A"}"#).unwrap();
        assert_eq!(builder().import(&file).unwrap().records, 1);
        let archive = root.join("export.zip");
        std::fs::write(&archive, "PK no more").unwrap();
        assert!(matches!(
            builder().import(&archive),
            Err(Error::Archive { name, .. }) if name == "export"
        ));
    }

    #[test]
    fn a_record_larger_than_the_limit_is_unreadable() {
        let limits = Limits { advisory: 20, ..Limits::STANDARD };
        let mut builder = Builder::new(Timestamp::UNIX_EPOCH, &limits);
        let bytes =
            zip(&[("A.json", br#"{"id":"A"}"#), ("B.json", br#"{"id":"BBBBBBBBBBBBBBBBB"}"#)]);
        let imported = builder.import_zip_bytes("npm", &bytes).unwrap();
        assert_eq!(imported.records, 1);
        assert_eq!(
            imported.unreadable,
            [UnreadableRecord {
                name: "B.json".to_owned(),
                reason: "larger than 20 bytes".to_owned()
            }]
        );
    }
}
