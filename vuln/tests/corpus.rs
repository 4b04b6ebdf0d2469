//! The advisories of the shared test data, imported as they are.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "an integration test: it may panic and print, and it finds its data by the environment"
)]

use camino::Utf8PathBuf;
use jiff::Timestamp;
use plimsoll_model::{
    Inventory, Limits, Severity,
    component::{Component, SourcePackage},
    inventory::Distribution,
    scan::{Match, NotEvaluated, ScanVerdict},
};
use plimsoll_vuln::{Builder, Imported, Index, install, scan};
use serde_json::Value;
use std::{collections::BTreeMap, io::Read as _, sync::OnceLock};

/// The folder of the corpus; when it is missing, says so, or fails where it is required.
fn folder() -> Option<Utf8PathBuf> {
    let root = std::env::var("PLIMSOLL_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").to_owned());
    let path = Utf8PathBuf::from(root).join("data/osv");
    if path.is_dir() {
        return Some(path);
    }
    assert!(
        std::env::var("PLIMSOLL_ORACLES").as_deref() != Ok("require"),
        "the test data `{path}` is required and missing"
    );
    eprintln!("not tested: the test data `{path}` is missing");
    None
}

struct Corpus {
    imported: Imported,
    bytes: Vec<u8>,
    index: Index,
}

fn corpus() -> Option<&'static Corpus> {
    static CORPUS: OnceLock<Option<Corpus>> = OnceLock::new();
    let make = || {
        let folder = folder()?;
        let (bytes, imported) = import(&folder);
        Some(Corpus { imported, index: Index::from_bytes(bytes.clone()).unwrap(), bytes })
    };
    CORPUS.get_or_init(make).as_ref()
}

fn import(folder: &Utf8PathBuf) -> (Vec<u8>, Imported) {
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let mut builder = Builder::new(now, &Limits::STANDARD);
    let imported = builder.import(folder).unwrap();
    (builder.finish().unwrap(), imported)
}

/// The records of one ecosystem, read without our reader.
fn records(ecosystem: &str) -> Vec<Value> {
    let path = folder().unwrap().join(ecosystem).join("all.zip");
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    (0..archive.len())
        .map(|at| {
            let mut text = String::new();
            archive.by_index(at).unwrap().read_to_string(&mut text).unwrap();
            serde_json::from_str(&text).unwrap()
        })
        .collect()
}

fn distribution(id: &str, version: &str) -> Distribution {
    Distribution {
        id: id.to_owned(),
        id_like: Vec::new(),
        version_id: Some(version.to_owned()),
        codename: None,
        pretty_name: None,
    }
}

fn component(kind: &str, name: &str, version: &str) -> Component {
    let purl = format!("pkg:{kind}/x").parse().unwrap();
    Component::new(purl, name, Some(version.to_owned()), "test")
}

fn verdict(distribution: Option<Distribution>, component: Component) -> Option<ScanVerdict> {
    let inventory = Inventory::new(distribution, vec![component], vec![], vec![]);
    Some(scan(&inventory, &corpus()?.index).verdicts.remove(0))
}

#[track_caller]
fn check(distribution: Option<Distribution>, component: Component, expect: &[&str]) -> Vec<Match> {
    let matches = match verdict(distribution, component) {
        None => return Vec::new(),
        Some(ScanVerdict::Clean) => Vec::new(),
        Some(ScanVerdict::Matched(matches)) => matches,
        Some(other @ (ScanVerdict::NotEvaluated(_) | ScanVerdict::JudgedAs(_))) => {
            panic!("{other:?}")
        }
    };
    let ids: Vec<_> = matches.iter().map(|found| found.advisory.display_id()).collect();
    assert_eq!(ids, expect);
    matches
}

