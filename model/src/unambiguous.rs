//! Documents that mean the same to every reader.

use crate::printable::Printable;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use std::{cell::Cell, collections::BTreeSet, fmt};

/// The most values in one document: what 64 MiB of `0,` would become does not fit into a runner.
pub const MOST_VALUES: usize = 4_000_000;
/// The most of a key that is repeated, in characters.
const SHOWN: usize = 100;

/// Reads a document of any format and keeps nothing of it: what it is read as afterwards is what everybody else reads.
///
/// No mapping names a key twice, however it is spelled: some readers take the first and some the last, so that two of them
/// can see different things under one signature. There are at most [`MOST_VALUES`] values. How deep they nest, the format's
/// own reader limits.
#[derive(Debug, Clone, Copy)]
pub struct Unambiguous;

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let left = Cell::new(MOST_VALUES);
        Values { left: &left }.deserialize(from).map(|()| Self)
    }
}

#[derive(Clone, Copy)]
struct Values<'a> {
    left: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Values<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let left = self.left.get().checked_sub(1);
        let many = || D::Error::custom(format_args!("more than {MOST_VALUES} values"));
        self.left.set(left.ok_or_else(many)?);
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if keys.contains(&key) {
                let shown: String = key.chars().take(SHOWN).collect();
                let shown = Printable(&shown);
                return Err(A::Error::custom(format_args!("key `{shown}` stands twice")));
            }
            keys.insert(key);
            entries.next_value_seed(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<&str>) {
        let found = serde_json::from_str::<Unambiguous>(text).map_err(|error| error.to_string());
        assert_eq!(found.as_ref().err().map(String::as_str), expect, "{text:.40}");
    }

    #[test]
    fn a18_a_key_twice_is_refused_however_it_is_spelled_and_wherever_it_is() {
        check(r#"{"b":1,"a":{"b":[null,true,-2,1.5,18446744073709551615,"x"]},"A":{"b":0}}"#, None);
        check(r#"{"a":1,"a":1}"#, Some("key `a` stands twice at line 1 column 10"));
        check(r#"{"a":1,"\u0061":2}"#, Some("key `a` stands twice at line 1 column 15"));
        check(r#"[{"x":{"a":1,"b":2,"a":3}}]"#, Some("key `a` stands twice at line 1 column 22"));
        check(
            &format!(r#"{{"{0}":1,"{0}":1}}"#, "é".repeat(200)),
            Some(&format!("key `{}` stands twice at line 1 column 808", "é".repeat(100))),
        );
    }

    #[test]
    fn a18_the_number_of_values_is_limited_and_that_of_levels_by_the_format() {
        let list = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
        check(&list(MOST_VALUES), None);
        let many = format!("more than 4000000 values at line 1 column {}", 2 * MOST_VALUES - 1);
        check(&list(MOST_VALUES + 1), Some(&many));
        check(&"[".repeat(200), Some("recursion limit exceeded at line 1 column 128"));
    }
}
