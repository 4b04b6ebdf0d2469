//! Go versions: semantic versions behind a `v`, and those of the toolchain (`go1.22rc1`).
//!
//! <https://go.dev/ref/mod#versions>, <https://go.dev/doc/toolchain#version>.

use super::{Scheme, Unorderable, semver};
use ::semver::Version;
use std::{borrow::Cow, cmp::Ordering};

/// Go's order: pseudo-versions and `+incompatible` follow from semantic versions.
pub(crate) const SCHEME: Scheme =
    Scheme { name: "a Go version", specification: "https://go.dev/ref/mod#versions", compare };

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    let parsed = |text| parse(text).ok_or_else(|| Unorderable::new(text));
    Ok(parsed(left)?.cmp_precedence(&parsed(right)?))
}

fn parse(text: &str) -> Option<Version> {
    semver::parse(&release(text.strip_prefix("go").unwrap_or(text)))
}

/// `1.22rc1` is written `1.22.0-rc.1` in the vulnerability database.
fn release(text: &str) -> Cow<'_, str> {
    for word in ["rc", "beta"] {
        if let Some((core, number)) = text.split_once(word)
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && core.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        {
            return Cow::Owned(format!("{core}-{word}.{number}"));
        }
    }
    Cow::Borrowed(text)
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
                ("v1.2.3", Equal, "1.2.3"),
                ("v2.0.0+incompatible", Equal, "2.0.0"),
                ("v0.0.0-20190101000000-abcdefabcdef", Less, "v0.0.0-20200101000000-abcdefabcdef"),
                ("v0.0.0-20190101000000-abcdefabcdef", Less, "0.0.0"),
                ("v1.2.4-0.20190101000000-abcdefabcdef", Greater, "v1.2.3"),
                ("go1.22rc1", Equal, "1.22.0-rc.1"),
                ("go1.22rc1", Less, "go1.22.0"),
                ("go1.20", Equal, "1.20.0"),
                ("1.22beta1", Less, "1.22rc1"),
                ("go1.22rc1", Greater, "1.22.0-0"),
            ],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["(devel)", "go", "devel go1.23-abc", "v", "gov1.x", "rc1"] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }
}
