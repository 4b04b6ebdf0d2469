//! VEX out: statements of ours in OpenVEX, and accepted findings in OpenVEX and CycloneDX.
//!
//! An exception accepts a risk; it does not say that there is none. It is written as `affected` (in CycloneDX:
//! `exploitable`), with who accepted it, until when and why as what is done about it. Whoever knows that a product is
//! not affected says so by a statement of its own.

use super::{JUSTIFICATIONS, Status, json, openvex, product::Item, read};
use crate::{Error, Pattern, exceptions::Exception};
use camino::Utf8Path;
use jiff::Timestamp;
use plimsoll_model::Digest;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A statement that is to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addition {
    /// Package URLs, or images by digest.
    pub products: Vec<String>,
    /// What of these products is meant.
    pub subcomponents: Vec<String>,
    /// The flaw.
    pub id: String,
    /// Its other ids.
    pub aliases: Vec<String>,
    /// What is said: a word of OpenVEX.
    pub status: String,
    /// Why a product is not affected: a word of OpenVEX.
    pub justification: Option<String>,
    /// Why a product is not affected.
    pub impact: Option<String>,
    /// What is to be done.
    pub action: Option<String>,
    /// Who says so. A document that is there keeps its author.
    pub author: Option<String>,
}

/// A document that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its version.
    pub version: u64,
    /// How many statements are in it.
    pub statements: usize,
}

/// The document in `existing` with a statement more, or a new one with it alone.
///
/// # Errors
/// When the statement would say nothing that anybody could use, and when `existing` is not OpenVEX.
pub fn add(
    existing: Option<&[u8]>,
    path: &Utf8Path,
    addition: &Addition,
    now: Timestamp,
) -> Result<Written, Error> {
    let time = seconds(now);
    let statement = statement(addition, &time)?;
    let mut document = if let Some(bytes) = existing {
        extended(bytes, path, addition)?
    } else {
        let author = addition.author.as_deref();
        new(author.ok_or_else(|| wrong("a new document needs an author"))?, &time, &statement)
    };
    let version = document.get("version").and_then(Value::as_u64).unwrap_or(0).saturating_add(1);
    if existing.is_some() {
        document.insert("last_updated".to_owned(), time.into());
    }
    document.insert("version".to_owned(), version.into());
    let list = document.entry("statements").or_insert_with(|| json!([]));
    list.as_array_mut().ok_or_else(|| wrong("`statements` is no list"))?.push(statement);
    let bytes = bytes(&Value::Object(document), path)?;
    // What is written has to be what we read.
    let statements = read(&bytes, path)?.statements.len();
    Ok(Written { bytes, version, statements })
}

fn wrong(message: impl Into<String>) -> Error {
    Error::VexStatement { message: message.into() }
}

/// To the second: nothing that is written is of a moment that has not come yet.
fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

fn extended(
    bytes: &[u8],
    path: &Utf8Path,
    addition: &Addition,
) -> Result<Map<String, Value>, Error> {
    let document = read(bytes, path)?;
    if document.format != "OpenVEX 0.2.0" {
        return Err(wrong(format!(
            "`{path}` is {}: statements are added to OpenVEX alone",
            document.format
        )));
    }
    if let Some(author) = addition.author.as_ref().filter(|author| **author != document.author) {
        return Err(wrong(format!("`{path}` is by `{}`, not by `{author}`", document.author)));
    }
    match json::parse(bytes, path)? {
        Value::Object(map) => Ok(map),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(wrong(format!("`{path}` is no object")))
        }
    }
}

