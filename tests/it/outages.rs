//! Sigstore is out: nothing is signed, or what the policy has queued is pending; and nothing is promoted by that, in any way.

use crate::support::{Harbour, Outcome, Port, Sandbox, harbour, port, root, run, sandbox};
use camino::Utf8PathBuf;
use plimsoll_attest::{
    signers::{KeyKind, KeySigner, create_key_file},
    testing::{Claims, Fault, Flaw, GITHUB, Instance},
};
use plimsoll_oci::testing::{
    image::{BuiltImage, ImageBuilder, LayerBuilder},
    registry::Options,
};
use serde_json::{Value, json};

const PENDING: &str = "https://github.com/plimsoll-dev/plimsoll/pending/v1";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
const SBOM: &str = "https://cyclonedx.org/bom";
const VULNS: &str = "https://in-toto.io/attestation/vulns/v0.2";
const QUEUE: &str = "outage: {queue: {key: outage.pub}}";
const SERVICES: [(&str, &str); 3] =
    [("/fulcio", "Fulcio"), ("/tsa", "the timestamp authority"), ("/rekor", "Rekor")];

/// A job that signs without a key what is in a registry, by a policy; and the key for outages.
struct Yard {
    sandbox: Sandbox,
    harbour: Harbour,
    port: Port,
    image: BuiltImage,
}

impl Yard {
    /// Whose policy believes the job, and says this of outages.
    fn new(outage: &str) -> Self {
        let status = "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nSource: zlib\nVersion: 1:1.2.13.dfsg-1\n\n";
        let layer = LayerBuilder::new()
            .file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
            .file("var/lib/dpkg/status", status);
        let image = ImageBuilder::new().user("1000").layer(layer).build();
        let port = port(Options::default());
        for bytes in image.blobs.values() {
            port.put_blob("build/app", bytes.clone());
        }
        let manifest = image.blobs[&image.manifest.digest].clone();
        port.put_manifest("build/app", &image.manifest.media_type, manifest, Some("1"));
        let yard = Self { sandbox: sandbox(), harbour: harbour(), port, image };
        yard.key("outage", None);
        yard.policy(&format!("{outage}, signers: [{}]", identity()));
        let advisories = root().join("examples/advisories").to_string();
        yard.plimsoll(&["db", "import", &advisories]).expect_status(0);
        yard
    }

    /// Writes the policy; `evidence` stands beside what it requires.
    fn policy(&self, evidence: &str) {
        let policy = format!(
            "version: 1\nevidence: {{require: [provenance, sbom, vulnerabilities], {evidence}}}\nrules: {{BASE-050: off}}\n"
        );
        self.sandbox.write("plimsoll.yaml", policy);
    }

    /// A pair of keys in `NAME.pem` and `NAME.pub`.
    fn key(&self, name: &str, password: Option<&str>) -> Utf8PathBuf {
        let key = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
        let path = self.sandbox.join(format!("{name}.pem"));
        create_key_file(&path, &key, password).unwrap();
        self.sandbox.write(format!("{name}.pub"), key.public_key().to_pem());
        path
    }

    fn plimsoll(&self, arguments: &[&str]) -> Outcome {
        run(self.sandbox.plimsoll().args(arguments))
    }

    fn subject(&self) -> String {
        self.port.name("build/app:1")
    }

    /// A command that signs as the job does, and waits for no more than a second.
    fn keyless(&self, command: &str, more: &[&str]) -> Outcome {
        let token = self.harbour.token(&Claims::github("acme/app"));
        let token = self.sandbox.write("token", token);
        let mut plimsoll = self.sandbox.plimsoll();
        plimsoll.args([command, &self.subject(), "--identity-token", token.as_str()]);
        plimsoll.args(self.harbour.arguments(&self.sandbox, Instance::RekorV1));
        run(plimsoll.args(["--signing-timeout", "1s"]).args(more))
    }

    fn attest(&self, more: &[&str]) -> Outcome {
        self.keyless("attest", &[&["--outage-key", "outage.pem"], more].concat())
    }

    fn judge(&self, more: &[&str]) -> Outcome {
        self.keyless("run", &[&["--outage-key", "outage.pem"], more].concat())
    }

    /// Promotes by what is attached, and says where to.
    fn promote(&self, more: &[&str]) -> Outcome {
        let to = self.port.name("prod/app:1");
        let root = self.sandbox.write("trusted_root.json", self.harbour.trusted_root());
        let promote = ["promote", &self.subject(), &to, "--trusted-root", root.as_str()];
        self.plimsoll(&[&promote, more].concat())
    }

