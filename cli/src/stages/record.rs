//! Every run → the ledger, also when it was blocked.

use crate::{
    context::{Context, VERSION},
    error::Error,
    stages::{
        attest::Made, decide::Case, inventory::Cataloged, promote::Promoted, resolve::Resolved,
        verify::Verified,
    },
};
use camino::Utf8Path;
use plimsoll_attest::source::{SourceFacts, WorktreeState};
use plimsoll_ledger::{
    Ledger, RecordId,
    record::{
        Record, RecordedAction, RecordedCounts, RecordedEvidence, RecordedFinding, RecordedIndex,
        RecordedPending, RecordedPolicy, RecordedSource, RecordedVerdict, RecordedWorktree,
    },
};
use plimsoll_model::{
    Purl,
    evidence::Presence,
    scan::{Scan, ScanVerdict},
};
use plimsoll_policy::{Action, Decision, Judged, Verdict, vex::judge::Cleared};

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Outcomes<'a> {
    /// The command.
    pub command: &'static str,
    /// The image.
    pub resolved: &'a Resolved,
    /// What is aboard.
    pub cataloged: &'a Cataloged,
    /// What it was judged by.
    pub case: &'a Case<'a>,
    /// The decision.
    pub decision: &'a Decision,
    /// The evidence.
    pub verified: &'a Verified,
    /// The source that was built.
    pub source: Option<&'a SourceFacts>,
    /// What was signed for the time being alone.
    pub pending: &'a [RecordedPending],
    /// The promotion, where there was one.
    pub promoted: Option<&'a Promoted>,
}

/// Records a run.
pub(crate) fn record(
    ctx: &Context,
    path: &Utf8Path,
    outcomes: &Outcomes<'_>,
) -> Result<RecordId, Error> {
    let stage = ctx.ui.stage("record");
    let id = Ledger::open(path)?.append(&build(ctx, outcomes)?)?;
    stage.done(&format!("build {id} in {path}"));
    Ok(id)
}

fn build(ctx: &Context, outcomes: &Outcomes<'_>) -> Result<Record, Error> {
    let resolved = outcomes.resolved;
    let policy = outcomes.case.policy;
    Ok(Record {
        at: ctx.now,
        command: outcomes.command.to_owned(),
        name: resolved.subject().place.to_string(),
        digest: resolved.subject().digest,
        manifest: resolved.image().manifest,
        platform: resolved.image().platform.to_string(),
        verdict: recorded_verdict(outcomes.decision.verdict()),
        policy: RecordedPolicy {
            path: policy.path().map(ToString::to_string),
            digest: policy.digest(),
        },
        index: outcomes
            .case
            .scan
            .map(|scan| RecordedIndex { digest: scan.index.digest, built: scan.index.built }),
        counts: counts(outcomes),
        not_evaluated: outcomes.case.scan.map(|scan| not_evaluated(outcomes, scan)),
        findings: outcomes.decision.findings().iter().map(finding).collect(),
        evidence: evidence(outcomes.verified),
        pending: outcomes.pending.to_vec(),
        base: outcomes.case.base(),
        source: outcomes.source.map(source),
        promoted_to: outcomes
            .promoted
            .map(|promoted| format!("{}:{}", promoted.to().place, promoted.tag())),
        mark: None,
        inventory: outcomes.cataloged.sbom("cyclonedx-json")?,
        tool_version: VERSION.to_owned(),
    })
}

/// What is pending, as the ledger writes it.
pub(crate) fn pending(made: &Made) -> Vec<RecordedPending> {
    let recorded = made.pending().map(|(stated, attested, reason)| RecordedPending {
        predicate_type: stated.to_owned(),
        bundle: attested.digest(),
        reason,
    });
    recorded.collect()
}

/// A verdict as the ledger writes it.
pub(crate) const fn recorded_verdict(verdict: Verdict) -> RecordedVerdict {
    match verdict {
        Verdict::Pass => RecordedVerdict::Passed,
        Verdict::Blocked => RecordedVerdict::Blocked,
        Verdict::Undecided => RecordedVerdict::Undecided,
    }
}

fn counts(outcomes: &Outcomes<'_>) -> RecordedCounts {
    let scan = outcomes.case.scan.map(Scan::counts).unwrap_or_default();
    RecordedCounts {
        components: outcomes.cataloged.inventory().components().len(),
        matched: scan.matched,
        clean: scan.clean,
        not_evaluated: scan.not_evaluated,
    }
}

fn not_evaluated(outcomes: &Outcomes<'_>, scan: &Scan) -> Vec<Purl> {
    let is_told =
        |verdict: &ScanVerdict| matches!(verdict, ScanVerdict::Matched(_) | ScanVerdict::Clean);
    let components = outcomes.cataloged.inventory().iter();
    let untold = components.filter(|(id, _)| !scan.verdict(*id).is_some_and(is_told));
    untold.map(|(_, component)| component.purl.clone()).collect()
}

/// A finding as the ledger writes it.
pub(crate) fn finding(judged: &Judged) -> RecordedFinding {
    let finding = &judged.finding;
    RecordedFinding {
        rule: finding.rule.to_owned(),
        severity: finding.severity,
        outcome: finding.outcome,
        action: match judged.action {
            Action::Deny => RecordedAction::Deny,
            Action::Warn => RecordedAction::Warn,
            Action::Inform => RecordedAction::Inform,
        },
        excepted: accepted(judged),
        title: finding.title.clone(),
        place: finding.place.to_string(),
        fingerprint: finding.fingerprint().to_string(),
        vulnerability: finding.vulnerability.as_ref().map(|flaw| flaw.id.clone()),
        purl: finding.vulnerability.as_ref().map(|flaw| flaw.purl.clone()),
    }
}

/// Why a finding does not count, in one line.
fn accepted(judged: &Judged) -> Option<String> {
    let cleared = |by: &Cleared| format!("VEX by {}: {}", by.author, by.reason());
    let exception = judged.exception.as_ref().map(|exception| exception.reason.clone());
    exception.or_else(|| judged.cleared.as_ref().map(cleared))
}

fn evidence(verified: &Verified) -> Vec<RecordedEvidence> {
    let present = verified.presence().values().flat_map(Presence::evidence);
    present
        .map(|evidence| RecordedEvidence {
            predicate_type: evidence.facts().predicate_type.clone(),
            bundle: evidence.facts().bundle,
        })
        .collect()
}

fn source(facts: &SourceFacts) -> RecordedSource {
    RecordedSource {
        repository: facts.repository.clone(),
        commit: facts.commit.clone(),
        worktree: match facts.state {
            WorktreeState::Clean => RecordedWorktree::Clean,
            WorktreeState::Dirty => RecordedWorktree::Dirty,
            WorktreeState::Unknown => RecordedWorktree::Unknown,
        },
    }
}
