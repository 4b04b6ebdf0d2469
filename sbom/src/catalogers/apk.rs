//! Packages of Alpine and its kin, from apk's database.
//!
//! Format: <https://wiki.alpinelinux.org/wiki/Apk_spec>.

use super::{Cataloger, Context, Draft, Files, Found, license};
use crate::{
    introduced::{self, Listing, Package},
    owned::Stated,
    relate::Providers,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use plimsoll_model::{
    TreePath,
    component::{ComponentId, HashAlgorithm, SourcePackage},
    inventory::Coverage,
    tree::{Entry, Want},
};
use std::collections::BTreeSet;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "apk",
    description: "Alpine packages in /lib/apk/db/installed or /usr/lib/apk/db/installed",
    files: &[Files::In("lib/apk/db"), Files::In("usr/lib/apk/db")],
    earlier: &["lib/apk/db/installed", "usr/lib/apk/db/installed"],
    want,
    edges: Coverage::Complete,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    match path.as_bytes() {
        b"lib/apk/db/installed" | b"usr/lib/apk/db/installed" => Want::Content,
        _ => Want::Nothing,
    }
}

/// One paragraph: fields of one letter, in order, because files follow their directories.
type Fields<'a> = Vec<(&'a str, &'a str)>;

/// What is needed of a package after its component has been made.
struct Installed<'a> {
    id: ComponentId,
    name: &'a str,
    fields: Fields<'a>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    let mut all = ctx.each(ctx.limits.file, |ctx, entry, bytes, found| {
        let text = String::from_utf8_lossy(bytes);
        if is_cut(&text) {
            ctx.unread(found, entry, "the file ends in the middle of a package");
        }
        let mut installed = Vec::new();
        let (paragraphs, broken) = paragraphs(&text);
        for line in broken {
            ctx.unread(found, entry, format!("`{line}` is no field of a package"));
        }
        for fields in paragraphs {
            installed.extend(package(ctx, entry, fields, found));
        }
        let packages: Vec<_> = installed
            .iter()
            .filter_map(|package| Some((package.id, listed(&package.fields)?)))
            .collect();
        let list = |bytes: &[u8]| listing(ctx, bytes);
        let gone = introduced::attribute(ctx, entry, &packages, &list, found);
        for package in &installed {
            for (path, about) in files(&package.fields) {
                ctx.own(found, entry, (package.id, &path), || stated(&path, about));
            }
        }
        introduced::left_behind(
            ctx,
            entry,
            &gone,
            &|bytes, remains| left(bytes, &gone, remains),
            found,
        );
        relate(ctx, &installed, found);
    });
    ctx.note_moved(&mut all, &["lib/apk/db/installed", "usr/lib/apk/db/installed"]);
    all
}

/// Whether a database ends too early: apk ends every package with an empty line.
fn is_cut(text: &str) -> bool {
    !text.is_empty() && !text.ends_with("\n\n")
}

/// After so many lines that are no fields further ones are left out; that the database is broken has been said.
const MOST_BROKEN: usize = 1_000;

/// The paragraphs, and the lines that are no fields.
fn paragraphs(text: &str) -> (Vec<Fields<'_>>, Vec<&str>) {
    let (mut all, mut broken) = (Vec::new(), Vec::new());
    for paragraph in text.split("\n\n") {
        let mut fields = Vec::new();
        for line in paragraph.lines().filter(|line| !line.is_empty()) {
            match line.split_once(':') {
                Some((key, value)) if key.len() == 1 => fields.push((key, value)),
                Some(_) | None if broken.len() < MOST_BROKEN => broken.push(line),
                Some(_) | None => {}
            }
        }
        if !fields.is_empty() {
            all.push(fields);
        }
    }
    (all, broken)
}

/// A package as the database lists it.
fn listed(fields: &Fields<'_>) -> Option<Package> {
    let name = get(fields, "P")?.to_owned();
    let version = get(fields, "V").map(str::to_owned);
    Some(Package { name, version, arch: get(fields, "A").unwrap_or_default().to_owned() })
}

/// What the database listed in a lower layer.
fn listing(ctx: &Context<'_>, bytes: &[u8]) -> Listing {
    let mut listing = Listing::new(ctx.limits);
    let text = String::from_utf8_lossy(bytes);
    let (paragraphs, broken) = paragraphs(&text);
    if is_cut(&text) || !broken.is_empty() {
        listing.is_partial();
    }
    for fields in &paragraphs {
        match listed(fields) {
            Some(package) => listing.add(package),
            None => listing.is_partial(),
        }
    }
    listing
}

fn get<'a>(fields: &Fields<'a>, key: &str) -> Option<&'a str> {
    let value = fields.iter().find(|(found, _)| *found == key)?.1.trim();
    (!value.is_empty()).then_some(value)
}

