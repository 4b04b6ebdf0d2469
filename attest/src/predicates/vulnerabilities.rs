//! What a scan found: in-toto vulnerabilities v0.2.
//!
//! <https://github.com/in-toto/attestation/blob/v1.1.0/spec/predicates/vulns_02.md>

use crate::{predicates::Predicate, text::time};
use jiff::Timestamp;
use plimsoll_model::{
    Inventory,
    component::{Component, ComponentId},
    risk::{Exploitation, Ransomware},
    scan::{IndexStamp, Match, MatchEvidence, Scan, SourceStamp},
};
use serde_json::{Value, json};

/// The predicate.
pub const PREDICATE: Predicate = Predicate {
    id: "vulnerabilities",
    type_uri: "https://in-toto.io/attestation/vulns/v0.2",
    description: "the known vulnerabilities that a scan found, and with which advisories",
};

const SCANNER: &str = "https://github.com/plimsoll-dev/plimsoll";

/// What is known of a scan.
#[derive(Debug, Clone, Copy)]
pub struct ScanFacts<'a> {
    /// What it found.
    pub scan: &'a Scan,
    /// What it looked at.
    pub inventory: &'a Inventory,
    /// The version of Plimsoll that scanned.
    pub scanner_version: &'a str,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
}

/// The predicate with these facts.
///
/// An empty `result` means that no advisory applies, not that every component could be evaluated: how many could not,
/// and how much of the artifact could not be read, is in `plimsoll_counts`, a field of ours. Another, `plimsoll_index`,
/// says how old the advisories were when the scan ended, and what they came from.
pub fn predicate(facts: &ScanFacts<'_>) -> Value {
    let ScanFacts { scan, inventory, .. } = facts;
    let mut found: Vec<_> =
        scan.matches().map(|(id, found)| (found.advisory.display_id(), id, found)).collect();
    found.sort_by_key(|(advisory, id, _)| (*advisory, *id));
    let result: Vec<Value> = found.iter().map(|entry| vulnerability(entry, inventory)).collect();
    let counts = scan.counts();
    json!({
        "scanner": {
            "uri": SCANNER,
            "version": facts.scanner_version,
            "db": {
                "uri": format!("pkg:generic/plimsoll-advisory-index?checksum={}", scan.index.digest),
                "version": scan.index.digest.to_string(),
                "lastUpdate": time(last_update(&scan.index)),
            },
            "result": result,
        },
        "metadata": {
            "scanStartedOn": time(facts.started),
            "scanFinishedOn": time(facts.finished),
        },
        "plimsoll_index": index(facts),
        "plimsoll_counts": {
            "components": inventory.components().len(),
            "matched": counts.matched,
            "clean": counts.clean,
            "notEvaluated": counts.not_evaluated,
            "judgedByOwner": counts.judged_by_owner,
            "unreadable": inventory.unknowns.len(),
        },
    })
}

/// The index and its age: seconds from when the stalest source was fetched to the end of the scan.
fn index(facts: &ScanFacts<'_>) -> Value {
    let index = &facts.scan.index;
    let source = |source: &SourceStamp| {
        json!({
            "ecosystem": source.ecosystem,
            "records": source.records,
            "unreadable": source.unreadable,
            "newest": source.newest.map(time),
            "fetched": time(source.fetched),
        })
    };
    json!({
        "digest": index.digest.to_string(),
        "built": time(index.built),
        "ageSeconds": facts.finished.duration_since(last_update(index)).as_secs(),
        "sources": index.sources.iter().map(source).collect::<Vec<_>>(),
    })
}

/// When the stalest source was fetched: the index is no fresher than that, whenever it was built.
fn last_update(index: &IndexStamp) -> Timestamp {
    index.sources.iter().map(|source| source.fetched).min().unwrap_or(index.built)
}

fn vulnerability(
    (id, component, found): &(&str, ComponentId, &Match),
    inventory: &Inventory,
) -> Value {
    let advisory = &found.advisory;
    let component = inventory.component(*component);
    json!({
        "id": id,
        "severity": severities(found),
        "annotations": [{
            "advisory": advisory.id,
            "aliases": advisory.aliases,
            "component": component.map(|component| component.purl.as_str()),
            "location": component.and_then(location),
            "fixed": found.fix.versions(),
            "fix": {
                "state": found.fix.as_str(),
                "since": found.fix.since().map(|since| time(since.at)),
                "dated": found.fix.since().map(|since| since.dated.as_str()),
            },
            "knownExploited": exploited(found.exploitation),
            "epss": found.prediction.map(|found| json!({
                "probability": found.probability, "percentile": found.percentile,
            })),
            "origin": found.origin.as_str(),
            "because": found.because,
            "evidence": found.evidence.iter().map(evidence).collect::<Vec<_>>(),
        }],
    })
}

