//! Bundles put together by hand from what a Sigstore in memory answers: such as honest signers make, and others.
#![cfg(feature = "testing")]

use super::{Candidate, Expectation, StepKind, Verification, Wanted, verify};
use crate::{
    Demands, SignerDemand, Trust, TrustRoot, TrustedSigner, sign_payload,
    signers::{KeyKind, KeySigner},
    statement::IN_TOTO_PAYLOAD_TYPE,
    testing::{Claims, GITHUB, Sigstore},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use plimsoll_model::{Digest, Limits, evidence::Unlogged, identity::IdentityDemand};
use reqwest::Client;
use serde_json::{Value, json};

pub(super) const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
pub(super) const VULNS: &str = "https://in-toto.io/attestation/vulns/v0.2";
/// When everything is signed that is not said to be signed at another time: in the past of whoever runs this.
pub(super) const NOON: &str = "2026-01-15T12:00:00Z";
/// RFC 3161 §2.4.1: version 1, a SHA-256 imprint, no nonce, and the wish for the certificate.
const QUERY: &str = "3039020101";
const IMPRINT: &str = "3031300d060960864801650304020105000420";

/// A Sigstore, and somebody who asks it for single pieces.
pub(super) struct Forge {
    pub(super) sigstore: Sigstore,
    client: Client,
}

/// A signature with whatever vouches for its key.
pub(super) struct Signed {
    pub(super) key: KeySigner,
    pub(super) certificate: Option<Vec<u8>>,
    pub(super) envelope: Value,
}

pub(super) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// What is stated of the artifact `app`.
pub(super) fn statement(kind: &str) -> String {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "app", "digest": {"sha256": Digest::of(b"app").hex()}}],
        "predicateType": kind,
        "predicate": {"a": 1},
    })
    .to_string()
}

impl Forge {
    pub(super) async fn start() -> Self {
        Self::with(Sigstore::start().await.unwrap()).await
    }

    /// At noon, with an entry of somebody else's in each log, so that proofs have hashes in them.
    pub(super) async fn with(sigstore: Sigstore) -> Self {
        let forge = Self { sigstore, client: Client::builder().no_proxy().build().unwrap() };
        forge.sigstore.set_time(at(NOON));
        let other = Signed::by_key(KeyKind::EcdsaP256, VULNS);
        forge.entry_v1(&other).await;
        forge.entry_v2(&other).await;
        forge
    }

    /// A statement of provenance, by the holder of a certificate.
    pub(super) async fn keyless(&self, claims: &Claims) -> Signed {
        self.keyless_over(claims, IN_TOTO_PAYLOAD_TYPE, &statement(PROVENANCE)).await
    }

    pub(super) async fn keyless_over(&self, claims: &Claims, kind: &str, payload: &str) -> Signed {
        let mut signed = Signed::over(KeyKind::EcdsaP256, kind, payload);
        let subject = claims.subject();
        let proof = signed.key.sign(subject.as_bytes()).unwrap();
        let request = json!({
            "credentials": {"oidcIdentityToken": self.sigstore.token(claims)},
            "publicKeyRequest": {
                "publicKey": {"algorithm": "ECDSA", "content": signed.key.public_key().to_pem()},
                "proofOfPossession": STANDARD.encode(proof),
            },
        });
        let answer = self.post("/fulcio/api/v2/signingCert", request.to_string()).await;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let chain = &answer["signedCertificateEmbeddedSct"]["chain"]["certificates"];
        let leaf = pem::parse(chain[0].as_str().unwrap()).unwrap();
        signed.certificate = Some(leaf.into_contents());
        signed
    }

    /// A timestamp over a signature.
    pub(super) async fn stamp(&self, signed: &Signed) -> Value {
        let imprint = Digest::of(&signed.signature());
        let query = format!("{QUERY}{IMPRINT}{}0101ff", imprint.hex());
        let answer = self.post("/tsa/api/v1/timestamp", hex::decode(query).unwrap()).await;
        json!({"signedTimestamp": STANDARD.encode(answer)})
    }

    /// An entry of Rekor v1.
    pub(super) async fn entry_v1(&self, signed: &Signed) -> Value {
        let content = json!({
            "envelope": signed.envelope.to_string(),
            "verifiers": [STANDARD.encode(signed.verifier_pem())],
        });
        let proposed =
            json!({"kind": "dsse", "apiVersion": "0.0.1", "spec": {"proposedContent": content}});
        let answer = self.post("/rekor/api/v1/log/entries", proposed.to_string()).await;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let entry = answer.as_object().unwrap().values().next().unwrap();
        let (verification, base64) = (&entry["verification"], |hex: &Value| {
            STANDARD.encode(hex::decode(hex.as_str().unwrap()).unwrap())
        });
        let proof = &verification["inclusionProof"];
        let hashes: Vec<_> = proof["hashes"].as_array().unwrap().iter().map(base64).collect();
        json!({
            "logIndex": entry["logIndex"].to_string(),
            "logId": {"keyId": base64(&entry["logID"])},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": entry["integratedTime"].to_string(),
            "inclusionPromise": {"signedEntryTimestamp": verification["signedEntryTimestamp"]},
            "inclusionProof": {
                "logIndex": proof["logIndex"].to_string(),
                "rootHash": base64(&proof["rootHash"]),
                "treeSize": proof["treeSize"].to_string(),
                "hashes": hashes,
                "checkpoint": {"envelope": proof["checkpoint"]},
            },
            "canonicalizedBody": entry["body"],
        })
    }

