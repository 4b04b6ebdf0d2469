//! A program on its way: windows of it are looked through one after another, and what is wanted of it goes to collectors
//! that take every byte once, in order.

use super::{
    audit::{self, Audits},
    elf::{Note, Segments},
    facts::{Tag, Writer},
    go::Go,
    pclntab::{self, Packages},
    search::{self, AHEAD, Anchor, Anchors},
};
use plimsoll_model::tree::Condense;
use std::ops::ControlFlow;

/// How much is looked through at once: it stays in the cache of a processor while it is.
const WINDOW: usize = 1 << 17;

/// So much is known of everything behind a place that is looked at, unless the file ends.
const _: () = assert!(AHEAD >= audit::LOOK && AHEAD >= pclntab::HEADER && AHEAD < WINDOW / 2);

/// Versions that the texts of one program tell.
const MOST_TEXTS: usize = 256;

/// Types of notes.
const BUILD_ID: u32 = 3;
const PACKAGE: u32 = 0xcafe_1a7e;

/// A program that is being read.
#[derive(Default)]
pub(super) struct Reading {
    looked_for: Anchors,
    format: Option<Format>,
    window: Vec<u8>,
    /// Of the window in the file.
    offset: u64,
    segments: Segments,
    pieces: Pieces,
    go: Go,
    packages: Packages,
    audits: Audits,
    texts: Vec<(&'static str, String)>,
    is_packed: bool,
}

/// What sort of program it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Elf,
    Other,
    /// None at all.
    None,
}

/// Whether a file that begins like this is a program.
pub(crate) fn is_program(beginning: &[u8]) -> bool {
    matches!(Format::of(beginning), Some(Format::Elf | Format::Other))
}

impl Condense for Reading {
    fn take(&mut self, mut piece: &[u8]) -> ControlFlow<()> {
        while !piece.is_empty() {
            let room = WINDOW.saturating_sub(self.window.len()).min(piece.len());
            let (now, later) = piece.split_at_checked(room).unwrap_or_default();
            self.window.extend_from_slice(now);
            piece = later;
            self.format = self.format.or_else(|| Format::of(&self.window));
            if self.format == Some(Format::None) {
                return ControlFlow::Break(());
            }
            if self.window.len() >= WINDOW {
                self.look(WINDOW.saturating_sub(AHEAD));
            }
        }
        ControlFlow::Continue(())
    }

    fn finish(mut self: Box<Self>) -> Option<Vec<u8>> {
        if !matches!(self.format, Some(Format::Elf | Format::Other)) {
            return None;
        }
        self.look(self.window.len());
        let mut facts = Writer::new();
        self.notes(&mut facts);
        for (text, version) in &self.texts {
            facts.add(Tag::Text, format!("{version}\n{text}").as_bytes());
        }
        if self.is_packed {
            facts.add(Tag::Packed, b"UPX");
        }
        self.go.finish(&self.segments, |offset| self.pieces.at(offset), &mut facts);
        self.packages.finish(&mut facts);
        self.audits.finish(&mut facts);
        Some(facts.finish())
    }
}

impl Reading {
    /// Of which nothing is known yet.
    pub(super) fn new(looked_for: Anchors) -> Self {
        Self { looked_for, ..Self::default() }
    }

    /// Looks through the first `limit` bytes of the window and lets go of them.
    fn look(&mut self, limit: usize) {
        let window = std::mem::take(&mut self.window);
        let now = window.get(..limit).unwrap_or(&window);
        if self.offset == 0 && self.format == Some(Format::Elf) {
            self.segments = Segments::parse(&window);
            for (offset, length) in &self.segments.notes {
                self.pieces.want(*offset, *length);
            }
        }
        self.go.feed(now);
        self.packages.feed(now);
        self.audits.feed(now);
        for (from, to) in self.spans(limit) {
            self.anchors(&window, (from, to), limit);
            let rest = window.get(from..).unwrap_or_default();
            let offset = self.offset.saturating_add(length(from));
            let (to, limit) = (to.saturating_sub(from), limit.saturating_sub(from));
            self.audits.search(offset, rest, (to, limit));
        }
        // Pieces that were found to be wanted just now may be in this window.
        for offset in self.go.pointers(&self.segments) {
            self.pieces.want(offset, 16);
        }
        self.pieces.feed(self.offset, now);
        self.offset = self.offset.saturating_add(length(now.len()));
        self.window = window;
        self.window.drain(..limit.min(self.window.len()));
    }

