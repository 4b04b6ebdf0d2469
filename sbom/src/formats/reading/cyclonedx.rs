//! CycloneDX 1.6 and 1.7 JSON, tolerantly: what is not known is skipped, what is missing is absent.
//!
//! The crate `cyclonedx-bom` stops at 1.5; later documents (`evidence.identity` as a list) are errors to it.

use super::{
    distribution,
    facts::{Facts, Field},
    found::{Entry, Found},
    lenient::or_default,
};
use crate::{
    Error,
    formats::{
        DocumentSubject,
        shared::{hash, location::LocationText, property},
    },
};
use plimsoll_model::{
    component::{ComponentKind, Hash, Scope},
    inventory::RelationKind,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Reads a document.
pub(crate) fn read(bytes: &[u8]) -> Result<Found, Error> {
    let bom: Bom = serde_json::from_slice(bytes).map_err(|source| Error::SbomSyntax { source })?;
    Ok(of_bom(bom))
}

/// From a document that is parsed.
pub(super) fn of_bom(bom: Bom) -> Found {
    let words: BTreeSet<_> = bom.compositions.into_iter().filter_map(|one| one.aggregate).collect();
    let mut found = Found {
        facts: Facts {
            completeness: words.into_iter().collect(),
            id: bom.serial_number,
            ..bom.metadata.facts()
        },
        properties: pairs(bom.metadata.properties),
        edges: edges(bom.dependencies),
        ..Found::default()
    };
    if let Some(subject) = bom.metadata.component {
        found.take_subject(subject);
    }
    found.take_all(bom.components);
    found
}

#[derive(Deserialize)]
pub(super) struct Bom {
    #[serde(rename = "serialNumber")]
    serial_number: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    compositions: Vec<Composition>,
    #[serde(default, deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    components: Vec<Component>,
    #[serde(default, deserialize_with = "or_default")]
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Composition {
    aggregate: Option<String>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    timestamp: Option<String>,
    /// A list until 1.4, later also an object with `components`.
    #[serde(default, deserialize_with = "or_default")]
    tools: Value,
    #[serde(default, deserialize_with = "or_default")]
    authors: Vec<Contact>,
    #[serde(alias = "manufacture")]
    manufacturer: Option<Contact>,
    #[serde(default, deserialize_with = "or_default")]
    lifecycles: Vec<Lifecycle>,
    component: Option<Component>,
    #[serde(default, deserialize_with = "or_default")]
    properties: Vec<Property>,
}

#[derive(Deserialize)]
struct Lifecycle {
    phase: Option<String>,
    name: Option<String>,
}

impl Metadata {
    fn facts(&self) -> Facts {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut tools = list(&self.tools);
        tools.extend(self.tools.get("components").map(list).unwrap_or_default());
        let text =
            |tool: &Value, key: &str| tool.get(key).and_then(Value::as_str).map(str::to_owned);
        let tool = |tool: &Value| {
            let name = text(tool, "name")?;
            Some(text(tool, "version").map_or(name.clone(), |version| format!("{name} {version}")))
        };
        let authors = self.authors.iter().chain(&self.manufacturer);
        let phases =
            self.lifecycles.iter().filter_map(|one| one.phase.clone().or(one.name.clone()));
        Facts {
            authors: authors.filter_map(Contact::line).collect(),
            tools: tools.iter().filter_map(tool).collect(),
            created: self.timestamp.clone(),
            lifecycles: phases.collect(),
            ..Facts::default()
        }
    }
}

/// A person or an organization.
#[derive(Deserialize, Default)]
pub(super) struct Contact {
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    url: Value,
    #[serde(default, deserialize_with = "or_default")]
    contact: Vec<Self>,
}

impl Contact {
    /// An address: e-mail, or URL.
    fn address(&self) -> Option<String> {
        let url = || match &self.url {
            Value::String(url) => Some(url.clone()),
            other => other.get(0).and_then(Value::as_str).map(str::to_owned),
        };
        let own = self.email.clone().or_else(url);
        own.or_else(|| self.contact.iter().find_map(|one| one.email.clone()))
    }

    fn line(&self) -> Option<String> {
        match (self.name.clone(), self.address()) {
            (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
            (name, address) => name.or(address),
        }
    }
}

/// A component; the reader of older versions makes the same.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Component {
    #[serde(default)]
    pub(super) r#type: String,
    #[serde(rename = "bom-ref")]
    pub(super) bom_ref: Option<String>,
    pub(super) group: Option<String>,
    #[serde(default)]
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) description: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) supplier: Option<Contact>,
    pub(super) manufacturer: Option<Contact>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) authors: Vec<Contact>,
    pub(super) publisher: Option<String>,
    pub(super) author: Option<String>,
    pub(super) copyright: Option<String>,
    pub(super) cpe: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) swid: Value,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) external_references: Vec<Reference>,
    pub(super) purl: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) licenses: Vec<LicenseChoice>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) hashes: Vec<BomHash>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) evidence: Evidence,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) properties: Vec<Property>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) components: Vec<Self>,
}

