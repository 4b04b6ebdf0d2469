//! The sections of a policy file but the exceptions.

use super::{
    LENIENCIES, located,
    reader::{Fields, Reader},
};
use crate::{
    Error, Pattern,
    bases::{Flattened, Publisher, SignsFor},
    decide::Action,
    policy::{
        AllowedBase, Condition, ConditionClass, ConditionExploitation, ConditionOrigin, Located,
        Mirror, Only, ParameterValue, Pin, Policy, RuleSetting, Switch,
    },
    rules::{self, Parameter, ParameterKind},
    yaml::{Entry, Node, Value},
};
use plimsoll_model::{Severity, reference::Repository};
use std::collections::BTreeMap;

pub(super) fn gate(reader: &Reader<'_>, node: &Node, policy: &mut Policy) -> Result<(), Error> {
    let fields = reader.fields(node, &["fail", "max-advisory-age", "unknown-severity"])?;
    if let Some(list) = fields.get("fail") {
        let conditions = reader.list(list)?.iter().map(|item| condition(reader, item));
        policy.gate.fail = conditions.collect::<Result<_, _>>()?;
    }
    if let Some(age) = fields.get("max-advisory-age") {
        let is_off = matches!(&age.value, Value::Text(text) if text == "off");
        let limit = if is_off { None } else { Some(reader.duration(age)?) };
        policy.gate.max_advisory_age = located(limit, age);
    }
    if let Some(unknown) = fields.get("unknown-severity") {
        policy.gate.unknown_severity = located(reader.word(unknown, &LENIENCIES)?, unknown);
    }
    Ok(())
}

/// What a condition can name.
const CONDITION: [&str; 8] = [
    "severity",
    "fixable",
    "older-than",
    "fixed-for",
    "epss",
    "known-exploited",
    "malicious",
    "origin",
];

const ORIGINS: [(&str, ConditionOrigin); 2] =
    [("base", ConditionOrigin::Base), ("own", ConditionOrigin::Own)];

const LIKELIHOOD: &str = "a probability such as `10%` or `0.5%`";

fn condition(reader: &Reader<'_>, node: &Node) -> Result<Condition, Error> {
    let fields = reader.fields(node, &CONDITION)?;
    if fields.iter().next().is_none() {
        return reader.fail(node.at, "a condition that names nothing would hold for every match");
    }
    let severities: Vec<_> = Severity::ALL
        .into_iter()
        .filter(|severity| *severity != Severity::Unknown)
        .map(|severity| (severity.as_str(), severity))
        .collect();
    let class = match fields.get("malicious") {
        Some(node) => reader.word_true(node).map(|()| ConditionClass::Malware)?,
        None => ConditionClass::Any,
    };
    let exploitation = match fields.get("known-exploited") {
        Some(node) => reader.word_true(node).map(|()| ConditionExploitation::Known)?,
        None => ConditionExploitation::Any,
    };
    let origin = match fields.get("origin") {
        Some(node) => reader.word(node, &ORIGINS)?,
        None => ConditionOrigin::Any,
    };
    Ok(Condition {
        severity: fields.get("severity").map(|node| reader.word(node, &severities)).transpose()?,
        fixable: fields.get("fixable").map(|node| reader.boolean(node)).transpose()?,
        older_than: fields.get("older-than").map(|node| reader.duration(node)).transpose()?,
        fixed_for: fields.get("fixed-for").map(|node| reader.duration(node)).transpose()?,
        likelihood: fields.get("epss").map(|node| reader.parsed(node, LIKELIHOOD)).transpose()?,
        exploitation,
        origin,
        class,
        line: Some(node.at.line),
    })
}

pub(super) fn bases(reader: &Reader<'_>, node: &Node, policy: &mut Policy) -> Result<(), Error> {
    let fields =
        reader.fields(node, &["lock", "key", "allow", "deny", "mirrors", "allow-flattened"])?;
    let bases = &mut policy.bases;
    bases.line = Some(node.at.line);
    bases.lock = fields.get("lock").map(|node| reader.file(node)).transpose()?;
    bases.key = fields.get("key").map(|node| reader.file(node)).transpose()?;
    if let (Some(key), None) = (fields.entry("key"), &bases.lock) {
        return reader.fail(key.at, "`key` verifies the lock: expected `lock` beside it");
    }
    if let Some(node) = fields.get("allow-flattened") {
        reader.word_true(node)?;
        if bases.lock.is_none() {
            return reader.fail(
                node.at,
                "`allow-flattened` takes what the lock approves: expected `lock` beside it",
            );
        }
        bases.flattened = Flattened::Attested;
    }
    // Who approves images one by one does not mean the publishers that are built in as well.
    if bases.lock.is_some() {
        bases.allow.clear();
    }
    if let Some(list) = fields.get("allow") {
        let allowed = reader.list(list)?.iter().map(|item| allowed_base(reader, item));
        bases.allow = allowed.collect::<Result<_, _>>()?;
    }
    if let Some(list) = fields.get("deny") {
        let denied = reader.list(list)?.iter().map(|item| denied_base(reader, item));
        bases.deny = denied.collect::<Result<_, _>>()?;
    }
    if let Some(list) = fields.get("mirrors") {
        let mirrors = reader.list(list)?.iter().map(|item| mirror(reader, item));
        bases.mirrors = mirrors.collect::<Result<_, _>>()?;
    }
    Ok(())
}

