//! Subjects that are no image: directories, files, and what BuildKit and an engine hand over. Each has its hostile twin.

use crate::support::{Outcome, Sandbox, run, sandbox};
use serde_json::Value;
use std::{
    io::{Read as _, Write as _},
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
};

const LOCK: &str = "version = 4\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.1\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
const STATUS: &str =
    "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2.13\n\n";

fn plimsoll(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    run(sandbox.plimsoll().args(arguments))
}

fn report(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap()
}

fn purls(report: &Value) -> Vec<&str> {
    let components = report["inventory"]["components"].as_array().unwrap().iter();
    components.map(|component| component["purl"].as_str().unwrap()).collect()
}

fn unknowns(report: &Value) -> Vec<&str> {
    let unknowns = report["inventory"]["unknowns"].as_array().unwrap().iter();
    unknowns.map(|unknown| unknown["reason"].as_str().unwrap()).collect()
}

#[test]
fn a_directory_is_listed_whatever_it_is_called_by() {
    let sandbox = sandbox();
    sandbox.write("app/Cargo.lock", LOCK);
    sandbox.write(
        "app/sub/package-lock.json",
        r#"{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"}}}"#,
    );
    let outcome = plimsoll(&sandbox, &["sbom", "dir:app", "-o", "json"]).expect_status(0);
    assert_eq!(purls(&report(&outcome)), ["pkg:cargo/serde@1.0.1", "pkg:npm/a@1.0.0"]);
    // The same bytes from everywhere, and the name is that of the directory.
    let sbom = |place: &str, subject: &str| {
        let mut command = sandbox.plimsoll();
        command.current_dir(sandbox.join(place)).env("SOURCE_DATE_EPOCH", "0");
        run(command.args(["-q", "sbom", subject, "-o", "cyclonedx-json"])).expect_status(0).stdout
    };
    let here = sbom("app", "dir:.");
    assert_eq!(here, sbom(".", "dir:app"));
    let document: Value = serde_json::from_str(&here).unwrap();
    assert_eq!(document["metadata"]["component"]["name"], "app");
}

#[test]
fn what_git_ignores_is_said_to_be_passed_over() {
    let sandbox = sandbox();
    sandbox.write(".git/HEAD", "");
    sandbox.write(".gitignore", "vendor/\n");
    sandbox.write("vendor/Cargo.lock", LOCK);
    let outcome = plimsoll(&sandbox, &["sbom", "dir:.", "-o", "json"]).expect_status(0);
    assert_eq!(purls(&report(&outcome)), Vec::<&str>::new());
    assert!(outcome.stderr.contains("passed over 1 files and directories in . that git ignores"));
    let all = plimsoll(&sandbox, &["sbom", "dir:.", "--no-ignore", "-o", "json"]);
    assert_eq!(purls(&report(&all)), ["pkg:cargo/serde@1.0.1"]);
    // A root file system is read whole, wherever it lies.
    sandbox.write("vendor/var/lib/dpkg/status", STATUS);
    sandbox.write("vendor/etc/os-release", "ID=debian\nVERSION_ID=12\n");
    let root = plimsoll(&sandbox, &["sbom", "dir:vendor", "-o", "json"]);
    assert_eq!(purls(&report(&root)).len(), 2);
}

#[test]
fn links_out_of_a_directory_show_nothing_of_what_lies_there() {
    let sandbox = sandbox();
    sandbox.write("secret/Cargo.lock", LOCK);
    sandbox.write("app/readme", "");
    symlink("../secret/Cargo.lock", sandbox.join("app/Cargo.lock")).unwrap();
    symlink(sandbox.join("secret"), sandbox.join("app/far")).unwrap();
    let outcome = plimsoll(&sandbox, &["sbom", "dir:app", "-o", "json"]).expect_status(0);
    assert_eq!(purls(&report(&outcome)), Vec::<&str>::new());
    assert!(!outcome.stdout.contains("serde"));
}

