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
    deb,
    go,
    pep440,
    rpm,
    semver,
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

    /// Texts that look like versions of any scheme, so that many are read by several.
    fn version() -> impl Strategy<Value = String> {
        prop_oneof![
            "[0-9]{1,3}(\\.[0-9]{1,2}){0,3}",
            "([0-9]:)?[0-9]{1,2}(\\.[0-9a-c~+]{1,3}){0,2}(-[0-9a-c~+.]{1,3})?",
            "v?[0-9]{1,2}\\.[0-9]\\.[0-9](-(alpha|beta|rc|0)(\\.[0-9]{1,2})?)?(\\+[a-z]{1,2})?",
            "[0-9]{1,2}\\.[0-9]{1,2}[a-c]?(_(alpha|beta|pre|rc|cvs|git|p)[0-9]{0,2}){0,2}(~[0-9a-f]{1,3})?(-r[0-9])?",
            "([0-9]!)?[0-9]{1,2}(\\.[0-9]{1,2}){0,2}((a|b|rc)[0-9])?(\\.post[0-9])?(\\.dev[0-9])?(\\+[a-z0-9]{1,2})?",
            "go1\\.[0-9]{1,2}((rc|beta)[0-9]|\\.[0-9])?",
            "\\PC{0,12}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn every_order_is_total(a in version(), b in version(), c in version()) {
            for scheme in ALL {
                let compare = scheme.compare;
                let readable: Vec<_> =
                    [&a, &b, &c].into_iter().filter(|text| scheme.check(text).is_ok()).collect();
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

    #[test]
    fn no_scheme_reads_nothing_or_garbage() {
        for scheme in ALL {
            for text in ["", " ", "\0", "1 2", "ünï", "(devel)", "1.0\n"] {
                let expect = Unorderable::new(text);
                assert_eq!((scheme.compare)(text, "1.0.0"), Err(expect.clone()), "{scheme:?}");
                assert_eq!((scheme.compare)("1.0.0", text), Err(expect), "{scheme:?}");
            }
        }
    }
}
