//! `JUnit`'s XML → which tests passed.
//!
//! There is no schema that all follow. What is read is what the Windy Road schema, Jenkins, Surefire, pytest, Gradle, `GoogleTest`
//! and `CTest` have in common: `testsuites`, `testsuite`, `testcase` and what is in it. A file that says less than a test run does
//! is no pass: it is refused where it ends early or lists no test, and failures that it counts and does not list count.

use crate::{context::Context, error::Error, files};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_attest::{
    builders::{DependencyDigest, ResolvedDependency},
    predicates::test_result::{self, TestFacts, TestResult},
};
use plimsoll_model::Digest;
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

/// How deep elements may be nested.
const DEEPEST: usize = 64;
/// How many elements there may be.
const MOST: usize = 2_000_000;
/// How many tests of each kind are named: whoever reads a statement takes no more.
const NAMED: usize = 10_000;
/// How long the name of a test may be, in characters; what is longer is cut.
const LONGEST: usize = 1_000;

/// What a run of tests came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TestRun {
    passed: Vec<String>,
    /// Those that passed once they were run again.
    warned: Vec<String>,
    failed: Vec<String>,
    skipped: usize,
    files: Vec<ResolvedDependency>,
}

/// Why a file says nothing of tests that is believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    /// It is not well-formed.
    #[error("malformed XML")]
    Malformed(#[from] quick_xml::Error),
    /// An attribute is not well-formed.
    #[error("malformed XML")]
    Attribute(#[from] quick_xml::events::attributes::AttrError),
    /// It ends inside an element.
    #[error("the document ends too early")]
    Truncated,
    /// It defines a type of document, and with it entities perhaps.
    #[error("the document has a type definition, which is not read")]
    Definitions,
    /// Elements are nested too deep.
    #[error("elements are nested more than {DEEPEST} deep")]
    TooDeep,
    /// There are too many elements.
    #[error("more than {MOST} elements")]
    TooMany,
    /// It begins with another element.
    #[error("it begins with `{0}`, where `testsuites` or `testsuite` is expected")]
    Root(String),
    /// A count is none.
    #[error("`{0}` is no count of failures")]
    Count(String),
    /// A test is inside another one.
    #[error("a test case is inside another one")]
    Nested,
}

/// Reads the reports of one run of tests.
pub(crate) fn read(ctx: &Context, paths: &[Utf8PathBuf]) -> Result<TestRun, Error> {
    let mut run = TestRun::default();
    for path in paths {
        let text = files::read_text(path, ctx.limits.package_metadata)?;
        let fail = |source| Error::TestReport { path: path.clone(), source };
        run.add(&text).map_err(fail)?;
        run.files.push(file(path, &text));
    }
    if run.passed.is_empty() && run.warned.is_empty() && run.failed.is_empty() {
        let message =
            format!("no test was run: the reports list {} that were skipped", run.skipped);
        return Err(Error::usage(message, "give the reports of a run, with `--junit FILE`"));
    }
    for list in [&mut run.passed, &mut run.warned, &mut run.failed] {
        list.sort();
    }
    Ok(run)
}

/// The report, as what was tested by.
fn file(path: &Utf8Path, text: &str) -> ResolvedDependency {
    let uri = format!("file:{}", path.file_name().unwrap_or("junit.xml"));
    ResolvedDependency { uri, digest: DependencyDigest::Sha256(Digest::of(text.as_bytes())) }
}

impl TestRun {
    /// The predicate of a test result.
    pub(crate) fn predicate(&self) -> serde_json::Value {
        let named = |list: &'_ [String]| list.iter().take(NAMED).cloned().collect::<Vec<_>>();
        test_result::predicate(&TestFacts {
            result: self.result(),
            configuration: &self.files,
            url: None,
            passed: &named(&self.passed),
            warned: &named(&self.warned),
            failed: &named(&self.failed),
        })
    }

    /// What they came to.
    pub(crate) const fn result(&self) -> TestResult {
        if !self.failed.is_empty() {
            TestResult::Failed
        } else if !self.warned.is_empty() {
            TestResult::Warned
        } else {
            TestResult::Passed
        }
    }

    /// In one line, for people: not yet fit for a terminal.
    pub(crate) fn sentence(&self) -> String {
        const SHOWN: usize = 5;
        let failed: Vec<_> = self.failed.iter().take(SHOWN).map(String::as_str).collect();
        let more = self.failed.len().saturating_sub(SHOWN);
        let named = match (failed.is_empty(), more) {
            (true, _) => String::new(),
            (false, 0) => format!(": {}", failed.join(", ")),
            (false, more) => format!(": {} and {more} more", failed.join(", ")),
        };
        format!(
            "tests {}: {} passed, {} passed when run again, {} skipped, {} failed{named}",
            self.result().as_str(),
            self.passed.len(),
            self.warned.len(),
            self.skipped,
            self.failed.len(),
        )
    }

    /// Adds what a report lists.
    fn add(&mut self, text: &str) -> Result<(), ReportError> {
        let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        let mut open: Vec<Open> = Vec::new();
        let (mut left, mut has_root) = (MOST, false);
        loop {
            match reader.read_event()? {
                Event::Start(tag) => {
                    let element = begin(&tag, &mut open, (&mut left, &mut has_root))?;
                    open.push(element);
                }
                Event::Empty(tag) => {
                    let element = begin(&tag, &mut open, (&mut left, &mut has_root))?;
                    self.end(element, &mut open);
                }
                Event::End(_) => {
                    if let Some(element) = open.pop() {
                        self.end(element, &mut open);
                    }
                }
                Event::DocType(_) => return Err(ReportError::Definitions),
                // What a test has written is not read.
                Event::Text(_)
                | Event::CData(_)
                | Event::GeneralRef(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_) => {}
                Event::Eof if open.is_empty() && has_root => return Ok(()),
                Event::Eof => return Err(ReportError::Truncated),
            }
        }
    }

    /// Takes note of an element that is whole.
    fn end(&mut self, element: Open, open: &mut [Open]) {
        match element {
            Open::Case { name, outcome } => {
                if outcome == Outcome::Failed {
                    count_failures(open, 1);
                }
                match outcome {
                    Outcome::Passed => self.passed.push(name),
                    Outcome::Warned => self.warned.push(name),
                    Outcome::Failed => self.failed.push(name),
                    Outcome::Skipped => self.skipped = self.skipped.saturating_add(1),
                }
            }
            Open::Suite { name, declared, found } => {
                // One that stands in the suite itself, or that nothing is said of but the number.
                if declared > found {
                    let unlisted = declared.saturating_sub(found);
                    count_failures(open, unlisted);
                    self.failed.push(format!("{name} ({unlisted} failures that are not listed)"));
                }
            }
            Open::Other => {}
        }
    }
}

/// An element that is open.
enum Open {
    Suite { name: String, declared: u64, found: u64 },
    Case { name: String, outcome: Outcome },
    Other,
}

/// How a test ended; the worst of what is said of it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Passed,
    Warned,
    Skipped,
    Failed,
}

