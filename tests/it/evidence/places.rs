//! Where evidence is looked for: each place is named with its answer, and none that does not answer is taken for empty.

use super::{
    COULD_NOT_TELL, refusal,
    yard::{BUNDLE, Port, Signer, Verifier},
};
use crate::support::Outcome;
use camino::Utf8Path;
use plimsoll_model::Digest;
use plimsoll_oci::testing::registry::{Fault, ReferrersApi, Seen};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const OLD: &str = "an attestation as cosign wrote it before there were bundles";

/// The envelope of a bundle, as cosign kept it.
fn envelope(bundle: &Utf8Path) -> Vec<u8> {
    super::read(bundle)["dsseEnvelope"].to_string().into_bytes()
}

/// A registry whose image has provenance in cosign's old form, and in no other.
fn old_form(signer: &Signer) -> Port {
    let port = Port::open(ReferrersApi::Present);
    let bundle = &signer.bundles(&port.subject(), &["provenance"])[0];
    let annotations = json!({"dev.cosignproject.cosign/signature": ""});
    port.put_beside("att", (ENVELOPE, annotations), &envelope(bundle));
    port
}

fn verify(port: &Port, signer: &Signer, more: &[&str]) -> (Outcome, Value) {
    let more = [&["--type", "provenance"], more].concat();
    Verifier::new().verify(&port.subject(), &signer.public, &more)
}

/// Place, answer and number of candidates, as the report has them.
fn places(report: &Value) -> Vec<(String, String, Option<u64>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let places = report["places"].as_array().unwrap().iter();
    places
        .map(|one| (text(&one["place"]), text(&one["answer"]), one["candidates"].as_u64()))
        .collect()
}

fn asks_for_tag(seen: &Seen, suffix: &str) -> bool {
    seen.path.contains("/manifests/sha256-") && seen.path.ends_with(suffix)
}

#[test]
fn where_it_was_looked_is_said_with_what_was_there() {
    let Some(signer) = Signer::ed25519() else { return };
    let port = Port::open(ReferrersApi::Present);
    let name = port.registry.name("build/app");
    let [referrers, att, sig] = [
        format!("referrers of {name}"),
        format!("cosign's tag `.att` in {name}"),
        format!("cosign's tag `.sig` in {name}"),
    ];
    let nothing = |place: &str| (place.to_owned(), "nothing".to_owned(), Some(0));
    let (outcome, report) = verify(&port, &signer, &[]);
    let said = outcome.expect_status(1).stdout;
    for place in [&referrers, &att, &sig] {
        assert!(said.contains(&format!("\nlooked in {place}: nothing\n")), "{said}");
    }
    assert_eq!(places(&report), [&referrers, &att, &sig].map(|place| nothing(place)));

    signer.attach(&port.subject());
    port.registry.misbehave(|seen| asks_for_tag(seen, ".sig").then(|| refusal(503)));
    let (outcome, report) = verify(&port, &signer, &[]);
    let said = outcome.expect_status(3).stdout;
    assert!(said.contains(&format!("\nlooked in {referrers}: 3 candidates\n")), "{said}");
    assert!(said.contains(&format!("\nlooked in {sig}: could not tell: ")), "{said}");
    assert!(said.contains(&format!("{COULD_NOT_TELL}{sig}: ")), "{said}");
    let found = (referrers.clone(), "found".to_owned(), Some(3));
    let untold = (sig.clone(), "could-not-tell".to_owned(), None);
    assert_eq!(places(&report), [found.clone(), nothing(&att), untold]);
    let candidates = report["candidates"].as_array().unwrap();
    let is_verified = |candidate: &&Value| candidate["verdict"] == "verified";
    assert_eq!(candidates.iter().filter(is_verified).count(), 1, "what was found is explained");

    // Who does not want a place looked at does not depend on it, and says so.
    port.registry.take_log();
    let (outcome, report) = verify(&port, &signer, &["--from", "referrers"]);
    outcome.expect_status(0);
    assert_eq!(places(&report), [found]);
    let log = port.registry.take_log();
    assert!(!log.iter().any(|seen| asks_for_tag(seen, ".att")), "{log:?}");

    let refused = verify(&port, &signer, &["--from", "elsewhere"]).0.expect_status(2).stderr;
    assert!(refused.contains("expected `referrers`, `cosign` or `github:OWNER/REPO`"), "{refused}");
}

#[test]
fn an_old_attestation_counts_where_old_forms_are_accepted_and_is_never_overlooked() {
    let (Some(signer), Some(stranger)) = (Signer::ecdsa(), Signer::ed25519()) else { return };
    let port = old_form(&signer);
    let (outcome, report) = verify(&port, &signer, &["--allow-legacy"]);
    outcome.expect_status(0);
    let candidate = &report["candidates"][0];
    assert_eq!(candidate["predicateType"], "https://slsa.dev/provenance/v1");
    assert_eq!(candidate["steps"][0]["found"], OLD);

    let (outcome, report) = verify(&port, &signer, &[]);
    outcome.expect_status(1);
    assert_eq!(
        report["required"][0]["answer"],
        format!(
            "absent: 1 candidate, it does not verify; the closest fails at bundle: {OLD}; old forms are not accepted"
        )
    );
    verify(&port, &stranger, &["--allow-legacy"]).0.expect_status(1);
    verify(&port, &signer, &["--allow-legacy", "--from", "referrers"]).0.expect_status(1);
}

