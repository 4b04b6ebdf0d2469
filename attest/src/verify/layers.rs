//! Layers as cosign wrote them before there were bundles: what is accepted, and every way in which it is spoilt.
#![cfg(feature = "testing")]

use super::{StepKind::*, forge::*, *};
use crate::{
    Demands, SignerDemand, TrustedSigner, pack_layer, sign_payload,
    signers::{KeyKind, KeySigner},
};
use plimsoll_model::evidence::{Legacy, Unlogged};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const LOG_ENTRY: &str = "dev.sigstore.cosign/bundle";
const OLD: &str = "an attestation as cosign wrote it before there were bundles";

/// A layer, and whoever believes its signer.
struct Scene {
    media_type: &'static str,
    annotations: BTreeMap<String, String>,
    content: Vec<u8>,
    trust: Trust,
}

impl Scene {
    /// An attestation without a key, with a promise of the log.
    async fn keyless() -> Self {
        let forge = Forge::start().await;
        let signed = forge.keyless(&acme()).await;
        let entry = forge.entry_v1(&signed).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let number = |value: &Value| text(value).parse::<u64>().unwrap();
        let log = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            text(&entry["logId"]["keyId"]),
        );
        let promised = json!({
            "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
            "Payload": {
                "body": entry["canonicalizedBody"],
                "integratedTime": number(&entry["integratedTime"]),
                "logIndex": number(&entry["logIndex"]),
                "logID": hex::encode(log.unwrap()),
            },
        });
        let certificate =
            crate::public_key::to_pem("CERTIFICATE", signed.certificate.as_deref().unwrap());
        let annotations = [
            (SIGNATURE, String::new()),
            (CERTIFICATE, certificate),
            (LOG_ENTRY, promised.to_string()),
            ("predicateType", PROVENANCE.to_owned()),
        ];
        let mut trust = forge.trust(release());
        trust.demands.legacy = Legacy::Accept;
        Self {
            media_type: ENVELOPE,
            annotations: annotations.map(|(name, value)| (name.to_owned(), value)).into(),
            content: signed.envelope.to_string().into_bytes(),
            trust,
        }
    }

    /// An attestation by a key that is believed without a log.
    fn by_key() -> Self {
        let key = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
        let statement = statement(PROVENANCE);
        let kind = crate::IN_TOTO_PAYLOAD_TYPE;
        let content = sign_payload(kind, statement.as_bytes(), &key).unwrap().to_bytes();
        let who = SignerDemand::key(key.public_key().clone(), Unlogged::Accept);
        let demands = Demands { legacy: Legacy::Accept, ..Demands::default() };
        let trust = Trust { signers: vec![TrustedSigner::of(who)], root: None, demands };
        let annotations = [(SIGNATURE.to_owned(), String::new())].into();
        Self { media_type: ENVELOPE, annotations, content, trust }
    }

    /// A signature over a text that names an image, by a key that is believed without a log.
    fn signature(image: Digest) -> Self {
        let key = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
        let text = json!({
            "critical": {
                "identity": {"docker-reference": "registry.example/app"},
                "image": {"docker-manifest-digest": image},
                "type": "cosign container image signature",
            },
            "optional": null,
        });
        let content = text.to_string().into_bytes();
        let signature = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            key.sign(&content).unwrap(),
        );
        let annotations = [(SIGNATURE.to_owned(), signature)].into();
        let trust = Trust {
            demands: Demands { legacy: Legacy::Accept, ..Demands::default() },
            ..Trust::in_keys(&[key.public_key().clone()])
        };
        Self { media_type: SIMPLE_SIGNING, annotations, content, trust }
    }

    fn packed(&self) -> Vec<u8> {
        pack_layer(self.media_type, &self.annotations, &self.content)
    }

    fn verify(&self) -> Verification {
        let candidate = Candidate { found_at: "layer".to_owned(), bytes: self.packed() };
        verify(&candidate, &expectation(&self.trust))
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        let annotation = self.annotations.get_mut(name).unwrap();
        let mut value = serde_json::from_str(annotation).unwrap();
        change(&mut value);
        *annotation = value.to_string();
    }
}

#[tokio::test]
async fn an_attestation_of_cosigns_verifies_where_old_forms_are_accepted() {
    let scene = Scene::keyless().await;
    let found = scene.verify();
    accepted(&found);
    assert_eq!(found.predicate_type.as_deref(), Some(PROVENANCE));
    assert_eq!(found.signed, Some(at(NOON)));
    assert_eq!(found.steps[0].found, OLD);
    let evidence = found.evidence.unwrap();
    assert_eq!(evidence.facts().bundle, Digest::of(&scene.content), "as the registry names it");
    accepted(&Scene::by_key().verify());
}

#[tokio::test]
async fn a6_an_old_form_is_refused_unless_it_is_asked_for_and_said_to_be_there() {
    for mut scene in [Scene::keyless().await, Scene::by_key()] {
        accepted(&scene.verify());
        scene.trust.demands.legacy = Legacy::Refuse;
        let found = scene.verify();
        assert_eq!(refused(&found, Bundle), format!("{OLD}; old forms are not accepted"));
        assert_eq!(found.predicate_type.as_deref(), Some(PROVENANCE));
    }
}

