//! `plimsoll ledger`.

use crate::{
    args::{LedgerArguments, LedgerCommand, MarkArguments},
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Output},
    stages::{
        decide::{self, Build, Case},
        flags, index, record, vex,
    },
};
use plimsoll_ledger::{
    Entry, Filter, Ledger, RecordId,
    record::{Record, RecordedFinding, RecordedMark, RecordedMarkKind, RecordedPending},
};
use plimsoll_model::{Digest, Printable, platform::Platform, reference::Repository};
use plimsoll_policy::{Policy, Verdict, bases::Lock, vex::Image};
use plimsoll_vuln::Index;
use serde_json::{Value, json};
use std::{fmt::Write as _, sync::Arc};

/// Builds over time.
pub(crate) async fn ledger(
    ctx: &Context,
    command: &LedgerCommand,
) -> Result<&'static ExitStatus, Error> {
    match command {
        LedgerCommand::List { of, limit, ledger, output } => {
            list(&open(ctx, ledger)?, &filter(of.as_deref(), *limit), output)
        }
        LedgerCommand::Show { id, ledger, output } => show(&open(ctx, ledger)?, *id, output),
        LedgerCommand::Flag(arguments) => mark(ctx, arguments, RecordedMarkKind::Flagged),
        LedgerCommand::Clear(arguments) => mark(ctx, arguments, RecordedMarkKind::Cleared),
        LedgerCommand::Flagged { flag, index, vex, ledger, output } => {
            let (policy, vex) = vex::read(ctx.policy()?, vex)?;
            let mut ledger = open(ctx, ledger)?;
            let index = index::open(ctx, index).await?;
            let bases = decide::known_bases(ctx, &policy);
            let today = Today { policy, index, vex, bases };
            let (count, found) = flagged(ctx, &ledger, &today).await?;
            if *flag {
                put_on_list(ctx, &mut ledger, &found)?;
            }
            report_flagged(ctx, (count, &found), output)
        }
    }
}

fn open(ctx: &Context, arguments: &LedgerArguments) -> Result<Ledger, Error> {
    let path = ctx.state_path(arguments.ledger.as_deref(), "ledger.sqlite")?;
    if !path.exists() {
        return Err(Error::usage(
            format!("there is no ledger at `{path}`"),
            "`plimsoll run` makes it; name another with `--ledger FILE`",
        ));
    }
    Ok(Ledger::open(&path)?)
}

fn filter(of: Option<&str>, limit: usize) -> Filter {
    let digest: Option<Digest> = of.and_then(|of| of.parse().ok());
    let name = if digest.is_some() { None } else { of.map(str::to_owned) };
    Filter { subject: digest, name, verdict: None, limit }
}

fn list(
    ledger: &Ledger,
    filter: &Filter,
    outputs: &[Output],
) -> Result<&'static ExitStatus, Error> {
    let entries = ledger.list(filter)?;
    let mut text = String::new();
    for entry in &entries {
        let record = &entry.record;
        let promoted =
            record.promoted_to.as_ref().map(|to| format!(", promoted to {to}")).unwrap_or_default();
        let line = format!(
            "{:>5} {} {:<9} {}@{}{promoted}",
            entry.id.to_string(),
            record.at.strftime("%Y-%m-%d %H:%M:%S"),
            word(record),
            record.name,
            record.digest.short(),
        );
        // Writing to a string does not fail.
        writeln!(text, "{}", Printable(&line)).ok();
    }
    if entries.is_empty() {
        text.push_str("no build is recorded that fits\n");
    }
    let json = json!({ "version": 1, "builds": entries.iter().map(as_json).collect::<Vec<_>>() });
    report::write_simple(outputs, &text, &json)?;
    Ok(&exit::PASSED)
}

fn show(ledger: &Ledger, id: RecordId, outputs: &[Output]) -> Result<&'static ExitStatus, Error> {
    let entry = recorded(ledger, id)?;
    let record = &entry.record;
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        // Writing to a string does not fail.
        writeln!(text, "{name:<10} {}", Printable(value)).ok();
    };
    row("build", &entry.id.to_string());
    row("at", &record.at.to_string());
    row("command", &record.command);
    row("subject", &format!("{}@{}", record.name, record.digest));
    row("platform", &record.platform);
    row("verdict", word(record));
    if let Some(mark) = &record.mark {
        row("reason", &mark.reason);
        row("by", &mark.by);
    }
    row(
        "policy",
        &format!(
            "{} {}",
            record.policy.path.as_deref().unwrap_or("built-in baseline"),
            record.policy.digest
        ),
    );
    if let Some(index) = &record.index {
        row("advisories", &format!("index of {} ({})", index.built, index.digest));
    }
    let counts = &record.counts;
    row(
        "aboard",
        &format!(
            "{} components: {} matched, {} clean, {} not evaluated",
            counts.components, counts.matched, counts.clean, counts.not_evaluated
        ),
    );
    if let Some(base) = &record.base {
        row("base", base);
    }
    if let Some(source) = &record.source {
        row(
            "source",
            &format!("{} {}", source.repository.as_deref().unwrap_or("local"), source.commit),
        );
    }
    for evidence in &record.evidence {
        row("evidence", &format!("{} {}", evidence.predicate_type, evidence.bundle));
    }
    for pending in &record.pending {
        let RecordedPending { predicate_type, bundle, reason } = pending;
        row("pending", &format!("{predicate_type} {bundle}: {reason}"));
    }
    if let Some(to) = &record.promoted_to {
        row("promoted", to);
    }
    for finding in &record.findings {
        row("finding", &finding_line(finding));
    }
    row("chain", &entry.hash.to_string());
    report::write_simple(outputs, &text, &as_json(&entry))?;
    Ok(&exit::PASSED)
}

