//! Forged bases: nothing that somebody says of a base stands against the layers, and no name that looks right is right.

use crate::support::{Harbour, Outcome, Sandbox, harbour, run, sandbox};
use plimsoll_attest::testing::{Claims, Instance};
use plimsoll_model::{Digest, platform::Platform};
use plimsoll_oci::{
    manifest::Descriptor,
    testing::image::{BuiltImage, ImageBuilder, LayerBuilder},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

mod flattened;
mod lock;
mod outdated;
mod publishers;

const OS_RELEASE: &str = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n";
/// The exit status of what can not be told.
const UNDECIDED: i32 = 3;
/// The exit status where no key is left to verify with.
const NO_KEY: i32 = 2;
const NAME: &str = "org.opencontainers.image.base.name";
const POLICY: &str = "version: 1\nbases: {lock: bases.lock}\nrules: {IMG-002: off}\n";
/// How the good image is built, but for its `FROM`.
const STEPS: &str = "COPY app /srv/app\nUSER 10001\nHEALTHCHECK CMD [\"/srv/app\"]\n";

/// A lock that approves `docker.io/library/debian:12`, and whatever image is judged by it.
struct Dock {
    sandbox: Sandbox,
    base: BuiltImage,
}

impl Dock {
    fn new() -> Self {
        let dock = Self { sandbox: sandbox(), base: base().build() };
        dock.sandbox.write("plimsoll.yaml", POLICY);
        dock.approve(&dock.base, &[]).expect_status(0);
        dock
    }

    fn plimsoll(&self, arguments: &[&str]) -> Outcome {
        run(self.sandbox.plimsoll().args(arguments))
    }

    fn approve(&self, image: &BuiltImage, more: &[&str]) -> Outcome {
        self.lay(image);
        let arguments = ["base", "approve", "oci-layout:image:1", "--approver", "test"];
        let name = ["--as", "docker.io/library/debian:12"];
        self.plimsoll(&[&arguments[..], &name[..], more].concat())
    }

    /// Writes the layout `image` with this image alone.
    fn lay(&self, image: &BuiltImage) {
        let layout = self.sandbox.join("image");
        if layout.exists() {
            std::fs::remove_dir_all(&layout).unwrap();
        }
        image.write_layout(&layout, Some("1"));
    }

    /// What `check` says of an image, and the Dockerfile beside it.
    #[track_caller]
    fn judge(
        &self,
        image: Option<&BuiltImage>,
        from: Option<&str>,
        status: i32,
    ) -> BTreeSet<String> {
        let mut arguments = vec!["check", "-o", "json"];
        if let Some(image) = image {
            self.lay(image);
            arguments.push("oci-layout:image:1");
        }
        if let Some(from) = from {
            self.sandbox.write("Dockerfile", format!("FROM {from}\n{STEPS}"));
            arguments.push("Dockerfile");
        }
        blocking(&self.plimsoll(&arguments).expect_status(status))
    }

    #[track_caller]
    fn image(&self, image: &BuiltImage, status: i32) -> BTreeSet<String> {
        self.judge(Some(image), None, status)
    }

    /// The approved image by its digest.
    fn pinned(&self) -> String {
        format!("docker.io/library/debian:12@{}", self.base.manifest.digest)
    }
}

/// The rules whose findings block.
fn blocking(outcome: &Outcome) -> BTreeSet<String> {
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let findings = report["decision"]["findings"].as_array().unwrap().iter();
    let blocks = findings
        .filter(|finding| matches!(finding["effect"].as_str(), Some("blocks" | "undecided")));
    blocks.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

fn rules<const N: usize>(ids: [&str; N]) -> BTreeSet<String> {
    ids.map(str::to_owned).into()
}

fn lowest() -> LayerBuilder {
    LayerBuilder::new().file("etc/os-release", OS_RELEASE).created_by("ADD rootfs.tar /")
}

fn second() -> LayerBuilder {
    LayerBuilder::new().file("usr/bin/tool", "tool").created_by("RUN /bin/sh -c make-tool")
}

fn app() -> LayerBuilder {
    LayerBuilder::new().file("srv/app", "app").created_by("COPY app /srv/app")
}

fn base() -> ImageBuilder {
    ImageBuilder::new().layer(lowest()).layer(second())
}

fn built(layers: impl IntoIterator<Item = LayerBuilder>) -> ImageBuilder {
    let image = ImageBuilder::new().user("10001").config("Entrypoint", json!(["/srv/app"]));
    layers.into_iter().fold(image, ImageBuilder::layer)
}

/// An image on the approved base.
fn honest() -> ImageBuilder {
    built([lowest(), second(), app()])
}

/// An image on something that is not approved.
fn forged() -> ImageBuilder {
    built([lowest().file("usr/bin/backdoor", "x"), second(), app()])
}

#[test]
fn what_is_built_on_the_approved_base_passes_with_every_truth_about_it() {
    let dock = Dock::new();
    let digest = dock.base.manifest.digest.to_string();
    assert_eq!(dock.image(&honest().build(), 0), rules([]));
    let told = honest().label(NAME, "docker.io/library/debian:12").manifest(
        "annotations",
        json!({NAME: "debian:12", "org.opencontainers.image.base.digest": digest}),
    );
    assert_eq!(dock.image(&told.build(), 0), rules([]));
    assert_eq!(dock.judge(Some(&honest().build()), Some(&dock.pinned()), 0), rules([]));
    assert_eq!(dock.judge(None, Some(&dock.pinned()), 0), rules([]));
}

#[test]
fn a_forged_annotation_is_a_contradiction() {
    let dock = Dock::new();
    let digest = dock.base.manifest.digest.to_string();
    for annotations in [
        json!({NAME: "docker.io/library/debian:12"}),
        json!({NAME: "debian:12", "org.opencontainers.image.base.digest": digest}),
        json!({"org.opencontainers.image.base.digest": digest}),
    ] {
        let image = forged().manifest("annotations", annotations.clone()).build();
        let expect = rules(["BASE-050", "BASE-051"]);
        assert_eq!(dock.image(&image, 1), expect, "{annotations}");
    }
    assert_eq!(dock.image(&forged().build(), 3), rules(["BASE-050"]));
}

#[test]
fn a_forged_label_is_a_contradiction() {
    let dock = Dock::new();
    let digest = dock.base.manifest.digest.to_string();
    for (key, value) in
        [(NAME, "docker.io/library/debian:12"), ("org.opencontainers.image.base.digest", &digest)]
    {
        let image = forged().label(key, value).build();
        assert_eq!(dock.image(&image, 1), rules(["BASE-050", "BASE-051"]), "{key}");
    }
    // An honest annotation beside it does not cover for it.
    let other = json!({NAME: "docker.io/acme/own:1"});
    let both = forged().label(NAME, "debian:12").manifest("annotations", other).build();
    assert_eq!(dock.image(&both, 1), rules(["BASE-050", "BASE-051"]));
}

#[test]
fn unsigned_provenance_of_the_builder_proves_nothing() {
    let dock = Dock::new();
    for (image, status, expect) in [(forged(), 3, rules(["BASE-050"])), (honest(), 0, rules([]))] {
        let image = image.build();
        let index = with_provenance(image, &dock.base.manifest.digest);
        assert_eq!(dock.image(&index, status), expect);
    }
}

/// An index of an image and what BuildKit would say of it, by whoever pushes: that it was built on `base`.
fn with_provenance(image: BuiltImage, base: &Digest) -> BuiltImage {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{"name": "app", "digest": {"sha256": image.manifest.digest.hex()}}],
        "predicate": {
            "builder": {"id": "https://github.com/docker/build-push-action"},
            "buildType": "https://mobyproject.org/buildkit@v1",
            "materials": [{"uri": "pkg:docker/debian@12?platform=linux%2Famd64", "digest": {"sha256": base.hex()}}],
        },
    })
    .to_string();
    let layer = Descriptor::of("application/vnd.in-toto+json", statement.as_bytes());
    let layers = json!([{
        "mediaType": layer.media_type, "digest": layer.digest.to_string(), "size": layer.size,
        "annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"},
    }]);
    let unknown = || "unknown".to_owned();
    let mut attestation = ImageBuilder::new()
        .platform(Platform { os: unknown(), architecture: unknown(), ..Platform::host() })
        .layer(LayerBuilder::new().stored_as(statement.into_bytes()))
        .manifest("layers", layers)
        .build();
    let about = [
        ("vnd.docker.reference.type", "attestation-manifest".to_owned()),
        ("vnd.docker.reference.digest", image.manifest.digest.to_string()),
    ];
    let about = about.map(|(key, value)| (key.to_owned(), value));
    attestation.manifest.annotations.extend(about);
    BuiltImage::index([image, attestation])
}

