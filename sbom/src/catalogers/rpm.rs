//! Packages of Fedora, Red Hat, SUSE and their kin, from rpm's database of any of the three kinds.
//!
//! Tags: <https://rpm-software-management.github.io/rpm/manual/tags.html>.

use super::{Cataloger, Context, Draft, Files, Found, Purpose, license};
use crate::{
    introduced::{self, Listing, Package},
    relate::Providers,
    rpmdb::{
        self,
        header::{Header, Tag},
        sums::Sums,
    },
};
use plimsoll_model::{
    TreePath,
    component::{ComponentId, SourcePackage},
    inventory::Coverage,
    tree::{Entry, EntryKind, Want},
};
use std::{borrow::Cow, collections::BTreeSet};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "rpm",
    description: "RPM packages in rpmdb.sqlite, Packages.db and Packages",
    files: &[
        Files::In("var/lib/rpm"),
        Files::In("usr/lib/sysimage/rpm"),
        Files::In("usr/share/rpm"),
    ],
    earlier: &[
        "var/lib/rpm/Packages",
        "var/lib/rpm/Packages.db",
        "var/lib/rpm/rpmdb.sqlite",
        "var/lib/rpm/rpmdb.sqlite-wal",
        "usr/lib/sysimage/rpm/Packages",
        "usr/lib/sysimage/rpm/Packages.db",
        "usr/lib/sysimage/rpm/rpmdb.sqlite",
        "usr/lib/sysimage/rpm/rpmdb.sqlite-wal",
        "usr/share/rpm/Packages",
        "usr/share/rpm/Packages.db",
        "usr/share/rpm/rpmdb.sqlite",
        "usr/share/rpm/rpmdb.sqlite-wal",
    ],
    want,
    edges: Coverage::Complete,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let is_wanted = CATALOGER.earlier.iter().any(|wanted| wanted.as_bytes() == path.as_bytes());
    if is_wanted { Want::Content } else { Want::Nothing }
}

/// What is needed of a package after its component has been made.
struct Installed<'a> {
    id: ComponentId,
    header: Header<'a>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    let mut all = ctx.each(ctx.limits.file, |ctx, entry, bytes, found| {
        if entry.path.file_name() != rpmdb::LOG.as_bytes() {
            database(ctx, entry, bytes, found);
        } else if !bytes.is_empty() && !has_database(ctx, entry) {
            ctx.unread(found, entry, "a write-ahead log without its database");
        }
    });
    let databases: Vec<_> = introduced::databases(&CATALOGER).collect();
    ctx.note_moved(&mut all, &databases);
    all
}

fn database(ctx: &Context<'_>, entry: &Entry, bytes: &[u8], found: &mut Found) {
    let log = log(ctx, entry, found);
    let (headers, errors) = rpmdb::headers(entry.path.file_name(), bytes, &log);
    for error in errors {
        ctx.unread(found, entry, error);
    }
    let installed: Vec<_> =
        headers.iter().filter_map(|header| package(ctx, entry, header, found)).collect();
    let packages: Vec<_> =
        installed.iter().map(|Installed { id, header }| (*id, listed(header))).collect();
    let list = |bytes: &[u8]| listing(ctx, entry, bytes);
    let gone = introduced::attribute(ctx, entry, &packages, &list, found);
    relate(ctx, &installed, found);
    for Installed { id, header } in &installed {
        let sums = Sums::of(header);
        for (at, file) in header.files(ctx.limits.path) {
            ctx.own(found, entry, (*id, &file), || sums.stated(at));
        }
        if ctx.purpose == Purpose::Judgement && !header.has_all_files(ctx.limits.path) {
            ctx.unread(found, entry, "not all files of a package can be read");
        }
    }
    let name = entry.path.file_name();
    let left = |bytes: &[u8], remains: introduced::Remains<'_>| {
        let (headers, _) = rpmdb::headers(name, bytes, &[]);
        let left = |header: &Cow<'_, [u8]>| {
            let header = Header::parse(header)?;
            let package = Some(listed(&header)).filter(|package| gone.contains(package))?;
            let file = header.files(ctx.limits.path).find_map(|(_, path)| remains(&path))?;
            Some((package, file))
        };
        headers.iter().filter_map(left).collect()
    };
    introduced::left_behind(ctx, entry, &gone, &left, found);
}

