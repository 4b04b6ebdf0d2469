//! GitLab's security reports, version 15.2.1 of their schema: what container and dependency scanning share.
//!
//! <https://gitlab.com/gitlab-org/security-products/security-report-schemas>, tag `v15.2.1`. GitLab refuses a report whole
//! that its schema does not allow. There are no `remediations`: each needs a patch, and nothing here is mended by one.

use super::{
    Report,
    findings::{accepted, not_evaluated, shortened},
    flaws::{self, Flaw, flaws},
    markdown::escape,
    text, write_json,
};
use crate::{context::VERSION, error::Error};
use jiff::{Timestamp, tz::TimeZone};
use plimsoll_model::{
    Printable, Severity, advisory::Authority, finding::Outcome, risk::Exploitation,
};
use plimsoll_policy::{Decision, Judged};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, io::Write};

/// The version of the schema. GitLab judges a patch that it does not know by the last one it does.
const SCHEMA: &str = "15.2.1";

/// The most characters of a name, a solution and a name of an image.
const MOST_NAME: usize = 255;
const MOST_SOLUTION: usize = 7000;

/// GitLab keeps no more identifiers of one finding than this.
const MOST_IDENTIFIERS: usize = 20;

/// The most vectors that the schema allows.
const MOST_VECTORS: usize = 10;

/// Which report it is.
#[derive(Debug)]
pub(super) struct Kind {
    /// The id of our format.
    pub format: &'static str,
    /// The type of the scan.
    pub scan: &'static str,
    /// The name of the schema's file.
    pub schema: &'static str,
    /// Where a flaw is.
    pub location: fn(&Report<'_>, &Flaw<'_>) -> Value,
}

/// Writes a report.
pub(super) fn write(kind: &Kind, report: &Report<'_>, out: &mut dyn Write) -> Result<(), Error> {
    let flaws = flaws(report, kind.format)?;
    let rows: Vec<Value> = flaws.iter().map(|flaw| row(kind, report, flaw)).collect();
    let base = "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw";
    let document = json!({
        "schema": format!("{base}/v{SCHEMA}/dist/{}.json", kind.schema),
        "version": SCHEMA,
        "scan": scan(kind, report),
        "vulnerabilities": rows,
    });
    write_json(out, "the report for GitLab", &document)
}

fn scan(kind: &Kind, report: &Report<'_>) -> Value {
    let tool = json!({
        "id": "plimsoll",
        "name": "Plimsoll",
        "url": "https://github.com/plimsoll-dev/plimsoll",
        "vendor": { "name": "Plimsoll" },
        "version": VERSION,
    });
    let when = time(report.decision.map_or(Timestamp::UNIX_EPOCH, Decision::decided));
    let unevaluated = not_evaluated(report);
    json!({
        "analyzer": tool,
        "scanner": tool,
        "type": kind.scan,
        "start_time": when,
        "end_time": when,
        "status": if is_whole(report, unevaluated.len()) { "success" } else { "failure" },
        "messages": messages(report, &unevaluated),
    })
}

/// Whether everything was told that the policy wants told: a scan that was not has not succeeded.
fn is_whole(report: &Report<'_>, unevaluated: usize) -> bool {
    report.decision.map_or(unevaluated == 0, |decision| {
        decision.blocking().all(|judged| judged.finding.outcome == Outcome::Fail)
    })
}

/// The verdict, the index, and what could not be told.
fn messages(
    report: &Report<'_>,
    unevaluated: &[(&plimsoll_model::component::Component, String)],
) -> Vec<Value> {
    let message =
        |level: &str, text: &str| json!({ "level": level, "value": Printable(text).to_string() });
    let mut messages: Vec<Value> =
        text::verdict(report).iter().map(|verdict| message("info", verdict)).collect();
    messages.extend(report.scan.map(|scan| {
        let (built, digest) = (scan.index.built, scan.index.digest);
        message("info", &format!("advisory index of {built} ({digest})"))
    }));
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, reason) in unevaluated {
        let count = reasons.entry(reason).or_default();
        *count = count.saturating_add(1);
    }
    messages.extend(reasons.iter().map(|(reason, count)| {
        message("warn", &format!("not evaluated: {count} components: {reason}"))
    }));
    let unread = report.inventory.map_or(0, |inventory| inventory.unknowns.len());
    if unread > 0 {
        messages.push(message("warn", &format!("{unread} items could not be read")));
    }
    messages
}

