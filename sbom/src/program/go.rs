//! What the Go linker writes into every executable about the modules that it was made of.
//!
//! Format: <https://pkg.go.dev/debug/buildinfo>. A header lies at a multiple of 16. Since Go 1.18 the texts follow it. Before,
//! it pointed to them, and by then they have passed by: so all texts that may be versions are remembered, and the modules are
//! known by the sentinels around them.

use super::{
    elf::Segments,
    facts::{Tag, Writer},
};

/// Begins the header.
pub(super) const MAGIC: &[u8] = b"\xff Go buildinf:";

/// Stands before the lines about modules.
pub(super) const SENTINEL: &[u8] =
    b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6";

/// Stands behind the lines about modules.
pub(super) const END_SENTINEL: &[u8] =
    b"\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2";

/// Begins the version of a release.
pub(super) const VERSION: &[u8] = b"go1.";

/// The header is aligned to this, in memory and in the file.
const ALIGN: u64 = 16;

/// Length of the header; the texts follow it.
const HEADER: usize = 32;

/// The magic at a place where a header can be, but only so often: programs that look for it have it as a text of theirs.
const MOST_HEADERS: usize = 8;

/// The lines about modules; the largest programs have some hundred kilobytes.
const LONGEST_MODULES: usize = 4 << 20;

/// A version with experiments.
const LONGEST_VERSION: usize = 256;

/// Texts that may be versions.
const MOST_VERSIONS: usize = 1 << 14;

/// What has been seen of Go.
#[derive(Debug, Default)]
pub(super) struct Go {
    headers: Vec<Header>,
    /// What stands where, that may be the version that an old header points to.
    versions: Vec<(u64, [u8; 32])>,
    /// Lines about modules, found by their sentinel.
    lines: Vec<u8>,
    lines_state: State,
}

/// A header and what follows it.
#[derive(Debug)]
struct Header {
    bytes: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Not begun.
    #[default]
    Absent,
    /// More is to come.
    Open,
    /// All is there.
    Whole,
    /// It is nothing after all.
    Malformed,
}

/// What the linker wrote.
#[derive(Debug)]
struct BuildInfo {
    version: Vec<u8>,
    modules: Option<Vec<u8>>,
}

impl Go {
    /// The magic lies at an offset of the file, with what follows it so far.
    pub(super) fn header(&mut self, offset: u64, bytes: &[u8]) {
        if offset.is_multiple_of(ALIGN) && self.headers.len() < MOST_HEADERS {
            let mut header = Header { bytes: Vec::new(), state: State::Open };
            header.feed(bytes);
            self.headers.push(header);
        }
    }

    /// A sentinel was seen, with what follows it so far.
    pub(super) fn lines(&mut self, bytes: &[u8]) {
        if matches!(self.lines_state, State::Absent | State::Malformed) {
            self.lines.clear();
            self.lines_state = State::Open;
            self.feed_lines(bytes);
        }
    }

    /// The beginning of a version was seen at an offset of the file.
    pub(super) fn version(&mut self, offset: u64, bytes: &[u8]) {
        if self.versions.len() < MOST_VERSIONS {
            let mut text = [0; 32];
            text.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            self.versions.push((offset, text));
        }
    }

    /// The next bytes of the file.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for header in &mut self.headers {
            header.feed(bytes);
        }
        self.feed_lines(bytes);
    }

    fn feed_lines(&mut self, bytes: &[u8]) {
        if self.lines_state != State::Open {
            return;
        }
        let seen = self.lines.len().saturating_sub(END_SENTINEL.len());
        self.lines.extend_from_slice(bytes);
        let unseen = self.lines.get(seen..).unwrap_or_default();
        if let Some(end) = memchr::memmem::find(unseen, END_SENTINEL) {
            self.lines.truncate(seen.saturating_add(end));
            self.lines.drain(..SENTINEL.len().min(self.lines.len()));
            self.lines_state = State::Whole;
        } else if self.lines.len() > LONGEST_MODULES {
            self.lines_state = State::Malformed;
        }
    }

    /// Where in the file it is told where old texts are.
    pub(super) fn pointers(&self, segments: &Segments) -> Vec<u64> {
        let pointed = self.headers.iter().filter_map(Header::pointers);
        pointed
            .flat_map(|(version, modules)| [version, modules])
            .filter_map(|address| segments.offset(address))
            .collect()
    }

    /// Writes down what is known. `at` has what stood where [`Go::pointers`] asked.
    pub(super) fn finish<'a>(
        self,
        segments: &Segments,
        at: impl Fn(u64) -> Option<&'a [u8]>,
        facts: &mut Writer,
    ) {
        if self.headers.is_empty() {
            return;
        }
        let info = self.headers.iter().find_map(|header| match header.pointers() {
            None => header.inline(),
            Some(pointers) => self.pointed(header, pointers, segments, &at),
        });
        let Some(info) = info else {
            facts.add(Tag::GoFlaw, b"the build information of a Go program can not be read");
            return;
        };
        facts.add(Tag::GoVersion, &info.version);
        match info.modules {
            Some(modules) => facts.add(Tag::GoModules, &modules),
            None => facts.add(Tag::GoFlaw, b"the modules of a Go program can not be read"),
        }
    }

    /// What an old header points to.
    fn pointed<'a>(
        &self,
        header: &Header,
        (version, modules): (u64, u64),
        segments: &Segments,
        at: &impl Fn(u64) -> Option<&'a [u8]>,
    ) -> Option<BuildInfo> {
        let place = |address| {
            let text = at(segments.offset(address)?)?;
            let (address, text) = header.word(text)?;
            Some((address, usize::try_from(header.word(text)?.0).ok()?))
        };
        let (address, length) = place(version)?;
        let offset = segments.offset(address)?;
        let (_, text) = self.versions.iter().find(|(found, _)| *found == offset)?;
        let version = text.get(..length)?.to_vec();
        let modules = match place(modules) {
            Some((_, 0)) => Some(Vec::new()),
            _ => (self.lines_state == State::Whole).then(|| self.lines.clone()),
        };
        is_version(&version).then_some(BuildInfo { version, modules })
    }
}

