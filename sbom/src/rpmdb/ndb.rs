//! The blobs of rpm's own kind of database, `Packages.db`, as SUSE has it.
//!
//! Format: <https://github.com/rpm-software-management/rpm/blob/rpm-4.20.0-release/lib/backend/ndb/rpmpkg.c>. Pages of slots
//! come first; each slot that is in use says in which blocks of 16 bytes a blob lies. All numbers are little-endian.

use std::borrow::Cow;

/// Why a database, or a part of it, could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NdbError {
    /// It does not begin as a database does.
    #[error("not an ndb database")]
    NotADatabase,
    /// The pages of slots go on behind the end of the file.
    #[error("the database ends among its slots")]
    Truncated,
    /// What a slot says makes no sense.
    #[error("slot {0} of the database is malformed")]
    Slot(usize),
    /// There is not the blob that a slot speaks of.
    #[error("package {0} of the database is missing or malformed")]
    Blob(u32),
}

const PAGE: usize = 4096;
const SLOT: usize = 16;
const BLOCK: usize = 16;
/// Bytes of the header of the file, in the place of the first slots.
const HEADER: usize = 32;
/// Bytes before and behind a blob.
const HEAD: usize = 16;
const TAIL: usize = 12;

/// After so many errors the rest is left; that something is missing has been said.
const MOST_ERRORS: usize = 64;

/// The blobs in the order of their slots, and what could not be read. Together they are no longer than the file.
pub(crate) fn blobs(bytes: &[u8]) -> (Vec<Cow<'_, [u8]>>, Vec<NdbError>) {
    let (mut blobs, mut errors) = (Vec::new(), Vec::new());
    let pages = bytes
        .get(..HEADER)
        .filter(|header| header.starts_with(b"RpmP") && number(header, 4) == Some(0))
        .and_then(|header| number(header, 12).filter(|pages| *pages > 0));
    let Some(pages) = pages else { return (blobs, vec![NdbError::NotADatabase]) };
    let end = usize::try_from(pages).unwrap_or(usize::MAX).saturating_mul(PAGE);
    if end > bytes.len() {
        errors.push(NdbError::Truncated);
    }
    let slots = bytes.get(..end).unwrap_or(bytes).chunks_exact(SLOT).enumerate();
    let mut left = bytes.len();
    for (place, slot) in slots.skip(HEADER / SLOT) {
        if errors.len() >= MOST_ERRORS {
            break;
        }
        match blob(bytes, (place, slot), end, &mut left) {
            Ok(Some(blob)) => blobs.push(Cow::Borrowed(blob)),
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
    (blobs, errors)
}

/// The blob of a slot; `None` where the slot is free. `left` is how many bytes blobs may still have.
fn blob<'a>(
    bytes: &'a [u8],
    (place, slot): (usize, &[u8]),
    end: usize,
    left: &mut usize,
) -> Result<Option<&'a [u8]>, NdbError> {
    let malformed = NdbError::Slot(place);
    let is_slot = slot.starts_with(b"Slot");
    let fields = (number(slot, 4), number(slot, 8), number(slot, 12));
    let (true, (Some(package), Some(offset), Some(count))) = (is_slot, fields) else {
        return Err(malformed);
    };
    if offset == 0 {
        return Ok(None);
    }
    let in_bytes = |blocks: u32| usize::try_from(blocks).ok()?.checked_mul(BLOCK);
    let (Some(start), Some(length)) = (in_bytes(offset), in_bytes(count)) else {
        return Err(malformed);
    };
    if start < end || package == 0 {
        return Err(malformed);
    }
    let found = bytes.get(start..).and_then(|rest| content(rest.get(..length)?, package));
    let found = found.zip(found.and_then(|found| left.checked_sub(found.len())));
    let (found, rest) = found.ok_or(NdbError::Blob(package))?;
    *left = rest;
    Ok(Some(found))
}

/// What is between head and tail of the blob of a package.
fn content(blocks: &[u8], package: u32) -> Option<&[u8]> {
    let length = usize::try_from(number(blocks, 12)?).ok()?;
    let needed = length.checked_add(HEAD)?.checked_add(TAIL)?.checked_next_multiple_of(BLOCK)?;
    let tail = blocks.get(blocks.len().checked_sub(TAIL)?..)?;
    let is_blob = blocks.starts_with(b"BlbS")
        && number(blocks, 4)? == package
        && needed == blocks.len()
        && number(tail, 4) == number(blocks, 12)
        && tail.ends_with(b"BlbE");
    blocks.get(HEAD..)?.get(..length).filter(|_| is_blob)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let (number, _) = bytes.get(at..)?.split_first_chunk::<4>()?;
    Some(u32::from_le_bytes(*number))
}

