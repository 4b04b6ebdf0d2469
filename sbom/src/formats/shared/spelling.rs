//! Licences as packagers write them, in the words of SPDX.
//!
//! A table of spellings that mean exactly one licence. What could mean several (`BSD`, `GPL`, `Apache`) stays text, and so
//! does an expression with one such word in it. Nothing is guessed, and the declared text is kept beside the result.
//!
//! Sources: Debian's short names (<https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/#license-short-name>),
//! Fedora's before SPDX (<https://fedoraproject.org/wiki/Licensing:Main>), Python's trove classifiers.

use super::license::License;

/// Texts longer than this are no names.
const LONGEST: usize = 512;

/// Spellings in lower case, with single spaces, sorted; and what they mean.
const SPELLINGS: [(&str, &str); 91] = [
    ("0bsd license", "0BSD"),
    ("agpl-3", "AGPL-3.0-only"),
    ("agpl-3+", "AGPL-3.0-or-later"),
    ("agpl-3.0+", "AGPL-3.0-or-later"),
    ("agplv3", "AGPL-3.0-only"),
    ("agplv3+", "AGPL-3.0-or-later"),
    ("apache 2", "Apache-2.0"),
    ("apache 2.0", "Apache-2.0"),
    ("apache 2.0 license", "Apache-2.0"),
    ("apache license 2.0", "Apache-2.0"),
    ("apache license v2.0", "Apache-2.0"),
    ("apache license, version 2.0", "Apache-2.0"),
    ("apache-2", "Apache-2.0"),
    ("apache2", "Apache-2.0"),
    ("asl 2.0", "Apache-2.0"),
    ("boost software license 1.0 (bsl-1.0)", "BSL-1.0"),
    ("bsd 2-clause license", "BSD-2-Clause"),
    ("bsd 3-clause license", "BSD-3-Clause"),
    ("bsd-2-clause license", "BSD-2-Clause"),
    ("bsd-3-clause license", "BSD-3-Clause"),
    ("cc0 1.0 universal (cc0 1.0) public domain dedication", "CC0-1.0"),
    ("eclipse public license 1.0", "EPL-1.0"),
    ("eclipse public license 1.0 (epl-1.0)", "EPL-1.0"),
    ("eclipse public license 2.0", "EPL-2.0"),
    ("eclipse public license 2.0 (epl-2.0)", "EPL-2.0"),
    ("eclipse public license v2.0", "EPL-2.0"),
    ("european union public licence 1.2 (eupl 1.2)", "EUPL-1.2"),
    ("expat", "MIT"),
    ("gnu affero general public license v3", "AGPL-3.0-only"),
    ("gnu affero general public license v3 or later (agplv3+)", "AGPL-3.0-or-later"),
    ("gnu general public license v2 (gplv2)", "GPL-2.0-only"),
    ("gnu general public license v2 or later (gplv2+)", "GPL-2.0-or-later"),
    ("gnu general public license v3 (gplv3)", "GPL-3.0-only"),
    ("gnu general public license v3 or later (gplv3+)", "GPL-3.0-or-later"),
    ("gnu lesser general public license v2 (lgplv2)", "LGPL-2.0-only"),
    ("gnu lesser general public license v2 or later (lgplv2+)", "LGPL-2.0-or-later"),
    ("gnu lesser general public license v3 (lgplv3)", "LGPL-3.0-only"),
    ("gnu lesser general public license v3 or later (lgplv3+)", "LGPL-3.0-or-later"),
    ("gpl-1", "GPL-1.0-only"),
    ("gpl-1+", "GPL-1.0-or-later"),
    ("gpl-2", "GPL-2.0-only"),
    ("gpl-2+", "GPL-2.0-or-later"),
    ("gpl-2.0+", "GPL-2.0-or-later"),
    ("gpl-3", "GPL-3.0-only"),
    ("gpl-3+", "GPL-3.0-or-later"),
    ("gpl-3.0+", "GPL-3.0-or-later"),
    ("gplv2", "GPL-2.0-only"),
    ("gplv2+", "GPL-2.0-or-later"),
    ("gplv3", "GPL-3.0-only"),
    ("gplv3+", "GPL-3.0-or-later"),
    ("isc license", "ISC"),
    ("isc license (iscl)", "ISC"),
    ("lgpl-2", "LGPL-2.0-only"),
    ("lgpl-2+", "LGPL-2.0-or-later"),
    ("lgpl-2.0+", "LGPL-2.0-or-later"),
    ("lgpl-2.1+", "LGPL-2.1-or-later"),
    ("lgpl-3", "LGPL-3.0-only"),
    ("lgpl-3+", "LGPL-3.0-or-later"),
    ("lgpl-3.0+", "LGPL-3.0-or-later"),
    ("lgplv2", "LGPL-2.0-only"),
    ("lgplv2+", "LGPL-2.0-or-later"),
    ("lgplv2.1", "LGPL-2.1-only"),
    ("lgplv2.1+", "LGPL-2.1-or-later"),
    ("lgplv3", "LGPL-3.0-only"),
    ("lgplv3+", "LGPL-3.0-or-later"),
    ("mit license", "MIT"),
    ("mit no attribution license (mit-0)", "MIT-0"),
    ("mozilla public license 1.1", "MPL-1.1"),
    ("mozilla public license 1.1 (mpl 1.1)", "MPL-1.1"),
    ("mozilla public license 2.0", "MPL-2.0"),
    ("mozilla public license 2.0 (mpl 2.0)", "MPL-2.0"),
    ("mplv1.1", "MPL-1.1"),
    ("mplv2.0", "MPL-2.0"),
    ("new bsd license", "BSD-3-Clause"),
    ("postgresql license", "PostgreSQL"),
    ("sil open font license 1.1 (ofl-1.1)", "OFL-1.1"),
    ("simplified bsd license", "BSD-2-Clause"),
    ("the 2-clause bsd license", "BSD-2-Clause"),
    ("the 3-clause bsd license", "BSD-3-Clause"),
    ("the apache license, version 2.0", "Apache-2.0"),
    ("the apache software license, version 2.0", "Apache-2.0"),
    ("the bsd 2-clause license", "BSD-2-Clause"),
    ("the bsd 3-clause license", "BSD-3-Clause"),
    ("the mit license", "MIT"),
    ("the mit license (mit)", "MIT"),
    ("the unlicense (unlicense)", "Unlicense"),
    ("universal permissive license, version 1.0", "UPL-1.0"),
    ("vim license", "Vim"),
    ("w3c software notice and license", "W3C"),
    ("zlib license", "Zlib"),
    ("zpl-2.1", "ZPL-2.1"),
];

