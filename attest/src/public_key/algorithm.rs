//! How a key signs, which follows from the key alone.

use aws_lc_rs::{
    digest::{self, SHA256, SHA384},
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
        VerificationAlgorithm,
    },
};
use std::fmt;

/// How a key signs: nothing in a signature, an envelope or a bundle chooses it.
///
/// It shows itself by the name that a program which signs is called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// ECDSA on P-256 over SHA-256; the signature is ASN.1 DER.
    EcdsaP256Sha256,
    /// ECDSA on P-384 over SHA-384; the signature is ASN.1 DER.
    EcdsaP384Sha384,
    /// Ed25519 over the message itself (RFC 8032, neither `ph` nor `ctx`); the signature is 64 bytes.
    Ed25519,
    /// RSA, PKCS#1 v1.5, over SHA-256; the signature is as long as the key. It is only verified, never made, here.
    RsaPkcs1Sha256,
}

impl SignatureAlgorithm {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::EcdsaP384Sha384 => "ecdsa-p384-sha384",
            Self::Ed25519 => "ed25519",
            Self::RsaPkcs1Sha256 => "rsa-pkcs1-sha256",
        }
    }

    /// What somebody else has to be given to sign a message: its digest, or for Ed25519 the message.
    pub(crate) fn input(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::EcdsaP256Sha256 | Self::RsaPkcs1Sha256 => {
                digest::digest(&SHA256, message).as_ref().to_vec()
            }
            Self::EcdsaP384Sha384 => digest::digest(&SHA384, message).as_ref().to_vec(),
            Self::Ed25519 => message.to_vec(),
        }
    }

    /// Who verifies.
    pub(super) fn verifier(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::EcdsaP256Sha256 => &ECDSA_P256_SHA256_ASN1,
            Self::EcdsaP384Sha384 => &ECDSA_P384_SHA384_ASN1,
            Self::Ed25519 => &ED25519,
            Self::RsaPkcs1Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_name_and_signs_what_it_says() {
        let input = |algorithm: SignatureAlgorithm| hex::encode(algorithm.input(b"abc"));
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(input(SignatureAlgorithm::EcdsaP256Sha256), sha256);
        assert_eq!(input(SignatureAlgorithm::RsaPkcs1Sha256), sha256);
        assert_eq!(
            input(SignatureAlgorithm::EcdsaP384Sha384),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
        );
        assert_eq!(input(SignatureAlgorithm::Ed25519), hex::encode("abc"));
        assert_eq!(SignatureAlgorithm::EcdsaP384Sha384.to_string(), "ecdsa-p384-sha384");
    }
}
