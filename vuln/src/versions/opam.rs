//! Versions of opam packages: Debian's order.
//!
//! <https://opam.ocaml.org/doc/Manual.html#version-ordering>.

use super::{Scheme, deb};

/// opam's order, which takes dashes as Debian does, too.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "an opam version",
    specification: "https://opam.ocaml.org/doc/Manual.html#version-ordering",
    compare: deb::compare,
};

#[cfg(test)]
mod tests {
    use super::{super::testing, *};
    use std::cmp::Ordering::{Greater, Less};

    #[test]
    fn vectors() {
        testing::check(
            &SCHEME,
            &[
                ("~~", Less, "~"),
                ("~", Less, "~beta2"),
                ("~beta2", Less, "~beta10"),
                ("~beta10", Less, "0.1"),
                ("1.0~beta", Less, "1.0"),
                ("1.0", Less, "1.0-test"),
                ("1.0-test", Less, "1.0.1"),
                ("1.0.10", Less, "dev"),
                ("v0.16.0", Greater, "v0.9.0"),
            ],
        );
    }
}
