//! A compose file as a tree with its variables replaced, whose values know the file, line and column they stand at.

use super::interpolate::{Text, expand};
use crate::yaml::{self, At};
use std::collections::BTreeMap;

/// A place in one of the files of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    /// Which of the files that were given.
    pub(crate) file: usize,
    /// From 1.
    pub(crate) line: u32,
    /// From 1.
    pub(crate) column: u32,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: Spot,
    pub(crate) value: Value,
}

/// What stands there.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Flag(bool),
    Number(i64),
    OtherNumber,
    Text(Text),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) at: Spot,
    pub(crate) key: String,
    pub(crate) value: Node,
}

/// What a value comes to that has to be of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told<T> {
    Is(T),
    /// It depends on something that is not known.
    Untold,
}

impl Node {
    /// The tree of a document. Its depth is bounded by the reader of YAML.
    pub(crate) fn of(node: &yaml::Node, file: usize, variables: &BTreeMap<String, String>) -> Self {
        let spot = |at: At| Spot { file, line: at.line, column: at.column };
        let value = match &node.value {
            yaml::Value::Null => Value::Null,
            yaml::Value::Boolean(flag) => Value::Flag(*flag),
            yaml::Value::Integer(number) => Value::Number(*number),
            yaml::Value::OtherNumber => Value::OtherNumber,
            yaml::Value::Text(text) => Value::Text(expand(text, variables)),
            yaml::Value::List(items) => {
                Value::List(items.iter().map(|item| Self::of(item, file, variables)).collect())
            }
            yaml::Value::Map(entries) => {
                let entry = |entry: &yaml::Entry| Entry {
                    at: spot(entry.defined),
                    key: entry.key.clone(),
                    value: Self::of(&entry.value, file, variables),
                };
                Value::Map(entries.iter().map(entry).collect())
            }
        };
        Self { at: spot(node.defined), value }
    }

    /// How many values it is made of.
    pub(crate) fn size(&self) -> usize {
        let inside: usize = match &self.value {
            Value::List(items) => items.iter().map(Self::size).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
            Value::Null
            | Value::Flag(_)
            | Value::Number(_)
            | Value::OtherNumber
            | Value::Text(_) => 0,
        };
        inside.saturating_add(1)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    pub(crate) fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// The items of a list, or the one value that stands in the place of one.
    pub(crate) fn one_or_more(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Null => &[],
            Value::Flag(_)
            | Value::Number(_)
            | Value::OtherNumber
            | Value::Text(_)
            | Value::Map(_) => std::slice::from_ref(self),
        }
    }

    /// The entry of a key; nothing at all counts as no such key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        let entry = self.entries().iter().find(|entry| entry.key == key)?;
        (!matches!(entry.value.value, Value::Null)).then_some(entry)
    }

    /// What stands under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// What stands at the end of a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    pub(crate) fn text(&self) -> Option<&Text> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// The value as text, whatever type it has; [`super::HOLE`] stands for what is not known.
    pub(crate) fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.value.clone()),
            Value::Flag(flag) => Some(flag.to_string()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::OtherNumber | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// As written, for a message.
    pub(crate) fn written(&self) -> String {
        match &self.value {
            Value::Text(text) => text.written.clone(),
            Value::OtherNumber => "a number".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
            Value::Null | Value::Flag(_) | Value::Number(_) => self.scalar().unwrap_or_default(),
        }
    }

    /// The variable that it depends on and that is not known.
    pub(crate) fn unresolved(&self) -> Option<&str> {
        self.text()?.unresolved.as_deref()
    }

    /// Whether it is set; what is neither yes nor no can not be told.
    pub(crate) fn flag(&self) -> Told<bool> {
        match &self.value {
            Value::Flag(flag) => Told::Is(*flag),
            Value::Null => Told::Is(false),
            Value::Text(text) => match text.value.to_ascii_lowercase().as_str() {
                "true" | "yes" | "y" | "on" | "1" => Told::Is(true),
                "false" | "no" | "n" | "off" | "0" | "" => Told::Is(false),
                _ => Told::Untold,
            },
            Value::Number(number) => Told::Is(*number != 0),
            Value::OtherNumber | Value::List(_) | Value::Map(_) => Told::Untold,
        }
    }
}
