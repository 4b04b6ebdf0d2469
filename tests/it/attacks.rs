//! Attacks on the gate: whoever can shape an image, an index or a reference must not get a pass that is not deserved.

use crate::support::{Outcome, Sandbox, run, sandbox};
use plimsoll_model::platform::Platform;
use plimsoll_oci::testing::image::{BuiltImage, ImageBuilder, LayerBuilder};
use serde_json::{Value, json};

const OS_RELEASE: &str = "ID=debian\nVERSION_ID=\"12\"\n";
const BASE_FILES: &str = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4+deb12u5\n\n";
const OPENSSL: &str = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\nVersion: 3.0.11-1~deb12u1\n\n";
const LODASH: &str = r#"{"name":"lodash","version":"4.17.20"}"#;

/// A folder with advisories about Debian 11 and 12 and npm, and a policy that refuses what is severe.
struct Port(Sandbox);

impl Port {
    fn new() -> Self {
        let port = Self(sandbox());
        port.0.write("plimsoll.yaml", "version: 1\ngate: {fail: [{severity: high}]}\n");
        port.advisory("Debian:12", "openssl", "3.0.11-1~deb12u2");
        port.advisory("Debian:11", "openssl", "1.1.1w-0+deb11u1");
        port.advisory("Debian:12", "base-files", "1");
        port.advisory("npm", "lodash", "4.17.21");
        port
    }

    fn advisory(&self, ecosystem: &str, name: &str, fixed: &str) {
        let id = format!("TEST-{}-{name}", ecosystem.replace(':', "-"));
        let kind = if ecosystem == "npm" { "SEMVER" } else { "ECOSYSTEM" };
        let record = json!({
            "schema_version": "1.7.4", "id": id, "modified": "2026-11-01T00:00:00Z", "summary": "x",
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            "affected": [{
                "package": {"ecosystem": ecosystem, "name": name},
                "ranges": [{"type": kind, "events": [{"introduced": "0"}, {"fixed": fixed}]}],
            }],
        });
        self.0.write(format!("advisories/{id}.json"), record.to_string());
    }

    fn plimsoll(&self, arguments: &[&str]) -> Outcome {
        run(self.0.plimsoll().args(arguments))
    }

    /// What `scan` makes of an image.
    fn scan(&self, image: &BuiltImage) -> Outcome {
        self.lay(image);
        self.plimsoll(&["scan", "oci-layout:image:1", "--advisories", "advisories"])
    }

    /// Writes the layout `image` with this image alone, under the tag `1`.
    fn lay(&self, image: &BuiltImage) {
        let layout = self.0.join("image");
        if layout.exists() {
            std::fs::remove_dir_all(&layout).unwrap();
        }
        image.write_layout(&layout, Some("1"));
    }
}

fn debian(status: &str) -> LayerBuilder {
    LayerBuilder::new()
        .file("etc/os-release", OS_RELEASE)
        .file("var/lib/dpkg/status", format!("{BASE_FILES}{status}"))
}

fn image(layers: impl IntoIterator<Item = LayerBuilder>) -> BuiltImage {
    layers.into_iter().fold(ImageBuilder::new().user("1000"), ImageBuilder::layer).build()
}

#[test]
fn the_ground_the_attacks_start_from_is_judged() {
    let port = Port::new();
    port.scan(&image([debian("")])).expect_status(0);
    port.scan(&image([debian(OPENSSL)])).expect_status(1);
    let app = LayerBuilder::new().file("srv/app/node_modules/lodash/package.json", LODASH);
    port.scan(&image([debian(""), app])).expect_status(1);
}

#[test]
fn images_of_an_index_inside_the_index_do_not_sail_unjudged() {
    let port = Port::new();
    let other = |architecture: &str| Platform {
        os: "linux".to_owned(),
        architecture: architecture.to_owned(),
        ..Platform::host()
    };
    let good = image([debian("")]);
    let bad = ImageBuilder::new().platform(other("riscv64")).layer(debian(OPENSSL)).build();
    let digest = good.manifest.digest;
    let nested = BuiltImage::index([BuiltImage::index([good, bad])]);
    port.lay(&nested);
    let arguments = ["run", "oci-layout:image:1", "--platform", "linux/amd64"];
    let more = ["--advisories", "advisories", "--promote-to", "oci-layout:out:1", "-o", "json"];
    let outcome = port.plimsoll(&[&arguments[..], &more[..]].concat()).expect_status(0);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert!(
        report["subject"].to_string().contains(&digest.to_string()),
        "what is promoted is the image that was judged: {}",
        report["subject"]
    );
}

