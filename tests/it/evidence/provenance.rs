//! What provenance states of a source in a git repository, here and in the environments of GitHub and GitLab.

use super::*;

/// A repository with one commit, and the id of it.
fn source(signer: &Signer) -> Option<(Utf8PathBuf, String)> {
    let git = oracle("git")?;
    let sandbox = &signer.sandbox;
    let folder = sandbox.write("source/main.c", "int main;\n").parent().unwrap().to_owned();
    let git = |arguments: &[&str]| {
        let mut git = sandbox.command(&git);
        git.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]);
        run(git.args(arguments).current_dir(&folder)).expect_status(0).stdout.trim().to_owned()
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["remote", "add", "origin", "https://robot:hunter2hunter2@github.com/acme/app.git"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message=x"]);
    let commit = git(&["rev-parse", "HEAD"]);
    Some((folder, commit))
}

/// The statement about the source in an environment, with no time but the epoch's.
#[track_caller]
fn provenance(signer: &Signer, environment: &[(&str, &str)]) -> Value {
    let environment = [environment, &[("SOURCE_DATE_EPOCH", "1700000000")]].concat();
    let more = ["--type", "provenance", "--source", "source", "--bundles", "provenance"];
    let said = signer.try_attest_in(&layout(signer), &more, &environment).expect_status(0).stdout;
    let bundle = signer.sandbox.join(said.split(' ').next().unwrap());
    judges_say(&bundle, &signer.public, 0);
    statement(&bundle)
}

/// Attesting fails for want of a variable, and signs nothing.
#[track_caller]
fn check_refused(signer: &Signer, environment: &[(&str, &str)], variable: &str) {
    let more = ["--type", "provenance", "--source", "source", "--bundles", "none"];
    let refused = signer.try_attest_in(&layout(signer), &more, environment).expect_status(2);
    assert!(refused.stderr.contains(variable), "{}", refused.stderr);
    assert!(!signer.sandbox.join("none").exists(), "nothing may be signed");
}

fn without<'a>(environment: &[(&'a str, &'a str)], name: &str) -> Vec<(&'a str, &'a str)> {
    environment.iter().copied().filter(|(known, _)| *known != name).collect()
}