fn allowed_base(reader: &Reader<'_>, node: &Node) -> Result<AllowedBase, Error> {
    let fields =
        reader.fields(node, &["repository", "only", "pin", "max-age", "signer", "source"])?;
    let Some(repository) = fields.get("repository") else {
        return reader.fail(node.at, "expected `repository`, a pattern over repositories");
    };
    let publishers = Publisher::ALL.map(|publisher| (publisher.as_str(), publisher));
    let signer = fields.get("signer").map(|node| reader.word(node, &publishers)).transpose()?;
    Ok(AllowedBase {
        repository: repositories(reader, repository)?,
        only: fields
            .get("only")
            .map(|node| reader.word(node, &[("official", Only::Official)]))
            .transpose()?,
        pin: fields
            .get("pin")
            .map(|node| reader.word(node, &[("digest", Pin::Digest)]))
            .transpose()?,
        max_age: fields.get("max-age").map(|node| reader.duration(node)).transpose()?,
        signer,
        source: source(reader, node, &fields, signer)?,
        line: Some(node.at.line),
    })
}

/// For which repository somebody signs who signs for any.
fn source(
    reader: &Reader<'_>,
    node: &Node,
    fields: &Fields<'_>,
    signer: Option<Publisher>,
) -> Result<Option<String>, Error> {
    let for_callers = signer.filter(|signer| signer.signs_for() == SignsFor::Callers);
    match (for_callers, fields.get("source")) {
        (None, None) => Ok(None),
        (None, Some(_)) => {
            let at = fields.entry("source").map_or(node.at, |entry| entry.at);
            reader.fail(at, "`source` goes with `signer: docker-github-builder`, which signs for the repositories of others")
        }
        (Some(signer), None) => reader.fail(
            node.at,
            format!("`{signer}` signs for whoever calls it: expected `source`, the repository as `https://github.com/OWNER/REPOSITORY`"),
        ),
        (Some(_), Some(node)) => {
            let text = reader.text_as(node, SOURCE)?;
            if is_repository(text) {
                return Ok(Some(text.to_owned()));
            }
            reader.fail(node.at, format!("expected {SOURCE}, found `{text}`"))
        }
    }
}

/// What `source` has to be.
const SOURCE: &str = "a repository, as `https://github.com/OWNER/REPOSITORY`";

/// Whether a text names a repository on GitHub as certificates do.
fn is_repository(text: &str) -> bool {
    let path = text.strip_prefix("https://github.com/");
    let Some((owner, name)) = path.and_then(|path| path.split_once('/')) else { return false };
    let is_part = |part: &str| {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_known)
    };
    is_part(owner) && is_part(name) && name.rsplit_once('.').is_none_or(|(_, end)| end != "git")
}

fn denied_base(reader: &Reader<'_>, node: &Node) -> Result<Located<Pattern>, Error> {
    Ok(located(repositories(reader, node)?, node))
}

/// A pattern over repositories.
fn repositories(reader: &Reader<'_>, node: &Node) -> Result<Pattern, Error> {
    let pattern = reader.pattern(node)?;
    // `library/*` would silently match nothing: names are compared in normal form.
    let host = pattern.as_str().split('/').next().unwrap_or_default();
    if !(host.contains(['.', ':', '*']) || host == "localhost") {
        let message = format!("expected a pattern that begins with a registry, found `{pattern}`");
        let nearest = Some(format!("docker.io/{pattern}"));
        return Err(reader.error(node.at, message, nearest));
    }
    Ok(pattern)
}

fn mirror(reader: &Reader<'_>, node: &Node) -> Result<Mirror, Error> {
    let fields = reader.fields(node, &["from", "to"])?;
    let side = |key: &str| -> Result<String, Error> {
        let Some(side) = fields.get(key) else {
            return reader.fail(node.at, "a mirror has `from` and `to`");
        };
        let text = reader.text(side)?;
        let prefix = text.strip_suffix('*').filter(|prefix| {
            // Whatever follows, what stands before it has to be part of a repository's name.
            prefix.ends_with('/')
                && !prefix.contains('*')
                && format!("{prefix}x").parse::<Repository>().is_ok_and(|repository| {
                    // `docker.io/x` gets a `library/` of its own.
                    repository.to_string().starts_with(prefix)
                })
        });
        prefix.map(str::to_owned).map_or_else(
            || {
                let message =
                    format!("expected a registry and a path ending in `/*`, found `{text}`");
                reader.fail(side.at, message)
            },
            Ok,
        )
    };
    Ok(Mirror { from: side("from")?, to: side("to")?, line: node.at.line })
}