/// What counts, then all that is said: the method names the record and what kind of rating it is.
fn severities(found: &Match) -> Vec<Value> {
    let advisory = &found.advisory;
    let mut severities = vec![json!({"method": "plimsoll", "score": advisory.severity.as_str()})];
    if let Some(cvss) = &advisory.cvss {
        severities.push(json!({"method": "cvss_score", "score": format!("{:.1}", cvss.score)}));
        severities.push(json!({"method": "cvss_vector", "score": cvss.vector}));
    }
    severities.extend(found.ratings.all.iter().map(|rating| {
        json!({"method": format!("{}:{}", rating.source, rating.kind), "score": rating.stated})
    }));
    severities
}

/// Null where there is no catalog: nothing is known then.
fn exploited(exploitation: Exploitation) -> Value {
    match exploitation {
        Exploitation::Known(entry) => json!({
            "listed": true,
            "added": entry.added.map(|day| day.to_string()),
            "ransomware": entry.ransomware == Ransomware::Known,
        }),
        Exploitation::NotListed => json!({ "listed": false }),
        Exploitation::NoCatalog => Value::Null,
    }
}

fn evidence(evidence: &MatchEvidence) -> Value {
    match evidence {
        MatchEvidence::File(location) => json!({
            "path": location.path.to_string(),
            "inside": location.inside,
            "layer": location.layer.map(|layer| layer.to_string()),
        }),
        MatchEvidence::Links(package) => json!({ "links": package }),
    }
}

