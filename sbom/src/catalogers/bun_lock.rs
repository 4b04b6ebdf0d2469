//! npm packages, from `bun.lock`.
//!
//! Format: <https://bun.sh/docs/install/lockfile>, versions 0 and 1: JSON with comments. A package is a list whose first
//! element is its name and where it was found; its key is the way to it through `node_modules`, as in `a/b`. The binary form
//! that came before, `bun.lockb`, has no specification and is an unknown.

use super::{Cataloger, Context, Files, Found};
use crate::{
    jsonc,
    locked::{Lock, Locked, Need},
    npm::{self, Manifest},
    origin::Origin,
};
use plimsoll_model::{TreePath, component::Scope, inventory::Coverage, tree::Entry};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "bun-lock",
    description: "npm packages in bun.lock",
    files: &[Files::Named("bun.lock"), Files::Named("bun.lockb")],
    earlier: &[],
    want: npm::want_lock,
    edges: Coverage::Complete,
    catalog,
};

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    workspaces: BTreeMap<String, Manifest>,
    packages: Option<Packages>,
}

type Packages = BTreeMap<String, Vec<Value>>;

/// The longest key of a package, in bytes: a name has at most 214, and few packages lie deep.
const LONGEST_KEY: usize = 1_024;

/// How many packages deep one lies in others.
const DEEPEST: usize = 32;

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        if entry.path.file_name() == b"bun.lockb" {
            return binary(ctx, entry, found);
        }
        match jsonc::read::<File>(bytes) {
            Ok(File { workspaces, packages: Some(packages) }) => {
                let mut lock = packages_of(ctx, entry, &packages, found);
                projects(ctx, entry, (&workspaces, &packages), &mut lock);
                npm::add_locked(ctx, entry, &lock, found);
            }
            Ok(_) => ctx.note(found, entry, "the lock lists no package"),
            Err(error) => ctx.note(found, entry, format!("malformed: {error}")),
        }
    })
}

/// Bun writes both forms only where it is told to; then the one that is read tells everything.
fn binary(ctx: &Context<'_>, entry: &Entry, found: &mut Found) {
    let text = entry.path.parent().and_then(|project| project.join("bun.lock").ok());
    if text.is_none_or(|path: TreePath| ctx.tree.entry(&path).is_none()) {
        let reason = "the binary form of Bun's lock is not read: \
            `bun install --save-text-lockfile` writes it as text";
        ctx.note(found, entry, reason);
    }
}

fn packages_of(ctx: &Context<'_>, entry: &Entry, packages: &Packages, found: &mut Found) -> Lock {
    let mut lock = Lock::new();
    for (key, list) in packages {
        if key.len() > LONGEST_KEY {
            ctx.note(found, entry, format!("the key of package `{key}` is too long"));
            continue;
        }
        match package(list) {
            Some(Listed::Package(mut locked)) => {
                let manifest = list.iter().find(|value| value.is_object());
                locked.needs = needs(manifest, key, packages);
                lock.insert(key.clone(), locked);
            }
            Some(Listed::Project) => {}
            None => ctx.note(found, entry, format!("package `{key}` is malformed")),
        }
    }
    lock
}

/// What an entry of the lock is.
enum Listed {
    Package(Locked),
    /// One of the workspace: its directory is among those.
    Project,
}

fn package(list: &[Value]) -> Option<Listed> {
    let (name, found) = npm::split_descriptor(list.first()?.as_str()?)?;
    if ["workspace:", "root:", "link:"].iter().any(|prefix| found.starts_with(prefix)) {
        return Some(Listed::Project);
    }
    let is_address = found.contains(':') || found.contains('/');
    let origin = if found.starts_with("file:") || (is_address && !found.contains(':')) {
        Some(Origin::path(found))
    } else if is_address {
        npm::origin(found).or_else(|| Some(Origin::download(found)))
    } else {
        // The address of the archive, or of the registry.
        let address = list.get(1).and_then(Value::as_str);
        address.filter(|address| address.contains(".tgz")).and_then(npm::origin)
    };
    let hash = list.iter().skip(1).rev().find_map(Value::as_str).unwrap_or_default();
    Some(Listed::Package(Locked {
        name: name.to_owned(),
        version: (!is_address).then(|| found.to_owned()),
        origin,
        hashes: npm::integrity(hash),
        ..Locked::default()
    }))
}

/// What a package needs, by the keys of what it gets.
fn needs(manifest: Option<&Value>, key: &str, packages: &Packages) -> Vec<Need> {
    let of = |kind: &str| manifest.and_then(|manifest| manifest.get(kind)?.as_object());
    // Peers may be absent where their package says so, and optional packages on other systems.
    [
        ("dependencies", Scope::Required),
        ("peerDependencies", Scope::Required),
        ("optionalDependencies", Scope::Optional),
    ]
    .into_iter()
    .flat_map(|(kind, scope)| of(kind).into_iter().flatten().map(move |(name, _)| (name, scope)))
    .filter_map(|(name, scope)| Some(Need { to: target(packages, key, name)?, scope }))
    .collect()
}

