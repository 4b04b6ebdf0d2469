//! Reads records out of folders, archives and files.

use crate::{Error, osv::Record};
use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;
use std::{
    fs::File,
    io::{self, Cursor, Read},
};
use zip::ZipArchive;

/// The largest archive that is read, in bytes (2 GiB).
pub(crate) const LARGEST_ARCHIVE: u64 = 2 << 30;
/// The most that one archive is inflated to, in bytes (32 GiB).
const MOST_INFLATED: u64 = 32 << 30;
/// Files of one folder or archive (4,000,000).
const MOST_FILES: usize = 4_000_000;
/// Records that one thread reads at a time.
const CHUNK: usize = 128;

/// A record that could not be read. What it says is not in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRecord {
    /// The file, or its name in the archive.
    pub name: String,
    /// Why: a sentence without a final period.
    pub reason: String,
}

/// What became of one file that should be a record.
pub(crate) type Outcome = Result<Record, UnreadableRecord>;

/// A file to import.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// An archive of records.
    Archive(Utf8PathBuf),
    /// One record.
    Record(Utf8PathBuf),
    /// Something that could not be looked into.
    Unreadable(UnreadableRecord),
}

/// Every `*.json` and `all.zip` at or below `path`, in order.
pub(crate) fn find(path: &Utf8Path) -> Result<Vec<Source>, Error> {
    let failed = |path: &Utf8Path| {
        let path = path.to_owned();
        move |source| Error::Source { path, source }
    };
    if !path.metadata().map_err(failed(path))?.is_dir() {
        return Ok(vec![
            if path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("zip")) {
                Source::Archive(path.to_owned())
            } else {
                Source::Record(path.to_owned())
            },
        ]);
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_owned()];
    let mut entries = 0_usize;
    while let Some(folder) = folders.pop() {
        for entry in folder.as_std_path().read_dir().map_err(failed(&folder))? {
            let entry = entry.map_err(failed(&folder))?;
            entries = entries.saturating_add(1);
            if entries > MOST_FILES {
                return Err(Error::TooManyFiles { name: path.to_string(), limit: MOST_FILES });
            }
            match Utf8PathBuf::from_path_buf(entry.path()) {
                Ok(path) if entry.file_type().map_err(failed(&folder))?.is_dir() => {
                    folders.push(path);
                }
                Ok(path) => found.extend(classify(path)),
                Err(path) => found.push(Source::Unreadable(UnreadableRecord {
                    name: path.to_string_lossy().into_owned(),
                    reason: "its name is not UTF-8".to_owned(),
                })),
            }
        }
    }
    found.sort_by(|left, right| left.name().cmp(right.name()));
    Ok(found)
}

impl Source {
    fn name(&self) -> &str {
        match self {
            Self::Archive(path) | Self::Record(path) => path.as_str(),
            Self::Unreadable(record) => &record.name,
        }
    }
}

/// What an entry of a folder is, other than a folder.
fn classify(path: Utf8PathBuf) -> Option<Source> {
    // A link to a folder could lead back up: it is not followed, and not passed over in silence.
    if path.is_dir() {
        return Some(Source::Unreadable(UnreadableRecord {
            name: path.into_string(),
            reason: "links to folders are not followed".to_owned(),
        }));
    }
    if path.file_name() == Some("all.zip") {
        return Some(Source::Archive(path));
    }
    (path.extension() == Some("json")).then_some(Source::Record(path))
}

/// The bytes of an archive.
pub(crate) fn read_archive(path: &Utf8Path) -> Result<Vec<u8>, Error> {
    read_file(path, LARGEST_ARCHIVE)
}

/// The bytes of a file, at most `limit`.
pub(crate) fn read_file(path: &Utf8Path, limit: u64) -> Result<Vec<u8>, Error> {
    File::open(path)
        .and_then(|file| read_at_most(file, limit))
        .map_err(|source| Error::Source { path: path.to_owned(), source })?
        .ok_or_else(|| Error::SourceTooLarge { name: path.to_string(), limit })
}

/// The records in these files, in order.
pub(crate) fn read_files(paths: &[Utf8PathBuf], limit: u64) -> Vec<Outcome> {
    paths
        .par_iter()
        .with_min_len(CHUNK)
        .map(|path| parse(path.as_str(), File::open(path), limit))
        .collect()
}

/// The records in an archive, in order. `limit` is for one record, in bytes.
pub(crate) fn read_zip(name: &str, bytes: &[u8], limit: u64) -> Result<Vec<Outcome>, Error> {
    let named = read_zip_named(name, bytes, limit)?;
    Ok(named.into_iter().map(|(_, outcome)| outcome).collect())
}

