//! Several inventories made one: that of the source and that of the image, for example.
//!
//! Nothing is lost: every component, relation and unknown of each is in the result, and each component says which
//! inventories it comes from.

use crate::{Error, catalogers::id_of};
use plimsoll_model::{
    Inventory, Limits, Purl,
    component::{Component, ComponentId, Hash},
    inventory::{Distribution, Relation, Unknown},
    tree::LayerInfo,
};
use std::collections::BTreeMap;

/// The property that names the inventories which a component comes from.
pub const ORIGIN: &str = "plimsoll:origin";

/// One of the inventories that become one.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// What it is called: the file that it was read from.
    pub origin: &'a str,
    /// What is in it.
    pub inventory: &'a Inventory,
}

/// One inventory out of several, the first of them first.
///
/// Components with the same package URL and the same owner are one, with what each says; those whose hashes contradict each
/// other stay apart, because they are different things under one name. A distribution is that of all which have one, or
/// none: its packages name their own in their package URLs.
///
/// # Errors
/// [`Error::TooManySbomComponents`] past [`Limits::components`].
pub fn combine(parts: &[Part<'_>], limits: &Limits) -> Result<Inventory, Error> {
    let count = parts.iter().map(|part| part.inventory.components().len()).sum();
    if count > limits.components {
        return Err(Error::TooManySbomComponents { count, limit: limits.components });
    }
    let mut combined = Combined::default();
    for part in parts {
        combined.take(part);
    }
    let mut inventory = Inventory::new(
        distribution(parts),
        combined.components,
        combined.relations,
        combined.unknowns,
    );
    inventory.layers = layers(parts);
    for (kind, coverage) in parts.iter().flat_map(|part| &part.inventory.coverage) {
        let of_kind = inventory.coverage.entry(kind.clone()).or_insert(*coverage);
        *of_kind = (*coverage).max(*of_kind);
    }
    Ok(inventory)
}

/// By what components of different inventories are told to be the same.
type Key = (Purl, Option<Purl>);

#[derive(Default)]
struct Combined {
    components: Vec<Component>,
    places: BTreeMap<Key, Vec<usize>>,
    relations: Vec<Relation>,
    unknowns: Vec<Unknown>,
}

impl Combined {
    fn take(&mut self, part: &Part<'_>) {
        let inventory = part.inventory;
        let begin = self.components.len();
        let places: Vec<usize> = inventory
            .components()
            .iter()
            .map(|component| {
                let owner = component.owned_by.and_then(|owner| inventory.component(owner));
                let key = (component.purl.clone(), owner.map(|owner| owner.purl.clone()));
                self.add(key, component, part.origin)
            })
            .collect();
        let place = |id: ComponentId| places.get(id.index()).copied().map(id_of);
        // Owners are told by their places in this part, until it is known where they went.
        for component in self.components.iter_mut().skip(begin) {
            component.owned_by = component.owned_by.and_then(place);
        }
        self.relations.extend(inventory.relations().iter().filter_map(|relation| {
            Some(Relation { from: place(relation.from)?, to: place(relation.to)?, ..*relation })
        }));
        self.unknowns.extend_from_slice(&inventory.unknowns);
    }

    /// Takes in a component, and tells where it went.
    fn add(&mut self, key: Key, component: &Component, origin: &str) -> usize {
        let places = self.places.entry(key).or_default();
        let components = &mut self.components;
        for place in places.iter() {
            if let Some(first) = components.get_mut(*place)
                && !contradict(&first.hashes, &component.hashes)
            {
                join(first, component, origin);
                return *place;
            }
        }
        let place = components.len();
        places.push(place);
        let mut component = component.clone();
        component.properties.entry(ORIGIN.to_owned()).or_insert_with(|| origin.to_owned());
        components.push(component);
        place
    }
}

/// Whether no hash is in both, though both have one by the same algorithm.
pub(crate) fn contradict(left: &[Hash], right: &[Hash]) -> bool {
    let is_comparable = |hash: &Hash| right.iter().any(|other| other.algorithm == hash.algorithm);
    left.iter().any(is_comparable) && !left.iter().any(|hash| right.contains(hash))
}

/// Adds to a component what another inventory says of it.
fn join(first: &mut Component, other: &Component, origin: &str) {
    let origin = other.properties.get(ORIGIN).map_or(origin, String::as_str).to_owned();
    let mut all: Vec<&str> = first
        .properties
        .get(ORIGIN)
        .map(|origins| origins.split(", ").collect())
        .unwrap_or_default();
    for origin in origin.split(", ") {
        if !all.contains(&origin) {
            all.push(origin);
        }
    }
    let all = all.join(", ");
    first.properties.insert(ORIGIN.to_owned(), all);
    extend(&mut first.licenses, &other.licenses);
    extend(&mut first.concluded, &other.concluded);
    extend(&mut first.locations, &other.locations);
    extend(&mut first.hashes, &other.hashes);
    first.locations.sort();
    first.hashes.sort();
    first.scope = first.scope.min(other.scope);
    first.trust = first.trust.min(other.trust);
    first.version = first.version.take().or_else(|| other.version.clone());
    first.introduced = first.introduced.or(other.introduced);
    let mut contested = Vec::new();
    match (&first.supplier, &other.supplier) {
        (None, supplier) => first.supplier.clone_from(supplier),
        (Some(one), Some(two)) if one != two => contested.push(("plimsoll:supplier", two.clone())),
        (Some(_), _) => {}
    }
    match (&first.source, &other.source) {
        (None, source) => first.source.clone_from(source),
        (Some(one), Some(two)) if one != two => {
            contested.push(("plimsoll:source", format!("{} {}", two.name, two.version)));
        }
        (Some(_), _) => {}
    }
    for (name, value) in &other.properties {
        match first.properties.get(name) {
            None => {
                first.properties.insert(name.clone(), value.clone());
            }
            Some(found) if found == value || name == ORIGIN => {}
            Some(_) => contested.push((name, value.clone())),
        }
    }
    for (name, value) in contested {
        first.properties.insert(format!("{name}:{origin}"), value);
    }
}

fn extend<T: Clone + PartialEq>(all: &mut Vec<T>, more: &[T]) {
    for one in more {
        if !all.contains(one) {
            all.push(one.clone());
        }
    }
}

/// The distribution on which all agree that name one.
fn distribution(parts: &[Part<'_>]) -> Option<Distribution> {
    let mut named = parts.iter().filter_map(|part| part.inventory.distribution.as_ref());
    let first = named.next()?;
    let is_same =
        |other: &Distribution| (&other.id, &other.version_id) == (&first.id, &first.version_id);
    named.all(is_same).then(|| first.clone())
}

fn layers(parts: &[Part<'_>]) -> Vec<LayerInfo> {
    let mut layers = Vec::new();
    for part in parts {
        extend(&mut layers, &part.inventory.layers);
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{
        TreePath,
        component::{HashAlgorithm, Scope, Trust},
        inventory::{Coverage, RelationKind},
    };

    fn component(purl: &str) -> Component {
        Component::new(purl.parse().unwrap(), "x", None, "test")
    }

    fn hashed(purl: &str, hex: &str) -> Component {
        let hash = Hash { algorithm: HashAlgorithm::Sha256, hex: hex.to_owned() };
        Component { hashes: vec![hash], ..component(purl) }
    }

    fn depends(from: u32, to: u32) -> Relation {
        Relation { from: ComponentId(from), to: ComponentId(to), kind: RelationKind::DependsOn }
    }

    fn of(components: Vec<Component>, relations: Vec<Relation>) -> Inventory {
        Inventory::new(None, components, relations, Vec::new())
    }

    fn combined(parts: &[(&str, Inventory)]) -> Inventory {
        let parts: Vec<Part<'_>> =
            parts.iter().map(|(origin, inventory)| Part { origin, inventory }).collect();
        combine(&parts, &Limits::STANDARD).unwrap()
    }

    fn lines(inventory: &Inventory) -> Vec<String> {
        let line = |component: &Component| {
            format!("{} from {}", component.purl, component.properties[ORIGIN])
        };
        inventory.components().iter().map(line).collect()
    }

    #[test]
    fn duplicates_are_one_and_say_where_they_come_from() {
        let a = of(vec![component("pkg:npm/a@1"), component("pkg:npm/b@1")], vec![depends(0, 1)]);
        let b = of(vec![component("pkg:npm/b@1"), component("pkg:npm/c@1")], vec![depends(0, 1)]);
        let all = combined(&[("a.json", a), ("b.json", b)]);
        assert_eq!(
            lines(&all),
            [
                "pkg:npm/a@1 from a.json",
                "pkg:npm/b@1 from a.json, b.json",
                "pkg:npm/c@1 from b.json",
            ]
        );
        assert_eq!(all.relations(), [depends(0, 1), depends(1, 2)]);
        // Again, with a third: what they came from first is still said.
        let c = of(vec![component("pkg:npm/a@1")], vec![]);
        let again = combined(&[("all.json", all), ("c.json", c)]);
        assert_eq!(
            lines(&again)[..2],
            ["pkg:npm/a@1 from a.json, c.json", "pkg:npm/b@1 from a.json, b.json"]
        );
    }

    #[test]
    fn what_each_says_of_a_component_is_kept() {
        let mut one = component("pkg:npm/a@1");
        one.licenses = vec!["MIT".to_owned()];
        one.supplier = Some("one".to_owned());
        one.scope = Scope::Development;
        one.trust = Trust::Claimed;
        one.properties.insert("p".to_owned(), "1".to_owned());
        let mut two = component("pkg:npm/a@1");
        two.licenses = vec!["MIT".to_owned(), "ISC".to_owned()];
        two.supplier = Some("two".to_owned());
        two.properties.insert("p".to_owned(), "2".to_owned());
        two.version = Some("1".to_owned());
        let all = combined(&[("one", of(vec![one], vec![])), ("two", of(vec![two], vec![]))]);
        let [component] = all.components() else { panic!("{all:?}") };
        assert_eq!(component.licenses, ["MIT", "ISC"]);
        assert_eq!(component.supplier.as_deref(), Some("one"));
        assert_eq!(component.version.as_deref(), Some("1"));
        assert_eq!((component.scope, component.trust), (Scope::Required, Trust::Observed));
        let properties: Vec<_> = component.properties.iter().collect();
        let expect =
            [("p", "1"), ("p:two", "2"), (ORIGIN, "one, two"), ("plimsoll:supplier:two", "two")];
        assert_eq!(
            properties
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect::<Vec<_>>(),
            expect
        );
    }

    #[test]
    fn two_things_under_one_name_stay_apart() {
        let a = of(vec![hashed("pkg:npm/a@1", "aa")], vec![]);
        let b = of(vec![hashed("pkg:npm/a@1", "bb")], vec![]);
        let c = of(vec![hashed("pkg:npm/a@1", "bb")], vec![]);
        let all = combined(&[("a", a), ("b", b), ("c", c)]);
        assert_eq!(lines(&all), ["pkg:npm/a@1 from a", "pkg:npm/a@1 from b, c"]);
    }

    #[test]
    fn owners_are_found_again() {
        let owned = || {
            let mut owned = component("pkg:pypi/six@1");
            owned.owned_by = Some(ComponentId(1));
            of(vec![owned, component("pkg:deb/debian/python3-six@1")], vec![])
        };
        let own = of(vec![component("pkg:pypi/six@1"), component("pkg:apk/alpine/a@1")], vec![]);
        let all = combined(&[("a", owned()), ("b", own), ("c", owned())]);
        let owners: Vec<_> = all
            .components()
            .iter()
            .map(|found| {
                let owner = found.owned_by.map(|owner| all.component(owner).unwrap().purl.as_str());
                (found.purl.as_str(), owner)
            })
            .collect();
        assert_eq!(
            owners,
            [
                ("pkg:apk/alpine/a@1", None),
                ("pkg:deb/debian/python3-six@1", None),
                ("pkg:pypi/six@1", Some("pkg:deb/debian/python3-six@1")),
                ("pkg:pypi/six@1", None),
            ]
        );
    }

    #[test]
    fn unknowns_add_up_and_the_least_known_relations_count() {
        let unknown = |reason: &str| Unknown {
            path: TreePath::default(),
            layer: None,
            cataloger: "test",
            reason: reason.to_owned(),
        };
        let named = |id: &str| Distribution {
            id: id.to_owned(),
            id_like: Vec::new(),
            version_id: None,
            codename: None,
            pretty_name: None,
        };
        let part = |id: &str, coverage, reasons: &[&str]| {
            let unknowns = reasons.iter().map(|reason| unknown(reason)).collect();
            let mut inventory = Inventory::new(Some(named(id)), vec![], vec![], unknowns);
            inventory.coverage.insert("npm".to_owned(), coverage);
            inventory
        };
        let complete = part("debian", Coverage::Complete, &["1", "2"]);
        let other = part("alpine", Coverage::Incomplete, &["2", "3"]);
        let same = combined(&[("a", complete.clone()), ("b", of(vec![], vec![]))]);
        assert_eq!(same.distribution, complete.distribution);
        let all = combined(&[("a", complete), ("b", other)]);
        assert_eq!((all.unknowns.len(), all.distribution), (3, None));
        assert_eq!(all.coverage["npm"], Coverage::Incomplete);
    }

    #[test]
    fn more_than_the_limit_is_refused() {
        let inventory = of(vec![component("pkg:npm/a@1")], vec![]);
        let part = Part { origin: "a", inventory: &inventory };
        let limits = Limits { components: 1, ..Limits::STANDARD };
        assert!(combine(&[part], &limits).is_ok());
        let refused = combine(&[part, part], &limits);
        assert!(matches!(refused, Err(Error::TooManySbomComponents { count: 2, limit: 1 })));
    }
}
