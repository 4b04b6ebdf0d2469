//! Packages of Gentoo and its kin, from portage's database of what is installed.
//!
//! Format: <https://wiki.gentoo.org/wiki/VDB>; names, versions and dependencies as in the Package Manager Specification,
//! <https://projects.gentoo.org/pms/8/pms.html>. Every package has a directory of its own, with a file for each value.
//! The package URL specification has no registered type for them; `ebuild`, which it names as a candidate, is what others use.

use super::{Cataloger, Context, Draft, Files, Found, license};
use crate::owned::Stated;
use plimsoll_model::{
    TreePath,
    component::ComponentId,
    inventory::Coverage,
    tree::{Entry, Want},
};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "portage",
    description: "Gentoo packages in /var/db/pkg",
    files: &[
        Files::Named("CONTENTS"),
        Files::Named("LICENSE"),
        Files::Named("PDEPEND"),
        Files::Named("PF"),
        Files::Named("RDEPEND"),
        Files::Named("SLOT"),
        Files::Named("USE"),
    ],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

const ROOT: &str = "var/db/pkg";

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let root = path.parent().and_then(|package| package.parent()?.parent());
    let is_wanted = root.is_some_and(|root| root.as_bytes() == ROOT.as_bytes());
    if is_wanted { Want::Content } else { Want::Nothing }
}

/// The files of one package, by name.
type Values<'a> = BTreeMap<&'a [u8], &'a Entry>;

/// What is needed of a package after its component has been made.
struct Installed {
    id: ComponentId,
    /// Category and name.
    name: String,
    /// Of several versions of one package each has another.
    slot: String,
    depends: String,
    flags: BTreeSet<String>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    let mut found = Found::default();
    let mut packages = BTreeMap::<TreePath, Values<'_>>::new();
    for entry in ctx.files {
        if let Some(directory) = entry.path.parent() {
            packages.entry(directory).or_default().insert(entry.path.file_name(), entry);
        }
    }
    let installed: Vec<_> = packages
        .iter()
        .filter_map(|(directory, values)| package(ctx, directory, values, &mut found))
        .collect();
    relate(ctx, &installed, &mut found);
    ctx.note_moved(&mut found, &[ROOT]);
    found
}

fn package(
    ctx: &Context<'_>,
    directory: &TreePath,
    values: &Values<'_>,
    found: &mut Found,
) -> Option<Installed> {
    let evidence = *values.get(b"PF".as_slice()).or_else(|| values.values().next())?;
    let full = String::from_utf8_lossy(directory.file_name()).into_owned();
    let category = directory.parent()?;
    let category = String::from_utf8_lossy(category.file_name()).into_owned();
    let (name, version) = split(&full);
    let (_, distro) = ctx.distro();
    let draft = Draft {
        kind: "ebuild",
        namespace: Some(&category),
        name,
        shown: &format!("{category}/{name}"),
        version,
        qualifiers: &[("distro", &distro)],
    };
    let id = ctx.add(found, evidence, &draft)?;
    if !values.contains_key(b"CONTENTS".as_slice()) {
        ctx.note(found, evidence, format!("package `{full}` has no list of files"));
    }
    let mut value = |name: &[u8]| value(ctx, values, name, found).unwrap_or_default();
    let depends = format!("{} {}", value(b"RDEPEND"), value(b"PDEPEND"));
    let (slot, contents) = (value(b"SLOT"), value(b"CONTENTS"));
    let flags = value(b"USE").split_whitespace().map(str::to_owned).collect();
    let licenses = license(&value(b"LICENSE"));
    found.at(id)?.licenses.extend(licenses);
    if let Some(entry) = values.get(b"CONTENTS".as_slice()) {
        own(ctx, entry, (id, &contents), found);
    }
    let slot = slot.trim().split('/').next().unwrap_or_default().to_owned();
    Some(Installed { id, name: format!("{category}/{name}"), slot, depends, flags })
}

