//! Haskell packages, from `cabal.project.freeze`.
//!
//! Format: <https://cabal.readthedocs.io/en/stable/cabal-commands.html#cabal-freeze>: constraints of the form
//! `any.NAME ==VERSION`, which `cabal freeze` writes.

use super::{Cataloger, Context, Draft, Files, Found, whole};
use crate::document;
use plimsoll_model::{inventory::Coverage, tree::Entry};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "cabal-freeze",
    description: "Haskell packages in cabal.project.freeze",
    files: &[Files::Named("cabal.project.freeze")],
    earlier: &[],
    want: whole,
    edges: Coverage::Unknown,
    catalog,
};

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| match document::text(bytes) {
        Ok(text) => constraints(ctx, entry, text, found),
        Err(reason) => ctx.note(found, entry, reason),
    })
}

fn constraints(ctx: &Context<'_>, entry: &Entry, text: &str, found: &mut Found) {
    let mut is_inside = false;
    let (components, unknowns) = (found.components.len(), found.unknowns.len());
    for line in text.lines().filter(|line| !line.trim_start().starts_with("--")) {
        let rest = if line.starts_with(char::is_whitespace) {
            line
        } else {
            let (field, rest) = line.split_once(':').unwrap_or((line, ""));
            is_inside = field.trim().eq_ignore_ascii_case("constraints");
            rest
        };
        if is_inside {
            for constraint in rest.split(',') {
                add(ctx, entry, constraint.trim(), found);
            }
        }
    }
    if (found.components.len(), found.unknowns.len()) == (components, unknowns) {
        ctx.note(found, entry, "the file freezes no package");
    }
}

fn add(ctx: &Context<'_>, entry: &Entry, constraint: &str, found: &mut Found) {
    // Without a version it only sets flags: `aeson -cffi +ordered-keymap`; `installed` leaves it to the compiler.
    let Some((name, version)) = constraint.split_once("==") else {
        if constraint.contains(['<', '>', '=']) {
            ctx.note(found, entry, format!("which version `{constraint}` is cannot be told"));
        }
        return;
    };
    // `any.`, `setup.` and `pkg:setup.` say for whom it counts.
    let name = name.trim();
    let name = name.rsplit('.').next().unwrap_or(name);
    let draft = Draft {
        kind: "hackage",
        namespace: None,
        name,
        shown: name,
        version: Some(version),
        qualifiers: &[],
    };
    ctx.add(found, entry, &draft);
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("cabal.project.freeze", text).lines(), expect);
    }

    #[test]
    fn frozen_packages() {
        check(
            "active-repositories: hackage.haskell.org:merge\n\
             constraints: any.AC-HalfInteger ==1.2.1,\n\
             \x20            aeson -cffi +ordered-keymap,\n\
             \x20            -- any.no ==1,\n\
             \x20            any.aeson ==2.1.2.1,\n\
             \x20            any.base installed\n\
             index-state: hackage.haskell.org 2024-01-01T00:00:00Z\n",
            &["pkg:hackage/AC-HalfInteger@1.2.1", "pkg:hackage/aeson@2.1.2.1"],
        );
    }

    #[test]
    fn what_is_broken_is_an_unknown() {
        let at = "cabal-freeze: /cabal.project.freeze:";
        check("", &[&format!("{at} the file freezes no package")]);
        check(
            "constraints: any.a >=1, any.b ==, ==2, any.c ==1",
            &[
                "pkg:hackage/b",
                "pkg:hackage/c@1",
                &format!("{at} malformed package URL `pkg:hackage/`: missing name"),
                &format!("{at} package `b` states no version"),
                &format!("{at} which version `any.a >=1` is cannot be told"),
            ],
        );
        let lines = TestTree::new().file("cabal.project.freeze", b"\xff\x00").lines();
        assert!(lines[0].starts_with(&format!("{at} malformed: ")), "{lines:?}");
    }
}
