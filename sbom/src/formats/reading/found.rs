//! What a document says, whatever its format, on the way to an inventory.

use super::{
    distribution,
    facts::{ComponentFacts, Facts, Field, Sbom},
    source,
};
use crate::formats::shared::{location::LocationText, property};
use plimsoll_model::{
    Inventory, Purl, TreePath,
    component::{Component, ComponentId, ComponentKind, Hash, Location, Scope, Trust},
    inventory::{Distribution, Relation, RelationKind, Unknown},
};
use std::collections::{BTreeMap, BTreeSet};

/// What stands as cataloger of everything that was read from an SBOM.
const CATALOGER: &str = "sbom";

/// What a document says.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// From the component that is the operating system, where there is one.
    pub(crate) distribution: Option<Distribution>,
    /// The components.
    pub(crate) entries: Vec<Entry>,
    /// Edges between references.
    pub(crate) edges: Vec<(String, RelationKind, String)>,
    /// Properties of the document.
    pub(crate) properties: Vec<(String, String)>,
    /// What the document says of itself; its components are filled in at the end.
    pub(crate) facts: Facts,
    /// The fields of what is described and is no component: the subject, the operating system.
    pub(crate) others: Vec<ComponentFacts>,
}

/// What a document says of one component.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// What others in the document call it.
    pub(crate) reference: Option<String>,
    /// Position of the component that it is nested in.
    pub(crate) parent: Option<usize>,
    /// Its name.
    pub(crate) name: String,
    /// Its group, where the document has one apart from the name.
    pub(crate) group: Option<String>,
    /// Its version.
    pub(crate) version: Option<String>,
    /// Its package URL, not yet parsed.
    pub(crate) purl: Option<String>,
    /// What sort of thing it is.
    pub(crate) kind: ComponentKind,
    /// Whether what is built needs it.
    pub(crate) scope: Scope,
    /// Declared licences.
    pub(crate) licenses: Vec<String>,
    /// Concluded licences.
    pub(crate) concluded: Vec<String>,
    /// Supplier.
    pub(crate) supplier: Option<String>,
    /// Hashes.
    pub(crate) hashes: Vec<Hash>,
    /// Where it was found.
    pub(crate) locations: Vec<LocationText>,
    /// Pairs of name and value.
    pub(crate) properties: Vec<(String, String)>,
    /// The fields that it has beside those above.
    pub(crate) fields: Vec<Field>,
}

impl Entry {
    /// Which fields it has.
    pub(crate) fn facts(&self) -> ComponentFacts {
        let is_ours = self.is_ours();
        let has_property = |name: &str| self.property(name).is_some();
        let stated = [
            (Field::Name, !self.name.trim().is_empty()),
            (Field::Version, self.version.is_some()),
            (Field::Supplier, self.supplier.is_some()),
            (Field::Identifier, self.purl.is_some()),
            (Field::Hash, !self.hashes.is_empty()),
            (Field::Sha512, self.hashes.iter().any(|hash| hash.hex.len() == 128)),
            (Field::DeclaredLicense, !self.licenses.is_empty()),
            (Field::ConcludedLicense, !self.concluded.is_empty()),
            (Field::Filename, has_property("bsi:component:filename")),
            (Field::Executable, has_property("bsi:component:executable")),
            (Field::Archive, has_property("bsi:component:archive")),
            (Field::Structured, has_property("bsi:component:structured")),
            (Field::Version, is_ours && has_property(property::VERSION_ABSENT)),
        ];
        let mut facts = ComponentFacts {
            name: self.name.clone(),
            reference: self.reference.clone(),
            fields: self.fields.clone(),
        };
        facts.add(stated.into_iter().filter(|(_, has)| *has).map(|(field, _)| field));
        facts
    }

    /// The first value of a property that is not empty.
    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    fn is_ours(&self) -> bool {
        self.property(property::CATALOGER).is_some()
    }

    fn locations(&self) -> Vec<Location> {
        let foreign = source::locations(self);
        let all: BTreeSet<_> =
            self.locations.iter().chain(&foreign).filter_map(LocationText::read).collect();
        all.into_iter().collect()
    }

    /// The component, or why it is none.
    fn component(&self) -> Result<Component, String> {
        let Some(text) = &self.purl else {
            return Err(format!("component `{}` of the SBOM has no package URL", self.name));
        };
        let purl: Purl = text
            .parse()
            .map_err(|error| format!("component `{}` of the SBOM: {error}", self.name))?;
        let version = self.version.clone().or_else(|| purl.version().map(str::to_owned));
        let name = if self.is_ours() { self.name.clone() } else { self.full_name(&purl) };
        let mut component = Component::new(purl, name, version, CATALOGER);
        component.kind = self.kind;
        component.scope = self.scope;
        let declared = self.properties.iter().filter(|(name, _)| name == property::DECLARED);
        component.licenses = declared.map(|(_, value)| value.clone()).collect();
        if component.licenses.is_empty() {
            component.licenses.clone_from(&self.licenses);
        }
        component.concluded.clone_from(&self.concluded);
        if self.property(property::SUPPLIER_ASSUMED).is_none() {
            component.supplier.clone_from(&self.supplier);
        }
        self.describe(&mut component);
        component.hashes.clone_from(&self.hashes);
        component.locations = self.locations();
        component.source = source::package(self, &component.purl);
        Ok(component)
    }

