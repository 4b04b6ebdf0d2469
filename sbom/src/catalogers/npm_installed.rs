//! npm packages as installed: `package.json` at the root of each, in `node_modules` and where Debian puts them.
//!
//! Format: <https://docs.npmjs.com/cli/v11/configuring-npm/package-json>.
//! Beside a `node_modules` stands the manifest of the project that the packages are for. In it there may be the hidden lock
//! of npm, which says where each package came from and what for. Some packages have others compiled or copied into them,
//! whose manifests they keep (`dist/compiled/NAME`, `vendor/NAME`): these are claims, as nothing tells what is left of them.

use super::{Cataloger, Context, Files, Found};
use crate::{
    npm::{self, DEBIAN, Provenance},
    origin::Origin,
    relate::node_candidates,
};
use memchr::memmem;
use plimsoll_model::{
    TreePath,
    component::{ComponentId, Trust},
    inventory::Coverage,
    tree::{Entry, EntryKind, Want},
};
use rayon::prelude::*;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "npm-installed",
    description: "npm packages installed in node_modules or /usr/share/nodejs, and the projects that they are for",
    files: &[Files::Named("package.json"), Files::Named(HIDDEN_LOCK)],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

/// What npm writes into `node_modules` about what it put there.
const HIDDEN_LOCK: &str = ".package-lock.json";

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let directory = directory(path);
    let is_wanted = match path.file_name() {
        b"package.json" => role(&directory).is_some(),
        _ => directory == "node_modules" || directory.ends_with("/node_modules"),
    };
    if is_wanted { Want::Content } else { Want::Nothing }
}

/// The directory of a file. A path does not have to be text: a byte that is none must not hide a package.
fn directory(path: &TreePath) -> Cow<'_, str> {
    let end = path.as_bytes().iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    String::from_utf8_lossy(path.as_bytes().get(..end).unwrap_or_default())
}

/// What a `package.json` in a directory speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role<'a> {
    /// The package installed there, and the name that the directory gives it.
    Package(&'a str),
    /// One that was compiled or copied into the package installed in the first directory, under the second name.
    Compiled(&'a str, &'a str),
    /// A project, if packages are installed for it.
    Project,
}

fn role(directory: &str) -> Option<Role<'_>> {
    if let Some(name) = name_of(directory) {
        return Some(Role::Package(name));
    }
    if let Some((package, name)) =
        inside(directory).filter(|(package, _)| name_of(package).is_some())
    {
        return Some(Role::Compiled(package, name));
    }
    let mut parts = directory.split('/');
    let of_debian = directory.strip_prefix(DEBIAN);
    let of_debian = of_debian.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_installed = of_debian || parts.any(|part| part == "node_modules");
    (!is_installed).then_some(Role::Project)
}

/// The directory of a package, and the name under which another lies in it, compiled or copied.
fn inside(directory: &str) -> Option<(&str, &str)> {
    let copied = || {
        let (package, name) = directory.rsplit_once("/vendor/")?;
        bare(name).is_some_and(|bare| !bare.contains('/')).then_some((package, name))
    };
    directory.rsplit_once("/dist/compiled/").or_else(copied)
}

/// A name without its scope; `None` for a scope alone.
fn bare(name: &str) -> Option<&str> {
    match name.strip_prefix('@') {
        Some(scoped) => Some(scoped.split_once('/')?.1),
        None => Some(name),
    }
}

/// The name that the directory gives the package in it.
fn name_of(directory: &str) -> Option<&str> {
    let in_modules = match directory.rsplit_once("node_modules/") {
        Some((above, name)) if above.is_empty() || above.ends_with('/') => Some(name),
        Some(_) | None => None,
    };
    let name = in_modules.or_else(|| directory.strip_prefix(DEBIAN)?.strip_prefix('/'))?;
    let bare = bare(name)?;
    let is_root = !bare.is_empty() && !bare.contains('/') && !name.starts_with('.');
    is_root.then_some(name)
}

/// The fields of a manifest that are looked at: some manifests have thousands, and there are thousands of manifests.
struct Manifest(Map<String, Value>);

