//! Typed values out of a YAML tree, each refused where it stands.

use crate::{
    Error, Pattern,
    yaml::{At, Entry, Node, Value},
};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use std::{cmp::Reverse, fmt::Display, str::FromStr};

/// Reads the values of one policy file.
pub(super) struct Reader<'a> {
    pub(super) path: &'a Utf8Path,
}

/// The fields of one mapping, none of them unknown.
pub(super) struct Fields<'n> {
    pub(super) at: At,
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'n, Entry> {
        self.entries.iter()
    }
}

impl Reader<'_> {
    pub(super) fn fail<T>(&self, at: At, message: impl Into<String>) -> Result<T, Error> {
        Err(self.error(at, message.into(), None))
    }

    pub(super) fn error(&self, at: At, message: String, nearest: Option<String>) -> Error {
        Error::Invalid {
            path: self.path.to_owned(),
            line: at.line,
            column: at.column,
            message,
            nearest,
        }
    }

    fn unexpected<T>(&self, node: &Node, expected: &str) -> Result<T, Error> {
        self.fail(node.at, format!("expected {expected}, found {}", node.value.describe()))
    }

    /// The fields of a mapping; a key that is not among `known` is refused with the nearest one.
    pub(super) fn fields<'n>(&self, node: &'n Node, known: &[&str]) -> Result<Fields<'n>, Error> {
        let fields = self.mapping(node, known)?;
        match fields.iter().find(|entry| !known.contains(&entry.key.as_str())) {
            Some(entry) => Err(self.unknown("key", entry.at, &entry.key, known)),
            None => Ok(fields),
        }
    }

    /// The entries of a mapping whose keys the caller knows.
    pub(super) fn mapping<'n>(&self, node: &'n Node, known: &[&str]) -> Result<Fields<'n>, Error> {
        match &node.value {
            Value::Map(entries) => Ok(Fields { at: node.at, entries }),
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::OtherNumber
            | Value::Text(_)
            | Value::List(_) => {
                let known: Vec<_> = known.iter().copied().take(4).collect();
                self.unexpected(node, &format!("a mapping (`{}`, …)", known.join("`, `")))
            }
        }
    }

    /// The refusal of a word that is not among the known ones.
    pub(super) fn unknown(&self, kind: &str, at: At, found: &str, known: &[&str]) -> Error {
        let shown: String = found.chars().take(100).collect();
        self.error(at, format!("unknown {kind} `{shown}`"), nearest(&shown, known))
    }

    pub(super) fn list<'n>(&self, node: &'n Node) -> Result<&'n [Node], Error> {
        match &node.value {
            Value::List(list) => Ok(list),
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::OtherNumber
            | Value::Text(_)
            | Value::Map(_) => self.unexpected(node, "a list"),
        }
    }

    pub(super) fn text<'n>(&self, node: &'n Node) -> Result<&'n str, Error> {
        self.text_as(node, "a text")
    }

    pub(super) fn text_as<'n>(&self, node: &'n Node, expected: &str) -> Result<&'n str, Error> {
        match &node.value {
            Value::Text(text) if !text.trim().is_empty() => Ok(text),
            Value::Integer(_) | Value::OtherNumber | Value::Boolean(_) => {
                self.unexpected(node, &format!("{expected}, in quotes if it looks like a number"))
            }
            Value::Null | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                self.unexpected(node, expected)
            }
        }
    }

    pub(super) fn boolean(&self, node: &Node) -> Result<bool, Error> {
        match &node.value {
            Value::Boolean(value) => Ok(*value),
            Value::Null
            | Value::Integer(_)
            | Value::OtherNumber
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_) => self.unexpected(node, "`true` or `false`"),
        }
    }

    /// A key that is either `true` or left out.
    pub(super) fn word_true(&self, node: &Node) -> Result<(), Error> {
        if matches!(node.value, Value::Boolean(true)) {
            Ok(())
        } else {
            self.unexpected(node, "`true`, or no such key")
        }
    }

    pub(super) fn integer(&self, node: &Node, range: (i64, i64)) -> Result<i64, Error> {
        let (low, high) = range;
        match &node.value {
            Value::Integer(value) if (low..=high).contains(value) => Ok(*value),
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::OtherNumber
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_) => {
                self.unexpected(node, &format!("a whole number from {low} to {high}"))
            }
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, node: &Node, words: &[(&str, T)]) -> Result<T, Error> {
        let listed: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let expected = match listed.as_slice() {
            [only] => only.clone(),
            all => format!("one of {}", all.join(", ")),
        };
        let text = self.text_as(node, &expected)?;
        let Some((_, value)) = words.iter().find(|(word, _)| *word == text) else {
            let message = format!("expected {expected}, found {}", node.value.describe());
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let nearest = nearest(text, &known);
            return Err(self.error(node.at, message, nearest));
        };
        Ok(*value)
    }

    /// A text with its own grammar.
    pub(super) fn parsed<T>(&self, node: &Node, expected: &str) -> Result<T, Error>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.parsed_of(node, expected, self.text_as(node, expected)?)
    }

    fn parsed_of<T>(&self, node: &Node, expected: &str, text: &str) -> Result<T, Error>
    where
        T: FromStr,
        T::Err: Display,
    {
        text.parse().or_else(|error: T::Err| {
            self.fail(node.at, format!("expected {expected}, found `{text}`: {error}"))
        })
    }

    /// A pattern that was written in another form at a node.
    pub(super) fn pattern_of(&self, node: &Node, text: &str) -> Result<Pattern, Error> {
        self.parsed_of(node, "a pattern", text)
    }

    pub(super) fn pattern(&self, node: &Node) -> Result<Pattern, Error> {
        self.parsed(node, "a pattern")
    }

    pub(super) fn patterns(&self, node: &Node) -> Result<Vec<Pattern>, Error> {
        self.list(node)?.iter().map(|item| self.pattern(item)).collect()
    }

    /// A path below the policy file's directory.
    pub(super) fn file(&self, node: &Node) -> Result<Utf8PathBuf, Error> {
        Ok(Utf8PathBuf::from(self.text_as(node, "a file name")?))
    }

    /// `14d`, `72h`, `30m`: a positive whole number and a unit.
    pub(super) fn duration(&self, node: &Node) -> Result<SignedDuration, Error> {
        let expected = "a duration such as `14d` or `72h`";
        let text = self.text_as(node, expected)?;
        let seconds = text.char_indices().next_back().and_then(|(at, unit)| {
            let unit = match unit {
                'd' => 86_400,
                'h' => 3_600,
                'm' => 60,
                _ => return None,
            };
            let digits = text.get(..at)?;
            let is_number = digits.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits.parse::<i64>().ok().filter(|number| is_number && *number > 0)?;
            number.checked_mul(unit)
        });
        seconds.map(SignedDuration::from_secs).map_or_else(|| self.unexpected(node, expected), Ok)
    }

    /// `2026-12-15T12:00:00Z`, in any zone; or `2026-12-15`, which is an end of that day in UTC.
    pub(super) fn moment(&self, node: &Node, end: DayEnd) -> Result<Timestamp, Error> {
        let expected =
            "a date such as `2026-12-31`, or a time with its zone such as `2026-12-31T12:00:00Z`";
        let text = self.text_as(node, expected)?;
        let moment = if text.contains(['T', 't']) {
            text.parse().ok()
        } else {
            let midnight = |date: civil::Date| date.to_zoned(TimeZone::UTC).ok();
            let first = |date| midnight(date).map(|start| start.timestamp());
            self.date(node).ok().and_then(|date| match end {
                DayEnd::First => first(date),
                // The last moment that there is.
                DayEnd::Last => {
                    first(date.tomorrow().ok()?)?.checked_sub(SignedDuration::from_nanos(1)).ok()
                }
            })
        };
        moment.map_or_else(|| self.unexpected(node, expected), Ok)
    }

    /// `2026-12-15`.
    pub(super) fn date(&self, node: &Node) -> Result<civil::Date, Error> {
        let expected = "a date such as `2026-12-31`";
        let text = self.text_as(node, expected)?;
        let is_shaped = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        text.parse().ok().filter(|_| is_shaped).map_or_else(|| self.unexpected(node, expected), Ok)
    }
}

/// Which moment of a day a date stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DayEnd {
    /// Its first.
    First,
    /// Its last.
    Last,
}

/// The known word that a person most likely meant; among equally near ones, the one that begins alike.
fn nearest(found: &str, known: &[&str]) -> Option<String> {
    let folded = found.to_ascii_lowercase().replace('_', "-");
    let near = known.iter().filter_map(|word| {
        let lower = word.to_ascii_lowercase();
        let distance = strsim::damerau_levenshtein(&folded, &lower);
        let alike = folded.chars().zip(lower.chars()).take_while(|(a, b)| a == b).count();
        (distance <= word.len().div_ceil(3)).then_some((distance, Reverse(alike), *word))
    });
    near.min().map(|(_, _, word)| word.to_owned())
}
