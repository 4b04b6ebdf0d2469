//! Semantic versions, as Swift packages and GitHub's actions have them.
//!
//! <https://semver.org/spec/v2.0.0.html>. Off-spec: a `v` in front, and one or two missing numbers, are let pass,
//! because advisories write them; build metadata does not count (§10).

use super::{Scheme, Unorderable, order, order_plain_semantic};
use semver::{BuildMetadata, Prerelease, Version};
use std::cmp::Ordering;

/// Semantic Versioning's precedence.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a semantic version",
    specification: "https://semver.org/spec/v2.0.0.html",
    compare,
};

pub(super) fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    let plain = order_plain_semantic(left, right);
    plain.map_or_else(|| order(left, right, parse, Version::cmp_precedence), Ok)
}

/// The version without its build metadata.
pub(super) fn parse(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = text.split_once('+').unwrap_or((text, "none"));
    let (core, pre) = match text.split_once('-') {
        Some((_, "")) => return None,
        Some((core, pre)) => (core, Prerelease::new(pre).ok()?),
        None => (text, Prerelease::EMPTY),
    };
    if build.is_empty() || BuildMetadata::new(build).is_err() {
        return None;
    }
    let mut numbers = core.split('.');
    let major = number(numbers.next()?)?;
    let minor = numbers.next().map_or(Some(0), number)?;
    let patch = numbers.next().map_or(Some(0), number)?;
    numbers.next().is_none().then_some(Version {
        major,
        minor,
        patch,
        pre,
        build: BuildMetadata::EMPTY,
    })
}

/// Without leading zeros.
pub(super) fn number(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
pub(super) mod tests {
    use super::{super::testing, *};
    use Ordering::{Equal, Greater, Less};
    use testing::Refused;

    #[test]
    fn vectors() {
        testing::check(
            &SCHEME,
            &[
                ("1.0.0-alpha", Less, "1.0.0-alpha.1"),
                ("1.0.0-alpha.1", Less, "1.0.0-alpha.beta"),
                ("1.0.0-rc.2", Less, "1.0.0-rc.10"),
                ("1.0.0-rc.1", Less, "1.0.0"),
                ("1.2.3+a", Equal, "1.2.3+b"),
                ("v1.2", Equal, "1.2.0"),
                ("2", Greater, "1.99.99"),
                ("0.0.0-0", Less, "0.0.0-alpha"),
            ],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "1.0.0-",
            "1.0.0+",
            "01.0.0",
            "1.0.0-01",
            "1.2.3.4",
            "1..2",
            ".1",
            "x",
            "^1.0.0",
            "99999999999999999999.0.0",
        ] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    pub(crate) const REFUSED: [Refused; 2] = [
        Refused {
            reason: "numbers past 2^64, which neither Cargo nor npm takes",
            versions: &[
                "999999999999999999999999999991",
                "999999999999999999999999999999",
                "999999999999999999999999999991.999999999999999999999999999991.999999999999999999999999999991",
                "999999999999999999999999999999.999999999999999999999999999991.999999999999999999999999999991",
            ],
        },
        Refused { reason: "more than three numbers", versions: &["1.1.3.4.5"] },
    ];

    #[test]
    fn file() {
        testing::check_file(&SCHEME, "semver-versions.txt", 86, &REFUSED);
    }
}
