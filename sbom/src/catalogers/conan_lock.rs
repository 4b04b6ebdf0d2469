//! Conan packages, from `conan.lock` and `conanfile.txt`.
//!
//! Formats: <https://docs.conan.io/1/versioning/lockfiles/introduction.html> (a graph, versions 0.1 to 0.4),
//! <https://docs.conan.io/2/tutorial/versioning/lockfiles.html> (lists, version 0.5), and
//! <https://docs.conan.io/2/reference/conanfile_txt.html>.

use super::{Cataloger, Context, Draft, Files, Found, whole};
use crate::document;
use plimsoll_model::{
    component::{ComponentId, Scope},
    inventory::Coverage,
    tree::Entry,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "conan-lock",
    description: "Conan packages in conan.lock and conanfile.txt",
    files: &[Files::Named("conan.lock"), Files::Named("conanfile.txt")],
    earlier: &[],
    want: whole,
    // Only the graph of the older locks tells who needs whom.
    edges: Coverage::Incomplete,
    catalog,
};

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "graph_lock")]
    graph: Option<Graph>,
    requires: Option<Vec<Value>>,
    build_requires: Option<Vec<Value>>,
    python_requires: Option<Vec<Value>>,
    config_requires: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Graph {
    nodes: BTreeMap<String, Value>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        if entry.path.file_name() == b"conanfile.txt" {
            return match document::text(bytes) {
                Ok(text) => manifest(ctx, entry, text, found),
                Err(reason) => ctx.note(found, entry, reason),
            };
        }
        match document::json::<Lock>(bytes) {
            Ok(Lock { graph: Some(graph), .. }) => nodes(ctx, entry, &graph.nodes, found),
            Ok(Lock { requires: None, build_requires: None, python_requires: None, .. }) => {
                ctx.note(found, entry, "the lock has neither `graph_lock` nor `requires`");
            }
            Ok(lock) => {
                let recipes = lock.python_requires.into_iter().chain(lock.config_requires);
                let build = lock.build_requires.into_iter().chain(recipes).flatten();
                let all = lock.requires.into_iter().flatten().map(|value| (value, Scope::Required));
                for (value, scope) in all.chain(build.map(|value| (value, Scope::Development))) {
                    // One with an alias or a context is a list that begins with the reference.
                    match value.as_str().or_else(|| value.get(0)?.as_str()) {
                        Some(reference) => {
                            add(ctx, entry, reference, scope, found);
                        }
                        None => ctx.note(found, entry, "a requirement is no text"),
                    }
                }
            }
            Err(reason) => ctx.note(found, entry, reason),
        }
    })
}

/// The graph of Conan 1, in which nodes are numbered.
fn nodes(ctx: &Context<'_>, entry: &Entry, nodes: &BTreeMap<String, Value>, found: &mut Found) {
    let list = |node: &'_ Value, key: &str| -> Vec<String> {
        let values = node.get(key).and_then(Value::as_array).into_iter().flatten();
        values.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut ids: BTreeMap<&str, ComponentId> = BTreeMap::new();
    for (number, node) in nodes {
        let Some(reference) = node.get("ref").and_then(Value::as_str) else {
            // The project itself has none.
            if node.get("path").is_none() {
                ctx.note(found, entry, format!("node `{number}` has no `ref`"));
            }
            continue;
        };
        let is_for_build = node.get("context").and_then(Value::as_str) == Some("build");
        let scope = if is_for_build { Scope::Development } else { Scope::Required };
        ids.extend(add(ctx, entry, reference, scope, found).map(|id| (number.as_str(), id)));
    }
    for (number, node) in nodes {
        let Some(from) = ids.get(number.as_str()) else { continue };
        for to in list(node, "requires") {
            if let Some(to) = ids.get(to.as_str()) {
                ctx.depends(found, *from, &[*to]);
            }
        }
    }
}

/// Lines below `[requires]` and its kin.
fn manifest(ctx: &Context<'_>, entry: &Entry, text: &str, found: &mut Found) {
    let mut scope = None;
    let mut has_section = false;
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            has_section = true;
            scope = match section {
                "requires" => Some(Scope::Required),
                "build_requires" | "tool_requires" | "test_requires" => Some(Scope::Development),
                _ => None,
            };
        } else if let Some(scope) = scope.filter(|_| !line.is_empty()) {
            add(ctx, entry, line, scope, found);
        }
    }
    if !has_section {
        ctx.note(found, entry, "the file has no section");
    }
}

