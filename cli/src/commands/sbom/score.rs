//! `plimsoll sbom score`.

use crate::{
    args::SbomScoreArguments,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files, report,
    stages::aboard::{self, Reading},
};
use camino::Utf8Path;
use plimsoll_sbom::{
    formats::{Sbom, read_document},
    score::{Need, Row, Score, Standard, score},
};
use serde_json::json;
use std::fmt::Write as _;

/// Tells how much of what standards ask for an SBOM has.
pub(super) async fn evaluate(
    ctx: &Context,
    arguments: &SbomScoreArguments,
) -> Result<&'static ExitStatus, Error> {
    let sbom = read(ctx, arguments).await?;
    let all = Standard::ALL.as_slice();
    let asked = if arguments.standards.is_empty() { all } else { arguments.standards.as_slice() };
    let scores: Vec<Score> = asked.iter().map(|standard| score(&sbom, *standard)).collect();
    let json = json!({
        "version": 1,
        "subject": arguments.what,
        "format": sbom.facts.format,
        "formatVersion": sbom.facts.version,
        "components": sbom.facts.components.len(),
        "minimum": arguments.min,
        "scores": scores.iter().map(|score| json!({
            "standard": score.standard.id(),
            "percent": score.percent(),
            "conformant": score.is_conformant(),
            "fields": score.rows.iter().map(|row| json!({
                "field": row.field,
                "required": row.need == Need::Required,
                "have": row.have,
                "total": row.total,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    });
    let written = report::write_simple(&arguments.output, &text(&scores), &json);
    exit::settle(&ctx.ui, status(&scores, arguments.min), written)
}

/// A file is an SBOM by anyone; of everything else it is the one that is written here.
async fn read(ctx: &Context, arguments: &SbomScoreArguments) -> Result<Sbom, Error> {
    let path = Utf8Path::new(&arguments.what);
    let path = arguments.what.strip_prefix("sbom:").map_or(path, Utf8Path::new);
    let bytes = if path.is_file() {
        files::read_past(path, ctx.limits.sbom)?
    } else {
        let reading = Reading { platform: None, ignored: arguments.reading.ignored() };
        let aboard = aboard::read_named(ctx, &arguments.what, reading).await?;
        aboard.cataloged().sbom("cyclonedx-json")?
    };
    let limits = ctx.limits.clone();
    let read = tokio::task::spawn_blocking(move || read_document(&bytes, &limits));
    Ok(read.await.map_err(Error::Worker)??)
}

fn status(scores: &[Score], min: Option<u8>) -> &'static ExitStatus {
    let is_below = |score: &Score| min.is_some_and(|min| score.percent() < usize::from(min));
    if scores.iter().any(is_below) { &exit::BLOCKED } else { &exit::PASSED }
}

fn text(scores: &[Score]) -> String {
    let mut text = String::new();
    for score in scores {
        let verdict = if score.is_conformant() { "conforms" } else { "does not conform" };
        // Writing to a string does not fail.
        writeln!(text, "{}: {} %, {verdict}", score.standard.name(), score.percent()).ok();
        for row in &score.rows {
            writeln!(text, "  {:>7} of {:<7} {}{}", row.have, row.total, row.field, remark(row))
                .ok();
        }
    }
    text
}

const fn remark(row: &Row) -> &'static str {
    match (row.need, row.is_met()) {
        (Need::Required, true) => "",
        (Need::Required, false) => " (required)",
        (Need::Additional, _) => " (where there is any)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(have: usize) -> Score {
        let row = |field, need, have| Row { field, need, have, total: 2 };
        let rows = vec![row("name", Need::Required, have), row("copyright", Need::Additional, 0)];
        Score { standard: Standard::Ntia2021, rows }
    }

    #[test]
    fn the_text_counts_each_field() {
        assert_eq!(
            text(&[of(1)]),
            "NTIA minimum elements (2021): 50 %, does not conform\n        1 of 2       name (required)\n        0 of 2       copyright (where there is any)\n"
        );
    }

    #[test]
    fn the_lowest_score_decides() {
        assert_eq!(status(&[of(2), of(1)], None).code, 0);
        assert_eq!(status(&[of(2), of(1)], Some(50)).code, 0);
        assert_eq!(status(&[of(2), of(1)], Some(51)).code, 1);
    }
}
