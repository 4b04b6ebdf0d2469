//! What Plimsoll makes of an image that nobody here wrote, judged by the tools of others.
//!
//! Each judge is first shown to refuse: a document with one thing changed, a bundle that is none.

use crate::support::{
    RealImage, oracle, oracle_script, real_image, registry, run, sandbox, shared,
};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use std::{fs, sync::LazyLock};

/// The folder with the inventory of `app` in the formats of others; taken once for all tests.
static INVENTORY: LazyLock<Option<Utf8PathBuf>> = LazyLock::new(|| {
    let RealImage { layout, .. } = real_image()?;
    let folder = Utf8PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("inventory");
    fs::create_dir_all(&folder).unwrap();
    let sandbox = sandbox();
    let mut plimsoll = sandbox.plimsoll();
    plimsoll.arg("sbom").arg(format!("oci-layout:{layout}:app"));
    for output in ["cyclonedx-json=sbom.cdx.json", "spdx-json=sbom.spdx.json"] {
        plimsoll.args(["--output", output]);
    }
    run(plimsoll.current_dir(&folder)).expect_status(0);
    Some(folder)
});

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

/// The judge takes a document as it is, and refuses its twin in which one thing is changed.
#[track_caller]
fn check_judge(document: &Utf8Path, mutate: impl Fn(&mut Value), judge: impl Fn(&Utf8Path) -> i32) {
    assert_eq!(judge(document), 0, "{document} is refused");
    let mut twin = read(document);
    mutate(&mut twin);
    let file_name = format!("twin-{}", document.file_name().unwrap());
    let twin_path = document.with_file_name(file_name);
    fs::write(&twin_path, twin.to_string()).unwrap();
    assert_eq!(judge(&twin_path), 1, "its twin is not refused");
}

#[test]
fn cyclonedx_is_valid_by_its_own_library() {
    let sandbox = sandbox();
    let script = || oracle_script(&sandbox, "cyclonedx_strict.py");
    let (Some(inventory), Some(_)) = (INVENTORY.as_ref(), script()) else { return };
    let judge = |document: &Utf8Path| run(script().unwrap().arg(document)).status;
    let document = inventory.join("sbom.cdx.json");
    check_judge(&document, |sbom| sbom["components"][0]["licences"] = json!([]), judge);
    check_judge(&document, |sbom| sbom["components"][0]["type"] = json!("vessel"), judge);
}

#[test]
fn spdx_is_valid_by_its_own_tools() {
    let sandbox = sandbox();
    let (Some(inventory), Some(judge)) = (INVENTORY.as_ref(), oracle("pyspdxtools")) else {
        return;
    };
    let judge = |document: &Utf8Path| run(sandbox.command(&judge).arg("-i").arg(document)).status;
    let document = inventory.join("sbom.spdx.json");
    check_judge(&document, |sbom| sbom["packages"][0]["SPDXID"] = json!("no id"), judge);
    check_judge(
        &document,
        |sbom| sbom["relationships"][0]["relatedSpdxElement"] = json!("SPDXRef-nowhere"),
        judge,
    );
}

#[test]
fn sarif_is_valid_by_its_schema() {
    let (Some(RealImage { layout, .. }), Some(schema)) =
        (real_image(), shared("data/schemas/sarif-2.1.0.json"))
    else {
        return;
    };
    let Some(judge) = oracle("check-jsonschema") else { return };
    let sandbox = sandbox();
    let mut check = sandbox.plimsoll();
    check
        .arg("check")
        .arg(format!("oci-layout:{layout}:app"))
        .args(["--output", "sarif=findings.sarif"]);
    let status = run(&mut check).status;
    assert!(matches!(status, 0 | 1 | 3), "judged, whatever the judgement: {status}");
    let judge = |document: &Utf8Path| {
        run(sandbox.command(&judge).arg("--schemafile").arg(&schema).arg(document)).status
    };
    let document = sandbox.join("findings.sarif");
    let findings = read(&document)["runs"][0]["results"].as_array().unwrap().len();
    assert!(findings > 0, "an image without a healthcheck has findings");
    check_judge(&document, |log| log["runs"][0]["results"][0]["level"] = json!("critical"), judge);
}

#[test]
fn the_judges_of_evidence_refuse_what_is_no_evidence() {
    let sandbox = sandbox();
    let bundle = sandbox.write("bundle.json", "{}");
    let key = sandbox.write("key.pem", "no key");
    for script in ["sigstore_verify.mjs", "securesystemslib_dsse.py"] {
        let Some(mut judge) = oracle_script(&sandbox, script) else { return };
        run(judge.args([&bundle, &key])).expect_status(1);
    }
}
