//! Keys of the services, new for every instance.

use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair as _,
    },
};
use plimsoll_model::Digest;

/// A key with what others know of it.
pub(super) struct Key {
    pair: Pair,
    /// `SubjectPublicKeyInfo`.
    pub(super) spki: Vec<u8>,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    /// ECDSA on P-256 with SHA-256, ASN.1 signatures: certificates, timestamps, Rekor v1, CT.
    pub(super) fn ecdsa() -> Self {
        Self::of_ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"))
    }

    /// The same with signatures of fixed length, as tokens have them.
    pub(super) fn es256() -> Self {
        Self::of_ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    /// Ed25519: Rekor v2.
    pub(super) fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().expect("a key");
        let spki = pair.public_key().as_der().expect("its public half").as_ref().to_vec();
        Self { pair: Pair::Ed25519(pair), spki }
    }

    fn of_ecdsa(pair: EcdsaKeyPair) -> Self {
        let spki = pair.public_key().as_der().expect("its public half").as_ref().to_vec();
        Self { pair: Pair::Ecdsa(pair), spki }
    }

    /// A signature.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Ecdsa(pair) => {
                pair.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// The public key without its algorithm: a point, or the 32 bytes of Ed25519.
    pub(super) fn raw(&self) -> &[u8] {
        match &self.pair {
            Pair::Ecdsa(pair) => pair.public_key().as_ref(),
            Pair::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }

    /// SHA-256 of the `SubjectPublicKeyInfo`: how CT logs and Rekor v1 are known.
    pub(super) fn id(&self) -> [u8; 32] {
        sha256(&self.spki)
    }

    /// Name of the algorithm in trust roots.
    pub(super) const fn details(&self) -> &'static str {
        match self.pair {
            Pair::Ecdsa(_) => "PKIX_ECDSA_P256_SHA_256",
            Pair::Ed25519(_) => "PKIX_ED25519",
        }
    }
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    *Digest::of(bytes).as_bytes()
}

/// Random bytes.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("random bytes");
    bytes
}