fn value(ctx: &Context<'_>, values: &Values<'_>, name: &[u8], found: &mut Found) -> Option<String> {
    let bytes = ctx.read(values.get(name)?, ctx.limits.package_metadata, found)?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Name and version: the version begins with a digit behind the last hyphen, or the last but one before a revision.
fn split(full: &str) -> (&str, Option<&str>) {
    let is_version = |text: &str| text.starts_with(|char: char| char.is_ascii_digit());
    let is_revision = |text: &str| text.strip_prefix('r').is_some_and(is_version);
    let stem = match full.rsplit_once('-') {
        Some((stem, revision)) if is_revision(revision) => stem,
        Some(_) | None => full,
    };
    match stem.rsplit_once('-') {
        Some((name, version)) if is_version(version) && !name.is_empty() => {
            (name, full.get(name.len().saturating_add(1)..))
        }
        Some(_) | None => (full, None),
    }
}

/// The files of a package: `obj PATH MD5 MTIME`, beside directories and links.
fn own(ctx: &Context<'_>, entry: &Entry, (id, text): (ComponentId, &str), found: &mut Found) {
    let mut broken = None;
    for line in text.lines() {
        let path = match line.split_once(' ') {
            Some(("obj", rest)) => rest.rsplitn(3, ' ').nth(2),
            Some(("dir" | "sym" | "dev" | "fif", _)) => continue,
            Some(_) | None => None,
        };
        match path {
            Some(path) => ctx.own(found, entry, (id, path), Stated::nothing),
            None => broken = broken.or(Some(line)),
        }
    }
    if let Some(line) = broken {
        ctx.note(found, entry, format!("`{line}` is no file of a package"));
    }
}

fn relate(ctx: &Context<'_>, installed: &[Installed], found: &mut Found) {
    let mut providers = BTreeMap::<Atom<'_>, Vec<ComponentId>>::new();
    for package in installed {
        for slot in [None, Some(package.slot.as_str())] {
            providers.entry((&package.name, slot)).or_default().push(package.id);
        }
    }
    for package in installed {
        let is_installed = |atom: &Atom<'_>| providers.contains_key(atom);
        for atom in needed(&package.depends, &package.flags, is_installed) {
            let to = providers.get(&atom).map(Vec::as_slice).unwrap_or_default();
            ctx.depends(found, package.id, to);
        }
    }
}

/// A package that is needed, and its slot, if it has to be in a certain one.
type Atom<'a> = (&'a str, Option<&'a str>);

/// What a group in parentheses stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    /// Everything in it is needed.
    All,
    /// Its first part that is installed is needed, and none has come yet.
    Any,
    /// Nothing in it is needed any more.
    Nothing,
}

/// The packages that a dependency needs; of alternatives the first of which something is installed.
fn needed<'a>(
    text: &'a str,
    flags: &BTreeSet<String>,
    is_installed: impl Fn(&Atom<'_>) -> bool,
) -> Vec<Atom<'a>> {
    let mut needed = Vec::new();
    let (mut outer, mut group) = (Vec::new(), Group::All);
    // How many packages were needed when the group began.
    let mut before = 0;
    let mut next = Group::All;
    for word in text.split_whitespace() {
        match word {
            "||" => next = Group::Any,
            "(" => {
                outer.push((group, before));
                group = if group == Group::Nothing { group } else { next };
                (before, next) = (needed.len(), Group::All);
            }
            ")" => {
                let is_found = needed.len() > before;
                (group, before) = outer.pop().unwrap_or((Group::All, 0));
                if is_found && group == Group::Any {
                    group = Group::Nothing;
                }
            }
            _ if word.ends_with('?') => {
                next = if holds(word, flags) { Group::All } else { Group::Nothing };
            }
            _ if group == Group::Nothing => {}
            _ => {
                let atom = atom(word).filter(&is_installed);
                if atom.is_some() && group == Group::Any {
                    group = Group::Nothing;
                }
                needed.extend(atom);
            }
        }
    }
    needed
}

/// Whether the condition `flag?` or `!flag?` is met.
fn holds(word: &str, flags: &BTreeSet<String>) -> bool {
    let flag = word.trim_end_matches('?');
    match flag.strip_prefix('!') {
        Some(flag) => !flags.contains(flag),
        None => flags.contains(flag),
    }
}

