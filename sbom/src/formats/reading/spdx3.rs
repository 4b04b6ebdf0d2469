//! SPDX 3.0 JSON-LD, tolerantly: a flat `@graph` of elements that name each other by `spdxId`.
//!
//! Types and fields are those of 3.0.1's context. Elements that are written in the place where they are named are read
//! where only their name is needed.

use super::{
    distribution,
    facts::{Facts, Field},
    found::{Entry, Found},
    lenient::or_default,
    spdx::{terms, with_address},
};
use crate::{
    Error,
    formats::{
        DocumentSubject,
        shared::{hash, location::LocationText, property, spdx::NOT_CONCLUDED_TEXT},
    },
};
use plimsoll_model::{
    component::{ComponentKind, Hash},
    inventory::RelationKind,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Reads a document.
pub(crate) fn read(bytes: &[u8]) -> Result<Found, Error> {
    let graph: Graph =
        serde_json::from_slice(bytes).map_err(|source| Error::SbomSyntax { source })?;
    let reader = Reader::of(&graph.elements);
    let mut found = Found { facts: reader.facts(), edges: reader.edges(), ..Found::default() };
    let roots = reader.roots();
    for package in reader.packages() {
        let entry = reader.entry(package);
        let is_root = roots.contains(package.id.as_str());
        let is_image = entry
            .purl
            .as_deref()
            .is_none_or(|purl| purl.starts_with("pkg:oci/") || purl.starts_with("pkg:docker/"));
        if is_root {
            found.facts.subject = Some(subject(package, &entry));
            found.properties.extend(entry.properties.iter().cloned());
        }
        if package.purpose.as_deref() == Some("operatingSystem") && found.distribution.is_none() {
            found.others.push(entry.facts());
            found.distribution = Some(distribution::of_entry(&entry, package.summary.clone()));
        } else if is_root && is_image {
            found.others.push(entry.facts());
        } else {
            found.entries.push(entry);
        }
    }
    Ok(found)
}

#[derive(Deserialize)]
struct Graph {
    #[serde(rename = "@graph", default, deserialize_with = "or_default")]
    elements: Vec<Element>,
}

/// An element of any type.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Element {
    #[serde(default, alias = "@type")]
    r#type: String,
    #[serde(default, alias = "@id", rename = "spdxId")]
    id: String,
    name: Option<String>,
    summary: Option<String>,
    spec_version: Option<String>,
    created: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    created_by: Value,
    #[serde(default, deserialize_with = "or_default")]
    created_using: Value,
    #[serde(default, deserialize_with = "or_default")]
    verified_using: Vec<ElementHash>,
    #[serde(default, deserialize_with = "or_default")]
    external_identifier: Vec<Identifier>,
    #[serde(default, deserialize_with = "or_default")]
    extension: Vec<Extension>,
    #[serde(default, deserialize_with = "or_default")]
    root_element: Value,
    #[serde(rename = "software_sbomType", default, deserialize_with = "or_default")]
    sbom_type: Value,
    #[serde(default, deserialize_with = "or_default")]
    supplied_by: Value,
    #[serde(default, deserialize_with = "or_default")]
    originated_by: Value,
    #[serde(rename = "software_primaryPurpose")]
    purpose: Option<String>,
    #[serde(rename = "software_copyrightText")]
    copyright: Option<String>,
    #[serde(rename = "software_packageVersion")]
    version: Option<String>,
    #[serde(rename = "software_packageUrl")]
    purl: Option<String>,
    #[serde(rename = "software_downloadLocation")]
    download: Option<String>,
    #[serde(rename = "software_sourceInfo")]
    source_info: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    from: Value,
    #[serde(default, deserialize_with = "or_default")]
    to: Value,
    #[serde(default, deserialize_with = "or_default")]
    relationship_type: String,
    completeness: Option<String>,
    #[serde(rename = "simplelicensing_licenseExpression")]
    expression: Option<String>,
    #[serde(rename = "simplelicensing_licenseText")]
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ElementHash {
    #[serde(default)]
    algorithm: String,
    #[serde(default)]
    hash_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identifier {
    #[serde(default)]
    external_identifier_type: String,
    #[serde(default)]
    identifier: String,
}

#[derive(Deserialize)]
struct Extension {
    #[serde(rename = "extension_cdxProperty", default, deserialize_with = "or_default")]
    properties: Vec<ExtensionEntry>,
}

#[derive(Deserialize)]
struct ExtensionEntry {
    #[serde(rename = "extension_cdxPropName", default)]
    name: String,
    #[serde(rename = "extension_cdxPropValue", default, deserialize_with = "or_default")]
    value: String,
}

/// The names in a field that holds one or several elements, named or written out.
fn names(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(all) => all.iter().filter_map(name).collect(),
        one => name(one).into_iter().collect(),
    }
}

fn name(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("spdxId").or_else(|| value.get("@id"))?.as_str())
}

