//! Texts in what is recorded.

use crate::secrets;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt::Display, str::FromStr};

/// The most characters of one text that are recorded.
const LONGEST: usize = 4_096;

/// A value that is written as its text.
#[derive(Debug)]
pub(crate) struct AsText<T>(pub(crate) T);

impl<T: Display> Serialize for AsText<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de, T> Deserialize<'de> for AsText<T>
where
    T: FromStr,
    T::Err: Display,
{
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Cow::<'_, str>::deserialize(from)?.parse().map(Self).map_err(de::Error::custom)
    }
}

/// A text by others: without what looks like a secret in it, and cut where it is longer than anybody reads.
pub(super) fn shown(text: &str) -> String {
    cut(&secrets::redact(text))
}

/// A text that can not hold a secret, cut.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Several of them.
pub(super) fn all_shown(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| shown(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_told_to_be() {
        let long = "ä".repeat(LONGEST + 1);
        assert_eq!(shown(&long), format!("{}…", "ä".repeat(LONGEST)));
        let longest = "ä".repeat(LONGEST);
        assert_eq!(shown(&longest), longest);
    }

    #[test]
    fn what_looks_like_a_secret_is_left_out() {
        assert_eq!(shown("|1 DB_PASSWORD=hunter2 /bin/sh -c x"), "|1 DB_PASSWORD=… /bin/sh -c x");
    }
}
