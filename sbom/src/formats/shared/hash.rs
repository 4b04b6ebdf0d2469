//! Hashes as metadata states them.

use plimsoll_model::component::{Hash, HashAlgorithm};

/// Whether the length is that of the algorithm and every digit is hexadecimal; anything else is no hash.
pub(crate) fn is_well_formed(hash: &Hash) -> bool {
    let digits = match hash.algorithm {
        HashAlgorithm::Md5 => 32,
        HashAlgorithm::Sha1 => 40,
        HashAlgorithm::Sha256 => 64,
        HashAlgorithm::Sha512 => 128,
    };
    hash.hex.len() == digits && hash.hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The algorithm by the name that CycloneDX (`SHA-256`) or SPDX (`SHA256`) has for it.
pub(crate) fn algorithm(name: &str) -> Option<HashAlgorithm> {
    match name {
        "MD5" => Some(HashAlgorithm::Md5),
        "SHA-1" | "SHA1" => Some(HashAlgorithm::Sha1),
        "SHA-256" | "SHA256" => Some(HashAlgorithm::Sha256),
        "SHA-512" | "SHA512" => Some(HashAlgorithm::Sha512),
        _ => None,
    }
}
