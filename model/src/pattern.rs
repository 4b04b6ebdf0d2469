//! Patterns over names that have parts.

use std::fmt;

/// A pattern in which `*` stands for any text within one part and `**` for any text at all.
///
/// Parts are what `/` separates. The whole name has to match: `registry.corp/build/*` matches neither
/// `registry.corp/builder/x` nor `registry.corp/build/x/y` nor `evil.io/registry.corp/build/x`. Case counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Literal(char),
    WithinPart,
    Anything,
}

/// Longer patterns are refused.
const LIMIT: usize = 1_024;

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is empty.
    #[error("an empty pattern matches nothing")]
    Empty,
    /// It is longer than any name.
    #[error("a pattern has at most 1024 characters")]
    TooLong,
    /// It has a character that other pattern languages give a meaning.
    #[error("`{0}` has no meaning in a pattern: only `*` and `**` have")]
    Reserved(char),
}

impl std::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > LIMIT {
            return Err(PatternError::TooLong);
        }
        let mut tokens: Vec<Token> = Vec::new();
        for char in text.chars() {
            match (char, tokens.last_mut()) {
                ('*', Some(last @ (Token::WithinPart | Token::Anything))) => {
                    *last = Token::Anything;
                }
                ('*', _) => tokens.push(Token::WithinPart),
                ('?' | '[' | ']' | '{' | '}' | '^' | '$' | '|' | '\\', _)
                // What begins with it is negated elsewhere; in the middle names have it (`app.jar!/a`, `1!2.0`).
                | ('!', None | Some(Token::Literal('/'))) => {
                    return Err(PatternError::Reserved(char));
                }
                (char, _) => tokens.push(Token::Literal(char)),
            }
        }
        Ok(Self { text: text.to_owned(), tokens })
    }
}

impl Pattern {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it begins with a wildcard, so that nothing anchors it; what every path and every package URL begins with
    /// (`/`, `./`, `pkg:`) is no anchor.
    pub fn is_unanchored(&self) -> bool {
        let text = self.text.strip_prefix("pkg:").unwrap_or(&self.text);
        text.trim_start_matches(['/', '.']).starts_with('*')
    }

    /// Whether the whole of `name` matches. Takes time in proportion to both lengths, whatever is in them.
    pub fn is_match(&self, name: &str) -> bool {
        self.is_match_sparing(name, |_| false)
    }

    /// The same, with wildcards that stand for no character that is `spared`.
    pub(crate) fn is_match_sparing(&self, name: &str, spared: impl Fn(char) -> bool) -> bool {
        // `reached[n]`: the tokens seen so far match the first n characters.
        let name: Vec<char> = name.chars().collect();
        let is_spared = |char: Option<char>| char.is_some_and(&spared);
        let mut reached = vec![false; name.len().saturating_add(1)];
        if let Some(first) = reached.first_mut() {
            *first = true;
        }
        for token in &self.tokens {
            let mut next = Vec::with_capacity(reached.len());
            let mut carried = false;
            let mut before = false;
            let chars = std::iter::once(None).chain(name.iter().copied().map(Some));
            for (here, char) in reached.iter().copied().zip(chars) {
                let arrives = match token {
                    Token::Literal(wanted) => before && char == Some(*wanted),
                    Token::WithinPart => here || (carried && char != Some('/') && !is_spared(char)),
                    Token::Anything => here || (carried && !is_spared(char)),
                };
                next.push(arrives);
                carried = arrives;
                before = here;
            }
            reached = next;
        }
        reached.last().copied().unwrap_or(false)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, name: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().is_match(name)
    }

    #[test]
    fn a_star_stays_within_its_part() {
        assert!(matches("docker.io/library/*", "docker.io/library/debian"));
        for name in [
            "docker.io/library/debian/x",
            "docker.io/libraryx/debian",
            "docker.io/library",
            "evil.io/docker.io/library/debian",
            "docker.io.evil.io/library/debian",
        ] {
            assert!(!matches("docker.io/library/*", name), "{name}");
        }
        assert!(matches("v*", "v1.2.3") && !matches("v*", "dev1"));
        assert!(matches("a/*/c", "a/b/c") && !matches("a/*/c", "a/b/b/c"));
    }

