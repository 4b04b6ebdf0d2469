//! OCI image layouts: a directory with blobs and one index.
//!
//! Image specification v1.1.0: <https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md>.
//! Referrers are found where the fallback of the distribution specification v1.1.0 puts them in a registry: under the
//! reference name `sha256-<hex>`; and among the manifests that the index lists.

pub(crate) mod read;
mod write;

pub(crate) use read::{LayoutFile, LayoutFiles};
pub use write::BlobWriter;

use crate::{
    error::Error,
    manifest::{Descriptor, Index},
};
use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::{
    Digest, Limits,
    reference::{Selector, Tag},
};
use std::io;

/// The annotation that names an image in an index.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The file that says that a directory is a layout.
const MARKER: &str = "oci-layout";
const INDEX: &str = "index.json";
const BLOBS: &str = "blobs/sha256";

/// A directory in OCI image layout.
#[derive(Clone, Debug)]
pub struct Layout {
    path: Utf8PathBuf,
    limits: Limits,
}

impl Layout {
    /// The layout in an existing directory.
    ///
    /// # Errors
    /// [`Error::NotALayout`], [`Error::Read`].
    pub fn open(path: &Utf8Path, limits: &Limits) -> Result<Self, Error> {
        let layout = Self { path: path.to_owned(), limits: limits.clone() };
        read::check_marker(&layout)?;
        Ok(layout)
    }

    /// The layout in a directory, made where it is not there yet. What is half made is completed.
    ///
    /// # Errors
    /// [`Error::ForeignDirectory`] where the directory holds other things; [`Error::Write`].
    pub fn create(path: &Utf8Path, limits: &Limits) -> Result<Self, Error> {
        let layout = Self { path: path.to_owned(), limits: limits.clone() };
        layout.initialise()?;
        Self::open(path, limits)
    }

    /// The directory.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// The index.
    pub fn index(&self) -> Result<Index, Error> {
        read::index(self)
    }

    /// The image that is meant. The one image of a layout is found among its signatures and other referrers.
    ///
    /// # Errors
    /// [`Error::NoSuchImage`], [`Error::SeveralImages`].
    pub fn resolve(&self, selector: &Selector) -> Result<Descriptor, Error> {
        read::resolve(self, selector)
    }

    /// A blob of at most `limit` bytes, verified.
    ///
    /// # Errors
    /// [`Error::MissingBlob`], [`Error::TooLarge`], [`Error::Digest`].
    pub fn read_blob(&self, digest: &Digest, limit: u64) -> Result<Bytes, Error> {
        read::read_blob(self, digest, limit)
    }

    /// The bytes of a blob that has the promised size. Its digest is for the caller to verify: nothing is hashed here.
    ///
    /// # Errors
    /// [`Error::MissingBlob`], [`Error::Size`].
    pub(crate) fn blob_reader(
        &self,
        descriptor: &Descriptor,
    ) -> Result<impl io::Read + Send + use<>, Error> {
        read::blob_reader(self, descriptor)
    }

    /// Whether a blob is there with the size promised.
    pub fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, Error> {
        read::has_blob(self, descriptor)
    }

    /// Everything that is known to be about `subject`: what its fallback index lists, and manifests of the layout's
    /// index that name it. Each has still to be read: a list may claim anything.
    ///
    /// # Errors
    /// [`Error::TooMany`], and those of reading manifests.
    pub fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        read::referrers(self, subject)
    }

    /// What a tag names; `None` where there is no such tag.
    ///
    /// # Errors
    /// [`Error::SeveralImages`] where it names several things.
    pub fn current_tag(&self, tag: &Tag) -> Result<Option<Descriptor>, Error> {
        match self.resolve(&Selector::Tag(tag.clone())) {
            Ok(descriptor) => Ok(Some(descriptor)),
            Err(Error::NoSuchImage { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl LayoutFiles for Layout {
    fn open_file(&self, name: &str) -> Result<Option<LayoutFile>, Error> {
        let path = self.path.join(name);
        match read::open_regular(&path) {
            Ok((file, size)) => Ok(Some(LayoutFile { size, reader: Box::new(file), path })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    fn place(&self) -> String {
        format!("oci-layout:{}", self.path)
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
