//! The whole pipeline on an image that nobody here wrote, with tools that nobody here wrote on both sides of it.

use crate::support::{
    Outcome, Registry, Sandbox, oracle, real_image, registry, root, run, sandbox, shared,
};
use camino::Utf8PathBuf;
use serde_json::{Value, json};

/// A policy that judges the real image by the advisories there are: none for npm are among them, and it says so.
const POLICY: &str = r#"
version: 1
extends: baseline
gate:
  fail: [{severity: critical}, {malicious: true}]
bases:
  lock: bases.lock
  allow:
    - {repository: "docker.io/library/*", only: official, pin: digest}
rules:
  VUL-004: {action: warn, allow: [npm]}
evidence:
  require: [provenance, sbom, vulnerabilities]
promotion: {from: "127.0.0.1:*/build/*", to: "127.0.0.1:*/prod/*", immutable-tags: ["v*"]}
"#;

struct Harbour {
    sandbox: Sandbox,
    registry: Registry,
    layout: Utf8PathBuf,
}

/// A registry with the real image in it, an index of the shared advisories, and the base image approved.
fn harbour(policy: &str) -> Option<Harbour> {
    let (image, registry, osv) = (real_image()?, registry()?, shared("data/osv")?);
    oracle("skopeo")?;
    let sandbox = sandbox();
    sandbox.write("plimsoll.yaml", policy);
    registry.push(&image.layout, "app", "build/app:1")?;
    let harbour = Harbour { sandbox, registry, layout: image.layout };
    harbour.plimsoll(&["db", "import", osv.as_str()]).expect_status(0);
    let base = format!("oci-layout:{}:base", harbour.layout);
    harbour
        .plimsoll(&[
            "base",
            "approve",
            &base,
            "--as",
            "docker.io/library/debian:12",
            "--approver",
            "test",
        ])
        .expect_status(0);
    Some(harbour)
}

impl Harbour {
    fn plimsoll(&self, arguments: &[&str]) -> Outcome {
        run(self.sandbox.plimsoll().args(arguments))
    }

    fn report(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.sandbox.join("report.json")).unwrap()).unwrap()
    }

    /// The digest that a tag names, by skopeo.
    fn digest(&self, name: &str) -> String {
        let mut skopeo = self.sandbox.command(oracle("skopeo").unwrap());
        skopeo.args(["inspect", "--tls-verify=false", "--format", "{{.Digest}}"]);
        let outcome =
            run(skopeo.arg(format!("docker://{}", self.registry.reference(name)))).expect_status(0);
        outcome.stdout.trim().to_owned()
    }
}

#[test]
fn a_debian_image_passes_is_promoted_and_a_second_promotion_uploads_nothing() {
    let Some(harbour) = harbour(POLICY) else { return };
    let (from, to) =
        (harbour.registry.reference("build/app:1"), harbour.registry.reference("prod/app:1"));
    harbour
        .plimsoll(&[
            "run",
            &from,
            "--promote-to",
            &to,
            "--source",
            root().as_str(),
            "-o",
            "json=report.json",
        ])
        .expect_status(0);
    let report = harbour.report();
    assert_eq!(report["decision"]["verdict"], "passed");
    assert!(
        report["base"].as_str().unwrap().starts_with("docker.io/library/debian:12"),
        "{}",
        report["base"]
    );
    assert_eq!(harbour.digest("prod/app:1"), harbour.digest("build/app:1"));

    let verified = harbour.plimsoll(&["verify", &to, "-o", "json"]).expect_status(0);
    let verified: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!(verified["exitStatus"], 0);

    let again =
        harbour.plimsoll(&["promote", &from, &to, "-o", "json=report.json"]).expect_status(0);
    let promotion = &harbour.report()["promotion"];
    assert_eq!(promotion["blobsUploaded"], 0, "{again:?}");
    assert_eq!(promotion["manifestsWritten"], 0, "{again:?}");
    assert_eq!(promotion["summary"], Value::Null, "{again:?}");
}

#[test]
fn without_a_word_in_the_policy_what_was_not_evaluated_keeps_the_image_ashore() {
    let Some(harbour) =
        harbour(&POLICY.replace("  VUL-004: {action: warn, allow: [npm]}\n", "  BASE-012: warn\n"))
    else {
        return;
    };
    let (from, to) =
        (harbour.registry.reference("build/app:1"), harbour.registry.reference("prod/app:1"));
    harbour
        .plimsoll(&["run", &from, "--promote-to", &to, "-o", "json=report.json"])
        .expect_status(3);
    let report = harbour.report();
    assert_eq!(report["decision"]["verdict"], "undecided");
    assert_ne!(report["scan"]["counts"]["notEvaluated"], json!(0));
    let mut skopeo = harbour.sandbox.command(oracle("skopeo").unwrap());
    skopeo.args(["inspect", "--tls-verify=false"]).arg(format!("docker://{to}"));
    assert_ne!(run(&mut skopeo).status, 0, "nothing may be at the destination");
}

#[test]
fn an_image_without_the_evidence_that_is_required_is_not_promoted() {
    let Some(harbour) = harbour(POLICY) else { return };
    let (from, to) =
        (harbour.registry.reference("build/app:1"), harbour.registry.reference("prod/app:1"));
    harbour.plimsoll(&["promote", &from, &to, "-o", "json=report.json"]).expect_status(1);
    let report = harbour.report();
    let rules: Vec<_> = report["decision"]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["effect"] == "blocks")
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert!(rules.contains(&"ATT-001") && rules.contains(&"ATT-002"), "{rules:?}");
}

/// The purls of everything in a subject.
fn purls(sandbox: &Sandbox, subject: &str) -> Vec<String> {
    let outcome = run(sandbox.plimsoll().args(["sbom", subject, "-o", "json"])).expect_status(0);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let components = report["inventory"]["components"].as_array().unwrap().iter();
    components.map(|component| component["purl"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_same_image_in_every_form_that_skopeo_writes_has_the_same_inventory() {
    let (Some(image), Some(skopeo)) = (real_image(), oracle("skopeo")) else { return };
    let sandbox = sandbox();
    let layout = format!("oci:{}:app", image.layout);
    let copy = |arguments: &[&str], to: &str| {
        let mut command = sandbox.command(&skopeo);
        command.args(["--insecure-policy", "copy", "--quiet"]).args(arguments);
        run(command.args([layout.as_str(), to])).expect_status(0);
    };
    copy(&[], "docker-archive:image.tar:team/app:1");
    copy(&[], "oci-archive:image.oci.tar:1");
    copy(&["--dest-compress-format", "zstd"], "oci:zstd:1");
    let expect = purls(&sandbox, &format!("oci-layout:{}:app", image.layout));
    assert!(expect.len() > 100);
    for subject in ["docker-archive:image.tar", "oci-archive:image.oci.tar", "oci-layout:zstd:1"] {
        assert_eq!(purls(&sandbox, subject), expect, "{subject}");
    }
}
