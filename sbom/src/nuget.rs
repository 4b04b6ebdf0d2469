//! What the files that describe .NET builds have in common.

use crate::catalogers::{Context, Draft, Found};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use plimsoll_model::{
    component::{ComponentId, ComponentKind, Hash, HashAlgorithm},
    tree::Entry,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Without the mark that .NET's tools begin a file with.
pub(crate) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Adds a package.
pub(crate) fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    (name, version): (&str, Option<&str>),
    found: &mut Found,
) -> Option<ComponentId> {
    let draft =
        Draft { kind: "nuget", namespace: None, name, shown: name, version, qualifiers: &[] };
    ctx.add(found, entry, &draft)
}

/// A SHA-512 in base64, as all of these files have it.
pub(crate) fn sha512(base64: &str) -> Option<Hash> {
    let bytes = STANDARD.decode(base64.strip_prefix("sha512-").unwrap_or(base64)).ok()?;
    let algorithm = HashAlgorithm::Sha512;
    (bytes.len() == 64).then(|| Hash { algorithm, hex: hex::encode(bytes) })
}

/// What a build was made of: `targets` and `libraries` of `*.deps.json` and `project.assets.json`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Graph {
    /// By framework, then by `NAME/VERSION`.
    pub(crate) targets: Option<BTreeMap<String, BTreeMap<String, Value>>>,
    /// By `NAME/VERSION`.
    pub(crate) libraries: Option<BTreeMap<String, Value>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Library {
    #[serde(rename = "type")]
    kind: String,
    sha512: String,
    dependencies: BTreeMap<String, Value>,
}

/// The components of a graph: for each framework, by name in lower case.
pub(crate) type Names = BTreeMap<String, BTreeMap<String, ComponentId>>;

impl Graph {
    /// Adds all libraries, each related to those it needs in any framework.
    pub(crate) fn add(self, ctx: &Context<'_>, entry: &Entry, found: &mut Found) -> Names {
        let libraries = self.libraries.unwrap_or_default();
        let targets = self.targets.unwrap_or_default();
        let mut keys: BTreeSet<&String> = libraries.keys().collect();
        keys.extend(targets.values().flat_map(BTreeMap::keys));
        let mut ids = BTreeMap::new();
        for key in keys {
            let library = read(ctx, entry, (key, libraries.get(key)), found);
            let kind = || {
                targets
                    .values()
                    .find_map(|target| Some(target.get(key)?.get("type")?.as_str()?.to_owned()))
            };
            let kind = if library.kind.is_empty() { kind() } else { Some(library.kind) };
            let id = add_library(ctx, entry, (key, kind.as_deref().unwrap_or_default()), found);
            let Some(id) = id else { continue };
            if let Some(component) = found.at(id) {
                component.hashes.extend(sha512(&library.sha512));
            }
            ids.insert(key.clone(), id);
        }
        let mut names = Names::new();
        for (framework, target) in &targets {
            let by_name = target.keys().filter_map(|key| Some((name_of(key), *ids.get(key)?)));
            let by_name: BTreeMap<String, ComponentId> = by_name.collect();
            for (key, value) in target {
                let Some(id) = ids.get(key) else { continue };
                let library = read(ctx, entry, (key, Some(value)), found);
                for needed in library.dependencies.keys() {
                    if let Some(to) = by_name.get(&needed.to_ascii_lowercase()) {
                        ctx.depends(found, *id, &[*to]);
                    }
                }
            }
            names.insert(framework.clone(), by_name);
        }
        names
    }
}

/// One library; one that is malformed does not hide the others.
fn read(
    ctx: &Context<'_>,
    entry: &Entry,
    (key, value): (&str, Option<&Value>),
    found: &mut Found,
) -> Library {
    let Some(value) = value else { return Library::default() };
    Library::deserialize(value).unwrap_or_else(|error| {
        ctx.note(found, entry, format!("library `{key}` is malformed: {error}"));
        Library::default()
    })
}

fn add_library(
    ctx: &Context<'_>,
    entry: &Entry,
    (key, kind): (&str, &str),
    found: &mut Found,
) -> Option<ComponentId> {
    // A reference is to a file that no package brought.
    if kind.eq_ignore_ascii_case("reference") || kind.eq_ignore_ascii_case("referenceassembly") {
        return None;
    }
    let (name, version) = match key.rsplit_once('/') {
        Some((name, version)) => (name, Some(version)),
        None => (key, None),
    };
    // The runtime that a self-contained program brings along.
    let name = name.strip_prefix("runtimepack.").unwrap_or(name);
    let id = add(ctx, entry, (name, version), found)?;
    if kind.eq_ignore_ascii_case("project")
        && let Some(component) = found.at(id)
    {
        component.kind = ComponentKind::Application;
    }
    Some(id)
}

fn name_of(key: &str) -> String {
    key.rsplit_once('/').map_or(key, |(name, _)| name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_of_512_bits() {
        let base64 = STANDARD.encode([7; 64]);
        assert_eq!(sha512(&base64), sha512(&format!("sha512-{base64}")));
        assert_eq!(sha512(&base64).map(|hash| hash.hex.len()), Some(128));
        assert_eq!((sha512(""), sha512("AAAA"), sha512("!")), (None, None, None));
    }
}