/// Category, name and slot in `>=dev-lang/python-3.11.4:3.11/3.11=[ssl]`; nothing where it says what must not be there.
fn atom(word: &str) -> Option<Atom<'_>> {
    let word = word.split('[').next().unwrap_or(word);
    let bare = word.trim_start_matches(['<', '>', '=', '~']);
    let mut parts = bare.split(':');
    let full = parts.next().filter(|full| full.contains('/') && !full.starts_with('!'))?;
    let slot = parts.next().and_then(|slot| slot.split(['/', '=', '*']).next());
    let name = if bare.len() < word.len() { split(full.trim_end_matches('*')).0 } else { full };
    Some((name, slot.filter(|slot| !slot.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const PYTHON: &str = "pkg:ebuild/dev-lang/python@3.11.9-r1?distro=gentoo";
    const PYTHON_12: &str = "pkg:ebuild/dev-lang/python@3.12.3?distro=gentoo";
    const ZLIB: &str = "pkg:ebuild/sys-libs/zlib@1.3.1?distro=gentoo";
    const SETUPTOOLS: &str = "pkg:ebuild/dev-python/setup-tools@69.5.1_p1?distro=gentoo";

    fn gentoo(packages: &[(&str, &[(&str, &str)])]) -> TestTree {
        let mut tree = TestTree::new().file("etc/os-release", "ID=gentoo\n");
        for (directory, files) in packages {
            for (name, content) in *files {
                tree = tree.file(format!("var/db/pkg/{directory}/{name}"), content);
            }
        }
        tree
    }

    #[track_caller]
    fn check(tree: &TestTree, expect: &[&str]) {
        assert_eq!(tree.lines(), expect);
    }

    #[test]
    fn packages_what_they_need_and_what_they_own() {
        let tree = gentoo(&[
            (
                "dev-lang/python-3.11.9-r1",
                &[
                    ("PF", "python-3.11.9-r1\n"),
                    ("SLOT", "3.11/3.11\n"),
                    ("LICENSE", "PSF-2\n"),
                    ("RDEPEND", ">=sys-libs/zlib-1.1.3:0/1= !!<app-admin/x-2 absent/y"),
                    ("CONTENTS", "dir /usr\nsym /usr/a -> b c 1700000000\n"),
                ],
            ),
            (
                "dev-lang/python-3.12.3",
                &[
                    ("SLOT", "3.12"),
                    ("CONTENTS", ""),
                    ("USE", "ssl"),
                    ("RDEPEND", "ssl? ( || ( absent/z sys-libs/zlib dev-lang/python:3.11 ) ) !ssl? ( dev-python/setup-tools )"),
                ],
            ),
            (
                "dev-python/setup-tools-69.5.1_p1",
                &[
                    ("PF", "setup-tools-69.5.1_p1\n"),
                    ("SLOT", "0\n"),
                    ("RDEPEND", "|| ( ( dev-lang/python:3.12[ssl] ) ( dev-lang/python:3.11 ) )"),
                    ("CONTENTS", "obj /usr/lib/a b.egg-info d41d8cd98f00b204e9800998ecf8427e 1700000000\n"),
                ],
            ),
            ("sys-libs/zlib-1.3.1", &[("PF", "zlib-1.3.1"), ("SLOT", "0/1"), ("CONTENTS", "")]),
        ])
        .file("usr/lib/a b.egg-info", "Name: x\nVersion: 1\n");
        check(
            &tree,
            &[
                PYTHON,
                PYTHON_12,
                SETUPTOOLS,
                ZLIB,
                &format!("pkg:pypi/x@1 (owned by {SETUPTOOLS})"),
                &format!("{PYTHON} needs {ZLIB}"),
                &format!("{PYTHON_12} needs {ZLIB}"),
                &format!("{SETUPTOOLS} needs {PYTHON_12}"),
            ],
        );
        let inventory = tree.catalog();
        assert_eq!(inventory.components()[0].licenses, ["PSF-2"]);
        assert_eq!(inventory.components()[0].name, "dev-lang/python");
    }

    #[test]
    fn names_and_versions() {
        for (full, name, version) in [
            ("zlib-1.3.1", "zlib", Some("1.3.1")),
            ("gtk+-2.24.33-r3", "gtk+", Some("2.24.33-r3")),
            ("xorg-x11-fonts-7", "xorg-x11-fonts", Some("7")),
            ("a-r1", "a-r1", None),
            ("-1", "-1", None),
            ("-MERGING-zlib-1.3.1", "-MERGING-zlib", Some("1.3.1")),
        ] {
            assert_eq!(split(full), (name, version), "{full}");
        }
    }

    #[test]
    fn a_broken_database_says_so_and_keeps_what_it_has() {
        check(
            &gentoo(&[("a/b", &[("PF", "")]), ("a/c-1", &[("CONTENTS", "obj /x\nrubbish\n")])]),
            &[
                "pkg:ebuild/a/b?distro=gentoo",
                "pkg:ebuild/a/c@1?distro=gentoo",
                "portage: /var/db/pkg/a/b/PF: package `a/b` states no version",
                "portage: /var/db/pkg/a/b/PF: package `b` has no list of files",
                "portage: /var/db/pkg/a/c-1/CONTENTS: `obj /x` is no file of a package",
            ],
        );
    }

    #[test]
    fn of_alternatives_the_first_that_is_installed_is_needed() {
        let flags = BTreeSet::from(["yes".to_owned()]);
        let is_installed = |atom: &Atom<'_>| !atom.0.starts_with("absent/");
        for (text, expect) in [
            ("|| ( absent/a b/b c/c ) d/d", &["b/b", "d/d"][..]),
            ("|| ( ( b/b c/c ) d/d )", &["b/b", "c/c"]),
            ("|| ( ( absent/a ) yes? ( c/c ) d/d )", &["c/c"]),
            ("|| ( no? ( c/c ) d/d )", &["d/d"]),
            ("no? ( a/a || ( b/b ) ) !no? ( c/c ) !yes? ( d/d )", &["c/c"]),
            (") ) a/a ( b/b", &["a/a", "b/b"]),
            ("!a/a !!<b/b-1 nonsense ( ) || ( )", &[]),
        ] {
            let found = needed(text, &flags, is_installed);
            let names: Vec<_> = found.into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, expect, "{text}");
        }
    }

    #[test]
    fn a_thousand_open_groups_are_no_trouble() {
        let open = "( || ".repeat(100_000) + "a/b" + &" )".repeat(200_000) + " a/c";
        assert_eq!(needed(&open, &BTreeSet::new(), |_| true), [("a/b", None), ("a/c", None)]);
    }
}
