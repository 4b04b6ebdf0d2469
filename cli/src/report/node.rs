//! A JSON document whose long lists are made while they are written, one element at a time.
//!
//! A report may list a hundred thousand things; all of them as JSON values at once take ten times the room of the report.
//! What is listed so often borrows its texts and has names for its fields that are there already.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;
use std::borrow::Cow;

/// A value of the document.
pub(super) enum Node<'a> {
    /// A value that is small.
    Value(Value),
    /// A text.
    Text(Cow<'a, str>),
    /// A number.
    Number(f64),
    /// A short list.
    Few(Vec<Self>),
    /// A list, made anew each time that it is written.
    List(Box<Elements<'a>>),
    /// An object, with its fields in this order.
    Object(Vec<(&'static str, Self)>),
}

type Elements<'a> = dyn Fn() -> Box<dyn Iterator<Item = Node<'a>> + 'a> + 'a;

/// An object with fields in the order in which they stand.
macro_rules! object {
    ($($name:literal: $value:expr),* $(,)?) => {
        $crate::report::node::Node::Object(vec![
            $(($name, $crate::report::node::Node::from($value))),*
        ])
    };
}
pub(super) use object;

impl<'a> Node<'a> {
    /// A list of the elements that `make` begins.
    pub(super) fn list<T: Into<Self> + 'a, I: Iterator<Item = T> + 'a>(
        make: impl Fn() -> I + 'a,
    ) -> Self {
        Self::List(Box::new(move || Box::new(make().map(Into::into))))
    }

    /// A short list of these.
    pub(super) fn few<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::Few(items.into_iter().map(Into::into).collect())
    }
}

impl<'a> From<&'a str> for Node<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Node<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Node<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<f64> for Node<'_> {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Node<'_> {
    fn from(value: bool) -> Self {
        Self::Value(value.into())
    }
}

impl From<Value> for Node<'_> {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

/// What is absent is null.
impl<T: Into<Self>> From<Option<T>> for Node<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Value(Value::Null), Into::into)
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Few(items) => serializer.collect_seq(items),
            Self::List(elements) => serializer.collect_seq(elements()),
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_written_as_the_same_values_would_be() {
        let node = Node::Object(vec![
            ("z", json!({ "b": 1, "a": [] }).into()),
            ("list", Node::list(|| [1, 2].into_iter().map(|number| json!(number)))),
            ("few", Node::few(["a", "b"])),
            (
                "object",
                object! { "text": "c".to_owned(), "number": 7.0, "no": f64::NAN, "yes": true },
            ),
            ("none", None::<Value>.into()),
            ("empty", Node::list(std::iter::empty::<Value>)),
        ]);
        let written = serde_json::to_string_pretty(&node).unwrap();
        let same = json!({
            "z": { "b": 1, "a": [] },
            "list": [1, 2],
            "few": ["a", "b"],
            "object": { "text": "c", "number": 7.0, "no": f64::NAN, "yes": true },
            "none": null,
            "empty": [],
        });
        assert_eq!(written, serde_json::to_string_pretty(&same).unwrap());
        assert_eq!(serde_json::to_string_pretty(&node).unwrap(), written);
    }
}
