//! What lock files and installed distributions of Python have in common.

use crate::{
    catalogers::{Context, Draft, Found},
    locked::{self, Lock, Need, Role},
    origin::Origin,
};
use plimsoll_model::{
    TreePath,
    component::{ComponentId, Hash, HashAlgorithm, Scope},
    tree::{Entry, Want},
};
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) mod project;
pub(crate) mod requirement;

/// The name in the normal form of PEP 503.
///
/// Specification: <https://packaging.python.org/en/latest/specifications/name-normalization/>.
pub(crate) fn normal(name: &str) -> String {
    let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// Adds the distribution with this name and version.
pub(crate) fn add(
    ctx: &Context<'_>,
    found: &mut Found,
    entry: &Entry,
    (name, version): (&str, Option<&str>),
    origin: Option<&Origin>,
) -> Option<ComponentId> {
    let qualifier = origin.map(Origin::qualifier);
    ctx.add(found, entry, &draft((name, &normal(name)), version, qualifier.as_slice()))
}

/// Adds a project: not a distribution of the index, but what such distributions were put together for.
pub(crate) fn add_project(
    ctx: &Context<'_>,
    found: &mut Found,
    entry: &Entry,
    (name, version): (&str, Option<&str>),
) -> Option<ComponentId> {
    ctx.add_project(found, entry, &draft((name, &normal(name)), version, &[]))
}

fn draft<'a>(
    (shown, name): (&'a str, &'a str),
    version: Option<&'a str>,
    qualifiers: &'a [(&'a str, &'a str)],
) -> Draft<'a> {
    Draft { kind: "pypi", namespace: None, name, shown, version, qualifiers }
}

/// Wants the lock of a project, and its manifest: what an installed package keeps of its own development is not about what
/// is installed.
pub(crate) fn want_lock(path: &TreePath, _: u64, _: u32) -> Want {
    let mut parts = path.as_bytes().split(|byte| *byte == b'/');
    let is_installed =
        parts.any(|part| matches!(part, b"site-packages" | b"dist-packages" | b"node_modules"));
    if is_installed { Want::Nothing } else { Want::Content }
}

/// What is read beside a lock.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    pub(crate) ctx: &'a Context<'a>,
    pub(crate) installed: Installed,
}

/// Catalogs every wanted file by itself but the manifests that are wanted for the locks beside them, as [`Context::each`].
pub(crate) fn each(ctx: &Context<'_>, catalog: fn(&Site<'_>, &Entry, &[u8], &mut Found)) -> Found {
    let locks: Vec<_> = ctx
        .files
        .iter()
        .filter(|entry| entry.path.file_name() != project::FILE.as_bytes())
        .collect();
    if locks.is_empty() {
        return Found::default();
    }
    let site = Site { ctx, installed: Installed::of(ctx) };
    let one = |entry: &&Entry| {
        let mut found = Found::default();
        if let Some(bytes) = ctx.read(entry, ctx.limits.package_metadata, &mut found) {
            catalog(&site, entry, &bytes, &mut found);
        }
        found
    };
    let read: Vec<_> = locks.par_iter().map(one).collect();
    read.into_iter().fold(Found::default(), |mut all, found| {
        all.absorb(found);
        all
    })
}

/// Adds everything of a lock, but for what may be left out and was.
pub(crate) fn add_locked(site: &Site<'_>, entry: &Entry, lock: &Lock, found: &mut Found) {
    let Site { ctx, installed } = site;
    locked::add(ctx, entry, lock, found, |found, locked, scope| {
        let identity = (locked.name.as_str(), locked.version.as_deref());
        if locked.role == Role::Project {
            return add_project(ctx, found, entry, identity);
        }
        if scope != Scope::Required && installed.lacks(&locked.name) {
            return None;
        }
        add(ctx, found, entry, identity, locked.origin.as_ref())
    });
}

/// The distributions that are installed anywhere, by normal names: environments lie where they like.
#[derive(Debug)]
pub(crate) struct Installed(BTreeSet<String>);

impl Installed {
    /// As the names of the directories of their metadata, or of the files that eggs have instead, have it.
    fn of(ctx: &Context<'_>) -> Self {
        let name = |entry: Entry| {
            let path = String::from_utf8_lossy(entry.path.as_bytes());
            let info = path.strip_suffix("/METADATA").filter(|info| info.ends_with(".dist-info"));
            let egg = || path.strip_suffix("/PKG-INFO").unwrap_or(&path);
            let info = info.or_else(|| Some(egg()).filter(|info| info.ends_with(".egg-info")))?;
            let stem = info.rsplit('/').next()?.rsplit_once('.')?.0;
            Some(normal(stem.split('-').next()?))
        };
        Self(ctx.tree.asked().filter_map(name).collect())
    }

    /// Whether others are installed and this one is not.
    pub(crate) fn lacks(&self, name: &str) -> bool {
        !self.0.is_empty() && !self.has(name)
    }

    /// Whether it is installed.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(&normal(name))
    }
}

/// The document in TOML, or why there is none.
pub(crate) fn toml<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("malformed: {error}"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    toml::from_str(text).map_err(|error| format!("malformed: {}", error.message()))
}

/// A hash as locks write it: `sha256:…`.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    let (algorithm, hex) = text.split_once(':')?;
    hash_of(algorithm, hex)
}

