//! GitHub Actions, in the form that `actions/attest-build-provenance` writes.
//!
//! <https://actions.github.io/buildtypes/workflow/v1>. Where the job runs in a reusable workflow, the builder is that one
//! (`job_workflow_ref`), which only the identity token of the job tells. Off-spec: without a token it is the workflow that
//! was started (`GITHUB_WORKFLOW_REF`).

use super::{Builder, DependencyDigest, Input, ProvenanceFacts, ResolvedDependency};
use crate::Error;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The builder.
pub(super) const BUILDER: Builder = Builder {
    id: "GitHub Actions",
    detects: |env| env.get("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
    claims: &[
        ("GITHUB_REPOSITORY", "repository"),
        ("GITHUB_REF", "ref"),
        ("GITHUB_SHA", "sha"),
        ("GITHUB_WORKFLOW_REF", "workflow_ref"),
        ("GITHUB_EVENT_NAME", "event_name"),
        ("GITHUB_REPOSITORY_ID", "repository_id"),
        ("GITHUB_REPOSITORY_OWNER_ID", "repository_owner_id"),
        ("GITHUB_RUN_ID", "run_id"),
        ("GITHUB_RUN_ATTEMPT", "run_attempt"),
        ("RUNNER_ENVIRONMENT", "runner_environment"),
    ],
    facts,
};

fn facts(input: &Input<'_>) -> Result<ProvenanceFacts, Error> {
    let server = input.require("GITHUB_SERVER_URL")?.trim_end_matches('/');
    let repository = input.require("GITHUB_REPOSITORY")?;
    let reference = input.require("GITHUB_REF")?;
    let commit = input.require_commit("GITHUB_SHA")?;
    let workflow_ref = input.require("GITHUB_WORKFLOW_REF")?;
    let (run, attempt) = (input.require("GITHUB_RUN_ID")?, input.require("GITHUB_RUN_ATTEMPT")?);
    let url = format!("{server}/{repository}");

    let mut dependencies = vec![ResolvedDependency {
        uri: format!("git+{url}@{reference}"),
        digest: DependencyDigest::GitCommit(commit.clone()),
    }];
    dependencies.extend(input.other_source(&commit));
    dependencies.extend(input.run.dependencies.iter().cloned());
    let workflow = json!({
        "ref": reference,
        "repository": url,
        "path": workflow_path(input, repository, workflow_ref)?,
    });
    let github = json!({
        "event_name": input.require("GITHUB_EVENT_NAME")?,
        "repository_id": input.require("GITHUB_REPOSITORY_ID")?,
        "repository_owner_id": input.require("GITHUB_REPOSITORY_OWNER_ID")?,
        "runner_environment": input.require("RUNNER_ENVIRONMENT")?,
    });
    Ok(ProvenanceFacts {
        build_type: "https://actions.github.io/buildtypes/workflow/v1",
        external_parameters: field("workflow", workflow),
        internal_parameters: field("github", github),
        dependencies,
        builder_id: format!("{server}/{}", input.claim("job_workflow_ref").unwrap_or(workflow_ref)),
        builder_version: BTreeMap::new(),
        invocation_id: Some(format!("{url}/actions/runs/{run}/attempts/{attempt}")),
        started: None,
        finished: None,
        redacted: Vec::new(),
    })
}

fn field(name: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value)])
}

/// `REPOSITORY/PATH@REF`, up to the first `@`: a tag may contain another one.
fn workflow_path<'a>(
    input: &Input<'_>,
    repository: &str,
    workflow_ref: &'a str,
) -> Result<&'a str, Error> {
    workflow_ref
        .strip_prefix(repository)
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|rest| rest.split_once('@'))
        .map(|(path, _)| path)
        .filter(|path| !path.is_empty())
        .ok_or(Error::VariableMalformed {
            builder: input.builder,
            variable: "GITHUB_WORKFLOW_REF",
            expected: "`$GITHUB_REPOSITORY/PATH@REF`",
        })
}

#[cfg(test)]
mod tests {
    use crate::{
        Error,
        builders::{
            IdentityClaims, Variables, detect,
            tests::{run, variables},
        },
        predicates::slsa_provenance_v1::predicate,
        source::{SourceFacts, WorktreeState},
    };
    use serde_json::json;

    const COMMIT: &str = "1234567890123456789012345678901234567890";

