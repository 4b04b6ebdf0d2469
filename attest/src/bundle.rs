//! Sigstore bundles: an envelope, or a bare signature, with what is needed to verify it.
//!
//! Versions 0.1 to 0.3 are read, 0.3 is written:
//! <https://github.com/sigstore/protobuf-specs/blob/v0.4.0/protos/sigstore_bundle.proto>

use crate::{
    Envelope, Error, Statement,
    envelope::{sign_payload, within},
    json,
    signers::KeySigner,
    statement::IN_TOTO_PAYLOAD_TYPE,
    text::excerpt,
};
use plimsoll_model::{Digest, Limits};
use serde::Serialize;
use serde_json::Value;
use sigstore_types::{
    DsseEnvelope, MediaType, MessageSignature, SignatureContent, VerificationMaterial,
    VerificationMaterialContent,
};

/// Media type of a bundle, as a file, a layer and an artifact.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const WHAT: &str = "a Sigstore bundle";
/// The most log entries, timestamps and certificates that are looked at.
const MATERIAL_LIMIT: usize = 32;

/// A bundle, with the bytes that it came from. Nothing of it is verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    bytes: Vec<u8>,
    version: MediaType,
    pub(crate) claimed_signer: ClaimedSigner,
    pub(crate) content: Content,
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
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// An envelope with one signature.
    Envelope(Box<sigstore_types::Bundle>),
    /// A bare message that is elsewhere.
    Message(Box<sigstore_types::Bundle>),
    /// An envelope with another number of signatures.
    Signatures(usize),
}

impl Bundle {
    /// Reads a bundle of at most `limits.evidence` bytes, with at most 32 log entries and as many timestamps.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        within(bytes, WHAT, limits)?;
        let mut root = json::parse(bytes).map_err(malformed)?;
        let version = version(&root)?;
        let mut take = |field: &str| root.get_mut(field).map(Value::take);
        let (envelope, message) = (take("dsseEnvelope"), take("messageSignature"));
        let material = take("verificationMaterial").unwrap_or_default();
        one_of(
            "`publicKey`, `certificate` and `x509CertificateChain`",
            ["publicKey", "certificate", "x509CertificateChain"].map(|name| material.get(name)),
        )?;
        one_of("`dsseEnvelope` and `messageSignature`", [envelope.as_ref(), message.as_ref()])?;
        few(&material)?;
        let material: VerificationMaterial = serde_json::from_value(material).map_err(malformed)?;
        fits(version, &material)?;
        let claimed_signer = match &material.content {
            VerificationMaterialContent::PublicKey(key) => {
                ClaimedSigner::Key { hint: key.hint.clone() }
            }
            VerificationMaterialContent::Certificate(_)
            | VerificationMaterialContent::X509CertificateChain { .. }
            | _ => ClaimedSigner::Certificate,
        };
        let content = content((version, material), (envelope, message))?;
        Ok(Self { bytes: bytes.to_vec(), version, claimed_signer, content })
    }

    /// The bytes, as they were read or written.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// The same, as the form in which other bytes are read.
    pub(crate) fn standing_for(self, bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), ..self }
    }

    /// Digest of the bytes that it came from.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// Its version (`0.3`).
    pub(crate) const fn version(&self) -> &'static str {
        match self.version {
            MediaType::Bundle0_1 => "0.1",
            MediaType::Bundle0_2 => "0.2",
            MediaType::Bundle0_3 | _ => "0.3",
        }
    }

    /// The signature with its certificates, logs and timestamps; absent where there is not exactly one.
    pub(crate) fn inner(&self) -> Option<&sigstore_types::Bundle> {
        match &self.content {
            Content::Envelope(bundle) | Content::Message(bundle) => Some(bundle),
            Content::Signatures(_) => None,
        }
    }
}

fn malformed(source: serde_json::Error) -> Error {
    Error::Malformed { what: WHAT, source }
}