fn count_failures(open: &mut [Open], count: u64) {
    for element in open {
        if let Open::Suite { found, .. } = element {
            *found = found.saturating_add(count);
        }
    }
}

fn begin(
    tag: &BytesStart<'_>,
    open: &mut [Open],
    (left, has_root): (&mut usize, &mut bool),
) -> Result<Open, ReportError> {
    *left = left.checked_sub(1).ok_or(ReportError::TooMany)?;
    if open.len() >= DEEPEST {
        return Err(ReportError::TooDeep);
    }
    let local = tag.local_name();
    let name: &str = local.as_ref();
    let is_suite = matches!(name, "testsuites" | "testsuite");
    if open.is_empty() && (!is_suite || *has_root) {
        return Err(ReportError::Root(name.chars().take(100).collect()));
    }
    *has_root = true;
    if is_suite {
        return suite(tag);
    }
    if name == "testcase" {
        if open.iter().any(|element| matches!(element, Open::Case { .. })) {
            return Err(ReportError::Nested);
        }
        return case(tag);
    }
    let outcome = match name {
        "failure" | "error" => Outcome::Failed,
        "skipped" => Outcome::Skipped,
        "flakyFailure" | "flakyError" => Outcome::Warned,
        _ => return Ok(Open::Other),
    };
    said(open, outcome);
    Ok(Open::Other)
}

/// Something is said of the innermost test, or of the suite where no test is open.
fn said(open: &mut [Open], said: Outcome) {
    for element in open.iter_mut().rev() {
        match element {
            Open::Case { outcome, .. } => {
                *outcome = (*outcome).max(said);
                return;
            }
            Open::Suite { declared, found, .. } if said == Outcome::Failed => {
                *declared = (*declared).max(found.saturating_add(1));
                return;
            }
            Open::Suite { .. } => return,
            Open::Other => {}
        }
    }
}

fn suite(tag: &BytesStart<'_>) -> Result<Open, ReportError> {
    let count = |name| -> Result<u64, ReportError> {
        let Some(text) = attribute(tag, name)? else { return Ok(0) };
        text.trim().parse().map_err(|_not_a_number| ReportError::Count(cut(&text)))
    };
    let declared = count("failures")?.saturating_add(count("errors")?);
    let name = attribute(tag, "name")?.filter(|name| !name.is_empty());
    Ok(Open::Suite { name: cut(name.as_deref().unwrap_or("suite")), declared, found: 0 })
}

