//! YAML as a tree whose every key and value knows its line and column.
//!
//! Strict: duplicate keys, merge keys and the YAML 1.1 spellings of booleans are refused or stay text, so that no
//! two readers of one policy file see different policies.

use camino::Utf8Path;
use granit_parser::Event;
use plimsoll_model::Limits;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy, Options, Spanned, budget::BudgetBreach};
use std::{collections::BTreeSet, fmt};

use crate::Error;

/// A place in the policy file, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: At,
    /// Where its text stands: at the anchor, where an alias or a merge key brought it.
    pub(crate) defined: At,
    pub(crate) value: Value,
}

/// What stands there.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    /// A number with a fraction, or one too large: no key of a policy takes one. Zero is an integer however it is written.
    OtherNumber,
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) at: At,
    /// Where its text stands.
    pub(crate) defined: At,
    pub(crate) key: String,
    pub(crate) value: Node,
}

impl Node {
    /// Moves it, and everything in it, down by some lines: its text is a part of a longer one.
    pub(crate) fn shift(&mut self, lines: u32) {
        let mut pending = vec![self];
        while let Some(node) = pending.pop() {
            node.at.shift(lines);
            node.defined.shift(lines);
            match &mut node.value {
                Value::List(items) => pending.extend(items),
                Value::Map(entries) => pending.extend(entries.iter_mut().map(|entry| {
                    entry.at.shift(lines);
                    entry.defined.shift(lines);
                    &mut entry.value
                })),
                Value::Null
                | Value::Boolean(_)
                | Value::Integer(_)
                | Value::OtherNumber
                | Value::Text(_) => {}
            }
        }
    }
}

impl Value {
    /// What it is, for a message.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Boolean(value) => format!("`{value}`"),
            Self::Integer(value) => format!("the number `{value}`"),
            Self::OtherNumber => "a number".to_owned(),
            Self::Text(text) => format!("`{text}`"),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// The document in `text`.
pub(crate) fn read(text: &str, path: &Utf8Path) -> Result<Node, Error> {
    check_length(text, path)?;
    serde_saphyr::from_str_with_options::<Node>(text, options())
        .map_err(|error| invalid(path, &error))
}

/// Every document in `text`, which others write for other programs: merge keys are merged, as these programs do it, and
/// it may be longer and deeper than a policy.
pub(crate) fn read_all(text: &str, path: &Utf8Path) -> Result<Vec<Node>, Error> {
    check_length(text, path)?;
    serde_saphyr::from_multiple_with_options::<Node>(text, options_of_others())
        .map_err(|error| invalid(path, &error))
}

/// Where the first of each of these tags stands. What a tag means is not in the tree.
pub(crate) fn tagged<'t>(text: &str, tags: &[&'t str]) -> Vec<(At, &'t str)> {
    let mut found: Vec<(At, &str)> = Vec::new();
    if !text.contains('!') {
        return found;
    }
    for event in granit_parser::Parser::new_from_str(text) {
        // What can not be read is told by whoever reads it.
        let Ok((event, span)) = event else { break };
        let (Event::Scalar(.., Some(tag))
        | Event::SequenceStart(.., Some(tag))
        | Event::MappingStart(.., Some(tag))) = &event
        else {
            continue;
        };
        let tag = format!("{}{}", tag.handle(), tag.suffix());
        let is_new = |tag: &&&str| found.iter().all(|(_, known)| known != *tag);
        if let Some(tag) = tags.iter().filter(is_new).find(|known| **known == tag) {
            found.push((At::of_marker(span.tag_start.unwrap_or(span.start)), *tag));
        }
    }
    found
}

fn check_length(text: &str, path: &Utf8Path) -> Result<(), Error> {
    let limit = Limits::STANDARD.user_file;
    if u64::try_from(text.len()).is_ok_and(|len| len > limit) {
        return Err(Error::TooLarge { path: path.to_owned(), limit });
    }
    Ok(())
}

fn invalid(path: &Utf8Path, error: &serde_saphyr::Error) -> Error {
    let at = error.location().map_or(At { line: 1, column: 1 }, At::of);
    // The place is stated once, in front.
    let plain = error.without_snippet();
    let full = plain.to_string();
    let message = if let serde_saphyr::Error::DuplicateMappingKey { key, .. } = plain {
        format!("duplicate key `{}`", key.as_deref().unwrap_or_default())
    } else if let serde_saphyr::Error::Budget { breach, .. } = plain {
        boundless(breach).to_owned()
    } else {
        full.split_once(" at line ").map_or(full.as_str(), |(text, _)| text).to_owned()
    };
    Error::Invalid {
        path: path.to_owned(),
        line: at.line,
        column: at.column,
        message,
        nearest: None,
    }
}

/// What is said of a text that goes past a limit.
const fn boundless(breach: &BudgetBreach) -> &'static str {
    if matches!(breach, BudgetBreach::Documents { .. }) {
        return "more documents than are read: leave out what begins with `---`, or give it a file of its own";
    }
    if matches!(breach, BudgetBreach::Depth { .. }) {
        return "it is nested deeper than is read";
    }
    let is_of_anchors = matches!(
        breach,
        BudgetBreach::Aliases { .. }
            | BudgetBreach::Anchors { .. }
            | BudgetBreach::AliasAnchorRatio { .. }
            | BudgetBreach::RecordedAnchorEvents { .. }
            | BudgetBreach::RecordedAnchorBytes { .. }
    );
    if is_of_anchors {
        "it has more anchors and aliases than are read: write out what they stand for"
    } else {
        "it has more values than are read"
    }
}

