//! The kinds of evidence a policy can demand.

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
}

/// A text that names no kind of evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of `provenance`, `sbom`, `vulnerabilities`")]
pub struct EvidenceKindError;

impl EvidenceKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Provenance, Self::Sbom, Self::Vulnerabilities];

    /// The word in a policy file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provenance => "provenance",
            Self::Sbom => "sbom",
            Self::Vulnerabilities => "vulnerabilities",
        }
    }

    /// The predicate types that count as this kind.
    pub const fn predicate_types(self) -> &'static [&'static str] {
        match self {
            Self::Provenance => &["https://slsa.dev/provenance/v1"],
            Self::Sbom => &["https://cyclonedx.org/bom", "https://spdx.dev/Document/v2.3"],
            Self::Vulnerabilities => &["https://in-toto.io/attestation/vulns/v0.2"],
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
        assert_eq!("SBOM".parse::<EvidenceKind>(), Err(EvidenceKindError));
    }
}
