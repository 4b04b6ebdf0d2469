//! Packages of Arch Linux and its kin, from pacman's local database.
//!
//! Format: <https://man.archlinux.org/man/alpm-db.7>, <https://man.archlinux.org/man/alpm-db-desc.5> and
//! <https://man.archlinux.org/man/alpm-db-files.5>. Every package has a directory of its own.

use super::{Cataloger, Context, Draft, Files, Found, license};
use crate::{owned::Stated, relate::Providers};
use plimsoll_model::{
    TreePath,
    component::{ComponentId, SourcePackage},
    inventory::Coverage,
    tree::{Entry, Want},
};
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "alpm",
    description: "Arch Linux packages in /var/lib/pacman/local",
    files: &[Files::Named("desc"), Files::Named("files")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

const LOCAL: &str = "var/lib/pacman/local";

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let directory = path.parent().and_then(|package| package.parent());
    let is_wanted = directory.is_some_and(|directory| directory.as_bytes() == LOCAL.as_bytes());
    if is_wanted { Want::Content } else { Want::Nothing }
}

/// What is needed of a package after its component has been made.
struct Installed {
    id: ComponentId,
    name: String,
    depends: Vec<String>,
    provides: Vec<String>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    let mut found = Found::default();
    let mut installed = Vec::new();
    for entry in ctx.files.iter().filter(|entry| entry.path.file_name() == b"desc") {
        let Some(bytes) = ctx.read(entry, ctx.limits.package_metadata, &mut found) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let sections = sections(ctx, entry, &text, &mut found);
        if let Some(package) = package(ctx, entry, &sections, &mut found) {
            own(ctx, entry, package.id, &mut found);
            installed.push(package);
        }
    }
    for entry in ctx.files.iter().filter(|entry| entry.path.file_name() == b"files") {
        if sibling(ctx, entry, "desc").is_none() {
            ctx.note(&mut found, entry, "a package has files and no description");
        }
    }
    relate(ctx, &installed, &mut found);
    ctx.note_moved(&mut found, &[LOCAL]);
    found
}

/// Another file of the same package.
fn sibling(ctx: &Context<'_>, entry: &Entry, name: &str) -> Option<Entry> {
    let path = entry.path.parent()?.join(name).ok()?;
    let place = ctx.files.binary_search_by(|entry| entry.path.cmp(&path)).ok()?;
    ctx.files.get(place).cloned()
}

/// Names of sections with their lines. A section ends with an empty line.
fn sections<'a>(
    ctx: &Context<'_>,
    entry: &Entry,
    text: &'a str,
    found: &mut Found,
) -> BTreeMap<&'a str, Vec<&'a str>> {
    if !text.ends_with("\n\n") {
        ctx.note(found, entry, "the file ends in the middle of a section");
    }
    let mut sections = BTreeMap::<_, Vec<_>>::new();
    let mut section = None;
    for line in text.lines() {
        let name = line.strip_prefix('%').and_then(|name| name.strip_suffix('%'));
        match (section, name) {
            _ if line.is_empty() => section = None,
            (None, Some(name)) => section = Some(name),
            (Some(section), _) => sections.entry(section).or_default().push(line),
            (None, None) => ctx.note(found, entry, format!("`{line}` is in no section")),
        }
    }
    sections
}

fn package(
    ctx: &Context<'_>,
    entry: &Entry,
    sections: &BTreeMap<&str, Vec<&str>>,
    found: &mut Found,
) -> Option<Installed> {
    let all = |name: &str| sections.get(name).map(Vec::as_slice).unwrap_or_default();
    let one = |name: &str| all(name).first().map(|value| value.trim());
    let Some(name) = one("NAME").filter(|name| !name.is_empty()) else {
        ctx.note(found, entry, "a package has no name");
        return None;
    };
    let version = one("VERSION");
    let (namespace, distro) = ctx.distro();
    let draft = Draft {
        kind: "alpm",
        namespace,
        name: &name.to_lowercase(),
        shown: name,
        version,
        qualifiers: &[("arch", one("ARCH").unwrap_or_default()), ("distro", &distro)],
    };
    let id = ctx.add(found, entry, &draft)?;
    let component = found.at(id)?;
    component.licenses.extend(all("LICENSE").iter().filter_map(|text| license(text)));
    component.supplier =
        one("PACKAGER").and_then(license).filter(|packager| packager != "Unknown Packager");
    component.source = one("BASE").zip(version).map(|(name, version)| SourcePackage {
        name: name.to_owned(),
        version: version.to_owned(),
    });
    let bare = |name: &str| all(name).iter().map(|word| bare(word).to_owned()).collect();
    Some(Installed {
        id,
        name: name.to_owned(),
        depends: bare("DEPENDS"),
        provides: bare("PROVIDES"),
    })
}

/// The name without a version: `glibc>=2.33`, `libz.so=1-64`.
fn bare(word: &str) -> &str {
    word.split(['=', '<', '>']).next().unwrap_or(word).trim()
}

