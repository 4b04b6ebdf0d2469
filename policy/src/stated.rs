//! What verified evidence states, as far as rules look at it.
//!
//! Texts are a signer's: somebody who is believed wrote them, and still nothing of them is fit for a terminal.

use crate::EvidenceKind;
use jiff::Timestamp;
use plimsoll_model::{
    Digest,
    evidence::{BuildProperty, Signer},
};
use std::collections::BTreeMap;

/// What the verified evidence about one image states, kind by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stated {
    /// How it was built.
    pub provenance: Vec<Said<Provenance>>,
    /// That it was scanned.
    pub scans: Vec<Said<Scanned>>,
    /// How what is aboard differs from each list of it.
    pub differences: Vec<Said<SbomDifference>>,
    /// What its tests came to.
    pub tests: Vec<Said<TestOutcome>>,
    /// What is known here of what went into it: lock files and images, by the files at hand and by its layers.
    pub at_hand: Vec<Dependency>,
    /// What is stated only for the time being, and why: what this run could not sign as it has to be signed. Nothing is cleared
    /// while anything is here.
    pub pending: BTreeMap<EvidenceKind, String>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<T> {
    /// Digest of the statement.
    pub statement: Digest,
    /// By whom.
    pub by: String,
    /// What; or why it can not be read.
    pub what: Result<T, String>,
}

/// What provenance states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// What the parameters mean: a URI.
    pub build_type: Option<String>,
    /// Where each external parameter is: its name, behind those of what it is part of. Absent where none are stated, which is
    /// not the same as that there are none.
    pub parameters: Option<Vec<Vec<String>>>,
    /// The repository of the source, as a URL.
    pub repository: Option<String>,
    /// The branch or tag.
    pub reference: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// What set it off.
    pub trigger: Option<String>,
    /// Who signed, as far as that was verified.
    pub signer: Option<Signer>,
    /// What went into it, as far as that is a lock file or an image.
    pub dependencies: Vec<Dependency>,
    /// Whether the build has a property, where that is stated; what is absent is not false.
    pub properties: BTreeMap<BuildProperty, bool>,
    /// Images that went into it of which it does not state which they are: their URIs.
    pub unpinned: Vec<String>,
}

/// Something that went into an image and has a digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// What it is: a file by its path, or an image by its repository.
    pub what: DependencyName,
    /// Its SHA-256.
    pub digest: Digest,
}

/// What went into an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DependencyName {
    /// A file of the source.
    File(String),
    /// An image.
    Image {
        /// Its repository with the registry.
        repository: String,
        /// Its tag.
        tag: Option<String>,
    },
}

/// What a scan states of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scanned {
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// When its advisories were last updated.
    pub advisories: Option<Timestamp>,
}

/// How what was found in an image differs from what an SBOM lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SbomDifference {
    /// Packages in the image that the SBOM lacks.
    pub unlisted: Vec<String>,
    /// Packages in the SBOM that were not found in the image.
    pub not_found: Vec<String>,
    /// Packages of another version: the package, the version in the SBOM, the version in the image.
    pub versions: Vec<(String, String, String)>,
    /// How much of the image could not be read.
    pub unread: usize,
}

/// What tests came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestOutcome {
    /// The word for it (`PASSED`).
    pub result: String,
    /// The tests that did not simply pass.
    pub remarkable: Vec<String>,
}

impl Dependency {
    /// The digests of each thing, by what it is.
    pub(crate) fn by_name(all: &[Self]) -> BTreeMap<&DependencyName, Vec<Digest>> {
        let mut known: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for dependency in all {
            known.entry(&dependency.what).or_default().push(dependency.digest);
        }
        known
    }
}
