//! Packages of `OpenWrt`, `OpenEmbedded` and their kin, from opkg's database.
//!
//! Its files are like those of dpkg: <https://openwrt.org/docs/guide-user/additional-software/opkg>. The package URL
//! specification has no type for them; `opkg` is what others use.

use super::{Cataloger, Context, Files, Found};
use crate::{
    control::{self, Installed},
    introduced,
    owned::Stated,
};
use plimsoll_model::{
    TreePath,
    inventory::Coverage,
    tree::{Entry, Want},
};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "opkg",
    description: "opkg packages in /usr/lib/opkg and /var/lib/opkg",
    files: &[
        Files::In("usr/lib/opkg"),
        Files::In("usr/lib/opkg/info"),
        Files::In("var/lib/opkg"),
        Files::In("var/lib/opkg/info"),
    ],
    earlier: &["usr/lib/opkg/status", "var/lib/opkg/status"],
    want,
    edges: Coverage::Complete,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let name = path.file_name();
    let is_status = is_status(path);
    let is_info = is_in_info(path) && (name.ends_with(b".control") || name.ends_with(b".list"));
    if is_status || is_info { Want::Content } else { Want::Nothing }
}

fn is_status(path: &TreePath) -> bool {
    CATALOGER.earlier.iter().any(|status| status.as_bytes() == path.as_bytes())
}

fn is_in_info(path: &TreePath) -> bool {
    path.parent().is_some_and(|parent| parent.file_name() == b"info")
}

fn catalog(ctx: &Context<'_>) -> Found {
    let mut found = Found::default();
    let mut all = Vec::new();
    let files = |is_wanted: fn(&TreePath) -> bool| {
        ctx.files.iter().filter(move |entry| is_wanted(&entry.path))
    };
    for entry in files(is_status) {
        let before = all.len();
        read(ctx, entry, (&mut found, &mut all));
        let new = all.iter().skip(before);
        let packages: Vec<_> =
            new.map(|Installed { id, package, .. }| (*id, package.clone())).collect();
        let list = |bytes: &[u8]| control::listing(ctx, bytes);
        introduced::attribute(ctx, entry, &packages, &list, &mut found);
    }
    // What each package has brought along: it counts where the status does not know the package.
    let known: BTreeSet<String> = all.iter().map(|found| found.package.name.clone()).collect();
    for entry in files(|path| path.file_name().ends_with(b".control")) {
        if !known.contains(name(entry).as_str()) {
            let before = all.len();
            read(ctx, entry, (&mut found, &mut all));
            for Installed { id, .. } in all.iter().skip(before) {
                if let Some(component) = found.at(*id) {
                    let evidence = component.locations.first();
                    component.introduced = evidence.and_then(|evidence| evidence.layer);
                }
            }
        }
    }
    own(ctx, &all, &mut found);
    control::relate(ctx, &all, &mut found);
    ctx.note_moved(&mut found, &["usr/lib/opkg/status", "var/lib/opkg/status"]);
    found
}

fn read(ctx: &Context<'_>, entry: &Entry, (found, installed): (&mut Found, &mut Vec<Installed>)) {
    if let Some(bytes) = ctx.read(entry, ctx.limits.file, found) {
        let text = String::from_utf8_lossy(&bytes);
        if text.trim().is_empty() && !is_status(&entry.path) {
            ctx.note(found, entry, "the file describes no package");
        }
        control::packages(ctx, entry, ("opkg", &text), (found, installed));
    }
}

/// The name of the package that a file of `info` is about.
fn name(entry: &Entry) -> String {
    let name = String::from_utf8_lossy(entry.path.file_name()).into_owned();
    name.rsplit_once('.').map(|(stem, _)| stem.to_owned()).unwrap_or(name)
}

