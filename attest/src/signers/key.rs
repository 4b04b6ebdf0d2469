//! Signing by a key: ECDSA on P-256 with SHA-256 (ASN.1 signatures), and Ed25519.
//!
//! Private keys are PKCS#8 in PEM, plain or encrypted as cosign does it: JSON with scrypt and nacl/secretbox.

use crate::{
    Error, PublicKey,
    public_key::{parse_pem, to_pem},
    text::excerpt,
};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sigstore::crypto::signing_key::kdf;
use std::fmt;
use zeroize::Zeroizing;

const LABEL: &str = "PRIVATE KEY";
const LABEL_ENCRYPTED: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
const LABEL_ENCRYPTED_COSIGN: &str = "ENCRYPTED COSIGN PRIVATE KEY";
const WHAT: &str = "private key";
/// Bytes of a secretbox nonce.
const NONCE_LENGTH: usize = 24;

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256 with SHA-256: what cosign makes.
    EcdsaP256,
    /// Ed25519.
    Ed25519,
}

/// Signs with a private key.
pub struct KeySigner {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    EcdsaP256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A private key as PEM. It does not show itself, and is wiped from memory when it is dropped.
#[derive(Clone)]
pub struct PrivatePem(Zeroizing<String>);

impl KeySigner {
    /// A new key.
    pub fn generate(kind: KeyKind) -> Result<Self, Error> {
        let pair = match kind {
            KeyKind::EcdsaP256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map(Pair::EcdsaP256)
            }
            KeyKind::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
        };
        Self::of(pair.ok().ok_or(Error::Cryptography { attempt: "make a key" })?)
    }

    /// Reads one private key. A password that a plain key does not need is not used.
    pub fn from_pem(text: &str, password: Option<&str>) -> Result<Self, Error> {
        let [block] = parse_pem(text, WHAT)?;
        let label = excerpt(block.tag());
        let contents = Zeroizing::new(block.into_contents());
        match label.as_str() {
            LABEL => Self::from_pkcs8(&contents),
            LABEL_ENCRYPTED | LABEL_ENCRYPTED_COSIGN => {
                let password = password.ok_or(Error::PasswordMissing)?;
                Self::from_pkcs8(&decrypt(&contents, password)?)
            }
            "RSA PRIVATE KEY" => Err(Error::UnsupportedKey { found: "RSA" }),
            _ => Err(Error::KeyLabel {
                expected: "PEM of `PRIVATE KEY` (PKCS#8) or `ENCRYPTED SIGSTORE PRIVATE KEY`",
                found: label,
            }),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der) {
            return Self::of(Pair::EcdsaP256(pair));
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return Self::of(Pair::Ed25519(pair));
        }
        Err(match kind_in_der(der) {
            Some(found) => Error::UnsupportedKey { found },
            None => Error::MalformedKey { what: WHAT },
        })
    }

    fn of(pair: Pair) -> Result<Self, Error> {
        let public = match &pair {
            Pair::EcdsaP256(pair) => {
                PublicKey::of_point(KeyKind::EcdsaP256, pair.public_key().as_ref())
            }
            Pair::Ed25519(pair) => {
                PublicKey::of_point(KeyKind::Ed25519, pair.public_key().as_ref())
            }
        }?;
        Ok(Self { pair, public })
    }

    /// The public key that verifies its signatures.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = match &self.pair {
            Pair::EcdsaP256(pair) => pair.sign(&SystemRandom::new(), message),
            Pair::Ed25519(pair) => pair.try_sign(message),
        };
        signature
            .map(|signature| signature.as_ref().to_vec())
            .ok()
            .ok_or(Error::Cryptography { attempt: "sign" })
    }

    /// The private key, plain.
    pub fn to_pem(&self) -> Result<PrivatePem, Error> {
        Ok(PrivatePem(to_pem(LABEL, &self.to_pkcs8()?).into()))
    }

    /// The private key, encrypted as cosign does it.
    pub fn to_encrypted_pem(&self, password: &str) -> Result<PrivatePem, Error> {
        let sealed = kdf::encrypt(&self.to_pkcs8()?, password.as_bytes());
        let sealed = sealed.ok().ok_or(Error::Cryptography { attempt: "encrypt a key" })?;
        Ok(PrivatePem(to_pem(LABEL_ENCRYPTED, &sealed).into()))
    }

    fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        // Version 1 for both: it is the one that everybody reads.
        let document = match &self.pair {
            Pair::EcdsaP256(pair) => pair.to_pkcs8v1(),
            Pair::Ed25519(pair) => pair.to_pkcs8v1(),
        };
        document
            .map(|document| document.as_ref().to_vec().into())
            .ok()
            .ok_or(Error::Cryptography { attempt: "encode a key" })
    }
}