    /// What `verify` says in JSON.
    fn verify(&self, status: i32) -> Value {
        let root = self.sandbox.write("trusted_root.json", self.harbour.trusted_root());
        let verify = ["verify", &self.subject(), "-o", "json", "--trusted-root", root.as_str()];
        serde_json::from_str(&self.plimsoll(&verify).expect_status(status).stdout).unwrap()
    }

    fn is_promoted(&self) -> bool {
        self.port.tag("prod/app", "1").is_some()
    }

    /// From now on, whatever is below this path is broken.
    fn take_down(&self, path: &'static str) {
        self.harbour.misbehave(move |seen| seen.path.starts_with(path).then(|| Fault::status(503)));
    }

    /// The last build of the ledger.
    fn recorded(&self) -> Value {
        let list = self.plimsoll(&["ledger", "list", "-o", "json"]).expect_status(0).stdout;
        serde_json::from_str::<Value>(&list).unwrap()["builds"][0].clone()
    }
}

/// The job, as somebody to believe.
fn identity() -> String {
    format!("{{issuer: {GITHUB}, identity: \"{}\"}}", Claims::github("acme/app").identity())
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part} in {text}");
    }
}

#[test]
fn f25_what_can_not_be_signed_while_a_service_is_out_is_pending_and_no_evidence() {
    for (path, service) in SERVICES {
        let yard = Yard::new(QUEUE);
        yard.take_down(path);
        let attested = yard.attest(&[]).expect_status(4);
        says(&attested.stdout, &[&format!("\npending {SBOM} sha256:"), service]);
        says(
            &attested.stderr,
            &[
                "warning: 3 statements are pending, signed by key ",
                &format!("{service} at http://"),
                "it answered with status 503",
                "error: 3 statements are signed for the time being alone, and pending: ",
                "hint: nothing is promoted until it is signed",
            ],
        );
        let verified = yard.verify(1);
        assert_eq!(verified["fault"], "pending");
        says(verified["refusal"].as_str().unwrap(), &["pending: ", "is pending since 20", service]);
        let candidates = verified["candidates"].as_array().unwrap();
        let stated = |one: &Value| one["pending"]["predicateType"].as_str().unwrap().to_owned();
        let mut types: Vec<_> = candidates.iter().map(stated).collect();
        types.sort();
        assert_eq!(types, [SBOM, VULNS, PROVENANCE]);
        for candidate in candidates {
            assert_eq!(candidate["verdict"], "refused");
            assert_eq!(candidate["predicateType"], PENDING);
            says(candidate["pending"]["reason"].as_str().unwrap(), &[service, "503"]);
        }
        // Nor whoever believes the key whatever it states.
        let by_hand = ["verify", &yard.subject(), "--key", "outage.pub"];
        says(&yard.plimsoll(&by_hand).expect_status(1).stdout, &["pending: ", service]);
    }
}

#[test]
fn f25_silence_and_lost_connections_are_outages_and_who_has_not_answered_is_asked_no_more() {
    for fault in [|| Fault::Hang, || Fault::Drop] {
        let yard = Yard::new(QUEUE);
        yard.harbour.misbehave(move |seen| seen.path.starts_with("/rekor").then(fault));
        let attested = yard.attest(&["--bundles", "bundles"]).expect_status(4);
        assert_eq!(attested.stdout.lines().filter(|line| line.starts_with("pending ")).count(), 3);
        let log = yard.harbour.take_log();
        assert_eq!(log.iter().filter(|seen| seen.path.starts_with("/fulcio")).count(), 1);
    }
    // What was signed before stays that.
    let yard = Yard::new(QUEUE);
    let entries = std::sync::atomic::AtomicU32::new(0);
    yard.harbour.misbehave(move |seen| {
        let is_later = seen.path.starts_with("/rekor")
            && entries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 0;
        is_later.then(|| Fault::status(500))
    });
    let attested = yard.attest(&[]).expect_status(4);
    says(&attested.stderr, &["attest: 1 statements signed, 2 pending"]);
    let verified = yard.verify(1);
    let required = verified["required"].as_array().unwrap();
    let answers: Vec<_> = required.iter().map(|one| one["answer"].as_str().unwrap()).collect();
    assert_eq!(answers[0], "present (1 verified)");
    says(answers[1], &["absent: ", "pending since"]);
}

