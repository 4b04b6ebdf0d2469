//! Python distributions, from `uv.lock`.
//!
//! Format: <https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile>, version 1. The projects themselves are in it.

use super::{Cataloger, Context, Files, Found};
use crate::{
    locked::{Lock, Locked, Need, Role},
    origin::Origin,
    python::{self, normal},
};
use plimsoll_model::{component::Scope, inventory::Coverage};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "uv-lock",
    description: "Python packages in uv.lock",
    files: &[Files::Named("uv.lock")],
    earlier: &[],
    want: python::want_lock,
    edges: Coverage::Complete,
    catalog,
};

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Package {
    name: String,
    /// A project may have none that is fixed.
    version: Option<String>,
    #[serde(default)]
    source: Source,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    /// By extra.
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Vec<Dependency>>,
    /// By group.
    #[serde(default)]
    dev_dependencies: BTreeMap<String, Vec<Dependency>>,
    sdist: Option<Archive>,
    #[serde(default)]
    wheels: Vec<Archive>,
}

/// One of these.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Source {
    git: Option<String>,
    url: Option<String>,
    path: Option<String>,
    directory: Option<String>,
    editable: Option<String>,
    r#virtual: Option<String>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Where there are several of the name.
    version: Option<String>,
    #[serde(default)]
    extra: Vec<String>,
}

#[derive(Deserialize)]
struct Archive {
    hash: Option<String>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    python::each(ctx, |site, entry, bytes, found| {
        let ctx = site.ctx;
        match python::toml::<File>(bytes) {
            Ok(file) if file.package.is_empty() => {
                ctx.note(found, entry, "the lock lists no package");
            }
            Ok(file) => python::add_locked(site, entry, &lock(&file.package), found),
            Err(reason) => ctx.note(found, entry, reason),
        }
    })
}

impl Package {
    fn key(&self) -> String {
        format!("{} {}", self.name, self.version.as_deref().unwrap_or_default())
    }

    /// A project of the workspace, or another that is developed together with it.
    fn is_project(&self) -> bool {
        self.source.editable.is_some() || self.source.r#virtual.is_some()
    }

    fn all_dependencies(&self) -> impl Iterator<Item = &Dependency> {
        let optional = self.optional_dependencies.values().flatten();
        let development = self.dev_dependencies.values().flatten();
        self.dependencies.iter().chain(optional).chain(development)
    }
}

/// The keys of the packages of each name, by version.
type Names<'a> = BTreeMap<&'a str, BTreeMap<&'a str, String>>;

fn lock(packages: &[Package]) -> Lock {
    let mut names = Names::new();
    let mut extras: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in packages {
        let versions = names.entry(&package.name).or_default();
        versions.insert(package.version.as_deref().unwrap_or_default(), package.key());
        for dependency in package.all_dependencies().filter(|one| !one.extra.is_empty()) {
            let wanted = extras.entry(&dependency.name).or_default();
            wanted.extend(dependency.extra.iter().map(|extra| normal(extra)));
        }
    }
    let mut lock = Lock::new();
    for package in packages {
        let wanted = extras.get(package.name.as_str());
        let archives = package.sdist.iter().chain(&package.wheels);
        let hashes = archives.filter_map(|archive| python::hash(archive.hash.as_deref()?));
        let locked = Locked {
            name: package.name.clone(),
            version: package.version.clone(),
            origin: origin(&package.source),
            hashes: hashes.collect(),
            needs: needs(package, wanted, &names),
            role: if package.is_project() { Role::Project } else { Role::Package },
            scope: None,
        };
        lock.entry(package.key()).or_default().absorb(locked);
    }
    lock
}

/// What a package needs; of its extras those that somebody asks for. A project may be installed with any.
fn needs(package: &Package, wanted: Option<&BTreeSet<String>>, names: &Names<'_>) -> Vec<Need> {
    let required = package.dependencies.iter().map(|one| (one, Scope::Required));
    let extras = package.optional_dependencies.iter().flat_map(|(extra, dependencies)| {
        let is_wanted = wanted.is_some_and(|wanted| wanted.contains(&normal(extra)));
        let scope = match (is_wanted, package.is_project()) {
            (true, _) => Some(Scope::Required),
            (false, true) => Some(Scope::Optional),
            (false, false) => None,
        };
        dependencies.iter().filter_map(move |one| Some((one, scope?)))
    });
    let groups = package.dev_dependencies.values().flatten();
    let development = groups.map(|one| (one, Scope::Development));
    let all = required.chain(extras).chain(development);
    all.flat_map(|(one, scope)| needed(one, scope, names)).collect()
}

/// The packages that a dependency may be; where nothing is, its name, of which will be told.
fn needed(dependency: &Dependency, scope: Scope, names: &Names<'_>) -> Vec<Need> {
    let versions = names.get(dependency.name.as_str());
    let keys: Vec<&String> = match (versions, &dependency.version) {
        (Some(versions), Some(version)) => versions.get(version.as_str()).into_iter().collect(),
        (Some(versions), None) => versions.values().take(python::MOST_VERSIONS).collect(),
        (None, _) => Vec::new(),
    };
    if keys.is_empty() {
        return vec![Need { to: dependency.name.clone(), scope }];
    }
    keys.into_iter().map(|to| Need { to: to.clone(), scope }).collect()
}

