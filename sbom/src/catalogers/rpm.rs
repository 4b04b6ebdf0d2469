//! Packages of Fedora, Red Hat, SUSE and their kin, from rpm's SQLite database.
//!
//! The two older kinds of database are not read yet: where one is there, that is said.

use super::{Cataloger, Context, Draft, Files, Found, license};
use crate::{
    relate::Providers,
    rpmdb::{
        header::{Header, Tag},
        sqlite::{Database, Value},
    },
};
use plimsoll_model::{
    TreePath,
    component::{ComponentId, SourcePackage},
    inventory::Coverage,
    tree::{Entry, EntryKind, Want},
};
use std::collections::BTreeSet;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "rpm",
    description: "RPM packages in rpmdb.sqlite",
    files: &[Files::Named("rpmdb.sqlite")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

const DIRECTORIES: [&str; 3] = ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"];

/// Databases of a kind that is not read yet.
const UNREAD: [(&str, &str); 2] = [("Packages", "Berkeley DB"), ("Packages.db", "ndb")];

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let is_database = path.file_name() == b"rpmdb.sqlite"
        && path.parent().is_some_and(|parent| {
            DIRECTORIES.iter().any(|directory| parent.as_bytes() == directory.as_bytes())
        });
    if is_database { Want::Content } else { Want::Nothing }
}

/// What is needed of a package after its component has been made.
struct Installed<'a> {
    id: ComponentId,
    header: Header<'a>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    let mut all = ctx.each(ctx.limits.file, |ctx, entry, bytes, found| {
        pending(ctx, entry, found);
        let (rows, errors) = match Database::open(bytes) {
            Ok(database) => database.rows("Packages"),
            Err(error) => (Vec::new(), vec![error]),
        };
        for error in errors {
            ctx.note(found, entry, error);
        }
        let installed: Vec<_> =
            rows.iter().filter_map(|row| package(ctx, entry, row, found)).collect();
        relate(ctx, &installed, found);
        for Installed { id, header } in &installed {
            let files = header.files(ctx.limits.path);
            files.for_each(|file| ctx.own(found, entry, (*id, &file)));
        }
    });
    unread(ctx, &mut all);
    all
}

/// A write-ahead log with content: the database may have changed since it was last written.
fn pending(ctx: &Context<'_>, database: &Entry, found: &mut Found) {
    let path = database.path.parent().and_then(|parent| parent.join("rpmdb.sqlite-wal").ok());
    let entry = path.and_then(|path| ctx.tree.entry(&path)).filter(|entry| entry.size > 0);
    if let Some(entry) = entry {
        ctx.note(found, &entry, "changes that wait in the write-ahead log are not read yet");
    }
}

/// Databases that are there and not read.
fn unread(ctx: &Context<'_>, found: &mut Found) {
    for directory in DIRECTORIES {
        ctx.note_moved(found, &[&format!("{directory}/rpmdb.sqlite")]);
        for (name, kind) in UNREAD {
            let path = TreePath::parse(format!("{directory}/{name}").as_bytes()).ok();
            let entry = path.and_then(|path| ctx.tree.resolve(&path).ok());
            // By a link it may have several of the names.
            let is_new = |entry: &Entry| {
                entry.kind == EntryKind::File
                    && found.unknowns.iter().all(|unknown| unknown.path != entry.path)
            };
            if let Some(entry) = entry.filter(is_new) {
                ctx.note(
                    found,
                    &entry,
                    format!("an RPM database in {kind} format is not read yet"),
                );
            }
        }
    }
}

fn package<'a>(
    ctx: &Context<'_>,
    entry: &Entry,
    row: &'a [Value],
    found: &mut Found,
) -> Option<Installed<'a>> {
    let header = match row {
        [_, Value::Bytes(blob), ..] => Header::parse(blob),
        _ => None,
    };
    let named = header.and_then(|header| Some((header.text(Tag::NAME)?, header)));
    let Some((name, header)) = named else {
        ctx.note(found, entry, "the header of a package can not be read");
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
    let full = header.text(Tag::VERSION).map(|version| match header.text(Tag::RELEASE) {
        Some(release) => format!("{version}-{release}"),
        None => version.to_owned(),
    });
    let epoch = header.numbers(Tag::EPOCH).next().filter(|epoch| *epoch > 0);
    let epoch = epoch.map(|epoch| epoch.to_string());
    let (namespace, distro) = ctx.distro();
    let qualifiers = [
        ("arch", header.text(Tag::ARCH).unwrap_or_default()),
        ("distro", &distro),
        ("epoch", epoch.as_deref().unwrap_or_default()),
    ];
    let version = full.as_deref();
    let draft =
        Draft { kind: "rpm", namespace, name, shown: name, version, qualifiers: &qualifiers };
    let id = ctx.add(found, entry, &draft)?;
    let component = found.at(id)?;
    // Off-model: the package URL has the epoch as a qualifier, and people write it before the version.
    if let (Some(version), Some(epoch)) = (&mut component.version, &epoch) {
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
        for file in header.files(ctx.limits.path) {
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
    fn databases_that_are_not_read_are_unknowns() {
        check(
            &TestTree::new()
                .file("var/lib/rpm/Packages", "\0")
                .file("usr/lib/sysimage/rpm/Packages.db", "RpmP"),
            &[
                "rpm: /usr/lib/sysimage/rpm/Packages.db: an RPM database in ndb format is not read yet",
                "rpm: /var/lib/rpm/Packages: an RPM database in Berkeley DB format is not read yet",
            ],
        );
        check(
            &fedora(RPMDB).file("usr/lib/sysimage/rpm/rpmdb.sqlite-wal", "x"),
            &[
                BASH,
                GLIBC,
                &format!("{BASH} needs {GLIBC}"),
                &format!("{GLIBC} needs {BASH}"),
                UNREADABLE,
                "rpm: /usr/lib/sysimage/rpm/rpmdb.sqlite-wal: changes that wait in the write-ahead log are not read yet",
            ],
        );
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
