//! Version orders: three versions, one a line, in every scheme. An order that is none would make a flaw be missed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_vuln::versions::{ALL, Scheme};
use std::cmp::Ordering;

fuzz_target!(|text: &str| {
    let versions: Vec<&str> = text.splitn(3, '\n').collect();
    ALL.iter().for_each(|scheme| is_total(scheme, &versions));
});

fn is_total(scheme: &Scheme, versions: &[&str]) {
    let readable: Vec<&str> =
        versions.iter().copied().filter(|version| scheme.check(version).is_ok()).collect();
    let order = |left, right| {
        (scheme.compare)(left, right)
            .unwrap_or_else(|error| panic!("{scheme:?}: {left:?} and {right:?}: {error}"))
    };
    for left in &readable {
        assert_eq!(order(left, left), Ordering::Equal, "{scheme:?}: {left:?}");
        for right in &readable {
            let (way, back) = (order(left, right), order(right, left));
            assert_eq!(back, way.reverse(), "{scheme:?}: {left:?} and {right:?}");
            for third in &readable {
                if way.is_le() && order(right, third).is_le() {
                    assert!(
                        order(left, third).is_le(),
                        "{scheme:?}: {left:?} <= {right:?} <= {third:?}"
                    );
                }
            }
        }
    }
}
