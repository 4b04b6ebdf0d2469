//! Reading a layout, whether it lies in a directory or in a tar file.

use super::{BLOBS, INDEX, MARKER, REF_NAME};
use crate::{
    error::Error,
    manifest::{Content, Descriptor, Index, Manifest},
};
use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::{Digest, Limits, reference::Selector};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io::{self, Read},
};

/// The files of a layout.
pub(crate) trait LayoutFiles {
    /// The file with a name relative to the layout's root; `None` where there is none.
    fn open_file(&self, name: &str) -> Result<Option<LayoutFile>, Error>;
    /// Where the layout is, for messages.
    fn place(&self) -> String;
    /// How much is read of it.
    fn limits(&self) -> &Limits;
}

/// An open file of a layout.
pub(crate) struct LayoutFile {
    /// How large it is by the account of who keeps it.
    pub(crate) size: u64,
    pub(crate) reader: Box<dyn Read + Send>,
    /// Where it really is, for messages.
    pub(crate) path: Utf8PathBuf,
}

impl fmt::Debug for LayoutFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "LayoutFile({})", self.path)
    }
}

impl LayoutFile {
    /// All of it, if that is at most `limit` bytes.
    pub(crate) fn read(self, limit: u64) -> Result<Vec<u8>, Error> {
        let bytes = read_at_most(self.reader, limit)
            .map_err(|source| Error::Read { path: self.path.clone(), source })?;
        bytes.ok_or_else(|| Error::TooLarge { from: self.path.to_string(), limit })
    }
}

/// Opens a file for reading, unless it is a pipe or a device: those could be waited for without end.
pub(crate) fn open_regular(path: &Utf8Path) -> io::Result<(File, u64)> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok((File::open(path)?, metadata.len()))
}

/// All that `reader` gives; `None` if that is more than `limit` bytes.
#[expect(clippy::disallowed_methods, reason = "this is the read that takes a limit")]
pub(crate) fn read_at_most(reader: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((u64::try_from(read).unwrap_or(u64::MAX) <= limit).then_some(bytes))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

/// Whether these are files of a layout, of the one version there is.
pub(crate) fn check_marker(files: &impl LayoutFiles) -> Result<(), Error> {
    let place = files.place();
    let not = |problem| Error::NotALayout { place: place.clone(), problem };
    let file = files.open_file(MARKER)?.ok_or_else(|| not("it has no file `oci-layout`"))?;
    let bytes = file.read(files.limits().manifest)?;
    let marker: Marker = serde_json::from_slice(&bytes)
        .map_err(|source| Error::Json { from: format!("oci-layout of {place}"), source })?;
    if marker.image_layout_version != "1.0.0" {
        return Err(not("its version is not 1.0.0"));
    }
    Ok(())
}

pub(crate) fn index(files: &impl LayoutFiles) -> Result<Index, Error> {
    let place = files.place();
    let file = files.open_file(INDEX)?.ok_or_else(|| Error::NotALayout {
        place: place.clone(),
        problem: "it has no file `index.json`",
    })?;
    let bytes = file.read(files.limits().manifest)?;
    let from = format!("index.json of {place}");
    match Manifest::parse(Bytes::from(bytes), None, &from, files.limits())?.content {
        Content::Index(index) => Ok(index),
        Content::Image(_) => {
            Err(Error::NotALayout { place, problem: "its `index.json` is no index" })
        }
    }
}

pub(crate) fn resolve(files: &impl LayoutFiles, selector: &Selector) -> Result<Descriptor, Error> {
    let index = index(files)?;
    let (asked, candidates) = match selector {
        Selector::Digest(digest) => {
            if let Some(listed) = index.manifests.iter().find(|listed| listed.digest == *digest) {
                return Ok(listed.clone());
            }
            return Ok(manifest(files, digest, None)?.descriptor);
        }
        Selector::Tag(tag) => {
            let has_tag = |listed: &&Descriptor| ref_name(listed) == Some(tag.as_str());
            (format!("`{tag}`"), distinct(index.manifests.iter().filter(has_tag)))
        }
        Selector::Only => {
            let named = index.manifests.iter().filter(|listed| !is_list_of_referrers(listed));
            (String::new(), images(files, distinct(named))?)
        }
    };
    let mut candidates = candidates.into_iter();
    match (candidates.next(), candidates.next()) {
        (Some(one), None) => Ok(one.clone()),
        (None, _) => {
            let all = index
                .manifests
                .iter()
                .filter(|listed| !is_list_of_referrers(listed))
                .map(name)
                .collect();
            Err(Error::NoSuchImage { place: files.place(), asked, names: all })
        }
        (Some(first), Some(second)) => {
            let names = [first, second].into_iter().chain(candidates).map(name).collect();
            Err(Error::SeveralImages { place: files.place(), names })
        }
    }
}

/// What is left without the referrers, where there is something to choose from.
fn images<'a>(
    files: &impl LayoutFiles,
    candidates: Vec<&'a Descriptor>,
) -> Result<Vec<&'a Descriptor>, Error> {
    if candidates.len() < 2 {
        return Ok(candidates);
    }
    let mut images = Vec::new();
    for candidate in candidates.into_iter().filter(|listed| listed.is_manifest()) {
        if manifest(files, &candidate.digest, Some(&candidate.media_type))?.subject().is_none() {
            images.push(candidate);
        }
    }
    Ok(images)
}

