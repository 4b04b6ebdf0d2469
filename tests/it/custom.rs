//! Rules of the user's own, in Rego, through the whole program.

use crate::support::{Sandbox, run, sandbox};
use serde_json::Value;

const REGISTRY: &str = r#"package corp.registry

deny contains {"message": message, "path": file.path, "line": stage.from.line} if {
  some file in input.dockerfiles
  some stage in file.stages
  stage.from.source.is == "image"
  not startswith(stage.from.source.repository, "registry.example.com/")
  message := sprintf("`%s` is from elsewhere", [stage.from.written])
}
"#;
const POLICY: &str = "version: 1
custom:
  - id: X-REGISTRY
    title: every stage starts from the company's registry
    file: rules/registry.rego
    rule: deny
    about: [dockerfiles]
    needs: [dockerfiles.stages.from.source.is]
    remedy: use the mirror
rules: {\"BASE-*\": off}
";
const ELSEWHERE: &str = "FROM registry.example.com/a@sha256:0000000000000000000000000000000000000000000000000000000000000000\nFROM evil.example.com/b:1\nUSER 10001\nHEALTHCHECK --timeout=3s CMD [\"/x\"]\n";

fn project() -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("plimsoll.yaml", POLICY);
    sandbox.write("rules/registry.rego", REGISTRY);
    sandbox.write("Dockerfile", ELSEWHERE);
    sandbox
}

#[test]
fn a_rule_in_rego_blocks_where_it_says_and_in_every_report() {
    let sandbox = project();
    let check = |arguments: &[&str], status| {
        run(sandbox.plimsoll().args(["check", "Dockerfile"]).args(arguments)).expect_status(status)
    };
    let text = check(&[], 1).stdout;
    assert!(
        text.contains("X-REGISTRY: every stage starts from the company's registry\n  where     Dockerfile:2:1\n  found     `evil.example.com/b:1` is from elsewhere\n"),
        "{text}"
    );
    assert!(text.contains("  policy    plimsoll.yaml:3"), "{text}");
    assert!(!text.contains("plimsoll explain X-REGISTRY"), "{text}");
    let sarif: Value = serde_json::from_str(&check(&["-o", "sarif"], 1).stdout).unwrap();
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    let result = results.iter().find(|result| result["ruleId"] == "X-REGISTRY").unwrap();
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    let rule = &run["tool"]["driver"]["rules"][index];
    assert_eq!(
        (&rule["id"], &rule["help"]["text"]),
        (&"X-REGISTRY".into(), &"use the mirror".into())
    );
    sandbox.write("Dockerfile", ELSEWHERE.replace("FROM evil.example.com/b:1\n", ""));
    check(&[], 0);
}

#[test]
fn what_a_rule_can_not_tell_is_undecided() {
    let sandbox = project();
    sandbox.write(
        "rules/registry.rego",
        "package corp.registry\ndeny if input.dockerfiles.path == 1\n",
    );
    let undecided = run(sandbox.plimsoll().args(["check", "Dockerfile"])).expect_status(3);
    assert!(
        undecided.stdout.contains("`deny` is undefined for these facts"),
        "{}",
        undecided.stdout
    );
}

