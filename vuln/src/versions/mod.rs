//! Version orders, one file per scheme. A version that a scheme can not read is an error, never skipped.

use std::{cmp::Ordering, fmt};

/// How the versions of one kind of package are ordered.
pub struct Scheme {
    /// Its name in sentences (`can not be ordered as a Debian version`).
    pub name: &'static str,
    /// The specification.
    pub specification: &'static str,
    /// Orders two versions; a total order over the versions that it can read.
    pub compare: fn(&str, &str) -> Result<Ordering, Unorderable>,
}

/// A version that its scheme can not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version `{version}` can not be read")]
pub struct Unorderable {
    /// The version.
    pub version: String,
}

impl Unorderable {
    pub(crate) fn new(version: &str) -> Self {
        Self { version: version.to_owned() }
    }
}

impl Scheme {
    /// Whether this scheme can read `version`.
    pub fn check(&self, version: &str) -> Result<(), Unorderable> {
        (self.compare)(version, version).map(|_| ())
    }
}

impl fmt::Debug for Scheme {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)
    }
}

macro_rules! schemes {
    ($($module:ident),* $(,)?) => {
        $(pub(crate) mod $module;)*
        /// Every scheme, by file name.
        pub const ALL: &[&Scheme] = &[$(&$module::SCHEME),*];
    };
}
schemes! {
    apk,
    cargo,
    cran,
    deb,
    go,
    hackage,
    hex,
    julia,
    maven,
    npm,
    nuget,
    opam,
    packagist,
    pep440,
    pub_dev,
    rpm,
    rubygems,
    semver,
}
mod identifiers;

/// Bytes of the longest version that is read; real ones stay below 200. It bounds what comparing can cost.
const LONGEST: usize = 1_024;

/// Orders two versions by what `parse` reads of them. What no scheme reads is refused here for all: nothing at all,
/// white space, control characters, anything beyond ASCII, and texts too long to be versions.
fn order<'a, T>(
    left: &'a str,
    right: &'a str,
    parse: impl Fn(&'a str) -> Option<T>,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Result<Ordering, Unorderable> {
    let is_version = |text: &str| {
        !text.is_empty()
            && text.len() <= LONGEST
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let read = |text: &'a str| {
        let read = is_version(text).then(|| parse(text)).flatten();
        read.ok_or_else(|| Unorderable::new(text))
    };
    Ok(compare(&read(left)?, &read(right)?))
}

/// Orders two versions that are numbers with dots between them and nothing else, as most are, without reading them into
/// anything; numbers that are missing at the end are zeros. Nothing where one is anything else, or where a number may not
/// fit into 64 bits: that is for the scheme to judge.
fn order_plain(left: &str, right: &str) -> Option<Ordering> {
    if !(is_plain(left) && is_plain(right)) {
        return None;
    }
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    while !(left.is_empty() && right.is_empty()) {
        let order = take_number(&mut left).cmp(&take_number(&mut right));
        if order.is_ne() {
            return Some(order);
        }
    }
    Some(Ordering::Equal)
}

/// Takes a number and the dot behind it off the front of a plain version; at its end there are but zeros.
fn take_number(rest: &mut &[u8]) -> u64 {
    let mut number = 0;
    while let [byte, behind @ ..] = *rest {
        *rest = behind;
        if *byte == b'.' {
            break;
        }
        number = number * 10 + u64::from(byte - b'0');
    }
    number
}

/// Digits with dots between them, no more at a stretch than fit into 64 bits whatever they are.
fn is_plain(text: &str) -> bool {
    let mut digits = 0;
    for byte in text.bytes() {
        digits = match byte {
            b'0'..=b'9' if digits < 19 => digits + 1,
            b'.' if digits > 0 => 0,
            _ => return false,
        };
    }
    digits > 0 && text.len() <= LONGEST
}

/// The same for versions of exactly three numbers without leading zeros, as Semantic Versioning has them.
fn order_plain_semantic(left: &str, right: &str) -> Option<Ordering> {
    let is_semantic = |text: &str| {
        let mut numbers = text.as_bytes().split(|byte| *byte == b'.');
        numbers.clone().count() == 3
            && numbers.all(|number| number.len() == 1 || number.first() != Some(&b'0'))
    };
    (is_semantic(left) && is_semantic(right)).then(|| order_plain(left, right)).flatten()
}

