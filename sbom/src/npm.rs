//! What lock files and installed packages of npm have in common, whichever package manager put them there.

use crate::{
    catalogers::{Context, Draft, Found, license},
    locked::{self, Lock, Locked, Need, Role},
    origin::Origin,
    relate::node_candidates,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use plimsoll_model::{
    TreePath,
    component::{Component, ComponentId, Hash, HashAlgorithm, Scope},
    tree::{Entry, Want},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Wants the lock of a project: one inside an installed package speaks of that package's own development.
pub(crate) fn want_lock(path: &TreePath, _: u64, _: u32) -> Want {
    if is_installed(path) { Want::Nothing } else { Want::Content }
}

/// Names of the locks of all package managers.
pub(crate) const LOCKS: [&str; 5] =
    ["bun.lock", "npm-shrinkwrap.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock"];

/// Where Debian puts packages of npm.
pub(crate) const DEBIAN: &str = "usr/share/nodejs";

/// Whether a file is part of an installed package.
pub(crate) fn is_installed(path: &TreePath) -> bool {
    let bytes = path.as_bytes();
    let of_debian = bytes.strip_prefix(DEBIAN.as_bytes());
    of_debian.is_some_and(|rest| rest.starts_with(b"/"))
        || bytes.split(|byte| *byte == b'/').any(|part| part == b"node_modules")
}

/// Adds the package with this name and version.
pub(crate) fn add(
    ctx: &Context<'_>,
    found: &mut Found,
    entry: &Entry,
    (name, version): (&str, Option<&str>),
    origin: Option<&Origin>,
) -> Option<ComponentId> {
    let qualifier = origin.map(Origin::qualifier);
    ctx.add(found, entry, &draft(name, version, qualifier.as_slice()))
}

/// Adds a project: not a package of the registry, but what such packages were put together for.
pub(crate) fn add_project(
    ctx: &Context<'_>,
    found: &mut Found,
    entry: &Entry,
    (name, version): (&str, Option<&str>),
) -> Option<ComponentId> {
    ctx.add_project(found, entry, &draft(name, version, &[]))
}

fn draft<'a>(
    name: &'a str,
    version: Option<&'a str>,
    qualifiers: &'a [(&'a str, &'a str)],
) -> Draft<'a> {
    let (namespace, bare) = match name.split_once('/') {
        Some((scope, bare)) => (Some(scope), bare),
        None => (None, name),
    };
    let version = version.map(clean);
    Draft { kind: "npm", namespace, name: bare, shown: name, version, qualifiers }
}

/// Adds everything of a lock, but for what may be left out and was.
pub(crate) fn add_locked(ctx: &Context<'_>, entry: &Entry, lock: &Lock, found: &mut Found) {
    let beside = Beside::of(ctx, entry);
    locked::add(ctx, entry, lock, found, |found, locked, scope| {
        let identity = (locked.name.as_str(), locked.version.as_deref());
        if locked.role == Role::Project {
            // A project without a name is nothing that anybody could depend on.
            return (!locked.name.is_empty())
                .then(|| add_project(ctx, found, entry, identity))
                .flatten();
        }
        // pnpm has in the one what a project asks for, and in the other all that this needs.
        let is_left_out = ["node_modules", "node_modules/.pnpm/node_modules"]
            .iter()
            .all(|modules| beside.lacks(&format!("{modules}/{}", locked.name)));
        if scope != Scope::Required && is_left_out {
            return None;
        }
        add(ctx, found, entry, identity, locked.origin.as_ref())
    });
}

/// What is installed beside a lock.
pub(crate) struct Beside<'a> {
    ctx: &'a Context<'a>,
    project: Option<TreePath>,
    is_installed: bool,
}

impl<'a> Beside<'a> {
    /// Beside this lock.
    pub(crate) fn of(ctx: &'a Context<'a>, lock: &Entry) -> Self {
        let project = lock.path.parent();
        let modules = project.as_ref().and_then(|project| project.join("node_modules").ok());
        let is_installed = modules.is_some_and(|path| ctx.tree.resolve(&path).is_ok());
        Self { ctx, project, is_installed }
    }

