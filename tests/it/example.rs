//! The README's lines, in order: the bad build is blocked, the mended one passes, is promoted, verified, and flagged.

use crate::support::{Outcome, Sandbox, root, run, sandbox};
use serde_json::Value;

fn plimsoll(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let mut command = sandbox.plimsoll();
    run(command.arg("--config").arg(root().join("examples/plimsoll.yaml")).args(arguments))
}

/// A path in the examples, behind a prefix.
fn example(prefix: &str, path: &str) -> String {
    format!("{prefix}{}", root().join("examples").join(path))
}

/// The rules of the findings that block, sorted, each once.
fn blocking(report: &Value) -> Vec<&str> {
    let findings = report["decision"]["findings"].as_array().unwrap();
    let mut rules: Vec<_> = findings
        .iter()
        .filter(|finding| finding["effect"] == "blocks" || finding["effect"] == "undecided")
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[test]
fn the_bad_build_is_blocked_with_reasons() {
    let sandbox = sandbox();
    let outcome = plimsoll(
        &sandbox,
        &[
            "run",
            &example("oci-archive:", "images/bad.tar"),
            "--dockerfile",
            &example("", "bad/Dockerfile"),
            "--advisories",
            &example("", "advisories"),
            "--promote-to",
            "oci-layout:prod:1",
            "-o",
            "table",
            "-o",
            "json=report.json",
        ],
    )
    .expect_status(1);
    let report: Value =
        serde_json::from_slice(&std::fs::read(sandbox.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["decision"]["verdict"], "blocked");
    assert_eq!(report["scan"]["counts"]["notEvaluated"], 0);
    let blocking = blocking(&report);
    for rule in ["BASE-001", "BASE-011", "BASE-020", "IMG-001", "IMG-002", "VUL-002"] {
        assert!(blocking.contains(&rule), "{rule} is not among {blocking:?}");
    }
    let flaws: Vec<_> = report["decision"]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["vulnerability"]["id"].as_str())
        .collect();
    for flaw in ["CVE-2021-23337", "CVE-2021-44906", "CVE-2023-5363"] {
        assert!(flaws.contains(&flaw), "{flaw} is not among {flaws:?}");
    }
    assert!(outcome.stdout.lines().last().unwrap().starts_with("BLOCKED: "), "{}", outcome.stdout);
    assert!(!sandbox.join("prod").exists(), "nothing may be promoted");
}

#[test]
fn the_mended_build_sails_and_is_flagged_when_an_advisory_is_added() {
    let sandbox = sandbox();
    let good = example("oci-archive:", "images/good.tar");
    let dockerfile = example("", "good/Dockerfile");
    let advisories = example("", "advisories");
    let run_good = [
        "run",
        &good,
        "--dockerfile",
        &dockerfile,
        "--advisories",
        &advisories,
        "--promote-to",
        "oci-layout:prod:2",
    ];
    let outcome = plimsoll(&sandbox, &run_good).expect_status(0);
    assert!(outcome.stdout.lines().last().unwrap().starts_with("PASSED: "), "{}", outcome.stdout);

    let verified = plimsoll(&sandbox, &["verify", "oci-layout:prod:2"]).expect_status(0);
    assert_eq!(verified.stdout.lines().last(), Some("VERIFIED"));

    let today = ["ledger", "flagged", "--advisories", &advisories];
    plimsoll(&sandbox, &today).expect_status(0);
    let both = format!("{advisories},{}", example("", "advisories-tomorrow"));
    let flagged =
        plimsoll(&sandbox, &["ledger", "flagged", "--advisories", &both]).expect_status(1);
    assert!(flagged.stdout.contains("CVE-2022-24999"), "{}", flagged.stdout);
    assert!(flagged.stdout.contains("1 of 1 builds"), "{}", flagged.stdout);
}

#[test]
fn a_promotion_that_fails_is_not_called_done() {
    let sandbox = sandbox();
    // Nobody listens there.
    let nowhere = "127.0.0.1:1/prod/app:2";
    let outcome = plimsoll(
        &sandbox,
        &[
            "run",
            &example("oci-archive:", "images/good.tar"),
            "--advisories",
            &example("", "advisories"),
            "--promote-to",
            nowhere,
        ],
    )
    .expect_status(4);
    let last = outcome.stdout.lines().last().unwrap();
    assert_eq!(last, "PASSED: none of 0 findings blocks; but what comes after could not be done");
    assert!(outcome.stderr.contains("error: passed, but cannot promote"), "{}", outcome.stderr);
}

#[test]
fn evidence_signed_by_a_foreign_key_does_not_count() {
    let (ours, theirs) = (sandbox(), sandbox());
    let arguments = [
        "run",
        &example("oci-archive:", "images/good.tar"),
        "--advisories",
        &example("", "advisories"),
        "--promote-to",
        &format!("oci-layout:{}:2", ours.join("prod")),
    ];
    plimsoll(&theirs, &arguments).expect_status(0);
    // We have a key of our own, and did not sign this.
    plimsoll(
        &ours,
        &[
            "run",
            &example("oci-archive:", "images/good.tar"),
            "--advisories",
            &example("", "advisories"),
        ],
    )
    .expect_status(0);
    let refused = plimsoll(&ours, &["verify", "oci-layout:prod:2"]).expect_status(1);
    assert!(refused.stdout.contains("✗ "), "{}", refused.stdout);
    assert_eq!(refused.stdout.lines().last(), Some("NOT VERIFIED"));
    // With their public key it verifies.
    let key = theirs.join("home/state/plimsoll/key.pub");
    plimsoll(&ours, &["verify", "oci-layout:prod:2", "--key", key.as_str()]).expect_status(0);
}

#[test]
fn the_images_are_what_the_script_makes() {
    let python = std::process::Command::new("python3").arg("--version").output();
    if python.is_err() {
        crate::support::missing::<()>("python3");
        return;
    }
    let sandbox = sandbox();
    let script = sandbox.write("make.py", std::fs::read(root().join("examples/make.py")).unwrap());
    run(sandbox.command("python3").arg(script)).expect_status(0);
    for name in ["base", "bad", "good"] {
        let file = format!("images/{name}.tar");
        let made = std::fs::read(sandbox.join(&file)).unwrap();
        assert_eq!(made, std::fs::read(root().join("examples").join(&file)).unwrap(), "{file}");
    }
}

#[test]
fn a_variable_that_is_set_to_nothing_counts_as_unset() {
    let sandbox = sandbox();
    let mut command = sandbox.plimsoll();
    for name in ["CONFIG", "FAIL_ON", "JOBS", "PLATFORM", "DB", "OFFLINE", "TIMEOUT", "CACHE_DIR"] {
        command.env(format!("PLIMSOLL_{name}"), "");
    }
    command.args(["scan", &example("oci-archive:", "images/bad.tar"), "--advisories"]);
    run(command.arg(example("", "advisories"))).expect_status(1);
    run(command.env("PLIMSOLL_FAIL_ON", "terrible")).expect_status(2);
}

#[test]
fn a_verdict_is_explained_by_every_record_that_was_considered() {
    let sandbox = sandbox();
    let (image, advisories) =
        (example("oci-archive:", "images/bad.tar"), example("", "advisories"));
    let scan = |more: &[&str]| {
        let arguments = ["scan", &image, "--advisories", &advisories];
        plimsoll(&sandbox, &[&arguments[..], more].concat())
    };
    // The image is judged all the same.
    let shown = scan(&["--explain", "minimist"]).expect_status(1).stdout;
    for line in [
        "pkg:npm/minimist@1.2.5",
        "  verdict     matched: 1 flaw",
        "  looked for  minimist 1.2.5 in npm",
        "    also      CVE-2021-44906",
    ] {
        assert!(shown.lines().any(|printed| printed == line), "`{line}` is not in {shown}");
    }
    let purl = "pkg:npm/minimist@1.2.5";
    let json = scan(&["--explain", purl, "cve-2021-44906", "-o", "json"]).expect_status(1).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    let [one] = json["explanations"].as_array().unwrap().as_slice() else { panic!("{json}") };
    assert_eq!(one["verdict"], "matched");
    assert_eq!(one["records"].as_array().unwrap().len(), 1);
    assert_eq!(one["records"][0]["outcome"], "applies");
    scan(&["--explain", "nothing-of-that-name"]).expect_status(2);
    scan(&["--explain", "minimist", "CVE-1999-1"]).expect_status(2);
}

#[test]
fn what_came_with_the_approved_base_is_told_from_what_was_built_on_it() {
    let sandbox = sandbox();
    let image = example("oci-archive:", "images/good.tar");
    let advisories = example("", "advisories-tomorrow");
    let json = plimsoll(&sandbox, &["scan", &image, "--advisories", &advisories, "-o", "json"]);
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    let matches = report["scan"]["matches"].as_array().unwrap();
    assert!(!matches.is_empty(), "{report}");
    assert!(matches.iter().all(|found| found["origin"] == "own"), "{matches:#?}");
    assert!(report["base"].is_string(), "{report}");
}
