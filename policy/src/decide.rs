//! The one evaluator: facts and a policy in, a decision out.

use crate::{
    Clearance, ConfigKind, Policy, custom,
    facts::Facts,
    policy::Leniency,
    rules::{self, About, Raised, Rule, RuleContext, Subject},
    vex::{Usage, judge::Cleared},
};
use camino::Utf8PathBuf;
use jiff::{Timestamp, civil};
use plimsoll_model::{
    Digest, Finding, Severity,
    finding::{Outcome, Place},
    reference::Pinned,
};
use std::{cmp::Reverse, collections::BTreeSet, fmt};

/// What all findings together come to.
#[derive(Debug, Clone)]
pub struct Decision {
    verdict: Verdict,
    findings: Vec<Judged>,
    vex: Vec<Usage>,
    /// The rules that were on, and what they look at was there.
    evaluated: Vec<&'static str>,
    configs: BTreeSet<ConfigKind>,
    policy: Digest,
    decided: Timestamp,
    /// The digests that were judged: of what the reference came to, and of the manifest; absent where evidence is pending.
    judged: Option<[Digest; 2]>,
}

/// Whether it may sail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Judged, and nothing blocks.
    Pass,
    /// Judged, and the policy denies something that was seen.
    Blocked,
    /// Nothing that was seen is denied, but something that the policy asks for could not be told, or nothing was judged.
    Undecided,
}

/// What a finding comes to. In ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It is shown.
    Inform,
    /// It is shown as a warning.
    Warn,
    /// It blocks.
    Deny,
}

/// A finding and what the policy makes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The finding.
    pub finding: Finding,
    /// What it comes to, had nobody accepted it.
    pub action: Action,
    /// Who accepted it.
    pub exception: Option<AppliedException>,
    /// The statement by which it is cleared.
    pub cleared: Option<Cleared>,
    /// The line of the policy file that judged it; nothing where a built-in value did.
    pub policy_line: Option<PolicyLine>,
}

/// The exception by which a finding is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedException {
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it applies.
    pub expires: civil::Date,
    /// Its line in the policy file, or in the Dockerfile that the owner names.
    pub line: u32,
}

/// A line of a policy file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyLine {
    /// The file.
    pub path: Utf8PathBuf,
    /// From 1.
    pub line: u32,
}

impl Action {
    /// The word in a policy file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Inform => "inform",
        }
    }
}

impl Verdict {
    /// The word for it in records and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "passed",
            Self::Blocked => "blocked",
            Self::Undecided => "undecided",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl Judged {
    /// Whether it stands in the way.
    pub fn is_blocking(&self) -> bool {
        self.action == Action::Deny && self.exception.is_none() && self.cleared.is_none()
    }
}

impl Decision {
    /// Whether it may sail.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Every finding: blocking ones first, then by severity, rule and place.
    pub fn findings(&self) -> &[Judged] {
        &self.findings
    }

    /// The findings that stand in the way.
    pub fn blocking(&self) -> impl Iterator<Item = &Judged> {
        self.findings.iter().filter(|judged| judged.is_blocking())
    }

    /// The rules that were on, and what they look at was there: what they do not find is not there.
    pub fn evaluated(&self) -> &[&'static str] {
        &self.evaluated
    }

    /// The kinds of settings and pipelines that were given.
    pub fn configs(&self) -> &BTreeSet<ConfigKind> {
        &self.configs
    }

    /// What became of each VEX statement.
    pub fn vex(&self) -> &[Usage] {
        &self.vex
    }

    /// Permission to promote `subject`: only where everything passed and nothing is pending, and only for the image that was
    /// judged.
    pub fn clearance(&self, subject: &Pinned) -> Option<Clearance> {
        let is_cleared = self.verdict == Verdict::Pass
            && self.judged.is_some_and(|judged| judged.contains(&subject.digest));
        is_cleared.then(|| Clearance::new(subject.clone(), self.policy, self.decided))
    }

