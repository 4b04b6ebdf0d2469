//! How well an SBOM meets what standards ask of one: counts per field, and a verdict.
//!
//! Only what a machine can see is judged: that a field is there and says something, not that it is true.
//!
//! - NTIA, The Minimum Elements for a Software Bill of Materials (July 2021);
//! - CISA, Minimum Elements for a Software Bill of Materials (draft of August 2025);
//! - CISA, Framing Software Component Transparency, third edition (2024): the attributes of "minimum expected";
//! - BSI, Technical Guideline TR-03183-2, version 2.1.0.

use crate::formats::{ComponentFacts, Facts, Field, Sbom};

/// What an SBOM is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standard {
    /// NTIA's minimum elements, 2021.
    Ntia2021,
    /// CISA's minimum elements, the draft of 2025.
    Cisa2025,
    /// Framing Software Component Transparency, third edition, as far as "minimum expected" goes.
    Fsct3,
    /// BSI TR-03183-2, version 2.1.0.
    BsiTr03183V2_1,
}

/// What an SBOM comes to by one standard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// The standard.
    pub standard: Standard,
    /// Each field that the standard names, in its order.
    pub rows: Vec<Row>,
}

/// One field of a standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// What the standard calls it.
    pub field: &'static str,
    /// Whether the verdict depends on it.
    pub need: Need,
    /// How many have it.
    pub have: usize,
    /// How many should.
    pub total: usize,
}

/// Whether a verdict depends on a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It does.
    Required,
    /// It is asked for where there is something to say, which no reader of the document can tell.
    Additional,
}

/// Where a field is, and how it is recognised.
#[derive(Clone, Copy)]
enum Place {
    Document(fn(&Facts) -> bool),
    Component(fn(&ComponentFacts) -> bool),
}

struct Element {
    field: &'static str,
    need: Need,
    place: Place,
}

impl Standard {
    /// Every standard.
    pub const ALL: [Self; 4] = [Self::Ntia2021, Self::Cisa2025, Self::Fsct3, Self::BsiTr03183V2_1];

    /// How users name it.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Ntia2021 => "ntia-2021",
            Self::Cisa2025 => "cisa-2025",
            Self::Fsct3 => "fsct-3",
            Self::BsiTr03183V2_1 => "bsi-2.1",
        }
    }

    /// Its name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ntia2021 => "NTIA minimum elements (2021)",
            Self::Cisa2025 => "CISA minimum elements (2025, draft)",
            Self::Fsct3 => "Framing Software Component Transparency 3 (minimum expected)",
            Self::BsiTr03183V2_1 => "BSI TR-03183-2 v2.1.0",
        }
    }

    /// The standard with this id.
    pub fn find(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standard| standard.id() == id)
    }

    const fn elements(self) -> &'static [Element] {
        match self {
            Self::Ntia2021 => &NTIA_2021,
            Self::Cisa2025 => &CISA_2025,
            Self::Fsct3 => &FSCT_3,
            Self::BsiTr03183V2_1 => &BSI_2_1,
        }
    }
}

/// What an SBOM comes to by a standard.
pub fn score(sbom: &Sbom, standard: Standard) -> Score {
    let facts = &sbom.facts;
    let row = |element: &Element| {
        let (have, total) = match element.place {
            Place::Document(is_there) => (usize::from(is_there(facts)), 1),
            Place::Component(is_there) => {
                let have = facts.components.iter().filter(|one| is_there(one)).count();
                (have, facts.components.len())
            }
        };
        Row { field: element.field, need: element.need, have, total }
    };
    Score { standard, rows: standard.elements().iter().map(row).collect() }
}

impl Score {
    /// Whether everything that is required is there. A document without a component conforms to nothing.
    pub fn is_conformant(&self) -> bool {
        let mut required = self.rows.iter().filter(|row| row.need == Need::Required);
        required.all(Row::is_met)
    }

    /// How much of what is required is there, from 0 to 100, rounded down; 100 exactly where it conforms.
    pub fn percent(&self) -> usize {
        let required = || self.rows.iter().filter(|row| row.need == Need::Required);
        let sum = required().fold(0_usize, |sum, row| sum.saturating_add(row.percent()));
        sum.checked_div(required().count()).unwrap_or(0)
    }
}

impl Row {
    /// Whether all that should have the field do, and there is one.
    pub const fn is_met(&self) -> bool {
        self.total > 0 && self.have >= self.total
    }

    fn percent(&self) -> usize {
        self.have.saturating_mul(100).checked_div(self.total).unwrap_or(0).min(100)
    }
}