fn package<'a>(
    ctx: &Context<'_>,
    entry: &Entry,
    fields: Fields<'a>,
    found: &mut Found,
) -> Option<Installed<'a>> {
    let Some(name) = get(&fields, "P") else {
        ctx.unread(found, entry, "a package has no name");
        return None;
    };
    let version = get(&fields, "V");
    let (namespace, distro) = ctx.distro();
    let qualifiers = [("arch", get(&fields, "A").unwrap_or_default()), ("distro", distro.as_str())];
    let draft =
        Draft { kind: "apk", namespace, name, shown: name, version, qualifiers: &qualifiers };
    let id = ctx.add(found, entry, &draft)?;
    let component = found.at(id)?;
    component.licenses.extend(get(&fields, "L").and_then(license));
    component.supplier = get(&fields, "m").map(str::to_owned);
    component.source = get(&fields, "o").zip(version).map(|(name, version)| SourcePackage {
        name: name.to_owned(),
        version: version.to_owned(),
    });
    Some(Installed { id, name, fields })
}

/// The files of a package, each with the fields about it: `F:` names a directory, the `R:` after it a file in it.
fn files<'f, 'a>(
    fields: &'f Fields<'a>,
) -> impl Iterator<Item = (String, &'f [(&'a str, &'a str)])> {
    let mut directory = "";
    (1..).zip(fields).filter_map(move |(next, (key, value))| match *key {
        "F" => {
            directory = value;
            None
        }
        "R" => {
            let after = fields.get(next..).unwrap_or_default();
            let is_next = |(key, _): &(&str, &str)| matches!(*key, "F" | "R");
            let end = after.iter().position(is_next).unwrap_or(after.len());
            Some((format!("{directory}/{value}"), after.get(..end).unwrap_or_default()))
        }
        _ => None,
    })
}

/// What is stated of a file: `Z:` is `Q1` and the SHA-1 in base64, or `Q2` and the SHA-256; of a symbolic link that of its
/// target. apk takes what lies below `etc` for configuration.
fn stated(path: &str, about: &[(&str, &str)]) -> Stated {
    if path.trim_start_matches('/').starts_with("etc/") {
        return Stated::Nothing;
    }
    let Some((_, sum)) = about.iter().find(|(key, _)| *key == "Z") else {
        return Stated::Untold("the database states no hash of it".to_owned());
    };
    let sum = sum.trim();
    let (algorithm, encoded) = match (sum.strip_prefix("Q1"), sum.strip_prefix("Q2")) {
        (Some(sum), _) => (HashAlgorithm::Sha1, sum),
        (_, Some(sum)) => (HashAlgorithm::Sha256, sum),
        (None, None) => {
            return Stated::Untold("its hash is of a kind that is not known".to_owned());
        }
    };
    // What is no base64 is no hash either.
    Stated::hex(algorithm, &STANDARD.decode(encoded).map(hex::encode).unwrap_or_default())
}

/// Packages that the database listed in a lower layer and of which a file remains.
fn left(
    bytes: &[u8],
    gone: &BTreeSet<Package>,
    remains: introduced::Remains<'_>,
) -> introduced::Left {
    let text = String::from_utf8_lossy(bytes);
    let (paragraphs, _) = paragraphs(&text);
    let left = |fields: &Fields<'_>| {
        let package = listed(fields).filter(|package| gone.contains(package))?;
        let file = files(fields).find_map(|(path, _)| remains(&path))?;
        Some((package, file))
    };
    paragraphs.iter().filter_map(left).collect()
}

fn relate(ctx: &Context<'_>, installed: &[Installed<'_>], found: &mut Found) {
    let mut providers = Providers::default();
    let words = |package: &Installed<'_>, key| -> Vec<String> {
        let words = get(&package.fields, key).unwrap_or_default().split_whitespace();
        words.filter(|word| !word.starts_with('!')).map(|word| bare(word).to_owned()).collect()
    };
    let provided: Vec<_> = installed.iter().map(|package| words(package, "p")).collect();
    for (package, provided) in installed.iter().zip(&provided) {
        providers.add(package.name, package.id);
        for name in provided {
            providers.add(name, package.id);
        }
    }
    for package in installed {
        for name in words(package, "D") {
            ctx.depends(found, package.id, providers.of(&name));
        }
    }
}

