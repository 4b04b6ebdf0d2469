//! What the table and Markdown say in the same words.

use super::{Report, Style};
use plimsoll_attest::Verification;
use plimsoll_model::{
    Inventory, Severity,
    component::Component,
    finding::Outcome,
    risk::{self, Ransomware, Risk},
    scan::{Fix, FixedIn, Match, Origin, Scan, ScanVerdict},
};
use plimsoll_policy::{Judged, Verdict, vex::judge::Cleared};
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fmt::{self, Write as _},
};

/// The findings that are shown: what blocks, and what is severe enough. Also how many are not.
///
/// What blocks stands first. Of that and of the rest, flaws of components stand last, by risk and then by name.
pub(crate) fn shown<'a>(report: &Report<'a>, style: Style) -> (Vec<&'a Judged>, usize) {
    let findings = report.decision.map(plimsoll_policy::Decision::findings).unwrap_or_default();
    let (mut shown, hidden): (Vec<_>, Vec<_>) = findings.iter().partition(|judged| {
        judged.is_blocking()
            || judged.finding.severity >= style.show
            || judged.finding.severity == Severity::Unknown
    });
    shown.sort_by(|left, right| by_urgency(left).cmp(&by_urgency(right)));
    (shown, hidden.len())
}

type Urgency<'a> = (bool, Option<(Reverse<Risk>, &'a str, &'a str)>);

fn by_urgency(judged: &Judged) -> Urgency<'_> {
    let flaw = judged.finding.vulnerability.as_ref();
    let flaw = flaw.map(|flaw| (Reverse(flaw.risk), flaw.name.as_str(), flaw.id.as_str()));
    (!judged.is_blocking(), flaw)
}

/// Every match with its component, by risk, then by the names of component and flaw.
pub(crate) fn by_risk<'a>(
    scan: &'a Scan,
    inventory: &'a Inventory,
) -> Vec<(&'a Component, &'a Match)> {
    let mut matches: Vec<_> =
        scan.matches().filter_map(|(id, found)| Some((inventory.component(id)?, found))).collect();
    matches.sort_by(|(left, of_left), (right, of_right)| {
        of_right
            .risk()
            .cmp(&of_left.risk())
            .then_with(|| left.name.cmp(&right.name))
            .then_with(|| of_left.advisory.display_id().cmp(of_right.advisory.display_id()))
    });
    matches
}

/// How urgent a flaw is, and what of: nothing for other findings.
pub(crate) fn risk(judged: &Judged) -> Option<String> {
    let flaw = judged.finding.vulnerability.as_ref()?;
    let mut text = format!("{:.2}", flaw.risk.weight());
    // Writing to a string does not fail.
    let mut add = |part: fmt::Arguments<'_>| write!(text, ", {part}").unwrap_or_default();
    match flaw.risk.urgency {
        risk::Urgency::Malware => add(format_args!("malware")),
        risk::Urgency::Exploited | risk::Urgency::Rated => {}
    }
    if let Some(entry) = flaw.exploitation.known() {
        let since = entry.added.map(|date| format!(" since {date}")).unwrap_or_default();
        let ransomware = match entry.ransomware {
            Ransomware::Known => ", also for ransomware",
            Ransomware::Unknown => "",
        };
        add(format_args!("known to be exploited{since}{ransomware}"));
    }
    if let Some(score) = flaw.score {
        add(format_args!("CVSS {score:.1}"));
    }
    if let Some(prediction) = flaw.prediction {
        let percent = prediction.probability * 100.0;
        add(format_args!("exploited within 30 days with a probability of {percent:.2}%"));
    }
    Some(text)
}

/// Since when a fix is known, or what is said of one.
pub(crate) fn fix(judged: &Judged) -> Option<String> {
    match &judged.finding.vulnerability.as_ref()?.fix {
        Fix::Fixed(FixedIn { since: Some(since), record, .. }) => {
            let day = since.at.strftime("%Y-%m-%d");
            Some(format!("known since {day} ({record}, {})", since.dated.as_str()))
        }
        Fix::Fixed(FixedIn { record, since: None, .. }) => Some(format!("known ({record})")),
        Fix::NotFixed { record } => Some(format!("none yet ({record})")),
        Fix::WontFix { record } => Some(format!("there will be none ({record})")),
        Fix::NoneKnown => None,
    }
}

/// Whether a flaw came with the base image, where it is known.
pub(crate) fn origin(judged: &Judged) -> Option<&'static str> {
    match judged.finding.vulnerability.as_ref()?.origin {
        Origin::Base => Some("base image"),
        Origin::Own => Some("this build"),
        Origin::Unknown => None,
    }
}

/// What the policy does about a finding, in a word.
pub(crate) fn effect(judged: &Judged) -> &'static str {
    match (judged.is_blocking(), judged.finding.outcome) {
        _ if judged.cleared.is_some() => "cleared",
        _ if judged.exception.is_some() => "excepted",
        (true, Outcome::Unknown) => "undecided",
        (true, Outcome::Fail) => "blocks",
        (false, _) => judged.action.as_str(),
    }
}

/// The statement by which a finding is cleared, in one line.
pub(crate) fn cleared(by: &Cleared) -> String {
    let time = by.timestamp.map(|time| format!(", {}", time.strftime("%Y-%m-%d")));
    let author = if by.author.is_empty() { "nobody" } else { &by.author };
    let (path, at, time) = (&by.path, &by.at, time.unwrap_or_default());
    format!("{}: {} ({author}{time}; {path}, {at})", by.status.as_str(), by.reason())
}

