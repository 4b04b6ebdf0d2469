//! Julia packages, from `Manifest.toml`.
//!
//! Format: <https://pkgdocs.julialang.org/v1/toml-files/#Manifest.toml>, versions 1 and 2. A package without a version, a tree
//! and a source is of the standard library, and as old as Julia is.

use super::{Cataloger, Context, Draft, Files, Found};
use crate::document;
use plimsoll_model::{
    TreePath,
    component::ComponentId,
    inventory::Coverage,
    tree::{Entry, Want},
};
use std::collections::BTreeMap;
use toml::{Table, Value};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "julia-manifest",
    description: "Julia packages in Manifest.toml",
    files: &[Files::Ending(".toml")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

/// The hash of the files of a package, as Git makes it of a tree.
const TREE: &str = "plimsoll:julia:git-tree-sha1";

/// `Manifest.toml`, `JuliaManifest.toml` and `Manifest-v1.11.toml`.
fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let name = path.file_name();
    let name = name.strip_prefix(b"Julia").unwrap_or(name);
    let rest = name.strip_prefix(b"Manifest").unwrap_or_default();
    let is_named = rest == b".toml" || rest.starts_with(b"-v");
    if is_named && !document::is_of_dependency(path) { Want::Content } else { Want::Nothing }
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        let table: Table = match document::toml(bytes) {
            Ok(table) => table,
            Err(reason) => return ctx.note(found, entry, reason),
        };
        let julia = table.get("julia_version").and_then(Value::as_str);
        let format = table.get("manifest_format").and_then(Value::as_str);
        let is_nested = format.is_some_and(|format| !format.starts_with('1'));
        let packages =
            if is_nested { table.get("deps").and_then(Value::as_table) } else { Some(&table) };
        let listed: Vec<_> = packages.into_iter().flatten().flat_map(entries).collect();
        // A project without dependencies has a head and no more.
        if listed.is_empty() && format.is_none() {
            return ctx.note(found, entry, "the manifest lists no package");
        }
        add(ctx, entry, (&listed, julia), found);
    })
}

/// A name may be that of several packages.
fn entries<'a>((name, value): (&'a String, &'a Value)) -> Vec<(&'a str, &'a Table)> {
    let tables = value.as_array().into_iter().flatten().filter_map(Value::as_table);
    tables.map(|table| (name.as_str(), table)).collect()
}

fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    (listed, julia): (&[(&str, &Table)], Option<&str>),
    found: &mut Found,
) {
    let mut by_name: BTreeMap<&str, ComponentId> = BTreeMap::new();
    let mut by_uuid: BTreeMap<&str, ComponentId> = BTreeMap::new();
    let mut ids = Vec::new();
    for (name, package) in listed {
        let Some(id) = component(ctx, entry, (name, package), julia, found) else { continue };
        by_name.insert(name, id);
        by_uuid.extend(text(package, "uuid").map(|uuid| (uuid, id)));
        ids.push((id, package));
    }
    for (id, package) in ids {
        // A list of names, or a table of names and UUIDs where a name is of several.
        let needs: Vec<ComponentId> = match package.get("deps") {
            Some(Value::Array(names)) => {
                names.iter().filter_map(|name| by_name.get(name.as_str()?).copied()).collect()
            }
            Some(Value::Table(uuids)) => {
                uuids.values().filter_map(|uuid| by_uuid.get(uuid.as_str()?).copied()).collect()
            }
            _ => Vec::new(),
        };
        ctx.depends(found, id, &needs);
    }
}

fn text<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key).and_then(Value::as_str)
}

