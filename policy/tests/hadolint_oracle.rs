//! The rules about Dockerfiles against hadolint's, over every Dockerfile in `tests/data`.
//!
//! hadolint looks at all stages; here each stage is the target once, so that both see the same. Where the two differ, the
//! difference is in `DIFFERENCES`, with the reason.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that runs a program of others on files of ours"
)]

use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::finding::{Outcome, Place};
use plimsoll_policy::{Dockerfile, Facts, Policy, decide, dockerfile::Document};
use serde_json::Value;
use std::{collections::BTreeSet, env, fs, process::Command};

/// A rule, and those of hadolint that say the same. (DF-047 is about packages that stay, DL3001 about programs that a step
/// runs: the two share an intent and no statement.)
const EQUIVALENTS: [(&str, &[&str]); 11] = [
    ("DF-022", &["DL3066"]),
    ("DF-024", &["DL3004"]),
    ("DF-032", &["DL3012"]),
    ("DF-040", &["DL3009"]),
    ("DF-041", &["DL3019", "DL3032", "DL3036", "DL3040", "DL3042", "DL3060"]),
    ("DF-042", &["DL3015"]),
    (
        "DF-043",
        &["DL3008", "DL3013", "DL3016", "DL3018", "DL3028", "DL3033", "DL3037", "DL3041", "DL3062"],
    ),
    ("DF-045", &["DL3035"]),
    ("DF-046", &["DL3014", "DL3027", "DL3030", "DL3034", "DL3038"]),
    ("DF-060", &["DL3020"]),
    ("DF-065", &["DL4006"]),
];

/// A statement of one of the two: the file, the rule, and the line on which the instruction begins.
type Statement = (String, &'static str, u32);

/// Who alone says so, what it says, and why that is right.
const DIFFERENCES: &[(&str, (&str, &str, u32), &str)] = &[
    ("hadolint", ("dockerfiles/pragmas.Dockerfile", "DF-022", 9), "of root, DF-020 speaks"),
    (
        "hadolint",
        ("dockerfiles/trailing-space.Dockerfile", "DF-022", 3),
        "the tab behind the number is no part of it",
    ),
    ("hadolint", ("hadolint/alpine.Dockerfile", "DF-041", 6), "the same RUN removes the cache"),
    ("hadolint", ("hadolint/files.Dockerfile", "DF-022", 19), "of root, DF-020 speaks"),
    ("hadolint", ("hadolint/pipes.Dockerfile", "DF-065", 3), "the step sets pipefail itself"),
    ("hadolint", ("hadolint/pipes.Dockerfile", "DF-065", 4), "`echo` does not fail"),
    ("hadolint", ("hadolint/rpm.Dockerfile", "DF-041", 8), "the cache is a mount"),
    ("plimsoll", ("hadolint/languages.Dockerfile", "DF-041", 10), "npm leaves a cache too"),
    ("plimsoll", ("hadolint/languages.Dockerfile", "DF-041", 12), "npm leaves a cache too"),
    ("plimsoll", ("hadolint/languages.Dockerfile", "DF-043", 9), "`>=` takes what is newest"),
    ("plimsoll", ("hadolint/rpm.Dockerfile", "DF-041", 4), "an upgrade fills the cache too"),
    ("plimsoll", ("hadolint/rpm.Dockerfile", "DF-041", 11), "an upgrade fills the cache too"),
    ("plimsoll", ("hadolint/rpm.Dockerfile", "DF-041", 12), "an upgrade fills the cache too"),
    ("plimsoll", ("hadolint/rpm.Dockerfile", "DF-045", 4), "`yum update` upgrades all too"),
];

fn data() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// Every Dockerfile that can be read, by `folder/name`.
fn files() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for folder in ["dockerfiles", "good/dockerfiles", "hadolint"] {
        for entry in data().join(folder).read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            if !entry.file_name().starts_with("bad-") {
                let text = fs::read_to_string(entry.path()).unwrap();
                all.push((format!("{folder}/{}", entry.file_name()), text));
            }
        }
    }
    all.sort();
    all
}

/// What hadolint says, and which files it can not read.
struct Theirs {
    statements: BTreeSet<Statement>,
    unread: BTreeSet<String>,
}

