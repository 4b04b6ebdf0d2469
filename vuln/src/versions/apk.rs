//! Alpine versions: `digits{.digits}[letter]{_suffix[digits]}[~hash][-rN]`.
//!
//! Where apk-tools 2 and 3 differ, 3 is followed. Off-spec: digits may follow the letter (`1.9.5p2`), which the grammar
//! does not know and packages have.
//! `apk-package(5)`: <https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-package.5.scd>.

use super::{
    Number, Scheme, Unorderable, compare_numbers, equality_from_order, order, split_while,
};
use std::cmp::Ordering;

/// Alpine's order.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "an Alpine version",
    specification: "https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-package.5.scd",
    compare,
};

const BEFORE_RELEASE: [&[u8]; 4] = [b"alpha", b"beta", b"pre", b"rc"];
const AFTER_RELEASE: [&[u8]; 5] = [b"cvs", b"svn", b"git", b"hg", b"p"];

/// A piece of a version. Where two versions are alike so far, the kind of the next piece decides, in this order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    /// `_alpha` and the like make a version older than the one without.
    BeforeRelease(usize),
    End,
    Revision(Number<'a>),
    Hash(&'a [u8]),
    SuffixNumber(Number<'a>),
    AfterRelease(usize),
    LetterNumber(Number<'a>),
    Letter(u8),
    Digits(Digits<'a>),
}

/// Digits after a dot: ordered by value, but as text as soon as one of two begins with a zero.
struct Digits<'a>(&'a [u8]);

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    order(left, right, parse, Ord::cmp)
}

fn parse(text: &str) -> Option<(Number<'_>, Vec<Piece<'_>>)> {
    let (first, mut rest) = digits(text.as_bytes())?;
    let mut pieces = Vec::new();
    while let Some(after) = rest.strip_prefix(b".") {
        let (found, after) = digits(after)?;
        pieces.push(Piece::Digits(Digits(found)));
        rest = after;
    }
    if let Some((letter, after)) = rest.split_first()
        && letter.is_ascii_lowercase()
    {
        pieces.push(Piece::Letter(*letter));
        let (number, after) = split_while(after, |byte| byte.is_ascii_digit());
        if !number.is_empty() {
            pieces.push(Piece::LetterNumber(Number(number)));
        }
        rest = after;
    }
    while let Some(after) = rest.strip_prefix(b"_") {
        let (name, after) = split_while(after, |byte| byte.is_ascii_lowercase());
        pieces.push(suffix(name)?);
        let (number, after) = split_while(after, |byte| byte.is_ascii_digit());
        if !number.is_empty() {
            pieces.push(Piece::SuffixNumber(Number(number)));
        }
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(b"~") {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let (hash, after) = split_while(after, is_hex);
        pieces.push(Piece::Hash(hash));
        rest = after;
        if hash.is_empty() {
            return None;
        }
    }
    if let Some(after) = rest.strip_prefix(b"-r") {
        let (number, after) = split_while(after, |byte| byte.is_ascii_digit());
        pieces.push(Piece::Revision(Number(number)));
        rest = after;
    }
    pieces.push(Piece::End);
    rest.is_empty().then_some((Number(first), pieces))
}

fn digits(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    Some(split_while(bytes, |byte| byte.is_ascii_digit())).filter(|(found, _)| !found.is_empty())
}

fn suffix(name: &[u8]) -> Option<Piece<'static>> {
    let place = |list: &[&[u8]]| list.iter().position(|known| *known == name);
    place(&BEFORE_RELEASE)
        .map(Piece::BeforeRelease)
        .or_else(|| place(&AFTER_RELEASE).map(Piece::AfterRelease))
}

impl Ord for Digits<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0.starts_with(b"0") || other.0.starts_with(b"0") {
            self.0.cmp(other.0)
        } else {
            compare_numbers(self.0, other.0)
        }
    }
}

equality_from_order!(Digits);

#[cfg(test)]
mod tests {
    use super::{super::testing, *};
    use Ordering::{Equal, Greater, Less};
    use testing::Refused;

    #[test]
    fn vectors() {
        testing::check(
            &SCHEME,
            &[
                ("1.2.11-r1", Less, "1.2.11-r3"),
                ("1.2.11-r9", Less, "1.2.11-r10"),
                ("1.1.1d", Less, "1.1.1e"),
                ("1.1.1", Less, "1.1.1a"),
                ("1.0_alpha2", Less, "1.0_beta1"),
                ("1.0_rc1", Less, "1.0"),
                ("1.0", Less, "1.0_p1"),
                ("1.0_p1-r0", Less, "1.0_p2-r0"),
                ("1.0_git20200101", Greater, "1.0"),
                ("1.0.01", Less, "1.0.1"),
                ("01.0", Equal, "1.0"),
                ("1.0", Less, "1.0.0"),
                ("1.0~ab12", Greater, "1.0"),
                ("1.0", Less, "1.0-r0"),
                ("1.9.5p2-r1", Less, "1.9.5p10-r0"),
                ("1.9.5-r1", Less, "1.9.5p1-r0"),
            ],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["a1", "1..2", "1.", "1_foo", "1-1", "1ab", "1-r1x", "1~", "1~xyz", "1 "] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    #[test]
    fn files() {
        let refused = [
            Refused {
                reason: "not in the grammar; apk-tools calls them invalid and orders what it could read of them",
                versions: &[
                    "1-r-0",
                    "1-r-1",
                    "1-r-2",
                    "1-r0-1",
                    "1-r0-2",
                    "1-ruff",
                    "1-ruff1",
                    "1-ruff2",
                    "1--ruff1",
                    "1-r0-ruff1",
                    "1-r0-ruff2",
                    "0.r1",
                    "0..1..0",
                    "0..1..1",
                    "0...1...0",
                    "0...1...1",
                    "0...1...0.r1",
                    "0...1...0.r2",
                    "0...1...0r1",
                    "0...1...0r2",
                    "0..8",
                    "0...8",
                    "0.8.21.r1",
                    "0.8.21.r2",
                    "10.2.22.r0",
                    "10.2.24.r0",
                    "1.0bc",
                    ".1",
                    ".2",
                    "a",
                    "b",
                    "c",
                ],
            },
            Refused {
                reason: "letters are lower case in the grammar",
                versions: &["1.2.0A", "1.2.0D"],
            },
            Refused { reason: "no such suffix", versions: &["1.2_blah", "1.2_csv2", "23_foo"] },
        ];
        testing::check_file(&SCHEME, "alpine-versions.txt", 778, &refused);
        testing::check_file(&SCHEME, "alpine-versions-generated.txt", 6_990, &[]);
    }
}
