//! VEX end to end: what clears a finding, what only nearly does, and what can not be read.

use crate::support::{Outcome, Sandbox, root, run, sandbox};
use plimsoll_oci::testing::image::{ImageBuilder, LayerBuilder};
use serde_json::{Value, json};

const LODASH: &str = "pkg:npm/lodash@4.17.20";
const FLAW: &str = "CVE-2021-23337";
const POLICY: &str = "version: 1\ngate: {fail: [{severity: high}]}\n";

struct Dock(Sandbox);

/// An image with one flaw: lodash before 4.17.21.
fn dock() -> Dock {
    let sandbox = sandbox();
    sandbox.write("plimsoll.yaml", POLICY);
    let layer = LayerBuilder::new().file(
        "srv/app/node_modules/lodash/package.json",
        r#"{"name": "lodash", "version": "4.17.20", "license": "MIT"}"#,
    );
    let image = ImageBuilder::new().user("1000").healthcheck(&["CMD", "true"]).layer(layer).build();
    image.write_layout(&sandbox.join("hold"), Some("1"));
    Dock(sandbox)
}

fn openvex(timestamp: &str, product: &str, status: &str) -> Value {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("https://example.com/{timestamp}"),
        "author": "security@example.com",
        "timestamp": timestamp,
        "version": 1,
        "statements": [{
            "vulnerability": { "name": FLAW },
            "products": [{ "@id": product }],
            "status": status,
            "justification": "vulnerable_code_not_in_execute_path",
        }],
    })
}

impl Dock {
    fn plimsoll(&self, arguments: &[&str]) -> Outcome {
        run(self.0.plimsoll().args(arguments))
    }

