//! SPDX 2.3 as JSON: <https://spdx.github.io/spdx-spec/v2.3/>.
//!
//! The same document gives the same bytes; name space and identifiers are made from content.

use super::{
    Document, DocumentSubject, Format,
    shared::{
        hash, id,
        license::License,
        location::LocationText,
        property::{self, ComponentProperties, Property},
    },
};
use crate::Error;
use plimsoll_model::{
    Digest, Inventory, Purl,
    component::{Component, Hash, HashAlgorithm},
    inventory::{Distribution, RelationKind},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// SPDX 2.3 JSON.
pub(crate) const FORMAT: Format = Format {
    id: "spdx-json",
    description: "SPDX 2.3 as JSON: packages, relationships, licences",
    write,
};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const SUBJECT: &str = "SPDXRef-Subject";
const DISTRIBUTION: &str = "SPDXRef-OperatingSystem";
const NO_ASSERTION: &str = "NOASSERTION";

fn write(document: &Document<'_>) -> Result<Vec<u8>, Error> {
    let ids = component_ids(document.inventory);
    let mut spdx = spdx(document, &ids);
    let id = id::of_content(&spdx)?;
    spdx.document_namespace = Some(format!("{}/spdx/{id}", env!("CARGO_PKG_REPOSITORY")));
    let mut bytes =
        serde_json::to_vec_pretty(&spdx).map_err(|source| Error::WriteSbom { source })?;
    bytes.push(b'\n');
    Ok(bytes)
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
    #[serde(skip_serializing_if = "Option::is_none")]
    version_info: Option<String>,
    supplier: String,
    download_location: &'static str,
    files_analyzed: bool,
    license_concluded: &'static str,
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

/// Identifiers that say what they name, made unique by a digest of the component's reference: the same component has
/// the same identifier in every document.
fn component_ids(inventory: &Inventory) -> Vec<String> {
    id::component_refs(inventory, BTreeSet::new())
        .iter()
        .zip(inventory.components())
        .map(|(reference, component)| {
            let name: String = component
                .name
                .chars()
                .take(48)
                .map(|char| if char.is_ascii_alphanumeric() { char } else { '-' })
                .collect();
            let hash: String = Digest::of(reference.as_bytes()).hex().chars().take(32).collect();
            format!("SPDXRef-{}-{name}-{hash}", component.purl.kind().replace('+', "-"))
        })
        .collect()
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
        let annotations =
            notes.all(properties.of(id, component).into_iter().chain(locations(component)));
        packages.push(Package {
            license_declared: licenses.declare(&component.licenses),
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
        annotations: notes.all(property::of_unknowns(inventory)),
        packages,
        has_extracted_licensing_infos: licenses.extracted(),
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
        version_info: None,
        supplier: NO_ASSERTION.to_owned(),
        download_location: NO_ASSERTION,
        files_analyzed: false,
        license_concluded: NO_ASSERTION,
        license_declared: NO_ASSERTION.to_owned(),
        copyright_text: NO_ASSERTION,
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
    Package {
        version_info: subject.digest.map(|digest| digest.to_string()),
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
        version_info: distribution.version_id.clone(),
        summary: distribution.pretty_name.as_deref(),
        annotations: notes.all(property::of_distribution(distribution)),
        ..bare(DISTRIBUTION, &distribution.id, "OPERATING-SYSTEM")
    }
}

fn package<'a>(component: &'a Component, id: &'a str) -> Package<'a> {
    Package {
        version_info: component.version.clone(),
        supplier: component.supplier.as_deref().map_or(NO_ASSERTION.to_owned(), supplier),
        checksums: component.hashes.iter().filter_map(checksum).collect(),
        external_refs: vec![purl_ref(&component.purl)],
        ..bare(id, &component.name, "LIBRARY")
    }
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

/// `Person: Name (address)` for what looks like one person with an address, else `Organization: …` (§7.5).
fn supplier(declared: &str) -> String {
    const GROUPS: [&str; 9] =
        ["team", "maintainer", "developer", "group", "project", "list", "foundation", "inc", "ltd"];
    let flat = |text: &str| {
        let text: String = text
            .chars()
            .map(|char| match char {
                '(' => '[',
                ')' => ']',
                char if char.is_control() => ' ',
                char => char,
            })
            .collect();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (name, address) =
        match declared.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((name, address)) => (flat(name), flat(address)),
            None => (flat(declared), String::new()),
        };
    let is_group = name
        .split(|char: char| !char.is_alphanumeric())
        .chain(address.split(|char: char| !char.is_alphanumeric()))
        .any(|word| GROUPS.contains(&word.to_lowercase().trim_end_matches('s')));
    match (name.as_str(), address.as_str()) {
        ("", _) => NO_ASSERTION.to_owned(),
        (name, "") => format!("Organization: {name}"),
        (name, address) if is_group => format!("Organization: {name} ({address})"),
        (name, address) => format!("Person: {name} ({address})"),
    }
}

/// Declared licences, and the texts that are no SPDX.
#[derive(Default)]
struct Licenses {
    texts: BTreeMap<String, String>,
}

impl Licenses {
    /// All that were declared together, as one expression: every one of them has to be kept to.
    fn declare(&mut self, declared: &[String]) -> String {
        let mut terms: Vec<String> = Vec::new();
        let several = declared.len() > 1;
        for text in declared.iter().filter(|text| !text.trim().is_empty()) {
            let term = match License::of(text) {
                License::Id(id) => id.to_owned(),
                License::Expression(expression) if several => format!("({expression})"),
                License::Expression(expression) => expression.to_owned(),
                License::Text(text) => self.refer(text),
            };
            if !terms.contains(&term) {
                terms.push(term);
            }
        }
        if terms.is_empty() { NO_ASSERTION.to_owned() } else { terms.join(" AND ") }
    }

    fn refer(&mut self, text: &str) -> String {
        let hash: String = Digest::of(text.as_bytes()).hex().chars().take(32).collect();
        let id = format!("LicenseRef-{hash}");
        self.texts.entry(id.clone()).or_insert_with(|| text.to_owned());
        id
    }

    fn extracted(self) -> Vec<ExtractedLicense> {
        self.texts
            .into_iter()
            .map(|(license_id, extracted_text)| ExtractedLicense { license_id, extracted_text })
            .collect()
    }
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

    #[test]
    fn suppliers_are_persons_or_organizations() {
        for (declared, expect) in [
            ("Jane Doe <jane@example.org>", "Person: Jane Doe (jane@example.org)"),
            ("Debian zlib team <z@example.org>", "Organization: Debian zlib team (z@example.org)"),
            (
                "Python Maintainers <py@lists.example>",
                "Organization: Python Maintainers (py@lists.example)",
            ),
            ("Red Hat, Inc.", "Organization: Red Hat, Inc."),
            ("A (B)\u{1b}\n C", "Organization: A [B] C"),
            ("<only@example.org>", "NOASSERTION"),
            (" \n", "NOASSERTION"),
        ] {
            assert_eq!(supplier(declared), expect);
        }
    }

    #[test]
    fn licences_declared_together_all_hold_and_what_is_no_spdx_is_referred_to() {
        let mut licenses = Licenses::default();
        let mut declare = |declared: &[&str]| {
            licenses.declare(&declared.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(declare(&[]), "NOASSERTION");
        assert_eq!(declare(&["", " "]), "NOASSERTION");
        assert_eq!(declare(&["MIT OR Zlib"]), "MIT OR Zlib");
        assert_eq!(declare(&["MIT OR Zlib", "MIT", "MIT"]), "(MIT OR Zlib) AND MIT");
        let reference = declare(&["Public Domain"]);
        assert_eq!(declare(&["MIT", "Public Domain"]), format!("MIT AND {reference}"));
        assert!(reference.starts_with("LicenseRef-"), "{reference}");
        let [extracted] = &licenses.extracted()[..] else { panic!() };
        assert_eq!(extracted.license_id, reference);
        assert_eq!(extracted.extracted_text, "Public Domain");
    }

    #[test]
    fn identifiers_have_only_letters_digits_dots_and_dashes() {
        let component =
            |name: &str| Component::new("pkg:generic/a@1".parse().unwrap(), name, None, "test");
        let names = ["@scope/name", "é\u{0}", "", &"x".repeat(1_000)];
        let inventory = Inventory::new(None, names.map(component).to_vec(), Vec::new(), Vec::new());
        let ids = component_ids(&inventory);
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4);
        for id in ids {
            let rest = id.strip_prefix("SPDXRef-").unwrap();
            assert!(rest.len() < 100, "{id}");
            assert!(
                rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)),
                "{id}"
            );
        }
    }
}
