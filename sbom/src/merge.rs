//! One inventory out of what the catalogers found: who owns which files, and duplicates made one.

use crate::{
    catalogers::{BY_TEXT, Found, id_of, is_unversioned},
    distro, introduced,
    program::GO_PACKAGES,
};
use plimsoll_model::{
    Inventory, Purl, TreePath,
    component::{Component, ComponentId, Trust},
    inventory::{Distribution, Relation, Unknown},
    tree::LayerInfo,
};
use std::collections::{BTreeMap, BTreeSet};

/// The SBOM inside the subject that claims what was seen as well.
const CLAIMED_BY: &str = "plimsoll:claimed-by";

/// The inventory: components of languages that lie in files of operating-system packages are marked as owned by them, and
/// of components with the same package URL and owner there is one, with the locations of all. A claim of something that was
/// seen adds nothing to it, and no relation. `layers` are those of the tree.
pub(crate) fn merge(
    distribution: Option<Distribution>,
    mut found: Found,
    layers: &[LayerInfo],
) -> Inventory {
    own(&mut found.components, &found.owned);
    for component in &mut found.components {
        introduced::by_file(component);
    }
    let mut places: BTreeMap<(Purl, Option<ComponentId>), usize> = BTreeMap::new();
    let mut components: Vec<Component> = Vec::new();
    let mut moved = vec![id_of(usize::MAX); found.components.len()];
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut confirmed: BTreeSet<ComponentId> = BTreeSet::new();
    // Owners first, so that where they went is known when it is asked for; and claims last.
    let mut numbered: Vec<_> = found.components.into_iter().enumerate().collect();
    numbered.sort_by_key(|(_, component)| (component.trust, !is_of_distribution(component)));
    for (old, mut component) in numbered {
        component.owned_by = component.owned_by.and_then(|id| moved.get(id.index()).copied());
        let owner = component.owned_by.and_then(|id| components.get(id.index()));
        if is_package_itself(&component, owner, &found.owned) {
            continue;
        }
        let identities = identities(&component.purl);
        let is_claim = component.trust == Trust::Claimed;
        let observed = identities.first().and_then(|own| seen.get(own)).filter(|_| is_claim);
        let observed = observed.copied();
        if observed.is_some() {
            confirmed.insert(id_of(old));
        }
        let key = (component.purl.clone(), component.owned_by);
        let place = observed.unwrap_or_else(|| *places.entry(key).or_insert(components.len()));
        // What the distribution patches is not what a claim speaks of.
        let is_own = component.owned_by.is_none();
        for identity in identities.into_iter().filter(|_| !is_claim && is_own) {
            seen.entry(identity).or_insert(place);
        }
        if let Some(slot) = moved.get_mut(old) {
            *slot = id_of(place);
        }
        match components.get_mut(place) {
            Some(first) => {
                if observed.is_none() {
                    first.introduced =
                        introduced::lower(layers, first.introduced, component.introduced);
                }
                join(first, component);
            }
            None => components.push(component),
        }
    }
    let place = |id: ComponentId| moved.get(id.index()).copied();
    let is_told = |relation: &Relation| {
        !(confirmed.contains(&relation.from) && confirmed.contains(&relation.to))
    };
    let relations = found.relations.into_iter().filter(is_told).filter_map(|relation| {
        Some(Relation { from: place(relation.from)?, to: place(relation.to)?, ..relation })
    });
    let relations = relations.collect();
    for component in &mut components {
        component.locations.sort();
        component.locations.dedup();
    }
    let owned = found.owned;
    found.unknowns.retain(|unknown| !is_told_by_owner(unknown, &owned));
    Inventory::new(distribution, components, relations, found.unknowns)
}

/// Whether an unknown is the version of what the distribution has brought, which says so itself.
fn is_told_by_owner(unknown: &Unknown, owned: &BTreeMap<TreePath, ComponentId>) -> bool {
    unknown.cataloger == BY_TEXT
        && is_unversioned(&unknown.reason)
        && owned.contains_key(&unknown.path)
}

/// Whether a component was told by texts in a program that the operating-system package of that software put there: the
/// program is that package, which is listed already, with a version that says what the distribution has mended. What came
/// along with another package stays, and names it as its owner.
fn is_package_itself(
    component: &Component,
    owner: Option<&Component>,
    owned: &BTreeMap<TreePath, ComponentId>,
) -> bool {
    let software = component.purl.name();
    let is_of_that = |owner: &Component| {
        let source = owner.source.as_ref().map_or("", |source| source.name.as_str());
        owner.name.contains(software) || source.contains(software)
    };
    let is_owned = || component.locations.iter().all(|found| owned.contains_key(&found.path));
    // A program's note of the distribution's package that it was built for says what the database says.
    component.cataloger == BY_TEXT
        && (is_of_distribution(component) || owner.is_some_and(is_of_that))
        && is_owned()
}

