//! Pods of Apple's platforms, from `Podfile.lock`, and from `Pods/Manifest.lock`, which is its copy of what is installed.
//!
//! Format: YAML that `pod` writes, see <https://guides.cocoapods.org/using/using-cocoapods.html#what-is-podfilelock>. A
//! subspec (`Firebase/Core`) is a part of its pod, and counts as the pod.

use super::{Cataloger, Context, Draft, Files, Found};
use crate::document;
use plimsoll_model::{
    TreePath,
    component::ComponentId,
    inventory::Coverage,
    tree::{Entry, Want},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "podfile-lock",
    description: "CocoaPods in Podfile.lock and Pods/Manifest.lock",
    files: &[Files::Named("Podfile.lock"), Files::Named("Manifest.lock")],
    earlier: &[],
    want,
    edges: Coverage::Complete,
    catalog,
};

/// SHA-1 of the specification of a pod, not of the pod.
const CHECKSUM: &str = "plimsoll:cocoapods:spec-checksum";
/// The public repository of specifications, under its names.
const TRUNK: [&str; 3] =
    ["trunk", "https://github.com/cocoapods/specs.git", "https://cdn.cocoapods.org/"];

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let mut parts = path.as_bytes().rsplit(|byte| *byte == b'/');
    let name = parts.next();
    let is_lock = name == Some(b"Podfile.lock") || parts.next() == Some(b"Pods");
    if is_lock && !document::is_of_dependency(path) { Want::Content } else { Want::Nothing }
}

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "PODS")]
    pods: Option<Vec<Value>>,
    #[serde(rename = "SPEC REPOS", default)]
    repositories: BTreeMap<String, Vec<String>>,
    #[serde(rename = "EXTERNAL SOURCES", default)]
    external: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(rename = "CHECKOUT OPTIONS", default)]
    checkouts: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(rename = "SPEC CHECKSUMS", default)]
    checksums: BTreeMap<String, String>,
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        match document::yaml::<Lock>(bytes) {
            Ok(Lock { pods: None, .. }) => ctx.note(found, entry, "the lock lists no `PODS`"),
            Ok(lock) => pods(ctx, entry, &lock, found),
            Err(reason) => ctx.note(found, entry, reason),
        }
    })
}

fn pods(ctx: &Context<'_>, entry: &Entry, lock: &Lock, found: &mut Found) {
    let mut ids: BTreeMap<&str, Option<ComponentId>> = BTreeMap::new();
    let mut repositories: BTreeMap<&str, &str> = BTreeMap::new();
    for (url, pods) in &lock.repositories {
        repositories.extend(pods.iter().map(|pod| (pod.as_str(), url.as_str())));
    }
    let mut needs = Vec::new();
    for item in lock.pods.iter().flatten() {
        // A name, or a mapping of one name to the list of what it needs.
        let mapped =
            item.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next());
        let pod = item.as_str().map(|pod| (pod, None));
        let Some((pod, needed)) = pod.or(mapped.map(|(pod, needed)| (pod.as_str(), Some(needed))))
        else {
            ctx.note(found, entry, "malformed: an entry of `PODS` is no pod");
            continue;
        };
        let (name, version) = name_and_version(pod);
        let id = match ids.get(name) {
            Some(id) => *id,
            None => add(ctx, entry, (lock, &repositories), (name, version), found),
        };
        ids.insert(name, id);
        let needed = needed.and_then(Value::as_array).into_iter().flatten();
        needs.extend(
            needed.filter_map(Value::as_str).map(|needed| (id, name_and_version(needed).0)),
        );
    }
    for (from, name) in needs {
        match (from, ids.get(name)) {
            (Some(from), Some(Some(to))) if from != *to => ctx.depends(found, from, &[*to]),
            (_, Some(_)) => {}
            (_, None) => {
                ctx.note(
                    found,
                    entry,
                    format!("`{name}` is needed, and the lock does not have it"),
                );
            }
        }
    }
}

/// The pod in `Firebase/Core (6.0)`, without the name of its part, and the version.
fn name_and_version(text: &str) -> (&str, Option<&str>) {
    let (name, version) = match text.split_once('(') {
        Some((name, version)) => (name.trim(), version.strip_suffix(')')),
        None => (text.trim(), None),
    };
    (name.split('/').next().unwrap_or(name), version)
}

