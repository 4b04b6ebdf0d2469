//! Finds what looks like a secret in bytes: one pass for all keywords at once, then each pattern where its keyword is.

use super::{
    patterns::{Certainty, GENERIC, NAME, PATTERNS, Pattern, Start},
    plausible::{entropy, is_placeholder},
};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::bytes::{Regex, RegexBuilder};
use std::{fmt, sync::LazyLock};

/// How far from its keyword a secret ends.
const REACH: usize = 4_096;
/// The most that are told of one text.
const MOST: usize = 100;
/// The most characters that are shown of a public prefix.
const SHOWN: usize = 4;

/// A place where something looks like a secret. It holds nothing of the value.
#[derive(Clone, PartialEq, Eq)]
pub struct Hit {
    /// What it looks like.
    pub pattern: &'static str,
    /// The line it is on, from 1.
    pub line: u32,
    /// How many bytes of the text are before it.
    pub offset: usize,
    /// How many bytes it has.
    pub length: usize,
    /// The beginning of the public prefix of tokens of its kind, and `…`.
    pub masked: String,
    /// How sure it is.
    pub certainty: Certainty,
}

/// How far values are taken for secrets for the name they are assigned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Only what looks like a secret by itself, or is called one of a provider's.
    Known,
    /// Everything that is called a secret.
    Named,
}

