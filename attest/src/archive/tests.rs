use super::*;
use crate::{
    Demands, MaxAge, PublicKey, SignerDemand, TrustRoot, TrustedSigner,
    signers::{KeyKind, KeySigner},
};
use jiff::{SignedDuration, Timestamp};
use plimsoll_model::{
    evidence::{Legacy, Unlogged, Validity},
    identity::IdentityDemand,
};

const LIMITS: Limits = Limits::STANDARD;
const BLOCK: usize = 512;

fn key() -> PublicKey {
    KeySigner::generate(KeyKind::EcdsaP256).unwrap().public_key().clone()
}

fn candidate(found_at: &str, bytes: &[u8]) -> Candidate {
    Candidate { found_at: found_at.to_owned(), bytes: bytes.to_vec() }
}

fn archive(key: PublicKey) -> Archive {
    let identity = IdentityDemand {
        repository: Some("https://github.com/acme/app".to_owned()),
        reference: Some("refs/tags/v*".parse().unwrap()),
        triggers: vec!["push".to_owned()],
        ..IdentityDemand::new(
            "https://token.actions.githubusercontent.com".to_owned(),
            "https://github.com/acme/app/**".parse().unwrap(),
        )
    };
    let by_key = TrustedSigner {
        predicate_types: Some(vec!["https://slsa.dev/provenance/v1".to_owned()]),
        builders: vec!["https://ci.example/builders/*".parse().unwrap()],
        verifier: "https://gate.example".to_owned(),
        ..TrustedSigner::of(SignerDemand::key(key.clone(), Unlogged::Accept))
    };
    let validity = Validity {
        from: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        until: Some("2026-12-31T23:59:59Z".parse().unwrap()),
    };
    let unlogged = Unlogged::Refuse;
    let dated = TrustedSigner::of(SignerDemand::Key { key, unlogged, validity });
    Archive {
        images: vec![
            ArchivedImage {
                subject: "acme.io/app@1".to_owned(),
                digest: Digest::of(b"app"),
                candidates: Ok(vec![candidate("here", b"one"), candidate("there", b"two")]),
            },
            ArchivedImage {
                subject: "acme.io/db@1".to_owned(),
                digest: Digest::of(b"db"),
                candidates: Err("the registry did not answer".to_owned()),
            },
        ],
        trust: Trust {
            signers: vec![by_key, dated, TrustedSigner::of(SignerDemand::Identity(identity))],
            // As it is read from a file: what is built in is laid out otherwise.
            root: Some(TrustRoot::parse(TrustRoot::embedded().unwrap().as_text(), "x").unwrap()),
            demands: Demands {
                legacy: Legacy::Accept,
                logs: 2,
                timestamps: 1,
                age: Some(MaxAge {
                    at_most: SignedDuration::from_hours(24),
                    now: Timestamp::UNIX_EPOCH,
                }),
            },
        },
        required: BTreeSet::from(["sbom".to_owned()]),
        policy: Some("version: 1\n".to_owned()),
    }
}

fn parse(bytes: &[u8]) -> Result<Archive, Error> {
    Archive::parse(bytes, &LIMITS, Timestamp::UNIX_EPOCH)
}

#[test]
fn what_is_packed_is_read_again_and_is_the_same_bytes() {
    let packed = archive(key());
    let bytes = packed.to_bytes(&LIMITS).unwrap();
    let read = parse(&bytes).unwrap();
    assert_eq!(read.images, packed.images);
    assert_eq!((&read.required, &read.policy), (&packed.required, &packed.policy));
    assert_eq!(read.trust.demands, packed.trust.demands);
    assert_eq!(format!("{:?}", read.trust.signers), format!("{:?}", packed.trust.signers));
    assert!(read.to_bytes(&LIMITS).unwrap() == bytes);
    assert!(packed.to_bytes(&LIMITS).unwrap() == bytes);
    assert_eq!(read.find(Digest::of(b"db")), Some(&packed.images[1]));
    assert_eq!(read.find(Digest::of(b"other")), None);
}

