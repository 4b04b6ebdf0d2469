//! SLSA provenance v0.2 and v1, in one view.
//!
//! <https://slsa.dev/spec/v1.1/provenance>, <https://slsa.dev/spec/v0.2/provenance>. Where the source is depends on the type
//! of the build: it is read for the types below, and for v0.2 where that version itself has a place for it.

use super::field::Fields;
use crate::Error;
use jiff::Timestamp;
use plimsoll_model::evidence::BuildProperty;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// GitHub's own, and that of slsa-github-generator, which have the same parameters.
const GITHUB_WORKFLOW: [&str; 2] = [
    "https://actions.github.io/buildtypes/workflow/v1",
    "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
];
/// GitLab's, and ours on GitLab.
const GITLAB: &str = "https://docs.gitlab.com/ci/pipeline_security/slsa/provenance_v1";
/// How that of GitLab's runner begins; a version follows.
const GITLAB_RUNNER: &str = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/";
/// Ours, where no CI was.
const LOCAL: &str = "https://github.com/plimsoll-dev/plimsoll/buildtypes/local/v1";
/// Where BuildKit says in v0.2 that it did not use the network.
const HERMETIC_V02: &str = "https://mobyproject.org/buildkit@v1#hermetic";
/// Where workflows of GitHub are in a repository.
const WORKFLOWS: &str = ".github/workflows/";

/// What provenance says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProvenanceClaims {
    /// Who built: a URI.
    pub builder_id: Option<String>,
    /// What the parameters mean: a URI.
    pub build_type: Option<String>,
    /// The repository of the source, as a URL without `git+`.
    pub repository: Option<String>,
    /// The branch or tag (`refs/heads/main`).
    pub reference: Option<String>,
    /// The commit, in hexadecimal.
    pub commit: Option<String>,
    /// The workflow in the repository.
    pub workflow_path: Option<String>,
    /// The run: what the builder calls it.
    pub invocation_id: Option<String>,
    /// What set it off (`push`).
    pub trigger: Option<String>,
    /// What kind of machine it ran on (`github-hosted`).
    pub runner_environment: Option<String>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// What whoever started the build could choose, as it is.
    pub external_parameters: Option<Map<String, Value>>,
    /// What went into it.
    pub dependencies: Option<Vec<DependencyClaim>>,
    /// Whether the build has a property, where that is stated.
    pub properties: BTreeMap<BuildProperty, bool>,
}

/// Something that went into an artifact, or was looked at, by somebody's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyClaim {
    /// What it is.
    pub uri: Option<String>,
    /// Digests of it by algorithm.
    pub digest: BTreeMap<String, String>,
}

/// A list of resource descriptors.
pub(super) fn descriptors(
    fields: &Fields<'_>,
    name: &str,
) -> Result<Option<Vec<DependencyClaim>>, Error> {
    let descriptor = |fields: &Fields<'_>| {
        Ok(DependencyClaim { uri: fields.text("uri")?, digest: fields.text_map("digest")? })
    };
    let objects = fields.objects(name)?;
    objects.map(|objects| objects.iter().map(descriptor).collect()).transpose()
}

/// Reads v1.
pub(super) fn read_v1(predicate: &Map<String, Value>) -> Result<ProvenanceClaims, Error> {
    let fields = Fields::of("provenance v1", predicate);
    let (definition, run) = (fields.object("buildDefinition")?, fields.object("runDetails")?);
    let (external, internal) =
        (definition.object("externalParameters")?, definition.object("internalParameters")?);
    let metadata = run.object("metadata")?;
    let claims = ProvenanceClaims {
        builder_id: run.object("builder")?.text("id")?,
        build_type: definition.text("buildType")?,
        invocation_id: metadata.text_or_number("invocationId")?,
        started: metadata.time("startedOn")?,
        finished: metadata.time("finishedOn")?,
        external_parameters: external.map().cloned(),
        dependencies: descriptors(&definition, "resolvedDependencies")?,
        properties: properties_v1(&metadata)?,
        ..ProvenanceClaims::default()
    };
    match claims.build_type.as_deref() {
        Some(kind) if GITHUB_WORKFLOW.contains(&kind) => {
            github(claims, &external.object("workflow")?, &internal.object("github")?)
        }
        Some(kind) if kind == GITLAB || kind.starts_with(GITLAB_RUNNER) => {
            let repository = external.text("source")?;
            let commit = claims.commit_of(|uri| Some(uri) == repository.as_deref());
            Ok(ProvenanceClaims { repository, commit, ..claims })
        }
        Some(LOCAL) => Ok(local(claims, internal.text("commit")?)),
        _ => Ok(claims),
    }
}

