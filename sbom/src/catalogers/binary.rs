//! Programs and libraries that came without a package: by their names and the texts in them, and by the package that they say
//! they were built for.
//!
//! Names and texts: `program::table`. Package metadata: <https://systemd.io/ELF_PACKAGE_METADATA/>. Where a package of the
//! distribution put a file there, that package is the component, and what is found here is left out when all is merged.

use super::{Cataloger, Context, Draft, Files, Found};
use crate::program::{self, BUILD_ID, CPE, Facts, SOFTWARE, Software, version_in_name};
use plimsoll_model::{
    component::{ComponentId, ComponentKind},
    inventory::Coverage,
    tree::Entry,
};
use serde::Deserialize;
use std::{cmp::Ordering, collections::BTreeSet};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "binary",
    description: "Programs and libraries without a package, by the texts and notes in ELF, PE and Mach-O files",
    files: &[Files::Any],
    earlier: &[],
    want: program::want,
    edges: Coverage::Unknown,
    catalog,
};

fn catalog(ctx: &Context<'_>) -> Found {
    let mut found = program::each(ctx, |ctx, entry, facts, found| {
        if let Some(packer) = facts.packed {
            let reason =
                format!("the program was packed by {packer}: what is in it can not be told");
            ctx.note(found, entry, reason);
        }
        if let Some(package) = facts.package {
            package_note(ctx, entry, (facts, package), found);
        }
        software(ctx, entry, facts, found);
    });
    // Interpreters come as a small program with a library that has the version.
    let of_table = found.components.iter().filter(|found| found.properties.contains_key(CPE));
    let told: BTreeSet<_> = of_table.map(|found| unversioned(&found.name)).collect();
    found.unknowns.retain(|unknown| !told.contains(&unknown.reason));
    found
}

fn software(ctx: &Context<'_>, entry: &Entry, facts: &Facts<'_>, found: &mut Found) {
    let Ok(file) = std::str::from_utf8(entry.path.file_name()) else { return };
    let mut unversioned_name = None;
    for software in SOFTWARE {
        let Some(rest) = software.named(file) else { continue };
        let Some(version) = version(software, facts, (file, rest)) else {
            unversioned_name = unversioned_name.or(Some(software.name));
            continue;
        };
        add(ctx, entry, (software, version, facts), found);
        return;
    }
    // What is of Go or Rust says so itself.
    let is_told = facts.go_version.is_some() || !facts.audits.is_empty() || facts.package.is_some();
    if let Some(name) = unversioned_name.filter(|_| !is_told) {
        ctx.note(found, entry, unversioned(name));
    }
}

/// Whether an unknown is that of a program whose version no text tells.
pub(crate) fn is_unversioned(reason: &str) -> bool {
    reason.starts_with("the version of `") && reason.ends_with("` can not be told")
}

fn unversioned(name: &str) -> String {
    format!("the version of `{name}` can not be told")
}

/// The highest version that the texts tell; if the name of the file begins one (`python3.11`), the highest of those that
/// begin like it.
fn version<'a>(
    software: &Software,
    facts: &Facts<'a>,
    (file, rest): (&'a str, &str),
) -> Option<&'a str> {
    let in_name = software.texts.iter().filter_map(|text| version_in_name(text, file));
    let in_texts = facts.texts.iter().filter(|(_, text)| software.texts.contains(text));
    let all: Vec<&str> = in_name.chain(in_texts.map(|(version, _)| *version)).collect();
    let before = file.strip_suffix(rest).unwrap_or(file);
    let series = file.get(before.trim_end_matches(|last: char| last.is_ascii_digit()).len()..)?;
    let series = series.split(|one: char| !one.is_ascii_digit() && one != '.').next()?;
    let is_of_library = before.ends_with('.') || series.starts_with('.');
    let series = if is_of_library { "" } else { series.trim_end_matches('.') };
    let is_of_series = |version: &&&str| {
        let after = version.strip_prefix(series).filter(|_| !series.is_empty());
        after.is_some_and(|after| after.is_empty() || after.starts_with('.'))
    };
    let highest = |left: &&&str, right: &&&str| compare(left, right);
    let of_series = all.iter().filter(is_of_series).max_by(highest);
    // A single digit is as often part of the name (`bzip2`).
    let other = || all.iter().filter(|_| !series.contains('.')).max_by(highest);
    of_series.or_else(other).copied()
}

/// By their numbers, then as texts.
fn compare(left: &str, right: &str) -> Ordering {
    let numbers = |version: &str| -> Vec<u64> {
        let parts = version.split(|one: char| !one.is_ascii_digit());
        parts.map_while(|part| part.parse().ok()).collect()
    };
    numbers(left).cmp(&numbers(right)).then_with(|| left.cmp(right))
}

fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    (software, version, facts): (&Software, &str, &Facts<'_>),
    found: &mut Found,
) -> Option<ComponentId> {
    let Software { name, cpe, .. } = software;
    let draft = Draft {
        kind: "generic",
        namespace: None,
        name,
        shown: name,
        version: Some(version),
        qualifiers: &[],
    };
    let id = ctx.add(found, entry, &draft)?;
    let component = found.at(id)?;
    let is_library = entry.path.file_name().starts_with(b"lib");
    if !is_library {
        component.kind = ComponentKind::Application;
    }
    component.properties.insert(CPE.to_owned(), program::cpe(cpe, version));
    component.properties.extend(build_id(facts));
    Some(id)
}

fn build_id(facts: &Facts<'_>) -> Option<(String, String)> {
    facts.build_id.map(|id| (BUILD_ID.to_owned(), id.to_owned()))
}

/// What distributions write into programs about the package that they are of.
#[derive(Deserialize)]
struct PackageNote {
    r#type: String,
    name: String,
    version: Option<String>,
    architecture: Option<String>,
    /// `debian`, `fedora`.
    os: Option<String>,
    /// `cpe:/o:fedoraproject:fedora:39`.
    #[serde(rename = "osCpe")]
    os_cpe: Option<String>,
}

fn package_note(
    ctx: &Context<'_>,
    entry: &Entry,
    (facts, note): (&Facts<'_>, &[u8]),
    found: &mut Found,
) -> Option<ComponentId> {
    let end = memchr::memchr(0, note).unwrap_or(note.len());
    let note: PackageNote = match serde_json::from_slice(note.get(..end)?) {
        Ok(note) => note,
        Err(error) => {
            ctx.note(found, entry, format!("malformed package note: {error}"));
            return None;
        }
    };
    let Some(kind) = ["alpm", "apk", "deb", "rpm"].into_iter().find(|kind| *kind == note.r#type)
    else {
        let reason = format!("the program is of a package of unknown type `{}`", note.r#type);
        ctx.note(found, entry, reason);
        return None;
    };
    let cpe: Vec<&str> = note.os_cpe.as_deref().unwrap_or_default().split(':').collect();
    let (own, own_distro) = ctx.distro();
    let os = note.os.as_deref().or_else(|| cpe.get(3).copied()).or(own);
    let os = os.map(str::to_ascii_lowercase);
    let distro = match (&os, cpe.get(4)) {
        (Some(os), Some(version)) => format!("{os}-{version}"),
        (Some(os), None) if own != Some(os) => os.clone(),
        _ => own_distro,
    };
    let arch = note.architecture.as_deref().unwrap_or_default();
    let draft = Draft {
        kind,
        namespace: os.as_deref(),
        name: &note.name,
        shown: &note.name,
        version: note.version.as_deref(),
        qualifiers: &[("arch", arch), ("distro", &distro)],
    };
    let id = ctx.add(found, entry, &draft)?;
    found.at(id)?.properties.extend(build_id(facts));
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        program::testing::{elf, note},
        testing::TestTree,
    };

    fn tree(files: &[(&str, &str)]) -> TestTree {
        files.iter().fold(TestTree::new(), |tree, (path, text)| {
            tree.file(path, elf(&[], format!("\0{text}\0").as_bytes()))
        })
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], expect: &[&str]) {
        assert_eq!(tree(files).lines(), expect);
    }

    #[test]
    fn programs_by_name_and_text() {
        check(
            &[
                ("opt/bin/busybox", "BusyBox v1.36.1 (2024-01-01)"),
                ("usr/local/bin/node", "node.js/v20.20.2"),
                ("usr/local/lib/libcrypto.so.3", "OpenSSL 3.0.19 27 Jan 2026"),
                ("usr/local/sbin/nginx", "nginx/1.25.3"),
                ("opt/lib/libxml2.so.2.9.14", "nothing"),
            ],
            &[
                "pkg:generic/busybox@1.36.1",
                "pkg:generic/libxml2@2.9.14",
                "pkg:generic/nginx@1.25.3",
                "pkg:generic/node@20.20.2",
                "pkg:generic/openssl@3.0.19",
            ],
        );
        // The text alone does not make a program what it speaks of.
        check(&[("opt/bin/proxy", "nginx/1.25.3")], &[]);
        assert_eq!(
            TestTree::new()
                .file("opt/nginx", "\0nginx/1.25.3 is no program, but a text that is long enough")
                .lines(),
            [""; 0]
        );
    }

    #[test]
    fn every_line_of_the_table_finds_its_version() {
        for software in SOFTWARE {
            for text in software.texts {
                let (before, rest) = text.split_once('{').unwrap();
                let (begins, after) = rest.split_once('}').unwrap();
                let version = if begins.ends_with('.') || begins.is_empty() {
                    format!("{begins}7.9")
                } else {
                    format!("{begins}.7")
                };
                let file = match before.strip_prefix("/lib") {
                    Some(rest) => format!("lib{rest}{version}"),
                    None => software.files[0].replace('*', ""),
                };
                let content = format!("\0x{before}{version}{after}\0y");
                let tree =
                    TestTree::new().file(format!("opt/{file}"), elf(&[], content.as_bytes()));
                let inventory = tree.catalog();
                let found: Vec<_> =
                    inventory.components().iter().map(|one| one.purl.as_str()).collect();
                assert_eq!(found, [format!("pkg:generic/{}@{version}", software.name)], "{text}");
            }
        }
    }

    #[test]
    fn of_several_versions_the_one_that_the_file_is_named_after_then_the_highest() {
        check(&[("opt/redis-server", "6.2.0\x007.0.15\x007.0.9")], &["pkg:generic/redis@7.0.15"]);
        check(&[("opt/libpython3.9.so.1.0", "3.9.18\x003.10.0")], &["pkg:generic/python@3.9.18"]);
        check(&[("opt/lua", "Lua 5.4\0Lua 5.4.4  Copyright")], &["pkg:generic/lua@5.4.4"]);
    }

    #[test]
    fn a_version_that_can_not_be_told_is_an_unknown_unless_a_library_has_it() {
        let program = ("opt/bin/python3.11", "nothing");
        check(
            &[program],
            &["binary: /opt/bin/python3.11: the version of `python` can not be told"],
        );
        check(
            &[program, ("opt/lib/libpython3.11.so.1.0", "3.11.7")],
            &["pkg:generic/python@3.11.7"],
        );
    }

    #[test]
    fn what_a_package_of_the_distribution_put_there_is_that_package() {
        let tree = tree(&[("usr/bin/busybox", "BusyBox v1.36.1 x"), ("usr/bin/bash", "?")])
            .file(
                "lib/apk/db/installed",
                "P:busybox\nV:1.36.1-r5\nF:usr/bin\nR:busybox\nR:bash\n\n",
            )
            .file("etc/os-release", "ID=alpine\nVERSION_ID=3.19\n");
        assert_eq!(tree.lines(), ["pkg:apk/alpine/busybox@1.36.1-r5?distro=alpine-3.19"]);
    }

    #[test]
    fn the_package_that_a_program_was_built_for() {
        let fedora = br#"{"type":"rpm","name":"bash","version":"5.2.15-5.fc39","architecture":"x86_64","osCpe":"cpe:/o:fedoraproject:fedora:39"}"#;
        let notes =
            [note("GNU", 3, &[0xab; 20]), note("FDO", 0xcafe_1a7e, &[fedora, &b"\0"[..]].concat())];
        let tree = TestTree::new().file("opt/sh", elf(&notes.concat(), b"x"));
        assert_eq!(
            tree.lines(),
            ["pkg:rpm/fedora/bash@5.2.15-5.fc39?arch=x86_64&distro=fedora-39"]
        );
        assert_eq!(tree.catalog().components()[0].properties[BUILD_ID], "ab".repeat(20));
    }

    #[test]
    fn notes_that_are_malformed_are_unknowns() {
        let check = |json: &[u8], expect: &str| {
            let tree = TestTree::new().file("opt/a", elf(&note("FDO", 0xcafe_1a7e, json), b"x"));
            assert_eq!(tree.lines(), [format!("binary: /opt/a: {expect}")]);
        };
        check(
            br#"{"type":"rpm""#,
            "malformed package note: EOF while parsing an object at line 1 column 13",
        );
        check(br#"{"type":"x","name":"a"}"#, "the program is of a package of unknown type `x`");
    }

    #[test]
    fn packed_programs_are_unknowns() {
        check(
            &[(
                "opt/a",
                "$Info: This file is packed with the UPX executable packer http://upx.sf.net $",
            )],
            &["binary: /opt/a: the program was packed by UPX: what is in it can not be told"],
        );
    }

    #[test]
    fn names_of_the_vulnerability_database() {
        let inventory = tree(&[("opt/sshd", "OpenSSH_9.2p1 Debian")]).catalog();
        let component = &inventory.components()[0];
        assert_eq!(component.properties[CPE], "cpe:2.3:a:openbsd:openssh:9.2p1:*:*:*:*:*:*:*");
        assert_eq!(component.kind, ComponentKind::Application);
    }
}
