//! CycloneDX 1.3 to 1.5 JSON, parsed by the crate `cyclonedx-bom`.

use super::{
    cyclonedx::{
        BomHash, Component, Dependency, Evidence, License, LicenseChoice, Named, Occurrence,
        Property, edges, pairs,
    },
    found::Found,
};
use crate::Error;
use cyclonedx_bom::{
    models::{component, license, property},
    prelude::{Bom, NormalizedString, SpecVersion},
};

/// Reads a document of one of these versions.
pub(crate) fn read(bytes: &[u8], version: SpecVersion) -> Result<Found, Error> {
    let bom = Bom::parse_from_json_with_version(bytes, version)
        .map_err(|source| Error::CycloneDx { source })?;
    let (subject, properties) =
        bom.metadata.map_or((None, None), |metadata| (metadata.component, metadata.properties));
    let dependencies = bom.dependencies.map(|list| list.0).unwrap_or_default();
    let mut found = Found {
        properties: pairs(of_properties(properties)),
        edges: edges(
            dependencies
                .into_iter()
                .map(|one| Dependency { r#ref: one.dependency_ref, depends_on: one.dependencies })
                .collect(),
        ),
        ..Found::default()
    };
    if let Some(subject) = subject {
        found.take_subject(of_component(subject));
    }
    found.take_all(of_components(bom.components));
    Ok(found)
}

/// Recurses as deep as components nest, which the parser has bounded.
fn of_components(components: Option<component::Components>) -> Vec<Component> {
    components.map(|list| list.0).unwrap_or_default().into_iter().map(of_component).collect()
}

fn of_component(component: component::Component) -> Component {
    let occurrences = component.evidence.and_then(|evidence| evidence.occurrences);
    Component {
        r#type: component.component_type.to_string(),
        bom_ref: component.bom_ref,
        group: component.group.map(String::from),
        name: component.name.into(),
        version: component.version.map(String::from),
        description: component.description.map(String::from),
        supplier: component
            .supplier
            .map(|supplier| Named { name: supplier.name.map(String::from) }),
        publisher: component.publisher.or(component.author).map(String::from),
        purl: component.purl.map(|purl| purl.to_string()),
        licenses: component
            .licenses
            .map(|list| list.0.into_iter().map(of_license).collect())
            .unwrap_or_default(),
        hashes: component
            .hashes
            .map(|list| list.0)
            .unwrap_or_default()
            .into_iter()
            .map(|hash| BomHash { alg: hash.alg.to_string(), content: hash.content.0 })
            .collect(),
        evidence: Evidence {
            occurrences: occurrences
                .map(|list| list.0)
                .unwrap_or_default()
                .into_iter()
                .map(|one| Occurrence { location: one.location, additional_context: None })
                .collect(),
        },
        properties: of_properties(component.properties),
        components: of_components(component.components),
    }
}

fn of_license(choice: license::LicenseChoice) -> LicenseChoice {
    match choice {
        license::LicenseChoice::Expression(expression) => {
            LicenseChoice { license: None, expression: Some(expression.to_string()) }
        }
        license::LicenseChoice::License(license) => {
            let license = match license.license_identifier {
                license::LicenseIdentifier::SpdxId(id) => {
                    License { id: Some(id.to_string()), name: None }
                }
                license::LicenseIdentifier::Name(name) => {
                    License { id: None, name: Some(name.into()) }
                }
            };
            LicenseChoice { license: Some(license), expression: None }
        }
    }
}

fn of_properties(properties: Option<property::Properties>) -> Vec<Property> {
    let text = |text: NormalizedString| String::from(text);
    properties
        .map(|list| list.0)
        .unwrap_or_default()
        .into_iter()
        .map(|one| Property { name: one.name, value: text(one.value) })
        .collect()
}
