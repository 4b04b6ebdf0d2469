//! `plimsoll diff`.

use crate::{
    args::DiffArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report,
    stages::{
        aboard::Reading,
        decide::{Build, Case},
        index,
        view::{self, Compared},
    },
};
use plimsoll_model::{
    Printable, Severity,
    difference::{Cause, Difference, FindingChange, FindingChangeKind, View},
    inventory::Unknown,
};
use plimsoll_vuln::{Crossed, Index, difference};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

/// Two builds and what differs.
struct Compare {
    before: (Compared, View),
    after: (Compared, View),
    found: Difference,
}

/// Tells which findings are new, fixed or changed, and what brought that about.
pub(crate) async fn diff(
    ctx: &Context,
    arguments: &DiffArguments,
) -> Result<&'static ExitStatus, Error> {
    let policy = ctx.policy()?;
    let today = index::open(ctx, &arguments.index).await?;
    let earlier = match &arguments.before_db {
        Some(path) => Some(Arc::new(Index::open(path)?)),
        None => None,
    };
    let reading =
        Reading { platform: arguments.platform.as_ref(), ignored: arguments.reading.ignored() };
    let before = view::read(ctx, &arguments.before, &arguments.ledger, reading).await?;
    let after = view::read(ctx, &arguments.after, &arguments.ledger, reading).await?;
    let compare = compare(ctx, (before, after), (&today, earlier.as_ref())).await?;
    let written = report::write_simple(&arguments.output, &text(&compare), &as_json(&compare));
    let Some(least) = arguments.fail_on_new else {
        return exit::settle(&ctx.ui, &exit::PASSED, written);
    };
    let scan = index::scan(ctx, &compare.after.0.inventory, &today).await?;
    let build = Build::default();
    let case = Case {
        policy: &policy,
        image: None,
        users: None,
        secrets: None,
        files: None,
        inventory: Some(&compare.after.0.inventory),
        scan: Some(&scan),
        vex: None,
        since: None,
        flags: None,
        build: &build,
        bases: None,
    };
    let decision = case.decide(ctx, None);
    let stale = decision.blocking().find(|judged| judged.finding.rule == "VUL-001");
    if let Some(judged) = stale {
        ctx.ui.warn(&format!("{}: {}", judged.finding.title, judged.finding.found));
    }
    let status = match status(&compare, least) {
        status if status.code == exit::PASSED.code && stale.is_some() => &exit::UNDECIDED,
        status => status,
    };
    exit::settle(&ctx.ui, status, written)
}

/// Each build as it was known in its time, where that is known, else by today's advisories.
async fn compare(
    ctx: &Context,
    (before, after): (Compared, Compared),
    (today, earlier): (&Arc<Index>, Option<&Arc<Index>>),
) -> Result<Compare, Error> {
    let mut of_before = vec![view::judged(ctx, &before.inventory, today).await?];
    let mut of_after = vec![view::judged(ctx, &after.inventory, today).await?];
    if let Some(earlier) = earlier {
        of_before.push(view::judged(ctx, &before.inventory, earlier).await?);
        of_after.push(view::judged(ctx, &after.inventory, earlier).await?);
    }
    let old = match (&before.recorded, earlier) {
        (Some(recorded), None) => recorded.clone(),
        (_, Some(_)) | (None, None) => of_before.last().cloned().unwrap_or_default(),
    };
    let new = match &after.recorded {
        Some(recorded) => recorded.clone(),
        None => of_after.first().cloned().unwrap_or_default(),
    };
    let by = |views: &[View], index: &View| -> Option<View> {
        let digest = index.index.as_ref()?.digest;
        views.iter().find(|view| view.index.is_some_and(|own| own.digest == digest)).cloned()
    };
    let (before_by_later, after_by_earlier) = (by(&of_before, &new), by(&of_after, &old));
    let crossed = Crossed {
        before_by_later: before_by_later.as_ref(),
        after_by_earlier: after_by_earlier.as_ref(),
    };
    let found = difference(&old, &new, crossed);
    Ok(Compare { before: (before, old), after: (after, new), found })
}

impl Compare {
    /// What could not be read in the later build alone.
    fn new_unknowns(&self) -> usize {
        let key = |unknown: &Unknown| (unknown.path.clone(), unknown.reason.clone());
        let old: BTreeSet<_> = self.before.0.inventory.unknowns.iter().map(key).collect();
        let unknowns = &self.after.0.inventory.unknowns;
        unknowns.iter().filter(|unknown| !old.contains(&key(unknown))).count()
    }
}

