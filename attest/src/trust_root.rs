//! Whose word counts for who signed and when: certificate authorities, logs, and timestamp authorities.
//!
//! <https://github.com/sigstore/protobuf-specs/blob/v0.4.0/protos/sigstore_trustroot.proto>

use crate::{Error, text::excerpt};
use plimsoll_model::Digest;
use sigstore_trust_root::{
    SIGSTORE_GITHUB_TRUSTED_ROOT, SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot,
};
use sigstore_verify::Verifier;
use std::{fmt, sync::Arc};

/// When the roots that are built in were the current ones.
pub const EMBEDDED_DATE: &str = "2026-10-23";

/// Instances of Sigstore, each with its authorities and logs, in the order in which they are asked.
///
/// Cheap to clone. What one instance has signed, another one never completes: a certificate of the first and a log
/// of the second are no proof.
#[derive(Clone)]
pub struct TrustRoot {
    instances: Arc<[Instance]>,
    digest: Digest,
}

/// One instance.
pub(crate) struct Instance {
    /// What it is called.
    pub(crate) name: String,
    /// Its material.
    pub(crate) root: TrustedRoot,
    /// The same, made ready.
    pub(crate) verifier: Verifier,
}

impl TrustRoot {
    /// Sigstore's public instance, and the one of GitHub for private repositories, as of [`EMBEDDED_DATE`].
    pub fn embedded() -> Result<Self, Error> {
        Self::of(&[
            ("sigstore.dev", SIGSTORE_PRODUCTION_TRUSTED_ROOT),
            ("GitHub", SIGSTORE_GITHUB_TRUSTED_ROOT),
        ])
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
        let named: Vec<(&str, &str)> = documents.iter().map(|text| (name, text.as_str())).collect();
        Self::of(&named)
    }

    fn of(documents: &[(&str, &str)]) -> Result<Self, Error> {
        let instances = documents.iter().map(|(name, text)| Instance::parse(name, text));
        let all: Vec<&[u8]> = documents.iter().map(|(_, text)| text.as_bytes()).collect();
        Ok(Self {
            instances: instances.collect::<Result<_, _>>()?,
            digest: Digest::of(&all.join(&b"\n"[..])),
        })
    }

    /// Digest of everything that is trusted.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The names of the instances.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.instances.iter().map(|instance| instance.name.as_str())
    }

    pub(crate) fn instances(&self) -> &[Instance] {
        &self.instances
    }
}

impl Instance {
    fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let root = TrustedRoot::from_json(text).map_err(|error| unusable(name, error))?;
        let verifier = Verifier::new(&root).map_err(|error| unusable(name, error))?;
        if root.certificate_authorities.is_empty() && root.tlogs.is_empty() {
            return Err(unusable(name, "it has neither a certificate authority nor a log"));
        }
        Ok(Self { name: name.to_owned(), root, verifier })
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
    Error::TrustRoot { name: excerpt(name), source: source.into() }
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
        assert_eq!(root.names().collect::<Vec<_>>(), ["sigstore.dev", "GitHub"]);
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
                matches!(&error, Error::TrustRoot { name, .. } if name == "corp.json"),
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
