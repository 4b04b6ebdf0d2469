//! Writing a layout: a blob gets its name when it has been verified, the index is replaced as a whole.

use super::{
    BLOBS, INDEX, Layout, LayoutFiles as _, MARKER, REF_NAME,
    read::{blob_name, fallback_name, index, manifest},
};
use crate::{
    error::Error,
    manifest::{Content, Descriptor, OCI_INDEX},
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::{Digest, digest::Digester, reference::Tag};
use serde_json::{Value, json};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// A blob on its way into a layout. Dropped before [`BlobWriter::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct BlobWriter {
    partial: Partial,
    digester: Digester,
    seen: u64,
    descriptor: Descriptor,
    from: String,
}

impl BlobWriter {
    /// Takes in the next bytes.
    ///
    /// # Errors
    /// [`Error::Size`] when there are more than promised; [`Error::Write`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.seen = self.seen.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.seen > self.descriptor.size {
            return Err(self.wrong_size(None));
        }
        self.digester.update(bytes);
        self.partial.write(bytes)
    }

    /// Verifies size and digest, and gives the blob its name.
    ///
    /// # Errors
    /// [`Error::Size`], [`Error::Digest`], [`Error::Write`].
    pub fn finish(self) -> Result<(), Error> {
        if self.seen != self.descriptor.size {
            return Err(self.wrong_size(Some(self.seen)));
        }
        let found = self.digester.finish();
        if found != self.descriptor.digest {
            return Err(Error::Digest { from: self.from, expected: self.descriptor.digest, found });
        }
        self.partial.finish()
    }

    fn wrong_size(&self, found: Option<u64>) -> Error {
        Error::Size {
            from: self.from.clone(),
            digest: self.descriptor.digest,
            expected: self.descriptor.size,
            found,
        }
    }
}

impl Layout {
    /// Begins to write a blob.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write_blob(&self, descriptor: &Descriptor) -> Result<BlobWriter, Error> {
        Ok(BlobWriter {
            partial: Partial::new(self.path.join(blob_name(&descriptor.digest)))?,
            digester: Digester::new(),
            seen: 0,
            descriptor: descriptor.clone(),
            from: format!("blob {} for {}", descriptor.digest, self.place()),
        })
    }

    /// Lets a tag name what `descriptor` describes, and nothing else any more.
    ///
    /// # Errors
    /// [`Error::Write`], and those of reading the index.
    pub fn set_tag(&self, tag: &Tag, descriptor: &Descriptor) -> Result<(), Error> {
        let _lock = self.lock()?;
        self.set_ref_name(tag.as_str(), descriptor)
    }

    /// Lists what `descriptor` describes without a name, if it is not listed yet.
    ///
    /// # Errors
    /// [`Error::Write`], and those of reading the index.
    pub fn add_untagged(&self, descriptor: &Descriptor) -> Result<(), Error> {
        let _lock = self.lock()?;
        self.change_index(|entries| {
            let digest = descriptor.digest.to_string();
            if !entries
                .iter()
                .any(|entry| entry.get("digest").and_then(Value::as_str) == Some(&digest))
            {
                entries.push(entry_of(descriptor));
            }
        })
    }

    /// Adds to the list of what is about `subject`; what the list has already stays in it.
    ///
    /// # Errors
    /// [`Error::Write`], and those of reading the index.
    pub fn add_referrer(&self, subject: &Digest, referrer: &Descriptor) -> Result<(), Error> {
        let _lock = self.lock()?;
        let name = fallback_name(subject);
        let listed = index(self)?
            .manifests
            .into_iter()
            .find(|entry| super::read::ref_name(entry) == Some(&name));
        let mut list = match listed {
            Some(listed) => {
                let list = manifest(self, &listed.digest, Some(&listed.media_type))?;
                if let Content::Index(known) = &list.content
                    && known.manifests.iter().any(|known| known.digest == referrer.digest)
                {
                    return Ok(());
                }
                self.json(&list.bytes)?
            }
            None => json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}),
        };
        if let Some(entries) = list.get_mut("manifests").and_then(Value::as_array_mut) {
            entries.push(entry_of(referrer));
        }
        let bytes = list.to_string().into_bytes();
        let descriptor = Descriptor::of(OCI_INDEX, &bytes);
        let mut writer = self.write_blob(&descriptor)?;
        writer.write(&bytes)?;
        writer.finish()?;
        self.set_ref_name(&name, &descriptor)
    }

    /// Makes what a layout consists of, as far as it is not there.
    pub(super) fn initialise(&self) -> Result<(), Error> {
        let failed = |path: &Utf8Path| {
            let path = path.to_owned();
            move |source| Error::Write { path, source }
        };
        fs::create_dir_all(&self.path).map_err(failed(&self.path))?;
        let marker = self.path.join(MARKER);
        if self.open_file(MARKER)?.is_none() {
            let mut entries = fs::read_dir(&self.path).map_err(failed(&self.path))?;
            if entries.next().is_some() {
                return Err(Error::ForeignDirectory { path: self.path.clone() });
            }
            replace(&marker, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        }
        let blobs = self.path.join(BLOBS);
        fs::create_dir_all(&blobs).map_err(failed(&blobs))?;
        let _lock = self.lock()?;
        if self.open_file(INDEX)?.is_none() {
            let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []});
            replace(&self.path.join(INDEX), index.to_string().as_bytes())?;
        }
        Ok(())
    }

    /// Keeps other writers of the index away until it is dropped. The marker is locked because it is never replaced.
    fn lock(&self) -> Result<File, Error> {
        let path = self.path.join(MARKER);
        let failed = |source| Error::Write { path: path.clone(), source };
        let file = File::open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }

    fn set_ref_name(&self, name: &str, descriptor: &Descriptor) -> Result<(), Error> {
        let mut named = descriptor.clone();
        named.annotations.insert(REF_NAME.to_owned(), name.to_owned());
        self.change_index(|entries| {
            let has_name = |entry: &Value| entry_name(entry) == Some(name);
            let is_current = entries.iter().filter(|entry| has_name(entry)).eq([&entry_of(&named)]);
            if !is_current {
                entries.retain(|entry| !has_name(entry));
                entries.push(entry_of(&named));
            }
        })
    }

    /// Rewrites the index if `change` changes its entries. Everything else in it stays.
    fn change_index(&self, change: impl FnOnce(&mut Vec<Value>)) -> Result<(), Error> {
        // Read as an index first: what is ambiguous must not be rewritten into something else.
        index(self)?;
        let path = self.path.join(INDEX);
        let not = |problem| Error::NotALayout { place: self.place(), problem };
        let file = self.open_file(INDEX)?.ok_or_else(|| not("it has no file `index.json`"))?;
        let mut document = self.json(&file.read(self.limits.manifest)?)?;
        let entries = document
            .get_mut("manifests")
            .and_then(Value::as_array_mut)
            .ok_or_else(|| not("its `index.json` is no index"))?;
        let before = entries.clone();
        change(entries);
        if *entries == before {
            return Ok(());
        }
        replace(&path, document.to_string().as_bytes())
    }

    fn json(&self, bytes: &[u8]) -> Result<Value, Error> {
        serde_json::from_slice(bytes)
            .map_err(|source| Error::Json { from: format!("an index of {}", self.place()), source })
    }
}

