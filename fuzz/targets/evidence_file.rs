//! Evidence files: what is read is exactly what would be written.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use plimsoll_attest::archive::Archive;
use plimsoll_model::Limits;

fuzz_target!(|bytes: &[u8]| {
    let (limits, now) = (&Limits::STANDARD, Timestamp::UNIX_EPOCH);
    if let Ok(archive) = Archive::parse(bytes, limits, now) {
        // Roots and keys are laid out anew once; then nothing changes any more.
        let once = archive.to_bytes(limits).expect("what was read can be written");
        let again = Archive::parse(&once, limits, now).expect("we read the files that we write");
        assert_eq!(again.images, archive.images);
        assert!(again.to_bytes(limits).expect("it can be written again") == once);
    }
});
