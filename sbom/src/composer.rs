//! What the lock and the installed list of Composer have in common.
//!
//! Format: <https://getcomposer.org/doc/04-schema.md>.

use crate::{
    catalogers::{Context, Draft, Found, license},
    relate::Providers,
};
use plimsoll_model::{
    component::{ComponentId, Hash, HashAlgorithm, Scope},
    tree::Entry,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// One package, as both list it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Package {
    /// `VENDOR/NAME`.
    pub(crate) name: String,
    version: Option<String>,
    /// A list, or a text in old ones.
    license: Value,
    /// What it needs: packages, PHP itself and its extensions. An empty map is written as an empty list.
    require: Value,
    /// What it stands in for.
    replace: Value,
    /// What it implements.
    provide: Value,
    dist: Option<Dist>,
    source: Option<Source>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Dist {
    shasum: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Source {
    reference: Option<String>,
}

/// Property of a component: the commit that a package was made of.
const REFERENCE: &str = "plimsoll:composer:reference";

/// The packages of a list; one that is malformed does not hide the others.
pub(crate) fn packages(
    ctx: &Context<'_>,
    entry: &Entry,
    list: Vec<Value>,
    found: &mut Found,
) -> Vec<Package> {
    let mut packages = Vec::new();
    for value in list {
        match serde_json::from_value::<Package>(value) {
            Ok(package) if package.name.is_empty() => {
                ctx.note(found, entry, "a package has no name");
            }
            Ok(package) => packages.push(package),
            Err(error) => ctx.note(found, entry, format!("a package is malformed: {error}")),
        }
    }
    packages
}

/// Adds packages, and relates each to those it needs.
pub(crate) fn add_all(
    ctx: &Context<'_>,
    entry: &Entry,
    packages: &[(Package, Scope)],
    found: &mut Found,
) {
    let names: Vec<String> =
        packages.iter().map(|(package, _)| package.name.to_ascii_lowercase()).collect();
    let virtuals: Vec<Vec<String>> =
        packages.iter().map(|(package, _)| stands_for(package)).collect();
    let mut ids = Vec::new();
    let mut providers = Providers::default();
    for (((package, scope), name), virtuals) in packages.iter().zip(&names).zip(&virtuals) {
        let Some(id) = add(ctx, entry, (package, name), found) else { continue };
        if let Some(component) = found.at(id) {
            component.scope = *scope;
        }
        for name in std::iter::once(name).chain(virtuals) {
            providers.add(name, id);
        }
        ids.push((id, package));
    }
    for (id, package) in ids {
        for needed in keys(&package.require) {
            ctx.depends(found, id, providers.of(&needed.to_ascii_lowercase()));
        }
    }
}

/// The names that a package is found under besides its own.
fn stands_for(package: &Package) -> Vec<String> {
    let names = keys(&package.replace).chain(keys(&package.provide));
    names.map(str::to_ascii_lowercase).collect()
}

fn keys(value: &Value) -> impl Iterator<Item = &str> {
    value.as_object().into_iter().flat_map(|map| map.keys().map(String::as_str))
}

fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    (package, name): (&Package, &str),
    found: &mut Found,
) -> Option<ComponentId> {
    let (namespace, bare) = match name.split_once('/') {
        Some((vendor, bare)) => (Some(vendor), bare),
        None => (None, name),
    };
    let draft = Draft {
        kind: "composer",
        namespace,
        name: bare,
        shown: &package.name,
        version: package.version.as_deref(),
        qualifiers: &[],
    };
    let id = ctx.add(found, entry, &draft)?;
    let component = found.at(id)?;
    component.licenses = licenses(&package.license);
    let shasum = package.dist.as_ref().and_then(|dist| dist.shasum.as_deref());
    component.hashes.extend(shasum.and_then(sha1));
    let reference = package.source.as_ref().and_then(|source| source.reference.clone());
    component.properties.extend(reference.map(|commit| (REFERENCE.to_owned(), commit)));
    Some(id)
}

fn licenses(declared: &Value) -> Vec<String> {
    let all = declared.as_array().map_or(std::slice::from_ref(declared), Vec::as_slice);
    all.iter().filter_map(Value::as_str).filter_map(license).collect()
}

/// Most archives are made on demand, and state an empty text.
fn sha1(hex: &str) -> Option<Hash> {
    let hex = hex.to_ascii_lowercase();
    let is_sha1 = hex.len() == 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_sha1.then_some(Hash { algorithm: HashAlgorithm::Sha1, hex })
}

/// The names in a list, in lower case.
pub(crate) fn names(list: &Value) -> BTreeSet<String> {
    let names = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn licences_and_hashes_in_every_form() {
        assert_eq!(licenses(&json!(["MIT", 7, ""])), ["MIT"]);
        assert_eq!(licenses(&json!("GPL-2.0-or-later")), ["GPL-2.0-or-later"]);
        assert_eq!(licenses(&json!(null)), Vec::<String>::new());
        assert_eq!(sha1("").map(|hash| hash.hex), None);
        assert_eq!(sha1(&"A".repeat(40)).map(|hash| hash.hex), Some("a".repeat(40)));
    }
}
