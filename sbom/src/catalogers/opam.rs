//! OCaml packages as installed: `.opam-switch/packages/NAME.VERSION/opam` of a switch.
//!
//! Format: <https://opam.ocaml.org/doc/Manual.html#opam>. The directory has name and version; licences, checksums and what a
//! package needs are taken from the file where its fields are where opam writes them.

use super::{Cataloger, Context, Draft, Files, Found};
use crate::{
    document,
    installed::{Elsewhere, Installed, each, place},
};
use plimsoll_model::{
    TreePath,
    component::HashAlgorithm,
    inventory::Coverage,
    tree::{Entry, Want},
};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "opam",
    description: "installed OCaml packages (.opam-switch/packages)",
    files: &[Files::Named("opam")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

/// What is only needed to work on a package itself.
const UNNEEDED: [&str; 3] = ["with-test", "with-doc", "with-dev-setup"];

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let mut above = path.as_bytes().rsplit(|byte| *byte == b'/').skip(2);
    let is_installed = above.next() == Some(b"packages") && above.next() == Some(b".opam-switch");
    if is_installed { Want::Content } else { Want::Nothing }
}

fn catalog(ctx: &Context<'_>) -> Found {
    each(ctx, ctx.limits.package_metadata, Elsewhere::Nowhere, read)
}

fn read(ctx: &Context<'_>, entry: &Entry, bytes: &[u8], found: &mut Found) -> Option<Installed> {
    let directory = entry.path.parent()?;
    let directory = String::from_utf8_lossy(directory.file_name());
    let (name, version) = match directory.split_once('.') {
        Some((name, version)) => (name, Some(version)),
        None => (directory.as_ref(), None),
    };
    let draft =
        Draft { kind: "opam", namespace: None, name, shown: name, version, qualifiers: &[] };
    let id = ctx.add(found, entry, &draft)?;
    let text = match document::text(bytes) {
        Ok(text) if text.contains("opam-version") => text,
        Ok(_) => {
            ctx.note(found, entry, "malformed: expected `opam-version`");
            return None;
        }
        Err(reason) => {
            ctx.note(found, entry, reason);
            return None;
        }
    };
    let component = found.at(id)?;
    component.licenses = field(text, "license").map(strings).unwrap_or_default();
    let checksums =
        text.split_once("checksum:").map(|(_, value)| strings(value)).unwrap_or_default();
    component.hashes = checksums
        .iter()
        .filter_map(|checksum| {
            let (algorithm, hex) = checksum.split_once('=')?;
            let algorithm = match algorithm {
                "md5" => HashAlgorithm::Md5,
                "sha256" => HashAlgorithm::Sha256,
                "sha512" => HashAlgorithm::Sha512,
                _ => return None,
            };
            document::hash(algorithm, hex)
        })
        .collect();
    let needs = field(text, "depends").map(needs).unwrap_or_default();
    Some(Installed { id, place: place(entry, 2), name: name.to_owned(), needs })
}

/// The rest of a text from the value of a field on; fields begin their lines.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| {
        line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(':'))
    })?;
    let (_, rest) = text.split_once(line)?;
    // What is left of the text is longer by the value that begins on the line.
    let value = line.split_once(':')?.1;
    let start = text.len().checked_sub(rest.len())?.checked_sub(value.len())?;
    text.get(start..)
}

/// The strings of a value: one, or those of a list.
fn strings(value: &str) -> Vec<String> {
    let is_list = value.trim_start().starts_with('[');
    tokens(value, |_, _| true)
        .take(if is_list { usize::MAX } else { 1 })
        .map(|(text, _)| text)
        .collect()
}

/// The names in a formula of packages, without those that are only needed to work on the package itself.
fn needs(value: &str) -> Vec<String> {
    let unneeded = |filter: &str| UNNEEDED.iter().any(|word| filter.contains(word));
    tokens(value, |_, depth| depth == 0)
        .filter(|(_, filter)| !unneeded(filter))
        .map(|(name, _)| name)
        .collect()
}

