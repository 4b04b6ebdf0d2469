//! Work on SBOMs that are there: merging, converting, comparing, scoring; and those of several platforms.

use crate::support::{Outcome, RealImage, Sandbox, real_image, root, run, sandbox};
use plimsoll_model::platform::Platform;
use plimsoll_oci::testing::image::{BuiltImage, ImageBuilder, LayerBuilder};
use serde_json::{Value, json};

fn plimsoll(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    run(sandbox.plimsoll().env("SOURCE_DATE_EPOCH", "0").args(arguments))
}

fn document(sandbox: &Sandbox, path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(sandbox.join(path)).unwrap()).unwrap()
}

fn lock(packages: &[(&str, &str)]) -> String {
    let package = |(name, version): &(&str, &str)| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n"
        )
    };
    packages.iter().map(package).collect()
}

/// Two SBOMs by other tools, `a.json` in CycloneDX and `b.json` in SPDX, and a directory `app`.
fn documents() -> Sandbox {
    let sandbox = sandbox();
    let component = |name: &str| json!({"type": "library", "name": name, "version": "1", "purl": format!("pkg:npm/{name}@1"), "bom-ref": name});
    let cyclonedx = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": {"component": {"type": "application", "name": "shop", "version": "7"}},
        "components": [component("a"), component("b"), {"type": "library", "name": "nameless"}],
        "dependencies": [{"ref": "a", "dependsOn": ["b"]}],
    });
    let package = |name: &str, version: &str| {
        json!({
            "SPDXID": format!("SPDXRef-{name}"), "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": format!("pkg:npm/{name}@{version}")}],
        })
    };
    let spdx = json!({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "b",
        "documentNamespace": "https://example.test/b", "creationInfo": {"created": "2026-01-01T00:00:00Z", "creators": ["Tool: x"]},
        "packages": [package("b", "1"), package("c", "2")],
    });
    sandbox.write("a.json", cyclonedx.to_string());
    sandbox.write("b.json", spdx.to_string());
    sandbox.write("app/Cargo.lock", lock(&[("serde", "1.0.1")]));
    sandbox
}

#[test]
fn several_sboms_become_one_that_says_where_each_component_comes_from() {
    let sandbox = documents();
    let arguments = ["sbom", "merge", "a.json", "b.json", "dir:app", "--name", "all"];
    let output = ["-o", "cyclonedx-json=all.json", "-o", "json=report.json"];
    plimsoll(&sandbox, &[&arguments[..], &output].concat()).expect_status(0);
    let all = document(&sandbox, "all.json");
    assert_eq!(all["metadata"]["component"]["name"], "all");
    let components = all["components"].as_array().unwrap();
    let origin = |purl: &str| -> &str {
        let component = components.iter().find(|it| it["purl"] == purl).unwrap();
        let mut properties = component["properties"].as_array().unwrap().iter();
        properties.find(|it| it["name"] == "plimsoll:origin").unwrap()["value"].as_str().unwrap()
    };
    assert_eq!(origin("pkg:npm/a@1"), "a.json");
    assert_eq!(origin("pkg:npm/b@1"), "a.json, b.json");
    assert_eq!(origin("pkg:npm/c@2"), "b.json");
    assert_eq!(origin("pkg:cargo/serde@1.0.1"), "dir:app");
    // Relations and what could not be told are all there, and still are after another round.
    let report = document(&sandbox, "report.json");
    assert_eq!(report["inventory"]["unknowns"].as_array().unwrap().len(), 1, "{report}");
    let again = ["sbom", "merge", "all.json", "a.json", "-o", "cyclonedx-json=again.json"];
    plimsoll(&sandbox, &again).expect_status(0);
    let again = document(&sandbox, "again.json");
    assert_eq!(again["components"].as_array().unwrap().len(), components.len());
    assert!(again["dependencies"].to_string().contains("pkg:npm/b@1"));
}

