//! Tar archives, entry by entry, without trusting one byte of them.
//!
//! Reads what Go's `archive/tar` reads, because that is what unpacks layers into containers: a reader that sees other
//! entries than the runtime is a place to hide files in. So PAX records are taken by their length and not by line,
//! the last of equal records counts, and what is read differently by different programs is refused: a size on an
//! entry that has no content, a lone block of zeros, metadata that belongs to no entry.
//! The crate `tar` differs in each of these.
//!
//! Formats: POSIX.1-2017 `pax` (ustar and extended headers), and GNU tar's manual, "Basic Tar Format".

mod pax;

use pax::Pax;
use std::{
    io::{self, BufRead, Read},
    ops::ControlFlow,
};

/// Size of a tar block.
const BLOCK: usize = 512;
/// The largest set of PAX records that is read, for one entry.
const PAX_LIMIT: u64 = 1 << 20;
/// The most pieces that a sparse file is read in.
const SPARSE_LIMIT: usize = 1 << 16;

/// What is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TarFlaw {
    /// The archive ends in the middle of an entry.
    #[error("the archive ends in the middle of an entry")]
    Truncated,
    /// The checksum of a header does not match.
    #[error("the checksum of a header does not match")]
    Checksum,
    /// A number in a header is malformed or too large.
    #[error("the field `{0}` of a header is not a number in range")]
    Number(&'static str),
    /// A PAX record is malformed.
    #[error("a PAX record is malformed")]
    Pax,
    /// Metadata for the next entry is repeated, or no entry follows it.
    #[error("metadata is repeated, or belongs to no entry")]
    StrayMetadata,
    /// A name, a link or a set of PAX records is longer than any honest one.
    #[error("metadata of {size} bytes is more than the limit of {limit}")]
    MetadataTooLarge {
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// A block of zeros is followed by something else.
    #[error("a lone block of zeros is followed by more entries")]
    LoneZeroBlock,
    /// A type of entry that programs do not agree about.
    #[error("an entry has the unknown type {0:#04x}")]
    Type(u8),
    /// A directory, link or device with a size: some readers skip that many bytes, others read entries there.
    #[error("an entry without content states a size of {0} bytes")]
    SizeWithoutContent(u64),
    /// A sparse file in a PAX format.
    #[error("sparse files in PAX format are not supported")]
    PaxSparse,
    /// The map of a sparse file is malformed.
    #[error("the map of a sparse file is malformed")]
    SparseMap,
}

/// Why reading an archive stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The bytes could not be read.
    Io(io::Error),
    /// The bytes are wrong, in the entry whose header begins at `offset`.
    Flaw { offset: u64, flaw: TarFlaw },
}

/// A reader that can pass over bytes.
pub(crate) trait Skip: Read {
    /// Passes over `count` bytes; fewer are an [`io::ErrorKind::UnexpectedEof`].
    fn skip(&mut self, count: u64) -> io::Result<()>;
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemKind {
    File,
    Directory,
    Symlink,
    Hardlink,
    /// A character or block device.
    Device,
    /// A pipe.
    Special,
}

/// One entry of an archive.
#[derive(Debug)]
pub(crate) struct Item {
    /// The name as it stands there.
    pub(crate) name: Vec<u8>,
    /// What a link points to, as it stands there.
    pub(crate) link: Vec<u8>,
    pub(crate) kind: ItemKind,
    /// Size of the content, holes included.
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    /// The attribute `security.capability`, at most [`pax::CAPABILITY`] bytes of it; empty where there is none.
    pub(crate) capabilities: Vec<u8>,
    /// Where the content begins, for an entry that is not sparse.
    pub(crate) offset: Option<u64>,
    /// What the content is made of.
    pieces: Vec<Piece>,
}

/// A part of a file's content.
#[derive(Debug, Clone, Copy)]
enum Piece {
    /// So many bytes of the archive.
    Data(u64),
    /// So many zeros that are not in the archive.
    Hole(u64),
}

/// An archive that is being read.
#[derive(Debug)]
pub(crate) struct Tarball<R> {
    reader: R,
    /// How many bytes were read or passed over.
    offset: u64,
    /// Where the current header begins.
    header_at: u64,
    /// Bytes of the current entry that were not read.
    unread: u64,
    /// Bytes that fill the current entry's last block.
    padding: u64,
    /// The longest name.
    name_limit: usize,
}

/// What extended headers say of the entry that follows them.
#[derive(Default)]
struct Pending {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Option<Pax>,
}

impl<R: Skip> Tarball<R> {
    pub(crate) const fn new(reader: R, name_limit: usize) -> Self {
        Self { reader, offset: 0, header_at: 0, unread: 0, padding: 0, name_limit }
    }