/// The key of what the package `key` gets when it requires `name`: the nearest on the way to the top. A project of the
/// workspace has a key of its own.
fn target(packages: &Packages, key: &str, name: &str) -> Option<String> {
    let mut above = Some(key);
    for _ in 0..DEEPEST {
        let Some(directory) = above.filter(|above| !above.is_empty()) else { break };
        let inner = format!("{directory}/{name}");
        if packages.contains_key(&inner) {
            return key_of(packages, inner);
        }
        // `@scope/name` is one step.
        above = directory.rsplit_once('/').map(|(above, _)| above);
        above = above.map(|above| match above.rsplit_once('/') {
            Some((upper, scope)) if scope.starts_with('@') => upper,
            None if above.starts_with('@') => "",
            Some(_) | None => above,
        });
    }
    packages.contains_key(name).then(|| key_of(packages, name.to_owned())).flatten()
}

/// The key in [`Lock`]: that of the package itself, or of the project that it stands for.
fn key_of(packages: &Packages, key: String) -> Option<String> {
    let (_, found) = npm::split_descriptor(packages.get(&key)?.first()?.as_str()?)?;
    match found.strip_prefix("workspace:").or(found.strip_prefix("root:")) {
        Some(directory) => Some(project_key(directory)),
        None => (!found.starts_with("link:")).then_some(key),
    }
}

/// The key of the project in a directory, which no package has.
fn project_key(directory: &str) -> String {
    format!("project {directory}")
}