#[test]
fn a_squashed_image_has_no_base_that_can_be_told() {
    let dock = Dock::new();
    let squashed = lowest().file("usr/bin/tool", "tool").file("srv/app", "app");
    assert_eq!(dock.image(&built([squashed.clone()]).build(), 3), rules(["BASE-050"]));
    // That the Dockerfile names an approved base is no proof; that the layers are others is a contradiction.
    let image = built([squashed]).build();
    assert_eq!(dock.judge(Some(&image), Some(&dock.pinned()), 1), rules(["BASE-050", "BASE-051"]));
}

#[test]
fn an_old_digest_under_the_approved_tag_is_not_what_was_approved() {
    let dock = Dock::new();
    let old = ImageBuilder::new().layer(lowest().file("usr/bin/old", "flaw")).build();
    let from = format!("docker.io/library/debian:12@{}", old.manifest.digest);
    assert_eq!(dock.judge(None, Some(&from), 1), rules(["BASE-001"]));
    let image = built([lowest().file("usr/bin/old", "flaw"), app()]).build();
    assert_eq!(dock.image(&image, 3), rules(["BASE-050"]));
    // Under the tag alone it is the layers that tell.
    let from = "docker.io/library/debian:12";
    assert_eq!(dock.judge(Some(&image), Some(from), 1), rules(["BASE-050", "BASE-051"]));
    assert_eq!(dock.judge(Some(&honest().build()), Some(from), 0), rules([]));
}