#[test]
fn provenance_made_by_hand_has_the_commit_and_claims_no_more() {
    let signer = Signer::encrypted();
    let Some((folder, commit)) = source(&signer) else { return };
    let found = provenance(&signer, &[]);
    let digest = image("1:1.2.13.dfsg-1").manifest.digest.hex();
    assert_eq!(found["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(found["predicateType"], "https://slsa.dev/provenance/v1");
    assert_eq!(found["subject"].as_array().unwrap().len(), 1);
    assert_eq!(found["subject"][0]["digest"], json!({"sha256": digest}));
    let predicate = |worktree: &str| {
        json!({
            "buildDefinition": {
                "buildType": "https://github.com/plimsoll-dev/plimsoll/buildtypes/local/v1",
                "externalParameters": {},
                "internalParameters": {"commit": commit, "worktree": worktree},
                "resolvedDependencies": [{
                    "uri": "git+https://github.com/acme/app.git@refs/heads/main",
                    "digest": {"gitCommit": commit},
                }],
            },
            "runDetails": {
                "builder": {
                    "id": "https://github.com/plimsoll-dev/plimsoll/builders/local/v1",
                    "version": {"plimsoll": env!("CARGO_PKG_VERSION")},
                },
                "metadata": {
                    "startedOn": "2023-11-14T22:13:20Z",
                    "finishedOn": "2023-11-14T22:13:20Z",
                },
            },
        })
    };
    assert_eq!(found["predicate"], predicate("clean"));
    fs::write(folder.join("main.c"), "int main = 1;\n").unwrap();
    assert_eq!(provenance(&signer, &[])["predicate"], predicate("dirty"));

    // A repository that can not be read is no missing one.
    fs::write(folder.join(".git/refs/heads/main"), "no commit\n").unwrap();
    let more = ["--type", "provenance", "--source", "source", "--bundles", "none"];
    signer.try_attest(&layout(&signer), &more).expect_status(3);
    assert!(!signer.sandbox.join("none").exists(), "nothing may be signed");
}

#[test]
fn provenance_made_on_github_is_what_github_itself_would_state() {
    let signer = Signer::encrypted();
    let Some((_, commit)) = source(&signer) else { return };
    let environment = [
        ("GITHUB_ACTIONS", "true"),
        ("CI", "true"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/app"),
        ("GITHUB_REPOSITORY_ID", "17"),
        ("GITHUB_REPOSITORY_OWNER_ID", "18"),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_SHA", &commit),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_WORKFLOW_REF", "acme/app/.github/workflows/ci.yml@refs/heads/main"),
        ("GITHUB_RUN_ID", "19"),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("RUNNER_ENVIRONMENT", "github-hosted"),
        ("GITHUB_TOKEN", "ghs_0123456789012345678901234567890123456789"),
    ];
    let found = provenance(&signer, &environment);
    assert_eq!(
        found["predicate"],
        json!({
            "buildDefinition": {
                "buildType": "https://actions.github.io/buildtypes/workflow/v1",
                "externalParameters": {"workflow": {
                    "ref": "refs/heads/main",
                    "repository": "https://github.com/acme/app",
                    "path": ".github/workflows/ci.yml",
                }},
                "internalParameters": {"github": {
                    "event_name": "push",
                    "repository_id": "17",
                    "repository_owner_id": "18",
                    "runner_environment": "github-hosted",
                }},
                "resolvedDependencies": [{
                    "uri": "git+https://github.com/acme/app@refs/heads/main",
                    "digest": {"gitCommit": commit},
                }],
            },
            "runDetails": {
                "builder": {"id": "https://github.com/acme/app/.github/workflows/ci.yml@refs/heads/main"},
                "metadata": {"invocationId": "https://github.com/acme/app/actions/runs/19/attempts/1"},
            },
        })
    );
    let half = without(&environment, "GITHUB_WORKFLOW_REF");
    check_refused(&signer, &half, "GITHUB_WORKFLOW_REF");
    let mut wrong = without(&environment, "GITHUB_SHA");
    wrong.push(("GITHUB_SHA", "main"));
    check_refused(&signer, &wrong, "GITHUB_SHA");

    // What was checked out is not what started the workflow: both are named.
    let other = "1".repeat(40);
    let mut elsewhere = without(&environment, "GITHUB_SHA");
    elsewhere.push(("GITHUB_SHA", &other));
    let found = provenance(&signer, &elsewhere);
    let dependencies = &found["predicate"]["buildDefinition"]["resolvedDependencies"];
    assert_eq!(dependencies[0]["digest"]["gitCommit"], other);
    assert_eq!(dependencies[1]["digest"]["gitCommit"], commit);
    assert!(!found.to_string().contains("ghs_") && !found.to_string().contains("hunter2"));
}

#[test]
fn provenance_made_on_gitlab_names_the_job_and_no_value_of_a_variable() {
    let signer = Signer::encrypted();
    let Some((_, commit)) = source(&signer) else { return };
    let environment = [
        ("GITLAB_CI", "true"),
        ("CI", "true"),
        ("CI_PROJECT_URL", "https://gitlab.com/acme/app"),
        ("CI_COMMIT_SHA", &commit),
        ("CI_JOB_ID", "17"),
        ("CI_JOB_NAME", "build"),
        ("CI_RUNNER_ID", "18"),
        ("CI_RUNNER_VERSION", "17.5.0"),
        ("CI_RUNNER_DESCRIPTION", "green-1"),
        ("CI_RUNNER_EXECUTABLE_ARCH", "linux/amd64"),
        ("DEPLOY_TARGET", "hunter2hunter2"),
    ];
    let found = provenance(&signer, &environment);
    let predicate = &found["predicate"];
    let definition = &predicate["buildDefinition"];
    assert_eq!(
        definition["buildType"],
        "https://docs.gitlab.com/ci/pipeline_security/slsa/provenance_v1"
    );
    let external = &definition["externalParameters"];
    assert_eq!(external["source"], "https://gitlab.com/acme/app");
    assert_eq!(external["entryPoint"], "build");
    let variables = external["variables"].as_object().unwrap();
    assert!(variables.values().all(|value| value == "[MASKED]"), "{variables:?}");
    for (name, _) in environment {
        assert!(variables.contains_key(name), "{name}");
    }
    assert_eq!(
        definition["internalParameters"],
        json!({"name": "green-1", "architecture": "linux/amd64", "job": "17"})
    );
    assert_eq!(
        definition["resolvedDependencies"],
        json!([{"uri": "https://gitlab.com/acme/app", "digest": {"gitCommit": commit}}])
    );
    assert_eq!(
        predicate["runDetails"],
        json!({
            "builder": {
                "id": "https://gitlab.com/acme/app/-/runners/18",
                "version": {"gitlab-runner": "17.5.0"},
            },
            "metadata": {
                "invocationId": "17",
                "startedOn": "2023-11-14T22:13:20Z",
                "finishedOn": "2023-11-14T22:13:20Z",
            },
        })
    );
    assert!(!found.to_string().contains("hunter2"), "{found}");
    check_refused(&signer, &without(&environment, "CI_PROJECT_URL"), "CI_PROJECT_URL");
}