    /// Where the header of the current entry begins.
    pub(crate) const fn header_at(&self) -> u64 {
        self.header_at
    }

    /// The reader, behind the archive's end once [`Tarball::next`] has given `None`.
    pub(crate) fn into_inner(self) -> R {
        self.reader
    }

    /// The next entry; what was not read of the current one is passed over.
    pub(crate) fn next(&mut self) -> Result<Option<Item>, Failure> {
        let mut pending = Pending::default();
        while let Some(block) = self.next_header()? {
            let header = tar::Header::from_byte_slice(&block);
            let size = self.field(&block, Field::SIZE)?;
            match header.entry_type().as_byte() {
                b'L' => {
                    set_once(&mut pending.name, self.text(size)?).ok_or_else(|| self.stray())?;
                }
                b'K' => {
                    set_once(&mut pending.link, self.text(size)?).ok_or_else(|| self.stray())?;
                }
                b'x' => {
                    let records = self.metadata(size, PAX_LIMIT)?;
                    let pax = Pax::parse(&records).map_err(|flaw| self.flaw(flaw))?;
                    set_once(&mut pending.pax, pax).ok_or_else(|| self.stray())?;
                }
                // Global records: runtimes pass over them.
                b'g' if pending.is_empty() => self.content(size)?,
                b'g' => return Err(self.stray()),
                _ => return self.item(&block, pending).map(Some),
            }
        }
        if pending.is_empty() { Ok(None) } else { Err(self.stray()) }
    }

    /// The content of `item`, which has to be the current entry.
    pub(crate) fn reader(&mut self, item: &Item) -> Content<'_, R> {
        Content { pieces: item.pieces.iter().rev().copied().collect(), tarball: self }
    }

