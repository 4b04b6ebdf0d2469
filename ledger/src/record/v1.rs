//! Version 1 of the record as JSON. Fields that it does not know are skipped: they may be added without a new version.

use super::{
    Record, RecordedAction, RecordedCounts, RecordedEvidence, RecordedFinding, RecordedIndex,
    RecordedMark, RecordedMarkKind, RecordedPending, RecordedPolicy, RecordedSource,
    RecordedVerdict, RecordedWorktree,
};
use jiff::Timestamp;
use plimsoll_model::{Digest, Purl, Severity, finding::Outcome};
use serde::{Deserialize, Serialize};

/// The version written and the newest read.
pub(crate) const VERSION: u64 = 1;

/// The version alone, so that a newer record is told apart from a broken one.
#[derive(Deserialize)]
pub(crate) struct Versioned {
    /// The version.
    pub(crate) version: u64,
}

/// A record without the bytes of its inventory.
#[derive(Serialize, Deserialize)]
pub(crate) struct Wire {
    version: u64,
    at: Timestamp,
    command: String,
    name: String,
    digest: Digest,
    manifest: Digest,
    platform: String,
    verdict: Verdict,
    policy: Policy,
    index: Option<Index>,
    counts: Counts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_evaluated: Option<Vec<Purl>>,
    findings: Vec<Finding>,
    evidence: Vec<Evidence>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pending: Vec<Pending>,
    base: Option<String>,
    source: Option<Source>,
    promoted_to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<Mark>,
    /// Digest of the inventory's bytes.
    pub(crate) inventory: Digest,
    tool_version: String,
}

/// Declares an enum of words and its conversion to and from one of the record's.
macro_rules! words {
    ($wire:ident = $plain:ident { $($word:ident),* $(,)? }) => {
        #[derive(Serialize, Deserialize, Clone, Copy)]
        #[serde(rename_all = "kebab-case")]
        enum $wire { $($word),* }
        impl From<$plain> for $wire {
            fn from(plain: $plain) -> Self {
                match plain { $($plain::$word => Self::$word),* }
            }
        }
        impl From<$wire> for $plain {
            fn from(wire: $wire) -> Self {
                match wire { $($wire::$word => Self::$word),* }
            }
        }
    };
}
words!(Verdict = RecordedVerdict { Passed, Blocked, Undecided });
words!(Action = RecordedAction { Deny, Warn, Inform });
words!(MarkKind = RecordedMarkKind { Flagged, Cleared });
words!(WireOutcome = Outcome { Fail, Unknown });
words!(Worktree = RecordedWorktree { Clean, Dirty, Unknown });

#[derive(Serialize, Deserialize)]
struct Policy {
    path: Option<String>,
    digest: Digest,
}

