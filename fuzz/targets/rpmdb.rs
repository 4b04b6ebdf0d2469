//! The database of rpm in its three kinds: the path in a line, with the length of the database behind a blank where a log
//! follows it; then the database.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use plimsoll_fuzz::{catalog_named, mutate};

fuzz_target!(|input: &[u8]| catalog_named(input));

fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    mutate(data, size, most, seed)
});
