//! PHP packages that Composer has locked, from `composer.lock`.
//!
//! Format: <https://getcomposer.org/doc/01-basic-usage.md#commit-your-composer-lock-file-to-version-control>.

use super::{Cataloger, Context, Files, Found, whole};
use crate::composer::{Package, add_all, packages};
use plimsoll_model::{TreePath, component::Scope, inventory::Coverage, tree::Entry};
use serde::Deserialize;
use serde_json::Value;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "composer-lock",
    description: "PHP packages in composer.lock",
    files: &[Files::Named("composer.lock")],
    earlier: &[],
    want: whole,
    edges: Coverage::Complete,
    catalog,
};

/// The list of what is installed, from the directory of packages on.
const INSTALLED: &str = "composer/installed.json";

#[derive(Deserialize)]
struct Lock {
    packages: Option<Vec<Value>>,
    #[serde(rename = "packages-dev")]
    development: Option<Vec<Value>>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        if is_installed(ctx, entry) {
            return;
        }
        let (required, development) = match serde_json::from_slice::<Lock>(bytes) {
            Ok(Lock { packages: None, development: None }) => {
                return ctx.note(found, entry, "neither `packages` nor `packages-dev`");
            }
            Ok(Lock { packages, development }) => {
                (packages.unwrap_or_default(), development.unwrap_or_default())
            }
            Err(error) => return ctx.note(found, entry, format!("malformed: {error}")),
        };
        let vendor = Vendor::of(ctx, entry);
        let required = packages(ctx, entry, required, found).into_iter();
        let required = required.map(|package| (package, Scope::Required));
        let development = packages(ctx, entry, development, found).into_iter();
        let development = development.filter(|package| !vendor.lacks(package));
        let development = development.map(|package| (package, Scope::Development));
        let all: Vec<_> = required.chain(development).collect();
        add_all(ctx, entry, &all, found);
    })
}

/// Whether the lock lies in an installed package, of whose development it speaks: `vendor/VENDOR/NAME/composer.lock`.
fn is_installed(ctx: &Context<'_>, entry: &Entry) -> bool {
    let list = || entry.path.parent()?.parent()?.parent()?.join(INSTALLED).ok();
    list().is_some_and(|list| ctx.tree.resolve(&list).is_ok())
}

/// What is installed beside a lock.
struct Vendor<'a> {
    ctx: &'a Context<'a>,
    directory: Option<TreePath>,
}

impl<'a> Vendor<'a> {
    fn of(ctx: &'a Context<'a>, lock: &Entry) -> Self {
        let vendor = lock.path.parent().and_then(|project| project.join("vendor").ok());
        let is_installed = |vendor: &TreePath| {
            let list = vendor.join(INSTALLED);
            list.is_ok_and(|list| ctx.tree.resolve(&list).is_ok())
        };
        Self { ctx, directory: vendor.filter(is_installed) }
    }

    /// Whether a package of development was left out; without anything installed the lock alone counts.
    fn lacks(&self, package: &Package) -> bool {
        let path = self.directory.as_ref().and_then(|vendor| vendor.join(&package.name).ok());
        path.is_some_and(|path| self.ctx.tree.resolve(&path).is_err())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const LOCK: &str = r#"{
      "content-hash": "0",
      "packages": [
        {"name": "Acme/Core", "version": "v1.2.3", "license": ["MIT"],
         "require": {"php": ">=8", "ext-json": "*", "acme/log": "^2", "psr/log-implementation": "1.0"},
         "dist": {"type": "zip", "shasum": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}},
        {"name": "acme/log", "version": "2.0.0", "require": [], "provide": {"psr/log-implementation": "1.0"},
         "source": {"reference": "0123abc"}}
      ],
      "packages-dev": [{"name": "acme/unit", "version": "dev-main", "require": {"acme/core": "*"}}]
    }"#;

    const ALL: [&str; 5] = [
        "pkg:composer/acme/core@v1.2.3",
        "pkg:composer/acme/log@2.0.0",
        "pkg:composer/acme/unit@dev-main",
        "pkg:composer/acme/core@v1.2.3 needs pkg:composer/acme/log@2.0.0",
        "pkg:composer/acme/unit@dev-main needs pkg:composer/acme/core@v1.2.3",
    ];

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("srv/composer.lock", text).lines(), expect);
    }

    #[test]
    fn packages_and_what_they_need() {
        check(LOCK, &ALL);
        let inventory = TestTree::new().file("composer.lock", LOCK).catalog();
        let [core, log, unit] = inventory.components() else { panic!() };
        assert_eq!((core.licenses.as_slice(), core.hashes.len()), (&["MIT".to_owned()][..], 1));
        assert_eq!(core.name, "Acme/Core");
        assert_eq!(log.properties["plimsoll:composer:reference"], "0123abc");
        assert_eq!((core.scope, unit.scope), (Scope::Required, Scope::Development));
    }

    #[test]
    fn what_composer_left_out_is_not_aboard() {
        let installed = r#"{"packages": [{"name": "acme/log", "version": "2.0.0"}]}"#;
        let tree = TestTree::new()
            .file("srv/composer.lock", LOCK)
            .file("srv/vendor/composer/installed.json", installed)
            .file("srv/vendor/acme/log/composer.lock", LOCK);
        assert_eq!(tree.lines(), [ALL[0], ALL[1], ALL[3]]);
    }

    #[test]
    fn what_is_no_lock_is_an_unknown() {
        let unknown = |what: &str| format!("composer-lock: /srv/composer.lock: {what}");
        check("{}", &[&unknown("neither `packages` nor `packages-dev`")]);
        check(
            r#"{"packages": [{"name": "a/b", "version": 1}, {"version": "1"}, {"name": "a/c"}]}"#,
            &[
                "pkg:composer/a/c",
                &unknown("a package has no name"),
                &unknown("a package is malformed: invalid type: integer `1`, expected a string"),
                &unknown("package `a/c` states no version"),
            ],
        );
        let deep = format!("{{\"packages\": [{}", "[".repeat(100_000));
        for text in ["", "7", "{\"packages\": [", "\0", &deep] {
            let lines = TestTree::new().file("composer.lock", text).lines();
            assert!(
                lines[0].starts_with("composer-lock: /composer.lock: malformed: "),
                "{lines:?}"
            );
        }
    }
}
