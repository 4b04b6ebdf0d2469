//! CycloneDX as a tree of values that serializes as its JSON: <https://cyclonedx.org/docs/1.6/json/> (ECMA-424).
//!
//! The fields stand in the order that the XML schema demands of its elements, so that the same tree is written as XML too.
//! The serial number is made from the content. GitLab's properties:
//! <https://docs.gitlab.com/development/sec/cyclonedx_property_taxonomy/>.

use super::{
    graph, hash, id,
    license::License,
    location::LocationText,
    property::{self, ComponentProperties, Property},
    supplier, vulnerability,
};
use crate::{
    Error,
    formats::{Document, DocumentSubject, Flaw},
};
use plimsoll_model::{
    Inventory,
    component::{Component, ComponentId, ComponentKind, Hash, HashAlgorithm, Scope, Trust},
    inventory::Distribution,
};
use serde::Serialize;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// A version of the format, as far as what we write differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 1.5, which other versions before it are made from.
    V1_5,
    /// 1.6.
    V1_6,
    /// 1.7.
    V1_7,
}

impl Version {
    /// As documents name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::V1_5 => "1.5",
            Self::V1_6 => "1.6",
            Self::V1_7 => "1.7",
        }
    }

    const fn schema(self) -> &'static str {
        match self {
            Self::V1_5 => "http://cyclonedx.org/schema/bom-1.5.schema.json",
            Self::V1_6 => "http://cyclonedx.org/schema/bom-1.6.schema.json",
            Self::V1_7 => "http://cyclonedx.org/schema/bom-1.7.schema.json",
        }
    }
}

/// Has the tree of a document written by `write`.
pub(crate) fn with_bom<T>(
    document: &Document<'_>,
    version: Version,
    write: impl FnOnce(&Bom<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    with_flaws(document, version, &[], write)
}

/// The same with what is known of flaws.
pub(crate) fn with_flaws<T>(
    document: &Document<'_>,
    version: Version,
    flaws: &[Flaw<'_>],
    write: impl FnOnce(&Bom<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let refs = References::of(document.inventory);
    let mut bom = bom(document, &refs, version);
    let named = flaws.iter().filter_map(|flaw| Some((flaw, refs.component(flaw.component)?)));
    bom.vulnerabilities = vulnerability::all(named);
    bom.serial_number = Some(id::of_content(&bom)?.urn().to_string());
    write(&bom)
}

const SUBJECT: &str = "subject";

/// The `bom-ref` of everything.
struct References {
    distribution: Option<String>,
    components: Vec<String>,
}

impl References {
    fn of(inventory: &Inventory) -> Self {
        let distribution = inventory.distribution.as_ref().map(|distribution| {
            let version = distribution.version_id.as_deref().unwrap_or_default();
            format!("os:{}@{version}", distribution.id)
        });
        let taken = distribution.iter().cloned().chain([SUBJECT.to_owned()]).collect();
        Self { components: id::component_refs(inventory, taken), distribution }
    }

    fn component(&self, id: ComponentId) -> Option<&str> {
        self.components.get(id.index()).map(String::as_str)
    }
}

/// The whole.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bom<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "bomFormat")]
    format: &'static str,
    spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    version: u32,
    metadata: Metadata<'a>,
    components: Vec<BomComponent<'a>>,
    dependencies: Vec<Dependency<'a>>,
    compositions: Vec<Composition<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vulnerabilities: Vec<serde_json::Value>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifecycles: Option<[Lifecycle; 1]>,
    tools: Tools<'a>,
    component: BomComponent<'a>,
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Lifecycle {
    phase: &'static str,
}

#[derive(Serialize)]
struct Tools<'a> {
    components: [BomComponent<'a>; 1],
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct BomComponent<'a> {
    r#type: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    bom_ref: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Supplier<'a>>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<BomHash<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<LicenseChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    swid: Option<Swid<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence<'a>>,
}

#[derive(Serialize)]
struct Supplier<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<[&'static str; 1]>,
}

/// What identifies an operating system, which no package URL does.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Swid<'a> {
    tag_id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

#[derive(Serialize)]
struct BomHash<'a> {
    alg: &'static str,
    content: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum LicenseChoice<'a> {
    License(NamedLicense<'a>),
    #[serde(untagged)]
    Expression {
        expression: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        acknowledgement: Option<&'static str>,
    },
}

#[derive(Serialize)]
struct NamedLicense<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledgement: Option<&'static str>,
}

#[derive(Serialize)]
struct Evidence<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<Identities>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    occurrences: Vec<Occurrence>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<LicenseChoice<'a>>,
}

/// One until 1.5, later a list.
#[derive(Serialize)]
#[serde(untagged)]
enum Identities {
    One(Identity),
    Many([Identity; 1]),
}

/// How sure the identity of a component is.
#[derive(Serialize)]
struct Identity {
    field: &'static str,
    confidence: f32,
    methods: [Method; 1],
}

#[derive(Serialize)]
struct Method {
    technique: &'static str,
    confidence: f32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Occurrence {
    location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_context: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency<'a> {
    r#ref: &'a str,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    depends_on: BTreeSet<&'a str>,
}

#[derive(Serialize)]
struct Composition<'a> {
    aggregate: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    assemblies: Vec<&'a str>,
    dependencies: Vec<&'a str>,
}

fn bom<'a>(document: &'a Document<'_>, refs: &'a References, version: Version) -> Bom<'a> {
    let inventory = document.inventory;
    let distribution = inventory
        .distribution
        .iter()
        .zip(&refs.distribution)
        .map(|(distribution, name)| distribution_component(distribution, name));
    let writer = Writer {
        inventory,
        version,
        properties: ComponentProperties::new(inventory, &refs.components),
    };
    let components = inventory
        .iter()
        .filter_map(|(id, one)| Some(writer.component(id, one, refs.component(id)?)));
    Bom {
        schema: version.schema(),
        format: "CycloneDX",
        spec_version: version.as_str(),
        serial_number: None,
        version: 1,
        metadata: metadata(document),
        components: distribution.chain(components).collect(),
        dependencies: dependencies(inventory, refs),
        compositions: compositions(inventory, refs),
        vulnerabilities: Vec::new(),
    }
}

