//! Images for tests, right or wrong in one chosen place.

#![expect(clippy::expect_used, reason = "a test whose image cannot be built has to stop")]

use crate::manifest::{Descriptor, OCI_INDEX, OCI_MANIFEST};
use bytes::Bytes;
use camino::Utf8Path;
use plimsoll_model::{Digest, platform::Platform};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fs, io::Write as _};

/// How a layer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// As it is.
    Plain,
    /// As one gzip member.
    Gzip,
    /// As one zstd frame.
    Zstd,
}

impl Storage {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Gzip, Self::Zstd];

    /// Compresses `bytes`.
    pub fn store(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Plain => bytes.to_vec(),
            Self::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(bytes).expect("memory takes all bytes");
                encoder.finish().expect("memory takes all bytes")
            }
            Self::Zstd => zstd::stream::encode_all(bytes, 0).expect("memory takes all bytes"),
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Plain => "application/vnd.oci.image.layer.v1.tar",
            Self::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Self::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        }
    }
}

/// Mode and owner of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Access {
    /// Root's, with a mode.
    pub const fn root(mode: u32) -> Self {
        Self { mode, uid: 0, gid: 0 }
    }
}

/// A layer under construction: a tar archive, entry by entry.
#[derive(Debug, Clone)]
pub struct LayerBuilder {
    tar: Vec<u8>,
    storage: Storage,
    created_by: String,
    /// What the manifest and the configuration say, where that is not true.
    size: Option<u64>,
    diff_id: Option<Digest>,
    blob: Option<Vec<u8>>,
}

impl Default for LayerBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl LayerBuilder {
    /// A layer without entries, stored with gzip.
    pub const fn new() -> Self {
        Self {
            tar: Vec::new(),
            storage: Storage::Gzip,
            created_by: String::new(),
            size: None,
            diff_id: None,
            blob: None,
        }
    }

    /// A regular file of root's with mode 0644.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.file_with(path, content, Access::root(0o644))
    }

    /// A regular file.
    #[must_use]
    pub fn file_with(self, path: &str, content: impl AsRef<[u8]>, access: Access) -> Self {
        self.with(b'0', (path, ""), content.as_ref(), access)
    }

    /// A directory of root's with mode 0755.
    #[must_use]
    pub fn directory(self, path: &str) -> Self {
        self.directory_with(path, Access::root(0o755))
    }

    /// A directory.
    #[must_use]
    pub fn directory_with(self, path: &str, access: Access) -> Self {
        self.with(b'5', (&format!("{path}/"), ""), &[], access)
    }

    /// A symbolic link.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.with(b'2', (path, target), &[], Access::root(0o777))
    }

    /// A hard link to what has been added before, here or in a lower layer.
    #[must_use]
    pub fn hardlink(self, path: &str, target: &str) -> Self {
        self.entry(b'1', path, target, &[])
    }

    /// A hard link with a mode and an owner of its own.
    #[must_use]
    pub fn with_link(self, path: &str, target: &str, access: Access) -> Self {
        self.with(b'1', (path, target), &[], access)
    }

    /// A marker that removes `path` from the layers below.
    #[must_use]
    pub fn whiteout(self, path: &str) -> Self {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.file(format!("{parent}/.wh.{name}").trim_start_matches('/'), "")
    }

    /// A marker that empties `directory` of what the layers below have in it.
    #[must_use]
    pub fn opaque(self, directory: &str) -> Self {
        self.file(&format!("{directory}/.wh..wh..opq"), "")
    }

    /// An entry of any type, of root's with mode 0644.
    #[must_use]
    pub fn entry(self, kind: u8, path: &str, target: &str, content: &[u8]) -> Self {
        self.with(kind, (path, target), content, Access::root(0o644))
    }

    /// PAX records for the next entry.
    #[must_use]
    pub fn pax(self, records: &[(&str, &str)]) -> Self {
        let records: String = records.iter().map(|(key, value)| pax_record(key, value)).collect();
        self.entry(b'x', "PaxHeaders/0", "", records.as_bytes())
    }

    /// Bytes of an archive, as they are.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.tar.extend_from_slice(bytes);
        self
    }

    /// How it is stored.
    #[must_use]
    pub const fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// The step of the history that made it.
    #[must_use]
    pub fn created_by(mut self, command: &str) -> Self {
        command.clone_into(&mut self.created_by);
        self
    }

    /// Lets the manifest state this size.
    #[must_use]
    pub const fn claim_size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }

    /// Lets the configuration state this diffID.
    #[must_use]
    pub const fn claim_diff_id(mut self, diff_id: Digest) -> Self {
        self.diff_id = Some(diff_id);
        self
    }

    /// Stores these bytes in the place of the layer; diffID and entries stay those of the archive.
    #[must_use]
    pub fn stored_as(mut self, blob: Vec<u8>) -> Self {
        self.blob = Some(blob);
        self
    }

    /// The archive with its end.
    pub fn tar(&self) -> Vec<u8> {
        [self.tar.as_slice(), &[0; 1024]].concat()
    }

    fn with(mut self, kind: u8, names: (&str, &str), content: &[u8], access: Access) -> Self {
        for (kind, text) in [(b'L', names.0), (b'K', names.1)] {
            if text.len() > 100 {
                let text = [text.as_bytes(), b"\0"].concat();
                self.block(kind, ("././@LongLink", ""), &text, Access::root(0));
            }
        }
        self.block(kind, names, content, access);
        self
    }

    fn block(&mut self, kind: u8, names: (&str, &str), content: &[u8], access: Access) {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_mode(access.mode);
        header.set_uid(access.uid.into());
        header.set_gid(access.gid.into());
        header.set_mtime(0);
        header.set_size(length(content));
        let fields = header.as_old_mut();
        for (field, text) in [(&mut fields.name, names.0), (&mut fields.linkname, names.1)] {
            for (to, from) in field.iter_mut().zip(text.bytes()) {
                *to = from;
            }
        }
        header.set_cksum();
        self.tar.extend_from_slice(header.as_bytes());
        self.tar.extend_from_slice(content);
        self.tar.resize(self.tar.len().next_multiple_of(512), 0);
    }
}

