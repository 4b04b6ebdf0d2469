//! What was kept of a repository: one file, replaced at once. Names in it are no paths.

use crate::{Error, files};
use camino::Utf8Path;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sigstore_tuf::{MetadataStore, Repository, transport::FetchFuture};
use std::{
    collections::BTreeMap,
    io::{ErrorKind, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The largest file, in bytes (16 MiB): some dozens of roots, the other metadata, and the target.
const LARGEST: u64 = 16 << 20;

/// The files of a repository, by name; clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    files: Arc<Mutex<BTreeMap<String, String>>>,
    fetched: Timestamp,
}

/// The same as it is written down.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    version: Version,
    /// When the files were fetched, in seconds since 1970.
    fetched: i64,
    files: BTreeMap<String, String>,
}

/// The version of the form.
#[derive(Debug, Serialize, Deserialize)]
enum Version {
    #[serde(rename = "1")]
    One,
}

impl Kept {
    /// What is in the file; nothing where there is none.
    ///
    /// [`Error::Malformed`] or [`Error::TooLarge`] where it is something else.
    pub(super) fn read(path: &Utf8Path) -> Result<Option<Self>, Error> {
        const WHAT: &str = "the kept trusted root";
        let text = match files::read_text(path, LARGEST, WHAT) {
            Ok(text) => text,
            Err(Error::ReadFile { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let malformed = |source| Error::Malformed { what: WHAT, source };
        let form: Form = serde_json::from_str(&text).map_err(malformed)?;
        let fetched = Timestamp::from_second(form.fetched).unwrap_or_default();
        Ok(Some(Self { files: Arc::new(Mutex::new(form.files)), fetched }))
    }

    /// Puts it in the place of what is there, at once.
    pub(super) fn write(&self, path: &Utf8Path) -> Result<(), Error> {
        let failed = |source| Error::WriteFile { path: path.to_owned(), source };
        let folder = path.parent().unwrap_or(Utf8Path::new("."));
        let form = Form {
            version: Version::One,
            fetched: self.fetched.as_second(),
            files: self.files().clone(),
        };
        let text = serde_json::to_vec(&form)
            .map_err(|source| Error::Malformed { what: "the new trusted root", source })?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(&text).map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// The same files, of which the original knows nothing from here on.
    pub(super) fn copy(&self) -> Self {
        Self { files: Arc::new(Mutex::new(self.files().clone())), fetched: self.fetched }
    }

    /// The same, fetched at this time.
    pub(super) fn fetched_at(self, now: Timestamp) -> Self {
        Self { fetched: now, ..self }
    }

    /// When it was fetched.
    pub(super) const fn fetched(&self) -> Timestamp {
        self.fetched
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.files().get(name).map(|text| text.clone().into_bytes())
    }
}

impl MetadataStore for Kept {
    fn load(&self, name: &str) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        Ok(self.get(name))
    }

    fn store(&self, name: &str, bytes: &[u8]) -> sigstore_tuf::Result<()> {
        let text = str::from_utf8(bytes)
            .map_err(|source| sigstore_tuf::Error::transport_with_source("no text", source))?;
        // A snapshot comes under its version as well, which nobody asks for.
        if unversioned(name) != Some("snapshot.json") {
            self.files().insert(name.to_owned(), text.to_owned());
        }
        Ok(())
    }
}

/// As a repository of which every file has the version that is asked for, or is not verified.
impl Repository for Kept {
    fn fetch_metadata<'a>(&'a self, name: &'a str, limit: u64) -> FetchFuture<'a> {
        let found = match unversioned(name) {
            // The roots that there are were followed before anything is asked for.
            Some("root.json") => None,
            Some(plain) => self.get(plain),
            None => self.get(name),
        };
        Box::pin(async move { within(found, limit) })
    }

    fn fetch_target<'a>(&'a self, path: &'a str, limit: u64) -> FetchFuture<'a> {
        let plain = path.split_once('.').map_or(path, |(_, plain)| plain);
        let found = self.get(&format!("targets/{plain}")).or_else(|| self.get(path));
        Box::pin(async move { within(found, limit) })
    }
}

/// A name without the version in front of it, where there is one.
fn unversioned(name: &str) -> Option<&str> {
    let (version, plain) = name.split_once('.')?;
    version.bytes().all(|byte| byte.is_ascii_digit()).then_some(plain)
}

fn within(found: Option<Vec<u8>>, limit: u64) -> sigstore_tuf::Result<Option<Vec<u8>>> {
    match found {
        Some(bytes) if u64::try_from(bytes.len()).map_or(true, |length| length > limit) => {
            Err(sigstore_tuf::Error::IntegrityMismatch(format!("larger than {limit} bytes")))
        }
        found => Ok(found),
    }
}
