//! SPDX 2.2 and 2.3 JSON, tolerantly.

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
use std::collections::{BTreeMap, BTreeSet};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";

/// Reads a document.
pub(crate) fn read(bytes: &[u8]) -> Result<Found, Error> {
    let spdx: Spdx =
        serde_json::from_slice(bytes).map_err(|source| Error::SbomSyntax { source })?;
    Ok(of_spdx(&spdx))
}

/// From a document that is parsed.
pub(super) fn of_spdx(spdx: &Spdx) -> Found {
    let described: BTreeSet<&str> = spdx
        .relationships
        .iter()
        .filter(|one| one.from == DOCUMENT && one.kind == "DESCRIBES")
        .map(|one| one.to.as_str())
        .chain(spdx.document_describes.iter().map(String::as_str))
        .collect();
    let texts: BTreeMap<&str, &str> =
        spdx.licenses.iter().map(|license| (license.id.as_str(), license.text.as_str())).collect();
    let mut found = Found {
        properties: properties(&spdx.annotations),
        edges: spdx.relationships.iter().filter_map(Relationship::edge).collect(),
        facts: spdx.facts(),
        ..Found::default()
    };
    for package in &spdx.packages {
        let mut entry = package.entry(&texts);
        if spdx.has_optional(&package.id) {
            entry.scope = Scope::Optional;
        }
        if let Some(scope) = entry.property(property::SCOPE).and_then(property::scope) {
            entry.scope = scope;
        }
        let is_system = package.purpose.as_deref() == Some("OPERATING-SYSTEM");
        // The subject is no component, unless it is a package itself.
        let is_subject = described.contains(package.id.as_str())
            && entry
                .purl
                .as_deref()
                .is_none_or(|purl| purl.starts_with("pkg:oci/") || purl.starts_with("pkg:docker/"));
        if is_system && found.distribution.is_none() {
            found.others.push(entry.facts());
            found.distribution = Some(distribution::of_entry(&entry, package.summary.clone()));
        } else if is_subject {
            found.others.push(entry.facts());
            found.facts.subject = Some(package.subject(&entry));
        } else {
            if described.contains(package.id.as_str()) {
                found.facts.subject = Some(package.subject(&entry));
            }
            found.entries.push(entry);
        }
    }
    found
}

/// A document; the reader of tag and value makes the same.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spdx {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) document_namespace: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) creation_info: CreationInfo,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) annotations: Vec<Annotation>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) packages: Vec<Package>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) relationships: Vec<Relationship>,
    #[serde(default, deserialize_with = "or_default", rename = "documentDescribes")]
    pub(super) document_describes: Vec<String>,
    #[serde(default, deserialize_with = "or_default", rename = "hasExtractedLicensingInfos")]
    pub(super) licenses: Vec<ExtractedLicense>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Package {
    #[serde(rename = "SPDXID", default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) version_info: Option<String>,
    pub(super) supplier: Option<String>,
    pub(super) originator: Option<String>,
    pub(super) license_declared: Option<String>,
    pub(super) license_concluded: Option<String>,
    pub(super) copyright_text: Option<String>,
    pub(super) download_location: Option<String>,
    pub(super) package_file_name: Option<String>,
    #[serde(rename = "primaryPackagePurpose")]
    pub(super) purpose: Option<String>,
    pub(super) summary: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) checksums: Vec<Checksum>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) external_refs: Vec<ExternalRef>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) annotations: Vec<Annotation>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checksum {
    #[serde(default)]
    pub(super) algorithm: String,
    #[serde(default)]
    pub(super) checksum_value: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExternalRef {
    #[serde(default)]
    pub(super) reference_type: String,
    #[serde(default)]
    pub(super) reference_locator: String,
}

#[derive(Deserialize, Default)]
pub(super) struct Annotation {
    #[serde(default)]
    pub(super) comment: String,
}

#[derive(Deserialize, Default)]
pub(super) struct ExtractedLicense {
    #[serde(rename = "licenseId", default)]
    pub(super) id: String,
    #[serde(rename = "extractedText", default)]
    pub(super) text: String,
}

#[derive(Deserialize, Default)]
pub(super) struct Relationship {
    #[serde(rename = "spdxElementId", default)]
    pub(super) from: String,
    #[serde(rename = "relationshipType", default)]
    pub(super) kind: String,
    #[serde(rename = "relatedSpdxElement", default)]
    pub(super) to: String,
}

/// Who made the document, and when.
#[derive(Deserialize, Default)]
pub(super) struct CreationInfo {
    pub(super) created: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) creators: Vec<String>,
}

