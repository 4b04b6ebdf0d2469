//! GitLab CI, in the form of GitLab's own SLSA statement.
//!
//! <https://docs.gitlab.com/ci/pipeline_security/slsa/provenance_v1>. Off-spec: of the variables the names alone, every
//! value as GitLab writes a masked one, because what is masked there can not be told here; the id of the job is a text,
//! as SLSA has it.

use super::{Builder, DependencyDigest, Input, ProvenanceFacts, ResolvedDependency};
use crate::Error;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const MASKED: &str = "[MASKED]";

/// The builder.
pub(super) const BUILDER: Builder = Builder {
    id: "GitLab CI",
    detects: |env| env.get("GITLAB_CI").is_some_and(|value| value == "true"),
    claims: &[("CI_COMMIT_SHA", "sha"), ("CI_JOB_ID", "job_id"), ("CI_RUNNER_ID", "runner_id")],
    facts,
};

fn facts(input: &Input<'_>) -> Result<ProvenanceFacts, Error> {
    let project = input.require("CI_PROJECT_URL")?;
    let commit = input.require_commit("CI_COMMIT_SHA")?;
    let job = input.require("CI_JOB_ID")?;
    let runner = input.require("CI_RUNNER_ID")?;

    let mut dependencies = vec![ResolvedDependency {
        uri: project.to_owned(),
        digest: DependencyDigest::GitCommit(commit.clone()),
    }];
    dependencies.extend(input.other_source(&commit));
    dependencies.extend(input.run.dependencies.iter().cloned());
    let variables: Map<String, Value> =
        input.env.keys().map(|name| (name.clone(), MASKED.into())).collect();
    let external = json!({
        "source": project,
        "entryPoint": input.require("CI_JOB_NAME")?,
        "variables": variables,
    });
    let internal = [
        ("name", input.get("CI_RUNNER_DESCRIPTION")),
        ("architecture", input.get("CI_RUNNER_EXECUTABLE_ARCH")),
        ("job", Some(job)),
    ];
    let version = input.get("CI_RUNNER_REVISION").or_else(|| input.get("CI_RUNNER_VERSION"));
    Ok(ProvenanceFacts {
        build_type: "https://docs.gitlab.com/ci/pipeline_security/slsa/provenance_v1",
        external_parameters: external.as_object().cloned().unwrap_or_default(),
        internal_parameters: internal
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
            .collect(),
        dependencies,
        builder_id: format!("{project}/-/runners/{runner}"),
        builder_version: version
            .map(|version| BTreeMap::from([("gitlab-runner", version.to_owned())]))
            .unwrap_or_default(),
        invocation_id: Some(job.to_owned()),
        started: Some(input.run.started),
        finished: Some(input.run.finished),
        redacted: Vec::new(),
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
    };
    use serde_json::json;

    const COMMIT: &str = "1234567890123456789012345678901234567890";

    fn env() -> Variables {
        variables(&[
            ("GITLAB_CI", "true"),
            ("CI_PROJECT_URL", "https://gitlab.com/acme/app"),
            ("CI_COMMIT_SHA", COMMIT),
            ("CI_JOB_ID", "17"),
            ("CI_JOB_NAME", "build"),
            ("CI_RUNNER_ID", "18"),
            ("CI_RUNNER_VERSION", "17.5.0"),
            ("CI_RUNNER_EXECUTABLE_ARCH", "linux/amd64"),
        ])
    }

    #[test]
    fn the_predicate_has_gitlabs_form_and_no_value_of_a_variable() {
        let mut env = env();
        env.insert("DEPLOY_TARGET".to_owned(), "hunter2hunter2".to_owned());
        let found = predicate(&detect(&env, None, &run()).unwrap());
        assert_eq!(
            found["buildDefinition"]["externalParameters"],
            json!({
                "source": "https://gitlab.com/acme/app",
                "entryPoint": "build",
                "variables": {
                    "CI_COMMIT_SHA": "[MASKED]",
                    "CI_JOB_ID": "[MASKED]",
                    "CI_JOB_NAME": "[MASKED]",
                    "CI_PROJECT_URL": "[MASKED]",
                    "CI_RUNNER_EXECUTABLE_ARCH": "[MASKED]",
                    "CI_RUNNER_ID": "[MASKED]",
                    "CI_RUNNER_VERSION": "[MASKED]",
                    "DEPLOY_TARGET": "[MASKED]",
                    "GITLAB_CI": "[MASKED]",
                },
            })
        );
        assert_eq!(
            found["buildDefinition"]["internalParameters"],
            json!({"architecture": "linux/amd64", "job": "17"})
        );
        assert_eq!(
            found["buildDefinition"]["resolvedDependencies"][0],
            json!({"uri": "https://gitlab.com/acme/app", "digest": {"gitCommit": COMMIT}})
        );
        assert_eq!(
            found["runDetails"],
            json!({
                "builder": {
                    "id": "https://gitlab.com/acme/app/-/runners/18",
                    "version": {"gitlab-runner": "17.5.0"},
                },
                "metadata": {
                    "invocationId": "17",
                    "startedOn": "2026-11-22T11:00:00Z",
                    "finishedOn": "2026-11-22T11:05:00Z",
                },
            })
        );
        assert!(!found.to_string().contains("hunter2"));
    }

    #[test]
    fn what_the_identity_token_says_counts() {
        let mut run = run();
        run.identity = Some(IdentityClaims(variables(&[
            ("job_id", "27"),
            ("runner_id", "28"),
            ("sha", &COMMIT.replace('1', "a")),
        ])));
        let found = predicate(&detect(&env(), None, &run).unwrap());
        assert_eq!(
            found["runDetails"]["builder"]["id"],
            "https://gitlab.com/acme/app/-/runners/28"
        );
        assert_eq!(found["runDetails"]["metadata"]["invocationId"], "27");
        assert_eq!(found["buildDefinition"]["internalParameters"]["job"], "27");
        assert_eq!(
            found["buildDefinition"]["resolvedDependencies"][0]["digest"]["gitCommit"],
            COMMIT.replace('1', "a")
        );
    }

    #[test]
    fn half_an_environment_is_refused() {
        for variable in
            ["CI_PROJECT_URL", "CI_COMMIT_SHA", "CI_JOB_ID", "CI_JOB_NAME", "CI_RUNNER_ID"]
        {
            let mut env = env();
            env.remove(variable);
            assert!(matches!(
                detect(&env, None, &run()),
                Err(Error::VariableMissing { variable: found, .. }) if found == variable
            ));
        }
    }
}
