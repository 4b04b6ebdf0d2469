//! One inventory out of what the catalogers found: who owns which files, and duplicates made one.

use crate::catalogers::{Found, Owned, id_of};
use plimsoll_model::{
    Inventory, Purl, Tree, TreePath,
    component::{Component, ComponentId},
    inventory::{Distribution, Relation},
};
use std::collections::BTreeMap;

/// The inventory: components of languages that lie in files of operating-system packages are marked as owned by them, and
/// of components with the same package URL and owner there is one, with the locations of all.
pub(crate) fn merge(
    tree: &dyn Tree,
    distribution: Option<Distribution>,
    mut found: Found,
) -> Inventory {
    own(tree, &mut found.components, &found.owned);
    let mut places: BTreeMap<(Purl, Option<ComponentId>), usize> = BTreeMap::new();
    let mut components: Vec<Component> = Vec::new();
    let mut moved = vec![id_of(usize::MAX); found.components.len()];
    // Owners first, so that where they went is known when it is asked for.
    let numbered = found.components.into_iter().enumerate();
    let (owners, others): (Vec<_>, Vec<_>) =
        numbered.partition(|(_, component)| is_of_distribution(component));
    for (old, mut component) in owners.into_iter().chain(others) {
        component.owned_by = component.owned_by.and_then(|id| moved.get(id.index()).copied());
        let key = (component.purl.clone(), component.owned_by);
        let place = *places.entry(key).or_insert(components.len());
        if let Some(slot) = moved.get_mut(old) {
            *slot = id_of(place);
        }
        match components.get_mut(place) {
            Some(first) => join(first, component),
            None => components.push(component),
        }
    }
    let place = |id: ComponentId| moved.get(id.index()).copied();
    let relations = found.relations.into_iter().filter_map(|relation| {
        Some(Relation { from: place(relation.from)?, to: place(relation.to)?, ..relation })
    });
    let relations = relations.collect();
    for component in &mut components {
        component.locations.sort();
        component.locations.dedup();
    }
    Inventory::new(distribution, components, relations, found.unknowns)
}

/// Marks the components whose evidence an operating-system package put there.
fn own(tree: &dyn Tree, components: &mut [Component], owned: &[Owned]) {
    let mut owners: BTreeMap<TreePath, Option<ComponentId>> = components
        .iter()
        .filter(|component| !is_of_distribution(component))
        .filter_map(|component| Some((component.locations.first()?.path.clone(), None)))
        .collect();
    if owners.is_empty() {
        return;
    }
    let mut directories = BTreeMap::new();
    for Owned { owner, path } in owned {
        if let Some(slot) = owners.get_mut(path) {
            *slot = slot.or(Some(*owner));
            continue;
        }
        let Some(real) = real(tree, path, &mut directories) else { continue };
        if let Some(slot) = owners.get_mut(&real) {
            *slot = slot.or(Some(*owner));
        }
    }
    for component in components.iter_mut().filter(|component| !is_of_distribution(component)) {
        let evidence = component.locations.first();
        component.owned_by = evidence.and_then(|found| owners.get(&found.path).copied().flatten());
    }
}

fn is_of_distribution(component: &Component) -> bool {
    matches!(component.purl.kind(), "apk" | "deb" | "rpm")
}

/// The path with the links among its directories followed, where there are any: packages say `/lib/x` of what lies in `/usr/lib/x`.
fn real(
    tree: &dyn Tree,
    path: &TreePath,
    directories: &mut BTreeMap<TreePath, Option<TreePath>>,
) -> Option<TreePath> {
    let parent = path.parent()?;
    let directory = match directories.get(&parent) {
        Some(known) => known.clone(),
        None => {
            let resolved = tree.resolve(&parent).ok().map(|entry| entry.path.clone());
            let elsewhere = resolved.filter(|resolved| *resolved != parent);
            directories.insert(parent, elsewhere.clone());
            elsewhere
        }
    }?;
    let mut real = directory.as_bytes().to_vec();
    real.push(b'/');
    real.extend_from_slice(path.file_name());
    TreePath::parse(&real).ok()
}

/// Adds to a component what a duplicate of it says besides.
fn join(first: &mut Component, other: Component) {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use plimsoll_model::{component::Location, inventory::RelationKind};

    fn component(purl: &str, path: &str) -> Component {
        let mut component = Component::new(purl.parse().unwrap(), "x", None, "test");
        let path = TreePath::parse(path.as_bytes()).unwrap();
        component.locations.push(Location { path, inside: String::new(), layer: None });
        component
    }

    fn found(components: Vec<Component>, owned: &[(u32, &str)]) -> Found {
        let owned = owned.iter().map(|(owner, path)| Owned {
            owner: ComponentId(*owner),
            path: TreePath::parse(path.as_bytes()).unwrap(),
        });
        Found { components, owned: owned.collect(), ..Found::default() }
    }

    #[track_caller]
    fn check(tree: &TestTree, found: Found, expect: &[(&str, Option<u32>, usize)]) {
        let inventory = merge(tree, None, found);
        let seen: Vec<_> = inventory
            .components()
            .iter()
            .map(|component| {
                let owner = component.owned_by.map(|id| id.0);
                (component.purl.as_str(), owner, component.locations.len())
            })
            .collect();
        assert_eq!(seen, expect);
    }

    #[test]
    fn files_of_packages_are_found_through_linked_directories() {
        let tree = TestTree::new()
            .link("lib", "usr/lib")
            .file("usr/lib/python3/six.egg-info", "")
            .file("usr/lib/python3/pip.egg-info", "");
        let components = vec![
            component("pkg:pypi/six@1", "usr/lib/python3/six.egg-info"),
            component("pkg:pypi/pip@1", "usr/lib/python3/pip.egg-info"),
            component("pkg:deb/debian/python3-six@1", "var/lib/dpkg/status"),
        ];
        check(
            &tree,
            found(components.clone(), &[(2, "lib/python3/six.egg-info")]),
            &[
                ("pkg:deb/debian/python3-six@1", None, 1),
                ("pkg:pypi/pip@1", None, 1),
                ("pkg:pypi/six@1", Some(0), 1),
            ],
        );
        // A package that claims another's database owns no package of the distribution.
        check(
            &tree,
            found(components, &[(2, "var/lib/dpkg/status"), (2, "lib64/python3/six.egg-info")]),
            &[
                ("pkg:deb/debian/python3-six@1", None, 1),
                ("pkg:pypi/pip@1", None, 1),
                ("pkg:pypi/six@1", None, 1),
            ],
        );
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
        let mut found = found(components, &[(3, "usr/share/nodejs/a/package.json")]);
        found.depends(ComponentId(4), ComponentId(2));
        found.depends(ComponentId(1), ComponentId(4));
        let inventory = merge(&TestTree::new(), None, found);
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
        let kept =
            Relation { from: ComponentId(1), to: ComponentId(2), kind: RelationKind::DependsOn };
        assert_eq!(inventory.relations(), [kept]);
    }
}