    fn item(&mut self, block: &[u8; BLOCK], pending: Pending) -> Result<Item, Failure> {
        let header = tar::Header::from_byte_slice(block);
        let Pending { name, link, pax } = pending;
        let pax = pax.unwrap_or_default();
        let stored = match pax.size {
            Some(size) => size,
            None => self.field(block, Field::SIZE)?,
        };
        let name = name.or(pax.path).unwrap_or_else(|| header.path_bytes().into_owned());
        let kind = match header.entry_type().as_byte() {
            // Before there was a type for directories, a slash told them.
            0 if name.ends_with(b"/") => ItemKind::Directory,
            0 | b'0' | b'7' | b'S' => ItemKind::File,
            b'1' => ItemKind::Hardlink,
            b'2' => ItemKind::Symlink,
            b'3' | b'4' => ItemKind::Device,
            b'6' => ItemKind::Special,
            b'5' => ItemKind::Directory,
            other => return Err(self.flaw(TarFlaw::Type(other))),
        };
        if kind != ItemKind::File && stored != 0 {
            return Err(self.flaw(TarFlaw::SizeWithoutContent(stored)));
        }
        let pieces = if header.entry_type().is_gnu_sparse() {
            self.sparse_map(block, stored)?
        } else {
            vec![Piece::Data(stored)]
        };
        let offset = (!header.entry_type().is_gnu_sparse()).then_some(self.offset);
        let own = |number: Option<u64>, field| number.map_or_else(|| self.field(block, field), Ok);
        let (uid, gid) = (own(pax.uid, Field::UID)?, own(pax.gid, Field::GID)?);
        let mode = u32::try_from(self.field(block, Field::MODE)? & 0o7777).unwrap_or_default();
        let size = pieces.iter().fold(0_u64, |sum, piece| sum.saturating_add(piece.len()));
        let link = link
            .or(pax.link)
            .unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned());
        self.content(stored)?;
        let capabilities = pax.capabilities;
        Ok(Item { name, link, kind, size, mode, uid, gid, capabilities, offset, pieces })
    }

    /// Reads the next header block; `None` at the end of the archive.
    fn next_header(&mut self) -> Result<Option<[u8; BLOCK]>, Failure> {
        let rest = self
            .unread
            .checked_add(self.padding)
            .ok_or_else(|| self.flaw(TarFlaw::Number("size")))?;
        self.reader.skip(rest).map_err(|error| self.io(error))?;
        self.offset = self.offset.saturating_add(rest);
        (self.unread, self.padding) = (0, 0);
        self.header_at = self.offset;
        let Some(block) = self.block()? else { return Ok(None) };
        if is_zero(&block) {
            return match self.block()? {
                Some(second) if !is_zero(&second) => Err(self.flaw(TarFlaw::LoneZeroBlock)),
                _ => Ok(None),
            };
        }
        // The sum is taken with the field itself read as eight spaces.
        let sum = block.iter().enumerate().fold(0_u64, |sum, (at, byte)| {
            let byte = if (148..156).contains(&at) { b' ' } else { *byte };
            sum.saturating_add(u64::from(byte))
        });
        if self.field(&block, Field::CHECKSUM)? != sum {
            return Err(self.flaw(TarFlaw::Checksum));
        }
        Ok(Some(block))
    }

    /// The next block; `None` when there is not one byte more.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Failure> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(self.flaw(TarFlaw::Truncated)),
                Ok(count) => filled = filled.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.io(error)),
            }
        }
        self.offset = self.offset.saturating_add(BLOCK_LEN);
        Ok(Some(block))
    }

    /// Declares that `size` bytes of content follow.
    fn content(&mut self, size: u64) -> Result<(), Failure> {
        self.unread = size;
        self.padding = size
            .checked_next_multiple_of(BLOCK_LEN)
            .ok_or_else(|| self.flaw(TarFlaw::Number("size")))?
            - size;
        Ok(())
    }

    /// A name or a link of GNU's: up to the first NUL.
    fn text(&mut self, size: u64) -> Result<Vec<u8>, Failure> {
        let limit = u64::try_from(self.name_limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut text = self.metadata(size, limit)?;
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        text.truncate(end);
        Ok(text)
    }

    /// The content of an extended header.
    fn metadata(&mut self, size: u64, limit: u64) -> Result<Vec<u8>, Failure> {
        if size > limit {
            return Err(self.flaw(TarFlaw::MetadataTooLarge { size, limit }));
        }
        self.content(size)?;
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        let mut content = Content { pieces: vec![Piece::Data(size)], tarball: self };
        match content.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) => Err(self.io(error)),
        }
    }

    /// The pieces of a sparse file in GNU's old format.
    fn sparse_map(&mut self, block: &[u8; BLOCK], stored: u64) -> Result<Vec<Piece>, Failure> {
        let real = self.field(block, Field { name: "real size", at: 483, len: 12 })?;
        let mut pairs = Vec::new();
        let mut more = self.sparse_pairs(block, 386, 4, &mut pairs)?;
        while more {
            let next = self.block()?.ok_or_else(|| self.flaw(TarFlaw::Truncated))?;
            more = self.sparse_pairs(&next, 0, 21, &mut pairs)?;
        }
        pieces(&pairs, stored, real).ok_or_else(|| self.flaw(TarFlaw::SparseMap))
    }

    /// Takes in up to `count` pairs of offset and length; whether another block follows.
    fn sparse_pairs(
        &self,
        block: &[u8; BLOCK],
        at: usize,
        count: usize,
        pairs: &mut Vec<(u64, u64)>,
    ) -> Result<bool, Failure> {
        let end = at.saturating_add(count.saturating_mul(24));
        for at in (at..end).step_by(24) {
            if block.get(at).is_none_or(|byte| *byte == 0) {
                break;
            }
            let offset = self.field(block, Field { name: "sparse offset", at, len: 12 })?;
            let length = self.field(
                block,
                Field { name: "sparse length", at: at.saturating_add(12), len: 12 },
            )?;
            pairs.push((offset, length));
        }
        if pairs.len() > SPARSE_LIMIT {
            return Err(self.flaw(TarFlaw::SparseMap));
        }
        Ok(block.get(end).is_some_and(|byte| *byte != 0))
    }

    fn field(&self, block: &[u8; BLOCK], field: Field) -> Result<u64, Failure> {
        field.read(block).ok_or_else(|| self.flaw(TarFlaw::Number(field.name)))
    }

    const fn flaw(&self, flaw: TarFlaw) -> Failure {
        Failure::Flaw { offset: self.header_at, flaw }
    }

    const fn stray(&self) -> Failure {
        self.flaw(TarFlaw::StrayMetadata)
    }

    fn io(&self, error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            self.flaw(TarFlaw::Truncated)
        } else {
            Failure::Io(error)
        }
    }
}