/// A reference to elsewhere.
#[derive(Deserialize)]
pub(super) struct Reference {
    #[serde(default)]
    pub(super) r#type: String,
}

/// One entry of `licenses`.
#[derive(Deserialize)]
pub(super) struct LicenseChoice {
    pub(super) license: Option<License>,
    pub(super) expression: Option<String>,
    pub(super) acknowledgement: Option<String>,
}

/// A licence by id or by name.
#[derive(Deserialize)]
pub(super) struct License {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) acknowledgement: Option<String>,
}

/// A hash, whatever its algorithm.
#[derive(Deserialize)]
pub(super) struct BomHash {
    #[serde(default)]
    pub(super) alg: String,
    #[serde(default)]
    pub(super) content: String,
}

/// Where a component was found.
#[derive(Deserialize, Default)]
pub(super) struct Evidence {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) occurrences: Vec<Occurrence>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) licenses: Vec<LicenseChoice>,
}

/// One place.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Occurrence {
    #[serde(default)]
    pub(super) location: String,
    pub(super) additional_context: Option<String>,
}

/// A name and its value.
#[derive(Deserialize)]
pub(super) struct Property {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) value: String,
}

/// What one component needs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dependency {
    pub(super) r#ref: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) depends_on: Vec<String>,
}

/// Properties as pairs.
pub(super) fn pairs(properties: Vec<Property>) -> Vec<(String, String)> {
    properties.into_iter().map(|Property { name, value }| (name, value)).collect()
}

