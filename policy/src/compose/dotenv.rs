//! Files of variables: <https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax>.
//!
//! As `docker compose` reads them: `NAME=value`, `NAME: value`, `export NAME=value`, values in quotes over several lines, and variables in
//! values. A line that it would refuse is passed over: it would not start anything then.

use super::interpolate::{Text, expand};
use std::collections::BTreeMap;

/// One variable of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment<'t> {
    /// The line that it begins in, from 1.
    pub(crate) line: u32,
    pub(crate) name: &'t str,
    /// Without its quotes; absent where the name stands alone, and its value is that of the environment.
    pub(crate) value: Option<String>,
    /// Whether variables in it are replaced.
    quoting: Quoting,
}

/// What stands around a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoting {
    /// Nothing, or what leaves variables alive.
    Open,
    /// Single quotes.
    Literal,
}

impl Assignment<'_> {
    /// Its value with the variables in it replaced; absent where nobody gives it one.
    pub(crate) fn expanded(&self, known: &BTreeMap<String, String>) -> Option<Text> {
        let Some(value) = &self.value else {
            return known
                .contains_key(self.name)
                .then(|| expand(&format!("${{{}}}", self.name), known));
        };
        Some(match self.quoting {
            Quoting::Open => expand(value, known),
            Quoting::Literal => {
                Text { written: value.clone(), value: value.clone(), ..Text::default() }
            }
        })
    }
}

/// The variables that a file adds to those that are known, which have precedence. [`super::HOLE`] stands in a value for what is not known.
pub(crate) fn variables(text: &str, above: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut known = above.clone();
    for assignment in assignments(text) {
        if above.contains_key(assignment.name) {
            continue;
        }
        if let Some(value) = assignment.expanded(&known) {
            known.insert(assignment.name.to_owned(), value.value);
        }
    }
    known
}

/// Every variable of a file, in order.
pub(crate) fn assignments(text: &str) -> Vec<Assignment<'_>> {
    let mut found = Vec::new();
    let mut lines = (1..).zip(text.strip_prefix('\u{feff}').unwrap_or(text).lines());
    while let Some((line, written)) = lines.next() {
        let written = written.trim();
        let Some((name, value)) = named(written) else { continue };
        let Some(value) = value else {
            found.push(Assignment { line, name, value: None, quoting: Quoting::Open });
            continue;
        };
        let value = value.trim_start();
        let mut further = lines.clone();
        let (value, quoting) = if let Some(quoted) = quoted(value, &mut further) {
            lines = further;
            quoted
        } else {
            let value = value.split_once(" #").map_or(value, |(value, _)| value);
            (value.trim_end().to_owned(), Quoting::Open)
        };
        found.push(Assignment { line, name, value: Some(value), quoting });
    }
    found
}

/// A value in quotes, which may end in one of the lines that follow. One that ends nowhere is refused by others; what stands in the
/// lines after it is a secret all the same, so it is taken for a value without quotes.
fn quoted<'t>(
    value: &'t str,
    lines: &mut impl Iterator<Item = (u32, &'t str)>,
) -> Option<(String, Quoting)> {
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let mut inside = value.strip_prefix(quote)?.to_owned();
    let mut end = closing(&inside, quote);
    while end.is_none() {
        let (_, more) = lines.next()?;
        inside.push('\n');
        let seen = inside.len();
        inside.push_str(more);
        end = closing(more, quote).map(|at| at.saturating_add(seen));
    }
    inside.truncate(end?);
    Some(if quote == '"' {
        (unescaped(&inside), Quoting::Open)
    } else {
        (inside, Quoting::Literal)
    })
}

/// The name of a line and what follows it; nothing follows a name that stands alone.
fn named(line: &str) -> Option<(&str, Option<&str>)> {
    let exported = line.strip_prefix("export").filter(|rest| rest.starts_with(char::is_whitespace));
    let line = exported.map_or(line, str::trim_start);
    let end = line.find(['=', ':']);
    let (name, value) = match end.and_then(|end| line.split_at_checked(end)) {
        Some((name, value)) => (name.trim_end(), value.get(1..)),
        None => (line, None),
    };
    let is_name =
        |char: char| char.is_alphanumeric() || matches!(char, '_' | '.' | '-' | '[' | ']');
    (!name.is_empty() && name.chars().all(is_name)).then_some((name, value))
}

/// Where the quote is that closes.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, char) in text.char_indices() {
        if char == quote && !is_escaped {
            return Some(at);
        }
        is_escaped = char == '\\' && !is_escaped;
    }
    None
}

/// What a text in double quotes comes to. `\$` stays: the expansion of variables reads it.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, chars.as_str().chars().next()) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some('$')) => out.push_str("$$"),
            ('\\', Some(next)) => out.push(next),
            _ => {
                out.push(char);
                continue;
            }
        }
        chars.next();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::HOLE;

    #[track_caller]
    fn check(text: &str, expect: &[(u32, &str, Option<&str>)]) {
        let found = assignments(text);
        let found: Vec<_> =
            found.iter().map(|one| (one.line, one.name, one.value.as_deref())).collect();
        assert_eq!(found, expect, "{text:?}");
    }

    #[test]
    fn every_form_of_an_assignment_is_read() {
        check(
            "\u{feff}A=1\r\n# B=2\nexport C=3\nexport\tD = 4 # x\nE: 5\nF=\nG\n\nH=a#b\n",
            &[
                (1, "A", Some("1")),
                (3, "C", Some("3")),
                (4, "D", Some("4")),
                (5, "E", Some("5")),
                (6, "F", Some("")),
                (7, "G", None),
                (9, "H", Some("a#b")),
            ],
        );
        check("exported=1\nA='x y' # z\n", &[(1, "exported", Some("1")), (2, "A", Some("x y"))]);
        check(
            "A=\"x\ny\\n\\\"z\"\nB='q\\'\n",
            &[(1, "A", Some("x\ny\n\"z")), (3, "B", Some("'q\\'"))],
        );
        check("a b=1\n=2\nA$=3\nB=4", &[(4, "B", Some("4"))]);
        check("A=\"x\nB=1\n", &[(1, "A", Some("\"x")), (2, "B", Some("1"))]);
    }

    #[test]
    fn variables_in_values_are_replaced_and_those_above_win() {
        let above = BTreeMap::from([("S".to_owned(), "sh".to_owned())]);
        let hole = HOLE.to_string();
        for (text, name, expect) in [
            ("A=1\nB=${A}2\n", "B", Some("12")),
            ("B=$A", "B", Some(hole.as_str())),
            ("B='$S'", "B", Some("$S")),
            ("B=\"$S\"", "B", Some("sh")),
            ("B=\"\\$S\"", "B", Some("$S")),
            ("S=2\nB=$S", "B", Some("sh")),
            ("S=2", "S", Some("sh")),
            ("A=1\nA=2", "A", Some("2")),
            ("B", "B", None),
            ("S", "S", Some("sh")),
        ] {
            assert_eq!(variables(text, &above).get(name).map(String::as_str), expect, "{text}");
        }
    }
}
