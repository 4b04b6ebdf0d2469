//! SLSA verification summary v1.
//!
//! <https://slsa.dev/spec/v1.1/verification_summary>

use super::{
    field::{Fields, LIST_LIMIT},
    provenance::{DependencyClaim, descriptors},
};
use crate::{Error, predicates::vsa::VsaResult};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a verification summary says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VsaClaims {
    /// Who verified: a URI.
    pub verifier_id: Option<String>,
    /// When.
    pub time_verified: Option<Timestamp>,
    /// What was verified, and where from: a URI.
    pub resource_uri: Option<String>,
    /// The policy.
    pub policy: Option<PolicyClaim>,
    /// What was relied on.
    pub input_attestations: Option<Vec<DependencyClaim>>,
    /// What it came to.
    pub result: Option<VsaResult>,
    /// What was reached.
    pub verified_levels: Option<Vec<String>>,
    /// How many dependencies reached which level.
    pub dependency_levels: LevelClaims,
    /// The version of SLSA that the levels are of.
    pub slsa_version: Option<String>,
}

/// A policy, by the word of who judged by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyClaim {
    /// Where it is.
    pub uri: Option<String>,
    /// Digests of it by algorithm.
    pub digest: BTreeMap<String, String>,
}

/// How many dependencies reached which level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LevelClaims {
    /// Nothing is said of dependencies.
    Unstated,
    /// This is said; where it is empty, that there are none.
    Stated(BTreeMap<String, u64>),
}

pub(super) fn read(predicate: &Map<String, Value>) -> Result<VsaClaims, Error> {
    let fields = Fields::of("a verification summary", predicate);
    let policy = fields.object("policy")?;
    let result = match fields.text("verificationResult")?.as_deref() {
        Some("PASSED") => Some(VsaResult::Passed),
        Some("FAILED") => Some(VsaResult::Failed),
        Some(_) => return Err(fields.malformed("verificationResult", "`PASSED` or `FAILED`")),
        None => None,
    };
    Ok(VsaClaims {
        verifier_id: fields.object("verifier")?.text("id")?,
        time_verified: fields.time("timeVerified")?,
        resource_uri: fields.text("resourceUri")?,
        policy: if policy.is_there() {
            Some(PolicyClaim { uri: policy.text("uri")?, digest: policy.text_map("digest")? })
        } else {
            None
        },
        input_attestations: descriptors(&fields, "inputAttestations")?,
        result,
        verified_levels: fields.texts("verifiedLevels")?,
        dependency_levels: levels(&fields)?,
        slsa_version: fields.text("slsaVersion")?,
    })
}

/// Numbers may be texts: that is how JSON of protocol buffers has those of 64 bits.
fn levels(fields: &Fields<'_>) -> Result<LevelClaims, Error> {
    const NAME: &str = "dependencyLevels";
    let Some(map) = fields.object(NAME)?.map() else { return Ok(LevelClaims::Unstated) };
    if map.len() > LIST_LIMIT {
        return Err(fields.malformed(NAME, "a map of at most 10000 entries"));
    }
    let number = |value: &Value| {
        value.as_u64().or_else(|| {
            let text = value.as_str()?;
            text.parse().ok().filter(|number: &u64| number.to_string() == text)
        })
    };
    let levels = map.iter().map(|(level, count)| {
        let count = number(count).ok_or_else(|| fields.malformed(NAME, "a map of numbers"))?;
        Ok((level.clone(), count))
    });
    levels.collect::<Result<_, _>>().map(LevelClaims::Stated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        claims::tests::{empty, refused},
        predicates::vsa::{PREDICATE, VsaFacts, predicate},
    };
    use plimsoll_model::Digest;
    use serde_json::json;

    fn written() -> Value {
        predicate(&VsaFacts {
            verifier_id: "https://example.com/gate",
            verifier_version: "0.1.0",
            time: "2026-11-22T11:00:00Z".parse().unwrap(),
            resource_uri: "registry.corp/prod/app",
            policy_uri: "plimsoll.yaml",
            policy_digest: Digest::of(b""),
            input_attestations: &[("x".to_owned(), Digest::of(b""))],
            result: VsaResult::Passed,
            verified_levels: &["SLSA_BUILD_LEVEL_1".to_owned()],
        })
    }

    #[test]
    fn what_is_written_here_is_read_as_it_was_meant() {
        let digest = BTreeMap::from([("sha256".to_owned(), Digest::of(b"").hex())]);
        assert_eq!(
            read(written().as_object().unwrap()).unwrap(),
            VsaClaims {
                verifier_id: Some("https://example.com/gate".to_owned()),
                time_verified: Some("2026-11-22T11:00:00Z".parse().unwrap()),
                resource_uri: Some("registry.corp/prod/app".to_owned()),
                policy: Some(PolicyClaim {
                    uri: Some("plimsoll.yaml".to_owned()),
                    digest: digest.clone()
                }),
                input_attestations: Some(vec![DependencyClaim {
                    uri: Some("x".to_owned()),
                    digest
                }]),
                result: Some(VsaResult::Passed),
                verified_levels: Some(vec!["SLSA_BUILD_LEVEL_1".to_owned()]),
                dependency_levels: LevelClaims::Unstated,
                slsa_version: Some("1.1".to_owned()),
            }
        );
    }

    #[test]
    fn a24_levels_of_no_dependencies_are_not_levels_that_are_unstated() {
        let levels = |value: Value| {
            let mut predicate = written();
            predicate["dependencyLevels"] = value;
            read(predicate.as_object().unwrap()).unwrap().dependency_levels
        };
        assert_eq!(levels(Value::Null), LevelClaims::Unstated);
        assert_eq!(levels(json!({})), LevelClaims::Stated(BTreeMap::new()));
        let stated =
            |count| LevelClaims::Stated(BTreeMap::from([("SLSA_BUILD_LEVEL_2".to_owned(), count)]));
        assert_eq!(levels(json!({"SLSA_BUILD_LEVEL_2": 7})), stated(7));
        assert_eq!(levels(json!({"SLSA_BUILD_LEVEL_2": "18446744073709551615"})), stated(u64::MAX));
    }

    #[test]
    fn a24_what_is_absent_is_none_and_another_form_is_refused() {
        let found = read(&empty()).unwrap();
        assert_eq!((found.verifier_id, found.result, found.verified_levels), (None, None, None));
        assert_eq!(found.policy, None);
        let check = |predicate, field| refused(PREDICATE.type_uri, predicate, field);
        check(json!({"verificationResult": "passed"}), "verificationResult");
        check(json!({"verificationResult": true}), "verificationResult");
        check(json!({"verifier": "https://example.com/gate"}), "verifier");
        check(json!({"verifiedLevels": "SLSA_BUILD_LEVEL_3"}), "verifiedLevels");
        check(json!({"verifiedLevels": vec!["x"; 10_001]}), "verifiedLevels");
        check(json!({"dependencyLevels": []}), "dependencyLevels");
        for count in [json!(-1), json!(1.5), json!("01"), json!("+1"), json!("x"), json!(null)] {
            check(json!({"dependencyLevels": {"a": count}}), "dependencyLevels");
        }
        check(json!({"timeVerified": "2026-11-22"}), "timeVerified");
        check(json!({"policy": {"digest": []}}), "policy.digest");
    }
}
