//! What tests of an artifact came to: in-toto test result v0.1.
//!
//! <https://github.com/in-toto/attestation/blob/v1.1.0/spec/predicates/test-result.md>

use crate::{
    builders::ResolvedDependency,
    predicates::{Predicate, slsa_provenance_v1::dependency},
};
use serde_json::{Map, Value, json};

/// The predicate.
pub const PREDICATE: Predicate = Predicate {
    id: "test-result",
    type_uri: "https://in-toto.io/attestation/test-result/v0.1",
    description: "what the tests of the artifact came to (in-toto test result v0.1)",
};

/// What is known of a run of tests.
#[derive(Debug, Clone, Copy)]
pub struct TestFacts<'a> {
    /// What they came to.
    pub result: TestResult,
    /// What was tested by: configurations, sources of tests.
    pub configuration: &'a [ResolvedDependency],
    /// Where the run can be seen.
    pub url: Option<&'a str>,
    /// The names of the tests that passed.
    pub passed: &'a [String],
    /// Of those that passed with a warning.
    pub warned: &'a [String],
    /// Of those that failed.
    pub failed: &'a [String],
}

/// What tests came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestResult {
    /// None failed.
    Passed,
    /// None failed, and some warned.
    Warned,
    /// Some failed.
    Failed,
}

impl TestResult {
    /// As the predicate has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Warned => "WARNED",
            Self::Failed => "FAILED",
        }
    }
}

/// The predicate with these facts. A test that failed is never stated beside a better result.
pub fn predicate(facts: &TestFacts<'_>) -> Value {
    let result = if !facts.failed.is_empty() {
        TestResult::Failed
    } else if facts.result == TestResult::Passed && !facts.warned.is_empty() {
        TestResult::Warned
    } else {
        facts.result
    };
    let configuration: Vec<Value> = facts.configuration.iter().map(dependency).collect();
    let mut predicate = Map::from_iter([
        ("result".to_owned(), result.as_str().into()),
        ("configuration".to_owned(), configuration.into()),
    ]);
    if let Some(url) = facts.url {
        predicate.insert("url".to_owned(), url.into());
    }
    for (field, tests) in [
        ("passedTests", facts.passed),
        ("warnedTests", facts.warned),
        ("failedTests", facts.failed),
    ] {
        predicate.insert(field.to_owned(), json!(tests));
    }
    predicate.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::DependencyDigest;
    use plimsoll_model::Digest;

    #[test]
    fn a_result_is_written_as_the_specification_has_it_and_no_better_than_it_is() {
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (passed, one) = (names(&["a", "b"]), names(&["c"]));
        let configuration = [ResolvedDependency {
            uri: "file:tests.yml".to_owned(),
            digest: DependencyDigest::Sha256(Digest::of(b"")),
        }];
        let facts = TestFacts {
            result: TestResult::Passed,
            configuration: &configuration,
            url: Some("https://ci.example/1"),
            passed: &passed,
            warned: &[],
            failed: &[],
        };
        assert_eq!(
            predicate(&facts),
            json!({
                "result": "PASSED",
                "configuration": [{
                    "uri": "file:tests.yml",
                    "digest": {"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                }],
                "url": "https://ci.example/1",
                "passedTests": ["a", "b"],
                "warnedTests": [],
                "failedTests": [],
            })
        );
        let result = |facts: &TestFacts<'_>| predicate(facts)["result"].clone();
        assert_eq!(result(&TestFacts { warned: &one, ..facts }), "WARNED");
        assert_eq!(result(&TestFacts { failed: &one, ..facts }), "FAILED");
        assert_eq!(result(&TestFacts { result: TestResult::Failed, ..facts }), "FAILED");
        let bare = TestFacts { url: None, result: TestResult::Warned, ..facts };
        assert_eq!(predicate(&bare).get("url"), None);
        assert_eq!(result(&bare), "WARNED");
    }
}
