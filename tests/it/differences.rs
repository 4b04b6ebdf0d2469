//! `plimsoll diff`: what is new, fixed or no longer told between two builds, and why; and what a scan advises.

use crate::support::{Outcome, Sandbox, root, run, sandbox};
use serde_json::{Value, json};

fn plimsoll(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    run(sandbox.plimsoll().args(arguments))
}

/// A CycloneDX document of npm packages.
fn document(packages: &[(&str, &str)]) -> String {
    let component = |(name, version): &(&str, &str)| json!({"type": "library", "name": name, "version": version, "purl": format!("pkg:npm/{name}@{version}")});
    let components: Vec<_> = packages.iter().map(component).collect();
    json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}).to_string()
}

/// A record about an npm package up to a fix.
fn record(id: &str, name: &str, fixed: &str) -> String {
    json!({
        "id": id, "modified": "2026-01-01T00:00:00Z", "published": "2026-01-01T00:00:00Z",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
        "affected": [{
            "package": {"ecosystem": "npm", "name": name},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
        }],
    })
    .to_string()
}

/// Two builds, the advisories of yesterday (`old.db`) and of today (`osv`, `new.db`).
fn builds() -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("before.json", document(&[("a", "1.0.0"), ("b", "1.0.0"), ("same", "1.0.0")]));
    sandbox.write("after.json", document(&[("a", "2.0.0"), ("c", "1.0.0"), ("same", "1.0.0")]));
    for (id, name, fixed) in
        [("CVE-1", "a", "1.5.0"), ("CVE-2", "b", "9.0.0"), ("CVE-3", "c", "2.0.0")]
    {
        sandbox.write(format!("osv/{id}.json"), record(id, name, fixed));
    }
    plimsoll(&sandbox, &["db", "import", "osv", "--db", "old.db"]).expect_status(0);
    sandbox.write("osv/CVE-4.json", record("CVE-4", "same", "1.1.0"));
    plimsoll(&sandbox, &["db", "import", "osv", "--db", "new.db"]).expect_status(0);
    sandbox
}

/// Kind, flaw and cause of each change.
fn told(outcome: &Outcome) -> Vec<(String, String, String)> {
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let text = |change: &Value, field: &str| change[field].as_str().unwrap().to_owned();
    let changes = report["changes"].as_array().unwrap().iter();
    changes.map(|it| (text(it, "kind"), text(it, "id"), text(it, "cause"))).collect()
}

fn rows(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let owned = |row: &(&str, &str, &str)| (row.0.to_owned(), row.1.to_owned(), row.2.to_owned());
    rows.iter().map(owned).collect()
}

#[test]
fn by_one_index_the_code_made_every_difference() {
    let sandbox = builds();
    let arguments = ["diff", "before.json", "after.json", "--db", "new.db"];
    let outcome = plimsoll(&sandbox, &[&arguments[..], &["-o", "json"]].concat()).expect_status(0);
    assert_eq!(
        told(&outcome),
        rows(&[("new", "CVE-3", "code"), ("fixed", "CVE-1", "code"), ("fixed", "CVE-2", "code")])
    );
    let text = plimsoll(&sandbox, &arguments).expect_status(0).stdout;
    assert!(text.contains("\nnew     high     CVE-3 pkg:npm/c (none) -> 1.0.0\n"), "{text}");
    assert!(text.ends_with("\n1 new, 2 fixed, 0 changed, 1 unchanged\n"), "{text}");
}

#[test]
fn with_the_index_of_before_the_advisories_are_told_from_the_code() {
    let sandbox = builds();
    let arguments = ["diff", "before.json", "after.json", "--db", "new.db"];
    let rest = ["--before-db", "old.db", "-o", "json"];
    let outcome = plimsoll(&sandbox, &[&arguments[..], &rest].concat()).expect_status(0);
    assert_eq!(
        told(&outcome),
        rows(&[
            ("new", "CVE-3", "code"),
            ("new", "CVE-4", "advisories"),
            ("fixed", "CVE-1", "code"),
            ("fixed", "CVE-2", "code"),
        ])
    );
}