fn distinct<'a>(descriptors: impl Iterator<Item = &'a Descriptor>) -> Vec<&'a Descriptor> {
    let mut distinct: Vec<&Descriptor> = Vec::new();
    for descriptor in descriptors {
        if distinct.iter().all(|other| other.digest != descriptor.digest) {
            distinct.push(descriptor);
        }
    }
    distinct
}

pub(crate) fn ref_name(descriptor: &Descriptor) -> Option<&str> {
    descriptor.annotations.get(REF_NAME).map(String::as_str)
}

/// What people can call it by.
fn name(descriptor: &Descriptor) -> String {
    ref_name(descriptor).map_or_else(|| descriptor.digest.to_string(), str::to_owned)
}

/// The reference name under which the referrers of `subject` are listed.
pub(crate) fn fallback_name(subject: &Digest) -> String {
    format!("sha256-{}", subject.hex())
}

/// Whether it is named after another manifest: the list of its referrers, or what old tools keep beside it
/// (`sha256-<hex>.sig`).
fn is_list_of_referrers(descriptor: &Descriptor) -> bool {
    ref_name(descriptor)
        .and_then(|name| name.strip_prefix("sha256-"))
        .map(|rest| rest.split_once('.').map_or(rest, |(hex, _)| hex))
        .is_some_and(|hex| format!("sha256:{hex}").parse::<Digest>().is_ok())
}

/// A manifest of the layout, verified and parsed.
pub(crate) fn manifest(
    files: &impl LayoutFiles,
    digest: &Digest,
    promised: Option<&str>,
) -> Result<Manifest, Error> {
    let bytes = read_blob(files, digest, files.limits().manifest)?;
    Manifest::parse(bytes, promised, &blob_of(files, digest), files.limits())
}

pub(crate) fn read_blob(
    files: &impl LayoutFiles,
    digest: &Digest,
    limit: u64,
) -> Result<Bytes, Error> {
    let file = open_blob(files, digest)?;
    let from = blob_of(files, digest);
    if file.size > limit {
        return Err(Error::TooLarge { from, limit });
    }
    let bytes = file.read(limit)?;
    let found = Digest::of(&bytes);
    if found != *digest {
        return Err(Error::Digest { from, expected: *digest, found });
    }
    Ok(bytes.into())
}

pub(crate) fn blob_reader(
    files: &impl LayoutFiles,
    descriptor: &Descriptor,
) -> Result<Box<dyn Read + Send>, Error> {
    let file = open_blob(files, &descriptor.digest)?;
    if file.size != descriptor.size {
        return Err(Error::Size {
            from: blob_of(files, &descriptor.digest),
            digest: descriptor.digest,
            expected: descriptor.size,
            found: Some(file.size),
        });
    }
    Ok(file.reader)
}

pub(crate) fn has_blob(files: &impl LayoutFiles, descriptor: &Descriptor) -> Result<bool, Error> {
    let file = files.open_file(&blob_name(&descriptor.digest))?;
    Ok(file.is_some_and(|file| file.size == descriptor.size))
}

pub(crate) fn referrers(
    files: &impl LayoutFiles,
    subject: &Digest,
) -> Result<Vec<Descriptor>, Error> {
    let fallback = fallback_name(subject);
    let mut found = BTreeMap::new();
    for listed in index(files)?.manifests {
        if ref_name(&listed) == Some(&fallback) {
            let list = manifest(files, &listed.digest, Some(&listed.media_type))?;
            if let Content::Index(list) = list.content {
                found
                    .extend(list.manifests.into_iter().map(|referrer| (referrer.digest, referrer)));
            }
        } else if listed.is_manifest() {
            let manifest = manifest(files, &listed.digest, Some(&listed.media_type))?;
            if manifest.subject().is_some_and(|about| about.digest == *subject) {
                found.entry(listed.digest).or_insert_with(|| manifest.as_referrer());
            }
        }
    }
    let limit = files.limits().children;
    if found.len() > limit {
        let from = format!("the list of what is about {subject} in {}", files.place());
        return Err(Error::TooMany { from, what: "referrers", limit });
    }
    Ok(found.into_values().collect())
}

fn open_blob(files: &impl LayoutFiles, digest: &Digest) -> Result<LayoutFile, Error> {
    files
        .open_file(&blob_name(digest))?
        .ok_or_else(|| Error::MissingBlob { place: files.place(), digest: *digest })
}

pub(crate) fn blob_name(digest: &Digest) -> String {
    format!("{BLOBS}/{}", digest.hex())
}

fn blob_of(files: &impl LayoutFiles, digest: &Digest) -> String {
    format!("blob {digest} of {}", files.place())
}
