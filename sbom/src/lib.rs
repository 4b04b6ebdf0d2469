//! Inventories: what is aboard an image, and how it is written down for others.
//!
//! Nothing here sees a layer, a registry or a disk: only a [`plimsoll_model::Tree`]. Nothing that was seen and could
//! not be read or told is left out: it becomes an [`plimsoll_model::inventory::Unknown`].

mod archive;
pub mod catalogers;
pub mod changes;
pub mod combine;
mod composer;
mod control;
mod cran;
mod distro;
mod dockerfile;
mod document;
pub mod error;
mod file_name;
pub mod formats;
mod golang;
mod head;
mod image_name;
mod installed;
mod introduced;
mod jar;
mod jsonc;
mod locked;
mod maven;
mod merge;
mod npm;
mod nuget;
mod origin;
mod owned;
mod program;
mod python;
mod relate;
mod rpmdb;
pub mod score;
mod stanza;
mod term;
#[cfg(test)]
mod testing;
mod wanted;
mod weights;
mod xml;
mod yaml;
mod yarn_classic;

pub use error::Error;
pub use owned::hasher;

use catalogers::{ALL, Context, Found, Ownership, Purpose, Room};
use plimsoll_model::{
    Inventory, Limits, Tree, TreePath,
    inventory::{Coverage, Distribution, Unknown},
    owned::OwnedFiles,
    tree::Interest,
};
use rayon::prelude::*;
use std::collections::BTreeMap;
use wanted::Wanted;

/// What the catalogers want of the files that pass by.
pub fn interest() -> Box<dyn Interest> {
    Box::new(Wanted::new())
}

/// What is wanted of them to tell which files packages have.
pub fn database_interest() -> Box<dyn Interest> {
    Box::new(Wanted::of_databases())
}

/// Everything aboard. What cannot be read or told becomes an `Unknown` of the inventory, never nothing.
///
/// The content of the files must have been kept as [`interest`] asks. Catalogers run in parallel on rayon's pool;
/// the inventory is the same whatever the number of threads.
pub fn catalog(tree: &dyn Tree, limits: &Limits) -> Inventory {
    catalog_for(tree, limits, Purpose::Inventory).0
}

/// The same, and what the databases of packages say of the files.
pub fn catalog_to_judge(tree: &dyn Tree, limits: &Limits) -> (Inventory, OwnedFiles) {
    catalog_for(tree, limits, Purpose::Judgement)
}

/// What the databases of packages say of the files. Their content must have been kept as [`database_interest`] asks.
pub fn owned_files(tree: &dyn Tree, limits: &Limits) -> OwnedFiles {
    let wanted = Wanted::of_databases();
    let (room, found) = find(tree, limits, (&wanted, None), Purpose::Judgement);
    let mut all = Found::default();
    for found in found {
        all.absorb(found);
    }
    if room.is_exceeded(limits) {
        overrun_files(limits)
    } else {
        owned::owned_files(tree, &mut all)
    }
}

/// What every cataloger finds, in their order.
fn find(
    tree: &dyn Tree,
    limits: &Limits,
    (wanted, distribution): (&Wanted, Option<&Distribution>),
    purpose: Purpose,
) -> (Room, Vec<Found>) {
    let room = Room::default();
    let taken = wanted.take(tree);
    tracing::debug!("files chosen");
    let find = |(cataloger, files): (&&'static catalogers::Cataloger, &Vec<_>)| {
        let (taken, room) = (&taken, &room);
        let ownership = Ownership::of(tree, cataloger);
        let ctx = Context {
            tree,
            limits,
            distribution,
            files,
            cataloger,
            taken,
            ownership,
            room,
            purpose,
        };
        let mut found = (cataloger.catalog)(&ctx);
        let removed = introduced::removed(tree, cataloger);
        if purpose == Purpose::Judgement {
            found.unread.extend(removed.iter().cloned());
        }
        found.unknowns.extend(removed);
        let (components, unknowns) = (found.components.len(), found.unknowns.len());
        tracing::debug!(cataloger = cataloger.id, components, unknowns, "cataloged");
        found
    };
    let found = ALL.par_iter().zip(&taken.files).map(find).collect();
    (room, found)
}

