//! npm packages, from `pnpm-lock.yaml`.
//!
//! Format: <https://github.com/pnpm/spec/tree/master/lockfile>, versions 5 to 9.
//! Packages are listed by their identity; the peers that one was put together with follow it in its key, and in version 9 the
//! dependencies of each such combination stand under `snapshots`. Here all combinations of one package are one component.

use super::{Cataloger, Context, Files, Found};
use crate::{
    locked::{Lock, Locked, Need},
    npm::{self, Manifest},
    origin::Origin,
    yaml,
};
use plimsoll_model::{component::Scope, inventory::Coverage, tree::Entry};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "pnpm-lock",
    description: "npm packages in pnpm-lock.yaml",
    files: &[Files::Named("pnpm-lock.yaml")],
    earlier: &[],
    want: npm::want_lock,
    edges: Coverage::Complete,
    catalog,
};

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct File {
    importers: Option<BTreeMap<String, Option<Importer>>>,
    packages: Option<BTreeMap<String, Option<Package>>>,
    /// Version 9.
    snapshots: Option<BTreeMap<String, Option<Snapshot>>>,
    // Where there is a single project, versions before 9 have what it got here.
    dependencies: Option<BTreeMap<String, Resolved>>,
    dev_dependencies: Option<BTreeMap<String, Resolved>>,
    optional_dependencies: Option<BTreeMap<String, Resolved>>,
}

/// A project.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Importer {
    dependencies: Option<BTreeMap<String, Resolved>>,
    dev_dependencies: Option<BTreeMap<String, Resolved>>,
    optional_dependencies: Option<BTreeMap<String, Resolved>>,
}

