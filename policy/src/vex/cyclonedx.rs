//! CycloneDX VEX: the `vulnerabilities` of a CycloneDX document in JSON, 1.4 to 1.7, that carry an analysis.
//!
//! Specification: <https://cyclonedx.org/docs/1.6/json/#vulnerabilities>. A vulnerability without an analysis states
//! nothing. Of `affects`, versions narrow what is meant: those that are called `unaffected` for a state that clears,
//! the others for one that does not; a range can not be evaluated here, and clears nothing.

use super::{
    Draft, Item, Product, Reader, Statement, Status,
    json::Node,
    product::{hash_algorithm, hex},
};
use crate::Error;
use plimsoll_model::component::Hash;
use std::collections::BTreeMap;

pub(super) const READER: Reader = Reader { name: "CycloneDX", is, read };

const VERSIONS: [&str; 4] = ["1.4", "1.5", "1.6", "1.7"];
/// The most components, nested ones included.
const MOST_COMPONENTS: usize = 1_000_000;

/// `false_positive` says that the flaw is not one of this product; like any other, it has to say why.
const STATES: [(&str, Status); 6] = [
    ("resolved", Status::Fixed),
    ("resolved_with_pedigree", Status::Fixed),
    ("exploitable", Status::Affected),
    ("in_triage", Status::UnderInvestigation),
    ("false_positive", Status::NotAffected),
    ("not_affected", Status::NotAffected),
];
const JUSTIFICATIONS: [&str; 9] = [
    "code_not_present",
    "code_not_reachable",
    "requires_configuration",
    "requires_dependency",
    "requires_environment",
    "protected_by_compiler",
    "protected_at_runtime",
    "protected_at_perimeter",
    "protected_by_mitigating_control",
];

fn is(root: &Node<'_>) -> bool {
    root.get("bomFormat").is_some_and(|format| format.is("CycloneDX"))
}

fn read(root: &Node<'_>, draft: &mut Draft) -> Result<(), Error> {
    let version = root.need("specVersion")?.known(&VERSIONS)?;
    let document = &mut draft.document;
    document.format = format!("CycloneDX {version}");
    document.id = root.text_of("serialNumber")?.map(str::to_owned);
    document.version = vec![root.get("version").map_or(Ok(1), |node| node.number())?];
    let metadata = root.get("metadata");
    if let Some(metadata) = &metadata {
        document.timestamp = metadata.time_of("timestamp")?;
        document.author = author(metadata)?;
    }
    let issued = document.timestamp;
    let serial = document.id.clone();
    let parts = Parts { serial, by_ref: components(root, metadata.as_ref())? };
    for node in root.list("vulnerabilities")? {
        let Some(analysis) = node.get("analysis") else { continue };
        let mut statement = statement(&node, &analysis, &parts)?;
        statement.timestamp = statement.timestamp.or(issued);
        draft.push(&node, statement)?;
    }
    Ok(())
}

fn author(metadata: &Node<'_>) -> Result<String, Error> {
    let authors = metadata.list("authors")?;
    let named = authors.iter().map(|author| match author.text_of("name")? {
        Some(name) => Ok(Some(name)),
        None => author.text_of("email"),
    });
    if let Some(name) = named.collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().next() {
        return Ok(name.to_owned());
    }
    for key in ["manufacturer", "manufacture", "supplier"] {
        if let Some(node) = metadata.get(key)
            && let Some(name) = node.text_of("name")?
        {
            return Ok(name.to_owned());
        }
    }
    Ok(String::new())
}

/// The components of the document.
struct Parts {
    serial: Option<String>,
    /// Nothing where two have the same `bom-ref`: then it names neither.
    by_ref: BTreeMap<String, Option<Item>>,
}

