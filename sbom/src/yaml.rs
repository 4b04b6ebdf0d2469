//! Lock files in YAML.

use serde::de::DeserializeOwned;
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy, Options};

/// Scalars and collections of one file; locks of 20,000 packages have a million.
const MOST_NODES: usize = 8_000_000;

/// The document in `bytes`, which the caller has limited in size; or why there is none.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("malformed: {error}"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let text = error.without_snippet().to_string();
        format!("malformed: {}", text.lines().next().unwrap_or_default())
    })
}

/// Strict, so that no two readers of one lock see different packages.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 32,
            max_nodes: MOST_NODES,
            max_events: MOST_NODES.saturating_mul(2),
            // Keys with many peers are long; the limit of YAML is 1,024.
            simple_key_max_lookahead: 65_536,
            max_anchors: 100,
            max_aliases: 1_000,
            max_documents: 1,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_is_said_twice_or_refers_to_itself_is_refused() {
        let read = read::<BTreeMap<String, String>>;
        assert_eq!(read(b"a: no\nb: 1.10\n").unwrap()["b"], "1.10");
        for text in ["a: 1\na: 2\n", "a: &a [*a]\n", "a: 1\n<<: {b: 2}\n", "- a\n", "\u{1}"] {
            let reason = read(text.as_bytes()).unwrap_err();
            assert!(reason.starts_with("malformed: "), "{reason}");
            assert!(!reason.contains('\n'));
        }
        assert!(read(b"\xff").is_err());
    }

    #[test]
    fn deep_nesting_is_refused_and_long_keys_are_not() {
        let deep = "[".repeat(100_000);
        assert!(read::<BTreeMap<String, String>>(deep.as_bytes()).is_err());
        let key = "a".repeat(10_000);
        let read = read::<BTreeMap<String, String>>(format!("{key}: x\n").as_bytes()).unwrap();
        assert_eq!(read[&key], "x");
    }
}