#[test]
fn e03_no_text_of_an_artifact_commands_the_runner() {
    let port = Port::new();
    let package = r#"{"name":"lodash","version":"4.17.20##[stop-commands]x##vso[task.complete]"}"#;
    let app =
        LayerBuilder::new().file("srv/##[add-mask]x/node_modules/lodash/package.json", package);
    port.lay(&image([debian(""), app]));
    for format in ["table", "json", "markdown", "sarif", "cyclonedx-json", "spdx-json"] {
        let arguments = ["scan", "oci-layout:image:1", "--advisories", "advisories", "-o", format];
        let Outcome { stdout, stderr, .. } = port.plimsoll(&arguments);
        assert!(stdout.contains("lodash"), "{format}: {stdout}\n{stderr}");
        for text in [stdout, stderr] {
            assert!(!text.contains("##["), "{format}: {text}");
            assert!(!text.contains("##vso["), "{format}: {text}");
        }
    }
}

#[test]
fn a_detour_through_a_layout_is_no_way_around_the_promotion_patterns() {
    let port = Port::new();
    port.0.write(
        "plimsoll.yaml",
        "version: 1\ngate: {fail: [{severity: high}]}\npromotion: {from: 'registry.corp/build/*', to: 'registry.corp/prod/*'}\n",
    );
    port.lay(&image([debian("")]));
    for to in ["registry.corp/prod/app:1", "registry.corp/else/app:1"] {
        let arguments =
            ["promote", "oci-layout:image:1", to, "--advisories", "advisories", "--offline"];
        let outcome = port.plimsoll(&arguments).expect_status(2);
        assert!(outcome.stderr.contains("permits no promotion"), "{}", outcome.stderr);
    }
}

#[test]
fn another_release_in_os_release_is_not_believed_against_the_packages() {
    let port = Port::new();
    for forged in [
        "ID=debian\nVERSION_ID=11\n",
        "ID=ubuntu\nVERSION_ID=12.04\n",
        "ID=debian\nVERSION_ID=12\nVERSION_ID=11\n",
    ] {
        let upper = LayerBuilder::new().file("etc/os-release", forged);
        let outcome = port.scan(&image([debian(OPENSSL), upper])).expect_status(3);
        assert!(outcome.stdout.contains("base-files"), "{}", outcome.stdout);
    }
}

#[test]
fn a_package_that_the_distribution_never_spoke_of_vouches_for_nothing() {
    let port = Port::new();
    let vendor =
        "Package: vendor-app\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n";
    let path = "usr/lib/vendor/node_modules/lodash/package.json";
    let image = image([debian(vendor)
        .file(path, LODASH)
        .file("var/lib/dpkg/info/vendor-app.list", format!("/{path}\n"))]);
    port.scan(&image).expect_status(1);
}

#[test]
fn d04_a_database_behind_a_linked_directory_is_not_passed_over() {
    let port = Port::new();
    let moved = |link: &str, to: &str, file: &str| {
        LayerBuilder::new()
            .file("etc/os-release", OS_RELEASE)
            .file(file, format!("{BASE_FILES}{OPENSSL}"))
            .symlink(link, to)
            // Something else to be found, so that it is not conspicuous that nothing is.
            .file("lib/apk/db/installed", "P:a\nV:1\n\n")
    };
    for (link, to, file) in [
        ("var/lib/dpkg", "/opt/dpkg", "opt/dpkg/status"),
        ("var", "opt", "opt/lib/dpkg/status"),
        ("var/lib/dpkg/status.d", "../../../opt/d", "opt/d/openssl"),
        ("var/lib/rpm", "/opt/rpm", "opt/rpm/rpmdb.sqlite"),
        ("var/lib/rpm", "/opt/rpm", "opt/rpm/Packages"),
    ] {
        port.lay(&image([moved(link, to, file)]));
        let outcome = port.plimsoll(&["sbom", "oci-layout:image:1", "-o", "json"]).expect_status(0);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let unknowns = report["inventory"]["unknowns"].as_array().unwrap();
        let is_told = unknowns.iter().any(|unknown| {
            unknown["path"].as_str() == Some(&format!("/{file}"))
                || unknown["path"].as_str().is_some_and(|path| path == "/opt/d")
        });
        assert!(is_told, "{link}: {unknowns:?}");
    }
}