/// A hash by the name of its algorithm.
pub(crate) fn hash_of(algorithm: &str, hex: &str) -> Option<Hash> {
    let (algorithm, length) = match algorithm {
        "md5" => (HashAlgorithm::Md5, 32),
        "sha1" => (HashAlgorithm::Sha1, 40),
        "sha256" => (HashAlgorithm::Sha256, 64),
        "sha512" => (HashAlgorithm::Sha512, 128),
        _ => return None,
    };
    let hex = hex.to_ascii_lowercase();
    let is_hex = hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then_some(Hash { algorithm, hex })
}

/// Where a distribution comes from whose requirement or record names an address. The files of the index are the index's.
///
/// Format: <https://packaging.python.org/en/latest/specifications/direct-url/>, and pip's `git+https://host/path@revision`.
pub(crate) fn origin(address: &str) -> Option<Origin> {
    let address = address.split_once('#').map_or(address, |(address, _)| address);
    let kind = ["git", "hg", "svn", "bzr"]
        .into_iter()
        .find(|kind| address.strip_prefix(kind).is_some_and(|rest| rest.starts_with('+')));
    if let Some(kind) = kind {
        let path = address.find("://").and_then(|at| address.get(at.checked_add(3)?..));
        let path = path.and_then(|rest| rest.split_once('/')).map_or("", |(_, path)| path);
        let (address, revision) = match path.rsplit_once('@') {
            Some((_, revision)) => {
                let end = address.len().saturating_sub(revision.len()).saturating_sub(1);
                (address.get(..end).unwrap_or(address), Some(revision))
            }
            None => (address, None),
        };
        return Some(Origin::vcs(kind, address, revision));
    }
    if address.starts_with("https://files.pythonhosted.org/") {
        return None;
    }
    if address.contains("://") && !address.starts_with("file:") {
        return Some(Origin::download(address));
    }
    Some(Origin::path(address))
}

/// How many versions of one package count as what is needed; a lock has a few, for several versions of Python.
pub(crate) const MOST_VERSIONS: usize = 16;

/// Keys of the packages of a lock, by normal name: the same name may be there in several versions for several systems.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<String, Vec<String>>);

impl Names {
    /// Notes that `key` is a package of this name.
    pub(crate) fn add(&mut self, name: &str, key: &str) {
        let keys = self.0.entry(normal(name)).or_default();
        if keys.len() < MOST_VERSIONS && !keys.iter().any(|known| known == key) {
            keys.push(key.to_owned());
        }
    }

    /// All that may answer a need. One that has to be met everywhere and that nothing answers is told of by its name.
    pub(crate) fn needs(&self, name: &str, scope: Scope) -> Vec<Need> {
        let need = |to: &String| Need { to: to.clone(), scope };
        match self.0.get(&normal(name)) {
            Some(keys) => keys.iter().map(need).collect(),
            None => vec![need(&name.to_owned())],
        }
    }

    /// Those that are there of a need that does not have to be met: on other systems, or for other versions of Python.
    pub(crate) fn known(&self, name: &str, scope: Scope) -> Vec<Need> {
        let is_known = self.0.contains_key(&normal(name));
        if is_known { self.needs(name, scope) } else { Vec::new() }
    }
}

/// A file beside a lock that another cataloger, or the same, wants as well.
pub(crate) fn beside(ctx: &Context<'_>, lock: &Entry, name: &str) -> Option<Vec<u8>> {
    let path: TreePath = lock.path.parent()?.join(name).ok()?;
    ctx.tree.read(&path, ctx.limits.package_metadata).ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_normal_form() {
        for (name, expect) in
            [("A__b.-C", "a-b-c"), ("zope.interface", "zope-interface"), ("six", "six")]
        {
            assert_eq!(normal(name), expect);
        }
    }

    #[test]
    fn locks_of_installed_packages_are_not_wanted() {
        let wanted = |path: &str| want_lock(&TreePath::parse(path.as_bytes()).unwrap(), 0, 0);
        assert_eq!(wanted("srv/uv.lock"), Want::Content);
        assert_eq!(wanted("usr/lib/python3/dist-packages/a/uv.lock"), Want::Nothing);
    }

    #[test]
    fn hashes_of_the_right_length() {
        let hex = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
        let expect = Hash { algorithm: HashAlgorithm::Sha256, hex: hex.to_ascii_lowercase() };
        assert_eq!(hash(&format!("sha256:{hex}")), Some(expect));
        for text in ["sha256:00", "sha3:00", "", "md5:zz", hex] {
            assert_eq!(hash(text), None);
        }
    }

    #[test]
    fn addresses() {
        let vcs = |text: &str| Some(Origin::Vcs(text.to_owned()));
        let download = |text: &str| Some(Origin::Download(text.to_owned()));
        for (address, expect) in [
            ("git+https://example.com/a.git@v1#egg=a", vcs("git+https://example.com/a.git@v1")),
            ("git+ssh://git@example.com/a.git", vcs("git+ssh://git@example.com/a.git")),
            ("hg+https://example.com/a@1", vcs("hg+https://example.com/a@1")),
            ("https://files.pythonhosted.org/packages/a.whl", None),
            ("https://t:s@example.com/a.whl#sha256=1", download("https://example.com/a.whl")),
            ("file:///srv/a", download("file:///srv/a")),
            ("./a", download("file:./a")),
            ("git+x", vcs("git+ssh://x")),
        ] {
            assert_eq!(origin(address), expect, "{address}");
        }
    }
}
