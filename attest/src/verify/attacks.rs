//! Attacks on evidence, by the answers of services that play along and services that do not.
#![cfg(feature = "testing")]

use super::{
    StepKind::*,
    forge::{Forge, accepted, acme, at, check, refused, release},
    forge::{NOON, PROVENANCE, Signed, VULNS, candidate, expectation, statement, trust},
    tests::look_at,
    *,
};
use crate::{
    Demands, MaxAge, SignerDemand, TrustedSigner,
    signers::KeyKind,
    statement::IN_TOTO_PAYLOAD_TYPE,
    testing::{Claims, Flaw, GITHUB, Sigstore},
};
use jiff::SignedDuration;
use plimsoll_model::{
    evidence::{Unlogged, Validity},
    identity::IdentityDemand,
};
use serde_json::{Value, json};
use std::slice::from_ref;

const LATER: &str = "2026-03-15T12:00:00Z";

/// A root with a part taken from another, or with one emptied.
fn changed_root(root: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut root = serde_json::from_str(root).unwrap();
    change(&mut root);
    root.to_string()
}

fn with_demands(trust: Trust, demands: Demands) -> Trust {
    Trust { demands, ..trust }
}

fn aged(trust: &Trust, days: i64, now: &str) -> Trust {
    let age = MaxAge { at_most: SignedDuration::from_hours(24 * days), now: at(now) };
    Trust { demands: Demands { age: Some(age), ..Demands::default() }, ..trust.clone() }
}

#[tokio::test]
async fn a2_text_signed_with_a_certificate_is_no_statement() {
    let forge = Forge::start().await;
    let payload = statement(PROVENANCE);
    let signed = forge.keyless_over(&acme(), "text/plain", &payload).await;
    let entry = forge.entry_v1(&signed).await;
    let mut bundle = signed.bundle(&[entry], &[forge.stamp(&signed).await]);
    let trust = forge.trust(release());
    let found = refused(&check(&bundle, &trust), Envelope);
    assert_eq!(found, "the envelope holds `text/plain`: expected `application/vnd.in-toto+json`");
    // Relabelled, it is a statement that nobody has signed.
    bundle["dsseEnvelope"]["payloadType"] = IN_TOTO_PAYLOAD_TYPE.into();
    refused(&check(&bundle, &trust), Signature);
}

#[tokio::test]
async fn a3_a_certificate_does_not_make_another_predicate_type_the_wanted_one() {
    let forge = Forge::start().await;
    let trust = forge.trust(release());
    let of = async |payload: &str| {
        let signed = forge.keyless_over(&acme(), IN_TOTO_PAYLOAD_TYPE, payload).await;
        check(&signed.bundle(&[forge.entry_v1(&signed).await], &[]), &trust)
    };
    accepted(&of(&statement(PROVENANCE)).await);
    let found = refused(&of(&statement(VULNS)).await, PredicateType);
    assert_eq!(found, format!("`{VULNS}`"));
    let versioned = statement(&format!("{PROVENANCE}.1"));
    refused(&of(&versioned).await, PredicateType);
    refused(&of("{").await, Statement);
}

#[tokio::test]
async fn a4_a_certificate_does_not_make_another_subject_ours() {
    let forge = Forge::start().await;
    let trust = forge.trust(release());
    let (app, other) = (Digest::of(b"app").hex(), Digest::of(b"other").hex());
    let sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";
    for (subjects, expect) in [
        (json!([{"name": "app", "digest": {"sha256": app}}]), None),
        (json!([{"digest": {"sha256": other}}, {"digest": {"sha256": app}}]), None),
        (json!([{"digest": {"sha256": other}}]), Some(Subject)),
        (json!([{"name": app, "digest": {"sha256": other}}]), Some(Subject)),
        (json!([{"digest": {"sha256": app.to_uppercase()}}]), Some(Subject)),
        (json!([{"digest": {"sha512": format!("{app}{app}")}}]), Some(Subject)),
        (json!([{"digest": {"sha1": sha1}}]), Some(Subject)),
        (json!([{"digest": {}}]), Some(Subject)),
        (json!([]), Some(Statement)),
    ] {
        let mut payload: Value = serde_json::from_str(&statement(PROVENANCE)).unwrap();
        payload["subject"] = subjects;
        let payload = payload.to_string();
        let signed = forge.keyless_over(&acme(), IN_TOTO_PAYLOAD_TYPE, &payload).await;
        let found = check(&signed.bundle(&[forge.entry_v1(&signed).await], &[]), &trust);
        assert_eq!(found.failed_step().map(|step| step.kind), expect, "{payload}: {found:#?}");
        assert_eq!(found.evidence.is_some(), expect.is_none());
    }
}