/// The workflow is a parameter; the commit is that of the dependency which is the repository at this branch or tag.
fn github(
    claims: ProvenanceClaims,
    workflow: &Fields<'_>,
    internal: &Fields<'_>,
) -> Result<ProvenanceClaims, Error> {
    let (repository, reference) = (workflow.text("repository")?, workflow.text("ref")?);
    let commit = match (&repository, &reference) {
        (Some(repository), Some(reference)) => {
            let source = format!("git+{repository}@{reference}");
            claims.commit_of(|uri| uri == source)
        }
        _ => None,
    };
    Ok(ProvenanceClaims {
        repository,
        reference,
        commit,
        workflow_path: workflow.text("path")?,
        runner_environment: internal.text("runner_environment")?,
        trigger: internal.text("event_name")?,
        ..claims
    })
}

/// The commit is a parameter; the repository is that of the one dependency at this commit.
fn local(claims: ProvenanceClaims, commit: Option<String>) -> ProvenanceClaims {
    let mut sources = claims.dependencies.iter().flatten().filter(|dependency| {
        commit.is_some() && dependency.digest.get("gitCommit") == commit.as_ref()
    });
    let source = match (sources.next(), sources.next()) {
        (Some(source), None) => source.uri.as_deref(),
        _ => None,
    };
    let (repository, reference) = source.and_then(split_source).unwrap_or_default();
    ProvenanceClaims { repository, reference, commit, ..claims }
}

/// Reads v0.2.
pub(super) fn read_v02(predicate: &Map<String, Value>) -> Result<ProvenanceClaims, Error> {
    let fields = Fields::of("provenance v0.2", predicate);
    let (invocation, metadata) = (fields.object("invocation")?, fields.object("metadata")?);
    let source = invocation.object("configSource")?;
    let uri = source.text("uri")?;
    let (repository, reference) = uri.as_deref().and_then(split_source).unwrap_or_default();
    let digest = source.text_map("digest")?;
    let claims = ProvenanceClaims {
        builder_id: fields.object("builder")?.text("id")?,
        build_type: fields.text("buildType")?,
        commit: repository.as_ref().and_then(|_| commit_in(&digest)),
        repository,
        reference,
        workflow_path: source.text("entryPoint")?.filter(|path| path.starts_with(WORKFLOWS)),
        invocation_id: metadata.text_or_number("buildInvocationId")?,
        started: metadata.time("buildStartedOn")?,
        finished: metadata.time("buildFinishedOn")?,
        external_parameters: invocation.object("parameters")?.map().cloned(),
        dependencies: descriptors(&fields, "materials")?,
        // As slsa-github-generator has it.
        trigger: invocation.object("environment")?.text("github_event_name")?,
        runner_environment: None,
        properties: properties_v02(&metadata)?,
    };
    Ok(claims)
}

/// SLSA has no such fields in v1: these are BuildKit's, which leaves those out that are false.
fn properties_v1(metadata: &Fields<'_>) -> Result<BTreeMap<BuildProperty, bool>, Error> {
    let complete = metadata.object("buildkit_completeness")?;
    Ok(stated([
        (BuildProperty::CompleteParameters, complete.boolean("request")?),
        (BuildProperty::CompleteMaterials, complete.boolean("resolvedDependencies")?),
        (BuildProperty::Hermetic, metadata.boolean("buildkit_hermetic")?),
        (BuildProperty::Reproducible, metadata.boolean("buildkit_reproducible")?),
    ]))
}

fn properties_v02(metadata: &Fields<'_>) -> Result<BTreeMap<BuildProperty, bool>, Error> {
    let complete = metadata.object("completeness")?;
    Ok(stated([
        (BuildProperty::CompleteParameters, complete.boolean("parameters")?),
        (BuildProperty::CompleteEnvironment, complete.boolean("environment")?),
        (BuildProperty::CompleteMaterials, complete.boolean("materials")?),
        (BuildProperty::Hermetic, metadata.boolean(HERMETIC_V02)?),
        (BuildProperty::Reproducible, metadata.boolean("reproducible")?),
    ]))
}

