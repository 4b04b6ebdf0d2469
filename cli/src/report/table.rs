//! For people at a terminal or in a CI log.

use super::{Format, Report, Style, text, write_all};
use crate::{error::Error, ui::Paint};
use plimsoll_attest::{StepOutcome, Verification};
use plimsoll_model::{Inventory, Printable, Severity};
use plimsoll_policy::{Judged, rules};
use std::{fmt::Write as _, io};

/// The table.
pub(crate) const FORMAT: Format =
    Format { id: "table", description: "for people: heading, findings, verdict", write };

fn write(report: &Report<'_>, style: Style, out: &mut dyn io::Write) -> Result<(), Error> {
    let mut text = String::new();
    let (shown, hidden) = text::shown(report, style);
    // Writing to a string does not fail.
    begin(&mut text, report).ok();
    // There may be thousands: none is held longer than it takes to write it.
    for judged in shown {
        text.push('\n');
        finding(&mut text, judged, style).ok();
        write_all(out, text.as_bytes())?;
        text.clear();
    }
    end(&mut text, report, hidden, style).ok();
    write_all(out, text.as_bytes())
}

/// What stands before the findings.
fn begin(out: &mut String, report: &Report<'_>) -> std::fmt::Result {
    for (name, value) in text::heading(report) {
        writeln!(out, "{name:<13} {}", Printable(&value))?;
    }
    if report.decision.is_none()
        && let Some(inventory) = report.inventory
    {
        writeln!(out)?;
        components(out, inventory)?;
    }
    Ok(())
}

/// What stands behind the findings.
fn end(out: &mut String, report: &Report<'_>, hidden: usize, style: Style) -> std::fmt::Result {
    if hidden > 0 {
        writeln!(out, "\nless severe   {hidden} more findings; `--show unknown` lists them")?;
    }
    let refused = report
        .evidence
        .iter()
        .filter(|candidate| candidate.evidence.is_none() && candidate.is_wanted());
    for candidate in refused {
        writeln!(out)?;
        explain(out, candidate)?;
    }
    let advice = report.advice();
    if !advice.is_empty() {
        writeln!(out, "\nwhat to do")?;
    }
    for line in advice {
        writeln!(out, "  {}", Printable(&line))?;
    }
    if let Some(verdict) = text::verdict(report) {
        let (word, rest) = verdict.split_once(':').unwrap_or((&verdict, ""));
        let colour = if word == "PASSED" { "1;32" } else { "1;31" };
        writeln!(out, "\n{}:{}", painted(word, colour, style.paint), Printable(rest))?;
    }
    Ok(())
}

fn finding(out: &mut String, judged: &Judged, style: Style) -> std::fmt::Result {
    let finding = &judged.finding;
    let severity = painted(finding.severity.as_str(), colour(finding.severity), style.paint);
    writeln!(
        out,
        "{} {severity} {}: {}",
        text::effect(judged),
        finding.rule,
        Printable(&finding.title)
    )?;
    row(out, "where", &finding.place.to_string())?;
    row(out, "found", &finding.found)?;
    row(out, "expected", &finding.expected)?;
    row(out, "risk", &text::risk(judged).unwrap_or_default())?;
    row(out, "fix", &text::fix(judged).unwrap_or_default())?;
    row(out, "came with", text::origin(judged).unwrap_or_default())?;
    row(out, "mend", &finding.remedy)?;
    if let Some(exception) = &judged.exception {
        let text =
            format!("{} ({}, until {})", exception.reason, exception.owner, exception.expires);
        row(out, "excepted", &text)?;
    }
    if let Some(by) = &judged.cleared {
        row(out, "cleared", &text::cleared(by))?;
    }
    row(out, "policy", &text::policy_line(judged).unwrap_or_default())?;
    // Of rules of the user's own, the policy says all that there is.
    let more = rules::find(finding.rule).map(|rule| format!("plimsoll explain {}", rule.id));
    row(out, "more", &more.unwrap_or_default())
}

fn row(out: &mut String, name: &str, value: &str) -> std::fmt::Result {
    if value.is_empty() { Ok(()) } else { writeln!(out, "  {name:<9} {}", Printable(value)) }
}