/// `name/version@user/channel#recipe%time:package#revision`, everything from the first sign on may be left out.
fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    reference: &str,
    scope: Scope,
    found: &mut Found,
) -> Option<ComponentId> {
    let (recipe, _) = reference.split_once(':').unwrap_or((reference, ""));
    let (recipe, revision) = recipe.split_once('#').unwrap_or((recipe, ""));
    let (revision, _) = revision.split_once('%').unwrap_or((revision, ""));
    let (package, owner) = recipe.split_once('@').unwrap_or((recipe, ""));
    let (user, channel) = owner.split_once('/').unwrap_or((owner, ""));
    let (name, version) = package.split_once('/').unwrap_or((package, ""));
    // A range leaves the version open.
    let version = Some(version).filter(|version| !version.starts_with('['));
    let qualifiers =
        [("user", user), ("channel", channel), ("rrev", revision)].map(|(key, value)| {
            // Of an owner who is left out.
            (key, if value == "_" { "" } else { value })
        });
    let draft = Draft {
        kind: "conan",
        namespace: None,
        name,
        shown: name,
        version,
        qualifiers: &qualifiers,
    };
    let id = ctx.add(found, entry, &draft)?;
    found.at(id)?.scope = scope;
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const V1: &str = r#"{"graph_lock": {"nodes": {
        "0": {"options": "", "requires": ["1"], "path": "conanfile.txt", "context": "host"},
        "1": {"ref": "poco/1.9.4#f5a2", "package_id": "x", "requires": ["2"], "build_requires": ["3"], "context": "host"},
        "2": {"ref": "zlib/1.2.11@acme/stable#a3b1:6f7e#9d1c", "context": "host"},
        "3": {"ref": "cmake/3.16.9", "context": "build"}}, "revisions_enabled": true}, "version": "0.4"}"#;
    const V2: &str = r#"{"version": "0.5", "requires": ["zlib/1.2.13#13c9%1683021467.5", ["math/1.0", "x"]],
        "build_requires": ["cmake/3.22.6@_/_#f305"], "python_requires": []}"#;

    #[track_caller]
    fn check(path: &str, text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file(path, text).lines(), expect);
    }

    #[test]
    fn locks_of_both_generations() {
        let (poco, zlib) = (
            "pkg:conan/poco@1.9.4?rrev=f5a2",
            "pkg:conan/zlib@1.2.11?channel=stable&rrev=a3b1&user=acme",
        );
        check(
            "conan.lock",
            V1,
            &["pkg:conan/cmake@3.16.9", poco, zlib, &format!("{poco} needs {zlib}")],
        );
        check(
            "conan.lock",
            V2,
            &[
                "pkg:conan/cmake@3.22.6?rrev=f305",
                "pkg:conan/math@1.0",
                "pkg:conan/zlib@1.2.13?rrev=13c9",
            ],
        );
        let inventory = TestTree::new().file("conan.lock", V2).catalog();
        assert_eq!(inventory.components()[0].scope, Scope::Development);
        assert_eq!(inventory.components()[2].scope, Scope::Required);
    }

    #[test]
    fn manifests() {
        check(
            "conanfile.txt",
            "# x\n[requires]\nzlib/1.2.13 # y\nfmt/[>=8 <9]\n\n[tool_requires]\ncmake/3.22.6\n[generators]\nCMakeDeps\n",
            &[
                "pkg:conan/cmake@3.22.6",
                "pkg:conan/fmt",
                "pkg:conan/zlib@1.2.13",
                "conan-lock: /conanfile.txt: package `fmt` states no version",
            ],
        );
        check(
            "conanfile.txt",
            "zlib/1\n",
            &["conan-lock: /conanfile.txt: the file has no section"],
        );
    }

    #[test]
    fn what_is_broken_is_an_unknown() {
        let at = "conan-lock: /conan.lock:";
        let open = format!("{at} the lock has neither `graph_lock` nor `requires`");
        check("conan.lock", "{}", &[&open]);
        check(
            "conan.lock",
            r#"{"requires": [7, "a/1"]}"#,
            &["pkg:conan/a@1", &format!("{at} a requirement is no text")],
        );
        check(
            "conan.lock",
            r#"{"graph_lock": {"nodes": {"1": 7}}}"#,
            &[&format!("{at} node `1` has no `ref`")],
        );
        let deep = "[".repeat(100_000);
        for text in ["", "{\"requires\": [", "{\"requires\": [], \"requires\": []}", "\u{0}", &deep]
        {
            let lines = TestTree::new().file("conan.lock", text).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with(&format!("{at} malformed: ")), "{line}");
        }
    }
}
