//! What statements of others say, as far as it is understood: one view of each kind, whatever version it was written in.
//!
//! Nothing here is verified, and nothing is guessed: a field that is absent is [`None`], a field of another form than its
//! specification has is an error, and what a build type is not known to say is not read out of it. Texts, lists and times
//! are a stranger's; each has a limit.

mod document;
mod field;
mod kind;
mod provenance;
mod scan;
mod tests_run;
mod vsa;

pub use document::DocumentKind;
pub use kind::PredicateKind;
pub use provenance::{DependencyClaim, ProvenanceClaims};
pub use scan::ScanClaims;
pub use tests_run::TestClaims;
pub use vsa::{LevelClaims, PolicyClaim, VsaClaims};

use crate::Error;
use serde_json::{Map, Value};

/// What a predicate says.
#[derive(Debug, Clone, PartialEq)]
pub enum Claims {
    /// How the artifact was built: SLSA provenance v0.2 and v1.
    Provenance(Box<ProvenanceClaims>),
    /// That a verifier passed or failed it: SLSA VSA v1.
    Vsa(Box<VsaClaims>),
    /// That it was scanned: in-toto vulnerabilities v0.1 and v0.2, and cosign's.
    Scan(Box<ScanClaims>),
    /// That it was tested: in-toto test result v0.1.
    Test(Box<TestClaims>),
    /// A document that other readers know.
    Document(DocumentKind),
}

/// Reads a predicate; none where its type is not known.
///
/// [`Error::Claim`] where a field is not what its specification says.
pub fn read(predicate_type: &str, predicate: &Map<String, Value>) -> Result<Option<Claims>, Error> {
    let Some(kind) = PredicateKind::of(predicate_type) else { return Ok(None) };
    Ok(Some(match kind {
        PredicateKind::ProvenanceV02 => {
            Claims::Provenance(Box::new(provenance::read_v02(predicate)?))
        }
        PredicateKind::ProvenanceV1 => {
            Claims::Provenance(Box::new(provenance::read_v1(predicate)?))
        }
        PredicateKind::Vsa => Claims::Vsa(Box::new(vsa::read(predicate)?)),
        PredicateKind::Vulnerabilities | PredicateKind::CosignVulnerabilities => {
            Claims::Scan(Box::new(scan::read(predicate)?))
        }
        PredicateKind::TestResult => Claims::Test(Box::new(tests_run::read(predicate)?)),
        PredicateKind::Document(kind) => Claims::Document(kind),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    pub(super) fn empty() -> Map<String, Value> {
        Map::new()
    }

    /// What a predicate of a type that is understood says.
    #[track_caller]
    pub(super) fn claims(kind: &str, predicate: &Value) -> Claims {
        read(kind, predicate.as_object().unwrap()).unwrap().unwrap()
    }

    /// A predicate is refused for this field; without the field it is read.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "that is how `json!` is written in a call")]
    pub(super) fn refused(kind: &str, predicate: Value, field: &str) {
        claims(kind, &json!({}));
        match read(kind, predicate.as_object().unwrap()) {
            Err(Error::Claim { field: found, .. }) if found == field => {}
            other => panic!("expected `{field}` to be refused, found {other:?}"),
        }
    }

    const TYPES: [&str; 6] = [
        "https://slsa.dev/provenance/v0.2",
        "https://slsa.dev/provenance/v1",
        "https://slsa.dev/verification_summary/v1",
        "https://in-toto.io/attestation/vulns/v0.2",
        "https://cosign.sigstore.dev/attestation/vuln/v1",
        "https://in-toto.io/attestation/test-result/v0.1",
    ];

    /// Any JSON of names that readers look for.
    fn any_json() -> impl Strategy<Value = Value> {
        const NAMES: [&str; 28] = [
            "buildDefinition",
            "runDetails",
            "builder",
            "id",
            "buildType",
            "externalParameters",
            "workflow",
            "ref",
            "repository",
            "resolvedDependencies",
            "uri",
            "digest",
            "metadata",
            "invocation",
            "configSource",
            "materials",
            "verifier",
            "policy",
            "verificationResult",
            "verifiedLevels",
            "dependencyLevels",
            "timeVerified",
            "scanner",
            "db",
            "lastUpdate",
            "result",
            "configuration",
            "gitCommit",
        ];
        let name = prop::sample::select(&NAMES[..]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "(PASSED|FAILED|2026-01-01T00:00:00Z|https://actions.github.io/buildtypes/workflow/v1|\\PC{0,8})"
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((name.clone().prop_map(str::to_owned), inner), 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn documents_and_unknown_types_are_not_looked_into() {
        let any = json!({"bomFormat": 1});
        assert_eq!(
            claims("https://cyclonedx.org/bom", &any),
            Claims::Document(DocumentKind::CycloneDx)
        );
        assert_eq!(read("https://example.com/x", any.as_object().unwrap()).unwrap(), None);
    }

    proptest! {
        #[test]
        fn a16_no_predicate_makes_a_reader_panic(value in any_json(), kind in prop::sample::select(&TYPES[..])) {
            let map = value.as_object().cloned().unwrap_or_default();
            match read(kind, &map) {
                Ok(found) => prop_assert!(found.is_some()),
                Err(error) => {
                    let is_claim = matches!(error, Error::Claim { .. });
                    prop_assert!(is_claim);
                }
            }
        }
    }
}
