//! The advisory index: one immutable file, memory-mapped, read in place.
//!
//! All numbers are little-endian. Offsets count from the start of their section.
//!
//! ```text
//! header   magic 8 · format u32 · length of the tables u32 · length of the file u64 · records u64
//!          · built (seconds i64, nanoseconds i32) · CRC-32 of all before it and of the tables u32
//!          · SHA-256 of everything but itself 32
//! tables   sources · the first unreadable records of each · ecosystems with advisories, sorted · number of keys u32
//!          · length of all keys u32 · length of all blocks u32
//! keys     end of each key u32 · end of each block u32 · keys, sorted (`ecosystem NUL name`)
//!          (keys that begin with the byte 255 are those of other lists: see `extra`)
//! blocks   one for each key: CRC-32 of the position u32 of its key, of the key, and of the rows · rows
//! records  one for each advisory: length u32 · CRC-32 · what is shown of it
//! ```
//!
//! The checksums make a damaged file an error and never an absent advisory. Of the keys, which may be millions, only those
//! are checked that an answer rests on: the one that was asked for, or the two that lie beside each other where it would
//! be. The digest, verified when an index is installed and by [`Index::verify`], is the identity of the whole.

use crate::{
    Error,
    osv::Remark,
    ranges::Event,
    severity::{Origin, Rating, Stated},
    source::UnreadableRecord,
    wire::{Reader, Writer},
};
use camino::Utf8Path;
use jiff::Timestamp;
use plimsoll_model::{
    Digest, Severity,
    advisory::{AdvisoryClass, Cvss},
    digest::Digester,
    scan::{IndexStamp, SourceKind, SourceStamp},
};
use std::{cmp::Ordering, fmt, fs::File, io, ops::Range};

mod header;

use header::Header;
pub(crate) use header::{CHECKSUM, DIGEST, FORMAT, HEADER, MAGIC};

/// The advisory index.
pub struct Index {
    bytes: Bytes,
    stamp: IndexStamp,
    records: u64,
    unreadable: Vec<Unreadable>,
    ecosystems: Vec<String>,
    sections: Sections,
}

/// The first records of a source that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The source, as its stamp names it.
    pub source: String,
    /// The first of them, by name; the stamp says how many there are.
    pub first: Vec<UnreadableRecord>,
}

enum Bytes {
    Mapped(memmap2::Mmap),
    Owned(Vec<u8>),
}

/// Where the parts that are read in place lie.
struct Sections {
    keys: usize,
    key_ends: Range<usize>,
    block_ends: Range<usize>,
    key_texts: Range<usize>,
    blocks: Range<usize>,
    records: Range<usize>,
}

/// One package of one advisory, read in place.
#[derive(Debug, PartialEq)]
pub(crate) struct Row<'a> {
    pub(crate) advisory: u32,
    pub(crate) rating: Option<Rating>,
    /// Everything that the record says of this package alone on how bad its flaw is; `rating` is the one that counts.
    pub(crate) severities: Vec<Stated<&'a str>>,
    /// The packages of a Go module that have the flaw; without any, all of them.
    pub(crate) imports: Vec<&'a str>,
    /// What the database says of this package beside the schema, such as that it will not be mended.
    pub(crate) remarks: Vec<Remark<&'a str>>,
    pub(crate) ranges: Vec<Vec<Event<'a>>>,
    pub(crate) versions: Vec<&'a str>,
}

/// What is shown of an advisory, read in place.
#[derive(Debug, PartialEq)]
pub(crate) struct Details<'a> {
    pub(crate) id: &'a str,
    /// Ids of the flaw; several lists where the record is about several flaws.
    pub(crate) flaws: Vec<Vec<&'a str>>,
    pub(crate) summary: &'a str,
    pub(crate) rating: Rating,
    /// Everything that the record says on how bad its flaw is; `rating` is the one that counts.
    pub(crate) severities: Vec<Stated<&'a str>>,
    /// What the database says beside the schema.
    pub(crate) remarks: Vec<Remark<&'a str>>,
    pub(crate) published: Option<Timestamp>,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) class: AdvisoryClass,
    pub(crate) reference: Option<&'a str>,
}