/// Names the key, by its public half.
impl fmt::Debug for KeySigner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeySigner({})", self.public.id())
    }
}

impl PrivatePem {
    /// The text, to be written to where only its owner can read it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PrivatePem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("…")
    }
}

/// Opens what [`kdf::encrypt`], or cosign, has sealed.
fn decrypt(sealed: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let json: Value = serde_json::from_slice(sealed)
        .map_err(|source| Error::Malformed { what: "the encrypted private key", source })?;
    // `kdf` does not look at the length of the nonce before it is used, and would panic.
    let nonce = json.pointer("/cipher/nonce").and_then(Value::as_str);
    let nonce = nonce.and_then(|text| STANDARD.decode(text).ok()).map(|nonce| nonce.len());
    if nonce != Some(NONCE_LENGTH) || !is_known_sealing(&json) {
        return Err(Error::UnsupportedEncryption);
    }
    let opened = kdf::decrypt(sealed, password.as_bytes());
    opened.map(Zeroizing::new).ok().ok_or(Error::WrongPassword)
}

/// Whether the algorithms and parameters are those that are read: anything costlier is refused before it is tried.
fn is_known_sealing(json: &Value) -> bool {
    let is_text = |pointer: &str, expect: &str| json.pointer(pointer) == Some(&expect.into());
    let number = |pointer: &str| json.pointer(pointer).and_then(Value::as_u64);
    let is_base64 = |pointer: &str| {
        json.pointer(pointer)
            .and_then(Value::as_str)
            .is_some_and(|text| STANDARD.decode(text).is_ok())
    };
    is_text("/kdf/name", "scrypt")
        && is_text("/cipher/name", "nacl/secretbox")
        && matches!(number("/kdf/params/N"), Some(32_768 | 65_536))
        && number("/kdf/params/r") == Some(8)
        && number("/kdf/params/p") == Some(1)
        && is_base64("/kdf/salt")
        && is_base64("/ciphertext")
}

