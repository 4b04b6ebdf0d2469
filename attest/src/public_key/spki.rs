//! `SubjectPublicKeyInfo` in DER: RFC 5480 (ECDSA), RFC 8410 (Ed25519), RFC 3279 (RSA).
//!
//! One key is written in one way: what a tolerant reader would take for the same key is refused.

use super::SignatureAlgorithm;
use crate::Error;
use std::ops::RangeInclusive;

/// Up to the point, which is uncompressed.
const P256_PREFIX: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const P256_LENGTH: usize = 65;
/// Up to the point, which is uncompressed.
const P384_PREFIX: &[u8] = &[
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
];
const P384_LENGTH: usize = 97;
/// Up to the key itself.
const ED25519_PREFIX: &[u8] =
    &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const ED25519_LENGTH: usize = 32;
/// The algorithm `rsaEncryption` with its NULL.
const RSA_ALGORITHM: &[u8] =
    &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// Bits of the RSA keys that count: smaller ones are broken, and larger ones nobody needs.
const RSA_BITS: RangeInclusive<usize> = 2048..=4096;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
/// The largest byte without its highest bit, which means something else in lengths and in integers.
const SHORT: u8 = 0x7f;

/// The bit of a point of Ed25519 that is the sign.
const ED25519_SIGN: u8 = 0x80;
/// The points of Ed25519 with which everybody can sign: those of order 1, 2, 4 and 8, without the sign, in
/// every encoding that a reader may take.
const ED25519_SMALL: [[u8; ED25519_LENGTH]; 7] = [
    [0; 32],
    ends(1, 0, 0),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    // The prime 2^255 - 19, one less and one more.
    ends(0xec, 0xff, 0x7f),
    ends(0xed, 0xff, 0x7f),
    ends(0xee, 0xff, 0x7f),
];

/// 32 bytes: the first, those between, the last.
const fn ends(first: u8, between: u8, last: u8) -> [u8; ED25519_LENGTH] {
    let mut bytes = [between; ED25519_LENGTH];
    bytes[0] = first;
    bytes[ED25519_LENGTH - 1] = last;
    bytes
}

/// How the key signs, and the part of its encoding that `aws-lc-rs` reads.
pub(super) fn read(spki: &[u8]) -> Result<(SignatureAlgorithm, &[u8]), Error> {
    let point =
        |prefix, length| spki.strip_prefix(prefix).filter(|point: &&[u8]| point.len() == length);
    if let Some(point) = point(P256_PREFIX, P256_LENGTH) {
        return Ok((SignatureAlgorithm::EcdsaP256Sha256, point));
    }
    if let Some(point) = point(P384_PREFIX, P384_LENGTH) {
        return Ok((SignatureAlgorithm::EcdsaP384Sha384, point));
    }
    let malformed = Error::MalformedKey { what: "public key" };
    if let Some(point) = point(ED25519_PREFIX, ED25519_LENGTH) {
        return if is_small(point) {
            Err(malformed)
        } else {
            Ok((SignatureAlgorithm::Ed25519, point))
        };
    }
    match (rsa_bits(spki), kind_in_der(spki)) {
        (Some(bits), _) if RSA_BITS.contains(&bits) => {
            Ok((SignatureAlgorithm::RsaPkcs1Sha256, spki))
        }
        (Some(bits), _) => Err(Error::RsaKeySize { bits }),
        (None, Some(found)) if !matches!(found, "RSA" | "ECDSA P-384") => {
            Err(Error::UnsupportedKey {
                found,
                expected: "ECDSA P-256, ECDSA P-384, Ed25519 or RSA",
            })
        }
        (None, _) => Err(malformed),
    }
}

