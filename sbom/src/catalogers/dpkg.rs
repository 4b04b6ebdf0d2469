//! Packages of Debian and its kin, from dpkg's database and from the fragments of it that distroless images have.
//!
//! Format: <https://www.debian.org/doc/debian-policy/ch-controlfields.html>,
//! <https://manpages.debian.org/bookworm/dpkg-dev/deb-status.5> and, of the copyright files,
//! <https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/>.

use super::{Cataloger, Context, Files, Found, Purpose, license};
use crate::{
    control::{self, Installed},
    introduced::{self, Package},
    owned::Stated,
    stanza::{first, stanzas},
};
use plimsoll_model::{
    TreePath,
    component::{ComponentId, HashAlgorithm},
    inventory::Coverage,
    tree::{Entry, EntryKind, Want},
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "dpkg",
    description: "Debian packages in /var/lib/dpkg/status and status.d",
    files: &[
        Files::In("var/lib/dpkg"),
        Files::In("var/lib/dpkg/status.d"),
        Files::In("var/lib/dpkg/info"),
        Files::Named("copyright"),
    ],
    earlier: &["var/lib/dpkg/status"],
    want,
    edges: Coverage::Complete,
    catalog,
};

const STATUS: &[u8] = b"var/lib/dpkg/status";
const FRAGMENTS: &[u8] = b"var/lib/dpkg/status.d/";
const INFO: &[u8] = b"var/lib/dpkg/info/";
/// How the names of files of sums end.
const SUMS: &str = ".md5sums";
const DOC: &[u8] = b"usr/share/doc/";

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let path = path.as_bytes();
    let is_list =
        path.starts_with(INFO) && (path.ends_with(b".list") || path.ends_with(SUMS.as_bytes()));
    let is_copyright = path.starts_with(DOC) && path.ends_with(b"/copyright");
    if path == STATUS || path.starts_with(FRAGMENTS) || is_list || is_copyright {
        Want::Content
    } else {
        Want::Nothing
    }
}

fn catalog(ctx: &Context<'_>) -> Found {
    let mut found = Found::default();
    let mut installed = Vec::new();
    for entry in ctx.files {
        let path = entry.path.as_bytes();
        let is_fragment = path.starts_with(FRAGMENTS) && !path.ends_with(b".md5sums");
        if path != STATUS && !is_fragment {
            continue;
        }
        if let Some(bytes) = ctx.read(entry, ctx.limits.file, &mut found) {
            let text = String::from_utf8_lossy(&bytes);
            control::packages(ctx, entry, ("deb", &text), (&mut found, &mut installed));
        }
    }
    for Installed { id, package, .. } in &installed {
        if let Some(component) = found.at(*id) {
            component.licenses = licenses(ctx, &package.name);
        }
        own(ctx, (*id, package), &mut found);
    }
    introduce(ctx, &installed, &mut found);
    orphans(ctx, &installed, &mut found);
    control::relate(ctx, &installed, &mut found);
    ctx.note_moved(&mut found, &["var/lib/dpkg/status", "var/lib/dpkg/status.d"]);
    found
}

/// The short names in a machine-readable copyright file; none where it is prose.
fn licenses(ctx: &Context<'_>, package: &str) -> Vec<String> {
    let path = TreePath::parse(format!("usr/share/doc/{package}/copyright").as_bytes());
    let Some(bytes) = path.ok().and_then(|path| ctx.tree.read(&path, ctx.limits.user_file).ok())
    else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&bytes);
    let (header, _) = first(&text);
    if !header.get("Format").is_some_and(|format| format.contains("copyright-format")) {
        return Vec::new();
    }
    let names: BTreeSet<_> = stanzas(&text)
        .filter_map(|stanza| license(stanza.get("License")?.lines().next()?))
        .collect();
    names.into_iter().collect()
}

