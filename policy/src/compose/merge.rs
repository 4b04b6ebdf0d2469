//! What becomes of the same thing in two files: <https://github.com/compose-spec/compose-spec/blob/main/13-merge.md>.

use super::{
    files::Variables,
    interpolate::{HOLE, Text, expand},
    tree::{Entry, Node, Spot, Value},
};
use std::collections::{BTreeMap, BTreeSet};

/// What the later file says instead of the earlier one, and not besides.
const REPLACED: [&str; 3] = ["command", "entrypoint", "test"];

/// Lists of which an item takes the place of an earlier one with the same path in the container.
const BY_TARGET: [&str; 4] = ["volumes", "devices", "configs", "secrets"];

/// Puts `over` on top of `base`, which both stand under `key`.
pub(super) fn merge(base: &mut Node, over: Node, key: &str) {
    match (&mut base.value, over.value) {
        (_, Value::Null) => {}
        (Value::Map(below), Value::Map(above)) => merge_entries(below, above),
        (Value::List(below), Value::List(above)) if !REPLACED.contains(&key) => {
            if BY_TARGET.contains(&key) {
                let targets: BTreeSet<String> = above.iter().filter_map(target).collect();
                below.retain(|item| target(item).is_none_or(|target| !targets.contains(&target)));
            }
            below.extend(above);
        }
        (_, value) => *base = Node { at: over.at, value },
    }
}

fn merge_entries(below: &mut Vec<Entry>, above: Vec<Entry>) {
    let places: BTreeMap<String, usize> =
        below.iter().enumerate().map(|(place, entry)| (entry.key.clone(), place)).collect();
    for entry in above {
        match places.get(&entry.key).and_then(|place| below.get_mut(*place)) {
            Some(under) => {
                if matches!(under.value.value, Value::Null) {
                    under.value = entry.value;
                } else {
                    merge(&mut under.value, entry.value, &entry.key);
                }
            }
            None => below.push(entry),
        }
    }
}

/// The path in the container of an item in the long or the short syntax.
fn target(item: &Node) -> Option<String> {
    match &item.value {
        Value::Map(_) => item.get("target").or_else(|| item.get("source"))?.scalar(),
        Value::Text(text) => {
            let mut parts = text.value.split(':');
            let first = parts.next()?;
            Some(parts.next().unwrap_or(first).to_owned())
        }
        Value::Null | Value::Flag(_) | Value::Number(_) | Value::OtherNumber | Value::List(_) => {
            None
        }
    }
}

/// Keys of a service that rules look at, and what may stand there.
const SHAPES: [(&str, Shape); 26] = [
    ("ports", Shape::List),
    ("volumes", Shape::List),
    ("cap_add", Shape::List),
    ("cap_drop", Shape::List),
    ("security_opt", Shape::List),
    ("devices", Shape::List),
    ("device_cgroup_rules", Shape::List),
    ("environment", Shape::Pairs),
    ("networks", Shape::Pairs),
    ("sysctls", Shape::Pairs),
    ("deploy", Shape::Map),
    ("healthcheck", Shape::Map),
    ("logging", Shape::Map),
    ("ulimits", Shape::Map),
    ("image", Shape::Scalar),
    ("user", Shape::Scalar),
    ("network_mode", Shape::Scalar),
    ("pid", Shape::Scalar),
    ("ipc", Shape::Scalar),
    ("uts", Shape::Scalar),
    ("userns_mode", Shape::Scalar),
    ("cgroup", Shape::Scalar),
    ("restart", Shape::Scalar),
    ("pull_policy", Shape::Scalar),
    ("privileged", Shape::Scalar),
    ("read_only", Shape::Scalar),
];

/// What may stand under a key.
#[derive(Debug, Clone, Copy)]
enum Shape {
    List,
    Map,
    /// A mapping, or a list of texts.
    Pairs,
    Scalar,
}

/// What stands in a service where nothing that rules understand does: where, and what is wrong.
pub(super) fn misshapen(service: &Node) -> Vec<(Spot, String)> {
    let flaw = |(key, shape): (&str, Shape)| {
        let node = service.get(key)?;
        let is_right = match (shape, &node.value) {
            (Shape::List, Value::List(_)) | (Shape::Map | Shape::Pairs, Value::Map(_)) => true,
            (Shape::Pairs, Value::List(items)) => items.iter().all(|item| item.text().is_some()),
            (Shape::Scalar, value) => !matches!(value, Value::List(_) | Value::Map(_)),
            (Shape::List | Shape::Map | Shape::Pairs, _) => false,
        };
        (!is_right).then(|| (node.at, format!("`{key}` is not what it has to be")))
    };
    SHAPES.into_iter().filter_map(flaw).collect()
}

/// Brings the short syntaxes of a service into the long ones, so that files that use different ones merge.
///
/// A variable of `environment` or `build.args` that has no value is handed on: it gets that of `variables`.
pub(super) fn normalise(service: &mut Node, variables: &Variables) {
    for entry in entries_mut(service) {
        match entry.key.as_str() {
            "environment" => {
                pairs(&mut entry.value);
                hand_on(&mut entry.value, variables);
            }
            "labels" | "annotations" | "sysctls" | "networks" | "depends_on" => {
                pairs(&mut entry.value);
            }
            "build" => {
                if let Value::Text(_) = entry.value.value {
                    let at = entry.value.at;
                    let context = std::mem::replace(
                        &mut entry.value,
                        Node { at, value: Value::Map(Vec::new()) },
                    );
                    entry.value.value =
                        Value::Map(vec![Entry { at, key: "context".to_owned(), value: context }]);
                }
                for inner in entries_mut(&mut entry.value) {
                    match inner.key.as_str() {
                        "args" => {
                            pairs(&mut inner.value);
                            hand_on(&mut inner.value, variables);
                        }
                        "labels" | "additional_contexts" => pairs(&mut inner.value),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// Gives variables without a value that of the environment: it is known, or it is a hole.
fn hand_on(node: &mut Node, variables: &Variables) {
    for entry in entries_mut(node) {
        if matches!(entry.value.value, Value::Null) {
            entry.value.value = Value::Text(expand(&format!("${{{}}}", entry.key), variables));
        }
    }
}

fn entries_mut(node: &mut Node) -> &mut [Entry] {
    if let Value::Map(entries) = &mut node.value { entries } else { &mut [] }
}

/// A list of `NAME=VALUE` as a mapping; a name alone has no value.
fn pairs(node: &mut Node) {
    let Value::List(items) = &node.value else { return };
    let entries = items.iter().filter_map(|item| {
        let text = item.text()?;
        let (key, value) = match text.value.split_once('=') {
            Some((key, value)) => {
                let unresolved = text.unresolved.clone().filter(|_| value.contains(HOLE));
                let written = text.written.split_once('=').map_or("", |(_, value)| value);
                let (written, value) = (written.to_owned(), value.to_owned());
                (key, Value::Text(Text { written, value, unresolved, origin: text.origin }))
            }
            None => (text.value.as_str(), Value::Null),
        };
        Some(Entry { at: item.at, key: key.to_owned(), value: Node { at: item.at, value } })
    });
    node.value = Value::Map(entries.collect());
}