/// How far the whole is known, then how far the relations of each kind of package are.
fn compositions<'a>(inventory: &Inventory, refs: &'a References) -> Vec<Composition<'a>> {
    // Nobody can promise that nothing was missed; what is known to be missed makes it incomplete.
    let aggregate = if inventory.unknowns.is_empty() { "unknown" } else { "incomplete" };
    let whole = Composition { aggregate, assemblies: vec![SUBJECT], dependencies: vec![SUBJECT] };
    let mut of_kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (component, name) in inventory.components().iter().zip(&refs.components) {
        of_kinds.entry(component.purl.kind()).or_default().push(name);
    }
    let of_kinds = of_kinds.into_iter().filter_map(|(kind, dependencies)| {
        let aggregate = property::word(*inventory.coverage.get(kind)?);
        Some(Composition { aggregate, assemblies: Vec::new(), dependencies })
    });
    std::iter::once(whole).chain(of_kinds).collect()
}

fn metadata<'a>(document: &'a Document<'_>) -> Metadata<'a> {
    let tool = BomComponent {
        r#type: "application",
        name: "plimsoll",
        version: Some(document.tool_version.to_owned()),
        ..BomComponent::default()
    };
    let is_container = document.subject.digest.is_some();
    Metadata {
        timestamp: document.created(),
        lifecycles: is_container.then_some([Lifecycle { phase: "post-build" }]),
        tools: Tools { components: [tool] },
        component: subject_component(&document.subject),
        properties: metadata_properties(document),
    }
}

fn subject_component(subject: &DocumentSubject) -> BomComponent<'_> {
    let owner = supplier::of_image(&subject.name).filter(|_| subject.digest.is_some());
    let digest =
        subject.digest.map(|digest| BomHash { alg: "SHA-256", content: Cow::Owned(digest.hex()) });
    BomComponent {
        r#type: if subject.digest.is_some() { "container" } else { "application" },
        bom_ref: Some(SUBJECT),
        supplier: owner.map(Supplier::of),
        hashes: digest.into_iter().collect(),
        name: &subject.name,
        version: subject.digest.map(|digest| digest.to_string()),
        purl: subject.purl().map(|purl| purl.to_string()),
        properties: subject
            .platform
            .iter()
            .map(|platform| Property::new(property::PLATFORM, platform.to_string()))
            .collect(),
        ..BomComponent::default()
    }
}

fn metadata_properties(document: &Document<'_>) -> Vec<Property> {
    let mut properties = vec![Property::new("gitlab:meta:schema_version", "1")];
    if document.subject.digest.is_some() {
        properties
            .push(Property::new("gitlab:container_scanning:image:name", &document.subject.name));
    }
    if let Some(tag) = &document.subject.image_tag {
        properties.push(Property::new(property::IMAGE_TAG, tag));
    }
    if let Some(distribution) = &document.inventory.distribution {
        let name = "gitlab:container_scanning:operating_system:name";
        properties.push(Property::new(name, &distribution.id));
        if let Some(version) = &distribution.version_id {
            let name = "gitlab:container_scanning:operating_system:version";
            properties.push(Property::new(name, version));
        }
    }
    if document.subject.digest.is_none()
        && let Some(path) = only_file(document.inventory)
    {
        properties.push(Property::new("gitlab:dependency_scanning:input_file:path", path));
    }
    properties.extend(property::of_inventory(document.inventory));
    properties
}