#[test]
fn what_can_not_be_read_is_unknown_and_can_be_gated() {
    let sandbox = sandbox();
    sandbox.write("app/Cargo.lock", LOCK);
    sandbox.write("app/bad/Cargo.lock", "[[package]\n");
    let arguments = ["sbom", "dir:app", "-o", "json", "--max-unknowns"];
    let gate = |limit: &str| plimsoll(&sandbox, &[&arguments[..], &[limit]].concat());
    let passed = gate("1").expect_status(0);
    assert_eq!(purls(&report(&passed)), ["pkg:cargo/serde@1.0.1"]);
    let refused = gate("0").expect_status(3);
    assert!(refused.stderr.contains("1 unknown, more than the 0 that may be"), "{refused:?}");
    // Permissions keep nothing from root.
    let locked = sandbox.join("app/locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::read_dir(&locked).is_err() {
        let report = report(&gate("9"));
        assert!(unknowns(&report).iter().any(|it| it.contains("Permission denied")), "{report}");
    }
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o700)).unwrap();
}

#[test]
fn a_file_is_listed_by_itself() {
    let sandbox = sandbox();
    sandbox.write("Cargo.lock", LOCK);
    sandbox.write("notes.txt", "nothing");
    let found = plimsoll(&sandbox, &["sbom", "file:Cargo.lock", "-o", "json"]).expect_status(0);
    assert_eq!(purls(&report(&found)), ["pkg:cargo/serde@1.0.1"]);
    // What nothing knows is not nothing.
    let other = plimsoll(&sandbox, &["sbom", "file:notes.txt", "-o", "json"]).expect_status(0);
    assert_eq!(
        unknowns(&report(&other)),
        ["nothing in it is a component that any cataloger knows"]
    );
    plimsoll(&sandbox, &["sbom", "file:absent"]).expect_status(3);
    plimsoll(&sandbox, &["sbom", "file:."]).expect_status(3);
    plimsoll(&sandbox, &["sbom", "dir:Cargo.lock"]).expect_status(3);
}

#[test]
fn a_directory_is_scanned_but_no_image() {
    let sandbox = sandbox();
    sandbox.write("app/Cargo.lock", LOCK);
    let advisories = crate::support::root().join("examples/advisories");
    let run = ["run", "dir:app", "--advisories", advisories.as_str()];
    let refused = plimsoll(&sandbox, &run).expect_status(2);
    assert!(refused.stderr.contains("`dir:app` is a directory, not an image"), "{refused:?}");
    plimsoll(&sandbox, &["verify", "file:app/Cargo.lock"]).expect_status(2);
    let arguments = ["scan", "dir:app", "--advisories", advisories.as_str(), "-o", "json"];
    let scanned = report(&plimsoll(&sandbox, &arguments));
    assert_eq!(purls(&scanned), ["pkg:cargo/serde@1.0.1"]);
}

