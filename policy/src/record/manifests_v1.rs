//! Manifests of Kubernetes, object by object: each as plain JSON, for programs of others, and beside it where every value of it
//! stands, so that it is judged from the record as it is from its file.
//!
//! The values of variables, of Secrets and of `ConfigMap`s are left out, and so is what a key calls a secret. What stands for one of
//! them is of the same kind as far as rules look at it: nothing stays nothing, a reference a reference, a template a template.

use super::text::shown;
use crate::{
    facts::SourceFile,
    kubernetes::{Cluster, Object, Problem, is_template},
    rules::is_harmless,
    secrets,
    yaml::{At, Entry, Node, Value},
};
use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// What stands for a text that is left out.
const MASK: &str = "…";
/// The annotation in which `kubectl apply` keeps the whole object, a Secret with its values among them.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Annotations whose key ends in the name of a container, which says nothing about the value.
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// Manifests, as they are written and read back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ManifestsJson {
    objects: Vec<ObjectJson>,
    /// What could not be read.
    problems: Vec<ProblemJson>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ObjectJson {
    path: Utf8PathBuf,
    /// Where its text begins.
    line: u32,
    /// As the object says, or the list that it is in; empty where neither does.
    kind: String,
    /// The same.
    api_version: String,
    document: Json,
    places: Vec<PlaceJson>,
}

/// Where a value of a document stands, in the order of the text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PlaceJson {
    /// Which: a JSON pointer, <https://www.rfc-editor.org/rfc/rfc6901>.
    at: String,
    line: u32,
    column: u32,
    /// Where its key stands; absent for an item of a list, and for the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<KeyJson>,
    /// Whether it is a number that is not written down: one with a fraction, one too large, or one that is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is: Option<LeftOutJson>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyJson {
    line: u32,
    column: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LeftOutJson {
    Number,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProblemJson {
    path: Utf8PathBuf,
    line: u32,
    column: u32,
    /// What can not be read.
    what: String,
    /// Why.
    message: String,
}

/// What is left out of a text, by where it stands.
#[derive(Debug, Clone, Copy)]
enum Secrecy<'a> {
    /// All of it: it is a value of a Secret.
    Secret,
    /// All of it, unless it can give nothing away: it is the value of a variable, or a file.
    Variable,
    /// All of it, where what it is called (this) says that it is secret; else what looks like a secret in it.
    Named(&'a str),
    /// What it says itself that it is secret (`token=…`), and what looks like a secret in it.
    Entry,
    /// What looks like a secret in it.
    Plain,
}

impl Secrecy<'_> {
    fn text(self, text: &str) -> String {
        match self {
            _ if text.is_empty() => String::new(),
            Self::Variable if is_harmless(text) => text.to_owned(),
            Self::Secret | Self::Variable => stand_in(text),
            Self::Named(name) if is_secret(name, text) => stand_in(text),
            Self::Entry => match text.split_once('=') {
                Some((name, value)) if is_secret(name, value) => {
                    format!("{}={MASK}", secrets::redact(name))
                }
                Some(_) | None => secrets::redact(text),
            },
            Self::Named(_) | Self::Plain => secrets::redact(text),
        }
    }

    fn is_left_out(self, number: i64) -> bool {
        match self {
            Self::Secret | Self::Variable => true,
            Self::Named(name) => is_secret(name, &number.to_string()),
            Self::Entry | Self::Plain => false,
        }
    }
}

fn is_secret(name: &str, value: &str) -> bool {
    secrets::is_secret_pair(&(name, value)) && !is_harmless(value)
}

/// What stands for a text that is left out: to rules it is what that is.
fn stand_in(text: &str) -> String {
    let is_name = |inside: &str| {
        inside.chars().all(|char| char.is_ascii_alphanumeric() || "_-. |".contains(char))
    };
    let inside = |begin: &str, end: &str| text.strip_prefix(begin)?.strip_suffix(end);
    let marks = [("$(", ")"), ("{{", "}}"), ("${", "}")];
    if marks.iter().any(|(begin, end)| inside(begin, end).is_some_and(is_name)) {
        return text.to_owned();
    }
    if is_template(text) {
        return format!("{{{{ {MASK} }}}}");
    }
    if inside("$(", ")").is_some() {
        return format!("$({MASK})");
    }
    // What has several lines is a file, and no value.
    if text.trim().contains('\n') { format!("{MASK}\n{MASK}") } else { MASK.to_owned() }
}

