//! The bundles of sigstore-conformance: what every implementation has to accept and to refuse.
//!
//! <https://github.com/sigstore/sigstore-conformance>. The whole program goes through them, too (`tests/it/conformance.rs`);
//! here it is told at which step each is refused.

use super::{
    Candidate, Expectation,
    StepKind::{self, *},
    Verification, Wanted, verify,
};
use crate::{Demands, Error, PublicKey, RootError, SignerDemand, Trust, TrustRoot, TrustedSigner};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::{
    Digest, Limits,
    evidence::{Legacy, Unlogged},
    identity::IdentityDemand,
};
use serde_json::Value;
use std::fs;

const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

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
fn read(folder: &Utf8Path, name: &str) -> Option<Vec<u8>> {
    fs::read(folder.join(name)).ok()
}

fn text(folder: &Utf8Path, name: &str) -> Option<String> {
    read(folder, name).map(|bytes| String::from_utf8(bytes).unwrap())
}

/// What a folder of the suite says is trusted; absent where the key in it is none.
fn trust(folder: &Utf8Path) -> Option<Trust> {
    let root = match text(folder, "trusted_root.json") {
        Some(root) => TrustRoot::parse(&root, folder.as_str()).ok()?,
        None => TrustRoot::embedded().unwrap(),
    };
    let word = |name, default: &str| {
        text(folder, name).map_or(default.to_owned(), |text| text.trim().to_owned())
    };
    let who = if let Some(pem) = text(folder, "key.pub") {
        SignerDemand::key(PublicKey::from_pem(&pem).ok()?, Unlogged::Refuse)
    } else {
        let identity = word("identity", IDENTITY).parse().unwrap();
        SignerDemand::Identity(IdentityDemand::new(word("issuer", ISSUER), identity))
    };
    Some(Trust {
        signers: vec![TrustedSigner::of(who)],
        root: Some(root),
        demands: Demands::default(),
    })
}

fn check(folder: &Utf8Path, trust: &Trust, content: Option<&[u8]>, digest: Digest) -> Verification {
    let bytes = read(folder, "bundle.sigstore.json").unwrap();
    let candidate = Candidate { found_at: folder.to_string(), bytes };
    verify(&candidate, &expectation(trust, content, digest))
}

fn expectation<'a>(
    trust: &'a Trust,
    content: Option<&'a [u8]>,
    subject: Digest,
) -> Expectation<'a> {
    let limits = &Limits::STANDARD;
    Expectation { subject, place: None, content, wanted: Wanted::Signature, trust, limits }
}

/// That each of these is refused at the step beside it, whether the artifact is at hand or its digest alone.
#[track_caller]
fn refused(cases: &[(&str, StepKind)]) {
    let Some(folders) = bundles() else { return };
    for (name, step) in cases {
        let folder =
            folders.iter().find(|folder| folder.ends_with(format!("{name}_fail"))).unwrap();
        let artifact = artifact(folder);
        let trust = trust(folder).unwrap();
        for content in [Some(artifact.as_slice()), None] {
            let found = check(folder, &trust, content, Digest::of(&artifact));
            assert_eq!(
                found.failed_step().map(|step| step.kind),
                Some(*step),
                "{name}: {found:#?}"
            );
            assert_eq!(found.evidence, None, "{name}");
        }
    }
}

fn artifact(folder: &Utf8Path) -> Vec<u8> {
    let shared = || read(folder.parent().unwrap(), "a.txt");
    read(folder, "artifact").or_else(shared).unwrap()
}

#[test]
fn every_bundle_is_accepted_or_refused_as_the_suite_says() {
    let Some(folders) = bundles() else { return };
    let mut cases = 0;
    for folder in &folders {
        let name = folder.file_name().unwrap();
        let artifact = artifact(folder);
        for content in [Some(artifact.as_slice()), None] {
            cases += 1;
            // The wrong key of one of them is not even a key.
            let found =
                trust(folder).map(|trust| check(folder, &trust, content, Digest::of(&artifact)));
            let is_accepted = found.as_ref().is_some_and(|found| found.failed_step().is_none());
            assert_eq!(is_accepted, !name.ends_with("_fail"), "{name}: {found:#?}");
        }
    }
    assert_eq!(cases, 140);
}

#[test]
fn a1_tampered_envelopes_and_signatures_are_refused() {
    refused(&[
        ("bundle-invalid-base64-signature", Bundle),
        ("dsse-invalid-sig", Signature),
        ("rekor2-dsse-invalid-sig", Signature),
        ("signature-mismatch", Signature),
        ("message-digest-mismatch", Signature),
        ("wrong-material", Signature),
    ]);
}

#[test]
fn a5_a_log_entry_of_another_signature_is_refused() {
    refused(&[
        ("wrong-hashedrekord-artifact", Signature),
        ("wrong-hashedrekord-cert-and-sig", LogEntry),
        ("wrong-hashedrekord-entry", Signature),
        ("intoto-log-entry-mismatch", LogEntry),
        ("dsse-mismatch-envelope", LogEntry),
        ("dsse-mismatch-sig", LogEntry),
        ("rekor2-dsse-mismatch-envelope", Signature),
        ("rekor2-dsse-mismatch-sig", LogEntry),
    ]);
}

#[test]
fn a6_promises_proofs_and_checkpoints_count() {
    refused(&[
        ("set-invalid-signature", Time),
        ("inclusion-proof-corrupted-hash", Log),
        ("invalid-inclusion-proof", Log),
        ("intoto-missing-inclusion-proof", Log),
        ("rekor2-no-inclusion-proof", Log),
        ("checkpoint-bad-keyhint", Log),
        ("checkpoint-wrong-roothash", Log),
        ("invalid-checkpoint-signature", Log),
    ]);
}

