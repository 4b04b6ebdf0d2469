//! Whether a verification summary is by the verifier that its signer may speak for, and about the artifact where it is.
//!
//! Steps 4, 5 and 7 of <https://slsa.dev/spec/v1.1/verification_summary#how-to-verify>. The signature, the subject and the type
//! (1 to 3) come before, the verdict (6) comes after: a summary that speaks of another place is no word against this one.

use crate::{
    claims::{PolicyClaim, VsaClaims},
    predicates::vsa::VsaResult,
    trust::TrustedSigner,
};

/// How levels begin that SLSA defines.
const OF_SLSA: &str = "SLSA_";
/// What stands in place of levels where the artifact failed.
const FAILED: &str = "FAILED";

/// By whom the summary is and about which place, or what is said instead.
pub(super) fn compare(
    summary: &VsaClaims,
    as_whom: &[&TrustedSigner],
    place: Option<&str>,
) -> Result<String, String> {
    // 4. The verifier is the one that this signer may speak for.
    let Some(verifier) = summary.verifier_id.as_deref() else {
        return Err("no verifier".to_owned());
    };
    if !as_whom.iter().any(|trusted| trusted.verifier == verifier) {
        return Err(format!("the verifier `{verifier}`, for which this signer does not speak"));
    }
    // 5. It is about the artifact in this place.
    let about = summary.resource_uri.as_deref();
    let Some(about) = about.filter(|about| place == Some(*about)) else {
        let about = about.map_or_else(|| "no place".to_owned(), |uri| format!("`{uri}`"));
        let place = place.map_or_else(|| "no place".to_owned(), |place| format!("`{place}`"));
        return Err(format!("about {about}, where {place} is looked at"));
    };
    // What is wrong with a failure besides does not undo it.
    if summary.result == Some(VsaResult::Passed) {
        check_pass(summary)?;
    }
    Ok(format!("the verifier `{verifier}`, about `{about}`"))
}

/// Whether a pass is one that holds together.
fn check_pass(summary: &VsaClaims) -> Result<(), String> {
    // 7. Its levels are ones that SLSA has, or the verifier's own, and do not contradict it.
    let levels = summary.verified_levels.as_deref().unwrap_or_default();
    if let Some(level) = levels.iter().find(|level| !is_level(level)) {
        return Err(format!("the level `{level}`, which SLSA does not have"));
    }
    if levels.iter().any(|level| level == FAILED) {
        return Err("a pass with the level `FAILED`".to_owned());
    }
    // Off-spec: whoever judges has to say by what.
    if matches!(&summary.policy, Some(PolicyClaim { uri: None, digest }) if digest.is_empty()) {
        return Err("a policy without a name and a digest".to_owned());
    }
    Ok(())
}

/// Whether a level is one of SLSA (`SLSA_BUILD_LEVEL_3`, `SLSA_SOURCE_LEVEL_UNEVALUATED`), or does not claim to be.
fn is_level(level: &str) -> bool {
    // The one property without a number, of version 1.2.
    if level == "SLSA_BUILD_REPRODUCED" {
        return true;
    }
    let is_claimed =
        level.get(..OF_SLSA.len()).is_some_and(|start| start.eq_ignore_ascii_case(OF_SLSA));
    if !is_claimed {
        return true;
    }
    let Some((track, number)) =
        level.strip_prefix(OF_SLSA).and_then(|rest| rest.split_once("_LEVEL_"))
    else {
        return false;
    };
    let is_track =
        !track.is_empty() && track.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    is_track && matches!(number, "0" | "1" | "2" | "3" | "4" | "UNEVALUATED")
}

#[cfg(test)]
mod tests {
    use crate::{
        Candidate, Expectation, SignerDemand, Statement, StatementSubject, StepKind, Trust,
        TrustedSigner, Verification, Wanted, sign,
        signers::{KeyKind, KeySigner},
        verify,
    };
    use plimsoll_model::{Digest, Limits, evidence::Unlogged};
    use serde_json::{Value, json};

    const VSA: &str = "https://slsa.dev/verification_summary/v1";
    const GATE: &str = "https://gate.example/v1";
    const PLACE: &str = "registry.example/app";

    /// A summary that passes, whoever believes in it, and where it is looked at.
    struct Scene {
        signer: KeySigner,
        kind: String,
        digest: Digest,
        predicate: Value,
        trust: Trust,
        place: Option<&'static str>,
    }

