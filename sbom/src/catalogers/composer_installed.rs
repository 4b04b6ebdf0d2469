//! PHP packages as installed: `vendor/composer/installed.json`, a list in Composer 1 and an object in Composer 2.
//!
//! Format: <https://getcomposer.org/doc/07-runtime.md>.

use super::{Cataloger, Context, Files, Found};
use crate::composer::{add_all, names, packages};
use plimsoll_model::{TreePath, component::Scope, inventory::Coverage, tree::Want};
use serde::Deserialize;
use serde_json::Value;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "composer-installed",
    description: "PHP packages in vendor/composer/installed.json",
    files: &[Files::Named("installed.json")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    // The directory above may have any name, this one not.
    let is_list = path.parent().is_some_and(|directory| directory.file_name() == b"composer");
    if is_list { Want::Content } else { Want::Nothing }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Installed {
    /// Composer 1, which does not say what is of development.
    List(Vec<Value>),
    /// Composer 2.
    Object {
        packages: Vec<Value>,
        #[serde(rename = "dev-package-names", default)]
        development: Value,
    },
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        let value = match serde_json::from_slice::<Value>(bytes) {
            Ok(value) => value,
            Err(error) => return ctx.note(found, entry, format!("malformed: {error}")),
        };
        let (list, development) = match serde_json::from_value(value) {
            Ok(Installed::List(list)) => (list, Value::Null),
            Ok(Installed::Object { packages, development }) => (packages, development),
            Err(_) => return ctx.note(found, entry, "no list of packages"),
        };
        let development = names(&development);
        let scope = |name: &str| {
            let is_development = development.contains(&name.to_ascii_lowercase());
            if is_development { Scope::Development } else { Scope::Required }
        };
        let packages = packages(ctx, entry, list, found).into_iter();
        let packages: Vec<_> = packages
            .map(|package| {
                let scope = scope(&package.name);
                (package, scope)
            })
            .collect();
        add_all(ctx, entry, &packages, found);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const PACKAGES: &str = r#"[
        {"name": "acme/app", "version": "1.0.0", "require": {"acme/lib": "^1"}, "license": "MIT"},
        {"name": "acme/lib", "version": "1.1.0", "version_normalized": "1.1.0.0"}]"#;

    const ALL: [&str; 3] = [
        "pkg:composer/acme/app@1.0.0",
        "pkg:composer/acme/lib@1.1.0",
        "pkg:composer/acme/app@1.0.0 needs pkg:composer/acme/lib@1.1.0",
    ];

    fn tree(text: &str) -> TestTree {
        TestTree::new().file("srv/vendor/composer/installed.json", text)
    }

    #[test]
    fn both_versions_of_the_list() {
        assert_eq!(tree(PACKAGES).lines(), ALL);
        let second = format!(
            r#"{{"packages": {PACKAGES}, "dev": true, "dev-package-names": ["acme/LIB", 7]}}"#
        );
        assert_eq!(tree(&second).lines(), ALL);
        let inventory = tree(&second).catalog();
        let scopes: Vec<_> = inventory.components().iter().map(|found| found.scope).collect();
        assert_eq!(scopes, [Scope::Required, Scope::Development]);
        assert_eq!(inventory.components()[0].licenses, ["MIT"]);
        assert_eq!(tree("[]").lines(), Vec::<String>::new());
    }

    #[test]
    fn lists_of_others_do_not_count() {
        assert_eq!(
            TestTree::new().file("srv/installed.json", PACKAGES).lines(),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_is_no_list_is_an_unknown() {
        const PATH: &str = "composer-installed: /srv/vendor/composer/installed.json";
        for text in ["{}", "7", r#"{"packages": {}}"#] {
            assert_eq!(tree(text).lines(), [format!("{PATH}: no list of packages")], "{text}");
        }
        let deep = "[".repeat(100_000);
        for text in ["", "[{", "\0", &deep] {
            let lines = tree(text).lines();
            assert!(lines[0].starts_with(&format!("{PATH}: malformed: ")), "{lines:?}");
        }
        assert_eq!(tree(r#"[{"name": "a/b"}, 7, {"name": ""}]"#).lines().len(), 4,);
    }
}
