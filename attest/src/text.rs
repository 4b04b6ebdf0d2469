//! Texts for people and for predicates.

use crate::Error;
use jiff::Timestamp;
use std::error::Error as _;

/// The longest text of a candidate that is repeated in an explanation, in characters.
const EXCERPT: usize = 200;

/// The beginning of a text that somebody else wrote.
pub(crate) fn excerpt(text: &str) -> String {
    let mut chars = text.chars();
    let mut start: String = chars.by_ref().take(EXCERPT).collect();
    if chars.next().is_some() {
        start.push('…');
    }
    start
}

/// An error with its causes, on one line.
pub(crate) fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    excerpt(&text)
}

/// A time as predicates write it: RFC 3339 in UTC, whole seconds.
pub(crate) fn time(timestamp: Timestamp) -> String {
    timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_is_cut_at_a_character() {
        assert_eq!(excerpt("short"), "short");
        assert_eq!(excerpt(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(excerpt(&"é".repeat(201)), "é".repeat(200) + "…");
    }

    #[test]
    fn times_are_whole_seconds_in_utc() {
        let timestamp = "2026-11-22T12:00:59.987+01:00".parse().unwrap();
        assert_eq!(time(timestamp), "2026-11-22T11:00:59Z");
    }
}
