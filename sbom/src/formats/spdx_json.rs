//! SPDX 2.3 as JSON: <https://spdx.github.io/spdx-spec/v2.3/>.
//!
//! The same document gives the same bytes; name space and identifiers are made from content.

use super::{
    Document, DocumentSubject, Format,
    shared::{
        self, hash, id,
        location::LocationText,
        property::{self, ComponentProperties, Property},
        spdx::{Actor, COPYRIGHT, Licenses, NO_ASSERTION, swid},
        supplier,
    },
};
use crate::Error;
use plimsoll_model::{
    Inventory, Purl,
    component::{Component, ComponentKind, Hash, HashAlgorithm},
    inventory::{Distribution, RelationKind},
};
use serde::Serialize;
use std::io::Write;

/// SPDX 2.3 JSON.
pub(crate) const FORMAT: Format = Format {
    id: "spdx-json",
    description: "SPDX 2.3 as JSON: packages, relationships, licences",
    write,
};

/// No other version is written.
pub(crate) const VERSIONS: &[Format] = &[];

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const SUBJECT: &str = "SPDXRef-Subject";
const DISTRIBUTION: &str = "SPDXRef-OperatingSystem";

fn write(document: &Document<'_>, out: &mut dyn Write) -> Result<(), Error> {
    let ids: Vec<_> = shared::spdx::component_ids(document.inventory)
        .into_iter()
        .map(|id| format!("SPDXRef-{id}"))
        .collect();
    let mut spdx = spdx(document, &ids);
    let id = id::of_content(&spdx)?;
    spdx.document_namespace = Some(format!("{}/spdx/{id}", env!("CARGO_PKG_REPOSITORY")));
    shared::json::write(&spdx, out)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spdx<'a> {
    #[serde(rename = "spdxVersion")]
    version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_namespace: Option<String>,
    creation_info: CreationInfo,
    annotations: Vec<Annotation>,
    packages: Vec<Package<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    has_extracted_licensing_infos: Vec<ExtractedLicense>,
    relationships: Vec<Relationship<'a>>,
}

#[derive(Serialize)]
struct CreationInfo {
    created: String,
    creators: [String; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    #[serde(rename = "SPDXID")]
    id: &'a str,
    name: &'a str,
    version_info: String,
    supplier: String,
    download_location: &'static str,
    files_analyzed: bool,
    license_concluded: String,
    license_declared: String,
    copyright_text: &'static str,
    primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: &'static str,
    checksum_value: String,
}

#[derive(Serialize)]
struct ExternalRef {
    #[serde(rename = "referenceCategory")]
    category: &'static str,
    #[serde(rename = "referenceType")]
    kind: &'static str,
    #[serde(rename = "referenceLocator")]
    locator: String,
}

#[derive(Serialize)]
struct Annotation {
    #[serde(rename = "annotationDate")]
    date: String,
    #[serde(rename = "annotationType")]
    kind: &'static str,
    annotator: String,
    comment: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtractedLicense {
    license_id: String,
    extracted_text: String,
}

#[derive(Serialize)]
struct Relationship<'a> {
    #[serde(rename = "spdxElementId")]
    from: &'a str,
    #[serde(rename = "relationshipType")]
    kind: &'static str,
    #[serde(rename = "relatedSpdxElement")]
    to: &'a str,
}

fn spdx<'a>(document: &'a Document<'_>, ids: &'a [String]) -> Spdx<'a> {
    let inventory = document.inventory;
    let notes = Notes {
        date: document.created(),
        annotator: format!("Tool: plimsoll-{}", document.tool_version),
    };
    let mut licenses = Licenses::default();
    let mut packages = vec![subject(&document.subject, &notes)];
    packages.extend(
        inventory.distribution.iter().map(|distribution| operating_system(distribution, &notes)),
    );
    let properties = ComponentProperties::new(inventory, ids);
    for ((id, component), spdx_id) in inventory.iter().zip(ids) {
        let annotations = notes.all(
            properties
                .of(id, component)
                .into_iter()
                .chain(property::of_scope(component.scope))
                .chain(locations(component)),
        );
        let supplier = supplier::of(component, inventory).and_then(|one| Actor::of(&one.name));
        packages.push(Package {
            license_declared: licenses.declare(&property::licenses(&component.licenses)),
            license_concluded: licenses.declare(&component.concluded),
            supplier: line(supplier),
            annotations,
            ..package(component, spdx_id)
        });
    }
    Spdx {
        version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT,
        name: &document.subject.name,
        document_namespace: None,
        creation_info: CreationInfo {
            created: notes.date.clone(),
            creators: [notes.annotator.clone()],
        },
        annotations: notes.all(property::of_inventory(inventory)),
        packages,
        has_extracted_licensing_infos: licenses
            .texts()
            .into_iter()
            .map(|(license_id, extracted_text)| ExtractedLicense { license_id, extracted_text })
            .collect(),
        relationships: relationships(inventory, ids),
    }
}

/// Makes annotations of properties.
struct Notes {
    date: String,
    annotator: String,
}

impl Notes {
    fn all(&self, properties: impl IntoIterator<Item = Property>) -> Vec<Annotation> {
        properties
            .into_iter()
            .map(|Property { name, value }| Annotation {
                date: self.date.clone(),
                kind: "OTHER",
                annotator: self.annotator.clone(),
                comment: format!("{name}={value}"),
            })
            .collect()
    }
}

