//! What others do with what Plimsoll refuses.

use crate::support::{Sandbox, oracle, run, sandbox};
use plimsoll_oci::testing::image::{BuiltImage, ImageBuilder, LayerBuilder};
use serde_json::Value;
use std::process::Command;

/// A Debian with one package.
fn layer(version: &str) -> LayerBuilder {
    let status = format!(
        "Package: baz\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
    );
    LayerBuilder::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
        .file("var/lib/dpkg/status", status)
}

fn image(version: &str) -> BuiltImage {
    ImageBuilder::new().layer(layer(version)).build()
}

/// The image with `baz` 1.0, whose layer was changed to one with 1.1 without a change to any digest.
fn forged(sandbox: &Sandbox) {
    let (honest, other) = (image("1.0"), image("1.1"));
    honest.write_layout(&sandbox.join("image"), Some("1"));
    let blob = sandbox.join("image/blobs/sha256").join(honest.layers[0].digest.hex());
    std::fs::write(blob, &other.blobs[&other.layers[0].digest]).unwrap();
}

/// The versions of `baz` in a document with `components` or `artifacts`.
fn versions(text: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(text).unwrap();
    let list = document.get("components").or(document.get("artifacts")).unwrap();
    let of_baz = list.as_array().unwrap().iter().filter(|component| component["name"] == "baz");
    of_baz.map(|component| component["version"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_forged_layer_is_refused_here_and_taken_by_others() {
    let sandbox = sandbox();
    image("1.0").write_layout(&sandbox.join("image"), Some("1"));
    let ours = |expect| {
        let arguments = ["-q", "sbom", "oci-layout:image:1", "-o", "cyclonedx-json"];
        run(sandbox.plimsoll().args(arguments)).expect_status(expect)
    };
    assert_eq!(versions(&ours(0).stdout), ["1.0"]);
    std::fs::remove_dir_all(sandbox.join("image")).unwrap();
    forged(&sandbox);
    let refused = ours(3);
    assert_eq!(refused.stdout, "");
    assert!(refused.stderr.contains("expected sha256:"), "{}", refused.stderr);

    let peer = |name: &str, arguments: &[&str]| -> Option<Command> {
        let mut command = sandbox.command(oracle(name)?);
        command.args(arguments);
        Some(command)
    };
    let syft = peer("syft", &["-q", "scan", "oci-dir:image", "-o", "json"]);
    let trivy = peer(
        "trivy",
        &["image", "--input", "image", "--format", "cyclonedx", "--quiet", "--cache-dir", "trivy"],
    );
    for mut command in [syft, trivy].into_iter().flatten() {
        let outcome = run(&mut command).expect_status(0);
        assert_eq!(versions(&outcome.stdout), ["1.1"], "{command:?}");
    }
}
