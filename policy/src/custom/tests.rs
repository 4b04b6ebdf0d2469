//! Rules in Rego over facts of an image and a Dockerfile.

#![cfg(feature = "rego")]

use super::*;
use crate::{Verdict, decide::Decision, rules::testing::Case};
use plimsoll_model::Severity;

const HEAD: &str = "package corp\n";
const RULE: &str = "{id: X-LABELS, title: images name their cost centre, file: corp.rego, rule: holds, about: [image]";

/// The decision over an image with one label, where `text` is the rule and `more` follows in its entry.
fn decide(text: &str, more: &str) -> Decision {
    let case = Case::default().image_with(&["a"], |config| {
        config.labels.insert("cost".to_owned(), "42".to_owned());
    });
    let policy = format!(
        "unknown: fail\nrules: {{BASE-050: off, \"IMG-*\": off}}\ncustom: [{RULE}{more}}}]"
    );
    case.decide_by(&policy_of(&policy, text))
}

/// A policy with `text` as the rule that it names.
fn policy_of(policy: &str, text: &str) -> Policy {
    with(Policy::parse(&format!("version: 1\n{policy}"), "p.yaml".into()).unwrap(), text)
}

fn with(policy: Policy, text: &str) -> Policy {
    policy.with_custom(|_file| Some(format!("{HEAD}{text}"))).unwrap()
}

/// What the rule found: how, what, and where.
fn found(decision: &Decision) -> Vec<(Outcome, String, Place)> {
    let own = decision.findings().iter().filter(|judged| judged.finding.rule == "X-LABELS");
    own.map(|judged| {
        let finding = judged.finding.clone();
        (finding.outcome, finding.found, finding.place)
    })
    .collect()
}

#[track_caller]
fn untold(text: &str, more: &str, expect: &str) {
    let decision = decide(text, more);
    let findings = found(&decision);
    let [(Outcome::Unknown, found, Place::Policy)] = findings.as_slice() else {
        panic!("{findings:?}")
    };
    assert!(found.contains(expect), "{found}");
    assert_eq!(decision.verdict(), Verdict::Undecided);
}

#[test]
fn true_holds_false_does_not_and_undefined_could_not_be_told() {
    let holds = decide("holds if input.image.config.labels.cost == \"42\"", "");
    assert_eq!((holds.verdict(), found(&holds)), (Verdict::Pass, Vec::new()));
    assert!(holds.evaluated().contains(&"X-LABELS"));
    let fails =
        decide("default holds := false\nholds if input.image.config.labels.cost == \"1\"", "");
    assert_eq!(fails.verdict(), Verdict::Blocked);
    assert_eq!(found(&fails), [(Outcome::Fail, "it does not".to_owned(), Place::Policy)]);
    let judged = fails.blocking().next().unwrap();
    assert_eq!(judged.finding.severity, Severity::High);
    assert_eq!(judged.finding.title, "images name their cost centre");
    assert_eq!(judged.finding.remedy, "see to it that images name their cost centre");
    assert_eq!(judged.policy_line.as_ref().map(|line| line.line), Some(4));
    // A name that is not there, and a typo, are undefined and not false.
    for text in [
        "holds if input.image.config.labels.owner == \"me\"",
        "holds if input.imgae.config.labels.cost == \"42\"",
    ] {
        untold(text, "", "`holds` is undefined");
    }
}

#[test]
fn a_set_of_messages_counts_only_with_what_it_needs() {
    let deny = "holds contains {\"message\": m, \"path\": \"Dockerfile\", \"line\": 3} if { some k, v in input.image.config.labels; m := sprintf(\"%s=%s\", [k, v]) }\nholds contains \"second\" if true";
    let decision = decide(deny, ", needs: [image.config.labels], severity: low, action: warn");
    let place = Place::Source { path: "Dockerfile".into(), line: 3, column: 1 };
    let mut findings = found(&decision);
    findings.sort_by(|one, other| one.1.cmp(&other.1));
    assert_eq!(
        findings,
        [
            (Outcome::Fail, "cost=42".to_owned(), place),
            (Outcome::Fail, "second".to_owned(), Place::Policy)
        ]
    );
    assert_eq!(decision.verdict(), Verdict::Pass);
    let none = "holds contains \"never\" if input.image.config.user == \"root\"";
    let passed = decide(none, ", needs: [image.config.labels]");
    assert_eq!((passed.verdict(), found(&passed)), (Verdict::Pass, Vec::new()));
    untold(none, "", "0 messages");
    untold(none, ", needs: [scan]", "no `scan` in the facts");
}

