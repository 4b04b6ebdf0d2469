//! One record for each thing that matchers of advisories are known to get wrong.

use super::*;
use crate::{
    index::FORMAT,
    testing::{NOW, builder, index, index_bytes, zip},
};
use plimsoll_model::{
    Severity,
    advisory::{Advisory, AdvisoryClass},
    component::SourcePackage,
    purl::Purl,
    risk::{self, Choice, Exploitation, Ratings},
    scan::{
        Dated, Fix, FixedIn, FixedSince, IndexStamp, MatchEvidence, Origin, SourceKind, SourceStamp,
    },
};

fn component(purl: &str, name: &str, version: &str) -> Component {
    let version = Some(version.to_owned()).filter(|text| !text.is_empty());
    Component::new(purl.parse::<Purl>().unwrap(), name, version, "test")
}

fn language(kind: &str, name: &str, version: &str) -> Component {
    component(&format!("pkg:{kind}/x"), name, version)
}

fn distribution(id: &str, release: Option<&str>) -> Distribution {
    Distribution {
        id: id.to_owned(),
        id_like: vec!["debian".to_owned(), "rhel".to_owned()],
        version_id: release.map(str::to_owned),
        codename: None,
        pretty_name: None,
    }
}

fn deb(name: &str, version: &str) -> Component {
    component("pkg:deb/debian/x", name, version)
}

fn verdict(
    records: &[&str],
    distribution: Option<Distribution>,
    component: Component,
) -> ScanVerdict {
    let inventory = Inventory::new(distribution, vec![component], vec![], vec![]);
    scan(&inventory, &index(records)).verdicts.remove(0)
}

#[track_caller]
fn found(verdict: ScanVerdict) -> Vec<Match> {
    match verdict {
        ScanVerdict::Matched(matches) => matches,
        other @ (ScanVerdict::Clean | ScanVerdict::NotEvaluated(_) | ScanVerdict::JudgedAs(_)) => {
            panic!("expected matches, found {other:?}")
        }
    }
}

/// A record about one package with these ranges (and whatever else).
fn record(id: &str, ecosystem: &str, name: &str, rest: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"2024-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},{rest}}}]}}"#
    )
}

