//! Debian versions: `[epoch:]upstream[-revision]`.
//!
//! Debian Policy 4.7 §5.6.12: <https://www.debian.org/doc/debian-policy/ch-controlfields.html#version>.

use super::{Scheme, Unorderable, compare_numbers, order, split_while};
use std::cmp::Ordering;

/// Debian's order.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a Debian version",
    specification: "https://www.debian.org/doc/debian-policy/ch-controlfields.html#version",
    compare,
};

struct Version<'a> {
    epoch: u32,
    upstream: &'a [u8],
    revision: &'a [u8],
}

pub(super) fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    order(left, right, parse, |left, right| {
        (left.epoch.cmp(&right.epoch))
            .then_with(|| compare_part(left.upstream, right.upstream))
            .then_with(|| compare_part(left.revision, right.revision))
    })
}

fn parse(text: &str) -> Option<Version<'_>> {
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
            (epoch.parse().ok()?, rest)
        }
        Some(_) => return None,
        None => (0, text),
    };
    let (upstream, revision) = match rest.rsplit_once('-') {
        Some((_, "")) => return None,
        Some((upstream, revision)) => (upstream, revision),
        // An absent revision is the same as `0`, and so is an empty one to the comparison.
        None => (rest, ""),
    };
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".+~".contains(&byte);
    (!upstream.is_empty()
        && upstream.bytes().all(|byte| is_part(byte) || byte == b'-' || byte == b':')
        && revision.bytes().all(is_part))
    .then_some(Version { epoch, upstream: upstream.as_bytes(), revision: revision.as_bytes() })
}

/// Runs of non-digits and runs of digits in turn.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (left_text, left_rest) = split_while(left, |byte| !byte.is_ascii_digit());
        let (right_text, right_rest) = split_while(right, |byte| !byte.is_ascii_digit());
        let (left_digits, left_rest) = split_while(left_rest, |byte| byte.is_ascii_digit());
        let (right_digits, right_rest) = split_while(right_rest, |byte| byte.is_ascii_digit());
        let order = compare_text(left_text, right_text)
            .then_with(|| compare_numbers(left_digits, right_digits));
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

fn compare_text(left: &[u8], right: &[u8]) -> Ordering {
    (0..left.len().max(right.len()))
        .map(|at| weight(left.get(at)).cmp(&weight(right.get(at))))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

/// `~` before the end, the end before letters, letters before everything else.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};
    use Ordering::{Equal, Greater, Less};

    #[test]
    fn vectors() {
        testing::check(
            &SCHEME,
            &[
                ("1.0", Equal, "0:1.0-0"),
                ("1.0~rc1-1", Less, "1.0-1"),
                ("1.0-1", Less, "1.0-1+deb12u1"),
                ("1.0-1~deb12u1", Less, "1.0-1"),
                ("1:0.1", Greater, "9.9"),
                ("1.0a", Less, "1.0+"),
                ("1.2.13.dfsg-1", Greater, "1.2.11.dfsg-2+deb11u2"),
                ("2.-1", Equal, "2.00-1"),
                ("10000000000000000000000000001", Greater, "9999999999999999999999999999"),
                ("1.0-1-1", Greater, "1.0-1"),
            ],
        );
    }

    #[test]
    fn what_dpkg_refuses_is_refused() {
        for text in ["1.0-", ":1", "a:1", "1:", "-1", "1_0", "4294967296:1", "1.0-1:2"] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    #[test]
    fn files() {
        testing::check_file(&SCHEME, "debian-versions.txt", 30, &[]);
        testing::check_file(&SCHEME, "debian-versions-generated.txt", 7_221, &[]);
    }
}