fn stated<const N: usize>(
    properties: [(BuildProperty, Option<bool>); N],
) -> BTreeMap<BuildProperty, bool> {
    properties.into_iter().filter_map(|(property, value)| Some((property, value?))).collect()
}

/// `git+REPOSITORY`, with or without `@REF`. A user in front of the host has an `@` too, but no `refs/` behind it.
fn split_source(uri: &str) -> Option<(Option<String>, Option<String>)> {
    let source = uri.strip_prefix("git+")?;
    Some(match source.split_once("@refs/") {
        Some((repository, reference)) => {
            (Some(repository.to_owned()), Some(format!("refs/{reference}")))
        }
        None => (Some(source.to_owned()), None),
    })
}

/// The commit among digests: `gitCommit`, or `sha1` as older provenance has it.
fn commit_in(digest: &BTreeMap<String, String>) -> Option<String> {
    digest.get("gitCommit").or_else(|| digest.get("sha1")).cloned()
}

impl ProvenanceClaims {
    /// The commit of the dependencies with such a URI, where they agree on one.
    fn commit_of(&self, is_source: impl Fn(&str) -> bool) -> Option<String> {
        let is_source =
            |dependency: &&DependencyClaim| dependency.uri.as_deref().is_some_and(&is_source);
        let mut commits = self
            .dependencies
            .iter()
            .flatten()
            .filter(is_source)
            .map(|dependency| commit_in(&dependency.digest));
        let first = commits.next()??;
        commits.all(|commit| commit.as_ref() == Some(&first)).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::tests::{empty, refused};
    use serde_json::json;

    const COMMIT: &str = "1234567890123456789012345678901234567890";

    fn v1(predicate: &Value) -> ProvenanceClaims {
        read_v1(predicate.as_object().unwrap()).unwrap()
    }

    #[expect(clippy::unnecessary_wraps, reason = "every claim is optional")]
    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn dependency(uri: &str, algorithm: &str, digest: &str) -> DependencyClaim {
        let digest = BTreeMap::from([(algorithm.to_owned(), digest.to_owned())]);
        DependencyClaim { uri: some(uri), digest }
    }

    fn github_v1() -> Value {
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
                    {"uri": "git+https://github.com/acme/app@refs/tags/v1@beta", "digest": {"gitCommit": COMMIT}},
                    {"uri": "pkg:oci/node", "digest": {"sha256": "00"}},
                ],
            },
            "runDetails": {
                "builder": {"id": "https://github.com/acme/ci/.github/workflows/build.yml@refs/heads/main"},
                "metadata": {"invocationId": "https://github.com/acme/app/actions/runs/19/attempts/2"},
            },
        })
    }

    #[test]
    fn githubs_provenance_is_read_whole() {
        let predicate = github_v1();
        let expect = ProvenanceClaims {
            builder_id: some(
                "https://github.com/acme/ci/.github/workflows/build.yml@refs/heads/main",
            ),
            build_type: some("https://actions.github.io/buildtypes/workflow/v1"),
            repository: some("https://github.com/acme/app"),
            reference: some("refs/tags/v1@beta"),
            commit: some(COMMIT),
            workflow_path: some(".github/workflows/ci.yml"),
            invocation_id: some("https://github.com/acme/app/actions/runs/19/attempts/2"),
            trigger: some("push"),
            runner_environment: some("github-hosted"),
            started: None,
            finished: None,
            external_parameters: predicate["buildDefinition"]["externalParameters"]
                .as_object()
                .cloned(),
            dependencies: Some(vec![
                dependency(
                    "git+https://github.com/acme/app@refs/tags/v1@beta",
                    "gitCommit",
                    COMMIT,
                ),
                dependency("pkg:oci/node", "sha256", "00"),
            ]),
            properties: BTreeMap::new(),
        };
        assert_eq!(v1(&predicate), expect);
    }

    #[test]
    fn a_commit_is_that_of_the_source_and_of_nothing_else() {
        let commit = |change: fn(&mut Value)| {
            let mut predicate = github_v1();
            change(&mut predicate["buildDefinition"]);
            v1(&predicate).commit
        };
        assert_eq!(commit(|_| ()), some(COMMIT));
        // Another repository, another reference, another type of build, and two that do not agree.
        assert_eq!(
            commit(|it| it["resolvedDependencies"][0]["uri"] =
                "git+https://github.com/acme/other@refs/tags/v1@beta".into()),
            None
        );
        assert_eq!(
            commit(|it| it["externalParameters"]["workflow"]["ref"] = "refs/tags/v1".into()),
            None
        );
        assert_eq!(commit(|it| it["buildType"] = "https://example.com/v1".into()), None);
        assert_eq!(
            commit(|it| {
                let mut twin = it["resolvedDependencies"][0].clone();
                twin["digest"]["gitCommit"] = "ff".into();
                it["resolvedDependencies"].as_array_mut().unwrap().push(twin);
            }),
            None
        );
        assert_eq!(commit(|it| it["resolvedDependencies"][0]["digest"] = json!({})), None);
    }

    #[test]
    fn gitlabs_provenance_and_ours_are_read() {
        let gitlab = v1(&json!({
            "buildDefinition": {
                "buildType": GITLAB,
                "externalParameters": {"source": "https://gitlab.com/acme/app", "entryPoint": "build"},
                "resolvedDependencies": [
                    {"uri": "https://gitlab.com/acme/app", "digest": {"gitCommit": COMMIT}},
                ],
            },
            "runDetails": {
                "builder": {"id": "https://gitlab.com/acme/app/-/runners/18"},
                "metadata": {"invocationId": 17, "finishedOn": "2026-11-22T11:05:00Z"},
            },
        }));
        assert_eq!(gitlab.repository, some("https://gitlab.com/acme/app"));
        assert_eq!((gitlab.commit, gitlab.invocation_id), (some(COMMIT), some("17")));
        assert_eq!((gitlab.reference, gitlab.workflow_path), (None, None));
        assert_eq!(gitlab.finished, Some("2026-11-22T11:05:00Z".parse().unwrap()));

        let local = v1(&json!({"buildDefinition": {
            "buildType": LOCAL,
            "internalParameters": {"commit": COMMIT},
            "resolvedDependencies": [
                {"uri": "git+https://github.com/acme/app@refs/heads/main", "digest": {"gitCommit": COMMIT}},
                {"uri": "file:Cargo.lock", "digest": {"sha256": "00"}},
            ],
        }}));
        assert_eq!(local.repository, some("https://github.com/acme/app"));
        assert_eq!(local.reference, some("refs/heads/main"));
        assert_eq!((local.commit, local.builder_id), (some(COMMIT), None));
    }

    #[test]
    fn version_0_2_is_read_into_the_same_view() {
        let predicate = json!({
            "builder": {"id": "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_go_slsa3.yml@refs/tags/v1.9.0"},
            "buildType": "https://github.com/slsa-framework/slsa-github-generator/go@v1",
            "invocation": {
                "configSource": {
                    "uri": "git+https://github.com/acme/app@refs/tags/v1.0.0",
                    "digest": {"sha1": COMMIT},
                    "entryPoint": ".github/workflows/release.yml",
                },
                "parameters": {"a": 1},
                "environment": {"github_run_id": "19"},
            },
            "metadata": {
                "buildInvocationId": "19-1",
                "buildFinishedOn": "2026-11-22T11:05:00Z",
                "completeness": {"parameters": true},
            },
            "materials": [{"uri": "git+https://github.com/acme/app@refs/tags/v1.0.0", "digest": {"sha1": COMMIT}}],
        });
        let found = read_v02(predicate.as_object().unwrap()).unwrap();
        assert_eq!(found.repository, some("https://github.com/acme/app"));
        assert_eq!(found.reference, some("refs/tags/v1.0.0"));
        assert_eq!(found.commit, some(COMMIT));
        assert_eq!(found.workflow_path, some(".github/workflows/release.yml"));
        assert_eq!(found.invocation_id, some("19-1"));
        assert_eq!(found.finished, Some("2026-11-22T11:05:00Z".parse().unwrap()));
        assert_eq!(found.dependencies.unwrap().len(), 1);
        assert_eq!(found.runner_environment, None);
        // BuildKit's: no source, no workflow.
        let found = read_v02(
            json!({
                "builder": {"id": ""},
                "buildType": "https://mobyproject.org/buildkit@v1",
                "invocation": {"configSource": {"entryPoint": "Dockerfile"}},
                "materials": [],
            })
            .as_object()
            .unwrap(),
        )
        .unwrap();
        assert_eq!((found.repository, found.commit, found.workflow_path), (None, None, None));
        assert_eq!(found.dependencies, Some(vec![]));
    }

    #[test]
    fn properties_are_those_that_are_stated() {
        use BuildProperty::{
            CompleteEnvironment, CompleteMaterials, CompleteParameters, Hermetic, Reproducible,
        };
        let of_v1 = |metadata: Value| v1(&json!({"runDetails": {"metadata": metadata}})).properties;
        let all = json!({
            "buildkit_completeness": {"request": true, "resolvedDependencies": false},
            "buildkit_hermetic": true,
            "buildkit_reproducible": false,
        });
        let expect = [
            (CompleteParameters, true),
            (CompleteMaterials, false),
            (Hermetic, true),
            (Reproducible, false),
        ];
        assert_eq!(of_v1(all), BTreeMap::from(expect));
        // What is left out is not false, and what v0.2 calls them is nothing in v1.
        let other = json!({
            "buildkit_completeness": {}, "hermetic": true, "reproducible": true,
            "completeness": {"materials": true},
        });
        assert_eq!(of_v1(other), BTreeMap::new());

        let of_v02 = |metadata: Value| {
            let predicate = json!({"metadata": metadata});
            read_v02(predicate.as_object().unwrap()).unwrap().properties
        };
        let all = json!({
            "completeness": {"parameters": true, "environment": true, "materials": false},
            "reproducible": false,
            "https://mobyproject.org/buildkit@v1#hermetic": true,
        });
        let expect = [
            (CompleteParameters, true),
            (CompleteEnvironment, true),
            (CompleteMaterials, false),
            (Hermetic, true),
            (Reproducible, false),
        ];
        assert_eq!(of_v02(all), BTreeMap::from(expect));
        assert_eq!(of_v02(json!({"completeness": null, "hermetic": true})), BTreeMap::new());
        let wrong = json!({"runDetails": {"metadata": {"buildkit_hermetic": "true"}}});
        let field = "runDetails.metadata.buildkit_hermetic";
        refused("https://slsa.dev/provenance/v1", wrong, field);
        let wrong = json!({"metadata": {"completeness": {"materials": 1}}});
        refused("https://slsa.dev/provenance/v0.2", wrong, "metadata.completeness.materials");
    }

    #[test]
    fn addresses_come_apart_at_the_reference_alone() {
        for (uri, expect) in [
            ("git+https://a/b@refs/heads/x@y", Some((some("https://a/b"), some("refs/heads/x@y")))),
            ("git+ssh://git@a/b@refs/heads/x", Some((some("ssh://git@a/b"), some("refs/heads/x")))),
            ("git+https://a/b@v1", Some((some("https://a/b@v1"), None))),
            ("git+https://a/b", Some((some("https://a/b"), None))),
            ("https://a/b@refs/heads/x", None),
        ] {
            assert_eq!(split_source(uri), expect, "{uri}");
        }
    }

    #[test]
    fn what_is_absent_is_none_and_another_form_is_refused() {
        assert_eq!(v1(&json!({})), ProvenanceClaims::default());
        assert_eq!(read_v02(&empty()).unwrap(), ProvenanceClaims::default());
        let check = |predicate, field| refused("https://slsa.dev/provenance/v1", predicate, field);
        check(json!({"buildDefinition": []}), "buildDefinition");
        check(json!({"runDetails": {"builder": {"id": 1}}}), "runDetails.builder.id");
        let many = json!({"buildDefinition": {"resolvedDependencies": vec![json!({}); 10_001]}});
        check(many, "buildDefinition.resolvedDependencies");
        let workflow = json!({"buildDefinition": {
            "buildType": GITHUB_WORKFLOW[0],
            "externalParameters": {"workflow": "ci.yml"},
        }});
        check(workflow, "buildDefinition.externalParameters.workflow");
        let check =
            |predicate, field| refused("https://slsa.dev/provenance/v0.2", predicate, field);
        check(json!({"materials": {}}), "materials");
        check(json!({"metadata": {"buildFinishedOn": "now"}}), "metadata.buildFinishedOn");
        check(json!({"invocation": {"configSource": {"uri": []}}}), "invocation.configSource.uri");
    }
}