#[test]
fn a_forged_file_list_gives_no_application_to_a_package_of_the_system() {
    let port = Port::new();
    for root in ["srv/app", "usr/local/lib", "opt/app", "home/u"] {
        let path = format!("{root}/node_modules/lodash/package.json");
        let app = LayerBuilder::new().file(&path, LODASH);
        let forged =
            LayerBuilder::new().file("var/lib/dpkg/info/base-files.list", format!("/.\n/{path}\n"));
        port.scan(&image([debian(""), app, forged])).expect_status(1);
    }
}

#[test]
fn what_does_not_pass_does_not_exit_as_passed_when_writing_fails() {
    let port = Port::new();
    port.0.write("taken", "");
    port.lay(&image([debian(OPENSSL)]));
    let judge = ["oci-layout:image:1", "--advisories", "advisories"];
    for (command, more) in [
        ("run", ["--ledger", "taken/ledger"]),
        ("run", ["--output", "json=taken/report"]),
        ("scan", ["--output", "json=taken/report"]),
    ] {
        let outcome = port.plimsoll(&[&[command], &judge[..], &more[..]].concat());
        let outcome = outcome.expect_status(1);
        assert!(outcome.stderr.contains("error: "), "{}", outcome.stderr);
    }
}

#[test]
fn a_ledger_that_was_tampered_with_does_not_say_that_no_build_went_bad() {
    for tampering in [
        "UPDATE entry SET verdict = 'blocked'",
        "UPDATE entry SET subject = 'sha256:0'",
        "DELETE FROM entry WHERE id = 1",
        "DELETE FROM entry",
    ] {
        let port = Port::new();
        let ledger = port.0.join("ledger");
        for layers in [vec![debian("")], vec![debian(""), LayerBuilder::new()]] {
            port.lay(&image(layers));
            let judge = ["run", "oci-layout:image:1", "--advisories", "advisories"];
            port.plimsoll(&[&judge[..], &["--ledger", "ledger"]].concat()).expect_status(0);
        }
        let flagged = ["ledger", "flagged", "--advisories", "advisories", "--ledger", "ledger"];
        port.plimsoll(&flagged).expect_status(0);
        rusqlite::Connection::open(ledger).unwrap().execute(tampering, ()).unwrap();
        port.plimsoll(&flagged).expect_status(3);
    }
}

#[test]
fn a_source_package_that_can_not_be_read_is_not_taken_for_none() {
    let port = Port::new();
    let status = OPENSSL.replace("Source: openssl", "Source: openssl (3.0.11-1~deb12u1");
    port.scan(&image([debian(&status)])).expect_status(3);
}

#[test]
fn d04_a_system_whose_database_and_name_were_removed_is_not_clean() {
    let port = Port::new();
    let loader = "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
    let removed = LayerBuilder::new().whiteout("var/lib/dpkg").whiteout("etc/os-release");
    port.scan(&image([debian(OPENSSL).file(loader, "x"), removed])).expect_status(3);
    // A program that brings nothing of a system is judged by what it says itself.
    port.scan(&image([LayerBuilder::new().file("app", "x")])).expect_status(0);
}

#[test]
fn d02_packages_behind_a_link_named_node_modules_are_not_passed_over() {
    let port = Port::new();
    let app = |root: &str, target: &str| {
        LayerBuilder::new()
            .file(&format!("{root}/lodash/package.json"), LODASH)
            .symlink("srv/app/node_modules", target)
    };
    port.scan(&image([debian(""), app("opt/x", "/opt/x")])).expect_status(3);
    port.scan(&image([debian(""), app("opt/x/y", "../../opt/x/y")])).expect_status(3);
    // Debian's node has a link to a directory without any package.
    let empty = LayerBuilder::new().directory("opt/e").symlink("srv/app/node_modules", "/opt/e");
    port.scan(&image([debian(""), empty])).expect_status(0);
    // Where the target is named like the link, its packages are found there.
    let named = app("opt/node_modules", "/opt/node_modules");
    port.scan(&image([debian(""), named])).expect_status(1);
}

