//! Python distributions, from `Pipfile.lock`.
//!
//! Format: <https://pipenv.pypa.io/en/latest/pipfile.html>, version 6. It does not say what needs what.

use super::{Cataloger, Context, Files, Found};
use crate::{
    locked::{Lock, Locked},
    origin::Origin,
    python::{self, requirement::Requirement},
};
use plimsoll_model::{component::Scope, inventory::Coverage, tree::Entry};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "pipfile-lock",
    description: "Python packages in Pipfile.lock",
    files: &[Files::Named("Pipfile.lock")],
    earlier: &[],
    want: python::want_lock,
    edges: Coverage::Unknown,
    catalog,
};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Package {
    /// `==1.0`
    version: Option<String>,
    hashes: Vec<String>,
    git: Option<String>,
    r#ref: Option<String>,
    file: Option<String>,
    path: Option<String>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    python::each(ctx, |site, entry, bytes, found| {
        let ctx = site.ctx;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match serde_json::from_slice::<BTreeMap<String, Value>>(bytes) {
            Ok(mut categories) => {
                // What is there besides are categories of packages, by the names that people gave them.
                categories.remove("_meta");
                let lock = lock(ctx, entry, categories, found);
                if lock.is_empty() {
                    ctx.note(found, entry, "the lock lists no package");
                }
                python::add_locked(site, entry, &lock, found);
            }
            Err(error) => ctx.note(found, entry, format!("malformed: {error}")),
        }
    })
}

fn lock(
    ctx: &Context<'_>,
    entry: &Entry,
    categories: BTreeMap<String, Value>,
    found: &mut Found,
) -> Lock {
    let mut lock = Lock::new();
    for (category, packages) in categories {
        let scope = match category.as_str() {
            "default" => Scope::Required,
            "develop" => Scope::Development,
            _ => Scope::Optional,
        };
        let Value::Object(packages) = packages else {
            ctx.note(found, entry, format!("category `{category}` is malformed"));
            continue;
        };
        for (name, value) in packages {
            match serde_json::from_value::<Package>(value) {
                Ok(package) => {
                    let locked = locked(&name, &package, scope);
                    let version = locked.version.as_deref().unwrap_or_default();
                    lock.entry(format!("{name} {version}")).or_default().absorb(locked);
                }
                Err(error) => {
                    ctx.note(found, entry, format!("package `{name}` is malformed: {error}"));
                }
            }
        }
    }
    lock
}

fn locked(name: &str, package: &Package, scope: Scope) -> Locked {
    let specifier = package.version.as_deref().unwrap_or_default();
    let line = format!("x{specifier}");
    let version = Requirement::parse(&line).and_then(|pinned| pinned.pin().map(str::to_owned));
    let origin = match (&package.git, &package.file, &package.path) {
        (Some(git), _, _) => Some(Origin::git(git, package.r#ref.as_deref())),
        (None, Some(file), _) => python::origin(file),
        (None, None, Some(path)) => Some(Origin::path(path)),
        (None, None, None) => None,
    };
    Locked {
        name: name.to_owned(),
        version,
        origin,
        hashes: package.hashes.iter().filter_map(|hash| python::hash(hash)).collect(),
        scope: Some(scope),
        ..Locked::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use Scope::{Development, Optional, Required};

    const LOCK: &str = r#"{
      "_meta": {"hash": {"sha256": "x"}, "pipfile-spec": 6, "requires": {}, "sources": []},
      "default": {
        "flask": {"hashes": ["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
          "index": "pypi", "version": "==3.0.0", "markers": "python_version >= '3.8'"},
        "Own.Repo": {"git": "https://example.com/own.git", "ref": "c0ffee"},
        "six": {"version": "==1.16.0"}
      },
      "develop": {"pytest": {"version": "==8.0.0"}, "six": {"version": "==1.16.0"}},
      "docs": {"sphinx": {"version": "==7.0.0"}}
    }"#;

    #[test]
    fn packages_of_all_categories() {
        let tree = TestTree::new().file("srv/Pipfile.lock", LOCK);
        let own = "pkg:pypi/own-repo?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Fown.git%40c0ffee";
        assert_eq!(
            tree.lines(),
            [
                "pkg:pypi/flask@3.0.0",
                own,
                "pkg:pypi/pytest@8.0.0",
                "pkg:pypi/six@1.16.0",
                "pkg:pypi/sphinx@7.0.0",
                "pipfile-lock: /srv/Pipfile.lock: package `Own.Repo` states no version",
            ]
        );
        let inventory = tree.catalog();
        let scopes: Vec<_> = inventory.components().iter().map(|found| found.scope).collect();
        assert_eq!(scopes, [Required, Required, Development, Required, Optional]);
        assert_eq!(inventory.components()[0].hashes.len(), 1);
    }

    #[test]
    fn what_was_left_out_is_not_aboard() {
        let tree = TestTree::new()
            .file("srv/Pipfile.lock", LOCK)
            .file("usr/lib/six-1.16.0.egg-info/PKG-INFO", "Name: six\nVersion: 1.16.0\n");
        assert_eq!(tree.lines().len(), 4);
    }

    #[test]
    fn what_is_malformed_does_not_hide_the_rest() {
        let lock = r#"{"default": {"a": {"version": "==1"}, "b": {"version": 1}, "c": {"version": "*"}}, "develop": []}"#;
        let lines = TestTree::new().file("Pipfile.lock", lock).lines();
        assert_eq!(lines[..2], ["pkg:pypi/a@1", "pkg:pypi/c"]);
        assert_eq!(lines.len(), 5, "{lines:?}");
    }

    #[test]
    fn what_is_no_lock_is_an_unknown() {
        let deep = format!(r#"{{"default": {}"#, "[".repeat(100_000));
        for (lock, expect) in [
            ("{}", "the lock lists no package"),
            (r#"{"_meta": {}, "default": {}}"#, "the lock lists no package"),
            ("", "malformed: "),
            ("[]", "malformed: "),
            (deep.as_str(), "malformed: "),
        ] {
            let lines = TestTree::new().file("Pipfile.lock", lock).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with(&format!("pipfile-lock: /Pipfile.lock: {expect}")), "{line}");
        }
    }
}
