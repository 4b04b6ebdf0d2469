//! Which layer brought a package, told from what its database listed in each layer.
//!
//! Whoever installs one package writes the whole database anew, so the layer of that file says nothing of the other packages.
//! Nothing that an upper layer writes changes what a lower one has listed.

use crate::{
    catalogers::{ALL, Cataloger, Context, Found, layer, layer_of},
    rpmdb,
};
use plimsoll_model::{
    Digest, Limits, Tree, TreePath,
    component::{Component, ComponentId},
    inventory::Unknown,
    tree::{Entry, EntryKind, LayerIndex, LayerInfo},
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// A package as a database lists it. With another version or architecture it is another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its version, as in [`Component::version`].
    pub(crate) version: Option<String>,
    /// Its architecture; empty where the database states none.
    pub(crate) arch: String,
}

/// What a database listed.
#[derive(Debug)]
pub(crate) struct Listing {
    packages: BTreeSet<Package>,
    extent: Extent,
    most: usize,
}

/// How much of a database could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Part,
}

impl Listing {
    /// One that lists nothing yet, and will never list more than the limits allow.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { packages: BTreeSet::new(), extent: Extent::Whole, most: limits.components }
    }

    /// Lists a package.
    pub(crate) fn add(&mut self, package: Package) {
        if self.packages.len() < self.most {
            self.packages.insert(package);
        } else {
            self.is_partial();
        }
    }

    /// Notes that not all of the database could be read: what is not listed may have been.
    pub(crate) fn is_partial(&mut self) {
        self.extent = Extent::Part;
    }
}

/// Sets [`Component::introduced`] of the installed packages of a database to the lowest layer since which it has listed them
/// without a break; `list` reads what it held in a lower layer. Where it can not be told it stays absent.
///
/// Returns what lower layers listed of which not even the name is installed any more.
pub(crate) fn attribute(
    ctx: &Context<'_>,
    database: &Entry,
    installed: &[(ComponentId, Package)],
    list: &dyn Fn(&[u8]) -> Listing,
    found: &mut Found,
) -> BTreeSet<Package> {
    let names: BTreeSet<&str> =
        installed.iter().map(|(_, package)| package.name.as_str()).collect();
    let mut gone = BTreeSet::new();
    let mut since: Vec<_> = vec![layer(ctx.tree, database); installed.len()];
    let mut open: Vec<usize> = (0..installed.len()).collect();
    for (index, bytes) in history(ctx, database).into_iter().rev() {
        let listing = if is_within(&bytes, ctx.limits) {
            list(&bytes)
        } else {
            Listing { extent: Extent::Part, ..Listing::new(ctx.limits) }
        };
        open.retain(|place| {
            let (Some((_, package)), Some(since)) = (installed.get(*place), since.get_mut(*place))
            else {
                return false;
            };
            let is_listed = listing.packages.contains(package);
            if is_listed {
                *since = layer_of(ctx.tree, index);
            } else if listing.extent == Extent::Part {
                *since = None;
            }
            is_listed
        });
        let room = ctx.limits.components.saturating_sub(gone.len());
        let is_gone = |package: &Package| !names.contains(package.name.as_str());
        gone.extend(listing.packages.into_iter().filter(is_gone).take(room));
    }
    for ((id, _), since) in installed.iter().zip(since) {
        if let Some(component) = found.at(*id) {
            component.introduced = since;
        }
    }
    gone
}

/// What a database held in lower layers, lowest first: under its path, and under those from which a link leads to it now,
/// as distributions move it.
fn history<'a>(ctx: &Context<'a>, database: &Entry) -> Vec<(LayerIndex, Cow<'a, [u8]>)> {
    let is_path = |path: &TreePath| {
        let leads_here = || ctx.tree.resolve(path).is_ok_and(|entry| entry.path == database.path);
        path.file_name() == database.path.file_name() && leads_here()
    };
    let paths = paths(ctx.cataloger).filter(is_path);
    let mut history: Vec<_> = paths.flat_map(|path| ctx.tree.earlier(&path)).collect();
    history.sort_by_key(|(index, _)| *index);
    history
}

/// A file of a path that a package had, if it is still there.
pub(crate) type Remains<'a> = &'a dyn Fn(&str) -> Option<TreePath>;