fn new(author: &str, time: &str, first: &Value) -> Map<String, Value> {
    let digest = Digest::of(format!("{author}\0{time}\0{first}").as_bytes());
    let pairs = [
        ("@context", json!(openvex::VERSION)),
        ("@id", json!(format!("https://openvex.dev/docs/public/vex-{}", digest.hex()))),
        ("author", json!(author)),
        ("timestamp", json!(time)),
        ("version", json!(0)),
        ("tooling", json!("plimsoll")),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The statement, valid by the specification and by our own notion of what counts.
fn statement(addition: &Addition, time: &str) -> Result<Value, Error> {
    let status = Status::ALL.iter().find(|(word, _)| *word == addition.status);
    let Some((_, status)) = status else {
        return Err(wrong(format!("unknown status `{}`", addition.status)));
    };
    let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let (justification, impact, action) =
        (text(&addition.justification), text(&addition.impact), text(&addition.action));
    if justification.as_ref().is_some_and(|word| !JUSTIFICATIONS.contains(&word.as_str())) {
        return Err(wrong(format!("expected a justification among {}", JUSTIFICATIONS.join(", "))));
    }
    let has_reason = justification.is_some() || impact.is_some();
    match status {
        Status::NotAffected if !has_reason => {
            return Err(wrong("`not_affected` needs a justification or an impact statement"));
        }
        Status::Affected if action.is_none() => {
            return Err(wrong("`affected` needs an action: what is to be done about it"));
        }
        Status::Affected | Status::Fixed | Status::UnderInvestigation if has_reason => {
            return Err(wrong(
                "a justification and an impact statement go with `not_affected` alone",
            ));
        }
        Status::NotAffected | Status::Affected | Status::Fixed | Status::UnderInvestigation => {}
    }
    if addition.id.trim().is_empty() || addition.products.is_empty() {
        return Err(wrong("it needs a vulnerability and a product"));
    }
    let parts = addition.subcomponents.iter().map(|id| item(id)).collect::<Result<Vec<_>, _>>()?;
    let products = addition.products.iter().map(|id| {
        let whole = item(id)?;
        let product = super::Product { item: whole, subcomponents: parts.clone() };
        if *status == Status::Fixed && !product.has_version() {
            return Err(wrong(format!("`{id}` is `fixed` in no version in particular")));
        }
        Ok(product_json(id, &addition.subcomponents))
    });
    let products = products.collect::<Result<Vec<_>, Error>>()?;
    Ok(object([
        ("vulnerability", Some(vulnerability(&addition.id, &addition.aliases))),
        ("timestamp", Some(json!(time))),
        ("products", Some(json!(products))),
        ("status", Some(json!(status.as_str()))),
        ("justification", justification.map(Value::from)),
        ("impact_statement", impact.map(Value::from)),
        ("action_statement", action.map(Value::from)),
    ]))
}

fn item(id: &str) -> Result<Item, Error> {
    let mut item = Item::new(id);
    item.add_id(id);
    match &item.unusable {
        Some(reason) => Err(wrong(format!("product `{id}` {reason}"))),
        None => Ok(item),
    }
}

fn product_json(id: &str, parts: &[String]) -> Value {
    let parts: Vec<_> = parts.iter().map(|part| json!({ "@id": part })).collect();
    object([("@id", Some(json!(id))), ("subcomponents", (!parts.is_empty()).then(|| json!(parts)))])
}

fn vulnerability(id: &str, aliases: &[String]) -> Value {
    let aliases = (!aliases.is_empty()).then(|| json!(aliases));
    object([("name", Some(json!(id))), ("aliases", aliases)])
}

/// An object of what is there.
fn object<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Value {
    let pairs = pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(pairs.collect())
}

fn bytes(document: &Value, path: &Utf8Path) -> Result<Vec<u8>, Error> {
    let fail = |source| Error::VexJson { path: path.to_owned(), source };
    let mut bytes = serde_json::to_vec_pretty(document).map_err(fail)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A format that VEX is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// OpenVEX 0.2.0.
    OpenVex,
    /// CycloneDX 1.6 in JSON.
    CycloneDx,
}

/// Accepted findings as VEX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The document.
    pub bytes: Vec<u8>,
    /// Exceptions that can not be said in VEX, each with the reason.
    pub omitted: Vec<String>,
}

/// One exception that can be said in VEX.
struct Accepted<'a> {
    exception: &'a Exception,
    id: &'a str,
    /// The component; nothing where every one is meant, and the image stands for them.
    component: Option<&'a str>,
}

impl Accepted<'_> {
    fn action(&self) -> String {
        let Exception { reason, owner, expires, .. } = self.exception;
        format!("accepted until {expires} by {owner}: {reason}")
    }
}

