//! Fields of a predicate, each with its form and its limit.

use crate::{Error, text::excerpt};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The longest text that is taken, in bytes.
const TEXT_LIMIT: usize = 4096;
/// The most entries of a list or of a map that are taken.
pub(super) const LIST_LIMIT: usize = 10_000;

/// An object of a predicate, with its path.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    /// What the predicate is.
    what: &'static str,
    /// Where this object is in it.
    path: String,
    map: Option<&'a Map<String, Value>>,
}

impl<'a> Fields<'a> {
    /// The whole predicate.
    pub(super) fn of(what: &'static str, map: &'a Map<String, Value>) -> Self {
        Self { what, path: String::new(), map: Some(map) }
    }

    /// Whether there is such an object at all.
    pub(super) const fn is_there(&self) -> bool {
        self.map.is_some()
    }

    /// The object as it is.
    pub(super) const fn map(&self) -> Option<&'a Map<String, Value>> {
        self.map
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.map?.get(name).filter(|value| !value.is_null())
    }

    /// Names in a map are a stranger's.
    fn at(&self, name: &str) -> String {
        let name = excerpt(name);
        if self.path.is_empty() { name } else { format!("{}.{name}", self.path) }
    }

    /// The error that a field has another form.
    pub(super) fn malformed(&self, name: &str, expected: &'static str) -> Error {
        Error::Claim { what: self.what, field: self.at(name), expected }
    }

    /// An object in it; where it is absent, so is all that is in it.
    pub(super) fn object(&self, name: &str) -> Result<Self, Error> {
        let map = match self.value(name) {
            Some(Value::Object(map)) => Some(map),
            Some(_) => return Err(self.malformed(name, "an object")),
            None => None,
        };
        Ok(Self { what: self.what, path: self.at(name), map })
    }

    /// A text of at most 4096 bytes.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Error> {
        self.value(name).map(|value| self.short(value, name)).transpose()
    }

    fn short(&self, value: &Value, name: &str) -> Result<String, Error> {
        value
            .as_str()
            .filter(|text| text.len() <= TEXT_LIMIT)
            .map(str::to_owned)
            .ok_or_else(|| self.malformed(name, "a text of at most 4096 bytes"))
    }

    /// A text, or a whole number as one: some write the number of a job so.
    pub(super) fn text_or_number(&self, name: &str) -> Result<Option<String>, Error> {
        match self.value(name).and_then(Value::as_u64) {
            Some(number) => Ok(Some(number.to_string())),
            None => self.text(name),
        }
    }

    /// A time as RFC 3339.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Error> {
        let parse = |text: String| {
            text.parse().ok().ok_or_else(|| self.malformed(name, "a time (RFC 3339)"))
        };
        self.text(name)?.map(parse).transpose()
    }

    /// Yes or no.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, Error> {
        let boolean = |value: &Value| {
            value.as_bool().ok_or_else(|| self.malformed(name, "`true` or `false`"))
        };
        self.value(name).map(boolean).transpose()
    }

    /// A list of at most 10,000 entries.
    pub(super) fn list(&self, name: &str) -> Result<Option<&'a [Value]>, Error> {
        match self.value(name) {
            Some(Value::Array(items)) if items.len() <= LIST_LIMIT => Ok(Some(items)),
            Some(_) => Err(self.malformed(name, "a list of at most 10000 entries")),
            None => Ok(None),
        }
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Error> {
        let texts = |items: &[Value]| items.iter().map(|item| self.short(item, name)).collect();
        self.list(name)?.map(texts).transpose()
    }

    /// A list of objects.
    pub(super) fn objects(&self, name: &str) -> Result<Option<Vec<Self>>, Error> {
        let object = |(index, item): (usize, &'a Value)| {
            let map = item.as_object().ok_or_else(|| self.malformed(name, "a list of objects"))?;
            let path = format!("{}.{index}", self.at(name));
            Ok(Self { what: self.what, path, map: Some(map) })
        };
        let objects = |items: &'a [Value]| items.iter().enumerate().map(object).collect();
        self.list(name)?.map(objects).transpose()
    }

    /// A map of texts: digests by algorithm.
    pub(super) fn text_map(&self, name: &str) -> Result<BTreeMap<String, String>, Error> {
        let inner = self.object(name)?;
        let Some(map) = inner.map else { return Ok(BTreeMap::new()) };
        if map.len() > LIST_LIMIT {
            return Err(self.malformed(name, "a map of at most 10000 entries"));
        }
        map.iter().map(|(key, value)| Ok((key.clone(), inner.short(value, key)?))).collect()
    }
}
