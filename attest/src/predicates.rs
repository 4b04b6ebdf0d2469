//! What statements can say: one file for each type of predicate.

/// A type of predicate that is made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Predicate {
    /// What it is called on the command line and in the policy.
    pub id: &'static str,
    /// What a statement says that it is.
    pub type_uri: &'static str,
    /// One line.
    pub description: &'static str,
}

macro_rules! predicates {
    ($($module:ident),* $(,)?) => {
        $(pub mod $module;)*
        /// Every predicate, in documentation order.
        pub const ALL: &[&Predicate] = &[$(&$module::PREDICATE),*];
    };
}
predicates! {
    slsa_provenance_v1,
    sbom_cyclonedx,
    sbom_spdx,
    vulnerabilities,
    vsa,
    test_result,
}

/// The predicate with this id.
pub fn find(id: &str) -> Option<&'static Predicate> {
    ALL.iter().find(|predicate| predicate.id == id).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_and_types_are_these_and_are_found() {
        let found: Vec<_> = ALL.iter().map(|known| (known.id, known.type_uri)).collect();
        assert_eq!(
            found,
            [
                ("provenance", "https://slsa.dev/provenance/v1"),
                ("sbom-cyclonedx", "https://cyclonedx.org/bom"),
                ("sbom-spdx", "https://spdx.dev/Document/v2.3"),
                ("vulnerabilities", "https://in-toto.io/attestation/vulns/v0.2"),
                ("vsa", "https://slsa.dev/verification_summary/v1"),
                ("test-result", "https://in-toto.io/attestation/test-result/v0.1"),
            ]
        );
        let ids: BTreeSet<_> = ALL.iter().map(|known| known.id).collect();
        assert_eq!(ids.len(), ALL.len());
        for known in ALL {
            assert_eq!(find(known.id), Some(*known));
        }
        assert_eq!(find("Provenance"), None);
    }
}