/// Exactly this form: no fraction, no zone.
fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn row(kind: &Kind, report: &Report<'_>, flaw: &Flaw<'_>) -> Value {
    let advisory = &flaw.found.advisory;
    let name = match advisory.summary.as_str() {
        "" => advisory.display_id().to_owned(),
        summary => format!("{}: {summary}", advisory.display_id()),
    };
    let severity = flaw.judged.map_or(advisory.severity, |judged: &Judged| judged.finding.severity);
    let mut row = json!({
        "id": flaw.id.to_string(),
        "name": shortened(&Printable(&name).to_string(), MOST_NAME),
        "description": description(flaw),
        "severity": word(severity),
        "solution": shortened(&escape(&flaw.remedy()), MOST_SOLUTION),
        "identifiers": identifiers(flaw),
        "links": links(flaw),
        "location": (kind.location)(report, flaw),
        "details": details(flaw),
    });
    let vectors = vectors(flaw);
    if let (false, Some(row)) = (vectors.is_empty(), row.as_object_mut()) {
        row.insert("cvss_vectors".to_owned(), vectors.into());
    }
    row
}

/// Markdown: what is wrong, and why it is said of this component.
fn description(flaw: &Flaw<'_>) -> String {
    let advisory = &flaw.found.advisory;
    let summary = if advisory.summary.is_empty() { "a known flaw" } else { &advisory.summary };
    let component = &flaw.component;
    let version = component.version.as_deref().unwrap_or("without a version");
    let found = format!("Found {} {version} in {}", component.name, flaws::path(component));
    let parts = [summary, &found, &flaw.found.because];
    let parts = parts.into_iter().filter(|part| !part.is_empty()).map(escape);
    shortened(&parts.collect::<Vec<_>>().join("\n\n"), 1_000_000)
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Info => "Info",
        Severity::Unknown => "Unknown",
    }
}

/// The first is the one that GitLab tells findings apart by.
fn identifiers(flaw: &Flaw<'_>) -> Vec<Value> {
    let identifier = |id: &str| {
        let kind: String = id
            .split('-')
            .next()
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let shown = Printable(id).to_string();
        json!({
            "type": if kind.is_empty() { "osv".to_owned() } else { kind.to_ascii_lowercase() },
            "name": shown,
            "value": shown,
            "url": Authority::of(id).page(id),
        })
    };
    flaw.ids().filter(|id| !id.is_empty()).take(MOST_IDENTIFIERS).map(identifier).collect()
}

fn links(flaw: &Flaw<'_>) -> Vec<Value> {
    let id = flaw.found.advisory.display_id();
    let page = Authority::of(id).page(id);
    let reference = flaw.found.advisory.reference.as_deref().and_then(flaws::link);
    let more = reference.filter(|reference| *reference != page);
    let links = std::iter::once(page.as_str()).chain(more);
    links.map(|url| json!({ "url": url })).collect()
}

/// What the schema has no field for.
fn details(flaw: &Flaw<'_>) -> Value {
    let found = flaw.found;
    let exploited = match found.exploitation {
        Exploitation::Known(entry) => Some(entry.added.map_or_else(
            || "listed by CISA".to_owned(),
            |added| format!("listed by CISA since {added}"),
        )),
        Exploitation::NotListed => Some("not listed by CISA".to_owned()),
        Exploitation::NoCatalog => None,
    };
    let epss = found
        .prediction
        .map(|found| format!("{:.5} (percentile {:.5})", found.probability, found.percentile));
    let rows = [
        ("effect", "What the policy makes of it", flaw.judged.map(|one| text::effect(one).into())),
        ("policy", "Policy line", flaw.judged.and_then(text::policy_line)),
        ("accepted", "Accepted", flaw.judged.and_then(accepted)),
        ("fix", "State of a fix", Some(found.fix.as_str().to_owned())),
        ("exploited", "Known to be exploited", exploited),
        ("epss", "Probability of exploitation in 30 days (EPSS)", epss),
        ("origin", "Came with", Some(found.origin.as_str().to_owned())),
        ("purl", "Package URL", Some(flaw.component.purl.to_string())),
    ];
    let rows = rows.into_iter().filter_map(|(key, name, value)| {
        let value = Printable(&value?).to_string();
        Some((key.to_owned(), json!({ "name": name, "type": "text", "value": value })))
    });
    Value::Object(rows.collect::<Map<_, _>>())
}

