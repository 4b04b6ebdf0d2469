//! Which kind of predicate a type is.

use super::DocumentKind;

/// A kind of predicate that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PredicateKind {
    /// SLSA provenance v0.2.
    ProvenanceV02,
    /// SLSA provenance v1.
    ProvenanceV1,
    /// SLSA verification summary v1.
    Vsa,
    /// In-toto vulnerabilities v0.1 and v0.2, which have the same fields.
    Vulnerabilities,
    /// The vulnerabilities of `cosign attest --type vuln`.
    CosignVulnerabilities,
    /// In-toto test result v0.1.
    TestResult,
    /// An SBOM or a VEX document.
    Document(DocumentKind),
}

impl PredicateKind {
    /// The kind that this type is; none where it is not known. Types are compared letter by letter.
    pub fn of(predicate_type: &str) -> Option<Self> {
        Some(match predicate_type {
            "https://slsa.dev/provenance/v0.2" => Self::ProvenanceV02,
            // The versions of v1 are one type; some writers give the minor one as well.
            "https://slsa.dev/provenance/v1" | "https://slsa.dev/provenance/v1.0" => {
                Self::ProvenanceV1
            }
            "https://slsa.dev/verification_summary/v1" => Self::Vsa,
            "https://in-toto.io/attestation/vulns/v0.1"
            | "https://in-toto.io/attestation/vulns/v0.2"
            // As the first text of the specification had it.
            | "https://in-toto.io/attestation/vulns" => Self::Vulnerabilities,
            "https://cosign.sigstore.dev/attestation/vuln/v1" => Self::CosignVulnerabilities,
            "https://in-toto.io/attestation/test-result/v0.1" => Self::TestResult,
            other => Self::Document(DocumentKind::of(other)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predicates;

    #[test]
    fn every_type_that_is_written_here_is_understood() {
        let kinds: Vec<_> =
            predicates::ALL.iter().map(|known| PredicateKind::of(known.type_uri)).collect();
        assert_eq!(
            kinds,
            [
                Some(PredicateKind::ProvenanceV1),
                Some(PredicateKind::Document(DocumentKind::CycloneDx)),
                Some(PredicateKind::Document(DocumentKind::Spdx)),
                Some(PredicateKind::Vulnerabilities),
                Some(PredicateKind::Vsa),
                Some(PredicateKind::TestResult),
            ]
        );
    }

    #[test]
    fn a_type_that_only_looks_like_one_is_none() {
        assert_eq!(
            PredicateKind::of("https://slsa.dev/provenance/v0.2"),
            Some(PredicateKind::ProvenanceV02)
        );
        for other in [
            "",
            "https://slsa.dev/provenance/v0.1",
            "https://slsa.dev/provenance/v1/",
            "https://slsa.dev/provenance/v10",
            "http://slsa.dev/provenance/v1",
            "https://SLSA.dev/provenance/v1",
            "https://slsa.dev/verification_summary/v0.2",
            "https://in-toto.io/attestation/vulns/v0.3",
        ] {
            assert_eq!(PredicateKind::of(other), None, "{other}");
        }
    }
}