const fn document(field: &'static str, is_there: fn(&Facts) -> bool) -> Element {
    Element { field, need: Need::Required, place: Place::Document(is_there) }
}

const fn component(field: &'static str, is_there: fn(&ComponentFacts) -> bool) -> Element {
    Element { field, need: Need::Required, place: Place::Component(is_there) }
}

const fn additional(field: &'static str, is_there: fn(&ComponentFacts) -> bool) -> Element {
    Element { field, need: Need::Additional, place: Place::Component(is_there) }
}

/// A tool that made the document by itself is its author as well as a person who made it.
fn has_author(facts: &Facts) -> bool {
    !facts.authors.is_empty() || !facts.tools.is_empty()
}

fn has_timestamp(facts: &Facts) -> bool {
    facts.created.as_deref().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok())
}

fn has_context(facts: &Facts) -> bool {
    !facts.lifecycles.is_empty()
}

fn has_relations(facts: &Facts) -> bool {
    facts.components.iter().any(|one| one.has(Field::Relation))
}

fn has_license(component: &ComponentFacts) -> bool {
    component.has(Field::DeclaredLicense) || component.has(Field::ConcludedLicense)
}

const NTIA_2021: [Element; 7] = [
    component("supplier name", |one| one.has(Field::Supplier)),
    component("component name", |one| one.has(Field::Name)),
    component("version of the component", |one| one.has(Field::Version)),
    component("other unique identifiers", |one| one.has(Field::Identifier)),
    document("dependency relationship", has_relations),
    document("author of SBOM data", has_author),
    document("timestamp", has_timestamp),
];

const CISA_2025: [Element; 11] = [
    document("SBOM author", has_author),
    component("software producer", |one| one.has(Field::Supplier)),
    component("component name", |one| one.has(Field::Name)),
    component("component version", |one| one.has(Field::Version)),
    component("software identifiers", |one| one.has(Field::Identifier)),
    component("component hash", |one| one.has(Field::Hash)),
    component("license", has_license),
    document("dependency relationship", has_relations),
    document("tool name", |facts| !facts.tools.is_empty()),
    document("timestamp", has_timestamp),
    document("generation context", has_context),
];

const FSCT_3: [Element; 12] = [
    document("author name", has_author),
    document("timestamp", has_timestamp),
    document("type", has_context),
    document("primary component", |facts| facts.subject.is_some()),
    component("component name", |one| one.has(Field::Name)),
    component("version", |one| one.has(Field::Version)),
    component("supplier name", |one| one.has(Field::Supplier)),
    component("unique identifier", |one| one.has(Field::Identifier)),
    document("relationship", has_relations),
    component("license", |one| one.has(Field::ConcludedLicense)),
    component("copyright holder", |one| one.has(Field::Copyright)),
    additional("cryptographic hash", |one| one.has(Field::Hash)),
];

const BSI_2_1: [Element; 17] = [
    document("creator of the SBOM", |facts| facts.authors.iter().any(|one| is_address(one))),
    document("timestamp", has_timestamp),
    document("format", is_accepted_format),
    component("component creator", |one| one.has(Field::CreatorContact)),
    component("component name", |one| one.has(Field::Name)),
    component("component version", |one| one.has(Field::Version)),
    component("filename of the component", |one| one.has(Field::Filename)),
    document("dependencies on other components", has_relations),
    document("completeness of the dependencies", |facts| !facts.completeness.is_empty()),
    component("distribution licences", |one| one.has(Field::ConcludedLicense)),
    component("hash value of the deployable component", |one| one.has(Field::Sha512)),
    component("executable property", |one| one.has(Field::Executable)),
    component("archive property", |one| one.has(Field::Archive)),
    component("structured property", |one| one.has(Field::Structured)),
    additional("source code URI", |one| one.has(Field::SourceUri)),
    additional("URI of the deployable form", |one| one.has(Field::DeployableUri)),
    additional("original licences", |one| one.has(Field::DeclaredLicense)),
];

fn is_address(text: &str) -> bool {
    text.contains('@') || text.contains("://")
}