impl Header {
    fn feed(&mut self, bytes: &[u8]) {
        if self.state != State::Open {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        self.state = match self.flags() {
            None => State::Open,
            // Bit 1: the texts follow. Pointers need no more than the header.
            Some(flags) if flags & 2 == 0 && self.bytes.len() >= HEADER => State::Whole,
            Some(flags) if flags & 2 == 0 => State::Open,
            Some(_) => match self.texts() {
                Texts::Both => State::Whole,
                Texts::Malformed => State::Malformed,
                Texts::None | Texts::Version => State::Open,
            },
        };
        let longest = LONGEST_MODULES.saturating_add(LONGEST_VERSION);
        if self.state == State::Open && self.bytes.len() > longest {
            self.state = State::Malformed;
        }
    }

    fn flags(&self) -> Option<u8> {
        self.bytes.get(15).copied()
    }

    fn texts(&self) -> Texts {
        let bytes = self.bytes.get(HEADER..).unwrap_or_default();
        let after = match inline(bytes, LONGEST_VERSION) {
            Inline::Text(version, after) if is_version(version) => after,
            Inline::Cut => return Texts::None,
            Inline::Text(..) | Inline::Malformed => return Texts::Malformed,
        };
        match inline(after, LONGEST_MODULES) {
            // The version is not less true for malformed modules.
            Inline::Text(..) | Inline::Malformed => Texts::Both,
            Inline::Cut => Texts::Version,
        }
    }

    fn inline(&self) -> Option<BuildInfo> {
        let bytes = self.bytes.get(HEADER..)?;
        let Inline::Text(version, after) = inline(bytes, LONGEST_VERSION) else { return None };
        let modules = match inline(after, LONGEST_MODULES) {
            Inline::Text(modules, _) => without_sentinels(modules).map(<[u8]>::to_vec),
            Inline::Cut | Inline::Malformed => None,
        };
        is_version(version).then(|| BuildInfo { version: version.to_vec(), modules })
    }

    /// Addresses of the pointers to version and modules, in an old header.
    fn pointers(&self) -> Option<(u64, u64)> {
        let is_old = self.state == State::Whole && self.flags()? & 2 == 0;
        let (version, rest) = self.word(self.bytes.get(16..)?)?;
        let (modules, _) = self.word(rest)?;
        is_old.then_some((version, modules))
    }

    /// The pointer that `bytes` begin with, as wide and in the order that the header says.
    fn word<'a>(&self, bytes: &'a [u8]) -> Option<(u64, &'a [u8])> {
        let width = self.bytes.get(14).copied().filter(|width| matches!(width, 4 | 8))?;
        let (word, rest) = bytes.split_at_checked(usize::from(width))?;
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let is_big = self.flags()? & 1 != 0;
        let word = if is_big { word.iter().fold(0, fold) } else { word.iter().rev().fold(0, fold) };
        Some((word, rest))
    }
}

/// Which of the texts behind a header are there.
enum Texts {
    None,
    Version,
    Both,
    Malformed,
}

/// A text with its length as a varint before it.
enum Inline<'a> {
    /// The text, and what comes after.
    Text(&'a [u8], &'a [u8]),
    /// There are not yet so many bytes.
    Cut,
    /// It is longer than anything honest.
    Malformed,
}

fn inline(bytes: &[u8], longest: usize) -> Inline<'_> {
    let mut length = 0_u64;
    for (index, byte) in (0_u32..9).zip(bytes) {
        length |= u64::from(byte & 0x7f) << index.saturating_mul(7);
        if byte & 0x80 == 0 {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > longest {
                return Inline::Malformed;
            }
            let rest =
                usize::try_from(index).ok().and_then(|index| bytes.get(index.checked_add(1)?..));
            return match rest.and_then(|rest| rest.split_at_checked(length)) {
                Some((text, after)) => Inline::Text(text, after),
                None => Inline::Cut,
            };
        }
    }
    if bytes.len() < 9 { Inline::Cut } else { Inline::Malformed }
}

fn is_version(text: &[u8]) -> bool {
    let is_go = text.starts_with(b"go") || text.starts_with(b"devel");
    is_go && text.is_ascii() && !text.iter().any(u8::is_ascii_control)
}

/// 16 bytes mark the beginning and the end, so that a running program finds the text.
fn without_sentinels(modules: &[u8]) -> Option<&[u8]> {
    if modules.is_empty() {
        return Some(modules);
    }
    let length = SENTINEL.len();
    modules.get(length..modules.len().checked_sub(length)?).filter(|inner| inner.ends_with(b"\n"))
}
