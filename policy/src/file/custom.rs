//! `custom`: rules of the user's own, in Rego.

use super::reader::{Fields, Reader};
use crate::{
    Error,
    custom::{self, CustomRule, FactPath},
    decide::Action,
    policy::Policy,
    yaml::Node,
};
use plimsoll_model::Severity;

const KEYS: &[&str] =
    &["id", "title", "file", "rule", "about", "needs", "severity", "action", "remedy"];
const ACTIONS: [(&str, Action); 3] = [
    (Action::Inform.as_str(), Action::Inform),
    (Action::Warn.as_str(), Action::Warn),
    (Action::Deny.as_str(), Action::Deny),
];
const SEVERITIES: [(&str, Severity); 5] = [
    ("critical", Severity::Critical),
    ("high", Severity::High),
    ("medium", Severity::Medium),
    ("low", Severity::Low),
    ("info", Severity::Info),
];

pub(super) fn read(reader: &Reader<'_>, node: &Node, policy: &mut Policy) -> Result<(), Error> {
    let rules = reader.list(node)?;
    if !custom::IS_JUDGED && !rules.is_empty() {
        return reader.fail(
            node.at,
            "this build judges no rules in Rego: it was made without the feature `rego`",
        );
    }
    if let Some(item) = rules.get(custom::MOST) {
        return reader.fail(item.at, format!("expected at most {} rules", custom::MOST));
    }
    policy.custom.clear();
    for item in rules {
        let rule = rule(reader, item)?;
        if policy.custom.iter().any(|other| other.id == rule.id) {
            return reader.fail(item.at, format!("there is a rule `{}` already", rule.id));
        }
        policy.custom.push(rule);
    }
    Ok(())
}

fn rule(reader: &Reader<'_>, node: &Node) -> Result<CustomRule, Error> {
    let fields = reader.fields(node, KEYS)?;
    let text = |key| required(reader, &fields, key).and_then(|node| reader.text(node));
    let optional = |key, words| fields.get(key).map(|node| reader.word(node, words)).transpose();
    let title = text("title")?.to_owned();
    let remedy = fields.get("remedy").map(|node| reader.text(node)).transpose()?;
    Ok(CustomRule {
        id: id(reader, required(reader, &fields, "id")?)?,
        file: reader.file(required(reader, &fields, "file")?)?,
        rule: name(reader, required(reader, &fields, "rule")?)?,
        about: paths(reader, required(reader, &fields, "about")?)?,
        needs: fields.get("needs").map_or_else(|| Ok(Vec::new()), |node| paths(reader, node))?,
        severity: fields
            .get("severity")
            .map_or(Ok(Severity::High), |node| reader.word(node, &SEVERITIES))?,
        action: optional("action", &ACTIONS)?.unwrap_or(Action::Deny),
        remedy: remedy.map_or_else(|| format!("see to it that {title}"), str::to_owned),
        title,
        line: node.at.line,
        text: None,
    })
}

fn required<'n>(reader: &Reader<'_>, fields: &Fields<'n>, key: &str) -> Result<&'n Node, Error> {
    let missing = || reader.fail(fields.at, format!("a rule of one's own needs `{key}`"));
    fields.get(key).map_or_else(missing, Ok)
}

fn id(reader: &Reader<'_>, node: &Node) -> Result<&'static str, Error> {
    let text = reader.text(node)?;
    if custom::is_id(text) {
        return Ok(custom::interned(text));
    }
    let shown: String = text.chars().take(100).collect();
    reader.fail(
        node.at,
        format!("expected an id such as `X-LABELS`: `X-`, capital letters, digits and hyphens, found `{shown}`"),
    )
}

/// The name of a rule in Rego.
fn name(reader: &Reader<'_>, node: &Node) -> Result<String, Error> {
    let text = reader.text(node)?;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if text.bytes().all(is_letter) && !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    let shown: String = text.chars().take(100).collect();
    reader.fail(
        node.at,
        format!("expected the name of a rule in the file, such as `holds`, found `{shown}`"),
    )
}

fn paths(reader: &Reader<'_>, node: &Node) -> Result<Vec<FactPath>, Error> {
    let list = reader.list(node)?;
    if list.is_empty() {
        return reader.fail(node.at, "expected at least one path in facts, such as `image`");
    }
    list.iter().map(|item| reader.parsed(item, "a path in facts such as `image.config`")).collect()
}
