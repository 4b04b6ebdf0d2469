//! The user's files: policies, locks of approved bases, and the patterns in them.
#![no_main]

use camino::Utf8Path;
use libfuzzer_sys::fuzz_target;
use plimsoll_policy::{Pattern, Policy, bases::Lock};

fuzz_target!(|text: &str| {
    if let Ok(policy) = Policy::parse(text, Utf8Path::new("plimsoll.yaml")) {
        policy.gate();
        policy.exceptions();
    }
    if let Ok(lock) = Lock::parse(text.as_bytes()) {
        let again = Lock::parse(&lock.to_bytes()).expect("we read the locks that we write");
        assert_eq!(again.to_bytes(), lock.to_bytes());
    }
    if let Some((pattern, name)) = text.split_once('\n')
        && let Ok(pattern) = pattern.parse::<Pattern>()
    {
        pattern.is_match(name);
        assert!(pattern.as_str().parse::<Pattern>().is_ok());
    }
});
