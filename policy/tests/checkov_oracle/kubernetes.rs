//! The rules about Kubernetes against checkov's, over manifests that each lack one thing. Which rule is which check, the rules
//! say themselves, among their equivalents.
//!
//! Compared is which rule a file breaks: checkov names a whole object where we name a line. Where the two differ, the difference
//! is in `DIFFERENCES`, with the reason.

use crate::support;
use plimsoll_policy::{Facts, Policy, SourceFile, decide, rules};
use std::{collections::BTreeSet, process::Command};

/// One file at a time, so that an object of one is not taken for a neighbour of another's. Nothing of this asks anybody.
const JUDGE: &str = r#"
import json, logging, sys
from checkov.kubernetes.runner import Runner
from checkov.runner_filter import RunnerFilter
logging.disable(logging.CRITICAL)
out = []
for name in sys.argv[1:]:
    report = Runner().run(root_folder=None, files=[name], runner_filter=RunnerFilter(framework=["kubernetes"]))
    assert not report.parsing_errors, name
    out += [[name, record.check_id] for record in report.failed_checks]
json.dump(out, sys.stdout)
"#;

/// A statement of one of the two: the file, and the rule that it breaks.
type Statement = (String, &'static str);

/// Who alone says so, what it says, and why that is right.
const DIFFERENCES: &[(&str, (&str, &str), &str)] = &[(
    "checkov",
    ("checkov-kubernetes/root.yaml", "K8S-007"),
    "0 is no low id, but root: K8S-006",
)];

/// The checks about Kubernetes that a rule equals.
fn checks(rule: &rules::Rule) -> impl Iterator<Item = &'static str> {
    let is_one = |other: &&str| other.starts_with("CKV_K8S_") || other.starts_with("CKV2_K8S_");
    rule.equivalents.iter().copied().filter(is_one)
}

/// What checkov says of them; nothing where it is not installed and need not be.
fn theirs(files: &[(String, String)]) -> Option<BTreeSet<Statement>> {
    let mut checkov = Command::new(support::oracle("checkov/bin/python"));
    checkov
        .args(["-c", JUDGE])
        .args(files.iter().map(|(name, _)| name))
        .current_dir(support::data())
        .env("HOME", env!("CARGO_TARGET_TMPDIR"));
    let output = support::said(&mut checkov)?;
    let stated: Vec<(String, String)> = serde_json::from_slice(&output).unwrap();
    let statements = stated.into_iter().filter_map(|(file, check)| {
        let rule = rules::ALL.iter().find(|rule| checks(rule).any(|other| other == check))?;
        Some((file, rule.id))
    });
    Some(statements.collect())
}

/// What we say of a file. Who runs is not known where nobody says it, which is as little a pass as root is.
fn ours((name, text): &(String, String)) -> BTreeSet<Statement> {
    let file = SourceFile { path: name.into(), text: text.clone() };
    let facts = Facts { manifests: std::slice::from_ref(&file), ..Facts::none() };
    let decision = decide(&Policy::baseline(), &facts, "2026-06-15T12:00:00Z".parse().unwrap());
    let found = decision.findings().iter().map(|judged| judged.finding.rule);
    let rule = |id: &str| rules::ALL.iter().find(|rule| rule.id == id).unwrap();
    let compared = found.filter(|id| checks(rule(id)).next().is_some());
    compared.map(|id| (name.clone(), id)).collect()
}

#[test]
fn rules_say_what_checkov_says_but_for_differences_that_were_looked_at() {
    let files = support::files_with(&["checkov-kubernetes"], "yaml");
    assert!(files.len() >= 27, "{}", files.len());
    let Some(theirs) = theirs(&files) else { return };
    let ours: BTreeSet<Statement> = files.iter().flat_map(ours).collect();
    let theirs_alone = theirs.difference(&ours).map(|one| ("checkov", one.clone()));
    let ours_alone = ours.difference(&theirs).map(|one| ("plimsoll", one.clone()));
    let mut found: Vec<_> = theirs_alone.chain(ours_alone).collect();
    found.sort();
    let known =
        DIFFERENCES.iter().map(|(who, (file, rule), _)| (*who, ((*file).to_owned(), *rule)));
    let mut known: Vec<_> = known.collect();
    known.sort();
    assert_eq!(found, known);
    // Of each rule there is something that both say.
    for rule in rules::ALL.iter().filter(|rule| checks(rule).next().is_some()) {
        let both = ours.intersection(&theirs).filter(|(_, own)| *own == rule.id).count();
        assert!(both >= 1, "{}: {both}", rule.id);
    }
}
