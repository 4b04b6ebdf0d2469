//! SPDX 3.0.1 as JSON-LD: <https://spdx.github.io/spdx-spec/v3.0.1/>.
//!
//! One flat `@graph`; the same document gives the same bytes. What the model has no field for is written with the extension
//! for CycloneDX's properties.

use super::{
    Document, DocumentSubject, Format,
    shared::{
        self, hash, id,
        location::LocationText,
        property::{self, ComponentProperties, Property},
        spdx::{Actor, COPYRIGHT, Licenses, NO_ASSERTION, NOT_CONCLUDED, NOT_CONCLUDED_TEXT, swid},
        supplier,
    },
};
use crate::Error;
use plimsoll_model::{
    Inventory,
    component::{Component, ComponentId, ComponentKind, Hash, HashAlgorithm, Scope},
    inventory::{Coverage, Distribution, RelationKind},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// SPDX 3.0.1 JSON-LD.
pub(crate) const FORMAT: Format = Format {
    id: "spdx3-json",
    description: "SPDX 3.0.1 as JSON-LD: packages, relationships, licences",
    write,
};

/// No other version is written.
pub(crate) const VERSIONS: &[Format] = &[];

fn write(document: &Document<'_>, out: &mut dyn Write) -> Result<(), Error> {
    let content = id::of_content(&Graph::of(document, ""))?;
    let namespace = format!("{}/spdx/{content}#", env!("CARGO_PKG_REPOSITORY"));
    shared::json::write(&Graph::of(document, &namespace), out)
}

#[derive(Serialize)]
struct Graph {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@graph")]
    elements: Vec<Node>,
}

/// The node that all elements name as their creation.
const CREATION: &str = "_:creation";

#[derive(Serialize)]
#[serde(untagged)]
enum Node {
    Creation(Creation),
    Element(Box<Element>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Creation {
    r#type: &'static str,
    #[serde(rename = "@id")]
    id: &'static str,
    spec_version: &'static str,
    created: String,
    created_by: [String; 1],
    created_using: [String; 1],
}

/// An element of any type; what a type has no field for stays out.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Element {
    r#type: &'static str,
    spdx_id: String,
    creation_info: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    verified_using: Vec<NodeHash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_identifier: Option<[Identifier; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<[Extension; 1]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    profile_conformance: Vec<&'static str>,
    #[serde(rename = "rootElement", skip_serializing_if = "Vec::is_empty")]
    roots: Vec<String>,
    #[serde(rename = "element", skip_serializing_if = "Vec::is_empty")]
    collected: Vec<String>,
    #[serde(rename = "software_sbomType", skip_serializing_if = "Vec::is_empty")]
    sbom_type: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplied_by: Option<String>,
    #[serde(rename = "software_primaryPurpose", skip_serializing_if = "Option::is_none")]
    purpose: Option<&'static str>,
    #[serde(rename = "software_copyrightText", skip_serializing_if = "Option::is_none")]
    copyright: Option<&'static str>,
    #[serde(rename = "software_packageVersion", skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(rename = "software_packageUrl", skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    to: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relationship_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completeness: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(rename = "simplelicensing_licenseExpression", skip_serializing_if = "Option::is_none")]
    expression: Option<String>,
    #[serde(rename = "simplelicensing_customIdToUri", skip_serializing_if = "Vec::is_empty")]
    custom: Vec<Entry>,
    #[serde(rename = "simplelicensing_licenseText", skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeHash {
    r#type: &'static str,
    algorithm: &'static str,
    hash_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identifier {
    r#type: &'static str,
    external_identifier_type: &'static str,
    #[serde(rename = "identifier")]
    value: String,
}

#[derive(Serialize)]
struct Extension {
    r#type: &'static str,
    #[serde(rename = "extension_cdxProperty")]
    properties: Vec<ExtensionEntry>,
}

#[derive(Serialize)]
struct ExtensionEntry {
    r#type: &'static str,
    #[serde(rename = "extension_cdxPropName")]
    name: String,
    #[serde(rename = "extension_cdxPropValue")]
    value: String,
}

#[derive(Serialize)]
struct Entry {
    r#type: &'static str,
    key: String,
    value: String,
}

fn extension(properties: impl IntoIterator<Item = Property>) -> Option<[Extension; 1]> {
    let entry = |Property { name, value }| ExtensionEntry {
        r#type: "extension_CdxPropertyEntry",
        name: name.into_owned(),
        value,
    };
    let properties: Vec<_> = properties.into_iter().map(entry).collect();
    (!properties.is_empty())
        .then_some([Extension { r#type: "extension_CdxPropertiesExtension", properties }])
}

fn node_hash(hash: &Hash) -> Option<NodeHash> {
    let algorithm = match hash.algorithm {
        HashAlgorithm::Md5 => "md5",
        HashAlgorithm::Sha1 => "sha1",
        HashAlgorithm::Sha256 => "sha256",
        HashAlgorithm::Sha512 => "sha512",
    };
    let hash_value = hash.hex.to_ascii_lowercase();
    hash::is_well_formed(hash).then_some(NodeHash { r#type: "Hash", algorithm, hash_value })
}

impl Graph {
    fn of(document: &Document<'_>, namespace: &str) -> Self {
        let mut graph = Builder {
            document,
            namespace,
            ids: shared::spdx::component_ids(document.inventory),
            elements: Vec::new(),
            agents: BTreeMap::new(),
            licenses: Licenses::default(),
            expressions: BTreeMap::new(),
        };
        graph.packages();
        graph.relationships();
        graph.license_elements();
        graph.agent_elements();
        let elements = graph.finish();
        Self { context: "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", elements }
    }
}

struct Builder<'a> {
    document: &'a Document<'a>,
    namespace: &'a str,
    /// Of the components, in the inventory's order, without the name space.
    ids: Vec<String>,
    elements: Vec<Element>,
    agents: BTreeMap<Actor, String>,
    licenses: Licenses,
    /// The identifier of each licence expression.
    expressions: BTreeMap<String, String>,
}

impl Builder<'_> {
    fn id(&self, name: &str) -> String {
        format!("{}{name}", self.namespace)
    }

    fn component_id(&self, id: ComponentId) -> Option<String> {
        Some(self.id(self.ids.get(id.index())?))
    }

    fn element(&self, r#type: &'static str, name: &str) -> Element {
        Element { r#type, spdx_id: self.id(name), creation_info: CREATION, ..Element::default() }
    }

    /// A package with what is said of every one.
    fn package(&mut self, name: &str, title: &str, supplier: Option<Actor>) -> Element {
        let supplied_by = supplier.map(|actor| self.agent(actor));
        Element {
            name: Some(title.to_owned()),
            supplied_by,
            copyright: Some(COPYRIGHT),
            ..self.element("software_Package", name)
        }
    }

    fn agent(&mut self, actor: Actor) -> String {
        let name = format!("agent-{}", self.agents.len());
        let name = self.agents.entry(actor).or_insert(name).clone();
        self.id(&name)
    }

    fn packages(&mut self) {
        let inventory = self.document.inventory;
        let subject = self.subject(&self.document.subject);
        self.elements.push(subject);
        if let Some(distribution) = &inventory.distribution {
            let system = self.operating_system(distribution);
            self.elements.push(system);
        }
        let prefixed: Vec<String> = self.ids.iter().map(|id| self.id(id)).collect();
        let properties = ComponentProperties::new(inventory, &prefixed);
        let ids = self.ids.clone();
        for ((id, component), name) in inventory.iter().zip(&ids) {
            let own = properties.of(id, component);
            let package = self.component(component, name, own);
            self.elements.push(package);
        }
    }

    fn subject(&mut self, subject: &DocumentSubject) -> Element {
        let owner = supplier::of_image(&subject.name).filter(|_| subject.digest.is_some());
        let digest = subject.digest.map(|digest| digest.to_string());
        let platform = subject.platform.iter();
        let properties =
            platform.map(|platform| Property::new(property::PLATFORM, platform.to_string()));
        let hash = subject.digest.map(|digest| NodeHash {
            r#type: "Hash",
            algorithm: "sha256",
            hash_value: digest.hex(),
        });
        let purl = subject.purl().map(|purl| purl.to_string());
        let purpose = if subject.digest.is_some() { "container" } else { "application" };
        Element {
            purpose: Some(purpose),
            version: Some(digest.unwrap_or_else(|| NO_ASSERTION.to_owned())),
            verified_using: hash.into_iter().collect(),
            purl: purl.clone(),
            external_identifier: purl.map(|purl| identifier("packageUrl", purl)),
            extension: extension(properties.chain(property::of_inventory(self.document.inventory))),
            ..self.package("Subject", &subject.name, owner.and_then(Actor::of))
        }
    }

    fn operating_system(&mut self, distribution: &Distribution) -> Element {
        Element {
            purpose: Some("operatingSystem"),
            version: Some(distribution.version_id.clone().unwrap_or(NO_ASSERTION.to_owned())),
            summary: distribution.pretty_name.clone(),
            external_identifier: Some(identifier("swid", swid(&distribution.id))),
            extension: extension(property::of_distribution(distribution)),
            ..self.package("OperatingSystem", &distribution.id, Actor::of(&distribution.id))
        }
    }

    fn component(&mut self, component: &Component, name: &str, own: Vec<Property>) -> Element {
        let supplier = supplier::of(component, self.document.inventory);
        let locations = component.locations.iter().collect::<BTreeSet<_>>().into_iter();
        let locations = locations
            .map(|place| Property::new(property::LOCATION, LocationText::of(place).to_line()));
        let properties = own.into_iter().chain(property::of_scope(component.scope));
        let purl = component.purl.to_string();
        let supplier = supplier.and_then(|one| Actor::of(&one.name));
        Element {
            purpose: Some(match component.kind {
                ComponentKind::Library => "library",
                ComponentKind::Application => "application",
                ComponentKind::Container => "container",
                ComponentKind::Model => "model",
            }),
            version: Some(component.version.clone().unwrap_or(NO_ASSERTION.to_owned())),
            verified_using: component.hashes.iter().filter_map(node_hash).collect(),
            purl: Some(purl.clone()),
            external_identifier: Some(identifier("packageUrl", purl)),
            extension: extension(properties.chain(locations)),
            ..self.package(name, &component.name, supplier)
        }
    }

    fn relationships(&mut self) {
        let inventory = self.document.inventory;
        let subject = self.id("Subject");
        let system = inventory.distribution.iter().map(|_| self.id("OperatingSystem"));
        let aboard: Vec<String> = system.chain(self.ids.iter().map(|id| self.id(id))).collect();
        let mut whole = self.relationship("contains", &subject, aboard);
        let is_complete = inventory.unknowns.is_empty();
        whole.completeness = Some(if is_complete { "noAssertion" } else { "incomplete" });
        self.elements.push(whole);
        let mut between: BTreeMap<(ComponentId, RelationKind), Vec<String>> = BTreeMap::new();
        for relation in inventory.relations() {
            if let Some(to) = self.component_id(relation.to) {
                between.entry((relation.from, relation.kind)).or_default().push(to);
            }
        }
        for ((from, kind), to) in between {
            if let Some(relationship) = self.between(inventory, from, kind, to) {
                self.elements.push(relationship);
            }
        }
        self.license_relationships("Subject", "Subject", &[], &[]);
        if inventory.distribution.is_some() {
            self.license_relationships("OperatingSystem", "OperatingSystem", &[], &[]);
        }
        for (name, component) in self.ids.clone().iter().zip(inventory.components()) {
            let declared = property::licenses(&component.licenses);
            self.license_relationships(name, name, &declared, &component.concluded);
        }
    }

    fn between(
        &self,
        inventory: &Inventory,
        from: ComponentId,
        kind: RelationKind,
        to: Vec<String>,
    ) -> Option<Element> {
        let component = inventory.component(from)?;
        let name = self.component_id(from)?;
        let mut element = match kind {
            RelationKind::Contains => self.relationship("contains", &name, to),
            RelationKind::DependsOn => Element {
                r#type: "LifecycleScopedRelationship",
                scope: Some(match component.scope {
                    Scope::Required | Scope::Optional => "runtime",
                    Scope::Development => "development",
                }),
                ..self.relationship("dependsOn", &name, to)
            },
        };
        element.completeness = Some(match inventory.coverage.get(component.purl.kind()) {
            Some(Coverage::Complete) => "complete",
            Some(Coverage::Incomplete) => "incomplete",
            Some(Coverage::Unknown) | None => "noAssertion",
        });
        Some(element)
    }

    fn relationship(&self, kind: &'static str, from: &str, to: Vec<String>) -> Element {
        let name = from.rsplit_once('#').map_or(from, |(_, name)| name);
        Element {
            from: Some(from.to_owned()),
            to,
            relationship_type: Some(kind),
            ..self.element("Relationship", &format!("{name}-{kind}"))
        }
    }

    /// The licences of one package, declared and concluded.
    fn license_relationships(
        &mut self,
        name: &str,
        from: &str,
        declared: &[String],
        concluded: &[String],
    ) {
        let declared = self.licenses.declare(declared);
        let concluded = match self.licenses.declare(concluded) {
            nothing if nothing == NO_ASSERTION => NOT_CONCLUDED.to_owned(),
            concluded => concluded,
        };
        let from = self.id(from);
        let all = [("hasDeclaredLicense", declared), ("hasConcludedLicense", concluded)];
        for (kind, expression) in all {
            let to = if expression == NO_ASSERTION {
                "expandedlicensing_NoAssertionLicense".to_owned()
            } else {
                let fresh = format!("license-{}", self.expressions.len());
                let name = self.expressions.entry(expression).or_insert(fresh).clone();
                self.id(&name)
            };
            let relationship = Element {
                spdx_id: self.id(&format!("{name}-{kind}")),
                ..self.relationship(kind, &from, vec![to])
            };
            self.elements.push(relationship);
        }
    }

    fn license_elements(&mut self) {
        let mut texts = std::mem::take(&mut self.licenses).texts();
        let concluded = (NOT_CONCLUDED.to_owned(), NOT_CONCLUDED_TEXT.to_owned());
        texts.extend([concluded]);
        for (expression, name) in std::mem::take(&mut self.expressions) {
            let words = expression.split([' ', '(', ')']).filter(|word| texts.contains_key(*word));
            let words: BTreeSet<&str> = words.collect();
            let custom = words.into_iter().map(|word| Entry {
                r#type: "DictionaryEntry",
                key: word.to_owned(),
                value: self.id(word),
            });
            let element = Element {
                custom: custom.collect(),
                ..self.element("simplelicensing_LicenseExpression", &name)
            };
            self.elements.push(Element { expression: Some(expression), ..element });
        }
        for (name, text) in texts {
            let element = self.element("simplelicensing_SimpleLicensingText", &name);
            self.elements.push(Element { name: Some(name), text: Some(text), ..element });
        }
    }

    fn agent_elements(&mut self) {
        for (actor, id) in std::mem::take(&mut self.agents) {
            let (kind, name) = match actor {
                Actor::Person(name) => ("Person", name),
                Actor::Organization(name) => ("Organization", name),
            };
            let element = self.element(kind, &id);
            self.elements.push(Element { name: Some(name), ..element });
        }
    }

    /// Around the elements the document, the SBOM, and who made them.
    fn finish(self) -> Vec<Node> {
        let agent = Element {
            name: Some("plimsoll".to_owned()),
            ..self.element("SoftwareAgent", "agent-plimsoll")
        };
        let tool = Element {
            name: Some(format!("plimsoll-{}", self.document.tool_version)),
            ..self.element("Tool", "tool-plimsoll")
        };
        let sbom = Element {
            roots: vec![self.id("Subject")],
            collected: self.elements.iter().map(|element| element.spdx_id.clone()).collect(),
            sbom_type: self.document.subject.digest.map(|_| "analyzed").into_iter().collect(),
            profile_conformance: vec!["core", "software"],
            ..self.element("software_Sbom", "Sbom")
        };
        let document = Element {
            name: Some(self.document.subject.name.clone()),
            roots: vec![sbom.spdx_id.clone()],
            profile_conformance: vec!["core", "software", "simpleLicensing", "extension"],
            ..self.element("SpdxDocument", "SPDXRef-DOCUMENT")
        };
        let creation = Creation {
            r#type: "CreationInfo",
            id: CREATION,
            spec_version: "3.0.1",
            created: self.document.created(),
            created_by: [agent.spdx_id.clone()],
            created_using: [tool.spdx_id.clone()],
        };
        let head = [document, sbom, agent, tool].into_iter();
        std::iter::once(Node::Creation(creation))
            .chain(head.chain(self.elements).map(|element| Node::Element(Box::new(element))))
            .collect()
    }
}

fn identifier(kind: &'static str, value: String) -> [Identifier; 1] {
    [Identifier { r#type: "ExternalIdentifier", external_identifier_type: kind, value }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::tests::{document, inventory};
    use serde_json::Value;

    #[test]
    fn everything_has_an_identifier_of_its_own_and_nothing_points_elsewhere() {
        let inventory = inventory();
        let graph: Value =
            serde_json::from_slice(&FORMAT.to_vec(&document(&inventory)).unwrap()).unwrap();
        let elements = graph["@graph"].as_array().unwrap();
        let ids: BTreeSet<&str> =
            elements.iter().filter_map(|one| one["spdxId"].as_str()).collect();
        assert_eq!(ids.len() + 1, elements.len());
        for element in elements {
            let to = element["to"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let from = element["from"].as_str();
            for name in to.chain(from).chain(element["suppliedBy"].as_str()) {
                assert!(ids.contains(name) || name.starts_with("expandedlicensing_"), "{name}");
            }
        }
    }
}
