//! What the formats for machines say of findings in the same way.

use super::{Report, text};
use plimsoll_model::{Digest, Printable, component::Component, finding::Place, scan::ScanVerdict};
use plimsoll_policy::Judged;
use std::collections::BTreeMap;

/// A place as a file and a position in it: platforms show nothing that has none. Both count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    /// The user's file as given, or the path in the image without the slash before it; `image` for the image as a whole.
    pub path: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

impl Position {
    /// Where a finding is.
    pub(super) fn of(judged: &Judged) -> Self {
        let (path, line, column) = match &judged.finding.place {
            Place::Source { path, line, column } => (path.as_str(), *line, *column),
            Place::Component { path, .. } | Place::File { path, .. } => {
                (path.trim_start_matches('/'), 1, 1)
            }
            Place::Config { .. } | Place::Image | Place::Evidence => ("image", 1, 1),
            Place::Registry { .. } => ("registry", 1, 1),
            Place::Policy => (
                judged.policy_line.as_ref().map_or("plimsoll.yaml", |line| line.path.as_str()),
                1,
                1,
            ),
        };
        let path = if path.is_empty() { "image" } else { path };
        Self { path: path.to_owned(), line: line.max(1), column: column.max(1) }
    }
}

/// One fingerprint for each finding, none of them twice: platforms take two findings with the same one for the same.
///
/// A finding that shares its fingerprint with others, as two versions of a package in one file do, gets its own by the
/// order of what was found, so that the order of the report changes nothing.
pub(super) fn fingerprints(findings: &[&Judged]) -> Vec<String> {
    let mut alike: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (position, judged) in findings.iter().enumerate() {
        alike.entry(judged.finding.fingerprint().to_string()).or_default().push(position);
    }
    let mut unique = vec![String::new(); findings.len()];
    for (fingerprint, mut positions) in alike {
        positions.sort_by_key(|position| {
            findings.get(*position).map(|judged| (&judged.finding.found, &judged.finding.title))
        });
        for (ordinal, position) in positions.into_iter().enumerate() {
            if let Some(slot) = unique.get_mut(position) {
                *slot = nth(&fingerprint, ordinal);
            }
        }
    }
    unique
}

/// The fingerprint itself for the first of those alike.
fn nth(fingerprint: &str, ordinal: usize) -> String {
    match ordinal {
        0 => fingerprint.to_owned(),
        _ => Digest::of(format!("{fingerprint}\0{ordinal}").as_bytes()).hex(),
    }
}

/// The components that could not be evaluated, each with the reason.
pub(super) fn not_evaluated<'a>(report: &Report<'a>) -> Vec<(&'a Component, String)> {
    let Some((scan, inventory)) = report.scan.zip(report.inventory) else { return Vec::new() };
    let unevaluated = inventory.iter().filter_map(|(id, component)| match scan.verdict(id) {
        Some(ScanVerdict::Matched(_) | ScanVerdict::Clean) => None,
        Some(ScanVerdict::NotEvaluated(reason)) => Some((component, reason.to_string())),
        Some(ScanVerdict::JudgedAs(_)) | None => {
            Some((component, "there is no verdict on it".to_owned()))
        }
    });
    unevaluated.collect()
}

/// Who accepted a finding, why and until when; or who says by VEX that it is none.
pub(super) fn accepted(judged: &Judged) -> Option<String> {
    let excepted = judged.exception.as_ref().map(|exception| {
        format!("{} ({}, until {})", exception.reason, exception.owner, exception.expires)
    });
    excepted.or_else(|| judged.cleared.as_ref().map(text::cleared))
}

/// What is wrong, what was found, what was expected, how to mend it and who has judged: in one line that is safe to show.
pub(super) fn sentence(judged: &Judged) -> String {
    let finding = &judged.finding;
    let mut sentence = format!(
        "{}. Found {}; expected {}. {}",
        finding.title, finding.found, finding.expected, finding.remedy
    );
    if let Some(accepted) = accepted(judged) {
        sentence = format!("{sentence}. Accepted: {accepted}");
    }
    if let Some(line) = text::policy_line(judged) {
        sentence = format!("{sentence}. Judged by {line}");
    }
    Printable(&sentence).to_string()
}

/// The first `most` characters; a cut text ends with an ellipsis.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::Case;

    #[test]
    fn findings_that_are_alike_have_fingerprints_of_their_own_in_any_order() {
        let case = Case::twice_in_one_file();
        let report = case.report();
        let mut findings: Vec<&Judged> = report.decision.unwrap().findings().iter().collect();
        let ordered = fingerprints(&findings);
        assert_eq!(findings[0].finding.fingerprint(), findings[1].finding.fingerprint());
        assert_ne!(ordered[0], ordered[1]);
        findings.reverse();
        let mut reversed = fingerprints(&findings);
        reversed.reverse();
        assert_eq!(ordered, reversed);
    }

    #[test]
    fn a_cut_text_shows_that_it_was_cut() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äö…");
    }
}
