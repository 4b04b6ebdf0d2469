//! Signing without a key: what is signed others verify, and what can not be signed is said before or after, never hidden.

use crate::support::{Bench, Evidence, Harbour, Outcome, Sandbox, harbour, port, run, sandbox};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_attest::testing::{Claims, Fault, Flaw, GITHUB, Instance};
use plimsoll_oci::testing::{
    image::{BuiltImage, ImageBuilder, LayerBuilder},
    registry::Options,
};
use serde_json::{Value, json};

const SBOM: &str = "https://cyclonedx.org/bom";
const REPOSITORY: &str = "acme/app";

fn image() -> BuiltImage {
    let layer = LayerBuilder::new().file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    ImageBuilder::new().user("1000").layer(layer).build()
}

/// A job with an image to sign, and the instance that it signs with.
struct Job {
    sandbox: Sandbox,
    harbour: Harbour,
    instance: Instance,
    image: BuiltImage,
}

impl Job {
    fn new(instance: Instance) -> Self {
        Self { sandbox: sandbox(), harbour: harbour(), instance, image: image() }
    }

    fn layout(&self) -> Utf8PathBuf {
        let layout = self.sandbox.join("layout");
        if !layout.exists() {
            self.image.write_layout(&layout, Some("1"));
        }
        layout
    }

    /// A blob of the image as a file.
    fn blob(&self, digest: &str) -> Utf8PathBuf {
        self.layout().join("blobs/sha256").join(digest.trim_start_matches("sha256:"))
    }

    /// Signs an SBOM into a file.
    fn attest(&self, more: &[&str]) -> Outcome {
        let subject = format!("oci-layout:{}:1", self.layout());
        self.attest_subject(&subject, &[&["--bundles", "bundles"], more].concat())
    }

    fn attest_subject(&self, subject: &str, more: &[&str]) -> Outcome {
        let mut plimsoll = self.sandbox.plimsoll();
        plimsoll.args(["attest", subject, "--type", "sbom"]);
        plimsoll.args(self.harbour.arguments(&self.sandbox, self.instance)).args(more);
        run(plimsoll.envs(self.harbour.environment()))
    }

    /// The bundle that was signed.
    #[track_caller]
    fn bundle(&self, said: &Outcome) -> Utf8PathBuf {
        self.sandbox.join(said.stdout.split(' ').next().unwrap())
    }

    fn token(&self, claims: &Claims) -> Utf8PathBuf {
        self.sandbox.write("token", self.harbour.token(claims))
    }
}

