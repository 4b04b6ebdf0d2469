//! Files of the user's: read within limits, written whole or not at all.

use crate::error::Error;
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use plimsoll_model::{Digest, digest::Digester};
use plimsoll_policy::Checkout;
use std::io::{self, BufWriter, Read as _, Write as _};
use tempfile::NamedTempFile;

/// How much is written at once, in bytes.
const BUFFER: usize = 1 << 16;

/// The working directory, and the root of the repository that it is in; nothing where it can not be told.
pub(crate) fn checkout() -> Option<Checkout> {
    let directory = Utf8Path::new(".").canonicalize_utf8().ok()?;
    let root = directory.ancestors().find(|above| above.join(".git").exists());
    Some(Checkout { root: root.unwrap_or(&directory).to_owned(), directory })
}

/// A path without `.`, and from the working directory on where it leads there. Where links lead is not followed.
pub(crate) fn plain(path: &Utf8Path, checkout: Option<&Checkout>) -> Utf8PathBuf {
    let inside = checkout.and_then(|checkout| path.strip_prefix(&checkout.directory).ok());
    let parts = inside.unwrap_or(path).components();
    let plain: Utf8PathBuf = parts.filter(|part| *part != Utf8Component::CurDir).collect();
    if plain.as_str().is_empty() { path.to_owned() } else { plain }
}

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

/// The digest of a file of any size.
pub(crate) fn digest(path: &Utf8Path) -> Result<Digest, Error> {
    let fail = |source| Error::Read { path: path.to_owned(), source };
    let mut file = std::fs::File::open(path).map_err(fail)?;
    let (mut digester, mut buffer) = (Digester::new(), vec![0; BUFFER]);
    loop {
        match file.read(&mut buffer).map_err(fail)? {
            0 => return Ok(digester.finish()),
            count => digester.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}

/// The text of a file, at most `limit` bytes.
pub(crate) fn read_text(path: &Utf8Path, limit: u64) -> Result<String, Error> {
    String::from_utf8(read(path, limit)?)
        .map_err(|_not_utf8| Error::NotText { path: path.to_owned() })
}

/// Writes a file whole.
pub(crate) fn write(path: &Utf8Path, bytes: &[u8]) -> Result<(), Error> {
    let mut draft = Draft::begin(path)?;
    draft.write_all(bytes).map_err(|source| Error::Write { path: path.to_owned(), source })?;
    draft.finish()
}

/// A file that is being written: a temporary one beside it, which takes its name when all of it is there.
///
/// What is no file, such as `/dev/null`, `/dev/stdout` or a pipe, is written to as it is: one cannot take its place,
/// and whoever runs as root would take it from everybody else.
#[derive(Debug)]
pub(crate) struct Draft {
    path: Utf8PathBuf,
    file: BufWriter<Target>,
    /// Why it could not be written. Whoever wrote to it tells of that in words of its own, without the name of the file.
    failure: Option<io::Error>,
}

impl Draft {
    /// Begins, in a directory that is made where there is none.
    pub(crate) fn begin(path: &Utf8Path) -> Result<Self, Error> {
        let fail = |source| Error::Write { path: path.to_owned(), source };
        let file = Target::of(path).map_err(fail)?;
        let file = BufWriter::with_capacity(BUFFER, file);
        Ok(Self { path: path.to_owned(), file, failure: None })
    }

    /// Gives the file its name.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let Self { path, file, .. } = self;
        let fail = |source| Error::Write { path: path.clone(), source };
        match file.into_inner().map_err(|error| fail(error.into_error()))? {
            Target::Beside(file) => {
                file.as_file().sync_all().map_err(fail)?;
                set_shared_mode(file.as_file()).map_err(fail)?;
                file.persist(&path).map_err(|error| fail(error.error))?;
            }
            Target::Itself(_written) => {}
        }
        Ok(())
    }

    /// Why writing came to nothing: what became of the file comes before what was made of that.
    pub(crate) fn explain(self, error: Error) -> Error {
        let Self { path, failure, .. } = self;
        failure.map_or(error, |source| Error::Write { path, source })
    }

    fn noted<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            self.failure = Some(error);
            kind.into()
        })
    }
}

/// What the bytes go to.
#[derive(Debug)]
enum Target {
    /// A temporary file, in the directory of the one that it will be.
    Beside(NamedTempFile),
    /// What has the name already, and keeps it.
    Itself(std::fs::File),
}

impl Target {
    fn of(path: &Utf8Path) -> io::Result<Self> {
        if keeps_its_name(path) {
            return std::fs::OpenOptions::new().append(true).open(path).map(Self::Itself);
        }
        let directory = match path.parent() {
            Some(parent) if !parent.as_str().is_empty() => parent,
            _ => Utf8Path::new("."),
        };
        std::fs::create_dir_all(directory)?;
        tempfile::Builder::new().prefix(".plimsoll-").tempfile_in(directory).map(Self::Beside)
    }
}

