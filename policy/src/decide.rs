//! The one evaluator: facts and a policy in, a decision out.

use crate::{
    Clearance, Policy,
    exceptions::Exception,
    facts::Facts,
    policy::Leniency,
    rules::{self, About, Raised, Rule, RuleContext, Subject},
};
use camino::Utf8PathBuf;
use jiff::{Timestamp, civil};
use plimsoll_model::{
    Digest, Finding, Severity,
    finding::{Outcome, Place},
    reference::Pinned,
};
use std::{cmp::Reverse, collections::BTreeSet};

/// What all findings together come to.
#[derive(Debug, Clone)]
pub struct Decision {
    verdict: Verdict,
    findings: Vec<Judged>,
    policy: Digest,
    decided: Timestamp,
    /// The digests that were judged: of what the reference came to, and of the manifest.
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
    /// Its line in the policy file.
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

impl Judged {
    /// Whether it stands in the way.
    pub fn is_blocking(&self) -> bool {
        self.action == Action::Deny && self.exception.is_none()
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

    /// Permission to promote `subject`: only where everything passed, and only for the image that was judged.
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
    let (mut findings, served) = judge(&subject, |rule| !is_last(rule));
    // Rules about exceptions need to know which of them served.
    subject.served = served;
    findings.extend(judge(&subject, is_last).0);
    findings.sort_by(|left, right| order(left).cmp(&order(right)));
    Decision {
        verdict: verdict(&findings, facts),
        findings,
        policy: policy.digest(),
        decided: now,
        judged: facts.image.map(|image| [image.pinned.digest, image.manifest]),
    }
}

/// The findings of the rules that are due, and the positions of the exceptions that served.
fn judge(subject: &Subject<'_>, is_due: impl Fn(&Rule) -> bool) -> (Vec<Judged>, BTreeSet<usize>) {
    let (mut findings, mut served) = (Vec::new(), BTreeSet::new());
    for rule in rules::ALL.iter().filter(|rule| is_due(rule)) {
        let Some(action) = subject.policy.action(rule).value else { continue };
        for raised in (rule.check)(&RuleContext { rule, subject }) {
            let exceptions = subject.policy.exceptions().iter();
            let is_serving = |exception: &Exception| {
                !exception.is_expired(subject.now) && exception.is_about(&raised)
            };
            let serving = exceptions.enumerate().filter(|(_, exception)| is_serving(exception));
            served.extend(serving.map(|(position, _)| position));
            findings.push(judged(subject, action, raised));
        }
    }
    (findings, served)
}

fn judged(subject: &Subject<'_>, action: Action, raised: Raised) -> Judged {
    let policy = subject.policy;
    let is_unknown = raised.finding.outcome == Outcome::Unknown;
    let leniency = match policy.unknown.value {
        Leniency::Warn if is_unknown => Action::Warn,
        Leniency::Warn | Leniency::Fail => Action::Deny,
    };
    let strictest = action.min(raised.at_most);
    let set_by = |id: &str| rules::find(id).and_then(|rule| policy.action(rule).line);
    let line = policy
        .unknown
        .line
        .filter(|_| leniency < strictest)
        .or(raised.policy_line)
        .or_else(|| set_by(raised.finding.rule));
    Judged {
        action: strictest.min(leniency),
        exception: exception(policy, &raised, subject.now),
        policy_line: line.and_then(|line| policy.line(line)),
        finding: raised.finding,
    }
}

fn exception(policy: &Policy, raised: &Raised, now: Timestamp) -> Option<AppliedException> {
    let mut applying = policy
        .exceptions()
        .iter()
        .filter(|exception| !exception.is_expired(now) && exception.is_about(raised));
    applying.next().map(|exception: &Exception| AppliedException {
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
    }
}