/// A declared text as an SPDX expression, where it is none already and its meaning is exact.
pub(crate) fn normalize(declared: &str) -> Option<String> {
    let text = declared.trim();
    if text.len() > LONGEST || !matches!(License::of(text), License::Text(_)) {
        return None;
    }
    // A classifier of Python: only its last part names the licence.
    let text = match text.strip_prefix("License :: ") {
        Some(rest) => rest.rsplit_once(" :: ").map_or(rest, |(_, last)| last),
        None => text,
    };
    let found = one(text).or_else(|| joined(text))?;
    // The table may be wrong, the licence list is not.
    (!matches!(License::of(&found), License::Text(_))).then_some(found)
}

/// One licence by one of its names.
fn one(text: &str) -> Option<String> {
    if let License::Id(id) = License::of(text) {
        return Some(id.to_owned());
    }
    let key = text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let place = SPELLINGS.binary_search_by(|(spelling, _)| (*spelling).cmp(key.as_str())).ok()?;
    let (_, meaning) = SPELLINGS.get(place)?;
    Some((*meaning).to_owned())
}

/// Several, joined by words: `GPLv2+ and MIT`, `MIT or Apache-2.0`, `MIT | ISC`; parentheses around the whole are dropped.
///
/// Both words in one text would need to be told apart by precedence, which packagers never agreed on: that stays text.
fn joined(text: &str) -> Option<String> {
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let text = inner.filter(|inner| !inner.contains(['(', ')'])).unwrap_or(text);
    for (words, joint) in [(["and", "AND", "&"], " AND "), (["or", "OR", "|"], " OR ")] {
        let mut parts: Vec<Vec<&str>> = vec![Vec::new()];
        for word in text.split_whitespace() {
            if words.contains(&word) {
                parts.push(Vec::new());
            } else if let Some(part) = parts.last_mut() {
                part.push(word);
            }
        }
        if parts.len() > 1 {
            let parts: Option<Vec<String>> =
                parts.iter().map(|part| one(&part.join(" "))).collect();
            if let Some(parts) = parts {
                return Some(parts.join(joint));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_sorted_and_mean_listed_licences() {
        assert!(SPELLINGS.is_sorted_by(|left, right| left.0 < right.0));
        for (spelling, meaning) in SPELLINGS {
            assert!(spelling.len() < LONGEST && spelling == spelling.to_ascii_lowercase());
            assert!(License::of(meaning) == License::Id(meaning), "{spelling}");
        }
    }

    #[test]
    fn only_what_means_one_thing_is_put_into_the_words_of_spdx() {
        for (declared, expect) in [
            ("GPL-2+", Some("GPL-2.0-or-later")),
            ("License :: OSI Approved :: MIT License", Some("MIT")),
            ("License :: OSI Approved", None),
            ("License :: OSI Approved :: BSD License", None),
            ("Apache License, Version 2.0", Some("Apache-2.0")),
            ("apache  license,\n version 2.0", Some("Apache-2.0")),
            ("GPLv2+ and MIT", Some("GPL-2.0-or-later AND MIT")),
            ("GPLv2+ and BSD", None),
            ("(MIT or Apache 2.0)", Some("MIT OR Apache-2.0")),
            ("GPLv2+ and MIT or Zlib", None),
            ("Expat", Some("MIT")),
            ("BSD", None),
            ("GPL", None),
            ("Apache", None),
            ("Python Software Foundation License", None),
            ("Public Domain", None),
            ("MIT and", None),
            // What is SPDX already is left as it is.
            ("MIT", None),
            ("(MIT OR Zlib)", None),
            ("NOASSERTION", None),
            ("", None),
        ] {
            assert_eq!(normalize(declared).as_deref(), expect, "{declared:?}");
        }
        assert_eq!(normalize(&"MIT and ".repeat(10_000)), None);
    }
}