#[tokio::test]
async fn what_is_spoilt_in_an_old_form_is_refused_at_its_step() {
    type Spoil = fn(&mut Scene);
    let cases: [(&str, StepKind, Spoil); 9] = [
        ("the time", Time, |scene| {
            scene.change(LOG_ENTRY, |entry| {
                let time = entry["Payload"]["integratedTime"].as_u64().unwrap();
                entry["Payload"]["integratedTime"] = (time + 5).into();
            });
        }),
        ("the index", Time, |scene| {
            scene.change(LOG_ENTRY, |entry| entry["Payload"]["logIndex"] = 1.into());
        }),
        ("the log", Time, |scene| {
            scene.change(LOG_ENTRY, |entry| {
                entry["Payload"]["logID"] = Digest::of(b"another").hex().into();
            });
        }),
        ("no entry", Log, |scene| drop(scene.annotations.remove(LOG_ENTRY))),
        ("no certificate", Signer, |scene| drop(scene.annotations.remove(CERTIFICATE))),
        ("no PEM", Bundle, |scene| {
            drop(scene.annotations.insert(CERTIFICATE.to_owned(), "AAAA".to_owned()));
        }),
        ("no object", Bundle, |scene| {
            drop(scene.annotations.insert(LOG_ENTRY.to_owned(), "[]".to_owned()));
        }),
        ("a negative time", Bundle, |scene| {
            scene.change(LOG_ENTRY, |entry| entry["Payload"]["integratedTime"] = (-1).into());
        }),
        ("a layer of another type", Bundle, |scene| scene.media_type = "text/plain"),
    ];
    for (what, step, spoil) in cases {
        let mut scene = Scene::keyless().await;
        accepted(&scene.verify());
        spoil(&mut scene);
        let found = scene.verify();
        assert_eq!(found.failed_step().map(|step| step.kind), Some(step), "{what}: {found:#?}");
        assert_eq!(found.evidence, None, "{what}");
    }
}

#[tokio::test]
async fn another_payload_below_the_same_signature_is_refused() {
    let mut scene = Scene::keyless().await;
    accepted(&scene.verify());
    let mut envelope: Value = serde_json::from_slice(&scene.content).unwrap();
    let other = statement(PROVENANCE).replace("\"a\":1", "\"a\":2");
    envelope["payload"] =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, other).into();
    scene.content = envelope.to_string().into_bytes();
    let found = scene.verify();
    assert_eq!((found.failed_step().is_some(), found.evidence), (true, None));
}

#[test]
fn a_signature_of_cosigns_is_listed_and_is_no_evidence() {
    let image = Digest::of(b"app");
    let mut scene = Scene::signature(image);
    let said = format!("cosign's signature over {image}, which states nothing");
    let found = scene.verify();
    assert_eq!(found.steps[0].found, said);
    assert_eq!(refused(&found, Envelope), "a signature over a bare message, without a statement");
    scene.trust.demands.legacy = Legacy::Refuse;
    assert_eq!(refused(&scene.verify(), Bundle), format!("{said}; old forms are not accepted"));

    let other = Digest::of(b"other");
    assert_eq!(
        refused(&Scene::signature(other).verify(), Bundle),
        format!("cosign's signature over {other}, which states nothing")
    );
    let mut nameless = Scene::signature(image);
    nameless.content = b"{\"critical\":{}}".to_vec();
    assert_eq!(
        refused(&nameless.verify(), Bundle),
        "cosign's signature over no image, which states nothing"
    );
}

#[test]
fn a_signature_of_cosigns_counts_for_whoever_asks_for_no_more_than_one() {
    let image = Digest::of(b"app");
    let wanted = |scene: &Scene| {
        let candidate = Candidate { found_at: "layer".to_owned(), bytes: scene.packed() };
        let expectation =
            Expectation { wanted: Wanted::Signature, content: None, ..expectation(&scene.trust) };
        verify(&candidate, &expectation)
    };
    let mut scene = Scene::signature(image);
    let found = wanted(&scene);
    assert_eq!((found.failed_step(), &found.evidence), (None, &None), "{found:#?}");
    // Another text that names the same image was not signed.
    scene.content.push(b' ');
    let found = wanted(&scene);
    assert_eq!(found.failed_step().map(|step| step.kind), Some(Signature));
    let mut stranger = Scene::signature(image);
    stranger.trust.signers = Scene::signature(image).trust.signers;
    let found = wanted(&stranger);
    assert_eq!(found.failed_step().map(|step| step.kind), Some(Signature));
    let other = Scene::signature(Digest::of(b"other"));
    assert_eq!(wanted(&other).failed_step().map(|step| step.kind), Some(Bundle));
}

#[test]
fn a16_a_layer_that_is_cut_off_anywhere_is_refused() {
    let scene = Scene::by_key();
    let packed = scene.packed();
    for end in 0..packed.len() {
        let bytes = packed[..end].to_vec();
        let candidate = Candidate { found_at: "layer".to_owned(), bytes };
        assert_eq!(verify(&candidate, &expectation(&scene.trust)).evidence, None, "{end}");
    }
}
