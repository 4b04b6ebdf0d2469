//! Every way in which a bundle that is accepted can be spoilt, and the step that refuses it.

use super::{StepKind::*, *};
use crate::{
    Error, PENDING_TYPE, SignerDemand, Statement, StatementSubject, TrustedSigner, sign,
    sign_payload,
    signers::{KeyKind, KeySigner},
    statement::IN_TOTO_PAYLOAD_TYPE,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use plimsoll_model::evidence::{EvidenceFacts, Signer as SignedBy, Unlogged};
use serde_json::{Value, json};
use std::slice::from_ref;

const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
const VULNS: &str = "https://in-toto.io/attestation/vulns/v0.2";

/// A signer, and an accepted bundle of his about the artifact `app`.
struct Scene {
    signer: KeySigner,
    bundle: Value,
}

impl Scene {
    fn new(kind: KeyKind) -> Self {
        let signer = KeySigner::generate(kind).unwrap();
        let subject = StatementSubject { name: "app".to_owned(), digest: Digest::of(b"app") };
        let statement = Statement::new(vec![subject], PROVENANCE, json!({"a": 1.5})).unwrap();
        let bytes = sign(&statement, &signer).unwrap().to_bytes();
        Self { signer, bundle: serde_json::from_slice(&bytes).unwrap() }
    }

    /// The same signer's word for another payload.
    fn of_payload(payload_type: &str, payload: &[u8]) -> Self {
        let mut scene = Self::new(KeyKind::EcdsaP256);
        let envelope = sign_payload(payload_type, payload, &scene.signer).unwrap();
        scene.bundle["dsseEnvelope"] = serde_json::from_slice(&envelope.to_bytes()).unwrap();
        scene
    }

    /// The same signer's word for another statement, in JSON as given.
    fn of_statement(statement: &str) -> Self {
        Self::of_payload(IN_TOTO_PAYLOAD_TYPE, statement.as_bytes())
    }

    /// The same signer's word for a statement with these subjects.
    fn of_subjects(subjects: &Value) -> Self {
        Self::of_statement(
            &json!({"_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": PROVENANCE})
                .to_string(),
        )
    }

    fn verify(&self) -> Verification {
        self.verify_bytes(self.bundle.to_string().into_bytes())
    }

    fn verify_bytes(&self, bytes: Vec<u8>) -> Verification {
        let keys = Trust::in_keys(&[self.signer.public_key().clone()]);
        verify(&candidate(bytes), &expectation(&keys))
    }

    /// That the bundle is accepted, and refused at `step` once it is changed.
    #[track_caller]
    fn refuses(&self, step: StepKind, change: impl FnOnce(&mut Value)) -> String {
        assert_eq!(failed(&self.verify()), None, "the unchanged bundle");
        let mut changed = self.bundle.clone();
        change(&mut changed);
        assert_ne!(changed, self.bundle, "nothing was changed");
        check_refused(&self.verify_bytes(changed.to_string().into_bytes()), step)
    }
}

fn candidate(bytes: Vec<u8>) -> Candidate {
    Candidate { found_at: "test".to_owned(), bytes }
}

fn expectation(trust: &Trust) -> Expectation<'_> {
    Expectation {
        subject: Digest::of(b"app"),
        place: Some("registry.example/app"),
        content: None,
        wanted: Wanted::Statement(&[PROVENANCE]),
        trust,
        limits: &Limits::STANDARD,
    }
}

fn failed(verification: &Verification) -> Option<StepKind> {
    verification.failed_step().map(|step| step.kind)
}

/// That `step` failed, those before it passed, those after it were not reached; returns what was found.
#[track_caller]
fn check_refused(verification: &Verification, at: StepKind) -> String {
    for step in &verification.steps {
        let is_fine = match step.kind.cmp(&at) {
            std::cmp::Ordering::Less => {
                matches!(step.outcome, StepOutcome::Passed | StepOutcome::NotNeeded)
            }
            std::cmp::Ordering::Equal => step.outcome == StepOutcome::Failed,
            std::cmp::Ordering::Greater => {
                matches!(step.outcome, StepOutcome::NotReached | StepOutcome::NotNeeded)
            }
        };
        assert!(is_fine, "{:?} in {verification:#?}", step.kind);
    }
    assert_eq!(verification.evidence, None);
    verification.failed_step().unwrap().found.clone()
}

