//! Where images are read.

pub use crate::registry::{Access, AccessOptions, Network};
use crate::{
    archive::{DockerArchive, OciArchive},
    daemon::DockerDaemon,
    error::{Attempt, Error, Reason},
    layout::{Layout, LayoutFiles},
    local::{blocking, stream_of},
    manifest::{Descriptor, Manifest},
    registry::{Registry, collect},
    stream::{ByteStream, verified},
};
use bytes::Bytes;
use camino::Utf8Path;
use plimsoll_model::{
    Digest, Limits, Pinned, Reference,
    reference::{ImageName, Place, Selector, Tag},
};
use std::io::Read;

/// The tag that is meant where none was typed.
const LATEST: &str = "latest";

/// Where images are read: a repository, a directory, or a file. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Source {
    /// A repository of a registry.
    Registry(Registry),
    /// A directory in OCI image layout.
    Layout(Layout),
    /// An OCI image layout in a tar file.
    OciArchive(OciArchive),
    /// What `docker save` writes.
    DockerArchive(DockerArchive),
    /// What an engine on this machine has exported: see [`DockerDaemon::export`].
    DockerDaemon(DockerDaemon),
}

impl Source {
    /// Opens where the reference points. No registry is asked yet.
    ///
    /// # Errors
    /// [`Error::NotAnImage`] for a reference to something else; those of opening layouts and archives.
    pub async fn open(reference: &Reference, access: &Access) -> Result<Self, Error> {
        let place = match reference {
            Reference::Registry(name) => Place::Repository(name.repository.clone()),
            Reference::OciLayout(archive) => Place::OciLayout(archive.path.clone()),
            Reference::OciArchive(archive) => Place::OciArchive(archive.path.clone()),
            Reference::DockerArchive(archive) => Place::DockerArchive(archive.path.clone()),
            Reference::DockerDaemon(_)
            | Reference::Directory(_)
            | Reference::File(_)
            | Reference::Sbom(_) => {
                return Err(Error::NotAnImage { reference: reference.to_string() });
            }
        };
        Self::open_place(&place, access).await
    }

    /// Opens a place. No registry is asked yet.
    ///
    /// # Errors
    /// Those of opening layouts and archives.
    pub async fn open_place(place: &Place, access: &Access) -> Result<Self, Error> {
        let limits: Limits = access.limits().clone();
        match place.clone() {
            Place::Repository(repository) => Registry::new(repository, access).map(Self::Registry),
            Place::OciLayout(path) => {
                blocking(move || Layout::open(&path, &limits)).await.map(Self::Layout)
            }
            Place::OciArchive(path) => {
                blocking(move || OciArchive::open(&path, &limits)).await.map(Self::OciArchive)
            }
            Place::DockerArchive(path) => {
                blocking(move || DockerArchive::open(&path, &limits)).await.map(Self::DockerArchive)
            }
            place @ Place::DockerDaemon(_) => {
                Err(Error::NotAnImage { reference: place.to_string() })
            }
        }
    }

    /// Where this is.
    pub fn place(&self) -> Place {
        match self {
            Self::Registry(registry) => registry.place(),
            Self::Layout(layout) => Place::OciLayout(layout.path().to_owned()),
            Self::OciArchive(archive) => Place::OciArchive(archive.path().to_owned()),
            Self::DockerArchive(archive) => Place::DockerArchive(archive.path().to_owned()),
            Self::DockerDaemon(daemon) => daemon.place(),
        }
    }

    /// What a reference stands for now. A tag is read here, and never again: whoever works with what comes back works
    /// with one digest, wherever the tag moves (C10).
    ///
    /// # Errors
    /// [`Error::NotFound`] and others of registries; those of layouts and archives.
    pub async fn resolve(&self, reference: &Reference) -> Result<Pinned, Error> {
        let digest = match (self.kind(), reference) {
            (Kind::Remote(registry), Reference::Registry(name)) => {
                resolve_name(registry, name).await?
            }
            (
                Kind::Local(files),
                Reference::OciLayout(archive)
                | Reference::OciArchive(archive)
                | Reference::DockerArchive(archive),
            ) => {
                let selector = archive.selector.clone();
                blocking(move || files.resolve(&selector)).await?.digest
            }
            // The engine has exported what was asked for, and that alone.
            (Kind::Local(files), Reference::DockerDaemon(_)) => {
                blocking(move || files.resolve(&Selector::Only)).await?.digest
            }
            _ => return Err(Error::NotAnImage { reference: reference.to_string() }),
        };
        Ok(Pinned { place: self.place(), digest })
    }