fn component(
    ctx: &Context<'_>,
    entry: &Entry,
    (name, package): (&str, &Table),
    julia: Option<&str>,
    found: &mut Found,
) -> Option<ComponentId> {
    let (tree, url) = (text(package, "git-tree-sha1"), text(package, "repo-url"));
    // The project's own code, which no registry knows.
    if text(package, "path").is_some() {
        return None;
    }
    let is_standard = tree.is_none() && url.is_none();
    let version = text(package, "version").or(julia.filter(|_| is_standard));
    let vcs = url.map(|url| document::vcs_url(url, text(package, "repo-rev").unwrap_or_default()));
    let qualifiers = [
        ("uuid", text(package, "uuid").unwrap_or_default()),
        ("vcs_url", vcs.as_deref().unwrap_or_default()),
    ];
    let draft = Draft {
        kind: "julia",
        namespace: None,
        name,
        shown: name,
        version,
        qualifiers: &qualifiers,
    };
    let id = ctx.add(found, entry, &draft)?;
    if let Some(tree) = tree {
        found.at(id)?.properties.insert(TREE.to_owned(), tree.to_owned());
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const V2: &str = r#"
julia_version = "1.9.0"
manifest_format = "2.0"
project_hash = "x"
[[deps.AWS]]
deps = ["Base64", "Dates"]
git-tree-sha1 = "487d6835da9876e0362a83aec169e390872eba64"
uuid = "fbe9abb3-538b-5e4e-ba9e-bc94f4f92ebc"
version = "1.88.0"
[[deps.Base64]]
uuid = "2a0f44e3-6c83-55bd-87e4-b1978d98bd5f"
[[deps.Dates]]
uuid = "ade2ca70-3891-5945-98fb-dc099432e06a"
version = "1.11.0"
[deps.Dates.deps]
Base64 = "2a0f44e3-6c83-55bd-87e4-b1978d98bd5f"
[[deps.Forked]]
repo-rev = "main"
repo-url = "https://git.example/Forked.jl"
git-tree-sha1 = "0123"
uuid = "ac24ea0c-1830-11e9-18d4-81f172323054"
version = "0.3.1"
[[deps.Own]]
path = "../Own"
uuid = "00000000-0000-0000-0000-000000000000"
"#;

    #[track_caller]
    fn check(path: &str, text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file(path, text).lines(), expect);
    }

    #[test]
    fn packages_and_what_they_need() {
        let aws = "pkg:julia/AWS@1.88.0?uuid=fbe9abb3-538b-5e4e-ba9e-bc94f4f92ebc";
        let base64 = "pkg:julia/Base64@1.9.0?uuid=2a0f44e3-6c83-55bd-87e4-b1978d98bd5f";
        let dates = "pkg:julia/Dates@1.11.0?uuid=ade2ca70-3891-5945-98fb-dc099432e06a";
        let forked = "pkg:julia/Forked@0.3.1?uuid=ac24ea0c-1830-11e9-18d4-81f172323054\
                      &vcs_url=git%2Bhttps:%2F%2Fgit.example%2FForked.jl%40main";
        for path in ["srv/Manifest.toml", "JuliaManifest.toml", "Manifest-v1.11.toml"] {
            check(
                path,
                V2,
                &[
                    aws,
                    base64,
                    dates,
                    forked,
                    &format!("{aws} needs {base64}"),
                    &format!("{aws} needs {dates}"),
                    &format!("{dates} needs {base64}"),
                ],
            );
        }
        check("Manifest.tom", V2, &[]);
    }

    #[test]
    fn version_1_has_no_head() {
        check(
            "Manifest.toml",
            "[[A]]\ndeps = [\"B\"]\nuuid = \"1\"\nversion = \"1.0.0\"\ngit-tree-sha1 = \"0\"\n[[B]]\nuuid = \"2\"\n",
            &[
                "pkg:julia/A@1.0.0?uuid=1",
                "pkg:julia/B?uuid=2",
                "pkg:julia/A@1.0.0?uuid=1 needs pkg:julia/B?uuid=2",
                "julia-manifest: /Manifest.toml: package `B` states no version",
            ],
        );
    }

    #[test]
    fn what_is_no_manifest_is_an_unknown() {
        check("Manifest.toml", "manifest_format = \"2.0\"\n", &[]);
        check(
            "Manifest.toml",
            "",
            &["julia-manifest: /Manifest.toml: the manifest lists no package"],
        );
        let deep = format!("a = {}", "[".repeat(100_000));
        for text in ["[[deps.A", "a = 1\na = 2", "\u{0}", &deep] {
            let lines = TestTree::new().file("Manifest.toml", text).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with("julia-manifest: /Manifest.toml: malformed: "), "{line}");
        }
    }
}