fn components(out: &mut String, inventory: &Inventory) -> std::fmt::Result {
    for component in inventory.components() {
        let version = component.version.as_deref().unwrap_or("(no version)");
        let place = component
            .locations
            .first()
            .map(|location| location.path.to_string())
            .unwrap_or_default();
        writeln!(
            out,
            "{:<7} {} {} {}",
            component.purl.kind(),
            Printable(&component.name),
            Printable(version),
            Printable(&place)
        )?;
    }
    for unknown in &inventory.unknowns {
        writeln!(
            out,
            "unknown {} ({})",
            Printable(&unknown.path.to_string()),
            Printable(&unknown.reason)
        )?;
    }
    Ok(())
}

/// One candidate for evidence, with each step of its verification.
pub(crate) fn explain(out: &mut String, candidate: &Verification) -> std::fmt::Result {
    let verdict = match (&candidate.evidence, &candidate.pending, candidate.is_wanted()) {
        (Some(_), _, _) => "verified",
        (None, Some(_), _) => "pending",
        (None, None, true) => "refused",
        (None, None, false) => "not asked for",
    };
    let predicate = text::states(candidate);
    writeln!(out, "{verdict} {}, {}", Printable(predicate), Printable(&candidate.found_at))?;
    if let Some(signer) = &candidate.signer {
        row(out, "signer", signer)?;
    }
    if let Some(signed) = candidate.signed {
        row(out, "signed", &signed.to_string())?;
    }
    for step in &candidate.steps {
        let (number, name) = (step.number(), step.kind.name());
        match step.outcome {
            StepOutcome::NotNeeded => {}
            StepOutcome::Passed => writeln!(out, "  {number:>2} ✓ {name}")?,
            StepOutcome::NotReached => writeln!(out, "  {number:>2} · {name}")?,
            StepOutcome::Failed => writeln!(
                out,
                "  {number:>2} ✗ {name}: expected {}, found {}",
                Printable(&step.expected),
                Printable(&step.found)
            )?,
        }
    }
    Ok(())
}

const fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "1;31",
        Severity::High => "31",
        Severity::Medium => "33",
        Severity::Low | Severity::Info | Severity::Unknown => "2",
    }
}

fn painted(text: &str, code: &str, paint: Paint) -> String {
    match paint {
        Paint::Plain => text.to_owned(),
        Paint::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::to_vec, *};

    fn check(show: Severity, paint: Paint, expect: &str) {
        let decision = super::super::tests::decision();
        let report =
            Report { decision: Some(&decision), ..Report::new("check", "a\tb".to_owned()) };
        let bytes = to_vec(&FORMAT, &report, Style { paint, show }).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), expect);
    }

    #[test]
    fn a_finding_says_where_what_and_how_to_mend() {
        check(
            Severity::Medium,
            Paint::Plain,
            "subject       a\\u{9}b

warn medium BASE-012: FROM `docker.io/library/debian:12` is not pinned by digest
  where     Dockerfile:1:6
  found     `docker.io/library/debian:12`
  expected  `docker.io/library/debian:12@sha256:…`
  mend      append the digest: `plimsoll base approve` prints it
  more      plimsoll explain BASE-012

less severe   1 more findings; `--show unknown` lists them

PASSED: none of 2 findings blocks
",
        );
    }

    #[test]
    fn colour_is_on_the_words_that_count_alone() {
        check(
            Severity::High,
            Paint::Colour,
            "subject       a\\u{9}b

less severe   2 more findings; `--show unknown` lists them

\u{1b}[1;32mPASSED\u{1b}[0m: none of 2 findings blocks
",
        );
    }

    #[test]
    fn what_could_not_be_read_is_listed_among_the_components() {
        let mut inventory = Inventory::default();
        inventory.unknowns.push(plimsoll_model::inventory::Unknown {
            path: plimsoll_model::tree::TreePath::parse(b"/var/lib/rpm/Packages").unwrap(),
            layer: None,
            cataloger: "rpm",
            reason: "an old format".to_owned(),
        });
        let mut out = String::new();
        components(&mut out, &inventory).unwrap();
        assert_eq!(out, "unknown /var/lib/rpm/Packages (an old format)\n");
    }
}