fn range(kind: &str, events: &str) -> String {
    format!(r#""ranges":[{{"type":"{kind}","events":[{events}]}}]"#)
}

#[track_caller]
fn check(record: &str, component: Component, expect: &ScanVerdict) {
    assert_eq!(
        &verdict(&[record], Some(distribution("debian", Some("12"))), component),
        expect,
        "{record}"
    );
}

#[track_caller]
fn check_found(record: &str, component: Component, because: &str, fix: &[String]) {
    let matches = found(verdict(&[record], Some(distribution("debian", Some("12"))), component));
    assert_eq!(matches.len(), 1);
    assert_eq!((matches[0].because.as_str(), matches[0].fix.versions()), (because, fix));
}

fn fixed(versions: &[&str]) -> Vec<String> {
    versions.iter().map(|version| (*version).to_owned()).collect()
}

#[test]
fn a_match_says_everything() {
    let record = r#"{"id":"DEBIAN-CVE-2023-1","modified":"2024-01-02T00:00:00Z","published":"2023-01-02T00:00:00Z",
        "upstream":["CVE-2023-1"],"details":"Overflow.\nMore.","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "references":[{"type":"ADVISORY","url":"https://example.org/1"}],
        "affected":[{"package":{"ecosystem":"Debian:12","name":"zlib"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1:1.2.13-1"}]}]}]}"#;
    let mut zlib1g = deb("zlib1g", "1:1.2.11-1+b1");
    zlib1g.source =
        Some(SourcePackage { name: "zlib".to_owned(), version: "1:1.2.11-1".to_owned() });
    let expect = Match {
        advisory: Advisory {
            id: "DEBIAN-CVE-2023-1".to_owned(),
            aliases: vec!["CVE-2023-1".to_owned()],
            summary: "Overflow.".to_owned(),
            severity: Severity::Critical,
            cvss: Some(plimsoll_model::advisory::Cvss {
                vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".to_owned(),
                score: 9.8,
            }),
            published: Some("2023-01-02T00:00:00Z".parse().unwrap()),
            modified: Some("2024-01-02T00:00:00Z".parse().unwrap()),
            class: AdvisoryClass::Vulnerability,
            reference: Some("https://example.org/1".to_owned()),
        },
        fix: Fix::Fixed(FixedIn {
            versions: fixed(&["1:1.2.13-1"]),
            record: "DEBIAN-CVE-2023-1".to_owned(),
            since: Some(FixedSince {
                at: "2023-01-02T00:00:00Z".parse().unwrap(),
                dated: Dated::Published,
            }),
        }),
        ratings: Ratings {
            all: vec![risk::Rating {
                source: "DEBIAN-CVE-2023-1".to_owned(),
                kind: "CVSS_V3".to_owned(),
                stated: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".to_owned(),
                score: Some(9.8),
                severity: Severity::Critical,
            }],
            choice: Choice::NewestCvss,
        },
        exploitation: Exploitation::NoCatalog,
        prediction: None,
        origin: Origin::Unknown,
        evidence: vec![],
        because: "introduced 0, fixed 1:1.2.13-1; 1:1.2.11-1 lies before".to_owned(),
        matched_name: "zlib".to_owned(),
    };
    check(record, zlib1g.clone(), &ScanVerdict::Matched(vec![expect]));
    zlib1g.source.as_mut().unwrap().version = "1:1.2.13-1".to_owned();
    check(record, zlib1g, &ScanVerdict::Clean);
    // The binary package's own name is not what the advisory is about.
    check(record, deb("zlib1g", "1:1.2.11-1"), &ScanVerdict::Clean);
}

#[test]
fn data_for_one_release_says_nothing_about_another() {
    let record = record(
        "D",
        "Debian:12",
        "zlib",
        &range("ECOSYSTEM", r#"{"introduced":"0"},{"fixed":"2"}"#),
    );
    let on = |distribution| verdict(&[&record], distribution, deb("other", "1"));
    assert_eq!(on(Some(distribution("debian", Some("12")))), ScanVerdict::Clean);
    assert_eq!(
        on(Some(distribution("debian", Some("13")))),
        ScanVerdict::NotEvaluated(NotEvaluated::NoAdvisories { ecosystem: "Debian:13".to_owned() })
    );
    let unknown = ScanVerdict::NotEvaluated(NotEvaluated::UnknownDistribution);
    assert_eq!(on(Some(distribution("debian", None))), unknown);
    assert_eq!(on(None), unknown);
}

#[test]
fn a_record_without_a_release_is_about_every_release_that_is_covered() {
    let events = range("ECOSYSTEM", r#"{"introduced":"0"},{"fixed":"2"}"#);
    let whole = record("W", "Debian", "zlib", &events);
    let release = record("R", "Debian:12", "other", &events);
    let on = |release_id, records: &[&str]| {
        verdict(records, Some(distribution("debian", release_id)), deb("zlib", "1"))
    };
    assert_eq!(found(on(Some("12"), &[&whole, &release])).len(), 1);
    assert_eq!(
        on(Some("12"), &[&whole]),
        ScanVerdict::NotEvaluated(NotEvaluated::NoAdvisories { ecosystem: "Debian:12".to_owned() })
    );
}

#[test]
fn zero_is_not_0_0_0() {
    let record = record(
        "GO-1",
        "Go",
        "example.org/m",
        &range("SEMVER", r#"{"introduced":"0"},{"fixed":"0.0.0-20250101000000-000000000000"}"#),
    );
    let go = |version| language("golang", "example.org/m", version);
    check_found(
        &record,
        go("v0.0.0-20240101000000-000000000000"),
        "introduced 0, fixed 0.0.0-20250101000000-000000000000; v0.0.0-20240101000000-000000000000 lies before",
        &fixed(&["0.0.0-20250101000000-000000000000"]),
    );
    check(&record, go("v0.0.0-20250101000000-000000000000"), &ScanVerdict::Clean);
    check(&record, go("v1.0.0+incompatible"), &ScanVerdict::Clean);
    check(
        &record,
        go("(devel)"),
        &ScanVerdict::NotEvaluated(NotEvaluated::UnorderableVersion {
            version: "(devel)".to_owned(),
            scheme: "a Go version",
        }),
    );
}

#[test]
fn a_git_range_hides_nothing_behind_it() {
    let record = record(
        "PYSEC-1",
        "PyPI",
        "A.b_C",
        r#""ranges":[{"type":"GIT","repo":"r","events":[{"introduced":"0"},{"fixed":"abc"}]},
           {"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.0"}]}]"#,
    );
    check_found(
        &record,
        language("pypi", "a-B-c", "1.0"),
        "introduced 0, fixed 2.0; 1.0 lies before",
        &fixed(&["2.0"]),
    );
    check(&record, language("pypi", "A.b_C", "2.0"), &ScanVerdict::Clean);
}

#[test]
fn a_record_with_nothing_but_commits_or_nothing_at_all_applies_to_nothing() {
    for rest in [range("GIT", r#"{"introduced":"0"}"#), r#""versions":[],"ranges":[]"#.to_owned()] {
        let record = record("PYSEC-1", "PyPI", "a", &rest);
        check(&record, language("pypi", "a", "1.0"), &ScanVerdict::Clean);
    }
}

#[test]
fn versions_count_beside_the_ranges() {
    let rest = format!(
        r#"{},"versions":["0.5","4.11-final"]"#,
        range("ECOSYSTEM", r#"{"introduced":"1"},{"fixed":"2"}"#)
    );
    let record = record("PYSEC-1", "PyPI", "leo", &rest);
    let leo = |version| language("pypi", "leo", version);
    let listed = |version| format!("{version} is among the versions that the record lists");
    check_found(&record, leo("0.5"), &listed("0.5"), &[]);
    check_found(&record, leo("0.5.0"), &listed("0.5.0"), &[]);
    check_found(&record, leo("4.11-final"), &listed("4.11-final"), &[]);
    check(&record, leo("0.6"), &ScanVerdict::Clean);
    check(
        &record,
        leo("4.12-final"),
        &ScanVerdict::NotEvaluated(NotEvaluated::UnorderableVersion {
            version: "4.12-final".to_owned(),
            scheme: "a PEP 440 version",
        }),
    );
}

#[test]
fn a_version_in_a_list_that_can_not_be_read_is_no_obstacle() {
    let rest = format!(
        r#"{},"versions":["garbage version"]"#,
        range("ECOSYSTEM", r#"{"introduced":"0"},{"fixed":"2"}"#)
    );
    let record = record("PYSEC-1", "PyPI", "a", &rest);
    check(&record, language("pypi", "a", "2.0"), &ScanVerdict::Clean);
    assert_eq!(found(verdict(&[&record], None, language("pypi", "a", "1.0"))).len(), 1);
}

#[test]
fn no_version_is_not_clean_where_there_are_advisories() {
    let record =
        record("N", "npm", "a", &range("SEMVER", r#"{"introduced":"0"},{"fixed":"2.0.0"}"#));
    let no_version = ScanVerdict::NotEvaluated(NotEvaluated::NoVersion);
    check(&record, language("npm", "a", ""), &no_version);
    check(&record, language("npm", "b", ""), &ScanVerdict::Clean);
}

#[test]
fn an_advisory_that_makes_no_sense_is_not_evaluated() {
    for (events, reason) in [
        (
            r#"{"introduced":"0"},{"fixed":"not a version"}"#,
            "version `not a version` can not be read, as a Cargo version",
        ),
        (r#"{"fixed":"2.0.0"}"#, "its range has no `introduced` event"),
        (
            r#"{"introduced":"0"},{"fixed":"0.5.0"},{"last_affected":"0.4.0"}"#,
            "its range has both `fixed` and `last_affected` events",
        ),
    ] {
        let record = record("RUSTSEC-1", "crates.io", "a", &range("SEMVER", events));
        check(
            &record,
            language("cargo", "a", "1.0.0"),
            &ScanVerdict::NotEvaluated(NotEvaluated::UnusableAdvisory {
                advisory: "RUSTSEC-1".to_owned(),
                reason: reason.to_owned(),
            }),
        );
    }
}

#[test]
fn an_advisory_in_doubt_beside_a_match_counts_as_one() {
    let bad = record("A", "npm", "a", &range("SEMVER", r#"{"introduced":"x"}"#));
    let good = record("B", "npm", "a", &range("SEMVER", r#"{"introduced":"0"}"#));
    let matches = found(verdict(&[&bad, &good], None, language("npm", "a", "1.0.0")));
    let reasons: Vec<_> = matches
        .iter()
        .map(|found| (found.advisory.id.as_str(), found.because.as_str(), &found.fix))
        .collect();
    assert_eq!(
        reasons,
        [
            (
                "A",
                "it can not be told, and so it counts: advisory A about it can not be evaluated: \
                 version `x` can not be read, as an npm version",
                &Fix::NoneKnown
            ),
            ("B", "introduced 0, no fix; 1.0.0 lies after", &Fix::NoneKnown),
        ]
    );
}

#[test]
fn withdrawn_informational_and_errata_are_no_vulnerabilities() {
    let events = range("SEMVER", r#"{"introduced":"0"}"#);
    let plain = record("R", "crates.io", "a", &events);
    let a = || language("cargo", "a", "1.0.0");
    assert_eq!(found(verdict(&[&plain], None, a())).len(), 1);
    let withdrawn = plain.replacen('{', r#"{"withdrawn":"2024-01-01T00:00:00Z","#, 1);
    let other = record("O", "crates.io", "other", &events);
    assert_eq!(verdict(&[&withdrawn, &other], None, a()), ScanVerdict::Clean);
    let informational = record(
        "R",
        "crates.io",
        "a",
        &format!(r#"{events},"database_specific":{{"informational":"unmaintained"}}"#),
    );
    check(&informational, a(), &ScanVerdict::Clean);
    let erratum = record(
        "ALBA-1",
        "AlmaLinux:8",
        "bash",
        &range("ECOSYSTEM", r#"{"introduced":"0"},{"fixed":"0:9-1"}"#),
    );
    assert_eq!(
        verdict(
            &[&erratum],
            Some(distribution("almalinux", Some("8.10"))),
            rpm_package("bash", "4-1.el8")
        ),
        ScanVerdict::Clean
    );
}

fn rpm_package(name: &str, version: &str) -> Component {
    component("pkg:rpm/almalinux/x", name, version)
}

#[test]
fn epochs_count() {
    let record = record(
        "ALSA-1",
        "AlmaLinux:8",
        "bind-libs",
        &range("ECOSYSTEM", r#"{"introduced":"0"},{"fixed":"32:9.11.36-8.el8"}"#),
    );
    let verdict =
        |package| verdict(&[&record], Some(distribution("almalinux", Some("8.10"))), package);
    assert_eq!(verdict(rpm_package("bind-libs", "32:9.11.36-16.el8")), ScanVerdict::Clean);
    assert_eq!(found(verdict(rpm_package("bind-libs", "32:9.11.36-7.el8"))).len(), 1);
    let with_epoch = |version| component("pkg:rpm/almalinux/x?epoch=32", "bind-libs", version);
    assert_eq!(verdict(with_epoch("9.11.36-16.el8")), ScanVerdict::Clean);
    assert_eq!(found(verdict(with_epoch("9.11.36-7.el8"))).len(), 1);
}

#[test]
fn a_module_build_is_not_judged_by_the_versions_of_other_streams() {
    let record = record(
        "ALSA-1",
        "AlmaLinux:8",
        "nodejs",
        &range(
            "ECOSYSTEM",
            r#"{"introduced":"0"},{"fixed":"1:14.18.2-2.module_el8.5.0+2618+8d46dafd"}"#,
        ),
    );
    let verdict = |version| {
        verdict(
            &[&record],
            Some(distribution("almalinux", Some("8.10"))),
            rpm_package("nodejs", version),
        )
    };
    assert_eq!(
        verdict("1:10.24.0-1.module_el8.3.0+2047+b07ac28e"),
        ScanVerdict::NotEvaluated(NotEvaluated::UnusableAdvisory {
            advisory: "ALSA-1".to_owned(),
            reason: "the stream of its module is not known".to_owned(),
        })
    );
    assert_eq!(verdict("1:10.24.0-1.el8"), ScanVerdict::Clean);
}

#[test]
fn streams_of_modules_are_told_apart() {
    let record = |id: &str, summary: &str, fixed: &str| {
        record(
            id,
            "AlmaLinux:8",
            "nodejs",
            &range("ECOSYSTEM", &format!(r#"{{"introduced":"0"}},{{"fixed":"{fixed}"}}"#)),
        )
        .replacen('{', &format!(r#"{{"summary":"{summary}","#), 1)
    };
    let of_14 = record(
        "ALSA-14",
        "Important: nodejs:14 security update",
        "1:14.18.2-2.module_el8.5.0+2618+8d46dafd",
    );
    let of_16 = record(
        "ALSA-16",
        "Important: nodejs:16 security update",
        "1:16.13.1-3.module_el8.5.0+2605+45d748af",
    );
    let verdict = |stream: &str, version: &str| {
        let purl = format!("pkg:rpm/almalinux/nodejs?rpmmod={stream}:8050:abc");
        verdict(
            &[&of_14, &of_16],
            Some(distribution("almalinux", Some("8.10"))),
            component(&purl, "nodejs", version),
        )
    };
    let ids = |verdict| -> Vec<String> {
        found(verdict).into_iter().map(|found| found.advisory.id).collect()
    };
    let old = ".module_el8.4.0+2521+c668cc9f";
    // Lower than the fix of nodejs:16, and not of that stream.
    assert_eq!(verdict("nodejs:14", &format!("1:14.18.2-3{old}")), ScanVerdict::Clean);
    assert_eq!(ids(verdict("nodejs:14", &format!("1:14.18.1-1{old}"))), ["ALSA-14"]);
    assert_eq!(ids(verdict("nodejs:16", &format!("1:16.9.0-1{old}"))), ["ALSA-16"]);
    assert_eq!(verdict("nodejs:18", &format!("1:10.1.0-1{old}")), ScanVerdict::Clean);
    let found = found(verdict("nodejs:16", &format!("1:16.9.0-1{old}")));
    let because = "introduced 0, fixed 1:16.13.1-3.module_el8.5.0+2605+45d748af; \
                   1:16.9.0-1.module_el8.4.0+2521+c668cc9f lies before, both of nodejs:16";
    assert_eq!(found[0].because, because);
    // Of no stream that the records name: whichever it is, a version after all fixes has them.
    assert_eq!(verdict("node:16", &format!("1:16.14.0-1{old}")), ScanVerdict::Clean);
    let in_doubt = |advisory: &str| {
        ScanVerdict::NotEvaluated(NotEvaluated::UnusableAdvisory {
            advisory: advisory.to_owned(),
            reason: "the stream of its module is not known".to_owned(),
        })
    };
    assert_eq!(verdict("node:14", &format!("1:14.18.2-3{old}")), in_doubt("ALSA-16"));
    assert_eq!(verdict("(none)", &format!("1:10.1.0-1{old}")), in_doubt("ALSA-14"));
}

/// The shape of ALSA-2021:0507, which names the builds of one release for 8.3, 8.4 and 8.5 as fixed.
#[test]
fn a_build_that_the_record_names_as_fixed_is_not_flawed_for_lying_before_a_later_build() {
    let record = |last: &str| {
        let fixed = ["-4.module_el8.3.0+2053+ac338b6d", "-4.module_el8.4.0+2266+ac338b6d", last];
        let affected = fixed.map(|fixed| {
            format!(
                r#"{{"package":{{"ecosystem":"AlmaLinux:8","name":"subversion-perl"}},"ranges":[{{"type":"ECOSYSTEM",
                    "events":[{{"introduced":"0"}},{{"fixed":"1.10.2{fixed}"}}]}}]}}"#
            )
        });
        let affected = affected.join(",");
        let summary = "Important: subversion:1.10 security update";
        format!(r#"{{"id":"ALSA-1","summary":"{summary}","affected":[{affected}]}}"#)
    };
    let verdict = |record: &str, purl: &str, version: &str| {
        let component = component(purl, "subversion-perl", version);
        verdict(&[record], Some(distribution("almalinux", Some("8.10"))), component)
    };
    let in_stream = "pkg:rpm/almalinux/subversion-perl?rpmmod=subversion:1.10:8:a";
    let same = record("-4.module_el8.5.0+73+aa7e29ed");
    for build in ["8.3.0+2053+ac338b6d", "8.4.0+2266+ac338b6d", "8.5.0+73+aa7e29ed"] {
        let version = format!("1.10.2-4.module_el{build}");
        assert_eq!(verdict(&same, in_stream, &version), ScanVerdict::Clean, "{build}");
        let untold = "pkg:rpm/almalinux/subversion-perl";
        assert_eq!(verdict(&same, untold, &version), ScanVerdict::Clean, "{build}");
    }
    // A build that is not named may lack what the others have.
    let unnamed = "1.10.2-4.module_el8.3.0+2052+ac338b6d";
    assert_eq!(found(verdict(&same, in_stream, unnamed)).len(), 1);
    // Another release has something that this one has not.
    let other = record("-5.module_el8.5.0+73+aa7e29ed");
    let named = "1.10.2-4.module_el8.3.0+2053+ac338b6d";
    let found = found(verdict(&other, in_stream, named));
    assert!(found[0].because.starts_with("introduced 0, fixed 1.10.2-5"), "{}", found[0].because);
    assert_eq!(found[0].fix.versions(), ["1.10.2-5.module_el8.5.0+73+aa7e29ed"]);
}

#[test]
fn a_record_about_the_package_outside_of_modules_says_nothing_of_a_stream() {
    let record = record(
        "ALSA-1",
        "AlmaLinux:9",
        "nodejs",
        &range("ECOSYSTEM", r#"{"introduced":"0"},{"fixed":"1:16.20.2-1.el9_2"}"#),
    );
    let verdict = |purl: &str| {
        verdict(
            &[&record],
            Some(distribution("almalinux", Some("9.4"))),
            component(purl, "nodejs", "1:16.1.0-1.module_el9.1.0+1"),
        )
    };
    assert_eq!(verdict("pkg:rpm/almalinux/nodejs?rpmmod=nodejs:18:9:a"), ScanVerdict::Clean);
    assert!(matches!(verdict("pkg:rpm/almalinux/nodejs"), ScanVerdict::NotEvaluated(_)));
}

#[test]
fn the_fix_is_known_since_the_oldest_record_that_names_one() {
    let dated = |id: &str, dates: &str, events: &str| {
        format!(
            r#"{{"id":"{id}","aliases":["CVE-1"],{dates}"affected":[{{"package":{{"ecosystem":"npm","name":"a"}},{}}}]}}"#,
            range("SEMVER", events)
        )
    };
    let open = dated("A-1", r#""published":"2020-01-01T00:00:00Z","#, r#"{"introduced":"0"}"#);
    let fixing = |id, dates| dated(id, dates, r#"{"introduced":"0"},{"fixed":"2.0.0"}"#);
    let late = fixing("B-1", r#""published":"2022-01-01T00:00:00Z","#);
    let early = fixing("C-1", r#""modified":"2021-01-01T00:00:00Z","#);
    let undated = fixing("D-1", "");
    let fix = |records: &[&str]| {
        let fix = found(verdict(records, None, language("npm", "a", "1.0.0"))).remove(0).fix;
        let since = fix.since().map(|since| (since.at.to_string(), since.dated));
        (fix.as_str(), since)
    };
    let of = |at: &str, dated| ("fixed", Some((at.to_owned(), dated)));
    let expect = of("2021-01-01T00:00:00Z", Dated::Modified);
    assert_eq!(fix(&[&open, &late, &early, &undated]), expect);
    assert_eq!(fix(&[&open, &late, &undated]), of("2022-01-01T00:00:00Z", Dated::Published));
    assert_eq!(fix(&[&open, &undated]), ("fixed", None));
    assert_eq!(fix(&[&open]), ("unknown", None));
}

#[test]
fn a_tracker_says_that_there_is_no_fix_yet() {
    let of = |events: &str| {
        let record = record("D-1", "Debian:12", "a", &range("ECOSYSTEM", events));
        let debian = Some(distribution("debian", Some("12")));
        found(verdict(&[&record], debian, deb("a", "1"))).remove(0).fix
    };
    assert_eq!(of(r#"{"introduced":"0"}"#), Fix::NotFixed { record: "D-1".to_owned() });
    assert_eq!(of(r#"{"introduced":"0"},{"last_affected":"1"}"#), Fix::NoneKnown);
}

const KEV: &str = "cveID,dateAdded,dueDate,knownRansomwareCampaignUse\r\nCVE-2024-0001,2024-02-01,2024-02-22,Known\r\n";
const EPSS: &str = "#model_version:v1,score_date:2026-11-20T12:00:00+0000\ncve,epss,percentile\n\
    CVE-2024-0001,0.5,0.9\nCVE-2024-0002,0.25,0.8\n";

#[test]
fn what_is_known_of_exploitation_comes_with_the_match() {
    let record = |id: &str, alias: &str| {
        record(id, "npm", "a", &range("SEMVER", r#"{"introduced":"0"}"#)).replacen(
            '{',
            &format!(r#"{{"aliases":["{alias}"],"#),
            1,
        )
    };
    let records =
        [record("A-1", "CVE-2024-0001"), record("A-2", "CVE-2024-0002"), record("Z-3", "X-3")];
    let entries: Vec<_> =
        records.iter().zip(["1", "2", "3"]).map(|(text, name)| (name, text.as_bytes())).collect();
    let entries: Vec<_> =
        entries.iter().map(|(name, text)| (format!("{name}.json"), *text)).collect();
    let entries: Vec<_> = entries.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let of = |lists: &[&str]| {
        let mut builder = builder();
        builder.import_zip_bytes("npm", &zip(&entries)).unwrap();
        for list in lists {
            builder.import_list_bytes("list", None, list.as_bytes()).unwrap();
        }
        let index = Index::from_bytes(builder.finish().unwrap()).unwrap();
        let inventory = Inventory::new(None, vec![language("npm", "a", "1.0.0")], vec![], vec![]);
        let found = found(scan(&inventory, &index).verdicts.remove(0));
        let told =
            |found: &Match| (found.exploitation, found.prediction.map(|found| found.probability));
        found.iter().map(told).collect::<Vec<_>>()
    };
    let known = Exploitation::Known(risk::KnownExploited {
        added: Some(jiff::civil::date(2024, 2, 1)),
        due: Some(jiff::civil::date(2024, 2, 22)),
        ransomware: risk::Ransomware::Known,
    });
    assert_eq!(
        of(&[KEV, EPSS]),
        [
            (known, Some(0.5)),
            (Exploitation::NotListed, Some(0.25)),
            (Exploitation::NotListed, None),
        ]
    );
    assert_eq!(of(&[]), [(Exploitation::NoCatalog, None); 3]);
}

#[test]
fn a_database_can_say_that_there_will_be_no_fix() {
    let of = |remark: &str, events: &str| {
        let rest = format!(r#"{},"ecosystem_specific":{{{remark}}}"#, range("ECOSYSTEM", events));
        let record = record("D-1", "Debian:12", "a", &rest);
        let debian = Some(distribution("debian", Some("12")));
        found(verdict(&[&record], debian, deb("a", "1"))).remove(0).fix
    };
    let open = r#"{"introduced":"0"}"#;
    let wont = Fix::WontFix { record: "D-1".to_owned() };
    assert_eq!(of(r#""urgency":"end-of-life""#, open), wont);
    assert_eq!(of(r#""fix_state":"Will not fix""#, open), wont);
    let not_yet = Fix::NotFixed { record: "D-1".to_owned() };
    assert_eq!(of(r#""urgency":"low""#, open), not_yet);
    let ends = r#"{"introduced":"0"},{"last_affected":"1"}"#;
    assert_eq!(of(r#""fix_state":"Affected""#, ends), not_yet);
    // A version that has the fix is there, whatever else is said.
    let fixed = of(r#""urgency":"end-of-life""#, r#"{"introduced":"0"},{"fixed":"2"}"#);
    assert_eq!(fixed.versions(), ["2"]);
}

#[test]
fn every_severity_is_kept_and_the_one_that_counts_stands_first() {
    let severities = r#""severity":[{"type":"CVSS_V2","score":"AV:N/AC:L/Au:N/C:P/I:P/A:P"},
        {"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"}],
        "database_specific":{"severity":"CRITICAL"},"aliases":["CVE-1"],"#;
    let events = range("SEMVER", r#"{"introduced":"0"}"#);
    let first = record("A-1", "npm", "a", &events).replacen('{', &format!("{{{severities}"), 1);
    let second = record("B-1", "npm", "a", &events).replacen(
        '{',
        r#"{"aliases":["CVE-1"],"database_specific":{"severity":"LOW"},"#,
        1,
    );
    let found = found(verdict(&[&first, &second], None, language("npm", "a", "1.0.0"))).remove(0);
    let told: Vec<_> = found
        .ratings
        .all
        .iter()
        .map(|rating| (rating.source.as_str(), rating.kind.as_str(), rating.severity, rating.score))
        .collect();
    assert_eq!(
        told,
        [
            ("A-1", "CVSS_V3", Severity::Medium, Some(5.3)),
            ("A-1", "severity", Severity::Critical, None),
            ("A-1", "CVSS_V2", Severity::High, Some(7.5)),
            ("B-1", "severity", Severity::Low, None),
        ]
    );
    assert_eq!(found.ratings.choice, Choice::NewestCvss);
    assert_eq!(found.advisory.severity, Severity::Medium);
}

fn go_record(id: &str, alias: &str, imports: &str) -> String {
    let rest = format!(
        r#"{},"ecosystem_specific":{{"imports":[{imports}]}}"#,
        range("SEMVER", r#"{"introduced":"0"},{"fixed":"0.7.0"}"#)
    );
    record(id, "Go", "golang.org/x/net", &rest).replacen(
        '{',
        &format!(r#"{{"aliases":["{alias}"],"#),
        1,
    )
}

fn x_net(version: &str, packages: Option<&str>) -> Component {
    let mut module = language("golang", "golang.org/x/net", version);
    let packages = packages.map(|packages| ("plimsoll:go:packages".into(), packages.into()));
    module.properties.extend(packages);
    module
}

#[test]
fn a_program_has_the_flaws_of_the_packages_that_it_links() {
    let http2 = r#"{"path":"golang.org/x/net/http2"},{"path":"golang.org/x/net/http2/hpack"}"#;
    let go = go_record("GO-1", "CVE-1", http2);
    let of = |version, packages| verdict(&[&go], None, x_net(version, packages));
    let linked = "golang.org/x/net/html,golang.org/x/net/http2";
    let matched = found(of("v0.1.0", Some(linked))).remove(0);
    assert_eq!(matched.evidence, [MatchEvidence::Links("golang.org/x/net/http2".to_owned())]);
    assert_eq!(of("v0.1.0", Some("golang.org/x/net/html")), ScanVerdict::Clean);
    assert_eq!(of("v0.7.0", Some(linked)), ScanVerdict::Clean);
    // Of a lock file it is not known what is linked.
    assert_eq!(found(of("v0.1.0", None)).remove(0).evidence, []);
}

#[test]
fn a_record_without_packages_does_not_bring_back_what_is_not_linked() {
    let go = go_record("GO-1", "CVE-1", r#"{"path":"golang.org/x/net/http2"}"#);
    let ghsa = go_record("GHSA-1", "CVE-1", "");
    let other = go_record("GHSA-2", "CVE-2", "");
    let of = |records: &[&str], packages| verdict(records, None, x_net("v0.1.0", Some(packages)));
    let html = "golang.org/x/net/html";
    assert_eq!(of(&[&go, &ghsa], html), ScanVerdict::Clean);
    assert_eq!(found(of(&[&go, &ghsa, &other], html)).len(), 1);
    assert_eq!(found(of(&[&ghsa], html)).len(), 1);
    assert_eq!(found(of(&[&go, &ghsa], "golang.org/x/net/http2")).len(), 1);
    // One record of the flaw names what is linked, another what is not.
    let also = go_record("GO-2", "CVE-1", r#"{"path":"golang.org/x/net/html"}"#);
    assert_eq!(found(of(&[&go, &also, &ghsa], html)).len(), 1);
}

#[test]
fn where_a_component_was_found_is_evidence() {
    let record = record("D-1", "npm", "a", &range("SEMVER", r#"{"introduced":"0"}"#));
    let mut component = language("npm", "a", "1.0.0");
    let location = plimsoll_model::component::Location {
        path: plimsoll_model::TreePath::parse(b"app/package.json").unwrap(),
        inside: String::new(),
        layer: Some(plimsoll_model::Digest::of(b"layer")),
    };
    component.locations.push(location.clone());
    let found = found(verdict(&[&record], None, component)).remove(0);
    assert_eq!(found.evidence, [MatchEvidence::File(location)]);
}

#[test]
fn one_flaw_is_one_match_with_all_ids_the_worst_severity_and_every_fix() {
    let with = |id: &str, aliases: &str, severity: &str, fix: &str| {
        format!(
            r#"{{"id":"{id}","aliases":[{aliases}],"database_specific":{{"severity":"{severity}"}},"affected":[
            {{"package":{{"ecosystem":"npm","name":"a"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"{fix}"}}]}}]}}]}}"#
        )
    };
    let records = [
        with("A-1", r#""GHSA-1""#, "LOW", "3.0.0"),
        with("B-1", r#""CVE-2024-1""#, "HIGH", "2.0.0"),
        // Known to be the same as both only through this one, which is about another package.
        r#"{"id":"GHSA-1","aliases":["CVE-2024-1"]}"#.to_owned(),
        with("C-1", "", "MODERATE", "10.0.0"),
    ];
    let records: Vec<_> = records.iter().map(String::as_str).collect();
    let matches = found(verdict(&records, None, language("npm", "a", "1.0.0")));
    assert_eq!(matches.len(), 2);
    let [other, one] = matches.as_slice() else { panic!() };
    assert_eq!(other.advisory.id, "C-1");
    assert_eq!(other.advisory.severity, Severity::Medium);
    assert_eq!(one.advisory.id, "B-1");
    assert_eq!(one.advisory.aliases, ["A-1", "CVE-2024-1", "GHSA-1"]);
    assert_eq!(one.advisory.severity, Severity::High);
    assert_eq!(one.fix.versions(), fixed(&["2.0.0", "3.0.0"]));
    assert_eq!(
        one.because,
        "B-1: introduced 0, fixed 2.0.0; 1.0.0 lies before; A-1: introduced 0, fixed 3.0.0; 1.0.0 lies before"
    );
}

#[test]
fn an_erratum_for_several_flaws_is_one_match_for_each() {
    let erratum = |id: &str, related: &str| {
        record(
            id,
            "AlmaLinux:8",
            "bash",
            &range("ECOSYSTEM", r#"{"introduced":"0"},{"fixed":"9-1.el8"}"#),
        )
        .replacen(
            '{',
            &format!(r#"{{"summary":"Important: bash","related":[{related}],"#),
            1,
        )
    };
    let records = [
        erratum("ALSA-1", r#""CVE-2024-1","CVE-2024-2""#),
        erratum("ALSA-2", r#""CVE-2024-2","CVE-2024-3""#),
        erratum("ALSA-3", r#""CVE-2024-3""#),
    ];
    let records: Vec<_> = records.iter().map(String::as_str).collect();
    let matches = found(verdict(
        &records,
        Some(distribution("almalinux", Some("8.10"))),
        rpm_package("bash", "4-1.el8"),
    ));
    let ids: Vec<Vec<&str>> = matches
        .iter()
        .map(|found| {
            std::iter::once(found.advisory.id.as_str())
                .chain(found.advisory.aliases.iter().map(String::as_str))
                .collect()
        })
        .collect();
    assert_eq!(
        ids,
        [
            vec!["ALSA-1", "CVE-2024-1"],
            vec!["ALSA-1", "ALSA-2", "CVE-2024-2"],
            vec!["ALSA-2", "ALSA-3", "CVE-2024-3"],
        ]
    );
    assert!(matches.iter().all(|found| found.advisory.severity == Severity::High));
}

#[test]
fn the_severity_of_a_package_goes_before_that_of_its_record() {
    let record = record(
        "G",
        "npm",
        "a",
        &format!(
            r#"{},"severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"}}]"#,
            range("SEMVER", r#"{"introduced":"0"}"#)
        ),
    )
    .replacen('{', r#"{"database_specific":{"severity":"CRITICAL"},"#, 1);
    let matches = found(verdict(&[&record], None, language("npm", "a", "1.0.0")));
    assert_eq!(matches[0].advisory.severity, Severity::Medium);
}

#[test]
fn malware_is_malware() {
    let record = record("MAL-2024-1", "npm", "a", r#""versions":["1.0.0"]"#);
    let matches = found(verdict(&[&record], None, language("npm", "a", "1.0.0")));
    assert_eq!(matches[0].advisory.class, AdvisoryClass::Malware);
}

#[test]
fn files_of_a_distribution_are_judged_by_it() {
    let record = record(
        "PYSEC-1",
        "PyPI",
        "urllib3",
        &range("ECOSYSTEM", r#"{"introduced":"0"},{"fixed":"2"}"#),
    );
    let mut owned = language("pypi", "urllib3", "1.24.2");
    let inventory = |owned: &Component, owner: Component| {
        Inventory::new(
            Some(distribution("debian", Some("12"))),
            vec![owner, owned.clone()],
            vec![],
            vec![],
        )
    };
    owned.owned_by = Some(ComponentId(0));
    let by_deb = scan(&inventory(&owned, deb("python-urllib3", "1.24.2-1")), &index(&[&record]));
    assert_eq!(
        by_deb.verdicts,
        [
            ScanVerdict::NotEvaluated(NotEvaluated::NoAdvisories {
                ecosystem: "Debian:12".to_owned()
            }),
            ScanVerdict::JudgedAs(ComponentId(0)),
        ]
    );
    // A distribution that never spoke of the package, because it is not its own, does not judge what is in it.
    let debian = |name| {
        let range = range("ECOSYSTEM", r#"{"introduced":"0"},{"fixed":"1"}"#);
        self::record("DEBIAN-1", "Debian:12", name, &range)
    };
    let vendor = inventory(&owned, deb("vendor-app", "2"));
    let silent = scan(&vendor, &index(&[&record, &debian("other")]));
    assert_eq!(found(silent.verdicts[1].clone()).len(), 1);
    let spoken = scan(&vendor, &index(&[&record, &debian("vendor-app")]));
    assert_eq!(spoken.verdicts, [ScanVerdict::Clean, ScanVerdict::JudgedAs(ComponentId(0))]);
    // Only a distribution judges for others.
    let by_npm = scan(&inventory(&owned, language("npm", "x", "1.0.0")), &index(&[&record]));
    assert_eq!(found(by_npm.verdicts[1].clone()).len(), 1);
}

#[test]
fn names_and_ecosystems_are_written_in_one_way_in_the_index_and_in_the_inventory() {
    let events = range("ECOSYSTEM", r#"{"introduced":"0"},{"fixed":"2.0"}"#);
    let because = "introduced 0, fixed 2.0; 1.0 lies before";
    let component = |purl: &str, name: &str| component(purl, name, "1.0");
    for (ecosystem, name, component) in [
        ("NuGet", "Acme.JSON", component("pkg:nuget/acme.Json", "acme.Json")),
        ("Packagist", "Acme/Tool", component("pkg:composer/acme/tool", "acme/Tool")),
        ("Packagist:https://packages.drupal.org/8", "a/b", component("pkg:composer/a/b", "a/b")),
        ("Maven:https://maven.google.com", "g:a", component("pkg:maven/g/a", "g:a")),
        ("SwiftURL", "https://github.com/A/b.git", component("pkg:swift/github.com/a/B", "a/B")),
    ] {
        let record = record("N", ecosystem, name, &events);
        check_found(&record, component, because, &fixed(&["2.0"]));
    }
}

#[test]
fn kinds_and_ecosystems_without_data_are_not_clean() {
    let record = record("N", "npm", "a", &range("SEMVER", r#"{"introduced":"0"}"#));
    check(
        &record,
        language("cargo", "a", "1.0.0"),
        &ScanVerdict::NotEvaluated(NotEvaluated::NoAdvisories {
            ecosystem: "crates.io".to_owned(),
        }),
    );
    check(
        &record,
        language("luarocks", "a", "1.0.0"),
        &ScanVerdict::NotEvaluated(NotEvaluated::UnsupportedKind { kind: "luarocks".to_owned() }),
    );
}

#[test]
fn the_stamp_tells_what_the_index_was_made_of() {
    let mut builder = builder();
    let records = [
        record("A", "Debian:12", "a", r#""versions":["1"]"#),
        record("B", "Debian:11", "a", r#""versions":["1"]"#),
        record("C", "npm", "a", r#""versions":["1"]"#),
    ];
    let withdrawn = r#"{"id":"W","withdrawn":"2024-01-01T00:00:00Z"}"#;
    let bytes = zip(&[
        ("A.json", records[0].as_bytes()),
        ("B.json", records[1].as_bytes()),
        ("C.json", records[2].as_bytes()),
        ("W.json", withdrawn.as_bytes()),
        ("X.json", b"{}"),
    ]);
    let imported = builder.import_zip_bytes("Debian", &bytes).unwrap();
    assert_eq!((imported.records, imported.skipped_withdrawn), (3, 1));
    assert_eq!(imported.unreadable[0].name, "X.json");
    // The same again changes nothing.
    builder.import_zip_bytes("Debian", &bytes).unwrap();
    let index = Index::from_bytes(builder.finish().unwrap()).unwrap();
    assert_eq!(index.len(), 3);
    let source = |ecosystem: &str, records, unreadable| SourceStamp {
        kind: SourceKind::Advisories,
        ecosystem: ecosystem.to_owned(),
        from: None,
        records,
        unreadable,
        newest: Some("2024-01-01T00:00:00Z".parse().unwrap()),
        fetched: NOW.parse().unwrap(),
    };
    let digest = index.stamp().digest;
    assert_eq!(
        index.stamp(),
        &IndexStamp {
            digest,
            built: NOW.parse().unwrap(),
            sources: vec![source("Debian", 2, 1), source("npm", 1, 0)],
        }
    );
    index.verify().unwrap();
}

#[test]
fn of_several_copies_the_newest_counts_and_equals_are_put_together() {
    let copy = |modified: &str, ecosystem: &str, fix: &str| {
        record(
            "ALSA-1",
            ecosystem,
            "bash",
            &range("ECOSYSTEM", &format!(r#"{{"introduced":"0"}},{{"fixed":"{fix}"}}"#)),
        )
        .replace("2024-01-01", modified)
    };
    let old = copy("2024-01-01", "AlmaLinux:8", "9-1");
    let new = copy("2024-02-01", "AlmaLinux:8", "3-1");
    let nine = copy("2024-01-15", "AlmaLinux:9", "9-1");
    let bash = || rpm_package("bash", "4-1");
    for records in [[&old, &new, &nine], [&nine, &new, &old], [&new, &old, &nine]] {
        let records: Vec<_> = records.iter().map(|record| record.as_str()).collect();
        assert_eq!(
            verdict(&records, Some(distribution("almalinux", Some("8.10"))), bash()),
            ScanVerdict::Clean
        );
        let nine = distribution("almalinux", Some("9.4"));
        assert_eq!(found(verdict(&records, Some(nine), bash())).len(), 1);
    }
    let withdrawn = copy("2024-03-01", "AlmaLinux:8", "9-1").replacen(
        '{',
        r#"{"withdrawn":"2024-03-01T00:00:00Z","#,
        1,
    );
    assert!(index(&[&old, &withdrawn, &nine]).is_empty());
}

#[test]
fn the_same_records_in_any_order_give_the_same_bytes() {
    let a = record("A", "npm", "a", r#""versions":["1"]"#);
    let b = record("B", "npm", "a", r#""versions":["1"]"#);
    assert_eq!(index_bytes(&[&a, &b]), index_bytes(&[&b, &a]));
    assert_ne!(index_bytes(&[&a, &b]), index_bytes(&[&a]));
}

/// An index of a few records of every kind, and an inventory that some of them are about.
fn sample() -> (Vec<u8>, Inventory) {
    let records = [
        record("PYSEC-1", "PyPI", "a", r#""versions":["1.0","2.0"]"#).replacen(
            '{',
            r#"{"aliases":["CVE-1"],"#,
            1,
        ),
        record("D-1", "Debian:12", "z", &range("ECOSYSTEM", r#"{"introduced":"0"},{"fixed":"2"}"#)),
        record("D-2", "Debian:12", "y", &range("ECOSYSTEM", r#"{"introduced":"0"},{"fixed":"2"}"#)),
    ];
    let records: Vec<_> = records.iter().map(String::as_str).collect();
    let components = vec![
        language("pypi", "a", "1.0"),
        language("pypi", "b", "1.0"),
        deb("z", "1"),
        deb("y", "3"),
    ];
    (
        index_bytes(&records),
        Inventory::new(Some(distribution("debian", Some("12"))), components, vec![], vec![]),
    )
}

#[test]
fn an_index_that_is_cut_anywhere_is_an_error() {
    let (bytes, _) = sample();
    assert!(Index::from_bytes(bytes.clone()).is_ok());
    for length in 0..bytes.len() {
        let error = Index::from_bytes(bytes[..length].to_vec()).unwrap_err();
        let expect = if length < 8 { "NotAnIndex" } else { "Truncated" };
        assert!(format!("{error:?}").starts_with(expect), "{length}: {error:?}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(Index::from_bytes(longer), Err(Error::Truncated { .. })));
}

#[test]
fn an_index_with_any_bit_flipped_never_answers_otherwise_and_never_verifies() {
    let (bytes, inventory) = sample();
    let index = Index::from_bytes(bytes.clone()).unwrap();
    index.verify().unwrap();
    let expect = scan(&inventory, &index).verdicts;
    for at in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        let Ok(index) = Index::from_bytes(flipped) else { continue };
        assert!(matches!(index.verify(), Err(Error::DigestMismatch { .. })), "bit {at}");
        for (found, expect) in scan(&inventory, &index).verdicts.iter().zip(&expect) {
            let is_refused =
                matches!(found, ScanVerdict::NotEvaluated(NotEvaluated::UnusableAdvisory { .. }));
            assert!(found == expect || is_refused, "bit {at}: {found:?}");
        }
    }
}

#[test]
fn other_formats_are_told_apart() {
    let (mut bytes, _) = sample();
    bytes[8] = 0;
    assert!(matches!(
        Index::from_bytes(bytes.clone()),
        Err(Error::OlderFormat { found: 0, expected: FORMAT })
    ));
    bytes[8] = u8::try_from(FORMAT).unwrap() + 1;
    assert!(matches!(
        Index::from_bytes(bytes.clone()),
        Err(Error::NewerFormat { found, expected: FORMAT }) if found == FORMAT + 1
    ));
    bytes[0] = b'P';
    assert!(matches!(Index::from_bytes(bytes), Err(Error::NotAnIndex)));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(500))]

    /// Tables, rows and details that are valid to the checksums and still hold anything.
    #[test]
    fn bytes_that_pass_the_checksums_never_panic(
        noise in proptest::collection::vec((proptest::prelude::any::<u16>(), proptest::prelude::any::<u8>()), 1..8)
    ) {
        let (mut bytes, inventory) = sample();
        for (at, value) in noise {
            let at = 80 + usize::from(at) % (bytes.len() - 80);
            bytes[at] = value;
        }
        let tables = u32::from_le_bytes(bytes[12..16].try_into().unwrap());
        let tables = usize::try_from(tables).unwrap();
        let checksum = crate::index::crc(&[&bytes[..44], &bytes[80..80 + tables]]);
        bytes[44..48].copy_from_slice(&checksum.to_le_bytes());
        if let Ok(index) = Index::from_bytes(bytes) {
            let verdicts = scan(&inventory, &index).verdicts;
            proptest::prop_assert_eq!(verdicts.len(), inventory.components().len());
        }
    }
}
