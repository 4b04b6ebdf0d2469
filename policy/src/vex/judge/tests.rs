//! What statements come to, by way of a decision.

use super::*;
use crate::{
    Decision, Verdict,
    rules::testing::{Case, digest, found, now},
};
use plimsoll_model::Severity;
use serde_json::{Value, json};

const LIB: &str = "pkg:deb/debian/lib@1?arch=amd64";

fn case() -> Case {
    Case::default().matched(LIB, found("CVE-1", Severity::Critical))
}

fn statement(id: &str, product: &str, status: &str) -> Value {
    json!({ "vulnerability": { "name": id }, "products": [{ "@id": product }], "status": status,
        "justification": "vulnerable_code_not_present", "action_statement": "wait" })
}

fn document(author: &str, timestamp: &str, statements: &[Value]) -> Value {
    json!({ "@context": "https://openvex.dev/ns/v0.2.0", "@id": format!("{author} {timestamp}"), "author": author,
        "version": 1, "timestamp": timestamp, "statements": statements })
}

fn of(statements: &[Value]) -> Value {
    document("a@corp", "2026-06-01T00:00:00Z", statements)
}

fn uses(decision: &Decision) -> Vec<String> {
    decision.vex().iter().map(|usage| usage.usage.to_string()).collect()
}

#[track_caller]
fn check(case: &Case, verdict: Verdict, expect: &[&str]) {
    let decision = case.decide();
    assert_eq!(
        (decision.verdict(), uses(&decision)),
        (verdict, expect.iter().map(|s| (*s).to_owned()).collect())
    );
}

#[test]
fn a_statement_clears_the_match_and_stays_visible() {
    check(&case(), Verdict::Blocked, &[]);
    let cleared = case().vex(&of(&[statement("CVE-1", LIB, "not_affected")]));
    check(&cleared, Verdict::Pass, &["applied to 1 matches"]);
    let judged = cleared.findings("VUL-002");
    assert_eq!(judged.len(), 1);
    assert!(!judged[0].is_blocking() && judged[0].exception.is_none());
    let by = judged[0].cleared.as_ref().unwrap();
    assert_eq!(
        (by.author.as_str(), by.at.as_str(), by.status),
        ("a@corp", "statements[0]", Status::NotAffected)
    );
    assert_eq!(by.reason(), "vulnerable_code_not_present");
    check(
        &case().vex(&of(&[statement("cve-1", LIB, "fixed")])),
        Verdict::Pass,
        &["applied to 1 matches"],
    );
}

#[test]
fn what_does_not_clear_blocks_on() {
    let nothing = "nothing aboard is what it is about";
    for (id, product, status, expect) in [
        ("CVE-1", LIB, "affected", "applied to 1 matches"),
        ("CVE-1", LIB, "under_investigation", "applied to 1 matches"),
        ("CVE-2", LIB, "not_affected", nothing),
        ("CVE-11", LIB, "not_affected", nothing),
        ("CVE-1", "pkg:deb/debian/lib2", "not_affected", nothing),
        ("CVE-1", "pkg:deb/debian/lib@2", "not_affected", "differs in version: 2 against 1"),
        ("CVE-1", "pkg:deb/debian/lib", "fixed", "`fixed` for no version in particular"),
        (
            "CVE-1",
            "urn:lib",
            "not_affected",
            "its product `urn:lib` is no package URL and no digest of an image",
        ),
    ] {
        check(&case().vex(&of(&[statement(id, product, status)])), Verdict::Blocked, &[expect]);
    }
}

#[test]
fn a_reason_is_needed_and_a_word_of_ones_own_will_do() {
    let mut bare = statement("CVE-1", LIB, "not_affected");
    bare.as_object_mut().unwrap().remove("justification");
    let expect = "`not_affected` without a justification or an impact statement";
    check(&case().vex(&of(std::slice::from_ref(&bare))), Verdict::Blocked, &[expect]);
    bare["impact_statement"] = "never called".into();
    check(&case().vex(&of(std::slice::from_ref(&bare))), Verdict::Pass, &["applied to 1 matches"]);
    bare["products"] = json!([]);
    check(&case().vex(&of(&[bare])), Verdict::Blocked, &["it names no product"]);
}

