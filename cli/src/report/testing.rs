//! What the tests of the formats have in common: small scans, each with the decision of a policy.

use super::{Format, Report, Style, tests::to_vec};
use crate::{context::VERSION, stages::inventory::Cataloged, ui::Paint};
use jiff::Timestamp;
use plimsoll_model::{
    Digest, Inventory, Severity, TreePath,
    advisory::{Advisory, AdvisoryClass, Cvss},
    component::{Component, Location},
    inventory::Distribution,
    risk::{Choice, Exploitation, KnownExploited, Prediction, Ransomware, Rating, Ratings},
    scan::{
        Dated, Fix, FixedIn, FixedSince, IndexStamp, Match, MatchEvidence, NotEvaluated, Origin,
        Scan, ScanVerdict, SourceKind, SourceStamp,
    },
};
use plimsoll_policy::{Decision, Facts, Policy};

/// A scan and what the built-in baseline makes of it.
pub(super) struct Case {
    cataloged: Cataloged,
    scan: Scan,
    decision: Decision,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn component(purl: &str, path: &str) -> Component {
    let purl: plimsoll_model::Purl = purl.parse().unwrap();
    let (name, version) = (purl.name().to_owned(), purl.version().map(str::to_owned));
    let mut component = Component::new(purl, name, version, "test");
    component.locations.push(Location {
        path: TreePath::parse(path.as_bytes()).unwrap(),
        inside: String::new(),
        layer: Some(Digest::of(b"layer")),
    });
    component
}

fn rating(source: &str, kind: &str, stated: &str, score: Option<f64>) -> Rating {
    let severity = score.map_or(Severity::Low, Severity::of_cvss);
    Rating {
        source: source.to_owned(),
        kind: kind.to_owned(),
        stated: stated.to_owned(),
        score,
        severity,
    }
}

/// A flaw about which everything is known.
fn known(id: &str, alias: &str) -> Match {
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    Match {
        advisory: Advisory {
            id: id.to_owned(),
            aliases: vec![alias.to_owned()],
            summary: "Prototype pollution in `minimist`".to_owned(),
            severity: Severity::Critical,
            cvss: Some(Cvss { vector: vector.to_owned(), score: 9.8 }),
            published: Some(at("2026-01-02T03:04:05Z")),
            modified: Some(at("2026-02-03T04:05:06Z")),
            class: AdvisoryClass::Vulnerability,
            reference: Some("https://example.org/a".to_owned()),
        },
        fix: Fix::Fixed(FixedIn {
            versions: vec!["1.2.6".to_owned()],
            record: id.to_owned(),
            since: Some(FixedSince { at: at("2026-01-02T03:04:05Z"), dated: Dated::Published }),
        }),
        ratings: Ratings {
            all: vec![
                rating(id, "CVSS_V3", vector, Some(9.8)),
                rating(id, "CVSS_V4", "CVSS:4.0/AV:N", Some(8.0)),
                rating(alias, "urgency", "low", None),
            ],
            choice: Choice::NewestCvss,
        },
        exploitation: Exploitation::Known(KnownExploited {
            added: Some("2026-03-01".parse().unwrap()),
            due: None,
            ransomware: Ransomware::Known,
        }),
        prediction: Some(Prediction { probability: 0.25, percentile: 0.975 }),
        origin: Origin::Own,
        evidence: vec![MatchEvidence::Links("minimist/parse".to_owned())],
        because: "introduced 0, fixed 1.2.6; 1.2.5 lies before".to_owned(),
        matched_name: "minimist".to_owned(),
    }
}

/// A flaw that nobody has said much of.
fn vague(id: &str) -> Match {
    let mut found = known(id, id);
    found.advisory = Advisory {
        aliases: vec![],
        summary: String::new(),
        severity: Severity::Medium,
        cvss: None,
        published: None,
        modified: None,
        reference: None,
        ..found.advisory
    };
    Match {
        fix: Fix::WontFix { record: id.to_owned() },
        ratings: Ratings {
            all: vec![rating(id, "urgency", "low", None)],
            choice: Choice::WorstWord,
        },
        exploitation: Exploitation::NoCatalog,
        prediction: None,
        origin: Origin::Unknown,
        evidence: vec![],
        ..found
    }
}

impl Case {
    fn of(components: Vec<(Component, ScanVerdict)>) -> Self {
        let distribution = Distribution {
            id: "debian".to_owned(),
            id_like: vec![],
            version_id: Some("12".to_owned()),
            codename: None,
            pretty_name: None,
        };
        // Given in the inventory's order, so that the verdicts stay with their components.
        let (components, verdicts): (Vec<_>, Vec<_>) = components.into_iter().unzip();
        let inventory = Inventory::new(Some(distribution), components.clone(), vec![], vec![]);
        assert_eq!(inventory.components(), components, "not in the order of an inventory");
        let index = IndexStamp {
            digest: Digest::of(b"index"),
            built: at("2026-06-14T00:00:00Z"),
            sources: vec![SourceStamp {
                kind: SourceKind::Advisories,
                from: None,
                ecosystem: "npm".to_owned(),
                records: 2,
                unreadable: 0,
                newest: None,
                fetched: at("2026-06-14T00:00:00Z"),
            }],
        };
        let scan = Scan { index, verdicts };
        let facts = Facts { inventory: Some(&inventory), scan: Some(&scan), ..Facts::none() };
        let decision =
            plimsoll_policy::decide(&Policy::baseline(), &facts, at("2026-06-15T12:00:00Z"));
        Self { cataloged: Cataloged::with(inventory), scan, decision }
    }

