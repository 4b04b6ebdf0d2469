//! Versions of Composer packages, as Composer orders them: made normal, then as PHP's `version_compare` orders.
//!
//! <https://getcomposer.org/doc/04-schema.md#version> (`VersionParser::normalize` of composer/semver 3), then
//! <https://www.php.net/manual/en/function.version-compare.php>. Made normal, a version has four numbers (`1.2` is
//! `1.2.0.0`), no `v` in front, neither `stable` nor build metadata behind, and its words count whatever their case.
//! Numbers count however long they are. Branches (`dev-main`, `1.x-dev`) are no versions: what they hold moves on.

use super::{Number, Scheme, Unorderable, order, split_while};
use std::cmp::Ordering;

/// Composer's order.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a Composer version",
    specification: "https://getcomposer.org/doc/04-schema.md#version",
    compare,
};

/// A piece of a version. Where two versions are alike so far, the kind of the next piece decides, in this order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    /// Any other word; PHP takes all of them for equal.
    Word,
    Dev,
    Alpha,
    Beta,
    ReleaseCandidate,
    End,
    Number(Number<'a>),
    Patch,
}

/// The words of Composer, whatever their case.
const COMPOSER_WORDS: [(&[u8], Piece<'static>); 9] = [
    (b"dev", Piece::Dev),
    (b"a", Piece::Alpha),
    (b"alpha", Piece::Alpha),
    (b"b", Piece::Beta),
    (b"beta", Piece::Beta),
    (b"rc", Piece::ReleaseCandidate),
    (b"p", Piece::Patch),
    (b"pl", Piece::Patch),
    (b"patch", Piece::Patch),
];

/// Numbers of a version that was made normal.
const NUMBERS: usize = 4;
/// Digits of the longest first number of such a version; longer ones are dates, which stay as they are.
const DIGITS: usize = 5;

/// What other words begin with, in the order in which PHP looks; case counts.
const WORDS: [(&[u8], Piece<'static>); 7] = [
    (b"dev", Piece::Dev),
    (b"a", Piece::Alpha),
    (b"b", Piece::Beta),
    (b"RC", Piece::ReleaseCandidate),
    (b"rc", Piece::ReleaseCandidate),
    (b"pl", Piece::Patch),
    (b"p", Piece::Patch),
];

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    order(left, right, parse, Ord::cmp)
}

fn parse(text: &str) -> Option<Vec<Piece<'_>>> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    if !text.starts_with(|char: char| char.is_ascii_digit()) {
        return None;
    }
    // Packages do not differ by their build metadata.
    let text = match text.split_once('+') {
        Some((_, "")) => return None,
        Some((version, build)) if build.bytes().all(is_of_build) => version,
        Some(_) => return None,
        None => text,
    };
    let mut pieces = Vec::new();
    for part in text.split(['.', '-', '_']) {
        if part.is_empty() || part == "x" || !part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return None;
        }
        split(part, &mut pieces);
    }
    pad(&mut pieces);
    pieces.push(Piece::End);
    Some(pieces)
}

const fn is_of_build(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+')
}

/// `1.2-beta` is `1.2.0.0-beta`.
fn pad(pieces: &mut Vec<Piece<'_>>) {
    let numbers = pieces.iter().take_while(|piece| matches!(piece, Piece::Number(_))).count();
    let is_date = matches!(pieces.first(), Some(Piece::Number(first)) if first.0.len() > DIGITS);
    if !is_date && numbers < NUMBERS {
        let zeros = std::iter::repeat_with(|| Piece::Number(Number::ZERO));
        pieces.splice(numbers..numbers, zeros.take(NUMBERS.saturating_sub(numbers)));
    }
}

/// `1RC2` is three pieces.
fn split<'a>(part: &'a str, pieces: &mut Vec<Piece<'a>>) {
    let mut rest = part.as_bytes();
    while !rest.is_empty() {
        let (digits, after) = split_while(rest, |byte| byte.is_ascii_digit());
        let (letters, after) = split_while(after, |byte| !byte.is_ascii_digit());
        if !digits.is_empty() {
            pieces.push(Piece::Number(Number(digits)));
        }
        if !letters.is_empty() {
            pieces.extend(word(letters));
        }
        rest = after;
    }
}