    fn believed(signer: &KeySigner, verifier: &str, types: Option<&[&str]>) -> TrustedSigner {
        let key = signer.public_key().clone();
        TrustedSigner {
            verifier: verifier.to_owned(),
            predicate_types: types.map(|types| types.iter().map(ToString::to_string).collect()),
            ..TrustedSigner::of(SignerDemand::key(key, Unlogged::Accept))
        }
    }

    fn scene() -> Scene {
        let signer = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
        let mut trust = Trust::in_keys(&[]);
        trust.signers.push(believed(&signer, GATE, None));
        Scene {
            signer,
            kind: VSA.to_owned(),
            digest: Digest::of(b"app"),
            predicate: json!({
                "verifier": {"id": GATE},
                "timeVerified": "2026-11-22T11:05:00Z",
                "resourceUri": PLACE,
                "policy": {"uri": "https://gate.example/policy"},
                "verificationResult": "PASSED",
                "verifiedLevels": ["SLSA_BUILD_LEVEL_3", "GATE_LEVEL_7"],
                "slsaVersion": "1.1",
            }),
            trust,
            place: Some(PLACE),
        }
    }

    fn judge(scene: &Scene) -> Verification {
        let subject = StatementSubject { name: "app".to_owned(), digest: scene.digest };
        let statement = Statement::new(vec![subject], &scene.kind, scene.predicate.clone());
        let bytes = sign(&statement.unwrap(), &scene.signer).unwrap().to_bytes();
        let expectation = Expectation {
            subject: Digest::of(b"app"),
            place: scene.place,
            content: None,
            wanted: Wanted::Statement(&[VSA]),
            trust: &scene.trust,
            limits: &Limits::STANDARD,
        };
        verify(&Candidate { found_at: "test".to_owned(), bytes }, &expectation)
    }

    type Change = fn(&mut Scene);

