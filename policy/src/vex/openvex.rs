//! OpenVEX 0.2.0.
//!
//! Specification: <https://github.com/openvex/spec/blob/v0.2.0/OPENVEX-SPEC.md>.

use super::{
    Draft, Item, JUSTIFICATIONS, Product, Reader, Statement, Status,
    json::Node,
    product::{hash_algorithm, hex},
};
use crate::Error;
use plimsoll_model::component::Hash;

pub(super) const READER: Reader = Reader { name: "OpenVEX", is, read };

/// Contexts begin so; what follows is the version.
const CONTEXT: &str = "https://openvex.dev/ns";
/// The one version that is read and written.
pub(super) const VERSION: &str = "https://openvex.dev/ns/v0.2.0";

fn is(root: &Node<'_>) -> bool {
    root.text_of("@context").is_ok_and(|text| text.is_some_and(|text| text.starts_with(CONTEXT)))
}

fn read(root: &Node<'_>, draft: &mut Draft) -> Result<(), Error> {
    let context = root.need("@context")?;
    if !context.is(VERSION) {
        return context.fail(format!("expected `{VERSION}`"));
    }
    let document = &mut draft.document;
    "OpenVEX 0.2.0".clone_into(&mut document.format);
    document.id = Some(root.need("@id")?.text()?.to_owned());
    root.need("author")?.text()?.clone_into(&mut document.author);
    document.version = vec![root.need("version")?.number()?];
    let issued = root.time_of("timestamp")?;
    if issued.is_none() {
        return root.fail("expected `timestamp`");
    }
    document.timestamp = root.time_of("last_updated")?.max(issued);
    for node in root.need("statements")?.items()? {
        let mut statement = statement(&node)?;
        // What has no time of its own is of when the document was issued, not of when it was touched last.
        statement.timestamp = statement.timestamp.or(issued);
        draft.push(&node, statement)?;
    }
    Ok(())
}

fn statement(node: &Node<'_>) -> Result<Statement, Error> {
    let text = |key| Ok(node.text_of(key)?.map(str::to_owned));
    let justification = match node.text_of("justification")? {
        Some(_) => Some(node.need("justification")?.known(&JUSTIFICATIONS)?),
        None => None,
    };
    Ok(Statement {
        at: node.at.clone(),
        ids: ids(&node.need("vulnerability")?)?,
        products: node.list("products")?.iter().map(product).collect::<Result<_, _>>()?,
        status: node.need("status")?.word(&Status::ALL)?,
        justification,
        impact: text("impact_statement")?,
        action: text("action_statement")?,
        timestamp: node.time_of("last_updated")?.max(node.time_of("timestamp")?),
    })
}

fn ids(node: &Node<'_>) -> Result<Vec<String>, Error> {
    let mut ids = vec![node.need("name")?.text()?.to_owned()];
    ids.extend(node.texts("aliases")?.into_iter().map(str::to_owned));
    Ok(ids)
}

fn product(node: &Node<'_>) -> Result<Product, Error> {
    let subcomponents = node.list("subcomponents")?;
    Ok(Product {
        item: item(node)?,
        subcomponents: subcomponents.iter().map(item).collect::<Result<_, _>>()?,
    })
}

/// A product or a subcomponent, by its `@id`, its identifiers and its hashes.
fn item(node: &Node<'_>) -> Result<Item, Error> {
    node.object()?;
    let id = node.text_of("@id")?;
    let purl = match node.get("identifiers") {
        Some(identifiers) => identifiers.text_of("purl")?,
        None => None,
    };
    let mut item = Item::new(id.or(purl).unwrap_or("(no id)"));
    if let Some(id) = id {
        item.add_id(id);
    }
    // The `@id` of a product that has an identifier of its own may be any name.
    if let Some(purl) = purl {
        item.add_purl(purl);
    }
    if let Some(hashes) = node.get("hashes") {
        for name in hashes.object()?.keys() {
            let value = hashes.need(name)?.text()?.to_owned();
            if let (Some(algorithm), Some(hex)) = (hash_algorithm(name), hex(&value)) {
                item.hashes.push(Hash { algorithm, hex });
            }
        }
    }
    Ok(item)
}

#[cfg(test)]
mod tests {
    use super::super::{Document, read};
    use super::*;
    use serde_json::{Value, json};

