//! Versions of Dart packages: semantic versions whose build counts.
//!
//! <https://dart.dev/tools/pub/versioning#semantic-versions>, <https://pub.dev/packages/pub_semver>: `1.0.0+1` comes
//! after `1.0.0`. Off-spec: a `v` in front, and one or two missing numbers, are let pass.

use super::{
    Number, Scheme, Unorderable,
    identifiers::{Identifier, parts},
    order,
};
use std::cmp::Ordering;

/// Dart's order.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a Dart version",
    specification: "https://pub.dev/packages/pub_semver",
    compare,
};

pub(super) fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    order(left, right, parse, Ord::cmp)
}

/// The three numbers; whether there is no pre-release; the pre-release; the build.
type Key<'a> = ([Number<'a>; 3], bool, Vec<Identifier<'a>>, Vec<Identifier<'a>>);

fn parse(text: &str) -> Option<Key<'_>> {
    let parts = parts(text.strip_prefix('v').unwrap_or(text))?;
    let mut numbers = parts.numbers.iter().copied();
    let mut number = || numbers.next().unwrap_or(Number::ZERO);
    let key = ([number(), number(), number()], parts.pre.is_empty(), parts.pre, parts.build);
    (parts.numbers.len() <= 3).then_some(key)
}

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
                ("1.0.0+1", Greater, "1.0.0"),
                ("1.0.0+2", Less, "1.0.0+10"),
                ("1.0.0-pre+build", Less, "1.0.0"),
                ("1.0.0-pre+build", Greater, "1.0.0-pre"),
                ("1.0.0-1", Less, "1.0.0-a"),
                ("v1.2", Equal, "1.2.0"),
            ],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["1.0.0-", "1.0.0+", "1..0", "1.0.0.0", "^1.0.0", "any", "1.0.0-a_b"] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    #[test]
    fn file() {
        let refused = [Refused {
            reason: "more than three numbers, which pub_semver refuses",
            versions: &["1.1.3.4.5"],
        }];
        testing::check_file(&SCHEME, "pub-versions.txt", 100, &refused);
    }
}
