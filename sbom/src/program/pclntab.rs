//! Which packages are linked into a Go program: the table by which Go finds the lines of its code has the names of all
//! functions, and they begin with the import paths of their packages.
//!
//! Format: <https://go.dev/s/go12symtab>, as of Go 1.16, 1.18 and 1.20, which write all names in one piece. Programs of Go
//! before 1.16 have them scattered, and nothing is said of their packages.

use super::facts::{Tag, Writer};
use std::collections::BTreeSet;

/// Beginnings of the table: each in both orders of bytes.
pub(super) const MAGICS: [&[u8]; 6] = [
    b"\xf1\xff\xff\xff\0\0",
    b"\xf0\xff\xff\xff\0\0",
    b"\xfa\xff\xff\xff\0\0",
    b"\xff\xff\xff\xf1\0\0",
    b"\xff\xff\xff\xf0\0\0",
    b"\xff\xff\xff\xfa\0\0",
];

/// The header of the table.
pub(super) const HEADER: usize = 8 + 8 * 8;

/// All names together; the largest programs have some tens of megabytes.
const LONGEST: u64 = 1 << 28;

/// A name; those of generic functions are long.
const LONGEST_NAME: usize = 1 << 14;

/// Packages of one program, and the sum of their lengths.
const MOST_PACKAGES: usize = 20_000;
const LONGEST_PACKAGES: usize = 1 << 20;

/// The packages that have been seen.
#[derive(Debug, Default)]
pub(super) struct Packages {
    state: State,
    /// How much is to be passed over before the names.
    before: u64,
    /// How much of the names is still to come.
    left: u64,
    /// The beginning of a name whose end is still to come.
    name: Vec<u8>,
    paths: BTreeSet<Vec<u8>>,
    length: usize,
    /// Names of one package mostly stand together.
    last: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Absent,
    Open,
    Whole,
    /// More than is listed.
    TooMany,
}

impl Packages {
    /// A magic was seen: what follows it, as far as is known of it, and how much of that will not come again.
    pub(super) fn begin(&mut self, bytes: &[u8], now: usize) {
        if self.state != State::Absent {
            return;
        }
        if let Some((before, left)) = names(bytes) {
            (self.state, self.before, self.left) = (State::Open, before, left);
            self.feed(bytes.get(..now).unwrap_or(bytes));
        }
    }

    /// The next bytes of the file.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.state != State::Open {
            return;
        }
        let skipped = usize::try_from(self.before).unwrap_or(usize::MAX).min(bytes.len());
        let bytes = bytes.get(skipped..).unwrap_or_default();
        self.before = self.before.saturating_sub(u64::try_from(skipped).unwrap_or(u64::MAX));
        let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let mut bytes = bytes.get(..taken).unwrap_or_default();
        self.left = self.left.saturating_sub(u64::try_from(taken).unwrap_or(u64::MAX));
        while let Some(end) = memchr::memchr(0, bytes) {
            let (name, rest) = bytes.split_at_checked(end).unwrap_or_default();
            bytes = rest.get(1..).unwrap_or_default();
            if self.name.is_empty() {
                self.add(name);
            } else {
                let mut whole = std::mem::take(&mut self.name);
                whole.extend_from_slice(name);
                self.add(&whole);
            }
        }
        if self.name.len() <= LONGEST_NAME {
            self.name.extend_from_slice(bytes);
        }
        if self.left == 0 && self.state == State::Open {
            self.state = State::Whole;
        }
    }

    fn add(&mut self, name: &[u8]) {
        let Some(package) = package(name) else { return };
        if package == self.last || self.state != State::Open {
            return;
        }
        self.last = package.to_vec();
        let package = unescaped(package);
        let length = self.length.saturating_add(package.len());
        if self.paths.insert(package) {
            self.length = length;
        }
        if self.paths.len() > MOST_PACKAGES || self.length > LONGEST_PACKAGES {
            self.paths.clear();
            self.state = State::TooMany;
        }
    }

    /// Writes down which they are, if all of them are known: what is missing in the list will be taken for not linked.
    pub(super) fn finish(self, facts: &mut Writer) {
        if self.state == State::Whole && !self.paths.is_empty() {
            let packages: Vec<_> = self.paths.into_iter().collect();
            facts.add(Tag::GoPackages, &packages.join(&b'\n'));
        }
    }
}

/// How far behind the magic the names begin, and their length.
fn names(header: &[u8]) -> Option<(u64, u64)> {
    let is_big = header.first() == Some(&0xff);
    let version = *header.get(if is_big { 3 } else { 0 })?;
    let (quantum, width) = (*header.get(6)?, *header.get(7)?);
    if !matches!(quantum, 1 | 2 | 4) || !matches!(width, 4 | 8) {
        return None;
    }
    let word = |index: usize| {
        let at = usize::from(width).checked_mul(index)?.checked_add(8)?;
        let word = header.get(at..at.checked_add(usize::from(width))?)?;
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if is_big { word.iter().fold(0, fold) } else { word.iter().rev().fold(0, fold) })
    };
    // Numbers of functions and files; since 1.18 the address of the code; then offsets of the names and of what follows them.
    let first = if version == 0xfa { 2 } else { 3 };
    let (begin, end) = (word(first)?, word(first.checked_add(1)?)?);
    let fields = u64::try_from(first).ok()?.checked_add(5)?;
    let least = u64::from(width).checked_mul(fields)?.checked_add(8)?;
    let length = end.checked_sub(begin)?;
    let is_honest = begin >= least && begin <= least.saturating_add(64) && length <= LONGEST;
    (is_honest && word(0)? > 0 && length > 0).then_some((begin, length))
}