#[test]
fn a7_times_outside_of_the_certificate_and_of_the_future_are_refused() {
    refused(&[
        ("integrated-time-in-future", Certificate),
        ("intoto-expired-certificate", Certificate),
        ("intoto-set-outside-signing-cert-validity", Certificate),
        ("intoto-tsa-timestamp-outside-cert-validity", Certificate),
        ("rekor2-timestamp-outside-trust-root-tsa-validity", Time),
        ("rekor2-timestamp-outside-tsa-cert-validity", Time),
        ("rekor2-timestamp-payload-mismatch", Time),
        ("rekor2-timestamp-with-incorrect-time", Bundle),
        ("rekor2-no-timestamp", Time),
    ]);
}

#[test]
fn a11_a_timestamp_by_an_authority_that_is_not_trusted_is_refused() {
    refused(&[
        ("rekor2-timestamp-untrusted-tsa-with-embedded-cert", Time),
        ("rekor2-timestamp-untrusted-tsa-without-embedded-cert", Time),
    ]);
}

#[test]
fn a12_a_certificate_without_the_promise_of_a_trusted_log_is_refused() {
    refused(&[("invalid-ct-key", CertificateLog)]);
}

#[test]
fn a13_a_log_whose_key_is_not_in_the_root_is_refused() {
    refused(&[("incorrect-public-key", Time), ("bundle-from-wrong-instance", Time)]);
}

#[test]
fn a14_checkpoints_without_a_part_are_refused() {
    refused(&[
        ("rekor2-checkpoint-missing-root-hash", Bundle),
        ("rekor2-checkpoint-missing-origin", Bundle),
        ("rekor2-checkpoint-missing-size", Bundle),
        ("rekor2-checkpoint-missing-log-signature", Bundle),
        ("rekor2-checkpoint-no-matching-signature", Log),
    ]);
}

#[test]
fn a15_a_log_that_is_trusted_from_no_time_is_no_root() {
    let Some(folders) = bundles() else { return };
    let is_it =
        |folder: &&Utf8PathBuf| folder.ends_with("trust-root-tlog-missing-validity-start_fail");
    let root = text(folders.iter().find(is_it).unwrap(), "trusted_root.json").unwrap();
    assert!(matches!(
        TrustRoot::parse(&root, "root"),
        Err(Error::Root(RootError::Unusable { .. }))
    ));
}

#[test]
fn a19_a_key_that_is_another_or_none_is_refused() {
    refused(&[("managed-key-no-key", Signer)]);
}

#[test]
fn a20_bundles_of_no_version_or_form_are_refused() {
    refused(&[
        ("bundle-unknown-version", Bundle),
        ("bundle-malformed-json", Bundle),
        ("bundle-negative-log-index", Bundle),
        ("bundle-empty-certificate-chain", Bundle),
        ("bundle-with-root-cert", Log),
    ]);
}

/// The suite's own beacon signed, of this artifact, the provenance of somebody else's build.
#[test]
fn b6_provenance_of_another_build_than_the_certificate_tells_of_is_refused() {
    let Some(folders) = bundles() else { return };
    let name = "happy-path-intoto-in-dsse-v3";
    let folder = folders.iter().find(|folder| folder.ends_with(name)).unwrap();
    let bytes = read(folder, "bundle.sigstore.json").unwrap();
    let candidate = Candidate { found_at: name.to_owned(), bytes };
    let trust = trust(folder).unwrap();
    let wanted = Wanted::Statement(&["https://slsa.dev/provenance/v1"]);
    let asked = expectation(&trust, None, Digest::of(&artifact(folder)));
    let found = verify(&candidate, &Expectation { wanted, ..asked });
    let step = found.failed_step().unwrap();
    assert_eq!((step.kind, &found.evidence), (Agreement, &None));
    assert_eq!(
        step.found,
        "repository `https://github.com/loosebazooka/aa-test`, where the certificate has `https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon`"
    );
}

/// A promise can be had for anything that is then left out of the log.
#[test]
fn a6_a_bundle_that_is_relabelled_to_need_no_proof_is_refused() {
    let Some(folders) = bundles() else { return };
    let folder = folders.iter().find(|folder| folder.ends_with("happy-path-v0.3")).unwrap();
    let mut trust = trust(folder).unwrap();
    let mut bundle: Value =
        serde_json::from_slice(&read(folder, "bundle.sigstore.json").unwrap()).unwrap();
    let digest = Digest::of(&artifact(folder));
    let check = |bundle: &Value, trust: &Trust| {
        let candidate = Candidate { found_at: "x".to_owned(), bytes: bundle.to_string().into() };
        verify(&candidate, &expectation(trust, None, digest))
    };
    trust.demands.legacy = Legacy::Refuse;
    assert_eq!(check(&bundle, &trust).failed_step(), None);
    bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
    assert_eq!(check(&bundle, &trust).failed_step(), None);
    let entry = &mut bundle["verificationMaterial"]["tlogEntries"][0];
    entry.as_object_mut().unwrap().remove("inclusionProof");
    let found = check(&bundle, &trust);
    assert_eq!(found.failed_step().map(|step| step.kind), Some(Log), "{found:#?}");
    // Who wants cosign's old signatures asks for it.
    trust.demands.legacy = Legacy::Accept;
    assert_eq!(check(&bundle, &trust).failed_step(), None);
}