/// In the order of the alphabet.
const FIELDS: [&str; 14] = [
    "_integrity",
    "_resolved",
    "author",
    "bundleDependencies",
    "bundledDependencies",
    "dependencies",
    "devDependencies",
    "license",
    "licenses",
    "name",
    "optionalDependencies",
    "peerDependencies",
    "type",
    "version",
];

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Manifest;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a map")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Manifest, M::Error> {
                let mut fields = Map::new();
                while let Some(key) = map.next_key::<Cow<'_, str>>()? {
                    if FIELDS.binary_search(&key.as_ref()).is_ok() {
                        fields.insert(key.into_owned(), map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Manifest(fields))
            }
        }

        from.deserialize_map(Fields)
    }
}

/// A manifest, and of what it says what is asked later: there may be thousands at once.
struct Installed<'a> {
    entry: &'a Entry,
    directory: Cow<'a, str>,
    name: Option<String>,
    version: Option<String>,
    licenses: Vec<String>,
    author: Option<String>,
    /// The names of everything that it may require.
    needs: Vec<Box<str>>,
    /// The names of what it is developed with.
    dev_needs: Vec<Box<str>>,
    /// The names of what came inside its archive.
    bundled: Vec<Box<str>>,
    /// Whether it says what kind the sources below are: `{"type": "module"}` alone names no package.
    has_type: bool,
    /// What npm wrote into each manifest before version 7: where it had the package from, and its digest.
    resolved: Option<String>,
    integrity: Option<String>,
}

