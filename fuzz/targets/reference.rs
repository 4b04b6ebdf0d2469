//! References to images, package URLs and the other short texts that people and documents name things by: what is read
//! and printed is read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_model::{
    Digest, Purl, Reference,
    platform::Platform,
    reference::{ImageName, Repository, Tag},
};
use std::{
    fmt::{Debug, Display},
    str::FromStr,
};

fuzz_target!(|text: &str| {
    same_again::<Digest>(text);
    same_again::<ImageName>(text);
    same_again::<Platform>(text);
    same_again::<Purl>(text);
    same_again::<Reference>(text);
    same_again::<Repository>(text);
    same_again::<Tag>(text);
});

fn same_again<T: FromStr<Err: Debug> + Display + Debug + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let printed = value.to_string();
        match printed.parse::<T>() {
            Ok(again) => assert_eq!(again, value, "printed as {printed:?}"),
            Err(error) => panic!("{value:?} is printed as {printed:?}, which is none: {error:?}"),
        }
    }
}
