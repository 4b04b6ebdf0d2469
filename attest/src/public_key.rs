//! Public keys: ECDSA on P-256 with SHA-256, and Ed25519.

use crate::{
    Error,
    files::read_text,
    signers::{KeyKind, kind_in_der},
    text::excerpt,
};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use camino::Utf8Path;
use pem::{EncodeConfig, LineEnding, Pem};
use plimsoll_model::{Digest, Limits};
use std::fmt;

/// `SubjectPublicKeyInfo` of a P-256 key up to its point, which is 65 bytes uncompressed (RFC 5480).
const P256_PREFIX: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const P256_LENGTH: usize = 65;
/// `SubjectPublicKeyInfo` of an Ed25519 key up to its 32 bytes (RFC 8410).
const ED25519_PREFIX: &[u8] =
    &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const ED25519_LENGTH: usize = 32;
const LABEL: &str = "PUBLIC KEY";

/// A public key. Which of the two kinds it is decides how it verifies, and nothing in a signature or a bundle does.
#[derive(Clone)]
pub struct PublicKey {
    spki: Vec<u8>,
    key: ParsedPublicKey,
}

impl PublicKey {
    /// Reads one key as `SubjectPublicKeyInfo` in PEM.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let [block] = parse_pem(text, "public key")?;
        match block.tag() {
            LABEL => Self::from_spki(block.contents()),
            other => {
                Err(Error::KeyLabel { expected: "PEM of `PUBLIC KEY`", found: excerpt(other) })
            }
        }
    }

    /// Reads a key file of at most `limits.user_file` bytes.
    pub fn read(path: &Utf8Path, limits: &Limits) -> Result<Self, Error> {
        Self::from_pem(&read_text(path, limits.user_file)?)
            .map_err(|source| Error::KeyFile { path: path.to_owned(), source: Box::new(source) })
    }

    /// Reads a key as DER. The two encodings are compared byte by byte: there is no other way to write these keys.
    fn from_spki(spki: &[u8]) -> Result<Self, Error> {
        let point = |prefix, length| {
            spki.strip_prefix(prefix).filter(|point: &&[u8]| point.len() == length)
        };
        let malformed = || Error::MalformedKey { what: "public key" };
        let key = if let Some(point) = point(P256_PREFIX, P256_LENGTH) {
            ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        } else if let Some(point) = point(ED25519_PREFIX, ED25519_LENGTH) {
            ParsedPublicKey::new(&ED25519, point)
        } else {
            return Err(match kind_in_der(spki) {
                Some(found) => Error::UnsupportedKey { found },
                None => malformed(),
            });
        };
        Ok(Self { spki: spki.to_vec(), key: key.ok().ok_or_else(malformed)? })
    }

    /// The key with this point, which comes from a key pair.
    pub(crate) fn of_point(kind: KeyKind, point: &[u8]) -> Result<Self, Error> {
        let prefix = match kind {
            KeyKind::EcdsaP256 => P256_PREFIX,
            KeyKind::Ed25519 => ED25519_PREFIX,
        };
        Self::from_spki(&[prefix, point].concat())
    }

    /// PEM with `\n` at the end of every line.
    pub fn to_pem(&self) -> String {
        to_pem(LABEL, &self.spki)
    }

    /// SHA-256 of its `SubjectPublicKeyInfo`.
    pub fn id(&self) -> Digest {
        Digest::of(&self.spki)
    }

    /// The key as DER `SubjectPublicKeyInfo`.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// [`PublicKey::id`] as bundles write it.
    pub(crate) fn hint(&self) -> String {
        STANDARD.encode(self.id().as_bytes())
    }

    /// That the key signed exactly this message; an ECDSA signature is ASN.1 DER.
    ///
    /// [`Error::NotSignedBy`] where it did not.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.key
            .verify_sig(message, signature)
            .ok()
            .ok_or_else(|| Error::NotSignedBy { keys: vec![self.id()] })
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PublicKey({})", self.id())
    }
}

/// The one block of PEM in a text.
pub(crate) fn parse_pem(text: &str, what: &'static str) -> Result<[Pem; 1], Error> {
    pem::parse_many(text)
        .ok()
        .and_then(|blocks| blocks.try_into().ok())
        .ok_or(Error::MalformedKey { what })
}

/// PEM with `\n` at the end of every line.
pub(crate) fn to_pem(label: &str, contents: &[u8]) -> String {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new(label, contents), config)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 §7.1, test 3.
    const RFC8032_PUBLIC: &str = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
    const RFC8032_SIGNATURE: &str = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";

    fn ed25519() -> PublicKey {
        PublicKey::of_point(KeyKind::Ed25519, &hex::decode(RFC8032_PUBLIC).unwrap()).unwrap()
    }

    #[test]
    fn the_published_ed25519_signature_verifies_and_no_other() {
        let (key, signature) = (ed25519(), hex::decode(RFC8032_SIGNATURE).unwrap());
        assert!(key.verify(&[0xaf, 0x82], &signature).is_ok());
        assert!(matches!(key.verify(&[0xaf, 0x83], &signature), Err(Error::NotSignedBy { .. })));
        for bit in 0..signature.len() * 8 {
            let mut changed = signature.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(key.verify(&[0xaf, 0x82], &changed).is_err(), "bit {bit}");
        }
        assert!(key.verify(&[0xaf, 0x82], &signature[..63]).is_err());
        assert!(key.verify(&[0xaf, 0x82], b"").is_err());
    }

    #[test]
    fn pem_round_trips_with_line_feeds_alone() {
        let pem = ed25519().to_pem();
        assert_eq!(
            pem,
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU=\n-----END PUBLIC KEY-----\n"
        );
        assert_eq!(PublicKey::from_pem(&pem).unwrap(), ed25519());
        assert_eq!(PublicKey::from_pem(&pem.replace('\n', "\r\n")).unwrap(), ed25519());
    }

    #[test]
    fn a19_other_keys_are_named_and_broken_ones_refused() {
        let der = |bytes: &[u8]| PublicKey::from_spki(bytes);
        // The point (1, 1) is not on the curve.
        let mut off_curve = [P256_PREFIX, &[4], &[0; 64]].concat();
        off_curve[P256_PREFIX.len() + 32] = 1;
        off_curve[P256_PREFIX.len() + 64] = 1;
        assert!(matches!(der(&off_curve), Err(Error::MalformedKey { .. })));
        let short = [ED25519_PREFIX, &[1; 31]].concat();
        assert!(matches!(der(&short), Err(Error::MalformedKey { .. })));
        assert!(matches!(der(b""), Err(Error::MalformedKey { .. })));
        let rsa = hex::decode("30819f300d06092a864886f70d010101050003818d00").unwrap();
        assert!(matches!(der(&rsa), Err(Error::UnsupportedKey { found: "RSA" })));
        let p384 = hex::decode("3076301006072a8648ce3d020106052b81040022036200").unwrap();
        assert!(matches!(der(&p384), Err(Error::UnsupportedKey { found: "ECDSA P-384" })));
    }

    #[test]
    fn pem_of_something_else_or_of_two_keys_is_refused() {
        let pem = ed25519().to_pem();
        assert!(matches!(
            PublicKey::from_pem(&pem.replace("PUBLIC", "PRIVATE")),
            Err(Error::KeyLabel { found, .. }) if found == "PRIVATE KEY"
        ));
        assert!(matches!(
            PublicKey::from_pem(&(pem.clone() + &pem)),
            Err(Error::MalformedKey { .. })
        ));
        assert!(matches!(PublicKey::from_pem("no key"), Err(Error::MalformedKey { .. })));
    }
}
