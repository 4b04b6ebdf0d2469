//! `facts.json`: everything that a policy decides over, for programs of others and for tests of policies.
//!
//! No value of a secret is in it: variables are named alone, a secret is told by its kind and its place, and what looks like
//! one in any other text is replaced by `…`. What is left out for that, and evidence, which is only what was verified, is
//! not there to be read back: [`Recorded`] says which rules can not be judged for it, and nobody takes that for a pass.
//!
//! Version 1: fields are added, never changed or taken away. Lists keep the order of what they are of, so that the same facts
//! make the same bytes.

mod evidence_v1;
mod files_v1;
mod image_v1;
mod manifests_v1;
mod packages_v1;
mod registry_v1;
mod scan_v1;
mod secrets_v1;
mod sources_v1;
pub(crate) mod text;

pub use manifests_v1::RecordedManifests;

use crate::{
    Error, Facts, Policy, Users,
    bases::{self, Entry, EntryPlatform},
    cases::PolicyCase,
    rules::{self, About, Rule},
    secrets::Secrets,
};
use camino::Utf8Path;
use jiff::{Timestamp, civil::Date};
use manifests_v1::Whole;
use plimsoll_model::{
    Digest, Inventory, image::Image, registry::RegistryFacts, scan::Scan, tree::LayerInfo,
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::Value;

/// A pair of types, each case of one for one of the other.
macro_rules! paired {
    ($json:ident, $model:ident, $($case:ident),+) => {
        impl From<$model> for $json {
            fn from(value: $model) -> Self {
                match value { $($model::$case => Self::$case),+ }
            }
        }
        impl From<$json> for $model {
            fn from(value: $json) -> Self {
                match value { $($json::$case => Self::$case),+ }
            }
        }
    };
}
use paired;

/// The version of the format.
pub const VERSION: u32 = 1;
/// The JSON Schema of [`document`].
pub const SCHEMA: &str = include_str!("../../../docs/reference/facts-v1.schema.json");

/// Facts as they are written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FactsJson {
    version: u32,
    tool: Tool,
    /// The moment as of which is judged.
    at: Timestamp,
    image: Option<image_v1::ImageJson>,
    base: Option<BaseJson>,
    users: Option<secrets_v1::UsersJson>,
    inventory: Option<packages_v1::InventoryJson>,
    scan: Option<scan_v1::ScanJson>,
    secrets: Option<secrets_v1::SecretsJson>,
    files: Option<files_v1::FilesJson>,
    evidence: Option<Vec<evidence_v1::EvidenceJson>>,
    stated: Option<evidence_v1::StatedJson>,
    vex: Vec<evidence_v1::VexJson>,
    since: Option<evidence_v1::SinceJson>,
    dockerfiles: Vec<sources_v1::DockerfileJson>,
    compose: Vec<sources_v1::ComposeJson>,
    configs: Vec<sources_v1::ConfigJson>,
    kubernetes: Option<manifests_v1::ManifestsJson>,
    receipts: Option<Vec<evidence_v1::ReceiptJson>>,
    registry: Option<registry_v1::RegistryJson>,
    target_stage: Option<String>,
    /// The names of build arguments that were given.
    build_arguments: Vec<String>,
    /// Registries that are spoken to without TLS.
    plain_http: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

/// The approved base image that the image begins with.
#[derive(Debug, Serialize)]
struct BaseJson {
    name: String,
    manifest: Digest,
    layers: usize,
    approver: String,
    approved: Date,
    expires: Date,
}

/// Facts as `facts.json` has them.
pub fn document(facts: &Facts<'_>, at: Timestamp) -> FactsJson {
    let base = base(facts);
    let base_layers = base.map(|(_, platform)| platform.diff_ids.as_slice()).unwrap_or_default();
    FactsJson {
        version: VERSION,
        tool: Tool { name: "plimsoll", version: env!("CARGO_PKG_VERSION") },
        at,
        image: facts.image.map(image_v1::ImageJson::of),
        base: base.map(BaseJson::of),
        users: facts.users.map(secrets_v1::UsersJson::of),
        inventory: facts.inventory.map(|it| packages_v1::InventoryJson::of(it, base_layers)),
        scan: facts.scan.map(|scan| scan_v1::ScanJson::of(scan, facts.inventory)),
        secrets: facts.secrets.map(secrets_v1::SecretsJson::of),
        files: facts.files.map(files_v1::FilesJson::of),
        evidence: facts.evidence.map(evidence_v1::evidence),
        stated: facts.stated.map(evidence_v1::StatedJson::of),
        vex: facts.vex.map(evidence_v1::vex).unwrap_or_default(),
        since: facts.since.map(evidence_v1::SinceJson::of),
        dockerfiles: sources_v1::dockerfiles(facts),
        compose: sources_v1::compose(facts),
        configs: sources_v1::configs(facts.configs),
        kubernetes: manifests_v1::ManifestsJson::of(facts.manifests),
        receipts: facts.receipts.map(evidence_v1::receipts),
        registry: facts.registry.map(registry_v1::RegistryJson::of),
        target_stage: facts.target_stage.map(text::shown),
        build_arguments: facts.build_args.keys().map(|name| text::cut(name)).collect(),
        plain_http: facts.plain_http.iter().map(|host| text::shown(host)).collect(),
    }
}

/// Whether a part of facts says something: it is neither null nor an empty list.
pub(crate) fn is_something(part: &Value) -> bool {
    match part {
        Value::Null => false,
        Value::Array(entries) => !entries.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => true,
    }
}

/// Facts as rules of the user's own see them: what facts were recorded as, with what is there now in its place.
pub(crate) fn document_over(facts: &Facts<'_>, at: Timestamp) -> serde_json::Result<Value> {
    let mut document = serde_json::to_value(document(facts, at))?;
    if let (Some(Value::Object(recorded)), Value::Object(now)) = (facts.recorded, &mut document) {
        for (section, value) in recorded {
            if !now.get(section).is_some_and(is_something) {
                now.insert(section.clone(), value.clone());
            }
        }
    }
    Ok(document)
}

fn base<'f>(facts: &Facts<'f>) -> Option<(&'f Entry, &'f EntryPlatform)> {
    let diff_ids: Vec<_> = facts.image?.layers.iter().map(|layer| layer.diff_id).collect();
    bases::match_base(facts.bases?, &diff_ids)
}

