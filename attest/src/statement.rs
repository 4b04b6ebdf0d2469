//! In-toto Statement v1: which artifacts it is about, and what it says of them.
//!
//! <https://github.com/in-toto/attestation/blob/v1.1.0/spec/v1/statement.md>

use crate::{Error, json};
use plimsoll_model::{Digest, evidence::Legacy};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use url::Url;

/// `_type` of a statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// `_type` of a statement as it was before.
const STATEMENT_TYPE_LEGACY: &str = "https://in-toto.io/Statement/v0.1";
/// Payload type of an envelope with a statement in it.
pub const IN_TOTO_PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The most subjects of one statement, here as with others who verify it.
pub const SUBJECTS_LIMIT: usize = 1024;

/// A statement that is going to be signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    subjects: Vec<StatementSubject>,
    predicate_type: String,
    predicate: Value,
}

/// One artifact that a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementSubject {
    /// What it is called; for people only, the digest decides.
    pub name: String,
    /// Its digest.
    pub digest: Digest,
}

impl Statement {
    /// A statement about 1 to [`SUBJECTS_LIMIT`] subjects; `predicate_type` is an absolute URI, `predicate` an object.
    pub fn new(
        subjects: Vec<StatementSubject>,
        predicate_type: &str,
        predicate: Value,
    ) -> Result<Self, Error> {
        if subjects.is_empty() {
            return Err(Error::NoSubject);
        }
        if subjects.len() > SUBJECTS_LIMIT {
            return Err(Error::TooManySubjects { found: subjects.len(), limit: SUBJECTS_LIMIT });
        }
        if Url::parse(predicate_type).is_err() {
            return Err(Error::PredicateType { found: predicate_type.to_owned() });
        }
        if !predicate.is_object() {
            return Err(Error::PredicateNotAnObject { predicate_type: predicate_type.to_owned() });
        }
        Ok(Self { subjects, predicate_type: predicate_type.to_owned(), predicate })
    }

    /// The artifacts it is about.
    pub fn subjects(&self) -> &[StatementSubject] {
        &self.subjects
    }

    /// What kind of thing it says.
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// What it says.
    pub const fn predicate(&self) -> &Value {
        &self.predicate
    }

    /// Compact JSON; the same statement gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let wire = WireStatement {
            kind: STATEMENT_TYPE,
            subject: self.subjects.iter().map(WireSubject::of).collect(),
            predicate_type: &self.predicate_type,
            predicate: &self.predicate,
        };
        // A structure of strings and of JSON values has nothing in it that JSON can not say.
        serde_json::to_vec(&wire).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct WireStatement<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<WireSubject<'a>>,
    #[serde(rename = "predicateType")]
    predicate_type: &'a str,
    predicate: &'a Value,
}

#[derive(Serialize)]
struct WireSubject<'a> {
    name: &'a str,
    digest: BTreeMap<&'static str, String>,
}

impl<'a> WireSubject<'a> {
    fn of(subject: &'a StatementSubject) -> Self {
        Self { name: &subject.name, digest: BTreeMap::from([("sha256", subject.digest.hex())]) }
    }
}

/// A statement as somebody's payload has it: its form is right, nothing else is known of it.
#[derive(Debug, Deserialize)]
pub(crate) struct ReadStatement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<ReadSubject>,
    #[serde(rename = "predicateType")]
    pub(crate) predicate_type: String,
    /// Absent means the same as empty.
    #[serde(default)]
    pub(crate) predicate: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct ReadSubject {
    #[serde(default)]
    name: String,
    digest: BTreeMap<String, String>,
}

/// Why a payload is no statement that is accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StatementError {
    #[error("no statement: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("a statement of type `{0}`")]
    Kind(String),
    #[error("a statement about {0} subjects")]
    Subjects(usize),
}

impl ReadStatement {
    /// Reads a Statement v1, or v0.1 where old forms are accepted, with 1 to [`SUBJECTS_LIMIT`] subjects.
    pub(crate) fn parse(payload: &[u8], legacy: Legacy) -> Result<Self, StatementError> {
        let statement: Self = serde_json::from_value(json::parse(payload)?)?;
        let is_accepted = statement.kind == STATEMENT_TYPE
            || (legacy == Legacy::Accept && statement.kind == STATEMENT_TYPE_LEGACY);
        if !is_accepted {
            return Err(StatementError::Kind(crate::text::excerpt(&statement.kind)));
        }
        if !(1..=SUBJECTS_LIMIT).contains(&statement.subject.len()) {
            return Err(StatementError::Subjects(statement.subject.len()));
        }
        Ok(statement)
    }

    /// Its type.
    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    /// Algorithm and value of every digest of every subject.
    pub(crate) fn digests(&self) -> impl Iterator<Item = (&str, &str)> {
        let digests = self.subject.iter().flat_map(|subject| &subject.digest);
        digests.map(|(algorithm, value)| (algorithm.as_str(), value.as_str()))
    }

    /// Whether a subject has exactly this SHA-256; no other algorithm and no other spelling counts.
    pub(crate) fn is_about(&self, digest: Digest) -> bool {
        let hex = digest.hex();
        self.subject.iter().any(|subject| subject.digest.get("sha256") == Some(&hex))
    }

    /// The subjects, for people: name, algorithm and digest of the first few.
    pub(crate) fn describe_subjects(&self) -> String {
        const SHOWN: usize = 3;
        let mut parts: Vec<String> = self.subject.iter().take(SHOWN).map(describe).collect();
        if let more @ 1.. = self.subject.len().saturating_sub(SHOWN) {
            parts.push(format!("{more} more"));
        }
        parts.join(", ")
    }
}

fn describe(subject: &ReadSubject) -> String {
    let digest = subject
        .digest
        .get_key_value("sha256")
        .or_else(|| subject.digest.first_key_value())
        .map_or_else(|| "no digest".to_owned(), |(name, hex)| format!("{name}:{hex}"));
    crate::text::excerpt(&format!("`{}` {digest}", subject.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn subject(name: &str) -> StatementSubject {
        StatementSubject { name: name.to_owned(), digest: Digest::of(b"") }
    }

    #[test]
    fn the_bytes_of_a_statement_are_these() {
        let statement = Statement::new(
            vec![subject("registry.corp/app")],
            "https://slsa.dev/provenance/v1",
            json!({"z": 1, "a": {"é": null}}),
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(statement.to_bytes()).unwrap(),
            r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"registry.corp/app","digest":{"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}],"predicateType":"https://slsa.dev/provenance/v1","predicate":{"z":1,"a":{"é":null}}}"#
        );
    }

    #[test]
    fn a_statement_is_about_something_and_of_a_type() {
        let new = |count: usize, kind: &str, predicate| {
            Statement::new(vec![subject("x"); count], kind, predicate)
        };
        assert!(new(1024, "https://x/y", json!({})).is_ok());
        assert!(matches!(new(0, "https://x/y", json!({})), Err(Error::NoSubject)));
        assert!(matches!(
            new(1025, "https://x/y", json!({})),
            Err(Error::TooManySubjects { found: 1025, limit: 1024 })
        ));
        assert!(matches!(new(1, "provenance", json!({})), Err(Error::PredicateType { .. })));
        assert!(matches!(
            new(1, "https://x/y", json!([])),
            Err(Error::PredicateNotAnObject { .. })
        ));
    }
}
