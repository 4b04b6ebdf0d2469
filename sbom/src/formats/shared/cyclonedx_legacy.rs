//! CycloneDX 1.3 to 1.5, by the crate `cyclonedx-bom`.

use super::cyclonedx::{self, Version};
use crate::{Error, formats::Document};
use cyclonedx_bom::{
    models::{
        component::{Classification, Component},
        metadata::Metadata,
        tool::{Tool, Tools},
    },
    prelude::{Bom, NormalizedString, SpecVersion},
};
use serde_json::Value;

/// What texts may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// Anything.
    Json,
    /// What XML can.
    Xml,
}

/// A character as XML can hold it.
pub(crate) const fn held(char: char) -> char {
    match char {
        '\t' | '\n' | '\r' => char,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        char => char,
    }
}

/// Replaces what XML can not hold; the depth is that of our own tree.
fn replace(tree: &mut Value) {
    match tree {
        Value::String(text) => *text = text.chars().map(held).collect(),
        Value::Array(things) => things.iter_mut().for_each(replace),
        Value::Object(fields) => fields.iter_mut().for_each(|(_, value)| replace(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The document as the crate has it, which leaves out what `version` has no word for.
pub(crate) fn bom(document: &Document<'_>, version: SpecVersion, text: Text) -> Result<Bom, Error> {
    let mut tree = cyclonedx::with_bom(document, Version::V1_5, |bom| {
        serde_json::to_value(bom).map_err(|source| Error::WriteSbom { source })
    })?;
    if text == Text::Xml {
        replace(&mut tree);
    }
    let bytes = serde_json::to_vec(&tree).map_err(|source| Error::WriteSbom { source })?;
    let mut bom = Bom::parse_from_json_with_version(bytes.as_slice(), SpecVersion::V1_5)
        .map_err(|source| Error::CycloneDx { source })?;
    if version != SpecVersion::V1_5
        && let Some(metadata) = &mut bom.metadata
    {
        name_tools(metadata);
    }
    if version != SpecVersion::V1_5 {
        let components = bom.components.iter_mut().flat_map(|list| &mut list.0);
        components.for_each(name_kind);
    }
    if version == SpecVersion::V1_3 {
        let subject = bom.metadata.iter_mut().filter_map(|metadata| metadata.component.as_mut());
        bom.components
            .iter_mut()
            .flat_map(|list| &mut list.0)
            .chain(subject)
            .for_each(state_version);
    }
    Ok(bom)
}

/// Tools are components since 1.5 only.
fn name_tools(metadata: &mut Metadata) {
    let Some(Tools::Object { components: Some(components), .. }) = &metadata.tools else { return };
    let tool = |component: &Component| Tool {
        vendor: None,
        name: Some(component.name.clone()),
        version: component.version.clone(),
        hashes: None,
        external_references: None,
    };
    metadata.tools = Some(Tools::List(components.0.iter().map(tool).collect()));
}

/// Models have a type since 1.5 only; a property says what they are.
fn name_kind(component: &mut Component) {
    if component.component_type == Classification::MachineLearningModel {
        component.component_type = Classification::Library;
    }
}

/// Versions may be left out since 1.4 only; before, what is not known is the empty text.
fn state_version(component: &mut Component) {
    component.version.get_or_insert_with(|| NormalizedString::new(""));
}
