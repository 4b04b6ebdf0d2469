//! The lists from bytes to answers.

use super::*;
use crate::{
    Index,
    testing::{NOW, builder},
};
use jiff::civil::{Date, date};
use std::io::Write as _;

const KEV: &str = "cveID,vendorProject,dateAdded,shortDescription,dueDate,knownRansomwareCampaignUse\r\n\
    CVE-2021-44228,Apache,2021-12-10,\"a \"\"b\"\",\nc\",2021-12-24,Known\r\n\
    CVE-2024-0001,X,2024-02-01,,,Unknown\r\n\
    CVE-2024-0002,X,yesterday,,,Unknown\r\n\
    not-a-cve,X,2024-02-01,,,Unknown\r\n";
const KEV_JSON: &str = r#"{"title":"CISA","catalogVersion":"2026.11.25","dateReleased":"2026-11-25T18:00:00.5Z","count":1,
    "vulnerabilities":[{"cveID":"CVE-2021-44228","dateAdded":"2021-12-10","dueDate":"2021-12-24",
    "knownRansomwareCampaignUse":"Known","cwes":["CWE-20"]},{"cveID":7}]}"#;
const EPSS: &str = "#model_version:v2025.03.14,score_date:2026-11-25T12:55:00+0000\n\
    cve,epss,percentile\nCVE-1999-0001,0.01297,0.79211\nCVE-2021-44228,1.0,1\nCVE-2021-44301,4.3e-4,0.5\n";
const DEBIAN: &str = "version,codename,series,created,release,eol,eol-lts,eol-elts\n\
    12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-06-10,2028-06-30,2033-06-30\n\
    13,Trixie,trixie,2023-06-10\n,Sid,sid,1993-08-16\n";
const UBUNTU: &str = "version,codename,series,created,release,eol,eol-server,eol-esm\n\
    24.04 LTS,Noble Numbat,noble,2023-10-26,2024-04-25,2029-05-31,2029-05-31,2034-04-25\n";

fn index(lists: &[&[u8]]) -> (Index, Vec<Imported>) {
    let mut builder = builder();
    let imported = lists
        .iter()
        .map(|list| builder.import_list_bytes("list", Some("https://example"), list).unwrap())
        .collect();
    (Index::from_bytes(builder.finish().unwrap()).unwrap(), imported)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what is found")]
fn known(added: Option<Date>, due: Option<Date>, ransomware: Ransomware) -> Option<Exploited> {
    Some(Exploited { added, due, ransomware })
}

#[test]
fn the_catalog_is_read_and_a_flaw_without_a_readable_date_is_exploited_all_the_same() {
    let (index, imported) = index(&[KEV.as_bytes()]);
    let log4shell = known(Some(date(2021, 12, 10)), Some(date(2021, 12, 24)), Ransomware::Known);
    assert_eq!(index.exploited("CVE-2021-44228").unwrap(), log4shell);
    assert_eq!(
        index.exploited("cve-2024-0001").unwrap(),
        known(Some(date(2024, 2, 1)), None, Ransomware::Unknown)
    );
    assert_eq!(index.exploited("CVE-2024-0002").unwrap(), known(None, None, Ransomware::Unknown));
    for id in ["CVE-2024-0003", "CVE-2021-44229", "GHSA-x", ""] {
        assert_eq!(index.exploited(id).unwrap(), None, "{id}");
    }
    let names: Vec<_> = imported[0].unreadable.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["line 5", "line 6"]);
}

#[test]
fn the_stamp_of_a_list_says_what_it_is_and_what_is_missing() {
    let (index, _) = index(&[KEV.as_bytes()]);
    let stamp = &index.stamp().sources[0];
    assert_eq!(
        (stamp.kind, stamp.ecosystem.as_str(), stamp.records, stamp.unreadable),
        (SourceKind::Exploited, "CISA KEV", 3, 2)
    );
    assert_eq!(stamp.newest, Some("2024-02-01T00:00:00Z".parse().unwrap()));
    assert_eq!(stamp.from.as_deref(), Some("https://example"));
    assert_eq!(stamp.fetched, NOW.parse().unwrap());
    assert_eq!(index.unreadable()[0].source, "CISA KEV");
    assert_eq!(index.unreadable()[0].first[1].reason, "its id is not that of a CVE");
    assert!(index.has_source(SourceKind::Exploited));
    assert!(!index.has_source(SourceKind::Predictions));
    assert!(index.is_empty());
}

