//! CycloneDX 1.6 and 1.7 JSON, tolerantly: what is not known is skipped, what is missing is absent.
//!
//! The crate `cyclonedx-bom` stops at 1.5; later documents (`evidence.identity` as a list) are errors to it.

use super::{
    distribution,
    found::{Entry, Found},
    lenient::or_default,
};
use crate::{
    Error,
    formats::shared::{hash, location::LocationText},
};
use plimsoll_model::{component::Hash, inventory::RelationKind};
use serde::Deserialize;

/// Reads a document.
pub(crate) fn read(bytes: &[u8]) -> Result<Found, Error> {
    let bom: Bom = serde_json::from_slice(bytes).map_err(|source| Error::SbomSyntax { source })?;
    let mut found = Found {
        properties: pairs(bom.metadata.properties),
        edges: edges(bom.dependencies),
        ..Found::default()
    };
    if let Some(subject) = bom.metadata.component {
        found.take_subject(subject);
    }
    found.take_all(bom.components);
    Ok(found)
}

#[derive(Deserialize)]
struct Bom {
    #[serde(default, deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    components: Vec<Component>,
    #[serde(default, deserialize_with = "or_default")]
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    component: Option<Component>,
    #[serde(default, deserialize_with = "or_default")]
    properties: Vec<Property>,
}

/// A component; the reader of older versions makes the same.
#[derive(Deserialize, Default)]
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
    pub(super) supplier: Option<Named>,
    pub(super) publisher: Option<String>,
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

/// Whoever has a name.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) name: Option<String>,
}

/// One entry of `licenses`.
#[derive(Deserialize)]
pub(super) struct LicenseChoice {
    pub(super) license: Option<License>,
    pub(super) expression: Option<String>,
}

/// A licence by id or by name.
#[derive(Deserialize)]
pub(super) struct License {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
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
        let is_package = subject
            .purl
            .as_deref()
            .is_some_and(|purl| !purl.starts_with("pkg:oci/") && !purl.starts_with("pkg:docker/"));
        if is_package {
            self.take_all(vec![subject]);
        } else {
            self.take_all(subject.components);
        }
    }

    /// Takes components in, the nested ones after the ones around them.
    pub(super) fn take_all(&mut self, components: Vec<Component>) {
        let mut open: Vec<(Option<usize>, std::vec::IntoIter<Component>)> =
            vec![(None, components.into_iter())];
        while let Some((parent, rest)) = open.last_mut() {
            let parent = *parent;
            let Some(mut component) = rest.next() else {
                open.pop();
                continue;
            };
            let nested = std::mem::take(&mut component.components);
            let position = self.take(parent, component);
            open.push((position, nested.into_iter()));
        }
    }

    /// Takes one in and says where it is.
    fn take(&mut self, parent: Option<usize>, component: Component) -> Option<usize> {
        let is_system = component.r#type == "operating-system" && self.distribution.is_none();
        let description = component.description.clone();
        let entry = Entry { parent, ..component.into_entry() };
        if is_system {
            self.distribution = Some(distribution::of_entry(&entry, description));
            return None;
        }
        self.entries.push(entry);
        self.entries.len().checked_sub(1)
    }
}

impl Component {
    fn into_entry(self) -> Entry {
        let license = |choice: LicenseChoice| {
            choice
                .expression
                .or_else(|| choice.license.and_then(|license| license.id.or(license.name)))
        };
        let hash = |hash: BomHash| {
            let hex = hash.content.to_ascii_lowercase();
            Some(Hash { algorithm: hash::algorithm(&hash.alg)?, hex })
        };
        let location = |occurrence: Occurrence| LocationText {
            place: occurrence.location,
            context: occurrence.additional_context,
        };
        Entry {
            reference: self.bom_ref,
            parent: None,
            name: self.name,
            group: self.group,
            version: self.version.filter(|version| !version.is_empty()),
            purl: self.purl.filter(|purl| !purl.is_empty()),
            licenses: self.licenses.into_iter().filter_map(license).collect(),
            supplier: self.supplier.and_then(|supplier| supplier.name).or(self.publisher),
            hashes: self.hashes.into_iter().filter_map(hash).collect(),
            locations: self.evidence.occurrences.into_iter().map(location).collect(),
            properties: pairs(self.properties),
        }
    }
}