    /// What a tag stands for now, where there are tags.
    pub(crate) async fn tagged(&self, tag: &Tag) -> Result<Option<Manifest>, Error> {
        match self {
            Self::Registry(registry) => registry.tagged(tag.as_str()).await,
            Self::Layout(layout) => {
                let (layout, tag) = (layout.clone(), tag.clone());
                match blocking(move || layout.current_tag(&tag)).await? {
                    Some(tagged) => self.manifest(&tagged.digest).await.map(Some),
                    None => Ok(None),
                }
            }
            Self::OciArchive(_) | Self::DockerArchive(_) | Self::DockerDaemon(_) => Ok(None),
        }
    }

    /// The manifest or index with the digest.
    ///
    /// # Errors
    /// [`Error::Digest`] when other bytes came, and those of [`Manifest::parse`].
    pub async fn manifest(&self, digest: &Digest) -> Result<Manifest, Error> {
        match self.kind() {
            Kind::Remote(registry) => registry.manifest(digest).await,
            Kind::Local(files) => {
                let (from, digest) = (format!("{}@{digest}", self.place()), *digest);
                blocking(move || {
                    let limits = files.limits();
                    Manifest::parse(files.read_blob(&digest, limits.manifest)?, None, &from, limits)
                })
                .await
            }
        }
    }

    /// The bytes of a blob; the stream ends with an error where size or digest are not the descriptor's.
    ///
    /// # Errors
    /// [`Error::Size`] when the size is wrong from the outset; [`Error::NotFound`], [`Error::MissingBlob`].
    pub async fn blob(&self, blob: &Descriptor) -> Result<ByteStream, Error> {
        match self.kind() {
            Kind::Remote(registry) => registry.blob(blob).await,
            Kind::Local(files) => {
                let (path, from) =
                    (files.path().to_owned(), format!("{}@{}", self.place(), blob.digest));
                let descriptor = blob.clone();
                let reader = blocking(move || files.reader(&descriptor)).await?;
                Ok(verified(stream_of(reader, &path), blob.digest, blob.size, &from))
            }
        }
    }

    /// A whole blob of at most `limit` bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where the descriptor says more, and those of [`Source::blob`].
    pub async fn read_blob(&self, blob: &Descriptor, limit: u64) -> Result<Bytes, Error> {
        match self.kind() {
            Kind::Remote(registry) => registry.read_blob(blob, limit).await,
            Kind::Local(_) if blob.size > limit => {
                Err(Error::TooLarge { from: format!("{}@{}", self.place(), blob.digest), limit })
            }
            Kind::Local(_) => collect(self.blob(blob).await?).await,
        }
    }

