//! What is known about one flaw.

use crate::severity::Severity;
use jiff::Timestamp;
use std::fmt::Write as _;

/// The facts of an advisory that judging a match needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Advisory {
    /// The id in the feed (`DEBIAN-CVE-2024-1`, `GHSA-…`, `RUSTSEC-…`).
    pub id: String,
    /// Other ids of the same flaw, sorted.
    pub aliases: Vec<String>,
    /// One line.
    pub summary: String,
    /// The worst severity that the record states; unknown where it states none.
    pub severity: Severity,
    /// The vector and score that gave the severity.
    pub cvss: Option<Cvss>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
    /// Whether the package itself is malware.
    pub class: AdvisoryClass,
    /// A page about it.
    pub reference: Option<String>,
}

/// What sort of record it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdvisoryClass {
    /// A vulnerability.
    Vulnerability,
    /// The package is malware (`MAL-` records).
    Malware,
}

/// A CVSS base score with the vector it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Cvss {
    /// `CVSS:3.1/AV:N/…`; version 2 vectors have no prefix.
    pub vector: String,
    /// 0.0–10.0.
    pub score: f64,
}

impl Advisory {
    /// The id people know it by: the first CVE id among id and aliases, else the id.
    pub fn display_id(&self) -> &str {
        std::iter::once(&self.id)
            .chain(&self.aliases)
            .find(|id| id.starts_with("CVE-"))
            .unwrap_or(&self.id)
    }

    /// Whether `id` is the id or an alias, whatever its case.
    pub fn is_known_as(&self, id: &str) -> bool {
        std::iter::once(&self.id).chain(&self.aliases).any(|known| known.eq_ignore_ascii_case(id))
    }
}

/// Who gives out ids of one kind, and where each of them has its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority {
    /// Its name.
    pub name: &'static str,
    page: &'static str,
}

impl Authority {
    /// Whose id this is; of what is neither CVE's nor GitHub's, OSV has a page.
    pub fn of(id: &str) -> Self {
        if id.starts_with("CVE-") {
            Self { name: "NVD", page: "https://nvd.nist.gov/vuln/detail/" }
        } else if id.starts_with("GHSA-") {
            Self { name: "GitHub Advisories", page: "https://github.com/advisories/" }
        } else {
            Self { name: "OSV", page: "https://osv.dev/vulnerability/" }
        }
    }

    /// The address of the page about an id, whatever characters the id has.
    pub fn page(self, id: &str) -> String {
        id.bytes().fold(self.page.to_owned(), |mut address, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
                address.push(char::from(byte));
            } else {
                // Writing to a string does not fail.
                write!(address, "%{byte:02X}").unwrap_or_default();
            }
            address
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_a_page_and_none_leads_elsewhere() {
        for (id, page) in [
            ("CVE-2026-1", "https://nvd.nist.gov/vuln/detail/CVE-2026-1"),
            ("GHSA-a-b-c", "https://github.com/advisories/GHSA-a-b-c"),
            ("ALSA-2026:1", "https://osv.dev/vulnerability/ALSA-2026:1"),
            ("CVE-1/../?x=\"\n", "https://nvd.nist.gov/vuln/detail/CVE-1%2F..%2F%3Fx%3D%22%0A"),
        ] {
            assert_eq!(Authority::of(id).page(id), page);
        }
    }
}
