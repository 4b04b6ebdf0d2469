//! The judges of formats, and what they are asked.

use crate::support::{Outcome, Sandbox, oracle, oracle_script, run, sandbox, shared};
use camino::Utf8Path;
use serde_json::Value;
use std::{collections::BTreeSet, fs};

/// A tool by others that accepts a document or refuses it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Judge {
    /// cyclonedx-python-lib, strict.
    CycloneDx,
    /// pyspdxtools.
    Spdx,
    /// check-jsonschema with the schema of SARIF 2.1.0.
    Sarif,
}

impl Judge {
    /// What the judge says, unless it is not installed.
    #[track_caller]
    fn judge(self, sandbox: &Sandbox, document: &Utf8Path) -> Option<Outcome> {
        let mut command = match self {
            Self::CycloneDx => oracle_script(sandbox, "cyclonedx_strict.py")?,
            Self::Spdx => {
                let mut command = sandbox.command(oracle("pyspdxtools")?);
                command.arg("-i");
                command
            }
            Self::Sarif => {
                let mut command = sandbox.command(oracle("check-jsonschema")?);
                command.arg("--schemafile").arg(shared("data/schemas/sarif-2.1.0.json")?);
                command
            }
        };
        Some(run(command.arg(document)))
    }

    /// The judge has nothing to say against a document.
    #[track_caller]
    pub(super) fn accepts(self, document: &Utf8Path) {
        let sandbox = sandbox();
        if let Some(outcome) = self.judge(&sandbox, document) {
            outcome.expect_status(0);
        }
    }
}

/// A document that its judge has accepted.
pub(super) struct Trial {
    sandbox: Sandbox,
    judge: Judge,
    document: Value,
}

/// Begins with a document as it is; none where there is no judge.
#[track_caller]
pub(super) fn trial(judge: Judge, document: &Utf8Path) -> Option<Trial> {
    let sandbox = sandbox();
    judge.judge(&sandbox, document)?.expect_status(0);
    let document = serde_json::from_slice(&fs::read(document).unwrap()).unwrap();
    Some(Trial { sandbox, judge, document })
}

impl Trial {
    /// The judge refuses the twin in which one thing is changed, and says so.
    #[track_caller]
    pub(super) fn refuses(&self, because: &str, change: impl FnOnce(&mut Value)) {
        let mut twin = self.document.clone();
        change(&mut twin);
        assert_ne!(twin, self.document, "nothing was changed");
        let twin = self.sandbox.write("twin.json", twin.to_string());
        let outcome = self.judge.judge(&self.sandbox, &twin).unwrap().expect_status(1);
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(said.contains(because), "not refused because of {because}:\n{said}");
    }
}

/// What GitHub's code scanning would drop or refuse of a log that is valid.
///
/// <https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>
pub(super) fn code_scanning_drops(log: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    let is_text = |value: Option<&Value>| {
        value.and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty())
    };
    for run in log["runs"].as_array().unwrap() {
        let mut rules = BTreeSet::new();
        for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
            for text in ["/shortDescription/text", "/fullDescription/text", "/help/text"] {
                if !is_text(rule.pointer(text)) {
                    complaints.push(format!("rule {} has no {text}", rule["id"]));
                }
            }
            rules.insert(rule["id"].as_str().unwrap());
        }
        let results = run["results"].as_array().unwrap();
        if results.len() > 25_000 {
            complaints.push(format!("{} results", results.len()));
        }
        for result in results {
            let place = result.pointer("/locations/0/physicalLocation");
            let has_uri = is_text(place.and_then(|place| place.pointer("/artifactLocation/uri")));
            let has_line = place.and_then(|place| place.pointer("/region/startLine")).is_some();
            if !has_uri || !has_line || !is_text(result.pointer("/message/text")) {
                complaints.push(format!("a result without place or message: {result}"));
            }
            if !rules.contains(result["ruleId"].as_str().unwrap()) {
                complaints.push(format!("no rule is described as {}", result["ruleId"]));
            }
        }
    }
    complaints
}
