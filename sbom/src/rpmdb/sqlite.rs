//! The rows of one table of an SQLite database in memory.
//!
//! Format: <https://www.sqlite.org/fileformat2.html>. Only what rpm needs: tables whose rows are in a b-tree of integer
//! keys, and pages that wait in a write-ahead log. No page is visited twice, so the work is bounded by the size of the files.

use super::wal::{self, Pages};
use std::{borrow::Cow, collections::BTreeSet};

/// Why a database, or a part of it, could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SqliteError {
    /// It does not begin as a database does.
    #[error("not an SQLite database")]
    NotADatabase,
    /// There is no such table.
    #[error("the database has no table `{0}`")]
    NoTable(&'static str),
    /// A page lies outside the file, or has been visited already.
    #[error("page {0} of the database is missing or used twice")]
    Page(u32),
    /// The contents of a page make no sense.
    #[error("page {0} of the database is malformed")]
    Malformed(u32),
    /// There are changes to the database that can not be read.
    #[error("the write-ahead log of the database can not be read")]
    Log,
}

/// One value of a row; numbers are not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Bytes, or text.
    Bytes(Vec<u8>),
    /// An integer.
    Integer(u64),
    /// Nothing, or a floating-point number.
    Other,
}

/// An open database.
#[derive(Debug)]
pub(crate) struct Database<'a> {
    bytes: &'a [u8],
    page_size: usize,
    /// Bytes of a page that SQLite uses.
    usable: usize,
    /// Pages that a log has anew; `None` where it can not be read.
    log: Option<Pages<'a>>,
}

/// What bounds the reading of one table.
struct Walk {
    /// Pages that were read.
    visited: BTreeSet<u32>,
    /// Bytes that rows may still have: all together are no longer than the files, unless cells overlap.
    payload: usize,
}

/// After so many errors the rest of a table is left; that something is missing has been said.
const MOST_ERRORS: usize = 64;

/// Length of the header of the file, which the first page begins with.
const FILE_HEADER: usize = 100;

/// The smallest page that the format knows; less would make the sums below wrap.
const SMALLEST: usize = 480;

impl<'a> Database<'a> {
    /// Reads the header. `log` is the write-ahead log; empty where there is none.
    pub(crate) fn open(bytes: &'a [u8], log: &'a [u8]) -> Result<Self, SqliteError> {
        let header = bytes
            .get(..FILE_HEADER)
            .filter(|header| header.starts_with(b"SQLite format 3\0"))
            .ok_or(SqliteError::NotADatabase)?;
        let page_size = match number(header, 16, 2) {
            Some(1) => 65_536,
            Some(size @ 512..=32_768) if size.is_power_of_two() => size,
            _ => return Err(SqliteError::NotADatabase),
        };
        let reserved = number(header, 20, 1).ok_or(SqliteError::NotADatabase)?;
        let usable = page_size.saturating_sub(reserved);
        if usable < SMALLEST {
            return Err(SqliteError::NotADatabase);
        }
        let log = if log.is_empty() { Some(Pages::new()) } else { wal::pages(log, page_size) };
        Ok(Self { bytes, page_size, usable, log })
    }

    /// The rows of a table, and what of it could not be read.
    pub(crate) fn rows(&self, table: &'static str) -> (Vec<Vec<Value>>, Vec<SqliteError>) {
        let (schema, mut errors) = self.walk(1);
        if self.log.is_none() {
            errors.push(SqliteError::Log);
        }
        let root = schema.iter().find_map(|row| match row.as_slice() {
            [kind, name, _, Value::Integer(root), ..]
                if is_text(kind, "table") && is_text(name, table) =>
            {
                u32::try_from(*root).ok()
            }
            _ => None,
        });
        let Some(root) = root else {
            errors.push(SqliteError::NoTable(table));
            return (Vec::new(), errors);
        };
        let (rows, more) = self.walk(root);
        errors.extend(more);
        (rows, errors)
    }

