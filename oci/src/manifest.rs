//! Manifests and indexes as they lie in registries.
//!
//! Image specification v1.1.0: <https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md>, and the
//! equivalent types of Docker's schema 2. Bytes are kept as they came: nothing is ever serialised again.

use plimsoll_model::{Digest, platform::Platform};
use std::collections::BTreeMap;

/// What points at a manifest or a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Media type.
    pub media_type: String,
    /// Digest.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
    /// The platform, in an index.
    pub platform: Option<Platform>,
    /// What sort of artifact it is, in a referrers index.
    pub artifact_type: Option<String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A manifest or an index whose bytes match the digest they were asked for by.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Its descriptor.
    pub descriptor: Descriptor,
    /// Its bytes, as they came.
    pub bytes: bytes::Bytes,
    /// What it holds.
    pub content: Content,
}

/// What a manifest holds.
#[derive(Debug, Clone)]
pub enum Content {
    /// One image or artifact.
    Image(ImageManifest),
    /// A list of manifests.
    Index(Index),
}

/// One image or artifact.
#[derive(Debug, Clone)]
pub struct ImageManifest {
    /// The configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    pub layers: Vec<Descriptor>,
    /// What this is about, for a referrer.
    pub subject: Option<Descriptor>,
    /// What sort of artifact it is.
    pub artifact_type: Option<String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A list of manifests.
#[derive(Debug, Clone)]
pub struct Index {
    /// The children, in order.
    pub manifests: Vec<Descriptor>,
    /// What this is about, for a referrer.
    pub subject: Option<Descriptor>,
    /// What sort of artifact it is.
    pub artifact_type: Option<String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}
