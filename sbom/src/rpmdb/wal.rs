//! Pages of an SQLite database that wait in its write-ahead log.
//!
//! Format: <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>, section 4.

use std::collections::BTreeMap;

/// Pages by their numbers, each as it was committed last.
pub(super) type Pages<'a> = BTreeMap<u32, &'a [u8]>;

const HEADER: usize = 32;
const FRAME: usize = 24;

/// Which way round the numbers are that a checksum adds up.
type Read = fn([u8; 4]) -> u32;

/// The pages of everything that was committed in a log; `None` where it is no log of a database with pages of this size.
///
/// Frames of an earlier use of the file may follow the valid ones, so a frame that does not fit ends the log.
pub(super) fn pages(log: &[u8], page_size: usize) -> Option<Pages<'_>> {
    let (header, frames) = log.split_at_checked(HEADER)?;
    let read: Read = match word(header, 0)? {
        0x377f_0682 => u32::from_le_bytes,
        0x377f_0683 => u32::from_be_bytes,
        _ => return None,
    };
    let is_size = usize::try_from(word(header, 8)?).ok()? == page_size;
    let mut sum = checksum((0, 0), header.get(..24)?, read);
    if !is_size || sum != (word(header, 24)?, word(header, 28)?) {
        return None;
    }
    let (mut committed, mut pending) = (Pages::new(), Pages::new());
    for frame in frames.chunks_exact(FRAME.checked_add(page_size)?) {
        let (head, page) = frame.split_at_checked(FRAME)?;
        sum = checksum(checksum(sum, head.get(..8)?, read), page, read);
        if head.get(8..16) != header.get(16..24) || sum != (word(head, 16)?, word(head, 20)?) {
            break;
        }
        pending.insert(word(head, 0)?, page);
        // The size of the database after the commit; 0 within one.
        if word(head, 4)? > 0 {
            committed.append(&mut pending);
        }
    }
    Some(committed)
}

/// Section 4.2: two sums over pairs of numbers.
fn checksum(before: (u32, u32), bytes: &[u8], read: Read) -> (u32, u32) {
    let numbers = bytes.chunks_exact(4).filter_map(|bytes| Some(read(*bytes.first_chunk()?)));
    let (mut this, mut other) = before;
    for number in numbers {
        let sum = this.wrapping_add(number).wrapping_add(other);
        (this, other) = (other, sum);
    }
    (this, other)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two commits of a database with pages of 512 bytes: see `tests/data/make-sqlite.py`.
    const LOG: &[u8] = include_bytes!("../../tests/data/waiting.sqlite-wal");

    #[test]
    fn committed_pages_are_read() {
        let whole = pages(LOG, 512).unwrap();
        assert!(whole.len() >= 2, "{}", whole.len());
        assert!(whole.values().all(|page| page.len() == 512));
    }

    #[test]
    fn what_does_not_fit_ends_the_log() {
        let whole = pages(LOG, 512).unwrap();
        let cut = pages(&LOG[..LOG.len() - 1], 512).unwrap();
        assert_ne!(cut, whole);
        assert!(!cut.is_empty());
        let mut changed = LOG.to_vec();
        changed[HEADER + FRAME + 7] ^= 1;
        assert_eq!(pages(&changed, 512).unwrap(), Pages::new());
    }

    #[test]
    fn what_is_no_log_of_the_database_is_refused() {
        let mut changed = LOG.to_vec();
        changed[17] ^= 1;
        for (log, size) in [(&b"x"[..], 512), (&[0; 99], 512), (LOG, 1024), (&changed, 512)] {
            assert_eq!(pages(log, size), None);
        }
    }

    proptest! {
        #[test]
        fn no_changed_byte_makes_it_panic(at in 0..LOG.len(), byte: u8, size in 0..2_000_usize) {
            let mut log = LOG.to_vec();
            log[at] = byte;
            for size in [512, size] {
                let pages = pages(&log, size).unwrap_or_default();
                prop_assert!(pages.len() <= log.len() / 512 + 1);
            }
        }
    }
}