/// The vectors that the schema has words for: of CVSS 2, 3.0 and 3.1. With any other, GitLab refuses the whole report.
fn vectors(flaw: &Flaw<'_>) -> Vec<Value> {
    let rated = flaw.found.ratings.all.iter();
    let rated = rated.map(|rating| (rating.source.as_str(), rating.stated.as_str()));
    let chosen = flaw.found.advisory.cvss.iter();
    let chosen = chosen.map(|cvss| (flaw.found.advisory.id.as_str(), cvss.vector.as_str()));
    let mut seen = std::collections::BTreeSet::new();
    rated
        .chain(chosen)
        .filter(|(vendor, vector)| !vendor.is_empty() && is_cvss(vector) && seen.insert(*vector))
        .take(MOST_VECTORS)
        .map(
            |(vendor, vector)| json!({ "vendor": Printable(vendor).to_string(), "vector": vector }),
        )
        .collect()
}

/// Metrics with the values they may have, as the schema's patterns list them.
type Metrics = &'static [(&'static str, &'static [&'static str])];

const V2: Metrics = &[
    ("AV", &["N", "A", "L"]),
    ("AC", &["L", "M", "H"]),
    ("Au", &["M", "S", "N"]),
    ("C", &["N", "P", "C"]),
    ("I", &["N", "P", "C"]),
    ("A", &["N", "P", "C"]),
    ("E", &["U", "POC", "F", "H", "ND"]),
    ("RL", &["OF", "TF", "W", "U", "ND"]),
    ("RC", &["UC", "UR", "C", "ND"]),
    ("CDP", &["N", "L", "LM", "MH", "H", "ND"]),
    ("TD", &["N", "L", "M", "H", "ND"]),
    ("CR", &["L", "M", "H", "ND"]),
    ("IR", &["L", "M", "H", "ND"]),
    ("AR", &["L", "M", "H", "ND"]),
];

const V3: Metrics = &[
    ("AV", &["N", "A", "L", "P"]),
    ("AC", &["L", "H"]),
    ("PR", &["N", "L", "H"]),
    ("UI", &["N", "R"]),
    ("S", &["U", "C"]),
    ("C", &["N", "L", "H"]),
    ("I", &["N", "L", "H"]),
    ("A", &["N", "L", "H"]),
    ("E", &["X", "U", "P", "F", "H"]),
    ("RL", &["X", "O", "T", "W", "U"]),
    ("RC", &["X", "U", "R", "C"]),
    ("CR", &["X", "L", "M", "H"]),
    ("IR", &["X", "L", "M", "H"]),
    ("AR", &["X", "L", "M", "H"]),
    ("MAV", &["X", "N", "A", "L", "P"]),
    ("MAC", &["X", "L", "H"]),
    ("MPR", &["X", "N", "L", "H"]),
    ("MUI", &["X", "N", "R"]),
    ("MS", &["X", "U", "C"]),
    ("MC", &["X", "N", "L", "H"]),
    ("MI", &["X", "N", "L", "H"]),
    ("MA", &["X", "N", "L", "H"]),
];

