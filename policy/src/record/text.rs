//! Texts in what is recorded.

use crate::secrets;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt::Display, str::FromStr};

/// The most characters of one text that are recorded.
const LONGEST: usize = 4_096;

/// Instructions that give names to values, and the one that keeps them for later.
const NAMING: [&str; 4] = ["ENV", "ARG", "LABEL", "ONBUILD"];

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
pub(crate) fn shown(text: &str) -> String {
    cut(&secrets::redact(text))
}

/// A text that can not hold a secret, cut.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A step of a build, as a history, a trigger and an instruction have it: of variables the names alone.
///
/// `ENV` in a history has values without the quotes that they had, so that where one ends can not be told: what follows the
/// first name is left out.
pub(super) fn build_step(text: &str) -> String {
    const NO_COMMAND: &str = "#(nop)";
    // `/bin/sh -c #(nop)  ENV A=b` is how builders before BuildKit write what is no command.
    let is_instruction = NAMING.contains(&word(text).0.to_ascii_uppercase().as_str());
    let at = text.find(NO_COMMAND).filter(|_| !is_instruction);
    let at = at.map_or(0, |at| at.saturating_add(NO_COMMAND.len()));
    let (shell, mut rest) = text.split_at_checked(at).unwrap_or(("", text));
    let mut out = secrets::redact_step(shell);
    loop {
        let (word, arguments) = word(rest);
        let shown = match word.to_ascii_uppercase().as_str() {
            "ONBUILD" => None,
            "ENV" | "ARG" => Some(first_name(arguments)),
            "LABEL" if has_secret_name(arguments) => Some(first_name(arguments)),
            _ => return cut(&format!("{out}{}", secrets::redact_step(rest))),
        };
        out.push_str(rest.strip_suffix(arguments).unwrap_or_default());
        match shown {
            Some(name) => return cut(format!("{out} {name}").trim_end()),
            None => rest = arguments,
        }
    }
}

/// The arguments of a `LABEL`: the first name alone, where a name gives a value away.
pub(super) fn labels(arguments: &str) -> String {
    if has_secret_name(arguments) { cut(&first_name(arguments)) } else { shown(arguments) }
}

/// The first word, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_at_checked(text.find(char::is_whitespace).unwrap_or(text.len()))
        .unwrap_or((text, ""))
}

/// The first name of `A=1 B=2` or `A 1`, with `…` for all that follows.
fn first_name(arguments: &str) -> String {
    let arguments = arguments.trim();
    let is_of_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.');
    let end = arguments.find(|char| !is_of_name(char)).unwrap_or(arguments.len());
    match arguments.split_at_checked(end) {
        None | Some(("", _)) => "…".to_owned(),
        Some((name, "")) => name.to_owned(),
        Some((name, rest)) if rest.starts_with('=') => format!("{name}=…"),
        Some((name, rest)) if rest.starts_with(char::is_whitespace) => format!("{name} …"),
        // What is no name may be a value.
        Some(_) => "…".to_owned(),
    }
}

/// Whether one of `a=1 b=2`, or the name of `a 1`, gives a secret away.
fn has_secret_name(arguments: &str) -> bool {
    let mut pairs = arguments.split_whitespace().filter_map(|word| word.split_once('='));
    pairs.any(|pair| secrets::is_secret_pair(&pair)) || secrets::is_secret_pair(&word(arguments))
}

/// The value of a label, an annotation or an option, which its name can give away.
pub(super) fn named(name: &str, value: &str) -> String {
    if secrets::is_secret_pair(&(name, value)) { "…".to_owned() } else { shown(value) }
}

/// An entry of a list that may be `NAME=VALUE`.
pub(super) fn entry(text: &str) -> String {
    match text.split_once('=') {
        Some((name, value)) if secrets::is_secret_pair(&(name, value)) => {
            format!("{}=…", shown(name))
        }
        Some(_) | None => shown(text),
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

    #[test]
    fn a_step_names_its_variables_and_no_values() {
        for (text, expect) in [
            ("ENV A=b", "ENV A=…"),
            ("env A=b c B=d==", "env A=…"),
            ("ENV A b c", "ENV A …"),
            ("ENV A=b #(nop) COPY c", "ENV A=…"),
            ("ONBUILD ENV A=b #(nop) COPY c", "ONBUILD ENV A=…"),
            ("ENV \"A b\"=c", "ENV …"),
            ("ENV", "ENV …"),
            ("ARG A", "ARG A"),
            ("ARG A=b # buildkit", "ARG A=…"),
            ("/bin/sh -c #(nop)  ENV A=b", "/bin/sh -c #(nop)  ENV A=…"),
            ("/bin/sh -c #(nop)  ONBUILD ENV A=b", "/bin/sh -c #(nop)  ONBUILD ENV A=…"),
            ("ONBUILD\tARG A=b", "ONBUILD\tARG A=…"),
            ("ONBUILD RUN make", "ONBUILD RUN make"),
            ("LABEL a=b", "LABEL a=b"),
            ("LABEL a=b db_password=hunter2", "LABEL a=…"),
            ("LABEL db_password hunter2", "LABEL db_password …"),
            ("|1 A=b c /bin/sh -c make", "|1 A=… /bin/sh -c make"),
            ("RUN |1 A=b c /bin/sh -c make # buildkit", "RUN |1 A=… /bin/sh -c make # buildkit"),
            ("ENVIRONMENT A=b", "ENVIRONMENT A=b"),
            ("COPY ä /b", "COPY ä /b"),
            ("", ""),
        ] {
            assert_eq!(build_step(text), expect);
        }
    }

    #[test]
    fn a_name_gives_its_value_away() {
        assert_eq!(named("db_password", "hunter2"), "…");
        assert_eq!(named("db_password", "${DB_PASSWORD}"), "${DB_PASSWORD}");
        assert_eq!(named("maintainer", "hunter2"), "hunter2");
        assert_eq!(entry("splunk-token=hunter2"), "splunk-token=…");
        assert_eq!(entry("a=hunter2"), "a=hunter2");
        assert_eq!(entry("hunter2"), "hunter2");
    }
}