fn catalog_for(tree: &dyn Tree, limits: &Limits, purpose: Purpose) -> (Inventory, OwnedFiles) {
    let (distribution, unknowns) = distro::read(tree, limits);
    let wanted = (&Wanted::new(), distribution.as_ref());
    let (room, found) = find(tree, limits, wanted, purpose);
    if room.is_exceeded(limits) {
        return (overrun(distribution, limits), overrun_files(limits));
    }
    let mut all = Found { unknowns, ..Found::default() };
    all.unknowns.extend(tree.gaps().iter().map(|gap| Unknown {
        path: gap.path.clone(),
        layer: None,
        cataloger: "tree",
        reason: gap.reason.clone(),
    }));
    // What a document claims says nothing of the distribution.
    let (claims, seen): (Vec<_>, Vec<_>) =
        ALL.iter().zip(found).partition(|(cataloger, _)| cataloger.id == catalogers::CLAIMS);
    for (_, found) in seen {
        all.absorb(found);
    }
    all.unknowns.extend(distro::missing_packages(tree, distribution.as_ref(), &all));
    if let Some(distribution) = &distribution {
        all.unknowns.extend(distro::contradictions(tree, distribution, &all));
    }
    for (_, found) in claims {
        all.absorb(found);
    }
    let owned = owned::owned_files(tree, &mut all);
    let mut inventory = merge::merge(distribution, all, tree.layers());
    inventory.coverage = coverage(&inventory);
    inventory.layers = tree.layers().to_vec();
    tracing::debug!("components merged");
    (inventory, owned)
}

/// How far the relations of each kind of package are known: as far as by the cataloger that tells least of them.
fn coverage(inventory: &Inventory) -> BTreeMap<String, Coverage> {
    let mut coverage = BTreeMap::new();
    for component in inventory.components() {
        let cataloger = ALL.iter().find(|cataloger| cataloger.id == component.cataloger);
        let edges = cataloger.map_or(Coverage::Unknown, |cataloger| cataloger.edges);
        let of_kind = coverage.entry(component.purl.kind().to_owned()).or_insert(edges);
        *of_kind = edges.max(*of_kind);
    }
    coverage
}

/// The inventory of a subject that describes more than the limits allow: which part of it were listed would be chance,
/// so none is.
fn overrun(distribution: Option<Distribution>, limits: &Limits) -> Inventory {
    Inventory::new(distribution, Vec::new(), Vec::new(), vec![too_much(limits)])
}

/// The same of the files that packages have.
fn overrun_files(limits: &Limits) -> OwnedFiles {
    OwnedFiles { unread: vec![too_much(limits)], ..OwnedFiles::default() }
}

