//! npm packages, from `package-lock.json` and `npm-shrinkwrap.json`.
//!
//! Format: <https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json>, versions 1 to 3.
//! What lies in a `node_modules` of the lock is a package; the rest is the project's own code, which no registry knows.

use super::{Cataloger, Context, Files, Found};
use crate::npm;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use plimsoll_model::{
    TreePath,
    component::{ComponentId, Hash, HashAlgorithm},
    inventory::Coverage,
    tree::{Entry, Want},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "npm-lock",
    description: "npm packages in package-lock.json and npm-shrinkwrap.json",
    files: &[Files::Named("package-lock.json"), Files::Named("npm-shrinkwrap.json")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let is_lock = matches!(path.file_name(), b"package-lock.json" | b"npm-shrinkwrap.json");
    // A lock inside an installed package speaks of that package's own development.
    let is_installed =
        path.as_bytes().split(|byte| *byte == b'/').any(|part| part == b"node_modules");
    if is_lock && !is_installed { Want::Content } else { Want::Nothing }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    lockfile_version: Option<u64>,
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
    integrity: Option<String>,
    license: Option<Value>,
    link: Option<bool>,
    dev: Option<bool>,
    optional: Option<bool>,
    dev_optional: Option<bool>,
    dependencies: BTreeMap<String, Value>,
    optional_dependencies: BTreeMap<String, Value>,
    peer_dependencies: BTreeMap<String, Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OldPackage {
    version: Option<String>,
    integrity: Option<String>,
    dev: Option<bool>,
    optional: Option<bool>,
    /// A map, or `true` in the oldest.
    requires: Value,
    dependencies: BTreeMap<String, Value>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let packages = match serde_json::from_slice::<Lock>(bytes) {
            Ok(Lock { packages: Some(packages), .. }) => packages
                .into_iter()
                .filter_map(|(key, value): (String, Value)| {
                    let package = read(ctx, entry, (&key, value), found)?;
                    Some((key, package))
                })
                .collect(),
            Ok(Lock { dependencies: Some(old), .. }) => flatten(ctx, entry, old, found),
            // Only version 1 leaves out what is empty.
            Ok(Lock { lockfile_version: Some(1), .. }) => return,
            Ok(_) => return ctx.note(found, entry, "neither `packages` nor `dependencies`"),
            Err(error) => return ctx.note(found, entry, format!("malformed: {error}")),
        };
        add(ctx, entry, &packages, found);
    })
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
            let (name, version) = old_version(old.version);
            let new = Package {
                name,
                version,
                integrity: old.integrity,
                dev: old.dev,
                optional: old.optional,
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
    let mut ids: BTreeMap<String, ComponentId> = BTreeMap::new();
    for (directory, package) in packages {
        let Some((_, in_path)) = directory.rsplit_once("node_modules/") else { continue };
        if package.link == Some(true) || beside.lacks(directory, package) {
            continue;
        }
        let name = package.name.as_deref().unwrap_or(in_path);
        let version = package.version.as_deref();
        let Some(id) = npm::add(ctx, found, entry, (name, version)) else { continue };
        if let Some(component) = found.at(id) {
            component.licenses = npm::licenses(package.license.as_ref());
            component.hashes = hashes(package.integrity.as_deref().unwrap_or_default());
        }
        ids.insert(directory.clone(), id);
    }
    for (directory, id) in &ids {
        let Some(package) = packages.get(directory) else { continue };
        let needs =
            [&package.dependencies, &package.optional_dependencies, &package.peer_dependencies];
        for name in needs.into_iter().flat_map(BTreeMap::keys) {
            if let Some(to) = npm::resolve(&ids, directory, name) {
                ctx.depends(found, *id, &[to]);
            }
        }
    }
}

/// What is installed beside a lock.
struct Beside<'a> {
    ctx: &'a Context<'a>,
    project: Option<TreePath>,
    is_installed: bool,
}

