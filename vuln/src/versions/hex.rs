//! Versions of Hex packages: semantic versions, as Elixir's `Version` compares them.
//!
//! <https://hexdocs.pm/elixir/Version.html>. Off-spec: `v` in front and missing numbers are let pass, as in advisories.

use super::{Scheme, semver};

/// Elixir's order.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a Hex version",
    specification: "https://hexdocs.pm/elixir/Version.html",
    compare: semver::compare,
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
                ("2.0.1-alpha1", Less, "2.0.1"),
                ("2.0.1-alpha1", Greater, "2.0.0"),
                ("1.0.0-rc.10", Greater, "1.0.0-rc.9"),
                ("2.0.0+build0", Equal, "2.0.0"),
            ],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["1.0.0.0", "~>1.0.0", "01.0.0", "1.0.0-01", "main"] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }
}
