//! Evidence: what is signed here others verify, what was touched nobody does, and what can not be told is never absent.

use crate::support::{Outcome, oracle, root, run};
use base64::{Engine as _, prelude::BASE64_STANDARD as STANDARD};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_oci::testing::registry::{Fault, ReferrersApi};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

mod github;
mod places;
mod platforms;
mod yard;

use yard::{Port, Signer, TYPES, Verifier, image, judges_say};

const COULD_NOT_TELL: &str = "provenance: could not tell: ";

fn read(path: &Utf8Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The statement that a bundle carries.
fn statement(bundle: &Utf8Path) -> Value {
    let payload = read(bundle)["dsseEnvelope"]["payload"].as_str().unwrap().to_owned();
    serde_json::from_slice(&STANDARD.decode(payload).unwrap()).unwrap()
}

/// A layout with the image of [`image`].
fn layout(signer: &Signer) -> String {
    let layout = signer.sandbox.join("layout");
    image("1:1.2.13.dfsg-1").write_layout(&layout, Some("1"));
    format!("oci-layout:{layout}:1")
}

/// A bit of the text behind base64 is not what it was.
fn flip(text: &mut Value) {
    let mut bytes = STANDARD.decode(text.as_str().unwrap()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    *text = STANDARD.encode(bytes).into();
}

fn with_bundles(bundles: &[Utf8PathBuf]) -> Vec<&str> {
    bundles.iter().flat_map(|bundle| ["--bundle", bundle.as_str()]).collect()
}

#[track_caller]
fn check_signer(signer: &Signer) {
    let subject = layout(signer);
    let bundles = signer.bundles(&subject, &TYPES);
    for bundle in &bundles {
        judges_say(bundle, &signer.public, 0);
    }
    let types: Vec<_> =
        bundles.iter().map(|bundle| statement(bundle)["predicateType"].clone()).collect();
    assert_eq!(
        types,
        [
            "https://slsa.dev/provenance/v1",
            "https://cyclonedx.org/bom",
            "https://spdx.dev/Document/v2.3",
            "https://in-toto.io/attestation/vulns/v0.2",
        ]
    );
    let (outcome, _) = Verifier::new().verify(&subject, &signer.public, &with_bundles(&bundles));
    assert_eq!(outcome.expect_status(0).stdout.lines().last(), Some("VERIFIED"));
}

#[test]
fn others_verify_what_an_ecdsa_key_signs() {
    let Some(signer) = Signer::ecdsa() else { return };
    check_signer(&signer);
}

#[test]
fn others_verify_what_an_ed25519_key_signs() {
    let Some(signer) = Signer::ed25519() else { return };
    check_signer(&signer);
}

#[test]
fn others_verify_what_an_encrypted_key_signs_and_it_signs_with_its_password_alone() {
    let mut signer = Signer::encrypted();
    check_signer(&signer);
    let key = fs::read_to_string(signer.sandbox.join("home/state/plimsoll/key.pem")).unwrap();
    assert!(key.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"), "{key}");

    let subject = layout(&signer);
    for (password, word) in [(None, "PLIMSOLL_KEY_PASSWORD"), (Some("wrong"), "password")] {
        signer.password = password;
        let refused = signer.try_attest(&subject, &["--bundles", "none"]).expect_status(2);
        assert!(refused.stderr.contains(word), "{}", refused.stderr);
        assert!(!signer.sandbox.join("none").exists(), "nothing may be signed");
    }
}

#[test]
fn a_key_that_can_not_be_used_is_named_with_its_file() {
    let (Some(signer), verifier) = (Signer::ecdsa(), Verifier::new()) else { return };
    let (subject, private) = (layout(&signer), signer.sandbox.join("key.pem"));
    let said = verifier.verify(&subject, &private, &[]).0.expect_status(2).stderr;
    assert!(said.contains(&format!("error: cannot use the key in `{private}`: ")), "{said}");
    assert!(said.contains("\nhint: this is a private key: "), "{said}");
    let more = ["--bundles", "none", "--key", signer.public.as_str()];
    let mut plimsoll = signer.sandbox.plimsoll();
    let said = run(plimsoll.args(["attest", &subject]).args(more)).expect_status(2).stderr;
    assert!(
        said.contains(&format!("error: cannot use the key in `{}`: ", signer.public)),
        "{said}"
    );
}

/// Everybody takes the bundle as it is, and nobody its twin; Plimsoll says at which step.
#[track_caller]
fn check_twin(signer: &Signer, bundle: &Utf8Path, step: &str, change: impl FnOnce(&mut Value)) {
    let subject = layout(signer);
    let verify = |bundle: &Utf8Path| {
        let more = ["--type", "provenance", "--bundle", bundle.as_str()];
        Verifier::new().verify(&subject, &signer.public, &more)
    };
    judges_say(bundle, &signer.public, 0);
    verify(bundle).0.expect_status(0);

    let mut twin = read(bundle);
    change(&mut twin);
    let twin = signer.sandbox.write("twin.json", twin.to_string());
    judges_say(&twin, &signer.public, 1);
    let (outcome, report) = verify(&twin);
    let said = outcome.expect_status(1).stdout;
    assert!(said.contains(&format!("✗ {step}: expected ")), "{said}");
    assert_eq!(said.lines().last(), Some("NOT VERIFIED"));
    let answer = report["required"][0]["answer"].as_str().unwrap();
    assert!(answer.starts_with("absent: 1 candidate, it does not verify"), "{answer}");
    let is_named = answer.contains(&format!("; the closest fails at {step}: "));
    assert!(is_named || !answer.contains("closest"), "{answer}");
    let steps = report["candidates"][0]["steps"].as_array().unwrap();
    let failed: Vec<_> = steps.iter().filter(|step| step["outcome"] == "failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["name"], step);
}

#[track_caller]
fn check_twins(signer: &Signer, stranger: &Signer) {
    let subject = layout(signer);
    let bundle = &signer.bundles(&subject, &["provenance"])[0];
    let theirs = read(&stranger.bundles(&subject, &["provenance"])[0]);
    check_twin(signer, bundle, "signature", |twin| flip(&mut twin["dsseEnvelope"]["payload"]));
    check_twin(signer, bundle, "signature", |twin| {
        flip(&mut twin["dsseEnvelope"]["signatures"][0]["sig"]);
    });
    check_twin(signer, bundle, "signature", |twin| {
        let payload = STANDARD.decode(twin["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
        let statement = String::from_utf8(payload).unwrap();
        let digest = |version| image(version).manifest.digest.hex();
        let forged = statement.replace(&digest("1:1.2.13.dfsg-1"), &digest("1:1.3.0-1"));
        assert_ne!(forged, statement);
        twin["dsseEnvelope"]["payload"] = STANDARD.encode(forged).into();
    });
    check_twin(signer, bundle, "trusted signer", |twin| *twin = theirs.clone());
    // Signed by a stranger who says that he is somebody else.
    check_twin(signer, bundle, "signature", |twin| {
        twin["dsseEnvelope"] = theirs["dsseEnvelope"].clone();
    });
}

#[test]
fn nobody_verifies_what_was_changed_under_an_ecdsa_signature() {
    let (Some(signer), Some(stranger)) = (Signer::ecdsa(), Signer::ecdsa()) else { return };
    check_twins(&signer, &stranger);
}

#[test]
fn nobody_verifies_what_was_changed_under_an_ed25519_signature() {
    let (Some(signer), Some(stranger)) = (Signer::ed25519(), Signer::ecdsa()) else { return };
    check_twins(&signer, &stranger);
}

/// What may lie where a bundle is expected.
fn garbage() -> [Vec<u8>; 6] {
    [
        Vec::new(),
        b"{}".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        b"[".repeat(100_000),
        json!({"mediaType": yard::BUNDLE, "dsseEnvelope": {}}).to_string().into_bytes(),
        b"{\"mediaType\":\"\x1b[2J\"}".to_vec(),
    ]
}

#[test]
fn garbage_beside_good_evidence_does_no_harm() {
    let Some(signer) = Signer::ed25519() else { return };
    let subject = layout(&signer);
    let good = signer.bundles(&subject, &["provenance"]);
    let bundles: Vec<_> = (0..)
        .zip(garbage())
        .map(|(number, bytes): (u8, _)| signer.sandbox.write(format!("garbage-{number}"), bytes))
        .collect();
    judges_say(&bundles[1], &signer.public, 1);
    let verify = |bundles: &[Utf8PathBuf]| {
        let more = [&["--type", "provenance"], with_bundles(bundles).as_slice()].concat();
        Verifier::new().verify(&subject, &signer.public, &more)
    };
    let (alone, _) = verify(&bundles);
    let said = alone.expect_status(1).stdout;
    assert_eq!(said.matches("✗ bundle: expected ").count(), 6, "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    for bundles in [[good.clone(), bundles.clone()].concat(), [bundles, good].concat()] {
        let (beside, report) = verify(&bundles);
        beside.expect_status(0);
        assert_eq!(report["required"][0]["answer"], "present (1 verified)");
    }
}

#[test]
fn a_bundle_over_the_limit_is_unread_and_not_refused_and_does_no_harm() {
    let Some(signer) = Signer::ed25519() else { return };
    let subject = layout(&signer);
    let good = signer.bundles(&subject, &["provenance"]).remove(0);
    let large = signer.sandbox.write("large", "");
    fs::File::options().write(true).open(&large).unwrap().set_len((64 << 20) + 1).unwrap();
    let verify = |bundles: &[Utf8PathBuf]| {
        let more = [&["--type", "provenance"], with_bundles(bundles).as_slice()].concat();
        Verifier::new().verify(&subject, &signer.public, &more).0
    };
    let said = verify(std::slice::from_ref(&large)).expect_status(3).stdout;
    assert!(said.contains(COULD_NOT_TELL), "{said}");
    verify(&[large, good]).expect_status(0);
}

#[test]
fn a_bundle_over_a_limit_leaves_open_what_it_is_and_one_that_does_not_verify_does_not() {
    let Some(signer) = Signer::ed25519() else { return };
    let subject = layout(&signer);
    let good = signer.bundles(&subject, &["provenance"]).remove(0);
    let artifact = statement(&good)["subject"][0]["digest"]["sha256"].as_str().unwrap().to_owned();
    let verify = |bundle: &Utf8Path| {
        let mut plimsoll = signer.sandbox.plimsoll();
        plimsoll.args(["verify-bundle", "--allow-unlogged", "--key", signer.public.as_str()]);
        plimsoll.args(["-o", "table", "-o", "json=said.json", "--bundle", bundle.as_str()]);
        let outcome = run(plimsoll.arg(format!("sha256:{artifact}")));
        assert_eq!(read(&signer.sandbox.join("said.json"))["exitStatus"], outcome.status);
        let answer = outcome.stdout.lines().last().unwrap_or_default().to_owned();
        (outcome.status, answer)
    };
    assert_eq!(verify(&good), (0, "VERIFIED".to_owned()));
    let large = signer.sandbox.write("large", "");
    fs::File::options().write(true).open(&large).unwrap().set_len((64 << 20) + 1).unwrap();
    assert_eq!(verify(&large), (3, "UNDECIDED".to_owned()));
    let mut bundle = read(&good);
    bundle["verificationMaterial"]["tlogEntries"] = json!(vec![json!({}); 33]);
    assert_eq!(verify(&signer.sandbox.write("many", bundle.to_string())).0, 3);
    bundle["verificationMaterial"]["tlogEntries"] = json!([]);
    flip(&mut bundle["dsseEnvelope"]["payload"]);
    let changed = signer.sandbox.write("changed", bundle.to_string());
    assert_eq!(verify(&changed), (1, "NOT VERIFIED".to_owned()));
    assert_eq!(verify(&signer.sandbox.write("none", "[]")).0, 1);
}

#[test]
fn verify_bundle_names_the_root_that_is_believed() {
    let sandbox = crate::support::sandbox();
    sandbox.write("b.json", "{}");
    let digest = format!("sha256:{}", "1".repeat(64));
    let mut plimsoll = sandbox.plimsoll();
    plimsoll.args(["verify-bundle", "--bundle", "b.json", &digest, "-o", "table"]);
    plimsoll.args(["--certificate-identity", "a@example.com"]);
    plimsoll.args(["--certificate-oidc-issuer", "https://example.com", "-o", "json=said.json"]);
    let said = run(&mut plimsoll).expect_status(1).stdout;
    assert!(said.contains("\nroot sigstore.dev: built in, of "), "{said}");
    let root = &read(&sandbox.join("said.json"))["root"];
    assert_eq!(root["instances"][0]["source"], "built-in", "{root}");
}

#[test]
fn a17_nothing_is_never_verified() {
    let Some(signer) = Signer::ed25519() else { return };
    let subject = layout(&signer);
    let judge = |policy: &str, subject: &str, more: &[&str]| {
        let verifier = Verifier::new();
        verifier.0.write("plimsoll.yaml", policy);
        let mut plimsoll = verifier.0.plimsoll();
        let outcome = run(plimsoll.args(["verify", subject]).args(more));
        (outcome.status, outcome.stdout.lines().last().unwrap_or_default().to_owned())
    };
    let no = (1, "NOT VERIFIED".to_owned());
    let key = ["--key", signer.public.as_str()];
    let nobody = (2, String::new());
    // No evidence; nothing that is required; nobody who is believed.
    assert_eq!(judge("version: 1\n", &subject, &key), no);
    assert_eq!(judge("version: 1\nevidence: {require: []}\n", &subject, &key), no);
    assert_eq!(judge("version: 1\nevidence: {signers: []}\n", &subject, &[]), nobody);
    let good = signer.bundles(&subject, &["provenance"]).remove(0);
    let with = ["--type", "provenance", "--bundle", good.as_str()];
    assert_eq!(judge("version: 1\n", &subject, &[&key[..], &with].concat()).0, 0);
    assert_eq!(judge("version: 1\nevidence: {signers: []}\n", &subject, &with), nobody);
    // Bundles in which nothing is.
    for text in ["[]", "{}", "null", "\"\"", ""] {
        let empty = signer.sandbox.write("empty", text);
        let more = [&key[..], &["--type", "provenance", "--bundle", empty.as_str()]].concat();
        assert_eq!(judge("version: 1\n", &subject, &more), no, "{text}");
    }
    // No image, and an index of no platforms.
    let layout = signer.sandbox.join("void");
    let index = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    signer.sandbox.write("void/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    signer.sandbox.write("void/index.json", index);
    let more = [&key[..], &with].concat();
    assert_eq!(judge("version: 1\n", &format!("oci-layout:{layout}:1"), &more).0, 3);
    let digest = plimsoll_model::Digest::of(index);
    signer.sandbox.write(format!("void/blobs/sha256/{}", digest.hex()), index);
    let named = json!({"schemaVersion": 2, "manifests": [{
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": digest.to_string(), "size": index.len(),
        "annotations": {"org.opencontainers.image.ref.name": "1"},
    }]});
    signer.sandbox.write("void/index.json", named.to_string());
    assert_eq!(judge("version: 1\n", &format!("oci-layout:{layout}:1"), &more).0, 2);
    let mut plimsoll = signer.sandbox.plimsoll();
    run(plimsoll.args(["sbom", &format!("oci-layout:{layout}:1")])).expect_status(2);
}

#[test]
fn a_bundle_that_never_comes_keeps_nobody_who_wants_to_stop() {
    for (name, status) in [("TERM", 143), ("INT", 130)] {
        let verifier = Verifier::new();
        let sandbox = &verifier.0;
        run(sandbox.command("mkfifo").arg("never")).expect_status(0);
        let key = root().join("examples/bases.pub");
        let subject = format!("oci-archive:{}", root().join("examples/images/good.tar"));
        let mut plimsoll = sandbox.plimsoll();
        plimsoll.args(["verify", &subject, "--key", key.as_str(), "--bundle", "never"]);
        let mut child = plimsoll.stderr(Stdio::piped()).spawn().unwrap();
        // From then on it waits for the bundle.
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.starts_with("resolve: "), "{said}");
        let mut kill = sandbox.command("kill");
        run(kill.arg(format!("-{name}")).arg(child.id().to_string())).expect_status(0);
        assert_eq!(child.wait().unwrap().code(), Some(status), "{name}");
    }
}

#[test]
fn garbage_attached_beside_good_evidence_does_no_harm() {
    let Some(signer) = Signer::ed25519() else { return };
    let (port, verifier) = (Port::open(ReferrersApi::Present), Verifier::new());
    for bytes in garbage() {
        port.attach(&bytes);
    }
    let verify = || verifier.verify(&port.subject(), &signer.public, &["--type", "provenance"]).0;
    let said = verify().expect_status(1).stdout;
    assert!(said.contains("provenance: absent: 6 candidates, none verifies"), "{said}");
    signer.attach(&port.subject());
    let said = verify().expect_status(0).stdout;
    assert!(said.contains("provenance: present (1 verified)"), "{said}");
}

/// An answer that has no effect, and that is asked for again at once.
fn refusal(status: u16) -> Fault {
    let headers = vec![("retry-after", "0".to_owned())];
    Fault::Answer { status, headers, body: Vec::new().into() }
}

#[test]
fn no_evidence_is_absent_and_a_registry_that_fails_leaves_it_untold() {
    let Some(signer) = Signer::ed25519() else { return };
    for api in [ReferrersApi::Present, ReferrersApi::Absent] {
        let (port, verifier) = (Port::open(api), Verifier::new());
        let verify =
            || verifier.verify(&port.subject(), &signer.public, &["--type", "provenance"]).0;
        let said = verify().expect_status(1).stdout;
        assert!(said.contains("provenance: absent: there is none"), "{said}");

        // Whether there is evidence or not: the answer is the registry's to give.
        for _ in 0..2 {
            for status in [500, 503, 429, 401] {
                port.registry.misbehave(move |seen| {
                    let asks = seen.path.contains("/referrers/") || seen.path.contains("/sha256-");
                    asks.then(|| refusal(status))
                });
                let said = verify().expect_status(3).stdout;
                assert!(said.contains(COULD_NOT_TELL), "{api:?} {status}: {said}");
                assert_eq!(said.lines().last(), Some("UNDECIDED"));
            }
            port.registry.behave();
            signer.attach(&port.subject());
        }
        verify().expect_status(0);

        // It lists the evidence, and does not hand it out.
        let image = port.image.clone();
        port.registry.misbehave(move |seen| {
            let digest = seen.path.split("/blobs/").nth(1)?.parse().ok()?;
            (!image.blobs.contains_key(&digest)).then(|| refusal(500))
        });
        let said = verify().expect_status(3).stdout;
        assert!(said.contains(COULD_NOT_TELL), "{said}");
    }
}

/// Asks for the promotion of an image whose evidence has to be signed by `signer`; nothing is promoted unless it passes.
#[track_caller]
fn promote(port: &Port, signer: &Signer, status: i32) -> (Outcome, Value) {
    let verifier = Verifier::new();
    verifier.0.write("ours.pub", fs::read(&signer.public).unwrap());
    verifier.0.write(
        "plimsoll.yaml",
        "version: 1\nevidence:\n  require: [provenance, sbom, vulnerabilities]\n  signers: [{key: ours.pub, unlogged: accept}]\n",
    );
    let to = port.registry.name("prod/app:1");
    let mut plimsoll = verifier.0.plimsoll();
    plimsoll.args(["promote", &port.subject(), &to, "-o", "table", "-o", "json=report.json"]);
    plimsoll.arg("--advisories").arg(root().join("examples/advisories"));
    let outcome = run(&mut plimsoll).expect_status(status);
    let there = port.registry.tags("prod/app").get("1").copied();
    assert_eq!(there, (status == 0).then_some(port.image.manifest.digest));
    (outcome, read(&verifier.0.join("report.json")))
}

/// What stands in the way of a promotion, by rule, with what was found.
fn in_the_way(report: &Value) -> BTreeMap<String, String> {
    let findings = report["decision"]["findings"].as_array().unwrap().iter();
    let blocking = findings
        .filter(|finding| ["blocks", "undecided"].contains(&finding["effect"].as_str().unwrap()));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    blocking.map(|finding| (text(&finding["rule"]), text(&finding["found"]))).collect()
}

#[test]
fn only_an_image_with_our_evidence_about_it_is_promoted() {
    let (Some(ours), Some(theirs)) = (Signer::ecdsa(), Signer::ed25519()) else { return };
    let port = Port::open(ReferrersApi::Present);

    let (_, unsigned) = promote(&port, &ours, 1);
    let rules: Vec<_> = in_the_way(&unsigned).into_iter().collect();
    let none = |rule: &str| (rule.to_owned(), "none".to_owned());
    assert_eq!(rules, ["ATT-001", "ATT-002", "VUL-001"].map(none));

    theirs.attach(&port.subject());
    let (_, foreign) = promote(&port, &ours, 1);
    assert_eq!(in_the_way(&foreign)["ATT-002"], "none that verifies; 3 candidates were refused");

    // Ours, and about another image.
    let other = ours.sandbox.join("other");
    image("1:1.3.0-1").write_layout(&other, Some("1"));
    let replayed =
        ours.bundles(&format!("oci-layout:{other}:1"), &["provenance", "sbom", "vulnerabilities"]);
    for bundle in &replayed {
        port.attach(&fs::read(bundle).unwrap());
    }
    let (_, replay) = promote(&port, &ours, 1);
    assert_eq!(in_the_way(&replay)["ATT-001"], "none that verifies; 6 candidates were refused");

    ours.attach(&port.subject());
    port.registry.misbehave(|seen| seen.path.contains("/referrers/").then(|| refusal(500)));
    let (outcome, _) = promote(&port, &ours, 3);
    assert!(outcome.stdout.contains("could not be told"), "{}", outcome.stdout);
    port.registry.behave();
    promote(&port, &ours, 0);
}

/// Bundles about the image of [`Port`], one for each kind of evidence.
fn bundles(signer: &Signer, port: &Port) -> Vec<Vec<u8>> {
    let paths = signer.bundles(&port.subject(), &["provenance", "sbom", "vulnerabilities"]);
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn c12_what_the_destination_holds_already_neither_helps_nor_harms() {
    let (Some(ours), Some(theirs)) = (Signer::ecdsa(), Signer::ed25519()) else { return };
    let port = Port::open(ReferrersApi::Present);
    // Good evidence that is at the destination alone: what is promoted is judged by its own.
    for bundle in bundles(&ours, &port) {
        port.attach_in("prod/app", &bundle, &json!({}));
    }
    promote(&port, &ours, 1);

    let port = Port::open(ReferrersApi::Present);
    for bundle in garbage().into_iter().chain(bundles(&theirs, &port)) {
        port.attach_in("prod/app", &bundle, &json!({}));
    }
    ours.attach(&port.subject());
    promote(&port, &ours, 0);
    let to = port.registry.name("prod/app:1");
    let (outcome, report) = Verifier::new().verify(&to, &ours.public, &[]);
    outcome.expect_status(0);
    let verified = report["candidates"].as_array().unwrap().iter();
    assert_eq!(verified.filter(|one| one["verdict"] == "verified").count(), 3);
}

#[test]
fn c12_evidence_that_does_not_arrive_keeps_the_tag_from_being_set() {
    let Some(ours) = Signer::ecdsa() else { return };
    for api in [ReferrersApi::Present, ReferrersApi::Absent] {
        let port = Port::open(api);
        ours.attach(&port.subject());
        // It took the evidence, and says that there is none.
        port.registry.misbehave(|seen| {
            let asks = seen.path.contains("/prod/app/referrers/")
                || seen.path.contains("/prod/app/manifests/sha256-");
            (asks && seen.method == "GET").then(|| refusal(404))
        });
        promote(&port, &ours, 4);
        // It lists the evidence, and hands out something else.
        let image = port.image.clone();
        port.registry.misbehave(move |seen| {
            let digest = seen.path.split("/prod/app/blobs/").nth(1)?.parse().ok()?;
            let is_evidence = seen.method == "GET" && !image.blobs.contains_key(&digest);
            is_evidence.then(|| Fault::Body("{}".into()))
        });
        promote(&port, &ours, 4);
        port.registry.behave();
        promote(&port, &ours, 0);
    }
}

#[test]
fn c19_a_name_that_climbs_out_of_a_directory_names_no_file() {
    let Some(ours) = Signer::ecdsa() else { return };
    let port = Port::open(ReferrersApi::Present);
    for (bundle, title) in bundles(&ours, &port).iter().zip(["../../x", "/x", "..\\x"]) {
        let annotations = json!({
            "org.opencontainers.image.title": title,
            "io.deis.oras.content.unpack": "true",
        });
        port.attach_in("build/app", bundle, &annotations);
    }
    let verifier = Verifier::new();
    let work = verifier.0.join("a/b");
    fs::create_dir_all(&work).unwrap();
    let names = |directory: &Utf8Path| -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let before = names(&verifier.0.join("."));
    let subject = port.subject();
    for arguments in [
        &["verify", &subject, "--key", ours.public.as_str()][..],
        &["sbom", &subject, "--attached"],
        &["sbom", &subject],
    ] {
        run(verifier.0.plimsoll().args(arguments).current_dir(&work)).expect_status(0);
        assert_eq!(names(&work), [""; 0], "{arguments:?}");
        let after: Vec<_> =
            names(&verifier.0.join(".")).into_iter().filter(|name| name != "home").collect();
        let before: Vec<_> = before.iter().filter(|name| *name != "home").cloned().collect();
        assert_eq!(after, before, "{arguments:?}");
    }
}

mod provenance;
mod statements;