/// Dependencies as edges.
pub(super) fn edges(dependencies: Vec<Dependency>) -> Vec<(String, RelationKind, String)> {
    dependencies
        .into_iter()
        .flat_map(|Dependency { r#ref, depends_on }| {
            depends_on.into_iter().map(move |to| (r#ref.clone(), RelationKind::DependsOn, to))
        })
        .collect()
}

impl Found {
    /// The subject is a component as well where it is a package: the SBOM of a library is about that library.
    pub(super) fn take_subject(&mut self, subject: Component) {
        self.facts.subject = Some(subject.as_subject(&self.properties));
        let is_package = subject
            .purl
            .as_deref()
            .is_some_and(|purl| !purl.starts_with("pkg:oci/") && !purl.starts_with("pkg:docker/"));
        if is_package {
            self.take_all(vec![subject]);
        } else {
            let (nested, entry) = subject.into_entry();
            self.others.push(entry.facts());
            self.take_all(nested);
        }
    }

    /// Takes components in, the nested ones after the ones around them.
    pub(super) fn take_all(&mut self, components: Vec<Component>) {
        let mut open: Vec<(Option<usize>, std::vec::IntoIter<Component>)> =
            vec![(None, components.into_iter())];
        while let Some((parent, rest)) = open.last_mut() {
            let parent = *parent;
            let Some(component) = rest.next() else {
                open.pop();
                continue;
            };
            let (nested, position) = self.take(parent, component);
            open.push((position, nested.into_iter()));
        }
    }

    /// Takes one in and says where it is.
    fn take(
        &mut self,
        parent: Option<usize>,
        component: Component,
    ) -> (Vec<Component>, Option<usize>) {
        let is_system = component.r#type == "operating-system" && self.distribution.is_none();
        let description = component.description.clone();
        let (nested, entry) = component.into_entry();
        if is_system {
            self.distribution = Some(distribution::of_entry(&entry, description));
            self.others.push(entry.facts());
            return (nested, None);
        }
        self.entries.push(Entry { parent, ..entry });
        (nested, self.entries.len().checked_sub(1))
    }
}

/// Whether a text says something.
fn says(text: &str) -> bool {
    !text.trim().is_empty()
}

impl LicenseChoice {
    fn is_concluded(&self) -> bool {
        let of_license = || self.license.as_ref().and_then(|one| one.acknowledgement.as_deref());
        self.acknowledgement.as_deref().or_else(of_license) == Some("concluded")
    }

    fn text(self) -> Option<String> {
        let of_license = |license: License| license.id.or(license.name);
        self.expression.or_else(|| self.license.and_then(of_license))
    }
}

impl Component {
    /// As what a document is about.
    fn as_subject(&self, document: &[(String, String)]) -> DocumentSubject {
        let own = |name: &str| {
            let found = self.properties.iter().find(|one| one.name == name);
            found.map(|one| one.value.as_str())
        };
        let of_document = |name: &str| {
            document.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
        };
        let name = match self.group.as_deref().filter(|group| says(group)) {
            Some(group) => format!("{group}/{}", self.name),
            None => self.name.clone(),
        };
        DocumentSubject {
            name,
            digest: self.version.as_deref().and_then(|version| version.parse().ok()),
            platform: own(property::PLATFORM).and_then(|text| text.parse().ok()),
            image_tag: of_document(property::IMAGE_TAG),
        }
    }

    /// What it is, without what is nested in it.
    fn into_entry(self) -> (Vec<Self>, Entry) {
        let fields = self.fields();
        let hash = |hash: BomHash| {
            let hex = hash.content.to_ascii_lowercase();
            Some(Hash { algorithm: hash::algorithm(&hash.alg)?, hex })
        };
        let location = |occurrence: Occurrence| LocationText {
            place: occurrence.location,
            context: occurrence.additional_context,
        };
        let (concluded, declared): (Vec<_>, Vec<_>) =
            self.licenses.into_iter().partition(LicenseChoice::is_concluded);
        let concluded = concluded.into_iter().chain(self.evidence.licenses);
        let supplier = self.supplier.or(self.manufacturer);
        let entry = Entry {
            reference: self.bom_ref,
            parent: None,
            name: self.name,
            group: self.group,
            version: self.version.filter(|version| !version.is_empty()),
            purl: self.purl.filter(|purl| !purl.is_empty()),
            kind: match self.r#type.as_str() {
                "application" => ComponentKind::Application,
                "container" => ComponentKind::Container,
                "machine-learning-model" => ComponentKind::Model,
                _ => ComponentKind::Library,
            },
            scope: match self.scope.as_deref() {
                Some("optional") => Scope::Optional,
                Some("excluded") => Scope::Development,
                _ => Scope::Required,
            },
            licenses: declared.into_iter().filter_map(LicenseChoice::text).collect(),
            concluded: concluded.filter_map(LicenseChoice::text).collect(),
            supplier: supplier.and_then(|one| one.name).or(self.publisher).or(self.author),
            hashes: self.hashes.into_iter().filter_map(hash).collect(),
            locations: self.evidence.occurrences.into_iter().map(location).collect(),
            properties: pairs(self.properties),
            fields,
        };
        (self.components, entry)
    }

    /// The fields that an [`Entry`] has no room for.
    fn fields(&self) -> Vec<Field> {
        let refers = |kinds: &[&str]| {
            self.external_references.iter().any(|one| kinds.contains(&one.r#type.as_str()))
        };
        let mut makers = self.manufacturer.iter().chain(&self.supplier).chain(&self.authors);
        let has_author = self.authors.iter().any(|one| one.name.as_deref().is_some_and(says));
        [
            (Field::Copyright, self.copyright.as_deref().is_some_and(says)),
            (Field::Identifier, self.cpe.as_deref().is_some_and(says)),
            (Field::Identifier, self.swid.get("tagId").and_then(Value::as_str).is_some_and(says)),
            (Field::Supplier, has_author),
            (Field::Hash, !self.hashes.is_empty()),
            (Field::CreatorContact, makers.any(|one| one.address().is_some())),
            (Field::SourceUri, refers(&["vcs", "source-distribution"])),
            (Field::DeployableUri, refers(&["distribution", "distribution-intake"])),
        ]
        .into_iter()
        .filter(|(_, has)| *has)
        .map(|(field, _)| field)
        .collect()
    }
}
