//! CycloneDX 1.6 as JSON (ECMA-424): <https://cyclonedx.org/docs/1.6/json/>.
//!
//! The same document gives the same bytes; the serial number is made from the content. GitLab's properties:
//! <https://docs.gitlab.com/development/sec/cyclonedx_property_taxonomy/>.

use super::{
    Document, DocumentSubject, Format,
    shared::{
        graph, hash, id,
        license::License,
        location::LocationText,
        property::{self, ComponentProperties, Property},
    },
};
use crate::Error;
use plimsoll_model::{
    Inventory,
    component::{Component, ComponentId, Hash, HashAlgorithm},
    inventory::Distribution,
};
use serde::Serialize;
use std::collections::BTreeSet;

/// CycloneDX 1.6 JSON.
pub(crate) const FORMAT: Format = Format {
    id: "cyclonedx-json",
    description: "CycloneDX 1.6 as JSON: components, dependencies, where each was found",
    write,
};

const SUBJECT: &str = "subject";

fn write(document: &Document<'_>) -> Result<Vec<u8>, Error> {
    let refs = References::of(document.inventory);
    let mut bom = bom(document, &refs);
    bom.serial_number = Some(id::of_content(&bom)?.urn().to_string());
    let mut bytes =
        serde_json::to_vec_pretty(&bom).map_err(|source| Error::WriteSbom { source })?;
    bytes.push(b'\n');
    Ok(bytes)
}

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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom<'a> {
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
    compositions: [Composition; 1],
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<BomHash<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<LicenseChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
}

#[derive(Serialize)]
struct Supplier<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct BomHash<'a> {
    alg: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum LicenseChoice<'a> {
    License(NamedLicense<'a>),
    #[serde(untagged)]
    Expression {
        expression: &'a str,
        acknowledgement: &'static str,
    },
}

#[derive(Serialize)]
struct NamedLicense<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    acknowledgement: &'static str,
}

#[derive(Serialize)]
struct Evidence {
    occurrences: Vec<Occurrence>,
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
struct Composition {
    aggregate: &'static str,
    assemblies: [&'static str; 1],
    dependencies: [&'static str; 1],
}

fn bom<'a>(document: &'a Document<'_>, refs: &'a References) -> Bom<'a> {
    let inventory = document.inventory;
    let distribution = inventory
        .distribution
        .iter()
        .zip(&refs.distribution)
        .map(|(distribution, name)| distribution_component(distribution, name));
    let properties = ComponentProperties::new(inventory, &refs.components);
    let components = inventory.iter().filter_map(|(id, component)| {
        Some(library(component, refs.component(id)?, properties.of(id, component)))
    });
    // Nobody can promise that nothing was missed; what is known to be missed makes it incomplete.
    let aggregate = if inventory.unknowns.is_empty() { "unknown" } else { "incomplete" };
    Bom {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        format: "CycloneDX",
        spec_version: "1.6",
        serial_number: None,
        version: 1,
        metadata: metadata(document),
        components: distribution.chain(components).collect(),
        dependencies: dependencies(inventory, refs),
        compositions: [Composition { aggregate, assemblies: [SUBJECT], dependencies: [SUBJECT] }],
    }
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
    BomComponent {
        r#type: if subject.digest.is_some() { "container" } else { "application" },
        bom_ref: Some(SUBJECT),
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
        properties.push(Property::new("gitlab:container_scanning:image:tag", tag));
    }
    if let Some(distribution) = &document.inventory.distribution {
        let name = "gitlab:container_scanning:operating_system:name";
        properties.push(Property::new(name, &distribution.id));
        if let Some(version) = &distribution.version_id {
            let name = "gitlab:container_scanning:operating_system:version";
            properties.push(Property::new(name, version));
        }
    }
    properties.extend(property::of_unknowns(document.inventory));
    properties
}

fn distribution_component<'a>(
    distribution: &'a Distribution,
    bom_ref: &'a str,
) -> BomComponent<'a> {
    BomComponent {
        r#type: "operating-system",
        bom_ref: Some(bom_ref),
        name: &distribution.id,
        version: distribution.version_id.clone(),
        description: distribution.pretty_name.as_deref(),
        properties: property::of_distribution(distribution),
        ..BomComponent::default()
    }
}

fn library<'a>(
    component: &'a Component,
    bom_ref: &'a str,
    properties: Vec<Property>,
) -> BomComponent<'a> {
    BomComponent {
        r#type: "library",
        bom_ref: Some(bom_ref),
        supplier: component.supplier.as_deref().map(|name| Supplier { name }),
        name: &component.name,
        version: component.version.clone(),
        hashes: component.hashes.iter().filter_map(hash).collect(),
        licenses: licenses(&component.licenses),
        purl: Some(component.purl.to_string()),
        properties,
        evidence: evidence(component),
        ..BomComponent::default()
    }
}

fn evidence(component: &Component) -> Option<Evidence> {
    let occurrences: Vec<_> = component
        .locations
        .iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(LocationText::of)
        .map(|text| Occurrence { location: text.place, additional_context: text.context })
        .collect();
    (!occurrences.is_empty()).then_some(Evidence { occurrences })
}

fn hash(hash: &Hash) -> Option<BomHash<'_>> {
    let alg = match hash.algorithm {
        HashAlgorithm::Md5 => "MD5",
        HashAlgorithm::Sha1 => "SHA-1",
        HashAlgorithm::Sha256 => "SHA-256",
        HashAlgorithm::Sha512 => "SHA-512",
    };
    hash::is_well_formed(hash).then_some(BomHash { alg, content: &hash.hex })
}

/// Either licences, or one expression and nothing else: the schema has no mixture.
fn licenses(declared: &[String]) -> Vec<LicenseChoice<'_>> {
    let acknowledgement = "declared";
    if let [declared] = declared
        && let License::Expression(expression) = License::of(declared)
    {
        return vec![LicenseChoice::Expression { expression, acknowledgement }];
    }
    let mut seen = BTreeSet::new();
    declared
        .iter()
        .filter(|text| !text.trim().is_empty() && seen.insert(text.as_str()))
        .map(|text| match License::of(text) {
            License::Id(id) => NamedLicense { id: Some(id), name: None, acknowledgement },
            License::Expression(name) | License::Text(name) => {
                NamedLicense { id: None, name: Some(name), acknowledgement }
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
        assert_eq!(&serde_json::to_value(licenses(&declared)).unwrap(), expect);
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
