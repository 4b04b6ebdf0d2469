//! Commands of an image's history, with what is secret in them left out.

use super::{Depth, is_literal, is_named_secret, search::search};
use std::ops::Range;

/// Build arguments that a step of the history shows: `|2 A=1 B=2 /bin/sh -c …`, with or without `RUN` before it.
///
/// A value may have spaces in it, and words that look like arguments: these are among them.
pub(crate) fn build_arguments(created_by: &str) -> Vec<(&str, &str)> {
    let Arguments { placed, .. } = Arguments::of(created_by);
    let value = |range: Range<usize>| created_by.get(range).unwrap_or_default();
    placed.into_iter().map(|(name, range)| (name, value(range))).collect()
}

/// Where in a step the values of its build arguments are.
#[derive(Default)]
struct Arguments<'s> {
    placed: Vec<(&'s str, Range<usize>)>,
    /// Where the last value ends.
    end: usize,
    /// Whether there are as many as the step says; if not, a word of a value looks like one.
    is_certain: bool,
}

impl<'s> Arguments<'s> {
    fn of(created_by: &'s str) -> Self {
        let counted = || {
            let (before, rest) = created_by.split_once('|')?;
            let (count, rest) = rest.split_once(' ')?;
            matches!(before.trim(), "" | "RUN").then_some((count.parse::<usize>().ok()?, rest))
        };
        let Some((count, rest)) = counted() else { return Self::default() };
        let shell =
            [" /bin/", " /usr/bin/", " cmd "].into_iter().find_map(|shell| rest.find(shell));
        let end = shell.unwrap_or(rest.len());
        let (found, end) = match pairs(rest.get(..end).unwrap_or(rest)) {
            // What looked like the shell was part of a value.
            found if found.len() < count => (pairs(rest), rest.len()),
            found => (found, end),
        };
        let begin = created_by.len().saturating_sub(rest.len());
        let end = begin.saturating_add(end);
        let ends = found.iter().skip(1).map(|(at, _)| begin.saturating_add(*at).saturating_sub(1));
        let placed = found.iter().zip(ends.chain([end])).map(|(&(at, name), end)| {
            let at = begin.saturating_add(at).saturating_add(name.len()).saturating_add(1);
            (name, at..end)
        });
        Self { placed: placed.collect(), end, is_certain: found.len() == count }
    }
}

/// The names of words `NAME=…`, and where the words begin.
fn pairs(text: &str) -> Vec<(usize, &str)> {
    let places = text.split(' ').scan(0_usize, |next, word| {
        let at = *next;
        *next = at.saturating_add(word.len()).saturating_add(1);
        Some((at, word))
    });
    let named = places.filter_map(|(at, word)| Some((at, word.split_once('=')?.0)));
    named.filter(|(_, name)| is_name(name)).collect()
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a pair gives a secret away by its name.
pub(crate) fn is_secret_pair((name, value): &(&str, &str)) -> bool {
    is_named_secret(name) && is_literal(value) && !value.starts_with('/')
}

/// `text` with `…` in the place of everything in it that looks like a secret, or is a build argument that is called one.
pub fn redact(text: &str) -> String {
    left_out(text, is_secret_pair)
}

/// The same, with `…` in the place of the value of every build argument.
pub(crate) fn redact_step(text: &str) -> String {
    left_out(text, |_| true)
}

/// `text` without what looks like a secret, and without the values of these build arguments.
fn left_out(text: &str, is_secret: impl Fn(&(&str, &str)) -> bool) -> String {
    let mut secret: Vec<(usize, usize)> = search(text.as_bytes(), Depth::Named)
        .into_iter()
        .map(|hit| (hit.offset, hit.offset.saturating_add(hit.length)))
        .collect();
    let Arguments { placed, end, is_certain } = Arguments::of(text);
    for (name, range) in placed {
        let pair = (name, text.get(range.clone()).unwrap_or_default());
        if !is_secret(&pair) {
            continue;
        }
        if !is_certain {
            secret.push((range.start, end));
            break;
        }
        secret.push((range.start, range.end));
        if is_secret_pair(&pair) {
            // The command may have it in it, too.
            let pair = format!("{name}={}", pair.1);
            let again = text.match_indices(&pair).map(|(at, _)| {
                (at.saturating_add(name.len()).saturating_add(1), at.saturating_add(pair.len()))
            });
            secret.extend(again);
        }
    }
    secret.sort_unstable();
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (start, end) in secret {
        if start >= at {
            out.push_str(text.get(at..start).unwrap_or_default());
            out.push('…');
        }
        at = at.max(end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::tests::summed;

    #[test]
    fn build_arguments_are_read_from_the_history() {
        let of = build_arguments;
        assert_eq!(of("|2 A=1 TOKEN=x y /bin/sh -c make"), [("A", "1"), ("TOKEN", "x y")]);
        assert_eq!(of("|2 A=1 TOKEN=x /bin/sh -c T=2"), [("A", "1"), ("TOKEN", "x")]);
        // Which of the three is none can not be told.
        let unsure = [("A", "x"), ("y", "z"), ("TOKEN", "h")];
        assert_eq!(of("|2 A=x y=z TOKEN=h /bin/sh -c make"), unsure);
        let in_value = [("TOKEN", "x /bin/y"), ("B", "2 /bin/sh -c make")];
        assert_eq!(of("|2 TOKEN=x /bin/y B=2 /bin/sh -c make"), in_value);
        assert_eq!(of("RUN |1 A=1 /bin/sh -c a | b"), [("A", "1")]);
        for none in
            ["", "|", "|x A=1 /bin/sh", "/bin/sh -c a |1 B=2 c", "|1", "|18446744073709551616 A=1"]
        {
            assert_eq!(of(none), [], "{none}");
        }
    }

    #[test]
    fn what_is_secret_is_left_out() {
        let token = summed("ghp_");
        let text = format!("RUN |2 A=1 DB_PASSWORD=hunter2 /bin/sh -c git clone --token {token} x");
        assert_eq!(redact(&text), "RUN |2 A=1 DB_PASSWORD=… /bin/sh -c git clone --token … x");
        for (text, expect) in [
            ("|1 DB_PASSWORD=correct horse /bin/sh -c x", "|1 DB_PASSWORD=… /bin/sh -c x"),
            ("|2 DB_PASSWORD=correct horse A=1 /bin/sh -c x", "|2 DB_PASSWORD=… A=1 /bin/sh -c x"),
            ("|2 DB_PASSWORD=a b== A=1 /bin/sh -c x", "|2 DB_PASSWORD=… /bin/sh -c x"),
            ("|2 A=x y=z TOKEN=h w /bin/sh -c x", "|2 A=x y=z TOKEN=… /bin/sh -c x"),
            ("|1 DB_PASSWORD=a b /usr/bin/bash -c x", "|1 DB_PASSWORD=… /usr/bin/bash -c x"),
            (
                "|1 DB_PASSWORD=a b /bin/sh -c DB_PASSWORD=a b",
                "|1 DB_PASSWORD=… /bin/sh -c DB_PASSWORD=…",
            ),
            ("|1 DB_PASSWORD=a pwsh -c x", "|1 DB_PASSWORD=…"),
        ] {
            assert_eq!(redact(text), expect);
        }
        assert_eq!(redact_step("|2 A=1 B=x y /bin/sh -c x"), "|2 A=… B=… /bin/sh -c x");
        for same in
            ["", "RUN |1 A=1 /bin/sh -c make", "COPY ä /b", "|1 TOKEN_FILE=/run/x /bin/sh -c y"]
        {
            assert_eq!(redact(same), same);
        }
    }
}
