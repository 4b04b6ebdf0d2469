//! npm packages, from `package-lock.json` and `npm-shrinkwrap.json`.
//!
//! Format: <https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json>, versions 1 to 3.
//! What lies in a `node_modules` of the lock is a package; the rest is the project's own code, with the workspaces that are
//! linked into it, and no registry's.

use super::{Cataloger, Context, Files, Found};
use crate::npm::{self, Beside, Manifest};
use plimsoll_model::{
    component::{ComponentId, Scope},
    inventory::Coverage,
    tree::Entry,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "npm-lock",
    description: "npm packages in package-lock.json and npm-shrinkwrap.json",
    files: &[Files::Named("package-lock.json"), Files::Named("npm-shrinkwrap.json")],
    earlier: &[],
    want: npm::want_lock,
    edges: Coverage::Complete,
    catalog,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    lockfile_version: Option<u64>,
    name: Option<String>,
    version: Option<String>,
    /// Versions 2 and 3.
    packages: Option<BTreeMap<String, Value>>,
    /// Versions 1 and 2.
    dependencies: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Package {
    name: Option<String>,
    version: Option<String>,
    resolved: Option<String>,
    integrity: Option<String>,
    license: Option<Value>,
    link: Option<bool>,
    dev: Option<bool>,
    optional: Option<bool>,
    dev_optional: Option<bool>,
    in_bundle: Option<bool>,
    dependencies: BTreeMap<String, Value>,
    optional_dependencies: BTreeMap<String, Value>,
    peer_dependencies: BTreeMap<String, Value>,
    /// Of projects.
    dev_dependencies: BTreeMap<String, Value>,
}

impl Package {
    /// What it is needed for: npm says so of every package.
    fn scope(&self) -> Scope {
        match (self.dev, self.optional, self.dev_optional) {
            (Some(true), _, _) => Scope::Development,
            (_, Some(true), _) | (_, _, Some(true)) => Scope::Optional,
            _ => Scope::Required,
        }
    }

    /// The names of everything that it requires.
    fn needs(&self) -> impl Iterator<Item = &str> {
        let kinds = [
            &self.dependencies,
            &self.optional_dependencies,
            &self.peer_dependencies,
            &self.dev_dependencies,
        ];
        kinds.into_iter().flat_map(BTreeMap::keys).map(String::as_str)
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OldPackage {
    version: Option<String>,
    resolved: Option<String>,
    integrity: Option<String>,
    dev: Option<bool>,
    optional: Option<bool>,
    bundled: Option<bool>,
    /// A map, or `true` in the oldest.
    requires: Value,
    dependencies: BTreeMap<String, Value>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let lock = match serde_json::from_slice::<Lock>(bytes) {
            Ok(lock) => lock,
            Err(error) => return ctx.note(found, entry, format!("malformed: {error}")),
        };
        let mut packages: BTreeMap<String, Package> = match (lock.packages, lock.dependencies) {
            (Some(packages), _) => packages
                .into_iter()
                .filter_map(|(key, value)| {
                    let package = read(ctx, entry, (&key, value), found)?;
                    Some((key, package))
                })
                .collect(),
            (None, Some(old)) => {
                let mut packages = flatten(ctx, entry, old, found);
                packages.insert(String::new(), root(ctx, entry));
                packages
            }
            // Only version 1 leaves out what is empty.
            (None, None) if lock.lockfile_version == Some(1) => return,
            (None, None) => {
                return ctx.note(found, entry, "neither `packages` nor `dependencies`");
            }
        };
        if let Some(root) = packages.get_mut("") {
            root.name = root.name.take().or(lock.name);
            root.version = root.version.take().or(lock.version);
        }
        add(ctx, entry, &packages, found);
    })
}

/// The project itself, of which version 1 says nothing but the name: the rest is in its manifest.
fn root(ctx: &Context<'_>, entry: &Entry) -> Package {
    let manifest = Manifest::beside(ctx, entry, "").unwrap_or_default();
    Package {
        name: manifest.name,
        version: manifest.version,
        dependencies: manifest.dependencies,
        optional_dependencies: manifest.optional_dependencies,
        peer_dependencies: manifest.peer_dependencies,
        dev_dependencies: manifest.dev_dependencies,
        ..Package::default()
    }
}

/// One package of the lock; one that is malformed does not hide the others.
fn read<T: DeserializeOwned>(
    ctx: &Context<'_>,
    entry: &Entry,
    (directory, value): (&str, Value),
    found: &mut Found,
) -> Option<T> {
    let limit = ctx.limits.path;
    if directory.len() > limit {
        ctx.note(found, entry, format!("the path of a package is longer than {limit} bytes"));
        return None;
    }
    serde_json::from_value(value)
        .map_err(|error| {
            ctx.note(found, entry, format!("package `{directory}` is malformed: {error}"));
        })
        .ok()
}

/// Version 1 nests what later versions list by directory.
fn flatten(
    ctx: &Context<'_>,
    entry: &Entry,
    old: BTreeMap<String, Value>,
    found: &mut Found,
) -> BTreeMap<String, Package> {
    let mut all = BTreeMap::new();
    let mut left = vec![(String::new(), old)];
    while let Some((above, packages)) = left.pop() {
        for (name, value) in packages {
            let directory = format!("{above}node_modules/{name}");
            let Some(old) = read::<OldPackage>(ctx, entry, (&directory, value), found) else {
                continue;
            };
            let resolved = old.resolved.or_else(|| old.version.clone());
            let (name, version) = old_version(old.version);
            let new = Package {
                name,
                version,
                resolved,
                integrity: old.integrity,
                dev: old.dev,
                optional: old.optional,
                in_bundle: old.bundled,
                dependencies: if let Value::Object(requires) = old.requires {
                    requires.into_iter().collect()
                } else {
                    BTreeMap::new()
                },
                ..Package::default()
            };
            left.push((format!("{directory}/"), old.dependencies));
            all.insert(directory, new);
        }
    }
    all
}

/// Name and version where version 1 has an alias (`npm:name@1.0.0`); neither where it has an address.
fn old_version(version: Option<String>) -> (Option<String>, Option<String>) {
    let Some(version) = version else { return (None, None) };
    match version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
        Some((name, version)) => (Some(name.to_owned()), Some(version.to_owned())),
        None => (None, Some(version).filter(|version| !version.contains([':', '/']))),
    }
}

