//! Python distributions, from `pdm.lock`.
//!
//! Format: <https://pdm-project.org/latest/usage/lockfile/>, versions 2 to 4 of the format. A package that is needed with
//! extras is listed once more with them; here both are one. The project itself is taken from the `pyproject.toml` beside it.

use super::{Cataloger, Context, Files, Found};
use crate::{
    locked::{Lock, Locked, Need},
    origin::Origin,
    python::{
        self, Names, normal,
        project::{self, Project},
        requirement::Requirement,
    },
};
use plimsoll_model::{component::Scope, inventory::Coverage};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "pdm-lock",
    description: "Python packages in pdm.lock",
    files: &[Files::Named("pdm.lock"), Files::Named(project::FILE)],
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

/// Before version 4.3 of the format the hashes are here, under `name version`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    files: BTreeMap<String, Vec<Hashed>>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    dependencies: Vec<String>,
    #[serde(default)]
    files: Vec<Hashed>,
    git: Option<String>,
    revision: Option<String>,
    url: Option<String>,
    path: Option<String>,
}

#[derive(Deserialize)]
struct Hashed {
    hash: Option<String>,
}

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
        let old = file.metadata.files.get(&key(package)).into_iter().flatten();
        let hashes = package.files.iter().chain(old).filter_map(|file| file.hash.as_deref());
        let locked = Locked {
            name: package.name.clone(),
            version: package.version.clone(),
            origin: origin(package),
            hashes: hashes.filter_map(python::hash).collect(),
            needs: needs(package, &names),
            scope: scope(package, project),
            ..Locked::default()
        };
        lock.entry(key(package)).or_default().absorb(locked);
    }
    if let Some(project) = project {
        lock.insert(project::KEY.to_owned(), project.locked(&names));
    }
    lock
}

/// What it is for: groups are those of development and the extras of the project, which only the manifest tells apart.
fn scope(package: &Package, project: Option<&Project>) -> Option<Scope> {
    let is_extra =
        |group: &String| project.is_some_and(|project| project.extras.contains(&normal(group)));
    let scope = |group: &String| match group.as_str() {
        "default" => Scope::Required,
        _ if is_extra(group) => Scope::Optional,
        _ => Scope::Development,
    };
    package.groups.iter().map(scope).min()
}

fn needs(package: &Package, names: &Names) -> Vec<Need> {
    let each = |line: &String| match Requirement::parse(line) {
        // With extras a package needs itself without.
        Some(needed) if normal(needed.name) == normal(&package.name) => Vec::new(),
        Some(needed) if needed.marker.is_empty() => names.needs(needed.name, Scope::Required),
        Some(needed) => names.known(needed.name, Scope::Required),
        None => names.needs(line, Scope::Required),
    };
    package.dependencies.iter().flat_map(each).collect()
}

fn origin(package: &Package) -> Option<Origin> {
    if let Some(git) = &package.git {
        return Some(Origin::git(git, package.revision.as_deref()));
    }
    let url = package.url.as_deref().and_then(python::origin);
    url.or_else(|| package.path.as_deref().map(Origin::path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use Scope::{Development, Optional, Required};

    const LOCK: &str = r#"
[metadata]
groups = ["default", "more", "test"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"

[[package]]
name = "Flask"
version = "3.0.0"
groups = ["default"]
dependencies = ["six>=1", "tomli; python_version < '3.11'"]
files = [{file = "f.whl", hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]

[[package]]
name = "Flask"
version = "3.0.0"
extras = ["async"]
groups = ["test"]
dependencies = ["Flask==3.0.0", "asgiref"]
files = [{file = "f.whl", hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]

[[package]]
name = "asgiref"
version = "3.8.0"
groups = ["more"]

[[package]]
name = "repo"
version = "0.1.0"
git = "https://example.com/repo.git"
ref = "main"
revision = "c0ffee"
groups = ["test"]

[[package]]
name = "six"
version = "1.16.0"
path = "./six.whl"
groups = ["test", "default"]
"#;

    #[test]
    fn packages_and_what_they_need() {
        let six = "pkg:pypi/six@1.16.0?download_url=file:.%2Fsix.whl";
        assert_eq!(
            TestTree::new().file("pdm.lock", LOCK).lines(),
            [
                "pkg:pypi/asgiref@3.8.0",
                "pkg:pypi/flask@3.0.0",
                "pkg:pypi/repo@0.1.0?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Frepo.git%40c0ffee",
                six,
                "pkg:pypi/flask@3.0.0 needs pkg:pypi/asgiref@3.8.0",
                &format!("pkg:pypi/flask@3.0.0 needs {six}"),
            ]
        );
    }

    #[test]
    fn groups_and_extras() {
        let scopes = |tree: TestTree| -> Vec<_> {
            tree.catalog().components().iter().map(|found| found.scope).collect()
        };
        let tree = || TestTree::new().file("pdm.lock", LOCK);
        assert_eq!(scopes(tree()), [Development, Required, Development, Required]);
        let manifest =
            "[project]\nname = 'app'\n[project.optional-dependencies]\nmore = ['asgiref']\n";
        let with = tree().file("pyproject.toml", manifest);
        assert_eq!(scopes(with), [Required, Optional, Required, Development, Required]);
    }

    #[test]
    fn hashes_of_older_locks() {
        let old = "[[package]]\nname = 'a'\nversion = '1'\n[metadata.files]\n\"a 1\" = [{hash = \
            'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'}]\n";
        let inventory = TestTree::new().file("pdm.lock", old).catalog();
        assert_eq!(inventory.components()[0].hashes.len(), 1);
    }

    #[test]
    fn what_is_no_lock_is_an_unknown() {
        const FILE: &str = "pdm-lock: /pdm.lock: ";
        let deep = format!("a = {}", "[".repeat(100_000));
        for (lock, expect) in [
            ("", "the lock lists no package"),
            ("[[package]]\nname = 'a'\nversion = 1", "malformed: "),
            ("[[package", "malformed: "),
            (deep.as_str(), "malformed: "),
        ] {
            let lines = TestTree::new().file("pdm.lock", lock).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with(&format!("{FILE}{expect}")), "{line}");
        }
        let lock = "[[package]]\nname = 'a'\nversion = '1'\ndependencies = ['b', '?']";
        assert_eq!(
            TestTree::new().file("pdm.lock", lock).lines(),
            [
                "pkg:pypi/a@1",
                &format!("{FILE}`a 1` needs `?`, which the lock does not have"),
                &format!("{FILE}`a 1` needs `b`, which the lock does not have"),
            ]
        );
    }
}
