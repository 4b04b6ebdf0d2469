//! Evidence: bundles, envelopes and keys, and the verification of a bundle up to the step that refuses it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_attest::{
    Bundle, Candidate, Demands, Envelope, Expectation, PublicKey, SignerDemand, Trust, TrustRoot,
    TrustedSigner, Wanted, verify,
};
use plimsoll_model::{
    Digest, Limits,
    evidence::{Legacy, Unlogged},
    identity::IdentityDemand,
};
use std::sync::LazyLock;

/// The key that the bundles of the corpus are signed with.
static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let key = PublicKey::from_pem(include_str!("../corpus/bundle/key.pem"));
    Trust::in_keys(&[key.expect("the key is a good one")])
});

/// The same key where it has to be logged, and an identity: everything in a bundle is looked at.
static LOGGED: LazyLock<Trust> = LazyLock::new(|| {
    let key = PublicKey::from_pem(include_str!("../corpus/bundle/key.pem"));
    let key = key.expect("the key is a good one");
    let identity = "https://github.com/acme/**".parse().expect("the pattern is a good one");
    let demand =
        IdentityDemand::new("https://token.actions.githubusercontent.com".into(), identity);
    let signers = [SignerDemand::key(key, Unlogged::Refuse), SignerDemand::Identity(demand)];
    Trust {
        signers: signers.map(TrustedSigner::of).into(),
        root: Some(TrustRoot::embedded().expect("the roots are good ones")),
        demands: Demands { legacy: Legacy::Accept, ..Demands::default() },
    }
});

fuzz_target!(|bytes: &[u8]| {
    let limits = &Limits::STANDARD;
    if let Ok(bundle) = Bundle::parse(bytes, limits) {
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
    let wanted = Wanted::Statement(&["https://plimsoll.example/fuzz/v1"]);
    for trust in [&*TRUST, &*LOGGED] {
        let subject = Digest::of(b"subject");
        let expectation =
            Expectation { subject, place: None, content: None, wanted, trust, limits };
        let verification = verify(&candidate, &expectation);
        assert_eq!(verification.evidence.is_some(), verification.failed_step().is_none());
    }
});