#[test]
fn the_latest_word_holds_and_of_equal_ones_the_worst() {
    let (earlier, later) = ("2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z");
    let at = |author: &str, time: &str, status: &str| {
        document(author, time, &[statement("CVE-1", LIB, status)])
    };
    let (applied, overruled) = ("applied to 1 matches", "overruled by another statement");
    for (first, second, verdict, uses) in [
        (
            at("a", earlier, "not_affected"),
            at("b", later, "affected"),
            Verdict::Blocked,
            [overruled, applied],
        ),
        (
            at("a", later, "not_affected"),
            at("b", earlier, "affected"),
            Verdict::Pass,
            [applied, overruled],
        ),
        (
            at("a", later, "not_affected"),
            at("b", later, "affected"),
            Verdict::Blocked,
            [overruled, applied],
        ),
        (
            at("a", later, "under_investigation"),
            at("b", later, "fixed"),
            Verdict::Blocked,
            [applied, overruled],
        ),
        (
            at("a", later, "not_affected"),
            at("b", later, "not_affected"),
            Verdict::Pass,
            [applied, applied],
        ),
    ] {
        check(&case().vex(&first).vex(&second), verdict, &uses);
        check(&case().vex(&second).vex(&first), verdict, &[uses[1], uses[0]]);
    }
}

#[test]
fn a_later_version_takes_the_place_of_an_earlier_one_of_the_same_author() {
    let version = |author: &str, version: u64, status: &str| {
        let mut document = of(&[statement("CVE-1", LIB, status)]);
        document["@id"] = "same".into();
        document["author"] = author.into();
        document["version"] = version.into();
        document
    };
    let superseded = "a later version of its document is there";
    let both = case().vex(&version("a", 2, "not_affected")).vex(&version("a", 1, "affected"));
    check(&both, Verdict::Pass, &["applied to 1 matches", superseded]);
    let both = case().vex(&version("a", 1, "not_affected")).vex(&version("a", 2, "affected"));
    check(&both, Verdict::Blocked, &[superseded, "applied to 1 matches"]);
    // Nobody takes the place of another.
    let both = case().vex(&version("a", 1, "affected")).vex(&version("b", 2, "not_affected"));
    check(&both, Verdict::Blocked, &["applied to 1 matches", "overruled by another statement"]);
    // The same document twice is one.
    let twice = case().vex(&version("a", 1, "not_affected")).vex(&version("a", 1, "not_affected"));
    check(&twice, Verdict::Pass, &["applied to 1 matches"]);
}

#[test]
fn issuers_ages_and_times_to_come() {
    let vex = of(&[statement("CVE-1", LIB, "not_affected")]);
    for (policy, verdict, expect) in [
        ("vex: {issuers: [\"*@corp\"]}", Verdict::Pass, "applied to 1 matches"),
        (
            "vex: {issuers: [corp]}",
            Verdict::Blocked,
            "its issuer `a@corp` is not among `vex.issuers`",
        ),
        ("vex: {max-age: 15d}", Verdict::Pass, "applied to 1 matches"),
        ("vex: {max-age: 14d}", Verdict::Blocked, "it is older than `vex.max-age` permits"),
    ] {
        check(&case().vex(&vex).policy(policy), verdict, &[expect]);
    }
    assert_eq!(now().to_string(), "2026-06-15T12:00:00Z");
    let future = document("a", "2026-06-15T12:00:01Z", &[statement("CVE-1", LIB, "not_affected")]);
    check(
        &case().vex(&future),
        Verdict::Blocked,
        &["its time, 2026-06-15T12:00:01Z, has not come yet"],
    );
    // What blocks does so whenever it was said.
    let past = document("b", "2026-01-01T00:00:00Z", &[statement("CVE-1", LIB, "affected")]);
    check(
        &case().vex(&past).policy("vex: {max-age: 1d}"),
        Verdict::Blocked,
        &["applied to 1 matches"],
    );
}

#[test]
fn malware_is_never_cleared() {
    for (id, class) in [
        ("MAL-1", AdvisoryClass::Malware),
        ("MAL-1", AdvisoryClass::Vulnerability),
        ("X-1", AdvisoryClass::Malware),
    ] {
        let mut malware = found(id, Severity::Critical);
        malware.advisory.class = class;
        malware.advisory.aliases = vec!["CVE-1".to_owned()];
        let vex = of(&[statement("CVE-1", "pkg:npm/evil", "not_affected")]);
        for policy in ["", "rules: {VUL-005: off}"] {
            let case =
                Case::default().matched("pkg:npm/evil@1", malware.clone()).vex(&vex).policy(policy);
            check(&case, Verdict::Blocked, &["malware is not cleared by a statement"]);
        }
    }
}