pub(super) fn rules(reader: &Reader<'_>, node: &Node, policy: &mut Policy) -> Result<(), Error> {
    let own = policy.custom.iter().map(|rule| rule.id);
    let ids: Vec<_> = rules::ALL.iter().map(|rule| rule.id).chain(own.clone()).collect();
    let own: Vec<_> = own.collect();
    let entries = reader.mapping(node, &ids)?;
    for entry in entries.iter() {
        let Some(family) = entry.key.strip_suffix('*') else { continue };
        let members: Vec<_> = rules::family(family).collect();
        if members.is_empty() {
            let families = rules::families();
            let known: Vec<_> = families.iter().map(String::as_str).collect();
            return Err(reader.unknown("family of rules", entry.at, &entry.key, &known));
        }
        let action = Some(reader.word(&entry.value, &SWITCHES)?);
        // Which of them are named by their ids does not depend on the order of the lines.
        for rule in members.into_iter().filter(|rule| entries.get(rule.id).is_none()) {
            let parameters = BTreeMap::new();
            let setting = RuleSetting { action, parameters, line: Some(entry.at.line) };
            policy.rules.insert(rule.id, setting);
        }
    }
    for entry in entries.iter().filter(|entry| !entry.key.ends_with('*')) {
        let (id, parameters) = match rules::find(&entry.key) {
            Some(rule) => (rule.id, rule.parameters),
            None => match own.iter().find(|id| **id == entry.key) {
                Some(id) => (*id, [].as_slice()),
                None => return Err(reader.unknown("rule", entry.at, &entry.key, &ids)),
            },
        };
        policy.rules.insert(id, setting(reader, parameters, entry)?);
    }
    Ok(())
}

const SWITCHES: [(&str, Switch); 4] = [
    ("off", Switch::Off),
    (Action::Inform.as_str(), Switch::On(Action::Inform)),
    (Action::Warn.as_str(), Switch::On(Action::Warn)),
    (Action::Deny.as_str(), Switch::On(Action::Deny)),
];

fn setting(
    reader: &Reader<'_>,
    parameters: &'static [Parameter],
    entry: &Entry,
) -> Result<RuleSetting, Error> {
    let mut setting =
        RuleSetting { action: None, parameters: BTreeMap::new(), line: Some(entry.at.line) };
    if !matches!(entry.value.value, Value::Map(_)) {
        setting.action = Some(reader.word(&entry.value, &SWITCHES)?);
        return Ok(setting);
    }
    let known: Vec<_> = std::iter::once("action")
        .chain(parameters.iter().map(|parameter| parameter.name))
        .collect();
    let fields = reader.fields(&entry.value, &known)?;
    setting.action = fields.get("action").map(|node| reader.word(node, &SWITCHES)).transpose()?;
    for parameter in parameters {
        if let Some(node) = fields.get(parameter.name) {
            setting.parameters.insert(parameter.name, value(reader, parameter, node)?);
        }
    }
    Ok(setting)
}

fn value(reader: &Reader<'_>, parameter: &Parameter, node: &Node) -> Result<ParameterValue, Error> {
    Ok(match parameter.kind {
        ParameterKind::Number { low, high } => {
            ParameterValue::Number(reader.integer(node, (low, high))?)
        }
        ParameterKind::Word(words) => {
            let known: Vec<_> = words.iter().map(|word| (*word, *word)).collect();
            ParameterValue::Texts(vec![reader.word(node, &known)?.to_owned()])
        }
        ParameterKind::Texts => {
            let texts = reader.list(node)?.iter().map(|item| reader.text(item).map(str::to_owned));
            ParameterValue::Texts(texts.collect::<Result<_, _>>()?)
        }
        ParameterKind::Patterns => {
            let patterns = reader.patterns(node)?;
            ParameterValue::Texts(patterns.iter().map(|one| one.as_str().to_owned()).collect())
        }
    })
}

pub(super) fn promotion(
    reader: &Reader<'_>,
    node: &Node,
    policy: &mut Policy,
) -> Result<(), Error> {
    let fields = reader.fields(node, &["from", "to", "immutable-tags"])?;
    let promotion = &mut policy.promotion;
    promotion.line = Some(node.at.line);
    promotion.from = fields.get("from").map(|node| reader.pattern(node)).transpose()?;
    promotion.to = fields.get("to").map(|node| reader.pattern(node)).transpose()?;
    if let Some(list) = fields.get("immutable-tags") {
        promotion.immutable_tags = reader.patterns(list)?;
    }
    Ok(())
}

pub(super) fn vex(reader: &Reader<'_>, node: &Node, policy: &mut Policy) -> Result<(), Error> {
    let fields = reader.fields(node, &["documents", "issuers", "max-age"])?;
    let vex = &mut policy.vex;
    vex.line = Some(node.at.line);
    if let Some(list) = fields.get("documents") {
        let documents = reader.list(list)?.iter().map(|item| reader.file(item));
        vex.documents = documents.collect::<Result<_, _>>()?;
    }
    if let Some(list) = fields.get("issuers") {
        vex.issuers = reader.patterns(list)?;
        // An empty list reads as `nobody`, and would let everybody.
        if vex.issuers.is_empty() {
            return reader.fail(list.at, "expected an issuer, or no such key");
        }
    }
    vex.max_age = fields.get("max-age").map(|node| reader.duration(node)).transpose()?;
    Ok(())
}