/// What a project got: before version 6 without what it had asked for.
#[derive(Deserialize)]
#[serde(untagged)]
enum Resolved {
    Plain(String),
    Specified { version: String },
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Package {
    name: Option<String>,
    version: Option<String>,
    resolution: Resolution,
    dependencies: Option<BTreeMap<String, String>>,
    optional_dependencies: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Resolution {
    integrity: Option<String>,
    tarball: Option<String>,
    directory: Option<String>,
    repo: Option<String>,
    commit: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Snapshot {
    dependencies: Option<BTreeMap<String, String>>,
    optional_dependencies: Option<BTreeMap<String, String>>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| match yaml::read(bytes) {
        Ok(file) => add(ctx, entry, &with_projects(file), found),
        Err(reason) => ctx.note(found, entry, reason),
    })
}

/// The same with the single project where several would be.
fn with_projects(file: File) -> File {
    let File { dependencies, dev_dependencies, optional_dependencies, .. } = file;
    let single = Importer { dependencies, dev_dependencies, optional_dependencies };
    let importers = file.importers.unwrap_or_else(|| [(".".to_owned(), Some(single))].into());
    File {
        importers: Some(importers),
        packages: file.packages,
        snapshots: file.snapshots,
        ..File::default()
    }
}

fn add(ctx: &Context<'_>, entry: &Entry, file: &File, found: &mut Found) {
    let mut lock = Lock::new();
    for (key, package) in file.packages.iter().flatten() {
        let default = Package::default();
        let package = package.as_ref().unwrap_or(&default);
        lock.entry(base(key).to_owned()).or_insert_with(|| locked(key, package));
    }
    if lock.is_empty() {
        ctx.note(found, entry, "the lock lists no package");
    }
    let keys: BTreeSet<String> = lock.keys().cloned().collect();
    for (key, package) in file.packages.iter().flatten() {
        let needs = package.iter().flat_map(|package| {
            wants(package.dependencies.as_ref(), package.optional_dependencies.as_ref())
        });
        extend(&mut lock, &keys, key, needs);
    }
    for (key, snapshot) in file.snapshots.iter().flatten() {
        let needs = snapshot.iter().flat_map(|snapshot| {
            wants(snapshot.dependencies.as_ref(), snapshot.optional_dependencies.as_ref())
        });
        extend(&mut lock, &keys, key, needs);
    }
    projects(ctx, entry, (file, &keys), &mut lock);
    npm::add_locked(ctx, entry, &lock, found);
}

/// The key of a package without the peers that it was put together with.
fn base(key: &str) -> &str {
    let key = key.split_once('(').map_or(key, |(key, _)| key);
    // Before version 6: `/name/1.0.0_peer@1.0.0`. No version has an underscore in it.
    let old = key.rsplit_once('/').filter(|(above, _)| !above.contains(':'));
    let version = old.and_then(|(above, last)| Some((above, last.split_once('_')?.0)));
    match version.filter(|(_, version)| is_version(version)) {
        Some((above, version)) => {
            let end = above.len().saturating_add(1).saturating_add(version.len());
            key.get(..end).unwrap_or(key)
        }
        None => key,
    }
}

fn is_version(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.contains('.')
        && !text.contains('@')
}

/// A package by its key: `name@1.0.0`, `/name@1.0.0`, `/name/1.0.0`, or an address, where the name stands in it.
fn locked(key: &str, package: &Package) -> Locked {
    let local = local(base(key));
    let address = npm::split_descriptor(local).filter(|(_, version)| version.contains(':'));
    let old = local.rsplit_once('/').filter(|(_, version)| is_version(version));
    let identity = address.or(old).or_else(|| npm::split_descriptor(local));
    let (name, version) = identity.unwrap_or((local, ""));
    let version = Some(version).filter(|version| !version.contains(':') && !version.is_empty());
    let Resolution { integrity, tarball, directory, repo, commit } = &package.resolution;
    let origin = match (repo, directory) {
        (Some(repo), _) => Some(Origin::git(repo, commit.as_deref())),
        (None, Some(directory)) => Some(Origin::path(directory)),
        (None, None) => tarball.as_deref().and_then(npm::origin),
    };
    Locked {
        name: package.name.clone().unwrap_or_else(|| name.to_owned()),
        version: package.version.clone().or_else(|| version.map(str::to_owned)),
        origin,
        hashes: npm::integrity(integrity.as_deref().unwrap_or_default()),
        ..Locked::default()
    }
}

/// A key without the slash or the host of a registry that it may begin with.
fn local(key: &str) -> &str {
    match key.split_once('/') {
        Some(("", local)) => local,
        Some((host, local)) if host.contains('.') && !host.contains('@') => local,
        Some(_) | None => key,
    }
}

type Needs = BTreeMap<String, String>;

fn wants<'a>(
    required: Option<&'a Needs>,
    optional: Option<&'a Needs>,
) -> impl Iterator<Item = (&'a str, &'a str, Scope)> {
    let of = |needs: Option<&'a Needs>, scope| {
        needs
            .into_iter()
            .flatten()
            .map(move |(name, version)| (name.as_str(), version.as_str(), scope))
    };
    of(required, Scope::Required).chain(of(optional, Scope::Optional))
}

/// Adds what one combination of a package needs to what the others need.
fn extend<'a>(
    lock: &mut Lock,
    keys: &BTreeSet<String>,
    key: &str,
    needs: impl Iterator<Item = (&'a str, &'a str, Scope)>,
) {
    // Version 9 lists a package that has nothing to say for itself only here.
    let locked =
        lock.entry(base(key).to_owned()).or_insert_with(|| locked(key, &Package::default()));
    let needs = needs.filter(|(_, version, _)| !version.starts_with("link:"));
    locked.needs.extend(
        needs.map(|(name, version, scope)| Need { to: target(keys, name, version), scope }),
    );
}

/// The key of what a dependency got: the version alone, or the key where the name is another.
fn target(keys: &BTreeSet<String>, name: &str, version: &str) -> String {
    let ways = [
        format!("{name}@{version}"),
        format!("/{name}@{version}"),
        format!("/{name}/{version}"),
        version.to_owned(),
        format!("/{version}"),
    ];
    let is_known = |key: &&str| keys.contains(*key);
    let found = ways.iter().map(|key| base(key)).find(is_known);
    found.map_or_else(|| format!("{name}@{version}"), str::to_owned)
}

