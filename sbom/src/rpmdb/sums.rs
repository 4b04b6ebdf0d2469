//! What the header of an rpm package states of the contents of its files.
//!
//! Tags: <https://rpm-software-management.github.io/rpm/manual/tags.html>; numbers of algorithms: RFC 9580, 9.5.

use super::header::{Header, Tag};
use crate::owned::Stated;
use plimsoll_model::component::HashAlgorithm;

/// The file is there to be changed, or a document: `RPMFILE_CONFIG`, `_DOC`, `_GHOST`, `_LICENSE`, `_README`.
const FREE: u32 = 1 | 1 << 1 | 1 << 6 | 1 << 7 | 1 << 8;
/// That the hash of the content is held to, `RPMVERIFY_FILEDIGEST`.
const VERIFIED: u32 = 1;
/// The kind of file in a mode, that of regular files and that of symbolic links.
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

/// What a package states of its files, by their positions.
#[derive(Debug)]
pub(crate) struct Sums<'a> {
    /// The algorithm, or the number of one that is not known.
    algorithm: Result<HashAlgorithm, u32>,
    hashes: Vec<&'a str>,
    flags: Vec<u32>,
    modes: Vec<u32>,
    states: Vec<u32>,
    verified: Vec<u32>,
}

impl<'a> Sums<'a> {
    /// What is in a header; as much as can be read.
    pub(crate) fn of(header: &Header<'a>) -> Self {
        let numbers = |tag| header.numbers(tag).collect();
        let algorithm = match header.numbers(Tag::FILE_DIGEST_ALGORITHM).next() {
            // rpm had no other, before it had the tag.
            None | Some(1) => Ok(HashAlgorithm::Md5),
            Some(2) => Ok(HashAlgorithm::Sha1),
            Some(8) => Ok(HashAlgorithm::Sha256),
            Some(10) => Ok(HashAlgorithm::Sha512),
            Some(other) => Err(other),
        };
        Self {
            algorithm,
            hashes: header.texts(Tag::FILE_DIGESTS).collect(),
            flags: numbers(Tag::FILE_FLAGS),
            modes: numbers(Tag::FILE_MODES),
            states: numbers(Tag::FILE_STATES),
            verified: numbers(Tag::FILE_VERIFY_FLAGS),
        }
    }

    /// What is stated of the file at a position.
    pub(crate) fn stated(&self, at: usize) -> Stated {
        let is_free = self.flags.get(at).is_some_and(|flags| flags & FREE != 0);
        // Where a state or what is verified is not stated, rpm takes the file for installed and verifies it.
        let is_elsewhere = self.states.get(at).is_some_and(|state| *state != 0);
        let is_passed = self.verified.get(at).is_some_and(|flags| flags & VERIFIED == 0);
        let kind = self.modes.get(at).map_or(REGULAR, |mode| mode & KIND);
        match (self.hashes.get(at), self.algorithm) {
            _ if is_free || is_elsewhere => Stated::Nothing,
            _ if kind == SYMLINK => Stated::Link,
            _ if is_passed || kind != REGULAR => Stated::Nothing,
            (None | Some(&""), _) => Stated::Untold("the database states no hash of it".to_owned()),
            (Some(_), Err(number)) => {
                Stated::Untold(format!("its hash is of the algorithm {number}, which is not known"))
            }
            (Some(hash), Ok(algorithm)) => Stated::hex(algorithm, hash),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpmdb::header::testing::{Entry, header};
    use plimsoll_model::component::Hash;

    const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

    fn stated(entries: &[(Tag, Entry<'_>)]) -> Stated {
        Sums::of(&Header::parse(&header(entries)).unwrap()).stated(0)
    }

    #[test]
    fn a_hash_is_of_the_algorithm_that_is_stated_and_md5_where_none_is() {
        let of = |number: u32, hash: &str| {
            let algorithm = [number];
            let hashes = (Tag::FILE_DIGESTS, Entry::Texts(&[hash]));
            stated(&[(Tag::FILE_DIGEST_ALGORITHM, Entry::Numbers(&algorithm)), hashes])
        };
        let hash = |algorithm, hex: &str| Stated::Hash(Hash { algorithm, hex: hex.to_owned() });
        let of_old = stated(&[(Tag::FILE_DIGESTS, Entry::Texts(&[MD5]))]);
        assert_eq!(of_old, hash(HashAlgorithm::Md5, MD5));
        assert_eq!(of(1, &MD5.to_uppercase()), hash(HashAlgorithm::Md5, MD5));
        for (number, algorithm, digits) in [
            (2, HashAlgorithm::Sha1, 40),
            (8, HashAlgorithm::Sha256, 64),
            (10, HashAlgorithm::Sha512, 128),
        ] {
            let hex = "a".repeat(digits);
            assert_eq!(of(number, &hex), hash(algorithm, &hex));
        }
        let untold = |why: &str| Stated::Untold(why.to_owned());
        assert_eq!(of(8, MD5), untold("what is stated of it is no SHA-256"));
        let unknown = "its hash is of the algorithm 9, which is not known";
        assert_eq!(of(9, &"a".repeat(96)), untold(unknown));
        assert_eq!(of(8, ""), untold("the database states no hash of it"));
        assert_eq!(stated(&[]), untold("the database states no hash of it"));
    }

    #[test]
    fn configuration_documents_and_what_is_not_installed_are_held_to_nothing() {
        let with = |tag, number: u32| {
            stated(&[(Tag::FILE_DIGESTS, Entry::Texts(&[MD5])), (tag, Entry::Numbers(&[number]))])
        };
        let held = Stated::hex(HashAlgorithm::Md5, MD5);
        for (flag, expect) in [
            (0, &held),
            (1, &Stated::Nothing),
            (1 << 1, &Stated::Nothing),
            // That it may be missing is no leave to change it.
            (1 << 3, &held),
            (1 << 6, &Stated::Nothing),
            (1 << 7, &Stated::Nothing),
        ] {
            assert_eq!(with(Tag::FILE_FLAGS, flag), *expect, "{flag}");
        }
        assert_eq!(with(Tag::FILE_STATES, 0), held);
        assert_eq!(with(Tag::FILE_STATES, 1), Stated::Nothing);
        assert_eq!(with(Tag::FILE_VERIFY_FLAGS, u32::MAX), held);
        assert_eq!(with(Tag::FILE_VERIFY_FLAGS, u32::MAX - 1), Stated::Nothing);
        assert_eq!(with(Tag::FILE_MODES, 0o100_755), held);
        assert_eq!(with(Tag::FILE_MODES, 0o120_777), Stated::Link);
        assert_eq!(with(Tag::FILE_MODES, 0o040_755), Stated::Nothing);
    }
}