/// As BuildKit starts a scanner: the binary alone, told by its environment.
#[test]
fn buildkit_gets_a_statement_for_each_file_system() {
    let sandbox = sandbox();
    sandbox.write("src/core/sbom/var/lib/dpkg/status", STATUS);
    sandbox.write("src/core/sbom/etc/os-release", "ID=debian\nVERSION_ID=12\n");
    sandbox.write("src/extras/sbom-build/.git/HEAD", "");
    sandbox.write("src/extras/sbom-build/.gitignore", "*\n");
    sandbox.write("src/extras/sbom-build/Cargo.lock", LOCK);
    std::fs::create_dir(sandbox.join("out")).unwrap();
    let scan = |extras: &str| {
        let mut command = sandbox.plimsoll();
        command
            .env("BUILDKIT_SCAN_SOURCE", sandbox.join("src/core/sbom"))
            .env("BUILDKIT_SCAN_DESTINATION", sandbox.join("out"))
            .env("BUILDKIT_SCAN_SOURCE_EXTRAS", extras);
        run(&mut command).expect_status(0);
        let mut names: Vec<String> = sandbox
            .join("out")
            .read_dir_utf8()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(scan(""), ["sbom.spdx.json"]);
    assert_eq!(scan(sandbox.join("absent").as_str()), ["sbom.spdx.json"]);
    assert_eq!(
        scan(sandbox.join("src/extras").as_str()),
        ["sbom-build.spdx.json", "sbom.spdx.json"]
    );
    for (name, purl) in [
        ("sbom", "pkg:deb/debian/zlib1g@1:1.2.13?arch=amd64&distro=debian-12"),
        ("sbom-build", "pkg:cargo/serde@1.0.1"),
    ] {
        let text = std::fs::read_to_string(sandbox.join(format!("out/{name}.spdx.json"))).unwrap();
        let statement: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(statement["_type"], "https://in-toto.io/Statement/v0.1");
        assert_eq!(statement["predicateType"], "https://spdx.dev/Document");
        assert_eq!(statement["predicate"]["spdxVersion"], "SPDX-2.3");
        assert!(text.contains(&format!("\"{purl}\"")), "{name}: {text}");
    }
    let mut command = sandbox.plimsoll();
    command.env("BUILDKIT_SCAN_DESTINATION", sandbox.join("out"));
    let refused = run(&mut command).expect_status(2);
    assert!(refused.stderr.contains("BUILDKIT_SCAN_SOURCE is not set"), "{refused:?}");
}

/// An engine that answers every request the same.
fn engine(sandbox: &Sandbox, answer: Vec<u8>) {
    let listener = UnixListener::bind(sandbox.join("engine.sock")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4_096];
            assert!(stream.read(&mut request).unwrap() > 0);
            stream.write_all(&answer).ok();
        }
    });
}

#[test]
fn an_engine_is_asked_for_the_image_it_holds() {
    let sandbox = sandbox();
    let (archive, config) = saved();
    engine(&sandbox, [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec(), archive].concat());
    let ask = |arguments: &[&str], host: &str| {
        run(sandbox.plimsoll().env("DOCKER_HOST", host).args(arguments))
    };
    let socket = format!("unix://{}", sandbox.join("engine.sock"));
    let arguments = ["sbom", "docker-daemon:acme/app:1", "-o", "json"];
    let found = ask(&arguments, &socket).expect_status(0);
    let report = report(&found);
    assert_eq!(purls(&report).len(), 1);
    assert!(found.stdout.contains(&config), "{}", found.stdout);
    let refused = ask(&arguments, "tcp://127.0.0.1:2375").expect_status(2);
    assert!(refused.stderr.contains("expected `unix://` and a path"), "{refused:?}");
    let absent = format!("unix://{}", sandbox.join("absent.sock"));
    ask(&arguments, &absent).expect_status(3);
    ask(&["--offline", "sbom", "docker-daemon:acme/app:1"], &socket).expect_status(3);
}

/// An image as engines export it, and the digest of its configuration.
fn saved() -> (Vec<u8>, String) {
    use plimsoll_oci::testing::image::{ImageBuilder, LayerBuilder, Storage};
    let layer = LayerBuilder::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        .file("var/lib/dpkg/status", STATUS)
        .storage(Storage::Plain);
    let built = ImageBuilder::new().layer(layer).build();
    let config = built.config.unwrap();
    let manifest = serde_json::json!([{
        "Config": format!("{}.json", config.hex()),
        "RepoTags": ["acme/app:1"],
        "Layers": ["one/layer.tar"],
    }]);
    let archive = LayerBuilder::new()
        .file("one/layer.tar", &built.blobs[&built.layers[0].digest])
        .file(&format!("{}.json", config.hex()), &built.blobs[&config])
        .file("manifest.json", manifest.to_string())
        .tar();
    (archive, config.to_string())
}
