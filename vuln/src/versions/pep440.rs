//! Python versions.
//!
//! <https://packaging.python.org/en/latest/specifications/version-specifiers/> (PEP 440).

use super::{Scheme, Unorderable};
use pep440_rs::Version;
use std::{cmp::Ordering, str::FromStr as _};

/// Python's order, local versions included.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a PEP 440 version",
    specification: "https://packaging.python.org/en/latest/specifications/version-specifiers/",
    compare,
};

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    Ok(parse(left)?.cmp(&parse(right)?))
}

fn parse(text: &str) -> Result<Version, Unorderable> {
    // The specification lets white space around a version pass; in metadata it is a mistake or a trick.
    if text.contains(char::is_whitespace) {
        return Err(Unorderable::new(text));
    }
    Version::from_str(text).ok().ok_or_else(|| Unorderable::new(text))
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

    #[test]
    fn legacy_versions_are_refused() {
        for text in ["4.11-final", "0.3.2f.dev", "1.0-foo", "latest"] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    #[test]
    fn files() {
        testing::check_file(&SCHEME, "pypi-versions.txt", 0, &[]);
        testing::check_file(&SCHEME, "pypi-versions-generated.txt", 0, &[]);
    }
}