    /// An entry of Rekor v2.
    pub(super) async fn entry_v2(&self, signed: &Signed) -> Value {
        let payload = STANDARD.decode(signed.envelope["payload"].as_str().unwrap()).unwrap();
        let kind = signed.envelope["payloadType"].as_str().unwrap();
        let digest = Digest::of(&sigstore_types::pae(kind, &payload));
        let (name, der) = match &signed.certificate {
            Some(certificate) => ("x509Certificate", certificate.as_slice()),
            None => ("publicKey", signed.key.public_key().spki()),
        };
        let request = json!({"hashedRekordRequestV002": {
            "digest": STANDARD.encode(digest.as_bytes()),
            "signature": {
                "content": STANDARD.encode(signed.signature()),
                "verifier": {
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    name: {"rawBytes": STANDARD.encode(der)},
                },
            },
        }});
        let answer = self.post("/rekor2/api/v2/log/entries", request.to_string()).await;
        let mut entry: Value = serde_json::from_slice(&answer).unwrap();
        entry.as_object_mut().unwrap().remove("inclusionPromise");
        entry
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Vec<u8> {
        let answer = self.client.post(self.sigstore.url(path)).body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.bytes().await.unwrap().to_vec()
    }

    /// Believes those who meet a demand, by the root of this Sigstore.
    pub(super) fn trust(&self, demand: IdentityDemand) -> Trust {
        trust(&self.sigstore.trusted_root(), SignerDemand::Identity(demand))
    }

    /// Believes a key that has to be logged, or dated.
    pub(super) fn trust_key(&self, key: &KeySigner) -> Trust {
        let (key, unlogged) = (key.public_key().clone(), Unlogged::Refuse);
        trust(&self.sigstore.trusted_root(), SignerDemand::key(key, unlogged))
    }
}

impl Signed {
    /// A statement, by a key.
    pub(super) fn by_key(kind: KeyKind, predicate_type: &str) -> Self {
        Self::over(kind, IN_TOTO_PAYLOAD_TYPE, &statement(predicate_type))
    }

    fn over(kind: KeyKind, payload_type: &str, payload: &str) -> Self {
        let key = KeySigner::generate(kind).unwrap();
        let envelope = sign_payload(payload_type, payload.as_bytes(), &key).unwrap();
        let envelope = serde_json::from_slice(&envelope.to_bytes()).unwrap();
        Self { key, certificate: None, envelope }
    }

    fn signature(&self) -> Vec<u8> {
        STANDARD.decode(self.envelope["signatures"][0]["sig"].as_str().unwrap()).unwrap()
    }

    fn verifier_pem(&self) -> String {
        match &self.certificate {
            Some(certificate) => crate::public_key::to_pem("CERTIFICATE", certificate),
            None => self.key.public_key().to_pem(),
        }
    }

    /// The bundle with these log entries and timestamps.
    pub(super) fn bundle(&self, entries: &[Value], stamps: &[Value]) -> Value {
        let (name, value) = match &self.certificate {
            Some(certificate) => ("certificate", json!({"rawBytes": STANDARD.encode(certificate)})),
            None => ("publicKey", json!({"hint": self.key.public_key().hint()})),
        };
        let mut material = json!({ name: value });
        if !entries.is_empty() {
            material["tlogEntries"] = entries.into();
        }
        if !stamps.is_empty() {
            material["timestampVerificationData"] = json!({"rfc3161Timestamps": stamps});
        }
        json!({
            "mediaType": crate::BUNDLE_MEDIA_TYPE,
            "verificationMaterial": material,
            "dsseEnvelope": self.envelope,
        })
    }
}

/// Believes one, by a root.
pub(super) fn trust(root: &str, who: SignerDemand) -> Trust {
    let root = Some(TrustRoot::parse(root, "forge").unwrap());
    let signers = vec![TrustedSigner::of(who)];
    Trust { signers, root, demands: Demands::default() }
}

/// Of the workflow that all claims are of.
pub(super) fn release() -> IdentityDemand {
    IdentityDemand::new(GITHUB.to_owned(), acme().identity().parse().unwrap())
}

pub(super) fn acme() -> Claims {
    Claims::github("acme/app")
}

pub(super) fn candidate(bundle: &Value) -> Candidate {
    Candidate { found_at: "forge".to_owned(), bytes: bundle.to_string().into_bytes() }
}

pub(super) fn expectation(trust: &Trust) -> Expectation<'_> {
    Expectation {
        subject: Digest::of(b"app"),
        place: None,
        content: None,
        wanted: Wanted::Statement(&[PROVENANCE]),
        trust,
        limits: &Limits::STANDARD,
    }
}

pub(super) fn check(bundle: &Value, trust: &Trust) -> Verification {
    verify(&candidate(bundle), &expectation(trust))
}

#[track_caller]
pub(super) fn accepted(found: &Verification) {
    assert!(found.failed_step().is_none() && found.evidence.is_some(), "{found:#?}");
}

/// That exactly this step refuses it; returns what it found.
#[track_caller]
pub(super) fn refused(found: &Verification, at: StepKind) -> String {
    let failed = found.failed_step().unwrap_or_else(|| panic!("accepted: {found:#?}"));
    assert_eq!((failed.kind, found.evidence.is_none()), (at, true), "{}", failed.found);
    failed.found.clone()
}
