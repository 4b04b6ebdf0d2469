//! What others say of what Plimsoll signs, and of the real image, before anything is judged by it.

use crate::support::{
    RealImage, Sandbox, oracle, oracle_script, real_image, registry, root, run, sandbox,
};
use base64::{Engine as _, prelude::BASE64_STANDARD as STANDARD};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use std::fs;

/// What the tag of a layout stands for: the digest, and the diffIDs of its layers.
fn image(layout: &Utf8Path, tag: &str) -> (String, Vec<String>) {
    let index = read(layout.join("index.json"));
    let mut manifests = index["manifests"].as_array().unwrap().iter();
    let tagged = manifests
        .find(|manifest| manifest["annotations"]["org.opencontainers.image.ref.name"] == tag)
        .unwrap();
    let digest = tagged["digest"].as_str().unwrap();
    let manifest = read(blob(layout, digest));
    let config = read(blob(layout, manifest["config"]["digest"].as_str().unwrap()));
    let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap().iter();
    (digest.to_owned(), diff_ids.map(|id| id.as_str().unwrap().to_owned()).collect())
}

fn blob(layout: &Utf8Path, digest: &str) -> Utf8PathBuf {
    layout.join("blobs").join(digest.replace(':', "/"))
}

fn read(path: impl AsRef<Utf8Path>) -> Value {
    serde_json::from_slice(&fs::read(path.as_ref()).unwrap()).unwrap()
}

#[test]
fn the_application_is_built_on_the_base() {
    let Some(RealImage { layout, truth }) = real_image() else { return };
    let (_, base) = image(&layout, "base");
    let (_, app) = image(&layout, "app");
    assert!(!base.is_empty() && base.len() < app.len(), "base {base:?}, app {app:?}");
    assert!(app.starts_with(&base), "base {base:?}, app {app:?}");

    let dpkg = fs::read_to_string(truth.join("dpkg.tsv")).unwrap();
    assert!(
        dpkg.lines().any(|line| line.starts_with("nodejs\t") && line.ends_with("\tinstalled")),
        "{dpkg}"
    );
    let npm = read(truth.join("npm.json"));
    assert_eq!(npm["dependencies"]["lodash"]["version"], "4.17.20");
    assert_eq!(npm["dependencies"]["left-pad"], Value::Null, "its last layer deletes it");
    let has = |list: &str, name: &str| {
        read(truth.join(list)).as_array().unwrap().iter().any(|package| package["name"] == name)
    };
    assert!(has("pip.json", "pip") && has("pip-app.json", "Jinja2"));
}

#[test]
fn the_image_keeps_its_digest_in_a_registry() {
    let (Some(RealImage { layout, .. }), Some(registry), Some(skopeo)) =
        (real_image(), registry(), oracle("skopeo"))
    else {
        return;
    };
    let (digest, _) = image(&layout, "app");
    let Some(reference) = registry.push(&layout, "app", "build/app:1") else { return };
    let sandbox = sandbox();
    let mut inspect = sandbox.command(skopeo);
    inspect
        .args(["inspect", "--tls-verify=false", "--format={{.Digest}}"])
        .arg(format!("docker://{reference}"));
    assert_eq!(run(&mut inspect).expect_status(0).stdout.trim(), digest);
}

/// Signs what can be said about an example with a key of the sandbox's own; the bundles, one a statement.
fn bundles(sandbox: &Sandbox) -> Vec<Utf8PathBuf> {
    let examples = root().join("examples");
    let mut plimsoll = sandbox.plimsoll();
    plimsoll.arg("attest").arg(format!("oci-archive:{examples}/images/good.tar"));
    plimsoll.args(["--bundles", "bundles", "--advisories"]).arg(examples.join("advisories"));
    run(&mut plimsoll).expect_status(0);
    let bundles = sandbox.join("bundles").read_dir_utf8().unwrap();
    bundles.map(|bundle| bundle.unwrap().into_path()).collect()
}

/// The public half of the key that Plimsoll made when it first signed in the sandbox.
fn public_key(sandbox: &Sandbox) -> Utf8PathBuf {
    sandbox.join("home/state/plimsoll/key.pub")
}

/// The bundle with another subject in its statement, under the old signature.
fn forged(sandbox: &Sandbox, bundle: &Utf8Path) -> Utf8PathBuf {
    let mut forged = read(bundle);
    let payload = STANDARD.decode(forged["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    let statement = String::from_utf8(payload).unwrap();
    let other = statement.replacen("good.tar", "evil.tar", 1);
    assert_ne!(statement, other);
    forged["dsseEnvelope"]["payload"] = STANDARD.encode(other).into();
    sandbox.write("forged.json", forged.to_string())
}

/// One judge takes every bundle with its key, and refuses it with a stranger's key, forged, and replaced by nothing.
#[track_caller]
fn check_evidence(script: &str) {
    let (sandbox, stranger) = (sandbox(), sandbox());
    if oracle_script(&sandbox, script).is_none() {
        return;
    }
    let judge = |bundle: &Utf8Path, key: &Utf8Path| {
        run(oracle_script(&sandbox, script).unwrap().args([bundle, key]))
    };
    let key = public_key(&sandbox);
    let bundles = bundles(&sandbox);
    assert_eq!(bundles.len(), 3, "provenance, SBOM and vulnerabilities");
    assert!(!self::bundles(&stranger).is_empty());
    for bundle in bundles {
        judge(&bundle, &key).expect_status(0);
        judge(&bundle, &public_key(&stranger)).expect_status(1);
        judge(&forged(&sandbox, &bundle), &key).expect_status(1);
    }
    judge(&sandbox.write("nothing.json", "{}"), &key).expect_status(1);
}

#[test]
fn evidence_is_verified_by_sigstore_js() {
    check_evidence("sigstore_verify.mjs");
}

#[test]
fn evidence_is_verified_by_securesystemslib() {
    check_evidence("securesystemslib_dsse.py");
}
