//! Versions of R packages: numbers between dots and dashes.
//!
//! <https://stat.ethz.ch/R-manual/R-devel/library/base/html/numeric_version.html>.

use super::{Number, Scheme, Unorderable, order};
use std::cmp::Ordering;

/// R's order: by the numbers; of two that begin alike the shorter comes first.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "an R version",
    specification: "https://stat.ethz.ch/R-manual/R-devel/library/base/html/numeric_version.html",
    compare,
};

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    order(left, right, parse, Ord::cmp)
}

fn parse(text: &str) -> Option<Vec<Number<'_>>> {
    text.split(['.', '-']).map(Number::parse).collect()
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
                ("1.2.3", Equal, "1.2-3"),
                ("1.2", Less, "1.2.0"),
                ("1.2-10", Greater, "1.2-9"),
                ("1.02", Equal, "1.2"),
                ("0.9", Less, "0.75"),
            ],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["1..2", "1.", "-1", "1.2a", "v1.0", "1.2_3", "1.0-"] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    #[test]
    fn files() {
        testing::check_file(&SCHEME, "cran-versions.txt", 21, &[]);
        testing::check_file(&SCHEME, "cran-versions-generated.txt", 29, &[]);
    }
}