#[track_caller]
fn refused(bytes: &[u8], part: &str) {
    let error = parse(bytes).unwrap_err();
    assert!(matches!(&error, Error::Archive { message } if message.contains(part)), "{error}");
}

#[test]
fn every_bit_that_differs_is_refused() {
    let small = Archive { trust: Trust::in_keys(&[key()]), ..archive(key()) };
    let bytes = small.to_bytes(&LIMITS).unwrap();
    parse(&bytes).unwrap();
    let original = parse(&bytes).unwrap().to_bytes(&LIMITS).unwrap();
    for at in 0..bytes.len() {
        let mut twin = bytes.clone();
        twin[at] ^= 1;
        // In the index a bit may say something else, which is then read as that; nothing else may differ.
        if let Ok(read) = parse(&twin) {
            assert_ne!(read.to_bytes(&LIMITS).unwrap(), original, "byte {at}");
            assert!((BLOCK..small_index(&bytes)).contains(&at), "byte {at}");
        }
    }
}

/// Where the index ends.
fn small_index(bytes: &[u8]) -> usize {
    let size = tar::Header::from_byte_slice(bytes.first_chunk::<BLOCK>().unwrap()).size().unwrap();
    BLOCK + usize::try_from(size).unwrap()
}

/// The entries, each with header and padding.
fn entries(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while bytes.len() > 2 * BLOCK {
        let size = small_index(bytes).next_multiple_of(BLOCK);
        entries.push(bytes[..size].to_vec());
        bytes = &bytes[size..];
    }
    entries
}

fn whole(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), vec![0; 2 * BLOCK]].concat()
}

/// An archive with an entry whose header was changed, checksum and all.
fn with_header(entries: &[Vec<u8>], change: impl FnOnce(&mut tar::Header)) -> Vec<u8> {
    let mut entries = entries.to_vec();
    let block: [u8; BLOCK] = entries[1][..BLOCK].try_into().unwrap();
    let mut header = tar::Header::from_byte_slice(&block).clone();
    change(&mut header);
    header.set_cksum();
    entries[1][..BLOCK].copy_from_slice(header.as_bytes());
    whole(&entries)
}

#[test]
fn links_folders_paths_and_second_entries_are_refused() {
    let bytes = archive(key()).to_bytes(&LIMITS).unwrap();
    let entries = entries(&bytes);
    parse(&whole(&entries)).unwrap();
    let no_entry = "is no entry as evidence files have them";
    for kind in [
        tar::EntryType::Symlink,
        tar::EntryType::Link,
        tar::EntryType::Directory,
        tar::EntryType::XHeader,
    ] {
        refused(&with_header(&entries, |header| header.set_entry_type(kind)), no_entry);
    }
    refused(&with_header(&entries, |header| header.set_mtime(1)), no_entry);
    refused(&with_header(&entries, |header| header.set_mode(0o4755)), no_entry);
    refused(
        &with_header(&entries, |header| header.set_link_name("/etc/passwd").unwrap()),
        no_entry,
    );
    let other = |name: &str| {
        with_header(&entries, |header| {
            header.as_old_mut().name = [0; 100];
            header.set_path(name).unwrap();
        })
    };
    refused(&other("etc/passwd"), "`etc/passwd` has the content of `blobs/sha256/");
    let up = with_header(&entries, |header| {
        header.as_old_mut().name[..12].copy_from_slice(b"../../passwd");
    });
    refused(&up, no_entry);
    refused(
        &with_header(&entries, |header| header.set_size(1 << 40)),
        "larger than 67108864 bytes",
    );

    let twice = [&entries[..2], &entries[1..]].concat();
    refused(&whole(&twice), "is twice there, or out of order");
    let mut swapped = entries.clone();
    swapped.swap(1, 2);
    refused(&whole(&swapped), "is twice there, or out of order");
    refused(&whole(&entries[1..]), "expected `index.json` first");
    refused(&whole(&entries[..2]), "it lacks `sha256:");
    let unseen = archive(key()).to_bytes(&LIMITS).unwrap();
    let more = [&entries[..], &self::entries(&unseen)[1..]].concat();
    let mut blobs = more[1..].to_vec();
    blobs.sort_by_key(|entry| entry[..100].to_vec());
    blobs.dedup();
    refused(&whole(&[&more[..1], &blobs].concat()), "its index does not speak of `sha256:");
    for length in [0, 1, BLOCK] {
        refused(&bytes[..length], "it ends in the middle");
    }
    refused(&bytes[..bytes.len() - 1], "");
    refused(&bytes[..bytes.len() - BLOCK], "");
    refused(&[&bytes[..], b"x"].concat(), "");
}

