//! The test suite of the package URL specification, from the shared test data.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "an integration test: it may panic and print, and it finds its data by the environment"
)]

use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::Purl;
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, fs};

/// The folder of the suite; when it is missing, says so, or fails where it is required.
fn folder() -> Option<Utf8PathBuf> {
    let root = std::env::var("PLIMSOLL_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").to_owned());
    let path = Utf8PathBuf::from(root).join("data/purl/tests");
    if path.is_dir() {
        return Some(path);
    }
    assert!(
        std::env::var("PLIMSOLL_ORACLES").as_deref() != Ok("require"),
        "the test data `{path}` is required and missing"
    );
    eprintln!("not tested: the test data `{path}` is missing");
    None
}

#[derive(Deserialize)]
struct Suite {
    tests: Vec<Case>,
}

#[derive(Deserialize, Debug)]
struct Case {
    test_type: String,
    input: Value,
    #[serde(default)]
    expected_output: Value,
    expected_failure: bool,
}

#[derive(Deserialize, Debug, Default, PartialEq)]
struct Parts {
    r#type: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    version: Option<String>,
    qualifiers: Option<BTreeMap<String, String>>,
    subpath: Option<String>,
}

impl Parts {
    fn of(purl: &Purl, keys: Option<&BTreeMap<String, String>>) -> Self {
        let qualifiers = keys.map(|keys| {
            let value = |key: &String| purl.qualifier(key).unwrap_or_default().to_owned();
            keys.keys().map(|key| (key.clone(), value(key))).collect()
        });
        Self {
            r#type: Some(purl.kind().to_owned()),
            namespace: purl.namespace().map(str::to_owned),
            name: Some(purl.name().to_owned()),
            version: purl.version().map(str::to_owned),
            qualifiers,
            subpath: purl.subpath().map(str::to_owned),
        }
    }

    fn build(&self) -> Option<Purl> {
        let qualifiers: Vec<_> = self
            .qualifiers
            .iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let purl = Purl::new(
            self.r#type.as_deref()?,
            self.namespace.as_deref(),
            self.name.as_deref()?,
            self.version.as_deref(),
            &qualifiers,
        );
        purl.ok()?.with_subpath(self.subpath.as_deref().unwrap_or_default()).ok()
    }
}

/// Cases of the kind `validate` (what a checker that mends would make of it) that say otherwise than a case of the kind
/// `parse` or than the type's definition.
const CONTRADICTED: [&str; 3] = [
    // `parse` has it refused.
    "pkg:gem/jruby-launcher@1.1.2?Platform=java",
    "pkg:Rpm/fedora/curl@7.50.3-1.fc25?Arch=i386&Distro=fedora-25",
    // The definition has names of the type `git` told apart by case.
    "pkg:git/github/Package-url/purl-Spec@244fd47e07d1004f0aed9c",
];

/// Why a case is not passed.
fn fault(case: &Case) -> Option<String> {
    let found = match case.test_type.as_str() {
        "build" => serde_json::from_value::<Parts>(case.input.clone()).unwrap().build(),
        _ => case.input.as_str().unwrap().parse().ok(),
    };
    let Some(found) = found else {
        return (!case.expected_failure).then(|| "refused".to_owned());
    };
    if case.expected_failure {
        return Some(format!("accepted as {found}"));
    }
    if case.test_type == "parse" {
        let expect: Parts = serde_json::from_value(case.expected_output.clone()).unwrap();
        let parts = Parts::of(&found, expect.qualifiers.as_ref());
        return (parts != expect).then(|| format!("{parts:?}"));
    }
    let expect = case.expected_output.as_str().unwrap();
    (found.as_str() != expect).then(|| found.to_string())
}

fn suites(folder: &Utf8Path) -> Vec<(String, Suite)> {
    let mut suites = Vec::new();
    for group in ["spec", "types"] {
        for entry in folder.join(group).read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            let suite = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            suites.push((path.file_name().unwrap().to_owned(), suite));
        }
    }
    suites
}

#[test]
fn every_case_of_the_specification_is_passed() {
    let Some(folder) = folder() else { return };
    let suites = suites(&folder);
    assert!(suites.len() >= 42, "{} files", suites.len());
    let mut faults = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (file, suite) in &suites {
        for case in &suite.tests {
            let input = case.input.as_str().unwrap_or_default();
            if case.test_type == "validate" && CONTRADICTED.contains(&input) {
                continue;
            }
            *counts.entry(case.test_type.as_str()).or_default() += 1;
            faults.extend(fault(case).map(|fault| format!("{file}: {fault}: {case:?}")));
        }
    }
    assert!(counts.len() >= 3 && counts.values().sum::<usize>() >= 500, "{counts:?}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
