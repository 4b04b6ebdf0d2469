//! GitLab's report of code quality, which every tier shows in merge requests.
//!
//! <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>. It has no word for an accepted finding:
//! such a one is there as `info`, and its description says by whom.

use super::{
    Format, Report, Style,
    findings::{Position, fingerprints, sentence},
    text, write_json,
};
use crate::error::Error;
use plimsoll_model::{Printable, Severity};
use plimsoll_policy::Judged;
use serde_json::{Value, json};
use std::io::Write;

/// GitLab code quality.
pub(crate) const FORMAT: Format = Format {
    id: "gitlab-codequality",
    description: "GitLab's code quality report: every finding, what blocks as `blocker`",
    write,
};

fn write(report: &Report<'_>, _style: Style, out: &mut dyn Write) -> Result<(), Error> {
    let missing = Error::Format { format: FORMAT.id, command: report.command, needs: "findings" };
    let findings: Vec<&Judged> = report.decision.ok_or(missing)?.findings().iter().collect();
    let fingerprints = fingerprints(&findings);
    let rows: Vec<Value> =
        findings.iter().zip(&fingerprints).map(|(judged, id)| row(judged, id)).collect();
    write_json(out, "the code quality report", &rows)
}

fn row(judged: &Judged, fingerprint: &str) -> Value {
    let position = Position::of(judged);
    json!({
        "description": format!("{}: {}", text::effect(judged), sentence(judged)),
        "check_name": judged.finding.rule,
        "fingerprint": fingerprint,
        "severity": severity(judged),
        "location": {
            "path": Printable(&position.path).to_string(),
            "lines": { "begin": position.line },
        },
    })
}

fn severity(judged: &Judged) -> &'static str {
    if judged.is_blocking() {
        return "blocker";
    }
    if judged.exception.is_some() {
        return "info";
    }
    match judged.finding.severity {
        Severity::Critical => "critical",
        // Nobody has said how bad it is, which is not harmless.
        Severity::High | Severity::Unknown => "major",
        Severity::Medium | Severity::Low => "minor",
        Severity::Info => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{Case, refuses, shows_safely};

    #[test]
    fn every_finding_is_there_once() {
        for (name, case) in Case::all() {
            let report = case.write(&FORMAT);
            shows_safely(&report);
            insta::assert_snapshot!(format!("gitlab_codequality_{name}"), report);
        }
    }

    #[test]
    fn without_findings_there_is_no_report() {
        refuses(&FORMAT, "findings");
    }
}