#[tokio::test]
async fn a7_services_that_are_ahead_prove_nothing() {
    let forge = Forge::start().await;
    let trust = forge.trust(release());
    let signed = forge.keyless(&acme()).await;
    forge.sigstore.set_flaws([Flaw::FutureTime]);
    // An hour after a certificate of ten minutes.
    let stamp = [forge.stamp(&signed).await];
    let (first, second) = ([forge.entry_v1(&signed).await], [forge.entry_v2(&signed).await]);
    for bundle in
        [signed.bundle(&first, &[]), signed.bundle(&first, &stamp), signed.bundle(&second, &stamp)]
    {
        refused(&check(&bundle, &trust), Certificate);
    }
    // One time that is right does not make up for one that is not.
    forge.sigstore.set_flaws([]);
    accepted(&check(&signed.bundle(&second, &[forge.stamp(&signed).await]), &trust));
    refused(&check(&signed.bundle(&first, &[forge.stamp(&signed).await]), &trust), Certificate);
    // A log that is ahead of this machine.
    forge.sigstore.set_time(at("2044-01-01T00:00:00Z"));
    let signed = forge.keyless(&acme()).await;
    let found = check(&signed.bundle(&[forge.entry_v1(&signed).await], &[]), &trust);
    let found = refused(&found, Time);
    assert!(found.contains("2044-01-01T00:00:00Z is in the future"), "{found}");
}

#[tokio::test]
async fn a7_a_clock_that_is_behind_is_told_and_five_minutes_are_forgiven() {
    let forge = Forge::start().await;
    let signed = forge.keyless(&acme()).await;
    let bundle = signed.bundle(&[forge.entry_v1(&signed).await], &[]);
    let trust = forge.trust(release());
    accepted(&check(&bundle, &aged(&trust, 1, "2026-01-15T11:55:00Z")));
    let found = check(&bundle, &aged(&trust, 1, "2026-01-15T11:54:59Z"));
    assert_eq!(refused(&found, Age), "signed at 2026-01-15T12:00:00Z, which is later than now");
}

#[tokio::test]
async fn a8_an_intermediate_that_had_expired_issues_nothing() {
    let [from, noon, until] = ["2021-01-01T00:00:00Z", NOON, "2040-01-01T00:00:00Z"].map(at);
    let second = SignedDuration::from_secs(1);
    for (valid, expect) in [
        ([from, until], None),
        ([from, noon], None),
        ([from, noon - second], Some(Certificate)),
        ([noon + second, until], Some(Certificate)),
    ] {
        let forge = Forge::with(Sigstore::start_with_intermediate(valid).await.unwrap()).await;
        let signed = forge.keyless(&acme()).await;
        let stamp = forge.stamp(&signed).await;
        let root = forge.sigstore.trusted_root();
        let unlogged = changed_root(&root, |root| {
            (root["tlogs"], root["ctlogs"]) = (json!([]), json!([]));
        });
        let logged = signed.bundle(&[forge.entry_v1(&signed).await], from_ref(&stamp));
        for (root, bundle) in [(&unlogged, &signed.bundle(&[], &[stamp])), (&root, &logged)] {
            let found = check(bundle, &trust(root, SignerDemand::Identity(release())));
            assert_eq!(found.failed_step().map(|step| step.kind), expect, "{found:#?}");
            if let Some(failed) = found.failed_step() {
                assert_eq!(failed.found, "issued by an authority that was not valid at that time");
            }
        }
    }
}