/// Where in an object a value stands, as far as that says what is left out of it.
#[derive(Debug, Clone, Copy)]
struct Spot<'a> {
    /// The kind of the object, which the list may say that it is in.
    kind: &'a str,
    /// The key below which it stands, also in a list; empty for the object.
    under: &'a str,
    secrecy: Secrecy<'a>,
}

impl<'a> Spot<'a> {
    fn of(object: &'a Object) -> Self {
        Self { kind: &object.kind, under: "", secrecy: Secrecy::Plain }
    }

    /// A value in a mapping that stands here.
    fn value(self, mapping: &'a Node, entry: &'a Entry) -> Self {
        let is_mapping = matches!(entry.value.value, Value::Map(_));
        // Templates hold objects within objects.
        let of_object = if self.under.is_empty() { self.kind } else { "" };
        let kind = mapping.text_of("kind").unwrap_or(of_object);
        let secrecy = match (self.secrecy, kind, self.under, entry.key.as_str()) {
            (secrecy @ (Secrecy::Secret | Secrecy::Variable), ..) => secrecy,
            (_, "Secret", _, "data" | "stringData") | (.., LAST_APPLIED) => Secrecy::Secret,
            (_, "ConfigMap", _, "data" | "binaryData") | (_, _, "env", "value") => {
                Secrecy::Variable
            }
            (.., "env") if is_mapping => Secrecy::Variable,
            // What has a name and a value beside it is a parameter.
            (.., "value") => Secrecy::Named(mapping.text_of("name").unwrap_or("value")),
            (.., key) if key.starts_with(APP_ARMOR) => Secrecy::Plain,
            (.., key) => Secrecy::Named(key),
        };
        Self { under: &entry.key, secrecy, ..self }
    }

    /// An item of a list that stands here.
    const fn item(self) -> Self {
        let secrecy = match self.secrecy {
            Secrecy::Named(_) | Secrecy::Entry | Secrecy::Plain => Secrecy::Entry,
            all @ (Secrecy::Secret | Secrecy::Variable) => all,
        };
        Self { secrecy, ..self }
    }
}

impl ManifestsJson {
    pub(super) fn of(manifests: &[SourceFile]) -> Option<Self> {
        let cluster = Cluster::read(manifests);
        (!manifests.is_empty()).then(|| Self {
            objects: cluster.objects.iter().map(ObjectJson::of).collect(),
            problems: cluster.problems.iter().map(ProblemJson::of).collect(),
        })
    }

    /// What was written, and what is not there to be judged; `None` where a document and its places contradict each other.
    pub(super) fn read(self) -> Option<RecordedManifests> {
        let objects: Option<Vec<_>> = self.objects.into_iter().map(ObjectJson::read).collect();
        let problems = self.problems.into_iter().map(ProblemJson::read).collect();
        let cluster = Cluster { objects: objects?, problems, images: Vec::new() };
        let (mut values, mut texts) = (Whole::Yes, Whole::Yes);
        for object in &cluster.objects {
            look_for_holes(object, &mut values, &mut texts);
        }
        Some(RecordedManifests { cluster, values, texts, receipts: Whole::Yes })
    }
}

/// Manifests of Kubernetes as a record has them.
#[derive(Debug, Clone)]
pub struct RecordedManifests {
    cluster: Cluster,
    /// Values of variables and of `ConfigMap`s.
    pub(super) values: Whole,
    /// Other texts that rules may look at.
    pub(super) texts: Whole,
    /// What came of looking for receipts, which is never read back.
    pub(super) receipts: Whole,
}

/// Whether nothing is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    Yes,
    No,
}

impl RecordedManifests {
    /// What they describe, not yet judged.
    pub(crate) const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Whether somebody looked for receipts where the record was made: what that came to can not be told here.
    pub(crate) fn is_without_receipts(&self) -> bool {
        self.receipts == Whole::No
    }
}

/// What is left out of an object, by what it is for.
fn look_for_holes(object: &Object, values: &mut Whole, texts: &mut Whole) {
    let mut pending = vec![(Spot::of(object), &object.node)];
    while let Some((spot, node)) = pending.pop() {
        if node.text().is_some_and(|text| text.contains(MASK)) {
            match spot.secrecy {
                // That there is a value is all that is asked of a Secret.
                Secrecy::Secret => {}
                Secrecy::Variable => *values = Whole::No,
                // No option of a console can be in what looks like a secret.
                Secrecy::Entry if matches!(spot.under, "command" | "args") => {}
                Secrecy::Named(_) | Secrecy::Entry | Secrecy::Plain => *texts = Whole::No,
            }
        }
        pending.extend(node.items().iter().map(|item| (spot.item(), item)));
        let entries = node.entries().iter();
        pending.extend(entries.map(|entry| (spot.value(node, entry), &entry.value)));
    }
}