fn add(ctx: &Context<'_>, entry: &Entry, packages: &BTreeMap<String, Package>, found: &mut Found) {
    let beside = Beside::of(ctx, entry);
    let links: BTreeMap<&str, &str> = packages
        .iter()
        .filter(|(_, package)| package.link == Some(true))
        .filter_map(|(directory, link)| Some((link.resolved.as_deref()?, directory.as_str())))
        .collect();
    let mut ids: BTreeMap<String, ComponentId> = BTreeMap::new();
    for (directory, package) in packages {
        let id = match name_in(directory) {
            Some(_) if package.link == Some(true) => continue,
            Some(_) if package.scope() != Scope::Required && beside.lacks(directory) => continue,
            Some(in_path) => component(ctx, entry, (in_path, package), found),
            None => {
                let linked = links.get(directory.as_str()).and_then(|link| name_in(link));
                project(ctx, entry, (directory, linked, package), found)
            }
        };
        if let Some(id) = id {
            ids.insert(directory.clone(), id);
        }
    }
    for (directory, link) in links {
        if let Some(id) = ids.get(directory).copied() {
            ids.insert(link.to_owned(), id);
        }
    }
    for (directory, package) in packages {
        let Some(id) = ids.get(directory).filter(|_| package.link != Some(true)) else { continue };
        for name in package.needs() {
            if let Some(to) = npm::resolve(&ids, directory, name) {
                ctx.depends(found, *id, &[to]);
            }
        }
    }
}

/// The name that its directory gives a package; projects are in no `node_modules`.
fn name_in(directory: &str) -> Option<&str> {
    directory.rsplit_once("node_modules/").map(|(_, name)| name)
}

fn component(
    ctx: &Context<'_>,
    entry: &Entry,
    (in_path, package): (&str, &Package),
    found: &mut Found,
) -> Option<ComponentId> {
    let identity = (package.name.as_deref().unwrap_or(in_path), package.version.as_deref());
    let origin = package.resolved.as_deref().and_then(npm::origin);
    let id = npm::add(ctx, found, entry, identity, origin.as_ref())?;
    let component = found.at(id)?;
    component.licenses = npm::licenses(package.license.as_ref());
    component.hashes = npm::integrity(package.integrity.as_deref().unwrap_or_default());
    component.scope = package.scope();
    if package.in_bundle == Some(true) {
        npm::mark_bundled(component);
    }
    Some(id)
}