#[test]
fn names_that_look_like_the_approved_one_are_denied() {
    let dock = Dock::new();
    let digest = dock.base.manifest.digest;
    for (name, expect) in [
        ("evil.io/library/debian", rules(["BASE-001", "BASE-020", "BASE-031"])),
        (
            "docker.io.evil.io/library/debian",
            rules(["BASE-001", "BASE-020", "BASE-030", "BASE-031"]),
        ),
        ("debain", rules(["BASE-001", "BASE-020", "BASE-030", "BASE-032"])),
        ("docker.io/library/debain", rules(["BASE-001", "BASE-020", "BASE-030", "BASE-032"])),
        ("d0cker.io/library/debian", rules(["BASE-001", "BASE-020", "BASE-030", "BASE-031"])),
        ("somebody/debian", rules(["BASE-001", "BASE-020"])),
    ] {
        // The digest of the approved image beside it makes another name no better.
        for from in [format!("{name}:12"), format!("{name}:12@{digest}")] {
            assert_eq!(dock.judge(None, Some(&from), 1), expect, "{from}");
        }
    }
    for from in ["debian:12", "index.docker.io/library/debian:12", "library/debian:12"] {
        assert_eq!(dock.judge(None, Some(from), 0), rules([]), "{from}");
    }
}

#[test]
fn the_layers_of_the_base_anywhere_but_below_prove_nothing() {
    let dock = Dock::new();
    let evil = || LayerBuilder::new().file("usr/bin/backdoor", "x").created_by("RUN x");
    for layers in [
        vec![evil(), lowest(), second(), app()],
        vec![lowest(), evil(), second(), app()],
        vec![second(), lowest(), app()],
        vec![lowest(), app()],
    ] {
        assert_eq!(dock.image(&built(layers).build(), 3), rules(["BASE-050"]));
    }
}

