//! How bad a record says that its flaw is.

use plimsoll_model::{Severity, advisory::Cvss};
use std::str::FromStr as _;

/// A severity and the vector that gave it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rating {
    pub(crate) severity: Severity,
    pub(crate) cvss: Option<Cvss>,
}

impl Rating {
    pub(crate) const UNKNOWN: Self = Self { severity: Severity::Unknown, cvss: None };

    /// From the vectors, where one can be read; otherwise the worst that the words say.
    ///
    /// Of several vectors the one of the highest CVSS version counts. A vector that can not be read says nothing.
    pub(crate) fn of<'a>(
        vectors: impl Iterator<Item = &'a str>,
        words: impl Iterator<Item = &'a str>,
    ) -> Self {
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
        let rating = Rating::of(vectors.iter().copied(), words.iter().copied());
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
