//! For programs. Version 1: fields are added, never changed or taken away.

use super::{
    Format, Report, Style, advice, advised,
    node::{Node, object},
    text, write_json,
};
use crate::{
    context::VERSION,
    error::Error,
    exit,
    stages::{places::Looked, promote::Promoted, record},
};
use plimsoll_attest::{StepOutcome, Verification};
use plimsoll_model::{
    Inventory,
    component::Component,
    finding::{Finding, Place, Vulnerability},
    image::Image,
    inventory::Unknown,
    scan::{Scan, ScanVerdict},
};
use plimsoll_policy::{
    Decision, Judged,
    vex::{Usage, Use},
};
use serde_json::{Value, json};
use std::io::Write;

/// JSON.
pub(crate) const FORMAT: Format =
    Format { id: "json", description: "for programs, version 1: everything that is known", write };

fn write(report: &Report<'_>, _style: Style, out: &mut dyn Write) -> Result<(), Error> {
    write_json(out, "the report", &document(report))
}

pub(super) fn document<'a>(report: &'a Report<'_>) -> Node<'a> {
    Node::Object(vec![
        ("version", json!(1).into()),
        ("tool", json!({ "name": "plimsoll", "version": VERSION }).into()),
        ("command", json!(report.command).into()),
        ("subject", json!(report.subject).into()),
        ("image", report.image.map(image).into()),
        ("base", json!(report.base).into()),
        ("policy", json!(report.policy).into()),
        ("decision", report.decision.map(decision).into()),
        ("scan", report.scan.map(|scan| scanned(scan, report.inventory)).into()),
        (
            "advice",
            report
                .advised
                .zip(report.inventory)
                .map(|(advised, inventory)| advice::as_json(advised, inventory))
                .into(),
        ),
        ("inventory", report.inventory.map(inventory).into()),
        ("evidence", Node::list(|| report.evidence.iter().map(verification))),
        ("places", Node::list(|| report.looked.iter().map(Looked::to_json))),
        ("promotion", report.promoted.map(promotion).into()),
        ("record", json!(report.record.map(|record| record.to_string())).into()),
    ])
}

fn image(image: &Image) -> Value {
    json!({
        "digest": image.pinned.digest,
        "manifest": image.manifest,
        "config": image.config_digest,
        "platform": image.platform.to_string(),
        "layers": image.layers.iter().map(|layer| json!({
            "digest": layer.digest, "diffId": layer.diff_id, "size": layer.size,
        })).collect::<Vec<_>>(),
    })
}

fn promotion(promoted: &Promoted) -> Value {
    json!({
        "to": promoted.to().to_string(),
        "tag": promoted.tag().to_string(),
        "blobsUploaded": promoted.copied().blobs_uploaded,
        "blobsMounted": promoted.copied().blobs_mounted,
        "blobsPresent": promoted.copied().blobs_present,
        "manifestsWritten": promoted.copied().manifests_written,
        "referrers": promoted.copied().referrers,
        "summary": promoted.summary(),
    })
}

fn decision(decision: &Decision) -> Node<'_> {
    let verdict = decision.verdict();
    Node::Object(vec![
        ("verdict", json!(record::recorded_verdict(verdict).as_str()).into()),
        ("exitStatus", json!(exit::of_verdict(verdict).code).into()),
        ("policyDigest", json!(decision.policy_digest()).into()),
        ("findings", Node::list(|| decision.findings().iter().map(finding))),
        ("vex", Node::list(|| decision.vex().iter().map(usage))),
    ])
}

/// A VEX statement, and what became of it.
fn usage(usage: &Usage) -> Value {
    let differences = match &usage.usage {
        Use::Near(differences) => differences.as_slice(),
        Use::Applied(_) | Use::Overruled | Use::Refused(_) | Use::Unused => &[],
    };
    json!({
        "document": usage.path,
        "at": usage.at,
        "author": usage.author,
        "vulnerability": usage.flaw,
        "product": usage.product,
        "status": usage.status.as_str(),
        "use": usage.usage.as_str(),
        "explanation": usage.usage.to_string(),
        "differences": differences.iter().map(|difference| json!({
            "field": difference.field, "expected": difference.expected, "found": difference.found,
        })).collect::<Vec<_>>(),
    })
}