/// A text that says something.
fn stated(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !matches!(*text, "" | "NOASSERTION" | "NONE"))
}

struct Reader<'a> {
    elements: &'a [Element],
    by_id: BTreeMap<&'a str, &'a Element>,
    /// The licences of packages, by relationship and package.
    licenses: BTreeMap<(&'a str, &'a str), Vec<&'a str>>,
    /// The texts behind `LicenseRef-…`.
    texts: BTreeMap<&'a str, &'a str>,
}

impl<'a> Reader<'a> {
    fn of(elements: &'a [Element]) -> Self {
        let mut reader = Self {
            elements,
            by_id: elements.iter().map(|one| (one.id.as_str(), one)).collect(),
            licenses: BTreeMap::new(),
            texts: BTreeMap::new(),
        };
        for one in elements {
            if let (Some(name), Some(text)) = (&one.name, &one.text) {
                reader.texts.insert(name, text);
            }
            if matches!(
                one.relationship_type.as_str(),
                "hasDeclaredLicense" | "hasConcludedLicense"
            ) {
                for from in names(&one.from) {
                    let key = (one.relationship_type.as_str(), from);
                    reader.licenses.entry(key).or_default().extend(names(&one.to));
                }
            }
        }
        reader
    }

    fn packages(&self) -> impl Iterator<Item = &'a Element> {
        let is_package = |one: &&Element| {
            matches!(
                one.r#type.as_str(),
                "software_Package" | "ai_AIPackage" | "dataset_DatasetPackage"
            )
        };
        self.elements.iter().filter(is_package)
    }

    /// What the document is about: the roots of its SBOM, else its own.
    fn roots(&self) -> BTreeSet<&'a str> {
        let of = |kind: &str| -> BTreeSet<&'a str> {
            let all = self.elements.iter().filter(|one| one.r#type == kind);
            all.flat_map(|one| names(&one.root_element)).collect()
        };
        let of_sbom = of("software_Sbom");
        if of_sbom.is_empty() { of("SpdxDocument") } else { of_sbom }
    }

    fn facts(&self) -> Facts {
        let creation = self.elements.iter().find(|one| one.r#type == "CreationInfo");
        let named = |value: &Value, keep: fn(&Element) -> bool| -> Vec<String> {
            let elements = names(value).into_iter().filter_map(|name| self.by_id.get(name));
            elements.filter(|one| keep(one)).filter_map(|one| one.name.clone()).collect()
        };
        let by = |keep| creation.map(|one| named(&one.created_by, keep)).unwrap_or_default();
        let mut tools = by(|one: &Element| one.r#type == "SoftwareAgent");
        tools.extend(creation.map(|one| named(&one.created_using, |_| true)).unwrap_or_default());
        let words: BTreeSet<_> =
            self.elements.iter().filter_map(|one| one.completeness.clone()).collect();
        let kinds = self.elements.iter().flat_map(|one| names(&one.sbom_type));
        let document = self.elements.iter().find(|one| one.r#type == "SpdxDocument");
        Facts {
            version: creation.and_then(|one| one.spec_version.clone()).unwrap_or_default(),
            authors: by(|one| one.r#type != "SoftwareAgent"),
            tools,
            created: creation.and_then(|one| one.created.clone()),
            lifecycles: kinds.map(str::to_owned).collect(),
            id: document.map(|one| one.id.clone()),
            completeness: words.into_iter().collect(),
            ..Facts::default()
        }
    }

    fn edges(&self) -> Vec<(String, RelationKind, String)> {
        let mut edges = Vec::new();
        for one in self.elements {
            let kind = match one.relationship_type.as_str() {
                "dependsOn" | "hasStaticLink" | "hasDynamicLink" | "hasPrerequisite" => {
                    RelationKind::DependsOn
                }
                "contains" => RelationKind::Contains,
                _ => continue,
            };
            for from in names(&one.from) {
                let to = names(&one.to).into_iter();
                edges.extend(to.map(|to| (from.to_owned(), kind, to.to_owned())));
            }
        }
        edges
    }

    /// The licences of a package, of one kind.
    fn terms(&self, relationship: &str, package: &Element) -> Vec<String> {
        let all = self.licenses.get(&(relationship, package.id.as_str()));
        let expressions = all.into_iter().flatten().filter_map(|name| self.by_id.get(name));
        let stated = expressions.filter_map(|one| stated(one.expression.as_deref()));
        stated.flat_map(|expression| terms(expression, &self.texts)).collect()
    }

    fn supplier(&self, package: &Element) -> Option<String> {
        let all = [&package.supplied_by, &package.originated_by].into_iter().flat_map(names);
        all.filter_map(|name| self.by_id.get(name))
            .find_map(|one| stated(one.name.as_deref()))
            .map(with_address)
    }

    fn entry(&self, package: &Element) -> Entry {
        let pairs = package.extension.iter().flat_map(|one| &one.properties);
        let properties: Vec<_> =
            pairs.map(|pair| (pair.name.clone(), pair.value.clone())).collect();
        let lines = properties.iter().filter(|(name, _)| name == property::LOCATION);
        let locations = lines.map(|(_, line)| LocationText::from_line(line)).collect();
        let hash = |one: &ElementHash| {
            let algorithm = hash::algorithm(&one.algorithm.to_ascii_uppercase())?;
            Some(Hash { algorithm, hex: one.hash_value.to_ascii_lowercase() })
        };
        let identifiers = package.external_identifier.iter();
        let of_identifier = identifiers
            .filter(|one| one.external_identifier_type == "packageUrl")
            .map(|one| one.identifier.clone())
            .next();
        let concluded = self.terms("hasConcludedLicense", package);
        let is_conclusion = |text: &String| text != NOT_CONCLUDED_TEXT;
        let mut fields = self.fields(package);
        fields.extend((!concluded.is_empty()).then_some(Field::ConcludedLicense));
        let scope = properties.iter().find(|(name, _)| name == property::SCOPE);
        let scope = scope.and_then(|(_, value)| property::scope(value)).unwrap_or_default();
        Entry {
            reference: Some(package.id.clone()),
            name: package.name.clone().unwrap_or_default(),
            version: stated(package.version.as_deref()).map(str::to_owned),
            purl: package.purl.clone().or(of_identifier),
            kind: match package.purpose.as_deref() {
                Some("application") => ComponentKind::Application,
                Some("container") => ComponentKind::Container,
                Some("model") => ComponentKind::Model,
                _ if package.r#type == "ai_AIPackage" => ComponentKind::Model,
                _ => ComponentKind::Library,
            },
            scope,
            licenses: self.terms("hasDeclaredLicense", package),
            concluded: concluded.into_iter().filter(is_conclusion).collect(),
            supplier: self.supplier(package),
            hashes: package.verified_using.iter().filter_map(hash).collect(),
            locations,
            properties,
            fields,
            ..Entry::default()
        }
    }

    /// The fields that an [`Entry`] has no room for.
    fn fields(&self, package: &Element) -> Vec<Field> {
        let has = |text: &Option<String>| stated(text.as_deref()).is_some();
        let is_version = package.version.as_deref().is_some_and(|text| !text.trim().is_empty());
        let is_address = self.supplier(package).is_some_and(|name| name.contains(['@', '/']));
        [
            (Field::Version, is_version),
            (Field::Copyright, has(&package.copyright)),
            (Field::Identifier, !package.external_identifier.is_empty()),
            (Field::Hash, !package.verified_using.is_empty()),
            (Field::CreatorContact, is_address),
            (Field::DeployableUri, has(&package.download)),
            (Field::SourceUri, has(&package.source_info)),
        ]
        .into_iter()
        .filter(|(_, has)| *has)
        .map(|(field, _)| field)
        .collect()
    }
}

/// A package as what the document is about.
fn subject(package: &Element, entry: &Entry) -> DocumentSubject {
    let tag = || {
        let purl: plimsoll_model::Purl = entry.purl.as_deref()?.parse().ok()?;
        purl.qualifier("tag").map(str::to_owned)
    };
    DocumentSubject {
        name: entry.name.clone(),
        digest: package.version.as_deref().and_then(|version| version.parse().ok()),
        platform: entry.property(property::PLATFORM).and_then(|text| text.parse().ok()),
        image_tag: tag(),
    }
}
