//! Signing by a key: ECDSA on P-256 with SHA-256 and on P-384 with SHA-384 (ASN.1 signatures), and Ed25519.
//!
//! Private keys are PEM: PKCS#8, plain or encrypted as cosign does it (JSON with scrypt and nacl/secretbox), or SEC 1.

use super::{
    exec::{Program, Programs},
    pair::Pair,
};
use crate::{
    Error, PublicKey,
    public_key::{parse_pem, to_pem},
    text::excerpt,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sigstore::crypto::signing_key::kdf;
use std::fmt;
use zeroize::Zeroizing;

const LABEL: &str = "PRIVATE KEY";
const LABEL_ENCRYPTED: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
const LABEL_ENCRYPTED_COSIGN: &str = "ENCRYPTED COSIGN PRIVATE KEY";
const LABEL_SEC1: &str = "EC PRIVATE KEY";
/// What `openssl ecparam` writes before a key, which names its curve as well.
const LABEL_PARAMETERS: &str = "EC PARAMETERS";
const WHAT: &str = "private key";
/// The kinds of keys that sign.
pub(super) const SUPPORTED: &str = "ECDSA P-256, ECDSA P-384 or Ed25519";
/// Bytes of a secretbox nonce.
const NONCE_LENGTH: usize = 24;

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256 with SHA-256: what cosign makes.
    EcdsaP256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaP384,
    /// Ed25519.
    Ed25519,
}

/// Whoever signs with a private key of which the public half is known.
pub struct KeySigner {
    private: Private,
    public: PublicKey,
}

/// Where the private half is.
enum Private {
    /// In memory.
    Here(Pair),
    /// Wherever a program has it.
    Elsewhere(Program),
}

/// A private key as PEM. It does not show itself, and is wiped from memory when it is dropped.
#[derive(Clone)]
pub struct PrivatePem(Zeroizing<String>);

impl KeySigner {
    /// A new key.
    pub fn generate(kind: KeyKind) -> Result<Self, Error> {
        Self::of(Pair::generate(kind)?)
    }

    /// Reads one private key. A password that a plain key does not need is not used.
    pub fn from_pem(text: &str, password: Option<&str>) -> Result<Self, Error> {
        let [block] = parse_pem(text, WHAT, LABEL_PARAMETERS)?;
        let label = excerpt(block.tag());
        let contents = Zeroizing::new(block.into_contents());
        match label.as_str() {
            LABEL => Self::of(Pair::from_pkcs8(&contents)?),
            LABEL_SEC1 => Self::of(Pair::from_sec1(&contents)?),
            LABEL_ENCRYPTED | LABEL_ENCRYPTED_COSIGN => {
                let password = password.ok_or(Error::PasswordMissing)?;
                Self::of(Pair::from_pkcs8(&decrypt(&contents, password)?)?)
            }
            "RSA PRIVATE KEY" => Err(Error::UnsupportedKey { found: "RSA", expected: SUPPORTED }),
            _ => Err(Error::KeyLabel {
                expected: "PEM of `PRIVATE KEY` (PKCS#8), `EC PRIVATE KEY` (SEC 1) or `ENCRYPTED SIGSTORE PRIVATE KEY`",
                found: label,
            }),
        }
    }

    fn of(pair: Pair) -> Result<Self, Error> {
        let public = pair.public_key()?;
        Ok(Self { private: Private::Here(pair), public })
    }

    /// Asks a program for its public key; whenever something is to be signed, it is asked again.
    ///
    /// The contract is that of [`crate::signers::exec`].
    pub fn of_program(command: &str, programs: &Programs) -> Result<Self, Error> {
        let program = Program::find(command, programs)?;
        let public = program.public_key()?;
        Ok(Self { private: Private::Elsewhere(program), public })
    }

    /// The public key that verifies its signatures.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a message. What a program makes is verified before it is used.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        match &self.private {
            Private::Here(pair) => pair.sign(message),
            Private::Elsewhere(program) => program.sign(message, &self.public),
        }
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
        match &self.private {
            Private::Here(pair) => pair.to_pkcs8(),
            Private::Elsewhere(_) => Err(Error::PrivateHalfElsewhere),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SignatureAlgorithm;

    const KINDS: [KeyKind; 3] = [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Ed25519];
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
    fn sec1_keys_of_openssl_are_read_with_and_without_their_parameters() {
        let oid = |hex: &str| hex::decode(hex).unwrap();
        let (prime256v1, secp384r1) = (oid("06082a8648ce3d030107"), oid("06052b81040022"));
        // Version 1, the private key and its curve; the public half is not said.
        let key = |scalar: Vec<u8>, curve: &[u8]| {
            let size = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
            let scalar = [&[4, size(&scalar)], scalar.as_slice()].concat();
            let curve = [&[0xa0, size(curve)], curve].concat();
            let key = [&[2, 1, 1], scalar.as_slice(), &curve].concat();
            to_pem(LABEL_SEC1, &[&[0x30, size(&key)], key.as_slice()].concat())
        };
        let scalar = |length: usize, last: u8| [vec![0; length - 1], vec![last]].concat();
        let p256 = key(scalar(32, 1), &prime256v1);
        let p384 = key(scalar(48, 1), &secp384r1);
        let parameters = to_pem(LABEL_PARAMETERS, &prime256v1);
        let read = |pem: &str| KeySigner::from_pem(pem, None).unwrap();
        let signer = read(&p256);
        assert!(is_same(&signer, &read(&(parameters.clone() + &p256))));
        // The public half of 1 is the generator of the curve.
        assert!(signer.public_key().to_pem().contains("AQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt"));
        assert_eq!(read(&p384).public_key().algorithm(), SignatureAlgorithm::EcdsaP384Sha384);
        for pem in [p256.clone() + &p256, parameters, key(scalar(32, 0), &prime256v1)] {
            assert!(matches!(KeySigner::from_pem(&pem, None), Err(Error::MalformedKey { .. })));
        }
        let secp256k1 = key(scalar(8, 1), &oid("06052b8104000a"));
        assert!(matches!(
            KeySigner::from_pem(&secp256k1, None),
            Err(Error::UnsupportedKey { found: "ECDSA secp256k1", .. })
        ));
    }

    #[test]
    fn a19_an_ed25519_signature_is_over_the_message_and_no_digest_of_it() {
        use aws_lc_rs::digest::{SHA512, digest};
        let signer = KeySigner::generate(KeyKind::Ed25519).unwrap();
        let prehashed = signer.sign(digest(&SHA512, b"message").as_ref()).unwrap();
        let found = signer.public_key().verify(b"message", &prehashed);
        assert!(matches!(found, Err(Error::NotSignedBy { .. })));
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
        let [block] = parse_pem(pem.expose(), WHAT, LABEL_PARAMETERS).unwrap();
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
        assert!(matches!(read(LABEL, &rsa), Err(Error::UnsupportedKey { found: "RSA", .. })));
        assert!(matches!(
            read("RSA PRIVATE KEY", b"x"),
            Err(Error::UnsupportedKey { found: "RSA", .. })
        ));
        assert!(matches!(read(LABEL, b"x"), Err(Error::MalformedKey { .. })));
        assert!(matches!(read(LABEL_SEC1, b"x"), Err(Error::MalformedKey { .. })));
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
