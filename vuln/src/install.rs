//! Puts an index in its place.

use crate::{Error, Index};
use camino::Utf8Path;
use std::{
    fs,
    io::{self, Write as _},
};
use tempfile::NamedTempFile;

/// Verifies `bytes` and puts them at `path`, all or nothing, and opens them there.
///
/// A new file beside it is written, synced and renamed: whoever has the old index open keeps it, a broken download leaves
/// it in place, and of several at once the last one stays.
pub fn install(bytes: &[u8], path: &Utf8Path) -> Result<Index, Error> {
    let failed = |source| Error::Install { path: path.to_owned(), source };
    let folder = folder_of(path).map_err(failed)?;
    let file = write(bytes, folder).map_err(failed)?;
    let written = Utf8Path::from_path(file.path())
        .ok_or_else(|| failed(io::Error::from(io::ErrorKind::InvalidFilename)))?;
    Index::open(written)?.verify()?;
    file.persist(path).map_err(|error| failed(error.error))?;
    sync_folder(folder).map_err(failed)?;
    Index::open(path)
}

/// Puts `bytes` at `path`, all or nothing.
pub(crate) fn replace(bytes: &[u8], path: &Utf8Path) -> io::Result<()> {
    let folder = folder_of(path)?;
    write(bytes, folder)?.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

fn folder_of(path: &Utf8Path) -> io::Result<&Utf8Path> {
    match path.parent() {
        Some(folder) if folder.as_str().is_empty() => Ok(Utf8Path::new(".")),
        Some(folder) => Ok(folder),
        None => Err(io::Error::from(io::ErrorKind::IsADirectory)),
    }
}

/// Writes `bytes` to a new file that goes away again unless it is renamed.
fn write(bytes: &[u8], folder: &Utf8Path) -> io::Result<NamedTempFile> {
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".advisories-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    make_readable(file.as_file())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Advisories are public; a cache that several accounts share is only of use when they all can read it.
#[cfg(unix)]
fn make_readable(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &fs::File) -> io::Result<()> {
    Ok(())
}

/// Makes the rename last through a power cut.
#[cfg(unix)]
fn sync_folder(folder: &Utf8Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Utf8Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::index_bytes;
    use camino::Utf8PathBuf;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("deep/advisories.idx")).unwrap();
        (folder, path)
    }

    fn files(path: &Utf8Path) -> usize {
        path.parent().unwrap().read_dir_utf8().unwrap().count()
    }

    #[test]
    fn an_index_is_installed_and_replaced_while_it_is_open() {
        let (_folder, path) = folder();
        let first = install(&index_bytes(&[]), &path).unwrap();
        let bytes = index_bytes(&[r#"{"id":"X"}"#]);
        let second = install(&bytes, &path).unwrap();
        assert_eq!((first.len(), second.len()), (0, 1));
        first.verify().unwrap();
        second.verify().unwrap();
        assert_eq!(files(&path), 1);
    }

    #[test]
    fn broken_bytes_leave_the_old_index_in_place() {
        let (_folder, path) = folder();
        let bytes = index_bytes(&[r#"{"id":"X"}"#]);
        install(&bytes, &path).unwrap();
        let mut broken = bytes.clone();
        *broken.last_mut().unwrap() ^= 1;
        assert!(matches!(install(&broken, &path), Err(Error::DigestMismatch { .. })));
        assert!(matches!(install(&bytes[..bytes.len() - 1], &path), Err(Error::Truncated { .. })));
        assert_eq!(Index::open(&path).unwrap().len(), 1);
        assert_eq!(files(&path), 1);
    }

    #[test]
    fn several_at_once_do_no_harm() {
        let (_folder, path) = folder();
        let bytes = index_bytes(&[r#"{"id":"X"}"#]);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| install(&bytes, &path).unwrap().verify().unwrap());
            }
        });
        assert_eq!(files(&path), 1);
    }

    #[test]
    fn a_place_that_can_not_be_written_is_an_error() {
        let (folder, path) = folder();
        let file = Utf8PathBuf::from_path_buf(folder.path().join("file")).unwrap();
        install(&index_bytes(&[]), &file).unwrap();
        let below = file.join("index");
        assert!(matches!(install(&index_bytes(&[]), &below), Err(Error::Install { .. })));
        assert!(matches!(Index::open(&path), Err(Error::IndexMissing { .. })));
        assert!(matches!(
            Index::open(path.parent().unwrap().parent().unwrap()),
            Err(Error::IndexUnreadable { .. })
        ));
    }
}
