//! A JSON document whose long lists are made while they are written, one element at a time.
//!
//! A report may list a hundred thousand things; all of them as JSON values at once take ten times the room of the report.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;

/// A value of the document.
pub(super) enum Node<'a> {
    /// A value that is small.
    Value(Value),
    /// A list, made anew each time that it is written.
    List(Box<Elements<'a>>),
    /// An object, with its fields in this order.
    Object(Vec<(&'static str, Self)>),
}

type Elements<'a> = dyn Fn() -> Box<dyn Iterator<Item = Value> + 'a> + 'a;

impl<'a> Node<'a> {
    /// A list of the elements that `make` begins.
    pub(super) fn list<I: Iterator<Item = Value> + 'a>(make: impl Fn() -> I + 'a) -> Self {
        Self::List(Box::new(move || Box::new(make())))
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
            ("none", None::<Value>.into()),
            ("empty", Node::list(std::iter::empty)),
        ]);
        let written = serde_json::to_string_pretty(&node).unwrap();
        let same = json!({ "z": { "b": 1, "a": [] }, "list": [1, 2], "none": null, "empty": [] });
        assert_eq!(written, serde_json::to_string_pretty(&same).unwrap());
        assert_eq!(serde_json::to_string_pretty(&node).unwrap(), written);
    }
}