    /// The parts of the first `limit` bytes of the window that are not code, in which nothing is that is looked for.
    fn spans(&self, limit: usize) -> Vec<(usize, usize)> {
        let place = |offset: u64| {
            let inside = offset.saturating_sub(self.offset);
            usize::try_from(inside).unwrap_or(usize::MAX).min(limit)
        };
        let mut spans = Vec::new();
        let mut at = self.offset;
        while place(at) < limit {
            if let Some(end) = self.segments.end_of_code(at) {
                at = end;
                continue;
            }
            let next = self.segments.next_code(at).unwrap_or(u64::MAX);
            spans.push((place(at), place(next)));
            at = next;
        }
        spans
    }

    /// Finds what is looked for between two places of the window, of which the first `limit` bytes will not come again.
    fn anchors(&mut self, window: &[u8], (from, to): (usize, usize), limit: usize) {
        let mut from = from;
        while let Some((at, anchor)) = search::next(self.looked_for, window, (from, to)) {
            let offset = self.offset.saturating_add(length(at));
            let text = window.get(at..).unwrap_or_default();
            let now = window.get(at..limit).unwrap_or_default();
            match anchor {
                Anchor::GoHeader => self.go.header(offset, now),
                Anchor::GoLines => self.go.lines(now),
                Anchor::GoVersion => self.go.version(offset, text),
                Anchor::GoTable => self.packages.begin(text, now.len()),
                Anchor::Upx => self.is_packed = true,
                Anchor::Texts(patterns) => {
                    let text = text.get(..AHEAD).unwrap_or(text);
                    for pattern in patterns {
                        self.text(pattern.text, pattern.version(text));
                    }
                }
            }
            from = at.saturating_add(1);
        }
    }

    fn text(&mut self, text: &'static str, version: Option<&str>) {
        let Some(version) = version else { return };
        let is_known = |(known, found): &(&str, String)| *known == text && found == version;
        if self.texts.len() < MOST_TEXTS && !self.texts.iter().any(is_known) {
            self.texts.push((text, version.to_owned()));
        }
    }

    fn notes(&self, facts: &mut Writer) {
        for (offset, _) in &self.segments.notes {
            let bytes = self.pieces.at(*offset).unwrap_or_default();
            for Note { owner, kind, content } in self.segments.notes(bytes) {
                match (owner, kind) {
                    (b"GNU\0", BUILD_ID) if content.len() <= 64 => {
                        facts.add(Tag::BuildId, hex::encode(content).as_bytes());
                    }
                    (b"FDO\0", PACKAGE) => facts.add(Tag::Package, content),
                    _ => {}
                }
            }
        }
    }
}

impl Format {
    /// By the first bytes; `None` while there are too few.
    fn of(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<4>()?;
        Some(match magic {
            b"\x7fELF" => Self::Elf,
            [b'M', b'Z', ..]
            | [0xfe, 0xed, 0xfa, 0xce | 0xcf]
            | [0xce | 0xcf, 0xfa, 0xed, 0xfe] => Self::Other,
            // Programs for several processors in one: their number stands where classes of Java have a version above 44.
            [0xca, 0xfe, 0xba, 0xbe] => {
                let count = u32::from_be_bytes(*rest.first_chunk::<4>()?);
                if count < 40 { Self::Other } else { Self::None }
            }
            _ => Self::None,
        })
    }
}

/// Pieces of the file that are wanted as they are.
#[derive(Debug, Default)]
struct Pieces(Vec<Piece>);

#[derive(Debug)]
struct Piece {
    offset: u64,
    length: u64,
    bytes: Vec<u8>,
}

/// Notes, and what the headers of Go point to.
const MOST_PIECES: usize = 64;

impl Pieces {
    fn want(&mut self, offset: u64, length: u64) {
        let is_known = self.0.iter().any(|piece| piece.offset == offset);
        if !is_known && self.0.len() < MOST_PIECES {
            self.0.push(Piece { offset, length, bytes: Vec::new() });
        }
    }

    /// Takes from the next bytes of the file what is wanted of them.
    fn feed(&mut self, offset: u64, bytes: &[u8]) {
        for piece in &mut self.0 {
            let next = piece.offset.saturating_add(length(piece.bytes.len()));
            let left = piece.length.saturating_sub(length(piece.bytes.len()));
            let inside = next.checked_sub(offset).and_then(|inside| usize::try_from(inside).ok());
            let rest = inside.and_then(|inside| bytes.get(inside..)).unwrap_or_default();
            let taken = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
            piece.bytes.extend_from_slice(rest.get(..taken).unwrap_or_default());
        }
    }