impl Spdx {
    fn facts(&self) -> Facts {
        let of = |prefixes: &[&str]| -> Vec<String> {
            let name = |creator: &String| {
                let name = prefixes.iter().find_map(|prefix| creator.strip_prefix(prefix))?;
                Some(name.trim().to_owned())
            };
            self.creation_info.creators.iter().filter_map(name).collect()
        };
        Facts {
            authors: of(&["Person:", "Organization:"]),
            tools: of(&["Tool:"]),
            created: self.creation_info.created.clone(),
            id: self.document_namespace.clone(),
            ..Facts::default()
        }
    }

    /// Whether something needs a package only if it is there.
    fn has_optional(&self, id: &str) -> bool {
        let mut optional = self.relationships.iter().filter(|one| one.from == id);
        optional.any(|one| one.kind == "OPTIONAL_COMPONENT_OF")
    }
}

impl Relationship {
    fn edge(&self) -> Option<(String, RelationKind, String)> {
        let edge = |from: &str, kind, to: &str| Some((from.to_owned(), kind, to.to_owned()));
        match self.kind.as_str() {
            "DEPENDS_ON" => edge(&self.from, RelationKind::DependsOn, &self.to),
            "DEPENDENCY_OF" | "RUNTIME_DEPENDENCY_OF" => {
                edge(&self.to, RelationKind::DependsOn, &self.from)
            }
            "CONTAINS" => edge(&self.from, RelationKind::Contains, &self.to),
            "CONTAINED_BY" => edge(&self.to, RelationKind::Contains, &self.from),
            _ => None,
        }
    }
}