    fn document() -> Value {
        json!({
            "@context": VERSION,
            "@id": "https://example.com/vex/1",
            "author": "Security <security@example.com>",
            "timestamp": "2026-01-02T03:04:05Z",
            "last_updated": "2026-02-02T03:04:05Z",
            "version": 3,
            "statements": [
                {
                    "vulnerability": { "name": "CVE-2026-1", "aliases": ["GHSA-1"] },
                    "products": [{
                        "@id": "pkg:oci/app@sha256%3Ae3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                        "subcomponents": [{ "@id": "pkg:npm/a@1", "hashes": { "sha-1": "DA39a3ee5e6b4b0d3255bfef95601890afd80709" } }],
                    }],
                    "status": "not_affected",
                    "justification": "vulnerable_code_not_in_execute_path",
                    "impact_statement": "only the tests call it",
                },
                {
                    "vulnerability": { "name": "CVE-2026-2" },
                    "timestamp": "2026-03-02T03:04:05Z",
                    "products": [{ "@id": "urn:app", "identifiers": { "purl": "pkg:npm/b" } }],
                    "status": "affected",
                    "action_statement": "update to 2",
                },
            ],
        })
    }

    fn parse(document: &Value) -> Result<Document, Error> {
        read(document.to_string().as_bytes(), "a.json".into())
    }

    #[test]
    fn a_document_is_read_whole() {
        let read = parse(&document()).unwrap();
        assert_eq!(read.format, "OpenVEX 0.2.0");
        assert_eq!(read.id.as_deref(), Some("https://example.com/vex/1"));
        assert_eq!(
            (read.author.as_str(), &read.version[..]),
            ("Security <security@example.com>", &[3][..])
        );
        assert_eq!(read.timestamp, "2026-02-02T03:04:05Z".parse().ok());
    }

    #[test]
    fn its_statements_are_read_whole() {
        let read = parse(&document()).unwrap();
        let [first, second] = &read.statements[..] else { panic!("{read:?}") };
        assert_eq!(
            (first.at.as_str(), &first.ids[..]),
            ("statements[0]", &["CVE-2026-1".to_owned(), "GHSA-1".to_owned()][..])
        );
        assert_eq!(first.status, Status::NotAffected);
        assert_eq!(first.justification, Some("vulnerable_code_not_in_execute_path"));
        assert_eq!(first.impact.as_deref(), Some("only the tests call it"));
        assert_eq!(first.timestamp, "2026-01-02T03:04:05Z".parse().ok());
        assert_eq!(first.products[0].item.images().count(), 1);
        let sub = &first.products[0].subcomponents[0];
        assert_eq!(sub.purls[0].as_str(), "pkg:npm/a@1");
        assert_eq!(sub.hashes[0].hex, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(
            (second.status, second.action.as_deref()),
            (Status::Affected, Some("update to 2"))
        );
        assert_eq!(second.timestamp, "2026-03-02T03:04:05Z".parse().ok());
        assert_eq!(second.products[0].item.purls[0].as_str(), "pkg:npm/b");
        assert_eq!(second.products[0].item.unusable, None);
    }

    #[test]
    fn what_is_wrong_is_an_error_that_names_the_statement() {
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 9] = [
            (
                |d| d["statements"][1]["status"] = "not affected".into(),
                "statements[1].status: expected one of `not_affected`, `affected`, `fixed`, `under_investigation`, found `not affected`",
            ),
            (
                |d| d["statements"][0]["justification"] = "trust me".into(),
                "statements[0].justification: expected one of `component_not_present`, `vulnerable_code_not_present`, \
                 `vulnerable_code_not_in_execute_path`, `vulnerable_code_cannot_be_controlled_by_adversary`, \
                 `inline_mitigations_already_exist`, found `trust me`",
            ),
            (
                |d| d["statements"][0]["vulnerability"] = json!({}),
                "statements[0].vulnerability: expected `name`",
            ),
            (
                |d| d["statements"][0]["products"] = json!("pkg:npm/a"),
                "statements[0].products: expected a list",
            ),
            (
                |d| d["statements"][0]["products"] = json!(["a"]),
                "statements[0].products[0]: expected an object",
            ),
            (|d| d["statements"] = json!([]), "no statement is in it"),
            (
                |d| d["timestamp"] = "yesterday".into(),
                "timestamp: expected a time such as `2026-01-31T12:00:00Z`",
            ),
            (|d| d["author"] = "".into(), "author: expected a text"),
            (
                |d| d["@context"] = "https://openvex.dev/ns/v0.0.1".into(),
                "@context: expected `https://openvex.dev/ns/v0.2.0`",
            ),
        ];
        for (change, expect) in cases {
            let mut document = document();
            change(&mut document);
            let error = parse(&document).unwrap_err();
            assert_eq!(error.to_string(), format!("cannot read VEX in `a.json`: {expect}"));
        }
    }
}