fn flip(text: &Value) -> Value {
    let mut bytes = STANDARD.decode(text.as_str().unwrap()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    STANDARD.encode(bytes).into()
}

/// Whether there is evidence of what is wanted, and what became of every candidate.
pub(super) fn look_at(
    candidates: Result<&[Candidate], &str>,
    expectation: &Expectation<'_>,
) -> (Presence, Vec<Verification>) {
    let Wanted::Statement(wanted) = expectation.wanted else { panic!("no statement is wanted") };
    let search = look(candidates, expectation);
    (search.presence(wanted), search.verifications)
}

#[test]
fn an_accepted_bundle_is_evidence_of_what_it_says() {
    for kind in [KeyKind::EcdsaP256, KeyKind::Ed25519] {
        let scene = Scene::new(kind);
        let bytes = scene.bundle.to_string().into_bytes();
        let found = scene.verify();
        assert_eq!(failed(&found), None, "{kind:?}");
        let passed = found.steps.iter().filter(|step| step.outcome == StepOutcome::Passed);
        let passed: Vec<_> = passed.map(|step| step.kind).collect();
        assert_eq!(
            passed,
            [Bundle, Envelope, Signer, Signature, Statement, PredicateType, Subject]
        );
        let numbers: Vec<_> = found.steps.iter().map(Step::number).collect();
        assert_eq!(numbers, (1..=16).collect::<Vec<_>>());
        let signer = SignedBy::Key { id: scene.signer.public_key().id() };
        assert_eq!(found.signer, Some(signer.to_string()));
        assert_eq!(found.predicate_type.as_deref(), Some(PROVENANCE));
        let payload = scene.bundle["dsseEnvelope"]["payload"].as_str().unwrap();
        assert_eq!(
            *found.evidence.unwrap().facts(),
            EvidenceFacts {
                subject: Digest::of(b"app"),
                predicate_type: PROVENANCE.to_owned(),
                signer,
                statement: Digest::of(&STANDARD.decode(payload).unwrap()),
                bundle: Digest::of(&bytes),
                signed: None,
                predicate: r#"{"a":1.5}"#.to_owned(),
            }
        );
    }
}

#[test]
fn a1_a_changed_payload_or_signature_is_refused_at_the_signature() {
    for kind in [KeyKind::EcdsaP256, KeyKind::Ed25519] {
        let scene = Scene::new(kind);
        scene.refuses(Signature, |bundle| {
            let payload = &mut bundle["dsseEnvelope"]["payload"];
            *payload = flip(payload);
        });
        scene.refuses(Signature, |bundle| {
            let signature = &mut bundle["dsseEnvelope"]["signatures"][0]["sig"];
            *signature = flip(signature);
        });
        scene.refuses(Signature, |bundle| {
            bundle["dsseEnvelope"]["signatures"][0]["sig"] = "".into();
        });
        scene.refuses(Bundle, |bundle| bundle["dsseEnvelope"]["signatures"][0]["sig"] = "!".into());
    }
}

#[test]
fn a1_every_bit_of_a_signature_counts() {
    for kind in [KeyKind::EcdsaP256, KeyKind::Ed25519] {
        let scene = Scene::new(kind);
        let signature = &scene.bundle["dsseEnvelope"]["signatures"][0]["sig"];
        let signature = STANDARD.decode(signature.as_str().unwrap()).unwrap();
        for bit in 0..signature.len() * 8 {
            let mut changed = signature.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            scene.refuses(Signature, |bundle| {
                bundle["dsseEnvelope"]["signatures"][0]["sig"] = STANDARD.encode(changed).into();
            });
        }
    }
}

#[test]
fn a1_no_signature_and_two_signatures_are_refused_at_the_envelope() {
    let scene = Scene::new(KeyKind::EcdsaP256);
    let found = scene.refuses(Envelope, |bundle| bundle["dsseEnvelope"]["signatures"] = json!([]));
    assert_eq!(found, "the envelope has 0 signatures: expected exactly one");
    let found = scene.refuses(Envelope, |bundle| {
        let twice = vec![bundle["dsseEnvelope"]["signatures"][0].clone(); 2];
        bundle["dsseEnvelope"]["signatures"] = twice.into();
    });
    assert_eq!(found, "the envelope has 2 signatures: expected exactly one");
    scene.refuses(Bundle, |bundle| {
        drop(bundle["dsseEnvelope"].as_object_mut().unwrap().remove("signatures"));
    });
}

#[test]
fn a2_a_signature_over_another_type_of_payload_is_refused() {
    let scene = Scene::new(KeyKind::EcdsaP256);
    let found = scene.refuses(Envelope, |bundle| {
        bundle["dsseEnvelope"]["payloadType"] = "application/vnd.in-toto+json ".into();
    });
    assert!(found.contains("the envelope holds `application/vnd.in-toto+json `"), "{found}");

    // The same bytes, honestly signed as text: once the type is changed back, the signature is over another type.
    let payload = &scene.bundle["dsseEnvelope"]["payload"];
    let payload = STANDARD.decode(payload.as_str().unwrap()).unwrap();
    let mut scene = Scene::of_payload("text/plain", &payload);
    check_refused(&scene.verify(), Envelope);
    scene.bundle["dsseEnvelope"]["payloadType"] = IN_TOTO_PAYLOAD_TYPE.into();
    check_refused(&scene.verify(), Signature);

    // A signature over a bare message says nothing of a statement.
    let scene = Scene::new(KeyKind::EcdsaP256);
    scene.refuses(Envelope, |bundle| {
        bundle.as_object_mut().unwrap().remove("dsseEnvelope");
        bundle["messageSignature"] = json!({"signature": "AAAA"});
    });
}

#[test]
fn a3_another_predicate_type_is_refused_and_no_wanted_type_accepts_none() {
    let scene = Scene::new(KeyKind::EcdsaP256);
    let keys = Trust::in_keys(&[scene.signer.public_key().clone()]);
    let with = |predicate_types: &[&str]| {
        let bytes = scene.bundle.to_string().into_bytes();
        verify(
            &candidate(bytes),
            &Expectation { wanted: Wanted::Statement(predicate_types), ..expectation(&keys) },
        )
    };
    assert_eq!(failed(&with(&[PROVENANCE])), None);
    assert_eq!(failed(&with(&[VULNS, PROVENANCE])), None);
    assert_eq!(check_refused(&with(&[VULNS]), PredicateType), format!("`{PROVENANCE}`"));
    check_refused(&with(&["https://slsa.dev/provenance/v1.1"]), PredicateType);
    check_refused(&with(&["https://slsa.dev/provenance"]), PredicateType);
    check_refused(&with(&[]), PredicateType);
}

#[test]
fn a4_only_a_subject_with_exactly_this_sha256_counts() {
    let app = Digest::of(b"app").hex();
    let other = Digest::of(b"other").hex();
    for (subjects, expect) in [
        (json!([{"name": "app", "digest": {"sha256": app}}]), None),
        (json!([{"digest": {"sha256": app}}]), None),
        (
            json!([{"name": "x", "digest": {"sha256": other}}, {"name": "app", "digest": {"sha256": app}}]),
            None,
        ),
        (json!([{"name": "app", "digest": {"sha1": "a9", "sha256": app}}]), None),
        (json!([{"name": "app", "digest": {"sha256": other}}]), Some(Subject)),
        (json!([{"name": "app", "digest": {"sha256": app.to_uppercase()}}]), Some(Subject)),
        (json!([{"name": "app", "digest": {"SHA256": app}}]), Some(Subject)),
        (json!([{"name": "app", "digest": {"sha256": format!("sha256:{app}")}}]), Some(Subject)),
        (json!([{"name": "app", "digest": {"sha256": format!("{app} ")}}]), Some(Subject)),
        (
            json!([{"name": "app", "digest": {"sha256": app.strip_suffix(|_: char| true)}}]),
            Some(Subject),
        ),
        (json!([{"name": "app", "digest": {"sha1": app}}]), Some(Subject)),
        (json!([{"name": "app", "digest": {"sha512": app}}]), Some(Subject)),
        (json!([{"name": app, "digest": {}}]), Some(Subject)),
        (json!([{"name": "app"}]), Some(Statement)),
        (json!([{"name": "app", "digest": {"sha256": [app]}}]), Some(Statement)),
        (json!([]), Some(Statement)),
        (json!(vec![json!({"digest": {"sha256": app}}); 1024]), None),
        (json!(vec![json!({"digest": {"sha256": app}}); 1025]), Some(Statement)),
    ] {
        let found = Scene::of_subjects(&subjects).verify();
        assert_eq!(failed(&found), expect, "{found:?}");
        assert_eq!(found.evidence.is_some(), expect.is_none());
    }
    // Signed by the right key, and demanded of another artifact.
    let scene = Scene::new(KeyKind::Ed25519);
    let keys = Trust::in_keys(&[scene.signer.public_key().clone()]);
    let demand = Expectation { subject: Digest::of(b"other"), ..expectation(&keys) };
    let found = verify(&candidate(scene.bundle.to_string().into_bytes()), &demand);
    assert_eq!(check_refused(&found, Subject), format!("`app` sha256:{app}"));
}

#[test]
fn a_statement_of_another_version_or_form_is_refused() {
    let app = Digest::of(b"app").hex();
    let with = |kind: &str| {
        format!(
            r#"{{"_type":"{kind}","subject":[{{"digest":{{"sha256":"{app}"}}}}],"predicateType":"{PROVENANCE}"}}"#
        )
    };
    let v1 = with("https://in-toto.io/Statement/v1");
    let accepted = Scene::of_statement(&v1).verify();
    assert_eq!(failed(&accepted), None);
    assert_eq!(accepted.evidence.unwrap().facts().predicate, "{}", "no predicate is an empty one");
    for statement in [
        with("https://in-toto.io/Statement/v0.1"),
        with("https://in-toto.io/Statement/v1.1"),
        with(""),
        v1.replace("_type", "type"),
        v1.replace("predicateType", "predicate_type"),
        format!("[{v1}]"),
        format!("{v1}{v1}"),
        format!("\u{feff}{v1}"),
        v1.replace('}', "} "),
        String::new(),
    ] {
        let expect = if statement == v1.replace('}', "} ") { None } else { Some(Statement) };
        assert_eq!(failed(&Scene::of_statement(&statement).verify()), expect, "{statement}");
    }
}

#[test]
fn a18_what_is_verified_is_the_bytes_as_they_came() {
    let app = Digest::of(b"app").hex();
    let plain = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{app}"}}}}],"predicateType":"{PROVENANCE}","predicate":{{"a":1.0,"e":1e2}}}}"#
    );
    let spellings = [
        plain.replace(',', ",\r\n\t"),
        format!("\n {plain}\r\n"),
        plain.replace("provenance", "\\u0070rovenance").replace("subject", "\\u0073ubject"),
        plain.replace('/', "\\/"),
        plain.replace(r#""a""#, r#""\ud83d\ude00""#),
    ];
    for text in spellings {
        let scene = Scene::of_statement(&text);
        let facts = scene.verify().evidence.unwrap_or_else(|| panic!("{text}")).facts().clone();
        assert_eq!(facts.statement, Digest::of(text.as_bytes()));
        assert_eq!(facts.predicate_type, PROVENANCE);
        // The same statement in other bytes is another payload, which nobody has signed.
        let value: Value = serde_json::from_str(&text).unwrap();
        scene.refuses(Signature, |bundle| {
            bundle["dsseEnvelope"]["payload"] = STANDARD.encode(value.to_string()).into();
        });
    }
    for text in [
        format!("\u{feff}{plain}"),
        plain.replace(r#""a""#, r#""\ud83d""#),
        plain.replace(r#""a""#, r#""\ude00\ud83d""#),
        plain.replace(r#""a""#, "\"\r\n\""),
        plain.replace(r#""a":1.0"#, r#""a":1.0,"\u0061":2"#),
        plain.replace("1e2", "1e999"),
        plain.replace("1e2", "NaN"),
    ] {
        check_refused(&Scene::of_statement(&text).verify(), Statement);
    }
}

#[test]
fn a18_a_key_twice_is_refused_inside_the_payload_and_outside() {
    let app = Digest::of(b"app").hex();
    let other = Digest::of(b"other").hex();
    let subject = |hex: &str| format!(r#""subject":[{{"digest":{{"sha256":"{hex}"}}}}]"#);
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1",{},{},"predicateType":"{PROVENANCE}"}}"#,
        subject(&other),
        subject(&app)
    );
    let found = check_refused(&Scene::of_statement(&statement).verify(), Statement);
    assert!(found.contains("key `subject` stands twice"), "{found}");

    let scene = Scene::new(KeyKind::EcdsaP256);
    let text = scene.bundle.to_string();
    let (start, end) = text.split_at(text.len() - 1);
    let twice = format!(r#"{start},"mediaType":"x"{end}"#);
    check_refused(&scene.verify_bytes(twice.into_bytes()), Bundle);
}

#[test]
fn a20_other_versions_of_the_bundle_are_named_and_refused() {
    let scene = Scene::new(KeyKind::EcdsaP256);
    let found = scene.refuses(Bundle, |bundle| {
        bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.4".into();
    });
    assert!(
        found.contains("unsupported bundle `application/vnd.dev.sigstore.bundle+json;version=0.4`"),
        "{found}"
    );
    scene.refuses(Bundle, |bundle| drop(bundle.as_object_mut().unwrap().remove("mediaType")));
    for bytes in [&b""[..], b"{}", b"null", b"\x1f\x8b\x08", b"[[[["] {
        check_refused(&scene.verify_bytes(bytes.to_vec()), Bundle);
    }
}

#[test]
fn a_hint_picks_a_key_and_proves_nothing() {
    let scene = Scene::new(KeyKind::EcdsaP256);
    let stranger = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
    let hint = |bundle: &mut Value, hint: &str| {
        bundle["verificationMaterial"]["publicKey"]["hint"] = hint.into();
    };
    // It names a key that is not trusted.
    let found = scene.refuses(Signer, |bundle| hint(bundle, &stranger.public_key().hint()));
    assert_eq!(found, format!("the key `{}`, which is not trusted", stranger.public_key().id()));
    // It is of no known form, or absent: every trusted key is tried.
    for text in ["", "release-key-2026"] {
        let mut bundle = scene.bundle.clone();
        hint(&mut bundle, text);
        assert_eq!(failed(&scene.verify_bytes(bundle.to_string().into_bytes())), None);
    }
    let mut bundle = scene.bundle.clone();
    bundle["verificationMaterial"]["publicKey"] = json!({});
    assert_eq!(failed(&scene.verify_bytes(bundle.to_string().into_bytes())), None);
    // A stranger's bundle that claims the trusted key, and one that claims none.
    for text in [scene.signer.public_key().hint().as_str(), ""] {
        let mut forged = Scene::new(KeyKind::EcdsaP256).bundle;
        hint(&mut forged, text);
        check_refused(&scene.verify_bytes(forged.to_string().into_bytes()), Signature);
    }
}

#[test]
fn one_of_several_trusted_keys_is_enough_and_is_the_one_named() {
    let scene = Scene::new(KeyKind::Ed25519);
    let stranger = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
    let keys = Trust::in_keys(&[stranger.public_key().clone(), scene.signer.public_key().clone()]);
    let bytes = scene.bundle.to_string().into_bytes();
    let found = verify(&candidate(bytes.clone()), &expectation(&keys));
    assert_eq!(found.signer, Some(format!("key {}", scene.signer.public_key().id())));
    assert!(found.evidence.is_some());
    let only = Trust::in_keys(&[stranger.public_key().clone()]);
    check_refused(&verify(&candidate(bytes), &expectation(&only)), Signer);
}

#[test]
fn a_certificate_is_refused_where_no_identity_is_trusted_and_an_unlogged_key_needs_no_log() {
    let scene = Scene::new(KeyKind::EcdsaP256);
    let found = scene.refuses(Signer, |bundle| {
        bundle["verificationMaterial"] = json!({"certificate": {"rawBytes": "AAAA"}});
    });
    assert_eq!(found, "signed by a certificate, and no identity is trusted");
    scene.refuses(Bundle, |bundle| {
        bundle["verificationMaterial"]["certificate"] = json!({"rawBytes": "AAAA"});
    });

    let mut logged = scene.bundle.clone();
    logged["verificationMaterial"]["tlogEntries"] = json!([{
        "logIndex": "1",
        "logId": {"keyId": STANDARD.encode([0; 32])},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": "1700000000",
        "canonicalizedBody": "e30=",
    }]);
    logged["verificationMaterial"]["timestampVerificationData"] =
        json!({"rfc3161Timestamps": [{"signedTimestamp": "AAAA"}]});
    let found = scene.verify_bytes(logged.to_string().into_bytes());
    assert_eq!(failed(&found), None);
    let log = &found.steps[6];
    assert_eq!((log.kind, log.outcome), (Log, StepOutcome::NotNeeded));
    assert_eq!(found.evidence.unwrap().facts().signed, None);
}

#[test]
fn a17_nothing_to_verify_is_not_success() {
    let scene = Scene::new(KeyKind::EcdsaP256);
    let keys = Trust::in_keys(&[scene.signer.public_key().clone()]);
    let good = candidate(scene.bundle.to_string().into_bytes());
    assert!(
        matches!(look_at(Ok(from_ref(&good)), &expectation(&keys)).0, Presence::Present(found) if found.len() == 1)
    );
    // No candidate, no key, no wanted type.
    assert_eq!(look_at(Ok(&[]), &expectation(&keys)).0, Presence::Absent { refused: 0 });
    assert_eq!(
        look_at(Ok(from_ref(&good)), &expectation(&Trust::in_keys(&[]))).0,
        Presence::Absent { refused: 1 }
    );
    check_refused(&verify(&good, &expectation(&Trust::in_keys(&[]))), Signer);
    let nothing_wanted = Expectation { wanted: Wanted::Statement(&[]), ..expectation(&keys) };
    assert_eq!(look_at(Ok(&[good]), &nothing_wanted).0, Presence::Absent { refused: 1 });
    // Not being able to look is not having found nothing.
    let reason = "the registry answers 429".to_owned();
    assert_eq!(
        look_at(Err(&reason), &expectation(&keys)),
        (Presence::CouldNotTell { reason }, vec![])
    );
}

#[test]
fn b12_one_garbage_candidate_does_not_poison_a_good_one() {
    let scene = Scene::new(KeyKind::EcdsaP256);
    let keys = Trust::in_keys(&[scene.signer.public_key().clone()]);
    let good = candidate(scene.bundle.to_string().into_bytes());
    let garbage = candidate(b"\x00garbage".to_vec());
    let found = vec![garbage.clone(), good.clone(), garbage, good.clone()];
    let (presence, verifications) = look_at(Ok(&found), &expectation(&keys));
    let Presence::Present(evidence) = presence else { panic!("{presence:?}") };
    assert_eq!(evidence.len(), 1, "the same bundle twice is one piece of evidence");
    let steps: Vec<_> = verifications.iter().map(failed).collect();
    assert_eq!(steps, [Some(Bundle), None, Some(Bundle), None]);

    // What is over the limit was not read, so that nobody knows what it is.
    let limits = Limits { evidence: u64::try_from(good.bytes.len()).unwrap(), ..Limits::STANDARD };
    let tight = Expectation { limits: &limits, ..expectation(&keys) };
    let large = candidate(vec![b' '; good.bytes.len() + 1]);
    let (presence, verifications) = look_at(Ok(from_ref(&large)), &tight);
    assert!(
        matches!(presence, Presence::CouldNotTell { reason } if reason.contains("larger than"))
    );
    check_refused(&verifications[0], Bundle);
    assert!(matches!(look_at(Ok(&[large, good]), &tight).0, Presence::Present(_)));
}

#[test]
fn what_a_candidate_says_is_cut_short_in_explanations() {
    let scene = Scene::new(KeyKind::EcdsaP256);
    let found = scene.refuses(Envelope, |bundle| {
        bundle["dsseEnvelope"]["payloadType"] = "x".repeat(100_000).into();
    });
    assert!(found.chars().count() < 300, "{}", found.len());
    let long = "x".repeat(100_000);
    let subjects = json!(vec![json!({"name": long, "digest": {long.clone(): long}}); 9]);
    let found = check_refused(&Scene::of_subjects(&subjects).verify(), Subject);
    assert!(found.chars().count() < 1_000 && found.ends_with(", 6 more"), "{found}");
}

const VSA: &str = "https://slsa.dev/verification_summary/v1";

/// A summary of the same signer with this result.
fn summary(signer: &KeySigner, result: &Value) -> Candidate {
    let subject = StatementSubject { name: "app".to_owned(), digest: Digest::of(b"app") };
    let predicate = json!({
        "verifier": {"id": crate::predicates::vsa::VERIFIER_ID}, "resourceUri": "registry.example/app",
        "verificationResult": result, "x": result.to_string(),
    });
    let statement = Statement::new(vec![subject], VSA, predicate).unwrap();
    candidate(sign(&statement, signer).unwrap().to_bytes())
}

#[test]
fn a24_b10_a_trusted_failure_outweighs_every_pass_and_no_verdict_is_none() {
    let ours = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
    let theirs = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
    let stranger = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
    let trust = Trust::in_keys(&[ours.public_key().clone(), theirs.public_key().clone()]);
    let wanted = Wanted::Statement(&[VSA]);
    let say = |candidates: &[&Candidate]| {
        let found: Vec<_> = candidates.iter().map(|candidate| (*candidate).clone()).collect();
        look_at(Ok(&found), &Expectation { wanted, ..expectation(&trust) })
    };
    let passed = summary(&ours, &json!("PASSED"));
    let failed = summary(&theirs, &json!("FAILED"));
    assert!(matches!(say(&[&passed]).0, Presence::Present(_)));
    let (presence, verifications) = say(&[&passed, &failed]);
    assert_eq!(presence, Presence::Absent { refused: 2 });
    assert_eq!(check_refused(&verifications[1], Verdict), "a failure");
    // The same signer's two words, and nothing tells which is the later one.
    let own = summary(&ours, &json!("FAILED"));
    assert_eq!(say(&[&own, &passed]).0, Presence::Absent { refused: 2 });
    // A stranger denies nothing.
    let foreign = summary(&stranger, &json!("FAILED"));
    assert!(matches!(say(&[&passed, &foreign]).0, Presence::Present(_)));
    let (_, verifications) = say(&[&summary(&ours, &Value::Null)]);
    assert_eq!(check_refused(&verifications[0], Verdict), "no verdict");
    for word in [json!("passed"), json!(true)] {
        let (presence, verifications) = say(&[&summary(&ours, &word)]);
        assert_eq!(presence, Presence::Absent { refused: 1 });
        check_refused(&verifications[0], Agreement);
    }
}

#[test]
fn every_candidate_is_verified_once_and_counts_for_its_own_kind() {
    let signer = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
    let trust = Trust::in_keys(&[signer.public_key().clone()]);
    let of = |kind: &str| {
        let subject = StatementSubject { name: "app".to_owned(), digest: Digest::of(b"app") };
        let statement = Statement::new(vec![subject], kind, json!({})).unwrap();
        candidate(sign(&statement, &signer).unwrap().to_bytes())
    };
    let (built, denied) = (of(PROVENANCE), summary(&signer, &json!("FAILED")));
    let wanted = Wanted::Statement(&[PROVENANCE, VULNS, VSA]);
    let search = look(Ok(&[built, denied]), &Expectation { wanted, ..expectation(&trust) });
    assert_eq!(search.verifications.len(), 2);
    let Presence::Present(evidence) = search.presence(&[PROVENANCE]) else { panic!("{search:?}") };
    assert_eq!(evidence[0].facts().predicate_type, PROVENANCE);
    // Neither does provenance count for a scan, nor is it denied by a summary.
    assert_eq!(search.presence(&[VULNS]), Presence::Absent { refused: 2 });
    assert_eq!(search.presence(&[VSA]), Presence::Absent { refused: 2 });
}

/// A statement of the scene's signer that is pending, about this artifact.
fn pending(artifact: &[u8]) -> Scene {
    let source = crate::signers::keyless::Failure::Silent;
    let url = "https://fulcio.test/".to_owned();
    let outage = Error::ServiceUnavailable { service: "Fulcio", url, attempts: 2, source };
    let subject = StatementSubject { name: "app".to_owned(), digest: Digest::of(artifact) };
    let statement = Statement::new(vec![subject], PROVENANCE, json!({"a": 1})).unwrap();
    let statement = Pending::of(&statement, &outage, Timestamp::UNIX_EPOCH).unwrap();
    Scene::of_payload(IN_TOTO_PAYLOAD_TYPE, &statement.to_bytes())
}

const FOUND: &str = "that one of type `https://slsa.dev/provenance/v1` is pending since 1970-01-01T00:00:00Z: Fulcio at https://fulcio.test/ did not do it in 2 attempts: it did not answer in time";

#[test]
fn f25_what_is_pending_is_shown_and_refused_whoever_is_believed_and_whatever_is_wanted() {
    let scene = pending(b"app");
    let bytes = scene.bundle.to_string().into_bytes();
    let key = || scene.signer.public_key().clone();
    let outages =
        Trust { signers: vec![TrustedSigner::of_outages(key())], ..Trust::in_keys(&[key()]) };
    for trust in [Trust::in_keys(&[key()]), outages] {
        for wanted in [
            Wanted::Statement(&[PROVENANCE]),
            Wanted::Statement(&[PENDING_TYPE]),
            Wanted::Signature,
        ] {
            let expectation = Expectation { wanted, ..expectation(&trust) };
            let found = verify(&candidate(bytes.clone()), &expectation);
            let step = found.failed_step().unwrap();
            assert_eq!((step.kind, step.found.as_str()), (PredicateType, FOUND));
            assert_eq!((found.fault, &found.evidence), (Some(Fault::Pending), &None));
            assert_eq!(found.pending.as_ref().unwrap().predicate_type, PROVENANCE);
            assert!(found.is_wanted());
        }
        let search = look(Ok(&[candidate(bytes.clone())]), &expectation(&trust));
        assert_eq!(search.presence(&[PROVENANCE]), Presence::Absent { refused: 1 });
    }
}

#[test]
fn f25_that_something_is_pending_counts_by_whom_it_may_and_about_this_artifact_alone() {
    let refused = |scene: &Scene, trust: &Trust| {
        let bytes = scene.bundle.to_string().into_bytes();
        let found = verify(&candidate(bytes), &expectation(trust));
        assert_eq!((&found.pending, &found.evidence), (&None, &None));
        assert!(found.fault != Some(Fault::Pending));
        found.failed_step().unwrap().clone()
    };
    let scene = pending(b"app");
    let strange = Trust::in_keys(&[Scene::new(KeyKind::EcdsaP256).signer.public_key().clone()]);
    assert_eq!(refused(&scene, &strange).kind, Signer);
    let own = || {
        TrustedSigner::of(SignerDemand::key(scene.signer.public_key().clone(), Unlogged::Accept))
    };
    let types = Some(vec![PROVENANCE.to_owned()]);
    let limited =
        Trust { signers: vec![TrustedSigner { predicate_types: types, ..own() }], ..strange };
    let step = refused(&scene, &limited);
    assert_eq!(step.kind, PredicateType);
    assert!(step.found.ends_with("about which this signer is not believed"), "{}", step.found);
    let other = pending(b"other");
    let step = refused(&other, &Trust::in_keys(&[other.signer.public_key().clone()]));
    assert!(step.found.ends_with(", about another artifact"), "{}", step.found);
    // And the key for outages states nothing else.
    let plain = Scene::new(KeyKind::EcdsaP256);
    let key = plain.signer.public_key().clone();
    let outages = Trust { signers: vec![TrustedSigner::of_outages(key)], ..limited };
    let step = refused(&plain, &outages);
    assert!(step.found.ends_with("about which this signer is not believed"), "{}", step.found);
    assert!(outages.signers[0].to_string().ends_with(", of what is pending alone"));
}
