//! What an image's configuration says about how it runs and how it was made.

use crate::{digest::Digest, platform::Platform, reference::Pinned};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// One image for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What the reference came to: an index, or the manifest itself.
    pub pinned: Pinned,
    /// Digest of the manifest for [`Image::platform`].
    pub manifest: Digest,
    /// Digest of the configuration.
    pub config_digest: Digest,
    /// The platform, as the configuration states it.
    pub platform: Platform,
    /// The configuration.
    pub config: ImageConfig,
    /// The layers, lowest first.
    pub layers: Vec<Layer>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// The children of the index that the reference came to, in order; none where it came to the manifest itself.
    pub children: Vec<IndexChild>,
}

/// What an index says of one of its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexChild {
    /// Its digest.
    pub digest: Digest,
    /// What it is for.
    pub platform: Option<Platform>,
    /// Whether it is run, or says something of another.
    pub role: ChildRole,
}

/// Whether a child of an index is run, or says something of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChildRole {
    /// It is an image, or an index of them.
    Image,
    /// It says something of the child with this digest, as BuildKit puts it there; of nobody knows which where that is absent
    /// or malformed. `vnd.docker.reference.digest`:
    /// <https://docs.docker.com/build/metadata/attestations/attestation-storage/>.
    About(Option<Digest>),
}

/// One layer as the manifest and the configuration name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Digest of the blob.
    pub digest: Digest,
    /// Size of the blob in bytes.
    pub size: u64,
    /// Digest of the inflated layer, from the configuration.
    pub diff_id: Digest,
    /// The media type that the manifest gives.
    pub media_type: String,
    /// The command that made it, from the history.
    pub created_by: Option<String>,
}

/// Execution parameters and history.
///
/// Fields of <https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md>, and of Docker's the health check,
/// the `ONBUILD` triggers and the shell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// `User`; empty or absent means root.
    pub user: Option<String>,
    /// The health check, where one is configured.
    pub healthcheck: Option<Healthcheck>,
    /// `Entrypoint`.
    pub entrypoint: Vec<String>,
    /// `Cmd`.
    pub command: Vec<String>,
    /// `Env`, as `NAME=value`.
    pub env: Vec<String>,
    /// `ExposedPorts`, as `80/tcp`.
    pub exposed_ports: Vec<String>,
    /// `Volumes`.
    pub volumes: Vec<String>,
    /// `Labels`.
    pub labels: BTreeMap<String, String>,
    /// `OnBuild`.
    pub on_build: Vec<String>,
    /// When it was made, by its own word.
    pub created: Option<Timestamp>,
    /// One line per build step, empty layers included.
    pub history: Vec<HistoryEntry>,
}

/// A health check of Docker's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthcheck {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", …]`.
    pub test: Vec<String>,
}

/// One step of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The command.
    pub created_by: String,
    /// Whether the step made no layer.
    pub kind: HistoryKind,
}

/// Whether a step of the history made a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryKind {
    /// It made the next layer.
    Layer,
    /// It changed the configuration alone.
    ConfigOnly,
}
