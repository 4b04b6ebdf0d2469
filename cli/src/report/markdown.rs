//! For job summaries and merge requests.
//!
//! A job summary over 1 MiB is dropped whole by GitHub: rows are left out, and counted, before that.

use super::{Format, Report, Style, text, write_all};
use crate::error::Error;
use plimsoll_model::Printable;
use plimsoll_policy::Judged;
use std::{fmt::Write as _, io};

/// Markdown.
pub(crate) const FORMAT: Format = Format {
    id: "markdown",
    description: "for job summaries: verdict first, then the findings",
    write,
};

/// Bytes of rows, well below what a job summary takes.
const ROOM: usize = 900_000;

fn write(report: &Report<'_>, style: Style, out: &mut dyn io::Write) -> Result<(), Error> {
    let mut text = String::new();
    // Writing to a string does not fail.
    render(&mut text, report, style).ok();
    write_all(out, text.as_bytes())
}

fn render(out: &mut String, report: &Report<'_>, style: Style) -> std::fmt::Result {
    let verdict = text::verdict(report).unwrap_or_else(|| format!("plimsoll {}", report.command));
    writeln!(out, "## {}\n", escape(&verdict))?;
    writeln!(out, "| | |\n|---|---|")?;
    for (name, value) in text::heading(report) {
        writeln!(out, "| {name} | {} |", escape(&value))?;
    }
    let (shown, hidden) = text::shown(report, style);
    if !shown.is_empty() {
        writeln!(
            out,
            "\n| effect | severity | rule | what | where | mend |\n|---|---|---|---|---|---|"
        )?;
    }
    let mut left_out = hidden;
    for judged in shown {
        let row = row(judged);
        if out.len().saturating_add(row.len()) > ROOM {
            left_out = left_out.saturating_add(1);
        } else {
            out.push_str(&row);
        }
    }
    if left_out > 0 {
        writeln!(out, "\n{left_out} more findings are in the other reports.")?;
    }
    let advice = report.advice();
    if !advice.is_empty() {
        writeln!(out, "\n### What to do\n")?;
    }
    for line in advice {
        writeln!(out, "- {}", escape(&line))?;
    }
    Ok(())
}

fn row(judged: &Judged) -> String {
    let finding = &judged.finding;
    let policy = text::policy_line(judged).map(|line| format!(" ({line})")).unwrap_or_default();
    format!(
        "| {} | {} | {} | {} | {} | {} |\n",
        text::effect(judged),
        finding.severity,
        finding.rule,
        escape(&format!("{}{policy}", finding.title)),
        escape(&finding.place.to_string()),
        escape(&finding.remedy),
    )
}

/// Text that shows as it is: no table break, markup, link, image, mention or issue reference comes of it.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in Printable(text).to_string().chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A word joiner keeps `@team`, `#1` and bare addresses from becoming links.
            '@' => out.push_str("&#64;\u{2060}"),
            '#' => out.push_str("&#35;\u{2060}"),
            ':' => out.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '!' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(char);
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_an_artifact_becomes_markup() {
        for (text, expect) in [
            ("a|b", "a\\|b"),
            ("![x](https://e.vil)", "\\!\\[x\\]\\(https&#58;//e.vil\\)"),
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("@team", "&#64;\u{2060}team"),
            ("a\n# b", "a\\\\u\\{a\\}&#35;\u{2060} b"),
        ] {
            assert_eq!(escape(text), expect, "{text}");
        }
    }
}
