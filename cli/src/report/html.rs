//! One page for people: the verdict first, then what blocks, then all the rest.
//!
//! It loads nothing, runs nothing, and says so (`Content-Security-Policy`); it reads well without its styles, which some CI
//! systems take away. The report for programs is inside, as data.

use super::{
    Format, Report, Style,
    findings::{accepted, not_evaluated},
    flaws, json_v1, text, write_all,
};
use crate::error::Error;
use plimsoll_model::{Printable, Severity, finding::Place};
use plimsoll_policy::{Judged, Verdict};
use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    io,
};

/// HTML.
pub(crate) const FORMAT: Format = Format {
    id: "html",
    description: "one page for people, which loads and runs nothing: verdict, findings, what is aboard",
    write,
};

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// Contrast is at least 4.5 to 1 in both schemes; no meaning is in a colour alone.
const STYLES: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:90rem;padding:1rem}\
h1{font-size:1.4rem}h2{font-size:1.15rem;margin-top:2rem}\
.scroll{overflow-x:auto}\
table{border-collapse:collapse;width:100%}caption{text-align:left;padding:.25rem 0}\
th,td{border-bottom:1px solid #767676;padding:.35rem .6rem;text-align:left;vertical-align:top}\
td{overflow-wrap:anywhere}\
.bad{border-left:.4rem solid #b3261e;padding-left:.6rem}.good{border-left:.4rem solid #1b6e3c;padding-left:.6rem}\
@media print{.scroll{overflow:visible}details>*{display:block}}";

fn write(report: &Report<'_>, _style: Style, out: &mut dyn io::Write) -> Result<(), Error> {
    let mut page = String::new();
    // Writing to a string does not fail.
    render(&mut page, report).unwrap_or_default();
    write_all(out, page.as_bytes())
}

fn render(out: &mut String, report: &Report<'_>) -> fmt::Result {
    let title = text::verdict(report).unwrap_or_else(|| format!("plimsoll {}", report.command));
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\">")?;
    writeln!(out, "<title>{} – {}</title>", Escaped(&title), Escaped(&report.subject))?;
    writeln!(out, "<style>{STYLES}</style>\n</head>\n<body>\n<main>")?;
    let is_good = report.decision.is_none_or(|decision| decision.verdict() == Verdict::Pass);
    let class = if is_good { "good" } else { "bad" };
    writeln!(out, "<h1 class=\"{class}\">{}</h1>\n<dl>", Escaped(&title))?;
    for (name, value) in text::heading(report) {
        writeln!(out, "<dt>{}</dt><dd>{}</dd>", Escaped(name), Escaped(&value))?;
    }
    writeln!(out, "</dl>")?;
    findings(out, report)?;
    unevaluated(out, report)?;
    evidence(out, report)?;
    components(out, report)?;
    raw(out, report)?;
    writeln!(out, "</main>\n</body>\n</html>")
}

fn findings(out: &mut String, report: &Report<'_>) -> fmt::Result {
    let Some(decision) = report.decision else { return Ok(()) };
    let (blocking, others): (Vec<_>, Vec<_>) =
        decision.findings().iter().partition(|judged| judged.is_blocking());
    if !blocking.is_empty() {
        let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
        for judged in &blocking {
            let count = rules.entry(judged.finding.rule).or_default();
            *count = count.saturating_add(1);
        }
        let rules: Vec<String> =
            rules.iter().map(|(rule, count)| format!("{rule} ({count})")).collect();
        writeln!(out, "<h2>What blocks</h2>\n<p>By rule: {}</p>", Escaped(&rules.join(", ")))?;
        table(out, &format!("{} findings that block", blocking.len()), &blocking)?;
    }
    if !others.is_empty() {
        let caption = format!("{} findings that do not block: {}", others.len(), totals(&others));
        writeln!(out, "<h2>What does not block</h2>")?;
        table(out, &caption, &others)?;
    }
    Ok(())
}

/// How many there are of each severity.
fn totals(findings: &[&Judged]) -> String {
    let of = |severity: Severity| {
        findings.iter().filter(|judged| judged.finding.severity == severity).count()
    };
    let totals = Severity::ALL.into_iter().map(|severity| (severity, of(severity)));
    let totals = totals.filter(|(_, count)| *count > 0);
    totals.map(|(severity, count)| format!("{count} {severity}")).collect::<Vec<_>>().join(", ")
}

fn table(out: &mut String, caption: &str, findings: &[&Judged]) -> fmt::Result {
    let columns =
        ["effect", "severity", "rule", "what", "found", "expected", "where", "mend", "decided by"];
    open(out, caption, &columns)?;
    for judged in findings {
        let finding = &judged.finding;
        let what = finding.vulnerability.as_ref().map_or_else(
            || Escaped(&finding.title).to_string(),
            |flaw| linked(&finding.title, &flaw.id),
        );
        let place = match &finding.place {
            Place::Component { purl, .. } => format!("{} ({purl})", finding.place),
            elsewhere @ (Place::Source { .. }
            | Place::Config { .. }
            | Place::File { .. }
            | Place::Image
            | Place::Evidence
            | Place::Registry { .. }
            | Place::Policy) => elsewhere.to_string(),
        };
        let decided = [accepted(judged), text::policy_line(judged)];
        let decided: Vec<String> = decided.into_iter().flatten().collect();
        let cells = [
            Escaped(text::effect(judged)).to_string(),
            Escaped(finding.severity.as_str()).to_string(),
            Escaped(finding.rule).to_string(),
            what,
            Escaped(&finding.found).to_string(),
            Escaped(&finding.expected).to_string(),
            Escaped(&place).to_string(),
            Escaped(&finding.remedy).to_string(),
            Escaped(&decided.join("; ")).to_string(),
        ];
        writeln!(out, "<tr><td>{}</td></tr>", cells.join("</td><td>"))?;
    }
    close(out)
}

/// The title of a flaw, and a link to the page about it.
fn linked(title: &str, id: &str) -> String {
    let page = plimsoll_model::advisory::Authority::of(id).page(id);
    let link = format!("<a rel=\"noreferrer\" href=\"{}\">more</a>", Escaped(&page));
    format!("{} ({link})", Escaped(title))
}

fn unevaluated(out: &mut String, report: &Report<'_>) -> fmt::Result {
    let rows = not_evaluated(report);
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>What was not evaluated</h2>")?;
    open(out, &format!("{} components", rows.len()), &["component", "where", "why"])?;
    for (component, reason) in rows {
        let cells = [component.purl.to_string(), flaws::path(component), reason];
        row(out, &cells)?;
    }
    close(out)
}

fn evidence(out: &mut String, report: &Report<'_>) -> fmt::Result {
    if report.evidence.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>Evidence</h2>")?;
    let caption = format!("{} candidates", report.evidence.len());
    open(out, &caption, &["verdict", "what it states", "signer", "where"])?;
    for candidate in report.evidence {
        let verdict = match (&candidate.evidence, &candidate.pending) {
            (Some(_), _) => "verified".to_owned(),
            (None, Some(pending)) => format!("pending since {}: {}", pending.since, pending.reason),
            (None, None) => "refused".to_owned(),
        };
        let known = |text: Option<&String>| text.cloned().unwrap_or_else(|| "unknown".to_owned());
        let cells = [
            verdict,
            text::states(candidate).to_owned(),
            known(candidate.signer.as_ref()),
            candidate.found_at.clone(),
        ];
        row(out, &cells)?;
    }
    close(out)
}

fn components(out: &mut String, report: &Report<'_>) -> fmt::Result {
    let Some(inventory) = report.inventory else { return Ok(()) };
    let (components, unknowns) = (inventory.components(), &inventory.unknowns);
    writeln!(out, "<h2>What is aboard</h2>\n<details>")?;
    writeln!(
        out,
        "<summary>{} components, {} items that could not be read</summary>",
        components.len(),
        unknowns.len()
    )?;
    open(out, "Components", &["component", "where"])?;
    for component in components {
        row(out, &[component.purl.to_string(), flaws::path(component)])?;
    }
    for unknown in unknowns {
        row(out, &[format!("unknown: {}", unknown.reason), unknown.path.to_string()])?;
    }
    close(out)?;
    writeln!(out, "</details>")
}

/// The report for programs. In a string of JSON, `<` and `&` mean the same with an escape in their place.
fn raw(out: &mut String, report: &Report<'_>) -> fmt::Result {
    let json = serde_json::to_string(&json_v1::document(report)).map_err(|_error| fmt::Error)?;
    let mut data = String::with_capacity(json.len());
    for char in json.chars() {
        let acts = matches!(char, '<' | '>' | '&' | '#') || !matches!(char, ' '..='~');
        if acts {
            for unit in char.encode_utf16(&mut [0; 2]) {
                write!(data, "\\u{unit:04x}")?;
            }
        } else {
            data.push(char);
        }
    }
    writeln!(out, "<script type=\"application/json\" id=\"report\">{data}</script>")
}

fn open(out: &mut String, caption: &str, columns: &[&str]) -> fmt::Result {
    // What scrolls can be reached by the keyboard.
    let label = Escaped(caption);
    writeln!(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\">")?;
    writeln!(out, "<table>\n<caption>{label}</caption>\n<thead><tr>")?;
    for column in columns {
        writeln!(out, "<th scope=\"col\">{}</th>", Escaped(column))?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")
}

fn row(out: &mut String, cells: &[String]) -> fmt::Result {
    let cells: Vec<String> = cells.iter().map(|cell| Escaped(cell).to_string()).collect();
    writeln!(out, "<tr><td>{}</td></tr>", cells.join("</td><td>"))
}

fn close(out: &mut String) -> fmt::Result {
    writeln!(out, "</tbody>\n</table>\n</div>")
}

/// Text that is only ever text, between tags and in quoted attributes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(self.0).to_string().chars().try_for_each(|char| match char {
            '&' => out.write_str("&amp;"),
            '<' => out.write_str("&lt;"),
            '>' => out.write_str("&gt;"),
            '"' => out.write_str("&quot;"),
            '\'' => out.write_str("&#39;"),
            '`' => out.write_str("&#96;"),
            other => out.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{Case, shows_safely};

    /// The names of the tags of a page, each with its attributes.
    fn tags(page: &str) -> Vec<&str> {
        page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()).collect()
    }

    #[test]
    fn a_page_says_the_verdict_first_and_every_finding() {
        for (name, case) in Case::all() {
            let page = case.write(&FORMAT);
            shows_safely(&page);
            let shown = page.split("<script").next().unwrap();
            insta::assert_snapshot!(format!("html_{name}"), shown);
        }
    }

    #[test]
    fn a_hostile_artifact_adds_no_tag_and_no_attribute() {
        let page = Case::hostile().write(&FORMAT);
        let plain = Case::two_flaws().write(&FORMAT);
        let kinds = |page: &str| -> std::collections::BTreeSet<String> {
            tags(page).into_iter().map(|tag| tag.split(' ').next().unwrap().to_owned()).collect()
        };
        assert!(kinds(&page).is_subset(&kinds(&plain)), "{:?}", kinds(&page));
        assert_eq!(page.matches("<script").count(), 1);
        let shown = page.split("<script").next().unwrap();
        assert!(!shown.contains("javascript:"), "{shown}");
    }

    #[test]
    fn the_report_for_programs_is_inside_and_the_same() {
        let case = Case::hostile();
        let page = case
            .write(&FORMAT)
            .replace("\"[version]\"", &format!("\"{}\"", crate::context::VERSION));
        let (_, data) = page.split_once("id=\"report\">").unwrap();
        let (data, _) = data.split_once("</script>").unwrap();
        let found: serde_json::Value = serde_json::from_str(data).unwrap();
        let report = case.report();
        assert_eq!(found, serde_json::to_value(json_v1::document(&report)).unwrap());
    }
}
