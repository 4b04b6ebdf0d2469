//! Reads the shared files of ordered versions (`a < b`, one comparison a line).

use super::Scheme;
use camino::Utf8PathBuf;
use std::cmp::Ordering;

/// A comparison in which we differ from a file, and why.
pub(crate) struct Difference {
    pub(crate) line: &'static str,
    pub(crate) reason: &'static str,
}

/// Exact vectors that live in the scheme's own file.
#[track_caller]
pub(crate) fn check(scheme: &Scheme, vectors: &[(&str, Ordering, &str)]) {
    for (left, order, right) in vectors {
        assert_eq!((scheme.compare)(left, right), Ok(*order), "{left} against {right}");
        assert_eq!((scheme.compare)(right, left), Ok(order.reverse()), "{right} against {left}");
    }
}

/// Every comparison of `file` must come out as written, but for `differences`, each of which must be met.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a test reads a file of ours")]
pub(crate) fn check_file(scheme: &Scheme, file: &str, expected: usize, differences: &[Difference]) {
    let Some(folder) = shared("versions") else { return };
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let mut seen = 0;
    let mut unmet: Vec<_> = differences.iter().map(|known| known.line).collect();
    let mut wrong = Vec::new();
    for line in text.lines() {
        // Comments stand on lines of their own; the Red Hat file also has them behind comparisons.
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
            continue;
        }
        let parts: Vec<_> = line.split_whitespace().collect();
        let [left, operator, right] = parts[..] else {
            panic!("{file}: `{line}` is no comparison")
        };
        let order = match operator {
            "<" => Ordering::Less,
            "=" => Ordering::Equal,
            ">" => Ordering::Greater,
            _ => panic!("{file}: `{line}` has no operator"),
        };
        seen += 1;
        let right_way = (scheme.compare)(left, right) == Ok(order);
        if let Some(at) = unmet.iter().position(|known| *known == line) {
            assert!(!right_way, "{file}: `{line}` is no difference any more");
            unmet.swap_remove(at);
        } else if !right_way && !differences.iter().any(|known| known.line == line) {
            wrong.push(format!("{line}: {:?}", (scheme.compare)(left, right)));
        }
    }
    assert!(wrong.is_empty(), "{file}: {} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(unmet.is_empty(), "{file}: never met: {unmet:?}");
    assert!(differences.iter().all(|known| !known.reason.is_empty()));
    assert_eq!(seen, expected, "{file}: comparisons");
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
