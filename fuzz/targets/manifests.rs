//! Files of orchestrators: the images that compose files and Kubernetes manifests name, and what the rules say of a compose file.
#![no_main]

use camino::Utf8Path;
use libfuzzer_sys::fuzz_target;
use plimsoll_policy::{
    Facts, Policy, SourceFile, decide,
    manifests::{compose, kubernetes},
};

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
        compose: &[file("compose.yaml"), file("compose.override.yaml")],
        env_files: &[file(".env")],
        ..Facts::none()
    };
    let _ = decide(&Policy::baseline(), &facts, jiff::Timestamp::UNIX_EPOCH);
});
