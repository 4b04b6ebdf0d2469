//! What a document says beside the inventory: who made it, when, with what, and which fields each component has.

use crate::formats::{Document, DocumentSubject};
use jiff::Timestamp;
use plimsoll_model::Inventory;

/// An SBOM as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sbom {
    /// What is aboard.
    pub inventory: Inventory,
    /// What the document says of itself.
    pub facts: Facts,
}

/// What a document says of itself, and which fields it has for each component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The format: `CycloneDX` or `SPDX`.
    pub format: &'static str,
    /// The version of the format, such as `1.6` or `2.3`.
    pub version: String,
    /// What it is about, where it says so.
    pub subject: Option<DocumentSubject>,
    /// The people and organizations that made it, as written.
    pub authors: Vec<String>,
    /// The tools that made it, with their versions.
    pub tools: Vec<String>,
    /// When it was made, as written.
    pub created: Option<String>,
    /// In which phase of the subject's life (`build`, `post-build`, `analyzed`).
    pub lifecycles: Vec<String>,
    /// Its serial number or name space.
    pub id: Option<String>,
    /// How far it says that the relations are known; the words of the format, sorted, each once.
    pub completeness: Vec<String>,
    /// Every component, the subject and the operating system included, in the order of the document.
    pub components: Vec<ComponentFacts>,
}

/// Which fields one component has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComponentFacts {
    /// Its name.
    pub name: String,
    /// What others in the document call it.
    pub reference: Option<String>,
    /// The fields that are there and say something; sorted, each once.
    pub fields: Vec<Field>,
}

/// A field of a component that some standard asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// A name.
    Name,
    /// A version, or the statement that none is known.
    Version,
    /// Who supplies or makes it.
    Supplier,
    /// An address of who makes it: e-mail or URL.
    CreatorContact,
    /// A package URL, CPE, SWID or the like.
    Identifier,
    /// A cryptographic hash.
    Hash,
    /// A SHA-512 of what is deployed.
    Sha512,
    /// A licence as declared.
    DeclaredLicense,
    /// A licence as concluded.
    ConcludedLicense,
    /// A copyright text, or the statement that none is known.
    Copyright,
    /// It takes part in a relation.
    Relation,
    /// A file name.
    Filename,
    /// Whether it is executable.
    Executable,
    /// Whether it is an archive.
    Archive,
    /// Whether it is structured.
    Structured,
    /// Where its source is.
    SourceUri,
    /// Where it can be had.
    DeployableUri,
}

impl Sbom {
    /// The SBOM as a document to be written, in any format. What it does not say of itself is taken from `now`.
    pub fn document<'a>(&'a self, tool_version: &'a str, now: Timestamp) -> Document<'a> {
        let created = self.facts.created.as_deref().and_then(|text| text.parse().ok());
        let subject = self.facts.subject.clone().unwrap_or_else(|| DocumentSubject {
            name: "unknown".to_owned(),
            digest: None,
            platform: None,
            image_tag: None,
        });
        Document {
            inventory: &self.inventory,
            subject,
            timestamp: created.unwrap_or(now),
            tool_version,
        }
    }
}

impl ComponentFacts {
    /// Whether a field is there.
    pub fn has(&self, field: Field) -> bool {
        self.fields.binary_search(&field).is_ok()
    }

    /// Takes fields in.
    pub(crate) fn add(&mut self, fields: impl IntoIterator<Item = Field>) {
        self.fields.extend(fields);
        self.fields.sort_unstable();
        self.fields.dedup();
    }
}
