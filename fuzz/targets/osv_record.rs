//! Records of advisories: a package URL in a line, then a record in OSV's format. It is built into an index, which is asked
//! about the package.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use plimsoll_fuzz::{Named, inventory, mutate};
use plimsoll_model::Limits;
use plimsoll_vuln::{Builder, Index, scan};
use std::io::{Cursor, Write as _};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

fuzz_target!(|input: &[u8]| {
    let Some(Named { path: purl, bytes: record }) = Named::parse(input) else { return };
    let mut builder = Builder::new(Timestamp::UNIX_EPOCH, &Limits::STANDARD);
    let imported =
        builder.import_zip_bytes("fuzz", &archive(record)).expect("the archive is a good one");
    let index = builder.finish().expect("what was taken can be written");
    let index = Index::from_bytes(index).expect("we read the indexes that we write");
    index.verify().expect("its digest is the one that we have written");
    assert_eq!(index.len(), imported.records);
    scan(&inventory(str::from_utf8(purl)), &index);
});

fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    mutate(data, size, most, seed)
});

/// The record as databases of advisories are handed out.
fn archive(record: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    writer.start_file("record.json", stored).expect("memory takes a name");
    writer.write_all(record).expect("memory takes all bytes");
    writer.finish().expect("memory takes all bytes").into_inner()
}
