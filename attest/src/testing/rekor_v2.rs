//! Rekor v2: `hashedrekord` 0.0.2 alone, answered with a proof and a checkpoint, and without a time.
//!
//! <https://github.com/sigstore/rekor-tiles/blob/main/api/proto/rekor/v2/rekor_service.proto>; an envelope is logged by the
//! digest of what is signed in it.

use super::{
    Flaw,
    checkpoint::Log,
    keys::Key,
    server::{Reply, Seen},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sigstore_types::{DerCertificate, DerPublicKey, SignatureBytes};
use sigstore_verify::crypto::{VerificationKey, parse_certificate_info};
use std::collections::BTreeSet;

const HOST: &str = "log2026.rekor.plimsoll.test";

pub(super) struct RekorV2 {
    pub(super) log: Log,
    /// A key that nobody trusts.
    stranger: Key,
}

impl RekorV2 {
    pub(super) fn new() -> Self {
        let log = Log::new(Key::ed25519(), HOST, HOST.to_owned());
        Self { log, stranger: Key::ed25519() }
    }

    /// Answers below `/rekor2`.
    pub(super) fn answer(&mut self, path: &str, seen: &Seen, flaws: &BTreeSet<Flaw>) -> Reply {
        match (seen.method.as_str(), path) {
            ("POST", "/api/v2/log/entries") => match body(&seen.body) {
                Some(body) => self.take(body, flaws),
                None => Reply::refusal(400, "invalid hashedrekord request"),
            },
            ("GET", "/api/v2/checkpoint") if !self.log.bodies.is_empty() => {
                let note = self.log.prove(0, &self.log.key).checkpoint;
                Reply::bytes("text/plain; charset=utf-8", note)
            }
            _ => Reply::status(404),
        }
    }

    fn take(&mut self, body: Vec<u8>, flaws: &BTreeSet<Flaw>) -> Reply {
        if let Some(index) = self.log.bodies.iter().position(|known| *known == body) {
            // It says where the entry is, and gives it to nobody but by its tiles.
            let message = format!(
                "an equivalent entry already exists in the transparency log with index {index}"
            );
            return Reply::refusal(409, &message).header("x-log-index", index.to_string());
        }
        let index = self.log.bodies.len();
        self.log.bodies.push(body);
        let key = if flaws.contains(&Flaw::WrongLogKey) { &self.stranger } else { &self.log.key };
        let proof = self.log.prove(index, key);
        // As gRPC gateways write it: 64-bit numbers are texts, and what is not set is there all the same.
        Reply::json(&json!({
            "logIndex": index.to_string(),
            "logId": {"keyId": STANDARD.encode(self.log.key_id())},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
            "integratedTime": "0",
            "inclusionPromise": null,
            "inclusionProof": {
                "logIndex": proof.index.to_string(),
                "rootHash": STANDARD.encode(proof.root),
                "treeSize": proof.size.to_string(),
                "hashes": proof.path.iter().map(|hash| STANDARD.encode(hash)).collect::<Vec<_>>(),
                "checkpoint": {"envelope": proof.checkpoint},
            },
            "canonicalizedBody": STANDARD.encode(&self.log.bodies[index]),
        }))
        .with_status(201)
    }
}

/// The canonical body of what is proposed, where its signature verifies.
fn body(proposed: &[u8]) -> Option<Vec<u8>> {
    let proposed: Value = serde_json::from_slice(proposed).ok()?;
    let request = proposed.get("hashedRekordRequestV002")?;
    let field = |pointer: &str| request.pointer(pointer).and_then(Value::as_str);
    let bytes = |pointer: &str| field(pointer).and_then(|text| STANDARD.decode(text).ok());
    let digest = bytes("/digest").filter(|digest| digest.len() == 32)?;
    let signature = bytes("/signature/content")?;
    let certificate = bytes("/signature/verifier/x509Certificate/rawBytes");
    let (verifier, spki) = if let Some(der) = certificate {
        let verifier = json!({"rawBytes": STANDARD.encode(&der)});
        let info = parse_certificate_info(&DerCertificate::new(der)).ok()?;
        (("x509Certificate", verifier), info.public_key)
    } else {
        let der = bytes("/signature/verifier/publicKey/rawBytes")?;
        let verifier = json!({"rawBytes": STANDARD.encode(&der)});
        (("publicKey", verifier), DerPublicKey::new(der))
    };
    let details = field("/signature/verifier/keyDetails")?;
    let key = VerificationKey::from_spki(&spki).ok()?;
    key.verify_prehashed(&digest, &SignatureBytes::new(signature.clone())).ok()?;
    let body = json!({
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": {"hashedRekordV002": {
            "data": {"algorithm": "SHA2_256", "digest": STANDARD.encode(digest)},
            "signature": {
                "content": STANDARD.encode(signature),
                "verifier": {"keyDetails": details, verifier.0: verifier.1},
            },
        }},
    });
    Some(body.to_string().into_bytes())
}
