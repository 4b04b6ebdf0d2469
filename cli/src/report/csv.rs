//! Comma-separated values, for spreadsheets (RFC 4180).
//!
//! A spreadsheet takes a field that begins with `=` and some others for a formula, and runs it: such a field gets an
//! apostrophe before it, <https://owasp.org/www-community/attacks/CSV_Injection>.

use super::{
    Format, Report, Style,
    findings::{accepted, fingerprints, not_evaluated},
    flaws, text, write_all,
};
use crate::error::Error;
use plimsoll_model::{
    Printable,
    component::Component,
    finding::{Place, Vulnerability},
    risk::Exploitation,
};
use plimsoll_policy::Judged;
use std::io::Write;

/// CSV.
pub(crate) const FORMAT: Format = Format {
    id: "csv",
    description: "for spreadsheets: a row for each finding, and for each component that was not evaluated",
    write,
};

/// The columns. New ones come at the end.
const COLUMNS: [&str; 23] = [
    "effect",
    "severity",
    "rule",
    "id",
    "component",
    "version",
    "fixed_in",
    "fix_state",
    "score",
    "epss",
    "epss_percentile",
    "known_exploited",
    "origin",
    "purl",
    "path",
    "layer",
    "title",
    "found",
    "expected",
    "remedy",
    "policy_line",
    "accepted",
    "fingerprint",
];

type Row = [String; 23];

fn write(report: &Report<'_>, _style: Style, out: &mut dyn Write) -> Result<(), Error> {
    let missing = Error::Format { format: FORMAT.id, command: report.command, needs: "findings" };
    let findings: Vec<&Judged> = report.decision.ok_or(missing)?.findings().iter().collect();
    let ids = fingerprints(&findings);
    let mut text = line(&COLUMNS.map(str::to_owned));
    for (judged, id) in findings.iter().zip(ids) {
        text.push_str(&line(&of_finding(judged, id)));
    }
    for (component, reason) in not_evaluated(report) {
        text.push_str(&line(&of_unevaluated(component, reason)));
    }
    write_all(out, text.as_bytes())
}

fn of_finding(judged: &Judged, fingerprint: String) -> Row {
    let finding = &judged.finding;
    let flaw = finding.vulnerability.as_deref();
    let of_flaw = |field: fn(&Vulnerability) -> String| flaw.map(field).unwrap_or_default();
    let (purl, path, layer) = match &finding.place {
        Place::Component { purl, path, layer } => (purl.to_string(), path.clone(), *layer),
        Place::File { path, layer } => (String::new(), path.clone(), *layer),
        elsewhere @ (Place::Source { .. }
        | Place::Config { .. }
        | Place::Image
        | Place::Evidence
        | Place::Registry { .. }
        | Place::Policy) => (String::new(), elsewhere.to_string(), None),
    };
    [
        text::effect(judged).to_owned(),
        finding.severity.to_string(),
        finding.rule.to_owned(),
        of_flaw(|flaw| flaw.id.clone()),
        of_flaw(|flaw| flaw.name.clone()),
        of_flaw(|flaw| flaw.version.clone()),
        of_flaw(|flaw| flaw.fix.versions().join(" ")),
        of_flaw(|flaw| flaw.fix.as_str().to_owned()),
        of_flaw(|flaw| flaw.score.map(|score| format!("{score:.1}")).unwrap_or_default()),
        of_flaw(|flaw| number(flaw.prediction.map(|found| found.probability))),
        of_flaw(|flaw| number(flaw.prediction.map(|found| found.percentile))),
        of_flaw(|flaw| exploited(flaw.exploitation).to_owned()),
        of_flaw(|flaw| flaw.origin.as_str().to_owned()),
        purl,
        path,
        layer.map(|layer| layer.to_string()).unwrap_or_default(),
        finding.title.clone(),
        finding.found.clone(),
        finding.expected.clone(),
        finding.remedy.clone(),
        text::policy_line(judged).unwrap_or_default(),
        accepted(judged).unwrap_or_default(),
        fingerprint,
    ]
}

fn number(number: Option<f64>) -> String {
    number.map(|number| format!("{number:.5}")).unwrap_or_default()
}

const fn exploited(exploitation: Exploitation) -> &'static str {
    match exploitation {
        Exploitation::Known(_) => "yes",
        Exploitation::NotListed => "no",
        Exploitation::NoCatalog => "unknown",
    }
}

fn of_unevaluated(component: &Component, reason: String) -> Row {
    let mut row = Row::default();
    let layer = component.locations.first().and_then(|location| location.layer);
    let fields = [
        ("effect", "not evaluated".to_owned()),
        ("component", component.name.clone()),
        ("version", component.version.clone().unwrap_or_default()),
        ("purl", component.purl.to_string()),
        ("path", flaws::path(component)),
        ("layer", layer.map(|layer| layer.to_string()).unwrap_or_default()),
        ("title", reason),
    ];
    for (name, field) in fields {
        let column = COLUMNS.iter().position(|column| *column == name);
        if let Some(slot) = column.and_then(|column| row.get_mut(column)) {
            *slot = field;
        }
    }
    row
}

fn line(row: &Row) -> String {
    let fields: Vec<String> = row.iter().map(|field| quoted(field)).collect();
    format!("{}\r\n", fields.join(","))
}

/// A field in quotes that is no formula. Its control characters are spelled out, so it stays on one line.
fn quoted(field: &str) -> String {
    let field = Printable(field).to_string();
    let is_formula = field.trim_start().starts_with([
        '=', '+', '-', '@', '|', '%', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", field.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{Case, refuses, shows_safely};

    /// The fields of a line in which every field is quoted.
    fn fields(line: &str) -> Vec<String> {
        let inner = line.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        let fields: Vec<String> =
            inner.split("\",\"").map(|field| field.replace("\"\"", "\"")).collect();
        fields
    }

    #[test]
    fn every_row_has_every_column_and_no_formula() {
        for (name, case) in Case::all() {
            let report = case.write(&FORMAT);
            shows_safely(&report.replace("\r\n", "\n"));
            let mut lines = report.split_terminator("\r\n");
            assert_eq!(fields(lines.next().unwrap()), COLUMNS);
            for line in lines {
                let fields = fields(line);
                assert_eq!(fields.len(), COLUMNS.len(), "{line}");
                assert!(
                    !fields.iter().any(|field| field.starts_with(['=', '+', '-', '@'])),
                    "{line}"
                );
            }
            insta::assert_snapshot!(format!("csv_{name}"), report);
        }
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_guarded() {
        for (field, expect) in [
            ("=cmd()", "\"'=cmd()\""),
            (" @x", "\"' @x\""),
            ("-1", "\"'-1\""),
            ("\t=x", "\"\\u{9}=x\""),
            ("\u{ff1d}x", "\"'\u{ff1d}x\""),
            ("a=b, \"c\"\n", "\"a=b, \"\"c\"\"\\u{a}\""),
        ] {
            assert_eq!(quoted(field), expect);
        }
    }

    #[test]
    fn without_findings_there_is_no_report() {
        refuses(&FORMAT, "findings");
    }
}
