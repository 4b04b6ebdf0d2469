//! RPM versions: `[epoch:]version[-release]`.
//!
//! `rpm-version(7)`: <https://rpm.org/docs/latest/man/rpm-version.7>.

use super::{Scheme, Unorderable, order};
use rpm_version::Evr;
use std::cmp::Ordering;

/// RPM's order.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "an RPM version",
    specification: "https://rpm.org/docs/latest/man/rpm-version.7",
    compare,
};

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    order(left, right, parse, Ord::cmp)
}

fn parse(text: &str) -> Option<(u32, Evr<'_>)> {
    let (epoch, version, release) = Evr::parse_values(text);
    let epoch = match (epoch, text.starts_with(':')) {
        ("", false) => 0,
        (digits, _) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        _ => return None,
    };
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._+~^".contains(&byte);
    (!version.is_empty()
        && !text.ends_with('-')
        && version.bytes().all(is_part)
        && release.bytes().all(is_part))
    .then(|| (epoch, Evr::new("", version, release)))
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
                ("1.0-1.el8", Less, "1.0-2.el8"),
                ("0:1.0-1", Equal, "1.0-1"),
                ("00:1.0-1", Equal, "1.0-1"),
                ("1:0.9-1", Greater, "1.0-1"),
                ("32:9.11.36-8.el8", Less, "32:9.11.36-16.el8_10.2"),
                ("1.0~rc1-1", Less, "1.0-1"),
                ("1.0^git1-1", Greater, "1.0-1"),
                ("1.010", Equal, "1.10"),
            ],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [":1", "x:1", "1:", "-1", "1-1-1", "4294967296:1"] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    #[test]
    fn file() {
        let refused = [
            Refused {
                reason: "an epoch is a number; librpm's comparison of three strings does not look",
                versions: &[
                    "a:1",
                    "a:2",
                    "b:1",
                    "a:1~1",
                    "c:1~1",
                    "a1:1",
                    "a1:2",
                    "a2:1",
                    "b1:1",
                    "b~1:1",
                    "1.m+e2:1",
                    "4.m+e1:1",
                    "1.module+el9.4.0+23026+aaa2e3cb.2.noarch.rpm-nginx:1",
                    "4.module+el9.5.0+22954+e2d70a1c.1.noarch.rpm-nginx:1",
                    "1.m+el9.4.0+2.na.r-n:1",
                    "4.m+el9.5.0+1.na.r-n:1",
                    "4.0+2.na.r-n:1",
                    "5.0+1.na.r-n:1",
                    "0+2.na.r-n:1",
                    "0+1.na.r-n:1",
                    "0+2-n:1",
                    "0+1-n:1",
                    "0+-n:1",
                    "+2-n:1",
                    "+1-n:1",
                    "+2-:1",
                    "+1-:1",
                    "+2-:",
                    "+1-:",
                ],
            },
            Refused {
                reason: "an empty release can not be built",
                versions: &["1-", "+2-", "+1-"],
            },
            Refused {
                reason: "characters that rpmbuild refuses",
                versions: &["1.1.α", "1.1.β", "1.1.αα", "1.1.ββ", "1.2.ββ", "0:1.2.ββ"],
            },
        ];
        testing::check_file(&SCHEME, "redhat-versions.txt", 165, &refused);
    }
}
