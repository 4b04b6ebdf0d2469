//! What is in an artifact, as SPDX 2.3.
//!
//! <https://github.com/in-toto/attestation/blob/v1.1.0/spec/predicates/spdx.md>

use crate::{Error, json, predicates::Predicate, text::excerpt};
use serde_json::Value;

/// The predicate.
pub const PREDICATE: Predicate = Predicate {
    id: "sbom-spdx",
    type_uri: "https://spdx.dev/Document/v2.3",
    description: "what the artifact is made of, as an SPDX 2.3 document",
};

/// An SPDX 2.3 document in JSON, which is the predicate as it is.
pub fn predicate(document: &[u8]) -> Result<Value, Error> {
    let document = json::parse(document)
        .map_err(|source| Error::Malformed { what: "the SPDX document", source })?;
    match document.get("spdxVersion").and_then(Value::as_str) {
        Some("SPDX-2.3") => Ok(document),
        other => Err(Error::OtherDocument {
            expected: "an SPDX document with `spdxVersion`: `SPDX-2.3`",
            found: other.map_or_else(
                || "no `spdxVersion`".to_owned(),
                |text| format!("`{}`", excerpt(text)),
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_the_predicate_and_another_version_is_none() {
        let text = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT"}"#;
        assert_eq!(predicate(text.as_bytes()).unwrap().to_string(), text);
        assert!(matches!(
            predicate(br#"{"spdxVersion":"SPDX-2.2"}"#),
            Err(Error::OtherDocument { found, .. }) if found == "`SPDX-2.2`"
        ));
        assert!(matches!(predicate(b"SPDXVersion: SPDX-2.3"), Err(Error::Malformed { .. })));
    }
}
