//! Files of orchestrators: what they are taken for, the images that they name, and what the rules say of them.
#![no_main]

use camino::Utf8Path;
use libfuzzer_sys::fuzz_target;
use plimsoll_model::finding::Place;
use plimsoll_policy::{
    Facts, Policy, SourceFile, decide,
    manifests::{compose, kind_of_named, kubernetes},
};

fuzz_target!(|text: &str| {
    let path = Utf8Path::new("app.yaml");
    assert!(kind_of_named(path, text).is_some(), "YAML is always taken for something");
    for reader in [compose, kubernetes] {
        if let Ok(uses) = reader(text, path) {
            assert!(uses.len() <= 1_000);
            assert!(uses.iter().all(|found| found.line > 0 && found.column > 0));
        }
    }
    // The text is a project, what is laid over it, the variables of both, and a manifest.
    let file = |path: &str| SourceFile { path: path.into(), text: text.to_owned() };
    let facts = Facts {
        compose: &[file("compose.yaml"), file("compose.override.yaml")],
        env_files: &[file(".env")],
        manifests: &[file("app.yaml")],
        ..Facts::none()
    };
    let decision = decide(&Policy::baseline(), &facts, jiff::Timestamp::UNIX_EPOCH);
    let lines = u32::try_from(text.split(['\n', '\r']).count()).unwrap_or(u32::MAX);
    for judged in decision.findings() {
        let Place::Source { line, column, .. } = &judged.finding.place else { continue };
        assert!((1..=lines).contains(line) && *column > 0, "{:?}", judged.finding);
    }
});
