use super::*;
use crate::{args::Arguments, env::Environment};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use camino::Utf8PathBuf;
use clap::Parser as _;
use plimsoll_attest::signers::{KeyKind, KeySigner};
use plimsoll_oci::{
    manifest::Descriptor,
    testing::image::{BuiltImage, ImageBuilder, LayerBuilder},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const IN_TOTO: &str = "application/vnd.in-toto+json";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
const SIGNATURE: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

#[test]
fn everybody_who_speaks_for_a_publisher_can_be_verified() {
    for publisher in Publisher::ALL {
        for one in publisher.signers() {
            signer(one, None).unwrap();
        }
    }
}

#[test]
fn who_signs_for_anybody_is_never_asked_without_a_source() {
    let policy = Policy::baseline();
    let asked = (Publisher::DockerGithubBuilder, None);
    let error = trust_of(&context(), &policy, &RootArguments::default(), asked).unwrap_err();
    assert!(matches!(error, Error::Internal("nobody says for which source")), "{error:?}");
}

fn context() -> Context {
    let arguments = Arguments::try_parse_from(["plimsoll", "-q", "base", "list"]).unwrap();
    Context::new(arguments.shared, Environment::of(&[])).unwrap()
}

/// A layout with an image, attestations about it, and signatures over these, as Docker Hardened Images have them.
struct Quay {
    directory: tempfile::TempDir,
    image: BuiltImage,
    key: KeySigner,
}

fn described(descriptor: &Descriptor) -> Value {
    let Descriptor { media_type, digest, size, .. } = descriptor;
    json!({"mediaType": media_type, "digest": digest, "size": size})
}

/// Something with one blob that refers to a subject.
fn referrer(
    kind: &str,
    subject: Value,
    (media_type, annotations, blob): (&str, Value, &[u8]),
) -> BuiltImage {
    let layer = Descriptor::of(media_type, blob);
    let mut described = described(&layer);
    described["annotations"] = annotations;
    let builder = ImageBuilder::new()
        .layer(LayerBuilder::new().stored_as(blob.to_vec()))
        .manifest("artifactType", json!(kind))
        .manifest("layers", json!([described]));
    let builder = if subject.is_null() { builder } else { builder.manifest("subject", subject) };
    builder.build()
}

impl Quay {
    fn new() -> Self {
        let layer = LayerBuilder::new().file("etc/os-release", "ID=debian\n");
        let quay = Self {
            directory: tempfile::tempdir().unwrap(),
            image: ImageBuilder::new().layer(layer).build(),
            key: KeySigner::generate(KeyKind::EcdsaP256).unwrap(),
        };
        quay.image.write_layout(&quay.path(), Some("1"));
        quay
    }

    fn path(&self) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.directory.path().to_owned()).unwrap()
    }

    fn put(&self, built: BuiltImage) -> BuiltImage {
        built.write_layout(&self.path(), None);
        built
    }

    /// Attestations that say how the image was built, with the subject changed or taken away.
    fn attest(&self, predicate: &str, change: impl FnOnce(&mut Value)) -> BuiltImage {
        let mut subject = described(&self.image.manifest);
        change(&mut subject);
        let annotations = json!({"in-toto.io/predicate-type": predicate});
        self.put(referrer(IN_TOTO, subject, (IN_TOTO, annotations, b"{}")))
    }

    /// cosign's signature by a key over `named`, which refers to `subject`.
    fn sign(&self, key: &KeySigner, named: Digest, subject: &Descriptor) {
        let payload = json!({
            "critical": {
                "identity": {"docker-reference": "dhi.io/base"}, "image": {"docker-manifest-digest": named},
                "type": "cosign container image signature",
            },
            "optional": null,
        });
        let payload = payload.to_string().into_bytes();
        let signature = STANDARD.encode(key.sign(&payload).unwrap());
        let annotations = json!({"dev.cosignproject.cosign/signature": signature});
        self.put(referrer(SIGNATURE, described(subject), (SIMPLE_SIGNING, annotations, &payload)));
    }

    fn search(&self, image: Option<Digest>) -> Signed {
        let runtime = Runtime::new().unwrap();
        let trust = Trust {
            signers: vec![TrustedSigner::of(SignerDemand::key(
                self.key.public_key().clone(),
                Unlogged::Accept,
            ))],
            root: None,
            demands: Demands { legacy: Legacy::Accept, logs: 0, timestamps: 0, age: None },
        };
        let context = context();
        runtime.block_on(async {
            let reference = format!("oci-layout:{}:1", self.path()).parse().unwrap();
            let source = Source::open(&reference, context.access().unwrap()).await.unwrap();
            let asked = Asked { source: &source, top: self.image.manifest.digest, image };
            search(&context, asked, Publisher::Dhi.signed_over(), &trust).await.unwrap()
        })
    }

    fn one(&self) -> Signed {
        self.search(Some(self.image.manifest.digest))
    }

    #[track_caller]
    fn refused(&self, part: &str) {
        let Signed::ByNobody { refused } = self.one() else { panic!("it was accepted") };
        let said = refused.join("\n");
        assert!(if part.is_empty() { said.is_empty() } else { said.contains(part) }, "{said}");
    }

    #[track_caller]
    fn accepted(&self) {
        let Signed::By { over, .. } = self.one() else { panic!("{:?}", self.one()) };
        assert_eq!(over, self.image.manifest.digest);
    }
}

