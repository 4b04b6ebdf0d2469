//! Where images are written.

use crate::{
    error::{Attempt, Error, Reason},
    layout::Layout,
    local::{self, blocking},
    manifest::{Descriptor, EMPTY_CONFIG, Manifest, OCI_MANIFEST},
    registry::{Registry, Retry},
    source::{Access, Source},
    stream::ByteStream,
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use plimsoll_model::{
    Digest, Limits, Reference,
    reference::{Place, Tag},
};
use serde_json::json;
use std::collections::BTreeMap;

/// What a configuration that says nothing consists of.
const EMPTY: &[u8] = b"{}";

/// Where images are written: a repository or a directory. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Store {
    /// A repository of a registry.
    Registry(Registry),
    /// A directory in OCI image layout.
    Layout(Layout),
}

/// A document to be attached to a manifest.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// What sort of artifact it is.
    pub artifact_type: String,
    /// Media type of the document.
    pub media_type: String,
    /// The document.
    pub bytes: Bytes,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
}

impl Store {
    /// Opens where the reference points. A layout is made where there is none; no registry is asked yet.
    ///
    /// # Errors
    /// [`Error::ReadOnly`] for archives, [`Error::NotAnImage`] for other things, those of making a layout.
    pub async fn open(reference: &Reference, access: &Access) -> Result<Self, Error> {
        match reference {
            Reference::Registry(name) => {
                Registry::new(name.repository.clone(), access).map(Self::Registry)
            }
            Reference::OciLayout(archive) => {
                let (path, limits): (_, Limits) = (archive.path.clone(), access.limits().clone());
                blocking(move || Layout::create(&path, &limits)).await.map(Self::Layout)
            }
            Reference::OciArchive(_)
            | Reference::DockerArchive(_)
            | Reference::DockerDaemon(_)
            | Reference::Directory(_)
            | Reference::File(_) => Err(Error::ReadOnly { reference: reference.to_string() }),
            Reference::Sbom(_) => Err(Error::NotAnImage { reference: reference.to_string() }),
        }
    }

    /// The same place, to read from.
    pub fn as_source(&self) -> Source {
        match self {
            Self::Registry(registry) => Source::Registry(registry.clone()),
            Self::Layout(layout) => Source::Layout(layout.clone()),
        }
    }

    /// Where this is.
    pub fn place(&self) -> Place {
        self.as_source().place()
    }

    /// Whether a blob is there in the promised size. Its bytes are not looked at.
    ///
    /// # Errors
    /// [`Error::Size`] when a registry has it in another size.
    pub async fn has_blob(&self, blob: &Descriptor) -> Result<bool, Error> {
        match self {
            Self::Registry(registry) => registry.has_blob(blob).await,
            Self::Layout(layout) => {
                let (layout, blob) = (layout.clone(), blob.clone());
                blocking(move || layout.has_blob(&blob)).await
            }
        }
    }

    /// Whether a manifest is there. Its bytes are not looked at.
    pub async fn has_manifest(&self, manifest: &Descriptor) -> Result<bool, Error> {
        match self {
            Self::Registry(registry) => registry.has_manifest(&manifest.digest).await,
            Self::Layout(_) => self.has_blob(manifest).await,
        }
    }

    /// Writes a blob. It is there when size and digest are the descriptor's, and not before.
    ///
    /// # Errors
    /// Those of the stream; [`Error::UploadLost`] and others of registries. The stream can be read once, so whoever
    /// has another one decides whether to try again.
    pub async fn put_blob(&self, blob: &Descriptor, bytes: ByteStream) -> Result<(), Error> {
        match self {
            Self::Registry(registry) => {
                let upload = registry.begin_upload(blob).await?;
                registry.upload(upload, blob, bytes).await
            }
            Self::Layout(layout) => {
                let (layout, blob) = (layout.clone(), blob.clone());
                let writer = blocking(move || layout.write_blob(&blob)).await?;
                local::write(bytes, writer).await
            }
        }
    }

    /// Writes bytes as a blob, if they are not there already.
    pub async fn put_blob_bytes(
        &self,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        let blob = Descriptor::of(media_type, &bytes);
        if !self.has_blob(&blob).await? {
            let mut retry = self.retry();
            loop {
                let once = stream::iter([Ok(bytes.clone())]).boxed();
                match self.put_blob(&blob, once).await {
                    Ok(()) => break,
                    Err(error) => retry.pause(error).await?,
                }
            }
        }
        Ok(blob)
    }

    /// Writes a manifest by its digest, byte for byte as it is, and sees to it that it is listed as a referrer when
    /// it has a subject.
    ///
    /// # Errors
    /// [`Error::ReferrerLost`] when others overwrite the list again and again; [`Error::Digest`] when the registry
    /// stored something else.
    pub async fn put_manifest(&self, manifest: &Manifest) -> Result<(), Error> {
        let subject = manifest.subject().map(|subject| subject.digest);
        match (self, subject) {
            (Self::Registry(registry), Some(subject)) => {
                registry.put_referrer(manifest, &subject).await
            }
            (Self::Registry(registry), None) => {
                registry.put_manifest(manifest, None).await.map(drop)
            }
            (Self::Layout(layout), subject) => {
                let bytes = stream::iter([Ok(manifest.bytes.clone())]).boxed();
                self.put_blob(&manifest.descriptor, bytes).await?;
                let (layout, referrer) = (layout.clone(), manifest.as_referrer());
                match subject {
                    Some(subject) => {
                        blocking(move || layout.add_referrer(&subject, &referrer)).await
                    }
                    None => Ok(()),
                }
            }
        }
    }