/// The same, with the name of each entry.
pub(crate) fn read_zip_named(
    name: &str,
    bytes: &[u8],
    limit: u64,
) -> Result<Vec<(String, Outcome)>, Error> {
    let failed = |source| Error::Archive { name: name.to_owned(), source };
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(failed)?;
    if archive.len() > MOST_FILES {
        return Err(Error::TooManyFiles { name: name.to_owned(), limit: MOST_FILES });
    }
    let announced = archive.decompressed_size().unwrap_or(u128::MAX);
    if announced > u128::from(MOST_INFLATED) {
        return Err(Error::SourceTooLarge { name: name.to_owned(), limit: MOST_INFLATED });
    }
    let twice = archive.has_duplicate_names().then(|| {
        let reason = "the archive has several entries of one name".to_owned();
        (name.to_owned(), Err(UnreadableRecord { name: name.to_owned(), reason }))
    });
    let numbers: Vec<_> = (0..archive.len()).collect();
    let outcomes: Vec<_> = numbers
        .par_chunks(CHUNK)
        .map_init(
            || archive.clone(),
            |archive, numbers| {
                numbers.iter().filter_map(|at| read_entry(archive, *at, limit)).collect::<Vec<_>>()
            },
        )
        .collect();
    Ok(outcomes.into_iter().flatten().chain(twice).collect())
}

/// `None` for entries that are no records: folders, lists, other text.
fn read_entry(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    at: usize,
    limit: u64,
) -> Option<(String, Outcome)> {
    match archive.by_index(at) {
        Ok(entry) => {
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let is_record = Utf8Path::new(&name).extension() == Some("json");
            is_record.then(|| {
                let outcome = parse(&name, Ok(entry), limit);
                (name, outcome)
            })
        }
        Err(error) => {
            let name = format!("entry {at}");
            Some((name.clone(), Err(UnreadableRecord { name, reason: error.to_string() })))
        }
    }
}

pub(crate) fn parse(name: &str, reader: io::Result<impl Read>, limit: u64) -> Outcome {
    let unreadable = |reason: String| UnreadableRecord { name: name.to_owned(), reason };
    let bytes = reader
        .and_then(|reader| read_at_most(reader, limit))
        .map_err(|error| unreadable(error.to_string()))?
        .ok_or_else(|| unreadable(format!("larger than {limit} bytes")))?;
    Record::parse(&bytes).map_err(|error| unreadable(error.to_string()))
}

/// Everything that is left in `reader`, or `None` when that is more than `limit` bytes.
#[expect(clippy::disallowed_methods, reason = "this is the read that takes a limit")]
pub(crate) fn read_at_most(reader: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|_| u64::try_from(read).is_ok_and(|read| read <= limit)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::zip;

    const LIMIT: u64 = 1_000;

    #[track_caller]
    fn check_unreadable(outcomes: &[Outcome], expect: &[(&str, &str)]) {
        let found: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        assert_eq!(found.len(), expect.len(), "{found:?}");
        for (found, (name, reason)) in found.iter().zip(expect) {
            assert_eq!(found.name, *name);
            assert!(found.reason.contains(reason), "{found:?}");
        }
    }

    #[test]
    fn one_broken_record_does_not_hide_the_rest() {
        let bytes = zip(&[
            ("a.json", br#"{"id":"A"}"#),
            ("b.json", b"{"),
            ("c.json", &[b' '; 1_001]),
            ("d.json", br#"{"id":"D"}"#),
            ("readme.txt", b"{"),
        ]);
        let outcomes = read_zip("z", &bytes, LIMIT).unwrap();
        let ids: Vec<_> = outcomes.iter().flatten().map(|record| record.id.as_str()).collect();
        assert_eq!(ids, ["A", "D"]);
        check_unreadable(&outcomes, &[("b.json", "EOF"), ("c.json", "larger than 1000 bytes")]);
    }

    #[test]
    fn a_bomb_is_not_inflated_past_the_limit() {
        let bytes = zip(&[("bomb.json", &vec![b'0'; 100 << 20]), ("a.json", br#"{"id":"A"}"#)]);
        assert!(bytes.len() < 200_000, "{}", bytes.len());
        let outcomes = read_zip("z", &bytes, LIMIT).unwrap();
        check_unreadable(&outcomes, &[("bomb.json", "larger than 1000 bytes")]);
        assert_eq!(outcomes.len(), 2);
    }

    #[test]
    fn a_changed_entry_is_unreadable_and_a_cut_archive_an_error() {
        let mut bytes =
            zip(&[("a.json", br#"{"id":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#)]);
        assert_eq!(read_zip("z", &bytes, LIMIT).unwrap().len(), 1);
        for length in 0..bytes.len() {
            match read_zip("z", &bytes[..length], LIMIT) {
                Err(Error::Archive { name, .. }) => assert_eq!(name, "z"),
                other => panic!("{length}: {other:?}"),
            }
        }
        // Behind the local header: 30 bytes and the name.
        bytes[40] ^= 0xff;
        assert!(read_zip("z", &bytes, LIMIT).unwrap()[0].is_err());
    }

    #[test]
    fn files_are_found_in_order_and_links_to_folders_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        for file in ["b/2.json", "a/all.zip", "b/c/1.json", "b/other.zip", "x.csv"] {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let mut expect = vec![
            Source::Archive(root.join("a/all.zip")),
            Source::Record(root.join("b/2.json")),
            Source::Record(root.join("b/c/1.json")),
        ];
        assert_eq!(find(root).unwrap(), expect);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(root, root.join("loop")).unwrap();
            expect.push(Source::Unreadable(UnreadableRecord {
                name: root.join("loop").into_string(),
                reason: "links to folders are not followed".to_owned(),
            }));
            assert_eq!(find(root).unwrap(), expect);
        }
        assert!(matches!(find(&root.join("absent")), Err(Error::Source { .. })));
    }
}
