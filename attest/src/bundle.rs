//! Sigstore bundle v0.3: an envelope with what is needed to verify it.
//!
//! <https://github.com/sigstore/protobuf-specs/blob/v0.4.0/protos/sigstore_bundle.proto>

use crate::{
    Envelope, Error, Statement,
    envelope::{sign_payload, within},
    json,
    signers::KeySigner,
    statement::{IN_TOTO_PAYLOAD_TYPE, ReadStatement},
    text::excerpt,
};
use plimsoll_model::Limits;
use serde::Serialize;
use serde_json::Value;
use sigstore_types::{VerificationMaterial, VerificationMaterialContent};

/// Media type of a bundle, as a file, a layer and an artifact.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// How the first writers of v0.3 spelled it.
const BUNDLE_MEDIA_TYPE_EARLY: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";
const WHAT: &str = "a Sigstore bundle";

/// A bundle, with the bytes that it came from. Nothing of it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    bytes: Vec<u8>,
    pub(crate) claimed_signer: ClaimedSigner,
    pub(crate) content: Content,
    pub(crate) log_entries: usize,
    pub(crate) timestamps: usize,
}

/// Who signed, by the bundle's own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClaimedSigner {
    /// A key, with a hint which; often, but not always, base64 of the SHA-256 of its `SubjectPublicKeyInfo`.
    Key { hint: String },
    /// The holder of the certificate in the bundle.
    Certificate,
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// An envelope.
    Envelope(Envelope),
    /// A bare message that is elsewhere.
    Message,
}

impl Bundle {
    /// Reads a bundle v0.3 of at most `limits.evidence` bytes.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        let malformed = |source| Error::Malformed { what: WHAT, source };
        within(bytes, WHAT, limits)?;
        let mut root = json::parse(bytes).map_err(malformed)?;
        match root.get("mediaType").and_then(Value::as_str) {
            Some(BUNDLE_MEDIA_TYPE | BUNDLE_MEDIA_TYPE_EARLY) => {}
            other => {
                let found = other.map_or_else(|| "no media type".to_owned(), excerpt);
                return Err(Error::UnsupportedBundle { found });
            }
        }
        let mut take = |field: &str| root.get_mut(field).map(Value::take);
        let (envelope, message) = (take("dsseEnvelope"), take("messageSignature"));
        let material = take("verificationMaterial").unwrap_or_default();
        one_of(
            "`publicKey`, `certificate` and `x509CertificateChain`",
            ["publicKey", "certificate", "x509CertificateChain"].map(|name| material.get(name)),
        )?;
        one_of("`dsseEnvelope` and `messageSignature`", [envelope.as_ref(), message.as_ref()])?;
        let material: VerificationMaterial = serde_json::from_value(material).map_err(malformed)?;
        let claimed_signer = match material.content {
            VerificationMaterialContent::PublicKey(key) => ClaimedSigner::Key { hint: key.hint },
            VerificationMaterialContent::Certificate(_)
            | VerificationMaterialContent::X509CertificateChain { .. }
            | _ => ClaimedSigner::Certificate,
        };
        Ok(Self {
            bytes: bytes.to_vec(),
            log_entries: material.tlog_entries.len(),
            timestamps: material.timestamp_verification_data.rfc3161_timestamps.len(),
            claimed_signer,
            content: match envelope {
                Some(envelope) => {
                    Content::Envelope(serde_json::from_value(envelope).map_err(malformed)?)
                }
                None => Content::Message,
            },
        })
    }

    /// The bytes, as they were read or written.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// What it claims to state, for annotations and for picking candidates; nothing of it is verified.
    pub fn predicate_type(&self) -> Option<String> {
        match &self.content {
            Content::Envelope(envelope) => {
                let statement = ReadStatement::parse(envelope.payload_unverified()).ok()?;
                Some(statement.predicate_type)
            }
            Content::Message => None,
        }
    }
}