#[test]
fn an_sbom_is_written_in_another_format_and_back_without_loss() {
    let sandbox = documents();
    let convert = |from: &str, to: &str| {
        plimsoll(&sandbox, &["-q", "sbom", "convert", from, "-o", to]).expect_status(0);
    };
    convert("a.json", "spdx-json=a.spdx.json");
    convert("a.spdx.json", "cyclonedx-json=back.json");
    let same = plimsoll(&sandbox, &["sbom", "diff", "a.json", "back.json"]).expect_status(0);
    assert!(same.stdout.starts_with("0 changes, 2 unchanged"), "{}", same.stdout);
    let back = document(&sandbox, "back.json");
    assert_eq!(back["metadata"]["component"]["name"], "shop");
    // Twice the same bytes.
    convert("a.json", "spdx-json=again.spdx.json");
    let read = |name: &str| std::fs::read(sandbox.join(name)).unwrap();
    assert_eq!(read("a.spdx.json"), read("again.spdx.json"));
    // Without a format there is nothing to do, and garbage stays garbage.
    plimsoll(&sandbox, &["sbom", "convert", "a.json"]).expect_status(2);
    sandbox.write("garbage.json", "{\"bomFormat\":\"CycloneDX\"");
    plimsoll(&sandbox, &["sbom", "convert", "garbage.json", "-o", "spdx-json=x.json"])
        .expect_status(3);
    assert!(!sandbox.join("x.json").exists());
}

#[test]
fn changes_are_told_and_can_fail_a_build() {
    let sandbox = documents();
    sandbox.write("old/Cargo.lock", lock(&[("a", "1.0.0"), ("b", "1.0.0"), ("c", "1.0.0")]));
    sandbox.write("new/Cargo.lock", lock(&[("b", "2.0.0"), ("c", "1.0.0"), ("d", "1.0.0")]));
    let diff = plimsoll(&sandbox, &["-q", "sbom", "diff", "dir:old", "dir:new"]).expect_status(0);
    assert_eq!(
        diff.stdout,
        "removed  pkg:cargo/a 1.0.0\nversion  pkg:cargo/b 1.0.0 -> 2.0.0\nadded    pkg:cargo/d 1.0.0\n3 changes, 1 unchanged\n"
    );
    let gate = ["-q", "sbom", "diff", "--fail-on-change", "-o", "json"];
    let changed =
        plimsoll(&sandbox, &[&gate[..], &["dir:old", "dir:new"]].concat()).expect_status(1);
    let report: Value = serde_json::from_str(&changed.stdout).unwrap();
    assert_eq!(report["changes"].as_array().unwrap().len(), 3);
    assert_eq!(report["changes"][1]["kind"], "version");
    plimsoll(&sandbox, &[&gate[..], &["dir:old", "dir:old"]].concat()).expect_status(0);
    // What is unknown may have changed.
    let unknown = plimsoll(&sandbox, &[&gate[..], &["a.json", "a.json"]].concat());
    assert_eq!(unknown.status, 3, "{unknown:?}");
    plimsoll(&sandbox, &["sbom", "diff", "absent.json", "a.json"]).expect_status(3);
}

#[test]
fn a_score_counts_what_is_there_and_can_fail_a_build() {
    let sandbox = documents();
    let own = "dir:app";
    let score =
        |arguments: &[&str]| plimsoll(&sandbox, &[&["-q", "sbom", "score"], arguments].concat());
    let scored = score(&["a.json", "-o", "json"]).expect_status(0);
    let report: Value = serde_json::from_str(&scored.stdout).unwrap();
    let scores = report["scores"].as_array().unwrap();
    assert_eq!(scores.len(), 4);
    assert_eq!(scores[0]["standard"], "ntia-2021");
    assert_eq!(scores[0]["conformant"], false);
    score(&["a.json", "--standard", "ntia", "--min", "100"]).expect_status(1);
    score(&["a.json", "--standard", "ntia", "--min", "1"]).expect_status(0);
    assert!(score(&[own]).expect_status(0).stdout.contains("NTIA minimum elements (2021)"));
    score(&["a.json", "--standard", "iso"]).expect_status(2);
    score(&["a.json", "--min", "101"]).expect_status(2);
}

#[test]
fn a_subject_and_a_command_do_not_go_together() {
    let sandbox = documents();
    let both = plimsoll(&sandbox, &["sbom", "dir:app", "merge", "a.json"]).expect_status(2);
    assert!(both.stderr.contains("stands before a command"), "{both:?}");
    plimsoll(&sandbox, &["sbom"]).expect_status(2);
    // A platform in the environment is no argument.
    let mut command = sandbox.plimsoll();
    command.env("PLIMSOLL_PLATFORM", "linux/arm64").args(["sbom", "merge", "a.json", "-q"]);
    run(&mut command).expect_status(0);
}