    /// Everything that refers to `subject`: what is listed, and names it as its subject when it is read (C14).
    ///
    /// # Errors
    /// Whenever a list or what it lists could not be read whole, whatever the reason (C13): an empty list means that
    /// there is nothing. [`Error::TooMany`] past the limits.
    pub async fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let manifests = self.referrer_manifests(subject).await?;
        Ok(manifests.iter().map(Manifest::as_referrer).collect())
    }

    /// The same, whole: they were fetched to be told.
    pub async fn referrer_manifests(&self, subject: &Digest) -> Result<Vec<Manifest>, Error> {
        let (listed, limit) = match self.kind() {
            Kind::Remote(registry) => (
                registry.listed_referrers(subject).await?,
                registry.access().limits().referrers_fetched,
            ),
            Kind::Local(files) => {
                let (subject, limit) = (*subject, files.limits().referrers_fetched);
                let listed = blocking(move || files.referrers(&subject)).await?;
                (listed.iter().map(|listed| listed.digest).collect(), limit)
            }
        };
        if listed.len() > limit {
            let from = format!("{}@{subject}", self.place());
            return Err(Error::TooMany { from, what: "referrers", limit });
        }
        let mut referrers = Vec::new();
        for digest in listed {
            match self.manifest(&digest).await {
                Ok(manifest)
                    if manifest.subject().is_some_and(|found| found.digest == *subject) =>
                {
                    referrers.push(manifest);
                }
                // These bytes are what the list names, and they are no referrer: nothing is being withheld.
                Ok(_) => tracing::debug!(%digest, "listed as a referrer, but not one"),
                Err(error) if error.is_no_manifest() => {
                    tracing::debug!(%digest, %error, "not a manifest");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(referrers)
    }

    /// What lies under the tag `sha256-<hex>.<suffix>` of `subject`, where cosign put what belongs to it before there were
    /// referrers. Nothing, where there are no tags, or no such tag.
    ///
    /// # Errors
    /// Whenever it could not be told, whatever the reason (C13).
    pub async fn beside(
        &self,
        subject: &Digest,
        suffix: &'static str,
    ) -> Result<Option<Manifest>, Error> {
        let text = format!("sha256-{}.{suffix}", subject.hex());
        let tag: Tag = text.parse().ok().ok_or(Error::NotAnImage { reference: text })?;
        let found = self.tagged(&tag).await?;
        // Off-spec: ghcr.io answers for an absent tag of a referrers index with the image itself.
        Ok(found.filter(|manifest| manifest.descriptor.digest != *subject))
    }

    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Registry(registry) => Kind::Remote(registry),
            Self::Layout(layout) => Kind::Local(Box::new(layout.clone())),
            Self::OciArchive(archive) => Kind::Local(Box::new(archive.clone())),
            Self::DockerArchive(archive) => Kind::Local(Box::new(archive.clone())),
            Self::DockerDaemon(daemon) => Kind::Local(Box::new(daemon.archive().clone())),
        }
    }
}

async fn resolve_name(registry: &Registry, name: &ImageName) -> Result<Digest, Error> {
    if let Some(digest) = name.digest {
        return Ok(digest);
    }
    let tag = name.tag.as_ref().map_or(LATEST, Tag::as_str);
    match registry.tagged(tag).await? {
        Some(manifest) => Ok(manifest.descriptor.digest),
        None => Err(Error::NotFound {
            attempt: Attempt { action: "resolve", on: format!("{}:{tag}", name.repository) },
            reason: Reason::default(),
        }),
    }
}

/// What a source comes down to.
enum Kind<'a> {
    Remote(&'a Registry),
    Local(Box<dyn Files>),
}

/// What the sources on this machine have in common.
trait Files: Send + 'static {
    fn path(&self) -> &Utf8Path;
    fn limits(&self) -> &Limits;
    fn resolve(&self, selector: &Selector) -> Result<Descriptor, Error>;
    fn read_blob(&self, digest: &Digest, limit: u64) -> Result<Bytes, Error>;
    fn reader(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send>, Error>;
    fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error>;
}

macro_rules! files {
    ($($source:ident: $limits:expr),* $(,)?) => {
        $(impl Files for $source {
            fn path(&self) -> &Utf8Path {
                Self::path(self)
            }

            fn limits(&self) -> &Limits {
                $limits(self)
            }

            fn resolve(&self, selector: &Selector) -> Result<Descriptor, Error> {
                Self::resolve(self, selector)
            }

            fn read_blob(&self, digest: &Digest, limit: u64) -> Result<Bytes, Error> {
                Self::read_blob(self, digest, limit)
            }

            fn reader(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
                Ok(Box::new(self.blob_reader(blob)?))
            }

            fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
                Self::referrers(self, subject)
            }
        })*
    };
}
files! {
    Layout: LayoutFiles::limits,
    OciArchive: LayoutFiles::limits,
    // Its manifests are of our own making.
    DockerArchive: |_| &Limits::STANDARD,
}