fn has_database(ctx: &Context<'_>, log: &Entry) -> bool {
    let database = |entry: &Entry| log_of(entry).as_ref() == Some(&log.path) && entry != log;
    ctx.files.iter().any(database)
}

/// The path of the log of a database of a kind that has one.
fn log_of(database: &Entry) -> Option<TreePath> {
    let has_log = rpmdb::LOG.as_bytes().starts_with(database.path.file_name());
    has_log.then(|| database.path.parent()?.join(rpmdb::LOG).ok()).flatten()
}

/// Changes that wait to be written into a database; nothing where none do, or where they can not be read, which is then said.
fn log<'a>(ctx: &Context<'a>, database: &Entry, found: &mut Found) -> Cow<'a, [u8]> {
    let entry = log_of(database).and_then(|path| ctx.tree.entry(&path));
    // What is no regular file is said like one that can not be read.
    let waits = |entry: &Entry| entry.kind != EntryKind::File || entry.size > 0;
    let log = entry.filter(waits).and_then(|entry| ctx.read(&entry, ctx.limits.file, found));
    log.unwrap_or_default()
}

/// What a database listed in a lower layer, without what waited in a log.
fn listing(ctx: &Context<'_>, database: &Entry, bytes: &[u8]) -> Listing {
    let mut listing = Listing::new(ctx.limits);
    if has_waited(ctx, database) {
        listing.is_partial();
        return listing;
    }
    let (headers, errors) = rpmdb::headers(database.path.file_name(), bytes, &[]);
    if !errors.is_empty() {
        listing.is_partial();
    }
    for header in &headers {
        match Header::parse(header) {
            Some(header) => listing.add(listed(&header)),
            None => listing.is_partial(),
        }
    }
    listing
}

/// Whether in any layer changes waited to be written into a database.
fn has_waited(ctx: &Context<'_>, database: &Entry) -> bool {
    let Some(path) = log_of(database) else { return false };
    let earlier = ctx.tree.earlier(&path);
    ctx.tree.entry(&path).is_some_and(|entry| entry.size > 0)
        || earlier.iter().any(|(_, log)| !log.is_empty())
}

/// A package as the database lists it.
fn listed(header: &Header<'_>) -> Package {
    let text = |tag| header.text(tag).unwrap_or_default().to_owned();
    Package {
        name: text(Tag::NAME),
        version: version(header).map(|version| match epoch(header) {
            Some(epoch) => format!("{epoch}:{version}"),
            None => version,
        }),
        arch: text(Tag::ARCH),
    }
}

fn version(header: &Header<'_>) -> Option<String> {
    header.text(Tag::VERSION).map(|version| match header.text(Tag::RELEASE) {
        Some(release) => format!("{version}-{release}"),
        None => version.to_owned(),
    })
}

fn epoch(header: &Header<'_>) -> Option<u32> {
    header.numbers(Tag::EPOCH).next().filter(|epoch| *epoch > 0)
}

fn package<'a>(
    ctx: &Context<'_>,
    entry: &Entry,
    header: &'a [u8],
    found: &mut Found,
) -> Option<Installed<'a>> {
    let header = Header::parse(header);
    let named = header.and_then(|header| Some((header.text(Tag::NAME)?, header)));
    let Some((name, header)) = named else {
        ctx.unread(found, entry, "the header of a package can not be read");
        return None;
    };
    // Keys that were imported are kept among the packages, and are none.
    if name == "gpg-pubkey" {
        return None;
    }
    let id = component(ctx, entry, (name, &header), found)?;
    Some(Installed { id, header })
}

