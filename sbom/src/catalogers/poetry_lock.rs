//! Python distributions, from `poetry.lock`.
//!
//! Format: that of Poetry 1 and 2, <https://python-poetry.org/docs/basic-usage/#installing-with-poetrylock>. There is no
//! specification. The project itself is not in it, and is taken from the `pyproject.toml` beside it.

use super::{Cataloger, Context, Files, Found};
use crate::{
    locked::{Lock, Locked, Need},
    origin::Origin,
    python::{
        self, Names,
        project::{self, Project},
    },
};
use plimsoll_model::{component::Scope, inventory::Coverage};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Value;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "poetry-lock",
    description: "Python packages in poetry.lock",
    files: &[Files::Named("poetry.lock"), Files::Named(project::FILE)],
    earlier: &[],
    want: python::want_lock,
    edges: Coverage::Complete,
    catalog,
};

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    package: Vec<Package>,
    #[serde(default)]
    metadata: Metadata,
}

/// Before version 2 of the format the hashes are here.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    files: BTreeMap<String, Vec<Hashed>>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Option<String>,
    category: Option<String>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    files: Vec<Hashed>,
    #[serde(default)]
    dependencies: BTreeMap<String, Value>,
    source: Option<Source>,
}

#[derive(Deserialize)]
struct Hashed {
    hash: Option<String>,
}

#[derive(Deserialize)]
struct Source {
    r#type: Option<String>,
    url: Option<String>,
    reference: Option<String>,
    resolved_reference: Option<String>,
}

/// Older versions of Poetry leave these out of the lock, whoever needs them.
const LEFT_OUT: [&str; 4] = ["distribute", "pip", "setuptools", "wheel"];

fn catalog(ctx: &Context<'_>) -> Found {
    python::each(ctx, |site, entry, bytes, found| {
        let ctx = site.ctx;
        match python::toml::<File>(bytes) {
            Ok(file) if file.package.is_empty() => {
                ctx.note(found, entry, "the lock lists no package");
            }
            Ok(file) => {
                let project = Project::beside(ctx, entry, found);
                python::add_locked(site, entry, &lock(&file, project.as_ref()), found);
            }
            Err(reason) => ctx.note(found, entry, reason),
        }
    })
}

fn lock(file: &File, project: Option<&Project>) -> Lock {
    let key = |package: &Package| {
        format!("{} {}", package.name, package.version.as_deref().unwrap_or_default())
    };
    let mut names = Names::default();
    for package in &file.package {
        names.add(&package.name, &key(package));
    }
    let mut lock = Lock::new();
    for package in &file.package {
        let old = file.metadata.files.get(&package.name).into_iter().flatten();
        let hashes = package.files.iter().chain(old).filter_map(|file| file.hash.as_deref());
        let locked = Locked {
            name: package.name.clone(),
            version: package.version.clone(),
            origin: package.source.as_ref().and_then(origin),
            hashes: hashes.filter_map(python::hash).collect(),
            needs: needs(package, &names),
            scope: scope(package),
            ..Locked::default()
        };
        lock.entry(key(package)).or_default().absorb(locked);
    }
    if let Some(project) = project {
        lock.insert(project::KEY.to_owned(), project.locked(&names));
    }
    lock
}

/// What it is for, where the lock says so: some versions do not.
fn scope(package: &Package) -> Option<Scope> {
    let is_main = package.groups.iter().any(|group| group == "main");
    let of_development =
        package.category.as_deref() == Some("dev") || (!package.groups.is_empty() && !is_main);
    if of_development {
        return Some(Scope::Development);
    }
    if package.optional {
        return Some(Scope::Optional);
    }
    (is_main || package.category.is_some()).then_some(Scope::Required)
}

fn needs(package: &Package, names: &Names) -> Vec<Need> {
    let each = |(name, wanted): (&String, &Value)| {
        let has = |key| wanted.get(key).is_some();
        let is_conditional = wanted.is_array() || has("markers") || has("optional");
        if is_conditional || LEFT_OUT.contains(&python::normal(name).as_str()) {
            let is_optional = wanted.get("optional").and_then(Value::as_bool) == Some(true);
            let scope = if is_optional { Scope::Optional } else { Scope::Required };
            names.known(name, scope)
        } else {
            names.needs(name, Scope::Required)
        }
    };
    package.dependencies.iter().flat_map(each).collect()
}