/// Adds the projects of the workspace. Their versions are not always in the lock, and are in their manifests.
fn projects(
    ctx: &Context<'_>,
    entry: &Entry,
    (workspaces, packages): (&BTreeMap<String, Manifest>, &Packages),
    lock: &mut Lock,
) {
    for (directory, workspace) in workspaces {
        let key = workspace.name.as_deref().unwrap_or_default();
        let needs = workspace.needs().filter_map(|(name, range, scope)| {
            let to = target(packages, key, name);
            let is_linked = range.starts_with("link:");
            let to = to.or_else(|| (!is_linked).then(|| name.to_owned()))?;
            Some(Need { to, scope })
        });
        let needs = needs.collect();
        let own = Manifest::beside(ctx, entry, directory).unwrap_or_default();
        let name = own.name.or_else(|| workspace.name.clone());
        let version = own.version.or_else(|| workspace.version.clone());
        let project = npm::project(entry, directory, (name, version), needs);
        lock.insert(project_key(directory), project);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use plimsoll_model::component::ComponentKind;

    const LOCK: &str = r#"{
  "lockfileVersion": 1,
  "workspaces": {
    "": {
      "name": "root",
      "dependencies": { "a": "^1.0.0", "repo": "github:o/repo", },
      "devDependencies": { "tool": "^4.0.0", },
    },
    "packages/lib": {
      "name": "@w/lib",
      "version": "0.1.0",
      "dependencies": { "b": "^1.0.0", "root": "workspace:*", },
    },
  },
  "packages": {
    "a": ["a@1.0.0", "", { "dependencies": { "@s/b": "^2.0.0", "b": "^2" }, "peerDependencies": { "absent": "*" } }, "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="],

    "@s/b": ["@s/b@2.0.0", "", { "dependencies": { "b": "^2.0.0" }, "optionalDependencies": { "extra": "1" } }, "sha512-AAAA"],

    "b": ["b@2.0.0", "https://npm.example.com/b/-/b-2.0.0.tgz", {}, "sha512-AAAA"],

    "@w/lib": ["@w/lib@workspace:packages/lib"],

    "root": ["root@workspace:"],

    "@w/lib/b": ["b@1.0.0", "", { "dependencies": { "@s/b": "*" } }, "sha512-AAAA"], // older

    "@w/lib/b/@s/b": ["@s/b@1.0.0", "", { "dependencies": { "b": "1" } }, "sha512-AAAA"],

    "repo": ["repo@github:o/repo#c0ffee", { "dependencies": { "b": "*" } }, "o-repo-c0ffee"],

    "tool": ["tool@4.0.0", "", { "bin": { "tool": "x.js" } }, "sha512-AAAA"],
  }
}"#;

    #[test]
    fn packages_projects_and_what_they_get() {
        const REPO: &str = "pkg:npm/repo?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fo%2Frepo%40c0ffee";
        assert_eq!(
            TestTree::new().file("srv/bun.lock", LOCK).lines(),
            [
                "pkg:npm/%40s/b@1.0.0",
                "pkg:npm/%40s/b@2.0.0",
                "pkg:npm/%40w/lib@0.1.0",
                "pkg:npm/a@1.0.0",
                "pkg:npm/b@1.0.0",
                "pkg:npm/b@2.0.0",
                REPO,
                "pkg:npm/root",
                "pkg:npm/tool@4.0.0",
                "pkg:npm/%40s/b@1.0.0 needs pkg:npm/b@1.0.0",
                "pkg:npm/%40s/b@2.0.0 needs pkg:npm/b@2.0.0",
                "pkg:npm/%40w/lib@0.1.0 needs pkg:npm/b@1.0.0",
                "pkg:npm/%40w/lib@0.1.0 needs pkg:npm/root",
                "pkg:npm/a@1.0.0 needs pkg:npm/%40s/b@2.0.0",
                "pkg:npm/a@1.0.0 needs pkg:npm/b@2.0.0",
                "pkg:npm/b@1.0.0 needs pkg:npm/%40s/b@1.0.0",
                &format!("{REPO} needs pkg:npm/b@2.0.0"),
                "pkg:npm/root needs pkg:npm/a@1.0.0",
                &format!("pkg:npm/root needs {REPO}"),
                "pkg:npm/root needs pkg:npm/tool@4.0.0",
                "bun-lock: /srv/bun.lock: package `repo` states no version",
            ]
        );
    }

    #[test]
    fn scopes_hashes_and_kinds() {
        let inventory = TestTree::new()
            .file("bun.lock", LOCK)
            .file("package.json", r#"{"name": "root", "version": "7.0.0"}"#)
            .catalog();
        let of =
            |name: &str| inventory.components().iter().find(|found| found.name == name).unwrap();
        assert_eq!(of("a").hashes[0].hex, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(of("tool").scope, Scope::Development);
        assert_eq!(of("a").scope, Scope::Required);
        assert_eq!(of("root").kind, ComponentKind::Application);
        assert_eq!(of("root").version.as_deref(), Some("7.0.0"));
    }

    #[test]
    fn the_binary_form_is_an_unknown_unless_the_text_is_beside_it() {
        let binary = TestTree::new().file(
            "srv/bun.lockb",
            "#!/usr/bin/env bun
bun-lockfile\0",
        );
        assert_eq!(
            binary.lines(),
            ["bun-lock: /srv/bun.lockb: the binary form of Bun's lock is not read: \
                `bun install --save-text-lockfile` writes it as text"]
        );
        let both = binary.file("srv/bun.lock", LOCK);
        assert_eq!(both.lines().len(), 21);
        assert_eq!(TestTree::new().file("node_modules/a/bun.lock", LOCK).lines(), [""; 0]);
    }

    #[test]
    fn what_is_malformed_does_not_hide_the_rest() {
        let long = "a/".repeat(1_000);
        let lock = format!(
            r#"{{"packages": {{"a": ["a@1.0.0", "", {{}}, "sha512-x"], "b": [], "c": [7], "d": ["d"],
                "e": ["e@./e.tgz", {{}}], "{long}": ["f@1"], "g": ["g@1.0.0", "", {{"dependencies": []}}]}}}}"#
        );
        let lines = TestTree::new().file("bun.lock", lock).lines();
        let (found, unknown): (Vec<_>, Vec<_>) =
            lines.iter().partition(|line| line.starts_with("pkg:"));
        let e = "pkg:npm/e?download_url=file:.%2Fe.tgz";
        assert_eq!(found, ["pkg:npm/a@1.0.0", e, "pkg:npm/g@1.0.0"]);
        assert_eq!(unknown.len(), 5, "{unknown:?}");
        assert!(unknown[0].ends_with("package `b` is malformed"), "{unknown:?}");
    }

    #[test]
    fn what_is_no_lock_is_an_unknown() {
        let deep = format!(r#"{{"packages": {{"a": {}"#, "[".repeat(100_000));
        let missing = r#"{"workspaces": {"": {"dependencies": {"a": "1"}}}, "packages": {}}"#;
        for (lock, expect) in [
            ("", "malformed: "),
            ("{", "malformed: "),
            ("{}", "the lock lists no package"),
            (r#"{"packages": {"a": 1}}"#, "malformed: "),
            (deep.as_str(), "malformed: "),
            (missing, "`project ` needs `a`, which the lock does not have"),
        ] {
            let lines = TestTree::new().file("bun.lock", lock).lines();
            let line = lines.last().unwrap();
            assert!(line.starts_with(&format!("bun-lock: /bun.lock: {expect}")), "{line}");
        }
    }
}
