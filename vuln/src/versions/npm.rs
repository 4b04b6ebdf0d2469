//! Versions of npm packages: semantic versions, with what npm lets pass.
//!
//! <https://github.com/npm/node-semver#versions>: `v` and `=` in front say nothing. Off-spec: one or two missing
//! numbers are let pass, because advisories write them.

use super::{Scheme, Unorderable, order, order_plain_semantic, semver};
use ::semver::Version;
use std::cmp::Ordering;

/// npm's order: Semantic Versioning's precedence.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "an npm version",
    specification: "https://github.com/npm/node-semver#versions",
    compare,
};

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    let plain = order_plain_semantic(left, right);
    plain.map_or_else(|| order(left, right, parse, Version::cmp_precedence), Ok)
}

fn parse(text: &str) -> Option<Version> {
    semver::parse(text.strip_prefix('=').unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{semver::tests::REFUSED, testing},
        *,
    };
    use Ordering::{Equal, Greater, Less};

    #[test]
    fn vectors() {
        testing::check(
            &SCHEME,
            &[
                ("v1.2.3", Equal, "1.2.3"),
                ("=1.2.3", Equal, "1.2.3"),
                ("=v1.2.3", Equal, "1.2.3"),
                ("1.2", Equal, "1.2.0"),
                ("1.2.3-beta", Less, "1.2.3"),
                ("1.2.3-beta.10", Greater, "1.2.3-beta.9"),
                ("1.2.3+build", Equal, "1.2.3"),
            ],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "==1.0.0",
            "v=1.0.0",
            "vv1.0.0",
            ">=1.0.0",
            "~1.0.0",
            "1.x",
            "latest",
            "01.0.0",
            "file:../a",
        ] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    #[test]
    fn file() {
        testing::check_file(&SCHEME, "semver-versions.txt", 86, &REFUSED);
    }
}
