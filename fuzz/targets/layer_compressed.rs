//! The layers of images, compressed by gzip or zstd.
#![no_main]

libfuzzer_sys::fuzz_target!(|blob: &[u8]| plimsoll_fuzz::layer(blob));