/// Notes the files of the packages: each line of a list begins with a path, and what follows a tab is its mode.
fn own(ctx: &Context<'_>, installed: &[Installed], found: &mut Found) {
    let owners: BTreeMap<_, _> =
        installed.iter().map(|found| (found.package.name.as_str(), found.id)).collect();
    for entry in ctx.files.iter().filter(|entry| entry.path.file_name().ends_with(b".list")) {
        let Some(owner) = owners.get(name(entry).as_str()) else { continue };
        if let Some(bytes) = ctx.read(entry, ctx.limits.file, found) {
            for line in String::from_utf8_lossy(&bytes).lines() {
                let path = line.split('\t').next().unwrap_or(line);
                ctx.own(found, entry, (*owner, path), Stated::nothing);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const STATUS: &str = "\
Package: libc
Version: 1.2.4-4
Depends: libgcc1
Status: install user installed
Architecture: x86_64
Installed-Time: 1700000000

Package: busybox
Version: 1.36.1-1
Depends: libc, absent
Status: install user installed
Architecture: x86_64

Package: gone
Version: 1
Status: deinstall user not-installed

";
    const BUSYBOX: &str = "pkg:opkg/openwrt/busybox@1.36.1-1?arch=x86_64&distro=openwrt-23.05.3";
    const LIBC: &str = "pkg:opkg/openwrt/libc@1.2.4-4?arch=x86_64&distro=openwrt-23.05.3";

    fn openwrt() -> TestTree {
        TestTree::new().file("etc/os-release", "ID=\"openwrt\"\nVERSION_ID=\"23.05.3\"\n")
    }

    #[track_caller]
    fn check(tree: &TestTree, expect: &[&str]) {
        assert_eq!(tree.lines(), expect);
    }

    #[test]
    fn packages_what_they_need_and_what_they_own() {
        for directory in ["usr/lib/opkg", "var/lib/opkg"] {
            let tree = openwrt()
                .file(format!("{directory}/status"), STATUS)
                .file(format!("{directory}/info/libc.control"), "Package: libc\nVersion: 1.2.4-4\n")
                .file(format!("{directory}/info/libc.list"), "/lib/x.egg-info\t0100644\n")
                .file("lib/x.egg-info", "Name: x\nVersion: 1\n");
            check(
                &tree,
                &[
                    BUSYBOX,
                    LIBC,
                    &format!("pkg:pypi/x@1 (owned by {LIBC})"),
                    &format!("{BUSYBOX} needs {LIBC}"),
                ],
            );
        }
    }

    #[test]
    fn control_files_count_where_there_is_no_status() {
        let tree = openwrt().file(
            "var/lib/opkg/info/a.control",
            "Package: a\nVersion: 1\nLicense: MIT\nSource: feeds/a\nMaintainer: x\n",
        );
        check(&tree, &["pkg:opkg/openwrt/a@1?distro=openwrt-23.05.3"]);
        let inventory = tree.catalog();
        assert_eq!(inventory.components()[0].licenses, ["MIT"]);
        assert!(inventory.components()[0].introduced.is_some());
    }

    #[test]
    fn packages_are_of_the_layer_that_brought_them() {
        let tree = openwrt()
            .file("usr/lib/opkg/status", "Package: a\nVersion: 1\nStatus: x y installed\n\n")
            .next_layer()
            .file(
                "usr/lib/opkg/status",
                STATUS.replace(
                    "Package: libc",
                    "Package: a\nVersion: 1\nStatus: x y installed\n\nPackage: libc",
                ),
            );
        assert_eq!(tree.introduced(), ["1 a", "2 busybox", "2 libc"]);
    }

    #[test]
    fn a_broken_database_says_so_and_keeps_what_it_has() {
        check(
            &openwrt()
                .file("usr/lib/opkg/status", "Package: a\nVersion: 1\n\n\0\u{1}\n\nVersion: 2\n"),
            &[
                "pkg:opkg/openwrt/a@1?distro=openwrt-23.05.3",
                "opkg: /usr/lib/opkg/status: `\0\u{1}` is no field of a package",
                "opkg: /usr/lib/opkg/status: a package has no name",
                "opkg: /usr/lib/opkg/status: package `a` has no status; it counts as installed",
                "opkg: /usr/lib/opkg/status: the file ends in the middle of a package",
            ],
        );
        check(
            &openwrt().file("usr/lib/opkg/info/a.control", ""),
            &["opkg: /usr/lib/opkg/info/a.control: the file describes no package"],
        );
    }
}
