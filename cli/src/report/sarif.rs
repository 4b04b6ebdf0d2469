//! SARIF 2.1.0, for code scanning at GitHub and GitLab.
//!
//! Every result has a physical location, image findings too: both platforms drop those without.
//! Specification: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html>.

use super::{
    Format, Report, Style,
    findings::{Position, accepted, fingerprints, shortened},
    text, write_json,
};
use crate::{context::VERSION, error::Error};
use plimsoll_model::{
    Printable, Severity,
    advisory::Authority,
    finding::{Place, Vulnerability},
};
use plimsoll_policy::{Judged, rules};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write as _, io};

/// SARIF.
pub(crate) const FORMAT: Format =
    Format { id: "sarif", description: "SARIF 2.1.0, for code scanning", write };

/// More results than this are cut by GitHub; the findings are sorted, so what blocks is kept. There are never more rules.
const MOST_RESULTS: usize = 25_000;

/// The most characters of a short description and of a full one that GitHub shows.
const MOST_DESCRIPTION: usize = 1024;

/// Where our own rules are described.
const RULES: &str = "https://github.com/plimsoll-dev/plimsoll/blob/main/docs/reference/rules.md";

fn write(report: &Report<'_>, _style: Style, out: &mut dyn io::Write) -> Result<(), Error> {
    let decision = report.decision.ok_or(Error::Format {
        format: FORMAT.id,
        command: report.command,
        needs: "findings",
    })?;
    let findings: Vec<&Judged> = decision.findings().iter().take(MOST_RESULTS).collect();
    let mut rules: BTreeMap<String, Vec<&Judged>> = BTreeMap::new();
    for judged in &findings {
        rules.entry(rule_id(judged)).or_default().push(judged);
    }
    let ids: BTreeMap<&String, usize> = rules.keys().zip(0..).collect();
    let fingerprints = fingerprints(&findings);
    let results = findings.iter().zip(&fingerprints);
    let results = results.map(|(judged, fingerprint)| result(report, judged, fingerprint, &ids));
    write_json(
        out,
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
                    "rules": rules.iter().filter_map(|(id, findings)| rule(id, findings)).collect::<Vec<_>>(),
                } },
                "automationDetails": { "id": format!("plimsoll/{}/", report.command) },
                "columnKind": "unicodeCodePoints",
                "results": results.collect::<Vec<_>>(),
            }],
        }),
    )
}

/// A rule of ours, and behind a slash the flaw (SARIF 2.1.0 §3.5.4): code scanning has one severity for each rule, so a
/// flaw has to be one to have its own.
fn rule_id(judged: &Judged) -> String {
    let rule = judged.finding.rule;
    judged.finding.vulnerability.as_ref().map_or_else(
        || rule.to_owned(),
        |flaw| format!("{rule}/{}", Printable(&flaw.id.replace('/', "_"))),
    )
}

fn rule(id: &str, findings: &[&Judged]) -> Option<Value> {
    let first = findings.first()?;
    let rule = rules::find(first.finding.rule);
    let scores = findings.iter().map(|judged| score(judged));
    let worst = scores.max_by(f64::total_cmp).unwrap_or_default();
    let flaw = first.finding.vulnerability.as_ref();
    // A rule of the user's own is known by what it found.
    let own = first.finding.title.as_str();
    let title = rule.filter(|_| flaw.is_none()).map_or(own, |rule| rule.title);
    let text =
        |text: &str| json!({ "text": shortened(&Printable(text).to_string(), MOST_DESCRIPTION) });
    Some(json!({
        "id": id,
        "name": rule.map_or(id, |rule| rule.name),
        "shortDescription": text(title),
        "fullDescription": text(&flaw.map_or_else(|| rule.map_or(own, |rule| rule.why).to_owned(), |flaw| described(title, flaw))),
        "help": text(rule.map_or(&first.finding.remedy, |rule| rule.mend)),
        "helpUri": flaw.map_or_else(|| RULES.to_owned(), |flaw| Authority::of(&flaw.id).page(&flaw.id)),
        "properties": {
            "security-severity": format!("{worst:.1}"),
            "tags": ["security", if flaw.is_some() { "vulnerability" } else { "supply-chain" }],
        },
    }))
}

fn described(title: &str, flaw: &Vulnerability) -> String {
    format!("{title}. Also known as {}", flaw.ids.join(", "))
}

