//! Versions of Haskell packages: numbers between dots.
//!
//! Haskell Package Versioning Policy, <https://pvp.haskell.org/#version-numbers>; Cabal takes no leading zeros.

use super::{Number, Scheme, Unorderable, order};
use std::cmp::Ordering;

/// The policy's order: by the numbers; of two that begin alike the shorter comes first.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a Haskell version",
    specification: "https://pvp.haskell.org/#version-numbers",
    compare,
};

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    order(left, right, parse, Ord::cmp)
}

fn parse(text: &str) -> Option<Vec<Number<'_>>> {
    let number = |text| Number::parse(text).filter(|_| text == "0" || !text.starts_with('0'));
    text.split('.').map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};
    use Ordering::{Greater, Less};

    #[test]
    fn vectors() {
        testing::check(
            &SCHEME,
            &[("1.0", Less, "1.0.0"), ("0.11.3.0", Less, "1.0"), ("2.10", Greater, "2.9.9")],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["1..2", "1.", ".1", "1-2", "1.2a", "1.02", "v1"] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    #[test]
    fn file() {
        testing::check_file(&SCHEME, "hackage-versions.txt", 11, &[]);
    }
}