#[test]
fn a_message_in_any_form_is_a_finding() {
    let text = "holds := [7, {\"msg\": \"m\", \"path\": \"/etc/passwd\"}, {\"no\": 1}, null]";
    let decision = decide(text, ", needs: [image]");
    let file = Place::File { path: "/etc/passwd".to_owned(), layer: None };
    let findings = found(&decision);
    assert_eq!(findings.len(), 4);
    assert!(findings.contains(&(Outcome::Fail, "m".to_owned(), file)));
    for text in ["7", "{\"no\":1}", "null"] {
        assert!(findings.contains(&(Outcome::Fail, text.to_owned(), Place::Policy)), "{text}");
    }
    let many = "holds := numbers.range(1, 1100)";
    let decision = decide(many, ", needs: [image]");
    assert_eq!(found(&decision).len(), 1_001);
    assert!(found(&decision).contains(&(
        Outcome::Unknown,
        "100 messages more".to_owned(),
        Place::Policy
    )));
}

#[test]
fn what_is_no_answer_could_not_be_told() {
    untold("holds := \"yes\"", "", "neither true nor false");
    untold("holds := {\"allow\": true}", "", "neither true nor false");
    untold("holds := null", "", "neither true nor false");
    untold("holds := 1", "", "neither true nor false");
    // An error in a function is no `undefined`, which `not` would turn into true.
    untold("holds if not to_number(\"x\") == 1", "", "corp.rego:2");
    untold("holds if 1 / count([]) == 1", "", "corp.rego:2");
    untold("holds := true\nholds := false", "", "corp.rego");
}

#[test]
fn nothing_outside_can_be_asked() {
    for call in [
        "http.send({\"method\": \"get\", \"url\": \"http://127.0.0.1:1/\"})",
        "opa.runtime()",
        "time.now_ns()",
        "uuid.rfc4122(\"x\")",
        "net.lookup_ip_addr(\"localhost\")",
    ] {
        untold(&format!("holds if {call} != 7"), "", "could not find function");
    }
    // What is printed goes nowhere, and is not needed.
    let decision = decide("holds if { print(input.image.config.labels); true }", "");
    assert_eq!(decision.verdict(), Verdict::Pass);
}

#[test]
fn work_without_end_is_ended() {
    let endless = "holds if { n := numbers.range(1, 3000); some a in n; some b in n; some c in n; a + b + c == 0 }";
    untold(endless, "", "time");
}

#[test]
fn what_it_is_about_decides_whether_it_is_judged() {
    let text = "default holds := false";
    let decision = decide(text, "").evaluated().contains(&"X-LABELS");
    assert!(decision);
    let policy = format!("rules: {{BASE-050: off}}\ncustom: [{RULE}}}]");
    let other = Case::default().dockerfile("FROM scratch\nUSER 1\n");
    let decision = other.decide_by(&policy_of(&policy, text));
    assert_eq!(found(&decision), []);
    assert!(!decision.evaluated().contains(&"X-LABELS"));
}

#[test]
fn without_its_text_it_could_not_tell() {
    let policy = format!("rules: {{BASE-050: off, \"IMG-*\": off}}\ncustom: [{RULE}}}]");
    let decision = Case::default().image(&["a"]).policy(&policy).decide();
    assert_eq!(
        found(&decision),
        [(Outcome::Unknown, "its file was not read".to_owned(), Place::Policy)]
    );
    assert_eq!(decision.verdict(), Verdict::Undecided);
}

