//! The exceptions of a policy file.
//!
//! One without a reason, an owner or a last day (EXC-001) is no exception: the file is refused.

use super::reader::{Fields, Reader};
use crate::{
    Error, Pattern, custom::CustomRule, exceptions::Exception, policy::Policy, rules, yaml::Node,
};
use plimsoll_model::Purl;

const KEYS: &[&str] = &["rule", "id", "component", "path", "reason", "owner", "expires"];
/// Another name of the rule that judges matches of advisories.
const VULNERABILITY: &str = "vulnerability";
/// Rules about the exceptions themselves.
const SELF: &str = "EXC-";

pub(super) fn read(reader: &Reader<'_>, node: &Node, policy: &mut Policy) -> Result<(), Error> {
    let exceptions = reader.list(node)?.iter().map(|item| exception(reader, item, &policy.custom));
    let exceptions = exceptions.collect::<Result<_, _>>()?;
    policy.exceptions = exceptions;
    Ok(())
}

fn exception(reader: &Reader<'_>, node: &Node, custom: &[CustomRule]) -> Result<Exception, Error> {
    let fields = reader.fields(node, KEYS)?;
    let text = |key| required(reader, &fields, key).and_then(|node| reader.text(node));
    Ok(Exception {
        rule: rule(reader, required(reader, &fields, "rule")?, custom)?,
        id: fields.get("id").map(|node| reader.text(node).map(str::to_owned)).transpose()?,
        component: fields.get("component").map(|node| component(reader, node)).transpose()?,
        path: fields.get("path").map(|node| path(reader, node)).transpose()?,
        reason: text("reason")?.to_owned(),
        owner: text("owner")?.to_owned(),
        expires: reader.date(required(reader, &fields, "expires")?)?,
        line: node.at.line,
        column: node.at.column,
        inline: None,
    })
}

/// A pattern over paths. Nothing is named by the `./` in front of it.
fn path(reader: &Reader<'_>, node: &Node) -> Result<Pattern, Error> {
    let mut text = reader.text(node)?;
    while let Some(rest) = text.strip_prefix("./") {
        text = rest.trim_start_matches('/');
    }
    reader.pattern_of(node, text)
}

fn required<'n>(reader: &Reader<'_>, fields: &Fields<'n>, key: &str) -> Result<&'n Node, Error> {
    fields
        .get(key)
        .map_or_else(|| reader.fail(fields.at, format!("an exception needs `{key}` (EXC-001)")), Ok)
}

/// From which rules a Dockerfile may except itself, whatever they come to.
pub(super) fn inline(reader: &Reader<'_>, node: &Node, policy: &mut Policy) -> Result<(), Error> {
    let fields = reader.fields(node, &["allow"])?;
    let Some(list) = fields.get("allow") else {
        return reader.fail(node.at, "expected `allow`, a list of rules");
    };
    let rules = reader.list(list)?.iter().map(|item| rule(reader, item, &[]));
    policy.inline_exceptions = rules.collect::<Result<_, _>>()?;
    Ok(())
}

/// A package URL, or a pattern over package URLs in canonical form.
fn component(reader: &Reader<'_>, node: &Node) -> Result<Pattern, Error> {
    let text = reader.text(node)?;
    if text.contains('*') {
        return reader.pattern_of(node, &text.replace("/@", "/%40"));
    }
    let purl: Purl = reader.parsed(node, "a package URL such as `pkg:deb/debian/zlib1g`")?;
    let named = purl.as_str().split('?').next().unwrap_or_default();
    // Written `%2A`, it would come to mean any name.
    if named.contains('*') {
        return reader
            .fail(node.at, "a `*` in a package URL is written as such, and stands for any text");
    }
    reader.pattern_of(node, named)
}

fn rule(reader: &Reader<'_>, node: &Node, custom: &[CustomRule]) -> Result<&'static str, Error> {
    let id = match reader.text(node)? {
        VULNERABILITY => "VUL-002",
        id => id,
    };
    let ids = rules::ALL.iter().map(|rule| rule.id).filter(|id| !id.starts_with(SELF));
    let mut known: Vec<_> = ids.chain(custom.iter().map(|rule| rule.id)).collect();
    match known.iter().find(|known| **known == id) {
        Some(id) => Ok(id),
        None if id.starts_with(SELF) => {
            reader.fail(node.at, "there are no exceptions from the rules about exceptions")
        }
        None => {
            known.push(VULNERABILITY);
            Err(reader.unknown("rule", node.at, id, &known))
        }
    }
}
