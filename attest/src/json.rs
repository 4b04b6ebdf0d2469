//! JSON that means the same to every reader.

use plimsoll_model::Unambiguous;
use serde_json::Value;

/// Reads JSON in which no object names a key twice, at most 128 levels deep; that depth is `serde_json`'s own limit.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice::<Unambiguous>(bytes)?;
    serde_json::from_slice(bytes)
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
    fn a18_a_key_twice_is_refused() {
        let fine = r#"{"b":1,"a":{"b":[null,true,-2,1.5,"x"]}}"#;
        check(fine, Ok(fine));
        check(r#"[{"x":{"a":1,"b":2,"a":3}}]"#, Err("key `a` stands twice"));
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