fn finding(judged: &Judged) -> Node<'_> {
    let finding = &judged.finding;
    object! {
        "rule": finding.rule,
        "severity": finding.severity.as_str(),
        "effect": text::effect(judged),
        "action": judged.action.as_str(),
        "title": &finding.title,
        "place": place(finding),
        "found": &finding.found,
        "expected": &finding.expected,
        "remedy": &finding.remedy,
        "fingerprint": finding.fingerprint().to_string(),
        "policyLine": text::policy_line(judged),
        "exception": judged.exception.as_ref().map(|exception| json!({
            "reason": exception.reason, "owner": exception.owner, "expires": exception.expires.to_string(),
        })),
        "cleared": judged.cleared.as_ref().map(|by| json!({
            "status": by.status.as_str(), "justification": by.justification, "impact": by.impact, "author": by.author,
            "timestamp": by.timestamp, "document": by.path, "at": by.at,
        })),
        "vulnerability": finding.vulnerability.as_deref().map(vulnerability),
    }
}

fn vulnerability(flaw: &Vulnerability) -> Node<'_> {
    object! {
        "id": &flaw.id,
        "ids": Node::few(&flaw.ids),
        "purl": flaw.purl.as_str(),
        "name": &flaw.name,
        "version": &flaw.version,
        "fixed": Node::few(flaw.fix.versions()),
        "score": flaw.score,
        "fix": advised::fix(&flaw.fix),
        "risk": advised::risk(&flaw.risk),
        "exploited": advised::exploited(flaw.exploitation),
        "epss": advised::epss(flaw.prediction),
        "origin": flaw.origin.as_str(),
    }
}

fn place(finding: &Finding) -> Node<'_> {
    match &finding.place {
        Place::Source { path, line, column } => {
            json!({ "file": path, "line": line, "column": column }).into()
        }
        Place::Config { field } => object! { "config": field },
        Place::Component { purl, path, layer } => object! {
            "purl": purl.as_str(), "path": path, "layer": layer.map(|layer| layer.to_string()),
        },
        Place::File { path, layer } => {
            object! { "path": path, "layer": layer.map(|layer| layer.to_string()) }
        }
        Place::Image => "image".into(),
        Place::Evidence => "evidence".into(),
        Place::Registry { at } => object! { "registry": at },
        Place::Policy => "policy".into(),
    }
}

fn scanned<'a>(scan: &'a Scan, inventory: Option<&'a Inventory>) -> Node<'a> {
    let counts = scan.counts();
    let not_evaluated = move || {
        let components = inventory.into_iter().flat_map(Inventory::iter);
        components.filter_map(|(id, component)| match scan.verdict(id) {
            Some(ScanVerdict::NotEvaluated(reason)) => {
                Some(json!({ "purl": component.purl, "reason": reason.to_string() }))
            }
            _ => None,
        })
    };
    let index = json!({
        "digest": scan.index.digest,
        "built": scan.index.built,
        "sources": scan.index.sources.iter().map(|source| json!({
            "kind": source.kind.as_str(), "ecosystem": source.ecosystem, "from": source.from, "records": source.records, "unreadable": source.unreadable,
            "newest": source.newest, "fetched": source.fetched,
        })).collect::<Vec<_>>(),
    });
    let counts = json!({
        "components": scan.verdicts.len(), "matched": counts.matched, "clean": counts.clean,
        "notEvaluated": counts.not_evaluated, "judgedByOwner": counts.judged_by_owner,
    });
    let of = |list: fn(&'a Scan, &'a Inventory) -> Node<'a>| {
        inventory.map_or_else(|| json!([]).into(), |inventory| list(scan, inventory))
    };
    Node::Object(vec![
        ("index", index.into()),
        ("counts", counts.into()),
        ("matches", of(advised::matches)),
        ("judgedAs", of(advised::judged_as)),
        ("notEvaluated", Node::list(not_evaluated)),
    ])
}