#[test]
fn it_can_be_excepted_and_its_action_set_like_any_rule() {
    let text = "default holds := false";
    let verdict = |more: &str| {
        let policy = format!("custom: [{RULE}}}]\n{more}");
        let case = Case::default().image(&["a"]);
        let decision = case.decide_by(&policy_of(&policy, text));
        let own = decision.findings().iter().find(|judged| judged.finding.rule == "X-LABELS");
        own.map(|judged| (judged.action, judged.exception.is_some()))
    };
    assert_eq!(verdict(""), Some((Action::Deny, false)));
    assert_eq!(verdict("rules: {X-LABELS: inform}"), Some((Action::Inform, false)));
    assert_eq!(verdict("rules: {X-LABELS: {action: warn}}"), Some((Action::Warn, false)));
    assert_eq!(verdict("rules: {X-LABELS: off}"), None);
    let except = "exceptions: [{rule: X-LABELS, reason: r, owner: o, expires: 2026-12-15}]";
    assert_eq!(verdict(except), Some((Action::Deny, true)));
    let expired = "exceptions: [{rule: X-LABELS, reason: r, owner: o, expires: 2020-12-15}]";
    assert_eq!(verdict(expired), Some((Action::Deny, false)));
}

#[test]
fn a_text_that_does_not_parse_or_lacks_the_rule_is_refused() {
    let policy = || {
        Policy::parse(&format!("version: 1\ncustom: [{RULE}}}]"), "plimsoll.yaml".into()).unwrap()
    };
    for (text, expect) in [
        ("package corp\nholds if {", "corp.rego:2"),
        ("package corp\nother if true", "it has no rule `holds`"),
        ("", "corp.rego"),
        ("package corp\nholds { true }", "corp.rego:2"),
    ] {
        let error = policy().with_custom(|_file| Some(text.to_owned())).unwrap_err();
        let Error::Rego { path, rule: "X-LABELS", message } = error else { panic!("{error}") };
        assert_eq!(path, "corp.rego");
        assert!(message.contains(expect) || path.as_str().contains(expect), "{message}");
    }
    let refused = |text: &str| {
        let error = policy().with_custom(|_file| Some(format!("{HEAD}{text}"))).unwrap_err();
        let Error::Rego { message, .. } = error else { panic!("{error}") };
        message
    };
    let deep = |depth: usize| format!("holds if {}true{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(refused(&deep(900)), "expected brackets at most 12 deep, found 900");
    assert_eq!(refused(&deep(13)), "expected brackets at most 12 deep, found 13");
    with(policy(), "# [[[[[[[[[[[[[[\nholds := \"{{{{{{{{\\\"{{{{{{{{\" == `\"[[[[[[[[[[[[[[[[`");
    for text in [
        "holds if f(1)\nf(x) := y if { y := f(x + 1) }",
        "holds if f(1)\nf(x) := data.corp.g(x)\ng(x) := 1 if { x > 1 }\nelse := [f(y) | some y in [x]][0]",
    ] {
        assert_eq!(refused(text), "the function `f` may call itself");
    }
    let by_chance = refused("holds if rand.intn(\"x\", 2) == 1");
    assert_eq!(by_chance, "`rand.intn` does not answer the same every time");
    let replaced = "holds if f(1) with count as f\nf(x) := count([x])";
    assert_eq!(refused(replaced), "the function `f` is put in place of another by `with`");
    with(policy(), "holds if f(1)\nf(x) := g(x)\ng(x) := x if { x > 0 }\nelse := 2");
    let before = policy().digest();
    let with = |text: &str| with(policy(), text).digest();
    assert_ne!(with("holds := true"), before);
    assert_ne!(with("holds := true"), with("holds := false"));
    assert_eq!(with("holds := true"), with("holds := true"));
}

#[test]
fn ids_are_capital_words_behind_a_prefix_that_is_nobody_elses() {
    for id in ["X-A", "X-LABELS-2", "X-0"] {
        assert!(is_id(id), "{id}");
        assert_eq!(interned(id), id);
    }
    let long = format!("X-{}", "A".repeat(63));
    for id in ["X-", "X", "x-a", "X-a", "X--A", "X-A-", "DF-020", "X-Ä", "X-A B", &long] {
        assert!(!is_id(id), "{id}");
    }
    assert!(crate::rules::ALL.iter().all(|rule| !rule.id.starts_with(PREFIX)));
}