#[test]
fn a_configuration_that_claims_the_layers_of_the_base_is_rejected() {
    let dock = Dock::new();
    let claimed = Digest::of(&lowest().tar());
    let evil = lowest().file("usr/bin/backdoor", "x").claim_diff_id(claimed);
    dock.lay(&built([evil, second(), app()]).build());
    let outcome = dock.plimsoll(&["check", "oci-layout:image:1"]).expect_status(3);
    assert!(outcome.stderr.contains(&claimed.to_string()), "{}", outcome.stderr);
    // More layers in the configuration than there are.
    let diff_ids: Vec<_> =
        [lowest(), second(), app()].map(|layer| Digest::of(&layer.tar()).to_string()).into();
    let config = json!({"type": "layers", "diff_ids": diff_ids});
    dock.lay(&built([app()]).top("rootfs", config).build());
    let outcome = dock.plimsoll(&["check", "oci-layout:image:1"]).expect_status(3);
    assert!(outcome.stderr.contains("layers"), "{}", outcome.stderr);
    dock.lay(&honest().build());
    dock.plimsoll(&["check", "oci-layout:image:1"]).expect_status(0);
}

#[test]
fn a_lock_by_somebody_else_approves_nothing() {
    let dock = Dock::new();
    let text = std::fs::read_to_string(dock.sandbox.join("bases.lock")).unwrap();
    let other = Dock::new();
    let forged = std::fs::read_to_string(other.sandbox.join("bases.lock")).unwrap();
    dock.sandbox.write("bases.lock", forged);
    dock.lay(&honest().build());
    dock.plimsoll(&["check", "oci-layout:image:1"]).expect_status(3);
    dock.sandbox.write("bases.lock", text);
    dock.plimsoll(&["check", "oci-layout:image:1"]).expect_status(0);
}

/// The lock as `base list` shows it.
fn listed(dock: &Dock) -> Vec<Value> {
    let outcome = dock.plimsoll(&["base", "list", "-o", "json"]).expect_status(0);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    report["entries"].as_array().unwrap().clone()
}

#[test]
fn an_approval_keeps_what_was_looked_at() {
    let dock = Dock::new();
    let [entry] = &listed(&dock)[..] else { panic!() };
    let (base, diff_ids) = (&dock.base, [lowest(), second()].map(|layer| Digest::of(&layer.tar())));
    assert_eq!(entry["osRelease"], "Debian GNU/Linux 12");
    assert_eq!(entry["index"], Value::Null);
    assert_eq!(entry["replaces"], Value::Null);
    assert_eq!(entry["signature"], Value::Null);
    assert_eq!(entry["scan"], Value::Null);
    assert_eq!(
        entry["platforms"],
        json!([{
            "platform": "linux/amd64", "manifest": base.manifest.digest, "config": base.config, "diffIds": diff_ids,
            "user": null, "onBuild": [], "labels": {},
        }])
    );
    // The next approval of the same name says what it replaces, and another one of the same image keeps that.
    let newer = base_with("newer");
    for _ in 0..2 {
        dock.approve(&newer, &[]).expect_status(0);
        let entries = listed(&dock);
        let entry = entries
            .iter()
            .find(|entry| entry["platforms"][0]["manifest"] == json!(newer.manifest.digest));
        assert_eq!(entry.unwrap()["replaces"], json!(base.manifest.digest));
        assert_eq!(entries.len(), 2);
    }
}

