//! Public keys: ECDSA on P-256 and P-384, Ed25519, and RSA for verification alone.

mod algorithm;
mod spki;
#[cfg(test)]
mod wycheproof;

pub use algorithm::SignatureAlgorithm;
pub(crate) use spki::kind_in_der;

use crate::{Error, files::read_text, text::excerpt};
use aws_lc_rs::signature::ParsedPublicKey;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use camino::Utf8Path;
use pem::{EncodeConfig, LineEnding, Pem};
use plimsoll_model::{Digest, Limits};
use std::fmt;

const LABEL: &str = "PUBLIC KEY";

/// A public key. Its kind decides how it verifies, and nothing in a signature or a bundle does.
#[derive(Clone)]
pub struct PublicKey {
    spki: Vec<u8>,
    algorithm: SignatureAlgorithm,
    key: ParsedPublicKey,
}

impl PublicKey {
    /// Reads one key as `SubjectPublicKeyInfo` in PEM.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let [block] = parse_pem(text, "public key", "")?;
        match block.tag() {
            LABEL => Self::from_spki(block.contents()),
            other => {
                Err(Error::KeyLabel { expected: "PEM of `PUBLIC KEY`", found: excerpt(other) })
            }
        }
    }

    /// Reads a key file of at most `limits.user_file` bytes.
    pub fn read(path: &Utf8Path, limits: &Limits) -> Result<Self, Error> {
        Self::of_file(&read_text(path, limits.user_file, "a key file")?, path)
    }

    /// Reads the text of a key file; the path is for errors ([`Error::KeyFile`]).
    pub fn of_file(text: &str, path: &Utf8Path) -> Result<Self, Error> {
        Self::from_pem(text)
            .map_err(|source| Error::KeyFile { path: path.to_owned(), source: Box::new(source) })
    }

    /// Reads a key as DER.
    pub(crate) fn from_spki(spki: &[u8]) -> Result<Self, Error> {
        let (algorithm, bytes) = spki::read(spki)?;
        let key = ParsedPublicKey::new(algorithm.verifier(), bytes)
            .ok()
            .ok_or(Error::MalformedKey { what: "public key" })?;
        Ok(Self { spki: spki.to_vec(), algorithm, key })
    }

    /// The key with this point, which comes from a key pair.
    pub(crate) fn of_point(algorithm: SignatureAlgorithm, point: &[u8]) -> Result<Self, Error> {
        Self::from_spki(&spki::of_point(algorithm, point))
    }

    /// How it signs.
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The 32 bytes of an Ed25519 key.
    #[cfg(feature = "link")]
    pub(crate) fn ed25519_bytes(&self) -> Option<&[u8]> {
        let is_ed25519 = self.algorithm == SignatureAlgorithm::Ed25519;
        is_ed25519.then(|| spki::ed25519_point(&self.spki)).flatten()
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

    /// That the key signed exactly this message, as [`PublicKey::algorithm`] does it.
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

/// The one block of PEM in a text, but for blocks with a label that says nothing about the key.
pub(crate) fn parse_pem(text: &str, what: &'static str, beside: &str) -> Result<[Pem; 1], Error> {
    let mut blocks = pem::parse_many(text).ok().ok_or(Error::MalformedKey { what })?;
    blocks.retain(|block| block.tag() != beside);
    blocks.try_into().ok().ok_or(Error::MalformedKey { what })
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
        PublicKey::of_point(SignatureAlgorithm::Ed25519, &hex::decode(RFC8032_PUBLIC).unwrap())
            .unwrap()
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