fn inventory<'a>(inventory: &'a Inventory) -> Node<'a> {
    let distribution = inventory.distribution.as_ref().map(|distribution| {
        json!({
            "id": distribution.id, "versionId": distribution.version_id, "name": distribution.pretty_name,
        })
    });
    let component = move |component: &'a Component| {
        let owner = component.owned_by.and_then(|owner| inventory.component(owner));
        object! {
            "purl": component.purl.as_str(),
            "name": &component.name,
            "version": component.version.as_ref(),
            "licenses": Node::few(&component.licenses),
            "ownedBy": owner.map(|owner| owner.purl.as_str()),
            "locations": Node::few(component.locations.iter().map(|location| object! {
                "path": location.path.to_string(),
                "inside": &location.inside,
                "layer": location.layer.map(|layer| layer.to_string()),
            })),
        }
    };
    let unknown = |unknown: &Unknown| {
        json!({
            "path": unknown.path.to_string(), "layer": unknown.layer, "reason": unknown.reason,
        })
    };
    Node::Object(vec![
        ("distribution", distribution.into()),
        ("components", Node::list(move || inventory.components().iter().map(component))),
        ("unknowns", Node::list(move || inventory.unknowns.iter().map(unknown))),
    ])
}

/// One candidate for evidence.
pub(crate) fn verification(candidate: &Verification) -> Value {
    json!({
        "foundAt": candidate.found_at,
        "predicateType": candidate.predicate_type,
        "signer": candidate.signer,
        "signed": candidate.signed.map(|signed| signed.to_string()),
        "fault": candidate.fault.map(plimsoll_attest::Fault::name),
        "pending": candidate.pending.as_ref().map(|pending| json!({
            "predicateType": pending.predicate_type, "reason": pending.reason, "since": pending.since,
        })),
        "verdict": if candidate.evidence.is_some() { "verified" } else { "refused" },
        "steps": candidate.steps.iter().map(|step| json!({
            "number": step.number(),
            "name": step.kind.name(),
            "outcome": match step.outcome {
                StepOutcome::Passed => "passed",
                StepOutcome::Failed => "failed",
                StepOutcome::NotNeeded => "not-needed",
                StepOutcome::NotReached => "not-reached",
            },
            "expected": step.expected,
            "found": step.found,
        })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_does_not_make_is_null() {
        let expected = json!({
            "version": 1,
            "tool": { "name": "plimsoll", "version": VERSION },
            "command": "sbom",
            "subject": "app",
            "image": null,
            "base": null,
            "policy": null,
            "decision": null,
            "scan": null,
            "advice": null,
            "inventory": null,
            "evidence": [],
            "places": [],
            "promotion": null,
            "record": null,
        });
        let report = Report::new("sbom", "app".to_owned());
        assert_eq!(serde_json::to_value(document(&report)).unwrap(), expected);
    }

    #[test]
    fn a_decision_carries_its_status_and_findings_their_places() {
        let decided = super::super::tests::decision();
        let report =
            Report { decision: Some(&decided), ..Report::new("check", "Dockerfile".to_owned()) };
        let document = serde_json::to_value(document(&report)).unwrap();
        let decision = &document["decision"];
        assert_eq!(decision["verdict"], "passed");
        assert_eq!(decision["exitStatus"], 0);
        assert_eq!(decision["policyDigest"], json!(decided.policy_digest()));
        let rules: Vec<&str> = decision["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["rule"].as_str().unwrap())
            .collect();
        assert_eq!(rules, ["BASE-012", "DF-030"]);
        let first = &decision["findings"][0];
        assert_eq!(first["effect"], "warn");
        assert_eq!(first["place"], json!({ "file": "Dockerfile", "line": 1, "column": 6 }));
        assert_eq!(first["found"], "`docker.io/library/debian:12`");
        assert_eq!(first["exception"], Value::Null);
    }
}
