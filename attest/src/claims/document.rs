//! Documents that are predicates as they are: SBOMs and VEX. Their types come in many spellings.

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// An SBOM as CycloneDX.
    CycloneDx,
    /// An SBOM as SPDX.
    Spdx,
    /// Statements as OpenVEX.
    OpenVex,
}

/// Where each begins; what follows is nothing or a version.
const TYPES: &[(&str, DocumentKind)] = &[
    ("https://cyclonedx.org/bom", DocumentKind::CycloneDx),
    ("https://cyclonedx.org/schema", DocumentKind::CycloneDx),
    ("https://cyclonedx.org/specification/overview", DocumentKind::CycloneDx),
    ("https://spdx.dev/Document", DocumentKind::Spdx),
    ("https://openvex.dev/ns", DocumentKind::OpenVex),
];

impl DocumentKind {
    /// The kind that this type is, whatever its version.
    pub fn of(predicate_type: &str) -> Option<Self> {
        let kind = |(start, kind): &(&str, Self)| {
            predicate_type.strip_prefix(start).filter(|rest| is_version(rest)).map(|_| *kind)
        };
        TYPES.iter().find_map(kind)
    }
}

/// Whether it is nothing, or `/` and a version with or without a `v` (`/v2.3`, `/1.6`).
fn is_version(rest: &str) -> bool {
    let Some(version) = rest.strip_prefix('/') else { return rest.is_empty() };
    let version = version.strip_prefix('v').unwrap_or(version);
    version.len() <= 16
        && version
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_taken_and_anything_else_is_not() {
        for (text, expect) in [
            ("https://cyclonedx.org/bom", Some(DocumentKind::CycloneDx)),
            ("https://cyclonedx.org/bom/v1.4", Some(DocumentKind::CycloneDx)),
            ("https://cyclonedx.org/bom/1.6", Some(DocumentKind::CycloneDx)),
            ("https://cyclonedx.org/schema", Some(DocumentKind::CycloneDx)),
            ("https://spdx.dev/Document", Some(DocumentKind::Spdx)),
            ("https://spdx.dev/Document/v2.3", Some(DocumentKind::Spdx)),
            ("https://spdx.dev/Document/v3.0.1", Some(DocumentKind::Spdx)),
            ("https://openvex.dev/ns", Some(DocumentKind::OpenVex)),
            ("https://openvex.dev/ns/v0.2.0", Some(DocumentKind::OpenVex)),
            ("https://cyclonedx.org/bomb", None),
            ("https://cyclonedx.org/bom/", None),
            ("https://cyclonedx.org/bom/v", None),
            ("https://cyclonedx.org/bom/v1..4", None),
            ("https://cyclonedx.org/bom/v1.4/x", None),
            ("https://spdx.dev/Document/v2.3?x", None),
            ("https://spdx.dev/document", None),
            ("https://openvex.dev/ns/v1111111111111111.0", None),
            ("", None),
        ] {
            assert_eq!(DocumentKind::of(text), expect, "{text}");
        }
    }
}
