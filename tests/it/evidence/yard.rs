//! Those who sign, those who judge, and an image for both.

use crate::support::{self, Outcome, Sandbox, oracle, oracle_script, port, root, run, sandbox};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::Digest;
use plimsoll_oci::testing::{
    image::{BuiltImage, ImageBuilder, LayerBuilder},
    registry::{Options, ReferrersApi},
};
use serde_json::{Value, json};
use std::fs;

pub(super) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
pub(super) const REPOSITORY: &str = "build/app";
/// Everything that can be stated.
pub(super) const TYPES: [&str; 4] = ["provenance", "sbom", "spdx", "vulnerabilities"];
const PASSWORD: &str = "correct horse";

/// Somebody with a key.
pub(super) struct Signer {
    pub(super) sandbox: Sandbox,
    /// The private key, where it is not the local one.
    private: Option<Utf8PathBuf>,
    pub(super) public: Utf8PathBuf,
    pub(super) password: Option<&'static str>,
}

impl Signer {
    /// With a key by openssl.
    #[track_caller]
    fn by_openssl(options: &[&str]) -> Option<Self> {
        let (sandbox, openssl) = (sandbox(), oracle("openssl")?);
        let (private, public) = (sandbox.join("key.pem"), sandbox.join("key.pub"));
        let mut make = sandbox.command(&openssl);
        run(make.arg("genpkey").args(options).arg("-out").arg(&private)).expect_status(0);
        let mut publish = sandbox.command(&openssl);
        publish.arg("pkey").arg("-in").arg(&private).arg("-pubout").arg("-out").arg(&public);
        run(&mut publish).expect_status(0);
        Some(Self { sandbox, private: Some(private), public, password: None })
    }

    #[track_caller]
    pub(super) fn ecdsa() -> Option<Self> {
        Self::by_openssl(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
    }

    #[track_caller]
    pub(super) fn ed25519() -> Option<Self> {
        Self::by_openssl(&["-algorithm", "ED25519"])
    }

    /// With the local key, which Plimsoll makes when it first signs, under a password.
    pub(super) fn encrypted() -> Self {
        let sandbox = sandbox();
        let public = sandbox.join("home/state/plimsoll/key.pub");
        Self { sandbox, private: None, public, password: Some(PASSWORD) }
    }

    /// Runs `plimsoll attest` on a subject.
    pub(super) fn try_attest(&self, subject: &str, more: &[&str]) -> Outcome {
        self.try_attest_in(subject, more, &[])
    }

    /// The same in an environment.
    pub(super) fn try_attest_in(
        &self,
        subject: &str,
        more: &[&str],
        environment: &[(&str, &str)],
    ) -> Outcome {
        let mut plimsoll = self.sandbox.plimsoll();
        plimsoll.args(["attest", subject, "--advisories"]).arg(root().join("examples/advisories"));
        if let Some(private) = &self.private {
            plimsoll.arg("--key").arg(private);
        }
        plimsoll.envs(self.password.map(|password| ("PLIMSOLL_KEY_PASSWORD", password)));
        run(plimsoll.args(more).envs(environment.iter().copied()))
    }

    /// Signs statements of these types into files, one a type, in order.
    #[track_caller]
    pub(super) fn bundles(&self, subject: &str, types: &[&str]) -> Vec<Utf8PathBuf> {
        let mut arguments = vec!["--bundles", "bundles"];
        arguments.extend(types.iter().flat_map(|kind| ["--type", kind]));
        let said = self.try_attest(subject, &arguments).expect_status(0).stdout;
        let paths = said.lines().map(|line| line.split(' ').next().unwrap());
        let paths: Vec<_> = paths.map(|path| self.sandbox.join(path)).collect();
        assert_eq!(paths.len(), types.len(), "{said}");
        paths
    }

    /// Signs statements of the three types that policies require, and attaches them.
    #[track_caller]
    pub(super) fn attach(&self, subject: &str) {
        self.try_attest(subject, &[]).expect_status(0);
    }
}

/// Whoever verifies: he has nothing but public keys.
pub(super) struct Verifier(pub(super) Sandbox);

impl Verifier {
    pub(super) fn new() -> Self {
        Self(sandbox())
    }

