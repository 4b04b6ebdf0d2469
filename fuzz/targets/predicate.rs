//! What statements of others say: any JSON object as a predicate of every type that is understood.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_attest::claims::{self, Claims};
use serde_json::{Map, Value};

/// One of each reader, and one of none.
const TYPES: [&str; 8] = [
    "https://slsa.dev/provenance/v0.2",
    "https://slsa.dev/provenance/v1",
    "https://slsa.dev/verification_summary/v1",
    "https://in-toto.io/attestation/vulns/v0.2",
    "https://cosign.sigstore.dev/attestation/vuln/v1",
    "https://in-toto.io/attestation/test-result/v0.1",
    "https://cyclonedx.org/bom",
    "https://example.com/unknown",
];

fuzz_target!(|bytes: &[u8]| {
    let Ok(predicate) = serde_json::from_slice::<Map<String, Value>>(bytes) else { return };
    for kind in TYPES {
        match claims::read(kind, &predicate) {
            Ok(Some(Claims::Provenance(found))) => {
                // Nothing is said that is not there.
                let text = serde_json::to_string(&predicate).expect("it was JSON");
                let known = [found.builder_id, found.repository, found.reference, found.commit];
                for claim in known.into_iter().flatten() {
                    let written = serde_json::to_string(&claim).expect("texts are JSON");
                    assert!(text.contains(written.trim_matches('"')), "{claim}");
                }
            }
            Ok(Some(_)) | Err(_) => {}
            Ok(None) => assert_eq!(kind, "https://example.com/unknown"),
        }
    }
    if let Ok(kind) = str::from_utf8(bytes) {
        let _kind = claims::PredicateKind::of(kind);
    }
});