/// Packages of which something remains, each with a file.
pub(crate) type Left = Vec<(Package, TreePath)>;

/// Notes the packages of `gone` of which files are still there that nobody has written since: a layer took them off the
/// list and nothing else, which hides them. `find` reads what the database held in a lower layer and names such packages,
/// each with one file of it that remains.
pub(crate) fn left_behind(
    ctx: &Context<'_>,
    database: &Entry,
    gone: &BTreeSet<Package>,
    find: &dyn Fn(&[u8], Remains<'_>) -> Left,
    found: &mut Found,
) {
    if gone.is_empty() {
        return;
    }
    let mut left = BTreeMap::new();
    for (index, bytes) in history(ctx, database) {
        if !is_within(&bytes, ctx.limits) {
            continue;
        }
        let owned = &found.owned;
        // Package managers leave configuration that was changed.
        let is_left =
            |path: &TreePath| !owned.contains_key(path) && !path.as_bytes().starts_with(b"etc/");
        let remains = |path: &str| ctx.file_of(index, path).filter(is_left);
        for (package, path) in find(&bytes, &remains) {
            left.entry(package.name).or_insert(path);
        }
    }
    for (name, path) in left {
        note_left_behind(ctx, database, (&name, &path), found);
    }
}

/// Notes that a package is not on the list any more, and not removed.
pub(crate) fn note_left_behind(
    ctx: &Context<'_>,
    database: &Entry,
    (name, path): (&str, &TreePath),
    found: &mut Found,
) {
    let reason = format!(
        "a lower layer lists package `{name}`, and it is not removed: `{path}` is still there"
    );
    ctx.note(found, database, reason);
}

fn is_within(bytes: &[u8], limits: &Limits) -> bool {
    u64::try_from(bytes.len()).is_ok_and(|size| size <= limits.file)
}

/// Sets [`Component::introduced`] of what has its own file as evidence to the layer of that file. Packages of a database
/// have got theirs from its cataloger.
pub(crate) fn by_file(component: &mut Component) {
    let has_database =
        ALL.iter().any(|cataloger| cataloger.id == component.cataloger && cataloger.has_database());
    if !has_database {
        let evidence = component.locations.first();
        component.introduced = evidence.and_then(|location| location.layer);
    }
}

/// The lower of two layers: of a component that is found twice the first one counts. Where one can not be told, neither can
/// which is the lower.
pub(crate) fn lower(
    layers: &[LayerInfo],
    left: Option<Digest>,
    right: Option<Digest>,
) -> Option<Digest> {
    let (left, right) = (left?, right?);
    let first = layers.iter().find(|layer| [left, right].contains(&layer.diff_id));
    first.map(|layer| layer.diff_id)
}

/// Paths of the databases of a cataloger, without those of logs that only add to them.
pub(crate) fn databases(cataloger: &Cataloger) -> impl Iterator<Item = &'static str> {
    cataloger.earlier.iter().copied().filter(|path| !path.ends_with(rpmdb::LOG))
}

fn paths(cataloger: &Cataloger) -> impl Iterator<Item = TreePath> {
    databases(cataloger).filter_map(|path| TreePath::parse(path.as_bytes()).ok())
}