fn locations(component: &Component) -> impl Iterator<Item = Property> {
    component
        .locations
        .iter()
        .map(|location| Property::new(property::LOCATION, LocationText::of(location).to_line()))
}

fn bare<'a>(id: &'a str, name: &'a str, purpose: &'static str) -> Package<'a> {
    Package {
        id,
        name,
        version_info: NO_ASSERTION.to_owned(),
        supplier: NO_ASSERTION.to_owned(),
        download_location: NO_ASSERTION,
        files_analyzed: false,
        license_concluded: NO_ASSERTION.to_owned(),
        license_declared: NO_ASSERTION.to_owned(),
        copyright_text: COPYRIGHT,
        primary_package_purpose: purpose,
        summary: None,
        checksums: Vec::new(),
        external_refs: Vec::new(),
        annotations: Vec::new(),
    }
}

fn subject<'a>(subject: &'a DocumentSubject, notes: &Notes) -> Package<'a> {
    let purpose = if subject.digest.is_some() { "CONTAINER" } else { "APPLICATION" };
    let platform = subject.platform.iter();
    let owner = supplier::of_image(&subject.name).filter(|_| subject.digest.is_some());
    Package {
        version_info: stated(subject.digest.map(|digest| digest.to_string())),
        supplier: line(owner.and_then(Actor::of)),
        checksums: subject
            .digest
            .map(|digest| Checksum { algorithm: "SHA256", checksum_value: digest.hex() })
            .into_iter()
            .collect(),
        external_refs: subject.purl().iter().map(purl_ref).collect(),
        annotations: notes
            .all(platform.map(|platform| Property::new(property::PLATFORM, platform.to_string()))),
        ..bare(SUBJECT, &subject.name, purpose)
    }
}

fn operating_system<'a>(distribution: &'a Distribution, notes: &Notes) -> Package<'a> {
    Package {
        version_info: stated(distribution.version_id.clone()),
        supplier: line(Actor::of(&distribution.id)),
        external_refs: vec![ExternalRef {
            category: "SECURITY",
            kind: "swid",
            locator: swid(&distribution.id),
        }],
        summary: distribution.pretty_name.as_deref(),
        annotations: notes.all(property::of_distribution(distribution)),
        ..bare(DISTRIBUTION, &distribution.id, "OPERATING-SYSTEM")
    }
}

fn package<'a>(component: &'a Component, id: &'a str) -> Package<'a> {
    let purpose = match component.kind {
        ComponentKind::Library => "LIBRARY",
        ComponentKind::Application => "APPLICATION",
        ComponentKind::Container => "CONTAINER",
        // A property says what.
        ComponentKind::Model => "OTHER",
    };
    Package {
        version_info: stated(component.version.clone()),
        checksums: component.hashes.iter().filter_map(checksum).collect(),
        external_refs: vec![purl_ref(&component.purl)],
        ..bare(id, &component.name, purpose)
    }
}

/// A text, or that there is none.
fn stated(text: Option<String>) -> String {
    text.unwrap_or_else(|| NO_ASSERTION.to_owned())
}

/// Who supplies something, or that nobody is known to.
fn line(actor: Option<Actor>) -> String {
    actor.map_or_else(|| NO_ASSERTION.to_owned(), |actor| actor.to_line())
}

fn purl_ref(purl: &Purl) -> ExternalRef {
    ExternalRef { category: "PACKAGE-MANAGER", kind: "purl", locator: purl.to_string() }
}

fn checksum(hash: &Hash) -> Option<Checksum> {
    let algorithm = match hash.algorithm {
        HashAlgorithm::Md5 => "MD5",
        HashAlgorithm::Sha1 => "SHA1",
        HashAlgorithm::Sha256 => "SHA256",
        HashAlgorithm::Sha512 => "SHA512",
    };
    hash::is_well_formed(hash)
        .then(|| Checksum { algorithm, checksum_value: hash.hex.to_ascii_lowercase() })
}

fn relationships<'a>(inventory: &Inventory, ids: &'a [String]) -> Vec<Relationship<'a>> {
    let edge = |from, kind, to| Relationship { from, kind, to };
    let aboard = inventory
        .distribution
        .iter()
        .map(|_| DISTRIBUTION)
        .chain(ids.iter().map(String::as_str))
        .map(|id| edge(SUBJECT, "CONTAINS", id));
    let between = inventory.relations().iter().filter_map(|relation| {
        let kind = match relation.kind {
            RelationKind::DependsOn => "DEPENDS_ON",
            RelationKind::Contains => "CONTAINS",
        };
        Some(edge(ids.get(relation.from.index())?, kind, ids.get(relation.to.index())?))
    });
    std::iter::once(edge(DOCUMENT, "DESCRIBES", SUBJECT)).chain(aboard).chain(between).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::tests::{document, inventory};
    use serde_json::Value;

    #[test]
    fn what_is_not_known_is_said_to_be_so() {
        let inventory = inventory();
        let spdx: Value =
            serde_json::from_slice(&FORMAT.to_vec(&document(&inventory)).unwrap()).unwrap();
        let packages = spdx["packages"].as_array().unwrap();
        for field in
            ["versionInfo", "supplier", "licenseConcluded", "licenseDeclared", "copyrightText"]
        {
            assert!(packages.iter().all(|package| package[field].is_string()), "{field}");
        }
        let unversioned = packages.iter().filter(|package| package["versionInfo"] == "NOASSERTION");
        assert_eq!(unversioned.count(), 1);
    }
}
