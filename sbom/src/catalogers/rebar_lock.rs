//! Erlang packages, from `rebar.lock`.
//!
//! Format: <https://rebar3.org/docs/configuration/dependencies/#lock-files>: a list of `{Name, Source, Level}`, since version
//! 1.1 in a pair with the version of the format, and after it a list with the checksums.

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
    id: "rebar-lock",
    description: "Erlang packages in rebar.lock",
    files: &[Files::Named("rebar.lock")],
    earlier: &[],
    want: whole,
    // The level says how far a package is from the project, not who needs it.
    edges: Coverage::Unknown,
    catalog,
};

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        match document::text(bytes).and_then(term::parse) {
            Ok(terms) => packages(ctx, entry, &terms, found),
            Err(reason) => ctx.note(found, entry, reason),
        }
    })
}

fn packages(ctx: &Context<'_>, entry: &Entry, terms: &[Term], found: &mut Found) {
    let listed = match terms.first() {
        Some(Term::List(listed)) => listed.as_slice(),
        Some(Term::Tuple(pair)) => match pair.as_slice() {
            [Term::Text(_), Term::List(listed)] => listed.as_slice(),
            _ => return ctx.note(found, entry, "malformed: expected a list of packages"),
        },
        _ => return ctx.note(found, entry, "malformed: expected a list of packages"),
    };
    // The outer checksum is of the tarball as published.
    let outer = terms.get(1).and_then(|hashes| hashes.get("pkg_hash_ext"));
    let outer: BTreeMap<&str, &Term> = outer.into_iter().flat_map(Term::pairs).collect();
    for item in listed {
        let [name, source, ..] = item.items() else {
            ctx.note(found, entry, "malformed: an entry is no package");
            continue;
        };
        let name = name.as_str().unwrap_or_default();
        let id = package(ctx, entry, (name, source), found);
        let hash = outer
            .get(name)
            .and_then(|hex| hex.as_str())
            .and_then(|hex| document::hash(HashAlgorithm::Sha256, hex));
        if let Some(component) = id.and_then(|id| found.at(id)) {
            component.hashes.extend(hash);
        }
    }
}

fn package(
    ctx: &Context<'_>,
    entry: &Entry,
    (name, source): (&str, &Term),
    found: &mut Found,
) -> Option<ComponentId> {
    let text = |place: usize| source.items().get(place).and_then(Term::as_str);
    let draft =
        Draft { kind: "hex", namespace: None, name, shown: name, version: None, qualifiers: &[] };
    match text(0) {
        Some("pkg") => {
            let name = text(1).unwrap_or(name).to_ascii_lowercase();
            ctx.add(found, entry, &Draft { name: &name, shown: &name, version: text(2), ..draft })
        }
        Some("git" | "git_subdir") => {
            let commit = source.items().get(2).and_then(|at| at.items().get(1)?.as_str());
            let url = document::vcs_url(text(1).unwrap_or_default(), commit.unwrap_or_default());
            let qualifiers = [("vcs_url", url.as_str())];
            ctx.add(found, entry, &Draft { version: commit, qualifiers: &qualifiers, ..draft })
        }
        _ => {
            ctx.note(found, entry, format!("where package `{name}` comes from cannot be told"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const LOCK: &str = r#"{"1.2.0",
[{<<"cowboy">>,{pkg,<<"cowboy">>,<<"2.9.0">>},0},
 {<<"own">>,{git,"https://git.example/own.git",{ref,"4f3c1d"}},1}]}.
[
{pkg_hash,[{<<"cowboy">>, <<"865DD8B6607E14CF03282E10E934023A1BD8BE6F6BACF921A7E2A96D800CD452">>}]},
{pkg_hash_ext,[{<<"cowboy">>, <<"2C729F934B4E1AA149AFF882F57C6372C15399A20D54F65C8D67BEF583021BDE">>}]}
].
"#;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("srv/rebar.lock", text).lines(), expect);
    }

    #[test]
    fn packages_of_all_versions_of_the_format() {
        let own = "pkg:hex/own@4f3c1d?vcs_url=git%2Bhttps:%2F%2Fgit.example%2Fown.git%404f3c1d";
        check(LOCK, &["pkg:hex/cowboy@2.9.0", own]);
        check("[{<<\"A\">>,{pkg,<<\"A\">>,<<\"1\">>},0}].\n", &["pkg:hex/a@1"]);
        check("[].\n", &[]);
        let inventory = TestTree::new().file("rebar.lock", LOCK).catalog();
        assert!(inventory.components()[0].hashes[0].hex.starts_with("2c729f93"));
    }

    #[test]
    fn what_is_broken_is_an_unknown() {
        check(
            "[{<<\"a\">>,{hg,\"x\"},0},b].",
            &[
                "rebar-lock: /srv/rebar.lock: malformed: an entry is no package",
                "rebar-lock: /srv/rebar.lock: where package `a` comes from cannot be told",
            ],
        );
        let deep = "[".repeat(100_000);
        for text in ["", "{a}.", "{\"1.2.0\",[{<<\"a\"", "\u{0}", &deep] {
            let lines = TestTree::new().file("rebar.lock", text).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with("rebar-lock: /rebar.lock: malformed: "), "{line}");
        }
    }
}