fn finding_line(finding: &RecordedFinding) -> String {
    let excepted = finding
        .excepted
        .as_ref()
        .map(|reason| format!(" (excepted: {reason})"))
        .unwrap_or_default();
    format!(
        "{} {} {} {}, {}{excepted}",
        finding.action.as_str(),
        finding.severity,
        finding.rule,
        finding.title,
        finding.place
    )
}

/// Marks a recorded build, by its number.
fn mark(
    ctx: &Context,
    arguments: &MarkArguments,
    kind: RecordedMarkKind,
) -> Result<&'static ExitStatus, Error> {
    let mut ledger = open(ctx, &arguments.ledger)?;
    // What is added to a broken chain would not be believed.
    ledger.verify_chain()?;
    let entry = recorded(&ledger, arguments.id)?;
    let of_build = ledger.flags(&[entry.record.digest, entry.record.manifest])?;
    let is_same = |flag: &Entry| {
        (flag.record.digest, flag.record.manifest) == (entry.record.digest, entry.record.manifest)
    };
    if kind == RecordedMarkKind::Cleared && !of_build.iter().any(is_same) {
        return Err(Error::usage(
            format!("build {} is not flagged", arguments.id),
            "`plimsoll ledger list` shows which entries are flags",
        ));
    }
    let mark = RecordedMark { kind, reason: arguments.reason.clone(), by: arguments.by.clone() };
    let id = flags::mark(ctx, &mut ledger, &entry, mark, &[])?;
    let record = &entry.record;
    let text = format!("{}: {}@{}, entry {id}", kind.as_str(), record.name, record.digest);
    report::write_simple(&[], &format!("{}\n", Printable(&text)), &Value::Null)?;
    Ok(&exit::PASSED)
}

/// Puts builds that would be blocked today on the list, but for those that are on it.
fn put_on_list(ctx: &Context, ledger: &mut Ledger, found: &[Flagged]) -> Result<(), Error> {
    for bad in found.iter().filter(|bad| bad.verdict == Verdict::Blocked) {
        let record = &bad.entry.record;
        let flags = ledger.flags(&[record.digest])?;
        let is_on_list = flags.iter().any(|flag| flag.record.manifest == record.manifest);
        if !is_on_list {
            let titles: Vec<_> =
                bad.findings.iter().map(|finding| finding.title.as_str()).collect();
            let reason = titles.first().map_or("blocked", |first| *first);
            let more = titles.len().saturating_sub(1);
            let reason =
                if more > 0 { format!("{reason}, and {more} more") } else { reason.to_owned() };
            let by = "plimsoll ledger flagged".to_owned();
            let mark = RecordedMark { kind: RecordedMarkKind::Flagged, reason, by };
            flags::mark(ctx, ledger, &bad.entry, mark, &bad.findings)?;
        }
    }
    Ok(())
}

fn recorded(ledger: &Ledger, id: RecordId) -> Result<Entry, Error> {
    ledger.get(id)?.ok_or_else(|| {
        Error::usage(format!("there is no build {id}"), "`plimsoll ledger list` lists them")
    })
}

/// What an entry says of its build, in one word.
fn word(record: &Record) -> &'static str {
    record.mark.as_ref().map_or_else(|| record.verdict.as_str(), |mark| mark.kind.as_str())
}

/// A build that passed once and would not pass today.
struct Flagged {
    entry: Entry,
    verdict: Verdict,
    findings: Vec<RecordedFinding>,
}

/// What builds are judged by today.
struct Today {
    policy: Policy,
    index: Arc<Index>,
    vex: vex::Read,
    /// The approved base images, where they can be read.
    bases: Option<Lock>,
}

async fn flagged(
    ctx: &Context,
    ledger: &Ledger,
    today: &Today,
) -> Result<(usize, Vec<Flagged>), Error> {
    // A build that was taken out of the ledger, or is said there not to have passed, would not be missed below.
    ledger.verify_chain()?;
    let entries = ledger.latest_passed()?;
    let count = entries.len();
    let mut flagged = Vec::new();
    for entry in entries {
        let (verdict, findings) = judge_again(ctx, today, &entry).await?;
        if verdict != Verdict::Pass {
            flagged.push(Flagged { entry, verdict, findings });
        }
    }
    Ok((count, flagged))
}

