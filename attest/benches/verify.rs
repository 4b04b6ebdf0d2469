//! How long it takes to load what is trusted, and to verify one bundle, and a thousand.
//!
//! The bundles are made here, by a Sigstore in memory.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a benchmark, not an interface; its services are of today"
)]

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use plimsoll_attest::{
    Candidate, Demands, Expectation, SignerDemand, Statement, StatementSubject, Trust, TrustRoot,
    TrustedSigner, Wanted, look,
    signers::{
        KeyKind, KeySigner,
        keyless::{
            IdentitySource, IdentityToken, KeylessOptions, KeylessSigner, Patience, Services,
        },
    },
    testing::{Claims, Instance, Sigstore},
    verify,
};
use plimsoll_model::{Digest, Limits, identity::IdentityDemand};
use serde_json::json;
use std::hint::black_box;

const PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";

fn statement(of: usize) -> Statement {
    let subject = StatementSubject { name: "app".to_owned(), digest: Digest::of(b"app") };
    Statement::new(vec![subject], PREDICATE_TYPE, json!({"of": of})).unwrap()
}

/// A bundle by an identity, with certificate, log entry and timestamp, and who is trusted for it.
async fn keyless() -> (Vec<u8>, Trust) {
    let sigstore = Sigstore::start().await.unwrap();
    let now = Timestamp::now();
    let claims = Claims::github("acme/app").with("exp", now.as_second() + 300);
    let token = sigstore.token(&claims);
    let signer = KeylessSigner::new(KeylessOptions {
        services: Services::from_signing_config(&sigstore.signing_config(Instance::RekorV1), now)
            .unwrap(),
        trust_root: TrustRoot::parse(&sigstore.trusted_root(), "bench").unwrap(),
        client: plimsoll_attest::signers::keyless::client("bench", Patience::STANDARD.attempt)
            .unwrap(),
        identity: IdentitySource::Token(IdentityToken::parse(&token).unwrap()),
        patience: Patience::STANDARD,
        now,
    });
    let bundle = signer.sign(&statement(0)).await.unwrap().to_bytes();
    let issuer = signer.holder().await.unwrap().issuer;
    let demand = IdentityDemand::new(issuer, claims.identity().parse().unwrap());
    let who = SignerDemand::Identity(demand);
    let trust = Trust {
        signers: vec![TrustedSigner::of(who)],
        root: Some(TrustRoot::parse(&sigstore.trusted_root(), "bench").unwrap()),
        demands: Demands::default(),
    };
    (bundle, trust)
}

fn expectation(trust: &Trust) -> Expectation<'_> {
    Expectation {
        subject: Digest::of(b"app"),
        place: None,
        content: None,
        wanted: Wanted::Statement(&[PREDICATE_TYPE]),
        trust,
        limits: &Limits::STANDARD,
    }
}

fn candidate(bytes: Vec<u8>) -> Candidate {
    Candidate { found_at: "bench".to_owned(), bytes }
}

fn bench(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (bundle, trust) = runtime.block_on(keyless());
    let keyless = candidate(bundle);
    assert!(verify(&keyless, &expectation(&trust)).evidence.is_some());
    criterion.bench_function("load the embedded trust root", |bencher| {
        bencher.iter(|| TrustRoot::embedded().unwrap());
    });
    criterion.bench_function("verify a bundle by an identity", |bencher| {
        bencher.iter(|| verify(black_box(&keyless), &expectation(&trust)));
    });
    let key = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
    let by_key = Trust::in_keys(&[key.public_key().clone()]);
    let keyed = candidate(plimsoll_attest::sign(&statement(0), &key).unwrap().to_bytes());
    criterion.bench_function("verify a bundle by a key", |bencher| {
        bencher.iter(|| verify(black_box(&keyed), &expectation(&by_key)));
    });
    let thousand = vec![keyless; 1_000];
    let mut group = criterion.benchmark_group("many");
    group.sample_size(10);
    group.bench_function("verify a thousand bundles by an identity", |bencher| {
        bencher.iter(|| look(Ok(&thousand), &expectation(&trust)));
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
