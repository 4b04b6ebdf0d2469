//! npm packages as installed: `package.json` at the root of each, in `node_modules` and where Debian puts them.
//!
//! Format: <https://docs.npmjs.com/cli/v11/configuring-npm/package-json>.

use super::{Cataloger, Context, Files, Found};
use crate::{npm, relate::node_candidates};
use plimsoll_model::{
    TreePath,
    component::ComponentId,
    inventory::Coverage,
    tree::{Entry, EntryKind, Want},
};
use rayon::prelude::*;
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeMap};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "npm-installed",
    description: "npm packages installed in node_modules or /usr/share/nodejs",
    files: &[Files::Named("package.json")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

/// Debian's node looks here when nothing nearer is found.
const DEBIAN: &str = "usr/share/nodejs";

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    if root(path).is_some() { Want::Content } else { Want::Nothing }
}

/// The directory of the package that a `package.json` is the root of.
fn root(path: &TreePath) -> Option<Cow<'_, str>> {
    // A path does not have to be text: a byte that is none must not hide a package.
    let directory = String::from_utf8_lossy(path.as_bytes().strip_suffix(b"/package.json")?);
    name_of(&directory).is_some().then_some(directory)
}

/// The name that the directory gives the package in it.
fn name_of(directory: &str) -> Option<&str> {
    let in_modules = match directory.rsplit_once("node_modules/") {
        Some((above, name)) if above.is_empty() || above.ends_with('/') => Some(name),
        Some(_) | None => None,
    };
    let name = in_modules.or_else(|| directory.strip_prefix(DEBIAN)?.strip_prefix('/'))?;
    let bare = match name.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/')?.1,
        None => name,
    };
    let is_root = !bare.is_empty() && !bare.contains('/') && !name.starts_with('.');
    is_root.then_some(name)
}

struct Installed<'a> {
    entry: &'a Entry,
    directory: Cow<'a, str>,
    manifest: Map<String, Value>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    let read: Vec<_> = ctx.files.par_iter().map(|entry| read(ctx, entry)).collect();
    let mut found = Found::default();
    let mut by_directory = BTreeMap::new();
    let mut installed = Vec::new();
    for (one, package) in read {
        found.absorb(one);
        let Some(package) = package else { continue };
        if let Some(id) = add(ctx, &package, &mut found) {
            by_directory.insert(package.directory.to_string(), id);
            installed.push((id, package));
        }
    }
    for (id, package) in &installed {
        for name in needs(&package.manifest) {
            if let Some(to) = resolve(ctx, &by_directory, &package.directory, name) {
                ctx.depends(&mut found, *id, &[to]);
            }
        }
    }
    note_moved(ctx, &mut found);
    found
}

/// Notes packages that are required by way of a link named `node_modules` to a directory that is not named so: nothing
/// but the name tells that there are packages in it.
fn note_moved(ctx: &Context<'_>, found: &mut Found) {
    let links = ctx.tree.entries().filter(|entry| {
        matches!(entry.kind, EntryKind::Symlink(_)) && entry.path.file_name() == b"node_modules"
    });
    let manifests = ctx.tree.entries().map(|entry| entry.path);
    let mut manifests: Vec<_> =
        manifests.filter(|path| path.as_bytes().ends_with(b"/package.json")).collect();
    manifests.sort_unstable();
    let is_unread = |to: &Entry| {
        let inside = [to.path.as_bytes(), b"/"].concat();
        let first = manifests.partition_point(|path| path.as_bytes() < inside.as_slice());
        to.path.file_name() != b"node_modules"
            && to.path.as_bytes() != DEBIAN.as_bytes()
            && manifests.get(first).is_some_and(|path| path.as_bytes().starts_with(&inside))
    };
    for link in links {
        if let Some(to) = ctx.tree.resolve(&link.path).ok().filter(is_unread) {
            let reason = format!("it leads to `{}`, whose packages were not read", to.path);
            ctx.note(found, &link, reason);
        }
    }
}

