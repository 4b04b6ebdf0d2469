//! Rules against checkov's: two judges of the same files, and every difference looked at.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that runs a program of others on files of ours"
)]

mod dockerfiles;
mod kubernetes;
#[path = "../support/mod.rs"]
mod support;

use plimsoll_policy::rules;
use std::{collections::BTreeSet, fmt::Debug, process::Command};

/// One file at a time: of several it forgets some of what it says of one, and takes an object of one for a neighbour of another's.
/// Nothing of this asks anybody.
const JUDGE: &str = r#"
import json, logging, sys
from importlib import import_module
from checkov.runner_filter import RunnerFilter
logging.disable(logging.CRITICAL)
framework, *names = sys.argv[1:]
Runner = import_module(f"checkov.{framework}.runner").Runner
out = []
for name in names:
    report = Runner().run(root_folder=None, files=[name], runner_filter=RunnerFilter(framework=[framework]))
    assert not report.parsing_errors, name
    out += [[name, record.check_id, record.file_line_range[0]] for record in report.failed_checks]
json.dump(out, sys.stdout)
"#;

/// What checkov says of them, as file, check and line; nothing where it is not installed and need not be.
fn stated(framework: &str, files: &[(String, String)]) -> Option<Vec<(String, String, u32)>> {
    let mut checkov = Command::new(support::oracle("checkov/bin/python"));
    checkov
        .args(["-c", JUDGE, framework])
        .args(files.iter().map(|(name, _)| name))
        .current_dir(support::data())
        .env("HOME", env!("CARGO_TARGET_TMPDIR"));
    Some(serde_json::from_slice(&support::said(&mut checkov)?).unwrap())
}

/// The checks that a rule equals and whose names begin so.
fn checks(rule: &rules::Rule, families: [&'static str; 2]) -> impl Iterator<Item = &'static str> {
    let equivalents = rule.equivalents.iter().copied();
    equivalents.filter(move |other| families.iter().any(|family| other.starts_with(family)))
}

/// That what each alone says is known.
#[track_caller]
fn check_differences<S: Ord + Debug>(
    theirs_alone: impl Iterator<Item = S>,
    ours_alone: impl Iterator<Item = S>,
    known: impl Iterator<Item = (&'static str, S)>,
) {
    let theirs = theirs_alone.map(|one| ("checkov", one));
    let found: BTreeSet<_> = theirs.chain(ours_alone.map(|one| ("plimsoll", one))).collect();
    assert_eq!(found, known.collect());
}
