//! The values of a hash table of Berkeley DB, `Packages`, as rpm had it before version 4.16.
//!
//! Format: <https://github.com/berkeleydb/libdb/blob/v5.3.28/src/dbinc/db_page.h>. The pages of the table are read one after
//! the other, whichever bucket they are of. No page is visited twice, so the work is bounded by the size of the file.

use std::{borrow::Cow, collections::BTreeSet};

/// Why a database, or a part of it, could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BdbError {
    /// It does not begin as a hash table does.
    #[error("not a hash table of Berkeley DB")]
    NotADatabase,
    /// It was written with an option that rpm does not use and that changes the pages.
    #[error("the database is encrypted, divided, or has checksums")]
    Options,
    /// A page lies outside the file, or has been visited already.
    #[error("page {0} of the database is missing or used twice")]
    Page(usize),
    /// The contents of a page make no sense.
    #[error("page {0} of the database is malformed")]
    Malformed(usize),
}

/// Length of the header of a page.
const HEADER: usize = 26;

/// After so many errors the rest is left; that something is missing has been said.
const MOST_ERRORS: usize = 64;

/// Types of pages.
const UNUSED: u8 = 0;
const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const META: u8 = 8;
const HASH: u8 = 13;

/// Types of items: what lies on the page itself, and where on other pages it lies.
const HERE: u8 = 1;
const ELSEWHERE: u8 = 3;

/// The values, and what could not be read. The one with the key 0 is none: there rpm keeps the number that it gave last.
pub(crate) fn values(bytes: &[u8]) -> (Vec<Cow<'_, [u8]>>, Vec<BdbError>) {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    let mut table = match Table::open(bytes) {
        Ok(table) => table,
        Err(error) => return (values, vec![error]),
    };
    let pages = bytes.len() / table.page_size;
    let last = table.last;
    for page in 1..pages {
        if errors.len() >= MOST_ERRORS {
            break;
        }
        table.values(page, &mut values, &mut errors);
    }
    if last >= pages {
        errors.push(BdbError::Page(pages));
    }
    (values, errors)
}

/// An open table.
struct Table<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
    page_size: usize,
    /// Number of the last page.
    last: usize,
    /// Pages on which values go on that have been read.
    visited: BTreeSet<usize>,
}

impl<'a> Table<'a> {
    /// Reads the first page.
    fn open(bytes: &'a [u8]) -> Result<Self, BdbError> {
        const MAGIC: usize = 0x0006_1561;
        let mut table =
            Self { bytes, is_big_endian: false, page_size: 0, last: 0, visited: BTreeSet::new() };
        let meta = bytes.get(..512).ok_or(BdbError::NotADatabase)?;
        for is_big_endian in [false, true] {
            table.is_big_endian = is_big_endian;
            if table.number(meta, 12, 4) == Some(MAGIC) {
                break;
            }
        }
        let number = |at| table.number(meta, at, 4).ok_or(BdbError::NotADatabase);
        let (magic, page_size, last) = (number(12)?, number(20)?, number(32)?);
        let is_size = (512..=65_536).contains(&page_size) && page_size.is_power_of_two();
        if magic != MAGIC || !is_size || meta.get(25) != Some(&META) {
            return Err(BdbError::NotADatabase);
        }
        // The algorithm of encryption, and flags.
        if meta.get(24) != Some(&0) || meta.get(26) != Some(&0) {
            return Err(BdbError::Options);
        }
        Ok(Self { page_size, last, ..table })
    }

    /// A number of 1 to 4 bytes.
    fn number(&self, bytes: &[u8], at: usize, length: usize) -> Option<usize> {
        let bytes = bytes.get(at..)?.get(..length)?;
        let join = |all: usize, byte: &u8| all << 8 | usize::from(*byte);
        Some(if self.is_big_endian {
            bytes.iter().fold(0, join)
        } else {
            bytes.iter().rev().fold(0, join)
        })
    }

