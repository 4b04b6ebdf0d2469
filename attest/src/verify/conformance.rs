//! The bundles of sigstore-conformance: what other implementations accept and refuse.
//!
//! All of them are signed over bare messages, by certificates, or in older versions: none may become evidence here, and
//! each says why.

use super::{Candidate, Expectation, verify};
use crate::PublicKey;
use camino::Utf8PathBuf;
use plimsoll_model::{Digest, Limits};
use std::{collections::BTreeMap, fs};

/// The ones with a usable key beside them.
const MANAGED: [&str; 2] = ["managed-key-happy-path", "managed-key-and-trusted-root"];

#[expect(clippy::disallowed_methods, reason = "tests find their data by the environment")]
fn bundles() -> Option<Vec<Utf8PathBuf>> {
    let shared = std::env::var("PLIMSOLL_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").to_owned());
    let folder = Utf8PathBuf::from(shared).join("data/sigstore-conformance/assets/bundle-verify");
    let Ok(entries) = folder.read_dir_utf8() else {
        let required = std::env::var("PLIMSOLL_ORACLES").as_deref() == Ok("require");
        assert!(!required, "the test data `{folder}` is required and missing");
        eprintln!("not tested: the test data `{folder}` is missing");
        return None;
    };
    let folders = entries.map(|entry| entry.unwrap().into_path());
    Some(folders.filter(|folder| folder.join("bundle.sigstore.json").is_file()).collect())
}

#[expect(clippy::disallowed_methods, reason = "test data is as large as it is")]
fn text(folder: &Utf8PathBuf, name: &str) -> Option<String> {
    fs::read_to_string(folder.join(name)).ok()
}

#[test]
fn no_bundle_of_another_kind_becomes_evidence_and_each_says_why() {
    let Some(folders) = bundles() else { return };
    let mut steps: BTreeMap<u8, usize> = BTreeMap::new();
    for folder in &folders {
        // The wrong key is not even one: its point is not on the curve.
        let key = text(folder, "key.pub").and_then(|pem| PublicKey::from_pem(&pem).ok());
        assert_eq!(key.is_some(), MANAGED.contains(&folder.file_name().unwrap()), "{folder}");
        let candidate = Candidate {
            found_at: folder.to_string(),
            bytes: text(folder, "bundle.sigstore.json").unwrap().into_bytes(),
        };
        let found = verify(
            &candidate,
            &Expectation {
                subject: Digest::of(b""),
                predicate_types: &["https://slsa.dev/provenance/v1"],
                keys: key.as_slice(),
                limits: &Limits::STANDARD,
            },
        );
        assert_eq!(found.evidence, None, "{folder}");
        *steps.entry(found.failed_step().unwrap().number).or_default() += 1;
        match (folder.file_name().unwrap(), found.failed_step().unwrap()) {
            ("bundle-malformed-json_fail" | "bundle-unknown-version_fail", step) => {
                assert_eq!(step.number, 1, "{step:?}");
            }
            ("managed-key-happy-path", step) => {
                assert_eq!(step.found, "a signature over a bare message, without a statement");
            }
            ("rekor2-dsse-happy-path" | "happy-path-intoto-in-dsse-v3", step) => {
                assert!(step.found.starts_with("signed by a certificate"), "{step:?}");
            }
            _ => {}
        }
    }
    assert_eq!(steps.values().sum::<usize>(), folders.len());
    assert!(steps.keys().all(|step| (1..=3).contains(step)), "{steps:?}");
}