impl ObjectJson {
    fn of(object: &Object) -> Self {
        let mut places = Vec::new();
        let document = document(&object.node, (Spot::of(object), "", None), &mut places);
        Self {
            path: object.path.clone(),
            line: object.node.at.line,
            kind: object.kind.clone(),
            api_version: object.api_version.clone(),
            document,
            places,
        }
    }

    fn read(self) -> Option<Object> {
        let mut places = self.places.into_iter().peekable();
        let (_, node) = node(self.document, "", &mut places)?;
        let is_all = places.next().is_none() && node.at.line == self.line;
        let Self { path, kind, api_version, .. } = self;
        is_all.then_some(Object { path, node, kind, api_version })
    }
}

/// A node as JSON, and where it and all below it stand. Its depth is bounded by the reader of YAML.
fn document<'a>(
    node: &'a Node,
    (spot, at, key): (Spot<'a>, &str, Option<At>),
    places: &mut Vec<PlaceJson>,
) -> Json {
    let is_number = match node.value {
        Value::Integer(number) => spot.secrecy.is_left_out(number),
        Value::OtherNumber => true,
        Value::Null | Value::Boolean(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => false,
    };
    places.push(PlaceJson {
        at: at.to_owned(),
        line: node.at.line,
        column: node.at.column,
        key: key.map(|At { line, column }| KeyJson { line, column }),
        is: is_number.then_some(LeftOutJson::Number),
    });
    match &node.value {
        Value::Integer(_) | Value::OtherNumber if is_number => json!(MASK),
        Value::Null | Value::OtherNumber => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Integer(number) => json!(number),
        Value::Text(text) => json!(spot.secrecy.text(text)),
        Value::List(items) => {
            let item = |(position, item)| {
                document(item, (spot.item(), &format!("{at}/{position}"), None), places)
            };
            items.iter().enumerate().map(item).collect()
        }
        Value::Map(entries) => {
            let mut map = Map::new();
            for entry in entries {
                let at = format!("{at}/{}", escaped(&entry.key));
                let below = (spot.value(node, entry), at.as_str(), Some(entry.at));
                map.insert(entry.key.clone(), document(&entry.value, below, places));
            }
            Json::Object(map)
        }
    }
}

/// What [`document`] was made of, and where its key stands. The depth of JSON is bounded by its reader.
fn node(
    value: Json,
    at: &str,
    places: &mut std::iter::Peekable<std::vec::IntoIter<PlaceJson>>,
) -> Option<(Option<At>, Node)> {
    let place = places.next().filter(|place| place.at == at)?;
    let value = match value {
        Json::String(text) if place.is == Some(LeftOutJson::Number) && text == MASK => {
            Value::OtherNumber
        }
        _ if place.is.is_some() => return None,
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(value),
        Json::Number(number) => Value::Integer(number.as_i64()?),
        Json::String(text) => Value::Text(text),
        Json::Array(items) => {
            let mut list = Vec::new();
            for (position, item) in items.into_iter().enumerate() {
                list.push(node(item, &format!("{at}/{position}"), places)?.1);
            }
            Value::List(list)
        }
        Json::Object(mut map) => {
            let mut entries = Vec::new();
            while !map.is_empty() {
                let below = places.peek()?.at.clone();
                let key = unescaped(below.strip_prefix(at)?.strip_prefix('/')?)?;
                let (key_at, value) = node(map.swap_remove(&key)?, &below, places)?;
                let key_at = key_at?;
                entries.push(Entry { at: key_at, defined: key_at, key, value });
            }
            Value::Map(entries)
        }
    };
    let here = At { line: place.line, column: place.column };
    let key = place.key.map(|KeyJson { line, column }| At { line, column });
    Some((key, Node { at: here, defined: here, value }))
}

/// A key as a JSON pointer has it.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The key that a part of a JSON pointer is; `None` where it is more than one part.
fn unescaped(part: &str) -> Option<String> {
    (!part.contains('/')).then(|| part.replace("~1", "/").replace("~0", "~"))
}

impl ProblemJson {
    fn of(problem: &Problem) -> Self {
        Self {
            path: problem.path.clone(),
            line: problem.at.line,
            column: problem.at.column,
            what: shown(&problem.what),
            message: shown(&problem.why),
        }
    }

    fn read(self) -> Problem {
        let at = At { line: self.line, column: self.column };
        Problem { path: self.path, at, what: self.what, why: self.message }
    }
}