impl BaseJson {
    fn of((entry, platform): (&Entry, &EntryPlatform)) -> Self {
        Self {
            name: entry.name(),
            manifest: platform.manifest,
            layers: platform.diff_ids.len(),
            approver: text::shown(&entry.approver),
            approved: entry.approved,
            expires: entry.expires,
        }
    }
}

/// What a `facts.json` says of an image, to judge it by another policy.
///
/// Of the user's files, manifests of Kubernetes alone are among it: all others are judged from themselves.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    at: Timestamp,
    image: Option<Image>,
    users: Option<Users>,
    inventory: Option<Inventory>,
    scan: Option<Scan>,
    secrets: Option<Secrets>,
    manifests: Option<RecordedManifests>,
    registry: Option<RegistryFacts>,
    plain_http: Vec<String>,
    left_out: Vec<LeftOut>,
    /// All of it, for rules that are asked over it as it is.
    document: Value,
}

/// Something that was looked at where the record was made, and can not be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeftOut {
    /// Values of variables, and texts that had secrets in them.
    Values,
    /// Files of the image: what is in them.
    Files,
    /// Evidence: a file that says that something was verified is none.
    Evidence,
    /// The last promoted build, to compare with.
    Since,
    /// Statements of others.
    Vex,
    /// Licences as concluded: the record is older than these are written down.
    Concluded,
    /// Registries that were spoken to without TLS: the record is older than these are written down.
    PlainHttp,
    /// Dockerfiles.
    Dockerfiles,
    /// Compose files.
    Compose,
    /// Settings of the daemon, and pipelines.
    Configs,
    /// Values of variables and of `ConfigMap`s in manifests of Kubernetes.
    ManifestValues,
    /// Other texts of manifests, which had secrets in them.
    ManifestTexts,
    /// Receipts of gates: evidence, as all that is verified.
    Receipts,
}

/// Read first, so that a record of another version is called that and not malformed.
#[derive(Debug, Deserialize)]
struct VersionJson {
    version: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "what is not read has to be known all the same")]
