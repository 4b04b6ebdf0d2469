//! An index is verified when every image in it is.

use super::yard::{Signer, Verifier};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_attest::{Statement, StatementSubject, signers::KeySigner};
use plimsoll_model::{Digest, platform::Platform};
use plimsoll_oci::testing::image::{BuiltImage, ImageBuilder, LayerBuilder};
use serde_json::{Value, json};
use std::fs;

const PLATFORMS: [&str; 2] = ["linux/amd64", "linux/arm64"];

fn image(platform: &str) -> BuiltImage {
    let layer = LayerBuilder::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
        .file("etc/platform", platform);
    let platform: Platform = platform.parse().unwrap();
    ImageBuilder::new().user("1000").platform(platform).layer(layer).build()
}

/// A layout with an index of an image for each platform.
fn index(signer: &Signer) -> (String, BuiltImage) {
    let index = BuiltImage::index(PLATFORMS.map(image));
    let layout = signer.sandbox.join("index");
    index.write_layout(&layout, Some("1"));
    (format!("oci-layout:{layout}:1"), index)
}

fn verify(subject: &str, key: &Utf8Path, more: &[&str]) -> (String, i32, Value) {
    let more = [&["--all-platforms"], more].concat();
    let (outcome, report) = Verifier::new().verify(subject, key, &more);
    (outcome.stdout, outcome.status, report)
}

/// Provenance of a digest, in a file.
fn provenance(signer: &Signer, digest: Digest) -> Utf8PathBuf {
    let key = fs::read_to_string(signer.sandbox.join("key.pem")).unwrap();
    let subject = StatementSubject { name: "index".to_owned(), digest };
    let predicate = json!({
        "buildDefinition": {"buildType": "https://example.org/build", "externalParameters": {}},
        "runDetails": {"builder": {"id": "https://example.org/builder"}},
    });
    let statement =
        Statement::new(vec![subject], "https://slsa.dev/provenance/v1", predicate).unwrap();
    let bundle =
        plimsoll_attest::sign(&statement, &KeySigner::from_pem(&key, None).unwrap()).unwrap();
    signer.sandbox.write("index.sigstore.json", bundle.to_bytes())
}

/// What is said of each kind of evidence, by platform.
fn answers(report: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |part: &Value| -> Vec<_> {
        let required = part["required"].as_array().unwrap().iter();
        required
            .map(|one| (text(&part["platform"]), text(&one["evidence"]), text(&one["answer"])))
            .collect()
    };
    report["platforms"].as_array().unwrap().iter().flat_map(of).collect()
}

#[test]
fn an_index_passes_when_each_of_its_images_has_what_is_demanded() {
    let Some(signer) = Signer::ecdsa() else { return };
    let (subject, _) = index(&signer);
    let (amd64, arm64) = (["--platform", PLATFORMS[0]], ["--platform", PLATFORMS[1]]);
    signer.try_attest(&subject, &amd64).expect_status(0);
    let (said, status, report) = verify(&subject, &signer.public, &[]);
    assert_eq!(status, 1, "{said}");
    for kind in ["provenance", "sbom", "vulnerabilities"] {
        assert!(said.contains(&format!("\nlinux/amd64 {kind}: present (1 verified)\n")), "{said}");
        assert!(said.contains(&format!("\nlinux/arm64 {kind}: absent: there is none\n")), "{said}");
    }
    assert_eq!(said.lines().last(), Some("NOT VERIFIED"));
    assert_eq!(answers(&report).len(), 6);

    signer.try_attest(&subject, &arm64).expect_status(0);
    let (said, status, report) = verify(&subject, &signer.public, &[]);
    assert_eq!((status, said.lines().last()), (0, Some("VERIFIED")), "{said}");
    assert!(answers(&report).iter().all(|(_, _, answer)| answer == "present (1 verified)"));
    let places = report["platforms"][1]["places"].as_array().unwrap();
    assert_eq!(places[0]["candidates"], 3);
}

#[test]
fn provenance_of_the_index_is_that_of_its_images_and_an_sbom_of_it_is_not() {
    let Some(signer) = Signer::ecdsa() else { return };
    let (subject, index) = index(&signer);
    let bundle = provenance(&signer, index.manifest.digest);
    let mut more = vec!["--bundle", bundle.as_str(), "--type", "provenance"];
    let (said, status, report) = verify(&subject, &signer.public, &more);
    assert_eq!(status, 0, "{said}");
    assert_eq!(
        answers(&report),
        PLATFORMS.map(|platform| (
            platform.to_owned(),
            "provenance".to_owned(),
            "present (1 verified), for the index".to_owned()
        ))
    );
    more.extend(["--type", "sbom"]);
    let (said, status, _) = verify(&subject, &signer.public, &more);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("linux/arm64 sbom: absent: 1 candidate, it does not verify"), "{said}");

    // Provenance of one image is not that of the other.
    let bundle = provenance(&signer, image(PLATFORMS[0]).manifest.digest);
    let more = ["--bundle", bundle.as_str(), "--type", "provenance"];
    let (said, status, _) = verify(&subject, &signer.public, &more);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("linux/amd64 provenance: present (1 verified)\n"), "{said}");
    assert!(said.contains("linux/arm64 provenance: absent: 1 candidate,"), "{said}");
}

#[test]
fn a17_an_index_without_images_is_no_pass() {
    let Some(signer) = Signer::ecdsa() else { return };
    let empty = BuiltImage::index([]);
    let layout = signer.sandbox.join("empty");
    empty.write_layout(&layout, Some("1"));
    let bundle = provenance(&signer, empty.manifest.digest);
    for more in [&[][..], &["--bundle", bundle.as_str(), "--type", "provenance"]] {
        let subject = format!("oci-layout:{layout}:1");
        let (said, status, report) = verify(&subject, &signer.public, more);
        assert_eq!((status, said.lines().last()), (3, Some("UNDECIDED")), "{said}");
        assert!(said.contains("the index holds no image: there is nothing to verify"), "{said}");
        assert_eq!(answers(&report), []);
    }
}