    /// Whether a package that may be left out was left out of this directory of the project; without anything installed
    /// the lock alone counts. Should it be installed elsewhere, it is found there.
    pub(crate) fn lacks(&self, directory: &str) -> bool {
        let path = self.project.as_ref().and_then(|project| project.join(directory).ok());
        self.is_installed && path.is_some_and(|path| self.ctx.tree.resolve(&path).is_err())
    }
}

/// The manifest of a project.
#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Manifest {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) dependencies: BTreeMap<String, Value>,
    pub(crate) dev_dependencies: BTreeMap<String, Value>,
    pub(crate) optional_dependencies: BTreeMap<String, Value>,
    pub(crate) peer_dependencies: BTreeMap<String, Value>,
    pub(crate) workspaces: Option<Value>,
}

impl Manifest {
    /// The one in a directory of the project that a lock was made for; what it calls the project where it gives no name is
    /// the name of the directory. `None` where there is none that can be read.
    pub(crate) fn beside(ctx: &Context<'_>, lock: &Entry, directory: &str) -> Option<Self> {
        let path = project_directory(lock, directory)?.join("package.json").ok()?;
        let bytes = ctx.tree.read(&path, ctx.limits.package_metadata).ok()?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        serde_json::from_slice(bytes).ok()
    }

    /// Everything that it asks for, with the range that it asks for and what for. What is optional is listed as a
    /// dependency as well, and counts as optional.
    pub(crate) fn needs(&self) -> impl Iterator<Item = (&str, &str, Scope)> {
        let required = self
            .dependencies
            .iter()
            .filter(|(name, _)| !self.optional_dependencies.contains_key(*name))
            .map(|need| (need, Scope::Required));
        let optional = self.optional_dependencies.iter().map(|need| (need, Scope::Optional));
        let development = self.dev_dependencies.iter().map(|need| (need, Scope::Development));
        required.chain(optional).chain(development).map(|((name, range), scope)| {
            (name.as_str(), range.as_str().unwrap_or_default(), scope)
        })
    }
}

/// A directory of the project that a lock was made for; `.` and the empty one are that of the lock.
fn project_directory(lock: &Entry, directory: &str) -> Option<TreePath> {
    let project = lock.path.parent()?;
    let mut parts: Vec<&[u8]> = project.as_bytes().split(|byte| *byte == b'/').collect();
    for part in directory.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part.as_bytes());
        }
    }
    TreePath::parse(&parts.join(&b'/')).ok()
}

/// What a project in a directory is called when nothing gives it a name: as the directory.
pub(crate) fn name_of_directory(lock: &Entry, directory: &str) -> String {
    let path = project_directory(lock, directory).unwrap_or_default();
    String::from_utf8_lossy(path.file_name()).into_owned()
}

/// A project that a lock lists by its directory, with what its manifest says of it.
pub(crate) fn project(
    lock: &Entry,
    directory: &str,
    (name, version): (Option<String>, Option<String>),
    needs: Vec<Need>,
) -> Locked {
    let name = name.filter(|name| !name.is_empty());
    // Of one that has no name and needs nothing there is nothing to tell.
    let of_directory = || (!needs.is_empty()).then(|| name_of_directory(lock, directory));
    let name = name.or_else(of_directory).unwrap_or_default();
    Locked { name, version, needs, role: Role::Project, ..Locked::default() }
}