struct RecordedJson {
    version: u32,
    tool: IgnoredAny,
    at: Timestamp,
    image: Option<image_v1::ImageJson>,
    base: IgnoredAny,
    users: Option<secrets_v1::UsersJson>,
    inventory: Option<packages_v1::InventoryJson>,
    scan: Option<scan_v1::ScanJson>,
    secrets: Option<secrets_v1::SecretsJson>,
    files: Option<IgnoredAny>,
    evidence: Option<IgnoredAny>,
    stated: IgnoredAny,
    vex: Vec<IgnoredAny>,
    since: Option<IgnoredAny>,
    dockerfiles: Vec<IgnoredAny>,
    compose: Vec<IgnoredAny>,
    configs: Vec<IgnoredAny>,
    #[serde(default)]
    kubernetes: Option<manifests_v1::ManifestsJson>,
    #[serde(default)]
    receipts: Option<IgnoredAny>,
    #[serde(default)]
    registry: Option<registry_v1::RegistryJson>,
    target_stage: IgnoredAny,
    build_arguments: IgnoredAny,
    #[serde(default)]
    plain_http: Option<Vec<String>>,
}

/// Rules that look at values of variables, and at texts for what is secret in them.
const BY_VALUES: [&str; 3] = ["SEC-001", "SEC-002", "SEC-008"];
/// Rules about the image that compare it with its Dockerfile.
const BY_DOCKERFILES: [&str; 2] = ["BASE-051", "BASE-052"];
/// The rule that looks at values of variables in manifests.
const BY_VALUES_OF_MANIFESTS: &str = "SEC-009";
/// The rule that asks for receipts of gates.
const BY_RECEIPTS: &str = "K8S-041";
/// The rule about registries without TLS.
const BY_PLAIN_HTTP: &str = "BASE-022";

impl LeftOut {
    fn of_manifests(manifests: &RecordedManifests) -> impl Iterator<Item = Self> {
        let parts =
            [(manifests.values, Self::ManifestValues), (manifests.texts, Self::ManifestTexts)];
        parts.into_iter().filter(|(whole, _)| *whole == Whole::No).map(|(_, left_out)| left_out)
    }
}

impl RecordedJson {
    fn left_out(&self) -> Vec<LeftOut> {
        let parts = [
            self.image.as_ref().map(|_| LeftOut::Values),
            self.files.as_ref().map(|_| LeftOut::Files),
            self.evidence.as_ref().map(|_| LeftOut::Evidence),
            self.since.as_ref().map(|_| LeftOut::Since),
            self.vex.first().map(|_| LeftOut::Vex),
            self.inventory
                .as_ref()
                .filter(|inventory| !inventory.has_concluded())
                .map(|_| LeftOut::Concluded),
            (self.plain_http.is_none() && self.has_references()).then_some(LeftOut::PlainHttp),
            self.dockerfiles.first().map(|_| LeftOut::Dockerfiles),
            self.compose.first().map(|_| LeftOut::Compose),
            self.configs.first().map(|_| LeftOut::Configs),
            self.receipts.as_ref().map(|_| LeftOut::Receipts),
        ];
        parts.into_iter().flatten().collect()
    }

    /// Whether there is something that comes from a registry.
    fn has_references(&self) -> bool {
        self.image.is_some() || !self.dockerfiles.is_empty() || !self.compose.is_empty()
    }
}

impl Recorded {
    /// What `bytes` say; `path` stands in messages. Whoever reads them bounds their length.
    ///
    /// # Errors
    /// What is no JSON of this format, is of another version, or contradicts itself.
    pub fn read(bytes: &[u8], path: &Utf8Path) -> Result<Self, Error> {
        let malformed = |source| Error::FactsJson { path: path.to_owned(), source };
        let VersionJson { version } = serde_json::from_slice(bytes).map_err(malformed)?;
        if version != VERSION {
            let path = path.to_owned();
            return Err(Error::FactsVersion { path, expected: VERSION, found: version });
        }
        let json: RecordedJson = serde_json::from_slice(bytes).map_err(malformed)?;
        let document = serde_json::from_slice(bytes).map_err(malformed)?;
        let mut left_out = json.left_out();
        let invalid = |message| Error::Facts { path: path.to_owned(), message };
        let image = json.image.map(image_v1::ImageJson::read);
        let image = image.map(|it| it.ok_or(invalid("the reference is no image's"))).transpose()?;
        let inventory = json.inventory.map(packages_v1::InventoryJson::read);
        let mut inventory = inventory.transpose().map_err(invalid)?;
        if let (Some(inventory), Some(image)) = (&mut inventory, &image) {
            inventory.layers = layers(image);
        }
        let scan = match (json.scan, &inventory) {
            (None, _) => None,
            (Some(_), None) => return Err(invalid("there is a scan without an inventory")),
            (Some(scan), Some(inventory)) => Some(scan.read(inventory).map_err(invalid)?),
        };
        let secrets = json.secrets.map(secrets_v1::SecretsJson::read);
        let secrets = secrets.transpose().map_err(invalid)?;
        let users = json.users.map(secrets_v1::UsersJson::read);
        let manifests = json.kubernetes.map(|it| {
            it.read()
                .ok_or(invalid("a document of a manifest and its places contradict each other"))
        });
        let mut manifests = manifests.transpose()?;
        if let Some(manifests) = manifests.as_mut().filter(|_| json.receipts.is_some()) {
            manifests.receipts = Whole::No;
        }
        left_out.extend(manifests.iter().flat_map(LeftOut::of_manifests));
        Ok(Self {
            at: json.at,
            image,
            users,
            inventory,
            scan,
            secrets,
            manifests,
            registry: json.registry.map(registry_v1::RegistryJson::read),
            plain_http: json.plain_http.unwrap_or_default(),
            left_out,
            document,
        })
    }