    fn page(&self, number: usize) -> Option<&'a [u8]> {
        self.bytes.get(number.checked_mul(self.page_size)?..)?.get(..self.page_size)
    }

    /// Adds the values whose keys are on a page.
    fn values(
        &mut self,
        number: usize,
        values: &mut Vec<Cow<'a, [u8]>>,
        errors: &mut Vec<BdbError>,
    ) {
        let malformed = BdbError::Malformed(number);
        let Some(page) = self.page(number) else { return errors.push(BdbError::Page(number)) };
        match page.get(25) {
            Some(&(HASH | HASH_UNSORTED)) => {}
            // Of values that go on elsewhere, and what the table has given up.
            Some(&(OVERFLOW | UNUSED)) => return,
            Some(_) | None => return errors.push(malformed),
        }
        let Some(items) = self.items(page) else { return errors.push(malformed) };
        let pairs = items.chunks_exact(2);
        if !pairs.remainder().is_empty() {
            errors.push(malformed.clone());
        }
        for pair in pairs {
            let [key, value] = pair else { continue };
            if matches!(key.split_first(), Some((&HERE, [0, 0, 0, 0]))) {
                continue;
            }
            match value.split_first() {
                Some((&HERE, value)) => values.push(Cow::Borrowed(value)),
                Some((&ELSEWHERE, rest)) => match self.elsewhere(rest, number) {
                    Ok(value) => values.push(Cow::Owned(value)),
                    Err(error) => errors.push(error),
                },
                // Several values of one key, which rpm does not write.
                Some(_) | None => errors.push(malformed.clone()),
            }
        }
    }

    /// The items of a page: their offsets are in order, and each ends where the one before begins.
    fn items(&self, page: &'a [u8]) -> Option<Vec<&'a [u8]>> {
        let count = self.number(page, 20, 2)?;
        let mut end = page.len();
        let mut items = Vec::new();
        for item in 0..count {
            let start = self.number(page, HEADER.checked_add(item.checked_mul(2)?)?, 2)?;
            items.push(page.get(start..end)?);
            end = start;
        }
        Some(items)
    }

    /// A value of which there are only first page and length here, behind three unused bytes.
    fn elsewhere(&mut self, item: &[u8], from: usize) -> Result<Vec<u8>, BdbError> {
        let number = |at| self.number(item, at, 4).ok_or(BdbError::Malformed(from));
        let (mut next, length) = (number(3)?, number(7)?);
        let mut value = Vec::new();
        while value.len() < length {
            let page = self.page(next).filter(|_| self.visited.insert(next));
            let page = page.ok_or(BdbError::Page(next))?;
            let malformed = BdbError::Malformed(next);
            let used = self.number(page, 22, 2).filter(|_| page.get(25) == Some(&OVERFLOW));
            let content = used.and_then(|used| page.get(HEADER..)?.get(..used));
            value.extend_from_slice(content.ok_or_else(|| malformed.clone())?);
            next = self.number(page, 16, 4).ok_or(malformed)?;
        }
        if value.len() == length { Ok(value) } else { Err(BdbError::Malformed(from)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 40 values of 37 to 1,480 bytes on pages of 512 bytes, written by Berkeley DB: see `tests/data/make-bdb.py`.
    const BLOBS: &[u8] = include_bytes!("../../tests/data/blobs.bdb");
    const PAGE: usize = 512;

    /// The same with all numbers the other way round, as a big machine writes it.
    fn big_endian() -> Vec<u8> {
        let mut bytes = BLOBS.to_vec();
        let flip = |bytes: &mut [u8], at: usize, length: usize| bytes[at..at + length].reverse();
        for at in [12, 20, 32] {
            flip(&mut bytes, at, 4);
        }
        for page in bytes[PAGE..].chunks_exact_mut(PAGE) {
            let count = usize::from(u16::from_le_bytes([page[20], page[21]]));
            for at in [16, 20, 22] {
                flip(page, at, if at == 16 { 4 } else { 2 });
            }
            if page[25] != HASH {
                continue;
            }
            for at in (0..count).map(|item| HEADER + 2 * item) {
                let start = usize::from(u16::from_le_bytes([page[at], page[at + 1]]));
                flip(page, at, 2);
                if page[start] == ELSEWHERE {
                    flip(page, start + 4, 4);
                    flip(page, start + 8, 4);
                }
            }
        }
        bytes
    }

    fn sorted(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<BdbError>) {
        let (found, errors) = values(bytes);
        let mut found: Vec<_> = found.into_iter().map(Cow::into_owned).collect();
        found.sort_by_key(Vec::len);
        (found, errors)
    }

    #[test]
    fn every_value_is_read_whatever_its_length_and_byte_order() {
        for bytes in [BLOBS, &big_endian()] {
            let (found, errors) = sorted(bytes);
            assert_eq!(errors, []);
            assert_eq!(found.len(), 40);
            for (number, value) in (1_usize..).zip(&found) {
                let byte = u8::try_from(number).unwrap();
                assert_eq!(value, &vec![byte; number * 37]);
            }
        }
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let mut tree = BLOBS.to_vec();
        tree[25] = 9;
        let mut odd = BLOBS.to_vec();
        odd[20..22].copy_from_slice(&[1, 3]);
        for bytes in [&b""[..], &[0; 4096], &BLOBS[..511], &tree, &odd] {
            assert_eq!(values(bytes).1, [BdbError::NotADatabase]);
        }
        for at in [24, 26] {
            let mut other = BLOBS.to_vec();
            other[at] = 1;
            assert_eq!(values(&other).1, [BdbError::Options]);
        }
    }

    #[test]
    fn a_truncated_file_gives_the_pages_it_has_and_says_what_is_missing() {
        for cut in [PAGE, BLOBS.len() / 2, BLOBS.len() - 1] {
            let (found, errors) = sorted(&BLOBS[..cut]);
            assert!(found.len() < 40);
            assert!(errors.contains(&BdbError::Page(cut / PAGE)), "{errors:?}");
        }
    }

    #[test]
    fn a_chain_of_pages_that_is_a_circle_ends() {
        let mut bytes = BLOBS.to_vec();
        for (number, page) in bytes.chunks_exact_mut(PAGE).enumerate() {
            if page[25] == OVERFLOW {
                page[16..20].copy_from_slice(&u32::try_from(number).unwrap().to_le_bytes());
            }
        }
        let (found, errors) = sorted(&bytes);
        assert!(!found.is_empty());
        assert!(errors.iter().all(|error| matches!(error, BdbError::Page(_))), "{errors:?}");
        assert!(!errors.is_empty());
    }

    #[test]
    fn a_page_of_another_kind_is_no_silence() {
        let mut bytes = BLOBS.to_vec();
        let at = bytes.chunks_exact(PAGE).position(|page| page[25] == HASH).unwrap();
        bytes[at * PAGE + 25] = 5;
        assert_eq!(sorted(&bytes).1, [BdbError::Malformed(at)]);
    }

    proptest! {
        #[test]
        fn no_changed_byte_makes_it_panic_or_run_on(at in 0..BLOBS.len(), byte: u8) {
            let mut bytes = BLOBS.to_vec();
            bytes[at] = byte;
            let (found, _) = values(&bytes);
            prop_assert!(found.iter().map(|value| value.len()).sum::<usize>() <= BLOBS.len());
        }
    }
}