#[test]
fn the_catalog_as_json_says_the_same() {
    let (json, imported) = index(&[KEV_JSON.as_bytes()]);
    let (csv, _) = index(&[KEV.as_bytes()]);
    let id = "CVE-2021-44228";
    assert_eq!(json.exploited(id).unwrap(), csv.exploited(id).unwrap());
    assert_eq!(imported[0].unreadable[0].name, "entry 2");
    assert_eq!(json.stamp().sources[0].newest, Some("2026-11-25T18:00:00.5Z".parse().unwrap()));
}

#[test]
fn scores_are_read_compressed_or_not_with_their_model() {
    for bytes in [EPSS.as_bytes().to_vec(), gzip(EPSS)] {
        let (index, imported) = index(&[&bytes]);
        assert_eq!(imported[0].unreadable, []);
        let expect = |probability, percentile| {
            let scored = Some("2026-11-25T12:55:00Z".parse().unwrap());
            Some(Prediction { probability, percentile, model: "v2025.03.14", scored })
        };
        assert_eq!(index.epss("CVE-1999-0001").unwrap(), expect(0.01297, 0.79211));
        assert_eq!(index.epss("CVE-2021-44228").unwrap(), expect(1.0, 1.0));
        assert_eq!(index.epss("CVE-2021-44301").unwrap(), expect(0.000_43, 0.5));
        assert_eq!(index.epss("CVE-2021-44300").unwrap(), None);
        assert_eq!(index.stamp().sources[0].newest, expect(0.0, 0.0).unwrap().scored);
    }
}

#[test]
fn scores_that_are_none_are_named() {
    for row in [
        "CVE-1999-0001,1.1,0",
        "CVE-1999-0001,-0.1,0",
        "CVE-1999-0001,NaN,0",
        "X,0,0",
        "CVE-1999-0001,0",
        "a,b,c,d",
    ] {
        let text = format!("{EPSS}{row}\n");
        let (index, imported) = index(&[text.as_bytes()]);
        let names: Vec<_> = imported[0].unreadable.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["line 6"], "{row}");
        assert_eq!(index.stamp().sources[0].unreadable, 1);
    }
    let (_, imported) = index(&[b"cve,epss,percentile\nCVE-1999-0001,0.1,0.2\n"]);
    assert_eq!(imported[0].unreadable[0].reason, "the date of the scores can not be read");
}

#[test]
fn of_two_days_the_newer_scores_count_in_any_order() {
    let older = EPSS.replace("2026-11-25", "2026-11-24").replace("0.01297", "0.5");
    for lists in [[EPSS, &older], [&older, EPSS]] {
        let (index, _) = index(&lists.map(str::as_bytes));
        assert!(
            (index.epss("CVE-1999-0001").unwrap().unwrap().probability - 0.01297).abs() < 1e-12
        );
        assert_eq!(index.stamp().sources.len(), 1);
    }
}