/// What a word stands for; nothing where it says that the version is what it is without the word.
fn word(letters: &[u8]) -> Option<Piece<'static>> {
    if letters.eq_ignore_ascii_case(b"stable") {
        return None;
    }
    let of_composer =
        COMPOSER_WORDS.into_iter().find(|(word, _)| letters.eq_ignore_ascii_case(word));
    let known = of_composer
        .or_else(|| WORDS.into_iter().find(|(start, _)| letters.starts_with(start)))
        .map(|(_, piece)| piece);
    Some(known.unwrap_or(Piece::Word))
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};
    use Ordering::{Equal, Greater, Less};
    use testing::{Differs, Refused};

    // What Composer makes normal was put to version_compare of PHP 8.2.
    #[test]
    fn vectors() {
        testing::check(
            &SCHEME,
            &[
                ("1.0", Equal, "1.0.0"),
                ("1.2", Equal, "1.2.0.0"),
                ("1.2", Less, "1.2.0.0.1"),
                ("1", Greater, "1.0.0-RC1"),
                ("1.0.0", Less, "1.0-p1"),
                ("1.0-beta1", Equal, "1.0.0.0-BETA1"),
                ("1.0", Equal, "1.0-stable"),
                ("1.0.0+build.7", Equal, "1.0"),
                ("20100102", Less, "20100102.0"),
                ("1.0-dev", Less, "1.0alpha1"),
                ("1.0a1", Less, "1.0b1"),
                ("1.0b1", Less, "1.0RC1"),
                ("1.0RC1", Equal, "1.0.rc.1"),
                ("1.0RC1", Less, "1.0"),
                ("1.0", Less, "1.0pl1"),
                ("1.0-patch1", Less, "1.0.1"),
                ("1.0-foo", Less, "1.0-dev"),
                ("1.0-foo", Equal, "1.0-qux"),
                ("1.0-BETA1", Greater, "1.0-dev"),
                ("v1.2.3", Equal, "1.2.3"),
                ("v1.0", Less, "V2.0"),
                ("1.10", Greater, "1.9"),
            ],
        );
    }

    #[test]
    fn branches_and_what_is_no_version_are_refused() {
        for text in [
            "dev-main",
            "dev-foo",
            "1.x-dev",
            "2.1.x-dev",
            "self.version",
            "1..2",
            "1.",
            "1-",
            "^1.0",
            "1.0.*",
            "1.0@dev",
            "1.0+",
            "1.0+#",
        ] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    #[test]
    fn files() {
        let refused = [
            Refused {
                reason: "`#` stands for any number inside version_compare, so that it equals both of two that differ; \
                         PHP 8.2 itself does not say what the file says of three of the six",
                versions: &["1.2.3.#", "1.2.3.#.1", "1.2.3.#.p3", "1.2.3.#.beta"],
            },
            Refused {
                reason: "a branch; version_compare puts it before all versions, whatever it holds",
                versions: &["dev-foo"],
            },
        ];
        let differ = [Differs {
            reason: "Composer makes both `1.0.0.0` before it compares them; the file is of version_compare alone",
            comparisons: &[("1.0.0", Equal, "1.0")],
        }];
        testing::check_file_but(&SCHEME, "packagist-versions.txt", 95, &refused, &differ);
        let differ = [
            Differs {
                reason: "words count whatever their case; to version_compare these are any other word",
                comparisons: &[
                    ("v1.9.0-ALPHA.1", Less, "v1.9.0-BETA.1"),
                    ("v1.9.0-ALPHA.2", Less, "v1.9.0-BETA.2"),
                ],
            },
            Differs {
                reason: "`stable` says nothing; to version_compare it is any other word",
                comparisons: &[("5.1.0-stable", Greater, "5.1.0-beta2")],
            },
            Differs {
                reason: "Composer makes both sides four numbers before it compares the words behind them",
                comparisons: &[
                    ("v6.5", Greater, "v6.5.0-beta-0"),
                    ("v6.6", Greater, "v6.6.0-beta"),
                ],
            },
        ];
        let file = "packagist-versions-generated.txt";
        testing::check_file_but(&SCHEME, file, 5_315, &[], &differ);
    }
}
