//! SPDX 2.2 and 2.3 JSON, tolerantly.

use super::{
    distribution,
    found::{Entry, Found},
    lenient::or_default,
};
use crate::{
    Error,
    formats::shared::{hash, location::LocationText, property},
};
use plimsoll_model::{component::Hash, inventory::RelationKind};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";

/// Reads a document.
pub(crate) fn read(bytes: &[u8]) -> Result<Found, Error> {
    let spdx: Spdx =
        serde_json::from_slice(bytes).map_err(|source| Error::SbomSyntax { source })?;
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
        ..Found::default()
    };
    for package in &spdx.packages {
        let entry = package.entry(&texts);
        let is_system = package.purpose.as_deref() == Some("OPERATING-SYSTEM");
        // The subject is no component, unless it is a package itself.
        let is_subject = described.contains(package.id.as_str())
            && entry
                .purl
                .as_deref()
                .is_none_or(|purl| purl.starts_with("pkg:oci/") || purl.starts_with("pkg:docker/"));
        if is_system && found.distribution.is_none() {
            found.distribution = Some(distribution::of_entry(&entry, package.summary.clone()));
        } else if !is_subject {
            found.entries.push(entry);
        }
    }
    Ok(found)
}

#[derive(Deserialize)]
struct Spdx {
    #[serde(default, deserialize_with = "or_default")]
    annotations: Vec<Annotation>,
    #[serde(default, deserialize_with = "or_default")]
    packages: Vec<Package>,
    #[serde(default, deserialize_with = "or_default")]
    relationships: Vec<Relationship>,
    #[serde(default, deserialize_with = "or_default", rename = "documentDescribes")]
    document_describes: Vec<String>,
    #[serde(default, deserialize_with = "or_default", rename = "hasExtractedLicensingInfos")]
    licenses: Vec<ExtractedLicense>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(rename = "SPDXID", default)]
    id: String,
    #[serde(default)]
    name: String,
    version_info: Option<String>,
    supplier: Option<String>,
    license_declared: Option<String>,
    #[serde(rename = "primaryPackagePurpose")]
    purpose: Option<String>,
    summary: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    checksums: Vec<Checksum>,
    #[serde(default, deserialize_with = "or_default")]
    external_refs: Vec<ExternalRef>,
    #[serde(default, deserialize_with = "or_default")]
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    #[serde(default)]
    algorithm: String,
    #[serde(default)]
    checksum_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    #[serde(default)]
    reference_type: String,
    #[serde(default)]
    reference_locator: String,
}

#[derive(Deserialize)]
struct Annotation {
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize)]
struct ExtractedLicense {
    #[serde(rename = "licenseId", default)]
    id: String,
    #[serde(rename = "extractedText", default)]
    text: String,
}

#[derive(Deserialize)]
struct Relationship {
    #[serde(rename = "spdxElementId", default)]
    from: String,
    #[serde(rename = "relationshipType", default)]
    kind: String,
    #[serde(rename = "relatedSpdxElement", default)]
    to: String,
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
            licenses: stated(&self.license_declared)
                .map(|text| terms(&text, texts))
                .unwrap_or_default(),
            supplier: stated(&self.supplier).map(|supplier| {
                let name = ["Organization: ", "Person: "]
                    .iter()
                    .find_map(|prefix| supplier.strip_prefix(prefix));
                name.unwrap_or(&supplier).to_owned()
            }),
            hashes: self.checksums.iter().filter_map(hash).collect(),
            locations,
            properties,
            ..Entry::default()
        }
    }
}

/// The terms of an expression that are joined by AND at its top, references replaced by their texts.
fn terms(expression: &str, texts: &BTreeMap<&str, &str>) -> Vec<String> {
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
