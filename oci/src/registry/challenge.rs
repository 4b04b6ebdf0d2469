//! What a registry asks for before it answers: `WWW-Authenticate` (RFC 9110, section 11.6.1).

use std::{collections::BTreeMap, iter::Peekable, str::Chars};

/// One way to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// In lower case: `bearer`, `basic`.
    pub(super) scheme: String,
    /// Names in lower case.
    pub(super) parameters: BTreeMap<String, String>,
}

/// All challenges of one header; what can not be read ends the list.
pub(super) fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut text = header.chars().peekable();
    loop {
        skip(&mut text, |char| char.is_ascii_whitespace() || char == ',');
        let word = take(&mut text, is_token).to_ascii_lowercase();
        if word.is_empty() {
            return challenges;
        }
        skip(&mut text, |char| char.is_ascii_whitespace());
        if text.next_if_eq(&'=').is_none() {
            challenges.push(Challenge { scheme: word, parameters: BTreeMap::new() });
            continue;
        }
        skip(&mut text, |char| char.is_ascii_whitespace());
        let value = if text.next_if_eq(&'"').is_some() {
            quoted(&mut text)
        } else {
            take(&mut text, is_token)
        };
        if let Some(challenge) = challenges.last_mut() {
            // The first counts: a second of the same name is somebody's trick.
            challenge.parameters.entry(word).or_insert(value);
        }
    }
}

fn is_token(char: char) -> bool {
    char.is_ascii_graphic() && !"()<>@,;:\\\"[]?={}".contains(char)
}

fn skip(text: &mut Peekable<Chars<'_>>, is_skipped: impl Fn(char) -> bool) {
    while text.next_if(|char| is_skipped(*char)).is_some() {}
}

fn take(text: &mut Peekable<Chars<'_>>, is_taken: impl Fn(char) -> bool) -> String {
    std::iter::from_fn(|| text.next_if(|char| is_taken(*char))).collect()
}

/// Up to the closing quote, which is taken too.
fn quoted(text: &mut Peekable<Chars<'_>>) -> String {
    let mut value = String::new();
    while let Some(char) = text.next() {
        match char {
            '"' => break,
            '\\' => value.extend(text.next()),
            other => value.push(other),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expect: &[(&str, &[(&str, &str)])]) {
        let expect: Vec<_> = expect
            .iter()
            .map(|(scheme, parameters)| Challenge {
                scheme: (*scheme).to_owned(),
                parameters: parameters
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            })
            .collect();
        assert_eq!(parse(header), expect, "{header}");
    }

    #[test]
    fn challenges_of_known_registries() {
        check(
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
            &[(
                "bearer",
                &[
                    ("realm", "https://auth.docker.io/token"),
                    ("service", "registry.docker.io"),
                    ("scope", "repository:a/b:pull,push"),
                ],
            )],
        );
        check("BASIC realm=x", &[("basic", &[("realm", "x")])]);
        check(
            r#"Basic realm="a\"b", Bearer realm = "c" , service=d"#,
            &[("basic", &[("realm", "a\"b")]), ("bearer", &[("realm", "c"), ("service", "d")])],
        );
    }

    #[test]
    fn nonsense_is_no_challenge() {
        check("", &[]);
        check(r#"realm="a""#, &[]);
        check("Bearer", &[("bearer", &[])]);
        check(r#"Bearer realm="a",realm="b""#, &[("bearer", &[("realm", "a")])]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_the_parser_panic_or_hang(header in ".{0,80}") {
            drop(parse(&header));
        }
    }
}
