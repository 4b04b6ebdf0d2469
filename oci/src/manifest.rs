//! Manifests and indexes as they lie in registries.
//!
//! Image specification v1.1.0: <https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md>, and the
//! equivalent types of Docker's schema 2. Bytes are kept as they came: nothing is ever serialised again.

mod config;

use crate::error::Error;
use bytes::Bytes;
pub use config::parse_config;
use plimsoll_model::{Digest, Limits, platform::Platform};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
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
    pub bytes: Bytes,
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

/// What sort of document a media type promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image,
    Index,
}

/// Media type of an OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an OCI index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of Docker's image manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Media type of Docker's manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Media type of a configuration that says nothing.
pub const EMPTY_CONFIG: &str = "application/vnd.oci.empty.v1+json";
/// Begins the media types of Docker's schema 1, signed and not.
const SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1+";

impl Kind {
    fn of(media_type: &str) -> Option<Self> {
        match media_type {
            OCI_MANIFEST | DOCKER_MANIFEST => Some(Self::Image),
            OCI_INDEX | DOCKER_LIST => Some(Self::Index),
            _ => None,
        }
    }
}

impl Descriptor {
    /// A descriptor of `bytes`.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            platform: None,
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }

    /// The descriptor as JSON.
    pub fn to_json(&self) -> Value {
        let mut fields = vec![
            ("mediaType", json!(self.media_type)),
            ("digest", json!(self.digest)),
            ("size", json!(self.size)),
        ];
        fields.extend(self.platform.as_ref().map(|platform| ("platform", platform_json(platform))));
        fields.extend(
            self.artifact_type.as_ref().map(|artifact_type| ("artifactType", json!(artifact_type))),
        );
        if !self.annotations.is_empty() {
            fields.push(("annotations", json!(self.annotations)));
        }
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Whether the media type is that of a manifest or an index.
    pub fn is_manifest(&self) -> bool {
        Kind::of(&self.media_type).is_some()
    }

    /// Whether a child of an index is no image but something about one, as BuildKit puts it there.
    ///
    /// The platform tells, and not the annotation that goes with it: a runtime does not heed that, and would run what we
    /// had passed over.
    pub fn is_attestation(&self) -> bool {
        self.platform
            .as_ref()
            .is_some_and(|platform| platform.os == "unknown" && platform.architecture == "unknown")
    }
}

