//! OpenVEX 0.2.0: what the run found, with what was said of it.
//!
//! A match that nobody has looked into is `under_investigation`: that a range of versions names it says not that the
//! product is affected. One that an exception accepts is `affected`, and accepted until its last day. One that a statement
//! clears keeps that statement's status and reason. Malware is `affected`.
//! Specification: <https://github.com/openvex/spec/blob/v0.2.0/OPENVEX-SPEC.md>.

use super::{Format, Report, Style, write_json};
use crate::{context::VERSION, error::Error};
use plimsoll_model::{Digest, Purl, finding::Vulnerability, image::Image, reference::Place};
use plimsoll_policy::{
    Judged,
    vex::{JUSTIFICATIONS, Status, judge::Cleared},
};
use serde_json::{Map, Value, json};
use std::io::Write;

/// OpenVEX.
pub(crate) const FORMAT: Format = Format {
    id: "openvex",
    description: "OpenVEX 0.2.0: the vulnerabilities found, with exceptions and VEX applied",
    write,
};

/// The rule about malware.
const MALWARE: &str = "VUL-005";

fn write(report: &Report<'_>, _style: Style, out: &mut dyn Write) -> Result<(), Error> {
    let missing = Error::Format { format: FORMAT.id, command: report.command, needs: "a scan" };
    let (Some(decision), Some(_)) = (report.decision, report.scan) else { return Err(missing) };
    let judged = decision.findings().iter();
    let statements: Vec<Value> = judged.filter_map(|judged| statement(report, judged)).collect();
    let time = decision.decided().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let id = Digest::of(format!("{}\0{time}\0{}", report.subject, json!(statements)).as_bytes());
    let document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("https://openvex.dev/docs/public/vex-{}", id.hex()),
        "author": "plimsoll",
        "role": "scanner",
        "timestamp": time,
        "version": 1,
        "tooling": format!("plimsoll {VERSION}"),
        "statements": statements,
    });
    write_json(out, "the OpenVEX report", &document)
}

fn statement(report: &Report<'_>, judged: &Judged) -> Option<Value> {
    let flaw = judged.finding.vulnerability.as_ref()?;
    let mut statement = Map::new();
    let aliases: Vec<&String> = flaw.ids.iter().filter(|id| **id != flaw.id).collect();
    statement.insert("vulnerability".to_owned(), json!({ "name": flaw.id, "aliases": aliases }));
    statement.insert("products".to_owned(), json!([product(report, flaw)]));
    for (key, value) in said(judged) {
        statement.insert(key.to_owned(), value);
    }
    Some(Value::Object(statement))
}

/// The component, in the image where there is one.
fn product(report: &Report<'_>, flaw: &Vulnerability) -> Value {
    match report.image.and_then(image_purl) {
        Some(image) => json!({ "@id": image, "subcomponents": [{ "@id": flaw.purl }] }),
        None => json!({ "@id": flaw.purl }),
    }
}

/// The image by its digest, as the type `oci` has it.
fn image_purl(image: &Image) -> Option<Purl> {
    let digest = image.pinned.digest.to_string();
    let (name, url) = match &image.pinned.place {
        Place::Repository(repository) | Place::DockerDaemon(repository) => {
            (repository.path().rsplit('/').next()?.to_owned(), Some(repository.to_string()))
        }
        Place::OciLayout(path) | Place::OciArchive(path) | Place::DockerArchive(path) => {
            (path.file_stem()?.to_lowercase(), None)
        }
    };
    let url = url.unwrap_or_default();
    Purl::new("oci", None, &name, Some(&digest), &[("repository_url", &url)]).ok()
}

/// Status and reason.
fn said(judged: &Judged) -> Vec<(&'static str, Value)> {
    let finding = &judged.finding;
    let affected = |action: String| {
        vec![("status", json!(Status::Affected.as_str())), ("action_statement", json!(action))]
    };
    if let Some(by) = &judged.cleared {
        return cleared(by);
    }
    if let Some(exception) = &judged.exception {
        let (until, owner, reason) = (exception.expires, &exception.owner, &exception.reason);
        return affected(format!("accepted until {until} by {owner}: {reason}"));
    }
    if finding.rule == MALWARE {
        return affected(finding.remedy.clone());
    }
    vec![
        ("status", json!(Status::UnderInvestigation.as_str())),
        ("status_notes", json!(format!("{}; {}", finding.title, finding.remedy))),
    ]
}

fn cleared(by: &Cleared) -> Vec<(&'static str, Value)> {
    let mut said = vec![("status", json!(by.status.as_str()))];
    // The words of other formats are none of OpenVEX's: there they stand in the text.
    match by.justification {
        Some(word) if JUSTIFICATIONS.contains(&word) => said.push(("justification", json!(word))),
        Some(_) | None => said.push(("impact_statement", json!(by.reason()))),
    }
    if by.status != Status::NotAffected {
        said.truncate(1);
    }
    said.push(("status_notes", json!(format!("by {}, in {}, {}", by.author, by.path, by.at))));
    said
}

#[cfg(test)]
mod tests {
    use super::{super::tests::to_vec, *};
    use crate::ui::Paint;
    use plimsoll_model::Severity;

    const STYLE: Style = Style { paint: Paint::Plain, show: Severity::Info };

    #[test]
    fn without_a_scan_there_is_nothing_to_say() {
        let refused = to_vec(&FORMAT, &Report::new("check", "Dockerfile".to_owned()), STYLE);
        assert!(matches!(
            refused,
            Err(Error::Format { format: "openvex", command: "check", needs: "a scan" })
        ));
    }

    #[test]
    fn a_statement_keeps_its_words_where_openvex_has_them() {
        let by = |status, justification| Cleared {
            path: "v.json".into(),
            at: "statements[0]".to_owned(),
            author: "a".to_owned(),
            status,
            justification,
            impact: None,
            timestamp: None,
        };
        let notes = ("status_notes", json!("by a, in v.json, statements[0]"));
        assert_eq!(
            cleared(&by(Status::NotAffected, Some("component_not_present"))),
            [
                ("status", json!("not_affected")),
                ("justification", json!("component_not_present")),
                notes.clone()
            ]
        );
        assert_eq!(
            cleared(&by(Status::NotAffected, Some("code_not_reachable"))),
            [
                ("status", json!("not_affected")),
                ("impact_statement", json!("code_not_reachable")),
                notes.clone()
            ]
        );
        assert_eq!(cleared(&by(Status::Fixed, None)), [("status", json!("fixed")), notes]);
    }
}