const BLOCK_LEN: u64 = 512;

/// The content of one entry. Its end before the stated size is an [`io::ErrorKind::UnexpectedEof`].
#[derive(Debug)]
pub(crate) struct Content<'a, R> {
    /// Last first.
    pieces: Vec<Piece>,
    tarball: &'a mut Tarball<R>,
}

impl<R: Skip> Content<'_, R> {
    /// What a failed read of this content means.
    pub(crate) fn failure(&self, error: io::Error) -> Failure {
        self.tarball.io(error)
    }
}

impl<R: Skip + BufRead> Content<'_, R> {
    /// Hands the content on in pieces as they lie in memory, to its end or until `take` breaks.
    ///
    /// # Errors
    /// As reading it.
    pub(crate) fn each_piece(
        mut self,
        mut take: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        while let Some(piece) = self.pieces.last().copied() {
            let ready = match piece {
                Piece::Data(0) | Piece::Hole(0) => {
                    self.pieces.pop();
                    continue;
                }
                Piece::Data(_) => match self.tarball.reader.fill_buf() {
                    Ok([]) => return Err(self.tarball.flaw(TarFlaw::Truncated)),
                    Ok(ready) => ready,
                    Err(error) => return Err(self.tarball.io(error)),
                },
                Piece::Hole(_) => &[0; BLOCK],
            };
            let count = usize::try_from(piece.len()).unwrap_or(usize::MAX).min(ready.len());
            let flow = take(ready.get(..count).unwrap_or_default());
            if matches!(piece, Piece::Data(_)) {
                self.tarball.reader.consume(count);
            }
            self.pass(u64::try_from(count).unwrap_or(u64::MAX));
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl<R> Content<'_, R> {
    /// Counts so many bytes of the next piece as read.
    fn pass(&mut self, count: u64) {
        match self.pieces.last_mut() {
            Some(Piece::Data(left)) => {
                *left = left.saturating_sub(count);
                self.tarball.unread = self.tarball.unread.saturating_sub(count);
                self.tarball.offset = self.tarball.offset.saturating_add(count);
            }
            Some(Piece::Hole(left)) => *left = left.saturating_sub(count),
            None => {}
        }
    }
}

impl<R: Skip> Read for Content<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.pieces.last_mut() {
            let (Piece::Data(left) | Piece::Hole(left)) = piece;
            let count = usize::try_from(*left).unwrap_or(usize::MAX).min(into.len());
            if *left == 0 {
                self.pieces.pop();
                continue;
            }
            let Some(into) = into.get_mut(..count).filter(|into| !into.is_empty()) else {
                return Ok(0);
            };
            let count = if matches!(piece, Piece::Hole(_)) {
                into.fill(0);
                count
            } else {
                self.tarball.reader.read(into)?
            };
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.pass(u64::try_from(count).unwrap_or(u64::MAX));
            return Ok(count);
        }
        Ok(0)
    }
}

impl Pending {
    const fn is_empty(&self) -> bool {
        self.name.is_none() && self.link.is_none() && self.pax.is_none()
    }
}

impl Piece {
    const fn len(self) -> u64 {
        match self {
            Self::Data(len) | Self::Hole(len) => len,
        }
    }
}

/// The holes and the data between them; `None` unless both sums come out and nothing overlaps.
fn pieces(pairs: &[(u64, u64)], stored: u64, real: u64) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let (mut at, mut data) = (0_u64, 0_u64);
    for (offset, length) in pairs {
        pieces.push(Piece::Hole(offset.checked_sub(at)?));
        pieces.push(Piece::Data(*length));
        at = offset.checked_add(*length)?;
        data = data.checked_add(*length)?;
    }
    pieces.push(Piece::Hole(real.checked_sub(at)?));
    (data == stored).then_some(pieces)
}

/// A numeric field of a header.
#[derive(Clone, Copy)]
struct Field {
    name: &'static str,
    at: usize,
    len: usize,
}

