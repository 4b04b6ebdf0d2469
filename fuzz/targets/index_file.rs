//! The index of advisories, damaged by somebody who knows how to mend the length and the checksum of its tables.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_fuzz::inventory;
use plimsoll_vuln::{Index, scan};

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    mend(&mut bytes);
    let Ok(index) = Index::from_bytes(bytes) else { return };
    index.stamp();
    // That its digest is another is no harm, and asking must not end badly either.
    let _is_whole = index.verify();
    scan(
        &inventory([
            "pkg:npm/a@1.0.0",
            "pkg:pypi/b@1",
            "pkg:cargo/c@1.2.3",
            "pkg:golang/d/e@v1.0.0",
        ]),
        &index,
    );
});

/// `vuln/src/index.rs` says what lies where.
fn mend(bytes: &mut [u8]) -> Option<()> {
    const HEADER: usize = 80;
    let length = u64::try_from(bytes.len()).ok()?;
    bytes.get_mut(16..24)?.copy_from_slice(&length.to_le_bytes());
    let tables = u32::from_le_bytes(*bytes.get(12..16)?.first_chunk()?);
    let tables = HEADER.checked_add(usize::try_from(tables).ok()?)?;
    let mut crc = flate2::Crc::new();
    crc.update(bytes.get(..44)?);
    crc.update(bytes.get(HEADER..tables)?);
    bytes.get_mut(44..48)?.copy_from_slice(&crc.sum().to_le_bytes());
    Some(())
}
