//! One OSV record, read.
//!
//! Schema 1.7: <https://ossf.github.io/osv-schema/>. Unknown fields are passed over, as it demands.

use crate::severity::{Origin, Rating, Stated};
use jiff::Timestamp;
use plimsoll_model::advisory::AdvisoryClass;
use serde::Deserialize;
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeSet};

/// The longest summary that is kept, in characters.
const SUMMARY: usize = 300;
/// The longest remark that is kept, in characters.
const REMARK: usize = 200;
/// What some editors write at the beginning of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What is kept of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) published: Option<Timestamp>,
    pub(crate) is_withdrawn: bool,
    /// Other ids of the same flaw, as the record has them.
    pub(crate) aliases: BTreeSet<String>,
    /// The flaws that this record of a distribution mends.
    pub(crate) upstream: BTreeSet<String>,
    pub(crate) summary: String,
    /// The one of `severities` that counts.
    pub(crate) rating: Rating,
    /// Everything that the record says on how bad its flaw is.
    pub(crate) severities: Vec<Stated<String>>,
    /// What its database says beside the schema.
    pub(crate) remarks: Vec<Remark<String>>,
    pub(crate) class: AdvisoryClass,
    pub(crate) reference: Option<String>,
    pub(crate) affected: Vec<Affected>,
}

/// One package of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Affected {
    /// With its release (`Debian:12`).
    pub(crate) ecosystem: String,
    /// As its ecosystem compares names.
    pub(crate) name: String,
    /// Where it differs from the record's.
    pub(crate) rating: Option<Rating>,
    /// Everything that the record says of this package alone on how bad its flaw is.
    pub(crate) severities: Vec<Stated<String>>,
    /// The packages of a Go module that have the flaw; without any, all of them.
    pub(crate) imports: Vec<String>,
    /// What its database says of this package beside the schema.
    pub(crate) remarks: Vec<Remark<String>>,
    pub(crate) ranges: Vec<Vec<Event>>,
    pub(crate) versions: Vec<String>,
    pub(crate) is_vulnerability: bool,
}

/// What a database says in a field of its own, of those that tell how a flaw is dealt with (see `Specific`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark<Text> {
    /// The field.
    pub(crate) key: Text,
    /// The words of the database.
    pub(crate) text: Text,
}

impl Remark<String> {
    pub(crate) fn borrowed(&self) -> Remark<&str> {
        Remark { key: &self.key, text: &self.text }
    }
}

/// One event of a range.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Introduced(String),
    Fixed(String),
    LastAffected(String),
    Limit(String),
    /// The range is of a type that we do not know.
    Unreadable(String),
}

impl Record {
    /// Reads a record; the error says why it is none.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
        serde_json::from_slice::<Wire<'_>>(json).map(Self::of)
    }

    fn of(wire: Wire<'_>) -> Self {
        let specific = wire.database_specific.unwrap_or_default();
        let summary = summary(wire.summary.as_deref(), wire.details.as_deref());
        let is_informational = specific.is_informational();
        // Errata of AlmaLinux that mend bugs (ALBA) or add something (ALEA) are no vulnerabilities.
        let is_vulnerability = !is_informational
            && !["ALBA-", "ALEA-"].iter().any(|prefix| wire.id.starts_with(prefix));
        let mut severities = stated(wire.severity);
        severities.extend(specific.severities(Origin::Database));
        if let Some((word, _)) = summary.split_once(':').filter(|_| wire.id.starts_with("ALSA-")) {
            severities.push(Stated::new(Origin::Summary, "summary", word));
        }
        let mut upstream = ids(wire.upstream);
        if wire.id.starts_with("ALSA-") {
            upstream.extend(ids(wire.related).into_iter().filter(|id| id.starts_with("CVE-")));
        }
        let affected = wire.affected.unwrap_or_default().into_iter().filter_map(Affected::of);
        let mut affected: Vec<_> = affected
            .map(|affected| Affected {
                is_vulnerability: is_vulnerability && affected.is_vulnerability,
                ..affected
            })
            .collect();
        // They lie in the room of what was read, which is several times as large.
        affected.shrink_to_fit();
        Self {
            modified: time(wire.modified.as_deref()),
            published: time(wire.published.as_deref()),
            is_withdrawn: wire.withdrawn.is_some(),
            aliases: ids(wire.aliases),
            upstream,
            rating: Rating::of(&severities),
            severities,
            remarks: specific.remarks(),
            class: if wire.id.starts_with("MAL-") {
                AdvisoryClass::Malware
            } else {
                AdvisoryClass::Vulnerability
            },
            reference: reference(&wire.references.unwrap_or_default()),
            affected,
            summary,
            id: wire.id,
        }
    }
}

