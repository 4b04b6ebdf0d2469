//! NuGet packages that a .NET program was built of, from the `*.deps.json` beside it.
//!
//! Format: <https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md>.

use super::{Cataloger, Context, Files, Found};
use crate::nuget::{Graph, without_mark};
use plimsoll_model::{TreePath, inventory::Coverage, tree::Want};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "dotnet-deps",
    description: "NuGet packages in *.deps.json",
    files: &[Files::Ending(".json")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    if path.file_name().ends_with(b".deps.json") { Want::Content } else { Want::Nothing }
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        match serde_json::from_slice::<Graph>(without_mark(bytes)) {
            Ok(graph) if graph.libraries.is_none() && graph.targets.is_none() => {
                ctx.note(found, entry, "neither `targets` nor `libraries`");
            }
            Ok(graph) => {
                graph.add(ctx, entry, found);
            }
            Err(error) => ctx.note(found, entry, format!("malformed: {error}")),
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;
    use plimsoll_model::component::ComponentKind;

    const DEPS: &str = r#"{
      "runtimeTarget": {"name": ".NETCoreApp,Version=v8.0/linux-x64", "signature": ""},
      "targets": {
        ".NETCoreApp,Version=v8.0": {},
        ".NETCoreApp,Version=v8.0/linux-x64": {
          "Acme.App/1.0.0": {
            "dependencies": {"Acme.Json": "13.0.1", "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64": "8.0.1",
              "Own.Reference": "1.0.0.0"},
            "runtime": {"Acme.App.dll": {}}},
          "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"runtime": {}},
          "Acme.Json/13.0.1": {"dependencies": {"acme.core": "2.0.0", "Absent": "1"}},
          "Acme.Core/2.0.0": {},
          "Own.Reference/1.0.0.0": {}
        }
      },
      "libraries": {
        "Acme.App/1.0.0": {"type": "project", "serviceable": false, "sha512": ""},
        "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"type": "runtimepack", "sha512": ""},
        "Acme.Json/13.0.1": {"type": "package", "serviceable": true,
          "sha512": "sha512-BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw=="},
        "Acme.Core/2.0.0": {"type": "package", "sha512": "sha512-short"},
        "Own.Reference/1.0.0.0": {"type": "reference", "sha512": ""}
      }}"#;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("app/Acme.App.deps.json", text).lines(), expect);
    }

    #[test]
    fn packages_and_what_they_need() {
        const ALL: [&str; 7] = [
            "pkg:nuget/Acme.App@1.0.0",
            "pkg:nuget/Acme.Core@2.0.0",
            "pkg:nuget/Acme.Json@13.0.1",
            "pkg:nuget/Microsoft.NETCore.App.Runtime.linux-x64@8.0.1",
            "pkg:nuget/Acme.App@1.0.0 needs pkg:nuget/Acme.Json@13.0.1",
            "pkg:nuget/Acme.App@1.0.0 needs pkg:nuget/Microsoft.NETCore.App.Runtime.linux-x64@8.0.1",
            "pkg:nuget/Acme.Json@13.0.1 needs pkg:nuget/Acme.Core@2.0.0",
        ];
        check(DEPS, &ALL);
        check(&format!("\u{feff}{DEPS}"), &ALL);
        let inventory = TestTree::new().file("a.deps.json", DEPS).catalog();
        let hashes: Vec<_> =
            inventory.components().iter().map(|found| found.hashes.len()).collect();
        assert_eq!(hashes, [0, 0, 1, 0]);
        assert_eq!(inventory.components()[0].kind, ComponentKind::Application);
    }

    #[test]
    fn what_is_not_understood_is_an_unknown() {
        const PATH: &str = "dotnet-deps: /app/Acme.App.deps.json";
        check("{}", &[&format!("{PATH}: neither `targets` nor `libraries`")]);
        check(
            r#"{"libraries": {"a/1": {"type": 1}, "b": {}, "c/3": {"type": "package"}}}"#,
            &[
                "pkg:nuget/a@1",
                "pkg:nuget/b",
                "pkg:nuget/c@3",
                &format!(
                    "{PATH}: library `a/1` is malformed: invalid type: integer `1`, expected a string"
                ),
                &format!("{PATH}: package `b` states no version"),
            ],
        );
        let deep = format!("{{\"libraries\": {}", "[".repeat(100_000));
        for text in ["", "[]", "{\"targets\": {\"a\": {", "{\"targets\": 1}", "\0", &deep] {
            let lines = TestTree::new().file("a.deps.json", text).lines();
            assert!(lines[0].starts_with("dotnet-deps: /a.deps.json: malformed: "), "{lines:?}");
        }
    }
}
