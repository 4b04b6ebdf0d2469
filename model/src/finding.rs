//! One statement of a defect.

use crate::{
    digest::Digest,
    purl::Purl,
    risk::{Exploitation, Prediction, Risk},
    scan::{Fix, Origin},
    severity::Severity,
};
use camino::Utf8PathBuf;
use std::fmt;

/// A rule's statement about one place. Whether it blocks is decided later, by the policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule's id (`BASE-001`).
    pub rule: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Whether the rule saw the defect, or could not tell.
    pub outcome: Outcome,
    /// One line: what is wrong, without a final period.
    pub title: String,
    /// Where.
    pub place: Place,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
    /// How to mend it.
    pub remedy: String,
    /// The flaw and its component, for rules about vulnerabilities.
    pub vulnerability: Option<Box<Vulnerability>>,
}

/// What a rule has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The defect is there.
    Fail,
    /// The rule could not tell, which is never taken for fine.
    Unknown,
}

impl Outcome {
    /// The word that stands for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a finding is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file of the user's.
    Source {
        /// As given on the command line.
        path: Utf8PathBuf,
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
    },
    /// A field of the image's configuration (`config.User`).
    Config {
        /// The field.
        field: String,
    },
    /// A component of the inventory, and where it was found first.
    Component {
        /// What it is.
        purl: Purl,
        /// Path in the image, not yet fit for a terminal.
        path: String,
        /// diffID of the layer.
        layer: Option<Digest>,
    },
    /// A file in the image that is no component.
    File {
        /// Path in the image, not yet fit for a terminal.
        path: String,
        /// diffID of the layer.
        layer: Option<Digest>,
    },
    /// The image as a whole.
    Image,
    /// The evidence about the image.
    Evidence,
    /// A registry, or something in it.
    Registry {
        /// Its address, a repository, or a name in one; not yet fit for a terminal.
        at: String,
    },
    /// The policy file.
    Policy,
}

/// A flaw of a component.
#[derive(Debug, Clone, PartialEq)]
pub struct Vulnerability {
    /// The id people know it by.
    pub id: String,
    /// All ids, sorted.
    pub ids: Vec<String>,
    /// The component.
    pub purl: Purl,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What is known of a fix.
    pub fix: Fix,
    /// CVSS base score.
    pub score: Option<f64>,
    /// How urgent it is.
    pub risk: Risk,
    /// Whether it is known to be exploited.
    pub exploitation: Exploitation,
    /// How likely it is to be; absent where nobody has predicted it.
    pub prediction: Option<Prediction>,
    /// Whether its component came with the base image.
    pub origin: Origin,
}

/// Tells findings apart across runs: the same defect in the same place has the same fingerprint
/// when lines or versions shift around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Finding {
    /// Its fingerprint: rule, place without line numbers, and the flaw.
    pub fn fingerprint(&self) -> Fingerprint {
        let place = match &self.place {
            Place::Source { path, .. } => format!("source\0{path}\0{}", self.found),
            Place::Config { field } => format!("config\0{field}"),
            Place::Component { purl, path, .. } => {
                format!("component\0{}\0{path}", purl.without_version())
            }
            Place::File { path, .. } => format!("file\0{path}"),
            Place::Image => "image".to_owned(),
            Place::Evidence => format!("evidence\0{}", self.expected),
            Place::Registry { at } => format!("registry\0{at}"),
            Place::Policy => format!("policy\0{}", self.found),
        };
        let flaw = self.vulnerability.as_ref().map_or("", |vulnerability| &vulnerability.id);
        Fingerprint(Digest::of(format!("{}\0{place}\0{flaw}", self.rule).as_bytes()).hex())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source { path, line, column } => write!(out, "{path}:{line}:{column}"),
            Self::Config { field } => write!(out, "image configuration, `{field}`"),
            Self::Component { path, layer: Some(layer), .. }
            | Self::File { path, layer: Some(layer) } => {
                write!(out, "{path} (layer {})", layer.short())
            }
            Self::Component { path, .. } | Self::File { path, .. } => out.write_str(path),
            Self::Image => out.write_str("image"),
            Self::Evidence => out.write_str("evidence"),
            Self::Registry { at } => out.write_str(at),
            Self::Policy => out.write_str("policy"),
        }
    }
}
