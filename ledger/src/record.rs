//! What the ledger remembers of one build.

pub(crate) mod v1;

use jiff::Timestamp;
use plimsoll_model::{Digest, Purl, Severity, finding::Outcome};

/// One build: what was judged, by what, and what came of it. Also kept of builds that were blocked.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// When.
    pub at: Timestamp,
    /// The command that judged (`run`).
    pub command: String,
    /// Name of the subject (`registry.example/team/app`).
    pub name: String,
    /// Digest that the reference was resolved to: an index, or the manifest itself.
    pub digest: Digest,
    /// Digest of the manifest for [`Record::platform`].
    pub manifest: Digest,
    /// The platform that was judged.
    pub platform: String,
    /// How it ended.
    pub verdict: RecordedVerdict,
    /// The policy that judged.
    pub policy: RecordedPolicy,
    /// The advisory index that was used.
    pub index: Option<RecordedIndex>,
    /// How many components ended how.
    pub counts: RecordedCounts,
    /// The components that could not be evaluated; absent from records that do not say which.
    pub not_evaluated: Option<Vec<Purl>>,
    /// Every finding, those that did not block included.
    pub findings: Vec<RecordedFinding>,
    /// The evidence that was verified or made.
    pub evidence: Vec<RecordedEvidence>,
    /// What was signed for the time being alone, and is no evidence.
    pub pending: Vec<RecordedPending>,
    /// The base image, as `name@digest`.
    pub base: Option<String>,
    /// The source that it was built from.
    pub source: Option<RecordedSource>,
    /// Where it was promoted to.
    pub promoted_to: Option<String>,
    /// What somebody says of the build: the entry is not of a run then, but puts it on the list of flagged builds, or takes it off.
    pub mark: Option<RecordedMark>,
    /// The inventory as CycloneDX JSON; empty where there is none.
    pub inventory: Vec<u8>,
    /// Version of the tool that judged.
    pub tool_version: String,
}

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordedVerdict {
    /// Policy said yes.
    Passed,
    /// Policy said no.
    Blocked,
    /// It could not be told.
    Undecided,
}

/// The policy that judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedPolicy {
    /// The file; the built-in one has none.
    pub path: Option<String>,
    /// Its digest.
    pub digest: Digest,
}

/// The advisory index that was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedIndex {
    /// Its digest.
    pub digest: Digest,
    /// When it was built.
    pub built: Timestamp,
}

/// How many components ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordedCounts {
    /// In the inventory.
    pub components: usize,
    /// With at least one advisory.
    pub matched: usize,
    /// Covered, and none applies.
    pub clean: usize,
    /// Could not be told.
    pub not_evaluated: usize,
}

/// One finding and what policy made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFinding {
    /// The rule.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// Whether the defect was seen, or could not be told.
    pub outcome: Outcome,
    /// What policy does about it.
    pub action: RecordedAction,
    /// Reason of the exception that covers it.
    pub excepted: Option<String>,
    /// What is wrong.
    pub title: String,
    /// Where.
    pub place: String,
    /// What tells it apart across builds.
    pub fingerprint: String,
    /// The flaw, for rules about vulnerabilities.
    pub vulnerability: Option<String>,
    /// The component.
    pub purl: Option<Purl>,
}

/// What policy does about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordedAction {
    /// It blocks.
    Deny,
    /// It is shown as a warning.
    Warn,
    /// It is shown.
    Inform,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvidence {
    /// What it states (`https://slsa.dev/provenance/v1`).
    pub predicate_type: String,
    /// Digest of its bundle.
    pub bundle: Digest,
}

/// A statement that could not be signed as it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedPending {
    /// What it would state (`https://slsa.dev/provenance/v1`).
    pub predicate_type: String,
    /// Digest of the bundle that was made in its place.
    pub bundle: Digest,
    /// Why: a sentence without a final period.
    pub reason: String,
}

/// The source that a build was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedSource {
    /// Address of the repository, without credentials.
    pub repository: Option<String>,
    /// The commit.
    pub commit: String,
    /// Whether the working tree was that commit.
    pub worktree: RecordedWorktree,
}

/// What somebody says of a build that is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedMark {
    /// Which way.
    pub kind: RecordedMarkKind,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: String,
}

/// Whether a mark puts a build on the list of flagged ones, or takes it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordedMarkKind {
    /// Nobody may promote it.
    Flagged,
    /// It is off the list again.
    Cleared,
}

/// Whether a working tree was what its commit says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordedWorktree {
    /// It was.
    Clean,
    /// Files had been changed.
    Dirty,
    /// It was not looked at.
    Unknown,
}

impl RecordedVerdict {
    /// The word that stands for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Blocked => "blocked",
            Self::Undecided => "undecided",
        }
    }
}

impl RecordedMarkKind {
    /// The word that stands for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flagged => "flagged",
            Self::Cleared => "cleared",
        }
    }
}

impl RecordedAction {
    /// The word that stands for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Inform => "inform",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A record with something in every field.
    pub(crate) fn record(number: i64) -> Record {
        let digest = |what: &str| Digest::of(format!("{what}{number}").as_bytes());
        Record {
            at: Timestamp::from_second(1_795_348_800 + number).unwrap(),
            command: "run".to_owned(),
            name: format!("registry.example/app{number}"),
            digest: digest("index"),
            manifest: digest("manifest"),
            platform: "linux/amd64".to_owned(),
            verdict: RecordedVerdict::Passed,
            policy: RecordedPolicy {
                path: Some("plimsoll.yaml".to_owned()),
                digest: digest("policy"),
            },
            index: Some(RecordedIndex {
                digest: digest("advisories"),
                built: Timestamp::UNIX_EPOCH,
            }),
            counts: RecordedCounts { components: 4, matched: 1, clean: 2, not_evaluated: 1 },
            not_evaluated: Some(vec!["pkg:npm/x@1".parse().unwrap()]),
            findings: vec![RecordedFinding {
                rule: "VUL-002".to_owned(),
                severity: Severity::High,
                outcome: Outcome::Fail,
                action: RecordedAction::Deny,
                excepted: Some("not reachable".to_owned()),
                title: "a \u{1b}[31mflaw\0".to_owned(),
                place: "/lib/z (layer 1)".to_owned(),
                fingerprint: "f".repeat(64),
                vulnerability: Some("CVE-2026-1".to_owned()),
                purl: Some("pkg:deb/debian/zlib1g@1".parse().unwrap()),
            }],
            evidence: vec![RecordedEvidence {
                predicate_type: "https://slsa.dev/provenance/v1".to_owned(),
                bundle: digest("bundle"),
            }],
            pending: vec![RecordedPending {
                predicate_type: "https://cyclonedx.org/bom".to_owned(),
                bundle: digest("pending"),
                reason: "Fulcio is out".to_owned(),
            }],
            base: Some(format!("docker.io/library/debian@{}", digest("base"))),
            source: Some(RecordedSource {
                repository: Some("https://git.example/app".to_owned()),
                commit: "c".repeat(40),
                worktree: RecordedWorktree::Dirty,
            }),
            promoted_to: Some("registry.example/prod/app".to_owned()),
            mark: None,
            inventory: format!("{{\"bomFormat\":\"CycloneDX\",\"n\":{number}}}").into_bytes(),
            tool_version: "0.1.0".to_owned(),
        }
    }
}