fn read<'a>(ctx: &Context<'a>, entry: &'a Entry) -> (Found, Option<Installed<'a>>) {
    let mut found = Found::default();
    let bytes = ctx.read(entry, ctx.limits.package_metadata, &mut found);
    let Some((directory, bytes)) = root(&entry.path).zip(bytes) else { return (found, None) };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let manifest = serde_json::from_slice(bytes)
        .map_err(|error| ctx.note(&mut found, entry, format!("malformed: {error}")));
    let package = manifest.ok().map(|manifest| Installed { entry, directory, manifest });
    (found, package)
}

fn add(ctx: &Context<'_>, package: &Installed<'_>, found: &mut Found) -> Option<ComponentId> {
    let Installed { entry, directory, manifest } = package;
    let text = |key| manifest.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (name, version) = (text("name"), text("version"));
    if name.is_none() && version.is_none() {
        // `{"type": "module"}` marks the kind of the sources below, and names no package.
        if !manifest.contains_key("type") {
            let reason = "a package states neither name nor version";
            ctx.note(found, entry, reason);
        }
        return None;
    }
    let name = name.or_else(|| name_of(directory))?;
    let id = npm::add(ctx, found, entry, (name, version))?;
    let component = found.at(id)?;
    component.licenses = npm::licenses(manifest.get("license").or(manifest.get("licenses")));
    component.supplier = manifest.get("author").and_then(person);
    Some(id)
}

/// A person, as text or as an object with a name and an address.
fn person(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return (!text.trim().is_empty()).then(|| text.trim().to_owned());
    }
    let name = value.get("name")?.as_str()?;
    Some(match value.get("email").and_then(Value::as_str) {
        Some(email) => format!("{name} <{email}>"),
        None => name.to_owned(),
    })
}

/// The names of everything that a package may require.
fn needs(manifest: &Map<String, Value>) -> impl Iterator<Item = &str> {
    ["dependencies", "optionalDependencies", "peerDependencies"]
        .into_iter()
        .filter_map(|key| manifest.get(key)?.as_object())
        .flat_map(|names| names.keys().map(String::as_str))
}