fn case(tag: &BytesStart<'_>) -> Result<Open, ReportError> {
    let (class, name) = (attribute(tag, "classname")?, attribute(tag, "name")?);
    let parts: Vec<_> = class.into_iter().chain(name).filter(|part| !part.is_empty()).collect();
    let name = if parts.is_empty() { "test".to_owned() } else { parts.join(".") };
    // As CTest has it.
    let outcome = match attribute(tag, "status")?.as_deref() {
        Some("fail" | "failed" | "error") => Outcome::Failed,
        _ => Outcome::Passed,
    };
    Ok(Open::Case { name: cut(&name), outcome })
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, ReportError> {
    for attribute in tag.attributes() {
        let attribute = attribute?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn run(text: &str) -> TestRun {
        let mut run = TestRun::default();
        run.add(text).unwrap();
        run
    }

    /// Passed, warned and failed tests, and how many were skipped.
    #[track_caller]
    fn check(text: &str, (passed, warned, failed): (&[&str], &[&str], &[&str]), skipped: usize) {
        let run = run(text);
        assert_eq!(
            (run.passed.as_slice(), run.warned.as_slice()),
            (&owned(passed)[..], &owned(warned)[..])
        );
        assert_eq!((run.failed, run.skipped), (owned(failed), skipped));
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn refused(text: &str) -> String {
        let mut run = TestRun::default();
        run.add(text).unwrap_err().to_string()
    }

    #[test]
    fn each_way_in_which_a_test_ends_is_told() {
        let text = "\u{feff}<?xml version='1.0'?><testsuites><testsuite name='s' failures='1' errors='1'>\
            <testcase classname='a.B' name='fine'><system-out>&lt;failure/&gt; <![CDATA[<failure/>]]></system-out></testcase>\
            <testcase name='x&amp;y'/>\
            <testcase name='bad'><failure message='m'>trace</failure></testcase>\
            <testcase name='broken'><skipped/><error/></testcase>\
            <testcase name='left out'><skipped/></testcase>\
            <testcase name='flaky'><flakyFailure/></testcase>\
            </testsuite></testsuites>";
        check(text, (&["a.B.fine", "x&y"], &["flaky"], &["bad", "broken"]), 1);
        assert_eq!(run(text).result(), TestResult::Failed);
        let sentence =
            "tests FAILED: 2 passed, 1 passed when run again, 1 skipped, 2 failed: bad, broken";
        assert_eq!(run(text).sentence(), sentence);
        check("<testsuite><testcase name='a' status='failed'/></testsuite>", (&[], &[], &["a"]), 0);
        check("<testsuite><testcase/></testsuite>", (&["test"], &[], &[]), 0);
    }

    #[test]
    fn failures_that_are_counted_and_not_listed_count() {
        let lacking = "<testsuite name='s' failures='2'><testcase name='a'/></testsuite>";
        check(lacking, (&["a"], &[], &["s (2 failures that are not listed)"]), 0);
        let nested = "<testsuites errors='1'><testsuite failures='1'><testcase name='a'><failure/></testcase>\
            </testsuite></testsuites>";
        check(nested, (&[], &[], &["a"]), 0);
        let outside =
            "<testsuite name='s'><error>collection</error><testcase name='a'/></testsuite>";
        check(outside, (&["a"], &[], &["s (1 failures that are not listed)"]), 0);
        let root =
            "<testsuites name='all' failures='3'><testsuite name='s' failures='1'/></testsuites>";
        let failed = ["s (1 failures that are not listed)", "all (2 failures that are not listed)"];
        check(root, (&[], &[], &failed), 0);
    }

    #[test]
    fn a_report_that_is_not_whole_is_none() {
        let whole = "<testsuite><testcase name='a'/></testsuite>";
        run(whole);
        for end in 0..whole.len() {
            let cut: String = whole.chars().take(end).collect();
            assert!(TestRun::default().add(&cut).is_err(), "{cut}");
        }
        for (text, expect) in [
            ("", "the document ends too early"),
            ("<testsuite>", "the document ends too early"),
            (
                "<!DOCTYPE a [<!ENTITY b 'x'>]><testsuite/>",
                "the document has a type definition, which is not read",
            ),
            ("<html/>", "it begins with `html`, where `testsuites` or `testsuite` is expected"),
            (
                "<testsuite/><testsuite/>",
                "it begins with `testsuite`, where `testsuites` or `testsuite` is expected",
            ),
            ("<testsuite failures='-1'/>", "`-1` is no count of failures"),
            ("<testsuite errors='many'/>", "`many` is no count of failures"),
            (
                "<testsuite><testcase><testcase/></testcase></testsuite>",
                "a test case is inside another one",
            ),
            ("<testsuite><testcase></testsuite>", "malformed XML"),
            ("<testsuite><testcase name='&b;'/></testsuite>", "malformed XML"),
        ] {
            assert_eq!(refused(text), expect, "{text}");
        }
        let deep = "<testsuite>".repeat(100_000);
        assert_eq!(refused(&deep), "elements are nested more than 64 deep");
    }

    #[test]
    fn more_tests_than_a_reader_takes_are_counted_and_not_named() {
        let many = format!("<testsuite>{}</testsuite>", "<testcase name='a'/>".repeat(NAMED + 1));
        let run = run(&many);
        assert_eq!(run.passed.len(), NAMED + 1);
        assert_eq!(run.predicate()["passedTests"].as_array().unwrap().len(), NAMED);
        let long = format!("<testsuite><testcase name='{}'/></testsuite>", "é".repeat(5_000));
        assert_eq!(self::run(&long).passed[0].chars().count(), LONGEST);
    }
}
