//! Publishers that sign attestations about their images, and not the images.

use super::{Dock, listed, lowest, rules, second};
use crate::support::{Harbour, harbour, registry};
use plimsoll_attest::testing::{Claims, Instance};
use plimsoll_model::platform::Platform;
use plimsoll_oci::{
    manifest::Descriptor,
    testing::image::{BuiltImage, ImageBuilder, LayerBuilder, Storage},
};
use serde_json::{Value, json};

const SOURCE: &str = "https://github.com/acme/base";
const BUILDER: &str = "docker/github-builder/.github/workflows/build.yml";
const NAME: &str = "registry.example/acme/base:1";
const POLICY: &str = "version: 1\nbases:\n  lock: bases.lock\n  allow: [{repository: \"registry.example/acme/*\", signer: docker-github-builder, source: \"https://github.com/acme/base\"}]\nrules: {IMG-002: off}\n";

fn described(descriptor: &Descriptor) -> Value {
    let Descriptor { media_type, digest, size, .. } = descriptor;
    json!({"mediaType": media_type, "digest": digest, "size": size})
}

/// An index with an image and attestations, which BuildKit says are about it; what they say themselves is their subject.
fn index(image: &BuiltImage, subject: Option<Value>, about: &str) -> (BuiltImage, BuiltImage) {
    // An archive, so that Plimsoll can sign it as it would an image.
    let statement = Storage::Gzip.store(&LayerBuilder::new().file("statement", "{}").tar());
    let layer = Descriptor::of("application/vnd.oci.image.layer.v1.tar+gzip", &statement);
    let mut layers = json!([described(&layer)]);
    layers[0]["annotations"] =
        json!({"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"});
    let unknown = || "unknown".to_owned();
    let builder = ImageBuilder::new()
        .platform(Platform { os: unknown(), architecture: unknown(), ..Platform::host() })
        .layer(LayerBuilder::new().file("statement", "{}").stored_as(statement))
        .manifest("layers", layers);
    let builder = match subject {
        Some(subject) => builder.manifest("subject", subject),
        None => builder,
    };
    let mut attestations = builder.build();
    let annotations = [
        ("vnd.docker.reference.type", "attestation-manifest".to_owned()),
        ("vnd.docker.reference.digest", about.to_owned()),
    ];
    let annotations = annotations.map(|(key, value)| (key.to_owned(), value));
    attestations.manifest.annotations.extend(annotations);
    (BuiltImage::index([image.clone(), attestations.clone()]), attestations)
}

struct Yard {
    dock: Dock,
    harbour: Harbour,
    image: BuiltImage,
}

impl Yard {
    fn new() -> Self {
        let dock = Dock::new();
        dock.sandbox.write("plimsoll.yaml", POLICY);
        let image = ImageBuilder::new().layer(lowest()).layer(second()).build();
        Self { dock, harbour: harbour(), image }
    }

    /// Lays out an image with attestations whose subject is it.
    fn lay(&self) -> BuiltImage {
        let manifest = &self.image.manifest;
        let (index, attestations) =
            index(&self.image, Some(described(manifest)), &manifest.digest.to_string());
        self.dock.lay(&index);
        attestations
    }

    /// Signs something in a place by a job, and gives how to verify that.
    fn sign(&self, subject: &str, claims: &Claims) -> Vec<String> {
        let sandbox = &self.dock.sandbox;
        let token = sandbox.write("token", self.harbour.token(claims));
        let mut attest = sandbox.plimsoll();
        attest.args(["attest", subject, "--type", "provenance"]);
        attest.args(self.harbour.arguments(sandbox, Instance::RekorV1));
        crate::support::run(attest.args(["--identity-token", token.as_str()])).expect_status(0);
        vec!["--trusted-root".to_owned(), sandbox.join("trusted_root.json").to_string()]
    }

    /// Approves the layout; the reasons where it is refused.
    fn approve(&self, root: &[String], status: i32) -> String {
        let mut plimsoll = self.dock.sandbox.plimsoll();
        plimsoll.args([
            "base",
            "approve",
            "oci-layout:image:1",
            "--approver",
            "test",
            "--as",
            NAME,
        ]);
        crate::support::run(plimsoll.args(root)).expect_status(status).stderr
    }

    fn root(&self) -> Vec<String> {
        let root = self.dock.sandbox.write("trusted_root.json", self.harbour.trusted_root());
        vec!["--trusted-root".to_owned(), root.to_string()]
    }
}

/// A job of `repository` in Docker's workflow.
fn job(repository: &str, workflow: &str) -> Claims {
    Claims::github(repository).with("job_workflow_ref", workflow)
}

fn at(reference: &str) -> String {
    format!("{BUILDER}@{reference}")
}

