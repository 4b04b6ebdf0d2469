//! JSON by others, in which nothing is ambiguous, and values that know where they stand.

use crate::Error;
use camino::Utf8Path;
use jiff::Timestamp;
use plimsoll_model::Unambiguous;
use serde_json::{Map, Value};

/// The JSON in `bytes`; a key that stands twice is refused, because readers differ in which of the two they believe.
/// How deep it is, is bounded by `serde_json` (128).
pub(super) fn parse(bytes: &[u8], path: &Utf8Path) -> Result<Value, Error> {
    if u64::try_from(bytes.len()).map_or(true, |length| length > super::LARGEST) {
        return Err(Error::VexTooLarge { path: path.to_owned(), limit: super::LARGEST });
    }
    let fail = |source| Error::VexJson { path: path.to_owned(), source };
    serde_json::from_slice::<Unambiguous>(bytes).map_err(fail)?;
    serde_json::from_slice(bytes).map_err(fail)
}

/// A value and its place in the document.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    value: &'a Value,
    path: &'a Utf8Path,
    /// `statements[3].products[0]`; empty for the document itself.
    pub(super) at: String,
}

impl<'a> Node<'a> {
    pub(super) const fn root(value: &'a Value, path: &'a Utf8Path) -> Self {
        Self { value, path, at: String::new() }
    }

    /// The refusal of this value.
    pub(super) fn fail<T>(&self, message: impl Into<String>) -> Result<T, Error> {
        Err(Error::Vex { path: self.path.to_owned(), at: self.at.clone(), message: message.into() })
    }

    /// What stands under a key; `null` counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        let dot = if self.at.is_empty() { "" } else { "." };
        Some(Self { value, path: self.path, at: format!("{}{dot}{key}", self.at) })
    }

    /// What has to stand under a key.
    pub(super) fn need(&self, key: &str) -> Result<Self, Error> {
        self.get(key).map_or_else(|| self.fail(format!("expected `{key}`")), Ok)
    }

    /// The object that this has to be.
    pub(super) fn object(&self) -> Result<&'a Map<String, Value>, Error> {
        self.value.as_object().map_or_else(|| self.fail("expected an object"), Ok)
    }

    /// The items of the list that this has to be.
    pub(super) fn items(&self) -> Result<impl Iterator<Item = Self> + use<'a>, Error> {
        let Some(list) = self.value.as_array() else { return self.fail("expected a list") };
        let (at, path) = (self.at.clone(), self.path);
        let of = move |(index, value)| Self { value, path, at: format!("{at}[{index}]") };
        Ok(list.iter().enumerate().map(of))
    }

    /// The items of a list under a key, none where there is no such key.
    pub(super) fn list(&self, key: &str) -> Result<Vec<Self>, Error> {
        self.get(key).map_or_else(|| Ok(Vec::new()), |list| list.items().map(Iterator::collect))
    }

    /// Whether this is that text.
    pub(super) fn is(&self, text: &str) -> bool {
        self.value.as_str() == Some(text)
    }

    /// The text that this has to be, with something in it.
    pub(super) fn text(&self) -> Result<&'a str, Error> {
        let text = self.value.as_str().filter(|text| !text.trim().is_empty());
        text.map_or_else(|| self.fail("expected a text"), Ok)
    }

    /// The text under a key; an empty one counts as absent.
    pub(super) fn text_of(&self, key: &str) -> Result<Option<&'a str>, Error> {
        match self.get(key) {
            Some(node) if node.value.as_str().is_some_and(|text| text.trim().is_empty()) => {
                Ok(None)
            }
            Some(node) => node.text().map(Some),
            None => Ok(None),
        }
    }

    /// The texts of a list under a key.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<&'a str>, Error> {
        self.list(key)?.iter().map(Self::text).collect()
    }

    /// The whole number that this has to be.
    pub(super) fn number(&self) -> Result<u64, Error> {
        self.value.as_u64().map_or_else(|| self.fail("expected a whole number"), Ok)
    }

    /// The moment under a key (RFC 3339).
    pub(super) fn time_of(&self, key: &str) -> Result<Option<Timestamp>, Error> {
        let Some(node) = self.get(key) else { return Ok(None) };
        let time = node.text()?.parse().ok();
        time.map_or_else(
            || node.fail("expected a time such as `2026-01-31T12:00:00Z`"),
            |t| Ok(Some(t)),
        )
    }

    /// The value that a word stands for.
    pub(super) fn word<T: Copy>(&self, known: &[(&'static str, T)]) -> Result<T, Error> {
        let found = self.text()?;
        let value = known.iter().find(|(word, _)| *word == found).map(|(_, value)| *value);
        value.map_or_else(
            || {
                let words: Vec<_> = known.iter().map(|(word, _)| format!("`{word}`")).collect();
                let shown: String = found.chars().take(100).collect();
                self.fail(format!("expected one of {}, found `{shown}`", words.join(", ")))
            },
            Ok,
        )
    }

    /// The word itself, which has to be among the known ones.
    pub(super) fn known(&self, known: &[&'static str]) -> Result<&'static str, Error> {
        let pairs: Vec<_> = known.iter().map(|word| (*word, *word)).collect();
        self.word(&pairs)
    }
}