/// The exceptions from VUL-002 as VEX; `image` is the product that they are about, if they are about one.
///
/// # Errors
/// When none of them can be said in VEX.
pub fn export(
    exceptions: &[Exception],
    image: Option<&str>,
    format: ExportFormat,
    (now, time): (Timestamp, Timestamp),
) -> Result<Exported, Error> {
    if let Some(image) = image {
        item(image)?;
    }
    let (mut accepted, mut omitted) = (Vec::new(), Vec::new());
    for exception in exceptions {
        match sayable(exception, image, now) {
            Ok(one) => accepted.push(one),
            Err(reason) => omitted.push(format!("{}: {reason}", exception.describe())),
        }
    }
    if accepted.is_empty() {
        return Err(wrong("no exception of the policy can be said in VEX"));
    }
    let owners: BTreeSet<&str> = accepted.iter().map(|one| one.exception.owner.as_str()).collect();
    let author = owners.into_iter().collect::<Vec<_>>().join(", ");
    let document = match format {
        ExportFormat::OpenVex => openvex_document(&accepted, image, (&author, &seconds(time))),
        ExportFormat::CycloneDx => cyclonedx_document(&accepted, image, (&author, &seconds(time))),
    };
    Ok(Exported { bytes: bytes(&document, "VEX".into())?, omitted })
}

fn sayable<'a>(
    exception: &'a Exception,
    image: Option<&str>,
    now: Timestamp,
) -> Result<Accepted<'a>, &'static str> {
    if exception.rule != "VUL-002" {
        return Err("it is about no vulnerability");
    }
    if exception.is_expired(now) {
        return Err("it has expired");
    }
    let id = exception.id.as_deref().ok_or("it names no flaw")?;
    let component = exception.component.as_ref().map(Pattern::as_str);
    if component.is_some_and(|component| component.contains('*')) {
        return Err("its component is a pattern");
    }
    if exception.path.is_some() {
        return Err("it is about files");
    }
    if component.is_none() && image.is_none() {
        return Err("it names no component: name the image by `--product`");
    }
    Ok(Accepted { exception, id, component })
}

fn openvex_document(
    accepted: &[Accepted<'_>],
    image: Option<&str>,
    (author, time): (&str, &str),
) -> Value {
    let statements = accepted.iter().map(|one| {
        let parts: Vec<String> = one.component.iter().map(|part| (*part).to_owned()).collect();
        let product = match (image, one.component) {
            (Some(image), _) => product_json(image, &parts),
            (None, component) => product_json(component.unwrap_or_default(), &[]),
        };
        object([
            ("vulnerability", Some(vulnerability(one.id, &[]))),
            ("timestamp", Some(json!(time))),
            ("products", Some(json!([product]))),
            ("status", Some(json!(Status::Affected.as_str()))),
            ("action_statement", Some(json!(one.action()))),
        ])
    });
    let statements: Vec<Value> = statements.collect();
    let mut document = new(author, time, &json!(statements));
    document.insert("version".to_owned(), json!(1));
    document.insert("statements".to_owned(), json!(statements));
    Value::Object(document)
}

/// CycloneDX has no word for a part of a product: where a component is named, it is what is affected.
fn cyclonedx_document(
    accepted: &[Accepted<'_>],
    image: Option<&str>,
    (author, time): (&str, &str),
) -> Value {
    let product = |one: &Accepted<'_>| one.component.or(image).unwrap_or_default().to_owned();
    let products: BTreeSet<String> = accepted.iter().map(product).collect();
    let components = products.iter().map(|purl| {
        let parsed: Option<plimsoll_model::Purl> = purl.parse().ok();
        let is_image = Some(purl.as_str()) == image;
        object([
            ("type", Some(json!(if is_image { "container" } else { "library" }))),
            ("bom-ref", Some(json!(purl))),
            ("name", Some(json!(parsed.as_ref().map_or(purl.as_str(), |purl| purl.name())))),
            ("version", parsed.as_ref().and_then(|purl| purl.version()).map(Value::from)),
            ("purl", parsed.is_some().then(|| json!(purl))),
        ])
    });
    let vulnerabilities = accepted.iter().map(|one| {
        json!({
            "id": one.id,
            "analysis": { "state": "exploitable", "detail": one.action() },
            "affects": [{ "ref": product(one) }],
        })
    });
    let vulnerabilities: Vec<Value> = vulnerabilities.collect();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial(&format!("{author}\0{time}\0{}", json!(vulnerabilities))),
        "version": 1,
        "metadata": { "timestamp": time, "authors": [{ "name": author }] },
        "components": components.collect::<Vec<_>>(),
        "vulnerabilities": vulnerabilities,
    })
}

