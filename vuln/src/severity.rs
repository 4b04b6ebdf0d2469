//! How bad a record says that its flaw is.

use plimsoll_model::{Severity, advisory::Cvss};
use std::str::FromStr as _;

/// A severity and the vector that gave it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rating {
    pub(crate) severity: Severity,
    pub(crate) cvss: Option<Cvss>,
}

/// What a record says on how bad its flaw is, as it says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stated<Text> {
    pub(crate) origin: Origin,
    /// The type of the severity (`CVSS_V3`, `Ubuntu`), or the name of the field.
    pub(crate) kind: Text,
    /// The vector or the word.
    pub(crate) text: Text,
}

/// Where in a record a severity stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In `severity`, the place that the schema has for it.
    Severity,
    /// In `database_specific`.
    Database,
    /// In `ecosystem_specific`.
    Ecosystem,
    /// It begins the summary.
    Summary,
}

impl Stated<String> {
    pub(crate) fn new(origin: Origin, kind: &str, text: &str) -> Self {
        Self { origin, kind: kind.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn borrowed(&self) -> Stated<&str> {
        Stated { origin: self.origin, kind: &self.kind, text: &self.text }
    }
}

impl Stated<&str> {
    /// What it comes to by itself: the score of a vector, and the severity.
    pub(crate) fn rated(&self) -> (Option<f64>, Severity) {
        match parse(self.text) {
            Some(cvss) => (Some(cvss.score), Severity::of_cvss(cvss.score)),
            None => (None, word(self.text)),
        }
    }
}

impl Rating {
    pub(crate) const UNKNOWN: Self = Self { severity: Severity::Unknown, cvss: None };

    /// From the vectors, where one can be read; otherwise the worst that the words say.
    ///
    /// Of several vectors the one of the highest CVSS version counts. A vector that can not be read says nothing.
    pub(crate) fn of(stated: &[Stated<String>]) -> Self {
        let of_kind = |is_vector: bool| {
            stated
                .iter()
                .filter(move |one| one.kind.starts_with("CVSS") == is_vector)
                .map(|one| one.text.as_str())
        };
        let (vectors, words) = (of_kind(true), of_kind(false));
        let best = vectors.filter_map(|vector| Some((generation(vector), parse(vector)?))).max_by(
            |(left, left_cvss), (right, right_cvss)| {
                left.cmp(right).then_with(|| left_cvss.score.total_cmp(&right_cvss.score))
            },
        );
        match best {
            Some((_, cvss)) => Self { severity: Severity::of_cvss(cvss.score), cvss: Some(cvss) },
            None => {
                Self { severity: words.map(word).max().unwrap_or(Severity::Unknown), cvss: None }
            }
        }
    }
}

/// The metrics without which there is no base score. The parser takes a vector without them, and gives it a score of 0.
const BASE_2: &[&str] = &["AV", "AC", "Au", "C", "I", "A"];
const BASE_3: &[&str] = &["AV", "AC", "PR", "UI", "S", "C", "I", "A"];
const BASE_4: &[&str] = &["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];

fn parse(vector: &str) -> Option<Cvss> {
    let parsed = cvss::Cvss::from_str(vector).ok()?;
    let base = match generation(vector) {
        "2" => BASE_2,
        "3.0" | "3.1" => BASE_3,
        "4.0" => BASE_4,
        _ => return None,
    };
    let has = |metric: &&str| {
        vector.split('/').any(|part| part.split_once(':').is_some_and(|(name, _)| name == *metric))
    };
    base.iter()
        .all(has)
        .then(|| Cvss { vector: vector.to_owned(), score: parsed.score() })
        .filter(|cvss| (0.0..=10.0).contains(&cvss.score))
}

/// `4.0` after `3.1` after `3.0` after the one without a prefix.
fn generation(vector: &str) -> &str {
    vector
        .strip_prefix("CVSS:")
        .and_then(|rest| rest.split_once('/'))
        .map_or("2", |(version, _)| version)
}

/// The words of GitHub, Red Hat, Alma, Ubuntu and Debian.
fn word(word: &str) -> Severity {
    match word.trim().to_ascii_lowercase().as_str() {
        "critical" => Severity::Critical,
        "high" | "important" => Severity::High,
        "moderate" | "medium" => Severity::Medium,
        "low" => Severity::Low,
        "negligible" | "unimportant" | "none" => Severity::Info,
        _ => Severity::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(vectors: &[&str], words: &[&str], severity: Severity, score: Option<f64>) {
        let of = |kind: &'static str| move |text: &&str| Stated::new(Origin::Severity, kind, text);
        let stated: Vec<_> =
            vectors.iter().map(of("CVSS_V3")).chain(words.iter().map(of("severity"))).collect();
        let rating = Rating::of(&stated);
        assert_eq!(rating.severity, severity);
        assert_eq!(rating.cvss.map(|cvss| cvss.score), score);
    }

    const V2: &str = "AV:N/AC:L/Au:N/C:P/I:P/A:P";
    const V3: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    const V4: &str = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N";

    #[test]
    fn the_vector_of_the_highest_version_counts() {
        check(&[V2], &[], Severity::High, Some(7.5));
        check(&[V3, V2], &["LOW"], Severity::Critical, Some(9.8));
        check(&[V3, V4, V2], &[], Severity::Medium, Some(6.9));
    }

    #[test]
    fn a_vector_that_can_not_be_read_says_nothing() {
        check(&["CVSS:3.1/AV:N"], &[], Severity::Unknown, None);
        check(&["CVSS:9.9/AV:N/AC:L", "7.5", ""], &[], Severity::Unknown, None);
        check(&["CVSS:4.0/AV:X", V3], &[], Severity::Critical, Some(9.8));
        check(&["AV:N/AC:L/Au:N/C:P/I:P"], &["LOW"], Severity::Low, None);
        check(&["junk"], &["MODERATE"], Severity::Medium, None);
    }

    #[test]
    fn the_worst_of_the_words_counts() {
        check(&[], &["MODERATE", "HIGH"], Severity::High, None);
        check(&[], &["Important"], Severity::High, None);
        check(&[], &["not yet assigned"], Severity::Unknown, None);
        check(&[], &["unimportant"], Severity::Info, None);
        check(&[], &[], Severity::Unknown, None);
    }
}
