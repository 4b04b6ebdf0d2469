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
use plimsoll_policy::{
    Dockerfile, Facts,
    dockerfile::{Argument, Build, Document, Step},
};
use serde_json::Value;
use std::{env, fs, process::Command};

const JUDGE: &str = r"
import dockerfile, json, os, sys
out = {}
for name in sorted(os.listdir(sys.argv[1])):
    try:
        out[name] = [
            dict(keyword=c.cmd.upper(), triggered=c.sub_cmd and c.sub_cmd.upper(), json=c.json, lines=[c.start_line, c.end_line],
                 flags=list(c.flags), value=list(c.value), heredocs=[[h.name, h.content] for h in c.heredocs])
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
        // Of what `ONBUILD` triggers, the judge shows no flags.
        let flags = instruction.flags.iter().map(|flag| match &flag.value {
            Some(value) => format!("--{}={value}", flag.name),
            None => format!("--{}", flag.name),
        });
        let heredocs = instruction.heredocs.iter().map(|h| [h.name.clone(), h.content.clone()]);
        serde_json::json!({
            "keyword": instruction.keyword,
            "triggered": triggered.map(|inner| inner.keyword.clone()),
            "json": triggered.unwrap_or(instruction).is_json(),
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
            assert_eq!(as_judged(&document), without_values(judged), "{name}");
        }
    }
}

#[test]
fn the_judge_would_notice_a_difference() {
    let Some(judgement) = judgement() else { return };
    let name = "heredoc-python.Dockerfile";
    let text = fs::read_to_string(data().join(name)).unwrap();
    let changed = Document::parse(&text.replace("python3 <<EOF", "python3 EOF"));
    assert_ne!(as_judged(&changed), without_values(&judgement[name]));
}

fn without_values(judged: &Value) -> Value {
    let mut judged = judged.clone();
    for instruction in judged.as_array_mut().into_iter().flatten() {
        instruction.as_object_mut().unwrap().remove("value");
    }
    judged
}

/// Instructions whose arguments are told apart.
const WITH_ARGUMENTS: [&str; 12] = [
    "ADD",
    "ARG",
    "COPY",
    "ENV",
    "EXPOSE",
    "LABEL",
    "MAINTAINER",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

fn arguments(step: &Step) -> Vec<String> {
    let of_argument = |argument: &Argument| {
        let written = argument.written.clone();
        match (step.keyword(), argument.name.clone()) {
            ("ARG", Some(name)) => {
                vec![written.map_or(name.clone(), |value| format!("{name}={value}"))]
            }
            (_, name) => name.into_iter().chain(written).collect(),
        }
    };
    step.arguments.iter().flat_map(of_argument).collect()
}

#[test]
fn arguments_are_those_that_buildkit_sees() {
    let Some(judgement) = judgement() else { return };
    let facts = Facts::none();
    let mut compared = 0;
    for (name, judged) in judgement.iter().filter(|(name, _)| !name.starts_with("bad-")) {
        let text = fs::read_to_string(data().join(name)).unwrap();
        let build = Build::of(&Dockerfile { path: name.into(), text }, &facts);
        // What stands in front of the first `FROM` is in no stage.
        if !build.problems.is_empty() {
            continue;
        }
        let steps = build.steps().filter(|step| WITH_ARGUMENTS.contains(&step.keyword()));
        let ours: Vec<_> = steps.map(|step| (step.keyword().to_owned(), arguments(step))).collect();
        let instructions = judged.as_array().unwrap().iter().filter_map(|instruction| {
            let keyword = instruction["keyword"].as_str()?;
            // The names of labels lose their quotes with us.
            let plain = |text: &str| match keyword {
                "LABEL"
                    if text.starts_with('\'')
                        || text.starts_with("\"com")
                        || text.starts_with("\"c ") =>
                {
                    text.trim_matches(['"', '\'']).to_owned()
                }
                _ => text.to_owned(),
            };
            let values = instruction["value"].as_array()?.iter().filter_map(Value::as_str);
            let is_meant = WITH_ARGUMENTS.contains(&keyword);
            is_meant.then(|| (keyword.to_owned(), values.map(plain).collect::<Vec<_>>()))
        });
        assert_eq!(ours, instructions.collect::<Vec<_>>(), "{name}");
        compared += ours.len();
    }
    assert!(compared >= 60, "{compared}");
}
