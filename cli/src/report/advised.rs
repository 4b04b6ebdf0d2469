//! What advisories say, as `json_v1` has it.

use super::{flaws, node::Node, text};
use plimsoll_model::{
    Inventory,
    advisory::AdvisoryClass,
    risk::{Exploitation, Prediction, Ransomware, Rating, Risk, Urgency},
    scan::{Fix, Match, MatchEvidence, Scan, ScanVerdict},
};
use serde_json::{Value, json};

/// Every match, by risk and then by name.
pub(super) fn matches<'a>(scan: &'a Scan, inventory: &'a Inventory) -> Node<'a> {
    Node::list(move || {
        let matches = text::by_risk(scan, inventory).into_iter();
        matches
            .map(|(component, found)| one(component.purl.as_str(), &flaws::path(component), found))
    })
}

/// The components that are judged as the package of the distribution that owns their files.
pub(super) fn judged_as<'a>(scan: &'a Scan, inventory: &'a Inventory) -> Node<'a> {
    Node::list(move || {
        let verdicts = scan.verdicts.iter().zip(inventory.components());
        verdicts.filter_map(|(verdict, component)| {
            let ScanVerdict::JudgedAs(owner) = verdict else { return None };
            let owner = inventory.component(*owner).map(|owner| &owner.purl);
            Some(json!({ "purl": component.purl, "owner": owner }))
        })
    })
}

fn one(purl: &str, path: &str, found: &Match) -> Value {
    let advisory = &found.advisory;
    json!({
        "purl": purl,
        "path": path,
        "id": advisory.display_id(),
        "advisory": advisory.id,
        "aliases": advisory.aliases,
        "class": match advisory.class {
            AdvisoryClass::Vulnerability => "vulnerability",
            AdvisoryClass::Malware => "malware",
        },
        "summary": advisory.summary,
        "severity": advisory.severity,
        "cvss": advisory.cvss.as_ref().map(|cvss| json!({ "vector": cvss.vector, "score": cvss.score })),
        "published": advisory.published,
        "modified": advisory.modified,
        "reference": advisory.reference,
        "ratings": found.ratings.all.iter().map(rating).collect::<Vec<_>>(),
        "chosen": found.ratings.chosen().map(|chosen| json!({
            "rating": rating(chosen), "because": found.ratings.choice.as_str(),
        })),
        "fix": fix(&found.fix),
        "risk": risk(&found.risk()),
        "exploited": exploited(found.exploitation),
        "epss": epss(found.prediction),
        "origin": found.origin.as_str(),
        "evidence": evidence(&found.evidence),
        "because": found.because,
        "matchedName": found.matched_name,
    })
}

fn rating(rating: &Rating) -> Value {
    json!({
        "source": rating.source, "kind": rating.kind, "stated": rating.stated,
        "score": rating.score, "severity": rating.severity,
    })
}

/// What is known of a fix.
pub(super) fn fix(fix: &Fix) -> Value {
    let record = match fix {
        Fix::Fixed(fixed) => Some(&fixed.record),
        Fix::NotFixed { record } | Fix::WontFix { record } => Some(record),
        Fix::NoneKnown => None,
    };
    let since = fix.since();
    json!({
        "state": fix.as_str(),
        "versions": fix.versions(),
        "record": record,
        "since": since.map(|since| since.at),
        "dated": since.map(|since| since.dated.as_str()),
    })
}

/// How urgent it is, and what of.
pub(super) fn risk(risk: &Risk) -> Value {
    json!({
        "urgency": match risk.urgency {
            Urgency::Rated => "rated",
            Urgency::Exploited => "exploited",
            Urgency::Malware => "malware",
        },
        "harm": risk.harm,
        "likelihood": risk.likelihood,
        "weight": risk.weight(),
    })
}

/// Whether it is known to be exploited; `known` is null where there is no catalog.
pub(super) fn exploited(exploitation: Exploitation) -> Value {
    let entry = exploitation.known();
    json!({
        "known": match exploitation {
            Exploitation::Known(_) => Some(true),
            Exploitation::NotListed => Some(false),
            Exploitation::NoCatalog => None,
        },
        "added": entry.and_then(|entry| entry.added).map(|day| day.to_string()),
        "due": entry.and_then(|entry| entry.due).map(|day| day.to_string()),
        "ransomware": entry.map(|entry| match entry.ransomware {
            Ransomware::Known => "known",
            Ransomware::Unknown => "unknown",
        }),
    })
}

/// How likely it is to be exploited; null where nobody has predicted it.
pub(super) fn epss(prediction: Option<Prediction>) -> Value {
    prediction.map_or(
        Value::Null,
        |found| json!({ "probability": found.probability, "percentile": found.percentile }),
    )
}

/// What a match rests on.
pub(super) fn evidence(evidence: &[MatchEvidence]) -> Vec<Value> {
    let one = |evidence: &MatchEvidence| match evidence {
        MatchEvidence::File(location) => json!({
            "path": location.path.to_string(), "inside": location.inside, "layer": location.layer,
        }),
        MatchEvidence::Links(package) => json!({ "links": package }),
    };
    evidence.iter().map(one).collect()
}
