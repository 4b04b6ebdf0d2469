//! What changed from one inventory to another.

use crate::combine::contradict;
use plimsoll_model::{
    Inventory,
    component::{Component, Hash},
};
use std::collections::{BTreeMap, BTreeSet};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The package, as a package URL without version.
    pub package: String,
    /// What changed.
    pub kind: ChangeKind,
    /// Before: a version, licences, or a hash; absent where something was added.
    pub from: Option<String>,
    /// After; absent where something was removed.
    pub to: Option<String>,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It is there, and was not.
    Added,
    /// It was there, and is not.
    Removed,
    /// It is there in another version.
    Version,
    /// The same version has another hash: it is another thing under the same name.
    Content,
    /// The same version has other licences.
    Licenses,
}

impl ChangeKind {
    /// As one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Version => "version",
            Self::Content => "content",
            Self::Licenses => "licenses",
        }
    }
}

/// Everything that changed from one inventory to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The changes, by package.
    pub changes: Vec<Change>,
    /// How many packages are in both, unchanged.
    pub unchanged: usize,
    /// How much could not be told of the one and of the other: as far as that goes, no change is known.
    pub unknowns: (usize, usize),
}

/// What changed from `before` to `after`.
///
/// A package is known by its package URL without version; of its qualifiers those count that tell apart what is installed
/// side by side (`arch`, `classifier`, `type`). Where a package lies, and how often, is no change.
pub fn changes(before: &Inventory, after: &Inventory) -> Changes {
    let (old, new) = (packages(before), packages(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let none = BTreeMap::new();
    let mut found =
        Changes { unknowns: (before.unknowns.len(), after.unknowns.len()), ..Changes::default() };
    for name in names {
        let (old, new) = (old.get(name).unwrap_or(&none), new.get(name).unwrap_or(&none));
        let count = found.changes.len();
        found.changes.extend(of_package(name, old, new));
        if found.changes.len() == count {
            found.unchanged = found.unchanged.saturating_add(1);
        }
    }
    found.changes.sort();
    found
}

/// What is said of one version of a package.
#[derive(Debug, Default)]
struct Said {
    hashes: Vec<Hash>,
    licenses: BTreeSet<String>,
}

type Versions = BTreeMap<String, Said>;

fn packages(inventory: &Inventory) -> BTreeMap<String, Versions> {
    let mut packages: BTreeMap<String, Versions> = BTreeMap::new();
    for component in inventory.components() {
        let version = component.version.as_deref().or_else(|| component.purl.version());
        let versions = packages.entry(name(component)).or_default();
        let said = versions.entry(version.unwrap_or_default().to_owned()).or_default();
        said.hashes.extend_from_slice(&component.hashes);
        said.licenses.extend(component.licenses.iter().cloned());
    }
    packages
}

fn name(component: &Component) -> String {
    let mut name = component.purl.without_version();
    let kept = ["arch", "classifier", "type"];
    let values = kept.iter().filter_map(|key| Some((key, component.purl.qualifier(key)?)));
    for ((key, value), separator) in values.zip(std::iter::once('?').chain(std::iter::repeat('&')))
    {
        name.push(separator);
        name.push_str(key);
        name.push('=');
        name.push_str(value);
    }
    name
}

fn of_package(package: &str, old: &Versions, new: &Versions) -> Vec<Change> {
    let change = |kind, from: Option<String>, to: Option<String>| Change {
        package: package.to_owned(),
        kind,
        from,
        to,
    };
    let mut changes = Vec::new();
    for (version, before) in old {
        let Some(after) = new.get(version) else { continue };
        if contradict(&before.hashes, &after.hashes) {
            changes.push(change(
                ChangeKind::Content,
                hash(&before.hashes, &after.hashes),
                hash(&after.hashes, &before.hashes),
            ));
        }
        if before.licenses != after.licenses {
            let text =
                |said: &Said| Some(said.licenses.iter().cloned().collect::<Vec<_>>().join(", "));
            changes.push(change(ChangeKind::Licenses, text(before), text(after)));
        }
    }
    let mut removed = old.keys().filter(|version| !new.contains_key(*version)).cloned();
    let mut added = new.keys().filter(|version| !old.contains_key(*version)).cloned();
    loop {
        changes.push(match (removed.next(), added.next()) {
            (None, None) => return changes,
            (from, None) => change(ChangeKind::Removed, from, None),
            (None, to) => change(ChangeKind::Added, None, to),
            (from, to) => change(ChangeKind::Version, from, to),
        });
    }
}

/// The first hash that the other side can be compared by.
fn hash(hashes: &[Hash], others: &[Hash]) -> Option<String> {
    let is_comparable = |hash: &&Hash| others.iter().any(|other| other.algorithm == hash.algorithm);
    hashes.iter().find(is_comparable).map(|hash| hash.hex.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::component::HashAlgorithm;

    fn inventory(components: &[(&str, &str, &str)]) -> Inventory {
        let components = components.iter().map(|(purl, hex, license)| {
            let mut component = Component::new(purl.parse().unwrap(), "x", None, "test");
            if !hex.is_empty() {
                let hash = Hash { algorithm: HashAlgorithm::Sha1, hex: (*hex).to_owned() };
                component.hashes.push(hash);
            }
            component.licenses.extend((!license.is_empty()).then(|| (*license).to_owned()));
            component
        });
        Inventory::new(None, components.collect(), vec![], vec![])
    }

    #[track_caller]
    fn check(before: &[(&str, &str, &str)], after: &[(&str, &str, &str)], expect: &[&str]) {
        let found = changes(&inventory(before), &inventory(after));
        let lines: Vec<_> = found
            .changes
            .iter()
            .map(|change| {
                let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
                let (from, to) = (side(&change.from), side(&change.to));
                format!("{} {}: {from} to {to}", change.package, change.kind.as_str())
            })
            .collect();
        assert_eq!(lines, expect);
    }

    #[test]
    fn packages_come_go_and_change() {
        check(
            &[("pkg:npm/a@1", "", ""), ("pkg:npm/b@1", "", ""), ("pkg:npm/c@1", "", "")],
            &[("pkg:npm/b@2", "", ""), ("pkg:npm/c@1", "", ""), ("pkg:npm/d@1", "", "")],
            &["pkg:npm/a removed: 1 to -", "pkg:npm/b version: 1 to 2", "pkg:npm/d added: - to 1"],
        );
    }

    #[test]
    fn several_versions_of_one_package_are_told_apart() {
        check(
            &[("pkg:npm/a@1", "", ""), ("pkg:npm/a@2", "", ""), ("pkg:npm/a@3", "", "")],
            &[("pkg:npm/a@2", "", ""), ("pkg:npm/a@4", "", "")],
            &["pkg:npm/a removed: 3 to -", "pkg:npm/a version: 1 to 4"],
        );
        check(&[("pkg:npm/a", "", "")], &[("pkg:npm/a@1", "", "")], &["pkg:npm/a version:  to 1"]);
    }

    #[test]
    fn the_same_version_with_another_hash_or_licence_is_a_change() {
        check(&[("pkg:npm/a@1", "aa", "")], &[("pkg:npm/a@1", "aa", "")], &[]);
        check(&[("pkg:npm/a@1", "aa", "")], &[("pkg:npm/a@1", "", "")], &[]);
        check(
            &[("pkg:npm/a@1", "aa", "MIT")],
            &[("pkg:npm/a@1", "bb", "GPL-3.0-only")],
            &["pkg:npm/a content: aa to bb", "pkg:npm/a licenses: MIT to GPL-3.0-only"],
        );
    }

    #[test]
    fn a_new_release_of_the_distribution_is_not_another_package() {
        check(
            &[("pkg:deb/debian/a@1?arch=amd64&distro=debian-12", "", "")],
            &[("pkg:deb/debian/a@1?arch=amd64&distro=debian-13", "", "")],
            &[],
        );
        check(
            &[("pkg:deb/debian/a@1?arch=amd64", "", "")],
            &[("pkg:deb/debian/a@1?arch=i386", "", "")],
            &[
                "pkg:deb/debian/a?arch=amd64 removed: 1 to -",
                "pkg:deb/debian/a?arch=i386 added: - to 1",
            ],
        );
    }

    #[test]
    fn what_did_not_change_is_counted() {
        let before = inventory(&[("pkg:npm/a@1", "", ""), ("pkg:npm/b@1", "", "")]);
        let found = changes(&before, &before);
        assert_eq!(found, Changes { unchanged: 2, ..Changes::default() });
    }
}
