//! What `docker save` writes: a configuration and layers by name, without a manifest.
//!
//! Newer versions write an OCI layout around the same `manifest.json`; that file is what is read of either.
//! Format: <https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md#combined-image-json--filesystem-changeset-format>.

use super::Members;
use crate::{
    error::Error,
    layout::LayoutFile,
    manifest::{Descriptor, OCI_MANIFEST},
};
use bytes::Bytes;
use camino::Utf8Path;
use plimsoll_model::{Digest, Limits, digest::Digester, reference::Selector};
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeMap, fs::File, io::Read, sync::Arc};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A tar file as `docker save` writes it.
///
/// Such a file has no manifest, so one is made: always the same for the same configuration and layers. Its digest is
/// what the image is pinned by. Every file is hashed once on opening, because the manifest has to name its digest.
#[derive(Clone, Debug)]
pub struct DockerArchive {
    contents: Arc<Contents>,
}

#[derive(Debug)]
struct Contents {
    members: Members,
    /// What it is called, for messages.
    place: String,
    images: Vec<SavedImage>,
    /// The manifests that were made.
    manifests: BTreeMap<Digest, Bytes>,
    /// The names of configurations and layers.
    names: BTreeMap<Digest, String>,
}

#[derive(Debug)]
struct SavedImage {
    tags: Vec<String>,
    config: Digest,
    manifest: Descriptor,
}

/// An image in `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireImage {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

impl DockerArchive {
    /// Finds the images of an archive, and hashes their files.
    ///
    /// # Errors
    /// [`Error::Archive`], [`Error::ArchiveName`], [`Error::NotALayout`], [`Error::Incomplete`], [`Error::Read`].
    pub fn open(path: &Utf8Path, limits: &Limits) -> Result<Self, Error> {
        Self::of(Members::open(path, limits)?, format!("docker-archive:{path}"))
    }

    /// The same of a file that is open, of so many bytes, and that messages call `place`.
    pub(crate) fn of_file(
        file: File,
        length: u64,
        place: &str,
        limits: &Limits,
    ) -> Result<Self, Error> {
        Self::of(Members::of(file, length, Utf8Path::new(place), limits)?, place.to_owned())
    }

