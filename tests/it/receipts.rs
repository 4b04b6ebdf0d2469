//! `plimsoll check` about the receipts of gates for what manifests deploy (K8S-041): from files, and from where the images are.

use crate::support::{Outcome, Sandbox, port, root, run, sandbox};
use plimsoll_attest::{
    Statement, StatementSubject,
    predicates::vsa::{self, VERIFIER_ID, VsaFacts, VsaResult},
    signers::{KeyKind, KeySigner},
};
use plimsoll_model::Digest;
use plimsoll_oci::testing::registry::{Fault, Options};

const PLACE: &str = "registry.corp/prod/app";
const POLICY: &str =
    "version: 1\ngate: {fail: [{severity: high}]}\nrules: {IMG-001: deny, IMG-002: warn}\n";

/// A policy that believes the holder of this key about receipts.
fn believing(sandbox: &Sandbox, key: &str) {
    let signer = format!("{{key: {key}, unlogged: accept, for: [vsa]}}");
    sandbox.write("gate.yaml", format!("version: 1\nevidence: {{signers: [{signer}]}}\n"));
}

/// What K8S-041 says of an image that a pod runs, as `line:column title`.
fn said(sandbox: &Sandbox, image: &str, more: &[&str]) -> Vec<String> {
    let pod =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n    - image: ";
    sandbox.write("app.yaml", format!("{pod}{image}\n"));
    let mut check = sandbox.plimsoll();
    check.args(["check", "app.yaml", "--config", "gate.yaml", "-o", "json"]).args(more);
    findings(&run(&mut check))
}

#[track_caller]
fn findings(outcome: &Outcome) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|_| panic!("{}{}", outcome.stdout, outcome.stderr));
    let findings = report["decision"]["findings"].as_array().unwrap().iter();
    let of_rule = findings.filter(|finding| finding["rule"] == "K8S-041");
    let shown = |finding: &serde_json::Value| {
        assert_eq!(
            (&finding["action"], &finding["severity"]),
            (&"deny".into(), &"critical".into())
        );
        let place = &finding["place"];
        format!("{}:{} {}", place["line"], place["column"], finding["title"].as_str().unwrap())
    };
    of_rule.map(shown).collect()
}

fn passed_none(image: &str) -> Vec<String> {
    vec![format!("6:14 image `{image}` has not passed a gate")]
}

fn untold(image: &str) -> Vec<String> {
    vec![format!("6:14 it can not be told whether image `{image}` has passed a gate")]
}

/// Somebody who signs receipts.
struct Gate {
    sandbox: Sandbox,
    key: KeySigner,
}

impl Gate {
    fn new() -> Self {
        let sandbox = sandbox();
        let key = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
        sandbox.write("gate.pub", key.public_key().to_pem());
        believing(&sandbox, "gate.pub");
        Self { sandbox, key }
    }

    /// Signs a receipt in a file.
    fn sign(&self, file: &str, digest: Digest, (place, result): (&str, VsaResult)) {
        let predicate = vsa::predicate(&VsaFacts {
            verifier_id: VERIFIER_ID,
            verifier_version: "0.1.0",
            time: "2026-01-02T00:00:00Z".parse().unwrap(),
            resource_uri: place,
            policy_uri: "plimsoll.yaml",
            policy_digest: Digest::of(b""),
            input_attestations: &[],
            result,
            verified_levels: &["SLSA_BUILD_LEVEL_1".to_owned()],
        });
        let subject = StatementSubject { name: place.to_owned(), digest };
        let statement = Statement::new(vec![subject], vsa::PREDICATE.type_uri, predicate).unwrap();
        let bundle = plimsoll_attest::sign(&statement, &self.key).unwrap();
        self.sandbox.write(file, bundle.to_bytes());
    }

    fn said(&self, image: &str, bundles: &[&str]) -> Vec<String> {
        let bundles = bundles.iter().flat_map(|bundle| ["--bundle", bundle]);
        let more: Vec<_> = ["--offline"].into_iter().chain(bundles).collect();
        said(&self.sandbox, image, &more)
    }
}