/// How many VEX statements came to what; nothing where there are none.
fn vex(report: &Report<'_>) -> Option<String> {
    let usages = report.decision.map(plimsoll_policy::Decision::vex).unwrap_or_default();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for usage in usages {
        let count = counts.entry(usage.usage.as_str()).or_default();
        *count = count.saturating_add(1);
    }
    let parts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    (!usages.is_empty()).then(|| format!("{} statements: {}", usages.len(), parts.join(", ")))
}

/// The policy line that judged a finding.
pub(crate) fn policy_line(judged: &Judged) -> Option<String> {
    judged.policy_line.as_ref().map(|line| format!("{}:{}", line.path, line.line))
}

/// The last line: the verdict, how many findings block, and what to do next.
pub(crate) fn verdict(report: &Report<'_>) -> Option<String> {
    let decision = report.decision?;
    let (blocking, all) = (decision.blocking().count(), decision.findings().len());
    let next = report.next.as_ref().map(|next| format!("; {next}")).unwrap_or_default();
    Some(match decision.verdict() {
        Verdict::Pass => format!("PASSED: none of {all} findings blocks{next}"),
        Verdict::Blocked => format!("BLOCKED: {blocking} of {all} findings block{next}"),
        Verdict::Undecided if all == 0 => format!("UNDECIDED: nothing could be judged{next}"),
        Verdict::Undecided => {
            format!("UNDECIDED: {blocking} of {all} findings could not be told{next}")
        }
    })
}

/// The heading: name and value for each thing that is known about the run.
pub(crate) fn heading(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let mut rows = vec![("subject", report.subject.clone())];
    if let Some(image) = report.image {
        rows.push(("platform", image.platform.to_string()));
    }
    if let Some(base) = &report.base {
        rows.push(("base", base.clone()));
    }
    if let Some(distribution) =
        report.inventory.and_then(|inventory| inventory.distribution.as_ref())
    {
        rows.push((
            "system",
            distribution.pretty_name.clone().unwrap_or_else(|| distribution.id.clone()),
        ));
    }
    if let Some(inventory) = report.inventory {
        rows.push((
            "aboard",
            aboard(report, inventory.components().len(), inventory.unknowns.len()),
        ));
    }
    if let Some(scan) = report.scan {
        rows.push(("advisories", advisories(scan)));
        rows.extend(not_evaluated(report).map(|text| ("not evaluated", text)));
    }
    rows.extend(vex(report).map(|text| ("vex", text)));
    if let Some(policy) = &report.policy {
        rows.push(("policy", policy.clone()));
    }
    let looked_at: Vec<_> =
        report.evidence.iter().filter(|candidate| candidate.is_wanted()).collect();
    if !looked_at.is_empty() {
        let verified = looked_at.iter().filter(|candidate| candidate.evidence.is_some()).count();
        let pending = looked_at.iter().filter(|candidate| candidate.pending.is_some()).count();
        let mut text = format!("{verified} of {} statements verified", looked_at.len());
        if pending > 0 {
            text = format!("{text}, {pending} pending");
        }
        rows.push(("evidence", text));
    }
    rows.extend(report.looked.iter().map(|looked| ("looked in", looked.to_string())));
    if let Some(promoted) = report.promoted {
        rows.push(("promoted to", format!("{}:{}", promoted.to().place, promoted.tag())));
    }
    if let Some(record) = report.record {
        rows.push(("recorded as", format!("build {record}")));
    }
    rows
}

/// What a candidate states; of one that is pending, what it is in place of.
pub(super) fn states(candidate: &Verification) -> &str {
    let pending = candidate.pending.as_ref().map(|pending| pending.predicate_type.as_str());
    pending.or(candidate.predicate_type.as_deref()).unwrap_or("unknown predicate")
}

fn aboard(report: &Report<'_>, components: usize, unknowns: usize) -> String {
    let mut text = format!("{components} components");
    if let Some(scan) = report.scan {
        let counts = scan.counts();
        text = format!(
            "{text}: {} matched, {} clean, {} not evaluated",
            counts.matched, counts.clean, counts.not_evaluated
        );
        if counts.judged_by_owner > 0 {
            text = format!("{text} ({} judged by the distribution)", counts.judged_by_owner);
        }
    }
    if unknowns > 0 {
        text = format!("{text}; {unknowns} items could not be read");
    }
    text
}

fn advisories(scan: &Scan) -> String {
    let records: u64 = scan.index.sources.iter().map(|source| source.records).sum();
    format!(
        "{records} records, index of {} ({})",
        scan.index.built.strftime("%Y-%m-%d %H:%M UTC"),
        scan.index.digest.short()
    )
}

/// Why components were not evaluated, with how many for each reason.
fn not_evaluated(report: &Report<'_>) -> Option<String> {
    let (scan, inventory) = (report.scan?, report.inventory?);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for (id, _) in inventory.iter() {
        if let Some(ScanVerdict::NotEvaluated(reason)) = scan.verdict(id) {
            let count = reasons.entry(reason.to_string()).or_default();
            *count = count.saturating_add(1);
        }
    }
    let rows: Vec<String> =
        reasons.iter().map(|(reason, count)| format!("{count}: {reason}")).collect();
    (!rows.is_empty()).then(|| rows.join("; "))
}