fn image(architecture: &str, version: &str) -> BuiltImage {
    let platform: Platform = format!("linux/{architecture}").parse().unwrap();
    let lock = lock(&[("serde", version)]);
    ImageBuilder::new()
        .platform(platform)
        .layer(LayerBuilder::new().file("srv/Cargo.lock", lock))
        .build()
}

#[test]
fn each_platform_of_an_index_has_its_sbom_and_so_has_the_index() {
    let sandbox = sandbox();
    let images = [image("amd64", "1.0.1"), image("arm64", "1.0.2")];
    let digests: Vec<String> =
        images.iter().map(|image| image.manifest.digest.to_string()).collect();
    BuiltImage::index(images).write_layout(&sandbox.join("hold"), Some("1"));
    let all = ["sbom", "oci-layout:hold:1", "--all-platforms"];
    let to = |output: &str| plimsoll(&sandbox, &[&all[..], &["-o", output]].concat());
    to("cyclonedx-json=out/{platform}.cdx.json").expect_status(0);
    for (name, version) in [("linux-amd64", "1.0.1"), ("linux-arm64", "1.0.2")] {
        let sbom = document(&sandbox, &format!("out/{name}.cdx.json"));
        assert!(sbom.to_string().contains(&format!("pkg:cargo/serde@{version}")), "{name}");
    }
    let index = document(&sandbox, "out/index.cdx.json");
    let components = index["components"].as_array().unwrap();
    assert_eq!(components.len(), 2);
    for digest in &digests {
        let is_it =
            |it: &&Value| it["hashes"][0]["content"] == digest.trim_start_matches("sha256:");
        assert_eq!(components.iter().find(is_it).unwrap()["type"], "container");
    }
    let refused = to("cyclonedx-json=one.json").expect_status(2);
    assert!(refused.stderr.contains("no place for the platform"), "{refused:?}");
    to("cyclonedx-json").expect_status(2);
    // A single image has no index.
    image("amd64", "1.0.1").write_layout(&sandbox.join("single"), Some("1"));
    let single = ["sbom", "oci-layout:single:1", "--all-platforms", "-o", "json=s-{platform}.json"];
    plimsoll(&sandbox, &single).expect_status(0);
    assert!(sandbox.join("s-linux-amd64.json").exists() && !sandbox.join("s-index.json").exists());
}

#[test]
fn an_index_that_lies_about_an_image_has_no_sboms() {
    let sandbox = sandbox();
    let honest = image("amd64", "1.0.1");
    let forged = image("arm64", "1.0.2");
    let layer = forged.layers[0].digest;
    BuiltImage::index([honest, forged])
        .flip(&layer, 20)
        .write_layout(&sandbox.join("hold"), Some("1"));
    let arguments =
        ["sbom", "oci-layout:hold:1", "--all-platforms", "-o", "spdx-json={platform}.json"];
    plimsoll(&sandbox, &arguments).expect_status(3);
    assert!(!sandbox.join("linux-arm64.json").exists() && !sandbox.join("index.json").exists());
}

/// What the example in the guide shows has to stay true.
#[test]
fn the_example_image_is_compared_with_its_own_sbom() {
    let sandbox = sandbox();
    let image = format!("oci-archive:{}", root().join("examples/images/good.tar"));
    plimsoll(&sandbox, &["sbom", &image, "-o", "spdx-json=good.spdx.json"]).expect_status(0);
    let arguments = ["sbom", "diff", "good.spdx.json", &image, "--fail-on-change"];
    let same = plimsoll(&sandbox, &arguments).expect_status(0);
    assert_eq!(same.stdout, "0 changes, 8 unchanged\n");
}