#[test]
fn labels_that_stay_as_the_base_has_them_are_told() {
    let dock = Dock::new();
    let version = "org.opencontainers.image.version";
    let labeled = base().label(version, "12").label("vendor", "Debian").build();
    dock.approve(&labeled, &[]).expect_status(0);
    let labels = json!({ version: "12" });
    assert!(listed(&dock).iter().any(|entry| entry["platforms"][0]["labels"] == labels));
    let places = |image: &BuiltImage| -> Vec<Value> {
        dock.lay(image);
        let outcome = dock.plimsoll(&["check", "-o", "json", "oci-layout:image:1"]);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let findings = report["decision"]["findings"].as_array().unwrap().iter();
        let inherited = findings.filter(|finding| finding["rule"] == "IMG-008");
        inherited.map(|finding| finding["place"].clone()).collect()
    };
    let inherited = honest().label(version, "12").label("vendor", "Debian").build();
    let place = json!({ "config": format!("config.Labels.{version}") });
    assert_eq!(places(&inherited), [place]);
    assert_eq!(places(&honest().label(version, "1.4.2").build()), [json!(null); 0]);
    assert_eq!(places(&labeled), [json!(null); 0]);
}

fn base_with(tool: &str) -> BuiltImage {
    let tool = LayerBuilder::new().file("usr/bin/tool", tool);
    ImageBuilder::new().layer(lowest()).layer(tool).build()
}

#[test]
fn every_platform_of_an_index_is_approved_where_that_is_asked_for() {
    let dock = Dock::new();
    let arm = || Platform::linux("arm64");
    let index = BuiltImage::index([base().build(), base().platform(arm()).user("7").build()]);
    dock.approve(&index, &["--all-platforms"]).expect_status(0);
    let entries = listed(&dock);
    let entry =
        entries.iter().find(|entry| entry["index"] == json!(index.manifest.digest)).unwrap();
    let platforms = entry["platforms"].as_array().unwrap();
    let seen: Vec<_> = platforms.iter().map(|one| (&one["platform"], &one["user"])).collect();
    assert_eq!(seen, [(&json!("linux/amd64"), &Value::Null), (&json!("linux/arm64"), &json!("7"))]);
    // One image that is not what it says keeps the others from being approved with it.
    let claimed = Digest::of(&lowest().tar());
    let evil =
        ImageBuilder::new().platform(arm()).layer(lowest().file("x", "x").claim_diff_id(claimed));
    let index = BuiltImage::index([base().build(), evil.build()]);
    dock.approve(&index, &["--all-platforms"]).expect_status(3);
    assert_eq!(listed(&dock), entries);
}

#[test]
fn what_the_flaws_of_a_base_come_to_is_kept_and_judged() {
    let dock = Dock::new();
    dock.sandbox.write("plimsoll.yaml", format!("{POLICY}gate: {{fail: [{{severity: high}}]}}\n"));
    let base = ImageBuilder::new().layer(lowest().file("var/lib/dpkg/status", BASE_FILES)).build();
    for (fixed, expect) in [("99", "blocked"), ("1", "passed")] {
        dock.sandbox.write("advisories/a.json", advisory("base-files", fixed).to_string());
        dock.approve(&base, &["--advisories", "advisories"]).expect_status(0);
        let entries = listed(&dock);
        let manifest = json!(base.manifest.digest);
        let entry = entries.iter().find(|entry| entry["platforms"][0]["manifest"] == manifest);
        assert_eq!(entry.unwrap()["scan"]["verdict"], expect, "{entry:?}");
        let denied = if expect == "blocked" { rules(["BASE-054"]) } else { rules([]) };
        dock.sandbox.write("strict.yaml", POLICY.replace("IMG-002: off", "BASE-054: deny"));
        dock.sandbox.write("Dockerfile", format!("FROM debian@{}\n{STEPS}", base.manifest.digest));
        let check = ["--config", "strict.yaml", "check", "Dockerfile", "-o", "json"];
        let outcome = dock.plimsoll(&check).expect_status(i32::from(expect == "blocked"));
        assert_eq!(blocking(&outcome), denied);
    }
}

const BASE_FILES: &str =
    "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4\n\n";

