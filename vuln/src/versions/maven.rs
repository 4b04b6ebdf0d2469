//! Maven versions: numbers and qualifiers of any count, between dots, dashes, and where digits and letters meet.
//!
//! <https://maven.apache.org/pom.html#version-order-specification>. It is no order: by it, `1.0.alpha` < `1` < `1-1` <
//! `1.0.alpha`. Neither is `ComparableVersion` of any Maven up to 3.9.16 and 4.0.0-rc-6: by it, `1` < `1.m.x-a` <
//! `1beta` < `1`. Here zeros, and words that mean the release, are dropped where a run ends; a qualifier stands the
//! same behind a dot and a dash, as the documentation of `ComparableVersion` has it (`1.0.X2` < `1.0-X3`); and what is
//! left is ordered piece by piece. Of 300,000 pairs of real versions, 183 come out otherwise than by Maven 3.9.16:
//! where more follows a qualifier behind a dot (`3.0.0.alpha.3`, which it puts behind `3.0-rc2`, and Maven 4 does not).

use super::{Number, Scheme, Unorderable, order, split_while};
use std::cmp::Ordering;

/// Maven's order.
pub(crate) const SCHEME: Scheme = Scheme {
    name: "a Maven version",
    specification: "https://maven.apache.org/pom.html#version-order-specification",
    compare,
};

/// In their order, all of them before the release.
const BEFORE_RELEASE: [&str; 5] = ["alpha", "beta", "milestone", "rc", "snapshot"];

/// A piece of a version. Where two versions are alike so far, the kind of the next piece decides, in this order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    BeforeRelease(usize),
    End,
    /// `ga` with a number behind its dot; any other says nothing.
    Release,
    ServicePack,
    Qualifier(String),
    /// A number that begins a run: behind a dash, or behind letters.
    Dashed(Number<'a>),
    Dotted(Number<'a>),
}

/// A qualifier, if any, and the numbers that follow it with dots between.
struct Run<'a> {
    qualifier: Option<Piece<'a>>,
    numbers: Vec<Number<'a>>,
}

fn compare(left: &str, right: &str) -> Result<Ordering, Unorderable> {
    order(left, right, parse, Ord::cmp)
}

fn parse(text: &str) -> Option<Vec<Piece<'_>>> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-~".contains(&byte);
    let is_version =
        text.bytes().all(is_part) && text.bytes().any(|byte| byte.is_ascii_alphanumeric());
    is_version.then(|| pieces(runs(text)))
}

/// What stands before a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// The beginning, a dash, or letters, which is the same.
    Dash,
    Dot,
}

/// Splits a version into runs: at dashes, where digits and letters meet, and before every qualifier.
fn runs(text: &str) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    for part in text.split('-') {
        let mut joint = Joint::Dash;
        for word in part.split('.') {
            word_runs(word, joint, &mut runs);
            joint = Joint::Dot;
        }
    }
    runs
}

/// Adds what stands between two separators; nothing there is a zero.
fn word_runs<'a>(word: &'a str, mut joint: Joint, runs: &mut Vec<Run<'a>>) {
    let mut rest = word.as_bytes();
    loop {
        let (digits, after) = split_while(rest, |byte| byte.is_ascii_digit());
        if !digits.is_empty() || rest.is_empty() {
            let number = if digits.is_empty() { Number::ZERO } else { Number(digits) };
            match runs.last_mut().filter(|_| joint == Joint::Dot) {
                Some(run) => run.numbers.push(number),
                None => runs.push(Run { qualifier: None, numbers: vec![number] }),
            }
        }
        let (letters, after) = split_while(after, |byte| !byte.is_ascii_digit());
        if !letters.is_empty() {
            let qualifier = qualifier(letters, after);
            runs.push(Run { qualifier: Some(qualifier), numbers: Vec::new() });
        }
        (rest, joint) = (after, Joint::Dash);
        if rest.is_empty() {
            return;
        }
    }
}

/// `after` is what follows without anything between.
fn qualifier(letters: &[u8], after: &[u8]) -> Piece<'static> {
    let word = String::from_utf8_lossy(letters).to_ascii_lowercase();
    let word = match word.as_str() {
        "a" if !after.is_empty() => "alpha",
        "b" if !after.is_empty() => "beta",
        "m" if !after.is_empty() => "milestone",
        "cr" => "rc",
        word => word,
    };
    match word {
        "ga" | "final" | "release" => Piece::Release,
        "sp" => Piece::ServicePack,
        word => match BEFORE_RELEASE.iter().position(|known| *known == word) {
            Some(place) => Piece::BeforeRelease(place),
            None => Piece::Qualifier(word.to_owned()),
        },
    }
}