fn component(
    ctx: &Context<'_>,
    entry: &Entry,
    (name, header): (&str, &Header<'_>),
    found: &mut Found,
) -> Option<ComponentId> {
    let epoch = epoch(header).map(|epoch| epoch.to_string()).unwrap_or_default();
    let (namespace, distro) = ctx.distro();
    let text = |tag| header.text(tag).unwrap_or_default();
    let qualifiers = [
        ("arch", text(Tag::ARCH)),
        ("distro", &distro),
        ("epoch", &epoch),
        ("rpmmod", text(Tag::MODULARITY_LABEL)),
    ];
    let version = version(header);
    let version = version.as_deref();
    let draft =
        Draft { kind: "rpm", namespace, name, shown: name, version, qualifiers: &qualifiers };
    let id = ctx.add(found, entry, &draft)?;
    let component = found.at(id)?;
    // Off-model: the package URL has the epoch as a qualifier, and people write it before the version.
    if let (Some(version), false) = (&mut component.version, epoch.is_empty()) {
        version.insert_str(0, &format!("{epoch}:"));
    }
    component.licenses.extend(header.text(Tag::LICENSE).and_then(license));
    component.supplier = header.text(Tag::VENDOR).and_then(license);
    component.source = header.text(Tag::SOURCE_RPM).and_then(source);
    Some(id)
}

/// Name and version in `NAME-VERSION-RELEASE.src.rpm`.
fn source(file: &str) -> Option<SourcePackage> {
    let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(SourcePackage { name: name.to_owned(), version: format!("{version}-{release}") })
}

/// Packages require names that others provide, and paths of files that others have.
fn relate(ctx: &Context<'_>, installed: &[Installed<'_>], found: &mut Found) {
    let requires = || installed.iter().flat_map(|package| package.header.texts(Tag::REQUIRE_NAME));
    let paths: BTreeSet<&str> = requires().filter(|name| name.starts_with('/')).collect();
    let mut providers = Providers::default();
    for Installed { id, header } in installed {
        for name in header.texts(Tag::PROVIDE_NAME) {
            providers.add(name, *id);
        }
        for (_, file) in header.files(ctx.limits.path) {
            if let Some(path) = paths.get(file.as_str()) {
                providers.add(path, *id);
            }
        }
    }
    for Installed { id, header } in installed {
        for name in header.texts(Tag::REQUIRE_NAME) {
            ctx.depends(found, *id, providers.of(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rpmdb::header::testing::header, testing::TestTree};

    /// Made by `tests/data/make-sqlite.py`: bash, glibc, a key, and a row that is no header.
    const RPMDB: &[u8] = include_bytes!("../../tests/data/rpmdb.sqlite");

    const OS: &str = "ID=fedora\nVERSION_ID=41\n";
    const BASH: &str = "pkg:rpm/fedora/bash@5.2.32-1.fc41?arch=x86_64&distro=fedora-41";
    const GLIBC: &str = "pkg:rpm/fedora/glibc@2.40-3.fc41?arch=x86_64&distro=fedora-41&epoch=2";
    const UNREADABLE: &str =
        "rpm: /usr/lib/sysimage/rpm/rpmdb.sqlite: the header of a package can not be read";

    fn fedora(bytes: &[u8]) -> TestTree {
        TestTree::new()
            .file("etc/os-release", OS)
            .file("usr/lib/sysimage/rpm/rpmdb.sqlite", bytes)
            .link("var/lib/rpm", "../../usr/lib/sysimage/rpm")
    }

    #[track_caller]
    fn check(tree: &TestTree, expect: &[&str]) {
        assert_eq!(tree.lines(), expect);
    }

    #[test]
    fn packages_what_they_need_and_what_they_own() {
        let tree = fedora(RPMDB)
            .link("bin", "usr/bin")
            .file("usr/lib/six.egg-info", "Name: six\nVersion: 1\n")
            .file("usr/lib/sysimage/rpm/rpmdb.sqlite-wal", "");
        check(
            &tree,
            &[
                &format!("pkg:pypi/six@1 (owned by {BASH})"),
                BASH,
                GLIBC,
                &format!("{BASH} needs {GLIBC}"),
                &format!("{GLIBC} needs {BASH}"),
                UNREADABLE,
            ],
        );
    }

    #[test]
    fn source_licence_vendor_and_epoch() {
        let inventory = fedora(RPMDB).catalog();
        let glibc = &inventory.components()[1];
        assert_eq!(glibc.version.as_deref(), Some("2:2.40-3.fc41"));
        assert_eq!(glibc.licenses, ["LGPL-2.1-or-later"]);
        assert_eq!(glibc.supplier.as_deref(), Some("Fedora Project"));
        let source = glibc.source.clone().unwrap();
        assert_eq!((source.name.as_str(), source.version.as_str()), ("glibc", "2.40-3.fc41"));
        assert_eq!(inventory.components()[0].version.as_deref(), Some("5.2.32-1.fc41"));
    }

    #[test]
    fn the_header_in_the_data_is_what_this_file_makes() {
        use crate::rpmdb::header::testing::Entry;
        let bytes = header(&[(Tag::NAME, Entry::Text("gpg-pubkey"))]);
        assert!(memchr::memmem::find(RPMDB, &bytes).is_some());
    }

    #[test]
    fn all_three_kinds_of_database_are_read() {
        // Made by `tests/data/make-bdb.py` out of the other one.
        const PACKAGES: &[u8] = include_bytes!("../../tests/data/rpmdb.bdb");
        let (headers, _) = rpmdb::headers(b"rpmdb.sqlite", RPMDB, &[]);
        let headers: Vec<&[u8]> = headers.iter().map(AsRef::as_ref).collect();
        let ndb = rpmdb::ndb::testing::database(&headers);
        for (path, bytes) in
            [("var/lib/rpm/Packages", PACKAGES), ("usr/lib/sysimage/rpm/Packages.db", &ndb)]
        {
            check(
                &TestTree::new().file("etc/os-release", OS).file(path, bytes),
                &[
                    BASH,
                    GLIBC,
                    &format!("{BASH} needs {GLIBC}"),
                    &format!("{GLIBC} needs {BASH}"),
                    &format!("rpm: /{path}: the header of a package can not be read"),
                ],
            );
            check(
                &TestTree::new().file("etc/os-release", OS).file(path, &bytes[..9]),
                &[&format!(
                    "rpm: /{path}: {}",
                    match path {
                        "var/lib/rpm/Packages" => "not a hash table of Berkeley DB",
                        _ => "not an ndb database",
                    }
                )],
            );
        }
    }

    #[test]
    fn a_log_that_makes_no_sense_is_an_unknown() {
        check(
            &fedora(RPMDB).file("usr/lib/sysimage/rpm/rpmdb.sqlite-wal", "x"),
            &[
                BASH,
                GLIBC,
                &format!("{BASH} needs {GLIBC}"),
                &format!("{GLIBC} needs {BASH}"),
                UNREADABLE,
                "rpm: /usr/lib/sysimage/rpm/rpmdb.sqlite: the write-ahead log of the database can not be read",
            ],
        );
        check(
            &TestTree::new().file("var/lib/rpm/rpmdb.sqlite-wal", "x"),
            &["rpm: /var/lib/rpm/rpmdb.sqlite-wal: a write-ahead log without its database"],
        );
    }

    /// A database of packages, each with its version.
    fn database(packages: &[(&str, &str)]) -> Vec<u8> {
        use crate::rpmdb::header::testing::Entry;
        let header = |(name, version): &(&str, &str)| {
            header(&[
                (Tag::NAME, Entry::Text(name)),
                (Tag::VERSION, Entry::Text(version)),
                (Tag::MODULARITY_LABEL, Entry::Text("m:1:2:3")),
                (Tag::DIR_NAMES, Entry::Texts(&["/usr/lib/"])),
                (Tag::DIR_INDEXES, Entry::Numbers(&[0])),
                (Tag::BASE_NAMES, Entry::Texts(&[&format!("{name}.so")])),
            ])
        };
        let headers: Vec<_> = packages.iter().map(header).collect();
        let headers: Vec<_> = headers.iter().map(Vec::as_slice).collect();
        rpmdb::ndb::testing::database(&headers)
    }

    #[test]
    fn packages_are_of_the_layer_that_brought_them() {
        const PATH: &str = "var/lib/rpm/Packages.db";
        let tree = TestTree::new()
            .file(PATH, database(&[("a", "1"), ("b", "1")]))
            .next_layer()
            .file(PATH, database(&[("a", "1"), ("b", "2"), ("c", "1")]));
        assert_eq!(tree.introduced(), ["1 a", "2 b", "2 c"]);
        assert_eq!(tree.lines()[0], "pkg:rpm/a@1?rpmmod=m:1:2:3");
        let broken =
            TestTree::new().file(PATH, "RpmP").next_layer().file(PATH, database(&[("a", "1")]));
        assert_eq!(broken.introduced(), ["? a"]);
    }

    #[test]
    fn a_broken_database_is_an_unknown_and_gives_what_it_has() {
        check(
            &fedora(b"no database"),
            &["rpm: /usr/lib/sysimage/rpm/rpmdb.sqlite: not an SQLite database"],
        );
        let lines = fedora(&RPMDB[..RPMDB.len() / 2]).lines();
        assert!(lines.iter().any(|line| line.contains(" of the database is missing")), "{lines:?}");
    }
}
