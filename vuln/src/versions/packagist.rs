//! Versions of Composer packages, as PHP's `version_compare` orders them.
//!
//! <https://www.php.net/manual/en/function.version-compare.php>. As Composer does, a `v` in front is passed over,
//! which `version_compare` alone takes for a word; and numbers count however long they are. Branches (`dev-main`,
//! `1.x-dev`) are no versions: what they hold moves on.

use super::{Number, Scheme, Unorderable, order, split_while};
use std::cmp::Ordering;

/// PHP's order.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a PHP version",
    specification: "https://www.php.net/manual/en/function.version-compare.php",
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

/// What words begin with, in the order in which PHP looks; case counts.
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
    let mut pieces = Vec::new();
    for part in text.split(['.', '-', '_', '+']) {
        if part.is_empty()
            || part == "x"
            || !part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return None;
        }
        split(part, &mut pieces);
    }
    pieces.push(Piece::End);
    Some(pieces)
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
            let known = WORDS.into_iter().find(|(start, _)| letters.starts_with(start));
            pieces.push(known.map_or(Piece::Word, |(_, piece)| piece));
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};
    use Ordering::{Equal, Greater, Less};
    use testing::Refused;

    // Each but for those with `v` was put to version_compare of PHP 8.2.
    #[test]
    fn vectors() {
        testing::check(
            &SCHEME,
            &[
                ("1.0", Less, "1.0.0"),
                ("1.0-dev", Less, "1.0alpha1"),
                ("1.0a1", Less, "1.0b1"),
                ("1.0b1", Less, "1.0RC1"),
                ("1.0RC1", Equal, "1.0.rc.1"),
                ("1.0RC1", Less, "1.0"),
                ("1.0", Less, "1.0pl1"),
                ("1.0-patch1", Greater, "1.0.1"),
                ("1.0-foo", Less, "1.0-dev"),
                ("1.0-foo", Equal, "1.0-qux"),
                ("1.0-BETA1", Less, "1.0-dev"),
                ("v1.2.3", Equal, "1.2.3"),
                ("v1.0", Less, "V2.0"),
                ("1.10", Greater, "1.9"),
            ],
        );
    }

    #[test]
    fn branches_and_what_is_no_version_are_refused() {
        for text in [
            "dev-main", "dev-foo", "1.x-dev", "2.1.x-dev", "self.version", "1..2", "1.", "1-", "^1.0", "1.0.*",
            "1.0@dev",
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
        testing::check_file(&SCHEME, "packagist-versions.txt", 95, &refused);
        testing::check_file(&SCHEME, "packagist-versions-generated.txt", 5_315, &[]);
    }
}