/// The strings that a list begins with, up to its end, each with what stands in braces behind it; only those at the depths in
/// braces that are wanted.
fn tokens(
    value: &str,
    is_wanted: fn(&str, usize) -> bool,
) -> impl Iterator<Item = (String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                let text: String = chars.by_ref().take_while(|char| *char != '"').collect();
                if is_wanted(&text, braces) {
                    all.push((text, String::new()));
                }
            }
            '[' => brackets = brackets.saturating_add(1),
            ']' if brackets <= 1 => break,
            ']' => brackets = brackets.saturating_sub(1),
            '{' => braces = braces.saturating_add(1),
            '}' if braces == 0 => break,
            '}' => braces = braces.saturating_sub(1),
            '#' => while chars.next().is_some_and(|char| char != '\n') {},
            // A value that is no list ends with its line.
            '\n' if brackets == 0 && !all.is_empty() => break,
            char if braces > 0 => {
                if let Some((_, filter)) = all.last_mut() {
                    filter.push(char);
                }
            }
            _ => {}
        }
    }
    all.into_iter()
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const LWT: &str = r#"opam-version: "2.0"
synopsis: "Promises"
license: "MIT"
depends: [
  "dune" {>= "2.7"} # comment "no"
  "ocaml" {>= "4.08" & != "5.0"}
  ("ocplib-endian" | "other")
  "odoc" {with-doc}
]
depopts: ["base-threads"]
url {
  src: "https://example.org/lwt.tar.gz"
  checksum: [
    "md5=737039d29d45b2d2b35db6931c8d75c6"
    "sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  ]
}
"#;
    const AT: &str = "home/o/.opam/5.1/.opam-switch/packages";

    #[test]
    fn packages_and_what_they_need_in_their_switch() {
        let plain = "opam-version: \"2.0\"\nlicense: [\"ISC\" \"MIT\"]\n";
        let tree = TestTree::new()
            .file(format!("{AT}/lwt.5.7.0/opam"), LWT)
            .file(format!("{AT}/dune.3.12.1/opam"), plain)
            .file(format!("{AT}/odoc.2.4.0/opam"), plain)
            .file(format!("{AT}/base-threads.base/opam"), plain)
            .file("home/o/.opam/repo/default/packages/x/x.1/opam", plain);
        assert_eq!(
            tree.lines(),
            [
                "pkg:opam/base-threads@base",
                "pkg:opam/dune@3.12.1",
                "pkg:opam/lwt@5.7.0",
                "pkg:opam/odoc@2.4.0",
                "pkg:opam/lwt@5.7.0 needs pkg:opam/dune@3.12.1",
            ]
        );
        let inventory = tree.catalog();
        let lwt = &inventory.components()[2];
        assert_eq!((lwt.licenses.as_slice(), lwt.hashes.len()), (["MIT".to_owned()].as_slice(), 2));
        assert_eq!(inventory.components()[1].licenses, ["ISC", "MIT"]);
    }

    #[test]
    fn what_is_broken_is_an_unknown() {
        let check = |bytes: &[u8], expect: &str| {
            let lines = TestTree::new().file(format!("{AT}/a.1/opam"), bytes).lines();
            let [component, unknown] = lines.as_slice() else { panic!("{lines:?}") };
            assert_eq!(component, "pkg:opam/a@1");
            assert!(unknown.starts_with(&format!("opam: /{AT}/a.1/opam: {expect}")), "{unknown}");
        };
        check(b"", "malformed: expected `opam-version`");
        check(b"\xff", "malformed: ");
        for text in [
            "opam-version: \"2.0\"\ndepends: [\"a",
            "opam-version\ndepends:",
            "opam-version\ndepends: ]}{[\"a\"{",
        ] {
            assert_eq!(
                TestTree::new().file(format!("{AT}/a.1/opam"), text).lines(),
                ["pkg:opam/a@1"]
            );
        }
    }
}