impl Index {
    /// Maps the index at `path`. Its header and tables are checked, its digest is not: see [`Index::verify`].
    pub fn open(path: &Utf8Path) -> Result<Self, Error> {
        let unreadable = |source: io::Error| {
            if source.kind() == io::ErrorKind::NotFound {
                Error::IndexMissing { path: path.to_owned() }
            } else {
                Error::IndexUnreadable { path: path.to_owned(), source }
            }
        };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
            return Err(Error::IndexUnreadable { path: path.to_owned(), source });
        }
        if metadata.len() == 0 {
            return Err(Error::NotAnIndex);
        }
        Self::new(Bytes::Mapped(map(&file).map_err(unreadable)?))
    }

    /// The index in `bytes`.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::new(Bytes::Owned(bytes))
    }

    /// Identity, age and sources.
    pub const fn stamp(&self) -> &IndexStamp {
        &self.stamp
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// Recomputes the digest of the whole.
    pub fn verify(&self) -> Result<(), Error> {
        let found = digest(self.bytes.as_slice()).ok_or(Error::Damaged { part: "header" })?;
        if found != self.stamp.digest {
            return Err(Error::DigestMismatch { expected: self.stamp.digest, found });
        }
        Ok(())
    }

    /// How many records it holds.
    pub const fn len(&self) -> u64 {
        self.records
    }

    /// Whether it holds no record.
    pub const fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Whether any advisory is about this ecosystem, with its release.
    pub(crate) fn has_ecosystem(&self, ecosystem: &str) -> bool {
        self.ecosystems.binary_search_by(|known| known.as_str().cmp(ecosystem)).is_ok()
    }

    /// The first records of each source that could not be read.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// Every row about a package.
    pub(crate) fn rows(&self, ecosystem: &str, name: &str) -> Result<Vec<Row<'_>>, Error> {
        self.entries(&key(ecosystem, name), row)
    }

    /// Everything in the block of a key.
    pub(crate) fn entries<'a, T>(
        &'a self,
        key: &[u8],
        read: impl FnMut(&mut Reader<'a>) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let read = || {
            let Some(at) = self.find(key)? else { return Some(Vec::new()) };
            let mut reader = Reader(self.block(at)?);
            let entries = reader.list(read)?;
            reader.0.is_empty().then_some(entries)
        };
        read().ok_or(Error::Damaged { part: "what is known of a package or a flaw" })
    }

    /// The block of the key at a position, where key and block are whole.
    fn block(&self, at: usize) -> Option<&[u8]> {
        let key = self.part(&self.sections.key_ends, &self.sections.key_texts, at)?;
        let block = self.part(&self.sections.block_ends, &self.sections.blocks, at)?;
        let (checksum, rows) = block.split_first_chunk()?;
        (block_crc(at, key, &[rows]) == u32::from_le_bytes(*checksum)).then_some(rows)
    }

    /// What is shown of the advisory that a row names.
    pub(crate) fn details(&self, advisory: u32) -> Result<Details<'_>, Error> {
        details(self.record(advisory)?).ok_or(Error::Damaged { part: "an advisory" })
    }

    /// The id and the summary of the advisory that a row names, without all the rest.
    pub(crate) fn heading(&self, advisory: u32) -> Result<(&str, &str), Error> {
        heading(self.record(advisory)?).ok_or(Error::Damaged { part: "an advisory" })
    }

    fn record(&self, advisory: u32) -> Result<&[u8], Error> {
        let read = || {
            let start = usize::try_from(advisory).ok()?;
            let records = self.bytes.as_slice().get(self.sections.records.clone())?;
            let mut reader = Reader(records.get(start..)?);
            let length = reader.count()?;
            let checksum = reader.u32()?;
            let record = reader.bytes(length)?;
            (crc(&[record]) == checksum).then_some(record)
        };
        read().ok_or(Error::Damaged { part: "an advisory" })
    }

    fn new(bytes: Bytes) -> Result<Self, Error> {
        let all = bytes.as_slice();
        let header = Header::read(all)?;
        let damaged = Error::Damaged { part: "header or tables" };
        let tables =
            all.get(HEADER..).and_then(|rest| rest.get(..header.tables)).filter(|tables| {
                all.get(..CHECKSUM.start).map(|head| crc(&[head, tables])) == Some(header.checksum)
            });
        let tables = tables.ok_or(damaged)?;
        let mut reader = Reader(tables);
        let parsed = (|| {
            let sources = reader.list(source)?;
            let unreadable = reader.list(unreadable)?;
            let ecosystems = reader.list(|reader| reader.text().map(str::to_owned))?;
            let sections = Sections::read(&mut reader, header.tables, all)?;
            Some((sources, unreadable, ecosystems, sections))
        })();
        let (sources, unreadable, ecosystems, sections) =
            parsed.ok_or(Error::Damaged { part: "header or tables" })?;
        let stamp = IndexStamp { digest: header.digest, built: header.built, sources };
        Ok(Self { stamp, records: header.records, unreadable, ecosystems, sections, bytes })
    }

    /// The position of a key; the outer `None` where damage may be why it is not found.
    #[expect(
        clippy::option_option,
        reason = "what is not there is one thing, what can not be read another"
    )]
    fn find(&self, wanted: &[u8]) -> Option<Option<usize>> {
        let (mut low, mut high) = (0, self.sections.keys);
        while low < high {
            let middle = low.midpoint(high);
            let found = self.part(&self.sections.key_ends, &self.sections.key_texts, middle)?;
            match found.cmp(wanted) {
                Ordering::Equal => return Some(Some(middle)),
                Ordering::Less => low = middle.saturating_add(1),
                Ordering::Greater => high = middle,
            }
        }
        // Keys are sorted: it is nowhere, if the last that is less and the first that is greater are what was written there.
        let beside =
            low.checked_sub(1).into_iter().chain((low < self.sections.keys).then_some(low));
        beside.map(|at| self.block(at)).all(|block| block.is_some()).then_some(None)
    }

    /// Part `at` of a section that is cut at `ends`.
    fn part(&self, ends: &Range<usize>, section: &Range<usize>, at: usize) -> Option<&[u8]> {
        let all = self.bytes.as_slice();
        let ends = all.get(ends.clone())?;
        let start = match at.checked_sub(1) {
            Some(before) => end_at(ends, before)?,
            None => 0,
        };
        all.get(section.clone())?.get(start..end_at(ends, at)?)
    }
}