/// Whether a vector fits the schema.
fn is_cvss(vector: &str) -> bool {
    let three = ["CVSS:3.0/", "CVSS:3.1/"].iter().find_map(|prefix| vector.strip_prefix(prefix));
    let (metrics, text, least): (Metrics, _, _) = match three {
        Some(text) => (V3, text, 32),
        None => (V2, vector, 16),
    };
    (least..=128).contains(&vector.len())
        && text.split('/').all(|metric| {
            metric.split_once(':').is_some_and(|(name, value)| {
                metrics.iter().any(|(known, values)| *known == name && values.contains(&value))
            })
        })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::testing::shows_safely;

    fn text<'a>(value: &'a Value, field: &str) -> &'a str {
        value[field].as_str().unwrap_or_else(|| panic!("`{field}` is no text in {value}"))
    }

    fn is_time(text: &str) -> bool {
        jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S", text).is_ok() && text.len() == 19
    }

    /// What the schema demands of a report, checked by hand against version 15.2.1: required fields, words, lengths.
    #[track_caller]
    pub(in crate::report) fn is_valid(report: &str, kind: &str, location: fn(&Value) -> bool) {
        shows_safely(report);
        let report: Value = serde_json::from_str(report).unwrap();
        assert_eq!(text(&report, "version"), "15.2.1");
        assert!(text(&report, "schema").starts_with("https://"));
        is_valid_scan(&report["scan"], kind);
        let rows = report["vulnerabilities"].as_array().unwrap();
        rows.iter().for_each(is_valid_row);
        assert!(rows.iter().all(|row| location(&row["location"])), "{rows:?}");
        let ids: std::collections::BTreeSet<_> = rows.iter().map(|row| text(row, "id")).collect();
        assert_eq!(ids.len(), rows.len(), "an id is there twice");
    }

    fn is_valid_scan(scan: &Value, kind: &str) {
        is_valid_tool(&scan["analyzer"]);
        is_valid_tool(&scan["scanner"]);
        assert!(is_time(text(scan, "start_time")) && is_time(text(scan, "end_time")), "{scan}");
        assert!(["success", "failure"].contains(&text(scan, "status")));
        assert_eq!(text(scan, "type"), kind);
        for message in scan["messages"].as_array().unwrap() {
            assert!(["info", "warn", "fatal"].contains(&text(message, "level")));
            assert!(!text(message, "value").is_empty());
        }
    }

    fn is_valid_tool(tool: &Value) {
        for field in ["id", "name", "version"] {
            assert!(!text(tool, field).is_empty());
        }
        assert!(!text(&tool["vendor"], "name").is_empty());
    }

    fn is_valid_row(row: &Value) {
        text(row, "id").parse::<uuid::Uuid>().unwrap();
        assert!(text(row, "name").chars().count() <= 255);
        assert!(text(row, "description").len() <= 1_048_576);
        assert!(text(row, "solution").chars().count() <= 7000);
        let words = ["Info", "Unknown", "Low", "Medium", "High", "Critical"];
        assert!(words.contains(&text(row, "severity")));
        has_valid_identifiers(row);
        for link in row["links"].as_array().unwrap() {
            assert!(flaws::link(text(link, "url")).is_some(), "{link}");
        }
        for detail in row["details"].as_object().unwrap().values() {
            assert!(!text(detail, "name").is_empty() && text(detail, "type") == "text");
            text(detail, "value");
        }
        has_valid_vectors(row);
        let dependency = &row["location"]["dependency"];
        text(dependency, "version");
        text(&dependency["package"], "name");
    }

    fn has_valid_identifiers(row: &Value) {
        let identifiers = row["identifiers"].as_array().unwrap();
        assert!(!identifiers.is_empty());
        for identifier in identifiers {
            for field in ["type", "name", "value"] {
                assert!(!text(identifier, field).is_empty());
            }
            assert!(text(identifier, "url").starts_with("https://"));
        }
    }

    fn has_valid_vectors(row: &Value) {
        if let Some(vectors) = row.get("cvss_vectors") {
            let vectors = vectors.as_array().unwrap();
            assert!((1..=10).contains(&vectors.len()));
            assert!(vectors.iter().all(|one| is_cvss(text(one, "vector"))));
            assert!(vectors.iter().all(|one| !text(one, "vendor").is_empty()));
        }
    }

    #[test]
    fn vectors_that_the_schema_has_no_words_for_are_left_out() {
        for (vector, fits) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", true),
            ("CVSS:3.0/AV:P/AC:H/PR:H/UI:R/S:C/C:N/I:N/A:L/RL:X/MAV:P", true),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", true),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", false),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:<script>", false),
            ("CVSS:3.1/AV:N/AC:L", false),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P\n", false),
            ("", false),
        ] {
            assert_eq!(is_cvss(vector), fits, "{vector}");
        }
        assert!(!is_cvss(&format!("CVSS:3.1/{}AV:N", "AV:N/".repeat(24))));
    }

    #[test]
    fn a_time_has_neither_zone_nor_fraction() {
        let at = "2026-06-15T12:00:00.5+02:00".parse().unwrap();
        assert_eq!(time(at), "2026-06-15T10:00:00");
    }
}
