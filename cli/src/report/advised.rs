//! What advisories say, as `json_v1` has it.

use super::{
    flaws,
    node::{Node, object},
    text,
};
use plimsoll_model::{
    Inventory,
    advisory::AdvisoryClass,
    component::Component,
    risk::{Exploitation, Prediction, Ransomware, Rating, Risk, Urgency},
    scan::{Fix, Match, MatchEvidence, Scan, ScanVerdict},
};
use serde_json::json;

/// Every match, by risk and then by name.
pub(super) fn matches<'a>(scan: &'a Scan, inventory: &'a Inventory) -> Node<'a> {
    Node::list(move || {
        let matches = text::by_risk(scan, inventory).into_iter();
        matches.map(|(component, found)| one(component, found))
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

fn one<'a>(component: &'a Component, found: &'a Match) -> Node<'a> {
    let advisory = &found.advisory;
    object! {
        "purl": component.purl.as_str(),
        "path": flaws::path(component),
        "id": advisory.display_id(),
        "advisory": &advisory.id,
        "aliases": Node::few(&advisory.aliases),
        "class": match advisory.class {
            AdvisoryClass::Vulnerability => "vulnerability",
            AdvisoryClass::Malware => "malware",
        },
        "summary": &advisory.summary,
        "severity": advisory.severity.as_str(),
        "cvss": advisory.cvss.as_ref().map(|cvss| object! { "vector": &cvss.vector, "score": cvss.score }),
        "published": advisory.published.map(|time| time.to_string()),
        "modified": advisory.modified.map(|time| time.to_string()),
        "reference": advisory.reference.as_ref(),
        "ratings": Node::few(found.ratings.all.iter().map(rating)),
        "chosen": found.ratings.chosen().map(|chosen| object! {
            "rating": rating(chosen), "because": found.ratings.choice.as_str(),
        }),
        "fix": fix(&found.fix),
        "risk": risk(&found.risk()),
        "exploited": exploited(found.exploitation),
        "epss": epss(found.prediction),
        "origin": found.origin.as_str(),
        "evidence": evidence(&found.evidence),
        "because": &found.because,
        "matchedName": &found.matched_name,
    }
}

fn rating(rating: &Rating) -> Node<'_> {
    object! {
        "source": &rating.source, "kind": &rating.kind, "stated": &rating.stated,
        "score": rating.score, "severity": rating.severity.as_str(),
    }
}

/// What is known of a fix.
pub(super) fn fix(fix: &Fix) -> Node<'_> {
    let record = match fix {
        Fix::Fixed(fixed) => Some(&fixed.record),
        Fix::NotFixed { record } | Fix::WontFix { record } => Some(record),
        Fix::NoneKnown => None,
    };
    let since = fix.since();
    object! {
        "state": fix.as_str(),
        "versions": Node::few(fix.versions()),
        "record": record,
        "since": since.map(|since| since.at.to_string()),
        "dated": since.map(|since| since.dated.as_str()),
    }
}

/// How urgent it is, and what of.
pub(super) fn risk<'a>(risk: &Risk) -> Node<'a> {
    object! {
        "urgency": match risk.urgency {
            Urgency::Rated => "rated",
            Urgency::Exploited => "exploited",
            Urgency::Malware => "malware",
        },
        "harm": risk.harm,
        "likelihood": risk.likelihood,
        "weight": risk.weight(),
    }
}

/// Whether it is known to be exploited; `known` is null where there is no catalog.
pub(super) fn exploited<'a>(exploitation: Exploitation) -> Node<'a> {
    let entry = exploitation.known();
    object! {
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
    }
}

/// How likely it is to be exploited; null where nobody has predicted it.
pub(super) fn epss<'a>(prediction: Option<Prediction>) -> Node<'a> {
    let known = |found: Prediction| object! { "probability": found.probability, "percentile": found.percentile };
    prediction.map(known).into()
}

/// What a match rests on.
pub(super) fn evidence(evidence: &[MatchEvidence]) -> Node<'_> {
    Node::few(evidence.iter().map(|evidence| match evidence {
        MatchEvidence::File(location) => object! {
            "path": location.path.to_string(),
            "inside": &location.inside,
            "layer": location.layer.map(|layer| layer.to_string()),
        },
        MatchEvidence::Links(package) => object! { "links": package },
    }))
}