/// Notes which layer brought each package, and which packages a layer took off the list without their files.
fn introduce(ctx: &Context<'_>, installed: &[Installed], found: &mut Found) {
    let (mut of_status, mut names) = (Vec::new(), BTreeSet::new());
    for Installed { id, package, .. } in installed {
        let Some(component) = found.at(*id) else { continue };
        let evidence = component.locations.first();
        if evidence.is_some_and(|evidence| evidence.path.as_bytes() == STATUS) {
            of_status.push((*id, package.clone()));
        } else {
            // A fragment is of one package and has a file of its own.
            component.introduced = evidence.and_then(|evidence| evidence.layer);
        }
        names.insert(package.name.as_str());
    }
    let Some(status) = ctx.files.iter().find(|entry| entry.path.as_bytes() == STATUS) else {
        return;
    };
    let list = |bytes: &[u8]| control::listing(ctx, bytes);
    let gone = introduced::attribute(ctx, status, &of_status, &list, found);
    let gone: BTreeSet<_> = gone.iter().map(|package| package.name.as_str()).collect();
    for name in gone.difference(&names) {
        let left = left_behind(ctx, name);
        // Another package may have it now.
        if let Some(left) = left.filter(|left| !found.owned.contains_key(&left.path)) {
            introduced::note_left_behind(ctx, status, (name, &left.path), found);
        }
    }
}

/// A file that dpkg removes with a package, even where it keeps the configuration.
fn left_behind(ctx: &Context<'_>, name: &str) -> Option<Entry> {
    let paths =
        [format!("usr/share/doc/{name}/copyright"), format!("var/lib/dpkg/info/{name}.md5sums")];
    let paths = paths.iter().filter_map(|path| TreePath::parse(path.as_bytes()).ok());
    let mut entries = paths.filter_map(|path| ctx.tree.entry(&path));
    entries.find(|entry| entry.kind == EntryKind::File)
}

/// Notes sums of files that belong to no fragment: distroless images have both or neither.
fn orphans(ctx: &Context<'_>, installed: &[Installed], found: &mut Found) {
    let mut names: BTreeSet<&[u8]> =
        installed.iter().map(|found| found.package.name.as_bytes()).collect();
    let fragments =
        || ctx.files.iter().filter(|entry| entry.path.as_bytes().starts_with(FRAGMENTS));
    names.extend(fragments().map(|entry| entry.path.file_name()));
    for entry in fragments() {
        let name = entry.path.file_name().strip_suffix(b".md5sums");
        if name.is_some_and(|name| !names.contains(name)) {
            ctx.note(found, entry, "it lists the files of a package that nothing describes");
        }
    }
}

/// Notes the files of a package.
fn own(ctx: &Context<'_>, (id, package): (ComponentId, &Package), found: &mut Found) {
    let Package { name, arch, .. } = package;
    for stem in [format!("info/{name}"), format!("info/{name}:{arch}")] {
        if let Some((entry, text)) = read(ctx, &format!("{stem}.list"), found) {
            let sums = match ctx.purpose {
                Purpose::Inventory => None,
                Purpose::Judgement => read(ctx, &format!("{stem}{SUMS}"), found),
            };
            let sums = sums
                .as_ref()
                .map(|(_, text)| sums_in(text).map(|(sum, path)| (path, sum)).collect());
            for line in text.lines() {
                ctx.own(found, &entry, (id, line), || stated(line, sums.as_ref()));
            }
        }
    }
    if let Some((entry, text)) = read(ctx, &format!("status.d/{name}{SUMS}"), found) {
        for (sum, path) in sums_in(&text) {
            ctx.own(found, &entry, (id, path), || Stated::hex(HashAlgorithm::Md5, sum));
        }
    }
}

/// The lines of a file of sums: the MD5 in hexadecimal, two spaces, and a path below the root.
fn sums_in(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| line.split_once("  "))
}

