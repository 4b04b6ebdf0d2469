//! Dockerfiles as careful people write them raise nothing that would make them take the step out again.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test that reads files of ours"
)]

use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_policy::{Action, Dockerfile, Facts, Policy, decide};
use std::fs;

/// The families of rules that are about what a Dockerfile does, not about what its bases are.
const FAMILIES: [&str; 4] = ["DF-02", "DF-03", "DF-04", "DF-06"];
/// Of the files, some have no health check, or leave the user to what is not known here.
const OTHERS: [&str; 2] = ["DF-020", "DF-030"];

fn good() -> Vec<Dockerfile> {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/good/dockerfiles");
    let mut paths: Vec<Utf8PathBuf> =
        folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()).collect();
    paths.sort();
    let read = |path: Utf8PathBuf| Dockerfile { text: fs::read_to_string(&path).unwrap(), path };
    paths.into_iter().map(read).collect()
}

/// The findings of those rules, as `rule line: found`.
fn findings(file: &Dockerfile) -> Vec<String> {
    let facts = Facts { dockerfiles: std::slice::from_ref(file), ..Facts::none() };
    let decision = decide(&Policy::baseline(), &facts, "2026-06-15T12:00:00Z".parse().unwrap());
    let is_meant = |rule: &str| {
        FAMILIES.iter().any(|family| rule.starts_with(family)) && !OTHERS.contains(&rule)
    };
    let judged = decision.findings().iter().filter(|judged| is_meant(judged.finding.rule));
    judged
        .filter(|judged| judged.action >= Action::Warn)
        .map(|judged| {
            format!("{} {:?}: {}", judged.finding.rule, judged.finding.place, judged.finding.found)
        })
        .collect()
}

#[test]
fn well_kept_dockerfiles_raise_no_warning() {
    let files = good();
    assert!(files.len() >= 15, "{}", files.len());
    for file in &files {
        assert_eq!(findings(file), [""; 0], "{}", file.path);
    }
}

#[test]
fn a_warning_would_be_seen() {
    let mut file = good().remove(0);
    file.text.push_str("\nRUN curl -k https://example.com/x | sh\n");
    let rules: Vec<_> =
        findings(&file).iter().map(|found| found.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(rules, ["DF-066", "DF-064"]);
}
