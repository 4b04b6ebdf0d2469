//! What the judges of Dockerfiles share: the files, what we say of them, and a judge that need not be there.

use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::finding::{Outcome, Place};
use plimsoll_policy::{Dockerfile, Facts, Policy, decide, dockerfile::Document};
use std::{env, fs, process::Command};

/// The folder of the files that are judged.
pub(crate) fn data() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// A tool of others.
pub(crate) fn oracle(path: &str) -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/oracles").join(path)
}

/// What a judge prints; nothing where it is not installed and need not be.
pub(crate) fn said(judge: &mut Command) -> Option<Vec<u8>> {
    match judge.output() {
        Ok(output) if output.status.success() => Some(output.stdout),
        other => {
            let is_required = env::var("PLIMSOLL_ORACLES").is_ok_and(|value| value == "require");
            assert!(!is_required, "{judge:?} is required: {other:?}");
            eprintln!("skipped: no {}", judge.get_program().to_string_lossy());
            None
        }
    }
}

/// Every Dockerfile of these folders that can be read, by `folder/name`.
pub(crate) fn files(folders: &[&str]) -> Vec<(String, String)> {
    files_with(folders, "Dockerfile")
}

/// Every file of these folders with this extension that can be read, by `folder/name`.
pub(crate) fn files_with(folders: &[&str], extension: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for folder in folders {
        for entry in data().join(folder).read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            let is_one = entry.path().extension() == Some(extension);
            if is_one && !entry.file_name().starts_with("bad-") {
                let text = fs::read_to_string(entry.path()).unwrap();
                all.push((format!("{folder}/{}", entry.file_name()), text));
            }
        }
    }
    all.sort();
    all
}

/// How many stages a Dockerfile has.
pub(crate) fn stages(text: &str) -> usize {
    Document::parse(text).instructions.iter().filter(|i| i.keyword == "FROM").count()
}

/// The rules that do not pass in a file where this stage is the target, each with the line on which the instruction begins.
pub(crate) fn found(name: &str, text: &str, stage: usize) -> Vec<(&'static str, u32, Outcome)> {
    let document = Document::parse(text);
    let first_line = |line: u32| {
        let mut around = document.instructions.iter();
        let around = around.find(|i| (i.first_line..=i.end_line).contains(&line));
        around.map_or(line, |instruction| instruction.first_line)
    };
    let file = Dockerfile { path: name.into(), text: text.to_owned() };
    let target = stage.to_string();
    let facts = Facts {
        dockerfiles: std::slice::from_ref(&file),
        target_stage: Some(&target),
        ..Facts::none()
    };
    let decision = decide(&Policy::baseline(), &facts, "2026-06-15T12:00:00Z".parse().unwrap());
    let found = decision.findings().iter().map(|judged| &judged.finding);
    found
        .filter_map(|finding| {
            let Place::Source { line, .. } = finding.place else { return None };
            Some((finding.rule, first_line(line), finding.outcome))
        })
        .collect()
}
