//! The policy as those who run Plimsoll meet it: what holds, from where, and for which environment.

use crate::support::{Sandbox, run, sandbox};

const POLICY: &str = "version: 1\nrules:\n  DF-030: off\nenvironments:\n  prod:\n    extends: strict\n    rules:\n      DF-030: deny\n";
const DOCKERFILE: &str = "FROM debian:13@sha256:1111111111111111111111111111111111111111111111111111111111111111\nUSER 1000\n";

fn project() -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("plimsoll.yaml", POLICY);
    sandbox.write("Dockerfile", DOCKERFILE);
    sandbox
}

/// The line about a key in what `policy show` prints, its columns apart.
fn shown(text: &str, key: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(key)).unwrap();
    line.split("  ").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[test]
fn an_environment_is_chosen_by_flag_or_variable() {
    let sandbox = project();
    let check = |command: &mut std::process::Command| run(command.args(["check", "Dockerfile"]));
    check(&mut sandbox.plimsoll()).expect_status(0);
    let denied = check(sandbox.plimsoll().args(["--environment", "prod"])).expect_status(1);
    assert!(denied.stdout.contains("DF-030"), "{}", denied.stdout);
    assert!(denied.stdout.contains("plimsoll.yaml, environment prod ("), "{}", denied.stdout);
    check(sandbox.plimsoll().env("PLIMSOLL_ENVIRONMENT", "prod")).expect_status(1);
    check(sandbox.plimsoll().env("PLIMSOLL_ENVIRONMENT", "")).expect_status(0);
}

#[test]
fn an_environment_that_is_not_there_is_a_mistake_and_never_the_file_without_it() {
    let sandbox = project();
    let refused =
        run(sandbox.plimsoll().args(["check", "Dockerfile", "--environment", "production"]))
            .expect_status(2);
    assert_eq!(
        refused.stderr,
        "error: plimsoll.yaml has no environment `production`\nhint: it has `prod`\n"
    );
    std::fs::remove_file(sandbox.join("plimsoll.yaml")).unwrap();
    let refused = run(sandbox.plimsoll().args(["check", "Dockerfile", "--environment", "prod"]))
        .expect_status(2);
    assert!(
        refused
            .stderr
            .starts_with("error: there is no policy file that could have an environment `prod`\n"),
        "{}",
        refused.stderr
    );
}

#[test]
fn policy_show_names_the_origin_of_each_value() {
    let sandbox = project();
    let show = |arguments: &[&str]| {
        run(sandbox.plimsoll().args(["policy", "show"]).args(arguments)).expect_status(0).stdout
    };
    let plain = show(&[]);
    assert_eq!(shown(&plain, "rules.DF-030"), ["rules.DF-030", "off", "plimsoll.yaml:3"]);
    assert_eq!(shown(&plain, "unknown"), ["unknown", "fail", "profile baseline"]);
    assert_eq!(shown(&plain, "rules.DF-020"), ["rules.DF-020", "deny", "default"]);
    let prod = show(&["--environment", "prod", "--fail-on", "low"]);
    assert_eq!(shown(&prod, "rules.DF-030"), ["rules.DF-030", "deny", "plimsoll.yaml:8"]);
    assert_eq!(shown(&prod, "rules.IMG-002"), ["rules.IMG-002", "deny", "profile strict"]);
    let flag = ["gate.fail[1]", "{\"severity\":\"low\"}", "--fail-on"];
    assert_eq!(shown(&prod, "gate.fail[1]"), flag);
    let json: serde_json::Value =
        serde_json::from_str(&show(&["--environment", "prod", "-o", "json"])).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["policy"]["environment"], "prod");
    assert_eq!(json["policy"]["profile"], "strict");
    let values = json["values"].as_array().unwrap();
    let rule = values.iter().find(|value| value["key"] == "rules.DF-030").unwrap();
    let origin = serde_json::json!({"kind": "file", "path": "plimsoll.yaml", "line": 8});
    assert_eq!((&rule["value"], &rule["origin"]), (&serde_json::json!("deny"), &origin));
}

#[test]
fn the_view_by_controls_of_cis_leaves_out_none_and_passes_nothing_unseen() {
    let sandbox = project();
    let text =
        run(sandbox.plimsoll().args(["check", "Dockerfile", "-o", "cis"])).expect_status(0).stdout;
    let row = |number: &str| {
        text.lines().find(|line| line.split_whitespace().next() == Some(number)).unwrap()
    };
    assert!(row("4.1").contains(" passed ") && row("4.1").contains("DF-020"), "{text}");
    assert!(row("4.6").contains(" not judged "), "the policy has the rule off: {text}");
    assert!(row("1.1.1").contains(" not covered "), "{text}");
    assert!(row("6.1").contains(" not covered ") && row("6.1").contains("by a person"), "{text}");
    let denied =
        run(sandbox.plimsoll().args(["check", "Dockerfile", "-o", "cis", "--environment", "prod"]))
            .expect_status(1)
            .stdout;
    let lines: Vec<&str> = denied.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("4.6 ")).unwrap();
    assert!(lines[at].contains(" failed "), "{denied}");
    assert!(lines[at + 1].trim_start().starts_with("DF-030 Dockerfile:"), "{denied}");
}

