//! JSON with comments and commas at the end of lists, as people write it.

use serde::de::DeserializeOwned;

/// The document in `bytes`.
///
/// # Errors
/// Those of `serde_json`, with its limit on depth; places are those of the text as it is.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(&plain(bytes))
}

/// The same without what plain JSON does not have: spaces are in its place, so that all else keeps its own.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut comma = None;
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let length = match first {
            b'"' => string(rest),
            b'/' => comment(rest),
            _ => 1,
        };
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        rest = after;
        match first {
            b'/' if length > 1 => {
                plain.extend(token.iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
            }
            b',' => {
                comma = Some(plain.len());
                plain.push(b',');
            }
            b' ' | b'\t' | b'\r' | b'\n' => plain.extend_from_slice(token),
            b']' | b'}' => {
                if let Some(place) = comma.take().and_then(|place| plain.get_mut(place)) {
                    *place = b' ';
                }
                plain.extend_from_slice(token);
            }
            _ => {
                comma = None;
                plain.extend_from_slice(token);
            }
        }
    }
    plain
}

/// How long the string is that a text begins with.
fn string(text: &[u8]) -> usize {
    let mut is_escaped = false;
    for (place, byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return place.saturating_add(1),
            _ => {}
        }
    }
    text.len()
}

/// How long the comment is that a text begins with; 1 where the slash begins none, which JSON then refuses to read.
fn comment(text: &[u8]) -> usize {
    if text.starts_with(b"//") {
        return memchr::memchr(b'\n', text).unwrap_or(text.len());
    }
    if text.starts_with(b"/*") {
        let end = text.get(2..).and_then(|body| memchr::memmem::find(body, b"*/"));
        return end.map_or(text.len(), |end| end.saturating_add(4));
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn comments_and_last_commas_are_passed_over() {
        let text = "\u{feff}// one\n{\"a\": [1, 2, /* ], */ ], \"b\\\"//\": \"/*,]\", // two\n}\n";
        assert_eq!(read::<Value>(text.as_bytes()).unwrap(), json!({"a": [1, 2], "b\"//": "/*,]"}));
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for text in ["[,]x", "[1,,]", "{\"a\": 1", "\"a", "/* x", "[1] /", "", "// x"] {
            assert!(read::<Value>(text.as_bytes()).is_err(), "{text}");
        }
        assert!(read::<Value>("[".repeat(100_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn plain_json_is_left_as_it_is(text in "[\\[\\]{},:\"\\\\/*a1 \n]{0,40}") {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                prop_assert_eq!(read::<Value>(text.as_bytes()).unwrap(), value);
            }
            prop_assert_eq!(plain(text.as_bytes()).len(), text.len());
        }
    }
}