    /// The digest of the policy.
    pub const fn policy_digest(&self) -> Digest {
        self.policy
    }

    /// The moment as of which it was judged.
    pub const fn decided(&self) -> Timestamp {
        self.decided
    }
}

/// Judges `facts` by `policy` as of `now`.
pub fn decide(policy: &Policy, facts: &Facts<'_>, now: Timestamp) -> Decision {
    let mut subject = Subject::new(policy, facts, now);
    let is_last = |rule: &Rule| rule.about.contains(&About::Exceptions);
    let (mut findings, mut use_of_exceptions) = judge(&subject, |rule| !is_last(rule));
    let (own, judged_own) = judge_custom(&subject, &mut use_of_exceptions);
    findings.extend(own);
    // Rules about exceptions need to know which of them served.
    subject.exceptions_used = use_of_exceptions;
    findings.extend(judge(&subject, is_last).0);
    let findings = sorted(findings);
    let is_pending = facts.stated.is_some_and(|stated| !stated.pending.is_empty());
    let is_evaluated = |rule: &&&Rule| policy.action(rule).value.is_some() && rule.is_judged(facts);
    Decision {
        verdict: verdict(&findings, facts),
        findings,
        evaluated: rules::ALL
            .iter()
            .filter(is_evaluated)
            .map(|rule| rule.id)
            .chain(judged_own)
            .collect(),
        configs: facts.configs.iter().map(|file| file.kind).collect(),
        vex: subject.vex.usages,
        policy: policy.digest(),
        decided: now,
        judged: facts
            .image
            .filter(|_| !is_pending)
            .map(|image| [image.pinned.digest, image.manifest]),
    }
}

/// Which exceptions findings met, by their positions.
#[derive(Debug, Default)]
pub(crate) struct UseOfExceptions {
    /// Those that are about a finding.
    pub(crate) served: BTreeSet<usize>,
    /// Those in a Dockerfile that are about a finding which the policy does not let it accept.
    pub(crate) not_allowed: BTreeSet<usize>,
}

/// The findings of the rules that are due, and which exceptions they met.
fn judge(subject: &Subject<'_>, is_due: impl Fn(&Rule) -> bool) -> (Vec<Judged>, UseOfExceptions) {
    let (mut findings, mut used) = (Vec::new(), UseOfExceptions::default());
    for rule in rules::ALL.iter().filter(|rule| is_due(rule)) {
        let setting = subject.policy.action(rule);
        let Some(action) = setting.value else { continue };
        let raised = (rule.check)(&RuleContext { rule, subject });
        findings.reserve_exact(raised.len());
        for raised in raised {
            findings.push(judged(subject, (action, setting.line), raised, &mut used));
        }
    }
    (findings, used)
}

/// The findings of the user's own rules, and which of those were about something that is there.
fn judge_custom(
    subject: &Subject<'_>,
    used: &mut UseOfExceptions,
) -> (Vec<Judged>, Vec<&'static str>) {
    let (mut findings, mut evaluated) = (Vec::new(), Vec::new());
    for (rule, raised) in custom::judge(subject) {
        let setting = subject.policy.custom_action(rule);
        let Some(action) = setting.value else { continue };
        evaluated.push(rule.id);
        let raised = raised.into_iter();
        findings.extend(raised.map(|one| judged(subject, (action, setting.line), one, used)));
    }
    (findings, evaluated)
}

fn judged(
    subject: &Subject<'_>,
    setting: (Action, Option<u32>),
    raised: Raised,
    used: &mut UseOfExceptions,
) -> Judged {
    let (action, set_by) = setting;
    let policy = subject.policy;
    let is_unknown = raised.finding.outcome == Outcome::Unknown;
    let leniency = match policy.unknown.value {
        Leniency::Warn if is_unknown => Action::Warn,
        Leniency::Warn | Leniency::Fail => Action::Deny,
    };
    let strictest = action.min(raised.at_most);
    let line =
        policy.unknown.line.filter(|_| leniency < strictest).or(raised.policy_line).or(set_by);
    let action = strictest.min(leniency);
    Judged {
        action,
        exception: exception(subject, action, &raised, used),
        cleared: raised.cleared,
        policy_line: line.and_then(|line| policy.line(line)),
        finding: raised.finding,
    }
}

/// The exception by which a finding is accepted. Those of the policy come first.
fn exception(
    subject: &Subject<'_>,
    action: Action,
    raised: &Raised,
    used: &mut UseOfExceptions,
) -> Option<AppliedException> {
    let mut applied = None;
    for (position, exception) in subject.exceptions.iter().enumerate() {
        if exception.is_expired(subject.now) || !exception.is_about(raised, subject.facts.checkout)
        {
            continue;
        }
        used.served.insert(position);
        // What would block is not accepted by the file that brings it, unless the policy says that it may.
        let is_allowed = exception.inline.is_none()
            || action < Action::Deny
            || subject.policy.inline_exceptions.contains(exception.rule);
        if is_allowed {
            applied.get_or_insert(exception);
        } else {
            used.not_allowed.insert(position);
        }
    }
    applied.map(|exception| AppliedException {
        reason: exception.reason.clone(),
        owner: exception.owner.clone(),
        expires: exception.expires,
        line: exception.line,
    })
}

fn verdict(findings: &[Judged], facts: &Facts<'_>) -> Verdict {
    let has_blocking = |outcome| {
        findings.iter().any(|judged| judged.is_blocking() && judged.finding.outcome == outcome)
    };
    if has_blocking(Outcome::Fail) {
        Verdict::Blocked
    } else if has_blocking(Outcome::Unknown) || facts.is_empty() {
        Verdict::Undecided
    } else {
        Verdict::Pass
    }
}

/// In the order of [`order`]. A finding is large, and is moved but once.
fn sorted(findings: Vec<Judged>) -> Vec<Judged> {
    let mut ordered: Vec<_> = findings.iter().map(order).enumerate().collect();
    ordered.sort_by_key(|(_, order)| *order);
    let positions: Vec<_> = ordered.into_iter().map(|(position, _)| position).collect();
    let mut findings: Vec<_> = findings.into_iter().map(Some).collect();
    let mut sorted = Vec::with_capacity(findings.len());
    let take = |position: usize| findings.get_mut(position).and_then(Option::take);
    sorted.extend(positions.into_iter().filter_map(take));
    sorted
}

type Order<'a> =
    (bool, (Reverse<Action>, Reverse<Severity>), &'static str, PlaceOrder<'a>, [&'a str; 3]);
type PlaceOrder<'a> = (u8, &'a str, (u32, u32), &'a str);

fn order(judged: &Judged) -> Order<'_> {
    let finding = &judged.finding;
    let flaw = finding.vulnerability.as_ref().map_or("", |flaw| &flaw.id);
    (
        !judged.is_blocking(),
        (Reverse(judged.action), Reverse(finding.severity)),
        finding.rule,
        place_order(&finding.place),
        [flaw, &finding.found, &finding.title],
    )
}

fn place_order(place: &Place) -> PlaceOrder<'_> {
    match place {
        Place::Source { path, line, column } => (0, path.as_str(), (*line, *column), ""),
        Place::Config { field } => (1, field, (0, 0), ""),
        Place::Component { purl, path, .. } => (2, purl.as_str(), (0, 0), path),
        Place::File { path, .. } => (3, path, (0, 0), ""),
        Place::Image => (4, "", (0, 0), ""),
        Place::Evidence => (5, "", (0, 0), ""),
        Place::Policy => (6, "", (0, 0), ""),
        Place::Registry { at } => (7, at, (0, 0), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        EvidenceKind,
        rules::testing::{Case, digest, found, now, pinned},
    };
    use plimsoll_model::{evidence::Presence, scan::ScanVerdict};

    const NO_LOCK: &str = "rules: {BASE-050: off}";

    fn clean() -> Case {
        let case = Case::default().policy(NO_LOCK).image(&["a"]);
        case.component("pkg:deb/debian/a@1", ScanVerdict::Clean)
    }

    #[test]
    fn nothing_to_judge_is_undecided() {
        let decision = Case::default().decide();
        assert_eq!(decision.verdict(), Verdict::Undecided);
        assert_eq!(decision.clearance(&pinned("index")), None);
    }

    #[test]
    fn a_clean_image_passes_and_is_cleared_under_its_own_digest_alone() {
        let decision = clean().decide();
        assert_eq!(decision.verdict(), Verdict::Pass);
        assert_eq!(decision.findings(), []);
        let clearance = decision.clearance(&pinned("index")).unwrap();
        assert_eq!(clearance.subject(), &pinned("index"));
        assert_eq!((clearance.policy(), clearance.decided()), (decision.policy_digest(), now()));
        assert!(decision.clearance(&pinned("manifest")).is_some());
        assert_eq!(decision.clearance(&pinned("another")), None);
    }

    #[test]
    fn f25_what_passes_clears_nothing_while_evidence_is_pending() {
        let policy = "rules: {BASE-050: off}\nevidence: {require: [sbom]}";
        let absent = Presence::Absent { refused: 1 };
        let blocked = clean().policy(policy).evidence(EvidenceKind::Sbom, absent);
        assert_eq!(blocked.decide().verdict(), Verdict::Blocked);
        let pending = |kind| {
            let reason = "Fulcio is out".to_owned();
            clean()
                .policy(policy)
                .evidence(EvidenceKind::Sbom, Presence::Absent { refused: 1 })
                .stated(|stated| drop(stated.pending.insert(kind, reason)))
                .decide()
        };
        let decision = pending(EvidenceKind::Sbom);
        assert_eq!(decision.verdict(), Verdict::Pass);
        assert_eq!(decision.clearance(&pinned("index")), None);
        let [judged] = decision.findings() else { panic!("{decision:?}") };
        assert_eq!((judged.finding.rule, judged.action), ("ATT-001", Action::Warn));
        assert_eq!(judged.finding.found, "Fulcio is out");
        // What is pending of another kind makes up for nothing, and clears nothing either.
        let other = pending(EvidenceKind::Provenance);
        assert_eq!((other.verdict(), other.clearance(&pinned("index"))), (Verdict::Blocked, None));
    }

    #[test]
    fn what_passes_without_an_image_clears_nothing() {
        let case = Case::default().component("pkg:deb/debian/a@1", ScanVerdict::Clean);
        assert_eq!(case.decide().verdict(), Verdict::Pass);
        assert_eq!(case.decide().clearance(&pinned("index")), None);
    }

    #[test]
    fn a_denied_failure_blocks_and_comes_before_what_could_not_be_told() {
        let absent = Presence::Absent { refused: 0 };
        let unknown = Presence::CouldNotTell { reason: "no network".to_owned() };
        let policy = "rules: {BASE-050: off}\nevidence: {require: [sbom, provenance]}";
        let untold = clean().policy(policy).evidence(EvidenceKind::Provenance, unknown);
        assert_eq!(untold.decide().verdict(), Verdict::Undecided);
        assert_eq!(untold.decide().clearance(&pinned("index")), None);
        let blocked = untold.evidence(EvidenceKind::Sbom, absent);
        assert_eq!(blocked.decide().verdict(), Verdict::Blocked);
        assert_eq!(blocked.decide().blocking().count(), 2);
    }

    #[test]
    fn what_is_not_denied_does_not_block() {
        let root = || Case::default().image_with(&["a"], |config| config.user = None);
        for (action, verdict) in [
            ("deny", Verdict::Blocked),
            ("warn", Verdict::Pass),
            ("inform", Verdict::Pass),
            ("off", Verdict::Pass),
        ] {
            let policy = format!("rules: {{BASE-050: off, IMG-001: {action}}}");
            let decision = root().policy(&policy).decide();
            assert_eq!(decision.verdict(), verdict, "{action}");
            assert_eq!(decision.findings().len(), usize::from(action != "off"), "{action}");
        }
    }

    #[test]
    fn unknown_warn_spares_what_could_not_be_told_and_nothing_else() {
        let policy = "unknown: warn\nrules: {BASE-050: deny}";
        let decision =
            Case::default().policy(policy).image_with(&["a"], |c| c.user = None).decide();
        let of =
            |rule| decision.findings().iter().find(|judged| judged.finding.rule == rule).unwrap();
        assert_eq!(of("BASE-050").action, Action::Warn);
        assert_eq!(of("BASE-050").policy_line.as_ref().map(|line| line.line), Some(2));
        assert_eq!(of("IMG-001").action, Action::Deny);
        assert_eq!(decision.verdict(), Verdict::Blocked);
    }

    #[test]
    fn an_accepted_finding_stays_visible() {
        let policy = "rules: {BASE-050: off}\nexceptions:\n  - {rule: IMG-001, reason: legacy, owner: a@corp, expires: 2026-12-31}";
        let case = Case::default().policy(policy).image_with(&["a"], |config| config.user = None);
        let decision = case.decide();
        assert_eq!(decision.verdict(), Verdict::Pass);
        let [judged] = decision.findings() else { panic!("{decision:?}") };
        assert_eq!(judged.action, Action::Deny);
        assert_eq!(
            judged.exception,
            Some(AppliedException {
                reason: "legacy".to_owned(),
                owner: "a@corp".to_owned(),
                expires: "2026-12-31".parse().unwrap(),
                line: 4,
            })
        );
    }

    #[test]
    fn findings_name_the_line_that_judged_them() {
        let policy = "rules:\n  BASE-050: off\n  IMG-001: warn";
        let case = Case::default().policy(policy).image_with(&["a"], |config| config.user = None);
        let judged = case.findings("IMG-001");
        let line = PolicyLine { path: "p.yaml".into(), line: 4 };
        assert_eq!(judged[0].policy_line, Some(line));
        let built_in = case.policy(NO_LOCK).findings("IMG-001");
        assert_eq!(built_in[0].policy_line, None);
    }

    #[test]
    fn blocking_findings_come_first_then_the_worse_ones() {
        let case = Case::default()
            .policy("gate: {fail: [{severity: high}]}\nexceptions: [{rule: VUL-002, id: CVE-3, reason: r, owner: o, expires: 2026-12-31}]")
            .matched("pkg:deb/debian/a@1", found("CVE-1", Severity::High))
            .matched("pkg:deb/debian/b@1", found("CVE-2", Severity::Low))
            .matched("pkg:deb/debian/c@1", found("CVE-3", Severity::Critical))
            .matched("pkg:deb/debian/d@1", found("CVE-4", Severity::Critical))
            .matched("pkg:deb/debian/e@1", found("CVE-5", Severity::Medium));
        let decision = case.decide();
        let ids: Vec<_> = decision
            .findings()
            .iter()
            .map(|judged| judged.finding.vulnerability.as_ref().unwrap().id.as_str())
            .collect();
        assert_eq!(ids, ["CVE-4", "CVE-1", "CVE-3", "CVE-5", "CVE-2"]);
        assert_eq!(decision.blocking().count(), 2);
    }

    #[test]
    fn the_digest_of_the_policy_is_that_of_its_text() {
        let text = "version: 1\n";
        let policy = Policy::parse(text, "p.yaml".into()).unwrap();
        assert_eq!(policy.digest(), digest(text));
        assert_eq!(clean().decide_by(&policy).policy_digest(), digest(text));
        assert_ne!(Policy::baseline().digest(), policy.digest());
    }
}