/// A flaw of a package of Debian 12 that a version fixes.
fn advisory(name: &str, fixed: &str) -> Value {
    json!({
        "schema_version": "1.7.4", "id": format!("TEST-{name}"), "modified": "2026-11-01T00:00:00Z", "summary": "x",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [{
            "package": {"ecosystem": "Debian:12", "name": name},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
        }],
    })
}

/// The policy that demands Chainguard's signature.
const SIGNED: &str = "version: 1\nbases:\n  lock: bases.lock\n  allow: [{repository: \"cgr.dev/chainguard/*\", signer: chainguard}]\nrules: {IMG-002: off}\n";

/// A base in a layout, signed in this instance by a workflow of a repository.
fn sign(dock: &Dock, harbour: &Harbour, repository: &str, workflow: &str) -> Vec<String> {
    let claims = Claims::github(repository)
        .with("job_workflow_ref", format!("{repository}/.github/workflows/{workflow}"));
    let token = dock.sandbox.write("token", harbour.token(&claims));
    let arguments = harbour.arguments(&dock.sandbox, Instance::RekorV1);
    let mut attest = dock.sandbox.plimsoll();
    attest.args(["attest", "oci-layout:image:1", "--type", "sbom"]).args(&arguments);
    run(attest.args(["--identity-token", token.as_str()])).expect_status(0);
    vec!["--trusted-root".to_owned(), dock.sandbox.join("trusted_root.json").to_string()]
}

#[test]
fn what_a_publisher_signs_is_approved_by_the_publishers_signature_alone() {
    let (dock, harbour) = (Dock::new(), harbour());
    dock.sandbox.write("plimsoll.yaml", SIGNED);
    let image = base_with("static");
    let approve = |root: &[String]| {
        let mut plimsoll = dock.sandbox.plimsoll();
        plimsoll.args(["base", "approve", "oci-layout:image:1", "--approver", "test"]);
        run(plimsoll.args(["--as", "cgr.dev/chainguard/static:1"]).args(root))
    };
    // 1. Nobody has signed.
    dock.lay(&image);
    let root = dock.sandbox.write("trusted_root.json", harbour.trusted_root());
    let root = ["--trusted-root".to_owned(), root.to_string()];
    let said = approve(&root).expect_status(1).stderr;
    assert!(said.contains("there is none"), "{said}");
    // 2. Somebody else has, or another workflow.
    for (repository, workflow) in [
        ("evil/images", "release.yaml@refs/heads/main"),
        ("chainguard-images/images", "other.yaml@refs/heads/main"),
        ("chainguard-images/images", "release.yaml@refs/heads/evil"),
    ] {
        dock.lay(&image);
        let root = sign(&dock, &harbour, repository, workflow);
        let said = approve(&root).expect_status(1).stderr;
        assert!(said.contains("none that is there is it"), "{said}");
    }
    assert_eq!(listed(&dock).len(), 1);
    // 3. The publisher has.
    let root = sign(&dock, &harbour, "chainguard-images/images", "release.yaml@refs/heads/main");
    approve(&root).expect_status(0);
    let entries = listed(&dock);
    let entry =
        entries.iter().find(|entry| entry["name"] == "cgr.dev/chainguard/static:1").unwrap();
    assert_eq!(entry["signature"]["publisher"], "chainguard");
    let signer = entry["signature"]["signer"].as_str().unwrap();
    assert!(signer.contains("chainguard-images/images/.github/workflows/release.yaml"), "{signer}");
    // 4. The gate needs nothing but the lock.
    let name = "cgr.dev/chainguard/static:1";
    assert_eq!(dock.judge(None, Some(name), 0), rules([]));
    // What was approved before the policy demanded it was not.
    dock.sandbox
        .write("plimsoll.yaml", SIGNED.replace("cgr.dev/chainguard/*", "docker.io/library/*"));
    assert_eq!(dock.judge(None, Some("debian:12"), 1), rules(["BASE-053"]));
}
