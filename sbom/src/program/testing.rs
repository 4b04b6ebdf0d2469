//! Programs for tests.

/// The table of functions of a Go program since Go 1.20, with these names, and an end behind it.
pub(crate) fn pclntab(names: &[&str]) -> Vec<u8> {
    let names: Vec<u8> = names.iter().flat_map(|name| [name.as_bytes(), b"\0"].concat()).collect();
    let end = 72 + u64::try_from(names.len()).unwrap();
    let mut table = b"\xf1\xff\xff\xff\0\0\x01\x08".to_vec();
    for word in [9, 1, 0x40_1000, 72, end, end, end, end] {
        table.extend(u64::to_le_bytes(word));
    }
    table.extend(names);
    table.resize(table.len() + 16, 0xee);
    table
}

/// A 64-bit ELF program of one segment, loaded at [`BASE`], and one of notes, if any; its content begins at 256.
pub(crate) fn elf(notes: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    let words = |bytes: &mut Vec<u8>, words: &[u64]| {
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    };
    let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap();
    let after = 256 + length(content);
    words(&mut bytes, &[0, 64, 0]);
    bytes.extend_from_slice(b"\0\0\0\0\x40\0\x38\0\x02\0\x40\0\0\0\0\0");
    bytes.extend_from_slice(b"\x01\0\0\0\x06\0\0\0");
    words(&mut bytes, &[0, BASE, BASE, after, after, 4096]);
    bytes.extend_from_slice(b"\x04\0\0\0\x04\0\0\0");
    words(&mut bytes, &[after, BASE, BASE, length(notes), length(notes), 4]);
    bytes.resize(256, 0);
    bytes.extend_from_slice(content);
    bytes.extend_from_slice(notes);
    bytes
}

/// Where the programs of [`elf`] are loaded to.
pub(crate) const BASE: u64 = 0x40_0000;

/// A note of an ELF program.
pub(crate) fn note(owner: &str, kind: u32, content: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
    let owner = [owner.as_bytes(), b"\0"].concat();
    let mut note = Vec::new();
    for number in [length(&owner), length(content), kind] {
        note.extend(number.to_le_bytes());
    }
    for part in [&owner, content] {
        note.extend_from_slice(part);
        note.resize(note.len().next_multiple_of(4), 0);
    }
    note
}

/// Go's lines about modules as they are embedded: without modules there are no sentinels either.
pub(crate) fn sentinels(modules: &str) -> Vec<u8> {
    if modules.is_empty() {
        return Vec::new();
    }
    [super::go::SENTINEL, modules.as_bytes(), super::go::END_SENTINEL].concat()
}

/// A text as `cargo auditable` embeds it.
pub(crate) fn deflated(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(7));
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}
