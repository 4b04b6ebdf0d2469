//! Variables in compose files: <https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md>.

use std::collections::BTreeMap;

/// Variables nested deeper in defaults are not evaluated.
const DEPTH: usize = 8;

/// Bytes of a text with its variables replaced: a file may name a long value very often.
const LENGTH: usize = 4 << 10;

/// Stands in a value where a variable stands whose value is not known.
pub(crate) const HOLE: char = '\0';

/// A text with its variables replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Text {
    /// As written.
    pub(crate) written: String,
    /// With every variable replaced; [`HOLE`] where that is not known.
    pub(crate) value: String,
    /// The first variable that is not known, as written.
    pub(crate) unresolved: Option<String>,
    /// Whose text the value is.
    pub(crate) origin: Origin,
}

/// Whose text a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Origin {
    /// Of the file, defaults of variables included.
    #[default]
    File,
    /// In part or whole of a variable.
    Variable,
}

/// `text` with its variables replaced by the values given, or by their defaults.
pub(crate) fn expand(text: &str, variables: &BTreeMap<String, String>) -> Text {
    let mut out = Text { written: text.to_owned(), ..Text::default() };
    append(&mut out, text, variables, 0);
    out
}

fn append(out: &mut Text, text: &str, variables: &BTreeMap<String, String>, depth: usize) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.value.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.value.push('$');
            rest = after;
            continue;
        }
        if let Some(braced) = after.strip_prefix('{') {
            let Some((expression, after)) = split_braced(braced) else {
                return hole(out, "an expression without end".to_owned());
            };
            evaluate(out, expression, variables, depth);
            rest = after;
        } else {
            let (name, after) = split_name(after);
            match variables.get(name) {
                Some(value) => given(out, name, value),
                None => hole(out, format!("${name}")),
            }
            rest = after;
        }
    }
    out.value.push_str(rest);
}

fn evaluate(out: &mut Text, expression: &str, variables: &BTreeMap<String, String>, depth: usize) {
    let (name, modifier) = split_name(expression);
    if name.is_empty() || depth >= DEPTH {
        return hole(out, format!("${{{name}}}"));
    }
    let (counts_empty, operation) = match modifier.strip_prefix(':') {
        Some(rest) => (false, rest),
        None => (true, modifier),
    };
    let set = variables.get(name).filter(|value| counts_empty || !value.is_empty());
    match (operation.chars().next(), set) {
        (None | Some('-' | '?'), Some(value)) => given(out, name, value),
        (None, None) if variables.contains_key(name) => {}
        (Some('-'), None) => {
            append(
                out,
                operation.strip_prefix('-').unwrap_or_default(),
                variables,
                depth.saturating_add(1),
            );
        }
        (Some('+'), Some(_)) => {
            append(
                out,
                operation.strip_prefix('+').unwrap_or_default(),
                variables,
                depth.saturating_add(1),
            );
        }
        _ => hole(out, format!("${{{name}}}")),
    }
}

/// The value of a variable, in which something may not be known in its turn. One that makes the text too long is not taken.
fn given(out: &mut Text, name: &str, value: &str) {
    if out.value.len().saturating_add(value.len()) > LENGTH {
        return hole(out, format!("${{{name}}}"));
    }
    if value.contains(HOLE) {
        out.unresolved.get_or_insert(format!("${{{name}}}"));
    }
    out.value.push_str(value);
    out.origin = Origin::Variable;
}

fn hole(out: &mut Text, variable: String) {
    out.value.push(HOLE);
    out.origin = Origin::Variable;
    out.unresolved.get_or_insert(variable);
}

fn split_name(text: &str) -> (&str, &str) {
    let is_name = |char: char| char == '_' || char.is_ascii_alphanumeric();
    let end = text.find(|char| !is_name(char)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// What stands before the brace that closes, and what behind it.
fn split_braced(text: &str) -> Option<(&str, &str)> {
    let mut open = 1_usize;
    let mut before = '\0';
    for (at, char) in text.char_indices() {
        match char {
            '{' if before == '$' => open = open.saturating_add(1),
            '}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            let (inside, rest) = text.split_at_checked(at)?;
            return Some((inside, rest.strip_prefix('}')?));
        }
        before = char;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::dotenv;

    fn variables(text: &str) -> BTreeMap<String, String> {
        dotenv::variables(text, &BTreeMap::new())
    }

    #[test]
    fn every_form_of_a_variable_is_expanded() {
        let given = variables("A=1\n# B=2\nexport E=''\nQ=\"a # b\" # c\nP=x # y\n");
        for (text, value, unresolved) in [
            ("$A-${A}", "1-1", None),
            ("${A:-2}${B:-2}${E:-3}", "123", None),
            ("${E-3}${B-4}", "4", None),
            ("${A:?no}", "1", None),
            ("${A:+set}${E+set}", "setset", None),
            ("$$A$${A}", "$A${A}", None),
            ("${B:-${C:-${A}}}", "1", None),
            ("$Q|$P", "a # b|x", None),
            ("a${B}b", "a\0b", Some("${B}")),
            ("$B", "\0", Some("$B")),
            ("${B:?no}", "\0", Some("${B}")),
            ("${B:+x}", "\0", Some("${B}")),
            ("${B", "\0", Some("an expression without end")),
        ] {
            let text = expand(text, &given);
            assert_eq!((text.value.as_str(), text.unresolved.as_deref()), (value, unresolved));
        }
    }

    #[test]
    fn defaults_without_end_are_holes() {
        let deep = format!("{}x{}", "${A:-".repeat(100), "}".repeat(100));
        assert_eq!(expand(&deep, &BTreeMap::new()).unresolved.as_deref(), Some("${A}"));
    }

    #[test]
    fn what_a_variable_does_not_know_is_not_known_and_what_is_boundless_neither() {
        let given = variables("A=x${N}\n");
        assert_eq!(expand("$A/b", &given).value, "x\0/b");
        assert_eq!(expand("${A:-c}", &given).unresolved.as_deref(), Some("${A}"));
        let long = BTreeMap::from([("A".to_owned(), "a".repeat(LENGTH / 2 + 1))]);
        assert_eq!(expand("$A", &long).unresolved, None);
        assert_eq!(expand("$A$A", &long).unresolved.as_deref(), Some("${A}"));
    }
}