/// Where a package comes from, as locks tell where its archive is; `None` for registries. Mirrors of the registry are many
/// and serve its packages under their own addresses, so that what lies where registries put archives counts as the
/// registry's.
pub(crate) fn origin(resolved: &str) -> Option<Origin> {
    const REPOSITORIES: [&str; 7] =
        ["git+", "git://", "git@", "ssh://", "github:", "gitlab:", "bitbucket:"];
    let (address, fragment) = match resolved.split_once('#') {
        Some((address, fragment)) => (address, Some(fragment)),
        None => (resolved, None),
    };
    let revision = fragment.map(|text| text.strip_prefix("commit=").unwrap_or(text));
    let is_repository = REPOSITORIES.iter().any(|prefix| address.starts_with(prefix));
    if is_repository || address.strip_suffix(".git").is_some() {
        return Some(Origin::git(address, revision));
    }
    if let Some((repository, revision)) = address
        .strip_prefix("https://codeload.github.com/")
        .and_then(|path| path.split_once("/tar.gz/"))
    {
        return Some(Origin::git(&format!("github:{repository}"), Some(revision)));
    }
    if address.starts_with("file:") {
        return Some(Origin::path(address));
    }
    let is_registry = address.contains("/-/") || address.contains("://npm.pkg.github.com/");
    let is_elsewhere = address.starts_with("http://") || address.starts_with("https://");
    (is_elsewhere && !is_registry).then(|| Origin::download(address))
}

/// The hashes of a subresource integrity text.
///
/// Specification: <https://www.w3.org/TR/SRI/>.
pub(crate) fn integrity(text: &str) -> Vec<Hash> {
    let hash = |word: &str| {
        let (algorithm, base64) = word.split_once('-')?;
        let (algorithm, length) = match algorithm {
            "sha1" => (HashAlgorithm::Sha1, 20),
            "sha256" => (HashAlgorithm::Sha256, 32),
            "sha512" => (HashAlgorithm::Sha512, 64),
            _ => return None,
        };
        let bytes = STANDARD.decode(base64.split('?').next()?).ok()?;
        (bytes.len() == length).then(|| Hash { algorithm, hex: hex::encode(bytes) })
    };
    text.split_whitespace().filter_map(hash).collect()
}

/// Name and range of `name@range`, where the name may begin with an `@` of its own.
pub(crate) fn split_descriptor(text: &str) -> Option<(&str, &str)> {
    let from = usize::from(text.starts_with('@'));
    let at = text.get(from..)?.find('@')?.checked_add(from)?;
    let (name, range) = text.split_at_checked(at)?;
    Some((name, range.strip_prefix('@')?))
}

/// What npm says of a package that it installed.
#[derive(Debug)]
pub(crate) struct Provenance {
    /// Where it comes from, if that is not the registry.
    pub(crate) origin: Option<Origin>,
    scope: Scope,
    hashes: Vec<Hash>,
    is_bundled: bool,
}

impl Provenance {
    /// Adds to a component what is not in its package URL.
    pub(crate) fn complete(&self, component: &mut Component) {
        component.scope = self.scope;
        component.hashes.clone_from(&self.hashes);
        if self.is_bundled {
            mark_bundled(component);
        }
    }
}

/// What `node_modules/.package-lock.json` says, by the directory of each package. What is malformed of it says nothing.
///
/// Format: <https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json#hidden-lockfiles>.
pub(crate) fn hidden_lock(bytes: &[u8]) -> serde_json::Result<BTreeMap<String, Provenance>> {
    #[derive(Deserialize)]
    struct Hidden {
        packages: BTreeMap<String, Value>,
    }
    let Hidden { packages } = serde_json::from_slice(bytes)?;
    let provenance = |package: &Value| {
        let text = |key| package.get(key).and_then(Value::as_str).unwrap_or_default();
        let is = |key| package.get(key) == Some(&Value::Bool(true));
        let scope = if is("dev") {
            Scope::Development
        } else if is("optional") || is("devOptional") {
            Scope::Optional
        } else {
            Scope::Required
        };
        Provenance {
            origin: origin(text("resolved")),
            scope,
            hashes: integrity(text("integrity")),
            is_bundled: is("inBundle"),
        }
    };
    Ok(packages.into_iter().map(|(directory, one)| (directory, provenance(&one))).collect())
}

/// Marks a package that came inside another one's archive, with the name of the property that CycloneDX has for that.
///
/// Names: <https://github.com/CycloneDX/cyclonedx-property-taxonomy/blob/main/cdx/npm.md>.
pub(crate) fn mark_bundled(component: &mut Component) {
    component.properties.insert("cdx:npm:package:bundled".to_owned(), "true".to_owned());
}

