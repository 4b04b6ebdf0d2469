//! `plimsoll explain`.

use crate::{
    args::Form,
    error::Error,
    exit::{self, ExitStatus},
    report,
};
use plimsoll_policy::{
    cis::{self, Control},
    guidelines,
    rules::{self, Rule},
};
use serde_json::json;
use std::fmt::Write as _;

/// Explains a rule.
pub(crate) fn explain(id: &str) -> Result<&'static ExitStatus, Error> {
    let wanted = id.to_ascii_uppercase();
    let Some(rule) = rules::find(&wanted) else {
        let known: Vec<&str> = rules::ALL.iter().map(|rule| rule.id).collect();
        return Err(Error::usage(
            format!("there is no rule `{id}`"),
            format!("the rules are {}", known.join(", ")),
        ));
    };
    report::to_stdout(text(rule).as_bytes())?;
    Ok(&exit::PASSED)
}

/// Prints what each rule stands for elsewhere.
pub(crate) fn mapping(form: Form) -> Result<&'static ExitStatus, Error> {
    let bytes = match form {
        Form::Text => table().into_bytes(),
        Form::Json => report::to_json("the mapping of rules", &document())?,
    };
    report::to_stdout(&bytes)?;
    Ok(&exit::PASSED)
}

/// A line for each rule: the controls of CIS are among what it is called elsewhere.
fn table() -> String {
    let lines = rules::ALL.iter().map(|rule| {
        let elsewhere = rule.equivalents.join(", ");
        format!("{}\n", format!("{:<9} {elsewhere}", rule.id).trim_end())
    });
    lines.collect()
}

fn document() -> serde_json::Value {
    let rules = rules::ALL.iter().map(|rule| {
        let sentences = guidelines::of(rule).map(|guideline| guideline.sentence);
        let other = rule.equivalents.iter().filter(|other| !other.starts_with("CIS "));
        json!({
            "id": rule.id,
            "title": rule.title,
            "severity": rule.severity.as_str(),
            "action": rule.action.as_str(),
            "guidelines": sentences.collect::<Vec<_>>(),
            "cis": controls(rule).map(|control| control.number).collect::<Vec<_>>(),
            "equivalents": other.collect::<Vec<_>>(),
        })
    });
    let rules: Vec<_> = rules.collect();
    json!({ "version": 1, "benchmark": "CIS Docker Benchmark 1.6", "rules": rules })
}

fn controls(rule: &Rule) -> impl Iterator<Item = &'static Control> {
    cis::CONTROLS.iter().filter(|control| control.rules().any(|other| other.id == rule.id))
}

fn text(rule: &Rule) -> String {
    let mut text = format!(
        "{}: {}\nseverity {}, by default {}\n",
        rule.id,
        rule.title,
        rule.severity,
        rule.action.as_str(),
    );
    // Writing to a string does not fail.
    let asked: Vec<_> = guidelines::of(rule).map(|guideline| guideline.sentence).collect();
    let controls: Vec<_> =
        controls(rule).map(|control| format!("{} {}", control.number, control.about)).collect();
    for (heading, lines) in
        [("Guideline", asked.join("\n")), ("CIS Docker Benchmark 1.6", controls.join("\n"))]
    {
        if !lines.is_empty() {
            writeln!(text, "\n{heading}\n{}", indented(&lines)).ok();
        }
    }
    let (why, mend) = (indented(rule.why), indented(rule.mend));
    write!(text, "\nWhy\n{why}\n\nHow to mend\n{mend}\n").ok();
    for (heading, example) in [("Bad", rule.bad), ("Good", rule.good)] {
        if !example.is_empty() {
            writeln!(text, "\n{heading}\n{}", indented(example)).ok();
        }
    }
    if !rule.equivalents.is_empty() {
        writeln!(text, "\nElsewhere\n  {}", rule.equivalents.join(", ")).ok();
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
