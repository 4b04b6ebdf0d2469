//! Manifests, indexes and configurations of images.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use plimsoll_model::Limits;
use plimsoll_oci::manifest::{Manifest, OCI_INDEX, OCI_MANIFEST, parse_config};
use std::mem::discriminant;

fuzz_target!(|bytes: &[u8]| {
    let parsed = |promised: Option<&str>| {
        Manifest::parse(Bytes::copy_from_slice(bytes), promised, "here", &Limits::STANDARD).ok()
    };
    let found: Vec<_> =
        [None, Some(OCI_MANIFEST), Some(OCI_INDEX)].map(parsed).into_iter().flatten().collect();
    for manifest in &found {
        // Nobody may take one document for two (CVE-2021-41190).
        assert_eq!(discriminant(&manifest.content), discriminant(&found[0].content));
        let descriptor = manifest.as_referrer();
        assert!(descriptor.is_manifest());
        descriptor.to_json();
    }
    // A configuration is another document; that one is refused is no harm.
    let _config = parse_config(bytes, "here");
});