/// That a signature is accepted at noon of its own, and at the first and the last moment of a validity alone.
fn check_validity(bundle: &Value, trust: &Trust) {
    let (noon, second) = (at(NOON), SignedDuration::from_secs(1));
    let valid = |from, until| {
        let mut trust = trust.clone();
        let SignerDemand::Key { validity, .. } = &mut trust.signers[0].who else { panic!("a key") };
        *validity = Validity { from, until };
        check(bundle, &trust)
    };
    accepted(&valid(None, None));
    accepted(&valid(Some(noon), None));
    accepted(&valid(None, Some(noon)));
    accepted(&valid(Some(noon), Some(noon)));
    for (from, until, expect) in [
        (Some(noon + second), None, "valid from 2026-01-15T12:00:01Z"),
        (None, Some(noon - second), "valid until 2026-01-15T11:59:59Z"),
        (
            Some(noon + second),
            Some(at(LATER)),
            "valid from 2026-01-15T12:00:01Z until 2026-03-15T12:00:00Z",
        ),
    ] {
        let found = refused(&valid(from, until), Identity);
        assert_eq!(found, format!("signed at 2026-01-15T12:00:00Z, by a key {expect}"));
    }
}

#[tokio::test]
async fn a09_a_key_signs_while_it_is_valid_and_a_later_timestamp_moves_nothing() {
    let forge = Forge::start().await;
    let signed = Signed::by_key(KeyKind::EcdsaP256, PROVENANCE);
    let trust = forge.trust_key(&signed.key);
    let (entry, stamp) = (forge.entry_v1(&signed).await, forge.stamp(&signed).await);
    forge.sigstore.set_time(at(LATER));
    let late = forge.stamp(&signed).await;
    for (entries, stamps) in [
        (&[entry.clone()][..], vec![]),
        (&[], vec![stamp.clone()]),
        (&[], vec![late.clone(), stamp]),
        (&[entry], vec![late]),
    ] {
        check_validity(&signed.bundle(entries, &stamps), &trust);
    }
}

#[tokio::test]
async fn a09_a_key_of_limited_validity_is_not_believed_without_a_time() {
    let forge = Forge::start().await;
    let signed = Signed::by_key(KeyKind::EcdsaP256, PROVENANCE);
    let dated = [forge.entry_v1(&signed).await];
    let undated = [forge.entry_v2(&signed).await];
    let demand = |unlogged| SignerDemand::Key {
        key: signed.key.public_key().clone(),
        unlogged,
        validity: Validity { from: None, until: Some(at(LATER)) },
    };
    let root = forge.sigstore.trusted_root();
    for unlogged in [Unlogged::Refuse, Unlogged::Accept] {
        let trust = trust(&root, demand(unlogged));
        accepted(&check(&signed.bundle(&dated, &[]), &trust));
        let found = refused(&check(&signed.bundle(&undated, &[]), &trust), Identity);
        assert_eq!(
            found,
            "nothing that proves when it was signed, by a key valid until 2026-03-15T12:00:00Z"
        );
        refused(&check(&signed.bundle(&[], &[]), &trust), Time);
    }
    // Of two who hold one key, the one that is believed without a time does not lend that to the other.
    let mut both = trust(&root, demand(Unlogged::Refuse));
    both.signers[0].predicate_types = Some(vec![PROVENANCE.to_owned()]);
    let key = signed.key.public_key().clone();
    let scans = SignerDemand::key(key, Unlogged::Accept);
    let predicate_types = Some(vec![VULNS.to_owned()]);
    both.signers.push(TrustedSigner { predicate_types, ..TrustedSigner::of(scans) });
    accepted(&check(&signed.bundle(&dated, &[]), &both));
    for entries in [&undated[..], &[]] {
        let found = refused(&check(&signed.bundle(entries, &[]), &both), PredicateType);
        assert_eq!(found, format!("`{PROVENANCE}`, about which this signer is not believed"));
    }
}