#[derive(Serialize, Deserialize)]
struct Index {
    digest: Digest,
    built: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Counts {
    components: usize,
    matched: usize,
    clean: usize,
    not_evaluated: usize,
}

#[derive(Serialize, Deserialize)]
struct Finding {
    rule: String,
    severity: Severity,
    outcome: WireOutcome,
    action: Action,
    excepted: Option<String>,
    title: String,
    place: String,
    fingerprint: String,
    vulnerability: Option<String>,
    purl: Option<Purl>,
}

#[derive(Serialize, Deserialize)]
struct Evidence {
    predicate_type: String,
    bundle: Digest,
}

#[derive(Serialize, Deserialize)]
struct Pending {
    predicate_type: String,
    bundle: Digest,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct Source {
    repository: Option<String>,
    commit: String,
    worktree: Worktree,
}

#[derive(Serialize, Deserialize)]
struct Mark {
    kind: MarkKind,
    reason: String,
    by: String,
}

impl From<&Record> for Wire {
    fn from(record: &Record) -> Self {
        let Record { policy, counts, .. } = record;
        Self {
            version: VERSION,
            at: record.at,
            command: record.command.clone(),
            name: record.name.clone(),
            digest: record.digest,
            manifest: record.manifest,
            platform: record.platform.clone(),
            verdict: record.verdict.into(),
            policy: Policy { path: policy.path.clone(), digest: policy.digest },
            index: record
                .index
                .as_ref()
                .map(|index| Index { digest: index.digest, built: index.built }),
            counts: Counts {
                components: counts.components,
                matched: counts.matched,
                clean: counts.clean,
                not_evaluated: counts.not_evaluated,
            },
            not_evaluated: record.not_evaluated.clone(),
            findings: record.findings.iter().map(Finding::from).collect(),
            evidence: record
                .evidence
                .iter()
                .map(|one| Evidence {
                    predicate_type: one.predicate_type.clone(),
                    bundle: one.bundle,
                })
                .collect(),
            pending: record.pending.iter().map(Pending::from).collect(),
            base: record.base.clone(),
            source: record.source.as_ref().map(|source| Source {
                repository: source.repository.clone(),
                commit: source.commit.clone(),
                worktree: source.worktree.into(),
            }),
            promoted_to: record.promoted_to.clone(),
            mark: record.mark.as_ref().map(|mark| Mark {
                kind: mark.kind.into(),
                reason: mark.reason.clone(),
                by: mark.by.clone(),
            }),
            inventory: Digest::of(&record.inventory),
            tool_version: record.tool_version.clone(),
        }
    }
}

impl From<&RecordedPending> for Pending {
    fn from(pending: &RecordedPending) -> Self {
        let RecordedPending { predicate_type, bundle, reason } = pending.clone();
        Self { predicate_type, bundle, reason }
    }
}

impl From<Pending> for RecordedPending {
    fn from(pending: Pending) -> Self {
        let Pending { predicate_type, bundle, reason } = pending;
        Self { predicate_type, bundle, reason }
    }
}

impl From<&RecordedFinding> for Finding {
    fn from(finding: &RecordedFinding) -> Self {
        Self {
            rule: finding.rule.clone(),
            severity: finding.severity,
            outcome: finding.outcome.into(),
            action: finding.action.into(),
            excepted: finding.excepted.clone(),
            title: finding.title.clone(),
            place: finding.place.clone(),
            fingerprint: finding.fingerprint.clone(),
            vulnerability: finding.vulnerability.clone(),
            purl: finding.purl.clone(),
        }
    }
}

impl From<Finding> for RecordedFinding {
    fn from(finding: Finding) -> Self {
        Self {
            rule: finding.rule,
            severity: finding.severity,
            outcome: finding.outcome.into(),
            action: finding.action.into(),
            excepted: finding.excepted,
            title: finding.title,
            place: finding.place,
            fingerprint: finding.fingerprint,
            vulnerability: finding.vulnerability,
            purl: finding.purl,
        }
    }
}

impl Wire {
    /// The record, with the bytes of its inventory.
    pub(crate) fn into_record(self, inventory: Vec<u8>) -> Record {
        let Counts { components, matched, clean, not_evaluated } = self.counts;
        Record {
            at: self.at,
            command: self.command,
            name: self.name,
            digest: self.digest,
            manifest: self.manifest,
            platform: self.platform,
            verdict: self.verdict.into(),
            policy: RecordedPolicy { path: self.policy.path, digest: self.policy.digest },
            index: self
                .index
                .map(|index| RecordedIndex { digest: index.digest, built: index.built }),
            counts: RecordedCounts { components, matched, clean, not_evaluated },
            not_evaluated: self.not_evaluated,
            findings: self.findings.into_iter().map(RecordedFinding::from).collect(),
            evidence: self
                .evidence
                .into_iter()
                .map(|one| RecordedEvidence {
                    predicate_type: one.predicate_type,
                    bundle: one.bundle,
                })
                .collect(),
            pending: self.pending.into_iter().map(RecordedPending::from).collect(),
            base: self.base,
            source: self.source.map(|source| RecordedSource {
                repository: source.repository,
                commit: source.commit,
                worktree: source.worktree.into(),
            }),
            promoted_to: self.promoted_to,
            mark: self.mark.map(|mark| RecordedMark {
                kind: mark.kind.into(),
                reason: mark.reason,
                by: mark.by,
            }),
            inventory,
            tool_version: self.tool_version,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;
    use serde_json::{Value, json};

    /// What is written stays readable for ever, so a change here is a new version.
    #[test]
    fn the_fields_of_version_1() {
        let record = record(1);
        let finding = &record.findings[0];
        let expect = json!({
            "version": 1,
            "at": "2026-11-22T12:00:01Z",
            "command": "run",
            "name": "registry.example/app1",
            "digest": record.digest,
            "manifest": record.manifest,
            "platform": "linux/amd64",
            "verdict": "passed",
            "policy": {"path": "plimsoll.yaml", "digest": record.policy.digest},
            "index": {
                "digest": record.index.as_ref().unwrap().digest,
                "built": "1970-01-01T00:00:00Z",
            },
            "counts": {"components": 4, "matched": 1, "clean": 2, "not_evaluated": 1},
            "not_evaluated": ["pkg:npm/x@1"],
            "findings": [{
                "rule": "VUL-002",
                "severity": "high",
                "outcome": "fail",
                "action": "deny",
                "excepted": "not reachable",
                "title": finding.title,
                "place": "/lib/z (layer 1)",
                "fingerprint": "f".repeat(64),
                "vulnerability": "CVE-2026-1",
                "purl": "pkg:deb/debian/zlib1g@1",
            }],
            "evidence": [{
                "predicate_type": "https://slsa.dev/provenance/v1",
                "bundle": record.evidence[0].bundle,
            }],
            "pending": [{
                "predicate_type": "https://cyclonedx.org/bom",
                "bundle": record.pending[0].bundle,
                "reason": "Fulcio is out",
            }],
            "base": record.base,
            "source": {
                "repository": "https://git.example/app",
                "commit": "c".repeat(40),
                "worktree": "dirty",
            },
            "promoted_to": "registry.example/prod/app",
            "inventory": Digest::of(&record.inventory),
            "tool_version": "0.1.0",
        });
        assert_eq!(serde_json::to_value(Wire::from(&record)).unwrap(), expect);
    }

    #[test]
    fn marks_are_written_where_there_are_some() {
        let mark = RecordedMark {
            kind: RecordedMarkKind::Flagged,
            reason: "stolen key".to_owned(),
            by: "a@corp".to_owned(),
        };
        let marked = Record { mark: Some(mark), ..record(1) };
        let json = serde_json::to_value(Wire::from(&marked)).unwrap();
        let expect = json!({"kind": "flagged", "reason": "stolen key", "by": "a@corp"});
        assert_eq!(json["mark"], expect);
        let wire: Wire = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(wire.into_record(marked.inventory.clone()), marked);
        let mut strange = json;
        strange["mark"]["kind"] = "forgiven".into();
        assert!(serde_json::from_value::<Wire>(strange).is_err());
    }

    #[test]
    fn every_field_comes_back_and_unknown_ones_are_skipped() {
        let least = Record {
            verdict: RecordedVerdict::Undecided,
            policy: RecordedPolicy { path: None, ..record(2).policy },
            index: None,
            not_evaluated: None,
            findings: vec![],
            evidence: vec![],
            pending: vec![],
            base: None,
            source: None,
            promoted_to: None,
            inventory: vec![],
            ..record(2)
        };
        for record in [record(1), least] {
            let mut json = serde_json::to_value(Wire::from(&record)).unwrap();
            json["added-later"] = Value::from(1);
            let wire: Wire = serde_json::from_value(json).unwrap();
            assert_eq!(wire.into_record(record.inventory.clone()), record);
        }
    }
}
