//! Rekor v1: entries `hashedrekord` and `dsse` 0.0.1, each with a promise, a proof and a signed checkpoint.
//!
//! <https://github.com/sigstore/rekor/blob/v1.4.0/openapi.yaml>

use super::{
    Flaw,
    checkpoint::Log,
    keys::Key,
    merkle,
    server::{Reply, Seen},
    x509::to_pem,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use plimsoll_model::Digest;
use serde_json::{Value, json};
use sigstore_types::{DerCertificate, DerPublicKey, SignatureBytes};
use sigstore_verify::crypto::{VerificationKey, parse_certificate_info};
use std::collections::BTreeSet;

/// Number of the tree, which begins every entry's name.
const TREE: u64 = 1_193_050_959_916_656_506;
/// How many entries the trees before this one have: the index of an entry in all of them is not its index in this one.
const BEFORE: usize = 4_163_431;
const HOST: &str = "rekor.plimsoll.test";

pub(super) struct RekorV1 {
    pub(super) log: Log,
    /// A key that nobody trusts.
    stranger: Key,
    /// When each entry was taken in.
    times: Vec<Timestamp>,
}

/// Why an entry is not taken.
type Refused = (u16, String);

impl RekorV1 {
    pub(super) fn new() -> Self {
        let log = Log::new(Key::ecdsa(), HOST, format!("{HOST} - {TREE}"));
        Self { log, stranger: Key::ecdsa(), times: Vec::new() }
    }

    /// Answers below `/rekor`.
    pub(super) fn answer(
        &mut self,
        path: &str,
        seen: &Seen,
        (flaws, now): (&BTreeSet<Flaw>, Timestamp),
    ) -> Reply {
        const ENTRIES: &str = "/api/v1/log/entries";
        let key = if flaws.contains(&Flaw::WrongLogKey) { &self.stranger } else { &self.log.key };
        match (seen.method.as_str(), path.strip_prefix(ENTRIES)) {
            ("POST", Some("")) => match body(&seen.body) {
                Ok(body) => self.take(body, flaws, now),
                Err((status, message)) => Reply::refusal(status, &message),
            },
            ("GET", Some("")) => {
                let index = seen.parameter("logIndex").and_then(|index| index.parse().ok());
                let index = index.and_then(|index: usize| index.checked_sub(BEFORE));
                self.show(index.filter(|index| *index < self.times.len()), key)
            }
            ("GET", Some(uuid)) => self.show(self.find(uuid.trim_start_matches('/')), key),
            ("GET", None) if path == "/api/v1/log/publicKey" => {
                let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
                let block = pem::Pem::new("PUBLIC KEY", key.spki.clone());
                Reply::bytes("application/x-pem-file", pem::encode_config(&block, config))
            }
            _ => Reply::status(404),
        }
    }

    fn take(&mut self, body: Vec<u8>, flaws: &BTreeSet<Flaw>, now: Timestamp) -> Reply {
        if let Some(index) = self.log.bodies.iter().position(|known| *known == body) {
            let uuid = self.uuid(index);
            let message = format!(
                "An equivalent entry already exists in the transparency log with UUID {uuid}"
            );
            let location = format!("/api/v1/log/entries/{uuid}");
            return Reply::refusal(409, &message).header("location", location);
        }
        self.log.bodies.push(body);
        let time = if flaws.contains(&Flaw::FutureTime) { super::in_an_hour(now) } else { now };
        self.times.push(time);
        let key = if flaws.contains(&Flaw::WrongLogKey) { &self.stranger } else { &self.log.key };
        self.show(self.times.len().checked_sub(1), key).with_status(201)
    }

    fn uuid(&self, index: usize) -> String {
        format!("{TREE:016x}{}", hex::encode(merkle::leaf(&self.log.bodies[index])))
    }

    fn find(&self, uuid: &str) -> Option<usize> {
        // With or without the number of the tree.
        let leaf = uuid.get(uuid.len().checked_sub(64)?..)?;
        (0..self.times.len()).find(|index| self.uuid(*index).ends_with(leaf))
    }

    fn show(&self, index: Option<usize>, key: &Key) -> Reply {
        let Some(index) = index else { return Reply::refusal(404, "entry not found") };
        let body = STANDARD.encode(&self.log.bodies[index]);
        let (time, global) = (self.times[index].as_second(), BEFORE + index);
        let id = hex::encode(self.log.key_id());
        // RFC 8785 sorts the fields; there is nothing else in these values that it would write otherwise.
        let promised = format!(
            r#"{{"body":"{body}","integratedTime":{time},"logID":"{id}","logIndex":{global}}}"#
        );
        let proof = self.log.prove(index, key);
        Reply::json(&json!({ self.uuid(index): {
            "body": body,
            "integratedTime": time,
            "logID": id,
            "logIndex": global,
            "verification": {
                "inclusionProof": {
                    "checkpoint": proof.checkpoint,
                    "hashes": proof.path.iter().map(hex::encode).collect::<Vec<_>>(),
                    "logIndex": proof.index,
                    "rootHash": hex::encode(proof.root),
                    "treeSize": proof.size,
                },
                "signedEntryTimestamp": STANDARD.encode(key.sign(promised.as_bytes())),
            },
        }}))
    }
}

/// The canonical body of what is proposed, after its signature was verified.
fn body(proposed: &[u8]) -> Result<Vec<u8>, Refused> {
    let proposed: Value =
        serde_json::from_slice(proposed).ok().ok_or_else(|| invalid("no JSON"))?;
    let field = |pointer: &str| proposed.pointer(pointer).and_then(Value::as_str);
    match (field("/kind"), field("/apiVersion")) {
        (Some("dsse"), Some("0.0.1")) => dsse(&proposed),
        (Some("hashedrekord"), Some("0.0.1")) => hashedrekord(&proposed),
        other => Err(invalid(&format!("unsupported entry {other:?}"))),
    }
}

fn dsse(proposed: &Value) -> Result<Vec<u8>, Refused> {
    let content = &proposed["spec"]["proposedContent"];
    let text = content["envelope"].as_str().ok_or_else(|| invalid("no envelope"))?;
    let envelope: Value = serde_json::from_str(text).ok().ok_or_else(|| invalid("no envelope"))?;
    let payload = bytes(&envelope["payload"])?;
    let pae = sigstore_types::pae(envelope["payloadType"].as_str().unwrap_or_default(), &payload);
    let signature = bytes(&envelope["signatures"][0]["sig"])?;
    let verifier = Verifier::read(&content["verifiers"][0])?;
    let verified = verifier.key.verify(&pae, &SignatureBytes::new(signature.clone()));
    verified.ok().ok_or_else(|| invalid("the signature is not by the verifier"))?;
    Ok(json!({
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": Digest::of(text.as_bytes()).hex()},
            "payloadHash": {"algorithm": "sha256", "value": Digest::of(&payload).hex()},
            "signatures": [{
                "signature": STANDARD.encode(signature),
                "verifier": STANDARD.encode(verifier.pem),
            }],
        },
    })
    .to_string()
    .into_bytes())
}