/// Puts the runs in a row, without zeros at the end of any, and without those that then say nothing.
fn pieces(runs: Vec<Run<'_>>) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for (index, mut run) in runs.into_iter().enumerate() {
        while run.numbers.pop_if(|number| number.is_zero()).is_some() {}
        let is_dotted = index == 0 || run.qualifier.is_some();
        pieces.extend(
            run.qualifier.filter(|piece| *piece != Piece::Release || !run.numbers.is_empty()),
        );
        for (place, number) in run.numbers.into_iter().enumerate() {
            let is_dotted = is_dotted || place > 0;
            pieces.push(if is_dotted { Piece::Dotted(number) } else { Piece::Dashed(number) });
        }
    }
    pieces.push(Piece::End);
    pieces
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};
    use Ordering::{Equal, Greater, Less};
    use testing::Differs;

    // Each was put to ComparableVersion of Maven 3.9.16, which says the same.
    #[test]
    fn vectors() {
        testing::check(
            &SCHEME,
            &[
                ("1", Equal, "1.0.0"),
                ("1", Equal, "1.0.0-final"),
                ("1.0.0.RELEASE", Equal, "1.0.0"),
                ("1.0-alpha-1", Less, "1.0-alpha-2"),
                ("1.0-a1", Equal, "1.0-alpha-1"),
                ("1.0-rc1", Equal, "1.0-CR1"),
                ("1.0-SNAPSHOT", Less, "1.0"),
                ("1.0-rc1", Less, "1.0-SNAPSHOT"),
                ("1.0", Less, "1.0-sp1"),
                ("1.0-sp1", Less, "1.0-jre"),
                ("1.0-jre", Less, "1.0-1"),
                ("1.0-1", Less, "1.0.1"),
                ("31.1-android", Less, "31.1-jre"),
                ("2.9.10.8", Greater, "2.9.10"),
                ("2.9.10", Greater, "2.9.9"),
                ("4.1.100.Final", Greater, "4.1.99.Final"),
                ("5.3.0.RC1", Less, "5.3.0"),
                ("1.0.0.Alpha2", Less, "1.0.0-Alpha10"),
            ],
        );
    }

    #[test]
    fn where_maven_contradicts_itself_there_is_an_order() {
        testing::check(
            &SCHEME,
            &[
                ("1beta", Less, "1"),
                ("1", Less, "1.m.x-a"),
                ("1beta", Less, "1.m.x-a"),
                ("2", Less, "2-a"),
                ("2-0.rc.rc", Less, "2"),
                ("1-ga", Less, "1x"),
                ("1.ga.1", Greater, "1"),
                ("1.0-1", Equal, "1-1"),
            ],
        );
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["${revision}", "[1.0,2.0)", "1.0,2.0", "1.*", "-", "._~", "1.0:2", "1/2"] {
            assert_eq!(SCHEME.check(text), Err(Unorderable::new(text)), "{text}");
        }
    }

    #[test]
    fn files() {
        testing::check_file(&SCHEME, "maven-versions.txt", 102, &[]);
        let differ = [
            Differs {
                reason: "a qualifier stands the same behind a dot and a dash; ComparableVersion, against its own \
                         documentation, puts one between dots before all others, and says what the file says",
                comparisons: &[("3.6.2.FL.20090615", Greater, "3.6.2-FL-2009-05-11")],
            },
            Differs {
                reason: "the file puts every qualifier behind a dot before all behind a dash, as the specification \
                         has it; ComparableVersion of Maven 3.8.7 to 4.0.0-rc-6 says what we say",
                comparisons: &[
                    ("1.0.0-RC16", Greater, "1.0.0.RC8-beta"),
                    ("6.1.12.rc5", Greater, "6.1.12rc1"),
                    ("1.1.31.sec10", Greater, "1.1.31_noneautotype"),
                    ("1.2.31.sec10", Greater, "1.2.31_noneautotype"),
                    ("1.2.67.sec10", Greater, "1.2.67_noneautotype"),
                    ("1.0.0rc0", Greater, "1.0.beta8"),
                ],
            },
        ];
        testing::check_file_but(&SCHEME, "maven-versions-generated.txt", 7_376, &[], &differ);
    }
}
