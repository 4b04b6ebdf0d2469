//! Evidence: bundles, envelopes and keys, and the verification of a bundle up to the step that refuses it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_attest::{Bundle, Candidate, Envelope, Expectation, PublicKey, verify};
use plimsoll_model::{Digest, Limits};
use std::sync::LazyLock;

/// The key that the bundles of the corpus are signed with.
static KEY: LazyLock<[PublicKey; 1]> = LazyLock::new(|| {
    [PublicKey::from_pem(include_str!("../corpus/bundle/key.pem")).expect("the key is a good one")]
});

fuzz_target!(|bytes: &[u8]| {
    let limits = &Limits::STANDARD;
    if let Ok(bundle) = Bundle::parse(bytes, limits) {
        bundle.predicate_type();
        assert_eq!(bundle.to_bytes(), bytes);
    }
    if let Ok(envelope) = Envelope::parse(bytes, limits) {
        let again = Envelope::parse(&envelope.to_bytes(), limits);
        assert_eq!(again.expect("we read the envelopes that we write").pae(), envelope.pae());
    }
    if let Ok(key) =
        str::from_utf8(bytes).map_or(Err(()), |text| PublicKey::from_pem(text).map_err(drop))
    {
        assert_eq!(
            PublicKey::from_pem(&key.to_pem()).expect("we read the keys that we write").id(),
            key.id()
        );
    }
    let candidate = Candidate { found_at: "here".to_owned(), bytes: bytes.to_vec() };
    let expectation = Expectation {
        subject: Digest::of(b"subject"),
        predicate_types: &["https://plimsoll.example/fuzz/v1"],
        keys: KEY.as_slice(),
        limits,
    };
    let verification = verify(&candidate, &expectation);
    assert_eq!(verification.evidence.is_some(), verification.failed_step().is_none());
});
