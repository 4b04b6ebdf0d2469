//! `facts.json` and the JSON Schemas, as programs of others take them.

use crate::support::{Outcome, Sandbox, oracle, run, sandbox};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use std::fs;

const SECRET: &str = "hunter2hunter2";
const DOCKERFILE: &str = "FROM debian:13 AS build\nARG TOKEN=hunter2hunter2\nRUN make\nFROM scratch\nCOPY --from=build /a /a\nUSER root\n";
const COMPOSE: &str = "services:\n  db:\n    image: postgres:17\n    privileged: true\n    environment: {POSTGRES_PASSWORD: hunter2hunter2}\n";

/// Writes the facts of a command, which comes to this status.
fn facts(sandbox: &Sandbox, arguments: &[&str], status: i32) -> Value {
    let mut command = sandbox.plimsoll();
    run(command.args(arguments).args(["--facts-out", "facts.json"])).expect_status(status);
    serde_json::from_slice(&fs::read(sandbox.join("facts.json")).unwrap()).unwrap()
}

/// The schema as the program prints it, in a file.
fn schema(sandbox: &Sandbox, of: &str) -> Utf8PathBuf {
    let printed = run(sandbox.plimsoll().args(["schema", of])).expect_status(0).stdout;
    sandbox.write(format!("{of}.schema.json"), printed);
    sandbox.join(format!("{of}.schema.json"))
}

/// What the judge says of documents; nothing where it is not installed.
fn judged(sandbox: &Sandbox, schema: &Utf8Path, documents: &[&str]) -> Option<Outcome> {
    let mut judge = sandbox.command(oracle("check-jsonschema")?);
    judge.args(["--schemafile", schema.as_str()]);
    Some(run(judge.args(documents)))
}

/// The schema, in which nothing may be that it does not describe.
fn close(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            if fields.contains_key("properties") && fields.get("type") == Some(&json!("object")) {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn closed(sandbox: &Sandbox) -> Utf8PathBuf {
    let path = schema(sandbox, "facts");
    let mut schema: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    close(&mut schema);
    fs::write(&path, schema.to_string()).unwrap();
    path
}

fn project() -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("Dockerfile", DOCKERFILE);
    sandbox.write("compose.yaml", COMPOSE);
    sandbox.write("daemon.json", "{}");
    sandbox
}

#[test]
fn check_writes_facts_that_are_as_their_schema_says_and_have_no_secret() {
    let sandbox = project();
    let facts = facts(&sandbox, &["check", "."], 1);
    assert!(!facts.to_string().contains(SECRET), "{facts:#}");
    assert_eq!(facts["version"], 1);
    assert_eq!(facts["dockerfiles"][0]["stages"][1]["user"], json!({"line": 6, "value": "root"}));
    assert_eq!(facts["compose"][0]["services"][0]["definition"]["privileged"], true);
    assert_eq!(facts["configs"], json!([{"path": "daemon.json", "kind": "daemon"}]));
    assert_eq!((&facts["image"], &facts["evidence"]), (&Value::Null, &Value::Null));
    let Some(outcome) = judged(&sandbox, &closed(&sandbox), &["facts.json"]) else { return };
    outcome.expect_status(0);
    // And the judge looks at it.
    let mut wrong = facts;
    wrong["dockerfiles"][0]["stages"][0]["line"] = json!("1");
    sandbox.write("wrong.json", wrong.to_string());
    judged(&sandbox, &sandbox.join("facts.schema.json"), &["wrong.json"]).unwrap().expect_status(1);
}

#[test]
fn a_case_with_everything_in_it_is_as_the_schema_says() {
    let sandbox = sandbox();
    let rich = fs::read_to_string(crate::support::root().join("policy/src/record/rich.json"));
    sandbox.write("rich.json", rich.unwrap());
    let Some(outcome) = judged(&sandbox, &closed(&sandbox), &["rich.json"]) else { return };
    outcome.expect_status(0);
}

#[test]
fn facts_that_can_not_be_written_are_an_error_and_no_pass() {
    let sandbox = sandbox();
    sandbox.write("plimsoll.yaml", "version: 1\nrules: {DF-030: off}\n");
    let digest = "1".repeat(64);
    sandbox.write("Dockerfile", format!("FROM debian:13@sha256:{digest}\nUSER 1000\n"));
    sandbox.write("taken/x", "");
    let arguments = ["check", "Dockerfile", "--facts-out"];
    run(sandbox.plimsoll().args(arguments).arg("facts.json")).expect_status(0);
    let failed = run(sandbox.plimsoll().args(arguments).arg("taken")).expect_status(4);
    assert!(failed.stderr.contains("error: cannot write `taken`"), "{}", failed.stderr);
}

#[test]
fn the_schema_of_the_policy_takes_every_documented_policy_and_no_unknown_key() {
    let sandbox = sandbox();
    let schema = schema(&sandbox, "policy");
    let guide = crate::support::root().join("docs/guide");
    let mut policies = vec!["template.yaml".to_owned()];
    run(sandbox.plimsoll().args(["policy", "init", "template.yaml"])).expect_status(0);
    sandbox.write("rules/cost_centre.rego", "package corp.cost_centre\nholds := true\n");
    for page in guide.read_dir_utf8().unwrap() {
        let page = page.unwrap().into_path();
        let text = fs::read_to_string(&page).unwrap();
        for (at, block) in text.split("```yaml\n").skip(1).enumerate() {
            let block = block.split("```").next().unwrap();
            if block.starts_with("version: 1\n") && !block.contains("\nexpect:") {
                let name = format!("{}-{at}.yaml", page.file_stem().unwrap());
                sandbox.write(&name, block);
                run(sandbox.plimsoll().args(["policy", "check", &name])).expect_status(0);
                policies.push(name);
            }
        }
    }
    assert!(policies.len() >= 3, "{policies:?}");
    let policies: Vec<&str> = policies.iter().map(String::as_str).collect();
    let Some(outcome) = judged(&sandbox, &schema, &policies) else { return };
    outcome.expect_status(0);
    for (at, wrong) in [
        "gates: {}",
        "gate: {fail: [{}]}",
        "gate: {max-advisory-age: 3}",
        "rules: {DF-999: off}",
        "rules: {VUL-004: {allowed: [npm]}}",
        "rules: {\"DF-*\": {action: off}}",
        "exceptions: [{rule: IMG-001, owner: o, expires: \"2026-12-31\"}]",
        "exceptions: [{rule: EXC-003, reason: r, owner: o, expires: \"2026-12-31\"}]",
        "evidence: {signers: [{issuer: \"https://x\"}]}",
        "environments: {prod: {version: 1}}",
        "bases: {key: x.pub}",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("wrong-{at}.yaml");
        sandbox.write(&name, format!("version: 1\n{wrong}\n"));
        run(sandbox.plimsoll().args(["policy", "check", &name])).expect_status(2);
        judged(&sandbox, &schema, &[&name]).unwrap().expect_status(1);
    }
}

#[test]
fn the_schema_of_reports_is_printed_as_published() {
    let sandbox = sandbox();
    let printed = run(sandbox.plimsoll().args(["schema", "report"])).expect_status(0).stdout;
    let published = crate::support::root().join("docs/reference/report-v1.schema.json");
    assert_eq!(printed, fs::read_to_string(published).unwrap());
}
