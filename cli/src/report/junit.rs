//! `JUnit`'s XML, which every CI system shows: a suite for each rule, a case for each finding.
//!
//! There is no schema that all follow; this keeps to what the Windy Road schema and Jenkins' have in common. What blocks is
//! a failure; an error where it could not be told, for a case that is skipped looks passed. What could not be told and does
//! not block is skipped, and so is each component that was not evaluated. All else is passed, with what there is to say.

use super::{
    Format, Report, Style,
    findings::{not_evaluated, sentence},
    flaws, text, write_all,
};
use crate::error::Error;
use plimsoll_model::{Printable, finding::Outcome};
use plimsoll_policy::{Decision, Judged, Verdict};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use std::{
    collections::BTreeMap,
    io::{self, Write},
};

/// `JUnit`.
pub(crate) const FORMAT: Format = Format {
    id: "junit",
    description: "JUnit XML: a case for each finding, a failure for each that blocks",
    write,
};

fn write(report: &Report<'_>, _style: Style, out: &mut dyn Write) -> Result<(), Error> {
    let missing = Error::Format { format: FORMAT.id, command: report.command, needs: "findings" };
    let suites = suites(report, report.decision.ok_or(missing)?);
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    let written = render(&mut xml, &suites);
    written.map_err(|source| Error::Write { path: "the report".into(), source })?;
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    write_all(out, &bytes)
}

/// How a case ended. In the words of the elements that say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Passed,
    Failure,
    Error,
    Skipped,
}

#[derive(Debug)]
struct TestCase {
    name: String,
    place: String,
    end: End,
    message: String,
}

#[derive(Debug)]
struct Suite {
    name: String,
    cases: Vec<TestCase>,
}

fn suites(report: &Report<'_>, decision: &Decision) -> Vec<Suite> {
    let mut by_rule: BTreeMap<&str, Vec<TestCase>> = BTreeMap::new();
    for judged in decision.findings() {
        by_rule.entry(judged.finding.rule).or_default().push(of_finding(judged));
    }
    let mut suites: Vec<Suite> =
        by_rule.into_iter().map(|(rule, cases)| Suite { name: rule.to_owned(), cases }).collect();
    let unevaluated: Vec<TestCase> = not_evaluated(report)
        .into_iter()
        .map(|(component, reason)| TestCase {
            name: component.purl.to_string(),
            place: flaws::path(component),
            end: End::Skipped,
            message: reason,
        })
        .collect();
    if !unevaluated.is_empty() {
        suites.push(Suite { name: "not evaluated".to_owned(), cases: unevaluated });
    }
    if suites.is_empty() {
        // Readers take a file without a case for a run that did not happen.
        suites
            .push(Suite { name: "decision".to_owned(), cases: vec![of_nothing(report, decision)] });
    }
    suites
}

fn of_finding(judged: &Judged) -> TestCase {
    let finding = &judged.finding;
    TestCase {
        name: finding.title.clone(),
        place: finding.place.to_string(),
        end: match (judged.is_blocking(), finding.outcome) {
            (true, Outcome::Fail) => End::Failure,
            (true, Outcome::Unknown) => End::Error,
            (false, Outcome::Unknown) => End::Skipped,
            (false, Outcome::Fail) => End::Passed,
        },
        message: format!("{}: {}", text::effect(judged), sentence(judged)),
    }
}

fn of_nothing(report: &Report<'_>, decision: &Decision) -> TestCase {
    TestCase {
        name: "no finding blocks".to_owned(),
        place: report.subject.clone(),
        end: if decision.verdict() == Verdict::Pass { End::Passed } else { End::Error },
        message: text::verdict(report).unwrap_or_default(),
    }
}

impl Suite {
    fn count(&self, end: End) -> usize {
        self.cases.iter().filter(|case| case.end == end).count()
    }