/// What is to be said of databases that a layer has taken away: what they listed may still be there. One that a link leads
/// away from where databases are counts as taken away, and so does one in the place of which there is another.
pub(crate) fn removed(tree: &dyn Tree, cataloger: &Cataloger) -> Vec<Unknown> {
    let is_database = |entry: Entry| {
        let is_known = paths(cataloger).any(|path| path == entry.path);
        is_known && entry.kind == EntryKind::File
    };
    let unknown = |path: TreePath| {
        let (index, _) = tree.earlier(&path).into_iter().rfind(|(_, bytes)| !bytes.is_empty())?;
        let is_there = tree.resolve(&path).is_ok_and(is_database);
        let reason = "a layer takes the database away, and what it listed may still be there";
        let (layer, reason) = (layer_of(tree, index), reason.to_owned());
        (!is_there).then_some(Unknown { path, layer, cataloger: cataloger.id, reason })
    };
    paths(cataloger).filter_map(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    #[test]
    fn what_has_a_file_of_its_own_is_of_the_layer_of_that_file() {
        let manifest = r#"{"name":"a","version":"1"}"#;
        let tree = TestTree::new()
            .file("srv/Cargo.lock", "[[package]]\nname = \"b\"\nversion = \"1\"\n")
            .next_layer()
            .file("node_modules/a/package.json", manifest)
            .next_layer()
            .file("app/node_modules/a/package.json", manifest)
            .file("srv/Cargo.lock", "[[package]]\nname = \"c\"\nversion = \"1\"\n");
        assert_eq!(tree.introduced(), ["3 c", "2 a"]);
    }

    #[test]
    fn the_lower_layer_counts_and_what_is_not_known_stays_so() {
        let layers: Vec<_> = ["z", "a"]
            .map(|name| LayerInfo {
                digest: Digest::of(b"blob"),
                diff_id: Digest::of(name.as_bytes()),
                created_by: None,
            })
            .into();
        let (first, second) = (Some(layers[0].diff_id), Some(layers[1].diff_id));
        assert_eq!(lower(&layers, second, first), first);
        assert_eq!(lower(&layers, first, second), first);
        assert_eq!(lower(&layers, second, second), second);
        assert_eq!(lower(&layers, None, first), None);
        assert_eq!(lower(&layers, second, None), None);
    }

    #[test]
    fn a_database_that_comes_back_is_no_new_one() {
        let path = "lib/apk/db/installed";
        let tree = TestTree::new()
            .file(path, "P:a\nV:1\n\n")
            .next_layer()
            .without(path)
            .next_layer()
            .file(path, "P:a\nV:1\n\nP:b\nV:1\n\n");
        assert_eq!(tree.introduced(), ["1 a", "3 b"]);
    }

    const TAKEN_AWAY: &str =
        "a layer takes the database away, and what it listed may still be there";

    #[test]
    fn a_database_that_moves_takes_its_history_along() {
        let tree = TestTree::new()
            .file("lib/apk/db/installed", "P:a\nV:1\n\nP:b\nV:1\nF:usr\nR:b\n\n")
            .file("usr/b", "")
            .next_layer()
            .without("lib/apk/db/installed")
            .file("usr/lib/apk/db/installed", "P:a\nV:1\n\nP:c\nV:1\n\n");
        assert_eq!(tree.introduced(), ["2 a", "2 c"]);
        let unknown = format!("apk: /lib/apk/db/installed: {TAKEN_AWAY}");
        assert_eq!(tree.lines(), ["pkg:apk/a@1", "pkg:apk/c@1", &unknown]);
        // The same with a link from the old place to the new one.
        let tree = tree.without("lib/apk/db").link("lib/apk/db", "/usr/lib/apk/db");
        assert_eq!(tree.introduced(), ["1 a", "2 c"]);
        let unknown = "apk: /usr/lib/apk/db/installed: a lower layer lists package `b`, and it is not removed: `/usr/b` is still there";
        assert_eq!(tree.lines(), ["pkg:apk/a@1", "pkg:apk/c@1", unknown]);
    }

    #[test]
    fn a_link_from_a_database_to_something_else_hides_nothing() {
        let tree = TestTree::new()
            .file("var/lib/dpkg/status", "Package: a\nStatus: x y installed\nVersion: 1\n\n")
            .next_layer()
            .without("var/lib/dpkg/status")
            .file("var/lib/dpkg/status.d/b", "Package: b\nVersion: 1\n")
            .link("var/lib/dpkg/status", "status.d/b");
        let unknown = format!("dpkg: /var/lib/dpkg/status: {TAKEN_AWAY}");
        assert_eq!(tree.lines(), ["pkg:deb/b@1", &unknown]);
    }

    #[test]
    fn a_database_that_is_no_file_any_more_is_taken_away() {
        let path = "lib/apk/db/installed";
        let tree = TestTree::new().file(path, "P:a\nV:1\n\n").next_layer().without(path);
        let tree = tree.file("lib/apk/db/installed/x", "");
        assert_eq!(
            tree.lines(),
            [
                "apk: /lib/apk/db/installed: a layer takes the database away, and what it listed may still be there"
            ]
        );
    }
}
