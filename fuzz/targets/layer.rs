//! The layers of images, not compressed: tar archives of the old kind, of POSIX and of GNU.
#![no_main]

libfuzzer_sys::fuzz_target!(|tar: &[u8]| plimsoll_fuzz::layer(tar));
