//! What has to stand at a keyword for its pattern to be worth a try.
//!
//! Most keywords are words of prose and code, where no secret is. A look at the bytes that follow tells that of nearly all of
//! them without a regular expression, so that one is neither run nor, in most runs of the program, built at all. It is a
//! necessary condition only: what it lets pass is still matched, and no pattern matches what it does not (a test draws texts from
//! every pattern).

/// How a secret and its keyword stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// It begins a word, and is one word: a token. The keyword is its prefix, or a mark in it.
    Token,
    /// The keyword is a mark that nothing else has, and the secret follows.
    Mark,
    /// The keyword is in a name to which the secret is assigned.
    Assigned,
    /// The keyword is `://`, and the secret is the password of an address.
    Address,
}

/// No token has fewer bytes.
const SHORTEST_TOKEN: usize = 20;
/// No value that is assigned has fewer bytes: eight in quotes, twelve without, of which the first may be taken for the sign.
const SHORTEST_VALUE: usize = 8;
/// The most bytes of a name from the keyword on.
const LONGEST_NAME: usize = 60;
/// The most white space beside a sign.
const WIDEST_GAP: usize = 3;
/// The most bytes of a user, a colon and a password.
const LONGEST_USERINFO: usize = 193;

impl Shape {
    /// Whether a secret may stand at the beginning of `window`.
    pub(super) fn may_be_at(self, window: &[u8]) -> bool {
        match self {
            Self::Token => leading(window, SHORTEST_TOKEN, is_of_token) == SHORTEST_TOKEN,
            Self::Mark => true,
            Self::Assigned => assigned(window).is_some_and(may_be_value),
            Self::Address => has_password(window),
        }
    }
}

/// What follows the sign by which something is assigned to the name that begins `window`.
fn assigned(window: &[u8]) -> Option<&[u8]> {
    let name = leading(window, LONGEST_NAME, is_of_name);
    let rest = window.get(name..).filter(|_| name >= 2)?;
    let rest = without_gap(without_quote(rest));
    match rest.split_first()? {
        (b'=', rest) => Some(rest.strip_prefix(b">").unwrap_or(rest)),
        (b':', rest) => Some(rest.strip_prefix(b"=").unwrap_or(rest)),
        _ => None,
    }
}

fn may_be_value(after_sign: &[u8]) -> bool {
    let value = without_quote(without_gap(after_sign));
    leading(value, SHORTEST_VALUE, is_of_value) == SHORTEST_VALUE
}

fn has_password(window: &[u8]) -> bool {
    let Some(rest) = window.strip_prefix(b"://") else { return false };
    let userinfo = leading(rest, LONGEST_USERINFO, is_of_userinfo);
    rest.get(userinfo) == Some(&b'@')
}

/// How many bytes at the beginning are of a kind, counted up to `most`.
fn leading(bytes: &[u8], most: usize, is_one: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take(most).take_while(|byte| is_one(**byte)).count()
}

fn without_gap(bytes: &[u8]) -> &[u8] {
    bytes.get(leading(bytes, WIDEST_GAP, is_space)..).unwrap_or_default()
}

fn without_quote(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\"").or_else(|| bytes.strip_prefix(b"'")).unwrap_or(bytes)
}

/// Whether it is of a word, as `\w` has it.
pub(super) fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_of_name(byte: u8) -> bool {
    is_of_word(byte) || matches!(byte, b'.' | b'-')
}

fn is_of_token(byte: u8) -> bool {
    is_of_name(byte) || matches!(byte, b'+' | b'/' | b'=' | b'~' | b':')
}

fn is_of_value(byte: u8) -> bool {
    !is_space(byte)
        && !matches!(
            byte,
            b'"' | b'\'' | b'`' | b'<' | b'>' | b'{' | b'}' | b'(' | b')' | b'$' | b'\\'
        )
}

fn is_of_userinfo(byte: u8) -> bool {
    is_of_value(byte) && !matches!(byte, b'/' | b'@' | b'|')
}

