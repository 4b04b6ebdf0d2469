//! The vectors of Wycheproof: signatures that sloppy verifiers take, beside those that have to be taken.
//!
//! <https://github.com/C2SP/wycheproof>

use crate::{Error, PublicKey, SignatureAlgorithm};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify};

/// One signature, and whether it is to be taken.
struct Case<'a> {
    id: usize,
    key: &'a [u8],
    message: &'a [u8],
    signature: &'a [u8],
    result: TestResult,
    flags: String,
}

/// Reads each key, verifies each signature, and counts: those taken, those refused.
#[track_caller]
fn check(algorithm: SignatureAlgorithm, cases: &[Case<'_>], expect: (usize, usize)) {
    let (mut taken, mut refused) = (0, 0);
    for case in cases {
        let key = PublicKey::from_spki(case.key).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        let about = format!("{algorithm} {}: {}", case.id, case.flags);
        match (key.verify(case.message, case.signature), case.result) {
            (Ok(()), TestResult::Valid) => taken += 1,
            (Err(Error::NotSignedBy { .. }), TestResult::Invalid | TestResult::Acceptable) => {
                refused += 1;
            }
            (found, expect) => panic!("{about}: expected {expect:?}, found {found:?}"),
        }
    }
    assert_eq!((taken, refused), expect, "{algorithm}");
}

macro_rules! cases {
    ($set:expr) => {
        $set.test_groups
            .iter()
            .flat_map(|group| {
                group.tests.iter().map(|test| Case {
                    id: test.tc_id,
                    key: &group.der,
                    message: &test.msg,
                    signature: &test.sig,
                    result: test.result,
                    flags: format!("{} {:?}", test.comment, test.flags),
                })
            })
            .collect::<Vec<_>>()
    };
}

#[test]
fn a19_ecdsa_p256_takes_what_is_right_and_nothing_else() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    check(SignatureAlgorithm::EcdsaP256Sha256, &cases!(set), (174, 310));
}

#[test]
fn a19_ecdsa_p384_takes_what_is_right_and_nothing_else() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp384r1Sha384).unwrap();
    check(SignatureAlgorithm::EcdsaP384Sha384, &cases!(set), (194, 310));
}

#[test]
fn a19_ed25519_takes_what_is_right_and_nothing_else() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    check(SignatureAlgorithm::Ed25519, &cases!(set), (88, 63));
}

#[test]
fn a19_rsa_takes_what_is_right_and_nothing_else() {
    for (name, expect) in [
        (rsa_pkcs1_verify::TestName::Rsa2048Sha256, (9, 250)),
        (rsa_pkcs1_verify::TestName::Rsa3072Sha256, (8, 251)),
        (rsa_pkcs1_verify::TestName::Rsa4096Sha256, (7, 251)),
    ] {
        let set = rsa_pkcs1_verify::TestSet::load(name).unwrap();
        check(SignatureAlgorithm::RsaPkcs1Sha256, &cases!(set), expect);
    }
}

#[test]
fn a19_a_signature_over_another_hash_or_of_another_form_is_refused() {
    for name in [
        ecdsa::TestName::EcdsaSecp256r1Sha512,
        ecdsa::TestName::EcdsaSecp256r1Sha256P1363,
        ecdsa::TestName::EcdsaSecp384r1Sha256,
        ecdsa::TestName::EcdsaSecp384r1Sha384P1363,
    ] {
        let set = ecdsa::TestSet::load(name).unwrap();
        for case in cases!(set).iter().filter(|case| case.result == TestResult::Valid) {
            let key = PublicKey::from_spki(case.key).unwrap();
            let found = key.verify(case.message, case.signature);
            assert!(matches!(found, Err(Error::NotSignedBy { .. })), "{name:?} {}", case.id);
        }
    }
}
