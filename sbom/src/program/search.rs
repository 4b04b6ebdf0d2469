//! Everything that is looked for in a program at once: one automaton goes over all of it.

use super::{
    go, pclntab,
    table::{SOFTWARE, Software},
};
use aho_corasick::{AhoCorasick, MatchKind, Span, packed};
use std::{collections::BTreeMap, sync::LazyLock};

/// How much behind an anchor is looked at, at most.
pub(super) const AHEAD: usize = 1024;

/// A text that packers leave.
const UPX: &[u8] = b"$Info: This file is packed with the UPX executable packer";

/// The longest version; they have at most about 40 characters.
const LONGEST_VERSION: usize = 64;

static FEW: LazyLock<Option<Search>> = LazyLock::new(|| Search::new([].iter()));
static ALL: LazyLock<Option<Search>> = LazyLock::new(|| Search::new(SOFTWARE.iter()));

/// What is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Anchors {
    /// What any program may have.
    #[default]
    Few,
    /// That, and the texts of the table.
    All,
}

struct Search {
    /// By vector instructions, where there are such.
    packed: Option<packed::Searcher>,
    automaton: AhoCorasick,
    anchors: Vec<Anchor>,
}

/// What stands where something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Anchor {
    /// Go's build information.
    GoHeader,
    /// Go's lines about modules.
    GoLines,
    /// Perhaps a version of Go.
    GoVersion,
    /// Go's table of functions.
    GoTable,
    /// The mark of a packer.
    Upx,
    /// The beginning of one of these patterns.
    Texts(Vec<Pattern>),
}

/// A text with a version in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pattern {
    /// All of it, as the table has it.
    pub(super) text: &'static str,
    /// What stands before the version.
    before: &'static str,
    /// How the version begins.
    begins: &'static str,
    /// What stands behind it.
    after: &'static str,
}

/// The first anchor at or behind `from` that begins before `to`, with its place.
pub(super) fn next(
    anchors: Anchors,
    bytes: &[u8],
    (from, to): (usize, usize),
) -> Option<(usize, &'static Anchor)> {
    let search = match anchors {
        Anchors::Few => FEW.as_ref()?,
        Anchors::All => ALL.as_ref()?,
    };
    // What begins before `to` may end behind it.
    let end = to.saturating_add(AHEAD).min(bytes.len());
    let span = Span { start: from.min(end), end };
    let found = match &search.packed {
        Some(packed) => packed.find_in(bytes, span),
        None => search.automaton.find(aho_corasick::Input::new(bytes).span(span)),
    };
    let found = found.filter(|found| found.start() < to)?;
    Some((found.start(), search.anchors.get(found.pattern().as_usize())?))
}

impl Search {
    fn new(table: impl Iterator<Item = &'static Software>) -> Option<Self> {
        let mut anchors: BTreeMap<Vec<u8>, Anchor> = BTreeMap::from([
            (go::MAGIC.to_vec(), Anchor::GoHeader),
            (go::SENTINEL.to_vec(), Anchor::GoLines),
            (go::VERSION.to_vec(), Anchor::GoVersion),
            (UPX.to_vec(), Anchor::Upx),
        ]);
        anchors.extend(pclntab::MAGICS.map(|magic| (magic.to_vec(), Anchor::GoTable)));
        for text in table.flat_map(|software| software.texts) {
            let Some(pattern) = Pattern::parse(text) else { continue };
            let anchor = format!("{}{}", pattern.before, pattern.begins).into_bytes();
            if let Anchor::Texts(patterns) =
                anchors.entry(anchor).or_insert(Anchor::Texts(Vec::new()))
                && !patterns.contains(&pattern)
            {
                patterns.push(pattern);
            }
        }
        let (texts, anchors): (Vec<_>, Vec<_>) = anchors.into_iter().unzip();
        let kind = packed::MatchKind::LeftmostFirst;
        // The limits are those from which on it is slower than an automaton in texts where there is much to find.
        let mut packed =
            packed::Config::new().match_kind(kind).heuristic_pattern_limits(false).builder();
        let packed = packed.extend(&texts).build();
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&texts);
        Some(Self { packed, automaton: automaton.ok()?, anchors })
    }
}

impl Pattern {
    /// One of a text in a file; one of its name is none.
    fn parse(text: &'static str) -> Option<Self> {
        let (before, rest) = text.split_once('{').filter(|_| !is_of_name(text))?;
        let (begins, after) = rest.split_once('}')?;
        Some(Self { text, before, begins, after })
    }