    fn counts(&self) -> [(&'static str, usize); 4] {
        [
            ("tests", self.cases.len()),
            ("failures", self.count(End::Failure)),
            ("errors", self.count(End::Error)),
            ("skipped", self.count(End::Skipped)),
        ]
    }
}

fn render(xml: &mut Writer<Vec<u8>>, suites: &[Suite]) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut all = [("tests", 0), ("failures", 0), ("errors", 0), ("skipped", 0)];
    for suite in suites {
        for (sum, (_, count)) in all.iter_mut().zip(suite.counts()) {
            sum.1 = usize::saturating_add(sum.1, count);
        }
    }
    let root = xml.create_element("testsuites").with_attribute(("name", "plimsoll"));
    let root = with_counts(root, &all);
    root.write_inner_content(|xml| suites.iter().try_for_each(|suite| of_suite(xml, suite)))?;
    Ok(())
}

fn with_counts<'a, W: Write>(
    element: quick_xml::writer::ElementWriter<'a, W>,
    counts: &[(&'static str, usize)],
) -> quick_xml::writer::ElementWriter<'a, W> {
    counts.iter().fold(element, |element, (name, count)| {
        element.with_attribute((*name, count.to_string().as_str()))
    })
}

fn of_suite(xml: &mut Writer<Vec<u8>>, suite: &Suite) -> io::Result<()> {
    let element = xml.create_element("testsuite").with_attribute(("name", suite.name.as_str()));
    let element = with_counts(element, &suite.counts());
    element
        .write_inner_content(|xml| suite.cases.iter().try_for_each(|case| of_case(xml, case)))?;
    Ok(())
}

fn of_case(xml: &mut Writer<Vec<u8>>, case: &TestCase) -> io::Result<()> {
    let (name, place) = (held(&case.name), held(&case.place));
    let message = held(&case.message);
    let element = xml
        .create_element("testcase")
        .with_attribute(("name", name.as_str()))
        .with_attribute(("classname", place.as_str()));
    element.write_inner_content(|xml| {
        let ending = match case.end {
            End::Passed => {
                let element = xml.create_element("system-out");
                element.write_text_content(BytesText::new(&message))?;
                return Ok(());
            }
            End::Failure => "failure",
            End::Error => "error",
            End::Skipped => "skipped",
        };
        xml.create_element(ending).with_attribute(("message", message.as_str())).write_empty()?;
        Ok(())
    })?;
    Ok(())
}

/// Text that is safe to show and that XML can hold: two characters that are no control characters it can not.
fn held(text: &str) -> String {
    Printable(text).to_string().replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{Case, refuses, shows_safely};
    use quick_xml::{Reader, events::Event as Read};

    /// The elements of a document, which is well-formed.
    fn elements(document: &str) -> Vec<String> {
        let mut reader = Reader::from_str(document);
        let mut names = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Read::Start(element) | Read::Empty(element) => {
                    assert!(element.attributes().all(|attribute| attribute.is_ok()), "{element:?}");
                    names.push(element.name().as_ref().to_owned());
                }
                Read::Eof => return names,
                Read::End(_)
                | Read::Text(_)
                | Read::CData(_)
                | Read::Comment(_)
                | Read::Decl(_)
                | Read::PI(_)
                | Read::DocType(_)
                | Read::GeneralRef(_) => {}
            }
        }
    }

    #[test]
    fn every_finding_is_a_case() {
        for (name, case) in Case::all() {
            let report = case.write(&FORMAT);
            shows_safely(&report);
            assert!(!elements(&report).is_empty());
            insta::assert_snapshot!(format!("junit_{name}"), report);
        }
    }

    #[test]
    fn what_blocks_fails_and_what_could_not_be_told_is_no_pass() {
        let count = |case: &Case, name: &str| {
            elements(&case.write(&FORMAT)).iter().filter(|found| *found == name).count()
        };
        let (flaws, unknown) = (Case::two_flaws(), Case::not_evaluated());
        assert_eq!((count(&flaws, "failure"), count(&flaws, "system-out")), (1, 1));
        assert_eq!((count(&unknown, "failure"), count(&unknown, "error")), (0, 1));
        assert_eq!(count(&unknown, "skipped"), 2);
        assert_eq!(count(&Case::clean(), "testcase"), 1);
    }

    #[test]
    fn characters_that_xml_forbids_are_spelled_out() {
        assert_eq!(held("a\u{0}\u{b}\u{fffe}\u{ffff}\n"), "a\\u{0}\\u{b}\\u{fffe}\\u{ffff}\\u{a}");
    }

    #[test]
    fn without_findings_there_is_no_report() {
        refuses(&FORMAT, "findings");
    }
}
