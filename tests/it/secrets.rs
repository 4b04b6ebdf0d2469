//! Secrets in an image: found in every layer, and told to nobody.

use crate::support::{Outcome, Sandbox, run, sandbox};
use camino::Utf8PathBuf;
use plimsoll_oci::testing::image::{BuiltImage, ImageBuilder, LayerBuilder};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Parts of secrets, put together at run time, so that there is none in this repository.
struct Canaries {
    token: String,
    key: String,
    argument: String,
    environment: String,
}

const BODY: &str = "Zq3vT8mXw2LrKp9Yh5Nc7BdJfG4sQa";

fn canaries() -> Canaries {
    Canaries {
        token: ["dop", "_v1_", &"4f9b0c7e1d2a8653".repeat(4)].concat(),
        key: format!(
            "-----BEGIN {}-----\n{}\n-----END {}-----\n",
            "PRIVATE KEY",
            BODY.repeat(3),
            "PRIVATE KEY"
        ),
        argument: ["hunter", "-2-", "in-the-history"].concat(),
        environment: ["AKIA", "Q3VT7MXW2LRKP5YH"].concat(),
    }
}

impl Canaries {
    /// What nothing that is written may contain.
    fn all(&self) -> [&str; 4] {
        let token = self.token.strip_prefix(&["dop", "_v1_"].concat()).unwrap();
        let environment = self.environment.strip_prefix("AKIA").unwrap();
        [token, BODY, &self.argument, environment]
    }
}

struct Port(Sandbox);

impl Port {
    fn new(image: &BuiltImage) -> Self {
        let sandbox = sandbox();
        sandbox.write("plimsoll.yaml", "version: 1\nrules: {IMG-002: warn}\n");
        let record = json!({
            "schema_version": "1.7.4", "id": "TEST-1", "modified": "2026-11-01T00:00:00Z", "summary": "x",
            "affected": [{
                "package": {"ecosystem": "Debian:12", "name": "zlib"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.1"}]}],
            }],
        });
        sandbox.write("advisories/TEST-1.json", record.to_string());
        image.write_layout(&sandbox.join("image"), Some("1"));
        Self(sandbox)
    }

    fn plimsoll(&self, arguments: &[&str]) -> Outcome {
        run(self.0.plimsoll().args(arguments))
    }

    fn run(&self, more: &[&str]) -> Outcome {
        let arguments = ["run", "oci-layout:image:1", "--advisories", "advisories"];
        self.plimsoll(&[&arguments[..], more].concat())
    }

    /// Every file in the sandbox.
    fn files(&self) -> BTreeSet<Utf8PathBuf> {
        let (mut files, mut pending) = (BTreeSet::new(), vec![self.0.path().to_owned()]);
        while let Some(directory) = pending.pop() {
            for entry in directory.read_dir_utf8().unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    pending.push(entry.path().to_owned());
                } else {
                    files.insert(entry.path().to_owned());
                }
            }
        }
        files
    }
}

fn debian() -> LayerBuilder {
    let status = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4+deb12u5\n\n";
    LayerBuilder::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
        .file("var/lib/dpkg/status", status)
        .file("etc/shadow", "root:*:19000:0:99999:7:::\n")
}

fn image(layers: impl IntoIterator<Item = LayerBuilder>) -> ImageBuilder {
    let builder = ImageBuilder::new().user("1000").healthcheck(&["CMD", "/x"]);
    layers.into_iter().fold(builder, ImageBuilder::layer)
}