#[test]
fn a_signature_over_attestations_about_the_image_is_one_over_the_image() {
    let quay = Quay::new();
    quay.refused("");
    let attestations = quay.attest(PROVENANCE, |_| {});
    // Nobody has signed them.
    quay.refused("");
    quay.sign(&quay.key, attestations.manifest.digest, &attestations.manifest);
    quay.accepted();
    // It is about the image for one platform.
    let Signed::ByNobody { refused } = quay.search(None) else { panic!("it was accepted") };
    assert!(refused.concat().contains("without `--all-platforms`"), "{refused:?}");
}

#[test]
fn a_signature_of_cosigns_that_refers_to_the_image_counts() {
    let quay = Quay::new();
    let image = &quay.image.manifest;
    // What is signed is another image.
    quay.sign(&quay.key, Digest::of(b"other"), image);
    quay.refused("expected");
    quay.sign(&quay.key, image.digest, image);
    quay.accepted();
    assert!(matches!(quay.search(None), Signed::By { over, .. } if over == image.digest));
}

#[test]
fn attestations_by_anybody_else_or_about_anything_else_are_refused() {
    let by_other = Quay::new();
    let attestations = by_other.attest(PROVENANCE, |_| {});
    let other = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
    by_other.sign(&other, attestations.manifest.digest, &attestations.manifest);
    by_other.refused("expected");

    // The signature over one set of attestations is put beside another.
    let moved = Quay::new();
    let attestations = moved.attest(PROVENANCE, |_| {});
    moved.sign(&moved.key, Digest::of(b"other"), &attestations.manifest);
    moved.refused("expected");

    let size = Quay::new();
    let attestations = size.attest(PROVENANCE, |subject| subject["size"] = json!(1));
    size.sign(&size.key, attestations.manifest.digest, &attestations.manifest);
    size.refused("their subject is sha256:");

    let sbom = Quay::new();
    let attestations = sbom.attest("https://spdx.dev/Document", |_| {});
    sbom.sign(&sbom.key, attestations.manifest.digest, &attestations.manifest);
    sbom.refused("they do not say how it was built");

    // Attestations about another image are signed, and the image has none.
    let elsewhere = Quay::new();
    let attestations = elsewhere.attest(PROVENANCE, |subject| {
        subject["digest"] = json!(Digest::of(b"other"));
    });
    elsewhere.sign(&elsewhere.key, attestations.manifest.digest, &attestations.manifest);
    elsewhere.refused("");
}