#[tokio::test]
async fn a09_a_service_whose_key_was_not_valid_then_proves_nothing() {
    let forge = Forge::start().await;
    let signed = forge.keyless(&acme()).await;
    let by_key = Signed::by_key(KeyKind::EcdsaP256, PROVENANCE);
    let stamp = forge.stamp(&signed).await;
    let logged = signed.bundle(&[forge.entry_v1(&signed).await], &[]);
    let stamped = signed.bundle(&[forge.entry_v2(&signed).await], &[stamp]);
    let keyed = by_key.bundle(&[forge.entry_v1(&by_key).await], &[]);
    let root = forge.sigstore.trusted_root();
    let (noon, second) = (at(NOON), SignedDuration::from_secs(1));
    let identity = SignerDemand::Identity(release());
    let key = SignerDemand::key(by_key.key.public_key().clone(), Unlogged::Refuse);
    for (part, pointer, bundle, who, at) in [
        ("tlogs", "/publicKey/validFor", &logged, &identity, Time),
        ("tlogs", "/publicKey/validFor", &keyed, &key, Time),
        ("ctlogs", "/publicKey/validFor", &logged, &identity, CertificateLog),
        ("timestampAuthorities", "/validFor", &stamped, &identity, Time),
        ("certificateAuthorities", "/validFor", &logged, &identity, Certificate),
    ] {
        let valid = |from: Timestamp, until: Timestamp| {
            let root = changed_root(&root, |root| {
                for one in root[part].as_array_mut().unwrap() {
                    *one.pointer_mut(pointer).unwrap() =
                        json!({"start": from.to_string(), "end": until.to_string()});
                }
            });
            check(bundle, &trust(&root, who.clone()))
        };
        accepted(&valid(noon, noon + second));
        accepted(&valid(noon - second, noon));
        refused(&valid(noon + second, noon + second + second), at);
        refused(&valid(noon - second - second, noon - second), at);
    }
}

#[tokio::test]
async fn a10_one_log_twice_is_one_log() {
    let forge = Forge::start().await;
    let demands = Demands { logs: 2, ..Demands::default() };
    let trust = with_demands(forge.trust(release()), demands);
    let signed = forge.keyless(&acme()).await;
    let stamp = [forge.stamp(&signed).await];
    let first = forge.entry_v1(&signed).await;
    let second = forge.entry_v2(&signed).await;
    let with = |entries: &[Value]| check(&signed.bundle(entries, &stamp), &trust);
    let mut renamed = second.clone();
    renamed["logId"] = first["logId"].clone();
    accepted(&with(&[first.clone(), second.clone()]));
    accepted(&with(&[first.clone(), renamed.clone()]));
    for entries in [
        vec![first.clone()],
        vec![first.clone(), first],
        vec![second.clone(), second.clone()],
        vec![second, renamed],
    ] {
        assert_eq!(refused(&with(&entries), Log), "1 log, each counted once");
    }
}

#[tokio::test]
async fn a10_one_authority_twice_is_one_authority() {
    let (forge, other) = (Forge::start().await, Forge::start().await);
    let theirs: Value = serde_json::from_str(&other.sigstore.trusted_root()).unwrap();
    let root = changed_root(&forge.sigstore.trusted_root(), |root| {
        let authorities = root["timestampAuthorities"].as_array_mut().unwrap();
        authorities.push(theirs["timestampAuthorities"][0].clone());
    });
    let demands = Demands { timestamps: 2, ..Demands::default() };
    let trust = with_demands(trust(&root, SignerDemand::Identity(release())), demands);
    let signed = forge.keyless(&acme()).await;
    let entry = [forge.entry_v1(&signed).await];
    let [one, again] = [forge.stamp(&signed).await, forge.stamp(&signed).await];
    let of_other = other.stamp(&signed).await;
    let with = |stamps: &[Value]| check(&signed.bundle(&entry, stamps), &trust);
    accepted(&with(&[one.clone(), of_other]));
    for stamps in [vec![one.clone()], vec![one.clone(), one.clone()], vec![one, again]] {
        assert_eq!(refused(&with(&stamps), Time), "1 timestamp authority, each counted once");
    }
}