    /// What only properties say.
    fn describe(&self, component: &mut Component) {
        if self.property(property::TRUST) == Some(property::CLAIMED) {
            component.trust = Trust::Claimed;
        }
        if self.property(property::KIND) == Some(property::MODEL) {
            component.kind = ComponentKind::Model;
        }
        component.introduced =
            self.property(property::INTRODUCED).and_then(|text| text.parse().ok());
        let free = self.properties.iter().filter(|(name, _)| !property::is_reserved(name));
        for (name, value) in free {
            component.properties.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }

    /// The name as the ecosystem writes it, where the document has only the last part in its field.
    fn full_name(&self, purl: &Purl) -> String {
        let separator = match purl.kind() {
            "maven" => ':',
            "npm" | "golang" | "composer" | "swift" | "github" => '/',
            _ => return self.name.clone(),
        };
        let group = self.group.as_deref().filter(|group| !group.is_empty());
        match group.or_else(|| purl.namespace()) {
            Some(group) if self.name == purl.name() || self.group.is_some() => {
                format!("{group}{separator}{}", self.name)
            }
            _ => self.name.clone(),
        }
    }
}

impl Found {
    /// The inventory: what has a package URL is a component, everything else an unknown.
    pub(crate) fn into_sbom(mut self) -> Sbom {
        let facts = self.gather();
        Sbom { inventory: self.into_inventory(), facts }
    }

    fn gather(&mut self) -> Facts {
        let mut facts = std::mem::take(&mut self.facts);
        let related: BTreeSet<&str> =
            self.edges.iter().flat_map(|(from, _, to)| [from.as_str(), to.as_str()]).collect();
        let others = std::mem::take(&mut self.others);
        facts.components =
            others.into_iter().chain(self.entries.iter().map(Entry::facts)).collect();
        for one in &mut facts.components {
            if one.reference.as_deref().is_some_and(|name| related.contains(name)) {
                one.add([Field::Relation]);
            }
        }
        facts
    }

    fn into_inventory(self) -> Inventory {
        let mut components = Vec::new();
        let mut unknowns = self.stated_unknowns();
        let mut places = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            match entry.component() {
                Ok(component) => {
                    places.push(u32::try_from(components.len()).ok().map(ComponentId));
                    components.push(component);
                }
                Err(reason) => {
                    places.push(None);
                    unknowns.push(unknown(entry.locations().into_iter().next(), reason));
                }
            }
        }
        let mut names: BTreeMap<&str, ComponentId> = BTreeMap::new();
        for (entry, place) in self.entries.iter().zip(&places) {
            if let (Some(name), Some(place)) = (&entry.reference, place) {
                names.entry(name).or_insert(*place);
            }
        }
        for (entry, place) in self.entries.iter().zip(&places) {
            let owner = entry
                .property(property::OWNED_BY)
                .and_then(|name| names.get(name).copied())
                .filter(|owner| components.get(owner.index()).is_some_and(is_system_package));
            if let Some(component) = place.and_then(|id| components.get_mut(id.index())) {
                component.owned_by = owner;
            }
        }
        let relations = self.relations(&places, &names);
        let distribution =
            self.distribution.clone().or_else(|| distribution::of_purls(&components));
        let mut inventory = Inventory::new(distribution, components, relations, unknowns);
        inventory.layers = property::layers(&self.properties);
        inventory.coverage = property::coverage(&self.properties);
        inventory
    }

    fn stated_unknowns(&self) -> Vec<Unknown> {
        self.properties
            .iter()
            .filter(|(name, _)| name == property::UNKNOWN)
            .map(|(_, value)| match property::UnknownText::read(value) {
                Some((location, reason)) => unknown(Some(location), reason),
                None => unknown(None, format!("the SBOM states an unknown: {value}")),
            })
            .collect()
    }

    fn relations(
        &self,
        places: &[Option<ComponentId>],
        names: &BTreeMap<&str, ComponentId>,
    ) -> Vec<Relation> {
        let place = |position: usize| places.get(position).copied().flatten();
        let mut contained = BTreeSet::new();
        for (position, entry) in self.entries.iter().enumerate() {
            let outer = entry
                .properties
                .iter()
                .filter(|(name, _)| name == property::CONTAINED_IN)
                .filter_map(|(_, name)| names.get(name.as_str()).copied())
                .chain(entry.parent.and_then(place));
            if let Some(inner) = place(position) {
                contained.extend(outer.map(|outer| (outer, inner)));
            }
        }
        let stated = self.edges.iter().filter_map(|(from, kind, to)| {
            Some((*names.get(from.as_str())?, *kind, *names.get(to.as_str())?))
        });
        // Formats without an edge for containment write it as a dependency as well, so that all is reachable.
        stated
            .filter(|(from, _, to)| !contained.contains(&(*from, *to)))
            .chain(contained.iter().map(|(from, to)| (*from, RelationKind::Contains, *to)))
            .map(|(from, kind, to)| Relation { from, to, kind })
            .collect()
    }
}

/// Only a distribution's package owns files of others; any other claim leaves a component to be judged by itself.
pub(super) fn is_system_package(component: &Component) -> bool {
    crate::distro::is_package(&component.purl)
}

fn unknown(location: Option<Location>, reason: String) -> Unknown {
    let (path, layer) = match location {
        Some(location) => (location.path, location.layer),
        // The root: the document does not say where.
        None => (TreePath::default(), None),
    };
    Unknown { path, layer, cataloger: CATALOGER, reason }
}