/// Every component, nested ones and the subject included, by its `bom-ref`.
fn components(
    root: &Node<'_>,
    metadata: Option<&Node<'_>>,
) -> Result<BTreeMap<String, Option<Item>>, Error> {
    let mut by_ref = BTreeMap::new();
    let mut pending = root.list("components")?;
    pending.extend(metadata.and_then(|metadata| metadata.get("component")));
    let mut count = 0_usize;
    while let Some(node) = pending.pop() {
        count = count.saturating_add(1);
        if count > MOST_COMPONENTS {
            return root.fail(format!("more than {MOST_COMPONENTS} components"));
        }
        pending.extend(node.list("components")?);
        if let Some(name) = node.text_of("bom-ref")? {
            let is_taken = by_ref.contains_key(name);
            let item = if is_taken { None } else { Some(component(&node, name)?) };
            by_ref.insert(name.to_owned(), item);
        }
    }
    Ok(by_ref)
}

fn component(node: &Node<'_>, name: &str) -> Result<Item, Error> {
    let mut item = Item::new(name);
    match node.text_of("purl")? {
        Some(purl) => item.add_purl(purl),
        None => item.make_unusable("has no package URL"),
    }
    for hash in node.list("hashes")? {
        let (name, value) = (hash.need("alg")?.text()?, hash.need("content")?.text()?);
        if let (Some(algorithm), Some(hex)) = (hash_algorithm(name), hex(value)) {
            item.hashes.push(Hash { algorithm, hex });
        }
    }
    Ok(item)
}

fn statement(node: &Node<'_>, analysis: &Node<'_>, parts: &Parts) -> Result<Statement, Error> {
    let status = analysis.need("state")?.word(&STATES)?;
    let justification = match analysis.text_of("justification")? {
        Some(_) => Some(analysis.need("justification")?.known(&JUSTIFICATIONS)?),
        None => None,
    };
    let mut products = Vec::new();
    for affected in node.list("affects")? {
        products.extend(narrowed(&affected, item(&affected, parts)?, status)?);
    }
    let mut ids = vec![node.need("id")?.text()?.to_owned()];
    for reference in node.list("references")? {
        ids.extend(reference.text_of("id")?.map(str::to_owned));
    }
    let detail = analysis.text_of("detail")?.map(str::to_owned);
    let recommendation = node.text_of("recommendation")?.map(str::to_owned);
    let (impact, action) = match status {
        Status::NotAffected => (detail, recommendation),
        Status::Fixed | Status::UnderInvestigation | Status::Affected => {
            (None, detail.or(recommendation))
        }
    };
    let times = [
        analysis.time_of("lastUpdated")?.max(analysis.time_of("firstIssued")?),
        node.time_of("updated")?,
    ];
    Ok(Statement {
        at: node.at.clone(),
        ids,
        products,
        status,
        justification,
        impact,
        action,
        timestamp: times.into_iter().flatten().next(),
    })
}

/// What a `ref` names: a component of this document, else what it says itself.
fn item(affected: &Node<'_>, parts: &Parts) -> Result<Item, Error> {
    let name = affected.need("ref")?.text()?;
    if let Some(found) = parts.by_ref.get(name) {
        return Ok(found.clone().unwrap_or_else(|| {
            let mut item = Item::new(name);
            item.make_unusable("names two components");
            item
        }));
    }
    let mut item = Item::new(name);
    // BOM-Link: `urn:cdx:SERIAL/VERSION#BOM-REF`, <https://cyclonedx.org/capabilities/bomlink/>.
    let Some(link) = name.strip_prefix("urn:cdx:") else {
        item.add_id(name);
        return Ok(item);
    };
    let (document, fragment) = link.split_once('#').unwrap_or((link, ""));
    let serial = document.split('/').next().unwrap_or_default();
    let own = parts.serial.as_deref().and_then(|serial| serial.strip_prefix("urn:uuid:"));
    let decoded = decode(fragment);
    match decoded.as_deref() {
        Some(fragment) if own == Some(serial) => match parts.by_ref.get(fragment) {
            Some(Some(found)) => return Ok(found.clone()),
            Some(None) => item.make_unusable("names two components"),
            None => item.make_unusable("names no component of its own document"),
        },
        // The other document is not here; a `bom-ref` that is a package URL says by itself what it means.
        Some(fragment) if fragment.starts_with("pkg:") => item.add_purl(fragment),
        Some(_) | None => item.make_unusable("is a link into a document that is not here"),
    }
    Ok(item)
}