#[test]
fn what_dockers_workflow_signs_for_a_repository_is_approved_for_that_alone() {
    let yard = Yard::new();
    yard.lay();
    let said = yard.approve(&yard.root(), 1);
    assert!(said.contains("there is none"), "{said}");
    for (repository, workflow, runner) in [
        ("evil/base", at("refs/tags/v1"), "github-hosted"),
        ("acme/base", at("refs/heads/evil"), "github-hosted"),
        // A commit may be one of a fork.
        ("acme/base", at(&"a".repeat(40)), "github-hosted"),
        ("acme/base", at("refs/tags/v1"), "self-hosted"),
        (
            "acme/base",
            BUILDER.replace("github-builder", "github-builder2") + "@refs/tags/v1",
            "github-hosted",
        ),
        (
            "acme/base",
            "acme/base/.github/workflows/build.yml@refs/tags/v1".to_owned(),
            "github-hosted",
        ),
    ] {
        let attestations = yard.lay();
        let subject = format!("oci-layout:image@{}", attestations.manifest.digest);
        let claims = job(repository, &workflow).with("runner_environment", runner);
        let root = yard.sign(&subject, &claims);
        let said = yard.approve(&root, 1);
        assert!(said.contains("none that is there is it"), "{repository} {workflow}: {said}");
    }
    for reference in ["refs/tags/v1", "refs/heads/main"] {
        let attestations = yard.lay();
        let subject = format!("oci-layout:image@{}", attestations.manifest.digest);
        let root = yard.sign(&subject, &job("acme/base", &at(reference)));
        yard.approve(&root, 0);
    }
    let entries = listed(&yard.dock);
    let entry = entries.iter().find(|entry| entry["name"] == NAME).unwrap();
    let signature = &entry["signature"];
    assert_eq!(
        (&signature["publisher"], &signature["source"]),
        (&json!("docker-github-builder"), &json!(SOURCE))
    );
    // The index is signed by nobody: what it names besides is not approved.
    assert_eq!(
        (&entry["index"], &entry["platforms"][0]["manifest"]),
        (&Value::Null, &json!(yard.image.manifest.digest))
    );
    assert_eq!(yard.dock.judge(None, Some(NAME), 0), rules([]));
    // The gate holds the lock to the repository, offline.
    let other = POLICY.replace(SOURCE, "https://github.com/acme/other");
    yard.dock.sandbox.write("plimsoll.yaml", other);
    assert_eq!(yard.dock.judge(None, Some(NAME), 1), rules(["BASE-053"]));
}

#[test]
fn what_an_index_says_of_attestations_is_not_what_they_are_about() {
    let yard = Yard::new();
    let other = ImageBuilder::new().layer(lowest()).build();
    let about = yard.image.manifest.digest.to_string();
    for (subject, reason) in [
        (None, "they name no image as their subject"),
        (Some(described(&other.manifest)), "their subject is sha256:"),
    ] {
        let (index, attestations) = index(&yard.image, subject, &about);
        yard.dock.lay(&index);
        let subject = format!("oci-layout:image@{}", attestations.manifest.digest);
        let root = yard.sign(&subject, &job("acme/base", &at("refs/tags/v1")));
        let said = yard.approve(&root, 1);
        assert!(said.contains(reason), "{said}");
    }
    // The image itself is signed, which Docker's workflow does not do.
    yard.lay();
    let subject = format!("oci-layout:image@{}", yard.image.manifest.digest);
    let root = yard.sign(&subject, &job("acme/base", &at("refs/tags/v1")));
    let said = yard.approve(&root, 1);
    assert!(said.contains("there is none"), "{said}");
}

#[test]
fn attestations_in_a_registry_are_followed_to_their_signature() {
    let (yard, Some(registry)) = (Yard::new(), registry()) else { return };
    let attestations = yard.lay();
    let layout = yard.dock.sandbox.join("image");
    let Some(name) = registry.push(&layout, "1", "acme/base:1") else { return };
    let policy = POLICY.replace("registry.example", registry.address());
    yard.dock.sandbox.write("plimsoll.yaml", policy);
    let approve = |root: &[String], status: i32| {
        let mut plimsoll = yard.dock.sandbox.plimsoll();
        plimsoll.args(["base", "approve", &name, "--approver", "test"]);
        crate::support::run(plimsoll.args(root)).expect_status(status)
    };
    let said = approve(&yard.root(), 1).stderr;
    assert!(said.contains("there is none"), "{said}");
    let repository = name.strip_suffix(":1").unwrap();
    let subject = format!("{repository}@{}", attestations.manifest.digest);
    let root = yard.sign(&subject, &job("acme/base", &at("refs/tags/v1")));
    approve(&root, 0);
    // A registry that does not answer leaves it open.
    drop(registry);
    approve(&root, 3);
}
