//! Where something is in `facts.json`: `image.config.labels`.

use crate::record;
use serde_json::Value;
use std::{fmt, str::FromStr, sync::LazyLock};

/// The schema of facts, in which paths are looked up.
static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(record::SCHEMA).unwrap_or_default());
/// How many references of the schema are followed in a row.
const MOST_REFERENCES: usize = 16;

/// Names between dots; through a list it means that of each entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FactPath(Vec<String>);

/// A text that names nothing in `facts.json`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("facts have no `{0}`: see `plimsoll schema facts`")]
pub(crate) struct NoSuchFact(String);

impl FromStr for FactPath {
    type Err = NoSuchFact;

    fn from_str(text: &str) -> Result<Self, NoSuchFact> {
        let names: Vec<String> = text.split('.').map(str::to_owned).collect();
        let mut schema = Some(&*SCHEMA);
        for name in &names {
            schema = schema.and_then(|schema| child(schema, name, MOST_REFERENCES));
        }
        schema.map(|_known| Self(names)).ok_or_else(|| NoSuchFact(text.chars().take(200).collect()))
    }
}

/// What the schema says of a field by this name.
fn child<'s>(schema: &'s Value, name: &str, references: usize) -> Option<&'s Value> {
    let references = references.checked_sub(1)?;
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = SCHEMA.pointer(reference.strip_prefix('#')?)?;
        return child(target, name, references);
    }
    let listed = schema.get("properties").and_then(|properties| properties.get(name));
    // Names that are data: of labels, of variables.
    let any = || schema.get("additionalProperties").filter(|rest| rest.is_object());
    let inner = || child(schema.get("items")?, name, references);
    let alternatives = ["anyOf", "oneOf"].into_iter().filter_map(|key| schema.get(key)?.as_array());
    let of_any = || alternatives.flatten().find_map(|one| child(one, name, references));
    listed.or_else(any).or_else(inner).or_else(of_any)
}

impl FactPath {
    /// Whether facts have something there: not null, not an empty list, and not missing in any entry of a list on the way.
    pub(crate) fn is_there(&self, facts: &Value) -> bool {
        has(facts, &self.0)
    }
}

fn has(value: &Value, names: &[String]) -> bool {
    let Some((name, rest)) = names.split_first() else { return record::is_something(value) };
    match value {
        Value::Object(fields) => fields.get(name).is_some_and(|field| has(field, rest)),
        Value::Array(entries) => {
            !entries.is_empty() && entries.iter().all(|entry| has(entry, names))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

impl fmt::Display for FactPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_the_schema_has_is_a_path() {
        for path in [
            "image",
            "image.config.labels",
            "image.layers.diffId",
            "dockerfiles.stages.from.source.is",
        ] {
            assert_eq!(path.parse::<FactPath>().map(|path| path.to_string()), Ok(path.to_owned()));
        }
        for path in ["", "imgae", "image.config.labls", "image..config", "image.digest.x", "$defs"]
        {
            assert_eq!(path.parse::<FactPath>(), Err(NoSuchFact(path.to_owned())));
        }
    }

    #[test]
    fn something_is_there_where_no_entry_lacks_it() {
        let has = |facts: &Value, path: &str| path.parse::<FactPath>().unwrap().is_there(facts);
        let facts = json!({
            "image": {"config": {"user": null, "labels": {}}, "layers": [{"diffId": "a"}, {"diffId": null}]},
            "dockerfiles": [], "scan": null,
        });
        for (path, expect) in [
            ("image", true),
            ("image.config.labels", true),
            ("image.config.user", false),
            ("image.layers", true),
            ("image.layers.diffId", false),
            ("dockerfiles", false),
            ("dockerfiles.path", false),
            ("scan", false),
            ("inventory", false),
        ] {
            assert_eq!(has(&facts, path), expect, "{path}");
        }
    }
}
