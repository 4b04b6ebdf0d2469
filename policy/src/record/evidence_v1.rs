//! Evidence: which was verified, what it states, and what is new.
//!
//! It is written for others to decide by, and never read back: evidence is what was verified, and a file that says so is none.

use super::text::{all_shown, cut, shown};
use crate::{
    EvidenceKind, Since,
    stated::{
        Dependency, DependencyName, Provenance, Said, SbomDifference, Scanned, Stated, TestOutcome,
    },
    vex::{Document, VexFacts},
};
use jiff::Timestamp;
use plimsoll_model::{
    Digest, Pinned,
    difference::{FindingChange, FindingChangeKind},
    evidence::{Evidence, Presence},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// One kind of evidence.
#[derive(Debug, Serialize)]
pub(super) struct EvidenceJson {
    kind: &'static str,
    #[serde(flatten)]
    presence: PresenceJson,
}

/// The receipt of a gate about one image.
#[derive(Debug, Serialize)]
pub(super) struct ReceiptJson {
    image: String,
    #[serde(flatten)]
    presence: PresenceJson,
}

#[derive(Debug, Serialize)]
struct PresenceJson {
    /// `present`, `absent` or `could-not-tell`.
    state: &'static str,
    /// How many candidates were refused.
    refused: Option<usize>,
    /// Why it could not be told.
    reason: Option<String>,
    statements: Vec<StatementJson>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatementJson {
    predicate_type: String,
    signer: String,
    statement: Digest,
    bundle: Digest,
    signed: Option<Timestamp>,
}

pub(super) fn evidence(found: &BTreeMap<EvidenceKind, Presence>) -> Vec<EvidenceJson> {
    let kind = |(kind, presence): (&EvidenceKind, &Presence)| EvidenceJson {
        kind: kind.as_str(),
        presence: PresenceJson::of(presence),
    };
    found.iter().map(kind).collect()
}

pub(super) fn receipts(found: &BTreeMap<Pinned, Presence>) -> Vec<ReceiptJson> {
    let receipt = |(image, presence): (&Pinned, &Presence)| ReceiptJson {
        image: shown(&image.to_string()),
        presence: PresenceJson::of(presence),
    };
    found.iter().map(receipt).collect()
}

impl PresenceJson {
    fn of(presence: &Presence) -> Self {
        let statement = |evidence: &Evidence| {
            let facts = evidence.facts();
            StatementJson {
                predicate_type: cut(&facts.predicate_type),
                signer: shown(&facts.signer.to_string()),
                statement: facts.statement,
                bundle: facts.bundle,
                signed: facts.signed,
            }
        };
        let (state, refused, reason) = match presence {
            Presence::Present(_) => ("present", None, None),
            Presence::Absent { refused } => ("absent", Some(*refused), None),
            Presence::CouldNotTell { reason } => ("could-not-tell", None, Some(shown(reason))),
        };
        let statements = presence.evidence().iter().map(statement).collect();
        Self { state, refused, reason, statements }
    }
}

/// What verified evidence states.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatedJson {
    provenance: Vec<SaidJson<ProvenanceJson>>,
    scans: Vec<SaidJson<ScannedJson>>,
    sbom_differences: Vec<SaidJson<SbomDifferenceJson>>,
    tests: Vec<SaidJson<TestsJson>>,
}

#[derive(Debug, Serialize)]
struct SaidJson<T> {
    statement: Digest,
    by: String,
    /// `null` where it can not be read.
    says: Option<T>,
    /// Why it can not be read.
    unreadable: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProvenanceJson {
    build_type: Option<String>,
    /// Where each external parameter is, its names joined by dots; `null` where none are stated.
    parameters: Option<Vec<String>>,
    repository: Option<String>,
    reference: Option<String>,
    commit: Option<String>,
    trigger: Option<String>,
    dependencies: Vec<DependencyJson>,
    /// Properties of the build that are stated, by their names.
    properties: BTreeMap<&'static str, bool>,
}

#[derive(Debug, Serialize)]
struct DependencyJson {
    kind: &'static str,
    name: String,
    tag: Option<String>,
    digest: Digest,
}

#[derive(Debug, Serialize)]
struct ScannedJson {
    finished: Option<Timestamp>,
    advisories: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SbomDifferenceJson {
    unlisted: Vec<String>,
    not_found: Vec<String>,
    versions: Vec<VersionsJson>,
    unread: usize,
}

#[derive(Debug, Serialize)]
struct VersionsJson {
    package: String,
    stated: String,
    found: String,
}

#[derive(Debug, Serialize)]
struct TestsJson {
    result: String,
    remarkable: Vec<String>,
}

impl StatedJson {
    pub(super) fn of(stated: &Stated) -> Self {
        Self {
            provenance: all(&stated.provenance, ProvenanceJson::of),
            scans: all(&stated.scans, |it: &Scanned| ScannedJson {
                finished: it.finished,
                advisories: it.advisories,
            }),
            sbom_differences: all(&stated.differences, SbomDifferenceJson::of),
            tests: all(&stated.tests, |it: &TestOutcome| TestsJson {
                result: shown(&it.result),
                remarkable: all_shown(&it.remarkable),
            }),
        }
    }
}

fn all<T, J>(said: &[Said<T>], view: impl Fn(&T) -> J) -> Vec<SaidJson<J>> {
    let one = |said: &Said<T>| SaidJson {
        statement: said.statement,
        by: shown(&said.by),
        says: said.what.as_ref().ok().map(&view),
        unreadable: said.what.as_ref().err().map(|why| shown(why)),
    };
    said.iter().map(one).collect()
}

impl ProvenanceJson {
    fn of(it: &Provenance) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(shown);
        let parameters = it.parameters.as_ref();
        Self {
            build_type: text(&it.build_type),
            parameters: parameters.map(|all| all.iter().map(|at| cut(&at.join("."))).collect()),
            repository: text(&it.repository),
            reference: text(&it.reference),
            commit: text(&it.commit),
            trigger: text(&it.trigger),
            dependencies: it.dependencies.iter().map(DependencyJson::of).collect(),
            properties: it.properties.iter().map(|(it, value)| (it.as_str(), *value)).collect(),
        }
    }
}

impl DependencyJson {
    fn of(dependency: &Dependency) -> Self {
        let (kind, name, tag) = match &dependency.what {
            DependencyName::File(path) => ("file", path, None),
            DependencyName::Image { repository, tag } => ("image", repository, tag.as_deref()),
        };
        Self { kind, name: shown(name), tag: tag.map(cut), digest: dependency.digest }
    }
}

impl SbomDifferenceJson {
    fn of(it: &SbomDifference) -> Self {
        let versions = it.versions.iter().map(|(package, stated, found)| VersionsJson {
            package: cut(package),
            stated: cut(stated),
            found: cut(found),
        });
        Self {
            unlisted: all_shown(&it.unlisted),
            not_found: all_shown(&it.not_found),
            versions: versions.collect(),
            unread: it.unread,
        }
    }
}

/// What is new since the last promoted build.
#[derive(Debug, Serialize)]
pub(super) struct SinceJson {
    build: Option<String>,
    /// Why it can not be told.
    untold: Option<String>,
    changes: Vec<ChangeJson>,
}

#[derive(Debug, Serialize)]
struct ChangeJson {
    kind: &'static str,
    package: String,
    id: String,
    severity: &'static str,
}

impl SinceJson {
    pub(super) fn of(since: &Since) -> Self {
        match since {
            Since::Build { build, difference } => Self {
                build: Some(cut(build)),
                untold: None,
                changes: difference.changes.iter().map(ChangeJson::of).collect(),
            },
            Since::Untold(why) => {
                Self { build: None, untold: Some(shown(why)), changes: Vec::new() }
            }
        }
    }
}

impl ChangeJson {
    fn of(change: &FindingChange) -> Self {
        let kind = match change.kind {
            FindingChangeKind::New => "new",
            FindingChangeKind::Untold(_) => "could-not-tell",
            FindingChangeKind::Changed(_) => "changed",
            FindingChangeKind::Fixed => "fixed",
        };
        Self {
            kind,
            package: cut(&change.package),
            id: cut(&change.id),
            severity: change.severity.as_str(),
        }
    }
}

/// A VEX document.
#[derive(Debug, Serialize)]
pub(super) struct VexJson {
    path: String,
    digest: Digest,
    author: String,
    timestamp: Option<Timestamp>,
    statements: Vec<VexStatementJson>,
}

#[derive(Debug, Serialize)]
struct VexStatementJson {
    ids: Vec<String>,
    status: &'static str,
    justification: Option<&'static str>,
}

pub(super) fn vex(facts: &VexFacts) -> Vec<VexJson> {
    let document = |document: &Document| VexJson {
        path: cut(document.path.as_str()),
        digest: document.digest,
        author: shown(&document.author),
        timestamp: document.timestamp,
        statements: document
            .statements
            .iter()
            .map(|statement| VexStatementJson {
                ids: all_shown(&statement.ids),
                status: statement.status.as_str(),
                justification: statement.justification,
            })
            .collect(),
    };
    facts.documents.iter().map(document).collect()
}
