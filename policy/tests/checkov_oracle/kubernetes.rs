//! The rules about Kubernetes against checkov's, over manifests that each lack one thing. Which rule is which check, the rules
//! say themselves, among their equivalents.
//!
//! Compared is which rule a file breaks: checkov names a whole object where we name a line. Where the two differ, the difference
//! is in `DIFFERENCES`, with the reason.

use crate::support;
use plimsoll_policy::{Facts, Policy, SourceFile, decide, rules};
use std::collections::BTreeSet;

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
    super::checks(rule, ["CKV_K8S_", "CKV2_K8S_"])
}

/// What checkov says of them; nothing where it is not installed and need not be.
fn theirs(files: &[(String, String)]) -> Option<BTreeSet<Statement>> {
    let stated = super::stated("kubernetes", files)?;
    let statements = stated.into_iter().filter_map(|(file, check, _)| {
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
    let known =
        DIFFERENCES.iter().map(|(who, (file, rule), _)| (*who, ((*file).to_owned(), *rule)));
    let (theirs_alone, ours_alone) = (theirs.difference(&ours), ours.difference(&theirs));
    super::check_differences(theirs_alone.cloned(), ours_alone.cloned(), known);
    // Of each rule there is something that both say.
    for rule in rules::ALL.iter().filter(|rule| checks(rule).next().is_some()) {
        let both = ours.intersection(&theirs).filter(|(_, own)| *own == rule.id).count();
        assert!(both >= 1, "{}: {both}", rule.id);
    }
}