fn platform_json(platform: &Platform) -> Value {
    let mut fields = vec![("architecture", &platform.architecture), ("os", &platform.os)];
    fields.extend(platform.variant.as_ref().map(|variant| ("variant", variant)));
    fields.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

impl Manifest {
    /// What it is about, for a referrer.
    pub const fn subject(&self) -> Option<&Descriptor> {
        match &self.content {
            Content::Image(image) => image.subject.as_ref(),
            Content::Index(index) => index.subject.as_ref(),
        }
    }

    /// Its descriptor as a list of referrers has it: with the type of the artifact and its annotations.
    ///
    /// Distribution specification v1.1.0, "Pushing Manifests with Subject": where the manifest names no
    /// artifact type, the media type of its configuration stands for it.
    pub fn as_referrer(&self) -> Descriptor {
        let (artifact_type, annotations) = match &self.content {
            Content::Image(image) => {
                let artifact_type = image.artifact_type.clone().filter(|text| !text.is_empty());
                (
                    Some(artifact_type.unwrap_or_else(|| image.config.media_type.clone())),
                    &image.annotations,
                )
            }
            Content::Index(index) => (index.artifact_type.clone(), &index.annotations),
        };
        Descriptor { artifact_type, annotations: annotations.clone(), ..self.descriptor.clone() }
    }

    /// Reads a manifest or an index; `promised` is the media type that a descriptor or a `Content-Type` gave it,
    /// `from` says where the bytes were read.
    ///
    /// A document that could be taken for two things is refused (CVE-2021-41190): with the fields of both kinds, or
    /// with a media type of its own that is not the promised one.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::TooMany`], [`Error::Json`], [`Error::Schema1`], [`Error::Respelled`],
    /// [`Error::Ambiguous`], [`Error::NotAManifest`] and [`Error::ForeignLayer`].
    pub fn parse(
        bytes: Bytes,
        promised: Option<&str>,
        from: &str,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > limits.manifest {
            return Err(Error::TooLarge { from: from.to_owned(), limit: limits.manifest });
        }
        let json = |source| Error::Json { from: from.to_owned(), source };
        let document: Value = serde_json::from_slice(&bytes).map_err(json)?;
        check_spelling(&manifest_objects(&document), &MANIFEST_KEYS, from)?;
        let wire: WireManifest = serde_json::from_slice(&bytes).map_err(json)?;
        let stated = wire.media_type.clone();
        let media_type = wire.media_type(promised, from)?;
        let kind = Kind::of(&media_type).ok_or_else(|| Error::NotAManifest {
            from: from.to_owned(),
            found: stated.or_else(|| promised.map(str::to_owned)).unwrap_or_default(),
        })?;
        let content = match kind {
            Kind::Image => Content::Image(wire.into_image(from, limits)?),
            Kind::Index => Content::Index(wire.into_index(from, limits)?),
        };
        let descriptor = Descriptor { media_type, ..Descriptor::of("", &bytes) };
        Ok(Self { descriptor, bytes, content })
    }
}

/// The fields of both kinds of document, so that one with both is seen.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireManifest {
    schema_version: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<WireDescriptor>,
    layers: Option<Vec<WireDescriptor>>,
    manifests: Option<Vec<WireDescriptor>>,
    /// Of schema 1.
    fs_layers: Option<IgnoredAny>,
    subject: Option<WireDescriptor>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDescriptor {
    media_type: String,
    digest: Digest,
    size: u64,
    platform: Option<WirePlatform>,
    artifact_type: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct WirePlatform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl WireManifest {
    /// The media type, from the document, the promise and the fields, where they agree.
    fn media_type(&self, promised: Option<&str>, from: &str) -> Result<String, Error> {
        let is_old = |text: &str| text.starts_with(SCHEMA_1);
        if self.schema_version != 2
            || self.fs_layers.is_some()
            || self.media_type.as_deref().is_some_and(is_old)
            || promised.is_some_and(is_old)
        {
            return Err(Error::Schema1 { from: from.to_owned() });
        }
        let ambiguous = |one: &str, other: &str| Error::Ambiguous {
            from: from.to_owned(),
            one: one.to_owned(),
            other: other.to_owned(),
        };
        let by_fields =
            match (self.layers.is_some() || self.config.is_some(), self.manifests.is_some()) {
                (true, true) => return Err(ambiguous("`layers` or `config`", "`manifests`")),
                (true, false) => Some(OCI_MANIFEST),
                (false, true) => Some(OCI_INDEX),
                (false, false) => None,
            };
        // A server that says `application/json` has promised nothing.
        let promised = promised.filter(|text| Kind::of(text).is_some());
        let media_type =
            match (self.media_type.as_deref().filter(|text| !text.is_empty()), promised) {
                (Some(stated), Some(promised)) if stated != promised => {
                    return Err(ambiguous(stated, promised));
                }
                (Some(stated), _) => stated,
                (None, Some(promised)) => promised,
                (None, None) => by_fields.unwrap_or_default(),
            };
        match (Kind::of(media_type), by_fields) {
            (Some(kind), Some(by_fields)) if Some(kind) != Kind::of(by_fields) => {
                Err(ambiguous(media_type, by_fields))
            }
            _ => Ok(media_type.to_owned()),
        }
    }

    fn into_image(self, from: &str, limits: &Limits) -> Result<ImageManifest, Error> {
        let layers = bounded(self.layers.unwrap_or_default(), "layers", limits.layers, from)?;
        if let Some(layer) = layers.iter().find(|layer| is_foreign(&layer.media_type)) {
            return Err(Error::ForeignLayer { from: from.to_owned(), layer: layer.digest });
        }
        let config = self
            .config
            .map(Descriptor::from)
            .ok_or_else(|| Error::Incomplete { from: from.to_owned(), field: "config" })?;
        Ok(ImageManifest {
            config,
            layers,
            subject: self.subject.map(Descriptor::from),
            artifact_type: self.artifact_type,
            annotations: self.annotations.unwrap_or_default(),
        })
    }

    fn into_index(self, from: &str, limits: &Limits) -> Result<Index, Error> {
        let manifests = self
            .manifests
            .ok_or_else(|| Error::Incomplete { from: from.to_owned(), field: "manifests" })?;
        Ok(Index {
            manifests: bounded(manifests, "manifests", limits.children, from)?,
            subject: self.subject.map(Descriptor::from),
            artifact_type: self.artifact_type,
            annotations: self.annotations.unwrap_or_default(),
        })
    }
}

impl From<WireDescriptor> for Descriptor {
    fn from(wire: WireDescriptor) -> Self {
        let platform = wire.platform.map(WirePlatform::into_platform);
        Self {
            media_type: wire.media_type,
            digest: wire.digest,
            size: wire.size,
            platform,
            artifact_type: wire.artifact_type,
            annotations: wire.annotations.unwrap_or_default(),
        }
    }
}

impl WirePlatform {
    fn into_platform(self) -> Platform {
        let variant = self.variant.filter(|variant| !variant.is_empty());
        Platform { os: self.os, architecture: self.architecture, variant }
    }
}

/// Layers that are to be fetched from where the manifest says: never done, so nothing can be said about them.
fn is_foreign(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.docker.image.rootfs.foreign.")
        || media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
}

fn bounded(
    list: Vec<WireDescriptor>,
    what: &'static str,
    limit: usize,
    from: &str,
) -> Result<Vec<Descriptor>, Error> {
    if list.len() > limit {
        return Err(Error::TooMany { from: from.to_owned(), what, limit });
    }
    Ok(list.into_iter().map(Descriptor::from).collect())
}

/// The keys that decide what an image is made of; in a manifest, and within each descriptor.
const MANIFEST_KEYS: [&str; 12] = [
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "digest",
    "size",
    "platform",
    "fsLayers",
];

/// Refuses a key that is one of `known` but for its case: programs in Go take it all the same, so the image would be
/// another one, or run in another way, than what was judged.
fn check_spelling(objects: &[&Value], known: &[&str], from: &str) -> Result<(), Error> {
    let is_respelled =
        |key: &&String| known.iter().any(|known| known != key && folded(known) == folded(key));
    let mut keys =
        objects.iter().filter_map(|value| value.as_object()).flat_map(serde_json::Map::keys);
    match keys.find(is_respelled) {
        Some(key) => Err(Error::Respelled { from: from.to_owned(), key: key.clone() }),
        None => Ok(()),
    }
}

/// A key as Go compares keys: whatever its case, with the two letters beyond ASCII that fold into it.
fn folded(key: &str) -> String {
    let fold = |char: char| match char {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(fold).collect()
}

/// The objects of a manifest whose keys are known.
fn manifest_objects(document: &Value) -> Vec<&Value> {
    let list = |key| document.get(key).and_then(Value::as_array).into_iter().flatten();
    let single = [Some(document), document.get("config"), document.get("subject")];
    single.into_iter().flatten().chain(list("layers")).chain(list("manifests")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0},"layers":[]}"#;
    const INDEX: &str = r#"{"schemaVersion":2,"manifests":[]}"#;

    fn parse(text: &str, promised: Option<&str>) -> Result<Manifest, Error> {
        Manifest::parse(
            Bytes::copy_from_slice(text.as_bytes()),
            promised,
            "here",
            &Limits::STANDARD,
        )
    }

    #[test]
    fn both_kinds_are_told_apart() {
        let image = parse(IMAGE, None).unwrap();
        assert_eq!(image.descriptor, Descriptor::of(OCI_MANIFEST, IMAGE.as_bytes()));
        assert!(matches!(image.content, Content::Image(_)));
        let index = parse(INDEX, Some(DOCKER_LIST)).unwrap();
        assert_eq!(index.descriptor.media_type, DOCKER_LIST);
        assert!(matches!(index.content, Content::Index(_)));
        assert_eq!(
            parse(INDEX, Some("application/json")).unwrap().descriptor.media_type,
            OCI_INDEX
        );
    }

    #[test]
    fn c5_documents_that_could_be_two_things_are_refused() {
        let both = IMAGE.replace(r#""layers":[]"#, r#""layers":[],"manifests":[]"#);
        assert!(matches!(parse(&both, None), Err(Error::Ambiguous { .. })));
        let both = INDEX.replace(r#""manifests":[]"#, r#""manifests":[],"layers":[]"#);
        assert!(matches!(parse(&both, None), Err(Error::Ambiguous { .. })));
        assert!(matches!(parse(IMAGE, Some(OCI_INDEX)), Err(Error::Ambiguous { .. })));
        assert!(matches!(parse(IMAGE, Some(DOCKER_MANIFEST)), Err(Error::Ambiguous { .. })));
        assert!(matches!(parse(INDEX, Some(OCI_MANIFEST)), Err(Error::Ambiguous { .. })));
        let twice = IMAGE.replace(r#""layers":[]"#, r#""layers":[],"layers":[]"#);
        assert!(matches!(parse(&twice, None), Err(Error::Json { .. })));
    }

    #[test]
    fn c5_keys_that_some_programs_take_and_some_do_not_are_refused() {
        for respelled in [
            r#""layers":[],"Layers":[]"#,
            r#""layers":[{"Digest":"x"}]"#,
            "\"layers\":[],\"layer\u{17f}\":[]",
        ] {
            let text = IMAGE.replace(r#""layers":[]"#, respelled);
            assert!(matches!(parse(&text, None), Err(Error::Respelled { .. })), "{respelled}");
        }
    }

    #[test]
    fn schema_1_is_refused() {
        let old = r#"{"schemaVersion":1,"name":"a/b","tag":"1","fsLayers":[],"history":[]}"#;
        assert!(matches!(parse(old, None), Err(Error::Schema1 { .. })));
        let disguised = IMAGE.replace(r#""layers""#, r#""fsLayers":[],"layers""#);
        assert!(matches!(parse(&disguised, None), Err(Error::Schema1 { .. })));
        let signed = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        assert!(matches!(parse(IMAGE, Some(signed)), Err(Error::Schema1 { .. })));
    }

    #[test]
    fn foreign_layers_are_refused() {
        let layer = |media_type: &str| {
            let digest = Digest::of(b"");
            IMAGE.replace(
                r#""layers":[]"#,
                &format!(
                    r#""layers":[{{"mediaType":"{media_type}","digest":"{digest}","size":0,"urls":["https://a.io"]}}]"#
                ),
            )
        };
        assert!(parse(&layer("application/vnd.oci.image.layer.v1.tar+gzip"), None).is_ok());
        for foreign in [
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        ] {
            assert!(
                matches!(parse(&layer(foreign), None), Err(Error::ForeignLayer { .. })),
                "{foreign}"
            );
        }
    }

    #[test]
    fn c4_malformed_digests_and_sizes_are_refused() {
        let digest = Digest::of(b"").to_string();
        for bad in ["sha256:../../x", "sha512:00", "", &digest.to_uppercase()] {
            assert!(
                matches!(parse(&IMAGE.replace(&digest, bad), None), Err(Error::Json { .. })),
                "{bad}"
            );
        }
        for bad in ["-1", "1.5", "18446744073709551616", "null"] {
            let text = IMAGE.replace(r#""size":0"#, &format!(r#""size":{bad}"#));
            assert!(matches!(parse(&text, None), Err(Error::Json { .. })), "{bad}");
        }
    }

    #[test]
    fn limits_hold_at_their_edge() {
        let limits = Limits { layers: 1, manifest: 1_000, ..Limits::STANDARD };
        let layer = format!(r#"{{"mediaType":"a","digest":"{}","size":1}}"#, Digest::of(b""));
        let with = |layers: &[&str]| {
            let text =
                IMAGE.replace(r#""layers":[]"#, &format!(r#""layers":[{}]"#, layers.join(",")));
            Manifest::parse(Bytes::from(text), None, "here", &limits)
        };
        assert!(with(&[&layer]).is_ok());
        assert!(matches!(with(&[&layer, &layer]), Err(Error::TooMany { limit: 1, .. })));
        assert!(matches!(with(&[&" ".repeat(1_000)]), Err(Error::TooLarge { limit: 1_000, .. })));
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_the_parser_panic(text in r#"[\[\]{}":,a-zA-Z0-9]{0,64}"#) {
            drop(parse(&text, None));
        }
    }
}
