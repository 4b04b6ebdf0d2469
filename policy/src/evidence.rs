//! The kinds of evidence a policy can demand, and what becomes of it while it can not be signed.

use camino::Utf8PathBuf;
use std::{fmt, str::FromStr};

/// A kind of evidence about an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EvidenceKind {
    /// How it was built.
    Provenance,
    /// What is in it.
    Sbom,
    /// What was known to be unsafe in it.
    Vulnerabilities,
    /// What its tests came to.
    Tests,
    /// That another gate let it pass.
    Vsa,
}

/// A text that names no kind of evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of `provenance`, `sbom`, `vulnerabilities`, `tests`, `vsa`")]
pub struct EvidenceKindError;

/// What becomes of statements while the services that it takes to sign them without a key are out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OutagePolicy {
    /// Nothing is signed, and the command fails.
    #[default]
    Fail,
    /// They are signed by a key, as pending: that is no evidence of anything, and nothing is promoted by it.
    Queue {
        /// The file of the public key, as written: relative to the directory of the policy file.
        key: Utf8PathBuf,
    },
}

impl EvidenceKind {
    /// The kind that statements of this type are of.
    pub fn of(predicate_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.predicate_types().contains(&predicate_type))
    }

    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Provenance, Self::Sbom, Self::Vulnerabilities, Self::Tests, Self::Vsa];

    /// Those that Plimsoll states of every image, and that are required where the policy does not say.
    pub const STATED: [Self; 3] = [Self::Provenance, Self::Sbom, Self::Vulnerabilities];

    /// The word in a policy file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provenance => "provenance",
            Self::Sbom => "sbom",
            Self::Vulnerabilities => "vulnerabilities",
            Self::Tests => "tests",
            Self::Vsa => "vsa",
        }
    }

    /// The predicate types that count as this kind: those that are written today first, then those that others wrote.
    pub const fn predicate_types(self) -> &'static [&'static str] {
        match self {
            Self::Provenance => &[
                "https://slsa.dev/provenance/v1",
                "https://slsa.dev/provenance/v1.0",
                "https://slsa.dev/provenance/v0.2",
            ],
            Self::Sbom => &[
                "https://cyclonedx.org/bom",
                "https://spdx.dev/Document/v2.3",
                "https://spdx.dev/Document",
            ],
            Self::Vulnerabilities => &[
                "https://in-toto.io/attestation/vulns/v0.2",
                "https://in-toto.io/attestation/vulns/v0.1",
                "https://cosign.sigstore.dev/attestation/vuln/v1",
            ],
            Self::Tests => &["https://in-toto.io/attestation/test-result/v0.1"],
            Self::Vsa => &["https://slsa.dev/verification_summary/v1"],
        }
    }
}

impl fmt::Display for EvidenceKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl FromStr for EvidenceKind {
    type Err = EvidenceKindError;

    fn from_str(text: &str) -> Result<Self, EvidenceKindError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(EvidenceKindError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_back() {
        for kind in EvidenceKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!(EvidenceKind::of("https://spdx.dev/Document"), Some(EvidenceKind::Sbom));
        assert_eq!(EvidenceKind::of("https://spdx.dev/Document/"), None);
        assert_eq!("SBOM".parse::<EvidenceKind>(), Err(EvidenceKindError));
    }
}
