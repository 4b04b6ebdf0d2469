//! `plimsoll sbom diff`.

use crate::{
    args::SbomDiffArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report,
    stages::aboard::{self, Reading},
};
use plimsoll_model::Printable;
use plimsoll_sbom::changes::{Change, Changes, changes};
use serde_json::json;
use std::fmt::Write as _;

/// Tells what changed.
pub(super) async fn diff(
    ctx: &Context,
    arguments: &SbomDiffArguments,
) -> Result<&'static ExitStatus, Error> {
    let reading = Reading { platform: None, ignored: arguments.reading.ignored() };
    let before = aboard::read_named(ctx, &arguments.before, reading).await?;
    let after = aboard::read_named(ctx, &arguments.after, reading).await?;
    let found = changes(before.inventory(), after.inventory());
    let json = json!({
        "version": 1,
        "before": before.name(),
        "after": after.name(),
        "unchanged": found.unchanged,
        "unknowns": { "before": found.unknowns.0, "after": found.unknowns.1 },
        "changes": found.changes.iter().map(|change| json!({
            "package": change.package,
            "kind": change.kind.as_str(),
            "from": change.from,
            "to": change.to,
        })).collect::<Vec<_>>(),
    });
    let written = report::write_simple(&arguments.output, &text(&found), &json);
    let status = if arguments.fail_on_change { status(&found) } else { &exit::PASSED };
    exit::settle(&ctx.ui, status, written)
}

/// A change that is known outweighs one that could not be told.
fn status(found: &Changes) -> &'static ExitStatus {
    match (found.changes.is_empty(), found.unknowns) {
        (false, _) => &exit::BLOCKED,
        (true, (0, 0)) => &exit::PASSED,
        (true, _) => &exit::UNDECIDED,
    }
}

fn text(found: &Changes) -> String {
    let mut text = String::new();
    for change in &found.changes {
        let line = format!("{:<8} {} {}", change.kind.as_str(), change.package, sides(change));
        // Writing to a string does not fail.
        writeln!(text, "{}", Printable(&line)).ok();
    }
    let (before, after) = found.unknowns;
    let unknowns = if before == 0 && after == 0 {
        String::new()
    } else {
        format!("; {before} unknown before and {after} after, of which nothing can be said")
    };
    writeln!(text, "{} changes, {} unchanged{unknowns}", found.changes.len(), found.unchanged).ok();
    text
}

fn sides(change: &Change) -> String {
    let side = |text: &str| if text.is_empty() { "(none)".to_owned() } else { text.to_owned() };
    match (&change.from, &change.to) {
        (Some(from), Some(to)) => format!("{} -> {}", side(from), side(to)),
        (Some(one), None) | (None, Some(one)) => side(one),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_sbom::changes::ChangeKind;

    fn found(changes: &[ChangeKind], unknowns: (usize, usize)) -> Changes {
        let change = |kind: &ChangeKind| Change {
            package: "pkg:npm/a".to_owned(),
            kind: *kind,
            from: Some("1".to_owned()),
            to: (*kind != ChangeKind::Removed).then(|| "2".to_owned()),
        };
        Changes { changes: changes.iter().map(change).collect(), unchanged: 3, unknowns }
    }

    #[test]
    fn the_text_says_what_changed_and_what_is_not_known() {
        let found = found(&[ChangeKind::Version, ChangeKind::Removed], (0, 1));
        assert_eq!(
            text(&found),
            "version  pkg:npm/a 1 -> 2\nremoved  pkg:npm/a 1\n2 changes, 3 unchanged; 0 unknown before and 1 after, of which nothing can be said\n"
        );
    }

    #[test]
    fn only_what_is_known_to_be_unchanged_passes() {
        assert_eq!(status(&found(&[], (0, 0))).code, 0);
        assert_eq!(status(&found(&[], (1, 0))).code, 3);
        assert_eq!(status(&found(&[ChangeKind::Version], (1, 0))).code, 1);
    }
}