#[test]
fn an_image_with_a_signature_of_cosigns_is_not_called_unsigned() {
    let Some(signer) = Signer::ecdsa() else { return };
    let port = Port::open(ReferrersApi::Absent);
    let digest = port.image.manifest.digest;
    let text = json!({"critical": {
        "identity": {"docker-reference": ""},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }});
    let annotations = json!({"dev.cosignproject.cosign/signature": "AAAA"});
    port.put_beside("sig", (SIMPLE_SIGNING, annotations), text.to_string().as_bytes());
    for more in [&[][..], &["--allow-legacy"]] {
        let (outcome, report) = verify(&port, &signer, more);
        let said = outcome.expect_status(1).stdout;
        assert!(said.contains("provenance: absent: 1 candidate, it does not verify"), "{said}");
        let found = format!("cosign's signature over {digest}, which states nothing");
        let step = report["candidates"][0]["steps"][0]["found"].as_str().unwrap();
        assert!(step.starts_with(&found), "{step}");
    }
    // Whatever else lies there is a candidate as well, and no evidence.
    port.put_beside("att", ("text/plain", json!({})), b"anything");
    let said = verify(&port, &signer, &["--allow-legacy"]).0.expect_status(1).stdout;
    assert!(
        said.contains("found expected a layer of cosign's, found a layer of type `text/plain`")
    );
}

#[test]
fn c13_a_place_that_does_not_answer_is_not_made_up_for_by_an_older_form() {
    let Some(signer) = Signer::ecdsa() else { return };
    let port = old_form(&signer);
    for status in [401, 403, 429, 500, 503] {
        for part in ["/referrers/", ".att"] {
            port.registry.misbehave(move |seen| {
                let asks = seen.path.contains(part) && seen.method == "GET";
                asks.then(|| refusal(status))
            });
            for more in [&[][..], &["--allow-legacy"]] {
                let said = verify(&port, &signer, more).0.expect_status(3).stdout;
                assert!(said.contains(COULD_NOT_TELL), "{status} {part}: {said}");
                assert!(!said.contains("there is none"), "{status} {part}: {said}");
            }
        }
    }
    port.registry.behave();
    verify(&port, &signer, &["--allow-legacy"]).0.expect_status(0);
}

#[test]
fn c13_a_list_that_comes_back_empty_once_does_not_hide_what_the_tag_lists() {
    let Some(signer) = Signer::ecdsa() else { return };
    // Written where there was no API, so that the tag lists it; then there is an API, which knows nothing of it.
    let port = Port::open(ReferrersApi::Absent);
    signer.attach(&port.subject());
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    port.registry.misbehave(move |seen| {
        let is_first =
            seen.path.contains("/referrers/") && counted.fetch_add(1, Ordering::SeqCst) == 0;
        let empty = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [],
        });
        let headers = vec![("content-type", "application/vnd.oci.image.index.v1+json".to_owned())];
        is_first.then(|| Fault::Answer { status: 200, headers, body: empty.to_string().into() })
    });
    let (outcome, report) = verify(&port, &signer, &[]);
    outcome.expect_status(0);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(places(&report)[0].2, Some(3));
}

/// A list of one referrer, which is called an artifact of some type.
fn list(referrer: Digest, size: u64, artifact_type: &str) -> Fault {
    let list = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": referrer,
            "size": size,
            "artifactType": artifact_type,
        }],
    });
    Fault::Body(list.to_string().into())
}

#[test]
fn c14_what_the_list_says_of_a_referrer_is_not_believed() {
    let Some(signer) = Signer::ecdsa() else { return };
    let port = Port::open(ReferrersApi::Present);
    let bundle = &signer.bundles(&port.subject(), &["provenance"])[0];
    let referrer = port.attach(&std::fs::read(bundle).unwrap());
    let size =
        u64::try_from(port.registry.manifest("build/app", &referrer).unwrap().len()).unwrap();
    // The list calls it something else, as ghcr.io does: the layers tell.
    port.registry.misbehave(move |seen| {
        let list = list(referrer, size, "application/vnd.oci.empty.v1+json");
        seen.path.contains("/referrers/").then_some(list)
    });
    verify(&port, &signer, &[]).0.expect_status(0);

    // The list names the image as a referrer to itself.
    let subject = port.image.manifest.clone();
    port.registry.misbehave(move |seen| {
        let list = list(subject.digest, subject.size, BUNDLE);
        seen.path.contains("/referrers/").then_some(list)
    });
    let (outcome, report) = verify(&port, &signer, &[]);
    outcome.expect_status(1);
    assert_eq!(places(&report)[0].1, "nothing");
}
