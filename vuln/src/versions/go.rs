//! Go versions: semantic versions behind a `v`, and those of the toolchain (`go1.22rc1`).
//!
//! <https://go.dev/ref/mod#versions>, <https://go.dev/doc/toolchain#version>. Queries such as `v1` and `v1.2` are no
//! versions, and neither are toolchains between releases (`devel go1.23-abc`) nor those by others (`go1.22.5-1`).

use super::{Number, Scheme, Unorderable, order, order_plain_semantic};
use semver::{Prerelease, Version};
use std::cmp::Ordering;

/// Go's order: pseudo-versions and `+incompatible` follow from semantic versions.
pub(crate) const SCHEME: Scheme =
    Scheme { name: "a Go version", specification: "https://go.dev/ref/mod#versions", compare };

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    let plain = order_plain_semantic(
        left.strip_prefix('v').unwrap_or(left),
        right.strip_prefix('v').unwrap_or(right),
    );
    plain.map_or_else(|| order(left, right, parse, Version::cmp_precedence), Ok)
}

/// The vulnerability database leaves out the `v` of modules and the `go` of toolchains.
fn parse(text: &str) -> Option<Version> {
    if let Some(toolchain) = text.strip_prefix("go") {
        return release(toolchain);
    }
    match text.strip_prefix('v') {
        Some(module) => Version::parse(module).ok(),
        None => Version::parse(text).ok().or_else(|| release(text)),
    }
}

/// `1.22rc1`, which is written `1.22.0-rc.1` in the vulnerability database.
fn release(text: &str) -> Option<Version> {
    let end = text.find(|char: char| char.is_ascii_lowercase()).unwrap_or(text.len());
    let (core, word) = text.split_at_checked(end)?;
    let mut numbers = core.split('.');
    let mut number = || numbers.next().map_or(Some(0), super::semver::number);
    let mut version = Version::new(number()?, number()?, number()?);
    if !word.is_empty() {
        version.pre = ["rc", "beta"].into_iter().find_map(|kind| {
            let number =
                word.strip_prefix(kind).filter(|number| Number::parse(number).is_some())?;
            Prerelease::new(&format!("{kind}.{number}")).ok()
        })?;
    }
    numbers.next().is_none().then_some(version)
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
                ("go1", Less, "go1.0.1"),
                ("go1.21rc2", Equal, "1.21rc2"),
                ("go1.21rc10", Greater, "go1.21rc9"),
                ("go1.9.7", Less, "go1.10"),
                ("v1.2.3+dirty", Equal, "v1.2.3"),
                ("v0.0.0-20190101000000-abcdefabcdef+incompatible", Less, "v0.0.0"),
                ("v1.2.3-pre.0.20190101000000-abcdefabcdef", Greater, "v1.2.3-pre"),
                ("v1.2.3-pre.0.20190101000000-abcdefabcdef", Less, "v1.2.3"),
                ("1.22beta1", Less, "1.22rc1"),
                ("go1.22rc1", Greater, "1.22.0-0"),
            ],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "(devel)",
            "go",
            "devel go1.23-abc",
            "v",
            "gov1.x",
            "rc1",
            "devel",
            "go1.22-devel",
            "1.22-devel",
            "go1.22.5-1",
            "go1.22-",
            "go1.22rc",
            "go1.22alpha1",
            "go1.22rc1.1",
            "go1.2.3.4",
            "go01.2",
            "v1",
            "v1.2",
            "vgo1.22",
            "latest",
            "go1.22rc01",
            "v1.2.3-01",
            "go1.22+auto",
        ] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }
}