/// As `\s` has it.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::super::{
        patterns::{NAME, PATTERNS},
        search::{Depth, search},
        tests::made,
    };
    use super::*;
    use proptest::{
        prelude::*, strategy::ValueTree as _, string::bytes_regex, test_runner::TestRunner,
    };
    use regex::bytes::{Regex, RegexBuilder};

    fn is_assigned() -> Regex {
        RegexBuilder::new(&format!(r"\A(?:{NAME})")).unicode(false).build().unwrap()
    }

    proptest! {
        #[test]
        fn an_assignment_is_what_the_pattern_says(window in r#"[a_.\-]{0,3}[a"':= \t\n\x0b\x0c\r-]{0,9}"#) {
            prop_assert_eq!(assigned(window.as_bytes()).is_some(), is_assigned().is_match(window.as_bytes()));
        }

        #[test]
        fn a_name_has_sixty_characters_at_most(length in 0_usize..70) {
            let window = "a".repeat(length) + "=";
            prop_assert_eq!(assigned(window.as_bytes()).is_some(), is_assigned().is_match(window.as_bytes()));
        }
    }

    /// Texts are drawn from every pattern, and then made as short as it allows.
    #[test]
    fn no_pattern_matches_what_has_not_its_shape() {
        let mut runner = TestRunner::deterministic();
        for pattern in PATTERNS {
            let texts = bytes_regex(&format!("(?s-u:{})", pattern.regex)).unwrap();
            for _ in 0..4 {
                let mut tree = texts.new_tree(&mut runner).unwrap();
                let check = |text: Vec<u8>| {
                    assert!(pattern.shape.may_be_at(&text), "{}: {text:?}", pattern.id);
                };
                check(tree.current());
                while tree.simplify() {}
                check(tree.current());
            }
        }
    }

    #[track_caller]
    fn check(shape: Shape, window: &str) {
        assert!(shape.may_be_at(window.as_bytes()), "{window:?}");
    }

    #[test]
    fn words_of_prose_and_code_are_not_tried() {
        for (shape, window) in [
            (Shape::Token, "pattern of a lock"),
            (Shape::Token, "sk-1234567890123456"),
            (Shape::Token, "key-value-and-more \"a\""),
            (Shape::Token, "key-{{ .Values.the_key }}"),
            (Shape::Assigned, "token"),
            (Shape::Assigned, "token=read(path)"),
            (Shape::Assigned, "password: string"),
            (Shape::Assigned, "password=None, token=os.environ['TOKEN']"),
            (Shape::Assigned, "passwd:         files of accounts"),
            (Shape::Assigned, "secret: ${THE_SECRET_OF_IT}"),
            (Shape::Address, "://example.com/~a@b"),
            (Shape::Address, "://{host}/v1"),
            (Shape::Address, "://a:b"),
        ] {
            assert!(!shape.may_be_at(window.as_bytes()), "{window:?}");
        }
        for (shape, window) in [
            (Shape::Token, "AKIA0123456789012345"),
            (Shape::Assigned, "password=\"12345678\""),
            (Shape::Assigned, "token' => '12345678'"),
            (Shape::Assigned, "token:==2345678"),
            (Shape::Address, "://:123456@"),
        ] {
            check(shape, window);
        }
    }

    #[test]
    fn a_token_is_found_at_the_end_of_the_text_and_at_its_beginning() {
        for (text, at) in [
            ("LTAI{A20}", 0),
            ("LTAI LTAI{A20}", 5),
            ("{d8}:AA{A33}", 0),
            ("\\n{d8}:AA{A33}", 2),
            ("{d11} {d10}:AA{A33}", 12),
        ] {
            let hits = search(made(text).as_bytes(), Depth::Known);
            assert_eq!(hits.iter().map(|hit| hit.offset).collect::<Vec<_>>(), [at], "{text}");
        }
        // More digits than the number of a bot has.
        assert_eq!(search(made("{d11}:AA{A33}").as_bytes(), Depth::Known), []);
    }
}