/// The annotations that are properties: `name=value`.
fn properties(annotations: &[Annotation]) -> Vec<(String, String)> {
    annotations
        .iter()
        .filter_map(|annotation| annotation.comment.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

impl Package {
    /// As what the document is about.
    fn subject(&self, entry: &Entry) -> DocumentSubject {
        let version = self.version_info.as_deref();
        let tag = || {
            let purl: plimsoll_model::Purl = entry.purl.as_deref()?.parse().ok()?;
            purl.qualifier("tag").map(str::to_owned)
        };
        DocumentSubject {
            name: self.name.clone(),
            digest: version.and_then(|version| version.parse().ok()),
            platform: entry.property(property::PLATFORM).and_then(|text| text.parse().ok()),
            image_tag: tag(),
        }
    }

    /// The fields that an [`Entry`] has no room for.
    fn fields(&self) -> Vec<Field> {
        let is_stated = |text: &Option<String>| {
            text.as_deref().is_some_and(|text| !matches!(text.trim(), "" | "NOASSERTION"))
        };
        let makers = [&self.supplier, &self.originator];
        let is_version = self.version_info.as_deref().is_some_and(|text| !text.trim().is_empty());
        let has_cpe = self
            .external_refs
            .iter()
            .any(|one| one.reference_type.starts_with("cpe") || one.reference_type == "swid");
        [
            (Field::Version, is_version),
            (Field::Copyright, is_stated(&self.copyright_text)),
            (Field::DeclaredLicense, is_stated(&self.license_declared)),
            (Field::ConcludedLicense, is_stated(&self.license_concluded)),
            (Field::Supplier, is_stated(&self.supplier)),
            (Field::Identifier, has_cpe),
            (Field::Hash, !self.checksums.is_empty()),
            (Field::Filename, is_stated(&self.package_file_name)),
            (Field::DeployableUri, is_stated(&self.download_location)),
            (
                Field::CreatorContact,
                makers.iter().any(|one| one.as_deref().is_some_and(has_address)),
            ),
        ]
        .into_iter()
        .filter(|(_, has)| *has)
        .map(|(field, _)| field)
        .collect()
    }

    fn entry(&self, texts: &BTreeMap<&str, &str>) -> Entry {
        let stated = |text: &Option<String>| {
            text.clone().filter(|text| !matches!(text.as_str(), "" | "NOASSERTION" | "NONE"))
        };
        let properties = properties(&self.annotations);
        let locations = properties
            .iter()
            .filter(|(name, _)| name == property::LOCATION)
            .map(|(_, line)| LocationText::from_line(line))
            .collect();
        let hash = |checksum: &Checksum| {
            let hex = checksum.checksum_value.to_ascii_lowercase();
            Some(Hash { algorithm: hash::algorithm(&checksum.algorithm)?, hex })
        };
        Entry {
            reference: Some(self.id.clone()),
            name: self.name.clone(),
            version: stated(&self.version_info),
            purl: self
                .external_refs
                .iter()
                .find(|reference| reference.reference_type == "purl")
                .map(|reference| reference.reference_locator.clone()),
            kind: match self.purpose.as_deref() {
                Some("APPLICATION") => ComponentKind::Application,
                Some("CONTAINER") => ComponentKind::Container,
                _ => ComponentKind::Library,
            },
            licenses: stated(&self.license_declared)
                .map(|text| terms(&text, texts))
                .unwrap_or_default(),
            concluded: stated(&self.license_concluded)
                .map(|text| terms(&text, texts))
                .unwrap_or_default(),
            supplier: stated(&self.supplier).map(|supplier| {
                let name = ["Organization: ", "Person: "]
                    .iter()
                    .find_map(|prefix| supplier.strip_prefix(prefix));
                with_address(name.unwrap_or(&supplier))
            }),
            hashes: self.checksums.iter().filter_map(hash).collect(),
            locations,
            properties,
            fields: self.fields(),
            ..Entry::default()
        }
    }
}

/// A name with its address as packagers write it: `Jane (jane@example.org)` as `Jane <jane@example.org>`.
pub(super) fn with_address(actor: &str) -> String {
    let parts = actor.strip_suffix(')').and_then(|text| text.rsplit_once(" ("));
    match parts {
        Some((name, address)) if address.contains('@') => format!("{name} <{address}>"),
        _ => actor.to_owned(),
    }
}

/// Whether an actor has an address: `Person: Jane (jane@example.org)`.
fn has_address(actor: &str) -> bool {
    actor.contains('@') || actor.contains("://")
}

/// The terms of an expression that are joined by AND at its top, references replaced by their texts.
pub(super) fn terms(expression: &str, texts: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut depth = 0_u32;
    let mut terms: Vec<Vec<&str>> = vec![Vec::new()];
    let mut has_or = false;
    for word in expression.split_whitespace() {
        if depth == 0 && word == "AND" {
            terms.push(Vec::new());
            continue;
        }
        has_or |= depth == 0 && word == "OR";
        for char in word.chars() {
            match char {
                '(' => depth = depth.saturating_add(1),
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if let Some(term) = terms.last_mut() {
            term.push(word);
        }
    }
    if has_or {
        return vec![expression.to_owned()];
    }
    let several = terms.len() > 1;
    terms
        .into_iter()
        .map(|words| words.join(" "))
        .map(|term| match texts.get(term.as_str()) {
            Some(text) => (*text).to_owned(),
            None if several => term
                .strip_prefix('(')
                .and_then(|term| term.strip_suffix(')'))
                .filter(|inner| !inner.contains(['(', ')']))
                .unwrap_or(&term)
                .to_owned(),
            None => term,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, expect: &[&str]) {
        let texts = BTreeMap::from([("LicenseRef-1", "Public Domain")]);
        assert_eq!(terms(expression, &texts), expect);
    }

    #[test]
    fn expressions_come_apart_where_all_of_them_hold() {
        check("MIT", &["MIT"]);
        check("LicenseRef-1", &["Public Domain"]);
        check("MIT AND LicenseRef-1", &["MIT", "Public Domain"]);
        check("MIT AND (Apache-2.0 OR BSD-2-Clause)", &["MIT", "Apache-2.0 OR BSD-2-Clause"]);
        check("MIT OR Apache-2.0", &["MIT OR Apache-2.0"]);
        check("MIT OR Apache-2.0 AND Zlib", &["MIT OR Apache-2.0 AND Zlib"]);
        check("(MIT OR (Zlib AND ISC)) AND ISC", &["(MIT OR (Zlib AND ISC))", "ISC"]);
    }
}
