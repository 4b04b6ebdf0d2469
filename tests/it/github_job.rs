//! A job on GitHub, run by act, in which the gate signs with the job's identity: what GitHub's own tool says of what it attached.

use crate::support::{
    Harbour, Outcome, Sandbox, act, bin, harbour, oracle, registry, repository, root, run, sandbox,
};
use camino::Utf8PathBuf;
use plimsoll_attest::testing::{Claims, GITHUB, Instance};
use serde_json::{Value, json};
use std::fs;

const REPOSITORY: &str = "acme/app";
const WORKFLOW: &str = "acme/app/.github/workflows/release.yml";
/// The approved base that the example's image begins with.
const BASE: &str = "bb5b2ccb8f916b4928685dc04505cbc2632f72d86a37aaa33512590fff3a7672";

/// A repository on GitHub with a policy that believes its own workflow, and what its job signs with.
struct Job {
    sandbox: Sandbox,
    harbour: Harbour,
    /// What is checked out.
    repository: Utf8PathBuf,
    commit: String,
    /// The image that the job judges.
    subject: String,
}

impl Job {
    /// With the example's image in a registry.
    #[track_caller]
    fn new(subject: String) -> Option<Self> {
        let (sandbox, harbour, skopeo) = (sandbox(), harbour(), oracle("skopeo")?);
        let examples = root().join("examples");
        let mut copy = sandbox.command(skopeo);
        copy.args(["--insecure-policy", "copy", "--dest-tls-verify=false", "--quiet"]);
        copy.arg(format!("oci-archive:{}", examples.join("images/good.tar")));
        run(copy.arg(format!("docker://{subject}"))).expect_status(0);
        let repository = repository(&sandbox, "github_job", |repository| {
            for file in ["bases.lock", "bases.pub"] {
                fs::copy(examples.join(file), repository.join(file)).unwrap();
            }
            let policy = fs::read_to_string(examples.join("plimsoll.yaml")).unwrap();
            let signers = format!(
                "  signers:\n    - issuer: {GITHUB}\n      identity: https://github.com/{WORKFLOW}@refs/heads/main\n"
            );
            fs::write(repository.join("plimsoll.yaml"), policy + &signers).unwrap();
        });
        let origin = format!("https://github.com/{REPOSITORY}");
        let git = |arguments: &[&str]| {
            let mut git = sandbox.command("git");
            run(git.args(arguments).current_dir(&repository)).expect_status(0).stdout
        };
        git(&["remote", "add", "origin", &origin]);
        let commit = git(&["rev-parse", "HEAD"]).trim().to_owned();
        harbour.set_job(claims(&commit));
        Some(Self { sandbox, harbour, repository, commit, subject })
    }

    /// Runs the workflow.
    #[track_caller]
    fn run(&self) -> Option<Outcome> {
        let mut act = act(&self.sandbox, &self.repository)?;
        self.harbour.arguments(&self.sandbox, Instance::RekorV1);
        let set = [
            ("SUBJECT", self.subject.clone()),
            ("ADVISORIES", root().join("examples/advisories").into()),
            ("BINARY_PATH", bin().to_string()),
            ("OUTPUT_DIR", self.sandbox.join("reports").into()),
            ("SIGNING_CONFIG", self.sandbox.join("signing_config.json").into()),
            ("TRUSTED_ROOT", self.sandbox.join("trusted_root.json").into()),
        ];
        for (name, value) in set {
            act.args(["--var", &format!("{name}={value}")]);
        }
        for (name, value) in said_by_github() {
            act.args(["--env", &format!("{name}={value}")]);
        }
        // The door to the job's identity, which act has none of.
        for (name, value) in self.harbour.environment() {
            act.args(["--env", &format!("{name}={value}")]);
        }
        Some(run(&mut act))
    }

    /// `gh attestation verify` of the image in the registry, by a repository and its workflow.
    #[track_caller]
    fn gh(&self, repository: &str, workflow: &str, more: &[&str]) -> Outcome {
        let bench = self.harbour.bench(Instance::RekorV1);
        bench.gh_image(&self.subject, &["--repo", repository, "--signer-workflow", workflow], more)
    }

    /// `plimsoll verify` of the same, by somebody else, who has nothing but the trusted root.
    #[track_caller]
    fn verify(&self, more: &[&str]) -> Outcome {
        let elsewhere = sandbox();
        let root = elsewhere.write("trusted_root.json", self.harbour.trusted_root());
        let mut plimsoll = elsewhere.plimsoll();
        plimsoll.args(["verify", &self.subject, "--issuer", GITHUB, "--trusted-root"]);
        run(plimsoll.arg(root).args(more))
    }
}