fn hashedrekord(proposed: &Value) -> Result<Vec<u8>, Refused> {
    let spec = &proposed["spec"];
    let hash = spec["data"]["hash"]["value"].as_str().unwrap_or_default();
    let digest = hex::decode(hash).ok().ok_or_else(|| invalid("no hash"))?;
    let signature = bytes(&spec["signature"]["content"])?;
    let verifier = Verifier::read(&spec["signature"]["publicKey"]["content"])?;
    let verified = verifier.key.verify_prehashed(&digest, &SignatureBytes::new(signature.clone()));
    verified.ok().ok_or_else(|| invalid("the signature is not by the verifier"))?;
    Ok(json!({
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": hash}},
            "signature": {
                "content": STANDARD.encode(signature),
                "publicKey": {"content": STANDARD.encode(verifier.pem)},
            },
        },
    })
    .to_string()
    .into_bytes())
}

/// A key or a certificate, with the PEM that the log writes of it.
struct Verifier {
    key: VerificationKey,
    pem: String,
}

impl Verifier {
    fn read(value: &Value) -> Result<Self, Refused> {
        let block = pem::parse(bytes(value)?).ok().ok_or_else(|| invalid("no verifier"))?;
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        let (pem, spki) = match block.tag() {
            "CERTIFICATE" => {
                let info = parse_certificate_info(&DerCertificate::new(block.contents().to_vec()));
                let info = info.ok().ok_or_else(|| invalid("no certificate"))?;
                (to_pem(block.contents()), info.public_key)
            }
            _ => (pem::encode_config(&block, config), DerPublicKey::new(block.contents().to_vec())),
        };
        let key = VerificationKey::from_spki(&spki).ok().ok_or_else(|| invalid("no key"))?;
        Ok(Self { key, pem })
    }
}

fn bytes(value: &Value) -> Result<Vec<u8>, Refused> {
    let decoded = value.as_str().and_then(|text| STANDARD.decode(text).ok());
    decoded.ok_or_else(|| invalid("a field is no base64"))
}

fn invalid(message: &str) -> Refused {
    (400, format!("error processing entry: {message}"))
}
