//! `plimsoll explain`.

use crate::{
    error::Error,
    exit::{self, ExitStatus},
    report,
};
use plimsoll_policy::rules::{self, Rule};
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

fn text(rule: &Rule) -> String {
    let mut text = format!(
        "{}: {}\nseverity {}, by default {}\n\nWhy\n{}\n\nHow to mend\n{}\n",
        rule.id,
        rule.title,
        rule.severity,
        rule.action.as_str(),
        indented(rule.why),
        indented(rule.mend),
    );
    // Writing to a string does not fail.
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