#[test]
fn explain_names_guidelines_and_controls_and_the_mapping_has_every_rule() {
    let sandbox = sandbox();
    let text = run(sandbox.plimsoll().args(["explain", "df-020"])).expect_status(0).stdout;
    assert!(text.contains("\nGuideline\n  nothing runs as root\n"), "{text}");
    let control = "\nCIS Docker Benchmark 1.6\n  4.1 user other than root\n";
    assert!(text.contains(control), "{text}");
    let json = run(sandbox.plimsoll().args(["explain", "--mapping", "-o", "json"]))
        .expect_status(0)
        .stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let rules = json["rules"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["id"] == "DF-020").unwrap();
    assert_eq!(rule["cis"], serde_json::json!(["4.1"]));
    assert_eq!(rule["guidelines"], serde_json::json!(["nothing runs as root"]));
    assert_eq!(rule["equivalents"][0], "DL3002");
    let table = run(sandbox.plimsoll().args(["explain", "--mapping"])).expect_status(0).stdout;
    assert_eq!(table.lines().count(), rules.len());
    run(sandbox.plimsoll().arg("explain")).expect_status(2);
    run(sandbox.plimsoll().args(["explain", "DF-020", "--mapping"])).expect_status(2);
}

#[test]
fn pipelines_and_settings_of_the_daemon_are_found_by_their_names() {
    let sandbox = sandbox();
    sandbox.write("p/daemon.json", "{\"hosts\": [\"tcp://0.0.0.0:2375\"]}\n");
    sandbox.write("p/.gitlab-ci.yml", "build:\n  script: [docker build --build-arg TOKEN=$T .]\n");
    sandbox.write("p/.github/workflows/ci.yml", "jobs: {a: {steps: [{uses: acme/x@v1}]}}\n");
    let action = "runs: {steps: [{uses: acme/x@v1}]}\n";
    sandbox.write("p/.github/actions/setup/action.yml", action);
    sandbox.write("p/.github/actions/setup/other.yml", action);
    let denied = run(sandbox.plimsoll().args(["check", "p", "-o", "csv"])).expect_status(1).stdout;
    for (rule, path) in [
        ("DMN-011", "p/.github/actions/setup/action.yml"),
        ("DMN-001", "p/daemon.json"),
        ("DMN-012", "p/.gitlab-ci.yml"),
        ("DMN-011", "p/.github/workflows/ci.yml"),
    ] {
        let is_found = |line: &str| line.contains(rule) && line.contains(path);
        assert!(denied.lines().any(is_found), "{rule} {path}: {denied}");
    }
    let one = run(sandbox
        .plimsoll()
        .args(["check", "ci.yml", "-o", "csv"])
        .current_dir(sandbox.join("p/.github/workflows")));
    assert!(one.expect_status(0).stdout.contains("DMN-011"));
    sandbox.write("broken/daemon.json", "{\"hosts\": [");
    run(sandbox.plimsoll().args(["check", "broken"])).expect_status(3);
    sandbox.write("empty/README", "");
    run(sandbox.plimsoll().args(["check", "empty"])).expect_status(2);
}

/// What the policy file is refused with; `text` follows its version.
fn refused(text: &str) -> String {
    let sandbox = project();
    sandbox.write("plimsoll.yaml", format!("version: 1\n{text}"));
    run(sandbox.plimsoll().args(["check", "Dockerfile"])).expect_status(2).stderr
}

#[test]
fn a_mistake_in_the_policy_is_shown_with_file_line_column_and_a_way_out() {
    sandbox_is_judged_without_mistakes();
    let key = "error: plimsoll.yaml:2:1: unknown key `gates`: did you mean `gate`?\n\
        hint: `plimsoll policy init` writes a commented policy with every key\n";
    assert_eq!(refused("gates: {fail: []}\n"), key);
    let inner = refused("gate:\n  fial: []\n");
    assert!(
        inner.starts_with(
            "error: plimsoll.yaml:3:3: unknown key `fial`: did you mean `fail`?\nhint: "
        ),
        "{inner}"
    );
    let kind = refused("rules: [DF-030]\n");
    assert!(kind.starts_with("error: plimsoll.yaml:2:8: expected a mapping"), "{kind}");
    assert!(kind.contains("\nhint: "), "{kind}");
    let number = refused("evidence: {logs: many}\n");
    assert!(number.starts_with("error: plimsoll.yaml:2:18: expected "), "{number}");
    assert!(number.contains("\nhint: "), "{number}");
    // Anybody may have an identity of this kind.
    let stranger = refused(
        "evidence:\n  signers:\n    - issuer: https://token.actions.githubusercontent.com\n      \
         identity: \"https://github.com/**\"\n",
    );
    assert!(
        stranger.starts_with(
            "error: plimsoll.yaml:5:17: expected an identity, found `https://github.com/**`: \
             `https://github.com/**` matches the identities of strangers"
        ),
        "{stranger}"
    );
    assert!(stranger.contains("\nhint: "), "{stranger}");
}