fn too_much(limits: &Limits) -> Unknown {
    let Limits { components, relations, .. } = limits;
    let reason = format!(
        "more than {components} components or {relations} relations are described: none is listed"
    );
    Unknown { path: TreePath::default(), layer: None, cataloger: "limits", reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::testing::zip;
    use crate::testing::{TestTree, good, lines};
    use proptest::prelude::*;

    #[test]
    fn a_database_behind_a_circle_of_links_is_not_read_and_not_passed_over() {
        let tree = TestTree::new()
            .link("var/lib/dpkg/status", "/var/lib/dpkg/other")
            .link("var/lib/dpkg/other", "/var/lib/dpkg/status");
        let inventory = catalog(&tree, &Limits::STANDARD);
        let unknowns: Vec<_> = inventory.unknowns.iter().map(|unknown| unknown.cataloger).collect();
        assert_eq!(unknowns, ["dpkg"]);
    }

    #[test]
    fn an_empty_tree_has_an_empty_inventory() {
        let tree = TestTree::new();
        let mut empty = Inventory::default();
        empty.layers = tree.layers().to_vec();
        assert_eq!(catalog(&tree, &Limits::STANDARD), empty);
    }

    #[test]
    fn a_subject_that_describes_too_much_is_not_listed_in_part() {
        let tree = TestTree::new()
            .file("lib/apk/db/installed", "P:a\nV:1\np:x\nD:x b\n\nP:b\nV:1\nD:x\n\n")
            .file("node_modules/a/package.json", r#"{"name":"a","version":"1"}"#);
        let told = |limits: Limits| lines(&catalog(&tree, &limits));
        let (components, relations) = (3, 3);
        let limits = Limits { components, relations, ..Limits::STANDARD };
        assert_eq!(told(limits.clone()).len(), 5);
        for limits in
            [Limits { components: 2, ..limits.clone() }, Limits { relations: 2, ..limits }]
        {
            let lines = told(limits);
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with("limits: /: more than "), "{line}");
        }
    }

    #[test]
    fn a_link_to_elsewhere_hides_nothing() {
        let tree = TestTree::new()
            .file("opt/status", "Package: a\nStatus: install ok installed\nVersion: 1\n\n")
            .link("var/lib/dpkg/status", "/opt/status")
            .file("usr/share/java/b-1.jar", zip(&[]))
            .link("usr/share/java/b.jar", "b-1.jar")
            .link("usr/share/java/c.jar", "absent.jar")
            .file("srv/x.txt", "[[package]]\nname = \"c\"\nversion = \"1\"\n")
            .link("srv/Cargo.lock", "x.txt");
        assert_eq!(
            tree.lines(),
            [
                "pkg:maven/b@1",
                "cargo-lock: /srv/Cargo.lock: the content was not kept",
                "dpkg: /var/lib/dpkg/status: the content was not kept"
            ]
        );
    }

    #[test]
    fn ids_of_catalogers_are_sorted_and_unique() {
        let ids: Vec<_> = ALL.iter().map(|cataloger| cataloger.id).collect();
        assert!(ids.is_sorted_by(|left, right| left < right), "{ids:?}");
    }

    #[test]
    fn every_cataloger_finds_something_in_what_is_good() {
        let tree =
            good().into_iter().fold(TestTree::new(), |tree, (path, bytes)| tree.file(path, bytes));
        let inventory = tree.catalog();
        for cataloger in ALL {
            let found = inventory.components().iter().any(|found| found.cataloger == cataloger.id);
            // The lock and the installed package are one component, which the first of the two has found.
            assert!(found || cataloger.id == "npm-lock", "{}", cataloger.id);
        }
        assert_eq!(inventory, tree.catalog());
    }

    #[test]
    fn no_truncated_file_passes_for_nothing() {
        for (path, bytes) in good() {
            // Copyright files only add to packages; without what they are known by programs are of no interest, and files of
            // Java none without a name of a value.
            let first = match path {
                "usr/bin/a" => 96,
                "usr/bin/b" => 256 + 45,
                "opt/bin/busybox" => 64,
                "opt/java/release" => "JAVA_VERSION=".len(),
                _ => 1,
            };
            if path.ends_with("copyright") {
                continue;
            }
            for cut in first..bytes.len() {
                let inventory = TestTree::new().file(path, &bytes[..cut]).catalog();
                let is_seen = inventory.distribution.is_some()
                    || !inventory.components().is_empty()
                    || !inventory.unknowns.is_empty();
                assert!(is_seen, "{path} cut at {cut}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn no_change_to_a_good_file_makes_it_panic(
            file: prop::sample::Index,
            at: prop::sample::Index,
            bytes in prop::collection::vec(any::<u8>(), 0..4),
            cut: bool,
        ) {
            let good = good();
            let (path, mut content) = file.get(&good).clone();
            let at = at.index(content.len());
            let end = if cut { content.len() } else { content.len().min(at + bytes.len()) };
            content.splice(at..end, bytes);
            let inventory = TestTree::new().file(path, content).catalog();
            prop_assert!(inventory.components().len() < 1_000);
        }
    }
}
