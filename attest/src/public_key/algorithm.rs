//! How a key signs, which follows from the key alone.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
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
