//! Patterns of names, as Go's `filepath.Match` reads them within one part of a path: <https://pkg.go.dev/path/filepath#Match>.

/// One thing that a pattern wants.
enum Part {
    /// Any characters, or none.
    Any,
    /// One character.
    One,
    /// This byte.
    Byte(u8),
    /// One byte of these ranges, or none of them.
    Class { ranges: Vec<(u8, u8)>, is_negated: bool },
}

/// Whether a text has a character that makes it a pattern.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Whether a pattern means a name. One that is malformed means none.
pub(super) fn is_match(pattern: &str, name: &str) -> bool {
    let Some(parts) = parts(pattern.as_bytes()) else { return false };
    let name = name.as_bytes();
    // One row of the table of which beginnings match which, for each part of the pattern.
    let mut row = vec![false; name.len().saturating_add(1)];
    if let Some(first) = row.first_mut() {
        *first = true;
    }
    for part in parts {
        let mut next = Vec::with_capacity(row.len());
        let mut is_reached = false;
        for (at, own) in row.iter().enumerate() {
            is_reached |= *own;
            let before = at.checked_sub(1);
            let took = before.and_then(|before| row.get(before)).copied().unwrap_or(false);
            let byte = before.and_then(|before| name.get(before)).copied();
            next.push(match &part {
                Part::Any => is_reached,
                wanted @ (Part::One | Part::Byte(_) | Part::Class { .. }) => {
                    took && byte.is_some_and(|byte| wanted.takes(byte))
                }
            });
        }
        row = next;
    }
    row.last().copied().unwrap_or(false)
}

impl Part {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Byte(own) => *own == byte,
            Self::Class { ranges, is_negated } => {
                ranges.iter().any(|(low, high)| (low..=high).contains(&&byte)) != *is_negated
            }
        }
    }
}

fn parts(pattern: &[u8]) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut bytes = pattern.iter().copied();
    while let Some(byte) = bytes.next() {
        parts.push(match byte {
            b'*' => Part::Any,
            b'?' => Part::One,
            b'\\' => Part::Byte(bytes.next()?),
            b'[' => class(&mut bytes)?,
            byte => Part::Byte(byte),
        });
    }
    Some(parts)
}

/// What stands behind `[`, up to `]`.
fn class(bytes: &mut impl Iterator<Item = u8>) -> Option<Part> {
    let mut bytes = bytes.peekable();
    let is_negated = bytes.next_if_eq(&b'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let low = match bytes.next()? {
            b']' if !ranges.is_empty() => return Some(Part::Class { ranges, is_negated }),
            b'\\' => bytes.next()?,
            byte => byte,
        };
        let high = match bytes.next_if_eq(&b'-') {
            Some(_) => bytes.next()?,
            None => low,
        };
        ranges.push((low, high));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_the_names_that_they_say() {
        for (pattern, name, expect) in [
            (".git", ".git", true),
            (".g?t", ".git", true),
            (".*", ".git", true),
            ("*", "", true),
            ("**", ".git", true),
            ("[.]git", ".git", true),
            ("[^a]git", ".git", true),
            ("[a-z]git", ".git", false),
            ("[a-z]git", "xgit", true),
            ("\\.git", ".git", true),
            ("id_*", "id_rsa", true),
            ("id_*", "xid_rsa", false),
            (".gi", ".git", false),
            ("[.git", ".git", false),
            ("[]git", "]git", false),
            ("\\", "\\", false),
            ("", "", true),
            ("", "a", false),
            ("é?", "éa", true),
        ] {
            assert_eq!(is_match(pattern, name), expect, "{pattern} {name}");
        }
        assert!(is_pattern("a[b]") && is_pattern("*") && is_pattern("?") && !is_pattern(".git"));
    }

    #[test]
    fn a_long_pattern_costs_no_more_than_its_length() {
        assert!(is_match(&"*".repeat(100_000), ".git"));
    }
}