/// The policy without a mistake is taken, so that it is the mistakes that are refused.
fn sandbox_is_judged_without_mistakes() {
    let sandbox = project();
    sandbox.write("plimsoll.yaml", "version: 1\nrules: {DF-030: off}\nevidence: {logs: 1}\n");
    run(sandbox.plimsoll().args(["check", "Dockerfile"])).expect_status(0);
}

#[test]
fn an_expired_exception_is_shown_with_file_line_column_and_a_way_out() {
    let sandbox = project();
    let excepting = |expires: &str| {
        sandbox.write(
            "plimsoll.yaml",
            format!(
                "version: 1\nrules: {{EXC-002: off}}\nexceptions:\n  - rule: DF-030\n    reason: r\n    owner: o\n    expires: {expires}\n"
            ),
        );
        let outcome = run(sandbox.plimsoll().args(["check", "Dockerfile", "-o", "json"]));
        let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        let all = report["decision"]["findings"].as_array().unwrap().clone();
        all.into_iter().find(|finding| finding["rule"] == "EXC-003")
    };
    assert_eq!(excepting("2100-01-01"), None);
    let expired = excepting("2020-01-01").unwrap();
    let place = serde_json::json!({"file": "plimsoll.yaml", "line": 4, "column": 5});
    assert_eq!(expired["place"], place);
    assert_eq!(expired["policyLine"], "plimsoll.yaml:4");
    let remedy = "mend what it accepted and remove it, or decide again and set a new last day";
    assert_eq!(expired["remedy"], remedy);
    let table = run(sandbox.plimsoll().args(["check", "Dockerfile"])).stdout;
    assert!(table.contains("plimsoll.yaml:4:5"), "{table}");
}

#[test]
fn checking_a_policy_says_what_is_wrong_with_its_exceptions() {
    let sandbox = project();
    let check = |exception: &str, status: i32| {
        let text = format!("version: 1\nexceptions:\n  - {{{exception}, reason: r, owner: o}}\n");
        sandbox.write("plimsoll.yaml", text);
        run(sandbox.plimsoll().args(["policy", "check"])).expect_status(status).stdout
    };
    let lines = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let expired = check("rule: DF-020, expires: 2020-01-01", 0);
    assert!(expired.starts_with("plimsoll.yaml is valid (sha256:"), "{expired}");
    assert_eq!(
        lines(&expired),
        ["plimsoll.yaml:3:5: warn EXC-003: an exception has expired: DF-020, until 2020-01-01; \
          mend what it accepted and remove it, or decide again and set a new last day"]
    );
    let far = lines(&check("rule: DF-020, expires: 2999-01-01", 1));
    assert!(
        far[0].starts_with(
            "plimsoll.yaml:3:5: deny EXC-002: an exception lasts longer than 365 days: "
        ),
        "{far:?}"
    );
    let broad = lines(&check("rule: DF-020, path: './**', expires: 2020-01-01", 1));
    assert!(
        broad[0].starts_with("plimsoll.yaml:3:5: deny EXC-006: an exception is too broad: "),
        "{broad:?}"
    );
    assert_eq!(lines(&check("rule: DF-020, path: Dockerfile, expires: 2999-01-01", 1)).len(), 1);
}

#[test]
fn a_file_has_one_name_however_it_was_given() {
    let sandbox = project();
    sandbox.write("Dockerfile", "FROM scratch\nUSER root\n");
    sandbox.write(
        "plimsoll.yaml",
        "version: 1\nrules: {EXC-002: off, \"DF-*\": off, DF-020: deny}\nexceptions:\n  - {rule: DF-020, path: Dockerfile, reason: r, owner: o, expires: 2100-01-01}\n",
    );
    let absolute = sandbox.join("Dockerfile").into_string();
    let judged = |what: &[&str]| {
        let run = run(sandbox.plimsoll().args(["check", "-o", "json"]).args(what)).expect_status(0);
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let findings = report["decision"]["findings"].as_array().unwrap().clone();
        let [finding] = findings.try_into().unwrap();
        assert_eq!(finding["rule"], "DF-020");
        (finding["fingerprint"].clone(), finding["place"]["file"].clone())
    };
    let plain = judged(&["Dockerfile"]);
    assert_eq!(plain.1, "Dockerfile");
    for what in [vec!["."], vec!["./Dockerfile"], vec![&absolute], vec![".", "Dockerfile"]] {
        assert_eq!(judged(&what), plain, "{what:?}");
    }
}
