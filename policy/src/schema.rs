//! The JSON Schema of the policy file, for editors: made from the rules themselves, so that it knows each of them with its
//! parameters.
//!
//! It knows keys, words and shapes. What goes with what, and whether a pattern or a date is one, says the reader alone.

use crate::{
    EvidenceKind, Profile,
    bases::Publisher,
    custom,
    rules::{self, Parameter, ParameterKind, Rule},
};
use serde_json::{Map, Value, json};

/// Where the schema is published.
const ID: &str = "https://github.com/plimsoll-dev/plimsoll/blob/main/docs/guide/policy-file.md";
const DURATION: &str = "^[0-9]{1,6}[dhm]$";
const DATE: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";

/// The schema.
pub fn policy() -> Value {
    let mut of_the_file = keys();
    let environment = closed(&keys());
    of_the_file.insert("version".to_owned(), json!({ "const": 1 }));
    of_the_file.insert(
        "environments".to_owned(),
        json!({
            "description": "What is different in one place: its keys in place of the file's.",
            "type": "object",
            "propertyNames": { "pattern": "^[0-9A-Za-z_-]{1,64}$" },
            "additionalProperties": environment,
            "maxProperties": 32,
        }),
    );
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "Policy file of Plimsoll, version 1",
        "required": ["version"],
    });
    extend(&mut schema, closed(&of_the_file));
    schema
}

