//! What a gate decided, and on which grounds: SLSA verification summary v1.
//!
//! <https://slsa.dev/spec/v1.1/verification_summary>

use crate::{predicates::Predicate, text::time};
use jiff::Timestamp;
use plimsoll_model::Digest;
use serde_json::{Value, json};

/// The predicate.
pub const PREDICATE: Predicate = Predicate {
    id: "vsa",
    type_uri: "https://slsa.dev/verification_summary/v1",
    description: "that the artifact passed or failed a policy, and on which evidence (SLSA VSA v1)",
};

/// Plimsoll, as a verifier.
pub const VERIFIER_ID: &str = "https://github.com/plimsoll-dev/plimsoll";

/// What is known of a decision.
#[derive(Debug, Clone, Copy)]
pub struct VsaFacts<'a> {
    /// Who decided: a URI.
    pub verifier_id: &'a str,
    /// The version of Plimsoll that decided.
    pub verifier_version: &'a str,
    /// When.
    pub time: Timestamp,
    /// Where the artifact may be used from: the destination of a promotion.
    pub resource_uri: &'a str,
    /// The policy.
    pub policy_uri: &'a str,
    /// Its digest.
    pub policy_digest: Digest,
    /// Every statement that was relied on: where it is, and its digest.
    pub input_attestations: &'a [(String, Digest)],
    /// What was decided.
    pub result: VsaResult,
    /// What was reached (`SLSA_BUILD_LEVEL_1`, or a name of the verifier's own that does not begin with `SLSA_`).
    pub verified_levels: &'a [String],
}

/// What a gate decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VsaResult {
    /// The policy says yes.
    Passed,
    /// The policy says no.
    Failed,
}

/// The predicate with these facts. A decision against the artifact has reached no level, whatever is given.
pub fn predicate(facts: &VsaFacts<'_>) -> Value {
    let inputs: Vec<Value> = facts
        .input_attestations
        .iter()
        .map(|(uri, digest)| json!({"uri": uri, "digest": {"sha256": digest.hex()}}))
        .collect();
    let (result, levels) = match facts.result {
        VsaResult::Passed => ("PASSED", facts.verified_levels),
        VsaResult::Failed => ("FAILED", &["FAILED".to_owned()][..]),
    };
    json!({
        "verifier": {"id": facts.verifier_id, "version": {"plimsoll": facts.verifier_version}},
        "timeVerified": time(facts.time),
        "resourceUri": facts.resource_uri,
        "policy": {"uri": facts.policy_uri, "digest": {"sha256": facts.policy_digest.hex()}},
        "inputAttestations": inputs,
        "verificationResult": result,
        "verifiedLevels": levels,
        "slsaVersion": "1.1",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_written_as_the_specification_has_it() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let facts = VsaFacts {
            verifier_id: "https://github.com/plimsoll-dev/plimsoll",
            verifier_version: "0.1.0",
            time: "2026-11-22T11:00:00Z".parse().unwrap(),
            resource_uri: "registry.corp/prod/app",
            policy_uri: "plimsoll.yaml",
            policy_digest: Digest::of(b""),
            input_attestations: &[("registry.corp/x@y".to_owned(), Digest::of(b""))],
            result: VsaResult::Passed,
            verified_levels: &["SLSA_BUILD_LEVEL_1".to_owned()],
        };
        let expect = json!({
            "verifier": {
                "id": "https://github.com/plimsoll-dev/plimsoll",
                "version": {"plimsoll": "0.1.0"},
            },
            "timeVerified": "2026-11-22T11:00:00Z",
            "resourceUri": "registry.corp/prod/app",
            "policy": {"uri": "plimsoll.yaml", "digest": {"sha256": empty}},
            "inputAttestations": [{"uri": "registry.corp/x@y", "digest": {"sha256": empty}}],
            "verificationResult": "PASSED",
            "verifiedLevels": ["SLSA_BUILD_LEVEL_1"],
            "slsaVersion": "1.1",
        });
        assert_eq!(predicate(&facts), expect);
        let failed = predicate(&VsaFacts { result: VsaResult::Failed, ..facts });
        assert_eq!(failed["verificationResult"], "FAILED");
        assert_eq!(failed["verifiedLevels"], json!(["FAILED"]));
    }
}
