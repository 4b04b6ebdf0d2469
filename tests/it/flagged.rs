//! Builds on the ledger's list of flagged ones, by the binary.

use crate::support::{Outcome, Sandbox, run, sandbox};
use plimsoll_oci::testing::image::{ImageBuilder, LayerBuilder};
use serde_json::{Value, json};

const JUDGE: [&str; 4] = ["--advisories", "advisories", "--ledger", "ledger"];

/// A place with one image that passes, and its run in the ledger.
fn built() -> Sandbox {
    let sandbox = sandbox();
    sandbox.write(
        "plimsoll.yaml",
        "version: 1\ngate: {fail: [{severity: high}], max-advisory-age: 3650d}\nevidence: {require: []}\n",
    );
    advise(&sandbox, "advisories", "4.17.10");
    let app = LayerBuilder::new().file(
        "srv/app/node_modules/lodash/package.json",
        "{\"name\": \"lodash\", \"version\": \"4.17.20\"}",
    );
    let image = ImageBuilder::new().user("1000").layer(app).build();
    image.write_layout(&sandbox.join("image"), Some("1"));
    image.write_layout(&sandbox.join("copy"), Some("other"));
    judge(&sandbox, "run", "oci-layout:image:1", &[]).expect_status(0);
    sandbox
}

fn advise(sandbox: &Sandbox, directory: &str, fixed: &str) {
    let record = json!({
        "schema_version": "1.7.4", "id": "TEST-1", "modified": "2026-11-01T00:00:00Z", "summary": "a flaw",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [{
            "package": {"ecosystem": "npm", "name": "lodash"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
        }],
    });
    sandbox.write(format!("{directory}/TEST-1.json"), record.to_string());
}

fn plimsoll(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    run(sandbox.plimsoll().args(arguments))
}

fn judge(sandbox: &Sandbox, command: &str, image: &str, more: &[&str]) -> Outcome {
    plimsoll(sandbox, &[&[command, image], more, &JUDGE[..], &["-o", "json"]].concat())
}

/// Promotes to `prod`, which nothing may reach but what passes.
fn promote(sandbox: &Sandbox, image: &str) -> Outcome {
    judge(sandbox, "promote", image, &["oci-layout:prod:1"])
}

fn mark(sandbox: &Sandbox, word: &str, id: &str) -> Outcome {
    let says = ["--reason", "the key was stolen", "--by", "a@corp", "--ledger", "ledger"];
    plimsoll(sandbox, &[&["ledger", word, id], &says[..]].concat())
}

/// What each finding of FLG-001 comes to, and its title.
fn flags(outcome: &Outcome) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let findings = report["decision"]["findings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings
        .filter(|finding| finding["rule"] == "FLG-001")
        .map(|finding| (text(&finding["effect"]), text(&finding["title"])))
        .collect()
}

#[test]
fn a_flagged_build_is_neither_run_nor_promoted_by_any_name_until_it_is_cleared() {
    let sandbox = built();
    let listed = mark(&sandbox, "flag", "1").expect_status(0);
    assert!(listed.stdout.starts_with("flagged: oci-layout:image@sha256:"), "{}", listed.stdout);
    let expect = [("blocks".to_owned(), "the build is flagged: the key was stolen".to_owned())];
    for image in ["oci-layout:image:1", "oci-layout:copy:other"] {
        assert_eq!(flags(&judge(&sandbox, "run", image, &[]).expect_status(1)), expect);
        assert_eq!(flags(&promote(&sandbox, image).expect_status(1)), expect);
    }
    assert!(!sandbox.join("prod").exists(), "nothing may be promoted");
    let list = plimsoll(&sandbox, &["ledger", "list", "--ledger", "ledger", "-o", "json"]);
    let list: Value = serde_json::from_str(&list.expect_status(0).stdout).unwrap();
    let mark_of_flag = json!({"kind": "flagged", "reason": "the key was stolen", "by": "a@corp"});
    assert_eq!(list["builds"][4]["mark"], mark_of_flag);
    assert_eq!(list["builds"][5]["mark"], Value::Null);

    mark(&sandbox, "clear", "1").expect_status(0);
    assert_eq!(flags(&promote(&sandbox, "oci-layout:image:1").expect_status(0)), []);
    assert!(sandbox.join("prod").exists());
}

#[test]
fn what_went_bad_is_put_on_the_list_once() {
    let sandbox = built();
    advise(&sandbox, "tomorrow", "4.17.21");
    let again = ["ledger", "flagged", "--flag", "--advisories", "tomorrow", "--ledger", "ledger"];
    plimsoll(&sandbox, &again).expect_status(1);
    // By the advisories of yesterday it would pass.
    let blocked = judge(&sandbox, "run", "oci-layout:image:1", &[]).expect_status(1);
    assert_eq!(flags(&blocked).len(), 1, "{}", blocked.stdout);
    let count = || {
        let list = plimsoll(&sandbox, &["ledger", "list", "--ledger", "ledger"]).expect_status(0);
        list.stdout.lines().filter(|line| line.contains(" flagged ")).count()
    };
    assert_eq!(count(), 1);
    plimsoll(&sandbox, &again).expect_status(1);
    assert_eq!(count(), 1);
}

#[test]
fn a_ledger_that_can_not_be_read_or_lacks_an_entry_lets_nothing_pass() {
    for damage in ["DELETE FROM entry WHERE id = 2", "DELETE FROM entry WHERE id = 1", "garbage"] {
        let sandbox = built();
        mark(&sandbox, "flag", "1").expect_status(0);
        if damage == "garbage" {
            sandbox.write("ledger", "x".repeat(5000));
        } else {
            let ledger = rusqlite::Connection::open(sandbox.join("ledger")).unwrap();
            ledger.execute(damage, ()).unwrap();
        }
        let outcome = promote(&sandbox, "oci-layout:image:1").expect_status(3);
        let title = "whether the build is flagged can not be told".to_owned();
        assert_eq!(flags(&outcome), [("undecided".to_owned(), title)], "{damage}");
        assert!(!sandbox.join("prod").exists(), "{damage}: nothing may be promoted");
    }
}

#[test]
fn marks_need_a_build_and_a_reason() {
    let sandbox = built();
    mark(&sandbox, "flag", "7").expect_status(2);
    mark(&sandbox, "clear", "1").expect_status(2);
    let says = ["--reason", " ", "--by", "a@corp", "--ledger", "ledger"];
    plimsoll(&sandbox, &[&["ledger", "flag", "1"], &says[..]].concat()).expect_status(2);
    assert_eq!(flags(&judge(&sandbox, "run", "oci-layout:image:1", &[]).expect_status(0)), []);
}
