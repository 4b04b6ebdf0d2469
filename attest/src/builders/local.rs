//! No CI that is known: what was built is said, who and where is not.

use super::{Builder, Input, ProvenanceFacts, source_dependency};
use crate::{Error, source::WorktreeState};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The builder.
pub(super) const BUILDER: Builder = Builder { id: "local", detects: |_| true, claims: &[], facts };

#[expect(clippy::unnecessary_wraps, reason = "every builder has this form")]
fn facts(input: &Input<'_>) -> Result<ProvenanceFacts, Error> {
    let mut internal: Map<String, Value> = Map::new();
    if let Some(source) = input.source {
        let state = match source.state {
            WorktreeState::Clean => "clean",
            WorktreeState::Dirty => "dirty",
            WorktreeState::Unknown => "unknown",
        };
        internal.insert("commit".to_owned(), source.commit.as_str().into());
        internal.insert("worktree".to_owned(), state.into());
    }
    let mut dependencies: Vec<_> = input.source.and_then(source_dependency).into_iter().collect();
    dependencies.extend(input.run.dependencies.iter().cloned());
    Ok(ProvenanceFacts {
        build_type: "https://github.com/plimsoll-dev/plimsoll/buildtypes/local/v1",
        external_parameters: Map::new(),
        internal_parameters: internal,
        dependencies,
        builder_id: "https://github.com/plimsoll-dev/plimsoll/builders/local/v1".to_owned(),
        builder_version: BTreeMap::from([("plimsoll", input.run.tool_version.clone())]),
        invocation_id: None,
        started: Some(input.run.started),
        finished: Some(input.run.finished),
        redacted: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        builders::{
            detect,
            tests::{run, variables},
        },
        predicates::slsa_provenance_v1::predicate,
        source::{SourceFacts, WorktreeState},
    };
    use serde_json::json;

    #[test]
    fn only_what_is_known_is_said() {
        // Neither of these makes it a build on that CI.
        let env = variables(&[
            ("GITHUB_ACTIONS", "false"),
            ("CI", "true"),
            ("HOSTNAME", "workstation"),
            ("USER", "alice"),
        ]);
        let source = SourceFacts {
            repository: Some("https://github.com/acme/app".to_owned()),
            commit: "c0ffee".to_owned(),
            reference: Some("refs/heads/main".to_owned()),
            state: WorktreeState::Dirty,
        };
        let mut run = run();
        run.dependencies.clear();
        let found = predicate(&detect(&env, Some(&source), &run).unwrap());
        assert_eq!(
            found,
            json!({
                "buildDefinition": {
                    "buildType": "https://github.com/plimsoll-dev/plimsoll/buildtypes/local/v1",
                    "externalParameters": {},
                    "internalParameters": {"commit": "c0ffee", "worktree": "dirty"},
                    "resolvedDependencies": [{
                        "uri": "git+https://github.com/acme/app@refs/heads/main",
                        "digest": {"gitCommit": "c0ffee"},
                    }],
                },
                "runDetails": {
                    "builder": {
                        "id": "https://github.com/plimsoll-dev/plimsoll/builders/local/v1",
                        "version": {"plimsoll": "0.1.0"},
                    },
                    "metadata": {
                        "startedOn": "2026-11-22T11:00:00Z",
                        "finishedOn": "2026-11-22T11:05:00Z",
                    },
                },
            })
        );
        let found = predicate(&detect(&env, None, &run).unwrap());
        assert_eq!(found["buildDefinition"]["internalParameters"], json!({}));
        assert_eq!(found["buildDefinition"]["resolvedDependencies"], json!([]));
    }
}
