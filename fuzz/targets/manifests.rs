//! Files of orchestrators: the images that compose files and Kubernetes manifests name, and what the rules say of a compose file.
#![no_main]

use camino::Utf8Path;
use libfuzzer_sys::fuzz_target;
use plimsoll_policy::{
    Facts, Policy, SourceFile, decide,
    manifests::{compose, kubernetes},
};
use std::collections::BTreeMap;

fuzz_target!(|text: &str| {
    for reader in [compose, kubernetes] {
        if let Ok(uses) = reader(text, Utf8Path::new("app.yaml")) {
            assert!(uses.len() <= 1_000);
            assert!(uses.iter().all(|found| found.line > 0 && found.column > 0));
        }
    }
    // The text is a project, what is laid over it, and the variables of both.
    let file = |path: &str| SourceFile { path: path.into(), text: text.to_owned() };
    let facts = Facts {
        image: None,
        users: None,
        inventory: None,
        scan: None,
        vex: None,
        since: None,
        dockerfiles: &[],
        compose: &[file("compose.yaml"), file("compose.override.yaml")],
        env_files: &[file(".env")],
        target_stage: None,
        build_args: &BTreeMap::new(),
        bases: None,
        evidence: None,
        stated: None,
    };
    let _ = decide(&Policy::baseline(), &facts, jiff::Timestamp::UNIX_EPOCH);
});