/// The name without a version (`so:libz.so.1=1.3`, `musl>=1.2`, `a~1`) or a repository (`a@edge`).
fn bare(word: &str) -> &str {
    word.split(['=', '<', '>', '~', '@']).next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const INSTALLED: &str = "\
C:Q1abc=
P:musl
V:1.2.5-r0
A:x86_64
L:MIT
o:musl
m:Timo <t@alpinelinux.org>
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1xyz=

C:Q1def=
P:py3-six
V:1.16.0-r9
A:noarch
o:six
D:so:libc.musl-x86_64.so.1 !old musl>=1.2 absent
F:
F:usr/lib/python3.12
R:six.egg-info

";
    const MUSL: &str = "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.3";
    const SIX: &str = "pkg:apk/alpine/py3-six@1.16.0-r9?arch=noarch&distro=alpine-3.20.3";

    #[track_caller]
    fn check(path: &str, installed: &str, expect: &[&str]) {
        let tree = TestTree::new()
            .file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n")
            .file("usr/lib/python3.12/six.egg-info", "Name: six\nVersion: 1.16.0\n")
            .file(path, installed);
        assert_eq!(tree.lines(), expect);
    }

    #[test]
    fn packages_what_they_need_and_what_they_own() {
        for path in ["lib/apk/db/installed", "usr/lib/apk/db/installed"] {
            check(
                path,
                INSTALLED,
                &[
                    MUSL,
                    SIX,
                    &format!("pkg:pypi/six@1.16.0 (owned by {SIX})"),
                    &format!("{SIX} needs {MUSL}"),
                ],
            );
        }
    }

    #[test]
    fn origin_licence_and_maintainer() {
        let tree = TestTree::new().file("lib/apk/db/installed", INSTALLED);
        let inventory = tree.catalog();
        let musl = &inventory.components()[0];
        assert_eq!(musl.purl.as_str(), "pkg:apk/musl@1.2.5-r0?arch=x86_64");
        assert_eq!(musl.licenses, ["MIT"]);
        assert_eq!(musl.supplier.as_deref(), Some("Timo <t@alpinelinux.org>"));
        let source = inventory.components()[1].source.clone().unwrap();
        assert_eq!((source.name.as_str(), source.version.as_str()), ("six", "1.16.0-r9"));
    }

    #[test]
    fn a_truncated_database_says_so_and_keeps_what_it_has() {
        let (whole, _) = INSTALLED.split_once(":noarch").unwrap();
        check(
            "lib/apk/db/installed",
            whole,
            &[
                MUSL,
                "pkg:apk/alpine/py3-six@1.16.0-r9?distro=alpine-3.20.3",
                "pkg:pypi/six@1.16.0",
                "apk: /lib/apk/db/installed: `A` is no field of a package",
                "apk: /lib/apk/db/installed: the file ends in the middle of a package",
            ],
        );
    }

    #[test]
    fn a_reason_quotes_no_more_than_a_person_reads() {
        let tree = TestTree::new().file("lib/apk/db/installed", "x".repeat(100_000) + "\n\n");
        assert_eq!(tree.catalog().unknowns[0].reason.len(), 500);
    }

    #[test]
    fn packages_are_of_the_layer_that_brought_them() {
        let path = "lib/apk/db/installed";
        let tree = |first: &str| {
            TestTree::new()
                .file(path, first)
                .next_layer()
                .file(path, "P:a\nV:1\n\nP:b\nV:2\n\nP:c\nV:1\n\n")
        };
        assert_eq!(tree("P:a\nV:1\n\nP:b\nV:1\n\n").introduced(), ["1 a", "2 b", "2 c"]);
        // Without its end the list may have had anything.
        assert_eq!(tree("P:a\nV:1\n\nP:b").introduced(), ["1 a", "? b", "? c"]);
    }

    #[test]
    fn a_package_that_is_taken_off_the_list_only_is_not_hidden() {
        let path = "lib/apk/db/installed";
        let tree = || {
            TestTree::new()
                .file("etc/c.conf", "")
                .file("lib/b.so", "")
                .file(path, "P:a\nV:1\n\nP:b\nV:1\nF:lib\nR:b.so\n\nP:c\nV:1\nF:etc\nR:c.conf\n\n")
                .next_layer()
        };
        let hidden = tree().file(path, "P:a\nV:1\n\n");
        assert_eq!(
            hidden.lines(),
            [
                "pkg:apk/a@1",
                "apk: /lib/apk/db/installed: a lower layer lists package `b`, and it is not removed: `/lib/b.so` is still there"
            ]
        );
        let removed = tree().without("lib/b.so").file(path, "P:a\nV:1\n\n");
        assert_eq!(removed.lines(), ["pkg:apk/a@1"]);
        let renamed = tree().file(path, "P:a\nV:1\n\nP:d\nV:1\nF:lib\nR:b.so\n\n");
        assert_eq!(renamed.lines(), ["pkg:apk/a@1", "pkg:apk/d@1"]);
    }

    #[test]
    fn a_package_without_name_or_version_says_so() {
        check(
            "lib/apk/db/installed",
            "V:1\n\nP:a\n\n",
            &[
                "pkg:apk/alpine/a?distro=alpine-3.20.3",
                "pkg:pypi/six@1.16.0",
                "apk: /lib/apk/db/installed: a package has no name",
                "apk: /lib/apk/db/installed: package `a` states no version",
            ],
        );
    }
}