    /// Attaches a document to a manifest: a manifest of its own that names `subject`, with one layer.
    ///
    /// Image specification v1.1.0, "Guidelines for Artifact Usage": the configuration is the empty one.
    ///
    /// # Errors
    /// [`Error::ReferrerLost`] when the list of referrers does not have it afterwards (A25).
    pub async fn attach(
        &self,
        subject: &Descriptor,
        artifact: Artifact,
    ) -> Result<Descriptor, Error> {
        let config = self.put_blob_bytes(EMPTY_CONFIG, Bytes::from_static(EMPTY)).await?;
        let layer = self.put_blob_bytes(&artifact.media_type, artifact.bytes).await?;
        let subject_json = Descriptor {
            platform: None,
            artifact_type: None,
            annotations: BTreeMap::new(),
            ..subject.clone()
        }
        .to_json();
        let document = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": artifact.artifact_type,
            "config": config.to_json(),
            "layers": [layer.to_json()],
            "subject": subject_json,
            "annotations": artifact.annotations,
        });
        let from = format!("what is attached to {}", subject.digest);
        let manifest = Manifest::parse(
            document.to_string().into(),
            Some(OCI_MANIFEST),
            &from,
            &Limits::STANDARD,
        )?;
        self.put_manifest(&manifest).await?;
        self.confirm_referrer(&subject.digest, &manifest.descriptor.digest).await?;
        Ok(manifest.as_referrer())
    }

    /// Whether the list of what refers to `subject` has `referrer`.
    pub(crate) async fn lists_referrer(
        &self,
        subject: &Digest,
        referrer: &Digest,
    ) -> Result<bool, Error> {
        match self {
            Self::Registry(registry) => registry.lists_referrer(subject, referrer).await,
            Self::Layout(layout) => {
                let (layout, subject) = (layout.clone(), *subject);
                let listed = blocking(move || layout.referrers(&subject)).await?;
                Ok(listed.iter().any(|listed| listed.digest == *referrer))
            }
        }
    }

    /// The patience for writing one thing.
    pub(crate) fn retry(&self) -> Retry {
        match self {
            Self::Registry(registry) => registry.access().retry(),
            Self::Layout(_) => Retry::once(),
        }
    }

    /// Reads the list of referrers until it has `referrer`: registries may take a moment (F12).
    pub(crate) async fn confirm_referrer(
        &self,
        subject: &Digest,
        referrer: &Digest,
    ) -> Result<(), Error> {
        let mut retry = self.retry();
        while !self.lists_referrer(subject, referrer).await? {
            let (place, subject, referrer) = (Box::new(self.place()), *subject, *referrer);
            retry.pause(Error::ReferrerLost { place, subject, referrer }).await?;
        }
        Ok(())
    }

    /// What a tag stands for now; nothing where there is no such tag.
    pub async fn current_tag(&self, tag: &Tag) -> Result<Option<Digest>, Error> {
        match self {
            Self::Registry(registry) => {
                Ok(registry.tagged(tag.as_str()).await?.map(|manifest| manifest.descriptor.digest))
            }
            Self::Layout(layout) => {
                let (layout, tag) = (layout.clone(), tag.clone());
                Ok(blocking(move || layout.current_tag(&tag))
                    .await?
                    .map(|descriptor| descriptor.digest))
            }
        }
    }

    /// Lets a tag stand for a manifest that is there already, if it stands for `expected` now.
    ///
    /// Registries have no compare-and-swap: the tag is read, written, and read again. Of two that write at the same
    /// moment one is told so.
    ///
    /// # Errors
    /// [`Error::TagMoved`] when the tag stood for something else before, or stands for something else after;
    /// [`Error::NotFound`] when the manifest is not there.
    pub async fn set_tag(
        &self,
        tag: &Tag,
        manifest: &Manifest,
        expected: Option<Digest>,
    ) -> Result<(), Error> {
        let digest = manifest.descriptor.digest;
        let moved = |expected, found| {
            Err(Error::TagMoved {
                place: Box::new(self.place()),
                tag: tag.clone(),
                expected,
                found,
            })
        };
        // 1. It stands for what it was expected to stand for; or for the manifest already, which is fine as well.
        let before = self.current_tag(tag).await?;
        if before == Some(digest) {
            return Ok(());
        }
        if before != expected {
            return moved(expected, before);
        }
        // 2. The manifest is there.
        if !self.has_manifest(&manifest.descriptor).await? {
            let attempt = Attempt { action: "tag", on: format!("{}@{digest}", self.place()) };
            return Err(Error::NotFound { attempt, reason: Reason::default() });
        }
        // 3. It is written, and stands for the manifest afterwards.
        match self {
            Self::Registry(registry) => {
                registry.put_manifest(manifest, Some(tag)).await.map(drop)?;
            }
            Self::Layout(layout) => {
                let (layout, tag, descriptor) =
                    (layout.clone(), tag.clone(), manifest.descriptor.clone());
                blocking(move || layout.set_tag(&tag, &descriptor)).await?;
            }
        }
        let after = self.current_tag(tag).await?;
        if after == Some(digest) { Ok(()) } else { moved(Some(digest), after) }
    }
}