#[test]
fn f25_without_a_queue_nothing_is_signed_and_nothing_is_pending() {
    for outage in ["outage: fail", "max-age: 30d"] {
        let yard = Yard::new(outage);
        for (path, service) in SERVICES {
            yard.take_down(path);
            let failed = yard.keyless("attest", &[]).expect_status(3);
            says(&failed.stderr, &[&format!("error: {service} at http://"), "try again later"]);
            assert_eq!(failed.stdout, "");
        }
        yard.keyless("run", &["--promote-to", &yard.port.name("prod/app:1")]).expect_status(3);
        assert_eq!(yard.verify(1)["candidates"], json!([]));
        assert!(!yard.is_promoted());
    }
}

#[test]
fn f25_a_refusal_and_a_wrong_answer_are_no_outage() {
    let yard = Yard::new(QUEUE);
    let fails = |status, part: &str| {
        let failed = yard.attest(&[]).expect_status(status);
        says(&failed.stderr, &[part]);
        assert!(!failed.stderr.contains("pending"), "{}", failed.stderr);
        assert_eq!(failed.stdout, "");
    };
    for (path, service) in SERVICES {
        for status in [400, 401, 403, 404] {
            yard.harbour
                .misbehave(move |seen| seen.path.starts_with(path).then(|| Fault::status(status)));
            fails(3, &format!("{service} at http://"));
        }
        // Whoever asks for less is there.
        yard.harbour.misbehave(move |seen| seen.path.starts_with(path).then(|| Fault::status(429)));
        fails(3, "it answered with status 429");
    }
    yard.harbour.behave();
    for (flaw, part) in [
        (Flaw::WrongSct, "it does not verify"),
        (Flaw::WrongNonce, "another nonce"),
        (Flaw::WrongLogKey, "it does not verify"),
    ] {
        yard.harbour.set_flaws([flaw]);
        fails(3, part);
    }
    yard.harbour.set_flaws([]);
    // Nor is what is wrong with the token, or with who gives it.
    let config = ["--signing-config", "signing_config.json", "--trusted-root", "trusted_root.json"];
    let mut attest = yard.sandbox.plimsoll();
    attest.args(["attest", &yard.subject(), "--keyless", "--outage-key", "outage.pem"]);
    attest.args(config).args(["--signing-timeout", "1s"]).envs(yard.harbour.environment());
    yard.take_down("/oidc");
    let failed = run(&mut attest).expect_status(3);
    says(&failed.stderr, &["GitHub's token service at "]);
    assert!(!failed.stderr.contains("pending"), "{}", failed.stderr);
    assert_eq!(yard.verify(1)["candidates"], json!([]));
}

#[test]
fn f25_a_run_that_is_pending_passes_and_promotes_nothing_until_it_is_signed() {
    let yard = Yard::new(QUEUE);
    let to = yard.port.name("prod/app:1");
    let run =
        ["--promote-to", &to, "-o", "json=report.json", "-o", "markdown", "-o", "sarif=s.json"];
    yard.take_down("/rekor");
    let pending = yard.judge(&run).expect_status(4);
    says(
        &pending.stderr,
        &[
            "error: passed, but cannot sign the statements: 3 statements are signed for the time being",
        ],
    );
    says(
        &pending.stdout,
        &["ATT-001 | evidence of kind ", "is pending", "0 of 3 statements verified, 3 pending"],
    );
    assert!(!yard.is_promoted());
    let read = |path: &str| -> Value {
        serde_json::from_slice(&std::fs::read(yard.sandbox.join(path)).unwrap()).unwrap()
    };
    let report = read("report.json");
    assert_eq!(report["decision"]["verdict"], "passed");
    assert_eq!(report["promotion"], Value::Null);
    let findings = report["decision"]["findings"].as_array().unwrap();
    let about = |rule: &str| findings.iter().find(|one| one["rule"] == rule).unwrap();
    for rule in ["ATT-001", "ATT-002"] {
        assert_eq!(about(rule)["action"], "warn", "{rule}");
        says(about(rule)["found"].as_str().unwrap(), &["Rekor at http://", "503"]);
    }
    says(&std::fs::read_to_string(yard.sandbox.join("s.json")).unwrap(), &["is pending"]);
    let recorded = yard.recorded();
    assert_eq!((&recorded["verdict"], &recorded["promotedTo"]), (&json!("passed"), &Value::Null));
    assert_eq!(recorded["evidence"], json!([]));
    let queued = recorded["pending"].as_array().unwrap();
    assert_eq!(queued.len(), 3);
    assert_eq!(queued[1]["predicateType"], SBOM);
    says(queued[1]["reason"].as_str().unwrap(), &["Rekor at http://"]);
    let shown = yard.plimsoll(&["ledger", "show", "1"]).expect_status(0).stdout;
    says(&shown, &[&format!("pending    {SBOM} sha256:")]);
    // Without a promotion it is no pass either.
    yard.judge(&[]).expect_status(4);
    // What blocks by itself blocks, whatever is pending.
    yard.promote(&[]).expect_status(1);
    assert!(!yard.is_promoted());
    // The services are back.
    yard.harbour.behave();
    yard.attest(&[]).expect_status(0);
    let verified = yard.verify(0);
    assert_eq!(verified["exitStatus"], 0);
    yard.promote(&[]).expect_status(0);
    assert!(yard.is_promoted());
}