#[test]
fn every_record_is_read_and_counted() {
    let Some(corpus) = corpus() else { return };
    assert_eq!(corpus.imported.records, 26_064);
    assert_eq!(corpus.imported.skipped_withdrawn, 40);
    assert_eq!(corpus.imported.unreadable, []);
    assert_eq!(corpus.index.len(), 26_064);
    let counts: BTreeMap<_, _> = corpus
        .index
        .stamp()
        .sources
        .iter()
        .map(|source| (source.ecosystem.as_str(), (source.records, source.unreadable)))
        .collect();
    let expect = [
        ("AlmaLinux", (5_637, 0)),
        ("Alpine", (1_902, 0)),
        ("Debian", (9_205, 0)),
        ("Go", (4_274, 0)),
        ("PyPI", (2_651, 0)),
        ("RubyGems", (1_202, 0)),
        ("crates.io", (1_193, 0)),
    ];
    assert_eq!(counts, BTreeMap::from(expect));
    let newest = |ecosystem: &str| {
        let mut sources = corpus.index.stamp().sources.iter();
        sources.find(|source| source.ecosystem == ecosystem).unwrap().newest
    };
    assert_eq!(newest("Debian"), Some("2026-11-18T20:02:04Z".parse().unwrap()));
    // Go states no dates: all of its records were last changed in the year 1.
    assert_eq!(newest("Go"), None);
    corpus.index.verify().unwrap();
}

#[test]
fn the_same_corpus_gives_the_same_bytes_and_opens_where_it_is_installed() {
    let Some(corpus) = corpus() else { return };
    let (bytes, _) = import(&folder().unwrap());
    assert!(bytes == corpus.bytes);
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("advisories.idx")).unwrap();
    let index = install(&bytes, &path).unwrap();
    assert_eq!(index.stamp(), corpus.index.stamp());
    eprintln!("index: {} bytes", bytes.len());
}

#[test]
fn known_matches() {
    check(None, component("pypi", "gratient", "0.5"), &["PYSEC-2024-1"]);
    check(None, component("pypi", "gratient", "0.4"), &[]);
    check(None, component("pypi", "joblib", "0.3.2f.dev"), &["CVE-2022-21797"]);
    check(None, component("pypi", "leo", "4.11-final"), &["CVE-2020-23478"]);
    check(None, component("cargo", "time", "0.1.42"), &["CVE-2020-26235"]);
    check(None, component("cargo", "time", "0.2.5"), &[]);
    check(None, component("cargo", "time", "0.3.6"), &["CVE-2026-25727"]);
    // Unsound and unmaintained, which is no vulnerability.
    check(None, component("cargo", "atty", "0.2.14"), &[]);
    let gin = "github.com/gin-gonic/gin";
    check(None, component("golang", gin, "v1.6.0"), &["CVE-2020-28483", "CVE-2023-29401"]);
    check(
        None,
        component("golang", gin, "v0.0.0-20170101000000-000000000000"),
        &["CVE-2020-28483", "CVE-2020-36567"],
    );
    check(
        None,
        component("golang", "github.com/dgrijalva/jwt-go", "v3.2.0+incompatible"),
        &["CVE-2020-26160"],
    );
}

#[test]
fn known_matches_of_distributions() {
    let debian = || Some(distribution("debian", "12"));
    let mut gpgv = component("deb", "gpgv", "2.2.40-1.1");
    gpgv.source =
        Some(SourcePackage { name: "gnupg2".to_owned(), version: "2.2.40-1.1".to_owned() });
    let found = check(debian(), gpgv.clone(), &["CVE-2025-68973"]);
    if let [found] = found.as_slice() {
        assert_eq!(found.advisory.id, "DEBIAN-CVE-2025-68973");
        assert_eq!(found.advisory.severity, Severity::Unknown);
        assert_eq!(found.fix.versions(), ["2.2.40-1.1+deb12u2"]);
        assert_eq!(found.because, "introduced 0, fixed 2.2.40-1.1+deb12u2; 2.2.40-1.1 lies before");
        assert_eq!(found.matched_name, "gnupg2");
    }
    gpgv.source.as_mut().unwrap().version = "2.2.40-1.1+deb12u2".to_owned();
    check(debian(), gpgv.clone(), &[]);
    let none = NotEvaluated::NoAdvisories { ecosystem: "Debian:13".to_owned() };
    if let Some(found) = verdict(Some(distribution("debian", "13")), gpgv) {
        assert_eq!(found, ScanVerdict::NotEvaluated(none));
    }
    let alpine = || Some(distribution("alpine", "3.11.6"));
    check(alpine(), component("apk", "py3-django", "1.11.27-r0"), &["CVE-2020-7471"]);
    check(alpine(), component("apk", "py3-django", "1.11.28-r0"), &[]);
    let nine = || Some(distribution("almalinux", "9.1"));
    let found = check(nine(), component("rpm", "bash", "5.1.8-5.el9"), &["CVE-2022-3715"]);
    assert!(found.iter().all(|found| found.advisory.severity == Severity::Medium));
    check(nine(), component("rpm", "bash", "5.1.8-6.el9_1"), &[]);
}

