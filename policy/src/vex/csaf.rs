//! CSAF 2.0, VEX profile.
//!
//! Specification: <https://docs.oasis-open.org/csaf/csaf/v2.0/os/csaf-v2.0-os.html> (profile 5: VEX). Products count by
//! their package URLs or hashes. A product that is part of another, by a relationship, is meant only there: where the
//! other has no package URL (but a CPE), nobody here can tell whether this is it, and it clears nothing.

use super::{
    Draft, Item, JUSTIFICATIONS, Product, Reader, Statement, Status,
    json::Node,
    product::{hash_algorithm, hex},
};
use crate::Error;
use plimsoll_model::component::Hash;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const READER: Reader = Reader { name: "CSAF", is, read };

/// The most products of the tree, and of all groups together.
const MOST: usize = 1_000_000;

const STATUSES: [(&str, Status); 7] = [
    ("known_not_affected", Status::NotAffected),
    ("fixed", Status::Fixed),
    ("first_fixed", Status::Fixed),
    ("known_affected", Status::Affected),
    ("first_affected", Status::Affected),
    ("last_affected", Status::Affected),
    ("under_investigation", Status::UnderInvestigation),
];

fn is(root: &Node<'_>) -> bool {
    root.get("document").is_some_and(|document| document.get("csaf_version").is_some())
}

fn read(root: &Node<'_>, draft: &mut Draft) -> Result<(), Error> {
    let head = root.need("document")?;
    head.need("csaf_version")?.known(&["2.0"])?;
    head.need("category")?.known(&["csaf_vex"])?;
    let (publisher, tracking) = (head.need("publisher")?, head.need("tracking")?);
    let state = tracking.need("status")?;
    if state.known(&["draft", "interim", "final"])? == "draft" {
        return state.fail("expected `interim` or `final`: a draft states nothing yet");
    }
    let document = &mut draft.document;
    "CSAF 2.0".clone_into(&mut document.format);
    publisher.need("name")?.text()?.clone_into(&mut document.author);
    let id = tracking.need("id")?.text()?;
    let namespace = publisher.text_of("namespace")?.unwrap_or(&document.author);
    document.id = Some(format!("{namespace} {id}"));
    document.version = version(&tracking.need("version")?)?;
    document.timestamp = tracking.time_of("current_release_date")?;
    let Some(released) = document.timestamp else {
        return tracking.fail("expected `current_release_date`");
    };
    let tree = Tree::read(root.get("product_tree").as_ref())?;
    for node in root.list("vulnerabilities")? {
        for mut statement in statements(&node, &tree)? {
            statement.timestamp = Some(released);
            draft.push(&node, statement)?;
        }
    }
    Ok(())
}

/// `3` or `1.2.0`; what follows a `-` or `+` marks drafts and builds, and orders nothing here.
fn version(node: &Node<'_>) -> Result<Vec<u64>, Error> {
    let text = node.text()?;
    let numbers = text.split(['-', '+']).next().unwrap_or_default();
    let parsed = numbers.split('.').map(|number| number.parse().ok()).collect::<Option<Vec<u64>>>();
    parsed.map_or_else(|| node.fail("expected a version such as `3` or `1.2.0`"), Ok)
}

/// The products that the document knows, by their ids.
#[derive(Default)]
struct Tree {
    products: BTreeMap<String, Product>,
    groups: BTreeMap<String, BTreeSet<String>>,
}

/// What the branches above a product say of its version.
#[derive(Clone, Default)]
struct Above {
    version: Option<String>,
    range: Option<String>,
}

impl Tree {
    fn read(node: Option<&Node<'_>>) -> Result<Self, Error> {
        let mut tree = Self::default();
        let Some(node) = node else { return Ok(tree) };
        for product in node.list("full_product_names")? {
            tree.add(&product, Above::default())?;
        }
        // Depth is bounded by the parser; nothing here recurses.
        let top = node.list("branches")?.into_iter();
        let mut pending: Vec<_> = top.map(|branch| (branch, Above::default())).collect();
        while let Some((branch, mut above)) = pending.pop() {
            let name = branch.need("name")?.text()?;
            match branch.need("category")?.text()? {
                "product_version" => above.version = Some(name.to_owned()),
                "product_version_range" => above.range = Some(name.to_owned()),
                _ => {}
            }
            if let Some(product) = branch.get("product") {
                tree.add(&product, above.clone())?;
            }
            let inner = branch.list("branches")?.into_iter();
            pending.extend(inner.map(|inner| (inner, above.clone())));
        }
        tree.relate(node)?;
        for group in node.list("product_groups")? {
            let ids = group.texts("product_ids")?.into_iter().map(str::to_owned).collect();
            let id = group.need("group_id")?;
            if tree.groups.insert(id.text()?.to_owned(), ids).is_some() {
                return id.fail("another group has this id");
            }
        }
        Ok(tree)
    }

