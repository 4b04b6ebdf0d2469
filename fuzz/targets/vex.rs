//! VEX of others: OpenVEX, CycloneDX and CSAF.
#![no_main]

use camino::Utf8Path;
use libfuzzer_sys::fuzz_target;
use plimsoll_policy::vex;

fuzz_target!(|bytes: &[u8]| {
    let path = Utf8Path::new("vex.json");
    let Ok(document) = vex::read(bytes, path) else { return };
    assert!(!document.statements.is_empty(), "a document without statements is refused");
    for statement in &document.statements {
        assert!(!statement.ids.is_empty(), "{}", statement.at);
    }
    assert_eq!(vex::read(bytes, path).expect("what was read is read again"), document);
});