/// What hadolint says of them; nothing where it is not installed and need not be.
fn theirs(files: &[(String, String)]) -> Option<Theirs> {
    let program =
        Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/oracles/venv/bin/hadolint");
    let names = files.iter().map(|(name, _)| name);
    let arguments = ["--no-fail", "--disable-ignore-pragma", "--format", "json"];
    let output = Command::new(&program)
        .args(arguments)
        .args(names)
        .current_dir(data())
        .env("HOME", data())
        .env("XDG_CONFIG_HOME", data())
        .output();
    let output = match output {
        Ok(output) if output.status.success() => output.stdout,
        other => {
            let is_required = env::var("PLIMSOLL_ORACLES").is_ok_and(|value| value == "require");
            assert!(!is_required, "{program} is required: {other:?}");
            eprintln!("skipped: no {program}");
            return None;
        }
    };
    let stated: Vec<Value> = serde_json::from_slice(&output).unwrap();
    let mut theirs = Theirs { statements: BTreeSet::new(), unread: BTreeSet::new() };
    for stated in &stated {
        let (code, file) = (stated["code"].as_str().unwrap(), stated["file"].as_str().unwrap());
        let line = u32::try_from(stated["line"].as_u64().unwrap()).unwrap();
        if code == "DL1000" {
            theirs.unread.insert(file.to_owned());
        } else if let Some((rule, _)) = EQUIVALENTS.iter().find(|(_, codes)| codes.contains(&code))
        {
            theirs.statements.insert((file.to_owned(), *rule, line));
        }
    }
    Some(theirs)
}

/// What we say of a file, each stage being the target once.
fn ours((name, text): &(String, String)) -> BTreeSet<Statement> {
    let document = Document::parse(text);
    let first_line = |line: u32| {
        let mut around = document.instructions.iter();
        let around = around.find(|i| (i.first_line..=i.end_line).contains(&line));
        around.map_or(line, |instruction| instruction.first_line)
    };
    let stages = document.instructions.iter().filter(|i| i.keyword == "FROM").count();
    let file = Dockerfile { path: name.into(), text: text.clone() };
    let mut all = BTreeSet::new();
    for stage in 0..stages {
        let target = stage.to_string();
        let facts = Facts {
            dockerfiles: std::slice::from_ref(&file),
            target_stage: Some(&target),
            ..Facts::none()
        };
        let decision = decide(&Policy::baseline(), &facts, "2026-06-15T12:00:00Z".parse().unwrap());
        for judged in decision.findings() {
            let rule = EQUIVALENTS.iter().find(|(rule, _)| *rule == judged.finding.rule);
            if let (Some((rule, _)), Place::Source { line, .. }, Outcome::Fail) =
                (rule, &judged.finding.place, judged.finding.outcome)
            {
                all.insert((name.clone(), *rule, first_line(*line)));
            }
        }
    }
    all
}

#[test]
fn rules_say_what_hadolint_says_but_for_differences_that_were_looked_at() {
    let files = files();
    let Some(Theirs { statements: theirs, unread }) = theirs(&files) else { return };
    // It stumbles over an instruction that follows a here-document at once, and over what the parser is tested with.
    assert!(unread.iter().all(|name| !name.starts_with("hadolint/")), "{unread:?}");
    let read: Vec<_> = files.iter().filter(|(name, _)| !unread.contains(name)).collect();
    assert!(read.len() >= 50, "{}", read.len());
    let ours: BTreeSet<Statement> = read.into_iter().flat_map(ours).collect();
    let alone = |who, one: &BTreeSet<Statement>, other: &BTreeSet<Statement>| {
        one.difference(other)
            .map(|(file, rule, line)| (who, file.clone(), *rule, *line))
            .collect::<Vec<_>>()
    };
    let mut found = alone("hadolint", &theirs, &ours);
    found.extend(alone("plimsoll", &ours, &theirs));
    found.sort();
    let known = DIFFERENCES
        .iter()
        .map(|(who, (file, rule, line), _)| (*who, (*file).to_owned(), *rule, *line));
    let mut known: Vec<_> = known.collect();
    known.sort();
    assert_eq!(found, known);
    // Of each rule there is something that both say.
    for (rule, _) in EQUIVALENTS {
        let both = ours.intersection(&theirs).filter(|(_, own, _)| *own == rule).count();
        assert!(both >= 2, "{rule}: {both}");
    }
}