#[test]
fn an_index_is_read_exactly() {
    let bytes = archive(key()).to_bytes(&LIMITS).unwrap();
    let index = std::str::from_utf8(&bytes[BLOCK..small_index(&bytes)]).unwrap();
    let blobs = entries(&bytes)[1..].to_vec();
    let with = |index: &str| {
        let mut header = tar::Header::new_ustar();
        header.set_path("index.json").unwrap();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(u64::try_from(index.len()).unwrap());
        header.set_cksum();
        let mut entry = [header.as_bytes(), index.as_bytes()].concat();
        entry.resize(entry.len().next_multiple_of(BLOCK), 0);
        whole(&[vec![entry], blobs.clone()].concat())
    };
    parse(&with(index)).unwrap();
    let change = |from: &str, to: &str| {
        assert!(index.contains(from), "{from} in {index}");
        with(&index.replacen(from, to, 1))
    };
    refused(
        &change("version=1", "version=2"),
        "expected `application/vnd.plimsoll.evidence-file+json;version=1`",
    );
    refused(&change("\"required\"", "\"other\": 1, \"required\""), "its index: unknown field");
    refused(&change("\"required\"", "\"images\": [], \"required\""), "its index: ");
    refused(&change("\"size\": 3", "\"size\": 4"), "it lacks `sha256:");
    refused(
        &change("\"untold\": null", "\"untold\": \"why\""),
        "candidates where it could not be told",
    );
    refused(&change("acme.io/app@1", &"a".repeat(TEXT_LIMIT + 1)), "a text of 16385 bytes");
    refused(&change("https://github.com/acme/app/**", "**"), "`**`: ");
    refused(
        &change(
            "\"identity\": null",
            "\"identity\": {\"issuer\": \"a\", \"subject\": \"a@b.example\", \"triggers\": []}",
        ),
        "either a key or an identity",
    );
}

#[test]
fn what_nobody_would_read_is_not_written() {
    let image = ArchivedImage {
        subject: "a".to_owned(),
        digest: Digest::of(b"app"),
        candidates: Ok(vec![candidate("here", b"one"); CANDIDATES_LIMIT + 1]),
    };
    let many = Archive { images: vec![image.clone()], ..archive(key()) };
    let error = many.to_bytes(&LIMITS).unwrap_err();
    assert!(
        matches!(&error, Error::ArchiveLimit { what, limit: 1_000 } if what == "1001 candidates for one image"),
        "{error}"
    );
    let small = Limits { evidence: 2, ..LIMITS };
    let image = ArchivedImage { candidates: Ok(vec![candidate("here", b"one")]), ..image };
    let large = Archive { images: vec![image], ..archive(key()) };
    large.to_bytes(&LIMITS).unwrap();
    let error = large.to_bytes(&small).unwrap_err();
    assert!(matches!(error, Error::ArchiveLimit { limit: 2, .. }), "{error}");
    // What is over the limit is refused by the reader as well.
    let error = Archive::parse(&large.to_bytes(&LIMITS).unwrap(), &small, Timestamp::UNIX_EPOCH)
        .unwrap_err();
    assert!(matches!(error, Error::Archive { .. }), "{error}");
}