    /// The piece that begins at an offset, as far as it is there.
    fn at(&self, offset: u64) -> Option<&[u8]> {
        self.0.iter().find(|piece| piece.offset == offset).map(|piece| piece.bytes.as_slice())
    }
}

/// A length as offsets are counted.
fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::testing::{deflated, elf, note, pclntab, sentinels};

    /// A program with something of everything, longer than a window.
    fn program() -> Vec<u8> {
        let mut content = vec![0x90; WINDOW - 700];
        content.extend(pclntab(&["main.main", "net/http.Get", "a/b.F"]));
        content.resize(content.len().next_multiple_of(16), 0);
        content.extend_from_slice(b"\xff Go buildinf:\x08\x02");
        content.resize(content.len() + 16, 0);
        let modules = sentinels("mod\ta/b\tv1.0.0\n");
        content.extend_from_slice(b"\x08go1.22.1");
        content.push(u8::try_from(modules.len()).unwrap());
        content.extend(modules);
        content.extend(deflated(r#"{"packages":[{"name":"a","version":"1"}]}"#));
        content.resize(2 * WINDOW - 260, b'x');
        content.extend_from_slice(b"\0BusyBox v1.36.1 (2024) nginx/1.2.3\0");
        content.resize(2 * WINDOW + 300, 7);
        elf(&note("GNU", BUILD_ID, &[0xab; 20]), &content)
    }

    fn facts(bytes: &[u8], pieces: usize) -> Option<Vec<u8>> {
        let mut reading = Box::new(Reading::new(Anchors::Of("busybox")));
        for piece in bytes.chunks(pieces) {
            if reading.take(piece).is_break() {
                break;
            }
        }
        reading.finish()
    }

    #[test]
    fn in_what_pieces_a_program_comes_makes_no_difference() {
        let program = program();
        let whole = facts(&program, usize::MAX).unwrap();
        let known = crate::program::Facts::parse(&whole).unwrap();
        assert_eq!(known.go_version, Some("go1.22.1"));
        assert_eq!(known.go_packages, Some("a/b\nmain\nnet/http"));
        assert_eq!(known.audits.len(), 1);
        assert_eq!(known.texts, [("1.36.1", "BusyBox v{}")]);
        assert_eq!(known.build_id, Some("ab".repeat(20).as_str()));
        for pieces in [1, 7, 512, 1000, 1 << 16, WINDOW - 1, WINDOW, WINDOW + 1] {
            assert_eq!(facts(&program, pieces).unwrap(), whole, "{pieces}");
        }
        // Whatever lies at the border of two windows is found.
        for shift in 1..37 {
            let mut program = program.clone();
            program.splice(300..300, vec![0x90; shift * 16]);
            program.splice(program.len() - 600..program.len() - 600 + shift * 16, []);
            let facts = facts(&program, 1 << 16).unwrap();
            let known = crate::program::Facts::parse(&facts).unwrap();
            assert_eq!(known.go_packages, Some("a/b\nmain\nnet/http"), "{shift}");
            assert_eq!((known.go_version, known.audits.len()), (Some("go1.22.1"), 1), "{shift}");
        }
    }

    #[test]
    fn code_is_passed_over_and_what_follows_it_is_not() {
        let mut program = elf(&[], b"\0BusyBox v1.2.3 code\0\0BusyBox v4.5.6 data\0");
        // The second segment: loaded, executable, the first text long.
        program[120..128].copy_from_slice(b"\x01\0\0\0\x05\0\0\0");
        program[128..136].copy_from_slice(&256_u64.to_le_bytes());
        program[152..160].copy_from_slice(&20_u64.to_le_bytes());
        // The first ends where the second begins.
        program[96..104].copy_from_slice(&256_u64.to_le_bytes());
        let facts = facts(&program, 9).unwrap();
        let known = crate::program::Facts::parse(&facts).unwrap();
        assert_eq!(known.texts, [("4.5.6", "BusyBox v{}")]);
    }

    #[test]
    fn what_is_no_program_ends_at_once() {
        for bytes in
            [&b"#!/bin/sh\n"[..], b"PK\x03\x04....", b"\xca\xfe\xba\xbe\0\0\0\x34", b"\x7fEL"]
        {
            assert_eq!(facts(bytes, 2), None, "{bytes:?}");
        }
        for bytes in [&b"MZ\x90\0...."[..], b"\xca\xfe\xba\xbe\0\0\0\x02", b"\xcf\xfa\xed\xfe...."]
        {
            assert_eq!(facts(bytes, 2).unwrap(), [1], "{bytes:?}");
        }
    }
}
