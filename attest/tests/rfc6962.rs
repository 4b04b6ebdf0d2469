//! The arithmetic of transparency logs: the vectors that Trillian's, sigstore-go's and others' implementations share.
//!
//! Plimsoll does none of it. What verification calls for it is tested here: `sigstore-verify` proves inclusion by
//! `sigstore_merkle::verify_inclusion_proof`, and the version of that crate is pinned to the one that it has. Consistency of
//! two states of a log is not asked in verification: it is tested because the vectors are there.
//!
//! <https://www.rfc-editor.org/rfc/rfc6962#section-2.1>, <https://github.com/transparency-dev/merkle>.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test over files of others"
)]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::Digest;
use serde::{Deserialize, de::DeserializeOwned};
use sigstore_merkle::{verify_consistency_proof, verify_inclusion_proof};
use sigstore_types::Sha256Hash;
use std::{env, fs};

/// How many there are.
const INCLUSION: usize = 98;
const CONSISTENCY: usize = 97;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    leaf_idx: u64,
    tree_size: u64,
    root: Option<String>,
    leaf_hash: Option<String>,
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    size1: u64,
    size2: u64,
    root1: Option<String>,
    root2: Option<String>,
    proof: Option<Vec<String>>,
    want_err: bool,
}

/// What has no 32 bytes is no hash: the library's types hold no other.
fn hash(text: Option<&String>) -> Option<Sha256Hash> {
    STANDARD.decode(text?).unwrap().try_into().ok().map(Sha256Hash::new)
}

fn hashes(proof: Option<&Vec<String>>) -> Option<Vec<Sha256Hash>> {
    proof.into_iter().flatten().map(|text| hash(Some(text))).collect()
}

fn is_included(vector: &Inclusion) -> bool {
    let Some(leaf) = hash(vector.leaf_hash.as_ref()) else { return false };
    let Some(root) = hash(vector.root.as_ref()) else { return false };
    let Some(proof) = hashes(vector.proof.as_ref()) else { return false };
    verify_inclusion_proof(&leaf, vector.leaf_idx, vector.tree_size, &proof, &root).is_ok()
}

/// Where it does not matter which hash it is, some vectors have a text in its place: its digest stands for it, which is as
/// different from every other as the text is.
fn root(text: Option<&String>) -> Sha256Hash {
    hash(text).unwrap_or_else(|| {
        let text = text.map_or("", String::as_str);
        Sha256Hash::new(*Digest::of(text.as_bytes()).as_bytes())
    })
}

fn is_consistent(vector: &Consistency) -> bool {
    let (old, new) = (root(vector.root1.as_ref()), root(vector.root2.as_ref()));
    let Some(proof) = hashes(vector.proof.as_ref()) else { return false };
    verify_consistency_proof(vector.size1, vector.size2, &proof, &old, &new).is_ok()
}

/// Every vector of a kind, each with its file; absent where the data is not there.
fn vectors<T: DeserializeOwned>(kind: &str) -> Option<Vec<(Utf8PathBuf, T)>> {
    let shared = env::var("PLIMSOLL_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").to_owned());
    let folder = Utf8Path::new(&shared).join("data/merkle/testdata").join(kind);
    if !folder.is_dir() {
        let is_required = env::var("PLIMSOLL_ORACLES").is_ok_and(|value| value == "require");
        assert!(!is_required, "the test data `{folder}` is required and missing");
        eprintln!("not tested: the test data `{folder}` is missing");
        return None;
    }
    let mut folders = vec![folder];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let vector = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                found.push((path, vector));
            }
        }
    }
    Some(found)
}

/// The files of those that are not judged as they say.
fn misjudged<T>(vectors: &[(Utf8PathBuf, T)], is_right: impl Fn(&T) -> bool) -> Vec<&str> {
    let wrong = vectors.iter().filter(|(_, vector)| !is_right(vector));
    wrong.filter_map(|(path, _)| path.file_name()).collect()
}

#[test]
fn a06_every_vector_of_inclusion_is_judged_right() {
    let Some(vectors) = vectors::<Inclusion>("inclusion") else { return };
    let wrong = misjudged(&vectors, |vector| is_included(vector) != vector.want_err);
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(vectors.len(), INCLUSION);
}

#[test]
fn a06_every_vector_of_consistency_is_judged_right_but_that_any_log_extends_an_empty_one() {
    let Some(vectors) = vectors::<Consistency>("consistency") else { return };
    let wrong = misjudged(&vectors, |vector| is_consistent(vector) != vector.want_err);
    // True, and of no use, which is why others refuse it. The RFC (2.1.2) asks of no empty log.
    assert_eq!(wrong, ["size1-is-zero-and-does-not-equal-size2.json"]);
    assert_eq!(vectors.len(), CONSISTENCY);
}