impl Affected {
    fn of(wire: WireAffected) -> Option<Self> {
        let package = wire.package?;
        let specific = wire.database_specific.unwrap_or_default();
        let ecosystem_specific = wire.ecosystem_specific.unwrap_or_default();
        let mut severities = stated(wire.severity);
        severities.extend(specific.severities(Origin::Database));
        severities.extend(ecosystem_specific.severities(Origin::Ecosystem));
        let own = Rating::of(&severities);
        Some(Self {
            name: crate::ecosystem::normalized(&package.ecosystem, &package.name),
            ecosystem: crate::ecosystem::without_repository(package.ecosystem),
            rating: (own != Rating::UNKNOWN).then_some(own),
            severities,
            imports: ecosystem_specific.imports(),
            remarks: [specific.remarks(), ecosystem_specific.remarks()].concat(),
            ranges: wire.ranges.unwrap_or_default().into_iter().filter_map(range).collect(),
            versions: wire.versions.unwrap_or_default(),
            is_vulnerability: !specific.is_informational(),
        })
    }
}

fn range(wire: WireRange) -> Option<Vec<Event>> {
    match wire.kind.as_str() {
        // Commits are not versions: this range says nothing here, and the ones after it still do.
        "GIT" => None,
        "SEMVER" | "ECOSYSTEM" => Some(wire.events.into_iter().flat_map(WireEvent::each).collect()),
        _ => Some(vec![Event::Unreadable(wire.kind)]),
    }
}

fn stated(severities: Option<Vec<WireSeverity>>) -> Vec<Stated<String>> {
    let severities = severities.unwrap_or_default().into_iter();
    severities
        .map(|severity| Stated {
            origin: Origin::Severity,
            kind: severity.kind,
            text: severity.score,
        })
        .collect()
}

/// One line: the summary, else the first line of the details.
fn summary(summary: Option<&str>, details: Option<&str>) -> String {
    [summary, details]
        .into_iter()
        .flatten()
        .flat_map(str::lines)
        .map(str::trim)
        .find(|line| !line.is_empty())
        .map(|line| line.chars().take(SUMMARY).collect())
        .unwrap_or_default()
}

fn reference(references: &[WireReference]) -> Option<String> {
    // Whatever opens in a browser when it is clicked is not for a record to choose.
    let is_page = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    let mut pages = references.iter().filter(|reference| is_page(&reference.url));
    let advisory = pages.clone().find(|reference| reference.kind == "ADVISORY");
    advisory.or_else(|| pages.next()).map(|reference| reference.url.clone())
}

fn ids(list: Option<Vec<String>>) -> BTreeSet<String> {
    list.unwrap_or_default().into_iter().filter(|id| !id.is_empty()).collect()
}

/// Go's records have the year 1 where nothing is known.
fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok().filter(|time| *time > Timestamp::UNIX_EPOCH)
}

#[derive(Deserialize)]
struct Wire<'a> {
    id: String,
    #[serde(borrow)]
    modified: Option<Cow<'a, str>>,
    #[serde(borrow)]
    published: Option<Cow<'a, str>>,
    #[serde(borrow)]
    withdrawn: Option<Cow<'a, str>>,
    aliases: Option<Vec<String>>,
    upstream: Option<Vec<String>>,
    related: Option<Vec<String>>,
    #[serde(borrow)]
    summary: Option<Cow<'a, str>>,
    #[serde(borrow)]
    details: Option<Cow<'a, str>>,
    severity: Option<Vec<WireSeverity>>,
    affected: Option<Vec<WireAffected>>,
    references: Option<Vec<WireReference>>,
    database_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct WireSeverity {
    #[serde(rename = "type")]
    kind: String,
    score: String,
}

#[derive(Deserialize)]
struct WireReference {
    #[serde(rename = "type", default)]
    kind: String,
    url: String,
}