#[test]
fn f25_the_run_itself_mends_what_was_pending() {
    let yard = Yard::new(QUEUE);
    let to = yard.port.name("prod/app:1");
    yard.take_down("/fulcio");
    yard.judge(&["--promote-to", &to]).expect_status(4);
    assert!(!yard.is_promoted());
    yard.harbour.behave();
    yard.judge(&["--promote-to", &to]).expect_status(0);
    assert!(yard.is_promoted());
    assert_eq!(yard.recorded()["pending"], json!([]));
}

#[test]
fn f25_nothing_is_promoted_where_the_policy_lists_no_signers() {
    let yard = Yard::new(QUEUE);
    yard.policy(QUEUE);
    let to = yard.port.name("prod/app:1");
    yard.take_down("/fulcio");
    yard.judge(&["--promote-to", &to]).expect_status(4);
    yard.promote(&[]).expect_status(1);
    // Nor by whoever promotes with that very key, or has it for his own.
    yard.promote(&["--key", "outage.pem"]).expect_status(1);
    let signed = ["attest", &yard.subject(), "--key", "outage.pem"];
    yard.plimsoll(&signed).expect_status(0);
    yard.promote(&["--key", "outage.pem"]).expect_status(1);
    yard.plimsoll(&["run", &yard.subject(), "--key", "outage.pem", "--promote-to", &to])
        .expect_status(1);
    assert!(!yard.is_promoted());
}

#[test]
fn f25_nothing_is_promoted_where_the_policy_lists_the_outage_key_as_a_signer() {
    let yard = Yard::new(QUEUE);
    let listed = "{key: outage.pub, unlogged: accept}";
    yard.policy(&format!("{QUEUE}, signers: [{listed}]"));
    let to = yard.port.name("prod/app:1");
    yard.take_down("/fulcio");
    yard.judge(&["--promote-to", &to]).expect_status(4);
    yard.promote(&[]).expect_status(1);
    // Not even what the key states as it is.
    yard.plimsoll(&["attest", &yard.subject(), "--key", "outage.pem"]).expect_status(0);
    yard.promote(&[]).expect_status(1);
    assert!(!yard.is_promoted());
    let verified = yard.verify(1);
    let found = |one: &Value| {
        let mut steps = one["steps"].as_array().unwrap().iter();
        let failed = steps.find(|step| step["outcome"] == "failed").unwrap();
        failed["found"].as_str().unwrap().to_owned()
    };
    let plain = verified["candidates"].as_array().unwrap().iter();
    let plain: Vec<_> = plain.filter(|one| one["predicateType"] != PENDING).map(found).collect();
    assert_eq!(plain.len(), 3);
    assert!(plain.iter().all(|found| found.ends_with("about which this signer is not believed")));
    // The same policy without the queue, which is what makes the key one for outages, believes what it states as it is; what
    // is pending stays so.
    yard.policy(&format!("signers: [{listed}]"));
    let candidates = yard.verify(0)["candidates"].clone();
    let verdicts = candidates.as_array().unwrap().iter();
    let verdicts = verdicts.filter(|one| one["predicateType"] == PENDING);
    assert!(verdicts.clone().all(|one| one["verdict"] == "refused"));
    assert_eq!(verdicts.count(), 3);
}