/// The score that counts; without one a score in the band that GitHub shows for the severity.
fn score(judged: &Judged) -> f64 {
    let scored = judged.finding.vulnerability.as_ref().and_then(|flaw| flaw.score);
    // A score may be of another severity than the finding, which malware has its own.
    scored.filter(|score| Severity::of_cvss(*score) == judged.finding.severity).unwrap_or(
        match judged.finding.severity {
            Severity::Critical => 9.5,
            Severity::High => 8.0,
            Severity::Medium => 5.5,
            Severity::Low => 2.0,
            Severity::Info | Severity::Unknown => 0.0,
        },
    )
}

fn result(
    report: &Report<'_>,
    judged: &Judged,
    fingerprint: &str,
    rules: &BTreeMap<&String, usize>,
) -> Value {
    let finding = &judged.finding;
    let message = format!(
        "{}. Found {}; expected {}. {}",
        finding.title, finding.found, finding.expected, finding.remedy
    );
    let id = rule_id(judged);
    let mut result = json!({
        "ruleId": id,
        "ruleIndex": rules.get(&id),
        "level": level(judged),
        "message": { "text": Printable(&message).to_string() },
        "locations": [location(report, judged)],
        "partialFingerprints": { "plimsoll/v1": fingerprint },
        "properties": properties(judged),
    });
    if let (Some(justification), Some(object)) = (accepted(judged), result.as_object_mut()) {
        let justification = Printable(&justification).to_string();
        object.insert(
            "suppressions".to_owned(),
            json!([{ "kind": "external", "status": "accepted", "justification": justification }]),
        );
    }
    result
}

fn properties(judged: &Judged) -> Value {
    let mut properties = json!({
        "severity": judged.finding.severity.as_str(), "effect": text::effect(judged),
    });
    if let (Some(flaw), Some(object)) = (&judged.finding.vulnerability, properties.as_object_mut())
    {
        object.insert("security-severity".to_owned(), format!("{:.1}", score(judged)).into());
        object.insert("purl".to_owned(), flaw.purl.as_str().into());
        object.insert("fixState".to_owned(), flaw.fix.as_str().into());
        object.insert("origin".to_owned(), flaw.origin.as_str().into());
    }
    properties
}

fn level(judged: &Judged) -> &'static str {
    match (judged.is_blocking(), text::effect(judged)) {
        (true, _) => "error",
        (false, "inform") => "note",
        (false, _) => "warning",
    }
}

fn location(report: &Report<'_>, judged: &Judged) -> Value {
    let place = &judged.finding.place;
    let Position { path, line, column } = Position::of(judged);
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": as_uri(&path) },
            "region": { "startLine": line, "startColumn": column },
        },
        "message": { "text": Printable(&format!("{place} in {}", report.subject)).to_string() },
    });
    if let (Place::Component { purl, .. }, Some(object)) = (place, location.as_object_mut()) {
        let logical = json!([{ "fullyQualifiedName": purl.as_str(), "kind": "package" }]);
        object.insert("logicalLocations".to_owned(), logical);
    }
    location
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
    use crate::report::testing::{Case, shows_safely};

    #[test]
    fn every_finding_is_a_result() {
        for (name, case) in Case::all() {
            let log = case.write(&FORMAT);
            shows_safely(&log);
            insta::assert_snapshot!(format!("sarif_{name}"), log);
        }
    }

    #[test]
    fn a_fingerprint_outlives_the_versions_of_what_it_is_about() {
        let fingerprints = |case: &Case| {
            let log: Value = serde_json::from_str(&case.write(&FORMAT)).unwrap();
            let results = log["runs"][0]["results"].as_array().unwrap().clone();
            results
                .into_iter()
                .map(|result| result["partialFingerprints"].clone())
                .collect::<Vec<_>>()
        };
        let expect = fingerprints(&Case::two_flaws());
        assert_eq!(fingerprints(&Case::two_flaws_in_other_versions()), expect);
        let alike = fingerprints(&Case::twice_in_one_file());
        assert_ne!(alike[0], alike[1]);
    }

    #[test]
    fn a_flaw_is_a_rule_with_the_score_that_counts() {
        let log: Value = serde_json::from_str(&Case::two_flaws().write(&FORMAT)).unwrap();
        let run = &log["runs"][0];
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        }
        let rule = &run["tool"]["driver"]["rules"][0];
        assert_eq!(rule["id"], "VUL-002/CVE-2026-1");
        assert_eq!(rule["properties"]["security-severity"], "9.8");
        assert_eq!(rule["helpUri"], "https://nvd.nist.gov/vuln/detail/CVE-2026-1");
    }

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(as_uri("usr/share/a b#1"), "usr/share/a%20b%231");
        assert_eq!(as_uri("é:x"), "%C3%A9%3Ax");
    }
}