    /// The rows of the b-tree with this root, in order of their keys.
    fn walk(&self, root: u32) -> (Vec<Vec<Value>>, Vec<SqliteError>) {
        let logged = self.log.as_ref().map_or(0, |log| log.len().saturating_mul(self.page_size));
        let payload = self.bytes.len().saturating_add(logged);
        let mut walk = Walk { visited: BTreeSet::new(), payload };
        let (mut rows, mut errors) = (Vec::new(), Vec::new());
        let mut left = vec![root];
        while let Some(number) = left.pop() {
            if errors.len() >= MOST_ERRORS {
                break;
            }
            match self.page(number, &mut walk) {
                Ok(page) => match page.content() {
                    Some(Content::Children(children)) => left.extend(children.into_iter().rev()),
                    Some(Content::Cells(cells)) => {
                        for row in cells.into_iter().map(|cell| self.row(&page, cell, &mut walk)) {
                            match row {
                                Ok(row) => rows.push(row),
                                Err(error) => errors.push(error),
                            }
                        }
                    }
                    None => errors.push(SqliteError::Malformed(number)),
                },
                Err(error) => errors.push(error),
            }
        }
        errors.dedup();
        (rows, errors)
    }

    fn page(&self, number: u32, walk: &mut Walk) -> Result<Page<'a>, SqliteError> {
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let start = index.and_then(|index| index.checked_mul(self.page_size));
        let logged = self.log.as_ref().and_then(|log| log.get(&number)?.get(..self.usable));
        let bytes =
            logged.or_else(|| start.and_then(|start| self.bytes.get(start..)?.get(..self.usable)));
        match bytes {
            Some(bytes) if walk.visited.insert(number) => Ok(Page { number, bytes }),
            Some(_) | None => Err(SqliteError::Page(number)),
        }
    }

    /// The row in the cell at an offset of a leaf.
    fn row(
        &self,
        page: &Page<'a>,
        cell: usize,
        walk: &mut Walk,
    ) -> Result<Vec<Value>, SqliteError> {
        let malformed = || SqliteError::Malformed(page.number);
        let bytes = page.bytes.get(cell..).ok_or_else(malformed)?;
        let (length, bytes) = varint(bytes).ok_or_else(malformed)?;
        let (_, bytes) = varint(bytes).ok_or_else(malformed)?;
        let length = usize::try_from(length).ok();
        let left = length.and_then(|length| walk.payload.checked_sub(length));
        let (length, left) = length.zip(left).ok_or_else(malformed)?;
        walk.payload = left;
        let local = self.local(length);
        let (local, rest) = bytes.split_at_checked(local).ok_or_else(malformed)?;
        let payload = if local.len() == length {
            Cow::Borrowed(local)
        } else {
            let next = number(rest, 0, 4).and_then(|next| u32::try_from(next).ok());
            Cow::Owned(self.overflow(local, length, next.ok_or_else(malformed)?, walk)?)
        };
        record(&payload).ok_or_else(malformed)
    }

    /// How many bytes of a payload are in the cell itself.
    fn local(&self, length: usize) -> usize {
        // Section 1.6: U is `usable`, P is `length`, X `most`, M `least`, K `rest`.
        let most = self.usable.saturating_sub(35);
        if length <= most {
            return length;
        }
        let least = (self.usable.saturating_sub(12) * 32 / 255).saturating_sub(23);
        let rest = least + (length.saturating_sub(least)) % self.usable.saturating_sub(4);
        if rest <= most { rest } else { least }
    }

    /// The payload that begins with `local` and goes on in a chain of pages.
    fn overflow(
        &self,
        local: &[u8],
        length: usize,
        mut next: u32,
        walk: &mut Walk,
    ) -> Result<Vec<u8>, SqliteError> {
        let mut payload = local.to_vec();
        while payload.len() < length {
            let page = self.page(next, walk)?;
            let (header, content) =
                page.bytes.split_at_checked(4).ok_or(SqliteError::Malformed(page.number))?;
            let missing = length.saturating_sub(payload.len());
            payload.extend(content.iter().take(missing));
            let following = number(header, 0, 4).and_then(|next| u32::try_from(next).ok());
            next = following.ok_or(SqliteError::Malformed(page.number))?;
        }
        Ok(payload)
    }
}

