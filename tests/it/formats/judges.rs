//! The judges of formats, and what they are asked.

use crate::support::{Sandbox, oracle, oracle_script, root, run, sandbox, shared};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use std::{collections::BTreeSet, fs};

/// A tool by others that accepts a document or refuses it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Judge {
    /// cyclonedx-python-lib, strict, for JSON and XML.
    CycloneDx,
    /// pyspdxtools.
    Spdx,
    /// spdx-python-model.
    Spdx3,
    /// ntia-conformance-checker: the minimum elements of NTIA, in SPDX 2.
    Ntia,
    /// ntia-conformance-checker: what Framing Software Component Transparency 3 expects at least, in SPDX 3.
    Fsct,
    /// check-jsonschema with the schema of SARIF 2.1.0.
    Sarif,
    /// check-jsonschema with our own schema of reports, in which nothing may be that it does not describe.
    Report,
}

/// Why a document is refused; nothing where it is accepted.
type Refusal = Option<String>;

impl Judge {
    /// What the judge says of each document, unless it is not installed.
    ///
    /// It is asked about all of them at once where it can be: to start it takes longer than to judge.
    #[track_caller]
    fn judge(self, documents: &[Utf8PathBuf]) -> Option<Vec<Refusal>> {
        let sandbox = sandbox();
        match self {
            Self::CycloneDx => script(&sandbox, "cyclonedx_strict.py", documents),
            Self::Spdx => spdx(&sandbox, documents),
            Self::Spdx3 => script(&sandbox, "spdx3.py", documents),
            Self::Ntia => conformance(&sandbox, ["spdx2", "ntia"], documents),
            Self::Fsct => conformance(&sandbox, ["spdx3", "fsct3-min"], documents),
            Self::Sarif => {
                json_schema(&sandbox, &shared("data/schemas/sarif-2.1.0.json")?, documents)
            }
            Self::Report => json_schema(&sandbox, &closed_schema(&sandbox), documents),
        }
    }

    /// The judge has nothing to say against any document.
    #[track_caller]
    pub(super) fn accepts(self, documents: &[Utf8PathBuf]) {
        let Some(said) = self.judge(documents) else { return };
        assert_eq!(said, vec![None; documents.len()], "{documents:?}");
    }

    /// The same for texts: in each twin the first of one text is another.
    #[track_caller]
    pub(super) fn refuses_text_twins(self, document: &Utf8Path, twins: &[TextTwin]) {
        let sandbox = sandbox();
        let original = fs::read_to_string(document).unwrap();
        let mut documents = vec![document.to_owned()];
        for (number, (_, from, to)) in twins.iter().enumerate() {
            let twin = original.replacen(from, to, 1);
            assert_ne!(twin, original, "nothing was changed in twin {number}");
            documents.push(sandbox.write(format!("twin-{number}"), twin));
        }
        let Some(said) = self.judge(&documents) else { return };
        assert_eq!(said[0], None);
        for ((because, ..), refusal) in twins.iter().zip(&said[1..]) {
            let refusal = refusal.as_deref().unwrap_or("accepted");
            assert!(refusal.contains(because), "not refused because of {because}:\n{refusal}");
        }
    }

    /// The judge accepts a document as it is, and refuses each twin, in which one thing is changed, for the reason it has.
    #[track_caller]
    pub(super) fn refuses_twins(self, document: &Utf8Path, twins: &[Twin]) {
        let sandbox = sandbox();
        let original: Value = serde_json::from_slice(&fs::read(document).unwrap()).unwrap();
        let mut documents = vec![document.to_owned()];
        for (number, (_, change)) in twins.iter().enumerate() {
            let mut twin = original.clone();
            change(&mut twin);
            assert_ne!(twin, original, "nothing was changed in twin {number}");
            documents.push(sandbox.write(format!("twin-{number}.json"), twin.to_string()));
        }
        let Some(said) = self.judge(&documents) else { return };
        assert_eq!(said[0], None);
        for ((because, _), refusal) in twins.iter().zip(&said[1..]) {
            let refusal = refusal.as_deref().unwrap_or("accepted");
            assert!(refusal.contains(because), "not refused because of {because}:\n{refusal}");
        }
    }
}

/// A reason for which a judge refuses, and what of the text is put in the place of what.
pub(super) type TextTwin = (&'static str, &'static str, &'static str);

/// A reason for which a judge refuses, and the change that gives it to him.
pub(super) type Twin = (&'static str, fn(&mut Value));

#[track_caller]
fn script(sandbox: &Sandbox, name: &str, documents: &[Utf8PathBuf]) -> Option<Vec<Refusal>> {
    let mut judge = oracle_script(sandbox, name)?;
    let outcome = run(judge.args(documents));
    let said: Vec<Refusal> = serde_json::from_str(&outcome.stdout).expect(&outcome.stderr);
    outcome.expect_status(said.iter().any(Option::is_some).into());
    Some(said)
}

#[track_caller]
fn spdx(sandbox: &Sandbox, documents: &[Utf8PathBuf]) -> Option<Vec<Refusal>> {
    let judge = oracle("pyspdxtools")?;
    let said = documents.iter().map(|document| {
        let outcome = run(sandbox.command(&judge).arg("-i").arg(document));
        (outcome.status != 0).then_some(outcome.stderr)
    });
    Some(said.collect())
}

/// What the checker says by one standard of documents in one format.
#[track_caller]
fn conformance(
    sandbox: &Sandbox,
    [format, standard]: [&str; 2],
    documents: &[Utf8PathBuf],
) -> Option<Vec<Refusal>> {
    let judge = oracle("ntia-checker")?;
    let said = documents.iter().map(|document| {
        let mut judge = sandbox.command(&judge);
        judge.args(["-q", "-s", format, "-c", standard, "--output", "json"]);
        let outcome = run(judge.arg(document));
        let report: Value = serde_json::from_str(&outcome.stdout).expect(&outcome.stderr);
        (report["isConformant"] != true).then(|| report.to_string())
    });
    Some(said.collect())
}

/// The schema of our reports, closed: readers have to expect fields to be added, but here each has to be described.
fn closed_schema(sandbox: &Sandbox) -> Utf8PathBuf {
    let schema = fs::read(root().join("docs/reference/report-v1.schema.json")).unwrap();
    let mut schema: Value = serde_json::from_slice(&schema).unwrap();
    close(&mut schema);
    sandbox.write("closed.schema.json", schema.to_string())
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            if fields.get("type").is_some_and(|kind| kind == "object") {
                fields.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
        }
        Value::Array(things) => things.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[track_caller]
fn json_schema(
    sandbox: &Sandbox,
    schema: &Utf8Path,
    documents: &[Utf8PathBuf],
) -> Option<Vec<Refusal>> {
    let mut judge = sandbox.command(oracle("check-jsonschema")?);
    judge.args(["--output-format", "json", "--schemafile", schema.as_str()]);
    let outcome = run(judge.args(documents));
    let report: Value = serde_json::from_str(&outcome.stdout).expect(&outcome.stderr);
    assert_eq!(report["parse_errors"].as_array().map(Vec::len).unwrap_or_default(), 0, "{report}");
    let errors = report["errors"].as_array().cloned().unwrap_or_default();
    outcome.expect_status((!errors.is_empty()).into());
    let said = documents.iter().map(|document| {
        let mut about = errors.iter().filter(|error| error["filename"] == document.as_str());
        about.next().map(ToString::to_string)
    });
    Some(said.collect())
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