/// Databases for tests.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A database with one page of slots; every third slot is free.
    pub(crate) fn database(blobs: &[&[u8]]) -> Vec<u8> {
        let word = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
        let words = |words: &[usize]| words.iter().copied().flat_map(word).collect::<Vec<_>>();
        let mut slots = [b"RpmP".to_vec(), words(&[0, 7, 1, blobs.len() + 1, 0, 0, 0])].concat();
        let mut content = Vec::new();
        for (place, blob) in blobs.iter().enumerate() {
            if place % 2 == 0 {
                slots.extend([b"Slot".to_vec(), words(&[0, 0, 0])].concat());
            }
            let start = PAGE + content.len();
            content.extend([b"BlbS".to_vec(), words(&[place + 1, 7, blob.len()])].concat());
            content.extend_from_slice(blob);
            let end = (content.len() + TAIL).next_multiple_of(BLOCK);
            content.resize(end - TAIL, 0);
            content.extend([words(&[0, blob.len()]), b"BlbE".to_vec()].concat());
            let blocks = (PAGE + content.len() - start) / BLOCK;
            slots.extend([b"Slot".to_vec(), words(&[place + 1, start / BLOCK, blocks])].concat());
        }
        while slots.len() < PAGE {
            slots.extend([b"Slot".to_vec(), words(&[0, 0, 0])].concat());
        }
        [slots, content].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::database, *};
    use proptest::prelude::*;

    const BLOBS: [&[u8]; 4] = [b"one", b"", b"a third one, longer than one block", b"4444"];

    #[track_caller]
    fn check(bytes: &[u8], expect: &[&[u8]], unread: &[NdbError]) {
        let (found, errors) = blobs(bytes);
        assert_eq!(found, expect);
        assert_eq!(errors, unread);
    }

    #[test]
    fn every_blob_is_read_and_free_slots_are_passed_over() {
        check(&database(&BLOBS), &BLOBS, &[]);
        check(&database(&[]), &[], &[]);
    }

    #[test]
    fn what_is_no_database_is_refused() {
        let mut newer = database(&BLOBS);
        newer[4] = 1;
        for bytes in [&b""[..], b"RpmP", &[0; 4096], &newer] {
            check(bytes, &[], &[NdbError::NotADatabase]);
        }
    }

    #[test]
    fn a_truncated_file_gives_what_it_has_and_says_what_is_missing() {
        let whole = database(&BLOBS);
        check(&whole[..whole.len() - 1], &BLOBS[..3], &[NdbError::Blob(4)]);
        let (found, errors) = blobs(&whole[..PAGE - 5]);
        assert!(found.is_empty());
        assert!(errors.starts_with(&[NdbError::Truncated]), "{errors:?}");
    }

    #[test]
    fn slots_that_make_no_sense_are_said() {
        let mut bytes = database(&BLOBS);
        bytes[HEADER] = b'X';
        check(&bytes, &BLOBS, &[NdbError::Slot(2)]);
        // The first package lies among the slots.
        let mut bytes = database(&BLOBS);
        bytes[HEADER + SLOT + 8..HEADER + SLOT + 12].copy_from_slice(&1_u32.to_le_bytes());
        check(&bytes, &BLOBS[1..], &[NdbError::Slot(3)]);
        // It is another than its slot says.
        let mut bytes = database(&BLOBS);
        bytes[PAGE + 4] = 9;
        check(&bytes, &BLOBS[1..], &[NdbError::Blob(1)]);
    }

    #[test]
    fn a_blob_that_all_slots_share_does_not_add_up() {
        let long = vec![b'x'; 1 << 16];
        let mut bytes = database(&[&long]);
        let used = bytes[HEADER + SLOT..HEADER + 2 * SLOT].to_vec();
        for slot in bytes[HEADER..PAGE].chunks_exact_mut(SLOT) {
            slot.copy_from_slice(&used);
        }
        let (found, errors) = blobs(&bytes);
        assert_eq!(found.len(), 1);
        assert_eq!(errors.len(), MOST_ERRORS);
    }

    proptest! {
        #[test]
        fn no_changed_byte_makes_it_panic_or_run_on(at: prop::sample::Index, byte: u8) {
            let mut bytes = database(&BLOBS);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let (found, _) = blobs(&bytes);
            prop_assert!(found.iter().map(|blob| blob.len()).sum::<usize>() <= bytes.len());
        }
    }
}
