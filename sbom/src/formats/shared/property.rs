//! What the formats have no field for, as pairs of name and value.

use super::{location::LocationText, spelling, supplier};
use plimsoll_model::{
    Digest, Inventory,
    component::{Component, ComponentId, ComponentKind, Location, Scope, Trust},
    inventory::{Coverage, Distribution, RelationKind, Unknown},
    tree::LayerInfo,
};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

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
/// The tag that an image was found under; GitLab's name for it.
pub(crate) const IMAGE_TAG: &str = "gitlab:container_scanning:image:tag";
/// A layer of the subject, as JSON; lowest first.
pub(crate) const IMAGE_LAYER: &str = "plimsoll:image:layer";
/// How far the relations of one kind of package are known; the kind follows.
pub(crate) const COVERAGE: &str = "plimsoll:coverage:";
/// diffID of the layer that brought a component.
pub(crate) const INTRODUCED: &str = "plimsoll:introduced:diff-id";
/// The command that made that layer.
pub(crate) const INTRODUCED_BY: &str = "plimsoll:introduced:created-by";
/// How the presence of a component is known, where it was not observed.
pub(crate) const TRUST: &str = "plimsoll:trust";
/// A document that came along says so.
pub(crate) const CLAIMED: &str = "claimed";
/// What sort of thing a component is, where a format has no word for it.
pub(crate) const KIND: &str = "plimsoll:kind";
/// The weights of a model.
pub(crate) const MODEL: &str = "model";
/// A licence as it was declared, where it is written in the words of SPDX; all of a component's in order.
pub(crate) const DECLARED: &str = "plimsoll:license:declared";
/// Whether what is built needs a component, where a format has no field for it.
pub(crate) const SCOPE: &str = "plimsoll:scope";
/// Says that the metadata of a component has no version.
pub(crate) const VERSION_ABSENT: &str = "plimsoll:version:absent";
/// Says that the supplier was not declared, and from what it was told.
pub(crate) const SUPPLIER_ASSUMED: &str = "plimsoll:supplier:assumed";

/// Names that have a meaning of their own and so are not kept as properties of a component when they are read.
const RESERVED: [&str; 15] = [
    CATALOGER,
    LAYER,
    OWNED_BY,
    SOURCE_NAME,
    SOURCE_VERSION,
    CONTAINED_IN,
    LOCATION,
    INTRODUCED,
    INTRODUCED_BY,
    TRUST,
    KIND,
    DECLARED,
    SCOPE,
    VERSION_ABSENT,
    SUPPLIER_ASSUMED,
];

/// Whether a name has a meaning of its own.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.is_empty() || RESERVED.contains(&name)
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Property {
    /// The name.
    pub(crate) name: Cow<'static, str>,
    /// The value.
    pub(crate) value: String,
}

impl Property {
    /// A pair.
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// What is said of the components of one inventory beside the fields of the formats.
pub(crate) struct ComponentProperties<'a> {
    inventory: &'a Inventory,
    refs: &'a [String],
    around: BTreeMap<ComponentId, Vec<ComponentId>>,
    commands: BTreeMap<Digest, &'a str>,
}

impl<'a> ComponentProperties<'a> {
    /// For an inventory whose components have these references, in its order.
    pub(crate) fn new(inventory: &'a Inventory, refs: &'a [String]) -> Self {
        let layers = inventory.layers.iter();
        let commands = layers
            .filter_map(|layer| Some((layer.diff_id, layer.created_by.as_deref()?)))
            .collect();
        let mut around: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for relation in inventory.relations() {
            if relation.kind == RelationKind::Contains {
                around.entry(relation.to).or_default().push(relation.from);
            }
        }
        Self { inventory, refs, around, commands }
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
        properties.extend(self.origin(component));
        properties
    }