fn distribution_component<'a>(
    distribution: &'a Distribution,
    bom_ref: &'a str,
) -> BomComponent<'a> {
    BomComponent {
        r#type: "operating-system",
        bom_ref: Some(bom_ref),
        supplier: Some(Supplier::of(&distribution.id)),
        swid: Some(Swid {
            tag_id: &distribution.id,
            name: &distribution.id,
            version: distribution.version_id.as_deref(),
        }),
        name: &distribution.id,
        version: distribution.version_id.clone(),
        description: distribution.pretty_name.as_deref(),
        properties: property::of_distribution(distribution),
        ..BomComponent::default()
    }
}

/// The file that everything was found in, where it is one.
fn only_file(inventory: &Inventory) -> Option<String> {
    let mut paths =
        inventory.components().iter().flat_map(|one| &one.locations).map(|one| &one.path);
    let first = paths.next()?;
    let path = paths.all(|path| path == first).then(|| first.to_string())?;
    Some(path.trim_start_matches('/').to_owned())
}

impl<'a> Supplier<'a> {
    fn of(name: &'a str) -> Self {
        Self { name: Cow::Borrowed(name), url: None }
    }
}

struct Writer<'a> {
    inventory: &'a Inventory,
    version: Version,
    properties: ComponentProperties<'a>,
}

impl<'a> Writer<'a> {
    fn component(
        &self,
        id: ComponentId,
        component: &'a Component,
        bom_ref: &'a str,
    ) -> BomComponent<'a> {
        let supplier = supplier::of(component, self.inventory)
            .map(|one| Supplier { name: one.name, url: one.url.map(|url| [url]) });
        BomComponent {
            r#type: match component.kind {
                ComponentKind::Library => "library",
                ComponentKind::Application => "application",
                ComponentKind::Container => "container",
                ComponentKind::Model => "machine-learning-model",
            },
            bom_ref: Some(bom_ref),
            supplier,
            name: &component.name,
            version: component.version.clone(),
            scope: match component.scope {
                Scope::Required => None,
                Scope::Optional => Some("optional"),
                Scope::Development => Some("excluded"),
            },
            hashes: component.hashes.iter().filter_map(hash).collect(),
            licenses: self.licenses(component),
            purl: Some(component.purl.to_string()),
            properties: self.properties.of(id, component),
            evidence: self.evidence(component),
            ..BomComponent::default()
        }
    }

    /// Declared and concluded; versions that can not tell the two apart have the latter as evidence.
    fn licenses(&self, component: &Component) -> Vec<LicenseChoice<'a>> {
        let declared = property::licenses(&component.licenses);
        match self.version {
            Version::V1_5 => licenses(&[(declared, None)]),
            Version::V1_6 | Version::V1_7 => licenses(&[
                (declared, Some("declared")),
                (component.concluded.clone(), Some("concluded")),
            ]),
        }
    }

    fn evidence(&self, component: &Component) -> Option<Evidence<'a>> {
        let occurrences: Vec<_> = component
            .locations
            .iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(LocationText::of)
            .map(|text| Occurrence {
                location: text.place,
                additional_context: text.context.filter(|_| self.version != Version::V1_5),
            })
            .collect();
        let concluded = match self.version {
            Version::V1_5 => licenses(&[(component.concluded.clone(), None)]),
            Version::V1_6 | Version::V1_7 => Vec::new(),
        };
        let identity = (component.trust == Trust::Claimed).then(|| self.claim());
        let is_empty = occurrences.is_empty() && concluded.is_empty() && identity.is_none();
        (!is_empty).then_some(Evidence { identity, occurrences, licenses: concluded })
    }

    /// That a document says so is worth half of having seen it.
    fn claim(&self) -> Identities {
        let confidence = 0.5;
        let methods = [Method { technique: "attestation", confidence }];
        let identity = Identity { field: "purl", confidence, methods };
        match self.version {
            Version::V1_5 => Identities::One(identity),
            Version::V1_6 | Version::V1_7 => Identities::Many([identity]),
        }
    }
}

fn hash(hash: &Hash) -> Option<BomHash<'_>> {
    let alg = match hash.algorithm {
        HashAlgorithm::Md5 => "MD5",
        HashAlgorithm::Sha1 => "SHA-1",
        HashAlgorithm::Sha256 => "SHA-256",
        HashAlgorithm::Sha512 => "SHA-512",
    };
    hash::is_well_formed(hash).then_some(BomHash { alg, content: Cow::Borrowed(&hash.hex) })
}

