//! Finds what looks like a secret in bytes: one pass for all keywords at once, then each pattern where its keyword is and
//! what stands there has its shape. A pattern is compiled when it is first tried: of all of them, few ever are in one run.

use super::{
    patterns::{Certainty, GENERIC, PATTERNS, Pattern},
    plausible::{entropy, is_placeholder},
    shape::{Shape, is_of_word},
};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::bytes::{Regex, RegexBuilder};
use std::{
    fmt,
    sync::{LazyLock, OnceLock},
};

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
    /// All patterns, in their order.
    expressions: Vec<Expression>,
}

/// A pattern, and its regular expression once it was needed.
struct Expression {
    pattern: &'static Pattern,
    regex: OnceLock<Option<Regex>>,
}

/// `None` could only be where a keyword is malformed, and a test says that none is.
static MATCHER: LazyLock<Option<Matcher>> = LazyLock::new(|| {
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
    let expressions = PATTERNS.iter().map(Expression::of).collect();
    Some(Matcher { keywords, owners, expressions })
});

/// Everything in `bytes` that looks like a secret, in order, each place once, at most a hundred.
pub fn search(bytes: &[u8], depth: Depth) -> Vec<Hit> {
    let Some(matcher) = MATCHER.as_ref() else { return Vec::new() };
    let mut found: Vec<(usize, usize, &'static Pattern, &'static str)> = Vec::new();
    for hit in matcher.keywords.find_overlapping_iter(bytes) {
        let Some((at, keyword)) = matcher.owners.get(hit.pattern().as_usize()) else { continue };
        let Some(expression) = matcher.expressions.get(*at) else { continue };
        let pattern = expression.pattern;
        if pattern.id == GENERIC && depth == Depth::Known {
            continue;
        }
        if let Some((start, end)) = expression.secret(bytes, hit.start()) {
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

impl Expression {
    fn of(pattern: &'static Pattern) -> Self {
        Self { pattern, regex: OnceLock::new() }
    }

    /// `None` could only be where the pattern is malformed, and a test says that none is.
    fn regex(&self) -> Option<&Regex> {
        let compile = || {
            let anchored = format!(r"\A(?:{})", self.pattern.regex);
            RegexBuilder::new(&anchored).unicode(false).build().ok()
        };
        self.regex.get_or_init(compile).as_ref()
    }

    /// Where a secret is whose keyword begins at `keyword`.
    fn secret(&self, bytes: &[u8], keyword: usize) -> Option<(usize, usize)> {
        let end = bytes.len().min(keyword.saturating_add(REACH));
        (keyword.saturating_sub(self.pattern.back)..=keyword)
            .filter(|at| self.pattern.shape != Shape::Token || begins_word(bytes, *at))
            .find_map(|at| self.secret_at(bytes, (at, end)))
    }

    /// Where a secret is in a part of `bytes` that the pattern begins with.
    fn secret_at(&self, bytes: &[u8], (from, to): (usize, usize)) -> Option<(usize, usize)> {
        let pattern = self.pattern;
        let window = bytes.get(from..to).filter(|window| pattern.shape.may_be_at(window))?;
        let regex = self.regex()?;
        let groups = regex.captures(window)?;
        let value = groups.iter().flatten().nth(1).or_else(|| groups.get(0))?;
        let (start, end) = (from.checked_add(value.start())?, from.checked_add(value.end())?);
        let is_word_ended =
            bytes.get(end).is_none_or(|next| !is_of_word(*next)) || value.end() == window.len();
        let is_one = (is_word_ended || pattern.id == super::patterns::PRIVATE_KEY)
            && !is_placeholder(value.as_bytes())
            && entropy(value.as_bytes()) >= pattern.entropy
            && (pattern.check)(value.as_bytes());
        is_one.then_some((start, end))
    }
}

/// Whether no word goes on at `at`. An escaped end of line before it is none.
fn begins_word(bytes: &[u8], at: usize) -> bool {
    let before = |count: usize| at.checked_sub(count).and_then(|at| bytes.get(at)).copied();
    let is_escape = before(2) == Some(b'\\') && matches!(before(1), Some(b'n' | b'r' | b't'));
    is_escape || before(1).is_none_or(|byte| !is_of_word(byte))
}

fn located(bytes: &[u8], kept: &[(usize, usize, &'static Pattern, &'static str)]) -> Vec<Hit> {
    let (mut line, mut counted) = (1_u32, 0);
    let hit = |(start, end, pattern, keyword): &(usize, usize, &'static Pattern, &'static str)| {
        let between = bytes.get(counted..*start).unwrap_or_default();
        let ends = lines(between);
        line = line.saturating_add(ends);
        counted = *start;
        let is_prefix = pattern.shape == Shape::Token && pattern.back == 0;
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