    /// From what its supplier is told, where none is declared.
    fn assumed(&self, component: &Component) -> Option<&'static str> {
        supplier::of(component, self.inventory)?.assumed
    }

    /// Where it came from and how that is known.
    fn origin(&self, component: &Component) -> Vec<Property> {
        let mut properties = Vec::new();
        if let Some(layer) = component.introduced {
            properties.push(Property::new(INTRODUCED, layer.to_string()));
            let command = self.commands.get(&layer);
            properties.extend(command.map(|command| Property::new(INTRODUCED_BY, *command)));
        }
        if component.trust == Trust::Claimed {
            properties.push(Property::new(TRUST, CLAIMED));
        }
        if component.kind == ComponentKind::Model {
            properties.push(Property::new(KIND, MODEL));
        }
        if component.version.is_none() {
            properties.push(Property::new(VERSION_ABSENT, "true"));
        }
        if component.licenses.iter().any(|text| spelling::normalize(text).is_some()) {
            properties.extend(component.licenses.iter().map(|text| Property::new(DECLARED, text)));
        }
        if let Some(assumed) = self.assumed(component) {
            properties.push(Property::new(SUPPLIER_ASSUMED, assumed));
        }
        let free = component.properties.iter().filter(|(name, _)| !is_reserved(name));
        properties.extend(free.map(|(name, value)| Property::new(name.clone(), value)));
        properties
    }
}

/// Licences as they are written: in the words of SPDX where their meaning is exact.
pub(crate) fn licenses(declared: &[String]) -> Vec<String> {
    declared.iter().map(|text| spelling::normalize(text).unwrap_or_else(|| text.clone())).collect()
}

/// The property that says what a scope is, where it is not the usual one.
pub(crate) fn of_scope(scope: Scope) -> Option<Property> {
    match scope {
        Scope::Required => None,
        Scope::Optional => Some(Property::new(SCOPE, "optional")),
        Scope::Development => Some(Property::new(SCOPE, "development")),
    }
}

/// What that property says.
pub(crate) fn scope(text: &str) -> Option<Scope> {
    match text {
        "optional" => Some(Scope::Optional),
        "development" => Some(Scope::Development),
        _ => None,
    }
}

/// A [`LayerInfo`] as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayerText {
    digest: Digest,
    diff_id: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
}

/// What is said of the inventory as a whole: its layers, how far relations are known, what could not be told.
pub(crate) fn of_inventory(inventory: &Inventory) -> Vec<Property> {
    let layer = |layer: &LayerInfo| {
        let text = LayerText {
            digest: layer.digest,
            diff_id: layer.diff_id,
            created_by: layer.created_by.clone(),
        };
        Some(Property::new(IMAGE_LAYER, serde_json::to_string(&text).ok()?))
    };
    let layers = inventory.layers.iter().filter_map(layer);
    let coverage = inventory
        .coverage
        .iter()
        .map(|(kind, coverage)| Property::new(format!("{COVERAGE}{kind}"), word(*coverage)));
    layers.chain(coverage).chain(of_unknowns(inventory)).collect()
}

/// The word for it, which is also that of CycloneDX's compositions.
pub(crate) fn word(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Complete => "complete",
        Coverage::Incomplete => "incomplete",
        Coverage::Unknown => "unknown",
    }
}

/// The layers, as properties have them.
pub(crate) fn layers(properties: &[(String, String)]) -> Vec<LayerInfo> {
    let texts = properties.iter().filter(|(name, _)| name == IMAGE_LAYER);
    texts
        .filter_map(|(_, value)| serde_json::from_str::<LayerText>(value).ok())
        .map(|LayerText { digest, diff_id, created_by }| LayerInfo { digest, diff_id, created_by })
        .collect()
}

/// How far relations are known, as properties have it.
pub(crate) fn coverage(properties: &[(String, String)]) -> BTreeMap<String, Coverage> {
    let all = [Coverage::Complete, Coverage::Incomplete, Coverage::Unknown];
    properties
        .iter()
        .filter_map(|(name, value)| {
            let coverage = all.into_iter().find(|coverage| word(*coverage) == value)?;
            Some((name.strip_prefix(COVERAGE)?.to_owned(), coverage))
        })
        .collect()
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