fn location(component: &Component) -> Option<String> {
    let first = component.locations.first()?;
    Some(format!("{}{}", first.path, first.inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{
        Digest, Severity, TreePath,
        advisory::{Advisory, AdvisoryClass, Cvss},
        component::Location,
        inventory::Unknown,
        risk::{Choice, Exploitation, KnownExploited, Prediction, Rating, Ratings},
        scan::{
            Dated, Fix, FixedIn, FixedSince, NotEvaluated, Origin, ScanVerdict, SourceKind,
            SourceStamp,
        },
    };

    fn found(id: &str, aliases: &[&str], score: Option<f64>) -> Match {
        Match {
            advisory: Advisory {
                id: id.to_owned(),
                aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
                summary: String::new(),
                severity: score.map_or(Severity::Unknown, Severity::of_cvss),
                cvss: score.map(|score| Cvss { vector: "CVSS:3.1/X".to_owned(), score }),
                published: None,
                modified: None,
                class: AdvisoryClass::Vulnerability,
                reference: None,
            },
            fix: score.map_or(Fix::NoneKnown, |_| {
                Fix::Fixed(FixedIn {
                    versions: vec!["1.3".to_owned()],
                    record: id.to_owned(),
                    since: Some(FixedSince {
                        at: "2026-01-02T03:04:05Z".parse().unwrap(),
                        dated: Dated::Modified,
                    }),
                })
            }),
            ratings: score.map_or_else(Ratings::default, |score| ratings(id, score)),
            exploitation: score.map_or(Exploitation::NoCatalog, |_| {
                Exploitation::Known(KnownExploited {
                    added: Some("2026-03-01".parse().unwrap()),
                    due: None,
                    ransomware: Ransomware::Unknown,
                })
            }),
            prediction: score.map(|_| Prediction { probability: 0.5, percentile: 0.75 }),
            origin: Origin::Base,
            evidence: vec![MatchEvidence::Links("a/b".to_owned())],
            because: "listed".to_owned(),
            matched_name: String::new(),
        }
    }

    fn ratings(id: &str, score: f64) -> Ratings {
        let rating = |kind: &str, stated: &str, score: Option<f64>| Rating {
            source: id.to_owned(),
            kind: kind.to_owned(),
            stated: stated.to_owned(),
            score,
            severity: Severity::Critical,
        };
        Ratings {
            all: vec![
                rating("CVSS_V3", "CVSS:3.1/X", Some(score)),
                rating("urgency", "high", None),
            ],
            choice: Choice::NewestCvss,
        }
    }

    fn inventory() -> Inventory {
        let component = |purl: &str| {
            let mut component = Component::new(purl.parse().unwrap(), "x", None, "test");
            component.locations.push(Location {
                path: TreePath::parse(b"var/lib/dpkg/status").unwrap(),
                inside: String::new(),
                layer: None,
            });
            component
        };
        let unknown = Unknown {
            path: TreePath::parse(b"x").unwrap(),
            layer: None,
            cataloger: "test",
            reason: "broken".to_owned(),
        };
        let purls = ["pkg:deb/debian/a@1", "pkg:deb/debian/b@1", "pkg:npm/c@1"];
        Inventory::new(None, purls.map(component).to_vec(), vec![], vec![unknown])
    }

    fn index() -> IndexStamp {
        let source = |fetched: &str| SourceStamp {
            kind: SourceKind::Advisories,
            ecosystem: "Debian".to_owned(),
            from: None,
            records: 1,
            unreadable: 0,
            newest: None,
            fetched: fetched.parse().unwrap(),
        };
        IndexStamp {
            digest: Digest::of(b""),
            built: "2026-11-22T10:00:00Z".parse().unwrap(),
            sources: vec![source("2026-11-21T10:00:00Z"), source("2026-11-20T10:00:00Z")],
        }
    }

    fn expected_results() -> Value {
        json!([
                        {
                            "id": "CVE-2026-2",
                            "severity": [
                                {"method": "plimsoll", "score": "critical"},
                                {"method": "cvss_score", "score": "9.8"},
                                {"method": "cvss_vector", "score": "CVSS:3.1/X"},
                                {"method": "GHSA-1:CVSS_V3", "score": "CVSS:3.1/X"},
                                {"method": "GHSA-1:urgency", "score": "high"},
                            ],
                            "annotations": [{
                                "advisory": "GHSA-1",
                                "aliases": ["CVE-2026-2"],
                                "component": "pkg:deb/debian/a@1",
                                "location": "/var/lib/dpkg/status",
                                "fixed": ["1.3"],
                                "fix": {
                                    "state": "fixed",
                                    "since": "2026-01-02T03:04:05Z",
                                    "dated": "modified",
                                },
                                "knownExploited": {
                                    "listed": true, "added": "2026-03-01", "ransomware": false,
                                },
                                "epss": {"probability": 0.5, "percentile": 0.75},
                                "origin": "base",
                                "because": "listed",
                                "evidence": [{"links": "a/b"}],
                            }],
                        },
                        {
                            "id": "DEBIAN-1",
                            "severity": [{"method": "plimsoll", "score": "unknown"}],
                            "annotations": [{
                                "advisory": "DEBIAN-1",
                                "aliases": [],
                                "component": "pkg:deb/debian/a@1",
                                "location": "/var/lib/dpkg/status",
                                "fixed": [],
                                "fix": {"state": "unknown", "since": null, "dated": null},
                                "knownExploited": null,
                                "epss": null,
                                "origin": "base",
                                "because": "listed",
                                "evidence": [{"links": "a/b"}],
                            }],
                        },
        ])
    }

    fn scan() -> Scan {
        Scan {
            index: index(),
            verdicts: vec![
                ScanVerdict::Matched(vec![
                    found("GHSA-1", &["CVE-2026-2"], Some(9.8)),
                    found("DEBIAN-1", &[], None),
                ]),
                ScanVerdict::Clean,
                ScanVerdict::NotEvaluated(NotEvaluated::NoVersion),
            ],
        }
    }

    #[test]
    fn a_scan_is_written_as_the_specification_has_it() {
        let scan = scan();
        let found = predicate(&ScanFacts {
            scan: &scan,
            inventory: &inventory(),
            scanner_version: "0.1.0",
            started: "2026-11-22T11:00:00Z".parse().unwrap(),
            finished: "2026-11-22T11:00:02Z".parse().unwrap(),
        });
        let source = |fetched: &str| {
            json!({
                "ecosystem": "Debian", "records": 1, "unreadable": 0, "newest": null,
                "fetched": fetched,
            })
        };
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(
            found,
            json!({
                "scanner": {
                    "uri": "https://github.com/plimsoll-dev/plimsoll",
                    "version": "0.1.0",
                    "db": {
                        "uri": format!("pkg:generic/plimsoll-advisory-index?checksum={empty}"),
                        "version": empty,
                        "lastUpdate": "2026-11-20T10:00:00Z",
                    },
                    "result": expected_results(),
                },
                "metadata": {
                    "scanStartedOn": "2026-11-22T11:00:00Z",
                    "scanFinishedOn": "2026-11-22T11:00:02Z",
                },
                "plimsoll_index": {
                    "digest": empty,
                    "built": "2026-11-22T10:00:00Z",
                    "ageSeconds": 2 * 24 * 3600 + 3602,
                    "sources": [
                        source("2026-11-21T10:00:00Z"),
                        source("2026-11-20T10:00:00Z"),
                    ],
                },
                "plimsoll_counts": {
                    "components": 3,
                    "matched": 1,
                    "clean": 1,
                    "notEvaluated": 1,
                    "judgedByOwner": 0,
                    "unreadable": 1,
                },
            })
        );
    }
}