    /// Scans the image with these documents, and gives how that ended and the JSON report.
    #[track_caller]
    fn scan(&self, documents: &[Value], status: i32) -> Value {
        let names: Vec<String> =
            (0..documents.len()).map(|number| format!("{number}.json")).collect();
        for (name, document) in names.iter().zip(documents) {
            self.0.write(name, document.to_string());
        }
        let advisories = root().join("examples/advisories");
        let mut arguments =
            vec!["scan", "oci-layout:hold:1", "--advisories", advisories.as_str(), "-o", "json"];
        for name in &names {
            arguments.extend(["--vex", name]);
        }
        let outcome = self.plimsoll(&arguments).expect_status(status);
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    fn digest(&self) -> String {
        let report = self.scan(&[], 1);
        report["image"]["digest"].as_str().unwrap().to_owned()
    }
}

/// The finding about the flaw.
fn finding(report: &Value) -> &Value {
    let findings = report["decision"]["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["rule"] == "VUL-002").unwrap()
}

/// The titles of findings about VEX.
fn told(report: &Value) -> Vec<&str> {
    let findings = report["decision"]["findings"].as_array().unwrap().iter();
    let about = findings.filter(|finding| finding["rule"] == "VUL-007");
    about.map(|finding| finding["title"].as_str().unwrap()).collect()
}

#[test]
fn a_finding_is_cleared_and_says_by_whom() {
    let dock = dock();
    assert_eq!(finding(&dock.scan(&[], 1))["effect"], "blocks");
    let digest = dock.digest();
    for product in [LODASH, "pkg:npm/lodash", &format!("pkg:oci/app@{digest}")] {
        let report = dock.scan(&[openvex("2026-01-02T03:04:05Z", product, "not_affected")], 0);
        let finding = finding(&report);
        assert_eq!(finding["effect"], "cleared");
        assert_eq!(
            finding["cleared"],
            json!({ "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path", "impact": null,
                "author": "security@example.com", "timestamp": "2026-01-02T03:04:05Z", "document": "0.json", "at": "statements[0]" })
        );
        assert_eq!(report["decision"]["vex"][0]["use"], "applied");
        assert_eq!(told(&report), [""; 0]);
    }
    let advisories = root().join("examples/advisories");
    let arguments =
        ["scan", "oci-layout:hold:1", "--advisories", advisories.as_str(), "--vex", "0.json"];
    let table = dock.plimsoll(&arguments).expect_status(0).stdout;
    for line in [
        "vex           1 statements: 1 applied",
        "  cleared   not_affected: vulnerable_code_not_in_execute_path (security@example.com, 2026-01-02; 0.json, statements[0])",
        "PASSED: none of 1 findings blocks",
    ] {
        assert!(table.lines().any(|found| found == line), "`{line}` is not in:\n{table}");
    }
}

#[test]
fn what_only_nearly_applies_clears_nothing_and_is_told() {
    let dock = dock();
    let elsewhere = format!("pkg:oci/app@sha256:{}", "ab".repeat(32));
    for (product, title) in [
        ("pkg:npm/lodash@4.17.19", "a VEX statement nearly applies: differs in version: 4.17.19 against 4.17.20".to_owned()),
        ("pkg:npm/lodash?distro=debian-12", "a VEX statement nearly applies: differs in qualifier distro: debian-12 against none".to_owned()),
        ("pkg:npm/%6Codash%2F", "a VEX statement does not count: its product `pkg:npm/%6Codash%2F` has an empty part, dots or a `%2F` for a part of its name: `pkg:npm/%6Codash%2F`".to_owned()),
        ("pkg:npm/underscore", "VEX statements are about nothing that is aboard".to_owned()),
        (&elsewhere, format!("a VEX statement nearly applies: differs in image: sha256:{} against {}", "ab".repeat(32), dock.digest())),
    ] {
        let report = dock.scan(&[openvex("2026-01-02T03:04:05Z", product, "not_affected")], 1);
        assert_eq!(finding(&report)["effect"], "blocks");
        assert_eq!(told(&report), [title], "{product}");
    }
}

#[test]
fn a_contradiction_is_decided_by_time_and_then_for_the_worse() {
    let dock = dock();
    let (early, late) = ("2026-01-02T03:04:05Z", "2026-01-03T03:04:05Z");
    let of = |time: &str, status: &str| openvex(time, LODASH, status);
    dock.scan(&[of(early, "affected"), of(late, "not_affected")], 0);
    dock.scan(&[of(late, "affected"), of(early, "not_affected")], 1);
    let mut same = of(late, "affected");
    same["@id"] = "https://example.com/another".into();
    let report = dock.scan(&[of(late, "not_affected"), same], 1);
    let uses: Vec<&Value> =
        report["decision"]["vex"].as_array().unwrap().iter().map(|usage| &usage["use"]).collect();
    assert_eq!(uses, ["overruled", "applied"]);
    dock.scan(&[of("2999-01-01T00:00:00Z", "not_affected")], 1);
}

#[test]
fn what_can_not_be_read_is_no_empty_list() {
    let dock = dock();
    let advisories = root().join("examples/advisories");
    let scan = |document: &str| {
        dock.0.write("v.json", document);
        let scan =
            ["scan", "oci-layout:hold:1", "--advisories", advisories.as_str(), "--vex", "v.json"];
        dock.plimsoll(&scan)
    };
    let mut unknown = openvex("2026-01-02T03:04:05Z", LODASH, "not_affected");
    scan(&unknown.to_string()).expect_status(0);
    unknown["statements"][0]["status"] = "harmless".into();
    for (document, message) in [
        (unknown.to_string().as_str(), "statements[0].status: expected one of"),
        ("{}", "expected a document in OpenVEX, CycloneDX, CSAF"),
        ("", "EOF while parsing"),
        (r#"{"@context": 1, "@context": 2}"#, "key `@context` stands twice"),
    ] {
        let outcome = scan(document).expect_status(3);
        assert!(outcome.stderr.contains(message), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("cannot read VEX in `v.json`"), "{}", outcome.stderr);
        assert_eq!(outcome.stdout, "");
    }
    let absent =
        ["scan", "oci-layout:hold:1", "--advisories", advisories.as_str(), "--vex", "no.json"];
    dock.plimsoll(&absent).expect_status(2);
}

#[test]
fn the_policy_names_documents_and_issuers() {
    let dock = dock();
    dock.0
        .write("vex/own.json", openvex("2026-01-02T03:04:05Z", LODASH, "not_affected").to_string());
    let with = |vex: &str, status| {
        dock.0.write("plimsoll.yaml", format!("{POLICY}vex: {vex}\n"));
        dock.scan(&[], status)
    };
    with("{documents: [vex/own.json], issuers: [\"*@example.com\"]}", 0);
    let refused = with("{documents: [vex/own.json], issuers: [\"*@example.org\"]}", 1);
    let title = "a VEX statement does not count: its issuer `security@example.com` is not among `vex.issuers`";
    assert_eq!(told(&refused), [title]);
    with("{documents: [vex/own.json], max-age: 1d}", 1);
}

#[test]
fn what_is_added_is_listed_and_clears_and_is_written_again() {
    let dock = dock();
    let add = |more: &[&str]| {
        let first = ["vex", "add", "v.json", "--product", LODASH, "--vulnerability", FLAW];
        dock.plimsoll(&[&first[..], more].concat())
    };
    add(&["--status", "not_affected", "--author", "a@corp"]).expect_status(2);
    assert!(!dock.0.join("v.json").exists());
    add(&["--status", "under_investigation", "--author", "a@corp"]).expect_status(0);
    let advisories = root().join("examples/advisories");
    let scan = [
        "scan",
        "oci-layout:hold:1",
        "--advisories",
        advisories.as_str(),
        "--vex",
        "v.json",
        "-o",
        "openvex",
    ];
    dock.plimsoll(&scan).expect_status(1);
    // Of two statements of one second the worse would hold.
    let text = std::fs::read_to_string(dock.0.join("v.json")).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["statements"][0]["timestamp"] = "2026-01-01T00:00:00Z".into();
    dock.0.write("v.json", value.to_string());
    add(&["--status", "not_affected", "--impact", "only our tests call it"]).expect_status(0);
    let written = dock.plimsoll(&scan).expect_status(0).stdout;
    let report: Value = serde_json::from_str(&written).unwrap();
    let statement = &report["statements"][0];
    assert_eq!(
        (&statement["status"], &statement["impact_statement"]),
        (&json!("not_affected"), &json!("only our tests call it"))
    );
    assert_eq!(statement["products"][0]["subcomponents"], json!([{ "@id": LODASH }]));
    // What a report states can be read back.
    dock.0.write("report.json", &written);
    let listed =
        dock.plimsoll(&["vex", "list", "v.json", "report.json", "-o", "json"]).expect_status(0);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["documents"][0]["version"], "2");
    assert_eq!(listed["documents"][0]["statements"][1]["products"][0]["purls"], json!([LODASH]));
    assert_eq!(listed["documents"][1]["author"], "plimsoll");
    let table = dock.plimsoll(&["vex", "list", "v.json"]).expect_status(0).stdout;
    assert!(table.contains("v.json (OpenVEX 0.2.0, version 2) by a@corp: 2 statements"), "{table}");
}

#[test]
fn exceptions_are_written_as_accepted_risks() {
    let dock = dock();
    let exception = format!(
        "exceptions: [{{rule: vulnerability, id: {FLAW}, component: \"pkg:npm/lodash\", reason: tests, owner: a@corp, expires: 2999-01-01}}, {{rule: IMG-001, reason: r, owner: o, expires: 2999-01-01}}]\n"
    );
    dock.0.write("plimsoll.yaml", format!("{POLICY}{exception}"));
    for format in ["openvex", "cyclonedx"] {
        let out = dock
            .plimsoll(&["vex", "export", "--format", format, "-o", "out.json"])
            .expect_status(0);
        assert!(
            out.stderr.contains("left out IMG-001: it is about no vulnerability"),
            "{}",
            out.stderr
        );
        let listed = dock.plimsoll(&["vex", "list", "out.json", "-o", "json"]).expect_status(0);
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
        let statement = &listed["documents"][0]["statements"][0];
        assert_eq!(
            (&statement["status"], &statement["action"]),
            (&json!("affected"), &json!("accepted until 2999-01-01 by a@corp: tests"))
        );
    }
    dock.0.write("plimsoll.yaml", POLICY);
    dock.plimsoll(&["vex", "export"]).expect_status(2);
}