fn report_flagged(
    ctx: &Context,
    (count, flagged): (usize, &[Flagged]),
    outputs: &[Output],
) -> Result<&'static ExitStatus, Error> {
    let json = json!({ "version": 1, "judged": count, "flagged": flagged.iter().map(|bad| json!({
        "verdict": record::recorded_verdict(bad.verdict).as_str(),
        "build": as_json(&bad.entry),
        "findings": bad.findings.iter().map(finding_json).collect::<Vec<_>>(),
    })).collect::<Vec<_>>() });
    let written = report::write_simple(outputs, &flagged_text(count, flagged), &json);
    exit::settle(&ctx.ui, worst(flagged), written)
}

fn worst(flagged: &[Flagged]) -> &'static ExitStatus {
    if flagged.iter().any(|bad| bad.verdict == Verdict::Blocked) {
        &exit::BLOCKED
    } else if flagged.is_empty() {
        &exit::PASSED
    } else {
        &exit::UNDECIDED
    }
}

fn flagged_text(count: usize, flagged: &[Flagged]) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    for bad in flagged {
        let record = &bad.entry.record;
        let promoted =
            record.promoted_to.as_ref().map(|to| format!(", promoted to {to}")).unwrap_or_default();
        let line =
            format!("flagged: build {} {}@{}{promoted}", bad.entry.id, record.name, record.digest);
        writeln!(text, "{}", Printable(&line)).ok();
        for finding in &bad.findings {
            writeln!(text, "  {}", Printable(&finding_line(finding))).ok();
        }
    }
    writeln!(text, "{} of {count} builds that passed would not pass today", flagged.len()).ok();
    text
}

/// Judges the recorded inventory of a build by today's advisories: the same evaluator, the vulnerability rules alone.
async fn judge_again(
    ctx: &Context,
    today: &Today,
    entry: &Entry,
) -> Result<(Verdict, Vec<RecordedFinding>), Error> {
    let inventory = Arc::new(plimsoll_sbom::formats::read(&entry.record.inventory, &ctx.limits)?);
    let scan = index::scan(ctx, &inventory, &today.index).await?;
    let scan = decide::attributed(scan, &inventory, today.bases.as_ref());
    let vex = today.vex.about(Some(recorded_image(&entry.record)));
    let build = Build::default();
    let case = Case {
        policy: &today.policy,
        image: None,
        users: None,
        secrets: None,
        files: None,
        inventory: Some(&inventory),
        scan: Some(&scan),
        vex: vex.as_ref(),
        since: None,
        flags: None,
        build: &build,
        bases: None,
    };
    let decision = case.decide(ctx, None);
    Ok((decision.verdict(), decision.blocking().map(record::finding).collect()))
}

/// By what a statement can name the image of a build.
fn recorded_image(record: &Record) -> Image {
    let repository = record.name.parse::<Repository>().ok();
    Image {
        digests: [record.digest, record.manifest].into(),
        // A name that would have to be completed first is that of a file.
        repository: repository.filter(|repository| repository.to_string() == record.name),
        architecture: record
            .platform
            .parse::<Platform>()
            .ok()
            .map(|platform| platform.architecture),
    }
}

fn as_json(entry: &Entry) -> Value {
    let record = &entry.record;
    json!({
        "id": entry.id.to_string(),
        "hash": entry.hash,
        "at": record.at,
        "command": record.command,
        "subject": record.name,
        "digest": record.digest,
        "manifest": record.manifest,
        "platform": record.platform,
        "verdict": record.verdict.as_str(),
        "policy": { "path": record.policy.path, "digest": record.policy.digest },
        "index": record.index.as_ref().map(|index| json!({ "digest": index.digest, "built": index.built })),
        "counts": {
            "components": record.counts.components, "matched": record.counts.matched,
            "clean": record.counts.clean, "notEvaluated": record.counts.not_evaluated,
        },
        "base": record.base,
        "source": record.source.as_ref().map(|source| json!({
            "repository": source.repository, "commit": source.commit,
        })),
        "evidence": record.evidence.iter().map(|evidence| json!({
            "predicateType": evidence.predicate_type, "bundle": evidence.bundle,
        })).collect::<Vec<_>>(),
        "pending": record.pending.iter().map(|pending| json!({
            "predicateType": pending.predicate_type, "bundle": pending.bundle, "reason": pending.reason,
        })).collect::<Vec<_>>(),
        "promotedTo": record.promoted_to,
        "mark": record.mark.as_ref().map(|mark| json!({
            "kind": mark.kind.as_str(), "reason": mark.reason, "by": mark.by,
        })),
        "findings": record.findings.iter().map(finding_json).collect::<Vec<_>>(),
        "toolVersion": record.tool_version,
    })
}

fn finding_json(finding: &RecordedFinding) -> Value {
    json!({
        "rule": finding.rule, "severity": finding.severity, "outcome": finding.outcome.as_str(), "action": finding.action.as_str(),
        "excepted": finding.excepted, "title": finding.title, "place": finding.place,
        "fingerprint": finding.fingerprint, "vulnerability": finding.vulnerability, "purl": finding.purl,
    })
}