/// As [`npm::resolve`], with the links of pnpm and workspaces followed, and Debian's directory last.
fn resolve(
    ctx: &Context<'_>,
    by_directory: &BTreeMap<String, ComponentId>,
    from: &str,
    name: &str,
) -> Option<ComponentId> {
    let linked = |directory: &str| {
        let path = TreePath::parse(directory.as_bytes()).ok()?;
        if !matches!(ctx.tree.entry(&path)?.kind, EntryKind::Symlink(_)) {
            return None;
        }
        by_directory.get(ctx.tree.resolve(&path).ok()?.path.as_str()?).copied()
    };
    node_candidates(from, name)
        .chain([format!("{DEBIAN}/{name}")])
        .find_map(|directory| by_directory.get(&directory).copied().or_else(|| linked(&directory)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    #[track_caller]
    fn check(files: &[(&str, &str)], expect: &[&str]) {
        let tree = files.iter().fold(TestTree::new(), |tree, (path, text)| tree.file(path, text));
        assert_eq!(tree.lines(), expect);
    }

    #[track_caller]
    fn check_root(path: &str, expect: Option<&str>) {
        let path = TreePath::parse(path.as_bytes()).unwrap();
        assert_eq!(root(&path).as_deref().and_then(name_of), expect);
    }

    #[test]
    fn only_roots_of_packages_count() {
        check_root("node_modules/a/package.json", Some("a"));
        check_root("x/node_modules/@s/a/package.json", Some("@s/a"));
        check_root("x/node_modules/a/node_modules/b/package.json", Some("b"));
        check_root("usr/share/nodejs/a/package.json", Some("a"));
        check_root("usr/share/nodejs/@s/a/package.json", Some("@s/a"));
        check_root("usr/share/nodejs/a/node_modules/b/package.json", Some("b"));
        check_root("usr/share/nodejs/a/esm/package.json", None);
        check_root("x/node_modules/a/esm/package.json", None);
        check_root("x/node_modules/@s/package.json", None);
        check_root("x/node_modules/@s/a/b/package.json", None);
        check_root("x/node_modules/.cache/package.json", None);
        check_root("x/my_node_modules/a/package.json", None);
        check_root("srv/app/package.json", None);
        check_root("node_modules/package.json", None);
    }

    #[test]
    fn packages_and_what_they_get_when_they_require() {
        check(
            &[
                (
                    "app/node_modules/a/package.json",
                    r#"{"name":"a","version":"1.0.0","dependencies":{"b":"*","d":"*","absent":"1"}}"#,
                ),
                (
                    "app/node_modules/a/node_modules/b/package.json",
                    r#"{"name":"b","version":"2.0.0"}"#,
                ),
                (
                    "app/node_modules/b/package.json",
                    r#"{"name":"b","version":"1.0.0","optionalDependencies":{"a":"*"}}"#,
                ),
                ("usr/share/nodejs/d/package.json", r#"{"name":"d","version":"4.0.0"}"#),
            ],
            &[
                "pkg:npm/a@1.0.0",
                "pkg:npm/b@1.0.0",
                "pkg:npm/b@2.0.0",
                "pkg:npm/d@4.0.0",
                "pkg:npm/a@1.0.0 needs pkg:npm/b@2.0.0",
                "pkg:npm/a@1.0.0 needs pkg:npm/d@4.0.0",
                "pkg:npm/b@1.0.0 needs pkg:npm/a@1.0.0",
            ],
        );
    }

    #[test]
    fn a_path_that_is_no_text_hides_nothing() {
        let tree = TestTree::new()
            .file(b"srv/\xff\x01/node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#)
            .file(b"srv/node_modules/b\xff/package.json", r#"{"version":"2.0.0"}"#);
        assert_eq!(tree.lines(), ["pkg:npm/a@1.0.0", "pkg:npm/b%EF%BF%BD@2.0.0"]);
    }

    #[test]
    fn links_of_pnpm_are_followed() {
        let tree = TestTree::new()
            .file(
                "node_modules/.pnpm/a@1/node_modules/a/package.json",
                r#"{"name":"a","version":"1.0.0","dependencies":{"b":"*"}}"#,
            )
            .file(
                "node_modules/.pnpm/b@1/node_modules/b/package.json",
                r#"{"name":"b","version":"1.0.0"}"#,
            )
            .link("node_modules/.pnpm/a@1/node_modules/b", "../../b@1/node_modules/b");
        assert_eq!(
            tree.lines(),
            ["pkg:npm/a@1.0.0", "pkg:npm/b@1.0.0", "pkg:npm/a@1.0.0 needs pkg:npm/b@1.0.0"]
        );
    }

    #[test]
    fn byte_order_mark_prefix_and_missing_name() {
        check(
            &[
                ("node_modules/a/package.json", "\u{feff}{\"name\":\"a\",\"version\":\"v2.0.0\"}"),
                ("node_modules/@s/b/package.json", r#"{"version":"1.0.0"}"#),
            ],
            &["pkg:npm/%40s/b@1.0.0", "pkg:npm/a@2.0.0"],
        );
    }

    #[test]
    fn licence_and_author() {
        let tree = TestTree::new().file(
            "node_modules/a/package.json",
            r#"{"name":"a","version":"1","licenses":[{"type":"MIT"}],"author":{"name":"A","email":"a@x"}}"#,
        );
        let inventory = tree.catalog();
        assert_eq!(inventory.components()[0].licenses, ["MIT"]);
        assert_eq!(inventory.components()[0].supplier.as_deref(), Some("A <a@x>"));
    }

    #[test]
    fn what_states_no_version_or_is_no_manifest_is_an_unknown() {
        check(
            &[
                ("node_modules/a/package.json", r#"{"name":"a"}"#),
                ("node_modules/b/package.json", r#"{"type":"module"}"#),
                ("node_modules/c/package.json", r#"{"private":true}"#),
                ("node_modules/d/package.json", "{"),
                ("node_modules/e/package.json", r#"{"name":7,"version":[]}"#),
            ],
            &[
                "pkg:npm/a",
                "npm-installed: /node_modules/a/package.json: package `a` states no version",
                "npm-installed: /node_modules/c/package.json: a package states neither name nor version",
                "npm-installed: /node_modules/d/package.json: malformed: EOF while parsing an object at line 1 column 1",
                "npm-installed: /node_modules/e/package.json: a package states neither name nor version",
            ],
        );
    }
}