#[test]
fn the_gate_stops_what_is_new_and_what_can_no_longer_be_told() {
    let sandbox = builds();
    sandbox.write("untold.json", document(&[("a", "x"), ("b", "1.0.0"), ("same", "1.0.0")]));
    sandbox.write("empty.json", document(&[]));
    let check = |after: &str, gate: &str, status: i32| {
        let arguments = ["diff", "before.json", after, "--db", "new.db", gate];
        plimsoll(&sandbox, &arguments).expect_status(status)
    };
    check("before.json", "--fail-on-new", 0);
    check("after.json", "--fail-on-new", 1);
    check("after.json", "--fail-on-new=high", 1);
    check("after.json", "--fail-on-new=critical", 0);
    let untold = check("untold.json", "--fail-on-new", 3).stdout;
    assert!(
        untold.contains("\nuntold  high     CVE-1 pkg:npm/a 1.0.0 -> x\n  why      not fixed: "),
        "{untold}"
    );
    // By an empty list everything would be fixed.
    check("empty.json", "--fail-on-new", 3);
    check("sbom:missing.json", "--fail-on-new", 2);
    check("record:1", "--fail-on-new", 2);
}

/// Runs the good example, so that it is recorded and promoted.
fn recorded() -> Sandbox {
    let sandbox = sandbox();
    std::os::unix::fs::symlink(root().join("examples"), sandbox.join("examples")).unwrap();
    let arguments = [
        "--config",
        "examples/plimsoll.yaml",
        "run",
        "oci-archive:examples/images/good.tar",
        "--dockerfile",
        "examples/good/Dockerfile",
        "--advisories",
        "examples/advisories",
        "--promote-to",
        "oci-layout:prod:1",
    ];
    plimsoll(&sandbox, &arguments).expect_status(0);
    sandbox
}

#[test]
fn a_recorded_build_is_compared_as_it_was_known() {
    let sandbox = recorded();
    let image = "oci-archive:examples/images/good.tar";
    let promoted = format!("promoted:{image}");
    let advisories = "examples/advisories,examples/advisories-tomorrow";
    for before in ["record:1", promoted.as_str()] {
        let arguments = ["diff", before, image, "--advisories", advisories, "--fail-on-new"];
        let outcome =
            plimsoll(&sandbox, &[&arguments[..], &["-o", "json"]].concat()).expect_status(1);
        assert_eq!(told(&outcome), rows(&[("new", "CVE-2022-24999", "advisories")]), "{outcome:?}");
    }
    let arguments = ["diff", "record:2", image, "--advisories", advisories];
    assert!(plimsoll(&sandbox, &arguments).expect_status(2).stderr.contains("no build `record:2`"));
}

#[test]
fn a_run_warns_of_what_is_new_since_the_last_promoted_build() {
    let sandbox = recorded();
    let judge = |advisories: &str| -> Vec<Value> {
        let arguments = [
            "--config",
            "examples/plimsoll.yaml",
            "run",
            "oci-archive:examples/images/good.tar",
            "--advisories",
            advisories,
            "-o",
            "json=report.json",
        ];
        plimsoll(&sandbox, &arguments);
        let report: Value =
            serde_json::from_slice(&std::fs::read(sandbox.join("report.json")).unwrap()).unwrap();
        let findings = report["decision"]["findings"].as_array().unwrap().iter();
        findings.filter(|finding| finding["rule"] == "VUL-003").cloned().collect()
    };
    assert_eq!(judge("examples/advisories"), Vec::<Value>::new());
    let found = judge("examples/advisories,examples/advisories-tomorrow");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["title"], "CVE-2022-24999 is new since build 1: it was published since");
    assert_eq!(found[0]["effect"], "warn");
}

#[test]
fn a_scan_says_what_to_do() {
    let sandbox = sandbox();
    std::os::unix::fs::symlink(root().join("examples"), sandbox.join("examples")).unwrap();
    let image = "oci-archive:examples/images/bad.tar";
    let output = ["-o", "table", "-o", "json=report.json", "-o", "markdown=report.md"];
    let arguments = ["scan", image, "--advisories", "examples/advisories"];
    let outcome = plimsoll(&sandbox, &[&arguments[..], &output].concat()).expect_status(1);
    let (_, advice) = outcome.stdout.split_once("\nwhat to do\n").expect("there is such a section");
    assert!(advice.contains("  minimist 1.2.5 -> 1.2.6 (npm), clears 1 of 1"), "{advice}");
    let report: Value =
        serde_json::from_slice(&std::fs::read(sandbox.join("report.json")).unwrap()).unwrap();
    let steps = report["advice"]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 3);
    let minimist = steps.iter().find(|step| step["purl"] == "pkg:npm/minimist@1.2.5").unwrap();
    assert_eq!(minimist["version"], "1.2.6");
    assert_eq!((&minimist["findings"], &minimist["clears"]), (&json!(1), &json!(1)));
    let markdown = std::fs::read_to_string(sandbox.join("report.md")).unwrap();
    assert!(markdown.contains("\n### What to do\n\n- "), "{markdown}");
}