fn origin(source: &Source) -> Option<Origin> {
    let url = source.url.as_deref()?;
    match source.r#type.as_deref()? {
        "git" => {
            let revision = source.resolved_reference.as_deref().or(source.reference.as_deref());
            Some(Origin::git(url, revision))
        }
        "url" => python::origin(url),
        "file" | "directory" => Some(Origin::path(url)),
        // Another index.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use plimsoll_model::component::ComponentKind;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn new() -> String {
        format!(
            r#"# This file is automatically @generated by Poetry 2.1.0 and should not be changed by hand.

[[package]]
name = "Flask.SQL"
version = "3.0.0"
description = "x"
optional = false
python-versions = ">=3.9"
groups = ["main"]
files = [
    {{file = "a.whl", hash = "sha256:{HEX}"}},
    {{file = "a.tar.gz", hash = "sha256:{HEX}"}},
]

[package.dependencies]
setuptools = "*"
six = ">=1"
tomli = {{version = "*", markers = "python_version < '3.11'"}}

[package.extras]
dev = ["pytest"]

[[package]]
name = "six"
version = "1.16.0"
optional = true
groups = ["main", "dev"]
files = []

[[package]]
name = "pytest"
version = "8.0.0"
optional = false
groups = ["dev"]
files = []

[package.dependencies]
six = [{{version = "*", markers = "x"}}, {{version = ">1"}}]

[[package]]
name = "own"
version = "0.1.0"
optional = false
groups = ["main"]
files = []

[package.source]
type = "git"
url = "https://example.com/own.git"
reference = "main"
resolved_reference = "c0ffee"

[metadata]
lock-version = "2.1"
content-hash = "x"
"#
        )
    }

    #[track_caller]
    fn check(lock: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("srv/poetry.lock", lock).lines(), expect);
    }

    const OWN: &str = "pkg:pypi/own@0.1.0?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Fown.git%40c0ffee";

    #[test]
    fn packages_and_what_they_need() {
        check(
            &new(),
            &[
                "pkg:pypi/flask-sql@3.0.0",
                OWN,
                "pkg:pypi/pytest@8.0.0",
                "pkg:pypi/six@1.16.0",
                "pkg:pypi/flask-sql@3.0.0 needs pkg:pypi/six@1.16.0",
                "pkg:pypi/pytest@8.0.0 needs pkg:pypi/six@1.16.0",
            ],
        );
    }

    #[test]
    fn the_project_needs_what_its_manifest_says() {
        let manifest = "[tool.poetry]\nname = 'App'\nversion = '1.0'\n[tool.poetry.dependencies]\n\
            python = '^3'\nflask-SQL = '*'\nabsent = '*'\n[tool.poetry.group.dev.dependencies]\n\
            pytest = '*'\n";
        let tree = TestTree::new().file("poetry.lock", new()).file("pyproject.toml", manifest);
        let inventory = tree.catalog();
        let of =
            |name: &str| inventory.components().iter().find(|found| found.name == name).unwrap();
        assert_eq!(
            (of("App").kind, of("App").scope),
            (ComponentKind::Application, Scope::Required)
        );
        assert_eq!(of("Flask.SQL").hashes.len(), 1);
        assert_eq!(of("Flask.SQL").scope, Scope::Required);
        assert_eq!(of("pytest").scope, Scope::Development);
        assert_eq!(of("six").scope, Scope::Optional);
        let lines = tree.lines();
        assert!(lines.contains(&"pkg:pypi/app@1.0 needs pkg:pypi/flask-sql@3.0.0".to_owned()));
        assert!(lines.contains(&"pkg:pypi/app@1.0 needs pkg:pypi/pytest@8.0.0".to_owned()));
    }

    #[test]
    fn a_manifest_that_cannot_be_read_is_an_unknown() {
        let tree = TestTree::new().file("poetry.lock", new()).file("pyproject.toml", "[project");
        let lines = tree.lines();
        let start = "poetry-lock: /poetry.lock: `pyproject.toml` beside it is malformed: ";
        assert!(lines.last().unwrap().starts_with(start), "{lines:?}");
    }

    #[test]
    fn older_locks_say_the_same_in_other_words() {
        let old = format!(
            "[[package]]\nname = 'a'\nversion = '1'\ncategory = 'dev'\noptional = false\n\
             [package.dependencies]\nb = '*'\n\
             [[package]]\nname = 'b'\nversion = '2'\ncategory = 'main'\noptional = true\n\
             [metadata.files]\na = [{{file = 'a.whl', hash = 'sha256:{HEX}'}}]\nb = []\n"
        );
        let inventory = TestTree::new().file("poetry.lock", old).catalog();
        let [a, b] = inventory.components() else { panic!() };
        assert_eq!((a.scope, a.hashes.len()), (Scope::Development, 1));
        assert_eq!(b.scope, Scope::Optional);
    }

    #[test]
    fn what_was_left_out_is_not_aboard() {
        let tree = TestTree::new().file("srv/poetry.lock", new()).file(
            "venv/site-packages/six-1.16.0.dist-info/METADATA",
            "Name: six\nVersion: 1.16.0\n",
        );
        let lines = tree.lines();
        assert_eq!(lines[..3], ["pkg:pypi/flask-sql@3.0.0", OWN, "pkg:pypi/six@1.16.0"]);
    }

    #[test]
    fn what_is_no_lock_is_an_unknown() {
        const FILE: &str = "poetry-lock: /srv/poetry.lock: ";
        let lines = TestTree::new().file("srv/poetry.lock", "[[package").lines();
        assert!(lines[0].starts_with(&format!("{FILE}malformed: ")), "{lines:?}");
        check("", &[&format!("{FILE}the lock lists no package")]);
        check(
            "[[package]]\nname = 'a'\n[package.dependencies]\nb = '*'\n[[package]]\nname = '-'\n",
            &[
                "pkg:pypi/a",
                &format!("{FILE}`a ` needs `b`, which the lock does not have"),
                &format!("{FILE}malformed package URL `pkg:pypi/`: missing name"),
                &format!("{FILE}package `a` states no version"),
            ],
        );
        let deep = format!("a = {}", "[".repeat(100_000));
        assert_eq!(TestTree::new().file("poetry.lock", deep).lines().len(), 1);
    }
}
