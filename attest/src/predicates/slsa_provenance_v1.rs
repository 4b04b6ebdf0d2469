//! How an artifact was built: SLSA provenance v1.
//!
//! <https://slsa.dev/spec/v1.1/provenance>

use crate::{
    builders::{DependencyDigest, ProvenanceFacts, ResolvedDependency},
    predicates::Predicate,
    text::time,
};
use serde_json::{Map, Value, json};

/// The predicate.
pub const PREDICATE: Predicate = Predicate {
    id: "provenance",
    type_uri: "https://slsa.dev/provenance/v1",
    description: "how, where and from what the artifact was built (SLSA provenance v1)",
};

/// The predicate with these facts.
pub fn predicate(facts: &ProvenanceFacts) -> Value {
    let mut builder = Map::from_iter([("id".to_owned(), facts.builder_id.as_str().into())]);
    if !facts.builder_version.is_empty() {
        builder.insert("version".to_owned(), json!(facts.builder_version));
    }
    let metadata = [
        ("invocationId", facts.invocation_id.clone()),
        ("startedOn", facts.started.map(time)),
        ("finishedOn", facts.finished.map(time)),
    ];
    let metadata: Map<String, Value> = metadata
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
        .collect();
    let dependencies: Vec<Value> = facts.dependencies.iter().map(dependency).collect();
    json!({
        "buildDefinition": {
            "buildType": facts.build_type,
            "externalParameters": facts.external_parameters,
            "internalParameters": facts.internal_parameters,
            "resolvedDependencies": dependencies,
        },
        "runDetails": {"builder": builder, "metadata": metadata},
    })
}

/// A resource descriptor.
pub(super) fn dependency(dependency: &ResolvedDependency) -> Value {
    let digest = match &dependency.digest {
        DependencyDigest::Sha256(digest) => json!({"sha256": digest.hex()}),
        DependencyDigest::GitCommit(commit) => json!({"gitCommit": commit}),
    };
    json!({"uri": dependency.uri, "digest": digest})
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::Digest;
    use std::collections::BTreeMap;

    #[test]
    fn every_fact_has_its_place_and_what_is_not_known_is_absent() {
        let mut facts = ProvenanceFacts {
            build_type: "https://example.com/build/v1",
            external_parameters: Map::from_iter([("a".to_owned(), "b".into())]),
            internal_parameters: Map::new(),
            dependencies: vec![ResolvedDependency {
                uri: "pkg:oci/base".to_owned(),
                digest: DependencyDigest::Sha256(Digest::of(b"")),
            }],
            builder_id: "https://example.com/builder".to_owned(),
            builder_version: BTreeMap::from([("plimsoll", "1.0".to_owned())]),
            invocation_id: Some("17".to_owned()),
            started: Some("2026-11-22T11:00:00Z".parse().unwrap()),
            finished: Some("2026-11-22T11:05:00.5Z".parse().unwrap()),
            redacted: vec![],
        };
        assert_eq!(
            predicate(&facts),
            json!({
                "buildDefinition": {
                    "buildType": "https://example.com/build/v1",
                    "externalParameters": {"a": "b"},
                    "internalParameters": {},
                    "resolvedDependencies": [{
                        "uri": "pkg:oci/base",
                        "digest": {"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                    }],
                },
                "runDetails": {
                    "builder": {"id": "https://example.com/builder", "version": {"plimsoll": "1.0"}},
                    "metadata": {
                        "invocationId": "17",
                        "startedOn": "2026-11-22T11:00:00Z",
                        "finishedOn": "2026-11-22T11:05:00Z",
                    },
                },
            })
        );
        facts.builder_version.clear();
        facts.invocation_id = None;
        facts.started = None;
        facts.finished = None;
        assert_eq!(
            predicate(&facts)["runDetails"],
            json!({"builder": {"id": "https://example.com/builder"}, "metadata": {}})
        );
    }
}