impl<'a> Installed<'a> {
    fn new(entry: &'a Entry, directory: Cow<'a, str>, Manifest(fields): &Manifest) -> Self {
        let text = |key| {
            let text = fields.get(key).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let needs = ["dependencies", "optionalDependencies", "peerDependencies"];
        // What came inside may be said in two ways, and of all dependencies at once.
        let bundled = |key| {
            let is_all = fields.get(key) == Some(&Value::Bool(true));
            let all = is_all.then(|| names(fields.get("dependencies"))).into_iter().flatten();
            names(fields.get(key)).chain(all)
        };
        Self {
            entry,
            directory,
            name: text("name"),
            version: text("version"),
            licenses: npm::licenses(fields.get("license").or(fields.get("licenses"))),
            author: fields.get("author").and_then(person),
            needs: needs.into_iter().flat_map(|key| names(fields.get(key))).collect(),
            dev_needs: names(fields.get("devDependencies")).collect(),
            bundled: ["bundleDependencies", "bundledDependencies"]
                .into_iter()
                .flat_map(bundled)
                .collect(),
            has_type: fields.contains_key("type"),
            resolved: text("_resolved"),
            integrity: text("_integrity"),
        }
    }
}

/// The names in a value, which is an object or a list.
fn names(value: Option<&Value>) -> impl Iterator<Item = Box<str>> {
    let keys = value.and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let list = value.and_then(Value::as_array).into_iter().flatten();
    keys.map(String::as_str).chain(list.filter_map(Value::as_str)).map(Box::from)
}

fn catalog(ctx: &Context<'_>) -> Found {
    let mut found = Found::default();
    let provenance = hidden_locks(ctx, &mut found);
    let read: Vec<_> = ctx.files.par_iter().map(|entry| read(ctx, entry)).collect();
    let mut by_directory = ByDirectory::of(ctx);
    let mut installed = Vec::new();
    let (mut compiled, mut projects) = (Vec::new(), Vec::new());
    for (one, package) in read {
        found.absorb(one);
        let Some(package) = package else { continue };
        match role(&package.directory) {
            Some(Role::Package(name)) => {
                let provenance = provenance.get(package.directory.as_ref());
                if let Some(id) = add(ctx, (&package, name), provenance, &mut found) {
                    by_directory.insert(name, &package.directory, id);
                    installed.push((id, package));
                }
            }
            Some(Role::Compiled(..)) => compiled.push(package),
            Some(Role::Project) => projects.push(package),
            None => {}
        }
    }
    for (id, package) in &installed {
        let needs = package.needs.iter();
        require(ctx, &by_directory, (*id, &package.directory), needs, &mut found);
        mark_bundled(&by_directory, package, &mut found);
    }
    for package in &projects {
        add_project(ctx, &by_directory, package, &mut found);
    }
    add_compiled(ctx, &by_directory, &installed, &compiled, &mut found);
    note_moved(ctx, &mut found);
    found
}

/// What the hidden locks say of packages, by directory.
fn hidden_locks(ctx: &Context<'_>, found: &mut Found) -> BTreeMap<String, Provenance> {
    let mut all = BTreeMap::new();
    let is_lock = |entry: &&Entry| entry.path.file_name() == HIDDEN_LOCK.as_bytes();
    for entry in ctx.files.iter().filter(is_lock) {
        let Some(bytes) = ctx.read(entry, ctx.limits.package_metadata, found) else { continue };
        let modules = directory(&entry.path);
        let above = modules.strip_suffix("node_modules").unwrap_or_default();
        match npm::hidden_lock(&bytes) {
            Ok(packages) => all.extend(
                packages.into_iter().map(|(directory, one)| (format!("{above}{directory}"), one)),
            ),
            Err(error) => ctx.note(found, entry, format!("malformed: {error}")),
        }
    }
    all
}

/// Notes which of the installed packages one gets when it requires others.
fn require(
    ctx: &Context<'_>,
    by_directory: &ByDirectory,
    (id, directory): (ComponentId, &str),
    names: impl Iterator<Item = impl AsRef<str>>,
    found: &mut Found,
) {
    for name in names {
        if let Some(to) = by_directory.resolve(ctx, directory, name.as_ref()) {
            ctx.depends(found, id, &[to]);
        }
    }
}

/// Marks what came inside the archive of a package.
fn mark_bundled(by_directory: &ByDirectory, package: &Installed<'_>, found: &mut Found) {
    for name in &package.bundled {
        let inner = format!("{}/node_modules/{name}", package.directory);
        if let Some(component) = by_directory.at(&inner).and_then(|id| found.at(id)) {
            npm::mark_bundled(component);
        }
    }
}

/// Adds the project that packages are installed for; a manifest that gives no name and needs nothing is none of a project.
fn add_project(
    ctx: &Context<'_>,
    by_directory: &ByDirectory,
    package: &Installed<'_>,
    found: &mut Found,
) {
    let own = || package.needs.iter().chain(&package.dev_needs);
    let stated = package.name.as_deref();
    let of_directory = || {
        let name = package.directory.rsplit('/').next().filter(|name| !name.is_empty());
        name.filter(|_| own().next().is_some())
    };
    let Some(name) = stated.or_else(of_directory) else { return };
    let identity = (name, package.version.as_deref());
    let Some(id) = npm::add_project(ctx, found, package.entry, identity) else { return };
    if let Some(component) = found.at(id) {
        component.licenses.clone_from(&package.licenses);
    }
    require(ctx, by_directory, (id, &package.directory), own(), found);
}

/// Adds what was compiled into packages. Most of it states no version, and is one unknown of the package that it is in.
fn add_compiled(
    ctx: &Context<'_>,
    by_directory: &ByDirectory,
    installed: &[(ComponentId, Installed<'_>)],
    compiled: &[Installed<'_>],
    found: &mut Found,
) {
    let mut unversioned: BTreeMap<ComponentId, Vec<&str>> = BTreeMap::new();
    for package in compiled {
        let Some(Role::Compiled(outer, _)) = role(&package.directory) else { continue };
        let outer = by_directory.at(outer);
        let (Some(outer), Some(name)) = (outer, package.name.as_deref()) else { continue };
        let Some(version) = package.version.as_deref() else {
            unversioned.entry(outer).or_default().push(name);
            continue;
        };
        let identity = (name, Some(version));
        let Some(id) = npm::add(ctx, found, package.entry, identity, None) else { continue };
        if let Some(component) = found.at(id) {
            component.trust = Trust::Claimed;
            component.licenses.clone_from(&package.licenses);
            npm::mark_bundled(component);
        }
        ctx.contains(found, outer, id);
    }
    for (outer, package) in installed {
        let Some(names) = unversioned.get(outer) else { continue };
        let (count, names) = (names.len(), names.join(", "));
        let reason = format!("{count} packages are compiled into it without a version: {names}");
        ctx.note(found, package.entry, reason);
    }
}

/// Notes packages that are required by way of a link named `node_modules` to a directory that is not named so: nothing
/// but the name tells that there are packages in it.
fn note_moved(ctx: &Context<'_>, found: &mut Found) {
    let links = ctx.tree.asked().filter(|entry| {
        matches!(entry.kind, EntryKind::Symlink(_)) && entry.path.file_name() == b"node_modules"
    });
    let links: Vec<Entry> = links.collect();
    if links.is_empty() {
        return;
    }
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
    let directory = directory(&entry.path);
    let is_project = role(&directory) == Some(Role::Project);
    let has_packages = has(ctx, entry, &["node_modules"]);
    let is_of_interest = !is_project || has_packages || has(ctx, entry, &npm::LOCKS);
    if entry.path.file_name() != b"package.json" || !is_of_interest {
        return (found, None);
    }
    let Some(bytes) = ctx.read(entry, ctx.limits.package_metadata, &mut found) else {
        return (found, None);
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let manifest = serde_json::from_slice::<Manifest>(bytes)
        .map_err(|error| ctx.note(&mut found, entry, format!("malformed: {error}")));
    // The lock beside it tells of the project; here it is only seen to that the manifest can be read.
    let manifest = manifest.ok().filter(|_| !is_project || has_packages);
    let package = manifest.map(|manifest| Installed::new(entry, directory, &manifest));
    (found, package)
}

/// Whether any of these lies beside a manifest.
fn has(ctx: &Context<'_>, manifest: &Entry, names: &[&str]) -> bool {
    let directory = manifest.path.parent().unwrap_or_default();
    let is_there =
        |name: &&str| directory.join(name).is_ok_and(|path| ctx.tree.resolve(&path).is_ok());
    names.iter().any(is_there)
}

fn add(
    ctx: &Context<'_>,
    (package, in_path): (&Installed<'_>, &str),
    provenance: Option<&Provenance>,
    found: &mut Found,
) -> Option<ComponentId> {
    let entry = package.entry;
    let (name, version) = (package.name.as_deref(), package.version.as_deref());
    if name.is_none() && version.is_none() {
        if !package.has_type {
            let reason = "a package states neither name nor version";
            ctx.note(found, entry, reason);
        }
        return None;
    }
    let old = || package.resolved.as_deref().and_then(npm::origin);
    let origin: Option<Origin> = match provenance {
        Some(provenance) => provenance.origin.clone(),
        None => old(),
    };
    let identity = (name.unwrap_or(in_path), version);
    let id = npm::add(ctx, found, entry, identity, origin.as_ref())?;
    let component = found.at(id)?;
    component.licenses.clone_from(&package.licenses);
    component.supplier.clone_from(&package.author);
    if let Some(provenance) = provenance {
        provenance.complete(component);
    } else if let Some(integrity) = &package.integrity {
        component.hashes = npm::integrity(integrity);
    }
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

/// The packages by the directories that they are found in.
struct ByDirectory {
    /// First by the name that the directory gives: paths have most of their beginnings in common, and are slow to tell
    /// apart.
    packages: BTreeMap<String, BTreeMap<String, ComponentId>>,
    /// The links of pnpm and workspaces: any whose path has what a directory of packages is called.
    links: BTreeSet<TreePath>,
}

impl ByDirectory {
    /// No packages yet.
    fn of(ctx: &Context<'_>) -> Self {
        let is_candidate = |entry: &Entry| {
            let path = entry.path.as_bytes();
            let is_in_modules = memmem::find(path, b"node_modules").is_some();
            matches!(entry.kind, EntryKind::Symlink(_))
                && (is_in_modules || path.starts_with(DEBIAN.as_bytes()))
        };
        let links = ctx.tree.asked().filter(is_candidate).map(|entry| entry.path).collect();
        Self { packages: BTreeMap::new(), links }
    }

    fn insert(&mut self, name: &str, directory: &str, id: ComponentId) {
        let named = self.packages.entry(name.to_owned()).or_default();
        named.insert(directory.to_owned(), id);
    }

    /// The package in a directory.
    fn at(&self, directory: &str) -> Option<ComponentId> {
        self.packages.get(name_of(directory)?)?.get(directory).copied()
    }

    /// As [`npm::resolve`], with links followed, and last in the directory where Debian's node looks when nothing nearer
    /// is found.
    fn resolve(&self, ctx: &Context<'_>, from: &str, name: &str) -> Option<ComponentId> {
        let named = self.packages.get(name);
        if named.is_none() && self.links.is_empty() {
            return None;
        }
        let linked = |directory: &str| {
            let path = TreePath::parse(directory.as_bytes()).ok()?;
            let path = self.links.get(&path)?;
            self.at(ctx.tree.resolve(path).ok()?.path.as_str()?)
        };
        node_candidates(from, name).chain([format!("{DEBIAN}/{name}")]).find_map(|directory| {
            let package = named.and_then(|named| named.get(&directory)).copied();
            package.or_else(|| if self.links.is_empty() { None } else { linked(&directory) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use plimsoll_model::component::{ComponentKind, Scope};

    #[track_caller]
    fn check(files: &[(&str, &str)], expect: &[&str]) {
        let tree = files.iter().fold(TestTree::new(), |tree, (path, text)| tree.file(path, text));
        assert_eq!(tree.lines(), expect);
    }

    #[track_caller]
    fn check_root(path: &str, expect: Option<&str>) {
        let path = TreePath::parse(path.as_bytes()).unwrap();
        let name = match role(&directory(&path)) {
            Some(Role::Package(name)) => Some(name.to_owned()),
            Some(Role::Compiled(..) | Role::Project) | None => None,
        };
        assert_eq!(name.as_deref(), expect);
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

    #[test]
    fn the_project_that_packages_are_installed_for() {
        let manifest =
            r#"{"version":"1.0.0","dependencies":{"a":"*"},"devDependencies":{"b":"*","c":"*"}}"#;
        check(
            &[
                ("srv/app/package.json", manifest),
                ("srv/app/node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#),
                ("srv/app/node_modules/b/package.json", r#"{"name":"b","version":"1.0.0"}"#),
                ("srv/app/esm/package.json", r#"{"name":"no","version":"1"}"#),
                ("srv/other/package.json", "{"),
                ("srv/locked/package.json", "{"),
                ("srv/locked/yarn.lock", "f@1:\n  version \"1.0.0\"\n"),
                ("srv/node_modules/d/package.json", r#"{"name":"d","version":"1.0.0"}"#),
                ("srv/package.json", r#"{"type":"module"}"#),
                ("usr/share/nodejs/e/sub/package.json", "{"),
            ],
            &[
                "pkg:npm/a@1.0.0",
                "pkg:npm/app@1.0.0",
                "pkg:npm/b@1.0.0",
                "pkg:npm/d@1.0.0",
                "pkg:npm/f@1.0.0",
                "pkg:npm/app@1.0.0 needs pkg:npm/a@1.0.0",
                "pkg:npm/app@1.0.0 needs pkg:npm/b@1.0.0",
                "npm-installed: /srv/locked/package.json: malformed: EOF while parsing an object at line 1 column 1",
            ],
        );
    }

    #[test]
    fn a_lock_and_what_is_installed_by_it_are_the_same_components() {
        let lock = r#"{"name":"app","version":"1.0.0","lockfileVersion":3,"packages":{
            "":{"name":"app","version":"1.0.0","dependencies":{"a":"*"}},
            "node_modules/a":{"version":"1.0.0","resolved":"git+ssh://git@example.com/a.git#1","integrity":"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
            "node_modules/b":{"version":"1.0.0","dev":true}}}"#;
        let tree = TestTree::new()
            .file("srv/package-lock.json", lock)
            .file(
                "srv/package.json",
                r#"{"name":"app","version":"1.0.0","dependencies":{"a":"*"}}"#,
            )
            .file("srv/node_modules/.package-lock.json", lock)
            .file("srv/node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#)
            .file("srv/node_modules/b/package.json", r#"{"name":"b","version":"1.0.0"}"#);
        let a = "pkg:npm/a@1.0.0?vcs_url=git%2Bssh:%2F%2Fgit%40example.com%2Fa.git%401";
        let app = format!("pkg:npm/app@1.0.0 needs {a}");
        assert_eq!(tree.lines(), [a, "pkg:npm/app@1.0.0", "pkg:npm/b@1.0.0", &app]);
        let inventory = tree.catalog();
        let [a, app, b] = inventory.components() else { panic!() };
        assert_eq!((a.hashes.len(), a.locations.len()), (1, 2));
        assert_eq!((app.kind, app.locations.len()), (ComponentKind::Application, 2));
        assert_eq!((b.scope, b.locations.len()), (Scope::Development, 2));
        let broken = tree.file("srv/node_modules/.package-lock.json", "{").lines();
        let last = broken.last().unwrap();
        assert!(last.starts_with("npm-installed: /srv/node_modules/.package-lock.json: mal"));
    }

    #[test]
    fn bundled_and_compiled_packages_are_marked_and_claims() {
        let tree = TestTree::new()
            .file(
                "node_modules/next/package.json",
                r#"{"name":"next","version":"1.0.0","bundleDependencies":["b"]}"#,
            )
            .file(
                "node_modules/next/node_modules/b/package.json",
                r#"{"name":"b","version":"2.0.0"}"#,
            )
            .file(
                "node_modules/next/dist/compiled/@s/c/package.json",
                r#"{"name":"@s/c","version":"3.0.0"}"#,
            )
            .file("node_modules/next/dist/compiled/@s/c/esm/package.json", r#"{"type":"module"}"#)
            .file("node_modules/next/dist/compiled/d/package.json", r#"{"name":"d","main":"x"}"#)
            .file("node_modules/next/dist/compiled/e/package.json", r#"{"name":"e","main":"x"}"#);
        assert_eq!(
            tree.lines(),
            [
                "pkg:npm/%40s/c@3.0.0",
                "pkg:npm/b@2.0.0",
                "pkg:npm/next@1.0.0",
                "pkg:npm/next@1.0.0 contains pkg:npm/%40s/c@3.0.0",
                "npm-installed: /node_modules/next/package.json: 2 packages are compiled into it without a version: d, e",
            ]
        );
        let inventory = tree.catalog();
        let trust: Vec<_> = inventory.components().iter().map(|one| one.trust).collect();
        assert_eq!(trust, [Trust::Claimed, Trust::Observed, Trust::Observed]);
        let bundled = |at: usize| inventory.components()[at].properties.len();
        assert_eq!([bundled(0), bundled(1), bundled(2)], [1, 1, 0]);
    }

    #[test]
    fn what_a_package_has_a_copy_of_is_a_claim_and_a_part_of_it_is_nothing() {
        let copied = r#"{"name":"base-64","version":"1.0.0"}"#;
        let tree = TestTree::new()
            .file("node_modules/@s/a/package.json", r#"{"name":"@s/a","version":"1.0.0"}"#)
            .file("node_modules/@s/a/vendor/base64/package.json", copied)
            .file("node_modules/@s/a/vendor/base64/test/package.json", copied)
            .file("node_modules/@s/a/vendor/@s/package.json", copied)
            .file("node_modules/@s/a/test/package.json", r#"{"name":"t","version":"0.0.0"}"#);
        assert_eq!(
            tree.lines(),
            [
                "pkg:npm/%40s/a@1.0.0",
                "pkg:npm/base-64@1.0.0",
                "pkg:npm/%40s/a@1.0.0 contains pkg:npm/base-64@1.0.0",
            ]
        );
        assert_eq!(tree.catalog().components()[1].trust, Trust::Claimed);
        assert_eq!(role("srv/app/vendor/a"), Some(Role::Project));
    }

    #[test]
    fn older_npm_says_in_the_manifest_where_it_had_the_package_from() {
        check(
            &[(
                "node_modules/a/package.json",
                r#"{"name":"a","version":"1.0.0","_resolved":"https://example.com/a.tgz","_integrity":"x"}"#,
            )],
            &["pkg:npm/a@1.0.0?download_url=https:%2F%2Fexample.com%2Fa.tgz"],
        );
    }
}