/// A Dockerfile on an approved base, with a user and a health check, and what follows.
fn dockerfile(rest: &str) -> String {
    format!("FROM scratch\nUSER 1000\nHEALTHCHECK CMD [\"/x\"]\n{rest}")
}

#[test]
fn b14_a_dockerfile_accepts_its_own_defect_only_where_the_policy_lets_it() {
    let port = Port::new();
    let check = |defect: &str| {
        port.0.write("Dockerfile", dockerfile(defect));
        port.plimsoll(&["check", "Dockerfile", "-o", "json"])
    };
    // How long an exception may last is not asked here.
    let policy = "version: 1\nrules: {EXC-002: off}\n";
    port.0.write("plimsoll.yaml", policy);
    check("EXPOSE 8080\n").expect_status(0);
    check("EXPOSE 2375\n").expect_status(1);
    let excepted = "# plimsoll: except DF-081 until 2100-01-01 we need it\nEXPOSE 2375\n";
    let blocked = check(excepted).expect_status(1);
    assert!(blocked.stdout.contains("EXC-007"), "{}", blocked.stdout);
    port.0.write("plimsoll.yaml", format!("{policy}inline-exceptions: {{allow: [DF-081]}}\n"));
    let accepted = check(excepted).expect_status(0);
    assert!(accepted.stdout.contains("we need it"), "{}", accepted.stdout);
    // One that has expired, or stands somewhere else, is none.
    check(&excepted.replace("2100", "2020")).expect_status(1);
    check("EXPOSE 2375\n# plimsoll: except DF-081 until 2100-01-01 we need it\n").expect_status(1);
}

#[test]
fn what_is_left_out_of_a_context_is_read_beside_the_dockerfile() {
    let port = Port::new();
    port.0.write("app/Dockerfile", dockerfile("COPY . /app\n"));
    let warns = || {
        let outcome = port.plimsoll(&["check", "app", "-o", "json"]).expect_status(0);
        outcome.stdout.contains("SEC-004")
    };
    assert!(warns());
    port.0.write(".dockerignore", ".git\n.env\n");
    assert!(!warns());
    // The nearest counts, and that of the file's own name before it; neither is taken for a Dockerfile.
    port.0.write("app/.dockerignore", "node_modules\n");
    assert!(warns());
    port.0.write("app/Dockerfile.dockerignore", "*\n!src\n");
    assert!(!warns());
}

#[test]
fn d6_layers_that_are_not_those_of_the_configuration_are_refused() {
    let port = Port::new();
    let layer = || debian("").file("app", "x");
    port.scan(&image([layer()])).expect_status(0);
    let other = plimsoll_model::Digest::of(b"another layer");
    let outcome = port.scan(&image([layer().claim_diff_id(other)])).expect_status(3);
    assert!(outcome.stderr.contains(&other.to_string()), "{}", outcome.stderr);
    assert!(outcome.stdout.is_empty(), "{}", outcome.stdout);
}

#[test]
fn d7_an_image_of_dockers_first_schema_is_refused_whatever_it_calls_itself() {
    let old = json!({
        "schemaVersion": 1, "name": "app", "tag": "1", "architecture": "amd64",
        "fsLayers": [], "history": [], "signatures": [],
    });
    let (oci, docker) = (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    );
    for media_type in [oci, docker] {
        let port = Port::new();
        port.scan(&image([debian("")])).expect_status(0);
        let bytes = old.to_string();
        let digest = plimsoll_model::Digest::of(bytes.as_bytes());
        port.0.write(format!("image/blobs/sha256/{}", digest.hex()), &bytes);
        let index = json!({"schemaVersion": 2, "manifests": [{
            "mediaType": media_type, "digest": digest, "size": bytes.len(),
            "annotations": {"org.opencontainers.image.ref.name": "1"},
        }]});
        port.0.write("image/index.json", index.to_string());
        let scan = ["scan", "oci-layout:image:1", "--advisories", "advisories"];
        let outcome = port.plimsoll(&scan).expect_status(3);
        assert!(outcome.stderr.contains("is a manifest of schema 1"), "{}", outcome.stderr);
    }
}
