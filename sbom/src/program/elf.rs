//! What the beginning of an ELF file tells of the rest: what is loaded where, and where the notes are.
//!
//! Format: <https://gabi.xinuos.com/elf/07-pheader.html>; notes: <https://systemd.io/ELF_PACKAGE_METADATA/>.

use object::{
    Endianness,
    elf::{FileHeader32, FileHeader64, PF_W, PF_X, PT_LOAD, PT_NOTE},
    read::elf::{FileHeader, ProgramHeader as _},
};

/// Segments of one program; linkers write about a dozen.
const MOST_SEGMENTS: usize = 256;

/// Segments of notes that are read.
const MOST_NOTES: usize = 8;

/// A segment of notes, in bytes.
const LONGEST_NOTES: u64 = 1 << 16;

/// What the program headers say.
#[derive(Debug, Default)]
pub(super) struct Segments {
    loaded: Vec<Loaded>,
    /// Offsets and lengths of notes.
    pub(super) notes: Vec<(u64, u64)>,
    is_big: bool,
}

/// A piece of the file that is loaded to memory.
#[derive(Debug)]
struct Loaded {
    offset: u64,
    size: u64,
    address: u64,
    is_code: bool,
}

/// A note in a program.
#[derive(Debug)]
pub(super) struct Note<'a> {
    /// Who defines its types, with a NUL behind it.
    pub(super) owner: &'a [u8],
    /// Its type.
    pub(super) kind: u32,
    /// What it says.
    pub(super) content: &'a [u8],
}

impl Segments {
    /// Reads the headers at the beginning of a program; nothing where they are elsewhere or malformed.
    pub(super) fn parse(beginning: &[u8]) -> Self {
        let segments = match beginning.get(4) {
            Some(1) => read::<FileHeader32<Endianness>>(beginning),
            _ => read::<FileHeader64<Endianness>>(beginning),
        };
        segments.unwrap_or_default()
    }

    /// Where in the file lies what is loaded to an address.
    pub(super) fn offset(&self, address: u64) -> Option<u64> {
        self.loaded.iter().find_map(|segment| {
            let inside = address.checked_sub(segment.address)?;
            if inside < segment.size { segment.offset.checked_add(inside) } else { None }
        })
    }

    /// The end of the code that a place in the file is inside of. Code is a segment that is executed and holds not the
    /// headers as well: linkers that put constants among the code put it all in one segment.
    pub(super) fn end_of_code(&self, offset: u64) -> Option<u64> {
        self.loaded.iter().find_map(|segment| {
            let end = segment.offset.checked_add(segment.size)?;
            let is_inside = segment.offset <= offset && offset < end;
            (segment.is_code && is_inside).then_some(end)
        })
    }

    /// Where code begins that lies behind a place in the file.
    pub(super) fn next_code(&self, offset: u64) -> Option<u64> {
        let code = self.loaded.iter().filter(|segment| segment.is_code);
        code.map(|segment| segment.offset).filter(|begin| *begin > offset).min()
    }

    /// The notes of one segment.
    pub(super) fn notes<'a>(&self, mut bytes: &'a [u8]) -> Vec<Note<'a>> {
        let mut notes = Vec::new();
        while let Some((note, rest)) = self.note(bytes) {
            notes.push(note);
            bytes = rest;
        }
        notes
    }

    fn note<'a>(&self, bytes: &'a [u8]) -> Option<(Note<'a>, &'a [u8])> {
        let (owner, bytes) = self.number(bytes)?;
        let (length, bytes) = self.number(bytes)?;
        let (kind, bytes) = self.number(bytes)?;
        let (owner, bytes) = padded(bytes, owner)?;
        let (content, bytes) = padded(bytes, length)?;
        Some((Note { owner, kind, content }, bytes))
    }

    fn number<'a>(&self, bytes: &'a [u8]) -> Option<(u32, &'a [u8])> {
        let (number, rest) = bytes.split_first_chunk::<4>()?;
        let of = if self.is_big { u32::from_be_bytes } else { u32::from_le_bytes };
        Some((of(*number), rest))
    }
}

/// So many bytes, and what follows them at a multiple of four. The last note may lack its padding.
fn padded(bytes: &[u8], length: u32) -> Option<(&[u8], &[u8])> {
    let (content, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    let padding = length.next_multiple_of(4).checked_sub(length)?;
    let rest = rest.get(usize::try_from(padding).ok()?..).unwrap_or_default();
    Some((content, rest))
}

fn read<H: FileHeader<Endian = Endianness>>(beginning: &[u8]) -> Option<Segments> {
    let header = H::parse(beginning).ok()?;
    let endian = header.endian().ok()?;
    let mut segments = Segments { is_big: endian == Endianness::Big, ..Segments::default() };
    for segment in header.program_headers(endian, beginning).ok()?.iter().take(MOST_SEGMENTS) {
        let (offset, size): (u64, u64) =
            (segment.p_offset(endian).into(), segment.p_filesz(endian).into());
        match segment.p_type(endian) {
            PT_LOAD => segments.loaded.push(Loaded {
                offset,
                size,
                address: segment.p_vaddr(endian).into(),
                // What is written to is data, whatever else its flags say.
                is_code: offset > 0
                    && segment.p_flags(endian).contains(PF_X)
                    && !segment.p_flags(endian).contains(PF_W),
            }),
            PT_NOTE if segments.notes.len() < MOST_NOTES && size <= LONGEST_NOTES => {
                segments.notes.push((offset, size));
            }
            _ => {}
        }
    }
    Some(segments)
}