fn options_of_others() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 48,
            max_nodes: 200_000,
            max_anchors: 1_000,
            max_aliases: 10_000,
            max_documents: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 20_000,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Merge,
        strict_booleans: true,
        with_snippet: false,
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 24,
            max_nodes: 100_000,
            max_anchors: 100,
            max_aliases: 1_000,
            max_documents: 1,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    }
}

impl At {
    fn shift(&mut self, lines: u32) {
        self.line = self.line.saturating_add(lines);
    }

    fn of_marker(marker: granit_parser::Marker) -> Self {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).max(1);
        Self { line: number(marker.line()), column: number(marker.col().saturating_add(1)) }
    }

    fn of(location: serde_saphyr::Location) -> Self {
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).max(1);
        Self { line: number(location.line()), column: number(location.column()) }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(from)?;
        Ok(Self {
            at: At::of(spanned.referenced),
            defined: At::of(spanned.defined),
            value: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::OtherNumber, Value::Integer))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Value, E> {
        Ok(Value::OtherNumber)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Value, E> {
        Ok(Value::OtherNumber)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // `0.0` is as little as `0`: rules about limits have to tell it from a fraction.
        Ok(if value == 0.0 { Value::Integer(0) } else { Value::OtherNumber })
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        Value::deserialize(from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = from.next_element()? {
            list.push(node);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen = BTreeSet::new();
        while let Some(key) = from.next_key::<Spanned<String>>()? {
            if !seen.insert(key.value.clone()) {
                return Err(de::Error::custom(format_args!("duplicate key `{}`", key.value)));
            }
            let value = from.next_value()?;
            let (at, defined) = (At::of(key.referenced), At::of(key.defined));
            entries.push(Entry { at, defined, key: key.value, value });
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(node: &Node) -> &[Entry] {
        let Value::Map(entries) = &node.value else { panic!("{node:?}") };
        entries
    }

    #[track_caller]
    fn check_error(text: &str, expect: &str) {
        assert_eq!(read(text, Utf8Path::new("p.yaml")).unwrap_err().to_string(), expect);
    }

    #[test]
    fn every_key_and_value_knows_its_place() {
        let node =
            read("version: 1\nrules: {DF-030: off, X: [a,\n  2026-12-15]}\n", "p".into()).unwrap();
        let [version, rules] = entries(&node) else { panic!() };
        assert_eq!((version.at, version.value.at), (at(1, 1), at(1, 10)));
        assert!(matches!(version.value.value, Value::Integer(1)));
        let [df, x] = entries(&rules.value) else { panic!() };
        assert_eq!((df.at, df.value.at), (at(2, 9), at(2, 17)));
        assert!(matches!(&df.value.value, Value::Text(text) if text == "off"));
        let Value::List(list) = &x.value.value else { panic!() };
        assert_eq!(list[1].at, at(3, 3));
        assert!(matches!(&list[1].value, Value::Text(text) if text == "2026-12-15"));
    }

    fn at(line: u32, column: u32) -> At {
        At { line, column }
    }

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        for text in
            ["a: 1\na: 2\n", "x: {b: 1, b: 2}", "a: &x {b: 1}\nc: {<<: *x}\n", "a: 1\n---\nb: 2\n"]
        {
            assert!(read(text, "p".into()).is_err(), "{text}");
        }
    }

    #[test]
    fn broken_text_and_bombs_are_errors_with_a_place() {
        check_error("a: 1\na: 2\n", "p.yaml:2:1: duplicate key `a`");
        check_error("a: [1\n", "p.yaml:1:4: unclosed bracket '['");
        check_error(
            "a: 1\n---\nb: 2\n",
            "p.yaml:2:1: more documents than are read: leave out what begins with `---`, or give it a file of its own",
        );
        check_error("a: *b", "p.yaml:1:4: alias references unknown anchor");
        check_error(&"[".repeat(1_000), "p.yaml:1:256: recursion limit exceeded");
        let deep: String =
            (0..40).flat_map(|depth| [" ".repeat(depth), "a:\n".to_owned()]).collect();
        assert!(read(&deep, "p".into()).is_err());
    }

    #[test]
    fn tags_are_told_from_texts_and_comments_that_look_like_them() {
        let tags = ["!reset", "!override"];
        for (text, expect) in [
            ("a: {b: \"x#y\", c: !reset null}", vec![(at(1, 18), "!reset")]),
            (
                "a:\n  - !override []\n  - !reset []\n  - !reset []\n",
                vec![(at(2, 5), "!override"), (at(3, 5), "!reset")],
            ),
            ("%TAG !e! !re\n---\na: !e!set x\n", vec![(at(3, 4), "!reset")]),
            ("a: 'x !reset y' # !reset z\nb: x!reset c\nc: !resets x\nd: !!str x\n", vec![]),
            ("a: |\n  b: !reset c\n", vec![]),
            ("a: [", vec![]),
        ] {
            assert_eq!(tagged(text, &tags), expect, "{text}");
        }
    }

    #[test]
    fn zero_is_zero_however_it_is_written() {
        let node = read("[0, 0.0, -0.0, 0e3, 0.5]", "p".into()).unwrap();
        let Value::List(items) = &node.value else { panic!() };
        let is_zero = items.iter().map(|item| matches!(item.value, Value::Integer(0)));
        assert_eq!(is_zero.collect::<Vec<_>>(), [true, true, true, true, false]);
    }
}