/// A new finding that is known outweighs one that could not be told.
fn status(compare: &Compare, least: Severity) -> &'static ExitStatus {
    // How bad a flaw is whose severity nobody states is not known: it always counts.
    let counts =
        |change: &FindingChange| change.severity >= least || change.severity == Severity::Unknown;
    if compare.found.new_findings().any(counts) {
        &exit::BLOCKED
    } else if compare.found.has_untold() || compare.new_unknowns() > 0 {
        &exit::UNDECIDED
    } else {
        &exit::PASSED
    }
}

fn text(compare: &Compare) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let mut line = |line: &str| writeln!(text, "{}", Printable(line)).ok();
    for (side, (build, view)) in [("before", &compare.before), ("after", &compare.after)] {
        let index = view.index.map_or_else(
            || "by advisories that are not known".to_owned(),
            |index| {
                let built = index.built.strftime("%Y-%m-%d %H:%M UTC");
                format!("by the index of {built} ({})", index.digest.short())
            },
        );
        line(&format!("{side:<7} {}, {index}", build.name));
    }
    for change in &compare.found.changes {
        line(&format!(
            "{:<7} {:<8} {} {} {}",
            change.kind.as_str(),
            change.severity.as_str(),
            change.id,
            change.package,
            versions(change)
        ));
        match &change.kind {
            FindingChangeKind::Changed(attributes) => {
                for attribute in attributes {
                    line(&format!("  what     {}", attribute.words()));
                }
            }
            FindingChangeKind::Untold(reason) => line_why(&mut line, reason),
            FindingChangeKind::New | FindingChangeKind::Fixed => {}
        }
        line(&format!("  cause    {}", cause(&change.cause)));
    }
    for untold in &compare.found.untold {
        line(&format!("untold  {}: {}", untold.package, untold.reason));
    }
    line(&summary(compare));
    text
}

fn line_why(line: &mut impl FnMut(&str) -> Option<()>, reason: &str) {
    line(&format!("  why      not fixed: it can no longer be told; {reason}"));
}

fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Unknown(reason) => format!("unknown: {reason}"),
        Cause::Code | Cause::Advisories | Cause::Both => cause.as_str().to_owned(),
    }
}

fn versions(change: &FindingChange) -> String {
    let side = |versions: &BTreeSet<String>| {
        let text: Vec<&str> = versions.iter().map(String::as_str).collect();
        if text.is_empty() { "(none)".to_owned() } else { text.join(", ") }
    };
    if change.before == change.after {
        side(&change.after)
    } else {
        format!("{} -> {}", side(&change.before), side(&change.after))
    }
}

fn summary(compare: &Compare) -> String {
    let found = &compare.found;
    let count =
        |word: &str| found.changes.iter().filter(|change| change.kind.as_str() == word).count();
    let mut text = format!(
        "{} new, {} fixed, {} changed, {} unchanged",
        count("new"),
        count("fixed"),
        count("changed"),
        found.unchanged
    );
    let untold = found.untold.len().max(count("untold"));
    if untold > 0 {
        // Writing to a string does not fail.
        write!(text, "; {untold} packages can no longer be evaluated").ok();
    }
    let unknowns = compare.new_unknowns();
    if unknowns > 0 {
        write!(text, "; {unknowns} more unknown, of which nothing can be said").ok();
    }
    text
}

fn as_json(compare: &Compare) -> Value {
    let side = |(build, view): &(Compared, View)| {
        json!({
            "subject": build.name,
            "components": build.inventory.components().len(),
            "unknowns": build.inventory.unknowns.len(),
            "index": view.index.map(|index| json!({
                "digest": index.digest, "built": index.built,
            })),
        })
    };
    json!({
        "version": 1,
        "before": side(&compare.before),
        "after": side(&compare.after),
        "unchanged": compare.found.unchanged,
        "newUnknowns": compare.new_unknowns(),
        "untold": compare.found.untold.iter().map(|untold| json!({
            "package": untold.package, "reason": untold.reason,
        })).collect::<Vec<_>>(),
        "changes": compare.found.changes.iter().map(change).collect::<Vec<_>>(),
    })
}

fn change(change: &FindingChange) -> Value {
    let (attributes, reason) = match &change.kind {
        FindingChangeKind::Changed(attributes) => {
            (attributes.iter().map(|attribute| attribute.words()).collect(), None)
        }
        FindingChangeKind::Untold(reason) => (Vec::new(), Some(reason)),
        FindingChangeKind::New | FindingChangeKind::Fixed => (Vec::new(), None),
    };
    let because = match &change.cause {
        Cause::Unknown(reason) => Some(reason),
        Cause::Code | Cause::Advisories | Cause::Both => None,
    };
    json!({
        "kind": change.kind.as_str(),
        "package": change.package,
        "id": change.id,
        "ids": change.ids,
        "severity": change.severity,
        "versionsBefore": change.before,
        "versionsAfter": change.after,
        "what": attributes,
        "reason": reason,
        "cause": change.cause.as_str(),
        "causeReason": because,
    })
}