/// Adds the projects, each with what it got, and with the other projects that it links to.
fn projects(
    ctx: &Context<'_>,
    entry: &Entry,
    (file, keys): (&File, &BTreeSet<String>),
    lock: &mut Lock,
) {
    for (directory, importer) in file.importers.iter().flatten() {
        let kinds = importer.iter().flat_map(|importer| {
            [
                (&importer.dependencies, Scope::Required),
                (&importer.optional_dependencies, Scope::Optional),
                (&importer.dev_dependencies, Scope::Development),
            ]
        });
        let each = kinds.flat_map(|(needs, scope)| {
            needs.iter().flatten().map(move |(name, resolved)| (name, resolved, scope))
        });
        let needs = each.map(|(name, resolved, scope)| {
            let (Resolved::Plain(version) | Resolved::Specified { version }) = resolved;
            match version.strip_prefix("link:") {
                // What is linked from outside the workspace is not told of, and nobody's package.
                Some(path) => Need { to: key_of(&joined(directory, path)), scope: Scope::Optional },
                None => Need { to: target(keys, name, version), scope },
            }
        });
        let needs = needs.collect();
        let Manifest { name, version, .. } =
            Manifest::beside(ctx, entry, directory).unwrap_or_default();
        let project = npm::project(entry, directory, (name, version), needs);
        lock.insert(key_of(directory), project);
    }
}

/// The key of the project in a directory, which no package has.
fn key_of(directory: &str) -> String {
    format!("project {directory}")
}

/// A path relative to a directory, as the lock writes the directories of projects.
fn joined(directory: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in directory.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use plimsoll_model::component::ComponentKind;

    const V9: &str = r"
lockfileVersion: '9.0'

settings:
  autoInstallPeers: true

importers:

  .:
    dependencies:
      '@s/a':
        specifier: ^1.0.0
        version: 1.0.0(peer@3.0.0)
      other:
        specifier: npm:real@^2.0.0
        version: real@2.0.0
    devDependencies:
      tool:
        specifier: ^4.0.0
        version: 4.0.0

  packages/lib:
    dependencies:
      app:
        specifier: workspace:*
        version: link:../..
      repo:
        specifier: github:o/repo
        version: https://codeload.github.com/o/repo/tar.gz/c0ffee

packages:

  '@s/a@1.0.0':
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}
    peerDependencies:
      peer: '*'

  peer@3.0.0:
    resolution: {integrity: sha512-AAAA}

  real@2.0.0:
    resolution: {integrity: sha512-AAAA}
    engines: {node: '>=18'}

  repo@https://codeload.github.com/o/repo/tar.gz/c0ffee:
    resolution: {tarball: https://codeload.github.com/o/repo/tar.gz/c0ffee}
    version: 0.1.0

  tool@4.0.0:
    resolution: {integrity: sha512-AAAA}

snapshots:

  '@s/a@1.0.0(peer@3.0.0)':
    dependencies:
      peer: 3.0.0
    optionalDependencies:
      extra: 5.0.0

  peer@3.0.0: {}

  real@2.0.0: {}

  repo@https://codeload.github.com/o/repo/tar.gz/c0ffee: {}

  tool@4.0.0:
    dependencies:
      real: 2.0.0
";

    const V6: &str = r"
lockfileVersion: '6.0'
dependencies:
  '@s/a':
    specifier: ^1.0.0
    version: 1.0.0(peer@3.0.0)
  other:
    specifier: npm:real@^2.0.0
    version: /real@2.0.0
devDependencies:
  tool:
    specifier: ^4.0.0
    version: 4.0.0
packages:
  /@s/a@1.0.0(peer@3.0.0):
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}
    dependencies:
      peer: 3.0.0
    dev: false
  /peer@3.0.0:
    resolution: {integrity: sha512-AAAA}
    dev: false
  /real@2.0.0:
    resolution: {integrity: sha512-AAAA}
  /tool@4.0.0:
    resolution: {integrity: sha512-AAAA}
    dependencies:
      real: 2.0.0
    dev: true