#[tokio::test]
async fn a12_a_certificate_with_the_promise_of_a_strange_log_is_refused() {
    let forge = Forge::start().await;
    forge.sigstore.set_flaws([Flaw::WrongSct]);
    let signed = forge.keyless(&acme()).await;
    let stamp = [forge.stamp(&signed).await];
    for entry in [forge.entry_v1(&signed).await, forge.entry_v2(&signed).await] {
        let found = check(&signed.bundle(&[entry], &stamp), &forge.trust(release()));
        refused(&found, CertificateLog);
    }
}

#[tokio::test]
async fn a13_the_key_that_a_log_publishes_of_itself_is_nobodys_word() {
    let forge = Forge::start().await;
    forge.sigstore.set_flaws([Flaw::WrongLogKey]);
    let signed = forge.keyless(&acme()).await;
    let stamp = [forge.stamp(&signed).await];
    let (first, second) = (forge.entry_v1(&signed).await, forge.entry_v2(&signed).await);
    let trust = forge.trust(release());
    refused(&check(&signed.bundle(from_ref(&first), &stamp), &trust), Time);
    refused(&check(&signed.bundle(&[second], &stamp), &trust), Log);
    // Without the promise, the checkpoint is still by the wrong key.
    let mut unpromised = first;
    unpromised.as_object_mut().unwrap().remove("inclusionPromise");
    refused(&check(&signed.bundle(&[unpromised], &stamp), &trust), Log);
    let by_key = Signed::by_key(KeyKind::EcdsaP256, PROVENANCE);
    let bundle = by_key.bundle(&[forge.entry_v1(&by_key).await], &[]);
    refused(&check(&bundle, &forge.trust_key(&by_key.key)), Log);
}

/// What the certificate of a job is accepted or refused for.
async fn judge(forge: &Forge, claims: &Claims, demand: &IdentityDemand) -> Option<String> {
    let signed = forge.keyless(claims).await;
    let bundle = signed.bundle(&[forge.entry_v1(&signed).await], &[]);
    let found = check(&bundle, &forge.trust(demand.clone()));
    if found.failed_step().is_none() {
        accepted(&found);
        return None;
    }
    let found = refused(&found, Identity);
    Some(found.split_once(": ").unwrap().1.to_owned())
}

#[tokio::test]
async fn b4_another_workflow_ref_or_machine_of_the_same_repository_is_refused() {
    const ACME: &str = "https://github.com/acme/app/.github/workflows";
    let forge = Forge::start().await;
    let demand = IdentityDemand {
        reference: Some("refs/heads/main".parse().unwrap()),
        triggers: vec!["push".to_owned()],
        runner: Some("github-hosted".to_owned()),
        ..release()
    };
    let workflow = |at: &str| {
        let path = format!("acme/app/.github/workflows/{at}");
        acme().with("workflow_ref", path.clone()).with("job_workflow_ref", path)
    };
    let of_pull_request = workflow("release.yml@refs/pull/7/merge")
        .with("ref", "refs/pull/7/merge")
        .with("event_name", "pull_request");
    assert_eq!(judge(&forge, &acme(), &demand).await, None);
    let main = format!("{ACME}/release.yml@refs/heads/main");
    for (claims, expect) in [
        (
            workflow("test.yml@refs/heads/main"),
            format!("identity `{ACME}/test.yml@refs/heads/main` instead of `{main}`"),
        ),
        (
            of_pull_request,
            format!(
                "identity `{ACME}/release.yml@refs/pull/7/merge` instead of `{main}`; \
                 ref `refs/pull/7/merge` instead of `refs/heads/main`; \
                 trigger `pull_request` instead of `push`"
            ),
        ),
        (
            acme().with("runner_environment", "self-hosted"),
            "runner `self-hosted` instead of `github-hosted`".to_owned(),
        ),
        (
            acme().with("event_name", "workflow_dispatch"),
            "trigger `workflow_dispatch` instead of `push`".to_owned(),
        ),
    ] {
        assert_eq!(judge(&forge, &claims, &demand).await, Some(expect));
    }
}