#[derive(Deserialize)]
struct WireAffected {
    package: Option<WirePackage>,
    severity: Option<Vec<WireSeverity>>,
    ranges: Option<Vec<WireRange>>,
    versions: Option<Vec<String>>,
    database_specific: Option<Specific>,
    ecosystem_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct WirePackage {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct WireRange {
    #[serde(rename = "type")]
    kind: String,
    events: Vec<WireEvent>,
}

#[derive(Deserialize)]
struct WireEvent {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

impl WireEvent {
    fn each(self) -> impl Iterator<Item = Event> {
        [
            self.introduced.map(Event::Introduced),
            self.fixed.map(Event::Fixed),
            self.last_affected.map(Event::LastAffected),
            self.limit.map(Event::Limit),
        ]
        .into_iter()
        .flatten()
    }
}

/// The fields that databases add and that we look at; of any type, because nothing fixes it.
#[derive(Deserialize, Default)]
struct Specific {
    severity: Option<Value>,
    urgency: Option<Value>,
    /// A vector; `RustSec` repeats it here.
    cvss: Option<Value>,
    informational: Option<Value>,
    imports: Option<Value>,
    status: Option<Value>,
    state: Option<Value>,
    fix_state: Option<Value>,
    availability: Option<Value>,
    review_status: Option<Value>,
}

impl Specific {
    /// What is said on how bad the flaw is. The words of `cvss` do not count: where there is one, the record has it in its
    /// place too, or has a newer one there.
    fn severities(&self, origin: Origin) -> impl Iterator<Item = Stated<String>> {
        [("severity", &self.severity), ("urgency", &self.urgency), ("cvss", &self.cvss)]
            .into_iter()
            .filter_map(move |(kind, value)| Some(Stated::new(origin, kind, text(value.as_ref())?)))
    }

    /// How a flaw is dealt with, in the words of Debian (`urgency`), Ubuntu, Red Hat, Go and others.
    fn remarks(&self) -> Vec<Remark<String>> {
        let fields = [
            ("urgency", &self.urgency),
            ("status", &self.status),
            ("state", &self.state),
            ("fix_state", &self.fix_state),
            ("availability", &self.availability),
            ("review_status", &self.review_status),
        ];
        let remark = |(key, value): (&str, &Option<Value>)| {
            let text = text(value.as_ref())?.chars().take(REMARK).collect();
            Some(Remark { key: String::from(key), text })
        };
        fields.into_iter().filter_map(remark).collect()
    }

    /// <https://go.dev/doc/security/vuln/database#schema>: `imports[].path`.
    fn imports(&self) -> Vec<String> {
        let imports = self.imports.as_ref().and_then(Value::as_array).into_iter().flatten();
        imports.filter_map(|import| Some(import.get("path")?.as_str()?.to_owned())).collect()
    }

    /// `RustSec` marks notices (`unmaintained`, `unsound`, `notice`) that are no vulnerabilities.
    fn is_informational(&self) -> bool {
        text(self.informational.as_ref()).is_some()
    }
}

/// Text that says something.
fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::Severity;

    fn parse(json: &str) -> Record {
        Record::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn null_and_absent_are_nothing() {
        let expect = parse(r#"{"id":"X-1"}"#);
        assert_eq!(expect.affected, []);
        assert_eq!(expect.rating, Rating::UNKNOWN);
        let nulls = r#"{"id":"X-1","modified":null,"withdrawn":null,"aliases":null,"severity":null,
            "affected":null,"references":null,"database_specific":null,"unheard_of":[{}]}"#;
        assert_eq!(parse(nulls), expect);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for json in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"id":7}"#,
            r#"{"id":"X","affected":{}}"#,
            "\u{feff}{}",
            "\u{feff}\u{feff}{\"id\":\"X\"}",
        ] {
            assert!(Record::parse(json.as_bytes()).is_err(), "{json}");
        }
        // Nesting is bounded by the reader.
        let deep = format!(r#"{{"id":"X","extra":{}"#, "[".repeat(100_000));
        assert!(Record::parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(parse("\u{feff}{\"id\":\"X\"}"), parse(r#"{"id":"X"}"#));
    }

    #[test]
    fn every_severity_import_and_remark_is_kept_with_its_place() {
        let record = parse(
            r#"{"id":"GO-1","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N"},{"type":"Ubuntu","score":"low"}],
                "database_specific":{"severity":"MODERATE","review_status":"REVIEWED","cvss":7},
                "affected":[{"package":{"ecosystem":"Go","name":"x"},
                "severity":[{"type":"CVSS_V2","score":"AV:N"}],
                "database_specific":{"cvss":"CVSS:3.0/AV:N","status":"not-affected"},
                "ecosystem_specific":{"urgency":"end-of-life","imports":[{"path":"x/y","symbols":["a"]},{},"z",{"path":7},{"path":"x/z"}]}},
                {"package":{"ecosystem":"Go","name":"y"},"ecosystem_specific":{"imports":{"path":"x"},"urgency":["x"]}}]}"#,
        );
        let said = |severities: &[Stated<String>]| {
            let said = |one: &Stated<String>| (one.origin, one.kind.clone(), one.text.clone());
            severities.iter().map(said).collect::<Vec<_>>()
        };
        let of = |origin, kind: &str, text: &str| (origin, kind.to_owned(), text.to_owned());
        assert_eq!(
            said(&record.severities),
            [
                of(Origin::Severity, "CVSS_V3", "CVSS:3.1/AV:N"),
                of(Origin::Severity, "Ubuntu", "low"),
                of(Origin::Database, "severity", "MODERATE"),
            ]
        );
        let [first, second] = &record.affected[..] else { panic!("{record:?}") };
        assert_eq!(
            said(&first.severities),
            [
                of(Origin::Severity, "CVSS_V2", "AV:N"),
                of(Origin::Database, "cvss", "CVSS:3.0/AV:N"),
                of(Origin::Ecosystem, "urgency", "end-of-life"),
            ]
        );
        assert_eq!(first.imports, ["x/y", "x/z"]);
        let remark = |key: &str, text: &str| Remark { key: key.to_owned(), text: text.to_owned() };
        assert_eq!(record.remarks, [remark("review_status", "REVIEWED")]);
        assert_eq!(
            first.remarks,
            [remark("status", "not-affected"), remark("urgency", "end-of-life")]
        );
        assert_eq!(
            (&second.severities[..], &second.imports[..], &second.remarks[..]),
            (&[][..], &[][..], &[][..])
        );
    }

    #[test]
    fn git_ranges_are_passed_over_and_the_next_ones_read() {
        let record = parse(
            r#"{"id":"X","affected":[{"package":{"ecosystem":"PyPI","name":"A_b"},"ranges":[
                {"type":"GIT","repo":"r","events":[{"introduced":"0"}]},
                {"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]},
                {"type":"NEW","events":[{"introduced":"0"}]}]}]}"#,
        );
        assert_eq!(record.affected[0].name, "a-b");
        assert_eq!(
            record.affected[0].ranges,
            [
                vec![Event::Introduced("0".into()), Event::Fixed("2".into())],
                vec![Event::Unreadable("NEW".into())]
            ]
        );
    }

    #[test]
    fn severities_of_records_and_of_packages() {
        let record = parse(
            r#"{"id":"ALSA-1","summary":"Important: x","related":["CVE-1","ALBA-2"],"affected":[
                {"package":{"ecosystem":"AlmaLinux:8","name":"x"},"database_specific":{"severity":"LOW"}},
                {"package":{"ecosystem":"AlmaLinux:8","name":"y"},"ecosystem_specific":{"urgency":"high"}},
                {"package":{"ecosystem":"AlmaLinux:8","name":"z"}}]}"#,
        );
        assert_eq!(record.rating.severity, Severity::High);
        assert_eq!(record.upstream, BTreeSet::from(["CVE-1".to_owned()]));
        let own: Vec<_> = record
            .affected
            .iter()
            .map(|affected| affected.rating.as_ref().map(|rating| rating.severity))
            .collect();
        assert_eq!(own, [Some(Severity::Low), Some(Severity::High), None]);
    }

    #[test]
    fn notices_and_errata_are_no_vulnerabilities_and_malware_is_malware() {
        let package = r#""package":{"ecosystem":"crates.io","name":"x"}"#;
        let vulnerability = |json: String| parse(&json).affected[0].is_vulnerability;
        let informational = r#""database_specific":{"informational":"unsound"}"#;
        assert!(!vulnerability(format!(
            r#"{{"id":"R","affected":[{{{package},{informational}}}]}}"#
        )));
        assert!(!vulnerability(format!(
            r#"{{"id":"R",{informational},"affected":[{{{package}}}]}}"#
        )));
        assert!(!vulnerability(format!(r#"{{"id":"ALBA-1","affected":[{{{package}}}]}}"#)));
        assert!(!vulnerability(format!(r#"{{"id":"ALEA-1","affected":[{{{package}}}]}}"#)));
        assert!(vulnerability(format!(
            r#"{{"id":"R","affected":[{{{package},"database_specific":{{"informational":null}}}}]}}"#
        )));
        assert_eq!(parse(r#"{"id":"MAL-2024-1"}"#).class, AdvisoryClass::Malware);
    }

    #[test]
    fn one_line_of_summary_one_page_and_no_year_one() {
        let record = parse(
            r#"{"id":"X","details":"\n  First. \nSecond.","modified":"0001-01-01T00:00:00Z",
                "references":[{"type":"ADVISORY","url":"javascript:x"},
                {"type":"WEB","url":"https://w"},{"type":"ADVISORY","url":"https://a"}]}"#,
        );
        assert_eq!(record.summary, "First.");
        assert_eq!(record.reference.as_deref(), Some("https://a"));
        assert_eq!(record.modified, None);
    }
}