#[test]
fn a_text_that_is_missing_or_wrong_is_an_error_with_its_place() {
    let sandbox = project();
    let error = |status| {
        let refused = run(sandbox.plimsoll().args(["policy", "check"])).expect_status(status);
        refused.stderr.lines().next().unwrap_or_default().to_owned()
    };
    sandbox.write("rules/registry.rego", "package corp.registry\ndeny contains m if {\n");
    assert_eq!(
        error(2),
        "error: cannot use the rule X-REGISTRY in `rules/registry.rego`: rules/registry.rego:3:1: expecting expression"
    );
    sandbox.write("rules/registry.rego", "package corp.registry\nallow := true\n");
    assert_eq!(
        error(2),
        "error: cannot use the rule X-REGISTRY in `rules/registry.rego`: it has no rule `deny`"
    );
    std::fs::remove_file(sandbox.join("rules/registry.rego")).unwrap();
    assert_eq!(
        error(2),
        "error: cannot read `rules/registry.rego`: No such file or directory (os error 2)"
    );
    sandbox.write("rules/registry.rego", REGISTRY);
    sandbox.write("plimsoll.yaml", POLICY.replace("needs: [dockerfiles.", "needs: [dockerfile."));
    assert_eq!(
        error(2),
        "error: plimsoll.yaml:8:13: expected a path in facts such as `image.config`, found `dockerfile.stages.from.source.is`: facts have no `dockerfile.stages.from.source.is`: see `plimsoll schema facts`"
    );
    for (from, to, expect) in [
        ("id: X-REGISTRY", "id: DF-999", "3:9: expected an id such as `X-LABELS`"),
        ("rule: deny", "rule: data.deny", "6:11: expected the name of a rule in the file"),
        ("    rule: deny\n", "", "3:5: a rule of one's own needs `rule`"),
        ("about: [dockerfiles]", "about: []", "7:12: expected at least one path in facts"),
        ("{\"BASE-*\"", "{X-OTHER", "10:9: unknown rule `X-OTHER`"),
    ] {
        sandbox.write("plimsoll.yaml", POLICY.replace(from, to));
        let error = error(2);
        assert!(error.contains(&format!("plimsoll.yaml:{expect}")), "{error}");
    }
}

#[test]
fn cases_hold_rules_of_ones_own_to_what_they_should_find_also_over_a_record() {
    let sandbox = project();
    sandbox.write(
        "cases/a.test.yaml",
        "version: 1\npolicy: ../plimsoll.yaml\ndockerfiles: [Dockerfile]\nexpect: {findings: [{rule: X-REGISTRY, file: Dockerfile, line: 2}]}\n",
    );
    sandbox.write("cases/Dockerfile", ELSEWHERE);
    let facts = sandbox.join("cases/facts.json");
    run(sandbox.plimsoll().args(["check", "Dockerfile", "--facts-out", facts.as_str()]))
        .expect_status(1);
    sandbox.write(
        "cases/b.test.yaml",
        "version: 1\npolicy: ../plimsoll.yaml\nfacts: facts.json\nexpect: {findings: [{rule: X-REGISTRY, file: Dockerfile, line: 2}]}\n",
    );
    let test =
        |status| run(sandbox.plimsoll().args(["policy", "test", "cases"])).expect_status(status);
    assert!(test(0).stdout.ends_with("2 of 2 cases hold\n"));
    // A rule that the policy does not have finds nothing, and that is no comfort.
    sandbox.write(
        "cases/b.test.yaml",
        "version: 1\npolicy: ../plimsoll.yaml\nfacts: facts.json\nexpect: {absent: [X-REGISTRY, X-OTHER]}\n",
    );
    let failed = test(1).stdout;
    assert!(
        failed.contains("    - no finding of X-REGISTRY\n    + X-REGISTRY at Dockerfile:2"),
        "{failed}"
    );
    assert!(
        failed.contains("    - no finding of X-OTHER\n    + the policy has no such rule\n"),
        "{failed}"
    );
}

#[test]
fn the_policy_that_is_shown_names_the_rule_and_what_sets_its_action() {
    let sandbox = project();
    sandbox.write(
        "plimsoll.yaml",
        format!("{POLICY}environments:\n  dev:\n    rules: {{X-REGISTRY: warn}}\n"),
    );
    let show = |arguments: &[&str]| {
        run(sandbox.plimsoll().args(["policy", "show"]).args(arguments)).expect_status(0).stdout
    };
    let line = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line(&show(&[]), "rules.X-REGISTRY"), "rules.X-REGISTRY deny plimsoll.yaml:3");
    let of_dev = show(&["--environment", "dev"]);
    assert_eq!(line(&of_dev, "rules.X-REGISTRY"), "rules.X-REGISTRY warn plimsoll.yaml:13");
    assert!(line(&of_dev, "custom[0]").contains("\"file\":\"rules/registry.rego\""));
}