struct Matcher {
    keywords: AhoCorasick,
    /// Of each keyword its pattern, and the keyword.
    owners: Vec<(usize, &'static str)>,
    /// Of each pattern.
    regexes: Vec<Regex>,
}

/// `None` could only be where a pattern is malformed, and a test says that none is.
static MATCHER: LazyLock<Option<Matcher>> = LazyLock::new(|| {
    let regex = |pattern: &Pattern| {
        let anchor = if pattern.back == 0 { r"\A" } else { "" };
        RegexBuilder::new(&format!("{anchor}(?:{})", pattern.regex)).unicode(false).build().ok()
    };
    let owners: Vec<(usize, &'static str)> = PATTERNS
        .iter()
        .enumerate()
        .flat_map(|(at, pattern)| pattern.keywords.iter().map(move |keyword| (at, *keyword)))
        .collect();
    let keywords = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(owners.iter().map(|(_, keyword)| *keyword))
        .ok()?;
    let regexes = PATTERNS.iter().map(regex).collect::<Option<_>>()?;
    Some(Matcher { keywords, owners, regexes })
});

/// Everything in `bytes` that looks like a secret, in order, each place once, at most a hundred.
pub fn search(bytes: &[u8], depth: Depth) -> Vec<Hit> {
    let Some(matcher) = MATCHER.as_ref() else { return Vec::new() };
    let mut found: Vec<(usize, usize, &'static Pattern, &'static str)> = Vec::new();
    for hit in matcher.keywords.find_overlapping_iter(bytes) {
        let Some((at, keyword)) = matcher.owners.get(hit.pattern().as_usize()) else { continue };
        let (Some(pattern), Some(regex)) = (PATTERNS.get(*at), matcher.regexes.get(*at)) else {
            continue;
        };
        if pattern.id == GENERIC && depth == Depth::Known {
            continue;
        }
        if let Some((start, end)) = secret(bytes, hit.start(), pattern, regex) {
            found.push((start, end, pattern, keyword));
            if found.len() >= MOST.saturating_mul(4) {
                break;
            }
        }
    }
    // Of several in one place, the one that is surest, and then the longest.
    found.sort_by_key(|(start, end, pattern, _)| {
        (pattern.certainty == Certainty::Likely, pattern.id == GENERIC, start.wrapping_sub(*end))
    });
    let mut kept: Vec<(usize, usize, &'static Pattern, &'static str)> = Vec::new();
    for one in found {
        if kept.iter().all(|other| one.1 <= other.0 || other.1 <= one.0) {
            kept.push(one);
        }
    }
    kept.sort_by_key(|(start, ..)| *start);
    kept.truncate(MOST);
    located(bytes, &kept)
}

/// Where a secret is whose keyword begins at `keyword`.
fn secret(
    bytes: &[u8],
    keyword: usize,
    pattern: &Pattern,
    regex: &Regex,
) -> Option<(usize, usize)> {
    let from = keyword.saturating_sub(pattern.back);
    if pattern.back == 0 && pattern.start == Start::Word && !begins_word(bytes, from) {
        return None;
    }
    let window = bytes.get(from..bytes.len().min(keyword.saturating_add(REACH)))?;
    if pattern.regex.starts_with(NAME) && !is_assigned_to(window) || !regex.is_match(window) {
        return None;
    }
    let groups = regex.captures(window)?;
    let whole = groups.get(0)?;
    let value = groups.iter().skip(1).flatten().next().unwrap_or(whole);
    let (start, end) = (from.checked_add(value.start())?, from.checked_add(value.end())?);
    let is_word_ended =
        bytes.get(end).is_none_or(|next| !is_word(*next)) || value.end() == window.len();
    let is_near = from.checked_add(whole.start())? <= keyword;
    let is_one = is_near
        && (pattern.start == Start::Anywhere || begins_word(bytes, start))
        && (is_word_ended || pattern.id == super::patterns::PRIVATE_KEY)
        && !is_placeholder(value.as_bytes())
        && entropy(value.as_bytes()) >= pattern.entropy
        && (pattern.check)(value.as_bytes());
    is_one.then_some((start, end))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether something is assigned to the name that begins `window`: what [`NAME`] says, without a regular expression. Most
/// words for secrets are in prose and code, where nothing is.
fn is_assigned_to(window: &[u8]) -> bool {
    let is_of_name = |byte: &u8| is_word(*byte) || matches!(byte, b'.' | b'-');
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let past = |text: &[u8], most: usize, is_one: &dyn Fn(&u8) -> bool| {
        text.iter().take(most).take_while(|byte| is_one(byte)).count()
    };
    let after_name = past(window, 60, &is_of_name);
    let rest = window.get(after_name..).unwrap_or_default();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    let sign = rest.get(past(rest, 3, &is_space));
    after_name >= 2 && matches!(sign, Some(b'=' | b':'))
}

/// Whether no word goes on at `at`. An escaped end of line before it is none.
fn begins_word(bytes: &[u8], at: usize) -> bool {
    let before = |count: usize| at.checked_sub(count).and_then(|at| bytes.get(at)).copied();
    let is_escape = before(2) == Some(b'\\') && matches!(before(1), Some(b'n' | b'r' | b't'));
    is_escape || before(1).is_none_or(|byte| !is_word(byte))
}

fn located(bytes: &[u8], kept: &[(usize, usize, &'static Pattern, &'static str)]) -> Vec<Hit> {
    let (mut line, mut counted) = (1_u32, 0);
    let hit = |(start, end, pattern, keyword): &(usize, usize, &'static Pattern, &'static str)| {
        let between = bytes.get(counted..*start).unwrap_or_default();
        let ends = lines(between);
        line = line.saturating_add(ends);
        counted = *start;
        let is_prefix = pattern.start == Start::Word && pattern.back == 0;
        let shown = if is_prefix { keyword.get(..SHOWN.min(keyword.len())) } else { None };
        Hit {
            pattern: pattern.id,
            line,
            offset: *start,
            length: end.saturating_sub(*start),
            masked: format!("{}…", shown.unwrap_or_default()),
            certainty: pattern.certainty,
        }
    };
    kept.iter().map(hit).collect()
}

fn lines(bytes: &[u8]) -> u32 {
    let lines = bytes.split(|byte| *byte == b'\n').count().saturating_sub(1);
    u32::try_from(lines).unwrap_or(u32::MAX)
}

impl Hit {
    /// What it is, for people: `a token of GitHub`.
    pub fn title(&self) -> &'static str {
        PATTERNS
            .iter()
            .find(|known| known.id == self.pattern)
            .map_or("a secret", |known| known.title)
    }

    /// What is told of it: what it is, how it begins and how long it is.
    pub fn told(&self) -> String {
        let shown =
            if self.masked == "…" { String::new() } else { format!("`{}`, ", self.masked) };
        format!("{} ({shown}{} characters)", self.title(), self.length)
    }
}

impl fmt::Debug for Hit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at line {}, {} bytes", self.pattern, self.line, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_assignment_is_what_the_pattern_says(window in r#"[a_.\-]{0,3}[a"':= \t\n\x0b\x0c\r-]{0,9}"#) {
            let pattern = RegexBuilder::new(&format!(r"\A(?:{NAME})")).unicode(false).build().unwrap();
            prop_assert_eq!(is_assigned_to(window.as_bytes()), pattern.is_match(window.as_bytes()));
        }

        #[test]
        fn a_name_has_sixty_characters_at_most(length in 0_usize..70) {
            let pattern = RegexBuilder::new(&format!(r"\A(?:{NAME})")).unicode(false).build().unwrap();
            let window = "a".repeat(length) + "=";
            prop_assert_eq!(is_assigned_to(window.as_bytes()), pattern.is_match(window.as_bytes()));
        }
    }
}
