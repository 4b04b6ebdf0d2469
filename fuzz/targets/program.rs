//! Programs, and what Go, Cargo and others leave in them: the path in a line, then the program.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use plimsoll_fuzz::{catalog_named, mutate};

fuzz_target!(|input: &[u8]| catalog_named(input));

fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    mutate(data, size, most, seed)
});