fn origin(source: &Source) -> Option<Origin> {
    if let Some(git) = &source.git {
        // `https://host/path?rev=what-was-asked-for#commit`
        let (address, commit) = git.split_once('#').unwrap_or((git, ""));
        let address = address.split_once('?').map_or(address, |(address, _)| address);
        return Some(Origin::git(address, Some(commit)));
    }
    let path = source.path.as_ref().or(source.directory.as_ref());
    source.url.as_deref().and_then(python::origin).or_else(|| path.map(|path| Origin::path(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use plimsoll_model::component::ComponentKind;

    const LOCK: &str = r#"
version = 1
revision = 3
requires-python = ">=3.12"

[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "flask", extra = ["async"] },
    { name = "lib" },
    { name = "numpy", version = "1.0.0", source = { registry = "https://pypi.org/simple" }, marker = "x" },
]

[package.optional-dependencies]
more = [{ name = "extra" }]

[package.dev-dependencies]
dev = [{ name = "pytest" }]

[package.metadata]
requires-dist = [{ name = "flask", extras = ["async"] }]

[[package]]
name = "asgiref"
version = "3.0.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "dotenv"
version = "1.0.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "extra"
version = "1.0.0"
source = { url = "https://example.com/extra-1.0.0.whl" }

[[package]]
name = "flask"
version = "3.1.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.pythonhosted.org/f.tar.gz", hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", size = 1 }
wheels = [
    { url = "https://files.pythonhosted.org/f.whl", hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000" },
]

[package.optional-dependencies]
async = [{ name = "asgiref" }]
dotenv = [{ name = "dotenv" }]

[[package]]
name = "lib"
source = { editable = "packages/lib" }
dependencies = [{ name = "repo" }]

[[package]]
name = "numpy"
version = "1.0.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "numpy"
version = "2.0.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "pytest"
version = "8.0.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "numpy" }]

[[package]]
name = "repo"
version = "0.2.0"
source = { git = "https://example.com/repo?rev=v1#c0ffee" }
"#;

    const REPO: &str = "pkg:pypi/repo@0.2.0?vcs_url=git%2Bhttps:%2F%2Fexample.com%2Frepo%40c0ffee";
    const EXTRA: &str =
        "pkg:pypi/extra@1.0.0?download_url=https:%2F%2Fexample.com%2Fextra-1.0.0.whl";

    #[test]
    fn packages_projects_and_what_they_need() {
        assert_eq!(
            TestTree::new().file("srv/uv.lock", LOCK).lines(),
            [
                "pkg:pypi/app@0.1.0",
                "pkg:pypi/asgiref@3.0.0",
                "pkg:pypi/dotenv@1.0.0",
                EXTRA,
                "pkg:pypi/flask@3.1.0",
                "pkg:pypi/lib",
                "pkg:pypi/numpy@1.0.0",
                "pkg:pypi/numpy@2.0.0",
                "pkg:pypi/pytest@8.0.0",
                REPO,
                &format!("pkg:pypi/app@0.1.0 needs {EXTRA}"),
                "pkg:pypi/app@0.1.0 needs pkg:pypi/flask@3.1.0",
                "pkg:pypi/app@0.1.0 needs pkg:pypi/lib",
                "pkg:pypi/app@0.1.0 needs pkg:pypi/numpy@1.0.0",
                "pkg:pypi/app@0.1.0 needs pkg:pypi/pytest@8.0.0",
                "pkg:pypi/flask@3.1.0 needs pkg:pypi/asgiref@3.0.0",
                &format!("pkg:pypi/lib needs {REPO}"),
                "pkg:pypi/pytest@8.0.0 needs pkg:pypi/numpy@1.0.0",
                "pkg:pypi/pytest@8.0.0 needs pkg:pypi/numpy@2.0.0",
            ]
        );
    }

    #[test]
    fn scopes_hashes_and_kinds() {
        let inventory = TestTree::new().file("uv.lock", LOCK).catalog();
        let of = |purl: &str| {
            let mut all = inventory.components().iter();
            all.find(|found| found.purl.as_str().starts_with(purl)).unwrap()
        };
        assert_eq!(of("pkg:pypi/flask@").hashes.len(), 2);
        assert_eq!(of("pkg:pypi/app@").kind, ComponentKind::Application);
        assert_eq!(of("pkg:pypi/lib").kind, ComponentKind::Application);
        assert_eq!(of("pkg:pypi/extra@").scope, Scope::Optional);
        assert_eq!(of("pkg:pypi/pytest@").scope, Scope::Development);
        assert_eq!(of("pkg:pypi/numpy@1").scope, Scope::Required);
        assert_eq!(of("pkg:pypi/numpy@2").scope, Scope::Development);
        assert_eq!(of("pkg:pypi/repo@").scope, Scope::Required);
    }

    #[test]
    fn what_is_no_lock_is_an_unknown() {
        const FILE: &str = "uv-lock: /uv.lock: ";
        let deep = format!("a = {}", "[".repeat(100_000));
        for (lock, expect) in [
            ("", "the lock lists no package"),
            ("version = 1", "the lock lists no package"),
            ("[[package]]\nversion = '1'", "malformed: missing field `name`"),
            ("[[package]]\nname = 'a'\nname = 'a'", "malformed: "),
            ("[[package", "malformed: "),
            (deep.as_str(), "malformed: "),
        ] {
            let lines = TestTree::new().file("uv.lock", lock).lines();
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with(&format!("{FILE}{expect}")), "{line}");
        }
        let lock = "[[package]]\nname = 'a'\nversion = '1'\ndependencies = [{name = 'b'}, {name = 'a', version = '2'}]";
        assert_eq!(
            TestTree::new().file("uv.lock", lock).lines(),
            [
                "pkg:pypi/a@1",
                &format!("{FILE}`a 1` needs `a`, which the lock does not have"),
                &format!("{FILE}`a 1` needs `b`, which the lock does not have"),
            ]
        );
    }
}