    fn env() -> Variables {
        variables(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/app"),
            ("GITHUB_REF", "refs/tags/v1@beta"),
            ("GITHUB_SHA", COMMIT),
            ("GITHUB_WORKFLOW_REF", "acme/app/.github/workflows/ci.yml@refs/tags/v1@beta"),
            ("GITHUB_EVENT_NAME", "push"),
            ("GITHUB_REPOSITORY_ID", "17"),
            ("GITHUB_REPOSITORY_OWNER_ID", "18"),
            ("RUNNER_ENVIRONMENT", "github-hosted"),
            ("GITHUB_RUN_ID", "19"),
            ("GITHUB_RUN_ATTEMPT", "2"),
        ])
    }

    #[test]
    fn the_predicate_is_the_one_that_github_writes() {
        let facts = detect(&env(), None, &run()).unwrap();
        assert_eq!(
            predicate(&facts),
            json!({
                "buildDefinition": {
                    "buildType": "https://actions.github.io/buildtypes/workflow/v1",
                    "externalParameters": {"workflow": {
                        "ref": "refs/tags/v1@beta",
                        "repository": "https://github.com/acme/app",
                        "path": ".github/workflows/ci.yml",
                    }},
                    "internalParameters": {"github": {
                        "event_name": "push",
                        "repository_id": "17",
                        "repository_owner_id": "18",
                        "runner_environment": "github-hosted",
                    }},
                    "resolvedDependencies": [
                        {
                            "uri": "git+https://github.com/acme/app@refs/tags/v1@beta",
                            "digest": {"gitCommit": COMMIT},
                        },
                        {
                            "uri": "docker.io/library/node",
                            "digest": {"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                        },
                    ],
                },
                "runDetails": {
                    "builder": {
                        "id": "https://github.com/acme/app/.github/workflows/ci.yml@refs/tags/v1@beta",
                    },
                    "metadata": {
                        "invocationId": "https://github.com/acme/app/actions/runs/19/attempts/2",
                    },
                },
            })
        );
    }

    #[test]
    fn b17_what_the_identity_token_says_counts_and_names_the_reusable_workflow() {
        let mut run = run();
        let claims = [
            ("repository", "acme/app"),
            ("ref", "refs/heads/main"),
            ("sha", "abcdefabcdefabcdefabcdefabcdefabcdefabcd"),
            ("workflow_ref", "acme/app/.github/workflows/ci.yml@refs/heads/main"),
            ("job_workflow_ref", "acme/ci/.github/workflows/build.yml@refs/tags/v3"),
            ("run_id", "21"),
        ];
        run.identity = Some(IdentityClaims(variables(&claims)));
        let found = predicate(&detect(&env(), None, &run).unwrap());
        assert_eq!(
            found["runDetails"]["builder"]["id"],
            "https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v3"
        );
        assert_eq!(
            found["runDetails"]["metadata"]["invocationId"],
            "https://github.com/acme/app/actions/runs/21/attempts/2"
        );
        let definition = &found["buildDefinition"];
        assert_eq!(definition["externalParameters"]["workflow"]["ref"], "refs/heads/main");
        assert_eq!(
            definition["resolvedDependencies"][0],
            json!({
                "uri": "git+https://github.com/acme/app@refs/heads/main",
                "digest": {"gitCommit": "abcdefabcdefabcdefabcdefabcdefabcdefabcd"},
            })
        );
        // A claim of nothing does not fall back to what anybody could set.
        run.identity = Some(IdentityClaims(variables(&[("sha", "")])));
        assert!(matches!(
            detect(&env(), None, &run),
            Err(Error::VariableMissing { variable: "GITHUB_SHA", .. })
        ));
    }

    #[test]
    fn a_checkout_of_something_else_is_said() {
        let mut source = SourceFacts {
            repository: Some("https://github.com/acme/other".to_owned()),
            commit: COMMIT.to_owned(),
            reference: None,
            state: WorktreeState::Clean,
        };
        let uris = |source: &SourceFacts| -> Vec<String> {
            let facts = detect(&env(), Some(source), &run()).unwrap();
            facts.dependencies.into_iter().map(|dependency| dependency.uri).collect()
        };
        assert_eq!(uris(&source).len(), 2);
        source.commit = COMMIT.replace('1', "a");
        assert_eq!(uris(&source)[1], "git+https://github.com/acme/other");
    }

    #[test]
    fn half_an_environment_is_refused() {
        for variable in env().keys().filter(|name| *name != "GITHUB_ACTIONS") {
            let mut env = env();
            env.insert(variable.clone(), String::new());
            let found = detect(&env, None, &run());
            assert!(
                matches!(found, Err(Error::VariableMissing { variable: found, .. }) if found == variable),
                "{variable}"
            );
        }
        for (variable, value) in [
            ("GITHUB_SHA", "main"),
            ("GITHUB_WORKFLOW_REF", "acme/app2/.github/workflows/ci.yml@refs/heads/main"),
            ("GITHUB_WORKFLOW_REF", "acme/app/@refs/heads/main"),
            ("GITHUB_WORKFLOW_REF", "acme/app/ci.yml"),
        ] {
            let mut env = env();
            env.insert(variable.to_owned(), value.to_owned());
            let found = detect(&env, None, &run());
            assert!(
                matches!(found, Err(Error::VariableMalformed { variable: found, .. }) if found == variable),
                "{value}"
            );
        }
    }
}