/// Percent-decodes a fragment once.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let pair = [rest.next()?, rest.next()?];
            let pair = std::str::from_utf8(&pair).ok()?;
            let is_hex = pair.bytes().all(|byte| byte.is_ascii_hexdigit());
            bytes.push(u8::from_str_radix(pair, 16).ok().filter(|_| is_hex)?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The product, once for each version that is meant.
fn narrowed(affected: &Node<'_>, item: Item, status: Status) -> Result<Vec<Product>, Error> {
    let product = |item| Product { item, subcomponents: Vec::new() };
    let versions = affected.list("versions")?;
    if versions.is_empty() {
        return Ok(vec![product(item)]);
    }
    let mut products = Vec::new();
    for node in versions {
        let is_unaffected = match node.get("status") {
            Some(word) => {
                word.word(&[("affected", false), ("unaffected", true), ("unknown", false)])?
            }
            None => false,
        };
        if is_unaffected != status.is_clearing() {
            continue;
        }
        let mut item = item.clone();
        match node.text_of("version")? {
            Some(version) => item.version = Some(version.to_owned()),
            // Whoever is warned is warned of every version.
            None if status.is_clearing() => item.make_unusable("names a range of versions"),
            None => {}
        }
        products.push(product(item));
    }
    if products.is_empty() {
        let mut item = item;
        item.make_unusable("names no version that its state is about");
        products.push(product(item));
    }
    Ok(products)
}

#[cfg(test)]
mod tests {
    use super::super::{Document, read};
    use super::*;
    use serde_json::{Value, json};

    fn document() -> Value {
        json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
            "version": 2,
            "metadata": { "timestamp": "2026-01-02T03:04:05Z", "authors": [{ "name": "a@corp" }] },
            "components": [{
                "bom-ref": "outer", "type": "application", "name": "outer", "purl": "pkg:npm/outer@1",
                "components": [{ "bom-ref": "in#ner", "type": "library", "name": "inner", "purl": "pkg:npm/inner@2" }],
            }],
            "vulnerabilities": [
                {
                    "id": "CVE-2026-1",
                    "references": [{ "id": "GHSA-1", "source": {} }],
                    "analysis": { "state": "not_affected", "justification": "code_not_reachable", "detail": "never called",
                        "lastUpdated": "2026-02-02T03:04:05Z" },
                    "affects": [{ "ref": "outer" }, { "ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/2#in%23ner" }],
                },
                { "id": "CVE-2026-9", "affects": [{ "ref": "outer" }] },
                { "id": "CVE-2026-2", "analysis": { "state": "exploitable", "detail": "update" }, "affects": [{ "ref": "pkg:npm/x@1" }] },
            ],
        })
    }

    fn parse(document: &Value) -> Result<Document, Error> {
        read(document.to_string().as_bytes(), "a.json".into())
    }

    fn purls(document: &Value) -> Vec<String> {
        let products = &parse(document).unwrap().statements[0].products;
        products
            .iter()
            .map(|product| {
                let item = &product.item;
                item.unusable.clone().unwrap_or_else(|| {
                    format!("{} {}", item.purls[0], item.version.as_deref().unwrap_or("any"))
                })
            })
            .collect()
    }

    #[test]
    fn analyses_are_statements_and_the_rest_is_none() {
        let read = parse(&document()).unwrap();
        assert_eq!(
            (read.format.as_str(), read.author.as_str(), &read.version[..]),
            ("CycloneDX 1.6", "a@corp", &[2][..])
        );
        let [first, second] = &read.statements[..] else { panic!("{read:?}") };
        assert_eq!(first.ids, ["CVE-2026-1", "GHSA-1"]);
        assert_eq!(
            (first.status, first.justification),
            (Status::NotAffected, Some("code_not_reachable"))
        );
        assert_eq!(first.impact.as_deref(), Some("never called"));
        assert_eq!(first.timestamp, "2026-02-02T03:04:05Z".parse().ok());
        assert_eq!(purls(&document()), ["pkg:npm/outer@1 any", "pkg:npm/inner@2 any"]);
        assert_eq!((second.at.as_str(), second.status), ("vulnerabilities[2]", Status::Affected));
        assert_eq!(second.action.as_deref(), Some("update"));
        assert_eq!(second.timestamp, "2026-01-02T03:04:05Z".parse().ok());
    }

    #[test]
    fn a_reference_that_could_mean_another_means_none() {
        let with = |name: &str| {
            let mut document = document();
            document["vulnerabilities"][0]["affects"] = json!([{ "ref": name }]);
            document["components"]
                .as_array_mut()
                .unwrap()
                .push(json!({ "bom-ref": "outer", "purl": "pkg:npm/evil@1" }));
            purls(&document)
        };
        assert_eq!(with("outer"), ["names two components"]);
        assert_eq!(
            with("urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#none"),
            ["names no component of its own document"]
        );
        assert_eq!(
            with("urn:cdx:00000000-395b-41f5-a30f-a58921a69b79/1#in%23ner"),
            ["is a link into a document that is not here"]
        );
        assert_eq!(
            with("urn:cdx:00000000-395b-41f5-a30f-a58921a69b79/1#pkg:npm/x@1"),
            ["pkg:npm/x@1 any"]
        );
        assert_eq!(with("in#ner"), ["pkg:npm/inner@2 any"]);
        assert_eq!(with("neither"), ["is no package URL and no digest of an image"]);
    }

    #[test]
    fn versions_narrow_what_is_meant_and_ranges_clear_nothing() {
        let with = |state: &str| {
            let mut document = document();
            document["vulnerabilities"][0]["analysis"]["state"] = state.into();
            document["vulnerabilities"][0]["affects"] = json!([{ "ref": "pkg:npm/x", "versions": [
                { "version": "1", "status": "unaffected" }, { "version": "2" },
                { "range": "vers:npm/>=3", "status": "unaffected" }, { "range": "vers:npm/<1", "status": "affected" },
            ]}]);
            purls(&document)
        };
        assert_eq!(with("not_affected"), ["pkg:npm/x 1", "names a range of versions"]);
        assert_eq!(with("exploitable"), ["pkg:npm/x 2", "pkg:npm/x any"]);
    }

    #[test]
    fn what_is_wrong_is_an_error_that_names_the_statement() {
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 4] = [
            (
                |d| d["vulnerabilities"][2]["analysis"]["state"] = "fine".into(),
                "vulnerabilities[2].analysis.state: expected one of `resolved`, `resolved_with_pedigree`, `exploitable`, \
                 `in_triage`, `false_positive`, `not_affected`, found `fine`",
            ),
            (
                |d| d["vulnerabilities"][2]["analysis"] = json!({}),
                "vulnerabilities[2].analysis: expected `state`",
            ),
            (
                |d| d["specVersion"] = "1.3".into(),
                "specVersion: expected one of `1.4`, `1.5`, `1.6`, `1.7`, found `1.3`",
            ),
            (|d| d["vulnerabilities"] = json!([{ "id": "CVE-1" }]), "no statement is in it"),
        ];
        for (change, expect) in cases {
            let mut document = document();
            change(&mut document);
            let error = parse(&document).unwrap_err();
            assert_eq!(error.to_string(), format!("cannot read VEX in `a.json`: {expect}"));
        }
    }
}
