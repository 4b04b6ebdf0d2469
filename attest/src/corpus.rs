//! What fuzzing of evidence begins with: `fuzz/corpus/bundle`, written anew with `BLESS=1`.

use crate::{
    Candidate, Expectation, IN_TOTO_PAYLOAD_TYPE, Statement, StatementSubject, Trust, Wanted,
    pack_layer, sign, sign_payload, signers::KeySigner, verify,
};
use plimsoll_model::{Digest, Limits};
use serde_json::json;
use std::{fs, path::Path};

/// A key that everybody knows: PKCS#8 around zeros. Its signatures are always the same.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\
    -----END PRIVATE KEY-----\n";

const PREDICATE_TYPE: &str = "https://plimsoll.example/fuzz/v1";

/// Compares a seed with what it has to be, or writes it.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "the file is ours")]
fn check(name: &str, expect: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/bundle");
    let file = folder.join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        fs::write(&file, expect).unwrap();
    }
    let found = fs::read(&file).unwrap_or_default();
    assert!(found == expect, "{}: set BLESS=1 to write it anew", file.display());
}

#[test]
fn fuzzing_begins_with_good_evidence() {
    let signer = KeySigner::from_pem(KEY, None).unwrap();
    let digest = Digest::of(b"subject");
    let subject = StatementSubject { name: "a".to_owned(), digest };
    let predicate = json!({"a": [1, "2", null]});
    let statement = Statement::new(vec![subject], PREDICATE_TYPE, predicate).unwrap();
    let bundle = sign(&statement, &signer).unwrap().to_bytes();
    check("bundle.json", &bundle);
    let envelope = sign_payload("text/plain", b"payload", &signer).unwrap();
    check("envelope.json", &envelope.to_bytes());
    let envelope = sign_payload(IN_TOTO_PAYLOAD_TYPE, &statement.to_bytes(), &signer).unwrap();
    let annotations = [("dev.cosignproject.cosign/signature".to_owned(), String::new())].into();
    let kind = "application/vnd.dsse.envelope.v1+json";
    check("layer.cosign", &pack_layer(kind, &annotations, &envelope.to_bytes()));
    check("key.pem", signer.public_key().to_pem().as_bytes());
    let verification = verify(
        &Candidate { found_at: "here".to_owned(), bytes: bundle },
        &Expectation {
            subject: digest,
            place: None,
            content: None,
            wanted: Wanted::Statement(&[PREDICATE_TYPE]),
            trust: &Trust::in_keys(&[signer.public_key().clone()]),
            limits: &Limits::STANDARD,
        },
    );
    assert_eq!(verification.failed_step(), None);
}
