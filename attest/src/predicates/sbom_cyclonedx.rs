//! What is in an artifact, as CycloneDX.
//!
//! <https://github.com/in-toto/attestation/blob/v1.1.0/spec/predicates/cyclonedx.md>

use crate::{Error, json, predicates::Predicate, text::excerpt};
use serde_json::Value;

/// The predicate.
pub const PREDICATE: Predicate = Predicate {
    id: "sbom-cyclonedx",
    type_uri: "https://cyclonedx.org/bom",
    description: "what the artifact is made of, as a CycloneDX document",
};

/// A CycloneDX document in JSON, which is the predicate as it is.
pub fn predicate(document: &[u8]) -> Result<Value, Error> {
    let document = json::parse(document)
        .map_err(|source| Error::Malformed { what: "the CycloneDX document", source })?;
    match document.get("bomFormat").and_then(Value::as_str) {
        Some("CycloneDX") => Ok(document),
        other => Err(Error::OtherDocument {
            expected: "a CycloneDX document with `bomFormat`: `CycloneDX`",
            found: other
                .map_or_else(|| "no `bomFormat`".to_owned(), |text| format!("`{}`", excerpt(text))),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_the_predicate_and_another_kind_is_none() {
        let text = r#"{"specVersion":"1.6","bomFormat":"CycloneDX","components":[]}"#;
        assert_eq!(predicate(text.as_bytes()).unwrap().to_string(), text);
        assert!(matches!(
            predicate(br#"{"spdxVersion":"SPDX-2.3"}"#),
            Err(Error::OtherDocument { found, .. }) if found == "no `bomFormat`"
        ));
        assert!(matches!(
            predicate(br#"{"bomFormat":"CycloneDX","bomFormat":"CycloneDX"}"#),
            Err(Error::Malformed { .. })
        ));
    }
}