fn version(root: &Value) -> Result<MediaType, Error> {
    let found = root.get("mediaType").and_then(Value::as_str);
    found.and_then(|text| text.parse().ok()).ok_or_else(|| Error::UnsupportedBundle {
        found: found.map_or_else(|| "no media type".to_owned(), excerpt),
    })
}

/// That no list in the material is longer than anybody's is.
fn few(material: &Value) -> Result<(), Error> {
    for (pointer, of) in [
        ("/tlogEntries", "log entries"),
        ("/timestampVerificationData/rfc3161Timestamps", "timestamps"),
        ("/x509CertificateChain/certificates", "certificates"),
    ] {
        let found = material.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
        if found > MATERIAL_LIMIT {
            return Err(Error::TooMany { of, found, limit: MATERIAL_LIMIT });
        }
    }
    Ok(())
}

/// That the material is what the version allows: 0.3 has one certificate and no chain. Log ids are SHA-256.
fn fits(version: MediaType, material: &VerificationMaterial) -> Result<(), Error> {
    if let VerificationMaterialContent::X509CertificateChain { certificates } = &material.content {
        if version == MediaType::Bundle0_3 {
            return Err(Error::MisplacedMaterial {
                what: "a chain of certificates",
                version: "0.3",
            });
        }
        if certificates.is_empty() {
            return Err(Error::AmbiguousBundle { found: 0, of: "certificates" });
        }
    }
    if material.tlog_entries.iter().any(|entry| entry.log_id.key_id.as_bytes().len() != 32) {
        return Err(Error::MisplacedMaterial {
            what: "a log id that is no SHA-256",
            version: "any",
        });
    }
    Ok(())
}

/// What is signed, put together with what it was taken from.
fn content(
    (version, material): (MediaType, VerificationMaterial),
    (envelope, message): (Option<Value>, Option<Value>),
) -> Result<Content, Error> {
    let bundle = |content| Box::new(sigstore_types::Bundle::new(version, material, content));
    let Some(envelope) = envelope else {
        let message: MessageSignature =
            serde_json::from_value(message.unwrap_or_default()).map_err(malformed)?;
        return Ok(Content::Message(bundle(SignatureContent::MessageSignature(message))));
    };
    if let Some(signatures) = envelope.get("signatures").and_then(Value::as_array)
        && signatures.len() != 1
    {
        return Ok(Content::Signatures(signatures.len()));
    }
    let envelope: DsseEnvelope = serde_json::from_value(envelope).map_err(malformed)?;
    Ok(Content::Envelope(bundle(SignatureContent::DsseEnvelope(envelope))))
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
    fn bytes_stay_as_they_were() {
        let pretty = serde_json::to_string_pretty(
            &serde_json::from_slice::<Value>(&bundle().to_bytes()).unwrap(),
        )
        .unwrap();
        let read = Bundle::parse(pretty.as_bytes(), &Limits::STANDARD).unwrap();
        assert_eq!(read.to_bytes(), pretty.as_bytes());
    }

    #[test]
    fn a20_other_versions_are_refused() {
        assert!(change(|_| ()).is_ok());
        let media_type =
            |version| format!("application/vnd.dev.sigstore.bundle+json;version={version}");
        for version in ["0.1", "0.2", "0.3"] {
            let read = change(|value| value["mediaType"] = media_type(version).into());
            assert_eq!(read.unwrap().version(), version);
        }
        for version in ["0.4", "0", "0.3 ", ""] {
            let media_type = media_type(version);
            assert!(matches!(
                change(|value| value["mediaType"] = media_type.as_str().into()),
                Err(Error::UnsupportedBundle { found }) if found == media_type
            ));
        }
        assert!(matches!(
            change(|value| drop(value.as_object_mut().unwrap().remove("mediaType"))),
            Err(Error::UnsupportedBundle { .. })
        ));
    }

    #[test]
    fn a20_two_of_a_kind_are_refused() {
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
            drop(read);
            let cut = cut.index(bytes.len());
            prop_assert!(Bundle::parse(&bytes[..cut], &Limits::STANDARD).is_err());
        }
    }
}