/// The version without the prefixes that npm ignores as well.
fn clean(version: &str) -> &str {
    version.trim().trim_start_matches(['=', 'v', ' '])
}

/// Licences in any of the forms that manifests have had: text, an object with a `type`, or a list of either.
pub(crate) fn licenses(declared: Option<&Value>) -> Vec<String> {
    let one =
        |value: &Value| value.as_str().or_else(|| value.get("type")?.as_str()).and_then(license);
    match declared {
        Some(Value::Array(all)) => all.iter().filter_map(one).collect(),
        Some(value) => one(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// The package that one in the directory `from` gets when it requires `name`.
pub(crate) fn resolve(
    by_directory: &BTreeMap<String, ComponentId>,
    from: &str,
    name: &str,
) -> Option<ComponentId> {
    node_candidates(from, name).find_map(|directory| by_directory.get(&directory).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn licences_in_every_form() {
        for (declared, expect) in [
            (json!("MIT"), vec!["MIT"]),
            (json!({"type": "BSD", "url": "x"}), vec!["BSD"]),
            (json!([{"type": "MIT"}, "Apache-2.0", 7]), vec!["MIT", "Apache-2.0"]),
            (json!(null), vec![]),
            (json!(""), vec![]),
        ] {
            assert_eq!(licenses(Some(&declared)), expect, "{declared}");
        }
    }

    #[test]
    fn hashes_of_the_right_length() {
        let hex = "da39a3ee5e6b4b0d3255bfef95601890afd80709".to_owned();
        let sha1 = Hash { algorithm: HashAlgorithm::Sha1, hex };
        assert_eq!(integrity("sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=?x md5-x"), [sha1]);
        assert_eq!(integrity("sha512-AAAA sha1-!! sha384-AAAA"), []);
    }

    #[test]
    fn registries_and_other_places() {
        let vcs = |text: &str| Some(Origin::Vcs(text.to_owned()));
        let download = |text: &str| Some(Origin::Download(text.to_owned()));
        for (resolved, expect) in [
            ("https://registry.npmjs.org/a/-/a-1.0.0.tgz", None),
            ("https://mirror.example.com/npm/@s/a/-/a-1.0.0.tgz#0123", None),
            ("https://npm.pkg.github.com/download/@s/a/1.0.0/0123", None),
            ("", None),
            ("git+ssh://git@github.com/a/b.git#123", vcs("git+ssh://git@github.com/a/b.git@123")),
            ("https://github.com/a/b.git#commit=123", vcs("git+https://github.com/a/b.git@123")),
            ("https://codeload.github.com/a/b/tar.gz/123", vcs("git+https://github.com/a/b@123")),
            ("https://example.com/a.tgz#123", download("https://example.com/a.tgz")),
            ("file:../a.tgz", download("file:../a.tgz")),
        ] {
            assert_eq!(origin(resolved), expect, "{resolved}");
        }
    }

    #[test]
    fn locks_of_installed_packages_are_not_wanted() {
        let wanted = |path: &str| want_lock(&TreePath::parse(path.as_bytes()).unwrap(), 0, 0);
        for path in ["yarn.lock", "srv/app/yarn.lock", "srv/usr/share/nodejs/yarn.lock"] {
            assert_eq!(wanted(path), Want::Content, "{path}");
        }
        for path in ["srv/node_modules/a/yarn.lock", "usr/share/nodejs/a/yarn.lock"] {
            assert_eq!(wanted(path), Want::Nothing, "{path}");
        }
    }

    #[test]
    fn descriptors() {
        assert_eq!(split_descriptor("@s/a@npm:^1"), Some(("@s/a", "npm:^1")));
        assert_eq!(split_descriptor("a@https://x@y"), Some(("a", "https://x@y")));
        for text in ["", "@", "@s/a", "a"] {
            assert_eq!(split_descriptor(text), None);
        }
    }

    #[test]
    fn versions_lose_what_npm_ignores() {
        for (version, expect) in [("v2.0.0", "2.0.0"), ("= 1.0.0", "1.0.0"), ("1.0.0-v", "1.0.0-v")]
        {
            assert_eq!(clean(version), expect);
        }
    }
}