/// That exactly one of some fields is there: a reader that takes the other one would see something else.
fn one_of<const N: usize>(of: &'static str, fields: [Option<&Value>; N]) -> Result<(), Error> {
    match fields.into_iter().flatten().count() {
        1 => Ok(()),
        found => Err(Error::AmbiguousBundle { found, of }),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireBundle<'a> {
    media_type: &'static str,
    verification_material: WireMaterial,
    dsse_envelope: &'a Envelope,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireMaterial {
    public_key: WirePublicKey,
}

#[derive(Serialize)]
struct WirePublicKey {
    hint: String,
}

/// Signs a statement.
///
/// [`Error::TooLarge`] where the bundle would be over [`Limits::STANDARD`]: what nobody reads back is not signed.
pub fn sign(statement: &Statement, signer: &KeySigner) -> Result<Bundle, Error> {
    let envelope = sign_payload(IN_TOTO_PAYLOAD_TYPE, &statement.to_bytes(), signer)?;
    let wire = WireBundle {
        media_type: BUNDLE_MEDIA_TYPE,
        verification_material: WireMaterial {
            public_key: WirePublicKey { hint: signer.public_key().hint() },
        },
        dsse_envelope: &envelope,
    };
    // A structure of strings has nothing in it that JSON can not say.
    Bundle::parse(&serde_json::to_vec(&wire).unwrap_or_default(), &Limits::STANDARD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StatementSubject, signers::KeyKind};
    use plimsoll_model::Digest;
    use proptest::prelude::*;
    use serde_json::json;

    fn bundle() -> Bundle {
        let subject = StatementSubject { name: "app".into(), digest: Digest::of(b"app") };
        let statement = Statement::new(vec![subject], "https://slsa.dev/x", json!({})).unwrap();
        sign(&statement, &KeySigner::generate(KeyKind::EcdsaP256).unwrap()).unwrap()
    }

    fn change(edit: impl FnOnce(&mut Value)) -> Result<Bundle, Error> {
        let mut value: Value = serde_json::from_slice(&bundle().to_bytes()).unwrap();
        edit(&mut value);
        Bundle::parse(value.to_string().as_bytes(), &Limits::STANDARD)
    }

    #[test]
    fn a_bundle_has_these_fields_and_no_others() {
        let bytes = bundle().to_bytes();
        let mut value: Value = serde_json::from_slice(&bytes).unwrap();
        let hint = value["verificationMaterial"]["publicKey"]["hint"].take();
        assert_eq!(hint.as_str().unwrap().len(), 44);
        let envelope = &mut value["dsseEnvelope"];
        assert!(envelope["payload"].take().is_string());
        assert!(envelope["signatures"][0]["sig"].take().is_string());
        assert_eq!(
            value,
            json!({
                "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "verificationMaterial": {"publicKey": {"hint": null}},
                "dsseEnvelope": {
                    "payload": null,
                    "payloadType": "application/vnd.in-toto+json",
                    "signatures": [{"sig": null, "keyid": ""}],
                },
            })
        );
    }

    #[test]
    fn bytes_stay_as_they_were_and_the_predicate_type_can_be_seen() {
        let pretty = serde_json::to_string_pretty(
            &serde_json::from_slice::<Value>(&bundle().to_bytes()).unwrap(),
        )
        .unwrap();
        let read = Bundle::parse(pretty.as_bytes(), &Limits::STANDARD).unwrap();
        assert_eq!(read.to_bytes(), pretty.as_bytes());
        assert_eq!(read.predicate_type().as_deref(), Some("https://slsa.dev/x"));
    }

    #[test]
    fn a20_other_versions_and_two_of_a_kind_are_refused() {
        assert!(change(|_| ()).is_ok());
        assert!(change(|value| value["mediaType"] = BUNDLE_MEDIA_TYPE_EARLY.into()).is_ok());
        for version in ["0.1", "0.2", "0.4"] {
            let media_type = format!("application/vnd.dev.sigstore.bundle+json;version={version}");
            assert!(matches!(
                change(|value| value["mediaType"] = media_type.as_str().into()),
                Err(Error::UnsupportedBundle { found }) if found == media_type
            ));
        }
        assert!(matches!(
            change(|value| drop(value.as_object_mut().unwrap().remove("mediaType"))),
            Err(Error::UnsupportedBundle { .. })
        ));
        assert!(matches!(
            change(
                |value| value["verificationMaterial"]["certificate"] = json!({"rawBytes": "AAAA"})
            ),
            Err(Error::AmbiguousBundle { found: 2, .. })
        ));
        assert!(matches!(
            change(|value| value["verificationMaterial"] = json!({})),
            Err(Error::AmbiguousBundle { found: 0, .. })
        ));
        assert!(matches!(
            change(|value| value["messageSignature"] = json!({"signature": "AAAA"})),
            Err(Error::AmbiguousBundle { found: 2, .. })
        ));
    }

    proptest! {
        #[test]
        fn a16_no_input_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            drop(Bundle::parse(&bytes, &Limits::STANDARD));
        }

        #[test]
        fn a16_no_damage_makes_the_reader_panic(at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>()) {
            let mut bytes = bundle().to_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let read = Bundle::parse(&bytes, &Limits::STANDARD);
            drop(read.map(|bundle| bundle.predicate_type()));
            let cut = cut.index(bytes.len());
            prop_assert!(Bundle::parse(&bytes[..cut], &Limits::STANDARD).is_err());
        }
    }
}