/// A name-based UUID (RFC 9562, version 8) of a text.
fn serial(text: &str) -> String {
    let mut hex: Vec<char> = Digest::of(text.as_bytes()).hex().chars().take(32).collect();
    for (position, digit) in [(12, '8'), (16, 'a')] {
        if let Some(char) = hex.get_mut(position) {
            *char = digit;
        }
    }
    let mut uuid = String::from("urn:uuid:");
    for (position, char) in hex.into_iter().enumerate() {
        if matches!(position, 8 | 12 | 16 | 20) {
            uuid.push('-');
        }
        uuid.push(char);
    }
    uuid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    const NOW: &str = "2026-06-15T12:00:00.5Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn addition() -> Addition {
        Addition {
            products: vec!["pkg:npm/a@1".to_owned()],
            id: "CVE-1".to_owned(),
            status: "not_affected".to_owned(),
            justification: Some("component_not_present".to_owned()),
            author: Some("a@corp".to_owned()),
            ..Addition::default()
        }
    }

    fn added(existing: Option<&[u8]>, addition: &Addition) -> Result<Written, Error> {
        add(existing, "a.json".into(), addition, now())
    }

    #[test]
    fn a_new_document_is_whole_and_a_second_statement_keeps_what_is_there() {
        let first = added(None, &addition()).unwrap();
        assert_eq!((first.version, first.statements), (1, 1));
        let mut value: Value = serde_json::from_slice(&first.bytes).unwrap();
        assert_eq!(value["timestamp"], "2026-06-15T12:00:00Z");
        assert_eq!(
            value["statements"][0],
            json!({ "vulnerability": { "name": "CVE-1" }, "timestamp": "2026-06-15T12:00:00Z", "products": [{ "@id": "pkg:npm/a@1" }],
                "status": "not_affected", "justification": "component_not_present" })
        );
        value["x-ours"] = json!({ "kept": true });
        let second = Addition {
            author: None,
            aliases: vec!["GHSA-1".to_owned()],
            subcomponents: vec!["pkg:npm/b".to_owned()],
            justification: None,
            impact: Some("not called".to_owned()),
            ..addition()
        };
        let second = added(Some(value.to_string().as_bytes()), &second).unwrap();
        assert_eq!((second.version, second.statements), (2, 2));
        let read: Value = serde_json::from_slice(&second.bytes).unwrap();
        assert_eq!((&read["x-ours"]["kept"], &read["@id"]), (&json!(true), &value["@id"]));
        assert_eq!(read["last_updated"], "2026-06-15T12:00:00Z");
        assert_eq!(read["statements"][0], value["statements"][0]);
        assert_eq!(
            read["statements"][1]["products"],
            json!([{ "@id": "pkg:npm/a@1", "subcomponents": [{ "@id": "pkg:npm/b" }] }])
        );
        assert_eq!(
            read["statements"][1]["vulnerability"],
            json!({ "name": "CVE-1", "aliases": ["GHSA-1"] })
        );
    }

    #[test]
    fn what_would_say_nothing_is_refused() {
        let change = |change: fn(&mut Addition)| {
            let mut addition = addition();
            change(&mut addition);
            added(None, &addition).unwrap_err().to_string()
        };
        for (error, expect) in [
            (
                change(|a| a.justification = None),
                "`not_affected` needs a justification or an impact statement",
            ),
            (change(|a| a.status = "fine".to_owned()), "unknown status `fine`"),
            (
                change(|a| {
                    a.status = "affected".to_owned();
                    a.justification = None;
                }),
                "`affected` needs an action: what is to be done about it",
            ),
            (
                change(|a| a.status = "fixed".to_owned()),
                "a justification and an impact statement go with `not_affected` alone",
            ),
            (
                change(|a| {
                    a.status = "fixed".to_owned();
                    a.justification = None;
                    a.products = vec!["pkg:npm/a".to_owned()];
                }),
                "`pkg:npm/a` is `fixed` in no version in particular",
            ),
            (change(|a| a.author = None), "a new document needs an author"),
            (
                change(|a| a.products = vec!["a".to_owned()]),
                "product `a` is no package URL and no digest of an image",
            ),
            (
                change(|a| a.products = vec!["pkg:npm/a@".to_owned()]),
                "product `pkg:npm/a@` has an empty version: `pkg:npm/a@`",
            ),
            (change(|a| a.products.clear()), "it needs a vulnerability and a product"),
        ] {
            assert_eq!(error, format!("no such statement can be made: {expect}"));
        }
        let of_another = Addition { author: Some("b".to_owned()), ..addition() };
        let first = added(None, &addition()).unwrap();
        let error = added(Some(&first.bytes), &of_another).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no such statement can be made: `a.json` is by `a@corp`, not by `b`"
        );
        assert!(matches!(added(Some(b"{}"), &addition()), Err(Error::Vex { .. })));
    }

    const POLICY: &str = "version: 1\nexceptions:
  - {rule: vulnerability, id: CVE-1, component: \"pkg:npm/a\", reason: why, owner: a@corp, expires: 2026-12-31}
  - {rule: vulnerability, id: CVE-2, reason: why, owner: b@corp, expires: 2026-12-31}
  - {rule: vulnerability, id: CVE-3, component: \"pkg:npm/*\", reason: why, owner: a@corp, expires: 2026-12-31}
  - {rule: vulnerability, id: CVE-4, component: \"pkg:npm/a\", reason: why, owner: a@corp, expires: 2026-06-14}
  - {rule: IMG-001, reason: why, owner: a@corp, expires: 2026-12-31}\n";

    fn exported(image: Option<&str>, format: ExportFormat) -> (super::super::Document, Exported) {
        let policy = Policy::parse(POLICY, "p.yaml".into()).unwrap();
        let exported = export(policy.exceptions(), image, format, (now(), now())).unwrap();
        (read(&exported.bytes, "a.json".into()).unwrap(), exported)
    }

    #[test]
    fn an_exception_is_an_accepted_risk_and_never_not_affected() {
        for format in [ExportFormat::OpenVex, ExportFormat::CycloneDx] {
            let (document, exported) = exported(None, format);
            assert_eq!(document.author, "a@corp");
            let [one] = &document.statements[..] else { panic!("{document:?}") };
            assert_eq!((one.status, &one.ids[..]), (Status::Affected, &["CVE-1".to_owned()][..]));
            assert_eq!(one.action.as_deref(), Some("accepted until 2026-12-31 by a@corp: why"));
            assert_eq!(one.products[0].item.purls[0].as_str(), "pkg:npm/a");
            assert_eq!(
                exported.omitted,
                [
                    "VUL-002 CVE-2: it names no component: name the image by `--product`",
                    "VUL-002 CVE-3 pkg:npm/*: its component is a pattern",
                    "VUL-002 CVE-4 pkg:npm/a: it has expired",
                    "IMG-001: it is about no vulnerability",
                ]
            );
        }
    }

    #[test]
    fn with_an_image_the_components_are_parts_of_it() {
        let image =
            "pkg:oci/app@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let (document, _) = exported(Some(image), ExportFormat::OpenVex);
        assert_eq!((document.author.as_str(), document.statements.len()), ("a@corp, b@corp", 2));
        let parts: Vec<usize> =
            document.statements.iter().map(|s| s.products[0].subcomponents.len()).collect();
        assert_eq!(parts, [1, 0]);
        let (document, _) = exported(Some(image), ExportFormat::CycloneDx);
        assert_eq!(document.statements[1].products[0].item.images().count(), 1);
    }

    #[test]
    fn nothing_to_say_is_an_error() {
        let error = export(&[], None, ExportFormat::OpenVex, (now(), now())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no such statement can be made: no exception of the policy can be said in VEX"
        );
    }
}
