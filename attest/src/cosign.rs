//! What cosign wrote before there were bundles: the layers under the tags `sha256-<hex>.att` and `sha256-<hex>.sig`.
//!
//! A layer has its signature, certificate and log entry in annotations. It becomes a bundle v0.1, so that there is one
//! verification for all forms; without a proof of inclusion, as it is, it is accepted only where old forms are. A `.att` is an
//! envelope with a statement. A `.sig` signs a text with the digest of the image in it: it states nothing, and is never
//! evidence.
//!
//! <https://github.com/sigstore/cosign/blob/v2.4.1/specs/ATTESTATION_SPEC.md>,
//! <https://github.com/sigstore/cosign/blob/v2.4.1/specs/SIGNATURE_SPEC.md>

use crate::{Error, bundle::Bundle, envelope::at_most, json, text::excerpt};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use plimsoll_model::{Digest, Limits};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Media type of a layer with an envelope.
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// Media type of a layer with a text that is signed.
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// Begins what [`pack_layer`] writes. No JSON begins like this.
const MAGIC: &[u8] = b"plimsoll:cosign-layer:1\n";
const WHAT: &str = "a layer of cosign's";
/// The longest header of a packed layer, in bytes (4 MiB, as manifests have it): annotations come from a manifest.
const LONGEST_HEADER: u64 = 4 << 20;

/// The signature over a text, in base64; empty where an envelope has it.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// The certificate, in PEM.
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
/// The log entry with the log's promise, in JSON.
const LOG_ENTRY: &str = "dev.sigstore.cosign/bundle";
/// The timestamp, in JSON.
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";
/// The annotations that count. The chain (`dev.sigstore.cosign/chain`) is not among them: who issued a certificate is said
/// by the root that is trusted, and by nobody else.
const ANNOTATIONS: [&str; 4] = [SIGNATURE, CERTIFICATE, LOG_ENTRY, TIMESTAMP];

/// A layer with what counts of its annotations, in one piece, as the bytes of a [`crate::Candidate`].
///
/// The same layer has always the same bytes. It tells what it is, so that nobody takes it for a form that is accepted
/// without question, wherever it is kept meanwhile.
pub fn pack_layer(
    media_type: &str,
    annotations: &BTreeMap<String, String>,
    content: &[u8],
) -> Vec<u8> {
    let known = |name: &&str| annotations.get_key_value(*name);
    let annotations = ANNOTATIONS.iter().filter_map(known);
    let header = Header {
        media_type: media_type.to_owned(),
        annotations: annotations.map(|(name, value)| (name.clone(), value.clone())).collect(),
    };
    // A structure of strings has nothing in it that JSON can not say.
    let header = serde_json::to_vec(&header).unwrap_or_default();
    [MAGIC, &header, b"\n", content].concat()
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    media_type: String,
    annotations: BTreeMap<String, String>,
}

/// A layer as it was packed.
#[derive(Debug)]
pub(crate) struct Layer<'a> {
    header: Header,
    content: &'a [u8],
}

/// What a layer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// An envelope, with a statement where it is a good one.
    Attestation,
    /// A signature over a text that names an image.
    Signature {
        /// The image that the text names.
        image: Option<Digest>,
    },
}

impl<'a> Layer<'a> {
    /// Reads what [`pack_layer`] has written; nothing, where it is something else.
    pub(crate) fn unpack(bytes: &'a [u8]) -> Option<Result<Self, Error>> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let (header, content) = rest.split_at(end);
        let content = content.get(1..).unwrap_or_default();
        Some(at_most(header, WHAT, LONGEST_HEADER).and_then(|()| {
            let header = json::parse(header).and_then(serde_json::from_value).map_err(malformed)?;
            Ok(Self { header, content })
        }))
    }

    /// What it is, by its media type.
    pub(crate) fn form(&self) -> Result<Form, Error> {
        match self.header.media_type.as_str() {
            ENVELOPE => Ok(Form::Attestation),
            SIMPLE_SIGNING => Ok(Form::Signature { image: self.image() }),
            other => Err(Error::OtherDocument {
                expected: "a layer of cosign's",
                found: format!("a layer of type `{}`", excerpt(other)),
            }),
        }
    }