/// What is stated of a file, where a package has sums. Those that it leaves out are to be changed: configuration.
fn stated(path: &str, sums: Option<&BTreeMap<&str, &str>>) -> Stated {
    let path = path.trim_start_matches('/');
    match sums {
        _ if path.starts_with("etc/") => Stated::Nothing,
        Some(sums) => {
            sums.get(path).map_or(Stated::Nothing, |sum| Stated::hex(HashAlgorithm::Md5, sum))
        }
        None => Stated::Untold("its package has no sums of its files".to_owned()),
    }
}

/// A file of the database, where there is one.
fn read<'a>(ctx: &Context<'a>, name: &str, found: &mut Found) -> Option<(Entry, Cow<'a, str>)> {
    let path = TreePath::parse(format!("var/lib/dpkg/{name}").as_bytes()).ok()?;
    let entry = ctx.tree.resolve(&path).ok()?;
    let text = match ctx.read(&entry, ctx.limits.file, found)? {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
    };
    Some((entry, text))
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const OS: &str = "ID=debian\nVERSION_ID=\"12\"\n";
    const STATUS: &str = "\
Package: libssl3
Status: install ok installed
Maintainer: Debian OpenSSL Team <x@debian.org>
Architecture: amd64
Multi-Arch: same
Source: openssl
Version: 3.0.11-1~deb12u2
Depends: libc6 (>= 2.34)
Description: Secure Sockets Layer toolkit - shared libraries
 This package is part of the OpenSSL project's implementation.
 .
 Package: not a field

Package: libc6
Status: hold ok installed
Architecture: amd64
Source: glibc (2.36-9+deb12u3)
Version: 2.36-9+deb12u4
Provides: libc, libc-virtual (= 2)

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: half
Status: install reinstreq half-configured
Architecture: all
Version: 1:2.0
Pre-Depends: nothing | libssl3:any (>= 3), libc-virtual,
Depends: absent

";

    fn debian(status: &str) -> TestTree {
        TestTree::new().file("etc/os-release", OS).file("var/lib/dpkg/status", status)
    }

    #[track_caller]
    fn check(tree: &TestTree, expect: &[&str]) {
        assert_eq!(tree.lines(), expect);
    }

    const LIBC: &str = "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12";
    const SSL: &str = "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12";
    const HALF: &str = "pkg:deb/debian/half@1:2.0?arch=all&distro=debian-12";

    #[test]
    fn installed_packages_and_what_they_need() {
        check(
            &debian(STATUS),
            &[
                HALF,
                LIBC,
                SSL,
                &format!("{HALF} needs {LIBC}"),
                &format!("{HALF} needs {SSL}"),
                &format!("{SSL} needs {LIBC}"),
            ],
        );
    }

    #[test]
    fn source_supplier_and_licences() {
        let tree = debian(STATUS)
            .link("usr/share/doc/libssl3", "openssl")
            .file(
                "usr/share/doc/openssl/copyright",
                "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
                 Files: *\nLicense: Apache-2.0\n text\n\nFiles: debian/*\nLicense: GPL-2+\n\nLicense: GPL-2+\n text\n",
            )
            .file("usr/share/doc/libc6/copyright", "License: prose\n");
        let inventory = tree.catalog();
        let source = |id: usize| {
            let source = inventory.components()[id].source.clone().unwrap();
            (source.name, source.version)
        };
        assert_eq!(inventory.components()[0].source, None);
        assert_eq!(source(1), ("glibc".to_owned(), "2.36-9+deb12u3".to_owned()));
        assert_eq!(source(2), ("openssl".to_owned(), "3.0.11-1~deb12u2".to_owned()));
        let ssl = &inventory.components()[2];
        assert_eq!(ssl.supplier.as_deref(), Some("Debian OpenSSL Team <x@debian.org>"));
        assert_eq!(ssl.licenses, ["Apache-2.0", "GPL-2+"]);
        assert_eq!(ssl.locations[0].path.to_string(), "/var/lib/dpkg/status");
        assert!(ssl.locations[0].layer.is_some());
        assert_eq!(inventory.components()[1].licenses, Vec::<String>::new());
    }

    #[test]
    fn distroless_fragments() {
        let tree = TestTree::new()
            .file("etc/os-release", OS)
            .file(
                "var/lib/dpkg/status.d/base",
                "Package: base-files\nVersion: 12.4\nArchitecture: amd64\n",
            )
            .file("var/lib/dpkg/status.d/base-files.md5sums", "d41d8  usr/lib/x.egg-info\n")
            .file("usr/lib/x.egg-info", "Metadata-Version: 1.0\nName: x\nVersion: 1\n");
        let base = "pkg:deb/debian/base-files@12.4?arch=amd64&distro=debian-12";
        check(&tree, &[base, &format!("pkg:pypi/x@1 (owned by {base})")]);
    }

    #[test]
    fn lists_own_files_through_a_merged_usr() {
        let tree =
            debian("Package: p\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n")
                .link("lib", "usr/lib")
                .file(
                    "var/lib/dpkg/info/p:all.list",
                    "/.\n/lib\n/lib/x.egg-info\n/../../etc/passwd\n",
                )
                .file("usr/lib/x.egg-info", "Name: x\nVersion: 1\n");
        let owner = "pkg:deb/debian/p@1?arch=all&distro=debian-12";
        check(&tree, &[owner, &format!("pkg:pypi/x@1 (owned by {owner})")]);
    }

    #[test]
    fn what_a_later_layer_overwrote_is_not_owned() {
        let tree =
            debian("Package: p\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n")
                .file("var/lib/dpkg/info/p.list", "/lib/x.egg-info\n/lib/y.egg-info\n")
                .file("lib/x.egg-info", "Name: x\nVersion: 1\n")
                .next_layer()
                .file("lib/y.egg-info", "Name: y\nVersion: 2\n");
        let owner = "pkg:deb/debian/p@1?arch=all&distro=debian-12";
        check(&tree, &[owner, &format!("pkg:pypi/x@1 (owned by {owner})"), "pkg:pypi/y@2"]);
        let inventory = tree.catalog();
        let layer = |id: usize| inventory.components()[id].locations[0].layer.unwrap();
        assert_eq!(layer(0), layer(1));
        assert_ne!(layer(1), layer(2));
    }

    #[test]
    fn a_truncated_status_says_so_and_keeps_what_it_has() {
        let (whole, _) = STATUS.split_once("~deb12u2").unwrap();
        check(
            &debian(whole),
            &[
                "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12",
                "dpkg: /var/lib/dpkg/status: the file ends in the middle of a package",
            ],
        );
        check(
            &debian("Package: a\nStatus: install ok installed\n\n\0\u{1}rubbish\n\nVersion: 1\n\n"),
            &[
                "pkg:deb/debian/a?distro=debian-12",
                "dpkg: /var/lib/dpkg/status: `\0\u{1}rubbish` is no field of a package",
                "dpkg: /var/lib/dpkg/status: a package has no name",
                "dpkg: /var/lib/dpkg/status: package `a` states no version",
            ],
        );
    }

    /// A status file of packages, each with its version.
    fn status(packages: &[(&str, &str)]) -> String {
        let stanza = |(name, version): &(&str, &str)| {
            format!(
                "Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: all\n\n"
            )
        };
        packages.iter().map(stanza).collect()
    }

    #[test]
    fn packages_are_of_the_layer_that_brought_them() {
        let path = "var/lib/dpkg/status";
        let tree = TestTree::new()
            .file(path, status(&[("base", "1"), ("old", "1"), ("back", "1"), ("gone", "1")]))
            .next_layer()
            .next_layer()
            .file(path, status(&[("base", "1"), ("old", "2"), ("app", "1")]))
            .next_layer()
            .file(path, status(&[("base", "1"), ("old", "2"), ("app", "1"), ("back", "1")]))
            .file("var/lib/dpkg/status.d/fragment", "Package: fragment\nVersion: 1\n");
        assert_eq!(tree.introduced(), ["3 app", "4 back", "1 base", "4 fragment", "3 old"]);
        assert_eq!(tree.catalog().unknowns, []);
    }

    #[test]
    fn a_lower_list_that_can_not_be_read_leaves_open_who_brought_what() {
        let path = "var/lib/dpkg/status";
        let (cut, _) = STATUS.split_once("~deb12u2").unwrap();
        let tree = TestTree::new()
            .file(path, cut)
            .next_layer()
            .file(path, status(&[("a", "1")]))
            .next_layer()
            .file(path, status(&[("a", "1"), ("b", "1")]));
        assert_eq!(tree.introduced(), ["? a", "3 b"]);
        let tree =
            TestTree::new().file(path, "\0\n\n").next_layer().file(path, status(&[("a", "1")]));
        assert_eq!(tree.introduced(), ["? a"]);
    }

    #[test]
    fn a_package_that_is_taken_off_the_list_only_is_not_hidden() {
        let path = "var/lib/dpkg/status";
        let tree = || {
            TestTree::new()
                .file(path, status(&[("a", "1"), ("b", "1"), ("c", "1")]))
                .file("usr/share/doc/b/copyright", "")
                .file("var/lib/dpkg/info/c.md5sums", "")
                .next_layer()
        };
        let note = |name, left| {
            format!(
                "dpkg: /var/lib/dpkg/status: a lower layer lists package `{name}`, and it is not removed: `{left}` is still there"
            )
        };
        check(
            &tree().file(path, status(&[("a", "1")])),
            &[
                "pkg:deb/a@1?arch=all",
                &note("b", "/usr/share/doc/b/copyright"),
                &note("c", "/var/lib/dpkg/info/c.md5sums"),
            ],
        );
        check(
            &tree()
                .without("var/lib/dpkg/info/c.md5sums")
                .file("var/lib/dpkg/info/a.list", "/usr/share/doc/b/copyright\n")
                .file(path, status(&[("a", "1")])),
            &["pkg:deb/a@1?arch=all"],
        );
        check(
            &tree()
                .without("usr/share/doc/b/copyright")
                .without("var/lib/dpkg/info/c.md5sums")
                .file(path, status(&[("a", "1")])),
            &["pkg:deb/a@1?arch=all"],
        );
    }

    #[test]
    fn a_fragment_that_is_taken_away_is_said() {
        let tree = TestTree::new()
            .file("var/lib/dpkg/status.d/a", "Package: a\nVersion: 1\n")
            .file("var/lib/dpkg/status.d/a.md5sums", "")
            .next_layer();
        check(&tree, &["pkg:deb/a@1"]);
        check(
            &tree.without("var/lib/dpkg/status.d/a"),
            &[
                "dpkg: /var/lib/dpkg/status.d/a.md5sums: it lists the files of a package that nothing describes",
            ],
        );
    }

    #[test]
    fn a_list_that_is_taken_away_is_said() {
        let tree = TestTree::new()
            .file("var/lib/dpkg/status", status(&[("a", "1")]))
            .next_layer()
            .without("var/lib/dpkg/status")
            .file("var/lib/dpkg/status.d/b", "Package: b\nVersion: 1\n");
        check(
            &tree,
            &[
                "pkg:deb/b@1",
                "dpkg: /var/lib/dpkg/status: a layer takes the database away, and what it listed may still be there",
            ],
        );
    }

    #[test]
    fn a_package_without_a_status_counts_as_installed() {
        check(
            &debian("Package: a\nVersion: 1\n\n"),
            &[
                "pkg:deb/debian/a@1?distro=debian-12",
                "dpkg: /var/lib/dpkg/status: package `a` has no status; it counts as installed",
            ],
        );
    }
}