    fn add(&mut self, node: &Node<'_>, above: Above) -> Result<(), Error> {
        let item = item(node, above)?;
        self.insert(node, Product { item, subcomponents: Vec::new() })
    }

    fn insert(&mut self, node: &Node<'_>, product: Product) -> Result<(), Error> {
        if self.products.len() >= MOST {
            return node.fail(format!("more than {MOST} products"));
        }
        let id = node.need("product_id")?;
        match self.products.insert(id.text()?.to_owned(), product) {
            Some(_) => id.fail("another product has this id"),
            None => Ok(()),
        }
    }

    /// Adds products that are parts of others. They relate products of the tree, not one another.
    fn relate(&mut self, node: &Node<'_>) -> Result<(), Error> {
        let plain = self.products.clone();
        let find = |node: &Node<'_>, key: &str| {
            let id = node.need(key)?;
            let found = plain.get(id.text()?).map(|product| product.item.clone());
            Ok::<_, Error>(found.unwrap_or_else(|| {
                let mut item = Item::new(id.text().unwrap_or_default());
                item.make_unusable("is not in the product tree, or itself part of another product");
                item
            }))
        };
        for relationship in node.list("relationships")? {
            let name = relationship.need("full_product_name")?;
            let (part, whole) = (
                find(&relationship, "product_reference")?,
                find(&relationship, "relates_to_product_reference")?,
            );
            self.insert(&name, Product { item: whole, subcomponents: vec![part] })?;
        }
        Ok(())
    }

    /// The ids that `product_ids` and `group_ids` name.
    fn named(&self, node: &Node<'_>) -> Result<BTreeSet<String>, Error> {
        let mut ids: BTreeSet<String> =
            node.texts("product_ids")?.into_iter().map(str::to_owned).collect();
        for group in node.texts("group_ids")? {
            match self.groups.get(group) {
                Some(members) => ids.extend(members.iter().cloned()),
                None => return node.fail(format!("there is no product group `{group}`")),
            }
        }
        Ok(ids)
    }
}

fn item(node: &Node<'_>, above: Above) -> Result<Item, Error> {
    let mut item = Item::new(node.need("product_id")?.text()?);
    let helper = node.get("product_identification_helper");
    let purl = helper.as_ref().map_or(Ok(None), |helper| helper.text_of("purl"))?;
    match purl {
        Some(purl) => item.add_purl(purl),
        None => item.make_unusable("has no package URL"),
    }
    for file in helper.map_or_else(|| Ok(Vec::new()), |helper| helper.list("hashes"))? {
        for hash in file.list("file_hashes")? {
            let (name, value) = (hash.need("algorithm")?.text()?, hash.need("value")?.text()?);
            if let (Some(algorithm), Some(hex)) = (hash_algorithm(name), hex(value)) {
                item.hashes.push(Hash { algorithm, hex });
            }
        }
    }
    // A package URL without a version, below a branch that names one, does not mean every version.
    if !item.has_version() {
        item.version = above.version;
        if above.range.is_some() && item.version.is_none() {
            item.make_unusable("names a range of versions");
        }
    }
    Ok(item)
}

/// What is said of one product beside its status.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    justification: Option<&'static str>,
    impact: Option<String>,
    action: Option<String>,
}

/// One statement for each status and each reason that is given for it.
fn statements(node: &Node<'_>, tree: &Tree) -> Result<Vec<Statement>, Error> {
    let ids = ids(node)?;
    let said = said(node, tree)?;
    let status = node.need("product_status")?;
    let mut seen: BTreeMap<&str, Status> = BTreeMap::new();
    let mut grouped: BTreeMap<(&str, Said), (Status, Vec<Product>)> = BTreeMap::new();
    for key in status.object()?.keys().filter(|key| *key != "recommended") {
        let list = status.need(key)?;
        let Some((word, value)) = STATUSES.iter().find(|(word, _)| word == key) else {
            return status
                .fail(format!("unknown status `{}`", key.chars().take(100).collect::<String>()));
        };
        for id in list.items()? {
            let name = id.text()?;
            let Some(product) = tree.products.get(name) else {
                return id.fail(format!("there is no product `{name}`"));
            };
            // 6.1.6: contradicting product status.
            if seen.insert(name, *value).is_some_and(|other| other != *value) {
                return id.fail(format!("`{name}` has another status too"));
            }
            let said = said.get(name).cloned().unwrap_or_default();
            grouped.entry((*word, said)).or_insert((*value, Vec::new())).1.push(product.clone());
        }
    }
    let statement =
        |((word, said), (status, products)): ((&str, Said), (Status, Vec<Product>))| Statement {
            at: format!("{}.product_status.{word}", node.at),
            ids: ids.clone(),
            products,
            status,
            justification: said.justification,
            impact: said.impact,
            action: said.action,
            timestamp: None,
        };
    Ok(grouped.into_iter().map(statement).collect())
}

