//! Files of orchestrators: the images that compose files and Kubernetes manifests name.
#![no_main]

use camino::Utf8Path;
use libfuzzer_sys::fuzz_target;
use plimsoll_policy::manifests::{compose, kubernetes};

fuzz_target!(|text: &str| {
    for reader in [compose, kubernetes] {
        if let Ok(uses) = reader(text, Utf8Path::new("app.yaml")) {
            assert!(uses.len() <= 1_000);
            assert!(uses.iter().all(|found| found.line > 0 && found.column > 0));
        }
    }
});