    #[test]
    fn two_stars_cross_parts() {
        assert!(matches("a.io/**", "a.io/b/c") && !matches("a.io/**", "a.io.evil/b"));
        assert!(matches("**/x", "a/b/x") && !matches("**/x", "a/b/xx"));
    }

    #[test]
    fn b13_what_means_something_elsewhere_is_refused() {
        for (text, error) in [
            ("", PatternError::Empty),
            ("v[0-9]", PatternError::Reserved('[')),
            ("v1.?", PatternError::Reserved('?')),
            ("^v", PatternError::Reserved('^')),
            ("!v1", PatternError::Reserved('!')),
            ("docker.io/!(library)/*", PatternError::Reserved('!')),
            ("a/{b,c}", PatternError::Reserved('{')),
            ("a|b", PatternError::Reserved('|')),
            ("a\\*", PatternError::Reserved('\\')),
        ] {
            assert_eq!(text.parse::<Pattern>(), Err(error));
        }
        assert_eq!("x".repeat(1_025).parse::<Pattern>(), Err(PatternError::TooLong));
    }

    /// The grammar of the guide, `docs/guide/policy-file.md`: two wildcards, the whole name, and no negation.
    #[test]
    fn b13_a_pattern_means_what_the_guide_says_and_nothing_that_globs_mean_elsewhere() {
        for (pattern, matching, others) in [
            (
                "a/b",
                &["a/b"][..],
                &["A/b", "a/b/", "/a/b", "a/b\n", "a/bb", "xa/b", "a//b", ""][..],
            ),
            ("a/*", &["a/b", "a/.b", "a/*", "a/"], &["a", "a/b/c", "a/b/", "b/a/b"]),
            ("a/*/c", &["a/b/c", "a/**/c", "a//c"], &["a/c", "a/b/b/c"]),
            ("a/**", &["a/b", "a/b/c", "a/"], &["a", "ab/c"]),
            ("a/**/c", &["a/b/c", "a/b/b/c", "a//c"], &["a/c", "a/b/cc"]),
            ("a**c", &["ac", "a/b/c", "abc"], &["a/b", "bac"]),
            ("a*", &["a", "ab", "a."], &["a/", "ba", "A"]),
            ("a***c", &["ac", "a/b/c"], &["a/b"]),
            ("a.b", &["a.b"], &["axb", "a/b"]),
            ("a+", &["a+"], &["a", "aa"]),
            ("a.jar!/b", &["a.jar!/b"], &["a.jar/b"]),
        ] {
            for name in matching {
                assert!(matches(pattern, name), "{pattern} {name:?}");
            }
            for name in others {
                assert!(!matches(pattern, name), "{pattern} {name:?}");
            }
        }
    }

    #[test]
    fn wildcards_in_front_anchor_nothing() {
        for text in
            ["*", "**", "*x", "/**", "//*", "./**", "././*", "../**", ".*", "pkg:**", "pkg:*/x"]
        {
            assert!(text.parse::<Pattern>().unwrap().is_unanchored(), "{text}");
        }
        for text in ["x*", "/srv/**", "./x/**", ".github/**", "pkg:deb/*", "/"] {
            assert!(!text.parse::<Pattern>().unwrap().is_unanchored(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_literal_matches_itself_alone(name in "[a-z./]{1,20}", other in "[a-z./]{1,20}") {
            prop_assert!(matches(&name, &name));
            prop_assert_eq!(matches(&name, &other), name == other);
        }

        #[test]
        fn a_final_star_adds_one_part_and_never_a_boundary(
            prefix in "[a-z]{1,6}(/[a-z]{1,6}){0,3}", tail in "[a-z/]{0,8}"
        ) {
            let name = format!("{prefix}/{tail}");
            prop_assert_eq!(matches(&format!("{prefix}/*"), &name), !tail.contains('/'));
            let sibling = format!("{prefix}{tail}");
            if !tail.starts_with('/') {
                let is_match = matches(&format!("{prefix}/*"), &sibling);
                prop_assert!(!is_match);
            }
        }

        #[test]
        fn many_stars_are_no_bomb(count in 1_usize..200) {
            let pattern = format!("{}b", "a*".repeat(count));
            prop_assert!(!matches(&pattern, &"a".repeat(300)));
        }
    }
}