fn entry_name(entry: &Value) -> Option<&str> {
    entry.get("annotations")?.get(REF_NAME)?.as_str()
}

/// A descriptor as an index has it.
fn entry_of(descriptor: &Descriptor) -> Value {
    let mut entry = json!({
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest.to_string(),
        "size": descriptor.size,
    });
    let mut set = |key: &str, value: Value| {
        if let Some(entry) = entry.as_object_mut() {
            entry.insert(key.to_owned(), value);
        }
    };
    if let Some(platform) = &descriptor.platform {
        let mut value = json!({"architecture": platform.architecture, "os": platform.os});
        if let (Some(variant), Some(value)) = (&platform.variant, value.as_object_mut()) {
            value.insert("variant".to_owned(), json!(variant));
        }
        set("platform", value);
    }
    if let Some(artifact_type) = &descriptor.artifact_type {
        set("artifactType", json!(artifact_type));
    }
    if !descriptor.annotations.is_empty() {
        set("annotations", json!(descriptor.annotations));
    }
    entry
}

/// Replaces a file as a whole, or not at all.
fn replace(path: &Utf8Path, bytes: &[u8]) -> Result<(), Error> {
    let mut partial = Partial::new(path.to_owned())?;
    partial.write(bytes)?;
    partial.finish()
}

/// A file that is being written beside the place where it will be.
#[derive(Debug)]
struct Partial {
    file: File,
    temporary: Utf8PathBuf,
    path: Utf8PathBuf,
}

/// Tells apart the files that this process writes at the same time.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Partial {
    fn new(path: Utf8PathBuf) -> Result<Self, Error> {
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!(".partial-{}-{number}", process::id());
            let temporary = path.with_file_name(name);
            match OpenOptions::new().write(true).create_new(true).open(&temporary) {
                Ok(file) => return Ok(Self { file, temporary, path }),
                // Left by a process with our number that was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::Write { path: temporary, source }),
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|source| self.failed(source))
    }

    /// Gives the file its name once it is on the disk.
    fn finish(self) -> Result<(), Error> {
        self.file
            .sync_all()
            .and_then(|()| fs::rename(&self.temporary, &self.path))
            .map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Write { path: self.path.clone(), source }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After `finish` there is nothing under this name any more.
        drop(fs::remove_file(&self.temporary));
    }
}