/// CycloneDX from 1.6, SPDX from 3.0.1 (section 4).
fn is_accepted_format(facts: &Facts) -> bool {
    match facts.format {
        "CycloneDX" => matches!(facts.version.as_str(), "1.6" | "1.7"),
        "SPDX" => facts.version == "3.0.1",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::read_document;
    use plimsoll_model::Limits;
    use serde_json::{Value, json};

    fn bom() -> Value {
        let license = json!([{"license": {"id": "MIT", "acknowledgement": "concluded"}}]);
        let about = |name: &str| {
            json!({
                "bom-ref": name, "type": "library", "name": name, "version": "1",
                "purl": format!("pkg:npm/{name}@1"), "copyright": "2026 A", "licenses": license,
                "supplier": {"name": "A", "url": ["https://a.example"]},
                "hashes": [{"alg": "SHA-512", "content": "0".repeat(128)}],
                "properties": [
                    {"name": "bsi:component:filename", "value": "a"},
                    {"name": "bsi:component:executable", "value": "executable"},
                    {"name": "bsi:component:archive", "value": "archive"},
                    {"name": "bsi:component:structured", "value": "structured"},
                ],
            })
        };
        json!({
            "bomFormat": "CycloneDX", "specVersion": "1.6",
            "metadata": {
                "timestamp": "2026-11-22T12:00:00Z",
                "authors": [{"name": "A", "email": "a@example.org"}],
                "tools": {"components": [{"type": "application", "name": "t", "version": "1"}]},
                "lifecycles": [{"phase": "build"}],
                "component": about("a"),
            },
            "components": [about("b")],
            "dependencies": [{"ref": "a", "dependsOn": ["b"]}],
            "compositions": [{"aggregate": "complete"}],
        })
    }

    fn of(bom: &Value, standard: Standard) -> Score {
        let sbom = read_document(bom.to_string().as_bytes(), &Limits::STANDARD).unwrap();
        score(&sbom, standard)
    }

    /// The standards that a document no longer meets with one thing taken away, and the field by which.
    #[track_caller]
    fn check(pointer: &str, key: &str, expect: &[(&str, &str)]) {
        let mut twin = bom();
        twin.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key).unwrap();
        let missed: Vec<_> = Standard::ALL
            .into_iter()
            .flat_map(|standard| {
                let rows = of(&twin, standard).rows.into_iter();
                rows.filter(|row| row.need == Need::Required && !row.is_met())
                    .map(move |row| (standard.id(), row.field))
            })
            .collect();
        assert_eq!(missed, expect, "without {key}");
    }

    #[test]
    fn a_document_with_everything_conforms_to_all() {
        for standard in Standard::ALL {
            let score = of(&bom(), standard);
            assert!(score.is_conformant(), "{score:#?}");
            assert_eq!(score.percent(), 100);
            assert_eq!(Standard::find(standard.id()), Some(standard));
        }
    }

    #[test]
    fn each_thing_that_is_missing_is_counted() {
        let all = |field| ["ntia-2021", "cisa-2025", "fsct-3", "bsi-2.1"].map(|id| (id, field));
        check("/metadata", "timestamp", &all("timestamp"));
        check("/metadata", "authors", &[("bsi-2.1", "creator of the SBOM")]);
        check("/metadata", "tools", &[("cisa-2025", "tool name")]);
        check(
            "/metadata",
            "lifecycles",
            &[("cisa-2025", "generation context"), ("fsct-3", "type")],
        );
        check("", "compositions", &[("bsi-2.1", "completeness of the dependencies")]);
        check("/components/0", "copyright", &[("fsct-3", "copyright holder")]);
        check(
            "/components/0",
            "hashes",
            &[
                ("cisa-2025", "component hash"),
                ("bsi-2.1", "hash value of the deployable component"),
            ],
        );
        check(
            "/components/0",
            "supplier",
            &[
                ("ntia-2021", "supplier name"),
                ("cisa-2025", "software producer"),
                ("fsct-3", "supplier name"),
                ("bsi-2.1", "component creator"),
            ],
        );
    }

    #[test]
    fn counts_are_of_every_component_even_one_without_identity() {
        let mut twin = bom();
        twin["components"].as_array_mut().unwrap().push(json!({"type": "library", "name": "c"}));
        let score = of(&twin, Standard::Ntia2021);
        assert_eq!((score.rows[0].have, score.rows[0].total), (2, 3));
        assert!(!score.is_conformant());
        assert!(score.percent() < 100);
    }

    #[test]
    fn nothing_conforms_to_nothing() {
        let empty = json!({"bomFormat": "CycloneDX", "specVersion": "1.6"});
        for standard in Standard::ALL {
            let score = of(&empty, standard);
            assert!(!score.is_conformant());
            assert_eq!(score.percent(), if standard == Standard::BsiTr03183V2_1 { 7 } else { 0 });
        }
    }
}