type Judge = fn(&Bench, Evidence<'_>) -> Option<Outcome>;

/// Accepts the bundle for this image of this repository, and for no other.
#[track_caller]
fn accepts(job: &Job, bundle: &Utf8Path, judge: Judge) {
    let bench = job.harbour.bench(job.instance);
    let artifact = job.blob(&job.image.manifest.digest.to_string());
    let good =
        Evidence { bundle, artifact: &artifact, repository: REPOSITORY, predicate_type: SBOM };
    let Some(outcome) = judge(&bench, good) else { return };
    outcome.expect_status(0);
    let other = job.sandbox.write("other", "something else");
    judge(&bench, Evidence { artifact: &other, ..good }).unwrap().expect_status(1);
    judge(&bench, Evidence { repository: "acme/other", ..good }).unwrap().expect_status(1);
}

#[test]
fn what_is_logged_by_rekor_v1_everybody_accepts() {
    let job = Job::new(Instance::RekorV1);
    let said = job.attest(&[]).expect_status(0);
    let identity = Claims::github(REPOSITORY).identity();
    let line = format!("attest: 1 statements signed as {identity} ({GITHUB}), ");
    assert!(said.stderr.contains(&line), "{}", said.stderr);
    let bundle = job.bundle(&said);
    accepts(&job, &bundle, Bench::gh);
    accepts(&job, &bundle, Bench::python);
    accepts(&job, &bundle, Bench::javascript);
}

#[test]
fn what_is_logged_by_rekor_v2_clients_of_today_accept() {
    let job = Job::new(Instance::RekorV2);
    let bundle = job.bundle(&job.attest(&[]).expect_status(0));
    accepts(&job, &bundle, Bench::gh);
    accepts(&job, &bundle, Bench::python);
    // It looks in an entry of Rekor v2 for the digest of the payload, where the log has that of what is signed.
    let artifact = job.blob(&job.image.manifest.digest.to_string());
    let bench = job.harbour.bench(job.instance);
    let evidence = Evidence {
        bundle: &bundle,
        artifact: &artifact,
        repository: REPOSITORY,
        predicate_type: SBOM,
    };
    let Some(outcome) = bench.javascript(evidence) else { return };
    assert_eq!(outcome.expect_status(1).stderr.trim(), "refused: digest mismatch");
}

#[test]
fn without_a_timestamp_authority_the_log_says_when() {
    let job = Job::new(Instance::RekorV1WithoutTsa);
    let bundle = job.bundle(&job.attest(&[]).expect_status(0));
    accepts(&job, &bundle, Bench::gh);
    accepts(&job, &bundle, Bench::python);
    accepts(&job, &bundle, Bench::javascript);
}

#[test]
fn a_bundle_goes_to_the_registry_like_any_other() {
    let job = Job::new(Instance::RekorV1);
    let registry = port(Options::default());
    for bytes in job.image.blobs.values() {
        registry.put_blob("build/app", bytes.clone());
    }
    let manifest = job.image.blobs[&job.image.manifest.digest].clone();
    registry.put_manifest("build/app", &job.image.manifest.media_type, manifest, Some("1"));
    let said = job.attest_subject(&registry.name("build/app:1"), &[]).expect_status(0);
    assert!(said.stdout.starts_with("1 statements attached to "), "{}", said.stdout);
    let sent = registry.take_log().into_iter().map(|seen| seen.body);
    let mut sent =
        sent.filter_map(|body| Some((serde_json::from_slice::<Value>(&body).ok()?, body)));
    let (_, bundle) = sent.find(|(json, _)| json["dsseEnvelope"].is_object()).unwrap();
    let bundle = job.sandbox.write("attached.json", bundle);
    accepts(&job, &bundle, Bench::gh);
    let (manifest, _) = sent.find(|(json, _)| json["subject"].is_object()).unwrap();
    assert_eq!(manifest["annotations"]["dev.sigstore.bundle.predicateType"], SBOM);
}

#[test]
fn jobs_of_gitlab_sign_as_their_configuration() {
    let job = Job::new(Instance::RekorV1);
    job.harbour.set_job(Claims::gitlab("acme/app"));
    let said = job.attest(&[]).expect_status(0);
    let line = "signed as https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main (https://gitlab.com), ";
    assert!(said.stderr.contains(line), "{}", said.stderr);
}

#[test]
fn f22_f23_f24_services_that_fail_for_a_while_are_waited_for() {
    let job = Job::new(Instance::RekorV1);
    let limited = || Fault::Answer {
        status: 429,
        headers: vec![("retry-after", "0".to_owned())],
        body: Vec::new().into(),
    };
    for path in ["/oidc", "/fulcio", "/tsa", "/rekor"] {
        job.harbour.fail(path, [limited(), Fault::Drop]);
        job.attest(&[]).expect_status(0);
    }
    // An entry whose answer was lost is there already when it is sent again.
    job.harbour.fail("/rekor", [Fault::Lose]);
    job.harbour.take_log();
    let bundle = job.bundle(&job.attest(&[]).expect_status(0));
    let log = job.harbour.take_log();
    assert!(log.iter().any(|seen| seen.method == "GET" && seen.path.starts_with("/rekor")));
    accepts(&job, &bundle, Bench::gh);
}

#[track_caller]
fn fails(job: &Job, more: &[&str], status: i32, parts: &[&str]) {
    let outcome = job.attest(more).expect_status(status);
    assert_eq!(outcome.stdout, "");
    for part in parts {
        assert!(outcome.stderr.contains(part), "no {part} in {}", outcome.stderr);
    }
    assert!(!job.sandbox.join("bundles").exists());
}

#[test]
fn f23_a_log_that_never_works_is_given_up() {
    let job = Job::new(Instance::RekorV1);
    job.harbour.misbehave(|seen| seen.path.starts_with("/rekor").then(|| Fault::status(502)));
    let brief = ["--signing-timeout", "2s"];
    fails(&job, &brief, 3, &["error: Rekor at http://", "it answered with status 502", "hint: "]);
}

#[test]
fn f22_f24_answers_that_do_not_verify_are_not_used() {
    let job = Job::new(Instance::RekorV1);
    for (flaw, parts) in [
        (Flaw::WrongSct, ["it does not verify", "SCT"]),
        (Flaw::WrongNonce, ["the timestamp of http://", "another nonce"]),
        (Flaw::FutureTime, ["it does not verify", "CertExpired"]),
        (Flaw::WrongLogKey, ["it does not verify", "SET verification failed"]),
    ] {
        job.harbour.set_flaws([flaw]);
        fails(&job, &[], 3, &parts);
    }
}

#[test]
fn f28_tokens_are_looked_at_before_anything_is_done() {
    let job = Job::new(Instance::RekorV1);
    let claims = Claims::github(REPOSITORY);
    for (claims, status, part) in [
        (claims.clone().with("aud", "https://github.com/acme"), 2, "expected `sigstore`"),
        (claims.clone().with("exp", 1_700_000_000), 3, "the identity token holds until 2023-"),
        (claims.clone().without("sub"), 2, "no JSON Web Token"),
    ] {
        let token = job.token(&claims);
        // Nor is it looked whether there is such an image.
        let outcome = job.attest_subject(
            "oci-layout:nowhere:1",
            &["--identity-token", token.as_str(), "--bundles", "bundles"],
        );
        let said = outcome.expect_status(status).stderr;
        assert!(said.contains(part), "{said}");
        let secret = std::fs::read_to_string(&token).unwrap();
        assert!(!said.contains(&secret));
    }
    assert_eq!(job.harbour.take_log(), []);
    let token = job.token(&claims);
    job.attest(&["--identity-token", token.as_str()]).expect_status(0);
}

#[test]
fn f28_a_job_without_a_token_is_told_how_to_get_one() {
    let job = Job::new(Instance::RekorV1);
    for (environment, parts) in [
        (
            json!({"GITHUB_ACTIONS": "true"}),
            ["ACTIONS_ID_TOKEN_REQUEST_URL", "pull requests from forks never get one"],
        ),
        (json!({"GITLAB_CI": "true"}), ["no identity token", "id_tokens: { SIGSTORE_ID_TOKEN"]),
        (json!({"BUILDKITE": "true"}), ["no identity token", "buildkite-agent oidc request-token"]),
        (json!({}), ["no identity token", "--identity-token"]),
    ] {
        let mut plimsoll = job.sandbox.plimsoll();
        plimsoll.args(["attest", "oci-layout:nowhere:1"]);
        plimsoll.args(job.harbour.arguments(&job.sandbox, job.instance));
        let set = environment.as_object().unwrap();
        plimsoll.envs(set.iter().map(|(name, value)| (name, value.as_str().unwrap())));
        let said = run(&mut plimsoll).expect_status(2).stderr;
        for part in parts {
            assert!(said.contains(part), "no {part} in {said}");
        }
    }
}

#[test]
fn flags_that_do_not_go_together_are_refused() {
    let job = Job::new(Instance::RekorV1);
    fails(&job, &["--key", "x.pem"], 2, &["`--keyless` and `--key` are two ways to sign"]);
    fails(&job, &["--offline"], 2, &["`--offline` permits none"]);
    let attest = |more: &[&str]| {
        let mut plimsoll = job.sandbox.plimsoll();
        run(plimsoll.args(["attest", "oci-layout:nowhere:1"]).args(more)).expect_status(2).stderr
    };
    let config = job.sandbox.join("signing_config.json");
    let said = attest(&["--keyless", "--signing-config", config.as_str()]);
    assert!(said.contains("`--signing-config` and `--trusted-root` belong together"), "{said}");
    let said = attest(&["--identity-token", "token"]);
    assert!(said.contains("of no use without `--keyless`"), "{said}");
}
