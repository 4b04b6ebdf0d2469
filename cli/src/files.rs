//! Files of the user's: read within limits, written whole or not at all.

use crate::error::Error;
use camino::Utf8Path;
use std::io::{Read as _, Write as _};

/// The bytes of a file, at most `limit` of them.
pub(crate) fn read(path: &Utf8Path, limit: u64) -> Result<Vec<u8>, Error> {
    let bytes = read_past(path, limit)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(Error::TooLarge { path: path.to_owned(), limit })
    }
}

/// The bytes of a file, of a larger one `limit` and one more: for those who judge by themselves what is too large.
#[expect(clippy::disallowed_methods, reason = "the read is bounded by `take`")]
pub(crate) fn read_past(path: &Utf8Path, limit: u64) -> Result<Vec<u8>, Error> {
    let fail = |source| Error::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(fail)?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

/// The text of a file, at most `limit` bytes.
pub(crate) fn read_text(path: &Utf8Path, limit: u64) -> Result<String, Error> {
    String::from_utf8(read(path, limit)?)
        .map_err(|_not_utf8| Error::NotText { path: path.to_owned() })
}

/// Writes a file whole: to a temporary file beside it, which then takes its name.
pub(crate) fn write(path: &Utf8Path, bytes: &[u8]) -> Result<(), Error> {
    let fail = |source| Error::Write { path: path.to_owned(), source };
    let directory = match path.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent,
        _ => Utf8Path::new("."),
    };
    std::fs::create_dir_all(directory).map_err(fail)?;
    let mut file =
        tempfile::Builder::new().prefix(".plimsoll-").tempfile_in(directory).map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    set_shared_mode(file.as_file()).map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}

/// Temporary files are made for their owner alone; a report is for everyone whom the umask admits.
#[cfg(unix)]
fn set_shared_mode(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_shared_mode(_file: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_over_its_limit_is_refused_and_one_at_it_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(directory.path()).unwrap().join("new/file");
        write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(matches!(read(&path, 4), Err(Error::TooLarge { limit: 4, .. })));
        assert_eq!(read_past(&path, 3).unwrap(), b"1234");
        write(&path, b"\xff").unwrap();
        assert!(matches!(read_text(&path, 9), Err(Error::NotText { .. })));
        assert!(matches!(read(&path.join("no"), 4), Err(Error::Read { .. })));
    }
}