impl Field {
    const MODE: Self = Self { name: "mode", at: 100, len: 8 };
    const UID: Self = Self { name: "uid", at: 108, len: 8 };
    const GID: Self = Self { name: "gid", at: 116, len: 8 };
    const SIZE: Self = Self { name: "size", at: 124, len: 12 };
    const CHECKSUM: Self = Self { name: "checksum", at: 148, len: 8 };

    /// Octal digits between spaces and NULs, or, where the first bit is set, a big-endian number.
    fn read(self, block: &[u8; BLOCK]) -> Option<u64> {
        let bytes = block.get(self.at..self.at.checked_add(self.len)?)?;
        let (first, rest) = bytes.split_first()?;
        if first & 0x80 != 0 {
            // The second bit is the sign.
            let first = Some(u64::from(first & 0x7f)).filter(|first| first & 0x40 == 0)?;
            return rest.iter().try_fold(first, |number, byte| {
                number.checked_mul(256)?.checked_add(u64::from(*byte))
            });
        }
        let is_blank = |byte: &u8| *byte == b' ' || *byte == 0;
        let start = bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len());
        let (_, bytes) = bytes.split_at_checked(start)?;
        let digits = bytes.split(is_blank).next().unwrap_or_default();
        let rest = bytes.get(digits.len()..)?;
        if !rest.iter().all(is_blank) && rest.first() != Some(&0) {
            return None;
        }
        digits.iter().try_fold(0_u64, |number, digit| match digit {
            b'0'..=b'7' => number.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
            _ => None,
        })
    }
}

fn set_once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

fn is_zero(block: &[u8; BLOCK]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Skip for &[u8] {
        fn skip(&mut self, count: u64) -> io::Result<()> {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            let rest = self.get(count..).ok_or(io::ErrorKind::UnexpectedEof)?;
            *self = rest;
            Ok(())
        }
    }

    /// Names and contents, or what is wrong.
    fn read(archive: &[u8]) -> Result<Vec<(Vec<u8>, usize)>, TarFlaw> {
        let flaw = |failure| match failure {
            Failure::Flaw { flaw, .. } => flaw,
            Failure::Io(error) => panic!("memory has no {error}"),
        };
        let mut tarball = Tarball::new(archive, 4_096);
        let mut items = Vec::new();
        while let Some(item) = tarball.next().map_err(flaw)? {
            // Holes can be of any size: no more than this is read.
            let mut content = tarball.reader(&item).take(1 << 20);
            let count =
                io::copy(&mut content, &mut io::sink()).map_err(|_cut| TarFlaw::Truncated)?;
            items.push((item.name, usize::try_from(count).unwrap()));
        }
        Ok(items)
    }

    fn archive(names: &[String], contents: &[Vec<u8>]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in names.iter().zip(contents) {
            let mut header = tar::Header::new_gnu();
            header.set_size(u64::try_from(content.len()).unwrap());
            header.set_mode(0o644);
            builder.append_data(&mut header, name, content.as_slice()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            names in prop::collection::vec("[a-z]{1,20}(/[a-zA-Z0-9é -]{1,60}){0,4}x", 0..8),
            contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..1_100), 8),
        ) {
            let expect: Vec<_> = names
                .iter()
                .zip(&contents)
                .map(|(name, content)| (name.clone().into_bytes(), content.len()))
                .collect();
            prop_assert_eq!(read(&archive(&names, &contents)), Ok(expect));
        }

        #[test]
        fn anything_ends_in_entries_or_a_flaw(
            mut bytes in Just(archive(&["a/b".to_owned(), "c".repeat(200)], &[vec![1; 700], vec![2; 10]])),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
            end in any::<prop::sample::Index>(),
        ) {
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
                // A header that fits its checksum gets further.
                let start = at - at % BLOCK;
                let block: [u8; BLOCK] = bytes[start..start + BLOCK].try_into().unwrap();
                let mut header = tar::Header::from_byte_slice(&block).clone();
                header.set_cksum();
                bytes[start..start + BLOCK].copy_from_slice(header.as_bytes());
            }
            bytes.truncate(end.index(bytes.len()) + 1);
            drop(read(&bytes));
        }

        #[test]
        fn any_records_are_read_or_refused(records in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(Pax::parse(&records));
        }
    }
}