/// What BuildKit puts beside an image in its index: statements about it, each a layer of a manifest.
fn attestation(about: &BuiltImage, statements: &[Value]) -> BuiltImage {
    use plimsoll_oci::manifest::Descriptor;
    let mut blobs = std::collections::BTreeMap::new();
    let mut store = |media_type: &str, value: &Value| {
        let bytes = value.to_string().into_bytes();
        let descriptor = Descriptor::of(media_type, &bytes);
        blobs.insert(descriptor.digest, bytes.into());
        descriptor
    };
    let config = store("application/vnd.oci.image.config.v1+json", &json!({}));
    let layers: Vec<Value> = statements
        .iter()
        .map(|statement| {
            let layer = store("application/vnd.in-toto+json", statement);
            json!({
                "mediaType": layer.media_type, "digest": layer.digest.to_string(), "size": layer.size,
                "annotations": {"in-toto.io/predicate-type": statement["predicateType"]},
            })
        })
        .collect();
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let mut manifest = store(
        media_type,
        &json!({
            "schemaVersion": 2, "mediaType": media_type, "layers": layers,
            "config": {"mediaType": config.media_type, "digest": config.digest.to_string(), "size": config.size},
        }),
    );
    manifest.platform = Some("unknown/unknown".parse().unwrap());
    let digest = about.manifest.digest.to_string();
    manifest.annotations.insert("vnd.docker.reference.digest".to_owned(), digest);
    BuiltImage { manifest, layers: Vec::new(), config: None, blobs }
}

#[test]
fn what_others_attached_is_listed_as_claims() {
    let sandbox = sandbox();
    let image = image("amd64", "1.0.1");
    let statement = |kind: &str, hex: String| {
        json!({
            "_type": "https://in-toto.io/Statement/v0.1", "predicateType": kind,
            "subject": [{"name": "_", "digest": {"sha256": hex}}],
            "predicate": {
                "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "b",
                "documentNamespace": "https://example.test/b",
                "creationInfo": {"created": "2026-01-01T00:00:00Z", "creators": ["Tool: other-1"]},
                "packages": [{"SPDXID": "SPDXRef-a", "name": "a", "versionInfo": "1", "downloadLocation": "NOASSERTION",
                    "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:npm/a@1"}]}],
            },
        })
    };
    let spdx = "https://spdx.dev/Document";
    let own = statement(spdx, image.manifest.digest.hex());
    let provenance = statement("https://slsa.dev/provenance/v0.2", image.manifest.digest.hex());
    let foreign = statement(spdx, "0".repeat(64));
    for (tag, statements, status) in [
        ("none", vec![], 0),
        ("own", vec![own.clone(), provenance], 0),
        ("foreign", vec![own, foreign], 3),
    ] {
        let beside = attestation(&image, &statements);
        BuiltImage::index([image.clone(), beside]).write_layout(&sandbox.join("hold"), Some(tag));
        let subject = format!("oci-layout:hold:{tag}");
        let arguments = ["sbom", &subject, "--platform", "linux/amd64", "--attached", "-o", "json"];
        let outcome = plimsoll(&sandbox, &arguments).expect_status(status);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let claims = report["claims"].as_array().unwrap();
        match tag {
            "none" => assert_eq!(claims.len(), 0),
            "own" => {
                assert_eq!(claims.len(), 1);
                assert_eq!(
                    (&claims[0]["format"], &claims[0]["components"]),
                    (&json!("SPDX"), &json!(1))
                );
                assert_eq!(claims[0]["trust"], "claimed");
            }
            _ => assert!(claims.iter().any(|it| it["error"] == "it is about another image")),
        }
    }
}

#[test]
fn the_same_image_gives_the_same_bytes_whatever_the_threads() {
    let formats = ["cyclonedx-json", "cyclonedx-xml", "spdx-json", "spdx3-json"];
    let sandbox = sandbox();
    let written = |subject: &str, jobs: &str| -> Vec<Vec<u8>> {
        let outputs = formats.map(|format| format!("{format}={format}"));
        let mut command = sandbox.plimsoll();
        command.args(["-q", "--jobs", jobs, "sbom", subject]);
        for output in &outputs {
            command.args(["-o", output]);
        }
        run(&mut command).expect_status(0);
        formats.map(|format| std::fs::read(sandbox.join(format)).unwrap()).to_vec()
    };
    let example = format!("oci-archive:{}", root().join("examples/images/bad.tar"));
    let first = written(&example, "1");
    for round in 1..20 {
        let jobs = if round % 2 == 0 { "1" } else { "2" };
        assert!(written(&example, jobs) == first, "round {round}");
    }
    let Some(RealImage { layout, .. }) = real_image() else { return };
    let real = format!("oci-layout:{layout}:app");
    assert!(written(&real, "1") == written(&real, "2"));
}
