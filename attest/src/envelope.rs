//! DSSE: a payload, its type, and signatures over both.
//!
//! <https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md>

use crate::{Error, PublicKey, json, signers::KeySigner, text::excerpt};
use plimsoll_model::Limits;
use serde::{Deserialize, Serialize};
use sigstore_types::{PayloadBytes, SignatureBytes};

/// A payload with its type and signatures. Nothing of it is verified.
///
/// It is written with one signature and with an empty key id: some verifiers refuse an envelope without the field, and
/// others skip a signature whose id they would have spelled differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    payload: PayloadBytes,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct EnvelopeSignature {
    sig: SignatureBytes,
    #[serde(default)]
    keyid: Option<String>,
}

impl Envelope {
    /// Reads an envelope of at most `limits.evidence` bytes.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        const WHAT: &str = "a signature envelope";
        within(bytes, WHAT, limits)?;
        json::parse(bytes)
            .and_then(serde_json::from_value)
            .map_err(|source| Error::Malformed { what: WHAT, source })
    }

    /// Compact JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        // A structure of strings has nothing in it that JSON can not say.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What the payload claims to be.
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The bytes that are signed: the pre-authentication encoding of type and payload.
    pub fn pae(&self) -> Vec<u8> {
        sigstore_types::pae(&self.payload_type, self.payload.as_bytes())
    }

    /// The payload, whoever wrote it.
    pub(crate) fn payload_unverified(&self) -> &[u8] {
        self.payload.as_bytes()
    }

    /// That it holds one signature, over a payload of this type.
    pub(crate) fn expect(&self, payload_type: &str) -> Result<Signed<'_>, Error> {
        let [signature] = self.signatures.as_slice() else {
            return Err(Error::SignatureCount { found: self.signatures.len() });
        };
        if self.payload_type != payload_type {
            return Err(Error::PayloadType {
                expected: payload_type.to_owned(),
                found: excerpt(&self.payload_type),
            });
        }
        Ok(Signed { envelope: self, signature: signature.sig.as_bytes() })
    }
}

/// An envelope with one signature, over a payload of the expected type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed<'a> {
    envelope: &'a Envelope,
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// The key, of these, that made the signature, and the payload that it signed.
    pub(crate) fn verify<'k>(
        &self,
        keys: &[&'k PublicKey],
    ) -> Result<(&'k PublicKey, &'a [u8]), Error> {
        let pae = self.envelope.pae();
        keys.iter()
            .find(|key| key.verify(&pae, self.signature).is_ok())
            .map(|key| (*key, self.envelope.payload_unverified()))
            .ok_or_else(|| Error::NotSignedBy { keys: keys.iter().map(|key| key.id()).collect() })
    }
}

/// Signs any payload.
pub fn sign_payload(
    payload_type: &str,
    payload: &[u8],
    signer: &KeySigner,
) -> Result<Envelope, Error> {
    let mut envelope = Envelope {
        payload: payload.into(),
        payload_type: payload_type.to_owned(),
        signatures: Vec::new(),
    };
    let sig = signer.sign(&envelope.pae())?.into();
    envelope.signatures.push(EnvelopeSignature { sig, keyid: Some(String::new()) });
    Ok(envelope)
}

/// The payload of an envelope that one of `keys` has signed, of exactly this type.
///
/// [`Error::NoTrustedKey`] without keys: nothing to verify with is never verified.
pub fn open_payload(
    envelope: &[u8],
    payload_type: &str,
    keys: &[PublicKey],
    limits: &Limits,
) -> Result<Vec<u8>, Error> {
    if keys.is_empty() {
        return Err(Error::NoTrustedKey);
    }
    let envelope = Envelope::parse(envelope, limits)?;
    let keys: Vec<&PublicKey> = keys.iter().collect();
    let (_, payload) = envelope.expect(payload_type)?.verify(&keys)?;
    Ok(payload.to_vec())
}