    fn of(members: Members, place: String) -> Result<Self, Error> {
        let limits = members.limits.clone();
        let file = members.open_file(b"manifest.json").ok_or_else(|| Error::NotALayout {
            place: place.clone(),
            problem: "it has no file `manifest.json`, so `docker save` did not write it",
        })?;
        let from = format!("manifest.json of {place}");
        let images: Vec<WireImage> = serde_json::from_slice(&file.read(limits.manifest)?)
            .map_err(|source| Error::Json { from: from.clone(), source })?;
        if images.len() > limits.children {
            return Err(Error::TooMany { from, what: "images", limit: limits.children });
        }
        let mut reader = Contents {
            members,
            place,
            images: Vec::new(),
            manifests: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        let mut hashed = BTreeMap::new();
        for image in images {
            reader.add(image, &mut hashed)?;
        }
        Ok(Self { contents: Arc::new(reader) })
    }

    /// The archive.
    pub fn path(&self) -> &Utf8Path {
        &self.contents.members.path
    }

    /// The image that is meant: by its tag, by the digest of the manifest made for it, or by that of its configuration.
    ///
    /// # Errors
    /// [`Error::NoSuchImage`], [`Error::SeveralImages`].
    pub fn resolve(&self, selector: &Selector) -> Result<Descriptor, Error> {
        let images = &self.contents.images;
        let is_meant = |image: &&SavedImage| match selector {
            Selector::Only => true,
            Selector::Tag(tag) => image
                .tags
                .iter()
                .any(|name| name.rsplit_once(':').is_some_and(|(_, text)| text == tag.as_str())),
            Selector::Digest(digest) => image.manifest.digest == *digest || image.config == *digest,
        };
        let mut meant: Vec<&SavedImage> = Vec::new();
        for image in images.iter().filter(is_meant) {
            if meant.iter().all(|other| other.manifest.digest != image.manifest.digest) {
                meant.push(image);
            }
        }
        let names =
            |images: &[&SavedImage]| images.iter().flat_map(|image| image.names()).collect();
        match meant.as_slice() {
            [one] => Ok(one.manifest.clone()),
            [] => Err(Error::NoSuchImage {
                place: self.contents.place.clone(),
                asked: match selector {
                    Selector::Only => String::new(),
                    Selector::Tag(tag) => format!("`{tag}`"),
                    Selector::Digest(digest) => digest.to_string(),
                },
                names: names(&images.iter().collect::<Vec<_>>()),
            }),
            several => Err(Error::SeveralImages {
                place: self.contents.place.clone(),
                names: names(several),
            }),
        }
    }

    /// A manifest that was made, or another blob of at most `limit` bytes, verified.
    ///
    /// # Errors
    /// [`Error::MissingBlob`], [`Error::TooLarge`], [`Error::Digest`].
    pub fn read_blob(&self, digest: &Digest, limit: u64) -> Result<Bytes, Error> {
        if let Some(manifest) = self.contents.manifests.get(digest) {
            return Ok(manifest.clone());
        }
        let bytes = self.open_blob(digest)?.read(limit)?;
        let found = Digest::of(&bytes);
        if found != *digest {
            return Err(Error::Digest { from: self.blob_of(digest), expected: *digest, found });
        }
        Ok(bytes.into())
    }

    /// The bytes of a blob that has the promised size. Its digest is for the caller to verify: nothing is hashed here.
    ///
    /// # Errors
    /// [`Error::MissingBlob`], [`Error::Size`].
    pub(crate) fn blob_reader(
        &self,
        descriptor: &Descriptor,
    ) -> Result<impl Read + Send + use<>, Error> {
        let file = self.open_blob(&descriptor.digest)?;
        if file.size != descriptor.size {
            return Err(Error::Size {
                from: self.blob_of(&descriptor.digest),
                digest: descriptor.digest,
                expected: descriptor.size,
                found: Some(file.size),
            });
        }
        Ok(file.reader)
    }

    /// Whether a blob is there with the size promised.
    pub fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, Error> {
        if let Some(manifest) = self.contents.manifests.get(&descriptor.digest) {
            return Ok(u64::try_from(manifest.len()) == Ok(descriptor.size));
        }
        match self.open_blob(&descriptor.digest) {
            Ok(file) => Ok(file.size == descriptor.size),
            Err(Error::MissingBlob { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Everything that is about `subject`: nothing, since such files have no place for it.
    pub fn referrers(&self, _subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        Ok(Vec::new())
    }

    fn open_blob(&self, digest: &Digest) -> Result<LayoutFile, Error> {
        let missing = || Error::MissingBlob { place: self.contents.place.clone(), digest: *digest };
        let name = self.contents.names.get(digest).ok_or_else(missing)?;
        self.contents.members.open_file(name.as_bytes()).ok_or_else(missing)
    }

    fn blob_of(&self, digest: &Digest) -> String {
        format!("blob {digest} of {}", self.contents.place)
    }
}

impl SavedImage {
    fn names(&self) -> Vec<String> {
        if self.tags.is_empty() {
            vec![self.manifest.digest.to_string()]
        } else {
            self.tags.clone()
        }
    }
}

impl Contents {
    /// Makes the manifest of an image. `hashed` has what is known of files that several images share.
    fn add(
        &mut self,
        image: WireImage,
        hashed: &mut BTreeMap<String, Descriptor>,
    ) -> Result<(), Error> {
        let names = image.layers.unwrap_or_default();
        let limit = self.members.limits.layers;
        if names.len() > limit {
            return Err(Error::TooMany { from: self.place.clone(), what: "layers", limit });
        }
        let mut descriptor = |name: String| {
            if let Some(known) = hashed.get(&name) {
                return Ok(known.clone());
            }
            let descriptor = self.describe(&name)?;
            hashed.insert(name, descriptor.clone());
            Ok::<_, Error>(descriptor)
        };
        let config = Descriptor { media_type: CONFIG.to_owned(), ..descriptor(image.config)? };
        let layers = names.into_iter().map(descriptor).collect::<Result<Vec<_>, _>>()?;
        let entry = |descriptor: &Descriptor| {
            json!({
                "mediaType": descriptor.media_type,
                "digest": descriptor.digest.to_string(),
                "size": descriptor.size,
            })
        };
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": entry(&config),
            "layers": layers.iter().map(entry).collect::<Vec<_>>(),
        });
        let bytes = Bytes::from(manifest.to_string());
        let manifest = Descriptor::of(OCI_MANIFEST, &bytes);
        self.manifests.insert(manifest.digest, bytes);
        self.images.push(SavedImage {
            tags: image.repo_tags.unwrap_or_default(),
            config: config.digest,
            manifest,
        });
        Ok(())
    }

    /// Hashes a file; as a layer, its media type follows from its first bytes.
    fn describe(&mut self, name: &str) -> Result<Descriptor, Error> {
        let mut file =
            self.members.open_file(name.as_bytes()).ok_or_else(|| Error::NotALayout {
                place: self.place.clone(),
                problem: "it lacks a file that its `manifest.json` names",
            })?;
        let limit = self.members.limits.layer_compressed;
        if file.size > limit {
            return Err(Error::TooLarge { from: format!("{name} of {}", self.place), limit });
        }
        let mut digester = Digester::new();
        let mut buffer = vec![0; 1 << 17];
        let mut media_type = None;
        let mut size = 0_u64;
        loop {
            let failed = |source| Error::Read { path: self.members.path.clone(), source };
            let count = file.reader.read(&mut buffer).map_err(failed)?;
            let bytes = buffer.get(..count).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            media_type.get_or_insert_with(|| layer_type(bytes));
            digester.update(bytes);
            size = size.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        }
        let digest = digester.finish();
        self.names.insert(digest, name.to_owned());
        let media_type = media_type.unwrap_or_else(|| LAYER.to_owned());
        Ok(Descriptor { media_type, digest, size, ..Descriptor::of("", &[]) })
    }
}

fn layer_type(bytes: &[u8]) -> String {
    let suffix = match crate::layer::Compression::of(bytes) {
        crate::layer::Compression::Gzip => "+gzip",
        crate::layer::Compression::Zstd => "+zstd",
        crate::layer::Compression::None => "",
    };
    format!("{LAYER}{suffix}")
}