fn is_text(value: &Value, text: &str) -> bool {
    matches!(value, Value::Bytes(bytes) if bytes == text.as_bytes())
}

/// One page of a table's b-tree.
struct Page<'a> {
    number: u32,
    bytes: &'a [u8],
}

/// What a page holds.
enum Content {
    /// Numbers of the pages below, in order.
    Children(Vec<u32>),
    /// Offsets of rows.
    Cells(Vec<usize>),
}

const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

impl Page<'_> {
    /// Where its own header begins.
    fn start(&self) -> usize {
        if self.number == 1 { FILE_HEADER } else { 0 }
    }

    /// What it holds, where that can be read.
    fn content(&self) -> Option<Content> {
        let child = |at| u32::try_from(number(self.bytes, at, 4)?).ok();
        match *self.bytes.get(self.start())? {
            INTERIOR => {
                let last = child(self.start().checked_add(8)?)?;
                let children = self.pointers(12)?.into_iter().map(child).chain([Some(last)]);
                children.collect::<Option<_>>().map(Content::Children)
            }
            LEAF => self.pointers(8).map(Content::Cells),
            _ => None,
        }
    }

    /// The array of offsets behind a header of this length.
    fn pointers(&self, header: usize) -> Option<Vec<usize>> {
        let count = number(self.bytes, self.start().checked_add(3)?, 2)?;
        let array = self.bytes.get(self.start().checked_add(header)?..)?;
        let array = array.get(..count.checked_mul(2)?)?;
        array.chunks_exact(2).map(|pointer| number(pointer, 0, 2)).collect()
    }
}

/// A record: types of the columns, then their values.
fn record(payload: &[u8]) -> Option<Vec<Value>> {
    let (header, _) = varint(payload)?;
    let (header, mut values) = payload.split_at_checked(usize::try_from(header).ok()?)?;
    let (_, mut types) = varint(header)?;
    let mut row = Vec::new();
    while !types.is_empty() {
        let (kind, rest) = varint(types)?;
        types = rest;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            // Even for bytes, odd for text.
            12.. => usize::try_from(kind.checked_sub(12)? / 2).ok()?,
            10 | 11 => return None,
        };
        let (value, rest) = values.split_at_checked(length)?;
        values = rest;
        row.push(match kind {
            1..=6 => Value::Integer(value.iter().fold(0, |all, byte| all << 8 | u64::from(*byte))),
            8 | 9 => Value::Integer(kind.saturating_sub(8)),
            12.. => Value::Bytes(value.to_vec()),
            _ => Value::Other,
        });
    }
    Some(row)
}

/// A big-endian number of 1 to 4 bytes.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.get(..length)?;
    Some(bytes.iter().fold(0, |all, byte| all << 8 | usize::from(*byte)))
}

