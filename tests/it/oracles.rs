//! What others say of the real image, before anything is judged by it.

use crate::support::{RealImage, oracle, real_image, registry, run, sandbox};
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