/// Digits that are ordered by their value, however many they are.
#[derive(Debug, Clone, Copy)]
struct Number<'a>(&'a [u8]);

impl<'a> Number<'a> {
    const ZERO: Number<'static> = Number(b"0");

    /// Of digits alone.
    fn parse(text: &'a str) -> Option<Self> {
        is_digits(text).then_some(Self(text.as_bytes()))
    }

    fn is_zero(self) -> bool {
        self.0.iter().all(|digit| *digit == b'0')
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_numbers(self.0, other.0)
    }
}

/// Makes equality follow from the order, for types whose values can be written in several ways.
macro_rules! equality_from_order {
    ($($type:ident),*) => {$(
        impl PartialEq for $type<'_> {
            fn eq(&self, other: &Self) -> bool {
                self.cmp(other) == Ordering::Equal
            }
        }
        impl Eq for $type<'_> {}
        impl PartialOrd for $type<'_> {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
    )*};
}
use equality_from_order;
equality_from_order!(Number);

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Orders two runs of ASCII digits by value, however long they are.
fn compare_numbers(left: &[u8], right: &[u8]) -> Ordering {
    let left = without_leading_zeros(left);
    let right = without_leading_zeros(right);
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

fn without_leading_zeros(digits: &[u8]) -> &[u8] {
    let start = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    digits.get(start..).unwrap_or_default()
}

/// The longest prefix whose bytes all satisfy `test`, and the rest.
fn split_while(bytes: &[u8], test: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| !test(*byte)).unwrap_or(bytes.len());
    bytes.split_at_checked(end).unwrap_or((bytes, &[]))
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::str::FromStr as _;

    /// Texts that look like versions of one scheme or another; many are read by several.
    const SHAPES: &[&str] = &[
        "[0-9]{1,3}(\\.[0-9]{1,2}){0,3}",
        "([0-9]:)?[0-9]{1,2}(\\.[0-9a-c~+]{1,3}){0,2}(-[0-9a-c~+.]{1,3})?",
        "v?[0-9]{1,2}\\.[0-9]\\.[0-9](-(alpha|beta|rc|0)(\\.[0-9]{1,2})?)?(\\+[a-z]{1,2})?",
        "[0-9]{1,2}\\.[0-9]{1,2}[a-c]?(_(alpha|beta|pre|rc|cvs|git|p)[0-9]{0,2}){0,2}(~[0-9a-f]{1,3})?(-r[0-9])?",
        "([0-9]!)?[0-9]{1,2}(\\.[0-9]{1,2}){0,2}((a|b|rc)[0-9])?(\\.post[0-9])?(\\.dev[0-9])?(\\+[a-z0-9]{1,2})?",
        "(go)?1\\.[0-9]{1,2}((rc|beta)[0-9]|\\.[0-9])?",
        "[0-2]([.-]?([0-2]|10|alpha|beta|m|a|rc|ga|final|sp|snapshot|x|SEC)){0,4}",
        "[0-2](\\.[0-2]){0,2}(\\.(a|b|pre|rc)\\.?[0-2]?){0,2}(-(x86|java|1))?",
        "[0-2](\\.[0-2]){0,4}(-[a-cA-C0-9]{1,2}(\\.[a-cA-C0-9]{1,2}){0,2})?(\\+[a-b0-1](\\.[0-9])?)?",
        "[vV]?[0-2]([._+-]?(dev|alpha|a|b|beta|RC|rc|pl|p|foo|[0-2])){0,4}",
        "=?v?[0-2](\\.[0-2](\\.[0-2])?)?(-[a-c0-2])?",
        "[0-2]([.-]0?[0-2]){0,4}",
        "\\PC{0,12}",
    ];

    /// Three texts, mostly of one shape, so that they begin alike and are read by one scheme.
    fn versions() -> impl Strategy<Value = [String; 3]> {
        let mixed = || proptest::sample::select(SHAPES).prop_flat_map(|shape| shape);
        let alike = proptest::sample::select(SHAPES).prop_flat_map(|shape| [shape; 3]);
        prop_oneof![3 => alike, 1 => [mixed(), mixed(), mixed()]]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn every_order_is_total(versions in versions()) {
            for scheme in ALL {
                let compare = scheme.compare;
                let readable: Vec<_> =
                    versions.iter().filter(|text| scheme.check(text).is_ok()).collect();
                for left in &readable {
                    prop_assert_eq!(compare(left, left), Ok(Ordering::Equal), "{:?}", scheme);
                    for right in &readable {
                        let order = compare(left, right).unwrap();
                        prop_assert_eq!(compare(right, left).unwrap(), order.reverse());
                        for third in &readable {
                            if order != Ordering::Greater
                                && compare(right, third).unwrap() != Ordering::Greater
                            {
                                prop_assert_ne!(
                                    compare(left, third).unwrap(), Ordering::Greater,
                                    "{:?}: {} <= {} <= {}", scheme, left, right, third
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn plain_versions_are_ordered_as_if_they_were_read(
            left in "(0|1|01|10|99999999999999999999){1}(\\.(0|1|01|10)){0,4}",
            right in "(0|1|10)(\\.(0|1|10|18446744073709551615)){0,3}",
        ) {
            for (left, right) in [(&left, &right), (&right, &left), (&right, &right)] {
                if let Some(plain) = order_plain(left, right) {
                    let read = |text: &str| pep440_rs::Version::from_str(text).ok();
                    prop_assert_eq!(order(left, right, read, Ord::cmp), Ok(plain));
                }
                if let Some(plain) = order_plain_semantic(left, right) {
                    let read = |text: &str| ::semver::Version::parse(text).ok();
                    let order = order(left, right, read, ::semver::Version::cmp_precedence);
                    prop_assert_eq!(order, Ok(plain));
                }
            }
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_scheme() {
        for text in
            ["", ".", "1.", ".1", "1..2", "1a", "v1", "1!1", "1.0+1", "99999999999999999999"]
        {
            assert_eq!(order_plain(text, "1.0.0"), None, "{text}");
            assert_eq!(order_plain("1.0.0", text), None, "{text}");
        }
        for text in ["1", "1.2", "1.2.3.4", "01.2.3", "1.2.00"] {
            assert_eq!(order_plain_semantic(text, "1.0.0"), None, "{text}");
        }
        assert_eq!(order_plain("1.10", "1.9.0"), Some(Ordering::Greater));
        assert_eq!(order_plain_semantic("1.0.10", "1.0.9"), Some(Ordering::Greater));
    }

    #[test]
    fn no_scheme_reads_nothing_or_garbage() {
        for scheme in ALL {
            for text in [
                "",
                " ",
                "\0",
                "1 2",
                " 1.0.0",
                "1.0.0 ",
                "1.0.0\t",
                "1.0.0\0",
                "1.0.0\u{7f}",
                "ünï",
                "1.0.0ü",
                "１.0.0",
                "(devel)",
                "1.0\n",
                "1.0.0,2.0.0",
                "[1.0.0",
                "${version}",
                "1.0.0/2",
                "*",
                ">1",
            ] {
                let expect = Unorderable::new(text);
                assert_eq!((scheme.compare)(text, "1.0.0"), Err(expect.clone()), "{scheme:?}");
                assert_eq!((scheme.compare)("1.0.0", text), Err(expect), "{scheme:?}");
            }
        }
    }

    #[test]
    fn long_versions_are_read_up_to_a_limit_and_hostile_ones_cost_no_stack() {
        let pieces = [
            "1", "1.", "1-", "a1", "-a", ".a", "1.a-", "rc.0-", "+a", "_p1", "9", "0.", ".pre",
            "-x.1",
        ];
        for piece in pieces {
            let text: String = ["1.0.0", &piece.repeat(LONGEST)].concat();
            let longest = text.get(..LONGEST).unwrap();
            let too_long = text.get(..=LONGEST).unwrap();
            for scheme in ALL {
                if scheme.check(longest).is_ok() {
                    assert!(
                        (scheme.compare)(longest, "1.0.0").is_ok()
                            || scheme.check("1.0.0").is_err()
                    );
                }
                assert_eq!(scheme.check(too_long), Err(Unorderable::new(too_long)), "{scheme:?}");
            }
        }
        // The limit is not so low that it never counts.
        assert_eq!(maven::SCHEME.check(&"1-".repeat(LONGEST / 2)), Ok(()));
        assert_eq!(deb::SCHEME.check(&"1".repeat(LONGEST)), Ok(()));
    }
}
