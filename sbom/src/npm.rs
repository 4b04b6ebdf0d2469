//! What lock files and installed packages of npm have in common.

use crate::{
    catalogers::{Context, Draft, Found, license},
    relate::node_candidates,
};
use plimsoll_model::{component::ComponentId, tree::Entry};
use serde_json::Value;
use std::collections::BTreeMap;

/// Adds the package with this name and version.
pub(crate) fn add(
    ctx: &Context<'_>,
    found: &mut Found,
    entry: &Entry,
    (name, version): (&str, Option<&str>),
) -> Option<ComponentId> {
    let (namespace, bare) = match name.split_once('/') {
        Some((scope, bare)) => (Some(scope), bare),
        None => (None, name),
    };
    let version = version.map(clean);
    let draft = Draft { kind: "npm", namespace, name: bare, shown: name, version, qualifiers: &[] };
    ctx.add(found, entry, &draft)
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
    fn versions_lose_what_npm_ignores() {
        for (version, expect) in [("v2.0.0", "2.0.0"), ("= 1.0.0", "1.0.0"), ("1.0.0-v", "1.0.0-v")]
        {
            assert_eq!(clean(version), expect);
        }
    }
}