fn add(
    ctx: &Context<'_>,
    entry: &Entry,
    (lock, repositories): (&Lock, &BTreeMap<&str, &str>),
    (name, version): (&str, Option<&str>),
    found: &mut Found,
) -> Option<ComponentId> {
    let option = |key: &str| {
        let of = |options: &'_ BTreeMap<String, BTreeMap<String, String>>| {
            options.get(name)?.get(key).cloned()
        };
        of(&lock.checkouts).or_else(|| of(&lock.external))
    };
    // The project's own code, which no repository knows.
    option(":path").is_none().then_some(())?;
    let repository = repositories.get(name).copied();
    let is_trunk = repository.is_none_or(|url| TRUNK.contains(&url.to_ascii_lowercase().as_str()));
    let (key, value) = if let Some(url) = option(":git") {
        let commit = option(":commit").or_else(|| option(":tag")).unwrap_or_default();
        ("vcs_url", document::vcs_url(&url, &commit))
    } else if let Some(url) = option(":podspec").filter(|url| url.contains("://")) {
        ("download_url", document::address(&url))
    } else if is_trunk {
        ("", String::new())
    } else {
        ("repository_url", document::address(repository.unwrap_or_default()))
    };
    let qualifiers = [(key, value.as_str())];
    let qualifiers = if key.is_empty() { &[] } else { qualifiers.as_slice() };
    let draft =
        Draft { kind: "cocoapods", namespace: None, name, shown: name, version, qualifiers };
    let id = ctx.add(found, entry, &draft)?;
    if let Some(checksum) = lock.checksums.get(name) {
        found.at(id)?.properties.insert(CHECKSUM.to_owned(), checksum.clone());
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;

    const LOCK: &str = r#"PODS:
  - Alamofire (5.4.3)
  - Firebase/Core (6.0.0):
    - Firebase/CoreOnly
    - Nanopb (~> 0.3)
  - Firebase/CoreOnly (6.0.0):
    - "Utilities/NSData+zlib (= 7.5.2)"
  - Nanopb (0.3.901)
  - Own (0.1.0):
    - Alamofire
  - "Utilities/NSData+zlib (7.5.2)"

DEPENDENCIES:
  - Alamofire

SPEC REPOS:
  https://git.example/specs.git:
    - Nanopb
  trunk:
    - Alamofire

EXTERNAL SOURCES:
  Own:
    :path: "../own"
  Utilities:
    :git: https://git.example/utilities.git

CHECKOUT OPTIONS:
  Utilities:
    :commit: "4f3c1d"
    :git: https://git.example/utilities.git

SPEC CHECKSUMS:
  Alamofire: 12345678901234567890123456789012345678e9

PODFILE CHECKSUM: 0a1b

COCOAPODS: 1.10
"#;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file("srv/Podfile.lock", text).lines(), expect);
    }

    #[test]
    fn pods_and_what_they_need() {
        let utilities = "pkg:cocoapods/Utilities@7.5.2?vcs_url=git%2Bhttps:%2F%2Fgit.example%2Futilities.git%404f3c1d";
        let nanopb =
            "pkg:cocoapods/Nanopb@0.3.901?repository_url=https:%2F%2Fgit.example%2Fspecs.git";
        let expect = [
            "pkg:cocoapods/Alamofire@5.4.3",
            "pkg:cocoapods/Firebase@6.0.0",
            nanopb,
            utilities,
            &format!("pkg:cocoapods/Firebase@6.0.0 needs {nanopb}"),
            &format!("pkg:cocoapods/Firebase@6.0.0 needs {utilities}"),
        ];
        check(LOCK, &expect);
        assert_eq!(TestTree::new().file("a/Pods/Manifest.lock", LOCK).lines(), expect);
        assert_eq!(TestTree::new().file("a/Manifest.lock", LOCK).lines(), Vec::<String>::new());
        let inventory = TestTree::new().file("Podfile.lock", LOCK).catalog();
        let checksum = inventory.components()[0].properties.get(CHECKSUM).map(String::as_str);
        assert_eq!(checksum, Some("12345678901234567890123456789012345678e9"));
    }

    #[test]
    fn a_broken_pod_does_not_hide_the_others() {
        check(
            "PODS:\n  - A (1)\n  - 7\n  - B\n  - C (1):\n    - D\n",
            &[
                "pkg:cocoapods/A@1",
                "pkg:cocoapods/B",
                "pkg:cocoapods/C@1",
                "podfile-lock: /srv/Podfile.lock: `D` is needed, and the lock does not have it",
                "podfile-lock: /srv/Podfile.lock: malformed: an entry of `PODS` is no pod",
                "podfile-lock: /srv/Podfile.lock: package `B` states no version",
            ],
        );
    }

    #[test]
    fn what_is_no_lock_is_an_unknown() {
        check("COCOAPODS: 1.10", &["podfile-lock: /srv/Podfile.lock: the lock lists no `PODS`"]);
        let deep = format!("PODS: {}", "[".repeat(100_000));
        for text in ["PODS: 7", "PODS: [A]\nPODS: [B]", "7", "PODS: \"", "\u{0}", &deep] {
            let lines = TestTree::new().file("Podfile.lock", text).lines();
            let [line] = lines.as_slice() else { panic!("{text}: {lines:?}") };
            assert!(line.starts_with("podfile-lock: /Podfile.lock: malformed: "), "{line}");
        }
    }
}