    /// The moment as of which they were recorded.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The facts, with nothing of the user's files among them but manifests of Kubernetes.
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            image: self.image.as_ref(),
            users: self.users.as_ref(),
            inventory: self.inventory.as_ref(),
            scan: self.scan.as_ref(),
            secrets: self.secrets.as_ref(),
            recorded: Some(&self.document),
            recorded_manifests: self.manifests.as_ref(),
            registry: self.registry.as_ref(),
            plain_http: &self.plain_http,
            ..Facts::none()
        }
    }

    /// The same beside a case: files that it gives are judged from themselves, and are not missed.
    #[must_use]
    pub fn beside(mut self, case: &PolicyCase) -> Self {
        self.left_out.retain(|left_out| match left_out {
            LeftOut::Dockerfiles => case.dockerfiles.is_empty(),
            LeftOut::Compose => case.compose.is_empty(),
            LeftOut::Configs => case.configs.is_empty(),
            LeftOut::ManifestValues | LeftOut::ManifestTexts => case.kubernetes.is_empty(),
            LeftOut::Values
            | LeftOut::Files
            | LeftOut::Evidence
            | LeftOut::Since
            | LeftOut::Vex
            | LeftOut::Concluded
            | LeftOut::PlainHttp
            | LeftOut::Receipts => true,
        });
        self
    }

    /// The rules that the policy asks for and that this record [does not hold for](Self::holds_for), in their order.
    pub fn not_judged(&self, policy: &Policy) -> Vec<&'static str> {
        let asked = rules::ALL.iter().filter(|rule| policy.action(rule).value.is_some());
        asked.filter(|rule| !self.holds_for(rule)).map(|rule| rule.id).collect()
    }

    /// Whether a rule can find in this record all that it would have found where that was made.
    pub fn holds_for(&self, rule: &Rule) -> bool {
        let is_about = |about| rule.about.contains(&about);
        !self.left_out.iter().any(|left_out| match left_out {
            LeftOut::Values => BY_VALUES.contains(&rule.id),
            LeftOut::Files => is_about(About::Files),
            // The revision is compared with what provenance says.
            LeftOut::Evidence => is_about(About::Evidence) || rule.id == "IMG-007",
            LeftOut::Since => rule.id == "VUL-003",
            LeftOut::Vex => rule.id == "VUL-007",
            LeftOut::Concluded => rule.id == "VUL-006",
            LeftOut::PlainHttp => rule.id == BY_PLAIN_HTTP,
            LeftOut::Dockerfiles => {
                is_about(About::Dockerfiles) || BY_DOCKERFILES.contains(&rule.id)
            }
            LeftOut::Compose => is_about(About::Compose),
            // `insecure-registries` are settings of the daemon.
            LeftOut::Configs => is_about(About::Configs) || rule.id == BY_PLAIN_HTTP,
            LeftOut::ManifestValues => rule.id == BY_VALUES_OF_MANIFESTS,
            LeftOut::ManifestTexts => is_about(About::Kubernetes),
            LeftOut::Receipts => rule.id == BY_RECEIPTS,
        })
    }
}

fn layers(image: &Image) -> Vec<LayerInfo> {
    let layers = image.layers.iter().map(|layer| LayerInfo {
        digest: layer.digest,
        diff_id: layer.diff_id,
        created_by: layer.created_by.clone(),
    });
    layers.collect()
}

#[cfg(test)]
pub(crate) mod tests;