/// A record of an extended header: its length, which counts its own digits, a key and a value.
pub fn pax_record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    loop {
        let record = format!("{length}{rest}");
        if record.len() == length {
            return record;
        }
        length = record.len();
    }
}

/// An image under construction, for `linux/amd64`.
#[derive(Debug, Clone)]
pub struct ImageBuilder {
    platform: Platform,
    layers: Vec<LayerBuilder>,
    run: Map<String, Value>,
    top: Map<String, Value>,
    manifest: Map<String, Value>,
}

impl Default for ImageBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl ImageBuilder {
    /// An image without layers.
    pub fn new() -> Self {
        Self {
            platform: Platform::linux("amd64"),
            layers: Vec::new(),
            run: Map::new(),
            top: Map::new(),
            manifest: Map::new(),
        }
    }

    /// What it is for.
    #[must_use]
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platform = platform;
        self
    }

    /// Puts a layer on top.
    #[must_use]
    pub fn layer(mut self, layer: LayerBuilder) -> Self {
        self.layers.push(layer);
        self
    }

    /// Sets `config.User`.
    #[must_use]
    pub fn user(self, user: &str) -> Self {
        self.config("User", json!(user))
    }

    /// Sets `config.Healthcheck.Test`.
    #[must_use]
    pub fn healthcheck(self, test: &[&str]) -> Self {
        self.config("Healthcheck", json!({"Test": test}))
    }

    /// Adds to `config.Labels`.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        let labels = self.run.entry("Labels").or_insert_with(|| json!({}));
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(key.to_owned(), json!(value));
        }
        self
    }

    /// Sets a field of `config`.
    #[must_use]
    pub fn config(mut self, key: &str, value: Value) -> Self {
        self.run.insert(key.to_owned(), value);
        self
    }

    /// Sets a field of the configuration, in the place of what would be there.
    #[must_use]
    pub fn top(mut self, key: &str, value: Value) -> Self {
        self.top.insert(key.to_owned(), value);
        self
    }

    /// Sets a field of the manifest, in the place of what would be there.
    #[must_use]
    pub fn manifest(mut self, key: &str, value: Value) -> Self {
        self.manifest.insert(key.to_owned(), value);
        self
    }

    /// The image.
    pub fn build(self) -> BuiltImage {
        let mut blobs = BTreeMap::new();
        let (mut layers, mut diff_ids, mut history) = (Vec::new(), Vec::new(), Vec::new());
        for layer in self.layers {
            let tar = layer.tar();
            let blob = layer.blob.unwrap_or_else(|| layer.storage.store(&tar));
            let real = Descriptor::of(layer.storage.media_type(), &blob);
            diff_ids.push(layer.diff_id.unwrap_or_else(|| Digest::of(&tar)).to_string());
            history.push(json!({"created_by": layer.created_by}));
            blobs.insert(real.digest, Bytes::from(blob));
            layers.push(Descriptor { size: layer.size.unwrap_or(real.size), ..real });
        }
        let mut config = object(json!({
            "architecture": self.platform.architecture,
            "os": self.platform.os,
            "config": self.run,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": history,
        }));
        if let Some(variant) = &self.platform.variant {
            config.insert("variant".to_owned(), json!(variant));
        }
        config.extend(self.top);
        let config = Bytes::from(Value::Object(config).to_string());
        let config_descriptor = Descriptor::of("application/vnd.oci.image.config.v1+json", &config);
        blobs.insert(config_descriptor.digest, config);
        let mut manifest = object(json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(&config_descriptor),
            "layers": layers.iter().map(descriptor).collect::<Vec<_>>(),
        }));
        manifest.extend(self.manifest);
        let bytes = Bytes::from(Value::Object(manifest).to_string());
        let manifest =
            Descriptor { platform: Some(self.platform), ..Descriptor::of(OCI_MANIFEST, &bytes) };
        blobs.insert(manifest.digest, bytes);
        BuiltImage { manifest, layers, config: Some(config_descriptor.digest), blobs }
    }
}