#[test]
fn a_receipt_is_about_one_digest_in_one_place_and_says_that_it_passed() {
    let gate = Gate::new();
    let digest = Digest::of(b"app");
    let image = format!("{PLACE}@{digest}");
    gate.sign("good", digest, (PLACE, VsaResult::Passed));
    gate.sign("failed", digest, (PLACE, VsaResult::Failed));
    gate.sign("elsewhere", digest, ("registry.corp/build/app", VsaResult::Passed));
    gate.sign("below", digest, ("registry.corp/prod/app/x", VsaResult::Passed));
    gate.sign("other", Digest::of(b"other"), (PLACE, VsaResult::Passed));
    gate.sandbox.write("broken", "{}");
    assert_eq!(gate.said(&image, &["good"]), [""; 0]);
    assert_eq!(gate.said(&image.replace("app@", "app:1@"), &["good"]), [""; 0]);
    assert_eq!(gate.said(&image, &["other", "elsewhere", "broken", "good"]), [""; 0]);
    for bad in ["failed", "elsewhere", "below", "other", "broken"] {
        assert_eq!(gate.said(&image, &[bad]), passed_none(&image), "{bad}");
    }
    let stranger = Gate { key: KeySigner::generate(KeyKind::EcdsaP256).unwrap(), ..gate };
    stranger.sign("stranger", digest, (PLACE, VsaResult::Passed));
    assert_eq!(stranger.said(&image, &["stranger"]), passed_none(&image));
    // Another repository with the same digest needs a receipt of its own.
    let borrowed = format!("evil.io/prod/app@{digest}");
    assert_eq!(stranger.said(&borrowed, &["good"]), passed_none(&borrowed));
}

#[test]
fn what_nobody_looked_up_and_what_may_move_can_not_be_told() {
    let gate = Gate::new();
    let digest = Digest::of(b"app");
    gate.sign("good", digest, (PLACE, VsaResult::Passed));
    let image = format!("{PLACE}@{digest}");
    assert_eq!(gate.said(&image, &[]), untold(&image));
    let tag = format!("{PLACE}:1");
    assert_eq!(gate.said(&tag, &["good"]), untold(&tag));
    // The network is refused: that is no absence.
    assert_eq!(said(&gate.sandbox, &image, &["--offline", "--receipts"]), untold(&image));
}

#[test]
fn receipts_that_nobody_would_judge_are_refused() {
    let sandbox = sandbox();
    sandbox.write("app.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n");
    let refused = run(sandbox.plimsoll().args(["check", "app.yaml", "--receipts"]));
    let expect = "error: the policy believes nobody about receipts by name: none would be judged\nhint: list who signs them under `evidence.signers`, with `for: [vsa]`\n";
    assert_eq!(refused.expect_status(2).stderr, expect);
}

#[test]
fn the_receipt_of_a_promotion_is_found_beside_the_image_and_in_an_evidence_file() {
    let (sandbox, port) = (sandbox(), port(Options::default()));
    sandbox.write("plimsoll.yaml", POLICY);
    let advisories = root().join("examples/advisories");
    run(sandbox.plimsoll().args(["db", "import", advisories.as_str()])).expect_status(0);
    let archive = format!("oci-archive:{}", root().join("examples/images/good.tar"));
    let promoted = port.name("prod/app:2");
    run(sandbox.plimsoll().args(["run", &archive, "--promote-to", &promoted])).expect_status(0);
    let digest = port.tag("prod/app", "2").unwrap();
    let image = format!("{}@{digest}", port.name("prod/app"));
    believing(&sandbox, "home/state/plimsoll/key.pub");
    assert_eq!(said(&sandbox, &image, &["--receipts"]), [""; 0]);
    let absent = format!("{}@{digest}", port.name("build/app"));
    assert_eq!(said(&sandbox, &absent, &["--receipts"]), untold(&absent));

    port.misbehave(|seen| {
        let refusal = Fault::Answer {
            status: 500,
            headers: vec![("retry-after", "0".to_owned())],
            body: Vec::new().into(),
        };
        seen.path.contains("/referrers/").then_some(refusal)
    });
    assert_eq!(said(&sandbox, &image, &["--receipts"]), untold(&image));
    port.behave();

    let export = ["verify", &image, "--config", "gate.yaml", "--type", "vsa", "--export", "e.tar"];
    run(sandbox.plimsoll().args(export)).expect_status(0);
    let packed = ["--offline", "--evidence", "e.tar"];
    assert_eq!(said(&sandbox, &image, &packed), [""; 0]);
    // The same bytes elsewhere have not passed there.
    assert_eq!(said(&sandbox, &absent, &packed), passed_none(&absent));
    let other = format!("{}@{}", port.name("prod/app"), Digest::of(b"other"));
    assert_eq!(said(&sandbox, &other, &packed), untold(&other));
}
