//! Whose word counts for who signed and when: certificate authorities, logs, and timestamp authorities.
//!
//! <https://github.com/sigstore/protobuf-specs/blob/v0.4.0/protos/sigstore_trustroot.proto>

use crate::{Error, RootError, text::excerpt, tuf::UpdateStamp};
use plimsoll_model::Digest;
use sigstore_trust_root::{
    SIGSTORE_GITHUB_TRUSTED_ROOT, SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot,
};
use sigstore_verify::Verifier;
use std::{fmt, sync::Arc};

/// When the roots that are built in were the current ones.
pub const EMBEDDED_DATE: &str = "2026-10-23";

/// The instances whose roots are built in, by name, in the order in which they are asked.
pub(crate) const EMBEDDED: [(&str, &str); 2] =
    [("sigstore.dev", SIGSTORE_PRODUCTION_TRUSTED_ROOT), ("GitHub", SIGSTORE_GITHUB_TRUSTED_ROOT)];

/// Instances of Sigstore, each with its authorities and logs, in the order in which they are asked.
///
/// Cheap to clone. What one instance has signed, another one never completes: a certificate of the first and a log
/// of the second are no proof.
#[derive(Clone)]
pub struct TrustRoot {
    instances: Arc<[Instance]>,
    text: Arc<str>,
    digest: Digest,
}

/// One instance.
pub(crate) struct Instance {
    /// What it is called.
    pub(crate) name: String,
    /// Where its material is from.
    origin: Origin,
    /// Its material.
    pub(crate) root: TrustedRoot,
    /// The same, made ready.
    pub(crate) verifier: Verifier,
}

/// Where the root of an instance is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It came with the program, and is of [`EMBEDDED_DATE`].
    BuiltIn,
    /// From a file, which somebody named.
    File,
    /// It was updated by TUF.
    Updated(UpdateStamp),
}

/// The root of one instance, not read yet.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    /// What the instance is called.
    pub(crate) name: &'a str,
    /// JSON of a `TrustedRoot`.
    pub(crate) text: &'a str,
    /// Where it is from.
    pub(crate) origin: Origin,
}

impl TrustRoot {
    /// Sigstore's public instance, and the one of GitHub for private repositories, as of [`EMBEDDED_DATE`].
    pub fn embedded() -> Result<Self, Error> {
        Self::of(&EMBEDDED.map(|(name, text)| Document { name, text, origin: Origin::BuiltIn }))
    }

    /// Reads a trusted root, or several of them: JSON objects one after the other, as `gh attestation trusted-root` and
    /// `cosign trusted-root` print them.
    ///
    /// Roots are written by those who are trusted: their size is bounded by whoever reads the file.
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        let mut documents = Vec::new();
        for document in serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>() {
            documents.push(document.map_err(|error| unusable(name, error))?.to_string());
        }
        if documents.is_empty() {
            return Err(unusable(name, "it is empty"));
        }
        let document = |text| Document { name, text, origin: Origin::File };
        Self::of(&documents.iter().map(|text| document(text.as_str())).collect::<Vec<_>>())
    }

    /// The instances of these documents. Errors call each by its name.
    pub(crate) fn of(documents: &[Document<'_>]) -> Result<Self, Error> {
        let instances = documents.iter().map(Instance::parse);
        let all: Vec<&str> = documents.iter().map(|document| document.text).collect();
        let text = all.join("\n");
        Ok(Self {
            instances: instances.collect::<Result<_, _>>()?,
            digest: Digest::of(text.as_bytes()),
            text: text.into(),
        })
    }

    /// Digest of everything that is trusted.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// What [`TrustRoot::parse`] reads as the same roots.
    pub fn as_text(&self) -> &str {
        &self.text
    }

    /// The names of the instances.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.instances.iter().map(|instance| instance.name.as_str())
    }

    /// The names of the instances, each with where its root is from.
    pub fn origins(&self) -> impl Iterator<Item = (&str, &Origin)> {
        self.instances.iter().map(|instance| (instance.name.as_str(), &instance.origin))
    }

    pub(crate) fn instances(&self) -> &[Instance] {
        &self.instances
    }
}

impl Instance {
    fn parse(Document { name, text, origin }: &Document<'_>) -> Result<Self, Error> {
        let root = TrustedRoot::from_json(text).map_err(|error| unusable(name, error))?;
        let verifier = Verifier::new(&root).map_err(|error| unusable(name, error))?;
        if root.certificate_authorities.is_empty() && root.tlogs.is_empty() {
            return Err(unusable(name, "it has neither a certificate authority nor a log"));
        }
        Ok(Self { name: (*name).to_owned(), origin: origin.clone(), root, verifier })
    }

    /// Whether signatures are logged here; GitHub's private instance has timestamps instead.
    pub(crate) fn has_logs(&self) -> bool {
        !self.root.tlogs.is_empty()
    }

    /// Whether certificates are logged here.
    pub(crate) fn has_certificate_logs(&self) -> bool {
        !self.root.ctlogs.is_empty()
    }
}

fn unusable(name: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    RootError::Unusable { name: excerpt(name), source: source.into() }.into()
}

impl fmt::Debug for TrustRoot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TrustRoot({})", self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says that [`EMBEDDED_DATE`] has to follow what the library brings.
    #[test]
    fn the_embedded_roots_are_those_of_the_date() {
        let root = TrustRoot::embedded().unwrap();
        let built_in = [("sigstore.dev", &Origin::BuiltIn), ("GitHub", &Origin::BuiltIn)];
        assert_eq!(root.origins().collect::<Vec<_>>(), built_in);
        assert_eq!(root.digest().short(), "62081ebd09b6", "another root: change its date, too");
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_by_name() {
        for text in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#,
        ] {
            let error = TrustRoot::parse(text, "corp.json").unwrap_err();
            assert!(
                matches!(&error, Error::Root(RootError::Unusable { name, .. }) if name == "corp.json"),
                "{text}"
            );
        }
    }

    #[test]
    fn several_roots_in_one_file_are_several_instances() {
        let both = format!("{SIGSTORE_PRODUCTION_TRUSTED_ROOT}\n{SIGSTORE_GITHUB_TRUSTED_ROOT}\n");
        let root = TrustRoot::parse(&both, "both.jsonl").unwrap();
        let [public, github] = root.instances() else { panic!("two instances") };
        assert!(public.has_logs() && public.has_certificate_logs());
        assert!(!github.has_logs() && !github.has_certificate_logs());
        assert_eq!(public.name, "both.jsonl");
    }
}
