//! What several tests need.

use crate::{Builder, Index};
use plimsoll_model::Limits;
use std::io::{Cursor, Write as _};

/// When everything happens in tests.
pub(crate) const NOW: &str = "2026-11-22T12:00:00Z";

pub(crate) fn builder() -> Builder {
    Builder::new(NOW.parse().unwrap(), &Limits::STANDARD)
}

/// An archive with these entries.
pub(crate) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The bytes of an index of these records.
pub(crate) fn index_bytes(records: &[&str]) -> Vec<u8> {
    let names: Vec<_> = (0..records.len()).map(|number| format!("{number}.json")).collect();
    let entries: Vec<_> = names
        .iter()
        .zip(records)
        .map(|(name, record)| (name.as_str(), record.as_bytes()))
        .collect();
    let mut builder = builder();
    let imported = builder.import_zip_bytes("test", &zip(&entries)).unwrap();
    assert_eq!(imported.unreadable, []);
    builder.finish().unwrap()
}

pub(crate) fn index(records: &[&str]) -> Index {
    Index::from_bytes(index_bytes(records)).unwrap()
}

/// What fuzzing of the index begins with: an index of the records that fuzzing of records begins with. It is written anew with
/// `BLESS=1`.
#[test]
#[expect(clippy::disallowed_methods, reason = "the files are ours")]
fn fuzzing_begins_with_a_good_index() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let records = ["npm", "go", "deb"].map(|name| {
        let input = std::fs::read_to_string(corpus.join("osv_record").join(name)).unwrap();
        input.split_once('\n').unwrap().1.to_owned()
    });
    let expect = index_bytes(&records.each_ref().map(String::as_str));
    let file = corpus.join("index_file/three.db");
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &expect).unwrap();
    }
    let found = std::fs::read(&file).unwrap_or_default();
    assert!(found == expect, "{}: set BLESS=1 to write it anew", file.display());
}
