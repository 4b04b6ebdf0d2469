//! NuGet packages of older .NET projects, from `packages.config`.
//!
//! Format: <https://learn.microsoft.com/en-us/nuget/reference/packages-config>.

use super::{Cataloger, Context, Files, Found};
use crate::{nuget::add, xml::Element};
use plimsoll_model::{TreePath, component::Scope, inventory::Coverage, tree::Want};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "packages-config",
    description: "NuGet packages in packages.config",
    files: &[Files::Ending(".config")],
    earlier: &[],
    want,
    edges: Coverage::Unknown,
    catalog,
};

/// `packages.config`, or `packages.PROJECT.config` where projects share a directory; Windows does not tell cases apart.
fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let name = path.file_name().to_ascii_lowercase();
    let is_list = name.starts_with(b"packages.") && name.ends_with(b".config");
    if is_list { Want::Content } else { Want::Nothing }
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        let (root, error) = Element::parse(&String::from_utf8_lossy(bytes));
        if root.name == "packages" {
            for package in root.all("package") {
                let Some(name) = package.attribute("id") else {
                    ctx.note(found, entry, "a package has no `id`");
                    continue;
                };
                let id = add(ctx, entry, (name, package.attribute("version")), found);
                let is_development = package.attribute("developmentDependency") == Some("true");
                if let Some(component) = id.and_then(|id| found.at(id))
                    && is_development
                {
                    component.scope = Scope::Development;
                }
            }
        } else if error.is_none() {
            ctx.note(found, entry, "this is no list of packages");
        }
        if let Some(error) = error {
            ctx.note(found, entry, error);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const LIST: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>
<packages>
  <package id=\"Acme.Json\" version=\"13.0.1\" targetFramework=\"net48\" />
  <package id=\"Acme.Build\" version=\"2.0.0\" developmentDependency=\"true\"></package>
</packages>";

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("src/packages.config", text).lines(), expect);
    }

    #[test]
    fn packages_of_a_project() {
        check(LIST, &["pkg:nuget/Acme.Build@2.0.0", "pkg:nuget/Acme.Json@13.0.1"]);
        let inventory = TestTree::new().file("Packages.Own.config", LIST).catalog();
        let scopes: Vec<_> = inventory.components().iter().map(|found| found.scope).collect();
        assert_eq!(scopes, [Scope::Development, Scope::Required]);
    }

    #[test]
    fn what_is_not_understood_is_an_unknown() {
        let unknown = |what: &str| format!("packages-config: /src/packages.config: {what}");
        check("<configuration/>", &[&unknown("this is no list of packages")]);
        check(
            "<packages><package version='1'/><package id='a'/><package id='b' version='1'/><package",
            &[
                "pkg:nuget/a",
                "pkg:nuget/b@1",
                &unknown("a package has no `id`"),
                &unknown(
                    "malformed XML: syntax error: tag not closed: `>` not found before end of input",
                ),
                &unknown("package `a` states no version"),
            ],
        );
        let bomb = "<!DOCTYPE p [<!ENTITY e 'x'>]><packages>&e;</packages>";
        check(bomb, &[&unknown("the document has a type definition, which is not read")]);
        for text in ["", "\0", &"<packages>".repeat(100_000)] {
            assert_eq!(
                TestTree::new().file("packages.config", text).lines().len(),
                1,
                "{text:.20}"
            );
        }
    }
}
