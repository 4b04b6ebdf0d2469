//! A key pair in memory.

use crate::{Error, PublicKey, SignatureAlgorithm, public_key::kind_in_der, signers::KeyKind};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
    },
};
use zeroize::Zeroizing;

const WHAT: &str = "private key";
/// The two that differ in curve and hash alone.
const ECDSA: [(SignatureAlgorithm, &EcdsaSigningAlgorithm); 2] = [
    (SignatureAlgorithm::EcdsaP256Sha256, &ECDSA_P256_SHA256_ASN1_SIGNING),
    (SignatureAlgorithm::EcdsaP384Sha384, &ECDSA_P384_SHA384_ASN1_SIGNING),
];

/// A private key with its public half. The library wipes it from memory when it is dropped.
pub(super) enum Pair {
    /// ECDSA.
    Ecdsa(SignatureAlgorithm, EcdsaKeyPair),
    /// Ed25519.
    Ed25519(Ed25519KeyPair),
}

impl Pair {
    /// A new key.
    pub(super) fn generate(kind: KeyKind) -> Result<Self, Error> {
        let ecdsa = |(algorithm, signing)| {
            EcdsaKeyPair::generate(signing).map(|pair| Self::Ecdsa(algorithm, pair))
        };
        let [p256, p384] = ECDSA;
        match kind {
            KeyKind::EcdsaP256 => ecdsa(p256),
            KeyKind::EcdsaP384 => ecdsa(p384),
            KeyKind::Ed25519 => Ed25519KeyPair::generate().map(Self::Ed25519),
        }
        .ok()
        .ok_or(Error::Cryptography { attempt: "make a key" })
    }

    /// Reads PKCS#8 in DER.
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        let ecdsa = |(algorithm, signing)| {
            let pair = EcdsaKeyPair::from_pkcs8(signing, der).ok()?;
            Some(Self::Ecdsa(algorithm, pair))
        };
        ECDSA
            .into_iter()
            .find_map(ecdsa)
            .or_else(|| Ed25519KeyPair::from_pkcs8(der).ok().map(Self::Ed25519))
            .ok_or_else(|| unreadable(der))
    }

    /// Reads `ECPrivateKey` (SEC 1, RFC 5915) in DER.
    pub(super) fn from_sec1(der: &[u8]) -> Result<Self, Error> {
        let ecdsa = |(algorithm, signing)| {
            let pair = EcdsaKeyPair::from_private_key_der(signing, der).ok()?;
            Some(Self::Ecdsa(algorithm, pair))
        };
        ECDSA.into_iter().find_map(ecdsa).ok_or_else(|| unreadable(der))
    }

    /// The public half.
    pub(super) fn public_key(&self) -> Result<PublicKey, Error> {
        match self {
            Self::Ecdsa(algorithm, pair) => {
                PublicKey::of_point(*algorithm, pair.public_key().as_ref())
            }
            Self::Ed25519(pair) => {
                PublicKey::of_point(SignatureAlgorithm::Ed25519, pair.public_key().as_ref())
            }
        }
    }

    /// Signs a message.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Ecdsa(_, pair) => pair.sign(&SystemRandom::new(), message),
            Self::Ed25519(pair) => pair.try_sign(message),
        }
        .map(|signature| signature.as_ref().to_vec())
        .ok()
        .ok_or(Error::Cryptography { attempt: "sign" })
    }

    /// PKCS#8 in DER, version 1: it is the one that everybody reads.
    pub(super) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        match self {
            Self::Ecdsa(_, pair) => pair.to_pkcs8v1(),
            Self::Ed25519(pair) => pair.to_pkcs8v1(),
        }
        .map(|document| document.as_ref().to_vec().into())
        .ok()
        .ok_or(Error::Cryptography { attempt: "encode a key" })
    }
}

/// Why a private key can not be used.
fn unreadable(der: &[u8]) -> Error {
    match kind_in_der(der) {
        Some(found) if found != "ECDSA P-384" => {
            Error::UnsupportedKey { found, expected: super::key::SUPPORTED }
        }
        _ => Error::MalformedKey { what: WHAT },
    }
}