/// Marks the components whose evidence an operating-system package put there. A claim is judged by itself: that the
/// distribution ships the document does not mean that it mends what the document names.
fn own(components: &mut [Component], owned: &BTreeMap<TreePath, ComponentId>) {
    let is_ownable = |component: &&mut Component| {
        component.trust == Trust::Observed && !is_of_distribution(component)
    };
    for component in components.iter_mut().filter(is_ownable) {
        let evidence = component.locations.first();
        component.owned_by = evidence.and_then(|found| owned.get(&found.path).copied());
    }
}

fn is_of_distribution(component: &Component) -> bool {
    distro::is_package(&component.purl)
}

/// A package URL without what tools write differently of the same package; and the same without the architecture, which a
/// claim may leave out.
fn identities(purl: &Purl) -> [String; 2] {
    const UNTOLD: [&str; 4] = ["distro=", "upstream=", "file_name=", "arch="];
    let (text, qualifiers) = purl.as_str().split_once('?').unwrap_or((purl.as_str(), ""));
    let without = |keys: &[&str]| {
        let is_told = |qualifier: &&str| !keys.iter().any(|key| qualifier.starts_with(key));
        let told: Vec<_> = qualifiers.split('&').filter(is_told).collect();
        format!("{text}?{}", told.join("&"))
    };
    let [with_arch @ .., _] = UNTOLD;
    [without(&with_arch), without(&UNTOLD)]
}

/// Adds to a component what a duplicate of it says besides. A claim says nothing besides of what was seen.
fn join(first: &mut Component, other: Component) {
    if first.trust < other.trust {
        for location in other.locations {
            let path = location.path.to_string();
            first.properties.entry(CLAIMED_BY.to_owned()).or_insert(path);
        }
        return;
    }
    first.scope = first.scope.min(other.scope);
    first.locations.extend(other.locations);
    for license in other.licenses {
        if !first.licenses.contains(&license) {
            first.licenses.push(license);
        }
    }
    first.hashes.extend(other.hashes);
    first.hashes.sort();
    first.hashes.dedup();
    first.supplier = first.supplier.take().or(other.supplier);
    first.source = first.source.take().or(other.source);
    first.version = first.version.take().or(other.version);
    // Of two that are the same the one counts that says more: a package, not a project's name alone.
    first.kind = first.kind.min(other.kind);
    join_packages(first, &other.properties);
    let others = other.properties.into_iter().filter(|(name, _)| name != GO_PACKAGES);
    for (name, value) in others {
        first.properties.entry(name).or_insert(value);
    }
}