    /// What is changed, at which step that is refused, and what is said to be found.
    const REFUSED: &[(Change, StepKind, &str)] = &[
        // 1. The signer.
        (|it| it.trust.signers.clear(), StepKind::Signer, "no key is trusted"),
        (
            |it| it.signer = KeySigner::generate(KeyKind::EcdsaP256).unwrap(),
            StepKind::Signer,
            "which is not trusted",
        ),
        (
            |it| it.trust.signers = vec![believed(&it.signer, GATE, Some(&["https://x/y"]))],
            StepKind::PredicateType,
            "about which this signer is not believed",
        ),
        // 2. The artifact.
        (|it| it.digest = Digest::of(b"other"), StepKind::Subject, "`app` sha256:"),
        // 3. The type.
        (
            |it| it.kind = "https://slsa.dev/provenance/v1".to_owned(),
            StepKind::PredicateType,
            "`https://slsa.dev/provenance/v1`",
        ),
        (|it| it.kind.push_str(".1"), StepKind::PredicateType, "verification_summary/v1.1`"),
        (
            |it| it.kind = "https://slsa.dev/verification_summary/v0.2".to_owned(),
            StepKind::PredicateType,
            "v0.2`",
        ),
        // 4. The verifier, as which this signer may speak.
        (
            |it| it.predicate["verifier"]["id"] = "https://gate.example/v2".into(),
            StepKind::Agreement,
            "the verifier `https://gate.example/v2`, for which this signer does not speak",
        ),
        (
            |it| it.predicate["verifier"]["id"] = "https://gate.example/v1/".into(),
            StepKind::Agreement,
            "does not speak",
        ),
        (
            |it| it.predicate["verifier"]["id"] = "https://GATE.example/v1".into(),
            StepKind::Agreement,
            "does not speak",
        ),
        (|it| it.predicate["verifier"]["id"] = "".into(), StepKind::Agreement, "does not speak"),
        (|it| it.predicate["verifier"] = json!({}), StepKind::Agreement, "no verifier"),
        (|it| it.predicate["verifier"] = Value::Null, StepKind::Agreement, "no verifier"),
        (|it| it.predicate["verifier"] = GATE.into(), StepKind::Agreement, "verifier"),
        (
            |it| {
                // The verifier of somebody else who is believed, too.
                let other = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
                let own = believed(&it.signer, "https://own.example", None);
                it.trust.signers = vec![own, believed(&other, GATE, None)];
            },
            StepKind::Agreement,
            "does not speak",
        ),
        (
            |it| {
                // The same signer speaks for it, but not about summaries.
                let own = believed(&it.signer, "https://own.example", None);
                it.trust.signers = vec![own, believed(&it.signer, GATE, Some(&["https://x/y"]))];
            },
            StepKind::Agreement,
            "does not speak",
        ),
        // 5. The place.
        (
            |it| it.predicate["resourceUri"] = "registry.example/other".into(),
            StepKind::Agreement,
            "about `registry.example/other`, where `registry.example/app` is looked at",
        ),
        (
            |it| it.predicate["resourceUri"] = "registry.example/app/".into(),
            StepKind::Agreement,
            "is looked at",
        ),
        (
            |it| it.predicate["resourceUri"] = "registry.example/ap".into(),
            StepKind::Agreement,
            "is looked at",
        ),
        (|it| it.predicate["resourceUri"] = "".into(), StepKind::Agreement, "is looked at"),
        (|it| it.predicate["resourceUri"] = Value::Null, StepKind::Agreement, "about no place"),
        (|it| it.predicate["resourceUri"] = json!([PLACE]), StepKind::Agreement, "resourceUri"),
        (
            |it| it.place = Some("mirror.example/app"),
            StepKind::Agreement,
            "where `mirror.example/app` is looked at",
        ),
        (|it| it.place = None, StepKind::Agreement, "where no place is looked at"),
        // 6. The verdict.
        (|it| it.predicate["verificationResult"] = "FAILED".into(), StepKind::Verdict, "a failure"),
        (|it| it.predicate["verificationResult"] = Value::Null, StepKind::Verdict, "no verdict"),
        (
            |it| it.predicate["verificationResult"] = "".into(),
            StepKind::Agreement,
            "verificationResult",
        ),
        (
            |it| it.predicate["verificationResult"] = "passed".into(),
            StepKind::Agreement,
            "verificationResult",
        ),
        // 7. Levels.
        (
            |it| it.predicate["verifiedLevels"] = json!(["SLSA_BUILD_LEVEL_9"]),
            StepKind::Agreement,
            "the level `SLSA_BUILD_LEVEL_9`, which SLSA does not have",
        ),
        (
            |it| it.predicate["verifiedLevels"] = json!(["GATE_LEVEL_7", "SLSA_LEVEL_3"]),
            StepKind::Agreement,
            "which SLSA does not have",
        ),
        (
            |it| it.predicate["verifiedLevels"] = json!(["SLSA_BUILD_LEVEL_3_PLUS"]),
            StepKind::Agreement,
            "which SLSA does not have",
        ),
        (
            |it| it.predicate["verifiedLevels"] = json!(["slsa_build_level_3"]),
            StepKind::Agreement,
            "which SLSA does not have",
        ),
        (
            |it| it.predicate["verifiedLevels"] = json!(["SLSA_"]),
            StepKind::Agreement,
            "which SLSA does not have",
        ),
        (
            |it| it.predicate["verifiedLevels"] = json!(["FAILED"]),
            StepKind::Agreement,
            "a pass with the level `FAILED`",
        ),
        (
            |it| it.predicate["verifiedLevels"] = json!("SLSA_BUILD_LEVEL_3"),
            StepKind::Agreement,
            "verifiedLevels",
        ),
        (
            |it| it.predicate["policy"] = json!({}),
            StepKind::Agreement,
            "a policy without a name and a digest",
        ),
    ];

    #[test]
    fn a24_a_summary_counts_by_its_own_verifier_about_this_place_alone() {
        assert_eq!(judge(&scene()).failed_step(), None);
        for (number, (change, at, found)) in REFUSED.iter().enumerate() {
            let mut scene = scene();
            change(&mut scene);
            let refused = judge(&scene);
            let step = refused.failed_step().unwrap_or_else(|| panic!("row {number} is believed"));
            assert_eq!(step.kind, *at, "row {number}: {step:?}");
            assert!(step.found.contains(found), "row {number}: {step:?}");
            assert_eq!(refused.evidence, None, "row {number}");
        }
    }

    #[test]
    fn a24_a_failure_stays_one_whatever_else_is_wrong_with_it() {
        let mut scene = scene();
        scene.predicate["verificationResult"] = "FAILED".into();
        scene.predicate["verifiedLevels"] = json!(["SLSA_BUILD_LEVEL_9"]);
        assert_eq!(judge(&scene).failed_step().unwrap().kind, StepKind::Verdict);
    }

    #[test]
    fn a24_levels_that_no_track_has_yet_and_the_verifiers_own_are_taken() {
        for level in [
            "SLSA_BUILD_LEVEL_0",
            "SLSA_SOURCE_LEVEL_UNEVALUATED",
            "SLSA_BUILD_REPRODUCED",
            "MY_SLSA_LEVEL",
            "é",
        ] {
            let mut scene = scene();
            scene.predicate["verifiedLevels"] = json!([level]);
            assert_eq!(judge(&scene).failed_step(), None, "{level}");
        }
    }
}