/// The import path that the name of a function begins with: up to the first dot behind the last slash. Type arguments have
/// paths as well; what the compiler made for types and the linker for itself is of no package.
fn package(name: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(b'[', name).unwrap_or(name.len());
    let name = name.get(..end)?;
    let slash = memchr::memrchr(b'/', name).map_or(0, |slash| slash.saturating_add(1));
    let dot = memchr::memchr(b'.', name.get(slash..)?)?;
    let package = name.get(..slash.checked_add(dot)?)?;
    let is_path = |byte: &u8| byte.is_ascii_graphic() && !b",:;()*\"{}".contains(byte);
    let is_made = matches!(package, b"go" | b"type" | b"gclocals" | b"");
    (!is_made && package.iter().all(is_path)).then_some(package)
}

/// Dots behind the last slash, and a few other bytes, are written as `%` and two digits.
fn unescaped(package: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(package.len());
    let mut rest = package;
    while let Some((byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *byte == b'%');
        let code = code.and_then(|code| hex::decode(code).ok());
        if let Some([code @ b'!'..=b'~']) = code.as_deref() {
            out.push(*code);
            rest = after.get(2..).unwrap_or_default();
        } else {
            out.push(*byte);
            rest = after;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Facts, testing::pclntab};

    #[track_caller]
    fn check(name: &str, expect: Option<&str>) {
        let found = package(name.as_bytes()).map(unescaped);
        assert_eq!(found.as_deref(), expect.map(str::as_bytes), "{name}");
    }

    #[test]
    fn packages_of_functions() {
        check("main.main", Some("main"));
        check("net/http.(*Client).Do", Some("net/http"));
        check("github.com/a/b.F.func1", Some("github.com/a/b"));
        check("gopkg.in/yaml%2ev3.Unmarshal", Some("gopkg.in/yaml.v3"));
        check("k8s.io/api.F[go.shape.*github.com/x/y.T].g", Some("k8s.io/api"));
        check("vendor/golang.org/x/net/idna.init", Some("vendor/golang.org/x/net/idna"));
        check("type:.eq.github.com/a/b.T", None);
        check("type..hash.a.T", None);
        check("go:buildid", None);
        check("go.buildid", None);
        check("memcpy", None);
        check("", None);
        check("a b.c", None);
    }

    #[track_caller]
    fn listed(bytes: &[u8], pieces: usize) -> Option<String> {
        let mut packages = Packages::default();
        packages.begin(bytes, HEADER);
        for piece in bytes.get(HEADER..).unwrap_or_default().chunks(pieces) {
            packages.feed(piece);
        }
        let mut facts = Writer::new();
        packages.finish(&mut facts);
        let facts = facts.finish();
        Facts::parse(&facts).unwrap().go_packages.map(str::to_owned)
    }

    #[test]
    fn names_in_pieces_of_any_length() {
        let table = pclntab(&["b/c.F", "main.main", "b/c.G", "a.init"]);
        for pieces in [1, 2, 7, 1000] {
            assert_eq!(listed(&table, pieces).as_deref(), Some("a\nb/c\nmain"));
        }
    }

    #[test]
    fn tables_of_other_versions_orders_and_widths() {
        let names = b"a/b.F\0";
        let mut old = b"\xfa\xff\xff\xff\0\0\x01\x08".to_vec();
        for word in [1_u64, 1, 64, 70, 0, 0, 0] {
            old.extend(word.to_le_bytes());
        }
        old.extend_from_slice(names);
        old.resize(100, 0);
        assert_eq!(listed(&old, 9).as_deref(), Some("a/b"));
        let mut big = b"\xff\xff\xff\xf0\0\0\x04\x04".to_vec();
        for word in [1_u32, 1, 0, 40, 46, 0, 0, 0] {
            big.extend(word.to_be_bytes());
        }
        big.extend_from_slice(names);
        big.resize(100, 0);
        assert_eq!(listed(&big, 9).as_deref(), Some("a/b"));
    }

    #[test]
    fn what_is_not_there_as_a_whole_is_not_listed() {
        let table = pclntab(&["b/c.F", "main.main"]);
        assert!(listed(&table, 9).is_some());
        assert_eq!(listed(&table[..table.len() - 60], 9), None);
        let mut huge = table.clone();
        huge[40..48].fill(0xff);
        assert_eq!(listed(&huge, 9), None);
        let many: Vec<_> = (0..=MOST_PACKAGES).map(|number| format!("p{number}.F")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(listed(&pclntab(&many), 1 << 16), None);
    }
}