/// Rule, path or field, and layer of every finding about secrets.
fn told(outcome: &Outcome) -> Vec<(String, String, Option<String>)> {
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let findings = report["decision"]["findings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let secret = findings
        .iter()
        .filter(|finding| finding["rule"].as_str().is_some_and(|rule| rule.starts_with("SEC-")));
    let told = secret.map(|finding| {
        let place = &finding["place"];
        let at = text(&place["path"]).or_else(|| text(&place["config"])).unwrap_or_default();
        (text(&finding["rule"]).unwrap(), at, text(&place["layer"]))
    });
    told.collect()
}

#[test]
fn a_secret_in_a_later_deleted_file_blocks_and_names_its_layer() {
    let canaries = canaries();
    let built = image([
        debian(),
        LayerBuilder::new().file("tmp/token", &canaries.token).file("app/key.pem", &canaries.key),
        LayerBuilder::new().whiteout("tmp/token"),
    ])
    .build();
    let layer = built.layers[1].digest.to_string();
    let port = Port::new(&built);
    let outcome = port.run(&["--no-attest", "-o", "json"]).expect_status(1);
    let at: Vec<_> = told(&outcome).into_iter().map(|(rule, at, _)| (rule, at)).collect();
    let expect = [("SEC-003", "/app/key.pem"), ("SEC-007", "/tmp/token")];
    assert_eq!(at, expect.map(|(rule, at)| (rule.to_owned(), at.to_owned())), "{}", outcome.stdout);
    assert!(outcome.stdout.contains(&layer), "{}", outcome.stdout);
    // The layers come out of the cache now, and say the same.
    let again = port.run(&["--no-attest", "-o", "json"]).expect_status(1);
    assert_eq!(told(&again), told(&outcome));
    let checked = port.plimsoll(&["check", "oci-layout:image:1", "-o", "json"]).expect_status(1);
    assert_eq!(told(&checked), told(&outcome));
}

#[test]
fn an_image_without_secrets_has_no_finding_about_them() {
    let app = LayerBuilder::new()
        .file("app/main.py", "import os\npassword = os.environ['DB_PASSWORD']\n")
        .file(
            "etc/ssl/certs/ca.pem",
            "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n",
        );
    let port =
        Port::new(&image([debian(), app, LayerBuilder::new().whiteout("app/main.py")]).build());
    let outcome = port.run(&["--no-attest", "-o", "json"]);
    assert_eq!(told(&outcome), [], "{}", outcome.stdout);
}

const FORMATS: [&str; 17] = [
    "table",
    "json",
    "markdown",
    "sarif",
    "openvex",
    "cyclonedx-json",
    "cyclonedx-xml",
    "spdx-json",
    "spdx3-json",
    "cyclonedx-vdr-json",
    "gitlab-container-scanning",
    "gitlab-dependency-scanning",
    "gitlab-codequality",
    "junit",
    "github",
    "csv",
    "html",
];

#[test]
fn e08_no_secret_of_an_image_is_in_any_output_evidence_or_record() {
    let canaries = canaries();
    let command =
        format!("RUN |1 NPM_TOKEN={} /bin/sh -c curl -H {} x", canaries.argument, canaries.token);
    let secret = LayerBuilder::new()
        .file("tmp/token", &canaries.token)
        .file("root/.ssh/id_rsa", &canaries.key)
        .file("app/run.sh", format!("#!/bin/sh\ncurl -u :{} x\n", canaries.token))
        .file("srv/.env", format!("A={}\n", canaries.environment))
        .created_by(&command);
    let env = json!([format!("AWS_ACCESS_KEY_ID={}", canaries.environment)]);
    let builder = image([
        debian().created_by("ADD"),
        secret,
        LayerBuilder::new().whiteout("tmp/token").created_by("RUN rm /tmp/token"),
    ]);
    let port = Port::new(&builder.config("Env", env).build());
    let dockerfile = format!("FROM debian\nENV TOKEN={}\n", canaries.token);
    port.0.write("Dockerfile", &dockerfile);
    let before = port.files();
    let outputs: Vec<String> =
        FORMATS.iter().map(|format| format!("{format}=out/{format}")).collect();
    std::fs::create_dir_all(port.0.join("out")).unwrap();
    let mut arguments = vec!["-vvv", "--dockerfile", "Dockerfile"];
    arguments.extend(outputs.iter().flat_map(|output| ["-o", output.as_str()]));
    let outcome = port.run(&arguments).expect_status(1);
    let mut texts = vec![outcome.stdout, outcome.stderr];
    for format in FORMATS {
        assert!(port.0.join("out").join(format).exists(), "{format}");
    }
    let report = std::fs::read_to_string(port.0.join("out/json")).unwrap();
    for rule in ["SEC-002", "SEC-003", "SEC-007", "SEC-008"] {
        assert!(report.contains(rule), "{rule}");
    }
    for arguments in [
        &["check", "oci-layout:image:1", "Dockerfile"][..],
        &["sbom", "oci-layout:image:1"],
        &["ledger", "list"],
        &["ledger", "export"],
    ] {
        let Outcome { stdout, stderr, .. } = port.plimsoll(arguments);
        texts.extend([stdout, stderr]);
    }
    let mut statements = 0;
    for file in port.files().difference(&before) {
        let bytes = std::fs::read(file).unwrap();
        if let Some(payload) = payload(&bytes) {
            statements += 1;
            texts.push(payload);
        }
        texts.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    assert!(statements >= 3, "{statements}");
    for text in texts {
        for canary in canaries.all() {
            assert!(!text.contains(canary), "{canary}: {text}");
        }
    }
}

/// What a bundle states.
fn payload(bytes: &[u8]) -> Option<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let bundle: Value = serde_json::from_slice(bytes).ok()?;
    let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str()?).ok()?;
    Some(String::from_utf8_lossy(&payload).into_owned())
}

#[test]
fn an_open_account_blocks_by_its_name_alone() {
    let open = LayerBuilder::new().file("etc/shadow", "root:::0:::::\nbin:!::0:::::\n");
    let port = Port::new(&image([debian(), open]).build());
    let outcome = port.run(&["--no-attest", "-o", "json"]).expect_status(1);
    let at: Vec<_> = told(&outcome).into_iter().map(|(rule, at, _)| (rule, at)).collect();
    assert_eq!(at, [("SEC-010".to_owned(), "/etc/shadow".to_owned())], "{}", outcome.stdout);
    // The file below it is hidden, and was fine.
    let mended = LayerBuilder::new().file("etc/shadow", "root:*::0:::::\n");
    let open = LayerBuilder::new().file("etc/shadow", "root:::0:::::\n");
    let port = Port::new(&image([open, debian(), mended]).build());
    assert_eq!(told(&port.run(&["--no-attest", "-o", "json"])), []);
}