/// A project, called as it calls itself, else as the link to it or its directory.
fn project(
    ctx: &Context<'_>,
    entry: &Entry,
    (directory, linked, package): (&str, Option<&str>, &Package),
    found: &mut Found,
) -> Option<ComponentId> {
    let stated = package.name.as_deref().or(linked).filter(|name| !name.is_empty());
    // Of one that has no name and needs nothing there is nothing to tell.
    let of_directory = || {
        let has_needs = package.needs().next().is_some();
        has_needs.then(|| npm::name_of_directory(entry, directory)).filter(|name| !name.is_empty())
    };
    let name = stated.map(str::to_owned).or_else(of_directory)?;
    let id = npm::add_project(ctx, found, entry, (&name, package.version.as_deref()))?;
    found.at(id)?.licenses = npm::licenses(package.license.as_ref());
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use plimsoll_model::component::{ComponentKind, Hash, HashAlgorithm};

    const V3: &str = r#"{
      "name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
      "packages": {
        "": {"name": "app", "version": "1.0.0", "dependencies": {"a": "^1"}, "devDependencies": {"local": "*"}},
        "node_modules/a": {"version": "1.0.0", "license": "MIT", "dependencies": {"@s/b": "^2", "c": "1"},
          "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk= md5-x"},
        "node_modules/a/node_modules/@s/b": {"version": "2.0.0", "peerDependencies": {"c": "*"}},
        "node_modules/@s/b": {"version": "1.0.0", "optional": true},
        "node_modules/c": {"version": "3.0.0", "name": "real-c", "dev": true},
        "node_modules/local": {"resolved": "packages/local", "link": true},
        "packages/local": {"version": "0.0.1"}
      }}"#;

    const V1: &str = r#"{"lockfileVersion": 1, "dependencies": {
        "a": {"version": "1.0.0", "requires": {"@s/b": "^2", "c": "1"}, "dependencies": {
            "@s/b": {"version": "2.0.0", "requires": {"c": "*"}}}},
        "@s/b": {"version": "1.0.0", "requires": true},
        "c": {"version": "npm:real-c@3.0.0"},
        "git": {"version": "git+ssh://git@example.com/x.git#abc"}
      }}"#;

    const ALL: [&str; 11] = [
        "pkg:npm/%40s/b@1.0.0",
        "pkg:npm/%40s/b@2.0.0",
        "pkg:npm/a@1.0.0",
        "pkg:npm/app@1.0.0",
        "pkg:npm/local@0.0.1",
        "pkg:npm/real-c@3.0.0",
        "pkg:npm/%40s/b@2.0.0 needs pkg:npm/real-c@3.0.0",
        "pkg:npm/a@1.0.0 needs pkg:npm/%40s/b@2.0.0",
        "pkg:npm/a@1.0.0 needs pkg:npm/real-c@3.0.0",
        "pkg:npm/app@1.0.0 needs pkg:npm/a@1.0.0",
        "pkg:npm/app@1.0.0 needs pkg:npm/local@0.0.1",
    ];

    #[track_caller]
    fn check(tree: &TestTree, expect: &[&str]) {
        assert_eq!(tree.lines(), expect);
    }

    fn lock(text: &str) -> TestTree {
        TestTree::new().file("srv/app/package-lock.json", text)
    }

    #[test]
    fn packages_and_what_they_get_when_they_require() {
        check(&lock(V3), &ALL);
        check(&TestTree::new().file("npm-shrinkwrap.json", V3), &ALL);
        check(&lock(&format!("\u{feff}{V3}")), &ALL);
    }

    #[test]
    fn version_1_says_the_same() {
        const GIT: &str = "pkg:npm/git?vcs_url=git%2Bssh:%2F%2Fgit%40example.com%2Fx.git%40abc";
        let manifest = r#"{"name": "app", "version": "1.0.0", "dependencies": {"a": "^1"}}"#;
        let tree = lock(V1).file("srv/app/package.json", manifest);
        let mut expect = ALL[..10].to_vec();
        expect[4] = GIT;
        expect.push("npm-lock: /srv/app/package-lock.json: package `git` states no version");
        check(&tree, &expect);
        // Without the manifest nothing is known of the project.
        expect.remove(9);
        expect.remove(3);
        check(&lock(V1), &expect);
    }

    #[test]
    fn licence_hashes_scopes_and_kinds() {
        let inventory = lock(V3).catalog();
        let of = |name: &str| {
            inventory.components().iter().rfind(|component| component.name == name).unwrap()
        };
        let a = of("a");
        assert_eq!(a.licenses, ["MIT"]);
        let hex = "da39a3ee5e6b4b0d3255bfef95601890afd80709".to_owned();
        assert_eq!(a.hashes, [Hash { algorithm: HashAlgorithm::Sha1, hex }]);
        assert_eq!(of("real-c").scope, Scope::Development);
        assert_eq!(inventory.components()[0].scope, Scope::Optional);
        assert_eq!(a.scope, Scope::Required);
        assert_eq!(of("app").kind, ComponentKind::Application);
        assert_eq!(of("local").kind, ComponentKind::Application);
    }

    #[test]
    fn bundled_packages_and_such_from_elsewhere() {
        let text = r#"{"packages": {
            "node_modules/a": {"version": "1.0.0", "resolved": "git+ssh://git@example.com/a.git#abc"},
            "node_modules/a/node_modules/b": {"version": "2.0.0", "inBundle": true},
            "node_modules/c": {"version": "3.0.0", "resolved": "https://example.com/c.tgz"},
            "node_modules/d": {"version": "4.0.0", "resolved": "https://mirror.example.com/d/-/d-4.0.0.tgz"}}}"#;
        let inventory = lock(text).catalog();
        let purls: Vec<_> = inventory.components().iter().map(|one| one.purl.as_str()).collect();
        assert_eq!(
            purls,
            [
                "pkg:npm/a@1.0.0?vcs_url=git%2Bssh:%2F%2Fgit%40example.com%2Fa.git%40abc",
                "pkg:npm/b@2.0.0",
                "pkg:npm/c@3.0.0?download_url=https:%2F%2Fexample.com%2Fc.tgz",
                "pkg:npm/d@4.0.0",
            ]
        );
        assert_eq!(inventory.components()[1].properties["cdx:npm:package:bundled"], "true");
    }

    #[test]
    fn what_npm_may_leave_out_and_did_is_not_aboard() {
        let installed = |tree: TestTree| {
            tree.file("srv/app/node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#)
        };
        // `c` is of development and `@s/b` 1.0.0 optional: both are absent. `@s/b` 2.0.0 is absent, but may not be.
        let expect = [ALL[1], ALL[2], ALL[3], ALL[4], ALL[7], ALL[9], ALL[10]];
        check(&installed(lock(V3)), &expect);
    }

    #[test]
    fn one_component_where_lock_and_installed_tree_agree() {
        let tree = lock(r#"{"packages": {"node_modules/a": {"version": "1.0.0", "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="}}}"#)
            .file("srv/app/node_modules/a/package.json", r#"{"name":"a","version":"1.0.0","license":"ISC"}"#);
        let inventory = tree.catalog();
        let [a] = inventory.components() else { panic!("{:?}", inventory.components()) };
        assert_eq!(a.licenses, ["ISC"]);
        assert_eq!(a.hashes.len(), 1);
        let paths: Vec<_> = a.locations.iter().map(|found| found.path.to_string()).collect();
        assert_eq!(paths, ["/srv/app/node_modules/a/package.json", "/srv/app/package-lock.json"]);
    }

    #[test]
    fn locks_of_installed_packages_do_not_count() {
        check(&TestTree::new().file("node_modules/a/package-lock.json", V3), &[]);
    }

    #[test]
    fn a_malformed_package_does_not_hide_the_others() {
        let reason = "npm-lock: /srv/app/package-lock.json: package `node_modules/b` is malformed: \
            invalid type: integer `1`, expected a string";
        check(
            &lock(
                r#"{"packages":{"node_modules/a":{"version":"1.0.0"},"node_modules/b":{"version":1}}}"#,
            ),
            &["pkg:npm/a@1.0.0", reason],
        );
        check(
            &lock(r#"{"dependencies":{"a":{"version":"1.0.0"},"b":{"version":1}}}"#),
            &["pkg:npm/a@1.0.0", reason],
        );
    }

    #[test]
    fn an_empty_lock_is_nothing_only_where_its_version_has_it_so() {
        check(&lock(r#"{"lockfileVersion": 3, "packages": {}}"#), &[]);
        check(&lock(r#"{"lockfileVersion": 1}"#), &[]);
        let reason = "npm-lock: /srv/app/package-lock.json: neither `packages` nor `dependencies`";
        check(&lock(r#"{"lockfileVersion": 3}"#), &[reason]);
        check(&lock("{}"), &[reason]);
    }

    #[test]
    fn what_is_no_lock_is_an_unknown() {
        let deep = format!(r#"{{"packages":{{"a":{{"license":{}"#, "[".repeat(100_000));
        for text in ["{\"packages\": {\"node_modules/a\": {\"version\": 1", "7", "\0", &deep] {
            let lines = lock(text).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(
                line.starts_with("npm-lock: /srv/app/package-lock.json: malformed: "),
                "{line}"
            );
        }
    }
}
