//! Annotations of GitHub Actions: workflow commands on stdout.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>. A step shows ten annotations of
//! each level and drops the rest without a word: here the tenth says how many more there are. Every line is a command
//! that is made here; text of an artifact is only ever data or a property of one, with what ends either escaped.

use super::{
    Format, Report, Style,
    findings::{Position, sentence, shortened},
    text, write_all,
};
use crate::error::Error;
use plimsoll_model::{Printable, finding::Place};
use plimsoll_policy::{Action, Judged};
use std::{fmt::Write as _, io::Write};

/// GitHub annotations.
pub(crate) const FORMAT: Format = Format {
    id: "github",
    description: "annotations of GitHub Actions: the ten most urgent findings of each level",
    write,
};

/// The most annotations of one level that a step shows.
const MOST: usize = 10;

/// The most characters of a message: what is longer, nobody reads beside a line of code.
const MOST_MESSAGE: usize = 4000;

const LEVELS: [&str; 3] = ["error", "warning", "notice"];

fn write(report: &Report<'_>, _style: Style, out: &mut dyn Write) -> Result<(), Error> {
    let missing = Error::Format { format: FORMAT.id, command: report.command, needs: "findings" };
    let findings = report.decision.ok_or(missing)?.findings();
    let mut text = String::new();
    for level in LEVELS {
        let of_level: Vec<&Judged> =
            findings.iter().filter(|judged| self::level(judged) == level).collect();
        // Writing to a string does not fail.
        annotate(&mut text, level, &of_level).unwrap_or_default();
    }
    write_all(out, text.as_bytes())
}

fn annotate(out: &mut String, level: &str, findings: &[&Judged]) -> std::fmt::Result {
    let shown = if findings.len() > MOST { MOST.saturating_sub(1) } else { MOST };
    for judged in findings.iter().take(shown) {
        let title = format!("{} ({})", judged.finding.rule, text::effect(judged));
        let message = match &judged.finding.place {
            Place::Source { .. } => sentence(judged),
            elsewhere @ (Place::Config { .. }
            | Place::Component { .. }
            | Place::File { .. }
            | Place::Image
            | Place::Evidence
            | Place::Registry { .. }
            | Place::Policy) => {
                format!("{}. Where: {}", sentence(judged), Printable(&elsewhere.to_string()))
            }
        };
        let message = shortened(&message, MOST_MESSAGE);
        let place = place(judged);
        writeln!(out, "::{level} {place}title={}::{}", property(&title), data(&message))?;
    }
    match findings.len().saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(
            out,
            "::{level} title=plimsoll::{more} more findings of this level are in the other reports"
        ),
    }
}

fn level(judged: &Judged) -> &'static str {
    match (judged.is_blocking(), judged.exception.is_some(), judged.action) {
        (true, ..) => "error",
        (false, true, _) | (false, false, Action::Inform) => "notice",
        (false, false, Action::Warn | Action::Deny) => "warning",
    }
}

/// The properties that say where; nothing for what is in no file of the user's.
fn place(judged: &Judged) -> String {
    if !matches!(judged.finding.place, Place::Source { .. }) {
        return String::new();
    }
    let Position { path, line, column } = Position::of(judged);
    format!("file={},line={line},col={column},", property(&Printable(&path).to_string()))
}

/// A message, as `escapeData` of the runner's toolkit has it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, as `escapeProperty` of the runner's toolkit has it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{Case, refuses, shows_safely};

    #[test]
    fn every_line_is_a_command_of_ours() {
        for (name, case) in Case::all() {
            let report = case.write(&FORMAT);
            shows_safely(&report);
            for line in report.lines() {
                let rest =
                    LEVELS.iter().find_map(|level| line.strip_prefix(&format!("::{level} ")));
                assert!(rest.is_some_and(|rest| rest.starts_with("title=")), "{line}");
                assert!(!line.contains("%0A::error"), "{line}");
            }
            insta::assert_snapshot!(format!("github_{name}"), report);
        }
    }

    #[test]
    fn what_ends_a_message_or_a_property_is_escaped() {
        assert_eq!(data("100%\r\n::error::x"), "100%25%0D%0A::error::x");
        assert_eq!(property("a:b,c%0A\n"), "a%3Ab%2Cc%250A%0A");
    }

    #[test]
    fn a_finding_in_a_file_of_the_users_is_annotated_there() {
        let decision = crate::report::tests::decision();
        let report =
            Report { decision: Some(&decision), ..Report::new("check", "Dockerfile".to_owned()) };
        let style = Style { paint: crate::ui::Paint::Plain, show: plimsoll_model::Severity::Info };
        let written = crate::report::tests::to_vec(&FORMAT, &report, style).unwrap();
        let written = String::from_utf8(written).unwrap();
        let first = written.lines().next().unwrap();
        assert!(
            first
                .starts_with("::warning file=Dockerfile,line=1,col=6,title=BASE-012 (warn)::FROM "),
            "{first}"
        );
    }

    #[test]
    fn the_tenth_says_how_many_more_there_are() {
        let case = Case::two_flaws();
        let report = case.report();
        let first = &report.decision.unwrap().findings()[0];
        let lines = |count: usize| {
            let mut text = String::new();
            annotate(&mut text, "error", &vec![first; count]).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(lines(10).len(), 10);
        assert!(lines(10)[9].contains("title=VUL-002"));
        assert_eq!(lines(12).len(), 10);
        assert_eq!(
            lines(12)[9],
            "::error title=plimsoll::3 more findings of this level are in the other reports"
        );
    }

    #[test]
    fn without_findings_there_is_no_report() {
        refuses(&FORMAT, "findings");
    }
}
