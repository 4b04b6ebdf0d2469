//! What is signed in place of a statement while the services that it takes to sign it are out.
//!
//! Such a statement is of a type of its own, with what would have been stated inside it: whoever is asked for the type inside
//! does not take it for that, whatever key he trusts, and verification here refuses it whoever has signed it.

use crate::{
    Error, Statement,
    statement::ReadStatement,
    text::{describe, excerpt, time},
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// `predicateType` of a pending statement.
pub const PENDING_TYPE: &str = "https://github.com/plimsoll-dev/plimsoll/pending/v1";

/// What a pending statement says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// What would have been stated; true only of a statement whose signer is believed, and no evidence of it then either.
    pub predicate_type: String,
    /// What was out: a sentence without a final period.
    pub reason: String,
    /// Since when it is pending, in RFC 3339.
    pub since: String,
}

impl Pending {
    /// The statement to sign in place of `statement`, which could not be signed at this time because of this outage.
    ///
    /// See [`Error::is_outage`]: of anything else nothing is to be queued.
    pub fn of(statement: &Statement, outage: &Error, now: Timestamp) -> Result<Statement, Error> {
        let predicate = json!({
            "statement": {
                "predicateType": statement.predicate_type(),
                "predicate": statement.predicate(),
            },
            "outage": { "reason": describe(outage), "since": time(now) },
        });
        Statement::new(statement.subjects().to_vec(), PENDING_TYPE, predicate)
    }

    /// What a statement says, where it is a pending one: it is that whether it says why or not.
    pub(crate) fn read(statement: &ReadStatement) -> Option<Self> {
        if statement.predicate_type != PENDING_TYPE {
            return None;
        }
        let text = |of: &str, key: &str| {
            let text = statement.predicate.get(of).and_then(|of| of.get(key));
            excerpt(text.and_then(Value::as_str).unwrap_or("unknown"))
        };
        Some(Self {
            predicate_type: text("statement", "predicateType"),
            reason: text("outage", "reason"),
            since: text("outage", "since"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StatementSubject, signers::keyless::Failure};
    use plimsoll_model::{Digest, evidence::Legacy};

    fn outage() -> Error {
        let source = Failure::Status { status: 503, retry_after: None };
        let url = "https://fulcio.test/".to_owned();
        Error::ServiceUnavailable { service: "Fulcio", url, attempts: 3, source }
    }

    #[test]
    fn f25_a_pending_statement_has_the_other_inside_and_says_why() {
        let subject = StatementSubject { name: "app".into(), digest: Digest::of(b"app") };
        let sbom = Statement::new(vec![subject], "https://cyclonedx.org/bom", json!({"a": 1}));
        let now = "2026-11-27T12:00:00.5Z".parse().unwrap();
        let pending = Pending::of(&sbom.unwrap(), &outage(), now).unwrap();
        let reason = "Fulcio at https://fulcio.test/ did not do it in 3 attempts: it answered with status 503";
        let expect = json!({
            "statement": {"predicateType": "https://cyclonedx.org/bom", "predicate": {"a": 1}},
            "outage": {"reason": reason, "since": "2026-11-27T12:00:00Z"},
        });
        assert_eq!(pending.predicate(), &expect);
        let read = ReadStatement::parse(&pending.to_bytes(), Legacy::Refuse).unwrap();
        let expect = Pending {
            predicate_type: "https://cyclonedx.org/bom".to_owned(),
            reason: reason.to_owned(),
            since: "2026-11-27T12:00:00Z".to_owned(),
        };
        assert_eq!(Pending::read(&read), Some(expect));
    }

    #[test]
    fn f25_what_says_that_it_is_pending_is_so_however_it_says_it() {
        let read = |kind: &str, predicate: Value| {
            let statement = json!({
                "_type": crate::STATEMENT_TYPE,
                "subject": [{"digest": {"sha256": Digest::of(b"app").hex()}}],
                "predicateType": kind,
                "predicate": predicate,
            });
            let statement = ReadStatement::parse(statement.to_string().as_bytes(), Legacy::Refuse);
            Pending::read(&statement.unwrap())
        };
        for predicate in [json!({}), json!({"outage": 1, "statement": {"predicateType": []}})] {
            let pending = read(PENDING_TYPE, predicate).unwrap();
            assert_eq!((&*pending.predicate_type, &*pending.reason), ("unknown", "unknown"));
        }
        assert_eq!(read("https://cyclonedx.org/bom", json!({"outage": {"reason": "x"}})), None);
    }
}
