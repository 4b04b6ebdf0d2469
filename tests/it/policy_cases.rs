//! `plimsoll policy test`: a policy held to cases.

use crate::support::{Sandbox, port, run, sandbox};
use plimsoll_oci::testing::registry::Options;

const ROOT: &str = "FROM scratch\nCOPY a /a\nUSER root\n";
const CASE: &str = "version: 1\npolicy: ../plimsoll.yaml\ndockerfiles: [Dockerfile]\nexpect:\n  verdict: blocked\n  findings:\n    - {rule: DF-020, file: Dockerfile, line: 3}\n  absent: [DF-021]\n";

fn project() -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("plimsoll.yaml", "version: 1\n");
    sandbox.write("cases/Dockerfile", ROOT);
    sandbox.write("cases/root.test.yaml", CASE);
    sandbox
}

#[test]
fn a_case_that_holds_passes_and_one_that_does_not_says_what_there_is_instead() {
    let sandbox = project();
    let passed = run(sandbox.plimsoll().args(["policy", "test", "cases"])).expect_status(0);
    assert_eq!(passed.stdout, "holds  cases/root.test.yaml\n1 of 1 cases hold\n");
    // The same case, of a policy that lets root pass.
    sandbox.write("plimsoll.yaml", "version: 1\nrules: {DF-020: warn}\n");
    let failed = run(sandbox.plimsoll().args(["policy", "test", "cases"])).expect_status(1);
    let expect = "fails  cases/root.test.yaml\n  cases/root.test.yaml:5\n    - verdict blocked\n    + verdict passed\n0 of 1 cases hold\n";
    assert_eq!(failed.stdout, expect);
}

#[test]
fn a_malformed_case_is_an_error_with_its_place_and_does_not_hide_the_others() {
    let sandbox = project();
    sandbox.write("cases/deep/a.test.yaml", "version: 1\nexpected: {}\n");
    sandbox.write("cases/b.test.yaml", CASE.replace("line: 3", "line: 4"));
    let refused = run(sandbox.plimsoll().args(["policy", "test", "cases"])).expect_status(2);
    assert_eq!(
        refused.stderr.lines().next(),
        Some("error: cases/deep/a.test.yaml:2:1: unknown key `expected`: did you mean `expect`?")
    );
    let expect = "fails  cases/b.test.yaml\n  cases/b.test.yaml:7\n    - DF-020 at Dockerfile:4\n    + DF-020 at Dockerfile:3, fail, deny\nerror  cases/deep/a.test.yaml\nholds  cases/root.test.yaml\n1 of 3 cases hold\n";
    assert_eq!(refused.stdout, expect);
}

#[test]
fn a_directory_without_a_case_passes_nothing() {
    let sandbox = sandbox();
    sandbox.write("cases/x.yaml", "");
    let refused = run(sandbox.plimsoll().args(["policy", "test", "cases"])).expect_status(2);
    assert!(
        refused.stderr.starts_with("error: there is no case in `cases`\n"),
        "{}",
        refused.stderr
    );
}

#[test]
fn recorded_facts_are_judged_as_of_their_recording_and_evidence_is_never_taken_from_a_file() {
    let sandbox = project();
    let recorded = crate::support::root().join("policy/src/record/rich.json");
    std::fs::copy(recorded, sandbox.join("cases/facts.json")).unwrap();
    let case = |expect: &str| {
        let text =
            format!("version: 1\npolicy: ../plimsoll.yaml\nfacts: facts.json\nexpect:\n{expect}");
        sandbox.write("cases/root.test.yaml", text);
    };
    case(
        "  verdict: blocked\n  findings:\n    - {rule: IMG-001, action: deny}\n    - {rule: VUL-005, package: \"pkg:npm/e@1\", id: MAL-1}\n    - {rule: SEC-007, path: /app/key}\n  absent: [IMG-003]\n",
    );
    let passed = run(sandbox.plimsoll().args(["policy", "test", "cases"])).expect_status(0);
    let lines: Vec<_> = passed.stdout.lines().collect();
    assert_eq!(lines.first(), Some(&"holds  cases/root.test.yaml"));
    let left_out = lines[1].strip_prefix("  not judged from the record: ").unwrap();
    let left_out: Vec<_> = left_out.split(", ").collect();
    for rule in ["SEC-002", "IMG-007", "BASE-022", "BASE-051", "DF-020"] {
        assert!(left_out.contains(&rule), "{rule}: {left_out:?}");
    }
    assert!(!left_out.contains(&"IMG-001"), "{left_out:?}");
    case("  absent: [BASE-022, BASE-051, IMG-007]\n");
    let failed = run(sandbox.plimsoll().args(["policy", "test", "cases"])).expect_status(1);
    let reason = "    + recorded facts do not have all that it looks at: it could not tell\n";
    assert_eq!(failed.stdout.matches(reason).count(), 3, "{}", failed.stdout);
    case("  absent: [ATT-002, SEC-002]\n");
    let failed = run(sandbox.plimsoll().args(["policy", "test", "cases"])).expect_status(1);
    assert_eq!(failed.stdout.matches(reason).count(), 2, "{}", failed.stdout);
    // The advisories were fresh when that was recorded, and are not months later.
    let too_old = "  findings: [{rule: VUL-001, outcome: unknown}]\n";
    case(too_old);
    let failed = run(sandbox.plimsoll().args(["policy", "test", "cases"])).expect_status(1);
    let expect = "    - VUL-001, unknown\n    + nothing of that rule\n";
    assert!(failed.stdout.contains(expect), "{}", failed.stdout);
    case(&format!("{too_old}at: 2026-09-01T00:00:00Z\n"));
    run(sandbox.plimsoll().args(["policy", "test", "cases"])).expect_status(0);
    let text = std::fs::read_to_string(sandbox.join("cases/facts.json")).unwrap();
    sandbox.write("cases/facts.json", text.replacen("\"version\": 1", "\"version\": 2", 1));
    let refused = run(sandbox.plimsoll().args(["policy", "test", "cases"])).expect_status(2);
    assert!(
        refused.stderr.starts_with(
            "error: cannot read facts in `cases/facts.json`: expected version 1, found 2\n"
        ),
        "{}",
        refused.stderr
    );
}