";

    const V5: &str = r"
lockfileVersion: 5.4
specifiers:
  '@s/a': ^1.0.0
  other: npm:real@^2.0.0
  tool: ^4.0.0
dependencies:
  '@s/a': 1.0.0_peer@3.0.0
  other: /real/2.0.0
devDependencies:
  tool: 4.0.0
packages:
  /@s/a/1.0.0_peer@3.0.0:
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}
    dependencies:
      peer: 3.0.0
    dev: false
  /peer/3.0.0:
    resolution: {integrity: sha512-AAAA}
  /real/2.0.0:
    resolution: {integrity: sha512-AAAA}
  /tool/4.0.0:
    resolution: {integrity: sha512-AAAA}
    dependencies:
      real: 2.0.0
    dev: true
";

    fn tree(lock: &str) -> TestTree {
        TestTree::new()
            .file("srv/app/pnpm-lock.yaml", lock)
            .file("srv/app/package.json", r#"{"name":"app","version":"1.2.3"}"#)
    }

    const SINGLE: [&str; 10] = [
        "pkg:npm/%40s/a@1.0.0",
        "pkg:npm/app@1.2.3",
        "pkg:npm/peer@3.0.0",
        "pkg:npm/real@2.0.0",
        "pkg:npm/tool@4.0.0",
        "pkg:npm/%40s/a@1.0.0 needs pkg:npm/peer@3.0.0",
        "pkg:npm/app@1.2.3 needs pkg:npm/%40s/a@1.0.0",
        "pkg:npm/app@1.2.3 needs pkg:npm/real@2.0.0",
        "pkg:npm/app@1.2.3 needs pkg:npm/tool@4.0.0",
        "pkg:npm/tool@4.0.0 needs pkg:npm/real@2.0.0",
    ];

    #[test]
    fn packages_of_versions_5_and_6() {
        assert_eq!(tree(V5).lines(), SINGLE);
        assert_eq!(tree(V6).lines(), SINGLE);
    }

    #[test]
    fn packages_and_projects_of_version_9() {
        const REPO: &str =
            "pkg:npm/repo@0.1.0?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fo%2Frepo%40c0ffee";
        let mut expect: Vec<String> = SINGLE.map(str::to_owned).to_vec();
        expect.insert(2, "pkg:npm/lib".to_owned());
        expect.insert(5, REPO.to_owned());
        expect.insert(11, "pkg:npm/lib needs pkg:npm/app@1.2.3".to_owned());
        expect.insert(12, format!("pkg:npm/lib needs {REPO}"));
        assert_eq!(tree(V9).lines(), expect);
    }

    #[test]
    fn scopes_hashes_and_kinds() {
        for lock in [V5, V6, V9] {
            let inventory = tree(lock).catalog();
            let of = |name: &str| {
                inventory.components().iter().find(|found| found.name == name).unwrap()
            };
            assert_eq!(of("@s/a").hashes[0].hex, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
            assert_eq!(of("app").kind, ComponentKind::Application);
            assert_eq!(of("tool").scope, Scope::Development);
            assert_eq!(of("real").scope, Scope::Required);
            assert_eq!(of("peer").kind, ComponentKind::Library);
        }
    }

    #[test]
    fn what_was_left_out_is_not_aboard() {
        let installed = tree(V9)
            .file("srv/app/node_modules/@s/a/package.json", r#"{"name":"@s/a","version":"1.0.0"}"#);
        let lines = installed.lines();
        assert!(lines.contains(&"pkg:npm/%40s/a@1.0.0".to_owned()));
        assert!(lines.contains(&"pkg:npm/real@2.0.0".to_owned()));
        assert!(!lines.contains(&"pkg:npm/tool@4.0.0".to_owned()), "{lines:?}");
    }

    #[test]
    fn keys_of_all_versions() {
        for (key, name, version) in [
            ("/a/1.0.0_b@2.0.0+c@3.0.0", "a", Some("1.0.0")),
            ("/@s/a/1.0.0", "@s/a", Some("1.0.0")),
            ("registry.example.com/@s/a/1.0.0", "@s/a", Some("1.0.0")),
            ("/@s/a@1.0.0-rc.1(b@2.0.0(c@3.0.0))", "@s/a", Some("1.0.0-rc.1")),
            ("a@1.0.0(@s/b_c@2.0.0)", "a", Some("1.0.0")),
            ("a@file:../1.0_0", "a", None),
            ("@s/7_b@1.0.0", "@s/7_b", Some("1.0.0")),
            ("a@git+https://example.com/1_b.git#c0ffee", "a", None),
        ] {
            let locked = locked(key, &Package::default());
            assert_eq!((locked.name.as_str(), locked.version.as_deref()), (name, version), "{key}");
        }
    }

    #[test]
    fn directories_are_joined() {
        for (directory, path, expect) in [
            (".", "packages/a", "packages/a"),
            ("packages/a", "../b", "packages/b"),
            ("packages/a", "../..", "."),
            (".", "../x", "../x"),
        ] {
            assert_eq!(joined(directory, path), expect);
        }
    }

    #[test]
    fn a_lock_of_20_000_packages_is_read() {
        use std::fmt::Write as _;
        let (mut packages, mut snapshots) = (String::new(), String::new());
        for number in 0..20_000 {
            let [one, two, three] = [1, 2, 3].map(|step| (number + step) % 20_000);
            write!(packages, "  p{number}@1.0.0:\n    resolution: {{integrity: sha512-AAAA}}\n")
                .unwrap();
            write!(
                snapshots,
                "  p{number}@1.0.0:\n    dependencies:\n      p{one}: 1.0.0\n      p{two}: 1.0.0\n      p{three}: 1.0.0\n"
            )
            .unwrap();
        }
        let lock = format!(
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      p0:\n        \
             specifier: 1.0.0\n        version: 1.0.0\npackages:\n{packages}snapshots:\n{snapshots}"
        );
        let inventory = TestTree::new().file("srv/app/pnpm-lock.yaml", lock).catalog();
        assert_eq!(inventory.unknowns, []);
        assert_eq!(inventory.components().len(), 20_001);
        assert!(inventory.relations().len() > 50_000);
    }

    #[test]
    fn what_is_no_lock_or_half_of_one_is_an_unknown() {
        const FILE: &str = "pnpm-lock: /pnpm-lock.yaml: ";
        let bomb = format!("a: &a [x, x]\nb: &b [*a, *a]\npackages: {}", "[".repeat(50_000));
        for (lock, expect) in [
            ("lockfileVersion: '9.0'\n", "the lock lists no package"),
            ("importers:\n", "the lock lists no package"),
            ("", "the lock lists no package"),
            ("packages: [", "malformed: "),
            ("packages: {a@1: {}, a@1: {}}", "malformed: "),
            ("packages: 7", "malformed: "),
            ("\0", "malformed: "),
            (bomb.as_str(), "malformed: "),
        ] {
            let lines = TestTree::new().file("pnpm-lock.yaml", lock).lines();
            let [line] = lines.as_slice() else { panic!("{lock:.40}: {lines:?}") };
            assert!(line.starts_with(&format!("{FILE}{expect}")), "{line}");
        }
        let lines = TestTree::new()
            .file(
                "pnpm-lock.yaml",
                "packages:\n  a@1.0.0:\n    dependencies: {b: 2.0.0}\n  '': {}\n  a:\n",
            )
            .lines();
        assert_eq!(
            lines,
            [
                "pkg:npm/a",
                "pkg:npm/a@1.0.0",
                &format!("{FILE}`a@1.0.0` needs `b@2.0.0`, which the lock does not have"),
                &format!("{FILE}malformed package URL `pkg:npm/`: missing name"),
                &format!("{FILE}package `a` states no version"),
            ]
        );
    }
}