    /// The version in a text that begins with the anchor.
    pub(super) fn version<'a>(&self, text: &'a [u8]) -> Option<&'a str> {
        let text = text.get(self.before.len()..)?;
        let is_of_version = |byte: &u8| byte.is_ascii_alphanumeric() || b".+~_-".contains(byte);
        let length = text.iter().take_while(|byte| is_of_version(byte)).count();
        let run = text.get(..length)?;
        // What stands behind it may be of the same letters.
        let length = match self.after.as_bytes().first().filter(|byte| is_of_version(byte)) {
            Some(_) => memchr::memmem::find(run, self.after.as_bytes())?,
            None => length,
        };
        let (version, after) = text.split_at_checked(length)?;
        let version = std::str::from_utf8(version).ok()?;
        let version = version.trim_end_matches(['.', '+', '~', '_', '-']);
        let rest = version.strip_prefix(self.begins)?;
        // A text that is nothing but a version needs all three numbers to be taken for one.
        let is_bare = self.before == "\0" && self.after == "\0";
        let is_version = version.starts_with(|first: char| first.is_ascii_digit())
            && (!self.begins.ends_with('.')
                || rest.starts_with(|first: char| first.is_ascii_digit()))
            && (!is_bare || rest.split('.').nth(1).is_some_and(|part| !part.is_empty()))
            && version.len() <= LONGEST_VERSION;
        (is_version && after.starts_with(self.after.as_bytes())).then_some(version)
    }
}

/// Whether a text of the table is that of the name of a file.
fn is_of_name(text: &str) -> bool {
    text.starts_with("/lib")
}

/// The version in the name of a file, by a text of the table.
pub(crate) fn version_in_name<'a>(text: &'static str, name: &'a str) -> Option<&'a str> {
    let (before, rest) = text.strip_prefix('/').filter(|_| is_of_name(text))?.split_once('{')?;
    let (begins, after) = rest.split_once('}')?;
    Pattern { text, before, begins, after }
        .version(name.as_bytes())
        .filter(|_| name.starts_with(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_anchor_hides_another() {
        assert_eq!(FEW.as_ref().unwrap().anchors.len(), 10);
        assert!(ALL.as_ref().unwrap().anchors.len() > 80);
        let mut texts: Vec<_> = SOFTWARE
            .iter()
            .flat_map(|software| software.texts)
            .filter_map(|text| Pattern::parse(text))
            .map(|pattern| format!("{}{}", pattern.before, pattern.begins).into_bytes())
            .collect();
        texts.sort();
        texts.dedup();
        // Of two that begin at one place only one is found.
        for pair in texts.windows(2) {
            assert!(!pair[1].starts_with(&pair[0]), "{pair:?}");
        }
    }

    #[track_caller]
    fn check(text: &'static str, bytes: &str, expect: Option<&str>) {
        let pattern = Pattern::parse(text).unwrap();
        assert_eq!(pattern.version(bytes.as_bytes()), expect, "{bytes}");
    }

    #[test]
    fn versions_in_texts() {
        check("\0{3.}\0", "\x003.11.2\0", Some("3.11.2"));
        check("\0{3.}\0", "\x003.11.2 (default", None);
        check("\0{3.}\0", "\x003.\0", None);
        check("\0{3.}\0", "\x003.n\0", None);
        check("\0{3.}\0", "\x003.4\0", None);
        check("{8.39} 20", "8.39 2016-06-14", Some("8.39"));
        check("\0{10.}-MariaDB", "\x0010.11.19-MariaDB-log\0", Some("10.11.19"));
        check("ruby {3.}p", "ruby 3.1.2p20 (2022", Some("3.1.2"));
        check("release version {2.}", "release version 2.36.\n", Some("2.36"));
        check("OpenSSH_{} ", "OpenSSH_9.2p1 Debian", Some("9.2p1"));
        check("OpenSSH_{} ", "OpenSSH_2.*,OpenSSH_3.0*", None);
        check("BusyBox v{}", "BusyBox vx", None);
        check("BusyBox v{}", &format!("BusyBox v1.{}", "1".repeat(80)), None);
        assert_eq!(version_in_name("/libxml2.so.{2.}", "libxml2.so.2.9.14"), Some("2.9.14"));
        assert_eq!(version_in_name("/libxml2.so.{2.}", "libxml2.so.2"), None);
        assert_eq!(version_in_name("BusyBox v{}", "busybox"), None);
    }
}