/// The kind of a key that is not supported, as the object identifiers at its beginning name it.
pub(crate) fn kind_in_der(der: &[u8]) -> Option<&'static str> {
    const KINDS: &[(&[u8], &str)] = &[
        (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01], "RSA"),
        (&[0x2b, 0x81, 0x04, 0x00, 0x22], "ECDSA P-384"),
        (&[0x2b, 0x81, 0x04, 0x00, 0x23], "ECDSA P-521"),
        (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "ECDSA secp256k1"),
        (&[0x2b, 0x65, 0x71], "Ed448"),
        (&[0x2b, 0x65, 0x6e], "X25519"),
        (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03], "ML-DSA"),
    ];
    // Length, version and algorithm: the identifiers are within the first 40 bytes of any of these.
    let head = der.get(..der.len().min(40))?;
    KINDS
        .iter()
        .find(|(oid, _)| head.windows(oid.len()).any(|window| window == *oid))
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [KeyKind; 2] = [KeyKind::EcdsaP256, KeyKind::Ed25519];
    /// RFC 8032 §7.1, test 3: the secret key, and the signature of `af82`.
    const RFC8032_SEED: &str = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
    const RFC8032_SIGNATURE: &str = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";

    fn is_same(left: &KeySigner, right: &KeySigner) -> bool {
        let signature = left.sign(b"message").unwrap();
        left.public_key() == right.public_key()
            && right.public_key().verify(b"message", &signature).is_ok()
    }

    #[test]
    fn the_published_key_makes_the_published_signature() {
        let der = hex::decode(format!("302e020100300506032b657004220420{RFC8032_SEED}")).unwrap();
        let signer = KeySigner::from_pem(&to_pem(LABEL, &der), None).unwrap();
        assert_eq!(hex::encode(signer.sign(&[0xaf, 0x82]).unwrap()), RFC8032_SIGNATURE);
    }

    #[test]
    fn plain_keys_round_trip_and_are_what_they_were() {
        for kind in KINDS {
            let signer = KeySigner::generate(kind).unwrap();
            let pem = signer.to_pem().unwrap();
            assert!(pem.expose().starts_with("-----BEGIN PRIVATE KEY-----\n"), "{kind:?}");
            assert!(!pem.expose().contains('\r'));
            assert!(is_same(&signer, &KeySigner::from_pem(pem.expose(), None).unwrap()));
            assert!(is_same(&signer, &KeySigner::from_pem(pem.expose(), Some("x")).unwrap()));
            assert!(!is_same(&signer, &KeySigner::generate(kind).unwrap()));
        }
    }

    #[test]
    fn encrypted_keys_open_with_their_password_alone() {
        for kind in KINDS {
            let signer = KeySigner::generate(kind).unwrap();
            let pem = signer.to_encrypted_pem("correct horse").unwrap();
            let open = |password| KeySigner::from_pem(pem.expose(), password);
            assert!(is_same(&signer, &open(Some("correct horse")).unwrap()), "{kind:?}");
            assert!(matches!(open(Some("wrong")), Err(Error::WrongPassword)));
            assert!(matches!(open(Some("")), Err(Error::WrongPassword)));
            assert!(matches!(open(None), Err(Error::PasswordMissing)));
            // As cosign 2 labelled it.
            let older = pem.expose().replace("SIGSTORE", "COSIGN");
            assert!(is_same(&signer, &KeySigner::from_pem(&older, Some("correct horse")).unwrap()));
        }
    }

    #[test]
    fn encrypted_keys_are_what_sigstore_reads() {
        use sigstore::crypto::signing_key::SigStoreKeyPair;
        for kind in KINDS {
            let signer = KeySigner::generate(kind).unwrap();
            let pem = signer.to_encrypted_pem("p").unwrap();
            let theirs =
                SigStoreKeyPair::from_encrypted_pem(pem.expose().as_bytes(), b"p").unwrap();
            let theirs = PublicKey::from_pem(&theirs.public_key_to_pem().unwrap()).unwrap();
            assert_eq!(&theirs, signer.public_key(), "{kind:?}");
        }
    }

    #[test]
    fn a_sealing_that_would_cost_or_panic_is_refused_before_it_is_tried() {
        let signer = KeySigner::generate(KeyKind::Ed25519).unwrap();
        let pem = signer.to_encrypted_pem("p").unwrap();
        let [block] = parse_pem(pem.expose(), WHAT).unwrap();
        let change = |pointer: &str, value: Value| {
            let mut json: Value = serde_json::from_slice(block.contents()).unwrap();
            *json.pointer_mut(pointer).unwrap() = value;
            let pem = to_pem(LABEL_ENCRYPTED, json.to_string().as_bytes());
            KeySigner::from_pem(&pem, Some("p"))
        };
        let salt: Value = serde_json::from_slice(block.contents()).unwrap();
        assert!(change("/kdf/salt", salt["kdf"]["salt"].clone()).is_ok());
        for (pointer, value) in [
            ("/kdf/params/N", Value::from(1_u64 << 30)),
            ("/kdf/params/N", 0.into()),
            ("/kdf/params/r", 1_000_000.into()),
            ("/kdf/params/p", 0.into()),
            ("/kdf/name", "pbkdf2".into()),
            ("/kdf/salt", "!".into()),
            ("/cipher/name", "none".into()),
            ("/cipher/nonce", "AAAA".into()),
            ("/cipher/nonce", Value::Null),
            ("/ciphertext", "!".into()),
        ] {
            let found = change(pointer, value.clone());
            assert!(matches!(found, Err(Error::UnsupportedEncryption)), "{pointer} {value}");
        }
        let no_json = to_pem(LABEL_ENCRYPTED, b"x");
        assert!(matches!(KeySigner::from_pem(&no_json, Some("p")), Err(Error::Malformed { .. })));
    }

    #[test]
    fn a19_other_keys_are_named_and_broken_ones_refused() {
        let read = |label: &str, der: &[u8]| KeySigner::from_pem(&to_pem(label, der), None);
        let rsa = hex::decode("308204be020100300d06092a864886f70d0101010500").unwrap();
        assert!(matches!(read(LABEL, &rsa), Err(Error::UnsupportedKey { found: "RSA" })));
        assert!(matches!(
            read("RSA PRIVATE KEY", b"x"),
            Err(Error::UnsupportedKey { found: "RSA" })
        ));
        assert!(matches!(read(LABEL, b"x"), Err(Error::MalformedKey { .. })));
        assert!(matches!(
            read("EC PRIVATE KEY", b"x"),
            Err(Error::KeyLabel { found, .. }) if found == "EC PRIVATE KEY"
        ));
        assert!(matches!(
            read("ENCRYPTED PRIVATE KEY", b"x"),
            Err(Error::KeyLabel { found, .. }) if found == "ENCRYPTED PRIVATE KEY"
        ));
        assert!(matches!(KeySigner::from_pem("", None), Err(Error::MalformedKey { .. })));
    }

    #[test]
    fn e8_a_private_key_does_not_show_itself() {
        let signer = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
        let pem = signer.to_pem().unwrap();
        assert_eq!(format!("{pem:?}"), "…");
        assert_eq!(format!("{signer:?}"), format!("KeySigner({})", signer.public_key().id()));
    }
}