    /// Runs `plimsoll verify`, and says what it answers, with what its report says.
    #[track_caller]
    pub(super) fn verify(&self, subject: &str, key: &Utf8Path, more: &[&str]) -> (Outcome, Value) {
        let mut plimsoll = self.0.plimsoll();
        plimsoll.args(["verify", subject, "--key", key.as_str()]).args(more);
        let outcome = run(plimsoll.args(["-o", "table", "-o", "json=verified.json"]));
        let report = fs::read(self.0.join("verified.json")).unwrap_or_default();
        let report: Value = serde_json::from_slice(&report).unwrap_or_default();
        if report != Value::Null {
            assert_eq!(report["exitStatus"], outcome.status, "{}", outcome.stderr);
        }
        (outcome, report)
    }
}

/// What the judges that are installed say of a bundle: each the same, or the test fails.
#[track_caller]
pub(super) fn judges_say(bundle: &Utf8Path, key: &Utf8Path, status: i32) {
    let sandbox = sandbox();
    for script in ["sigstore_verify.mjs", "securesystemslib_dsse.py"] {
        let Some(mut judge) = oracle_script(&sandbox, script) else { continue };
        run(judge.args([bundle, key])).expect_status(status);
    }
}

/// An image with one package, that nothing is wrong with.
pub(super) fn image(version: &str) -> BuiltImage {
    let status = format!(
        "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nSource: zlib\nVersion: {version}\n\n"
    );
    let layer = LayerBuilder::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
        .file("var/lib/dpkg/status", status);
    ImageBuilder::new().user("1000").healthcheck(&["CMD", "true"]).layer(layer).build()
}

/// A registry in this process with the image in it.
pub(super) struct Port {
    pub(super) registry: support::Port,
    pub(super) image: BuiltImage,
}

impl Port {
    pub(super) fn open(referrers: ReferrersApi) -> Self {
        let registry = port(Options { referrers, ..Options::default() });
        let image = image("1:1.2.13.dfsg-1");
        for bytes in image.blobs.values() {
            registry.put_blob(REPOSITORY, bytes.clone());
        }
        let manifest = image.blobs[&image.manifest.digest].clone();
        registry.put_manifest(REPOSITORY, &image.manifest.media_type, manifest, Some("1"));
        Self { registry, image }
    }

    /// The name of the image.
    pub(super) fn subject(&self) -> String {
        self.registry.name("build/app:1")
    }

    /// Attaches bytes to the image as a bundle, as anybody may who can write there.
    pub(super) fn attach(&self, bytes: &[u8]) -> Digest {
        self.attach_in(REPOSITORY, bytes, &json!({}))
    }

    /// The same in a repository, with annotations at the layer.
    pub(super) fn attach_in(&self, repository: &str, bytes: &[u8], annotations: &Value) -> Digest {
        let (config, blob) = (
            self.registry.put_blob(repository, "{}"),
            self.registry.put_blob(repository, bytes.to_vec()),
        );
        let subject = &self.image.manifest;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": BUNDLE,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2},
            "layers": [{
                "mediaType": BUNDLE, "digest": blob, "size": bytes.len(), "annotations": annotations,
            }],
            "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size},
        });
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        self.registry.put_manifest(repository, media_type, manifest.to_string(), None)
    }

    /// The tag beside the image under which cosign keeps attestations (`att`) or signatures (`sig`).
    pub(super) fn tag_beside(&self, suffix: &str) -> String {
        format!("sha256-{}.{suffix}", self.image.manifest.digest.hex())
    }

    /// Puts a layer with annotations under a tag of cosign's.
    pub(super) fn put_beside(&self, suffix: &str, layer: (&str, Value), content: &[u8]) {
        let (config, blob) = (
            self.registry.put_blob(REPOSITORY, "{}"),
            self.registry.put_blob(REPOSITORY, content.to_vec()),
        );
        let (kind, annotations) = layer;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2},
            "layers": [{
                "mediaType": kind, "digest": blob, "size": content.len(), "annotations": annotations,
            }],
        });
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let tag = self.tag_beside(suffix);
        self.registry.put_manifest(REPOSITORY, media_type, manifest.to_string(), Some(&tag));
    }
}