/// What the issuer of tokens says of the job.
fn claims(commit: &str) -> Claims {
    let commits = ["sha", "workflow_sha", "job_workflow_sha"];
    commits.into_iter().fold(Claims::github(REPOSITORY), |claims, name| claims.with(name, commit))
}

/// What a runner of GitHub says of the job, and act does not; it is what the claims say.
fn said_by_github() -> [(&'static str, String); 6] {
    [
        ("GITHUB_REPOSITORY_ID", "712345678".into()),
        ("GITHUB_REPOSITORY_OWNER_ID", "912345".into()),
        ("GITHUB_WORKFLOW_REF", format!("{WORKFLOW}@refs/heads/main")),
        ("GITHUB_RUN_ID", "8123456789".into()),
        ("GITHUB_RUN_ATTEMPT", "1".into()),
        ("RUNNER_ENVIRONMENT", "github-hosted".into()),
    ]
}

/// The predicate as `actions/attest-build-provenance` writes it, and the approved base beside the source.
fn predicate(commit: &str) -> Value {
    json!({
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {"workflow": {
                "ref": "refs/heads/main",
                "repository": "https://github.com/acme/app",
                "path": ".github/workflows/release.yml",
            }},
            "internalParameters": {"github": {
                "event_name": "push",
                "repository_id": "712345678",
                "repository_owner_id": "912345",
                "runner_environment": "github-hosted",
            }},
            "resolvedDependencies": [
                {
                    "uri": "git+https://github.com/acme/app@refs/heads/main",
                    "digest": {"gitCommit": commit},
                },
                {
                    "uri": format!("pkg:oci/debian@sha256:{BASE}?repository_url=docker.io%2Flibrary%2Fdebian&tag=12"),
                    "digest": {"sha256": BASE},
                },
            ],
        },
        "runDetails": {
            "builder": {"id": "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main"},
            "metadata": {"invocationId": "https://github.com/acme/app/actions/runs/8123456789/attempts/1"},
        },
    })
}

/// The image passes the gate of the job, and then everybody's verification; of another repository it does not.
///
/// The registry has no referrers API: what is attached is found by the tag that stands in for it.
#[test]
fn what_a_job_attaches_gh_verifies_and_of_another_repository_nobody() {
    let (Some(_), Some(registry)) = (oracle("gh"), registry()) else { return };
    let Some(job) = Job::new(registry.reference("build/app:1")) else { return };
    let Some(outcome) = job.run() else { return };
    outcome.expect_status(0);

    let said = job.gh(REPOSITORY, WORKFLOW, &["--format", "json"]).expect_status(0);
    let said: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(said.as_array().unwrap().len(), 1, "{said}");
    let verified = &said[0]["verificationResult"];
    assert_eq!(verified["statement"]["predicate"], predicate(&job.commit));
    let certificate = &verified["signature"]["certificate"];
    let statement = &verified["statement"]["predicate"];
    assert_eq!(certificate["buildSignerURI"], statement["runDetails"]["builder"]["id"]);
    let invocation = &statement["runDetails"]["metadata"]["invocationId"];
    assert_eq!(certificate["runInvocationURI"], *invocation);
    assert_eq!(certificate["sourceRepositoryDigest"], job.commit.as_str());
    for kind in ["https://cyclonedx.org/bom", "https://in-toto.io/attestation/vulns/v0.2"] {
        job.gh(REPOSITORY, WORKFLOW, &["--predicate-type", kind]).expect_status(0);
    }
    job.gh("acme/other", WORKFLOW, &[]).expect_status(1);
    job.gh(REPOSITORY, "acme/app/.github/workflows/other.yml", &[]).expect_status(1);

    let identity = format!("https://github.com/{WORKFLOW}@refs/heads/main");
    let passed = job.verify(&["--identity", &identity]).expect_status(0);
    assert_eq!(passed.stdout.lines().last(), Some("VERIFIED"));
    let other = identity.replace("acme/app", "acme/other");
    let refused = job.verify(&["--identity", &other]).expect_status(1);
    assert_eq!(refused.stdout.lines().last(), Some("NOT VERIFIED"));
    let closest =
        "provenance: absent: 3 candidates, none verifies; the closest fails at identity: ";
    assert!(refused.stdout.contains(closest), "{}", refused.stdout);
    let url = "https://github.com/acme/other";
    let refused = job.verify(&["--identity", &identity, "--repository", url]).expect_status(1);
    assert!(refused.stdout.contains(closest), "{}", refused.stdout);
}
