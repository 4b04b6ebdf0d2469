//! Elixir packages, from `mix.lock`.
//!
//! Format: a map that Mix writes, see <https://hexdocs.pm/mix/Mix.Tasks.Deps.html> and
//! <https://github.com/hexpm/specifications/blob/main/package_tarball.md> for the two checksums: the inner one is of the
//! content, the outer one of the tarball as published.

use super::{Cataloger, Context, Draft, Files, Found, whole};
use crate::{
    document,
    term::{self, Term},
};
use plimsoll_model::{
    component::{ComponentId, HashAlgorithm},
    inventory::Coverage,
    tree::Entry,
};
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "mix-lock",
    description: "Elixir packages in mix.lock",
    files: &[Files::Named("mix.lock")],
    earlier: &[],
    want: whole,
    edges: Coverage::Complete,
    catalog,
};

/// The repository that needs no name.
const HEX: &str = "hexpm";
/// Another repository that a package comes from.
const REPOSITORY: &str = "plimsoll:hex:repository";

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        let terms = match document::text(bytes).and_then(term::parse) {
            Ok(terms) => terms,
            Err(reason) => return ctx.note(found, entry, reason),
        };
        match terms.as_slice() {
            [lock @ Term::List(items)] if items.is_empty() || lock.pairs().next().is_some() => {
                packages(ctx, entry, lock, found);
            }
            _ => ctx.note(found, entry, "malformed: expected a map of packages"),
        }
    })
}

fn packages(ctx: &Context<'_>, entry: &Entry, lock: &Term, found: &mut Found) {
    let mut ids: BTreeMap<&str, ComponentId> = BTreeMap::new();
    for item in lock.items() {
        let [key, value] = item.items() else {
            ctx.note(found, entry, "malformed: an entry is no pair");
            continue;
        };
        if let Some(key) = key.as_str() {
            ids.extend(package(ctx, entry, (key, value), found).map(|id| (key, id)));
        }
    }
    for (key, value) in lock.pairs() {
        let (Some(from), [_, _, _, _, _, needs, ..]) = (ids.get(key), value.items()) else {
            continue;
        };
        for need in needs.items() {
            let [name, _, options @ ..] = need.items() else { continue };
            let Some(name) = name.as_str() else { continue };
            let is_optional = options
                .first()
                .and_then(|options| options.get("optional")?.as_str())
                .is_some_and(|optional| optional == "true");
            match ids.get(name) {
                Some(to) => ctx.depends(found, *from, &[*to]),
                None if is_optional => {}
                None => {
                    let reason =
                        format!("`{key}` depends on `{name}`, which the lock does not have");
                    ctx.note(found, entry, reason);
                }
            }
        }
    }
}

