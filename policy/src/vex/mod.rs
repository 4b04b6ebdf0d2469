//! VEX: what others, or we ourselves, say of a flaw in a product. Read from three formats into one form, and judged.
//!
//! Nothing here clears by being malformed: a document that can not be read, a status that is not known, a key that
//! stands twice are errors, never an empty list. What is read clears a match only where [`judge`](mod@judge) finds that it is
//! accepted, about exactly that flaw and that component, and the latest word on it.

mod json;
pub mod judge;
mod product;
pub mod write;

use crate::Error;
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use json::Node;
use plimsoll_model::Digest;

pub use judge::{Image, Refusal, Usage, Use, VexFacts};
pub use product::{Difference, Item, Product};

macro_rules! readers {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Every format, in the order in which a document is held against them.
        const ALL: &[&Reader] = &[$(&$module::READER),*];
    };
}
readers! {
    openvex,
    cyclonedx,
    csaf,
}

/// The largest document that is read, in bytes (64 MiB; the largest that Red Hat publishes have some 20).
pub const LARGEST: u64 = 64 << 20;
/// The most statements of one document.
const MOST_STATEMENTS: usize = 100_000;
/// The most products and subcomponents of one document, counted once for each statement that names them.
const MOST_PRODUCTS: usize = 1_000_000;

/// A format that VEX is read from.
struct Reader {
    /// What people call it.
    name: &'static str,
    /// Whether a document is one of these, by its content.
    is: fn(&Node<'_>) -> bool,
    /// Reads it.
    read: fn(&Node<'_>, &mut Draft) -> Result<(), Error>,
}

/// A document that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The file, as named.
    pub path: Utf8PathBuf,
    /// Digest of its bytes.
    pub digest: Digest,
    /// The format and its version.
    pub format: String,
    /// Its own id, where it has one.
    pub id: Option<String>,
    /// Who says so, by the document's own word; empty where it names nobody.
    pub author: String,
    /// Its version, number by number; of two with one id the higher counts alone.
    pub version: Vec<u64>,
    /// When it was last changed.
    pub timestamp: Option<Timestamp>,
    /// What it says, in its order.
    pub statements: Vec<Statement>,
}

/// What is said of one flaw in some products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its place in the document (`statements[3]`).
    pub at: String,
    /// Ids of the flaw, the one that the document calls it by first. Never empty.
    pub ids: Vec<String>,
    /// The products.
    pub products: Vec<Product>,
    /// What is said.
    pub status: Status,
    /// Why a product is not affected, in the format's word.
    pub justification: Option<&'static str>,
    /// Why a product is not affected, in words.
    pub impact: Option<String>,
    /// What is to be done.
    pub action: Option<String>,
    /// When it was said last; the document's time where the statement has none.
    pub timestamp: Option<Timestamp>,
}

/// What is said of a flaw in a product. In ascending order of how bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The product has no need to do anything about it.
    NotAffected,
    /// The product has the fix.
    Fixed,
    /// It is not known yet.
    UnderInvestigation,
    /// Something has to be done.
    Affected,
}

impl Status {
    /// Every status, as OpenVEX calls them.
    pub const ALL: [(&'static str, Self); 4] = [
        ("not_affected", Self::NotAffected),
        ("affected", Self::Affected),
        ("fixed", Self::Fixed),
        ("under_investigation", Self::UnderInvestigation),
    ];

    /// The word of OpenVEX for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
        }
    }

    /// Whether a match is cleared by it.
    pub const fn is_clearing(self) -> bool {
        match self {
            Self::NotAffected | Self::Fixed => true,
            Self::Affected | Self::UnderInvestigation => false,
        }
    }
}

/// The justifications of OpenVEX, which are the labels of CSAF too.
pub const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

/// A document in the making.
#[derive(Debug)]
struct Draft {
    document: Document,
    products: usize,
}

impl Draft {
    /// Takes a statement, within the limits.
    fn push(&mut self, node: &Node<'_>, statement: Statement) -> Result<(), Error> {
        let named =
            statement.products.iter().map(|product| product.subcomponents.len().saturating_add(1));
        self.products = named.fold(self.products, usize::saturating_add);
        if self.products > MOST_PRODUCTS {
            return node.fail(format!("more than {MOST_PRODUCTS} products"));
        }
        if self.document.statements.len() >= MOST_STATEMENTS {
            return node.fail(format!("more than {MOST_STATEMENTS} statements"));
        }
        self.document.statements.push(statement);
        Ok(())
    }
}

