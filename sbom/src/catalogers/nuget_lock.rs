//! NuGet packages that a project has locked, from `packages.lock.json`.
//!
//! Format: <https://github.com/NuGet/Home/wiki/Repeatable-build-using-lock-file-implementation>, versions 1 and 2.

use super::{Cataloger, Context, Files, Found};
use crate::nuget::{add, sha512, without_mark};
use plimsoll_model::{
    TreePath,
    component::ComponentId,
    inventory::Coverage,
    tree::{Entry, Want},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "nuget-lock",
    description: "NuGet packages in packages.lock.json",
    files: &[Files::Ending(".json")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

/// `packages.lock.json`, or `packages.PROJECT.lock.json` where projects share a directory.
fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let name = path.file_name();
    let is_lock = name.starts_with(b"packages.") && name.ends_with(b".lock.json");
    if is_lock { Want::Content } else { Want::Nothing }
}

#[derive(Deserialize)]
struct Lock {
    /// By framework, then by name.
    dependencies: Option<BTreeMap<String, BTreeMap<String, Value>>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Package {
    #[serde(rename = "type")]
    kind: String,
    resolved: Option<String>,
    content_hash: String,
    dependencies: BTreeMap<String, Value>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        match serde_json::from_slice::<Lock>(without_mark(bytes)) {
            Ok(Lock { dependencies: Some(frameworks) }) => {
                for (_, packages) in frameworks {
                    framework(ctx, entry, packages, found);
                }
            }
            Ok(Lock { dependencies: None }) => ctx.note(found, entry, "no `dependencies`"),
            Err(error) => ctx.note(found, entry, format!("malformed: {error}")),
        }
    })
}

/// Adds what one framework is built with. Projects are the repository's own and have no version; what they need is listed.
fn framework(
    ctx: &Context<'_>,
    entry: &Entry,
    packages: BTreeMap<String, Value>,
    found: &mut Found,
) {
    let mut by_name: BTreeMap<String, ComponentId> = BTreeMap::new();
    let mut needs = Vec::new();
    for (name, value) in packages {
        let package = match serde_json::from_value::<Package>(value) {
            Ok(package) => package,
            Err(error) => {
                ctx.note(found, entry, format!("package `{name}` is malformed: {error}"));
                continue;
            }
        };
        if package.kind.eq_ignore_ascii_case("project") {
            continue;
        }
        let version = package.resolved.as_deref();
        let Some(id) = add(ctx, entry, (&name, version), found) else { continue };
        if let Some(component) = found.at(id) {
            component.hashes.extend(sha512(&package.content_hash));
        }
        by_name.insert(name.to_ascii_lowercase(), id);
        needs.push((id, package.dependencies));
    }
    for (id, needs) in needs {
        for needed in needs.keys() {
            if let Some(to) = by_name.get(&needed.to_ascii_lowercase()) {
                ctx.depends(found, id, &[*to]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const LOCK: &str = r#"{
      "version": 1,
      "dependencies": {
        "net8.0": {
          "Acme.Json": {"type": "Direct", "requested": "[13.0.1, )", "resolved": "13.0.1",
            "contentHash": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==",
            "dependencies": {"acme.core": "2.0.0"}},
          "Acme.Core": {"type": "Transitive", "resolved": "2.0.0", "contentHash": "x"},
          "own.project": {"type": "Project", "dependencies": {"Acme.Core": "[1, )"}}
        },
        "net48": {"Acme.Core": {"type": "Direct", "resolved": "1.9.0"}}
      }}"#;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("src/packages.lock.json", text).lines(), expect);
    }

    #[test]
    fn packages_and_what_they_need() {
        check(
            LOCK,
            &[
                "pkg:nuget/Acme.Core@1.9.0",
                "pkg:nuget/Acme.Core@2.0.0",
                "pkg:nuget/Acme.Json@13.0.1",
                "pkg:nuget/Acme.Json@13.0.1 needs pkg:nuget/Acme.Core@2.0.0",
            ],
        );
        let tree = TestTree::new().file("packages.Own.lock.json", format!("\u{feff}{LOCK}"));
        assert_eq!(tree.catalog().components()[2].hashes.len(), 1);
    }

    #[test]
    fn what_is_not_understood_is_an_unknown() {
        const PATH: &str = "nuget-lock: /src/packages.lock.json";
        check("{}", &[&format!("{PATH}: no `dependencies`")]);
        check(
            r#"{"dependencies": {"f": {"a": {"resolved": 1}, "b": {}}}}"#,
            &[
                "pkg:nuget/b",
                &format!(
                    "{PATH}: package `a` is malformed: invalid type: integer `1`, expected a string"
                ),
                &format!("{PATH}: package `b` states no version"),
            ],
        );
        let deep = format!("{{\"dependencies\": {}", "[".repeat(100_000));
        for text in ["", "[", "{\"dependencies\": {\"f\": 1}}", "\0", &deep] {
            let lines = TestTree::new().file("packages.lock.json", text).lines();
            assert!(
                lines[0].starts_with("nuget-lock: /packages.lock.json: malformed: "),
                "{lines:?}"
            );
        }
    }
}
