//! Python versions.
//!
//! <https://packaging.python.org/en/latest/specifications/version-specifiers/> (PEP 440).

use super::{Scheme, Unorderable, order, order_plain};
use pep440_rs::Version;
use std::{cmp::Ordering, str::FromStr as _};

/// Python's order, local versions included.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a PEP 440 version",
    specification: "https://packaging.python.org/en/latest/specifications/version-specifiers/",
    compare,
};

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    let parse = |text: &str| Version::from_str(text).ok();
    order_plain(left, right).map_or_else(|| order(left, right, parse, Ord::cmp), Ok)
}

/// Whether two versions differ in their numbers already, which is told without reading all of them. Where it is not
/// told they may be the same or not.
pub(crate) fn have_other_numbers(left: &str, right: &str) -> bool {
    let numbers = release(left).zip(release(right));
    let order = numbers.and_then(|(left, right)| order_plain(left, right));
    order.is_some_and(Ordering::is_ne)
}

/// The numbers that a version without an epoch begins with.
fn release(text: &str) -> Option<&str> {
    let is_number = |char: char| char.is_ascii_digit() || char == '.';
    let behind = text.trim_start_matches(is_number);
    let numbers = text.strip_suffix(behind)?;
    (!behind.contains('!')).then(|| numbers.strip_suffix('.').unwrap_or(numbers))
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};
    use Ordering::{Equal, Greater, Less};
    use proptest::prelude::*;
    use testing::Refused;

    #[test]
    fn vectors() {
        testing::check(
            &SCHEME,
            &[
                ("1.0", Equal, "1.0.0"),
                ("1.0.dev1", Less, "1.0a1"),
                ("1.0a1", Less, "1.0b1"),
                ("1.0rc1", Less, "1.0"),
                ("1.0", Less, "1.0.post1"),
                ("1.0", Less, "1.0+local"),
                ("1!0.1", Greater, "99.0"),
                ("1.0-rc.1", Equal, "1.0rc1"),
            ],
        );
    }

    proptest! {
        #[test]
        fn what_has_other_numbers_is_another_version(
            left in "(0!|1!|v)?(0|1|01)(\\.(0|1|00)){0,3}(\\.?(a|rc|-rc\\.)1|\\.dev0|-1|\\.post1|\\+1\\.2)?",
            right in "(0!)?(0|1)(\\.(0|1)){0,2}(rc1|\\.dev0|-1)?",
        ) {
            if have_other_numbers(&left, &right) {
                prop_assert_ne!(compare(&left, &right), Ok(Equal));
            }
        }
    }

    #[test]
    fn numbers_tell_versions_apart() {
        for (left, right) in [("1.0rc1", "1.1"), ("2.post1", "1"), ("1.0.1.dev1", "1.0")] {
            assert!(have_other_numbers(left, right), "{left} {right}");
        }
        for (left, right) in [("1.0rc1", "1"), ("1!1", "1"), ("0!2", "2"), ("v2", "1"), ("x", "1")]
        {
            assert!(!have_other_numbers(left, right), "{left} {right}");
        }
    }

    #[test]
    fn legacy_versions_are_refused() {
        for text in ["4.11-final", "0.3.2f.dev", "1.0-foo", "latest"] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    #[test]
    fn files() {
        let refused = [Refused {
            reason: "from before PEP 440; pip refuses them too",
            versions: &[
                "0.1-bulbasaur",
                "0.1-charmander",
                "0.9-doduo",
                "0.9-eevee",
                "0.9-fearow",
                "0.9-gyarados",
                "0.9-horsea",
                "0.9-ivysaur",
                "-class.-jw.util.version.version-pre",
                "-class.-jw.util.version.version-preview",
                "-class.-jw.util.version.version-dev",
            ],
        }];
        testing::check_file(&SCHEME, "pypi-versions.txt", 37, &refused);
        let refused = [Refused {
            reason: "from before PEP 440; the reference implementation (packaging) refuses the same",
            versions: LEGACY,
        }];
        testing::check_file(&SCHEME, "pypi-versions-generated.txt", 6_188, &refused);
    }

    const LEGACY: &[&str] = &[
        "0.1-bulbasaur",
        "0.1-charmander",
        "0.9-doduo",
        "0.9-eevee",
        "0.9-fearow",
        "0.9-gyarados",
        "0.9-horsea",
        "0.9-ivysaur",
        "0.7.4.svn.r2010",
        "2013-01-21T20:33:09+0100",
        "2013-01-23T17:11:52+0100",
        "2013-02-01T20:50:46+0100",
        "2013-02-02T19:59:03+0100",
        "2013-02-02T20:23:17+0100",
        "2013-02-08T17:40:57+0000",
        "2013-03-27T16:32:26+0100",
        "2013-05-09T12:47:53+0200",
        "2013-05-10T17:55:56+0200",
        "2013-05-14T20:16:05+0200",
        "2013-06-01T10:32:51+0200",
        "2013-07-19T09:11:08+0000",
        "2013-08-12T21:48:56+0200",
        "2013-09-11T19-27-10",
        "2013-12-23T17-51-15",
        "2014-01-12T15-52-10",
        "0.0.1-test1",
        "0.7.10p1",
        "0.7.11p1",
        "0.7.11p2",
        "0.7.11p3",
        "0.8.1p1",
        "0.8.3p1",
        "0.8.4p1",
        "0.8.4p2",
        "0.8.6p1",
        "0.8.7p1",
        "0.3m2",
        "0.3m3",
        "0.3m4",
        "0.3m5",
        "0.4m1",
        "0.4m2",
        "0.4m3",
        "0.4m4",
        "0.4m5",
        "0.5m1",
        "0.5m2",
        "0.5m3",
        "0.5m4",
        "0.5m5",
        "0.6m1",
        "0.6m2",
        "0.6m3",
        "0.6m4",
        "0.6m5",
        "0.6m6",
        "1.3.1-STAGING",
        "5.0-final",
        "1.0beta6.1",
        "0.3.1-p1",
        "0.4.0-p1",
    ];
}