/// The encoding of the key with this point, which comes from a key pair of such an algorithm.
pub(super) fn of_point(algorithm: SignatureAlgorithm, point: &[u8]) -> Vec<u8> {
    let prefix = match algorithm {
        SignatureAlgorithm::EcdsaP256Sha256 => P256_PREFIX,
        SignatureAlgorithm::EcdsaP384Sha384 => P384_PREFIX,
        SignatureAlgorithm::Ed25519 => ED25519_PREFIX,
        SignatureAlgorithm::RsaPkcs1Sha256 => &[],
    };
    [prefix, point].concat()
}

/// The key itself, of an Ed25519 key.
#[cfg(feature = "link")]
pub(super) fn ed25519_point(spki: &[u8]) -> Option<&[u8]> {
    spki.strip_prefix(ED25519_PREFIX)
}

fn is_small(point: &[u8]) -> bool {
    ED25519_SMALL.iter().any(|small| {
        let [start @ .., end] = small;
        point.split_last().is_some_and(|(last, rest)| rest == start && last & !ED25519_SIGN == *end)
    })
}

/// The size of an RSA key, where it is one, and is written as DER demands.
fn rsa_bits(spki: &[u8]) -> Option<usize> {
    let key = only(SEQUENCE, spki)?;
    let (algorithm, key) = take(SEQUENCE, key)?;
    if algorithm != RSA_ALGORITHM {
        return None;
    }
    let (modulus, exponent) =
        take(INTEGER, only(SEQUENCE, only(BIT_STRING, key)?.strip_prefix(&[0])?)?)?;
    positive(only(INTEGER, exponent)?)?;
    let modulus = positive(modulus)?;
    let zeros = usize::try_from(modulus.first()?.leading_zeros()).ok()?;
    modulus.len().checked_mul(8)?.checked_sub(zeros)
}

/// The bytes of a positive integer, without the zero that keeps it from being negative.
fn positive(integer: &[u8]) -> Option<&[u8]> {
    match integer {
        [0, rest @ ..] if rest.first().is_some_and(|first| *first > SHORT) => Some(rest),
        [1..=SHORT, ..] => Some(integer),
        _ => None,
    }
}

/// The contents of the one element that is there.
fn only(tag: u8, der: &[u8]) -> Option<&[u8]> {
    take(tag, der).filter(|(_, rest)| rest.is_empty()).map(|(contents, _)| contents)
}

/// The contents of an element, and what follows it. Its length is below 65536, and as short as it can be.
fn take(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match der.strip_prefix(&[tag])? {
        [length @ ..=SHORT, rest @ ..] => (u16::from(*length), rest),
        [0x81, length, rest @ ..] if *length > SHORT => (u16::from(*length), rest),
        [0x82, high, low, rest @ ..] if *high > 0 => (u16::from_be_bytes([*high, *low]), rest),
        _ => return None,
    };
    rest.split_at_checked(usize::from(length))
}