#[tokio::test]
async fn b5_a_shared_workflow_signs_for_the_repository_that_is_demanded_alone() {
    let forge = Forge::start().await;
    let shared = "acme/workflows/.github/workflows/build.yml@refs/heads/main";
    let by_shared = |source: &str| Claims::github(source).with("job_workflow_ref", shared);
    let identity = |text: &str| {
        IdentityDemand::new(
            GITHUB.to_owned(),
            format!("https://github.com/{text}").parse().unwrap(),
        )
    };
    let of = |demand: IdentityDemand, repository: &str| IdentityDemand {
        repository: Some(format!("https://github.com/{repository}")),
        ..demand
    };
    let own = "the repository of the identity, as no other is demanded";
    let instead = |found: &str, expected: &str| {
        Some(format!("repository `https://github.com/{found}` instead of `{expected}`"))
    };
    let app = "https://github.com/acme/app";
    for (claims, demand, expect) in [
        (acme(), release(), None),
        (acme(), of(release(), "acme/app"), None),
        (by_shared("acme/workflows"), identity(shared), None),
        (by_shared("acme/app"), of(identity(shared), "acme/app"), None),
        (by_shared("acme/app"), identity(shared), instead("acme/app", own)),
        (by_shared("evil/app"), identity(shared), instead("evil/app", own)),
        (by_shared("evil/app"), of(identity(shared), "acme/app"), instead("evil/app", app)),
        (by_shared("acme/app2"), of(identity(shared), "acme/app"), instead("acme/app2", app)),
        (
            by_shared("acme/app"),
            release(),
            Some(format!(
                "identity `https://github.com/{shared}` instead of `{}`; \
                 repository `{app}` instead of `{own}`",
                release().subject
            )),
        ),
    ] {
        assert_eq!(judge(&forge, &claims, &demand).await, expect, "{claims:?} {demand:?}");
    }
}

#[tokio::test]
async fn b9_evidence_is_as_old_as_the_earliest_time_that_is_proven() {
    let forge = Forge::start().await;
    let signed = Signed::by_key(KeyKind::EcdsaP256, PROVENANCE);
    let trust = forge.trust_key(&signed.key);
    let (entry, old) = ([forge.entry_v1(&signed).await], forge.stamp(&signed).await);
    forge.sigstore.set_time(at(LATER));
    let fresh = forge.stamp(&signed).await;
    for (entries, stamps) in [
        (&entry[..], vec![]),
        (&entry[..], vec![fresh.clone()]),
        (&[], vec![old.clone()]),
        (&[], vec![old.clone(), fresh.clone()]),
        (&[], vec![fresh, old]),
    ] {
        let bundle = signed.bundle(entries, &stamps);
        accepted(&check(&bundle, &trust));
        // The last second of a day, and the first one after it.
        accepted(&check(&bundle, &aged(&trust, 1, "2026-01-16T12:00:00Z")));
        let found = check(&bundle, &aged(&trust, 1, "2026-01-16T12:00:01Z"));
        assert_eq!(refused(&found, Age), "signed at 2026-01-15T12:00:00Z");
        refused(&check(&bundle, &aged(&trust, 1, LATER)), Age);
    }
}