/// Reads a document; which format it is in, its content says.
///
/// # Errors
/// When it is too large, no JSON, in none of the formats, or has anything where its format has something else.
pub fn read(bytes: &[u8], path: &Utf8Path) -> Result<Document, Error> {
    let value = json::parse(bytes, path)?;
    let root = Node::root(&value, path);
    let Some(reader) = ALL.iter().find(|reader| (reader.is)(&root)) else {
        let names: Vec<&str> = ALL.iter().map(|reader| reader.name).collect();
        return root.fail(format!("expected a document in {}", names.join(", ")));
    };
    let document = Document {
        path: path.to_owned(),
        digest: Digest::of(bytes),
        format: reader.name.to_owned(),
        id: None,
        author: String::new(),
        version: Vec::new(),
        timestamp: None,
        statements: Vec::new(),
    };
    let mut draft = Draft { document, products: 0 };
    (reader.read)(&root, &mut draft)?;
    if draft.document.statements.is_empty() {
        return root.fail("no statement is in it");
    }
    Ok(draft.document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{Class, Classify as _};
    use proptest::prelude::*;

    fn chain(error: &Error) -> String {
        let source = std::error::Error::source(error);
        source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
    }

    #[test]
    fn what_is_in_no_format_is_an_error_and_never_an_empty_list() {
        for (text, expect) in [
            ("{}", "cannot read VEX in `a.json`: expected a document in OpenVEX, CycloneDX, CSAF"),
            ("[]", "cannot read VEX in `a.json`: expected a document in OpenVEX, CycloneDX, CSAF"),
            ("", "cannot read VEX in `a.json`: EOF while parsing a value at line 1 column 0"),
            (
                r#"{"a": 1, "b": {"c": 1, "c": 2}}"#,
                "cannot read VEX in `a.json`: key `c` stands twice at line 1 column 26",
            ),
        ] {
            let error = read(text.as_bytes(), "a.json".into()).unwrap_err();
            assert_eq!(chain(&error), expect);
            assert_eq!(error.class(), Class::Rejected);
        }
    }

    #[test]
    fn depth_ends_before_the_stack_does() {
        let deep = "[".repeat(100_000);
        let error = read(deep.as_bytes(), "a.json".into()).unwrap_err();
        assert!(chain(&error).contains("recursion limit exceeded"), "{error:?}");
    }

    #[test]
    fn only_two_statuses_clear() {
        let clearing = Status::ALL.iter().filter(|(_, status)| status.is_clearing());
        assert_eq!(clearing.map(|(word, _)| *word).collect::<Vec<_>>(), ["not_affected", "fixed"]);
        for (word, status) in Status::ALL {
            assert_eq!(word, status.as_str());
        }
    }

    /// JSON of the keys that the readers look for, in any place.
    fn tree() -> impl Strategy<Value = serde_json::Value> {
        const WORDS: [&str; 30] = [
            "@context",
            "https://openvex.dev/ns/v0.2.0",
            "bomFormat",
            "CycloneDX",
            "specVersion",
            "1.6",
            "document",
            "category",
            "csaf_vex",
            "csaf_version",
            "2.0",
            "statements",
            "vulnerabilities",
            "product_tree",
            "branches",
            "products",
            "affects",
            "ref",
            "analysis",
            "state",
            "not_affected",
            "pkg:npm/a@1",
            "@id",
            "author",
            "timestamp",
            "2026-01-01T00:00:00Z",
            "version",
            "product_status",
            "relationships",
            "product_id",
        ];
        let word = proptest::sample::select(&WORDS[..]).prop_map(str::to_owned);
        let leaf = prop_oneof![
            word.clone().prop_map(serde_json::Value::from),
            any::<u8>().prop_map(serde_json::Value::from),
            Just(serde_json::Value::Null),
        ];
        leaf.prop_recursive(5, 64, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                proptest::collection::btree_map(word.clone(), inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_document_panics(tree in tree(), format in 0_usize..3) {
            let mut tree = tree;
            if let Some(map) = tree.as_object_mut() {
                let heads = [
                    ("@context", "https://openvex.dev/ns/v0.2.0".into()),
                    ("bomFormat", "CycloneDX".into()),
                    ("document", serde_json::json!({"category": "csaf_vex", "csaf_version": "2.0",
                        "publisher": {"name": "a"}, "tracking": {"id": "1", "version": "1", "status": "final",
                        "current_release_date": "2026-01-01T00:00:00Z"}})),
                ];
                let (key, value) = heads[format].clone();
                map.insert(key.to_owned(), value);
            }
            if let Ok(document) = read(tree.to_string().as_bytes(), "a.json".into()) {
                prop_assert!(!document.statements.is_empty());
            }
        }
    }
}
