//! The findings by the controls of the CIS Docker Benchmark 1.6.
//!
//! Every control has a row, also those that nothing here looks at: what is missing in such a list reads as passed.

use super::{Format, Report, Style, write_all};
use crate::error::Error;
use plimsoll_model::Printable;
use plimsoll_policy::{
    Decision, Judged,
    cis::{self, Control, Kind, Status},
};
use std::{fmt::Write as _, io::Write};

/// The view by controls of CIS.
pub(crate) const FORMAT: Format = Format {
    id: "cis",
    description: "findings by the controls of the CIS Docker Benchmark 1.6; what is not covered says so",
    write,
};

fn write(report: &Report<'_>, _style: Style, out: &mut dyn Write) -> Result<(), Error> {
    let missing = Error::Format { format: FORMAT.id, command: report.command, needs: "findings" };
    write_all(out, text(report.decision.ok_or(missing)?, &report.subject).as_bytes())
}

fn text(decision: &Decision, subject: &str) -> String {
    let mut text = format!("CIS Docker Benchmark 1.6: {}\n\n", Printable(subject));
    // Writing to a string does not fail.
    for control in cis::CONTROLS {
        let status = control.status(decision).as_str();
        writeln!(text, "{:<7} {status:<12} {}{}", control.number, control.about, by(control)).ok();
        for judged in control.findings(decision) {
            writeln!(text, "        {}", finding(judged)).ok();
        }
    }
    let count =
        |wanted| cis::CONTROLS.iter().filter(|control| control.status(decision) == wanted).count();
    let all =
        [Status::Failed, Status::Unknown, Status::Passed, Status::NotJudged, Status::NotCovered];
    let counts: Vec<_> =
        all.into_iter().map(|status| format!("{} {}", count(status), status.as_str())).collect();
    writeln!(text, "\n{}", counts.join(", ")).ok();
    text
}

/// Who looks at a control.
fn by(control: &Control) -> String {
    let rules: Vec<_> = control.rules().map(|rule| rule.id).collect();
    let rules = if rules.is_empty() { String::new() } else { format!(" ({})", rules.join(", ")) };
    match control.kind {
        Kind::Automated => rules,
        Kind::Manual => format!("{rules}, to be judged by a person"),
        Kind::OnHost => format!("{rules}, to be judged on the machine"),
    }
}

fn finding(judged: &Judged) -> String {
    let finding = &judged.finding;
    let accepted = if judged.exception.is_some() { ", accepted by an exception" } else { "" };
    let place = finding.place.to_string();
    format!("{} {}: {}{accepted}", finding.rule, Printable(&place), Printable(&finding.title))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        testing::{Case, refuses, shows_safely},
        tests::decision,
    };

    #[test]
    fn every_control_has_a_row_and_one_status() {
        let text = text(&decision(), "Dockerfile");
        let rows = |status: Option<&str>| {
            let is_row = |line: &&str| line.starts_with(|first: char| first.is_ascii_digit());
            let rows = text.lines().take_while(|line| !line.contains("failed, ")).filter(is_row);
            rows.filter(|row| status.is_none_or(|status| row.contains(status))).count()
        };
        assert_eq!(rows(None), cis::CONTROLS.len());
        let (failed, unknown) = (rows(Some(" failed ")), rows(Some(" unknown ")));
        let (passed, left) = (rows(Some(" passed ")), rows(Some(" not judged ")));
        let last = format!(
            "{failed} failed, {unknown} unknown, {passed} passed, {left} not judged, {} not covered",
            rows(Some(" not covered "))
        );
        assert_eq!(text.lines().last(), Some(last.as_str()));
        assert!(text.contains("4.1     passed"), "{text}");
        assert!(text.contains("4.6     failed"), "{text}");
    }

    #[test]
    fn text_of_an_artifact_is_no_command() {
        for (_, case) in Case::all() {
            shows_safely(&case.write(&FORMAT));
        }
        assert!(!text(&decision(), "\u{1b}[2J").contains('\u{1b}'));
    }

    #[test]
    fn without_findings_there_is_no_report() {
        refuses(&FORMAT, "findings");
    }
}
