//! NuGet packages that a project was restored with, from `obj/project.assets.json`.
//!
//! Format: <https://learn.microsoft.com/en-us/nuget/concepts/dependency-resolution>; what NuGet writes of it, version 3.

use super::{Cataloger, Context, Files, Found};
use crate::nuget::{Graph, Names, add, without_mark};
use plimsoll_model::{component::ComponentKind, inventory::Coverage, tree::Entry};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "nuget-assets",
    description: "NuGet packages in project.assets.json",
    files: &[Files::Named("project.assets.json")],
    earlier: &[],
    want: super::whole,
    edges: Coverage::Complete,
    catalog,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assets {
    #[serde(flatten)]
    graph: Graph,
    project: Option<Project>,
    /// By framework what the project itself names: `NAME >= VERSION`.
    #[serde(default)]
    project_file_dependency_groups: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Project {
    version: Option<String>,
    restore: Option<Restore>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Restore {
    project_name: Option<String>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        let assets = match serde_json::from_slice::<Assets>(without_mark(bytes)) {
            Ok(assets) => assets,
            Err(error) => return ctx.note(found, entry, format!("malformed: {error}")),
        };
        let Assets { graph, project, project_file_dependency_groups: groups } = assets;
        if graph.libraries.is_none() && graph.targets.is_none() {
            return ctx.note(found, entry, "neither `targets` nor `libraries`");
        }
        let names = graph.add(ctx, entry, found);
        if let Some(project) = project {
            root(ctx, entry, (&project, &groups, &names), found);
        }
    })
}

/// Adds the project, related to what it names itself.
fn root(
    ctx: &Context<'_>,
    entry: &Entry,
    (project, groups, names): (&Project, &BTreeMap<String, Vec<String>>, &Names),
    found: &mut Found,
) {
    let name = project.restore.as_ref().and_then(|restore| restore.project_name.as_deref());
    let Some(name) = name else { return };
    let id = add(ctx, entry, (name, project.version.as_deref()), found);
    let Some(id) = id else { return };
    if let Some(component) = found.at(id) {
        component.kind = ComponentKind::Application;
    }
    for needed in groups.values().flatten() {
        let needed = needed.split(' ').next().unwrap_or_default().to_ascii_lowercase();
        // A project names the same for all the platforms of a framework.
        let ids: Vec<_> = names.values().filter_map(|names| names.get(&needed).copied()).collect();
        ctx.depends(found, id, &ids);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    const ASSETS: &str = r#"{
      "version": 3,
      "targets": {"net8.0": {
        "Acme.Json/13.0.1": {"type": "package", "dependencies": {"Acme.Core": "1.0.0"}, "compile": {}},
        "Acme.Core/2.0.0": {"type": "package"},
        "Own.Lib/1.0.0": {"type": "project", "dependencies": {"Acme.Core": "2.0.0"}}
      }},
      "libraries": {
        "Acme.Json/13.0.1": {"sha512": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==", "type": "package"},
        "Acme.Core/2.0.0": {"type": "package"},
        "Own.Lib/1.0.0": {"type": "project", "path": "../lib/lib.csproj"}
      },
      "projectFileDependencyGroups": {"net8.0": ["Acme.Json >= 13.0.1", "Own.Lib >= 1.0.0", "Absent"]},
      "project": {"version": "0.1.0", "restore": {"projectName": "Own.App"}}
    }"#;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("src/obj/project.assets.json", text).lines(), expect);
    }

    #[test]
    fn a_project_and_what_it_needs() {
        check(
            ASSETS,
            &[
                "pkg:nuget/Acme.Core@2.0.0",
                "pkg:nuget/Acme.Json@13.0.1",
                "pkg:nuget/Own.App@0.1.0",
                "pkg:nuget/Own.Lib@1.0.0",
                "pkg:nuget/Acme.Json@13.0.1 needs pkg:nuget/Acme.Core@2.0.0",
                "pkg:nuget/Own.App@0.1.0 needs pkg:nuget/Acme.Json@13.0.1",
                "pkg:nuget/Own.App@0.1.0 needs pkg:nuget/Own.Lib@1.0.0",
                "pkg:nuget/Own.Lib@1.0.0 needs pkg:nuget/Acme.Core@2.0.0",
            ],
        );
        let inventory = TestTree::new().file("project.assets.json", ASSETS).catalog();
        assert_eq!(inventory.components()[1].hashes.len(), 1);
    }

    #[test]
    fn what_is_not_understood_is_an_unknown() {
        const PATH: &str = "nuget-assets: /src/obj/project.assets.json";
        check("{}", &[&format!("{PATH}: neither `targets` nor `libraries`")]);
        let deep = format!("{{\"libraries\": {}", "[".repeat(100_000));
        for text in ["", "[", "{\"targets\": 1}", "\0", &deep] {
            let lines = TestTree::new().file("project.assets.json", text).lines();
            assert!(
                lines[0].starts_with("nuget-assets: /project.assets.json: malformed: "),
                "{lines:?}"
            );
        }
    }
}