/// The keys that a file and its environments have.
fn keys() -> Map<String, Value> {
    let profiles = Profile::ALL.map(Profile::as_str);
    let sections = [
        ("extends", json!({ "enum": profiles })),
        ("unknown", leniency()),
        ("gate", gate()),
        ("bases", bases()),
        ("custom", list(&custom())),
        ("rules", rules()),
        ("evidence", evidence()),
        (
            "promotion",
            object(&[("from", text()), ("to", text()), ("immutable-tags", list(&text()))]),
        ),
        (
            "vex",
            object(&[
                ("documents", list(&text())),
                ("issuers", some(&text())),
                ("max-age", duration()),
            ]),
        ),
        ("exceptions", list(&exception())),
        ("inline-exceptions", required(object(&[("allow", list(&excepted()))]), &["allow"])),
    ];
    sections.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn gate() -> Value {
    let condition = object(&[
        ("severity", severity()),
        ("fixable", json!({ "type": "boolean" })),
        ("older-than", duration()),
        ("fixed-for", duration()),
        ("epss", json!({ "type": "string", "pattern": "^[0-9]{1,3}(\\.[0-9]{1,4})?%$" })),
        ("known-exploited", json!({ "const": true })),
        ("malicious", json!({ "const": true })),
        ("origin", json!({ "enum": ["base", "own"] })),
    ]);
    let mut condition = condition;
    extend(&mut condition, json!({ "minProperties": 1 }));
    object(&[
        ("fail", list(&condition)),
        ("max-advisory-age", json!({ "anyOf": [duration(), { "const": "off" }] })),
        ("unknown-severity", leniency()),
    ])
}

fn bases() -> Value {
    let allowed = object(&[
        ("repository", text()),
        ("only", json!({ "const": "official" })),
        ("pin", json!({ "const": "digest" })),
        ("max-age", duration()),
        ("signer", json!({ "enum": Publisher::ALL.map(Publisher::as_str) })),
        ("source", text()),
    ]);
    let mirror = required(object(&[("from", text()), ("to", text())]), &["from", "to"]);
    let mut bases = object(&[
        ("lock", text()),
        ("key", text()),
        ("allow", list(&required(allowed, &["repository"]))),
        ("deny", list(&text())),
        ("mirrors", list(&mirror)),
        ("allow-flattened", json!({ "const": true })),
    ]);
    let lock = json!(["lock"]);
    extend(&mut bases, json!({ "dependentRequired": { "key": lock, "allow-flattened": lock } }));
    bases
}

fn switch() -> Value {
    json!({ "enum": ["off", "inform", "warn", "deny"] })
}

fn rules() -> Value {
    let families = rules::families().into_iter().map(|family| (family, switch()));
    let single = rules::ALL.iter().map(|rule| (rule.id.to_owned(), setting(rule)));
    let mut rules = closed(&families.chain(single).collect());
    let own = json!({ "anyOf": [switch(), object(&[("action", switch())])] });
    extend(&mut rules, json!({ "patternProperties": { custom::PATTERN: own } }));
    rules
}

/// A rule of the user's own.
fn custom() -> Value {
    let known = object(&[
        ("id", own_id()),
        ("title", text()),
        ("file", text()),
        ("rule", json!({ "type": "string", "pattern": "^[A-Za-z_][0-9A-Za-z_]*$" })),
        ("about", some(&text())),
        ("needs", some(&text())),
        ("severity", severity()),
        ("action", json!({ "enum": ["inform", "warn", "deny"] })),
        ("remedy", text()),
    ]);
    required(known, &["id", "title", "file", "rule", "about"])
}

fn severity() -> Value {
    json!({ "enum": ["critical", "high", "medium", "low", "info"] })
}

fn setting(rule: &Rule) -> Value {
    let mut known = vec![("action", switch())];
    known.extend(rule.parameters.iter().map(|parameter| (parameter.name, value(parameter))));
    json!({ "description": rule.title, "anyOf": [switch(), object(&known)] })
}

fn value(parameter: &Parameter) -> Value {
    let mut schema = match parameter.kind {
        ParameterKind::Number { low, high } => {
            json!({ "type": "integer", "minimum": low, "maximum": high })
        }
        ParameterKind::Texts | ParameterKind::Patterns => list(&text()),
        ParameterKind::Word(words) => json!({ "enum": words }),
    };
    extend(&mut schema, json!({ "description": parameter.help }));
    schema
}

fn outage() -> Value {
    let queue = required(object(&[("key", text())]), &["key"]);
    json!({ "anyOf": [{ "const": "fail" }, required(object(&[("queue", queue)]), &["queue"])] })
}

fn evidence() -> Value {
    let kind = json!({ "enum": EvidenceKind::ALL.map(EvidenceKind::as_str) });
    let acceptance = json!({ "enum": ["accept", "refuse"] });
    let number = json!({ "type": "integer", "minimum": 1, "maximum": 8 });
    let shared = [("for", some(&kind)), ("builders", some(&text())), ("verifier", url())];
    let of_key = [
        ("key", text()),
        ("unlogged", acceptance.clone()),
        ("valid-from", text()),
        ("valid-until", text()),
    ];
    let of_identity = [
        ("issuer", url()),
        ("identity", text()),
        ("repository", url()),
        ("repository-id", text()),
        ("owner-id", text()),
        ("ref", text()),
        ("triggers", some(&text())),
        ("runner", text()),
    ];
    let with = |own: &[(&'static str, Value)]| object(&[own, &shared].concat());
    let signer = json!({ "anyOf": [
        required(with(&of_key), &["key"]),
        required(with(&of_identity), &["issuer", "identity"]),
    ] });
    object(&[
        ("require", list(&kind)),
        ("signers", list(&signer)),
        ("trusted-root", text()),
        ("tuf", required(object(&[("url", url()), ("root", text())]), &["url", "root"])),
        ("max-age", duration()),
        ("max-scan-age", duration()),
        ("legacy", acceptance),
        ("logs", number.clone()),
        ("timestamps", number),
        ("provenance", provenance()),
        ("outage", outage()),
    ])
}

fn provenance() -> Value {
    object(&[
        ("build-types", some(&text())),
        ("parameters", list(&text())),
        ("repository", url()),
        ("ref", text()),
        ("commit", json!({ "type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$" })),
        ("triggers", some(&text())),
        ("complete", some(&json!({ "enum": ["parameters", "environment", "materials"] }))),
        ("hermetic", json!({ "const": true })),
        ("reproducible", json!({ "const": true })),
    ])
}

fn exception() -> Value {
    let known = object(&[
        ("rule", json!({ "anyOf": [excepted(), own_id()] })),
        ("id", text()),
        ("component", text()),
        ("path", text()),
        ("reason", text()),
        ("owner", text()),
        ("expires", json!({ "type": "string", "pattern": DATE })),
    ]);
    required(known, &["rule", "reason", "owner", "expires"])
}

fn own_id() -> Value {
    json!({ "type": "string", "pattern": custom::PATTERN })
}

/// A rule of ours that there can be exceptions from.
fn excepted() -> Value {
    let ids = rules::ALL.iter().map(|rule| rule.id).filter(|id| !id.starts_with("EXC-"));
    json!({ "enum": ids.chain(["vulnerability"]).collect::<Vec<_>>() })
}

fn leniency() -> Value {
    json!({ "enum": ["fail", "warn"] })
}

fn text() -> Value {
    json!({ "type": "string", "pattern": "\\S" })
}

fn url() -> Value {
    json!({ "type": "string", "pattern": "^[^*]*://[^*]*$" })
}

fn duration() -> Value {
    json!({ "type": "string", "pattern": DURATION })
}

fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

/// A list of at least one.
fn some(of: &Value) -> Value {
    json!({ "type": "array", "items": of, "minItems": 1 })
}

fn object(keys: &[(&str, Value)]) -> Value {
    closed(&keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn closed(keys: &Map<String, Value>) -> Value {
    json!({ "type": "object", "properties": keys, "additionalProperties": false })
}

fn required(mut schema: Value, keys: &[&str]) -> Value {
    extend(&mut schema, json!({ "required": keys }));
    schema
}

fn extend(schema: &mut Value, with: Value) {
    if let (Value::Object(schema), Value::Object(with)) = (schema, with) {
        schema.extend(with);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_every_rule_with_its_parameters() {
        let schema = policy();
        let known = &schema["properties"]["rules"]["properties"];
        for rule in rules::ALL {
            let setting = &known[rule.id]["anyOf"][1]["properties"];
            assert_eq!(setting["action"], switch(), "{}", rule.id);
            for parameter in rule.parameters {
                assert!(setting[parameter.name].is_object(), "{} {}", rule.id, parameter.name);
            }
        }
        assert_eq!(known["DF-*"], switch());
        let environment = &schema["properties"]["environments"]["additionalProperties"];
        assert_eq!(environment["properties"]["rules"]["properties"], *known);
        assert_eq!(environment["properties"]["version"], Value::Null);
    }
}