/// `ecosystem NUL name`: neither can be mistaken for the other, and packages of one ecosystem lie together.
pub(crate) fn key(ecosystem: &str, name: &str) -> Vec<u8> {
    [ecosystem.as_bytes(), &[0], name.as_bytes()].concat()
}

/// What guards a block, and with it the key that it is for and that key's place among the others.
pub(crate) fn block_crc(at: usize, key: &[u8], rows: &[&[u8]]) -> u32 {
    let position = u32::try_from(at).unwrap_or(u32::MAX).to_le_bytes();
    crc(&[&[&position, key], rows].concat())
}

/// CRC-32 of several pieces one after the other.
pub(crate) fn crc(pieces: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for piece in pieces {
        hasher.update(piece);
    }
    hasher.finalize()
}

/// SHA-256 of everything but the place where it is kept.
pub(crate) fn digest(all: &[u8]) -> Option<Digest> {
    let mut digester = Digester::new();
    digester.update(all.get(..DIGEST.start)?);
    digester.update(all.get(DIGEST.end..)?);
    Some(digester.finish())
}

#[expect(
    unsafe_code,
    reason = "the index is read in place, which is what lets it open in well under 5 ms at any size"
)]
fn map(file: &File) -> io::Result<memmap2::Mmap> {
    // SAFETY: a mapping is sound as long as nobody changes or cuts the file under it. `install` is the only writer of an
    // index, and it never writes to an index in place: it makes a new file and renames it, which leaves the mapped one as
    // it is until the last reader is gone. Someone else who is allowed to write to the file could break this, as they could
    // break any file that we trust; what is read from the mapping is checked as hostile bytes all the same.
    unsafe { memmap2::Mmap::map(file) }
}

