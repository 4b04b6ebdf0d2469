//! What is known about one flaw.

use crate::severity::Severity;
use jiff::Timestamp;

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