#[test]
fn manifests_are_tested_from_a_record_as_from_their_files() {
    let sandbox = sandbox();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec:\n  hostPID: true\n  containers:\n    - name: app\n      image: debiann:1\n      env: [{name: PLAIN, value: hunter2hunter2}]\n";
    sandbox.write("app.yaml", pod);
    let written = ["check", "app.yaml", "--facts-out", "facts.json"];
    run(sandbox.plimsoll().args(written)).expect_status(1);
    let facts = std::fs::read_to_string(sandbox.join("facts.json")).unwrap();
    assert!(!facts.contains("hunter2"), "{facts}");
    let case = |expect: &str| {
        let text = format!("version: 1\nfacts: facts.json\nexpect: {expect}\n");
        sandbox.write("a.test.yaml", text);
    };
    case(
        "{verdict: blocked, findings: [{rule: K8S-002, file: app.yaml, line: 5}, {rule: BASE-030, file: app.yaml, line: 8}], absent: [K8S-001, K8S-043]}",
    );
    let held = run(sandbox.plimsoll().args(["policy", "test", "."])).expect_status(0);
    let expect = "holds  ./a.test.yaml\n  not judged from the record: SEC-009\n1 of 1 cases hold\n";
    assert_eq!(held.stdout, expect);
    case("{absent: [SEC-009]}");
    let failed = run(sandbox.plimsoll().args(["policy", "test", "."])).expect_status(1);
    let reason = "recorded facts do not have all that it looks at: it could not tell";
    assert!(failed.stdout.contains(reason), "{}", failed.stdout);
}

#[test]
fn what_a_registry_answered_is_tested_from_a_record_as_it_was_judged() {
    let (sandbox, port) = (sandbox(), port(Options::default()));
    let name = port.name("prod/app");
    let audit = ["registry", "audit", &name, "-o", "json", "--facts-out", "facts.json"];
    let audited = run(sandbox.plimsoll().args(audit));
    let report: serde_json::Value = serde_json::from_str(&audited.stdout).unwrap();
    let findings = report["decision"]["findings"].as_array().unwrap().iter();
    let found: Vec<_> =
        findings.map(|it| format!("{{rule: {}, action: {}}}", it["rule"], it["action"])).collect();
    assert!(found.len() > 3, "{}", audited.stdout);
    let verdict = match audited.status {
        0 => "passed",
        1 => "blocked",
        _ => "undecided",
    };
    let expect = format!("{{verdict: {verdict}, findings: [{}]}}", found.join(", "));
    sandbox.write("a.test.yaml", format!("version: 1\nfacts: facts.json\nexpect: {expect}\n"));
    let held = run(sandbox.plimsoll().args(["policy", "test", "."])).expect_status(0);
    assert_eq!(held.stdout, "holds  ./a.test.yaml\n1 of 1 cases hold\n");
}

#[test]
fn an_exception_is_tested_on_its_last_day_and_on_the_next() {
    let sandbox = project();
    sandbox.write(
        "plimsoll.yaml",
        "version: 1\nexceptions: [{rule: DF-020, path: Dockerfile, reason: r, owner: o, expires: 2026-06-30}]\n",
    );
    let case = "version: 1\npolicy: ../plimsoll.yaml\ndockerfiles: [Dockerfile]\n";
    sandbox.write(
        "cases/root.test.yaml",
        format!("{case}at: 2026-06-30T12:00:00Z\nexpect: {{verdict: passed, findings: [{{rule: DF-020, accepted: true}}]}}\n"),
    );
    sandbox.write(
        "cases/after.test.yaml",
        format!("{case}at: 2026-07-01T12:00:00Z\nexpect: {{verdict: blocked, findings: [{{rule: DF-020, accepted: false}}, {{rule: EXC-003}}]}}\n"),
    );
    run(sandbox.plimsoll().args(["policy", "test", "cases"])).expect_status(0);
}