#[tokio::test]
async fn b9_what_nothing_dates_is_of_no_age() {
    let forge = Forge::start().await;
    let signed = Signed::by_key(KeyKind::EcdsaP256, PROVENANCE);
    let none = "nothing that proves when it was signed";
    let unlogged = Trust::in_keys(&[signed.key.public_key().clone()]);
    let bundle = signed.bundle(&[], &[]);
    accepted(&check(&bundle, &unlogged));
    assert_eq!(refused(&check(&bundle, &aged(&unlogged, 999, NOON)), Age), none);
    // Logs that date nothing: without its promise an entry has no time, and Rekor v2 never gives one.
    let trust = forge.trust_key(&signed.key);
    let mut unpromised = forge.entry_v1(&signed).await;
    unpromised.as_object_mut().unwrap().remove("inclusionPromise");
    for entry in [unpromised, forge.entry_v2(&signed).await] {
        let bundle = signed.bundle(&[entry], &[]);
        accepted(&check(&bundle, &trust));
        assert_eq!(refused(&check(&bundle, &aged(&trust, 999, NOON)), Age), none);
    }
    refused(&check(&bundle, &trust), Time);
}

#[tokio::test]
async fn b11_a_flood_hides_nothing_and_says_little() {
    let forge = Forge::start().await;
    let signed = forge.keyless(&acme()).await;
    let entry = forge.entry_v1(&signed).await;
    let trust = forge.trust(release());
    let mut flood: Vec<_> = (0..10_000)
        .map(|number| Candidate {
            found_at: format!("garbage {number}"),
            bytes: format!("{{\"mediaType\":\"{}\"", "x".repeat(number % 500)).into_bytes(),
        })
        .collect();
    let (presence, found) = look_at(Ok(&flood), &expectation(&trust));
    assert_eq!(presence, Presence::Absent { refused: 10_000 });
    assert!(found.iter().all(|found| refused(found, Bundle).chars().count() < 300));
    flood.insert(5_000, candidate(&signed.bundle(from_ref(&entry), &[])));
    let (presence, found) = look_at(Ok(&flood), &expectation(&trust));
    assert_eq!((presence.evidence().len(), found.len()), (1, 10_001));
    accepted(&found[5_000]);
    // In one bundle: so many are looked at, and no more.
    accepted(&check(&signed.bundle(&vec![entry.clone(); 32], &[]), &trust));
    let found = check(&signed.bundle(&vec![entry.clone(); 33], &[]), &trust);
    assert_eq!(refused(&found, Bundle), "the bundle has 33 log entries: at most 32 are looked at");
    let stamp = forge.stamp(&signed).await;
    accepted(&check(&signed.bundle(from_ref(&entry), &vec![stamp.clone(); 32]), &trust));
    let found = check(&signed.bundle(&[entry], &vec![stamp; 33]), &trust);
    assert_eq!(refused(&found, Bundle), "the bundle has 33 timestamps: at most 32 are looked at");
}

#[tokio::test]
async fn b17_a_signer_is_believed_about_what_he_may_state_alone() {
    let forge = Forge::start().await;
    let signed = forge.keyless(&acme()).await;
    let bundle = signed.bundle(&[forge.entry_v1(&signed).await], &[]);
    let by_key = Signed::by_key(KeyKind::Ed25519, PROVENANCE);
    let of_key = Trust::in_keys(&[by_key.key.public_key().clone()]);
    for (bundle, trust) in [(bundle, forge.trust(release())), (by_key.bundle(&[], &[]), of_key)] {
        let may_state = |types: &[&str]| {
            let mut trust = trust.clone();
            let types = types.iter().map(|kind| (*kind).to_owned()).collect();
            trust.signers[0].predicate_types = Some(types);
            trust
        };
        accepted(&check(&bundle, &may_state(&[VULNS, PROVENANCE])));
        for types in [&[VULNS][..], &["https://slsa.dev/provenance"], &[]] {
            let found = refused(&check(&bundle, &may_state(types)), PredicateType);
            assert_eq!(found, format!("`{PROVENANCE}`, about which this signer is not believed"));
        }
        // Somebody else who may state it does not lend it.
        let mut both = may_state(&[VULNS]);
        let stranger = Signed::by_key(KeyKind::EcdsaP256, PROVENANCE);
        both.signers.extend(Trust::in_keys(&[stranger.key.public_key().clone()]).signers);
        refused(&check(&bundle, &both), PredicateType);
    }
}