#[test]
fn releases_are_known_by_number_and_by_name() {
    let (index, imported) = index(&[DEBIAN.as_bytes(), UBUNTU.as_bytes()]);
    assert_eq!((imported[0].records, imported[1].records), (3, 1));
    let bookworm = Lifetime {
        series: "bookworm",
        released: Some(date(2023, 6, 10)),
        end: Some(date(2026, 6, 10)),
        extended: vec![("lts", date(2028, 6, 30)), ("elts", date(2033, 6, 30))],
    };
    for version in ["12", "bookworm"] {
        assert_eq!(index.end_of_life("debian", version).unwrap().as_ref(), Some(&bookworm));
    }
    let sid = index.end_of_life("debian", "sid").unwrap().unwrap();
    assert_eq!((sid.end, sid.released), (None, None));
    let noble = index.end_of_life("ubuntu", "24.04").unwrap().unwrap();
    assert_eq!((noble.series, noble.end), ("noble", Some(date(2029, 5, 31))));
    assert_eq!(noble.extended[1], ("esm", date(2034, 4, 25)));
    for (distribution, version) in [("ubuntu", "12"), ("debian", ""), ("debian", "1")] {
        assert_eq!(index.end_of_life(distribution, version).unwrap(), None);
    }
    let names: Vec<_> =
        index.stamp().sources.iter().map(|source| source.ecosystem.as_str()).collect();
    assert_eq!(names, ["distro-info debian", "distro-info ubuntu"]);
    let broken = format!("{DEBIAN}9,X,x,soon,2017-06-17,never\n9,X\n");
    let list = List::read("x", broken.as_bytes()).unwrap().unwrap();
    let names: Vec<_> = list.unreadable.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["line 5", "line 6"]);
}

#[test]
fn what_is_no_list_is_refused() {
    let read = |bytes: &[u8]| builder().import_list_bytes("x", None, bytes).unwrap_err();
    for bytes in [
        &b""[..],
        b"<html>",
        b"\xff\xfe",
        b"{}",
        br#"{"vulnerabilities":[]}"#,
        b"a,b\n1,2\n",
        b"#comment",
    ] {
        assert!(matches!(read(bytes), Error::UnknownList { .. }), "{bytes:?}");
    }
    let empty = br#"{"catalogVersion":"1","vulnerabilities":[]}"#;
    for bytes in
        [&empty[..], b"cveID,dateAdded\n", b"version,codename,series,created,release,eol,eol-lts\n"]
    {
        assert!(matches!(read(bytes), Error::EmptyList { .. }), "{bytes:?}");
    }
    let whole = gzip(EPSS);
    for length in 2..whole.len() {
        assert!(matches!(read(&whole[..length]), Error::List { .. }), "{length}");
    }
}

#[test]
fn every_flipped_bit_in_the_lists_is_an_error_or_the_same_answer() {
    let mut builder = builder();
    for list in [KEV, EPSS, DEBIAN] {
        builder.import_list_bytes("list", None, list.as_bytes()).unwrap();
    }
    let bytes = builder.finish().unwrap();
    let answers = |index: &Index| {
        let prediction = index.epss("CVE-2021-44228")?.map(|found| found.probability.to_bits());
        let end = index.end_of_life("debian", "12")?.and_then(|found| found.end);
        Ok::<_, Error>((index.exploited("CVE-2021-44228")?, prediction, end))
    };
    let expect = answers(&Index::from_bytes(bytes.clone()).unwrap()).unwrap();
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 1 << (at % 8);
        let Ok(index) = Index::from_bytes(broken) else { continue };
        assert!(index.verify().is_err(), "{at}");
        if let Ok(found) = answers(&index) {
            assert_eq!(found, expect, "{at}");
        }
    }
}

#[test]
fn a_record_can_not_pass_for_an_entry_of_a_list() {
    let record = r#"{"id":"X","affected":[{"package":{"ecosystem":"","name":"pCVE"},"versions":["1"]},
        {"package":{"ecosystem":"\u00ffk","name":"x"},"versions":["1"]}]}"#;
    let mut builder = builder();
    builder.import_list_bytes("list", None, KEV.as_bytes()).unwrap();
    let bytes = crate::testing::zip(&[("X.json", record.as_bytes())]);
    builder.import_zip_bytes("x", &bytes).unwrap();
    let index = Index::from_bytes(builder.finish().unwrap()).unwrap();
    assert_eq!(index.rows("", "pCVE").unwrap().len(), 1);
    assert!(index.exploited("CVE-2021-44228").unwrap().is_some());
}
