//! Commands of an image's history, with what is secret in them left out.

use super::{Depth, is_literal, is_named_secret, search::search};

/// Build arguments that a step of the history shows: `|2 A=1 B=2 /bin/sh -c …`, with or without `RUN` before it. A value
/// with spaces in it is cut.
pub(crate) fn build_arguments(created_by: &str) -> Vec<(&str, &str)> {
    let Some((before, rest)) = created_by.split_once('|') else { return Vec::new() };
    let Some((count, rest)) = rest.split_once(' ') else { return Vec::new() };
    let Ok(count) = count.parse::<usize>() else { return Vec::new() };
    if !matches!(before.trim(), "" | "RUN") {
        return Vec::new();
    }
    // A value may have spaces in it: then there are more words than arguments before the shell.
    let until = rest.find(" /bin/").or_else(|| rest.find(" cmd ")).unwrap_or(rest.len());
    let (arguments, _) = rest.split_at_checked(until).unwrap_or((rest, ""));
    let pairs = arguments.split(' ').filter_map(|word| word.split_once('='));
    pairs.filter(|(name, _)| is_name(name)).take(count).collect()
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
    let mut secret: Vec<(usize, usize)> = search(text.as_bytes(), Depth::Named)
        .into_iter()
        .map(|hit| (hit.offset, hit.offset.saturating_add(hit.length)))
        .collect();
    for (name, value) in build_arguments(text).iter().filter(|pair| is_secret_pair(pair)) {
        let pair = format!("{name}={value}");
        let starts = text.match_indices(&pair).map(|(at, _)| at.saturating_add(name.len()));
        secret.extend(starts.map(|at| {
            let value = at.saturating_add(1);
            (value, at.saturating_add(pair.len().saturating_sub(name.len())))
        }));
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
        assert_eq!(of("|2 A=1 TOKEN=x y /bin/sh -c make"), [("A", "1"), ("TOKEN", "x")]);
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
        for same in
            ["", "RUN |1 A=1 /bin/sh -c make", "COPY ä /b", "|1 TOKEN_FILE=/run/x /bin/sh -c y"]
        {
            assert_eq!(redact(same), same);
        }
    }
}