/// The files of a package, relative to the root; directories end in a slash.
fn own(ctx: &Context<'_>, desc: &Entry, id: ComponentId, found: &mut Found) {
    let Some(entry) = sibling(ctx, desc, "files") else { return };
    let Some(bytes) = ctx.read(&entry, ctx.limits.file, found) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let sections = if text.is_empty() {
        // A package may have nothing but dependencies.
        BTreeMap::new()
    } else {
        sections(ctx, &entry, &text, found)
    };
    for path in sections.get("FILES").into_iter().flatten().filter(|path| !path.ends_with('/')) {
        ctx.own(found, &entry, (id, path), Stated::nothing);
    }
}

fn relate(ctx: &Context<'_>, installed: &[Installed], found: &mut Found) {
    let mut providers = Providers::default();
    for package in installed {
        providers.add(&package.name, package.id);
        for name in &package.provides {
            providers.add(name, package.id);
        }
    }
    for package in installed {
        for name in &package.depends {
            ctx.depends(found, package.id, providers.of(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const ZLIB: &str = "\
%NAME%
zlib

%VERSION%
1:1.3.1-2

%BASE%
zlib

%DESC%
Compression library implementing deflate

%ARCH%
x86_64

%PACKAGER%
Jane Doe <jane@example.org>

%LICENSE%
Zlib
custom

%DEPENDS%
glibc>=2.38

%PROVIDES%
libz.so=1-64

";
    const PIP: &str = "\
%NAME%
python-pip

%VERSION%
24.3.1-2

%ARCH%
any

%PACKAGER%
Unknown Packager

%DEPENDS%
libz.so=1-64
absent

";
    const ZLIB_PURL: &str = "pkg:alpm/arch/zlib@1:1.3.1-2?arch=x86_64&distro=arch";
    const PIP_PURL: &str = "pkg:alpm/arch/python-pip@24.3.1-2?arch=any&distro=arch";

    fn arch() -> TestTree {
        TestTree::new().file("usr/lib/os-release", "ID=arch\n")
    }

    #[track_caller]
    fn check(tree: &TestTree, expect: &[&str]) {
        assert_eq!(tree.lines(), expect);
    }

    #[test]
    fn packages_what_they_need_and_what_they_own() {
        let tree = arch()
            .file("var/lib/pacman/local/zlib-1:1.3.1-2/desc", ZLIB)
            .file("var/lib/pacman/local/zlib-1:1.3.1-2/files", "")
            .file("var/lib/pacman/local/python-pip-24.3.1-2/desc", PIP)
            .file(
                "var/lib/pacman/local/python-pip-24.3.1-2/files",
                "%FILES%\nusr/\nusr/lib/\nusr/lib/x.egg-info\n\n%BACKUP%\netc/pip.conf\tx\n\n",
            )
            .file("usr/lib/x.egg-info", "Name: x\nVersion: 1\n");
        check(
            &tree,
            &[
                PIP_PURL,
                ZLIB_PURL,
                &format!("pkg:pypi/x@1 (owned by {PIP_PURL})"),
                &format!("{PIP_PURL} needs {ZLIB_PURL}"),
            ],
        );
        let inventory = tree.catalog();
        let zlib = &inventory.components()[1];
        assert_eq!(zlib.licenses, ["Zlib", "custom"]);
        assert_eq!(zlib.supplier.as_deref(), Some("Jane Doe <jane@example.org>"));
        assert_eq!(zlib.source.as_ref().unwrap().version, "1:1.3.1-2");
        assert_eq!(inventory.components()[0].supplier, None);
    }

    #[test]
    fn a_package_is_of_the_layer_of_its_directory() {
        let tree = arch()
            .file("var/lib/pacman/local/zlib-1:1.3.1-2/desc", ZLIB)
            .next_layer()
            .file("var/lib/pacman/local/python-pip-24.3.1-2/desc", PIP);
        assert_eq!(tree.introduced(), ["2 python-pip", "1 zlib"]);
    }

    #[test]
    fn a_broken_database_says_so_and_keeps_what_it_has() {
        const DESC: &str = "/var/lib/pacman/local/a-1/desc";
        check(
            &arch().file(DESC, "rubbish\n%NAME%\nA\n\n%VERSION%\n1"),
            &[
                "pkg:alpm/arch/a@1?distro=arch",
                "alpm: /var/lib/pacman/local/a-1/desc: `rubbish` is in no section",
                "alpm: /var/lib/pacman/local/a-1/desc: the file ends in the middle of a section",
            ],
        );
        check(
            &arch().file(DESC, "%VERSION%\n1\n\n").file("var/lib/pacman/local/b-1/files", ""),
            &[
                "alpm: /var/lib/pacman/local/a-1/desc: a package has no name",
                "alpm: /var/lib/pacman/local/b-1/files: a package has files and no description",
            ],
        );
    }
}
