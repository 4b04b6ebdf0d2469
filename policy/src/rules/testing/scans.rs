//! What scans find, for the tests of the rules about them.

use super::{digest, now};
use jiff::SignedDuration;
use plimsoll_model::{
    Severity, TreePath,
    advisory::{Advisory, AdvisoryClass},
    component::{Component, Location},
    risk::{Exploitation, Ratings},
    scan::{Fix, FixedIn, IndexStamp, Match, Origin, SourceKind, SourceStamp},
};

/// A component of Debian's database of packages.
pub(crate) fn component(purl: &str) -> Component {
    let purl: plimsoll_model::Purl = purl.parse().unwrap();
    let version = purl.version().map(str::to_owned);
    let mut component = Component::new(purl.clone(), purl.name(), version, "test");
    component.locations = vec![Location {
        path: TreePath::parse(b"var/lib/dpkg/status").unwrap(),
        inside: String::new(),
        layer: None,
    }];
    component
}

/// A match published 30 days ago, with a fix.
pub(crate) fn found(id: &str, severity: Severity) -> Match {
    Match {
        advisory: Advisory {
            id: id.to_owned(),
            aliases: vec![],
            summary: "a flaw".to_owned(),
            severity,
            cvss: None,
            published: Some(now().checked_sub(SignedDuration::from_hours(30 * 24)).unwrap()),
            modified: None,
            class: AdvisoryClass::Vulnerability,
            reference: None,
        },
        fix: Fix::Fixed(FixedIn {
            versions: vec!["2".to_owned()],
            record: id.to_owned(),
            since: None,
        }),
        ratings: Ratings::default(),
        exploitation: Exploitation::NotListed,
        prediction: None,
        origin: Origin::Unknown,
        evidence: vec![],
        because: String::new(),
        matched_name: String::new(),
    }
}

/// An index fetched this long ago.
pub(crate) fn index(age: SignedDuration) -> IndexStamp {
    let fetched = now().checked_sub(age).unwrap();
    IndexStamp {
        digest: digest("advisories"),
        built: fetched,
        sources: vec![SourceStamp {
            kind: SourceKind::Advisories,
            ecosystem: "Debian".to_owned(),
            from: None,
            records: 1,
            unreadable: 0,
            newest: None,
            fetched,
        }],
    }
}