#[test]
fn a_record_about_several_flaws_is_cleared_by_a_word_on_each() {
    let mut flaw = found("DSA-1-1", Severity::Critical);
    flaw.advisory.aliases = vec!["CVE-1".to_owned(), "CVE-2".to_owned()];
    let case = Case::default().matched(LIB, flaw);
    let say = |ids: &[(&str, &str)]| {
        let statements: Vec<_> =
            ids.iter().map(|(id, status)| statement(id, LIB, status)).collect();
        case.clone().vex(&of(&statements))
    };
    let applied = "applied to 1 matches";
    let near = |id: &str| format!("differs in vulnerability: {id} against CVE-1, CVE-2");
    check(&say(&[("CVE-1", "not_affected")]), Verdict::Blocked, &[&near("CVE-1")]);
    check(
        &say(&[("CVE-1", "not_affected"), ("CVE-2", "affected")]),
        Verdict::Blocked,
        &[&near("CVE-1"), applied],
    );
    check(
        &say(&[("CVE-1", "not_affected"), ("CVE-2", "fixed")]),
        Verdict::Pass,
        &[applied, applied],
    );
    check(&say(&[("DSA-1-1", "not_affected")]), Verdict::Pass, &["applied to 2 matches"]);
    check(
        &say(&[("DSA-1-1", "not_affected"), ("CVE-2", "affected")]),
        Verdict::Blocked,
        &[&near("DSA-1-1"), applied],
    );
}

#[test]
fn an_alias_of_either_side_will_do() {
    let mut flaw = found("GHSA-1", Severity::Critical);
    flaw.advisory.aliases = vec!["CVE-1".to_owned()];
    let case = Case::default().matched(LIB, flaw);
    let mut statement = statement("OTHER-1", LIB, "not_affected");
    check(
        &case.clone().vex(&of(std::slice::from_ref(&statement))),
        Verdict::Blocked,
        &["nothing aboard is what it is about"],
    );
    statement["vulnerability"]["aliases"] = json!(["ghsa-1"]);
    check(&case.vex(&of(&[statement])), Verdict::Pass, &["applied to 1 matches"]);
}

#[test]
fn an_image_is_named_by_its_digest() {
    let image = Case::default()
        .policy("rules: {BASE-050: off}")
        .image(&["a"])
        .matched(LIB, found("CVE-1", Severity::Critical));
    for (of_image, verdict) in
        [("index", Verdict::Pass), ("manifest", Verdict::Pass), ("config", Verdict::Blocked)]
    {
        let product = format!("pkg:oci/app@{}", digest(of_image));
        let vex = of(&[statement("CVE-1", &product, "not_affected")]);
        assert_eq!(image.clone().vex(&vex).decide().verdict(), verdict, "{of_image}");
    }
    let product = json!([{ "@id": format!("pkg:oci/app@{}", digest("index")), "subcomponents": [{ "@id": "pkg:deb/debian/other" }] }]);
    let mut elsewhere = statement("CVE-1", "", "not_affected");
    elsewhere["products"] = product;
    check(&image.vex(&of(&[elsewhere])), Verdict::Blocked, &["nothing aboard is what it is about"]);
}

#[test]
fn of_two_components_of_one_name_both_have_to_be_cleared() {
    let mut hashed = crate::rules::testing::component("pkg:npm/a@1");
    hashed.hashes = vec![plimsoll_model::component::Hash {
        algorithm: plimsoll_model::component::HashAlgorithm::Sha1,
        hex: "ab".repeat(20),
    }];
    let other = crate::rules::testing::component("pkg:npm/a@1");
    let inventory = Inventory::new(None, vec![hashed, other], vec![], vec![]);
    assert_eq!(inventory.components().len(), 2);
    let matched =
        || plimsoll_model::scan::ScanVerdict::Matched(vec![found("CVE-1", Severity::Critical)]);
    let index = crate::rules::testing::index(jiff::SignedDuration::from_hours(1));
    let scan = Scan { index, verdicts: vec![matched(), matched()] };
    let mut statement = statement("CVE-1", "urn:a", "not_affected");
    statement["products"] = json!([{ "hashes": { "sha-1": "ab".repeat(20) } }]);
    let document =
        super::super::read(of(&[statement]).to_string().as_bytes(), "a.json".into()).unwrap();
    let facts = VexFacts { documents: [document].into(), image: None };
    let judgement = judge(&facts, (&inventory, &scan), &VexPolicy::default(), now());
    let found = found("CVE-1", Severity::Critical);
    assert!(
        inventory
            .components()
            .iter()
            .all(|component| judgement.clearing(component, &found).is_none())
    );
}
