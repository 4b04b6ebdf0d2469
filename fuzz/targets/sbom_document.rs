//! The SBOMs of others, in every format that is read; each is written in every format that is written.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use plimsoll_model::Limits;
use plimsoll_sbom::{
    changes::changes,
    combine::{Part, combine},
    formats::{ALL, OTHER_VERSIONS, Sbom, read_document},
    score::{Standard, score},
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(sbom) = read_document(bytes, &Limits::STANDARD) else { return };
    for standard in Standard::ALL {
        assert!(score(&sbom, standard).percent() <= 100);
    }
    written(&sbom);
    let inventory = &sbom.inventory;
    let parts = [Part { origin: "a", inventory }, Part { origin: "b", inventory }];
    combine(&parts, &Limits::STANDARD).expect("two small inventories fit into one");
    changes(inventory, inventory);
});

/// Whatever was read can be written, and what we write we read.
fn written(sbom: &Sbom) {
    let document = sbom.document("0.0.0", Timestamp::UNIX_EPOCH);
    for format in ALL.iter().copied().chain(OTHER_VERSIONS.iter().copied().flatten()) {
        let bytes = format.to_vec(&document).expect("what was read can be written");
        let again = read_document(&bytes, &Limits::STANDARD);
        let again = again.unwrap_or_else(|error| panic!("{} is not read: {error:?}", format.id));
        let (expect, found) = (sbom.inventory.components(), again.inventory.components());
        assert_eq!(expect.len(), found.len(), "{}", format.id);
    }
}