fn package(
    ctx: &Context<'_>,
    entry: &Entry,
    (key, value): (&str, &Term),
    found: &mut Found,
) -> Option<ComponentId> {
    let text = |place: usize| value.items().get(place).and_then(Term::as_str);
    match text(0) {
        Some("hex") => {
            let repository = text(6).unwrap_or(HEX);
            let namespace = repository.strip_prefix(HEX).and_then(|rest| rest.strip_prefix(':'));
            let name = text(1).unwrap_or(key).to_ascii_lowercase();
            let draft = Draft {
                kind: "hex",
                namespace,
                name: &name,
                shown: &name,
                version: text(2),
                qualifiers: &[],
            };
            let id = ctx.add(found, entry, &draft)?;
            let component = found.at(id)?;
            let outer = text(7).and_then(|hex| document::hash(HashAlgorithm::Sha256, hex));
            component.hashes.extend(outer);
            if namespace.is_none() && repository != HEX {
                component.properties.insert(REPOSITORY.to_owned(), repository.to_owned());
            }
            Some(id)
        }
        Some("git") => {
            let (url, commit) = (text(1).unwrap_or_default(), text(2));
            let url = document::vcs_url(url, commit.unwrap_or_default());
            let qualifiers = [("vcs_url", url.as_str())];
            let draft = Draft {
                kind: "hex",
                namespace: None,
                name: key,
                shown: key,
                version: commit,
                qualifiers: &qualifiers,
            };
            ctx.add(found, entry, &draft)
        }
        _ => {
            ctx.note(found, entry, format!("where package `{key}` comes from cannot be told"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use plimsoll_model::component::Hash;

    const LOCK: &str = r#"%{
  "plug": {:hex, :plug, "1.15.3", "712976f504418f6dff0a3e554c40d705a9bcf89a7ccef92fc6a5ef8f16a30a97", [:mix], [{:mime, "~> 1.0 or ~> 2.0", [hex: :mime, repo: "hexpm", optional: false]}, {:telemetry, "~> 0.4.3", [hex: :telemetry, repo: "hexpm", optional: true]}], "hexpm", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"},
  "mime": {:hex, :mime, "2.0.5", "dc34c8efd439abe6ae0343edbb8556f4d63f178594894720607772a041b04b02", [:mix], [], "hexpm", "da0d64a365c45bc9935cc5c8a7fc5e49a0e0f9932a761c55d6c52b142780a05c"},
  "own": {:git, "https://git.example/own.git", "4f3c1d", [branch: "main"]},
  "paid": {:hex, :paid, "1.0.0", "x", [:mix], [{:plug, ">= 0.0.0", [hex: :plug, repo: "hexpm"]}, {:gone, "1", []}], "hexpm:acme", "y"},
  "mirror": {:hex, :mirror, "1.0.0", "x", [:rebar3], [], "corp", "y"},
}
"#;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("srv/mix.lock", text).lines(), expect);
    }

    #[test]
    fn packages_and_what_they_need() {
        check(
            LOCK,
            &[
                "pkg:hex/acme/paid@1.0.0",
                "pkg:hex/mime@2.0.5",
                "pkg:hex/mirror@1.0.0",
                "pkg:hex/own@4f3c1d?vcs_url=git%2Bhttps:%2F%2Fgit.example%2Fown.git%404f3c1d",
                "pkg:hex/plug@1.15.3",
                "pkg:hex/acme/paid@1.0.0 needs pkg:hex/plug@1.15.3",
                "pkg:hex/plug@1.15.3 needs pkg:hex/mime@2.0.5",
                "mix-lock: /srv/mix.lock: `paid` depends on `gone`, which the lock does not have",
            ],
        );
        let inventory = TestTree::new().file("mix.lock", LOCK).catalog();
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned();
        assert_eq!(
            inventory.components()[4].hashes,
            [Hash { algorithm: HashAlgorithm::Sha256, hex }]
        );
        let properties = &inventory.components()[2].properties;
        assert_eq!(properties.get(REPOSITORY).map(String::as_str), Some("corp"));
        check("%{\n}\n", &[]);
    }

    #[test]
    fn a_broken_entry_does_not_hide_the_others() {
        check(
            r#"%{"a": {:hex, :a, "1"}, "b": {:svn, "x"}, "c": "1", {:d}, "e": {:hex, :e}}"#,
            &[
                "pkg:hex/a@1",
                "pkg:hex/e",
                "mix-lock: /srv/mix.lock: malformed: an entry is no pair",
                "mix-lock: /srv/mix.lock: package `e` states no version",
                "mix-lock: /srv/mix.lock: where package `b` comes from cannot be told",
                "mix-lock: /srv/mix.lock: where package `c` comes from cannot be told",
            ],
        );
    }

    #[test]
    fn what_is_no_lock_is_an_unknown() {
        let deep = "%{".repeat(100_000);
        for text in ["", "[a]", "{}", "%{\"a\": {:hex, :a", "\u{0}", "<<<<<<< HEAD\n%{}", &deep] {
            let lines = TestTree::new().file("mix.lock", text).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with("mix-lock: /mix.lock: malformed: "), "{line}");
        }
    }
}