/// What is linked of a Go module is what any program links of it; if of one of them it is not known, nothing is.
fn join_packages(first: &mut Component, other: &BTreeMap<String, String>) {
    let packages = first.properties.remove(GO_PACKAGES);
    if let Some((packages, others)) = packages.zip(other.get(GO_PACKAGES)) {
        let all =
            packages.split(',').chain(others.split(',')).filter(|package| !package.is_empty());
        let all: Vec<&str> = all.collect::<BTreeSet<_>>().into_iter().collect();
        first.properties.insert(GO_PACKAGES.to_owned(), all.join(","));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{
        component::{ComponentKind, Location, Scope, Trust},
        inventory::RelationKind,
    };

    fn component(purl: &str, path: &str) -> Component {
        let mut component = Component::new(purl.parse().unwrap(), "x", None, "test");
        let path = TreePath::parse(path.as_bytes()).unwrap();
        component.locations.push(Location { path, inside: String::new(), layer: None });
        component
    }

    fn found(components: Vec<Component>, owned: &[(&str, u32)]) -> Found {
        let owned = owned
            .iter()
            .map(|(path, owner)| (TreePath::parse(path.as_bytes()).unwrap(), ComponentId(*owner)));
        Found { components, owned: owned.collect(), ..Found::default() }
    }

    #[test]
    fn no_package_of_the_distribution_is_owned() {
        let components = vec![
            component("pkg:pypi/six@1", "usr/lib/six.egg-info"),
            component("pkg:deb/debian/python3-six@1", "var/lib/dpkg/status"),
        ];
        let owned = [("usr/lib/six.egg-info", 1), ("var/lib/dpkg/status", 1)];
        let inventory = merge(None, found(components, &owned), &[]);
        let owners: Vec<_> = inventory.components().iter().map(|found| found.owned_by).collect();
        assert_eq!(owners, [None, Some(ComponentId(0))]);
    }

    #[test]
    fn what_one_of_two_needs_is_needed() {
        let [mut first, mut second] = ["a", "b"].map(|path| component("pkg:npm/a@1", path));
        (first.scope, first.kind) = (Scope::Development, ComponentKind::Application);
        second.scope = Scope::Optional;
        second.properties.insert("x".to_owned(), "1".to_owned());
        let inventory = merge(None, found(vec![first, second], &[]), &[]);
        let [one] = inventory.components() else { panic!() };
        assert_eq!((one.scope, one.kind), (Scope::Optional, ComponentKind::Library));
        assert_eq!(one.properties.len(), 1);
    }

    #[test]
    fn a_claim_says_nothing_of_what_was_seen() {
        let [mut first, second] = ["a", "b"].map(|path| component("pkg:npm/a@1", path));
        first.trust = Trust::Claimed;
        first.properties.insert("x".to_owned(), "1".to_owned());
        for both in [vec![first.clone(), second.clone()], vec![second, first]] {
            let inventory = merge(None, found(both, &[]), &[]);
            let [one] = inventory.components() else { panic!() };
            assert_eq!(one.trust, Trust::Observed);
            assert!(one.properties.keys().eq([CLAIMED_BY]));
        }
    }

    #[test]
    fn duplicates_become_one_unless_their_owners_differ() {
        let components = vec![
            component("pkg:npm/a@1", "a/package-lock.json"),
            component("pkg:npm/a@1", "a/node_modules/a/package.json"),
            component("pkg:npm/a@1", "usr/share/nodejs/a/package.json"),
            component("pkg:deb/debian/node-a@1", "var/lib/dpkg/status"),
            component("pkg:npm/a@1", "a/package-lock.json"),
        ];
        let mut found = found(components, &[("usr/share/nodejs/a/package.json", 3)]);
        let depends = |from, to| Relation {
            from: ComponentId(from),
            to: ComponentId(to),
            kind: RelationKind::DependsOn,
        };
        found.relations = vec![depends(4, 2), depends(1, 4)];
        let inventory = merge(None, found, &[]);
        let seen: Vec<_> = inventory
            .components()
            .iter()
            .map(|found| (found.purl.as_str(), found.owned_by, found.locations.len()))
            .collect();
        assert_eq!(
            seen,
            [
                ("pkg:deb/debian/node-a@1", None, 1),
                ("pkg:npm/a@1", None, 2),
                ("pkg:npm/a@1", Some(ComponentId(0)), 1),
            ]
        );
        assert_eq!(inventory.relations(), [depends(1, 2)]);
    }

    #[test]
    fn a_claim_of_what_the_distribution_patches_stands_for_itself() {
        let mut claim = component("pkg:npm/a@1", "srv/bom.json");
        claim.trust = Trust::Claimed;
        let components = vec![
            component("pkg:npm/a@1", "usr/share/nodejs/a/package.json"),
            component("pkg:deb/debian/node-a@1", "var/lib/dpkg/status"),
            claim,
        ];
        let owned = [("usr/share/nodejs/a/package.json", 1)];
        let inventory = merge(None, found(components, &owned), &[]);
        let seen: Vec<_> =
            inventory.components().iter().map(|found| (found.trust, found.owned_by)).collect();
        let (observed, claimed) = (Trust::Observed, Trust::Claimed);
        assert_eq!(seen, [(observed, None), (claimed, None), (observed, Some(ComponentId(0)))]);
    }

    #[test]
    fn software_that_came_with_another_package_stays() {
        let mut by_text = component("pkg:generic/openssl@1.1.1", "usr/lib/acme/libcrypto.so");
        by_text.cataloger = BY_TEXT;
        for (owner, count) in [("acme", 2), ("libssl3-openssl", 1)] {
            let owner = component(&format!("pkg:deb/debian/{owner}@1"), "var/lib/dpkg/status");
            let owner = Component { name: owner.purl.name().to_owned(), ..owner };
            let both = vec![by_text.clone(), owner];
            let inventory = merge(None, found(both, &[("usr/lib/acme/libcrypto.so", 1)]), &[]);
            assert_eq!(inventory.components().len(), count);
        }
    }
}