fn end_at(ends: &[u8], at: usize) -> Option<usize> {
    let mut reader = Reader(ends.get(at.checked_mul(4)?..)?);
    reader.count()
}

fn source(reader: &mut Reader<'_>) -> Option<SourceStamp> {
    Some(SourceStamp {
        kind: match reader.u8()? {
            0 => SourceKind::Advisories,
            1 => SourceKind::Exploited,
            2 => SourceKind::Predictions,
            3 => SourceKind::Lifetimes,
            _ => return None,
        },
        ecosystem: reader.text()?.to_owned(),
        from: reader.option(Reader::text)?.map(str::to_owned),
        records: reader.u64()?,
        unreadable: reader.u64()?,
        newest: reader.option(Reader::time)?,
        fetched: reader.time()?,
    })
}

/// Writes what [`source`] reads.
pub(crate) fn write_source(writer: &mut Writer, source: &SourceStamp) {
    writer.u8(match source.kind {
        SourceKind::Advisories => 0,
        SourceKind::Exploited => 1,
        SourceKind::Predictions => 2,
        SourceKind::Lifetimes => 3,
    });
    writer.text(&source.ecosystem);
    writer.option(source.from.as_deref(), Writer::text);
    writer.u64(source.records);
    writer.u64(source.unreadable);
    writer.option(source.newest, Writer::time);
    writer.time(source.fetched);
}

fn unreadable(reader: &mut Reader<'_>) -> Option<Unreadable> {
    let record = |reader: &mut Reader<'_>| {
        let (name, reason) = (reader.text()?.to_owned(), reader.text()?.to_owned());
        Some(UnreadableRecord { name, reason })
    };
    Some(Unreadable { source: reader.text()?.to_owned(), first: reader.list(record)? })
}

/// Writes what [`unreadable`] reads.
pub(crate) fn write_unreadable(writer: &mut Writer, unreadable: &Unreadable) {
    writer.text(&unreadable.source);
    writer.list(&unreadable.first, |writer, record| {
        writer.text(&record.name);
        writer.text(&record.reason);
    });
}

fn row<'a>(reader: &mut Reader<'a>) -> Option<Row<'a>> {
    Some(Row {
        advisory: reader.u32()?,
        rating: reader.option(rating)?,
        severities: reader.list(stated)?,
        imports: reader.list(Reader::text)?,
        remarks: reader.list(remark)?,
        ranges: reader.list(|reader| reader.list(event))?,
        versions: reader.list(Reader::text)?,
    })
}

/// Writes what [`row`] reads.
pub(crate) fn write_row(writer: &mut Writer, row: &Row<'_>) {
    writer.u32(row.advisory);
    writer.option(row.rating.as_ref(), write_rating);
    writer.list(&row.severities, write_stated);
    writer.list(&row.imports, |writer, import| writer.text(import));
    writer.list(&row.remarks, write_remark);
    writer.list(&row.ranges, |writer, events| writer.list(events, write_event));
    writer.list(&row.versions, |writer, version| writer.text(version));
}

fn event<'a>(reader: &mut Reader<'a>) -> Option<Event<'a>> {
    let kind = reader.u8()?;
    let text = reader.text()?;
    match kind {
        0 => Some(Event::Introduced(text)),
        1 => Some(Event::Fixed(text)),
        2 => Some(Event::LastAffected(text)),
        3 => Some(Event::Limit(text)),
        4 => Some(Event::Unreadable(text)),
        _ => None,
    }
}

fn write_event(writer: &mut Writer, event: &Event<'_>) {
    let (kind, text) = match event {
        Event::Introduced(text) => (0, text),
        Event::Fixed(text) => (1, text),
        Event::LastAffected(text) => (2, text),
        Event::Limit(text) => (3, text),
        Event::Unreadable(text) => (4, text),
    };
    writer.u8(kind);
    writer.text(text);
}

fn rating(reader: &mut Reader<'_>) -> Option<Rating> {
    let severity = match reader.u8()? {
        0 => Severity::Unknown,
        1 => Severity::Info,
        2 => Severity::Low,
        3 => Severity::Medium,
        4 => Severity::High,
        5 => Severity::Critical,
        _ => return None,
    };
    let cvss = reader
        .option(|reader| Some(Cvss { score: reader.f64()?, vector: reader.text()?.to_owned() }))?;
    Some(Rating { severity, cvss })
}

