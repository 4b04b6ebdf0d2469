//! Nix's packages: the directories of `/nix/store`, whose names have name and version.
//!
//! Format: <https://nix.dev/manual/nix/latest/store/store-path>; where a version begins is told as `builtins.parseDrvName` does.
//! The package-url registry has no type for Nix yet; `pkg:nix` is what others write. What has no version is a file of a
//! configuration or a source, and no package.

use super::{Cataloger, Context, Draft, Files, Found};
use plimsoll_model::{
    TreePath,
    inventory::Coverage,
    tree::{Entry, EntryKind, Want},
};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "nix",
    description: "Nix packages in /nix/store",
    files: &[Files::In("nix/store")],
    earlier: &[],
    want: |_, _, _| Want::Nothing,
    edges: Coverage::Unknown,
    catalog,
};

/// In base 32, as Nix has it.
const HASH: usize = 32;
/// Names of parts of a package, each in a directory of its own.
const OUTPUTS: [&str; 11] =
    ["bin", "debug", "dev", "devdoc", "doc", "info", "lib", "man", "out", "static", "terminfo"];

fn catalog(ctx: &Context<'_>) -> Found {
    let mut found = Found::default();
    let store = TreePath::parse(b"nix/store").ok().filter(|path| ctx.tree.entry(path).is_some());
    if store.is_none() {
        return found;
    }
    for entry in ctx.tree.entries() {
        let name = match entry.path.as_bytes().strip_prefix(b"nix/store/") {
            Some(name) if entry.kind == EntryKind::Directory && !name.contains(&b'/') => name,
            _ => continue,
        };
        if let Some(name) = std::str::from_utf8(name).ok().and_then(name_of) {
            add(ctx, &entry, name, &mut found);
        }
    }
    found
}

/// Behind the hash.
fn name_of(directory: &str) -> Option<&str> {
    let (hash, name) = directory.split_once('-')?;
    let is_hash = hash.len() == HASH && hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some(name).filter(|_| is_hash)
}

fn add(ctx: &Context<'_>, entry: &Entry, full: &str, found: &mut Found) {
    let Some((name, version)) = parts(full) else { return };
    let (version, output) = match version.rsplit_once('-') {
        Some((version, output)) if OUTPUTS.contains(&output) => (version, output),
        _ => (version, ""),
    };
    let qualifiers = [("output", output)];
    let draft = Draft {
        kind: "nix",
        namespace: None,
        name,
        shown: name,
        version: Some(version),
        qualifiers: &qualifiers,
    };
    ctx.add(found, entry, &draft);
}

/// Name and version: the version begins behind the first dash that no letter follows.
fn parts(full: &str) -> Option<(&str, &str)> {
    full.match_indices('-').find_map(|(dash, _)| {
        let version = full.get(dash.saturating_add(1)..)?;
        let begins = version.chars().next().is_some_and(|char| !char.is_ascii_alphabetic());
        begins.then_some((full.get(..dash)?, version)).filter(|(name, _)| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    #[test]
    fn packages_of_the_store() {
        let store = |tree: TestTree, name: &str| {
            tree.file(format!("nix/store/0c0hmq9ldsjwf5mnlvmhbygr7qyrgr8d-{name}/x"), "")
        };
        let tree =
            ["openssl-3.0.13-bin", "openssl-3.0.13", "python3.11-pip-23.0.1", "source", "a-config"]
                .into_iter()
                .fold(TestTree::new(), store)
                .file("nix/store/short-a-1/x", "")
                .file("nix/store/0c0hmq9ldsjwf5mnlvmhbygr7qyrgr8d-script-1.sh", "");
        assert_eq!(
            tree.lines(),
            [
                "pkg:nix/openssl@3.0.13",
                "pkg:nix/openssl@3.0.13?output=bin",
                "pkg:nix/python3.11-pip@23.0.1",
            ]
        );
    }

    #[test]
    fn odd_names_are_no_packages() {
        for (full, expect) in [
            ("a-1", Some(("a", "1"))),
            ("a-b-1-c", Some(("a-b", "1-c"))),
            ("a-", None),
            ("-1", None),
            ("a", None),
            ("", None),
            ("a--\u{e9}", Some(("a", "-\u{e9}"))),
        ] {
            assert_eq!(parts(full), expect, "{full}");
        }
        let tree = TestTree::new().file(b"nix/store/\xff-a-1/x", "").link("nix/store", "/other");
        assert_eq!(tree.lines(), Vec::<String>::new());
    }
}
