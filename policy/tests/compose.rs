//! Compose files as they should be raise no alarm.
#![expect(clippy::disallowed_methods, reason = "a test that reads files of ours")]

use camino::Utf8Path;
use plimsoll_policy::{Action, Facts, Policy, SourceFile, Verdict, decide};
use std::fs;

fn facts(compose: &[SourceFile], look: impl FnOnce(&Facts<'_>)) {
    look(&Facts { compose, ..Facts::none() });
}

/// Each file by itself and by the built-in policy. `inform` may say more: nobody has to act on it.
#[test]
fn well_kept_files_raise_nothing() {
    let directory = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/good/compose");
    let mut judged = 0;
    for entry in directory.read_dir_utf8().unwrap() {
        let path = entry.unwrap().path().to_owned();
        let file = SourceFile { text: fs::read_to_string(&path).unwrap(), path };
        facts(std::slice::from_ref(&file), |facts| {
            let decision =
                decide(&Policy::baseline(), facts, "2026-06-15T12:00:00Z".parse().unwrap());
            let loud: Vec<_> = decision
                .findings()
                .iter()
                .filter(|judged| judged.action >= Action::Warn)
                .map(|judged| (judged.finding.rule, &judged.finding.title, &judged.finding.found))
                .collect();
            assert!(loud.is_empty(), "{}: {loud:#?}", file.path);
            assert_eq!(decision.verdict(), Verdict::Pass);
        });
        judged += 1;
    }
    assert!(judged >= 6);
}

/// No text is too strange: what is read, is judged, and what is not is never a pass.
#[test]
fn what_is_no_compose_file_never_passes() {
    for text in [
        "",
        "[]",
        "services:",
        "\0",
        "services: {a: [1]}",
        "services: {a: {ports: {b: c}}}",
        "a: &a [*a]",
    ] {
        let file = SourceFile { path: "compose.yaml".into(), text: text.to_owned() };
        facts(&[file], |facts| {
            let now = "2026-06-15T12:00:00Z".parse().unwrap();
            assert_ne!(decide(&Policy::baseline(), facts, now).verdict(), Verdict::Pass, "{text}");
        });
    }
}
