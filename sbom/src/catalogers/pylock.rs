//! Python distributions, from `pylock.toml` and `pylock.NAME.toml`.
//!
//! Format: <https://packaging.python.org/en/latest/specifications/pylock-toml/>, version 1.0. What a package needs may be left
//! out of it.

use super::{Cataloger, Context, Files, Found};
use crate::{
    locked::{Lock, Locked},
    origin::Origin,
    python::{self, Names},
};
use plimsoll_model::{
    TreePath,
    component::{Hash, Scope},
    inventory::Coverage,
    tree::Want,
};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "pylock",
    description: "Python packages in pylock.toml and pylock.*.toml",
    files: &[Files::Ending(".toml")],
    earlier: &[],
    want,
    edges: Coverage::Incomplete,
    catalog,
};

fn want(path: &TreePath, size: u64, mode: u32) -> Want {
    let name = String::from_utf8_lossy(path.file_name());
    let named = name.strip_prefix("pylock.").and_then(|name| name.strip_suffix(".toml"));
    let is_lock = name == "pylock.toml" || named.is_some_and(|name| !name.contains('.'));
    if is_lock { python::want_lock(path, size, mode) } else { Want::Nothing }
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Package {
    name: String,
    version: Option<String>,
    #[serde(default)]
    marker: String,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    vcs: Option<Repository>,
    directory: Option<Directory>,
    archive: Option<Archive>,
    sdist: Option<Archive>,
    #[serde(default)]
    wheels: Vec<Archive>,
}

#[derive(Deserialize)]
struct Dependency {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Repository {
    r#type: String,
    url: Option<String>,
    path: Option<String>,
    commit_id: Option<String>,
}

#[derive(Deserialize)]
struct Directory {
    path: String,
}

#[derive(Deserialize)]
struct Archive {
    url: Option<String>,
    path: Option<String>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

impl Archive {
    fn hashes(&self) -> impl Iterator<Item = Hash> {
        self.hashes.iter().filter_map(|(algorithm, hex)| python::hash_of(algorithm, hex))
    }
}

fn catalog(ctx: &Context<'_>) -> Found {
    python::each(ctx, |site, entry, bytes, found| {
        let ctx = site.ctx;
        match python::toml::<File>(bytes) {
            Ok(file) if file.packages.is_empty() => {
                ctx.note(found, entry, "the lock lists no package");
            }
            Ok(file) => python::add_locked(site, entry, &lock(&file.packages), found),
            Err(reason) => ctx.note(found, entry, reason),
        }
    })
}

fn lock(packages: &[Package]) -> Lock {
    let key = |package: &Package| {
        format!("{} {}", package.name, package.version.as_deref().unwrap_or_default())
    };
    let mut names = Names::default();
    for package in packages {
        names.add(&package.name, &key(package));
    }
    let mut lock = Lock::new();
    for package in packages {
        let archives = package.archive.iter().chain(&package.sdist).chain(&package.wheels);
        let needs = package.dependencies.iter().filter_map(|needed| needed.name.as_deref());
        let locked = Locked {
            name: package.name.clone(),
            version: package.version.clone(),
            origin: origin(package),
            hashes: archives.flat_map(Archive::hashes).collect(),
            needs: needs.flat_map(|name| names.needs(name, Scope::Required)).collect(),
            scope: Some(scope(&package.marker)),
            ..Locked::default()
        };
        lock.entry(key(package)).or_default().absorb(locked);
    }
    lock
}

/// What a package is for, as far as its marker says so in an easy way: extras and groups have to be asked for.
fn scope(marker: &str) -> Scope {
    let has = |word: &str| marker.contains(word);
    match (has("dependency_groups"), has("extras")) {
        _ if has(" or ") || has(" not in ") => Scope::Required,
        (true, _) => Scope::Development,
        (false, true) => Scope::Optional,
        (false, false) => Scope::Required,
    }
}

fn origin(package: &Package) -> Option<Origin> {
    if let Some(Repository { r#type, url, path, commit_id }) = &package.vcs {
        let address = url.as_deref().or(path.as_deref()).unwrap_or_default();
        return Some(Origin::vcs(r#type, address, commit_id.as_deref()));
    }
    if let Some(directory) = &package.directory {
        return Some(Origin::path(&directory.path));
    }
    let archive = package.archive.as_ref()?;
    let url = archive.url.as_deref().and_then(python::origin);
    url.or_else(|| archive.path.as_deref().map(Origin::path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use Scope::{Development, Optional, Required};

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn lock() -> String {
        format!(
            r#"lock-version = "1.0"
created-by = "x"
dependency-groups = ["dev"]

[[packages]]
name = "flask"
version = "3.0.0"
dependencies = [{{name = "six"}}, {{name = "own", vcs = {{type = "git"}}}}]
sdist = {{name = "flask.tar.gz", url = "https://files.pythonhosted.org/f.tar.gz", size = 1, upload-time = 2024-01-01T00:00:00Z, hashes = {{sha256 = "{HEX}"}}}}

[[packages.wheels]]
name = "flask.whl"
url = "https://files.pythonhosted.org/f.whl"
hashes = {{sha256 = "{HEX}", blake2 = "00"}}

[[packages]]
name = "own"
vcs = {{type = "git", url = "https://example.com/own.git", requested-revision = "main", commit-id = "c0ffee"}}

[[packages]]
name = "pytest"
version = "8.0.0"
marker = "'dev' in dependency_groups"
archive = {{url = "https://example.com/pytest.whl", hashes = {{sha256 = "{HEX}"}}}}

[[packages]]
name = "six"
version = "1.16.0"
marker = "'x' in extras"
directory = {{path = "./six", editable = true}}
"#
        )
    }

    #[test]
    fn packages_and_where_they_come_from() {
        let own = "pkg:pypi/own?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Fown.git%40c0ffee";
        let six = "pkg:pypi/six@1.16.0?download_url=file:.%2Fsix";
        for name in ["pylock.toml", "pylock.prod.toml"] {
            assert_eq!(
                TestTree::new().file(name, lock()).lines(),
                [
                    "pkg:pypi/flask@3.0.0",
                    own,
                    "pkg:pypi/pytest@8.0.0?download_url=https:%2F%2Fexample.com%2Fpytest.whl",
                    six,
                    &format!("pkg:pypi/flask@3.0.0 needs {own}"),
                    &format!("pkg:pypi/flask@3.0.0 needs {six}"),
                    &format!("pylock: /{name}: package `own` states no version"),
                ]
            );
        }
        for name in ["pylock.a.b.toml", "pylock.", "mypylock.toml", "pylock.toml.bak"] {
            assert_eq!(TestTree::new().file(name, lock()).lines(), [""; 0]);
        }
    }

    #[test]
    fn scopes_and_hashes() {
        let inventory = TestTree::new().file("pylock.toml", lock()).catalog();
        let scopes: Vec<_> = inventory.components().iter().map(|found| found.scope).collect();
        assert_eq!(scopes, [Required, Required, Development, Optional]);
        let hashes: Vec<_> =
            inventory.components().iter().map(|found| found.hashes.len()).collect();
        assert_eq!(hashes, [1, 0, 1, 0]);
        assert_eq!(scope("'dev' in dependency_groups or os_name == 'nt'"), Required);
    }

    #[test]
    fn what_is_no_lock_is_an_unknown() {
        let deep = format!("a = {}", "[".repeat(100_000));
        for (lock, expect) in [
            ("", "the lock lists no package"),
            ("lock-version = '1.0'\npackages = []", "the lock lists no package"),
            ("[[packages]]\nversion = '1'", "malformed: missing field `name`"),
            ("[[packages", "malformed: "),
            (deep.as_str(), "malformed: "),
        ] {
            let lines = TestTree::new().file("pylock.toml", lock).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with(&format!("pylock: /pylock.toml: {expect}")), "{line}");
        }
    }
}
