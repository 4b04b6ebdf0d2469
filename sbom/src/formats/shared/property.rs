//! What the formats have no field for, as pairs of name and value.

use super::location::LocationText;
use plimsoll_model::{
    Digest, Inventory,
    component::{Component, ComponentId, Location},
    inventory::{Distribution, RelationKind, Unknown},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The cataloger that found a component.
pub(crate) const CATALOGER: &str = "plimsoll:cataloger";
/// diffID of a layer that a component comes from.
pub(crate) const LAYER: &str = "plimsoll:layer:diff-id";
/// Reference of the operating-system package that owns a component's files.
pub(crate) const OWNED_BY: &str = "plimsoll:owned-by";
/// Name of the source package.
pub(crate) const SOURCE_NAME: &str = "plimsoll:source:name";
/// Version of the source package.
pub(crate) const SOURCE_VERSION: &str = "plimsoll:source:version";
/// Reference of a component that lies around this one.
pub(crate) const CONTAINED_IN: &str = "plimsoll:contained-in";
/// A location, for formats that have no field for it.
pub(crate) const LOCATION: &str = "plimsoll:location";
/// `ID_LIKE` of a distribution, one property for each.
pub(crate) const ID_LIKE: &str = "plimsoll:distribution:id-like";
/// `VERSION_CODENAME` of a distribution.
pub(crate) const CODENAME: &str = "plimsoll:distribution:codename";
/// Something that could not be told, as JSON.
pub(crate) const UNKNOWN: &str = "plimsoll:unknown";
/// How many such there are.
pub(crate) const UNKNOWN_COUNT: &str = "plimsoll:unknown:count";
/// Platform of the subject.
pub(crate) const PLATFORM: &str = "plimsoll:platform";

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Property {
    /// The name.
    pub(crate) name: &'static str,
    /// The value.
    pub(crate) value: String,
}

impl Property {
    /// A pair.
    pub(crate) fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into() }
    }
}

/// What is said of the components of one inventory beside the fields of the formats.
pub(crate) struct ComponentProperties<'a> {
    refs: &'a [String],
    around: BTreeMap<ComponentId, Vec<ComponentId>>,
}

impl<'a> ComponentProperties<'a> {
    /// For an inventory whose components have these references, in its order.
    pub(crate) fn new(inventory: &Inventory, refs: &'a [String]) -> Self {
        let mut around: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for relation in inventory.relations() {
            if relation.kind == RelationKind::Contains {
                around.entry(relation.to).or_default().push(relation.from);
            }
        }
        Self { refs, around }
    }

    /// The properties of one component.
    pub(crate) fn of(&self, id: ComponentId, component: &Component) -> Vec<Property> {
        let mut properties = vec![Property::new(CATALOGER, component.cataloger)];
        let layers: BTreeSet<Digest> =
            component.locations.iter().filter_map(|location| location.layer).collect();
        properties.extend(layers.iter().map(|layer| Property::new(LAYER, layer.to_string())));
        if let Some(owner) = component.owned_by.and_then(|owner| self.refs.get(owner.index())) {
            properties.push(Property::new(OWNED_BY, owner));
        }
        if let Some(source) = &component.source {
            properties.push(Property::new(SOURCE_NAME, &source.name));
            properties.push(Property::new(SOURCE_VERSION, &source.version));
        }
        let around = self.around.get(&id).into_iter().flatten();
        properties.extend(
            around
                .filter_map(|outer| self.refs.get(outer.index()))
                .map(|outer| Property::new(CONTAINED_IN, outer)),
        );
        properties
    }
}

/// What is said of the distribution beside id, version and description.
pub(crate) fn of_distribution(distribution: &Distribution) -> Vec<Property> {
    let codename = distribution.codename.iter().map(|name| Property::new(CODENAME, name));
    codename.chain(distribution.id_like.iter().map(|id| Property::new(ID_LIKE, id))).collect()
}

/// What could not be told: the count, then each.
pub(crate) fn of_unknowns(inventory: &Inventory) -> Vec<Property> {
    let count = Property::new(UNKNOWN_COUNT, inventory.unknowns.len().to_string());
    let each = inventory.unknowns.iter().filter_map(|unknown| {
        let text = serde_json::to_string(&UnknownText::of(unknown)).ok()?;
        Some(Property::new(UNKNOWN, text))
    });
    std::iter::once(count).chain(each).collect()
}

/// An [`Unknown`] as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UnknownText {
    place: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context: Option<String>,
    cataloger: String,
    reason: String,
}

impl UnknownText {
    fn of(unknown: &Unknown) -> Self {
        let text = LocationText::of(&Location {
            path: unknown.path.clone(),
            inside: String::new(),
            layer: unknown.layer,
        });
        Self {
            place: text.place,
            context: text.context,
            cataloger: unknown.cataloger.to_owned(),
            reason: unknown.reason.clone(),
        }
    }

    /// Where it is and why it could not be told.
    pub(crate) fn read(value: &str) -> Option<(Location, String)> {
        let text: Self = serde_json::from_str(value).ok()?;
        let location = LocationText { place: text.place, context: text.context }.read()?;
        Some((location, text.reason))
    }
}
