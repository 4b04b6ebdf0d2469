//! What others do with what Plimsoll refuses, and what they find where it finds something.

use crate::support::{Sandbox, locks, oracle, oracle_script, run, sandbox, shared};
use plimsoll_oci::testing::image::{BuiltImage, ImageBuilder, LayerBuilder};
use serde_json::Value;
use std::{collections::BTreeSet, process::Command};

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

/// Crate, version and advisory.
type Flaws = BTreeSet<(String, String, String)>;

fn of_cargo_audit(report: &Value) -> Flaws {
    let found = report["vulnerabilities"]["list"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    found
        .map(|found| {
            let (package, advisory) = (&found["package"], &found["advisory"]);
            (text(&package["name"]), text(&package["version"]), text(&advisory["id"]))
        })
        .collect()
}

/// Several records about one flaw are one match, with the ids of all.
fn ours(report: &Value) -> Flaws {
    let matches = report["scan"]["matches"].as_array().unwrap().iter();
    matches
        .flat_map(|found| {
            let purl = found["purl"].as_str().unwrap().strip_prefix("pkg:cargo/").unwrap();
            let (name, version) = purl.split_once('@').unwrap();
            let version = version.replace("%2B", "+");
            let aliases = found["aliases"].as_array().unwrap().iter();
            let ids = aliases.chain([&found["advisory"]]).map(|id| id.as_str().unwrap());
            ids.filter(|id| id.starts_with("RUSTSEC-"))
                .map(|id| (name.to_owned(), version.clone(), id.to_owned()))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn what_cargo_audit_finds_in_real_lock_files_is_found_here_and_nothing_else() {
    let (Some(records), Some(locks), Some(cargo_audit)) =
        (shared("data/osv/crates.io"), locks(), oracle("cargo-audit"))
    else {
        return;
    };
    let sandbox = sandbox();
    let Some(mut convert) = oracle_script(&sandbox, "rustsec_db.py") else { return };
    run(convert.args([records.join("all.zip").as_str(), "rustsec"])).expect_status(0);
    run(sandbox.plimsoll().args(["-q", "db", "import", records.as_str()])).expect_status(0);
    let mut seen = 0;
    for lock in &locks {
        let folder = sandbox.join(lock.file_stem().unwrap());
        std::fs::create_dir(&folder).unwrap();
        std::fs::copy(lock, folder.join("Cargo.lock")).unwrap();
        let mut audit = sandbox.command(&cargo_audit);
        audit.args(["audit", "--db", "rustsec", "--no-fetch", "--stale", "--json", "-f"]);
        let theirs = run(audit.arg(folder.join("Cargo.lock"))).expect_status(1).stdout;
        let theirs = of_cargo_audit(&serde_json::from_str(&theirs).unwrap());
        let subject = format!("dir:{folder}");
        let scan = run(sandbox.plimsoll().args(["-q", "scan", &subject, "-o", "json"]));
        assert_eq!(ours(&serde_json::from_str(&scan.stdout).unwrap()), theirs, "{lock}");
        seen += theirs.len();
    }
    assert!(locks.len() >= 3 && seen > 50, "{locks:?}: {seen}");
}