    /// The digest of its content.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(self.content)
    }

    /// The payload of its envelope, whoever signed it.
    pub(crate) fn payload_unverified(&self, limits: &Limits) -> Option<Vec<u8>> {
        let envelope = crate::Envelope::parse(self.content, limits).ok()?;
        Some(envelope.payload_unverified().to_vec())
    }

    /// The bundle v0.1 that says the same.
    pub(crate) fn to_bundle(&self, limits: &Limits) -> Result<Bundle, Error> {
        at_most(self.content, WHAT, limits.evidence)?;
        let (name, content) = match self.form()? {
            Form::Attestation => ("dsseEnvelope", json::parse(self.content).map_err(malformed)?),
            Form::Signature { .. } => {
                let signature = self.annotation(SIGNATURE).unwrap_or_default();
                let digest = STANDARD.encode(self.digest().as_bytes());
                let message = json!({
                    "messageDigest": {"algorithm": "SHA2_256", "digest": digest},
                    "signature": signature,
                });
                ("messageSignature", message)
            }
        };
        let mut bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
            "verificationMaterial": self.material()?,
        });
        if let Some(fields) = bundle.as_object_mut() {
            fields.insert(name.to_owned(), content);
        }
        let bundle = bundle.to_string();
        Ok(Bundle::parse(bundle.as_bytes(), limits)?.standing_for(self.content))
    }

    fn annotation(&self, name: &'static str) -> Option<&str> {
        self.header.annotations.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Certificate or key, log entry and timestamp.
    fn material(&self) -> Result<Value, Error> {
        let mut material = match self.annotation(CERTIFICATE) {
            Some(certificate) => {
                let block = pem::parse(certificate).ok().filter(|pem| pem.tag() == "CERTIFICATE");
                let block = block.ok_or_else(|| not(CERTIFICATE, "a certificate in PEM"))?;
                let leaf = json!({"rawBytes": STANDARD.encode(block.contents())});
                json!({"x509CertificateChain": {"certificates": [leaf]}})
            }
            // A key is named nowhere: every key that is trusted may have signed.
            None => json!({"publicKey": {"hint": ""}}),
        };
        let fields = [
            ("tlogEntries", self.annotation(LOG_ENTRY).map(log_entry).transpose()?),
            ("timestampVerificationData", self.annotation(TIMESTAMP).map(timestamp).transpose()?),
        ];
        for (name, value) in fields {
            if let (Some(value), Some(object)) = (value, material.as_object_mut()) {
                object.insert(name.to_owned(), value);
            }
        }
        Ok(material)
    }

    /// The image that the signed text names.
    fn image(&self) -> Option<Digest> {
        at_most(self.content, WHAT, LONGEST_HEADER).ok()?;
        let text = json::parse(self.content).ok()?;
        text.pointer("/critical/image/docker-manifest-digest")?.as_str()?.parse().ok()
    }
}

/// `{"SignedEntryTimestamp": …, "Payload": {"body": …, "integratedTime": …, "logIndex": …, "logID": …}}`: an entry of
/// Rekor v1 with its promise, and without a proof.
fn log_entry(annotation: &str) -> Result<Value, Error> {
    let expected = || not(LOG_ENTRY, "an entry of Rekor's with its promise");
    let read = || -> Option<Value> {
        let entry = json::parse(annotation.as_bytes()).ok()?;
        let (promise, payload) =
            (entry.get("SignedEntryTimestamp")?.as_str()?, entry.get("Payload")?);
        let body = payload.get("body")?.as_str()?;
        let document = json::parse(&STANDARD.decode(body).ok()?).ok()?;
        let log = hex::decode(payload.get("logID")?.as_str()?).ok()?;
        Some(json!([{
            "logIndex": payload.get("logIndex")?.as_u64()?.to_string(),
            "logId": {"keyId": STANDARD.encode(log)},
            "kindVersion": {
                "kind": document.get("kind")?.as_str()?,
                "version": document.get("apiVersion")?.as_str()?,
            },
            "integratedTime": payload.get("integratedTime")?.as_u64()?.to_string(),
            "inclusionPromise": {"signedEntryTimestamp": promise},
            "canonicalizedBody": body,
        }]))
    };
    read().ok_or_else(expected)
}

/// `{"SignedRFC3161Timestamp": …}`.
fn timestamp(annotation: &str) -> Result<Value, Error> {
    let read = || -> Option<Value> {
        let document = json::parse(annotation.as_bytes()).ok()?;
        let stamp = document.get("SignedRFC3161Timestamp")?.as_str()?;
        Some(json!({"rfc3161Timestamps": [{"signedTimestamp": stamp}]}))
    };
    read().ok_or_else(|| not(TIMESTAMP, "a signed timestamp"))
}

const fn not(name: &'static str, expected: &'static str) -> Error {
    Error::Annotation { name, expected }
}

fn malformed(source: serde_json::Error) -> Error {
    Error::Malformed { what: WHAT, source }
}
