//! Versions of Julia packages: semantic versions whose build counts, as it does for the binaries named `…_jll`.
//!
//! <https://docs.julialang.org/en/v1/base/base/#Base.VersionNumber>.

use super::{Scheme, pub_dev};

/// Julia's order, which is that of Dart.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a Julia version",
    specification: "https://docs.julialang.org/en/v1/base/base/#Base.VersionNumber",
    compare: pub_dev::compare,
};

#[cfg(test)]
mod tests {
    use super::{
        super::{Unorderable, testing},
        *,
    };
    use std::cmp::Ordering::{Equal, Greater, Less};

    #[test]
    fn vectors() {
        testing::check(
            &SCHEME,
            &[
                ("3.0.8+0", Greater, "3.0.8"),
                ("3.0.8+1", Greater, "3.0.8+0"),
                ("3.0.8+1", Less, "3.0.9+0"),
                ("1.0.0-rc1", Less, "1.0.0"),
                ("v1.2", Equal, "1.2.0"),
            ],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["1.0.0.0", "1.0.0-", "1.0.0+", "nightly"] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }
}
