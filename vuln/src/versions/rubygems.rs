//! Versions of Ruby gems: numbers and words between dots; a word makes it a pre-release.
//!
//! `Gem::Version`: <https://docs.ruby-lang.org/en/master/Gem/Version.html>. A dash stands for `.pre.`.

use super::{Number, Scheme, Unorderable, order, split_while};
use std::cmp::Ordering;

/// RubyGems' order.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a gem version",
    specification: "https://docs.ruby-lang.org/en/master/Gem/Version.html",
    compare,
};

/// Words come before numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    Word(&'a [u8]),
    Number(Number<'a>),
}

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    order(left, right, parse, |left, right| {
        (0..left.len().max(right.len()))
            .map(|index| at(left, index).cmp(&at(right, index)))
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    })
}

/// The shorter of two goes on with zeros.
fn at<'a>(segments: &[Segment<'a>], index: usize) -> Segment<'a> {
    segments.get(index).copied().unwrap_or(Segment::Number(Number::ZERO))
}

fn parse(text: &str) -> Option<Vec<Segment<'_>>> {
    let (version, pre) = match text.split_once('-') {
        Some((version, pre)) => (version, Some(pre)),
        None => (text, None),
    };
    let mut segments = Vec::new();
    let mut is_first = true;
    for part in version.split('.') {
        if !is_part(part) || (is_first && !part.bytes().all(|byte| byte.is_ascii_digit())) {
            return None;
        }
        is_first = false;
        split(part, &mut segments);
    }
    // Every dash is `.pre.`, also those behind the first.
    for part in pre.into_iter().flat_map(|pre| pre.split('-')) {
        segments.push(Segment::Word(b"pre"));
        for part in part.split('.') {
            if !is_part(part) {
                return None;
            }
            split(part, &mut segments);
        }
    }
    Some(canonical(&segments))
}

fn is_part(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `10beta2` is three segments.
fn split<'a>(part: &'a str, segments: &mut Vec<Segment<'a>>) {
    let mut rest = part.as_bytes();
    while !rest.is_empty() {
        let (digits, after) = split_while(rest, |byte| byte.is_ascii_digit());
        let (word, after) = split_while(after, |byte| !byte.is_ascii_digit());
        if !digits.is_empty() {
            segments.push(Segment::Number(Number(digits)));
        }
        if !word.is_empty() {
            segments.push(Segment::Word(word));
        }
        rest = after;
    }
}

/// Without the zeros that stand before the first word, and those at the end.
fn canonical<'a>(segments: &[Segment<'a>]) -> Vec<Segment<'a>> {
    let is_word = |segment: &Segment<'_>| matches!(segment, Segment::Word(_));
    let first = segments.iter().position(is_word).unwrap_or(segments.len());
    let (numbers, rest) = segments.split_at_checked(first).unwrap_or((segments, &[]));
    [without_zeros(numbers), without_zeros(rest)].concat()
}

fn without_zeros<'s, 'a>(segments: &'s [Segment<'a>]) -> &'s [Segment<'a>] {
    let is_zero =
        |segment: &Segment<'_>| matches!(segment, Segment::Number(number) if number.is_zero());
    let length = segments.iter().rposition(|segment| !is_zero(segment)).map_or(0, |last| last + 1);
    segments.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};
    use Ordering::{Equal, Greater, Less};
    use testing::Refused;

    // Each was put to Gem::Version of RubyGems 3.3.
    #[test]
    fn vectors() {
        testing::check(
            &SCHEME,
            &[
                ("1.0", Equal, "1.0.0"),
                ("1.0.0.beta", Less, "1.0.0"),
                ("1.0.beta", Equal, "1.0.0.beta"),
                ("1.0.a10", Greater, "1.0.a9"),
                ("1.0.a.0.1", Greater, "1.0.a"),
                ("1.0.a.0.b", Less, "1.0.a"),
                ("3.0.0-rc.1", Less, "3.0.0"),
                ("3.0.0-rc.1", Equal, "3.0.0.pre.rc.1"),
                ("1.0.A", Less, "1.0.a"),
                ("1.10", Greater, "1.9.9"),
            ],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["a1", "1beta", "1..2", "1.", "1.0_1", "1.0-", "1-1--1", "1.0+1", "v1.0", ">=1"]
        {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    #[test]
    fn files() {
        let refused = [Refused {
            reason: "words stand behind a dot; Gem::Version calls these malformed",
            versions: &["1beta", "1gamma"],
        }];
        testing::check_file(&SCHEME, "rubygems-versions.txt", 25, &refused);
        testing::check_file(&SCHEME, "rubygems-versions-generated.txt", 2_049, &[]);
    }
}
