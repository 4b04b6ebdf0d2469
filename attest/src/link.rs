//! Links of in-toto 0.9: what one step of a supply chain took, and what it made, signed by who did it.
//!
//! <https://github.com/in-toto/specification/blob/v1.0/in-toto-spec.md#44-file-formats-namekeyid-prefixlink>. Layouts that ask for
//! them are verified by `in-toto-verify`; nothing is verified here. Keys are Ed25519 alone: of the others its verifiers differ
//! in what they take.

use crate::{Error, signers::KeySigner, text::excerpt};
use in_toto::{
    crypto::{HashAlgorithm, HashValue, PublicKey, SignatureValue},
    models::{LinkMetadataBuilder, Metadata as _, TargetDescription, VirtualTargetPath},
};
use plimsoll_model::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Characters of the key id that are in the name of the file.
const PREFIX: usize = 8;

/// What a step took and made.
#[derive(Debug, Clone, Copy)]
pub struct LinkFacts<'a> {
    /// The step, as the layout calls it.
    pub step: &'a str,
    /// The files that it took, by name.
    pub materials: &'a BTreeMap<String, Digest>,
    /// The files that it made, by name.
    pub products: &'a BTreeMap<String, Digest>,
}

/// A signed link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    file_name: String,
    bytes: Vec<u8>,
}

impl Link {
    /// What verifiers look for: `STEP.KEYID.link`, with the first eight characters of the key id.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Signs a link.
///
/// [`Error::LinkKey`] where the key is not Ed25519, [`Error::LinkName`] where a name can not be told from another one by
/// every reader.
pub fn sign(facts: &LinkFacts<'_>, signer: &KeySigner) -> Result<Link, Error> {
    let key = signer.public_key();
    let found = key.algorithm();
    let bytes = key.ed25519_bytes().ok_or(Error::LinkKey { found })?;
    let key = PublicKey::from_ed25519(bytes).map_err(failed)?;
    let id = serde_json::to_value(key.key_id()).unwrap_or_default();
    let id = id.as_str().unwrap_or_default();
    if facts.step.is_empty() || facts.step.contains('/') || facts.step.starts_with('.') {
        let expected = "the name of a step, without `/` and without `.` in front";
        return Err(Error::LinkName { name: excerpt(facts.step), expected });
    }
    plain(facts.step)?;
    let link = LinkMetadataBuilder::new()
        .name(facts.step.to_owned())
        .materials(files(facts.materials)?)
        .products(files(facts.products)?)
        // Absent it would be `null`, which `in-toto-verify` does not take.
        .env(Some(BTreeMap::new()))
        .build()
        .map_err(failed)?;
    // Canonical JSON, which is what is signed.
    let canonical = link.to_bytes().map_err(failed)?;
    let signature = signer.sign(&canonical)?;
    let signed: Value = serde_json::from_slice(&canonical)
        .map_err(|source| Error::Malformed { what: "a link", source })?;
    let file = json!({
        "signatures": [{"keyid": id, "sig": SignatureValue::new(signature)}],
        "signed": signed,
    });
    let prefix: String = id.chars().take(PREFIX).collect();
    Ok(Link { file_name: format!("{}.{prefix}.link", facts.step), bytes: file.to_string().into() })
}

/// The library refuses nothing that comes here.
fn failed(_refused: in_toto::Error) -> Error {
    Error::Cryptography { attempt: "write a link" }
}

fn files(
    files: &BTreeMap<String, Digest>,
) -> Result<BTreeMap<VirtualTargetPath, TargetDescription>, Error> {
    let file = |(name, digest): (&String, &Digest)| {
        plain(name)?;
        let path = VirtualTargetPath::new(name.clone()).map_err(failed)?;
        let hash = (HashAlgorithm::Sha256, HashValue::new(digest.as_bytes().to_vec()));
        Ok((path, std::iter::once(hash).collect()))
    };
    files.iter().map(file).collect()
}

/// That readers agree on a name: they escape the others in JSON differently, and sign something else.
fn plain(name: &str) -> Result<(), Error> {
    if !name.is_empty() && !name.contains(|char: char| char.is_control() || "\"\\".contains(char)) {
        return Ok(());
    }
    let expected = "a name without quotes, backslashes and control characters";
    Err(Error::LinkName { name: excerpt(name), expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signers::KeyKind;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn sign_of(step: &str, material: &str, signer: &KeySigner) -> Result<Link, Error> {
        let materials = BTreeMap::from([(material.to_owned(), Digest::of(b""))]);
        sign(&LinkFacts { step, materials: &materials, products: &BTreeMap::new() }, signer)
    }

    #[test]
    fn a_link_has_this_form_and_the_signature_is_over_its_canonical_form() {
        let signer = KeySigner::generate(KeyKind::Ed25519).unwrap();
        let link = sign_of("build", "src/é.c", &signer).unwrap();
        let mut file: Value = serde_json::from_slice(link.bytes()).unwrap();
        let signature = hex::decode(file["signatures"][0]["sig"].as_str().unwrap()).unwrap();
        let id = file["signatures"][0]["keyid"].take();
        assert_eq!(
            link.file_name(),
            format!("build.{}.link", id.as_str().unwrap().get(..8).unwrap())
        );
        assert_eq!(
            file["signed"],
            json!({
                "_type": "link",
                "name": "build",
                "materials": {"src/é.c": {"sha256": EMPTY}},
                "products": {},
                "environment": {},
                "byproducts": {},
                "command": [],
            })
        );
        let canonical = format!(
            r#"{{"_type":"link","byproducts":{{}},"command":[],"environment":{{}},"materials":{{"src/é.c":{{"sha256":"{EMPTY}"}}}},"name":"build","products":{{}}}}"#
        );
        signer.public_key().verify(canonical.as_bytes(), &signature).unwrap();
        assert_eq!(sign_of("build", "src/é.c", &signer).unwrap(), link);
    }

    #[test]
    fn other_keys_and_names_that_readers_differ_on_are_refused() {
        let signer = KeySigner::generate(KeyKind::Ed25519).unwrap();
        sign_of("build", "a", &signer).unwrap();
        for step in ["", "a/b", "..", ".hidden", "a\"b", "a\nb"] {
            let found = sign_of(step, "a", &signer);
            assert!(matches!(found, Err(Error::LinkName { .. })), "{step:?}");
        }
        for name in ["", "a\\nb", "a\"b", "a\nb", "a\u{7f}"] {
            let found = sign_of("build", name, &signer);
            assert!(matches!(found, Err(Error::LinkName { .. })), "{name:?}");
        }
        for kind in [KeyKind::EcdsaP256, KeyKind::EcdsaP384] {
            let found = sign_of("build", "a", &KeySigner::generate(kind).unwrap());
            assert!(matches!(found, Err(Error::LinkKey { .. })), "{kind:?}");
        }
    }
}
