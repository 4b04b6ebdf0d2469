//! Reads the shared files of ordered versions (`a < b`, one comparison a line).

use super::{Scheme, Unorderable};
use camino::Utf8PathBuf;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// Versions in a file that we refuse, and why: every comparison with one of them must be refused, never come out wrong.
pub(crate) struct Refused {
    pub(crate) reason: &'static str,
    pub(crate) versions: &'static [&'static str],
}

/// Comparisons of a file that come out otherwise than written there.
pub(crate) struct Differs {
    /// Why, and what the reference implementation says.
    pub(crate) reason: &'static str,
    /// As they come out.
    pub(crate) comparisons: &'static [(&'static str, Ordering, &'static str)],
}

/// Exact vectors that live in the scheme's own file.
#[track_caller]
pub(crate) fn check(scheme: &Scheme, vectors: &[(&str, Ordering, &str)]) {
    for (left, order, right) in vectors {
        assert_eq!((scheme.compare)(left, right), Ok(*order), "{left} against {right}");
        assert_eq!((scheme.compare)(right, left), Ok(order.reverse()), "{right} against {left}");
    }
}

/// Every comparison of `file` must come out as written, but for those with a `refused` version.
#[track_caller]
pub(crate) fn check_file(scheme: &Scheme, file: &str, expected: usize, refused: &[Refused]) {
    check_file_but(scheme, file, expected, refused, &[]);
}

/// Every comparison of `file` must come out as written, but for those with a `refused` version and those that `differ`.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a test reads a file of ours")]
pub(crate) fn check_file_but(
    scheme: &Scheme,
    file: &str,
    expected: usize,
    refused: &[Refused],
    differ: &[Differs],
) {
    let Some(folder) = shared("versions") else { return };
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    assert!(refused.iter().all(|group| !group.reason.is_empty()));
    let refused: BTreeSet<&str> =
        refused.iter().flat_map(|group| group.versions).copied().collect();
    assert!(differ.iter().all(|group| !group.reason.is_empty()));
    let differ: BTreeMap<(&str, &str), Ordering> = differ
        .iter()
        .flat_map(|group| group.comparisons)
        .map(|(left, order, right)| ((*left, *right), *order))
        .collect();
    let mut met = BTreeSet::new();
    let mut differing = 0;
    let mut wrong = Vec::new();
    let comparisons: Vec<_> = text.lines().filter_map(|line| comparison(file, line)).collect();
    for (left, order, right) in &comparisons {
        let bad = [*left, *right].into_iter().find(|version| refused.contains(version));
        met.extend([*left, *right].into_iter().filter(|version| refused.contains(version)));
        let other = differ.get(&(*left, *right));
        if let Some(other) = other {
            assert_ne!(other, order, "{file}: {left} against {right} does not differ");
            differing += 1;
        }
        let order = other.unwrap_or(order);
        let expect = bad.map_or(Ok(*order), |version| Err(Unorderable::new(version)));
        let found = (scheme.compare)(left, right);
        if found != expect {
            wrong.push(format!("{left} {order:?} {right}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{file}: {} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(met, refused, "{file}: every refused version must occur");
    assert_eq!(differing, differ.len(), "{file}: every comparison that differs must occur");
    assert_eq!(comparisons.len(), expected, "{file}: comparisons");
}

/// Comments stand on lines of their own; the Red Hat file also has them behind comparisons.
#[track_caller]
fn comparison<'a>(file: &str, line: &'a str) -> Option<(&'a str, Ordering, &'a str)> {
    let line = line.split(" #").next().unwrap_or_default().trim();
    if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
        return None;
    }
    let parts: Vec<_> = line.split_whitespace().collect();
    let [left, operator, right] = parts[..] else { panic!("{file}: `{line}` is no comparison") };
    let order = match operator {
        "<" => Ordering::Less,
        "=" => Ordering::Equal,
        ">" => Ordering::Greater,
        _ => panic!("{file}: `{line}` has no operator"),
    };
    Some((left, order, right))
}

/// A folder of the shared test data; when it is missing, says so, or fails where it is required.
#[expect(clippy::disallowed_methods, reason = "where test data lies is the environment's to say")]
pub(crate) fn shared(folder: &str) -> Option<Utf8PathBuf> {
    let root = std::env::var("PLIMSOLL_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").to_owned());
    let path = Utf8PathBuf::from(root).join("data").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    assert!(
        std::env::var("PLIMSOLL_ORACLES").as_deref() != Ok("require"),
        "the test data `{path}` is required and missing"
    );
    eprintln!("not tested: the test data `{path}` is missing");
    None
}
