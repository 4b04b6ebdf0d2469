//! The image: what its manifest and its configuration say.
//!
//! Of its environment the names alone are there, in its history and its triggers too: values are where secrets are.

use super::text::{AsText, all_shown, build_step, cut, named, shown};
use jiff::Timestamp;
use plimsoll_model::{
    Digest, Reference,
    image::{
        ChildRole, Healthcheck, HistoryEntry, HistoryKind, Image, ImageConfig, IndexChild, Layer,
    },
    platform::Platform,
    reference::{Pinned, Place},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ImageJson {
    reference: String,
    digest: Digest,
    manifest: Digest,
    config_digest: Digest,
    platform: AsText<Platform>,
    annotations: BTreeMap<String, String>,
    /// What else is in the index that the reference came to.
    index: Vec<ChildJson>,
    layers: Vec<LayerJson>,
    config: ConfigJson,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChildJson {
    digest: Digest,
    platform: Option<AsText<Platform>>,
    role: RoleJson,
    /// What it is about, where it is about another.
    about: Option<Digest>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RoleJson {
    Image,
    About,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LayerJson {
    digest: Digest,
    diff_id: Digest,
    size: u64,
    media_type: String,
    created_by: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConfigJson {
    user: Option<String>,
    /// Names without their values.
    env: Vec<String>,
    entrypoint: Vec<String>,
    cmd: Vec<String>,
    labels: BTreeMap<String, String>,
    exposed_ports: Vec<String>,
    volumes: Vec<String>,
    healthcheck: Option<HealthcheckJson>,
    on_build: Vec<String>,
    created: Option<Timestamp>,
    history: Vec<HistoryJson>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HealthcheckJson {
    test: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HistoryJson {
    created_by: String,
    /// Whether it made a layer.
    layer: bool,
}

impl ImageJson {
    pub(super) fn of(image: &Image) -> Self {
        Self {
            reference: cut(&image.pinned.to_string()),
            digest: image.pinned.digest,
            manifest: image.manifest,
            config_digest: image.config_digest,
            platform: AsText(image.platform.clone()),
            annotations: texts(&image.annotations),
            index: image.children.iter().map(ChildJson::of).collect(),
            layers: image.layers.iter().map(LayerJson::of).collect(),
            config: ConfigJson::of(&image.config),
        }
    }

    /// `None` where the reference is no image's.
    pub(super) fn read(self) -> Option<Image> {
        let pinned = pinned(&self.reference, self.digest)?;
        Some(Image {
            pinned,
            manifest: self.manifest,
            config_digest: self.config_digest,
            platform: self.platform.0,
            config: self.config.read(),
            layers: self.layers.into_iter().map(LayerJson::read).collect(),
            annotations: self.annotations,
            children: self.index.into_iter().map(ChildJson::read).collect(),
        })
    }
}

fn pinned(reference: &str, digest: Digest) -> Option<Pinned> {
    let place = reference.strip_suffix(&format!("@{digest}"))?;
    let place = match place.parse().ok()? {
        Reference::Registry(name) => Place::Repository(name.repository),
        Reference::DockerDaemon(name) => Place::DockerDaemon(name.repository),
        Reference::OciLayout(archive) => Place::OciLayout(archive.path),
        Reference::OciArchive(archive) => Place::OciArchive(archive.path),
        Reference::DockerArchive(archive) => Place::DockerArchive(archive.path),
        Reference::Directory(_) | Reference::File(_) | Reference::Sbom(_) => return None,
    };
    Some(Pinned { place, digest })
}

fn texts(pairs: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| (cut(name), named(name, value))).collect()
}

impl ChildJson {
    fn of(child: &IndexChild) -> Self {
        let (role, about) = match child.role {
            ChildRole::Image => (RoleJson::Image, None),
            ChildRole::About(about) => (RoleJson::About, about),
        };
        Self { digest: child.digest, platform: child.platform.clone().map(AsText), role, about }
    }

    fn read(self) -> IndexChild {
        let role = match self.role {
            RoleJson::Image => ChildRole::Image,
            RoleJson::About => ChildRole::About(self.about),
        };
        IndexChild { digest: self.digest, platform: self.platform.map(|it| it.0), role }
    }
}

impl LayerJson {
    fn of(layer: &Layer) -> Self {
        Self {
            digest: layer.digest,
            diff_id: layer.diff_id,
            size: layer.size,
            media_type: cut(&layer.media_type),
            created_by: layer.created_by.as_deref().map(build_step),
        }
    }

    fn read(self) -> Layer {
        Layer {
            digest: self.digest,
            size: self.size,
            diff_id: self.diff_id,
            media_type: self.media_type,
            created_by: self.created_by,
        }
    }
}

impl ConfigJson {
    fn of(config: &ImageConfig) -> Self {
        let name = |line: &String| cut(line.split('=').next().unwrap_or_default());
        Self {
            user: config.user.as_deref().map(shown),
            env: config.env.iter().map(name).collect(),
            entrypoint: all_shown(&config.entrypoint),
            cmd: all_shown(&config.command),
            labels: texts(&config.labels),
            exposed_ports: all_shown(&config.exposed_ports),
            volumes: all_shown(&config.volumes),
            healthcheck: config
                .healthcheck
                .as_ref()
                .map(|check| HealthcheckJson { test: all_shown(&check.test) }),
            on_build: config.on_build.iter().map(|text| build_step(text)).collect(),
            created: config.created,
            history: config.history.iter().map(HistoryJson::of).collect(),
        }
    }

    fn read(self) -> ImageConfig {
        ImageConfig {
            user: self.user,
            healthcheck: self.healthcheck.map(|check| Healthcheck { test: check.test }),
            entrypoint: self.entrypoint,
            command: self.cmd,
            // A name without `=` has no value, as it is in the record.
            env: self.env,
            exposed_ports: self.exposed_ports,
            volumes: self.volumes,
            labels: self.labels,
            on_build: self.on_build,
            created: self.created,
            history: self.history.into_iter().map(HistoryJson::read).collect(),
        }
    }
}

impl HistoryJson {
    fn of(entry: &HistoryEntry) -> Self {
        Self { created_by: build_step(&entry.created_by), layer: entry.kind == HistoryKind::Layer }
    }

    fn read(self) -> HistoryEntry {
        let kind = if self.layer { HistoryKind::Layer } else { HistoryKind::ConfigOnly };
        HistoryEntry { created_by: self.created_by, kind }
    }
}