#[test]
fn f25_nothing_is_promoted_where_the_policy_accepts_that_evidence_is_missing() {
    let yard = Yard::new(QUEUE);
    let policy = std::fs::read_to_string(yard.sandbox.join("plimsoll.yaml")).unwrap();
    let policy = policy.replace("{BASE-050: off}", "{BASE-050: off, VUL-001: off, \"ATT-*\": off}");
    yard.sandbox.write("plimsoll.yaml", policy);
    let to = yard.port.name("prod/app:1");
    yard.take_down("/tsa");
    yard.judge(&["--promote-to", &to]).expect_status(4);
    let refused = yard.promote(&[]).expect_status(4);
    says(
        &refused.stderr,
        &[
            "passed, but cannot promote the image: evidence about it is pending: provenance, sbom, vulnerabilities",
        ],
    );
    assert!(!yard.is_promoted());
    yard.harbour.behave();
    yard.attest(&["--type", "sbom"]).expect_status(0);
    let refused = yard.promote(&[]).expect_status(4);
    says(&refused.stderr, &["evidence about it is pending: provenance, vulnerabilities"]);
    yard.attest(&[]).expect_status(0);
    yard.promote(&[]).expect_status(0);
    assert!(yard.is_promoted());
}

#[test]
fn f25_the_key_is_the_one_that_the_policy_names_and_is_asked_for_before_any_work() {
    let yard = Yard::new(QUEUE);
    yard.key("other", None);
    let fails = |more: &[&str], part: &str| {
        let failed = yard.keyless("attest", more).expect_status(2);
        says(&failed.stderr, &[part]);
        assert_eq!(yard.harbour.take_log(), []);
    };
    fails(&[], "there is no key for that");
    fails(&["--outage-key", "other.pem"], "`--outage-key` is another key than the policy names");
    fails(&["--outage-key", "missing.pem"], "cannot read `missing.pem`");
    let attest = |more: &[&str]| {
        let attest = ["attest", &yard.subject(), "--bundles", "bundles"];
        yard.plimsoll(&[&attest, more].concat())
    };
    let failed = attest(&["--key", "other.pem", "--outage-key", "outage.pem"]).expect_status(2);
    says(&failed.stderr, &["`--outage-key` is of no use without `--keyless`"]);
    // Whoever signs with a key needs none for outages.
    attest(&["--key", "other.pem"]).expect_status(0);
    // Nor does whoever signs nothing but the receipt.
    let signed = yard.keyless("run", &["--no-attest"]);
    says(&signed.expect_status(1).stdout, &["there is no verified evidence of kind `sbom`"]);
    yard.policy("outage: fail");
    fails(&["--outage-key", "outage.pem"], "the policy has nothing queued during an outage");
}

#[test]
fn f25_the_key_may_have_a_password_or_be_kept_by_a_program() {
    let yard = Yard::new(QUEUE);
    std::fs::remove_file(yard.sandbox.join("outage.pem")).unwrap();
    yard.key("outage", Some("open sesame"));
    yard.take_down("/fulcio");
    let failed = yard.attest(&["--bundles", "bundles"]).expect_status(2);
    says(&failed.stderr, &["PLIMSOLL_KEY_PASSWORD"]);
    let token = yard.sandbox.write("token", yard.harbour.token(&Claims::github("acme/app")));
    let mut attest = yard.sandbox.plimsoll();
    attest.args(["attest", &yard.subject(), "--bundles", "bundles", "--type", "sbom"]);
    attest.args(["--identity-token", token.as_str(), "--signing-timeout", "1s"]);
    attest.args(yard.harbour.arguments(&yard.sandbox, Instance::RekorV1));
    attest.env("PLIMSOLL_KEY_PASSWORD", "open sesame");
    attest.env("PLIMSOLL_OUTAGE_KEY", yard.sandbox.join("outage.pem").as_str());
    let attested = run(&mut attest).expect_status(4);
    says(&attested.stdout, &[".sigstore.json", &format!("\npending {SBOM} sha256:")]);
    let digest = &yard.image.manifest.digest.to_string();
    let bundle = attested.stdout.split(' ').next().unwrap();
    // Who verifies a signature alone is not told that it is evidence either.
    let verify = ["verify-bundle", "--bundle", bundle, "--key", "outage.pub", "--allow-unlogged"];
    says(
        &yard.plimsoll(&[&verify[..], &[digest]].concat()).expect_status(1).stdout,
        &["pending since"],
    );
}
