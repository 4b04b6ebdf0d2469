//! SARIF 2.1.0, for code scanning at GitHub and GitLab.
//!
//! Every result has a physical location, image findings too: both platforms drop those without.
//! Specification: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html>.

use super::{Format, Report, Style, text, to_json, write_all};
use crate::{context::VERSION, error::Error};
use plimsoll_model::{Printable, Severity, finding::Place};
use plimsoll_policy::{Judged, rules};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt::Write as _, io};

/// SARIF.
pub(crate) const FORMAT: Format =
    Format { id: "sarif", description: "SARIF 2.1.0, for code scanning", write };

/// More results than this are cut by GitHub; the findings are sorted, so what blocks is kept.
const MOST_RESULTS: usize = 25_000;

fn write(report: &Report<'_>, _style: Style, out: &mut dyn io::Write) -> Result<(), Error> {
    let decision = report.decision.ok_or(Error::Format {
        format: FORMAT.id,
        command: report.command,
        needs: "findings",
    })?;
    let findings: Vec<&Judged> = decision.findings().iter().take(MOST_RESULTS).collect();
    let ids: BTreeSet<&'static str> = findings.iter().map(|judged| judged.finding.rule).collect();
    let bytes = to_json(
        "the SARIF report",
        &json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "plimsoll",
                    "version": VERSION,
                    "semanticVersion": VERSION,
                    "informationUri": "https://github.com/plimsoll-dev/plimsoll",
                    "rules": ids.iter().map(|id| rule(id, &findings)).collect::<Vec<_>>(),
                } },
                "automationDetails": { "id": format!("plimsoll/{}/", report.command) },
                "columnKind": "unicodeCodePoints",
                "results": findings.iter().map(|judged| result(report, judged)).collect::<Vec<_>>(),
            }],
        }),
    )?;
    write_all(out, &bytes)
}

fn rule(id: &str, findings: &[&Judged]) -> Value {
    let worst = findings
        .iter()
        .filter(|judged| judged.finding.rule == id)
        .map(|judged| judged.finding.severity)
        .max()
        .unwrap_or(Severity::Unknown);
    let Some(rule) = rules::find(id) else { return json!({ "id": id }) };
    json!({
        "id": id,
        "name": rule.name,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.why },
        "help": { "text": rule.mend },
        "properties": { "security-severity": security_severity(worst) },
    })
}

/// A score in the band that GitHub shows for the severity.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info | Severity::Unknown => "0.0",
    }
}

fn result(report: &Report<'_>, judged: &Judged) -> Value {
    let finding = &judged.finding;
    let message = format!(
        "{}. Found {}; expected {}. {}",
        finding.title, finding.found, finding.expected, finding.remedy
    );
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(judged),
        "message": { "text": Printable(&message).to_string() },
        "locations": [location(report, judged)],
        "partialFingerprints": { "plimsoll/v1": finding.fingerprint().to_string() },
        "properties": { "severity": finding.severity.as_str(), "effect": text::effect(judged) },
    });
    let excepted = judged.exception.as_ref().map(|exception| {
        format!("{} ({}, until {})", exception.reason, exception.owner, exception.expires)
    });
    let justification = excepted.or_else(|| judged.cleared.as_ref().map(text::cleared));
    if let (Some(justification), Some(object)) = (justification, result.as_object_mut()) {
        object.insert(
            "suppressions".to_owned(),
            json!([{ "kind": "external", "status": "accepted", "justification": justification }]),
        );
    }
    result
}

fn level(judged: &Judged) -> &'static str {
    match (judged.is_blocking(), text::effect(judged)) {
        (true, _) => "error",
        (false, "inform") => "note",
        (false, _) => "warning",
    }
}

fn location(report: &Report<'_>, judged: &Judged) -> Value {
    let (uri, line, column) = match &judged.finding.place {
        Place::Source { path, line, column } => (as_uri(path.as_str()), *line, *column),
        Place::Component { path, .. } | Place::File { path, .. } => {
            (as_uri(path.trim_start_matches('/')), 1, 1)
        }
        Place::Config { .. } | Place::Image | Place::Evidence => ("image".to_owned(), 1, 1),
        Place::Policy => (
            judged
                .policy_line
                .as_ref()
                .map_or_else(|| "plimsoll.yaml".to_owned(), |line| as_uri(line.path.as_str())),
            1,
            1,
        ),
    };
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": if uri.is_empty() { "image".to_owned() } else { uri } },
            "region": { "startLine": line.max(1), "startColumn": column.max(1) },
        },
        "message": { "text": Printable(&format!("{} in {}", judged.finding.place, report.subject)).to_string() },
    })
}

/// A path as a relative URI reference (RFC 3986): everything but unreserved characters and `/` is percent-encoded.
fn as_uri(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut uri, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            write!(uri, "%{byte:02X}").ok();
        }
        uri
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(as_uri("usr/share/a b#1"), "usr/share/a%20b%231");
        assert_eq!(as_uri("é:x"), "%C3%A9%3Ax");
    }
}
