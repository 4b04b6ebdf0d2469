//! What others have to know to sign with these services and to believe them.
//!
//! <https://github.com/sigstore/protobuf-specs/blob/v0.5.0/protos/sigstore_trustroot.proto>

use super::{Services, checkpoint::Log, keys::Key, lock, x509::Authority};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// From when on everything is trusted: before any time that a test sets.
const START: &str = "2020-01-01T00:00:00Z";

/// Which of the services are signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instance {
    /// Rekor v1 and a timestamp authority, as the public-good instance.
    RekorV1,
    /// Rekor v1 alone, as small private instances.
    RekorV1WithoutTsa,
    /// Rekor v2 and a timestamp authority.
    RekorV2,
}

pub(super) fn trusted_root(services: &Services) -> Value {
    let fulcio = &services.fulcio;
    json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [log(&lock(&services.rekor_v1).log), log(&lock(&services.rekor_v2).log)],
        "certificateAuthorities": [
            authority("https://fulcio.plimsoll.test", "fulcio-root", [&fulcio.intermediate, &fulcio.root]),
        ],
        "ctlogs": [key_of("https://ctfe.plimsoll.test", &fulcio.log, &fulcio.log.id())],
        "timestampAuthorities": [
            authority("https://timestamp.plimsoll.test", "tsa-root", [&services.tsa.signer, &services.tsa.root]),
        ],
    })
}

fn log(log: &Log) -> Value {
    key_of(&format!("https://{}", log.host), &log.key, &log.key_id())
}

fn key_of(url: &str, key: &Key, id: &[u8; 32]) -> Value {
    json!({
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": STANDARD.encode(&key.spki),
            "keyDetails": key.details(),
            "validFor": {"start": START},
        },
        "logId": {"keyId": STANDARD.encode(id)},
    })
}

fn authority(url: &str, common_name: &str, chain: [&Authority; 2]) -> Value {
    let chain = chain.map(|one| json!({"rawBytes": STANDARD.encode(&one.certificate)}));
    json!({
        "subject": {"organization": "plimsoll.test", "commonName": common_name},
        "uri": url,
        "certChain": {"certificates": chain},
        "validFor": {"start": START},
    })
}

pub(super) fn signing_config(base: &str, instance: Instance) -> Value {
    let service = |path: &str, version: u32| {
        json!([{
            "url": format!("{base}{path}"),
            "majorApiVersion": version,
            "validFor": {"start": START},
            "operator": "plimsoll.test",
        }])
    };
    let (logs, authorities) = match instance {
        Instance::RekorV1 => (service("/rekor", 1), service("/tsa/api/v1/timestamp", 1)),
        Instance::RekorV1WithoutTsa => (service("/rekor", 1), json!([])),
        Instance::RekorV2 => (service("/rekor2", 2), service("/tsa/api/v1/timestamp", 1)),
    };
    json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": service("/fulcio", 1),
        "oidcUrls": service("/oidc", 1),
        "rekorTlogUrls": logs,
        "tsaUrls": authorities,
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaConfig": {"selector": "ANY"},
    })
}

pub(super) fn client_trust_config(services: &Services, base: &str, instance: Instance) -> Value {
    json!({
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": trusted_root(services),
        "signingConfig": signing_config(base, instance),
    })
}