impl<'a> Beside<'a> {
    fn of(ctx: &'a Context<'a>, lock: &Entry) -> Self {
        let project = lock.path.parent();
        let modules = project.as_ref().and_then(|project| project.join("node_modules").ok());
        let is_installed = modules.is_some_and(|path| ctx.tree.resolve(&path).is_ok());
        Self { ctx, project, is_installed }
    }

    /// Whether a package that npm may leave out was left out; without anything installed the lock alone counts.
    fn lacks(&self, directory: &str, package: &Package) -> bool {
        let flags = [package.dev, package.optional, package.dev_optional];
        let may_be_left_out = flags.contains(&Some(true));
        if !may_be_left_out || !self.is_installed {
            return false;
        }
        let path = self.project.as_ref().and_then(|project| project.join(directory).ok());
        path.is_some_and(|path| self.ctx.tree.resolve(&path).is_err())
    }
}

/// The hashes of a subresource integrity text.
fn hashes(integrity: &str) -> Vec<Hash> {
    let hash = |word: &str| {
        let (algorithm, base64) = word.split_once('-')?;
        let (algorithm, length) = match algorithm {
            "sha1" => (HashAlgorithm::Sha1, 20),
            "sha256" => (HashAlgorithm::Sha256, 32),
            "sha512" => (HashAlgorithm::Sha512, 64),
            _ => return None,
        };
        let bytes = STANDARD.decode(base64.split('?').next()?).ok()?;
        (bytes.len() == length).then(|| Hash { algorithm, hex: hex::encode(bytes) })
    };
    integrity.split_whitespace().filter_map(hash).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const V3: &str = r#"{
      "name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
      "packages": {
        "": {"name": "app", "version": "1.0.0", "dependencies": {"a": "^1"}},
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

    const ALL: [&str; 8] = [
        "pkg:npm/%40s/b@1.0.0",
        "pkg:npm/%40s/b@2.0.0",
        "pkg:npm/a@1.0.0",
        "pkg:npm/real-c@3.0.0",
        "pkg:npm/%40s/b@2.0.0 needs pkg:npm/real-c@3.0.0",
        "pkg:npm/a@1.0.0 needs pkg:npm/%40s/b@2.0.0",
        "pkg:npm/a@1.0.0 needs pkg:npm/real-c@3.0.0",
        "",
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
        check(&lock(V3), &ALL[..7]);
        check(&TestTree::new().file("npm-shrinkwrap.json", V3), &ALL[..7]);
        check(&lock(&format!("\u{feff}{V3}")), &ALL[..7]);
    }

    #[test]
    fn version_1_says_the_same() {
        let mut expect = ALL.to_vec();
        expect.insert(3, "pkg:npm/git");
        expect[8] = "npm-lock: /srv/app/package-lock.json: package `git` states no version";
        check(&lock(V1), &expect);
    }

    #[test]
    fn licence_and_hashes() {
        let inventory = lock(V3).catalog();
        let a = &inventory.components()[2];
        assert_eq!(a.licenses, ["MIT"]);
        let hex = "da39a3ee5e6b4b0d3255bfef95601890afd80709".to_owned();
        assert_eq!(a.hashes, [Hash { algorithm: HashAlgorithm::Sha1, hex }]);
        assert_eq!(hashes("sha512-AAAA sha1-!!"), []);
    }

    #[test]
    fn what_npm_may_leave_out_and_did_is_not_aboard() {
        let installed = |tree: TestTree| {
            tree.file("srv/app/node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#)
        };
        // `c` is of development and `@s/b` 1.0.0 optional: both are absent. `@s/b` 2.0.0 is absent, but may not be.
        check(
            &installed(lock(V3)),
            &[
                "pkg:npm/%40s/b@2.0.0",
                "pkg:npm/a@1.0.0",
                "pkg:npm/a@1.0.0 needs pkg:npm/%40s/b@2.0.0",
            ],
        );
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
