//! Runtimes and toolchains that say their version in a small file of their own: Erlang's `OTP_VERSION` and Go's `VERSION`.
//!
//! Erlang: <https://www.erlang.org/doc/system/versions.html>. Go: <https://go.dev/doc/toolchain#name>.

use super::{Cataloger, Context, Draft, Files, Found, whole};
use crate::program::{self, CPE};
use plimsoll_model::{component::ComponentKind, inventory::Coverage, tree::Entry};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "version-file",
    description: "Erlang/OTP and the Go toolchain, by the files that state their versions",
    files: &[Files::Named("OTP_VERSION"), Files::Named("VERSION")],
    earlier: &[],
    want: whole,
    edges: Coverage::Unknown,
    catalog,
};

/// Such a file, in bytes.
const LONGEST: u64 = 4096;

fn catalog(ctx: &Context<'_>) -> Found {
    // Many call a file `VERSION`, and what is large is not this one.
    let is_small = |entry: &&Entry| entry.size <= LONGEST || entry.path.file_name() != b"VERSION";
    let mut found = Found::default();
    for entry in ctx.files.iter().filter(is_small) {
        if let Some(bytes) = ctx.read(entry, LONGEST, &mut found) {
            let text = String::from_utf8_lossy(&bytes);
            let first = text.lines().next().unwrap_or_default().trim();
            if entry.path.file_name() == b"OTP_VERSION" {
                erlang(ctx, entry, first, &mut found);
            } else if text.lines().nth(1).is_some_and(|line| line.starts_with("time "))
                || entry.path.parent().is_some_and(|parent| parent.file_name() == b"go")
            {
                go(ctx, entry, first, &mut found);
            }
        }
    }
    found
}

fn erlang(ctx: &Context<'_>, entry: &Entry, first: &str, found: &mut Found) {
    // Two asterisks mark an installation that was patched in part.
    let version = first.trim_end_matches('*');
    if is_version(version) {
        add(ctx, entry, (None, "erlang", version, "erlang:erlang\\/otp"), found);
    } else {
        ctx.note(found, entry, "Erlang states no version");
    }
}

fn go(ctx: &Context<'_>, entry: &Entry, first: &str, found: &mut Found) {
    if let Some(version) = first.strip_prefix("go").filter(|version| is_version(version)) {
        add(ctx, entry, (Some("golang"), "stdlib", version, "golang:go"), found);
    }
}

fn is_version(text: &str) -> bool {
    let is_of_version = |one: char| one.is_ascii_alphanumeric() || ".-+".contains(one);
    text.starts_with(|first: char| first.is_ascii_digit()) && text.chars().all(is_of_version)
}

fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    (kind, name, version, cpe): (Option<&'static str>, &str, &str, &str),
    found: &mut Found,
) {
    let draft = Draft {
        kind: kind.unwrap_or("generic"),
        namespace: None,
        name,
        shown: name,
        version: Some(version),
        qualifiers: &[],
    };
    let id = ctx.add(found, entry, &draft);
    if let Some(component) = id.and_then(|id| found.at(id)) {
        component.kind = ComponentKind::Application;
        component.properties.insert(CPE.to_owned(), program::cpe(cpe, version));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    #[track_caller]
    fn check(path: &str, text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file(path, text).lines(), expect);
    }

    #[test]
    fn toolchains_by_their_files() {
        check("usr/lib/erlang/releases/25/OTP_VERSION", "25.2.3\n", &["pkg:generic/erlang@25.2.3"]);
        check("opt/OTP_VERSION", "25.2.3**\n", &["pkg:generic/erlang@25.2.3"]);
        check(
            "usr/local/go/VERSION",
            "go1.22.1\ntime 2024-02-29T18:18:48Z\n",
            &["pkg:golang/stdlib@1.22.1"],
        );
        check("usr/local/go/VERSION", "go1.17", &["pkg:golang/stdlib@1.17"]);
    }

    #[test]
    fn other_files_of_the_name_are_nothing_and_an_erlang_without_version_is_an_unknown() {
        const EXPECT: &str = "version-file: /opt/OTP_VERSION: Erlang states no version";
        check("srv/app/VERSION", "go1.2.3\n", &[]);
        check("srv/app/VERSION", "1.2.3\n", &[]);
        check("srv/go/VERSION", "gopher\n", &[]);
        check("srv/VERSION", &"x".repeat(5000), &[]);
        check("opt/OTP_VERSION", "", &[EXPECT]);
        check("opt/OTP_VERSION", "\u{1b}[31m", &[EXPECT]);
        check(
            "opt/OTP_VERSION",
            &"1".repeat(5000),
            &["version-file: /opt/OTP_VERSION: 5000 bytes is more than the limit of 4096"],
        );
    }
}