fn ids(node: &Node<'_>) -> Result<Vec<String>, Error> {
    let mut ids: Vec<String> = node.text_of("cve")?.map(str::to_owned).into_iter().collect();
    for id in node.list("ids")? {
        ids.push(id.need("text")?.text()?.to_owned());
    }
    if ids.is_empty() { node.fail("expected `cve` or `ids`") } else { Ok(ids) }
}

/// Flags are justifications, threats of category `impact` their texts, remediations what is to be done. One that
/// names no
/// product is about none.
fn said(node: &Node<'_>, tree: &Tree) -> Result<BTreeMap<String, Said>, Error> {
    let mut said: BTreeMap<String, Said> = BTreeMap::new();
    let mut count = 0_usize;
    let mut each = |node: &Node<'_>, set: &dyn Fn(&mut Said)| {
        let ids = tree.named(node)?;
        count = count.saturating_add(ids.len());
        if count > MOST {
            return node.fail(format!("more than {MOST} products"));
        }
        for id in ids {
            set(said.entry(id).or_default());
        }
        Ok(())
    };
    for flag in node.list("flags")? {
        let label = flag.need("label")?.known(&JUSTIFICATIONS)?;
        each(&flag, &|said| said.justification = said.justification.or(Some(label)))?;
    }
    for threat in node.list("threats")? {
        if threat.need("category")?.is("impact") {
            let details = threat.need("details")?.text()?;
            each(&threat, &|said| {
                said.impact.get_or_insert_with(|| details.to_owned());
            })?;
        }
    }
    for remediation in node.list("remediations")? {
        let details = remediation.need("details")?.text()?;
        each(&remediation, &|said| {
            said.action.get_or_insert_with(|| details.to_owned());
        })?;
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::super::{Document, read};
    use super::*;
    use serde_json::{Value, json};

    fn document() -> Value {
        json!({
            "document": {
                "category": "csaf_vex", "csaf_version": "2.0", "title": "t",
                "publisher": { "category": "vendor", "name": "Example", "namespace": "https://example.com" },
                "tracking": { "id": "EX-1", "version": "1.2.0", "status": "final",
                    "initial_release_date": "2026-01-01T00:00:00Z", "current_release_date": "2026-02-01T00:00:00Z" },
            },
            "product_tree": {
                "branches": [{ "category": "vendor", "name": "Example", "branches": [
                    { "category": "product_version", "name": "1.0", "product": { "product_id": "LIB", "name": "lib",
                        "product_identification_helper": { "purl": "pkg:npm/lib" } } },
                    { "category": "product_version_range", "name": "vers:npm/<1", "product": { "product_id": "RANGE",
                        "name": "lib", "product_identification_helper": { "purl": "pkg:npm/lib" } } },
                ]}],
                "full_product_names": [
                    { "product_id": "APP", "name": "app", "product_identification_helper": { "purl":
                        "pkg:oci/app@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" } },
                    { "product_id": "OS", "name": "os", "product_identification_helper": { "cpe": "cpe:/o:example:os:9" } },
                ],
                "relationships": [
                    { "category": "default_component_of", "product_reference": "LIB", "relates_to_product_reference": "APP",
                      "full_product_name": { "product_id": "APP:LIB", "name": "lib in app" } },
                    { "category": "default_component_of", "product_reference": "LIB", "relates_to_product_reference": "OS",
                      "full_product_name": { "product_id": "OS:LIB", "name": "lib in os" } },
                    { "category": "default_component_of", "product_reference": "LIB", "relates_to_product_reference": "APP:LIB",
                      "full_product_name": { "product_id": "DEEP", "name": "lib in lib" } },
                ],
                "product_groups": [{ "group_id": "G", "product_ids": ["APP:LIB", "RANGE"] }],
            },
            "vulnerabilities": [{
                "cve": "CVE-2026-1",
                "ids": [{ "system_name": "x", "text": "EX-BUG-1" }],
                "product_status": { "known_not_affected": ["APP:LIB", "RANGE", "OS:LIB", "DEEP"], "known_affected": ["LIB"], "recommended": ["APP"] },
                "flags": [{ "label": "vulnerable_code_not_present", "group_ids": ["G"] }],
                "threats": [{ "category": "impact", "details": "not built", "product_ids": ["OS:LIB"] }],
                "remediations": [{ "category": "vendor_fix", "details": "update", "product_ids": ["LIB"] }],
            }],
        })
    }

    fn parse(document: &Value) -> Result<Document, Error> {
        read(document.to_string().as_bytes(), "a.json".into())
    }

    #[test]
    fn statuses_and_reasons_are_brought_together() {
        let read = parse(&document()).unwrap();
        assert_eq!(
            (read.author.as_str(), read.id.as_deref()),
            ("Example", Some("https://example.com EX-1"))
        );
        assert_eq!((read.format.as_str(), &read.version[..]), ("CSAF 2.0", &[1, 2, 0][..]));
        let said: Vec<_> = read
            .statements
            .iter()
            .map(|s| {
                (
                    s.status,
                    s.justification,
                    s.impact.as_deref(),
                    s.action.as_deref(),
                    s.products.len(),
                )
            })
            .collect();
        assert_eq!(
            said,
            [
                (Status::Affected, None, None, Some("update"), 1),
                (Status::NotAffected, None, None, None, 1),
                (Status::NotAffected, None, Some("not built"), None, 1),
                (Status::NotAffected, Some("vulnerable_code_not_present"), None, None, 2),
            ]
        );
        assert!(read.statements.iter().all(|s| s.ids == ["CVE-2026-1", "EX-BUG-1"]));
        assert!(read.statements.iter().all(|s| s.timestamp == "2026-02-01T00:00:00Z".parse().ok()));
        assert_eq!(read.statements[0].at, "vulnerabilities[0].product_status.known_affected");
    }

    #[test]
    fn a_product_is_what_its_branches_and_relations_leave_of_it() {
        let read = parse(&document()).unwrap();
        let lib = &read.statements[0].products[0].item;
        assert_eq!((lib.purls[0].as_str(), lib.version.as_deref()), ("pkg:npm/lib", Some("1.0")));
        let [within, range] = &read.statements[3].products[..] else { panic!("{read:?}") };
        assert_eq!(within.item.images().count(), 1);
        assert_eq!(within.subcomponents[0].purls[0].as_str(), "pkg:npm/lib");
        assert_eq!(range.item.unusable.as_deref(), Some("names a range of versions"));
        let os = &read.statements[2].products[0];
        assert_eq!(os.item.unusable.as_deref(), Some("has no package URL"));
        let deep = &read.statements[1].products[0];
        assert!(deep.item.unusable.as_deref().unwrap().contains("part of another product"));
    }

    #[test]
    fn what_is_wrong_is_an_error_that_names_the_statement() {
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 9] = [
            (
                |d| d["document"]["category"] = "csaf_security_advisory".into(),
                "document.category: expected one of `csaf_vex`, found `csaf_security_advisory`",
            ),
            (
                |d| d["document"]["tracking"]["status"] = "draft".into(),
                "document.tracking.status: expected `interim` or `final`: a draft states nothing yet",
            ),
            (
                |d| d["vulnerabilities"][0]["product_status"]["fixed"] = json!(["LIB"]),
                "vulnerabilities[0].product_status.fixed[0]: `LIB` has another status too",
            ),
            (
                |d| d["vulnerabilities"][0]["product_status"]["fixed"] = json!(["NONE"]),
                "vulnerabilities[0].product_status.fixed[0]: there is no product `NONE`",
            ),
            (
                |d| d["vulnerabilities"][0]["product_status"]["harmless"] = json!(["LIB"]),
                "vulnerabilities[0].product_status: unknown status `harmless`",
            ),
            (
                |d| d["vulnerabilities"][0]["flags"][0]["label"] = "because".into(),
                "vulnerabilities[0].flags[0].label: expected one of `component_not_present`, `vulnerable_code_not_present`, \
                 `vulnerable_code_not_in_execute_path`, `vulnerable_code_cannot_be_controlled_by_adversary`, \
                 `inline_mitigations_already_exist`, found `because`",
            ),
            (
                |d| d["vulnerabilities"][0]["flags"][0]["group_ids"] = json!(["H"]),
                "vulnerabilities[0].flags[0]: there is no product group `H`",
            ),
            (
                |d| d["product_tree"]["full_product_names"][1]["product_id"] = "APP".into(),
                "product_tree.full_product_names[1].product_id: another product has this id",
            ),
            (|d| d["vulnerabilities"] = json!([]), "no statement is in it"),
        ];
        for (change, expect) in cases {
            let mut document = document();
            change(&mut document);
            let error = parse(&document).unwrap_err();
            assert_eq!(error.to_string(), format!("cannot read VEX in `a.json`: {expect}"));
        }
    }

    #[test]
    fn versions_are_numbers() {
        for (text, expect) in
            [("3", Some(vec![3])), ("1.10.0-rc", Some(vec![1, 10, 0])), ("x", None), ("1..2", None)]
        {
            let mut document = document();
            document["document"]["tracking"]["version"] = text.into();
            assert_eq!(parse(&document).ok().map(|document| document.version), expect, "{text}");
        }
    }
}
