use super::*;
use crate::testing::index_bytes;

/// Packages `b`, `d`, … of npm, and names that lie before, between and after them.
fn packages() -> (Vec<u8>, Vec<String>) {
    let names = ["b", "d", "f", "h", "j", "l", "n"];
    let records = names.map(|name| {
        format!(
            r#"{{"id":"X-{name}","affected":[{{"package":{{"ecosystem":"npm","name":"{name}"}},"versions":["1"]}}]}}"#
        )
    });
    let bytes = index_bytes(&records.each_ref().map(String::as_str));
    (bytes, ('a'..='o').map(String::from).collect())
}

#[test]
fn whatever_bit_is_flipped_a_name_is_found_as_before_or_it_is_an_error() {
    let (whole, asked) = packages();
    let good = Index::from_bytes(whole.clone()).unwrap();
    let found = |index: &Index, name: &str| index.rows("npm", name).map(|rows| rows.len());
    let present = asked.iter().filter(|name| found(&good, name).unwrap() == 1).count();
    assert_eq!((present, asked.len()), (7, 15));
    let mut told = 0;
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut broken = whole.clone();
            broken[at] ^= 1 << bit;
            let Ok(broken) = Index::from_bytes(broken) else { continue };
            for name in &asked {
                match found(&broken, name) {
                    Ok(rows) => assert_eq!(rows, found(&good, name).unwrap(), "{at}: {name}"),
                    Err(Error::Damaged { .. }) => told += 1,
                    Err(other) => panic!("{at}: {name}: {other:?}"),
                }
            }
        }
    }
    assert!(told > 1_000, "{told}");
}

#[test]
fn keys_in_each_others_places_are_an_error() {
    let (whole, _) = packages();
    let good = Index::from_bytes(whole.clone()).unwrap();
    let texts = good.sections.key_texts.clone();
    let mut swapped = whole;
    // `npm\0b` and `npm\0d` are of one length.
    swapped[texts.start..texts.start + 10].rotate_left(5);
    let swapped = Index::from_bytes(swapped).unwrap();
    for name in ["a", "b", "c", "d"] {
        assert!(matches!(swapped.rows("npm", name), Err(Error::Damaged { .. })), "{name}");
    }
    assert_eq!(swapped.rows("npm", "f").unwrap().len(), 1);
}

#[test]
fn of_an_index_without_keys_nothing_is_found() {
    let index = Index::from_bytes(index_bytes(&[])).unwrap();
    assert_eq!(index.rows("npm", "a").unwrap(), []);
}
