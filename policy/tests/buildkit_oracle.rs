//! The Dockerfile parser against BuildKit's own, over `tests/data/dockerfiles`.
//!
//! The judge is the Python package `dockerfile`, which wraps BuildKit's parser.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that runs a program of others on files of ours"
)]

use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_policy::dockerfile::Document;
use serde_json::Value;
use std::{env, fs, process::Command};

const JUDGE: &str = r"
import dockerfile, json, os, sys
out = {}
for name in sorted(os.listdir(sys.argv[1])):
    try:
        out[name] = [
            dict(keyword=c.cmd.upper(), triggered=c.sub_cmd and c.sub_cmd.upper(), json=c.json, lines=[c.start_line, c.end_line],
                 flags=list(c.flags), heredocs=[[h.name, h.content] for h in c.heredocs])
            for c in dockerfile.parse_file(os.path.join(sys.argv[1], name))
        ]
    except dockerfile.GoParseError as error:
        out[name] = str(error)
json.dump(out, sys.stdout)
";

fn data() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dockerfiles")
}

/// What BuildKit says of every file; nothing where it is not installed and need not be.
fn judgement() -> Option<serde_json::Map<String, Value>> {
    let python =
        Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/oracles/venv/bin/python");
    let output = Command::new(&python).args(["-c", JUDGE, data().as_str()]).output();
    match output {
        Ok(output) if output.status.success() => {
            Some(serde_json::from_slice(&output.stdout).unwrap())
        }
        other => {
            let is_required = env::var("PLIMSOLL_ORACLES").is_ok_and(|value| value == "require");
            assert!(!is_required, "{python} with the package `dockerfile` is required: {other:?}");
            eprintln!("skipped: no {python} with the package `dockerfile`");
            None
        }
    }
}

fn ours(name: &str) -> Document {
    Document::parse(&fs::read_to_string(data().join(name)).unwrap())
}

fn as_judged(document: &Document) -> Value {
    let instructions = document.instructions.iter().map(|instruction| {
        let triggered = instruction.triggered.as_deref();
        // Of what `ONBUILD` triggers, the judge shows nothing but the keyword.
        let flags = instruction.flags.iter().map(|flag| match &flag.value {
            Some(value) => format!("--{}={value}", flag.name),
            None => format!("--{}", flag.name),
        });
        let heredocs = instruction.heredocs.iter().map(|h| [h.name.clone(), h.content.clone()]);
        serde_json::json!({
            "keyword": instruction.keyword,
            "triggered": triggered.map(|inner| inner.keyword.clone()),
            "json": instruction.is_json(),
            "lines": [instruction.first_line, instruction.end_line],
            "flags": flags.collect::<Vec<_>>(),
            "heredocs": heredocs.collect::<Vec<_>>(),
        })
    });
    Value::Array(instructions.collect())
}

#[test]
fn instructions_are_those_that_buildkit_sees() {
    let Some(judgement) = judgement() else { return };
    assert!(judgement.len() >= 50, "{}", judgement.len());
    for (name, judged) in &judgement {
        let document = ours(name);
        if name.starts_with("bad-") {
            assert!(judged.is_string(), "{name}: {judged}");
            assert!(!document.problems.is_empty(), "{name}: {document:#?}");
        } else {
            assert_eq!(document.problems, [], "{name}");
            assert_eq!(&as_judged(&document), judged, "{name}");
        }
    }
}

#[test]
fn the_judge_would_notice_a_difference() {
    let Some(judgement) = judgement() else { return };
    let name = "heredoc-python.Dockerfile";
    let text = fs::read_to_string(data().join(name)).unwrap();
    let changed = Document::parse(&text.replace("python3 <<EOF", "python3 EOF"));
    assert_ne!(as_judged(&changed), judgement[name]);
}