/// An image or an index with everything that belongs to it.
#[derive(Debug, Clone)]
pub struct BuiltImage {
    /// The manifest or the index.
    pub manifest: Descriptor,
    /// The layers as the manifest has them, lowest first; none for an index.
    pub layers: Vec<Descriptor>,
    /// The digest of the configuration; none for an index.
    pub config: Option<Digest>,
    /// Manifests, configurations and layers, by the digest that they are asked for by.
    pub blobs: BTreeMap<Digest, Bytes>,
}

impl BuiltImage {
    /// An index of images, each listed with its platform.
    pub fn index(images: impl IntoIterator<Item = Self>) -> Self {
        let mut blobs = BTreeMap::new();
        let mut children = Vec::new();
        for image in images {
            children.push(descriptor(&image.manifest));
            blobs.extend(image.blobs);
        }
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children});
        let bytes = Bytes::from(index.to_string());
        let manifest = Descriptor::of(OCI_INDEX, &bytes);
        blobs.insert(manifest.digest, bytes);
        Self { manifest, layers: Vec::new(), config: None, blobs }
    }

    /// Flips the lowest bit of a byte of a blob.
    #[must_use]
    pub fn flip(self, blob: &Digest, at: usize) -> Self {
        self.change(blob, |bytes| {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1;
            }
        })
    }

    /// Cuts a blob off.
    #[must_use]
    pub fn truncate(self, blob: &Digest, to: usize) -> Self {
        self.change(blob, |bytes| bytes.truncate(to))
    }

    /// Takes a blob away.
    #[must_use]
    pub fn without(mut self, blob: &Digest) -> Self {
        self.blobs.remove(blob);
        self
    }

    /// Changes the bytes of a blob that is still asked for by the old digest.
    #[must_use]
    pub fn change(mut self, blob: &Digest, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        if let Some(stored) = self.blobs.get_mut(blob) {
            let mut bytes = stored.to_vec();
            change(&mut bytes);
            *stored = bytes.into();
        }
        self
    }

    /// Writes an OCI image layout, wrong bytes included. Images that are there already stay.
    pub fn write_layout(&self, directory: &Utf8Path, tag: Option<&str>) {
        let write = |name: &str, bytes: &[u8]| {
            fs::write(directory.join(name), bytes).expect("a test can write its files");
        };
        fs::create_dir_all(directory.join("blobs/sha256")).expect("a test can write its files");
        write("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
        for (digest, bytes) in &self.blobs {
            write(&format!("blobs/sha256/{}", digest.hex()), bytes);
        }
        let mut named = self.manifest.clone();
        if let Some(tag) = tag {
            named
                .annotations
                .insert("org.opencontainers.image.ref.name".to_owned(), tag.to_owned());
        }
        let path = directory.join("index.json");
        let known = fs::File::open(&path).ok().and_then(|file| serde_json::from_reader(file).ok());
        let mut index: Value =
            known.unwrap_or_else(|| json!({"schemaVersion": 2, "manifests": []}));
        if let Some(entries) = index.get_mut("manifests").and_then(Value::as_array_mut) {
            entries.push(descriptor(&named));
        }
        write("index.json", index.to_string().as_bytes());
    }
}

fn descriptor(descriptor: &Descriptor) -> Value {
    let mut value = object(json!({
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest.to_string(),
        "size": descriptor.size,
    }));
    if let Some(platform) = &descriptor.platform {
        let mut of = object(json!({"architecture": platform.architecture, "os": platform.os}));
        if let Some(variant) = &platform.variant {
            of.insert("variant".to_owned(), json!(variant));
        }
        value.insert("platform".to_owned(), Value::Object(of));
    }
    if !descriptor.annotations.is_empty() {
        value.insert("annotations".to_owned(), json!(descriptor.annotations));
    }
    Value::Object(value)
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(object) = value { object } else { Map::new() }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