/// Whether a path is of a device, a pipe or the like, or of a descriptor that is open already: what that leads to may be
/// a file, but its name is another.
fn keeps_its_name(path: &Utf8Path) -> bool {
    let descriptors = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];
    let is_descriptor = descriptors.iter().any(|of_the_system| path.starts_with(of_the_system));
    std::fs::metadata(path).is_ok_and(|it| !it.is_dir() && (is_descriptor || !it.is_file()))
}

impl io::Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Beside(file) => file.write(bytes),
            Self::Itself(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Beside(file) => file.flush(),
            Self::Itself(file) => file.flush(),
        }
    }
}

impl io::Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.file.flush();
        self.noted(flushed)
    }
}

/// Temporary files are made for their owner alone; a report is for everyone whom the umask admits.
#[cfg(unix)]
fn set_shared_mode(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_shared_mode(_file: &std::fs::File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_no_file_is_written_to_and_keeps_its_name() {
        use std::os::{fd::AsRawFd as _, unix::fs::FileTypeExt as _};

        write(Utf8Path::new("/dev/null"), b"12345").unwrap();
        assert!(std::fs::symlink_metadata("/dev/null").unwrap().file_type().is_char_device());

        let directory = tempfile::tempdir().unwrap();
        let at = Utf8Path::from_path(directory.path()).unwrap();
        let null = at.join("null");
        std::os::unix::fs::symlink("/dev/null", &null).unwrap();
        write(&null, b"12345").unwrap();
        assert!(null.is_symlink());

        let opened = std::fs::File::create(at.join("opened")).unwrap();
        write(&Utf8PathBuf::from(format!("/dev/fd/{}", opened.as_raw_fd())), b"12345").unwrap();
        assert_eq!(read(&at.join("opened"), 5).unwrap(), b"12345");
        let left: Vec<_> = at.read_dir_utf8().unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }

    #[test]
    #[cfg(unix)]
    fn a_link_to_a_file_gives_its_name_away_and_the_file_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let at = Utf8Path::from_path(directory.path()).unwrap();
        write(&at.join("theirs"), b"theirs").unwrap();
        std::os::unix::fs::symlink(at.join("theirs"), at.join("report")).unwrap();
        write(&at.join("report"), b"ours").unwrap();
        assert_eq!(read(&at.join("report"), 9).unwrap(), b"ours");
        assert_eq!(read(&at.join("theirs"), 9).unwrap(), b"theirs");
    }

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

    #[test]
    fn a_file_has_one_name_from_the_working_directory() {
        let checkout = Checkout { directory: "/srv/app/sub".into(), root: "/srv/app".into() };
        for (path, expect) in [
            ("./a.yaml", "a.yaml"),
            ("././x/./a.yaml", "x/a.yaml"),
            ("a.yaml", "a.yaml"),
            ("/srv/app/sub/a.yaml", "a.yaml"),
            ("/srv/app/a.yaml", "/srv/app/a.yaml"),
            ("../a.yaml", "../a.yaml"),
            ("x/../a.yaml", "x/../a.yaml"),
        ] {
            assert_eq!(plain(path.into(), Some(&checkout)), expect, "{path}");
        }
        assert_eq!(plain("./a".into(), None), "a");
    }

    #[test]
    fn a_draft_is_nothing_until_it_is_finished() {
        let directory = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(directory.path()).unwrap();
        let files = || std::fs::read_dir(folder).unwrap().count();
        let path = folder.join("file");
        let mut draft = Draft::begin(&path).unwrap();
        draft.write_all(&vec![b'x'; 2 * BUFFER]).unwrap();
        assert!(!path.exists());
        drop(draft);
        assert_eq!(files(), 0);
        let mut draft = Draft::begin(&path).unwrap();
        draft.write_all(b"all").unwrap();
        draft.finish().unwrap();
        assert_eq!((files(), read(&path, 9).unwrap()), (1, b"all".to_vec()));
    }

    #[test]
    fn what_became_of_the_file_is_told_with_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(directory.path()).unwrap().join("file");
        let mut draft = Draft::begin(&path).unwrap();
        draft.noted::<()>(Err(io::ErrorKind::StorageFull.into())).unwrap_err();
        let error = draft.explain(Error::Internal("an SBOM format is not registered"));
        assert!(
            matches!(&error, Error::Write { path: at, source }
                if *at == path && source.kind() == io::ErrorKind::StorageFull),
            "{error:?}"
        );
    }
}
