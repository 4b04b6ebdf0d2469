//! Versions of crates: semantic versions, strictly, as Cargo reads them.
//!
//! <https://doc.rust-lang.org/cargo/reference/manifest.html#the-version-field>. RustSec writes no other.

use super::{Scheme, Unorderable, order, order_plain_semantic};
use semver::Version;
use std::cmp::Ordering;

/// Semantic Versioning's precedence, where build metadata does not count (§10).
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a Cargo version",
    specification: "https://semver.org/spec/v2.0.0.html",
    compare,
};

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    let parse = |text: &str| Version::parse(text).ok();
    let plain = order_plain_semantic(left, right);
    plain.map_or_else(|| order(left, right, parse, Version::cmp_precedence), Ok)
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
                ("0.0.0-0", Less, "0.0.0-alpha"),
                ("1.0.0-rc.2", Less, "1.0.0-rc.10"),
                ("1.2.3+a", Equal, "1.2.3+b"),
                ("0.10.0", Greater, "0.9.9"),
            ],
        );
    }

    #[test]
    fn what_cargo_refuses_is_refused() {
        for text in
            ["1.0", "1", "v1.0.0", "=1.0.0", "^1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0.0"]
        {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }
}
