//! NuGet versions: up to four numbers, and a pre-release in which case does not count.
//!
//! <https://learn.microsoft.com/en-us/nuget/concepts/package-versioning>.

use super::{
    Number, Scheme, Unorderable,
    identifiers::{Identifier, Parts, parts},
    order,
};
use std::{borrow::Cow, cmp::Ordering};

/// NuGet's order; metadata does not count.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a NuGet version",
    specification: "https://learn.microsoft.com/en-us/nuget/concepts/package-versioning",
    compare,
};

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    order(left, right, parse, Ord::cmp)
}

/// The numbers without zeros at their end; whether there is no pre-release; the pre-release.
type Key<'a> = (Vec<Number<'a>>, bool, Vec<Word<'a>>);

/// Numbers come before texts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Word<'a> {
    Number(Number<'a>),
    /// In lower case.
    Text(Cow<'a, str>),
}

fn parse(text: &str) -> Option<Key<'_>> {
    let Parts { mut numbers, pre, build: _ } = parts(text)?;
    if numbers.len() > 4 {
        return None;
    }
    while numbers.pop_if(|number| number.is_zero()).is_some() {}
    Some((numbers, pre.is_empty(), pre.iter().map(word).collect()))
}

fn word<'a>(identifier: &Identifier<'a>) -> Word<'a> {
    match *identifier {
        Identifier::Number(number) => Word::Number(number),
        Identifier::Text(text) if text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            Word::Text(Cow::Owned(text.to_ascii_lowercase()))
        }
        Identifier::Text(text) => Word::Text(Cow::Borrowed(text)),
    }
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
                ("1.0", Equal, "1.0.0.0"),
                ("1.0.01", Equal, "1.0.1"),
                ("1.0.0.1", Greater, "1.0.0"),
                ("1.0.0-RC", Equal, "1.0.0-rc"),
                ("1.0.0-rc.10", Greater, "1.0.0-rc.9"),
                ("1.0.0-rc.1", Less, "1.0.0-rc.a"),
                ("1.0.0-rc", Less, "1.0.0"),
                ("1.0.0+a", Equal, "1.0.0+b"),
            ],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["1.0.0.0.0", "1..0", "1.0.0-", "1.0.0-a..b", "1.0.0+", "v1.0", "1.0.*", "a"] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    #[test]
    fn file() {
        testing::check_file(&SCHEME, "nuget-versions.txt", 35, &[]);
    }
}