/// That something is no larger than evidence may be.
pub(crate) fn within(bytes: &[u8], what: &'static str, limits: &Limits) -> Result<(), Error> {
    at_most(bytes, what, limits.evidence)
}

/// That something has at most `limit` bytes.
pub(crate) fn at_most(bytes: &[u8], what: &'static str, limit: u64) -> Result<(), Error> {
    if u64::try_from(bytes.len()).is_ok_and(|size| size <= limit) {
        Ok(())
    } else {
        Err(Error::TooLarge { what, limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signers::KeyKind;
    use serde_json::Value;

    const TYPE: &str = "application/vnd.example";

    fn signed() -> (KeySigner, Vec<u8>) {
        let signer = KeySigner::generate(KeyKind::Ed25519).unwrap();
        let bytes = sign_payload(TYPE, b"hello world", &signer).unwrap().to_bytes();
        (signer, bytes)
    }

    fn open(bytes: &[u8], payload_type: &str, signer: &KeySigner) -> Result<Vec<u8>, Error> {
        let keys = [signer.public_key().clone()];
        open_payload(bytes, payload_type, &keys, &Limits::STANDARD)
    }

    #[test]
    fn the_bytes_that_are_signed_are_those_of_the_specification() {
        let signer = KeySigner::generate(KeyKind::Ed25519).unwrap();
        let envelope =
            sign_payload("http://example.com/HelloWorld", b"hello world", &signer).unwrap();
        assert_eq!(envelope.pae(), b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        let envelope = sign_payload("", "é".as_bytes(), &signer).unwrap();
        assert_eq!(envelope.pae(), "DSSEv1 0  2 é".as_bytes());
    }

    #[test]
    fn a_payload_comes_out_as_it_went_in_and_for_its_own_type_and_key_alone() {
        let (signer, bytes) = signed();
        assert_eq!(open(&bytes, TYPE, &signer).unwrap(), b"hello world");
        assert!(matches!(
            open(&bytes, "application/vnd.other", &signer),
            Err(Error::PayloadType { found, .. }) if found == TYPE
        ));
        let (stranger, _) = signed();
        assert!(
            matches!(open(&bytes, TYPE, &stranger), Err(Error::NotSignedBy { keys }) if keys == [stranger.public_key().id()])
        );
        assert!(matches!(
            open_payload(&bytes, TYPE, &[], &Limits::STANDARD),
            Err(Error::NoTrustedKey)
        ));
    }

    #[test]
    fn a1_a_changed_payload_type_or_number_of_signatures_is_refused() {
        let (signer, bytes) = signed();
        let change = |edit: fn(&mut Value)| {
            let mut value: Value = serde_json::from_slice(&bytes).unwrap();
            edit(&mut value);
            open(value.to_string().as_bytes(), TYPE, &signer)
        };
        assert_eq!(change(|_| ()).unwrap(), b"hello world");
        assert!(matches!(
            change(|value| value["payload"] = "aGVsbG8gd29ybGQh".into()),
            Err(Error::NotSignedBy { .. })
        ));
        assert!(matches!(
            change(|value| value["signatures"] = Value::Array(vec![])),
            Err(Error::SignatureCount { found: 0 })
        ));
        assert!(matches!(
            change(|value| {
                let twice = vec![value["signatures"][0].clone(); 2];
                value["signatures"] = Value::Array(twice);
            }),
            Err(Error::SignatureCount { found: 2 })
        ));
        assert!(matches!(
            change(|value| value["payload"] = 1.into()),
            Err(Error::Malformed { .. })
        ));
    }

    #[test]
    fn an_envelope_over_the_limit_is_not_read() {
        let (signer, bytes) = signed();
        let keys = [signer.public_key().clone()];
        let with =
            |evidence| open_payload(&bytes, TYPE, &keys, &Limits { evidence, ..Limits::STANDARD });
        let size = u64::try_from(bytes.len()).unwrap();
        assert!(with(size).is_ok());
        assert!(matches!(with(size - 1), Err(Error::TooLarge { limit, .. }) if limit == size - 1));
    }
}