fn write_rating(writer: &mut Writer, rating: &Rating) {
    writer.u8(match rating.severity {
        Severity::Unknown => 0,
        Severity::Info => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    });
    writer.option(rating.cvss.as_ref(), |writer, cvss| {
        writer.f64(cvss.score);
        writer.text(&cvss.vector);
    });
}

fn stated<'a>(reader: &mut Reader<'a>) -> Option<Stated<&'a str>> {
    let origin = match reader.u8()? {
        0 => Origin::Severity,
        1 => Origin::Database,
        2 => Origin::Ecosystem,
        3 => Origin::Summary,
        _ => return None,
    };
    Some(Stated { origin, kind: reader.text()?, text: reader.text()? })
}

fn write_stated(writer: &mut Writer, stated: &Stated<&str>) {
    writer.u8(match stated.origin {
        Origin::Severity => 0,
        Origin::Database => 1,
        Origin::Ecosystem => 2,
        Origin::Summary => 3,
    });
    writer.text(stated.kind);
    writer.text(stated.text);
}

fn remark<'a>(reader: &mut Reader<'a>) -> Option<Remark<&'a str>> {
    Some(Remark { key: reader.text()?, text: reader.text()? })
}

fn write_remark(writer: &mut Writer, remark: &Remark<&str>) {
    writer.text(remark.key);
    writer.text(remark.text);
}

fn heading(record: &[u8]) -> Option<(&str, &str)> {
    let mut reader = Reader(record);
    let id = reader.text()?;
    reader.list(|reader| reader.list(Reader::text))?;
    Some((id, reader.text()?))
}

fn details(record: &[u8]) -> Option<Details<'_>> {
    let mut reader = Reader(record);
    let details = Details {
        id: reader.text()?,
        flaws: reader.list(|reader| reader.list(Reader::text))?,
        summary: reader.text()?,
        rating: rating(&mut reader)?,
        severities: reader.list(stated)?,
        remarks: reader.list(remark)?,
        published: reader.option(Reader::time)?,
        modified: reader.option(Reader::time)?,
        class: match reader.u8()? {
            0 => AdvisoryClass::Vulnerability,
            1 => AdvisoryClass::Malware,
            _ => return None,
        },
        reference: reader.option(Reader::text)?,
    };
    reader.0.is_empty().then_some(details)
}

/// Writes what [`details`] reads.
pub(crate) fn write_details(writer: &mut Writer, details: &Details<'_>) {
    writer.text(details.id);
    writer.list(&details.flaws, |writer, ids| writer.list(ids, |writer, id| writer.text(id)));
    writer.text(details.summary);
    write_rating(writer, &details.rating);
    writer.list(&details.severities, write_stated);
    writer.list(&details.remarks, write_remark);
    writer.option(details.published, Writer::time);
    writer.option(details.modified, Writer::time);
    writer.u8(match details.class {
        AdvisoryClass::Vulnerability => 0,
        AdvisoryClass::Malware => 1,
    });
    writer.option(details.reference, Writer::text);
}

impl Sections {
    /// `reader` is at the number of keys, which ends the tables.
    fn read(reader: &mut Reader<'_>, tables: usize, all: &[u8]) -> Option<Self> {
        let (keys, key_length, block_length) = (reader.count()?, reader.count()?, reader.count()?);
        let ends = keys.checked_mul(4)?;
        let mut start = HEADER.checked_add(tables)?;
        let mut next = |length: usize| {
            let end = start.checked_add(length)?;
            let section = start..end;
            start = end;
            Some(section)
        };
        let (key_ends, block_ends) = (next(ends)?, next(ends)?);
        let (key_texts, blocks) = (next(key_length)?, next(block_length)?);
        let records = blocks.end..all.len();
        let is_whole = reader.0.is_empty() && records.start <= records.end;
        is_whole.then_some(Self { keys, key_ends, block_ends, key_texts, blocks, records })
    }
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Index({})", self.stamp.digest)
    }
}

#[cfg(test)]
mod tests;