/// Licences, each with how they are known.
type Acknowledged = (Vec<String>, Option<&'static str>);

/// Either licences, or one expression and nothing else: the schema has no mixture.
fn licenses<'a>(all: &[Acknowledged]) -> Vec<LicenseChoice<'a>> {
    let mut texts = all.iter().flat_map(|(texts, how)| texts.iter().map(|text| (text, *how)));
    if let (Some((text, acknowledgement)), None) = (texts.next(), texts.next())
        && let License::Expression(expression) = License::of(text)
    {
        let expression = Cow::Owned(expression.to_owned());
        return vec![LicenseChoice::Expression { expression, acknowledgement }];
    }
    let mut seen = BTreeSet::new();
    all.iter()
        .flat_map(|(texts, how)| texts.iter().map(|text| (text.as_str(), *how)))
        .filter(|(text, how)| !text.trim().is_empty() && seen.insert((*text, *how)))
        .map(|(text, acknowledgement)| match License::of(text) {
            License::Id(id) => {
                NamedLicense { id: Some(Cow::Owned(id.to_owned())), name: None, acknowledgement }
            }
            License::Expression(name) | License::Text(name) => {
                NamedLicense { id: None, name: Some(Cow::Owned(name.to_owned())), acknowledgement }
            }
        })
        .map(LicenseChoice::License)
        .collect()
}

/// The edges, so that everything is reachable from the subject.
fn dependencies<'a>(inventory: &Inventory, refs: &'a References) -> Vec<Dependency<'a>> {
    let mut edges: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); inventory.components().len()];
    for relation in inventory.relations() {
        if let (Some(from), Some(to)) =
            (edges.get_mut(relation.from.index()), refs.component(relation.to))
        {
            from.insert(to);
        }
    }
    let roots = graph::roots(inventory);
    let of_subject = Dependency {
        r#ref: SUBJECT,
        depends_on: refs
            .distribution
            .as_deref()
            .into_iter()
            .chain(roots.into_iter().filter_map(|id| refs.component(id)))
            .collect(),
    };
    let of_distribution = refs
        .distribution
        .as_deref()
        .map(|name| Dependency { r#ref: name, depends_on: BTreeSet::new() });
    let of_components = refs
        .components
        .iter()
        .zip(edges)
        .map(|(name, depends_on)| Dependency { r#ref: name, depends_on });
    std::iter::once(of_subject).chain(of_distribution).chain(of_components).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(declared: &[&str], expect: &Value) {
        let declared: Vec<_> = declared.iter().map(|one| (*one).to_owned()).collect();
        let found = licenses(&[(declared, Some("declared"))]);
        assert_eq!(&serde_json::to_value(found).unwrap(), expect);
    }

    #[test]
    fn an_expression_stands_alone_or_becomes_a_name() {
        let id = |id: &str| json!({"license": {"id": id, "acknowledgement": "declared"}});
        let name = |name: &str| json!({"license": {"name": name, "acknowledgement": "declared"}});
        check(&[], &json!([]));
        check(&["", " "], &json!([]));
        check(&["MIT"], &json!([id("MIT")]));
        check(&["BSD"], &json!([name("BSD")]));
        check(
            &["MIT OR Zlib"],
            &json!([{"expression": "MIT OR Zlib", "acknowledgement": "declared"}]),
        );
        check(&["MIT OR Zlib", "MIT", "MIT"], &json!([name("MIT OR Zlib"), id("MIT")]));
        let one = |text: &str| vec![text.to_owned()];
        let both =
            licenses(&[(one("MIT OR Zlib"), Some("declared")), (one("MIT"), Some("concluded"))]);
        let concluded = json!({"license": {"id": "MIT", "acknowledgement": "concluded"}});
        assert_eq!(serde_json::to_value(both).unwrap(), json!([name("MIT OR Zlib"), concluded]));
    }

    #[test]
    fn what_is_no_hash_is_left_out() {
        let content = |algorithm, hex: &str| {
            hash(&Hash { algorithm, hex: hex.to_owned() }).map(|hash| hash.alg)
        };
        assert_eq!(content(HashAlgorithm::Sha256, &"a".repeat(64)), Some("SHA-256"));
        assert_eq!(content(HashAlgorithm::Sha256, &"a".repeat(40)), None);
        assert_eq!(content(HashAlgorithm::Sha1, &"g".repeat(40)), None);
        assert_eq!(content(HashAlgorithm::Md5, ""), None);
    }
}
