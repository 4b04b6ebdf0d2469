//! ZIP archives in memory, read within limits. The only place that knows the `zip` crate.

use std::{
    borrow::Cow,
    io::{self, Cursor, Read as _},
};
use zip::{ZipArchive, result::ZipError};

/// An open archive.
pub(crate) struct Archive<'a>(ZipArchive<Cursor<Cow<'a, [u8]>>>);

/// Why an archive, or a file of it, could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    /// There is no archive, or its directory is malformed.
    #[error("not a readable ZIP archive: {0}")]
    Directory(ZipError),
    /// The directory claims or has more entries than the limit.
    #[error("{count} entries are more than the limit of {limit}")]
    TooManyEntries {
        /// How many it says it has.
        count: u64,
        /// The limit.
        limit: usize,
    },
    /// An entry is encrypted, of an unknown compression, or its header is malformed.
    #[error("the entry can not be opened: {0}")]
    Entry(ZipError),
    /// An entry does not inflate to what its header says.
    #[error("the entry can not be inflated: {0}")]
    Inflate(io::Error),
    /// An entry inflates to more than is left of the limit.
    #[error("the entry is larger than the {0} bytes that are left of the limit")]
    TooLarge(u64),
}

impl<'a> Archive<'a> {
    /// Reads the directory.
    pub(crate) fn open(bytes: Cow<'a, [u8]>, limit: usize) -> Result<Self, ArchiveError> {
        check_claims(&bytes, limit)?;
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(ArchiveError::Directory)?;
        let count = u64::try_from(zip.len()).unwrap_or(u64::MAX);
        if zip.len() > limit {
            return Err(ArchiveError::TooManyEntries { count, limit });
        }
        Ok(Self(zip))
    }

    /// The names of the files that are wanted, each with its position; directories are left out.
    pub(crate) fn files(&self, is_wanted: fn(&[u8]) -> bool) -> Vec<(usize, String)> {
        self.0
            .file_names_raw()
            .enumerate()
            .filter(|(_, name)| !name.ends_with(b"/") && is_wanted(name))
            .map(|(index, name)| (index, String::from_utf8_lossy(name).into_owned()))
            .collect()
    }

    /// Whether two entries have the same name, so that readers disagree about which one counts.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.0.has_duplicate_names()
    }

    /// The content of a file, at most `left` bytes. What is inflated is taken off `left`, whether it is of any use or not.
    /// What does not have the checksum that the directory gives is an error.
    pub(crate) fn read(&mut self, index: usize, left: &mut u64) -> Result<Vec<u8>, ArchiveError> {
        let before = *left;
        let file = self.0.by_index(index).map_err(ArchiveError::Entry)?;
        if file.size() > before {
            return Err(ArchiveError::TooLarge(before));
        }
        let mut bytes = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "limited right here")]
        let read = file.take(before.saturating_add(1)).read_to_end(&mut bytes);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        *left = before.saturating_sub(length);
        read.map_err(ArchiveError::Inflate)?;
        if length > before {
            return Err(ArchiveError::TooLarge(before));
        }
        Ok(bytes)
    }
}

/// Refuses an archive whose 64-bit end record claims too many entries: room would be made for them before they are seen.
fn check_claims(bytes: &[u8], limit: usize) -> Result<(), ArchiveError> {
    for at in memchr::memmem::find_iter(bytes, b"PK\x06\x06") {
        let counts = bytes.get(at..).and_then(|record| record.get(24..40)).unwrap_or_default();
        for count in counts.chunks_exact(8) {
            let count = count.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
            if usize::try_from(count).is_ok_and(|count| count <= limit) {
                continue;
            }
            return Err(ArchiveError::TooManyEntries { count, limit });
        }
    }
    Ok(())
}

/// Archives for tests.
#[cfg(test)]
pub(crate) mod testing {
    use std::io::{Cursor, Write as _};
    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    /// An archive with these files, deflated.
    pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            let options =
                SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            zip.start_file(*name, options).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::zip, *};

    #[test]
    fn files_are_read_within_the_limit() {
        let bytes = zip(&[("a/b.txt", b"12345"), ("c", &[0; 1000])]);
        let mut archive = Archive::open(Cow::Borrowed(&bytes), 2).unwrap();
        let names = archive.files(|name| name != b"c");
        assert_eq!(names, [(0, "a/b.txt".to_owned())]);
        assert_eq!(archive.files(|_| true).len(), 2);
        let mut left = 1004;
        assert_eq!(archive.read(0, &mut left).unwrap(), b"12345");
        assert_eq!(left, 999);
        assert!(matches!(archive.read(1, &mut left), Err(ArchiveError::TooLarge(999))));
        assert!(matches!(
            Archive::open(Cow::Borrowed(&bytes), 1),
            Err(ArchiveError::TooManyEntries { count: 2, limit: 1 })
        ));
    }

    #[test]
    fn what_was_inflated_in_vain_is_counted() {
        let mut bytes = zip(&[("a", &[0; 60])]);
        // Another checksum than the file has.
        let central = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
        bytes[central + 16] ^= 1;
        let mut archive = Archive::open(Cow::Borrowed(&bytes), 2).unwrap();
        let mut left = 100;
        assert!(matches!(archive.read(0, &mut left), Err(ArchiveError::Inflate(_))));
        assert_eq!(left, 40);
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        let bytes = zip(&[("a", b"12345")]);
        for bytes in [&b""[..], b"PK\x03\x04", &bytes[..bytes.len() - 30]] {
            assert!(matches!(
                Archive::open(Cow::Borrowed(bytes), 9),
                Err(ArchiveError::Directory(_))
            ));
        }
    }

    #[test]
    fn a_claim_of_many_entries_is_refused_before_room_is_made() {
        let mut bytes = zip(&[("a", &[7; 5000])]);
        let mut record = b"PK\x06\x06".to_vec();
        record.resize(24, 0);
        record.extend_from_slice(&(1_u64 << 40).to_le_bytes());
        record.extend_from_slice(&(1_u64 << 40).to_le_bytes());
        bytes.splice(0..0, record);
        assert!(matches!(
            Archive::open(Cow::Borrowed(&bytes), 9),
            Err(ArchiveError::TooManyEntries { count: 0x100_0000_0000, limit: 9 })
        ));
    }
}