/// The kind of a key, as the object identifiers at its beginning name it.
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
    use crate::PublicKey;

    fn der(spki: &[u8]) -> Result<PublicKey, Error> {
        PublicKey::from_spki(spki)
    }

    /// An RSA key with a modulus of ones, of so many bytes and bits, and the exponent 65537.
    fn rsa(bytes: usize, first: u8) -> Vec<u8> {
        let mut modulus = vec![0xff; bytes];
        modulus[0] = first;
        if first >= 0x80 {
            modulus.insert(0, 0);
        }
        let key =
            element(SEQUENCE, &[element(INTEGER, &modulus), element(INTEGER, &[1, 0, 1])].concat());
        let bits = element(BIT_STRING, &[&[0], key.as_slice()].concat());
        element(SEQUENCE, &[element(SEQUENCE, RSA_ALGORITHM), bits].concat())
    }

    fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = u16::try_from(contents.len()).unwrap();
        let [high, low] = length.to_be_bytes();
        let head: &[u8] = match length {
            0..0x80 => &[tag, low],
            0x80..0x100 => &[tag, 0x81, low],
            _ => &[tag, 0x82, high, low],
        };
        [head, contents].concat()
    }

    #[test]
    fn a19_an_rsa_key_of_another_size_is_refused_with_its_size() {
        assert!(der(&rsa(256, 0xff)).is_ok());
        assert!(der(&rsa(384, 0x80)).is_ok());
        assert!(der(&rsa(512, 0xff)).is_ok());
        for (bytes, first, expect) in [
            (64, 0xff, 512),
            (128, 0xff, 1024),
            (256, 0x7f, 2047),
            (513, 0x01, 4097),
            (1024, 0xff, 8192),
        ] {
            let found = der(&rsa(bytes, first));
            assert!(matches!(found, Err(Error::RsaKeySize { bits }) if bits == expect), "{expect}");
        }
    }

    #[test]
    fn a19_a_key_is_written_in_one_way() {
        let good = rsa(256, 0xff);
        assert_eq!(rsa_bits(&good), Some(2048));
        let malformed = |spki: &[u8]| matches!(der(spki), Err(Error::MalformedKey { .. }));
        let longer = [good.as_slice(), &[0]].concat();
        assert!(malformed(&longer), "bytes after the key");
        assert!(malformed(&good[..good.len() - 1]), "cut");
        for at in 0..good.len() - 262 {
            let mut changed = good.clone();
            changed[at] ^= 1;
            assert!(der(&changed).is_err(), "a bit of byte {at}");
        }
        // The same modulus behind two zeros, and as a negative number.
        let key = |modulus: &[u8]| {
            let key = [element(INTEGER, modulus), element(INTEGER, &[1, 0, 1])].concat();
            let bits = element(BIT_STRING, &[&[0], element(SEQUENCE, &key).as_slice()].concat());
            element(SEQUENCE, &[element(SEQUENCE, RSA_ALGORITHM), bits].concat())
        };
        let modulus = [0xff; 256];
        assert!(der(&key(&[&[0], modulus.as_slice()].concat())).is_ok());
        assert!(malformed(&key(&[&[0, 0], modulus.as_slice()].concat())));
        assert!(malformed(&key(&modulus)));
        assert!(malformed(&key(&[])));
    }

    #[test]
    fn a19_a_point_that_is_none_or_with_which_everybody_can_sign_is_refused() {
        // The point (1, 1) is not on either curve.
        for (prefix, length) in [(P256_PREFIX, P256_LENGTH), (P384_PREFIX, P384_LENGTH)] {
            let mut point = vec![0; length];
            point[0] = 4;
            point[length / 2] = 1;
            point[length - 1] = 1;
            let found = der(&[prefix, &point].concat());
            assert!(matches!(found, Err(Error::MalformedKey { .. })), "{length}");
        }
        for small in ED25519_SMALL {
            for sign in [0, ED25519_SIGN] {
                let mut point = small;
                point[31] |= sign;
                let found = der(&[ED25519_PREFIX, &point].concat());
                assert!(matches!(found, Err(Error::MalformedKey { .. })), "{point:x?}");
            }
        }
        let short = [ED25519_PREFIX, &[1; 31]].concat();
        assert!(matches!(der(&short), Err(Error::MalformedKey { .. })));
        assert!(matches!(der(b""), Err(Error::MalformedKey { .. })));
    }

    #[test]
    fn a19_keys_of_other_kinds_are_named() {
        for (spki, expect) in [
            ("30819b301006072a8648ce3d020106052b8104002303818600", "ECDSA P-521"),
            ("3056301006072a8648ce3d020106052b8104000a034200", "ECDSA secp256k1"),
            ("3043300506032b6571033a00", "Ed448"),
            ("302a300506032b656e032100", "X25519"),
        ] {
            let found = der(&hex::decode(spki).unwrap());
            assert!(
                matches!(found, Err(Error::UnsupportedKey { found, .. }) if found == expect),
                "{expect}"
            );
        }
        // Cut within what it says it is.
        let p384 = hex::decode("3076301006072a8648ce3d020106052b81040022036200").unwrap();
        assert!(matches!(der(&p384), Err(Error::MalformedKey { .. })));
    }
}