    /// Nothing is wrong.
    pub(super) fn clean() -> Self {
        Self::of(vec![(component("pkg:npm/fine@1", "/srv/a"), ScanVerdict::Clean)])
    }

    /// Two flaws of which one blocks.
    pub(super) fn two_flaws() -> Self {
        Self::in_versions("1.2.5", "3.0.1")
    }

    /// The same flaws in other versions of the same packages.
    pub(super) fn two_flaws_in_other_versions() -> Self {
        Self::in_versions("1.2.4", "3.0.2")
    }

    fn in_versions(minimist: &str, openssl: &str) -> Self {
        let status = "/var/lib/dpkg/status";
        let vague = ScanVerdict::Matched(vec![vague("DEBIAN-CVE-2026-2")]);
        let known = ScanVerdict::Matched(vec![known("GHSA-1", "CVE-2026-1")]);
        Self::of(vec![
            (component(&format!("pkg:deb/debian/openssl@{openssl}"), status), vague),
            (component(&format!("pkg:npm/minimist@{minimist}"), "/srv/package.json"), known),
        ])
    }

    /// One flaw of two versions of one package in one file.
    pub(super) fn twice_in_one_file() -> Self {
        let flaw = || ScanVerdict::Matched(vec![known("GHSA-1", "CVE-2026-1")]);
        let one = |version: &str| {
            component(&format!("pkg:npm/minimist@{version}"), "/srv/package-lock.json")
        };
        Self::of(vec![(one("1.2.4"), flaw()), (one("1.2.5"), flaw())])
    }

    /// A component that nothing is known about, and one that is judged as another.
    pub(super) fn not_evaluated() -> Self {
        let reason = NotEvaluated::UnorderableVersion { version: "x".to_owned(), scheme: "npm" };
        Self::of(vec![
            (component("pkg:npm/odd@x", "/srv/odd"), ScanVerdict::NotEvaluated(reason)),
            (
                component("pkg:pypi/owned@1", "/usr/lib/owned"),
                ScanVerdict::JudgedAs(plimsoll_model::component::ComponentId(0)),
            ),
        ])
    }

    /// Names, paths, versions and advisories that try to be something else.
    pub(super) fn hostile() -> Self {
        let mut flaw = known("GHSA-1\"><script>alert(1)</script>", "CVE-2026-1\n::error::own");
        flaw.advisory.summary =
            "x %0A::error::a\r\n##[add-mask]b <img src=x> ![y](https://e.vil) ]]>\u{0}\u{1b}[2J\u{202e}"
                .to_owned();
        flaw.advisory.reference = Some("javascript:alert(1)".to_owned());
        flaw.because = "\u{9b}31m <b>".to_owned();
        if let Fix::Fixed(fixed) = &mut flaw.fix {
            fixed.versions = vec!["1\n::warning::x".to_owned()];
        }
        flaw.ratings.all = vec![rating("\u{7}<b>", "CVSS_V3", "CVSS:3.1/<script>", Some(9.8))];
        flaw.evidence = vec![MatchEvidence::Links("a\"b<i>".to_owned())];
        let mut component = component("pkg:npm/minimist@1", "/srv/a\n::error::b,c:d%25<i>\"");
        component.name = "=cmd()|'\"<script>,\n@x".to_owned();
        component.version = Some("\t+1%0A::error::v".to_owned());
        Self::of(vec![(component, ScanVerdict::Matched(vec![flaw]))])
    }

    /// All of them, by name.
    pub(super) fn all() -> [(&'static str, Self); 4] {
        [
            ("clean", Self::clean()),
            ("two_flaws", Self::two_flaws()),
            ("not_evaluated", Self::not_evaluated()),
            ("hostile", Self::hostile()),
        ]
    }

    /// As the command `scan` reports it.
    pub(super) fn report(&self) -> Report<'_> {
        Report {
            inventory: Some(self.cataloged.inventory()),
            cataloged: Some(&self.cataloged),
            scan: Some(&self.scan),
            decision: Some(&self.decision),
            ..Report::new("scan", "registry.example/team/app:1".to_owned())
        }
    }

    /// The report in a format, without the version of this program.
    pub(super) fn write(&self, format: &Format) -> String {
        let style = Style { paint: Paint::Plain, show: Severity::Info };
        let bytes = to_vec(format, &self.report(), style).unwrap();
        String::from_utf8(bytes).unwrap().replace(&format!("\"{VERSION}\""), "\"[version]\"")
    }
}

/// The command does not look at what the format is about.
#[track_caller]
pub(super) fn refuses(format: &Format, needs: &str) {
    let style = Style { paint: Paint::Plain, show: Severity::Info };
    let refused = to_vec(format, &Report::new("sbom", "app".to_owned()), style);
    let Err(crate::error::Error::Format { format: id, command: "sbom", needs: found }) = refused
    else {
        panic!("not refused: {refused:?}")
    };
    assert_eq!((id, found), (format.id, needs));
}

/// No character in a text but line breaks acts on whoever shows it.
#[track_caller]
pub(super) fn shows_safely(text: &str) {
    let acts = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
    assert!(!text.contains(acts), "{text:?}");
    assert!(!text.contains("##["), "{text}");
}