/// What `records` claim of versions, as a component, the record's id, and whether it has to be found.
type Claim = (Component, String, bool);

/// Claims about one package that are checked: the kernel has thousands, each of which is matched against all its records.
const CLAIMS: usize = 20;

#[track_caller]
fn check_claims(distribution: Option<&Distribution>, claims: Vec<Claim>, expected: usize) {
    let Some(corpus) = corpus() else { return };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let (mut components, mut expectations) = (Vec::new(), Vec::new());
    for (component, id, expect) in claims {
        let count = seen.entry(component.name.clone()).or_default();
        *count += 1;
        if *count <= CLAIMS {
            components.push(component);
            expectations.push((id, expect));
        }
    }
    assert_eq!(expectations.len(), expected);
    for (component, (id, expect)) in components.into_iter().zip(expectations) {
        let inventory = Inventory::new(distribution.cloned(), vec![component], vec![], vec![]);
        let found = scan(&inventory, &corpus.index);
        let is_found = found.matches().any(|(_, found)| found.advisory.is_known_as(&id));
        assert_eq!(is_found, expect, "{id} and {:?}: {:?}", inventory.components(), found.verdicts);
    }
}

/// Each package of the ecosystem's records, with the record.
fn packages(ecosystem: &str) -> Vec<(Value, Value)> {
    records(ecosystem)
        .into_iter()
        .filter(|record| record.get("withdrawn").is_none())
        .flat_map(|record| {
            let affected = record["affected"].as_array().unwrap().clone();
            affected.into_iter().map(move |affected| (record.clone(), affected))
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn every_listed_python_version_is_found() {
    if corpus().is_none() {
        return;
    }
    let mut claims = Vec::new();
    for (record, affected) in packages("PyPI") {
        let name = text(&affected["package"]["name"]);
        // The first, the last and one between.
        let versions = affected["versions"].as_array().cloned().unwrap_or_default();
        for at in [0, versions.len() / 2, versions.len().saturating_sub(1)] {
            if let Some(version) = versions.get(at) {
                let component = component("pypi", &name, version.as_str().unwrap());
                claims.push((component, text(&record["id"]), true));
            }
        }
    }
    check_claims(None, claims, 3_768);
}

#[test]
fn every_fix_of_debian_and_alpine_clears_and_what_lies_before_does_not() {
    if corpus().is_none() {
        return;
    }
    for (ecosystem, kind, distribution, expected) in [
        ("Debian", "deb", distribution("debian", "12"), 1_406),
        ("Alpine", "apk", distribution("alpine", "3.11.0"), 2_142),
    ] {
        let mut claims = Vec::new();
        for (record, affected) in packages(ecosystem) {
            let name = text(&affected["package"]["name"]);
            let mut others = record["affected"].as_array().unwrap().iter();
            if others.any(|other| *other != affected && other["package"]["name"] == name) {
                // Two fixes in one record: only the later one clears.
                continue;
            }
            let fixed = text(&affected["ranges"][0]["events"][1]["fixed"]);
            let before = if kind == "deb" { format!("{fixed}~") } else { "0_alpha".to_owned() };
            claims.push((component(kind, &name, &fixed), text(&record["id"]), false));
            claims.push((component(kind, &name, &before), text(&record["id"]), true));
        }
        check_claims(Some(&distribution), claims, expected);
    }
}

#[test]
fn every_go_flaw_without_a_fix_is_found_at_a_pseudo_version() {
    if corpus().is_none() {
        return;
    }
    let mut claims = Vec::new();
    for (record, affected) in packages("Go") {
        let events = &affected["ranges"][0]["events"];
        if events[0]["introduced"] == "0" && events.as_array().unwrap().len() == 1 {
            let name = text(&affected["package"]["name"]);
            let component = component("golang", &name, "v0.0.0-20200101000000-abcdefabcdef");
            claims.push((component, text(&record["id"]), true));
        }
    }
    check_claims(None, claims, 1_540);
}
