//! JSON that means the same to every reader.

use crate::text::excerpt;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};
use std::fmt;

/// Reads JSON in which no object names a key twice, at most 128 levels deep.
///
/// Of a key named twice some readers take the first and some the last, so that two of them can see different things
/// under one signature. The depth is `serde_json`'s own limit.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice::<Unambiguous>(bytes).map(|Unambiguous(value)| value)
}

struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(UnambiguousVisitor).map(Self)
    }
}

struct UnambiguousVisitor;

impl<'de> Visitor<'de> for UnambiguousVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Unambiguous(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom(format_args!("key `{}` twice", excerpt(&key))));
            }
            let Unambiguous(value) = entries.next_value()?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, &str>) {
        let found = parse(text.as_bytes());
        match expect {
            Ok(same) => assert_eq!(found.unwrap().to_string(), same),
            Err(part) => {
                let error = found.unwrap_err().to_string();
                assert!(error.contains(part), "{error}");
            }
        }
    }

    #[test]
    fn a18_a_key_twice_is_refused_however_it_is_spelled_and_wherever_it_is() {
        check(
            r#"{"b":1,"a":{"b":[null,true,-2,1.5,"x"]}}"#,
            Ok(r#"{"b":1,"a":{"b":[null,true,-2,1.5,"x"]}}"#),
        );
        check(r#"{"a":1,"a":1}"#, Err("key `a` twice"));
        check(r#"{"a":1,"\u0061":2}"#, Err("key `a` twice"));
        check(r#"[{"x":{"a":1,"b":2,"a":3}}]"#, Err("key `a` twice"));
    }

    #[test]
    fn a18_what_readers_differ_on_is_refused() {
        check("\u{feff}{}", Err("expected value"));
        check("{} {}", Err("trailing characters"));
        check(r#""\ud800""#, Err("hex escape"));
        check(&("[".repeat(200) + &"]".repeat(200)), Err("recursion limit"));
        check("", Err("EOF"));
        assert!(parse(b"\"\xff\"").is_err());
    }
}