/// A number of 1 to 9 bytes, and what comes after it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        if index == 8 {
            return Some((value << 8 | u64::from(*byte), bytes.get(9..)?));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index.checked_add(1)?..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 40 rows of 37 to 1,480 bytes on pages of 512 bytes: interior pages, and overflow.
    /// Made by `tests/data/make-sqlite.py`.
    const BLOBS: &[u8] = include_bytes!("../../tests/data/blobs.sqlite");

    fn blobs(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<SqliteError>) {
        let (rows, errors) = Database::open(bytes, &[]).unwrap().rows("Packages");
        let blob = |row: Vec<Value>| match row.into_iter().nth(1) {
            Some(Value::Bytes(bytes)) => bytes,
            other => panic!("{other:?}"),
        };
        (rows.into_iter().map(blob).collect(), errors)
    }

    #[test]
    fn every_row_is_read_whatever_its_length() {
        let (rows, errors) = blobs(BLOBS);
        assert_eq!(errors, []);
        assert_eq!(rows.len(), 40);
        for (number, row) in (1_usize..).zip(&rows) {
            let expect: Vec<u8> =
                std::iter::repeat_n(u8::try_from(number).unwrap(), number * 37).collect();
            assert_eq!(row, &expect);
        }
    }

    #[test]
    fn what_is_no_database_is_refused() {
        for bytes in [&b""[..], b"SQLite format 3\0", &[0; 4096]] {
            assert_eq!(Database::open(bytes, &[]).unwrap_err(), SqliteError::NotADatabase);
        }
        let mut odd = BLOBS.to_vec();
        odd[16..18].copy_from_slice(&[0, 3]);
        assert_eq!(Database::open(&odd, &[]).unwrap_err(), SqliteError::NotADatabase);
    }

    #[test]
    fn what_waits_in_the_log_counts() {
        const DATABASE: &[u8] = include_bytes!("../../tests/data/waiting.sqlite");
        const LOG: &[u8] = include_bytes!("../../tests/data/waiting.sqlite-wal");
        let check = |log, lengths: &[usize], expect: &[SqliteError]| {
            let (rows, errors) = Database::open(DATABASE, log).unwrap().rows("Packages");
            let length = |row: &Vec<Value>| match &row[1] {
                Value::Bytes(bytes) => bytes.len(),
                Value::Integer(_) | Value::Other => 0,
            };
            assert_eq!(rows.iter().map(length).collect::<Vec<_>>(), lengths);
            assert_eq!(errors, expect);
        };
        check(&[], &[40], &[]);
        check(LOG, &[40, 40, 600], &[]);
        check(&LOG[..LOG.len() - 1], &[40, 40], &[]);
        check(&LOG[..30], &[40], &[SqliteError::Log]);
    }

    #[test]
    fn a_missing_table_is_named() {
        let (rows, errors) = Database::open(BLOBS, &[]).unwrap().rows("Nothing");
        assert!(rows.is_empty());
        assert_eq!(errors, [SqliteError::NoTable("Nothing")]);
    }

    #[test]
    fn a_truncated_file_gives_the_pages_it_has_and_says_what_is_missing() {
        let (rows, errors) = blobs(&BLOBS[..BLOBS.len() / 2]);
        assert!(!rows.is_empty() && rows.len() < 40);
        assert!(errors.iter().all(|error| matches!(error, SqliteError::Page(_))), "{errors:?}");
        assert!(!errors.is_empty());
    }

    #[test]
    fn cycles_and_overlapping_cells_end() {
        let root = 512;
        let mut cycle = BLOBS.to_vec();
        assert_eq!(cycle[root], INTERIOR);
        cycle[root + 8..root + 12].copy_from_slice(&2_u32.to_be_bytes());
        let (rows, errors) = blobs(&cycle);
        assert!(!rows.is_empty());
        assert_eq!(errors, [SqliteError::Page(2)]);
        // A page of 64 KiB, all of whose cells are the same row of 10,000 bytes: six of them fill the file.
        let mut page = b"SQLite format 3\0\0\x01".to_vec();
        page.resize(100, 0);
        page.extend_from_slice(&[LEAF, 0, 0, 0x27, 0x10, 0, 0, 0]);
        for _ in 0..10_000 {
            page.extend_from_slice(&30_000_u16.to_be_bytes());
        }
        page.resize(30_000, 0);
        // Length 10,000, key 1; the header has 4 bytes, among them the type of 9,996 bytes.
        page.extend_from_slice(&[0xce, 0x10, 1, 4, 0x80 | 0x01, 0x80 | 0x1c, 0x24]);
        page.resize(65_536, 0);
        let (rows, errors) = Database::open(&page, &[]).unwrap().walk(1);
        assert_eq!(rows.len(), 6);
        assert_eq!(errors, [SqliteError::Malformed(1)]);
    }

    proptest! {
        #[test]
        fn no_flipped_byte_makes_it_panic_or_run_on(at in 0..BLOBS.len(), byte: u8) {
            let mut bytes = BLOBS.to_vec();
            bytes[at] = byte;
            if let Ok(database) = Database::open(&bytes, &[]) {
                let (rows, _) = database.rows("Packages");
                prop_assert!(rows.len() <= BLOBS.len());
            }
        }
    }
}
