//! In-toto test result v0.1.
//!
//! <https://github.com/in-toto/attestation/blob/v1.1.0/spec/predicates/test-result.md>

use super::{
    field::Fields,
    provenance::{DependencyClaim, descriptors},
};
use crate::{Error, predicates::test_result::TestResult};
use serde_json::{Map, Value};

/// What a test result says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestClaims {
    /// What the tests came to.
    pub result: Option<TestResult>,
    /// What was tested by.
    pub configuration: Option<Vec<DependencyClaim>>,
    /// Where the run can be seen.
    pub url: Option<String>,
    /// Tests that passed.
    pub passed: Option<Vec<String>>,
    /// Tests that warned.
    pub warned: Option<Vec<String>>,
    /// Tests that failed.
    pub failed: Option<Vec<String>>,
}

pub(super) fn read(predicate: &Map<String, Value>) -> Result<TestClaims, Error> {
    let fields = Fields::of("a test result", predicate);
    let result = match fields.text("result")?.as_deref() {
        Some("PASSED") => Some(TestResult::Passed),
        Some("WARNED") => Some(TestResult::Warned),
        Some("FAILED") => Some(TestResult::Failed),
        Some(_) => return Err(fields.malformed("result", "`PASSED`, `WARNED` or `FAILED`")),
        None => None,
    };
    Ok(TestClaims {
        result,
        configuration: descriptors(&fields, "configuration")?,
        url: fields.text("url")?,
        passed: fields.texts("passedTests")?,
        warned: fields.texts("warnedTests")?,
        failed: fields.texts("failedTests")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        claims::tests::{empty, refused},
        predicates::test_result::{PREDICATE, TestFacts, predicate},
    };
    use serde_json::json;

    #[test]
    fn what_is_written_here_is_read_as_it_was_meant() {
        let failed = ["b".to_owned()];
        let written = predicate(&TestFacts {
            result: TestResult::Failed,
            configuration: &[],
            url: Some("https://ci.example/1"),
            passed: &[],
            warned: &[],
            failed: &failed,
        });
        assert_eq!(
            read(written.as_object().unwrap()).unwrap(),
            TestClaims {
                result: Some(TestResult::Failed),
                configuration: Some(vec![]),
                url: Some("https://ci.example/1".to_owned()),
                passed: Some(vec![]),
                warned: Some(vec![]),
                failed: Some(vec!["b".to_owned()]),
            }
        );
    }

    #[test]
    fn what_is_absent_is_none_and_another_form_is_refused() {
        let none = TestClaims {
            result: None,
            configuration: None,
            url: None,
            passed: None,
            warned: None,
            failed: None,
        };
        assert_eq!(read(&empty()).unwrap(), none);
        let check = |predicate, field| refused(PREDICATE.type_uri, predicate, field);
        check(json!({"result": "passed"}), "result");
        check(json!({"result": ["PASSED"]}), "result");
        check(json!({"failedTests": "b"}), "failedTests");
        check(json!({"failedTests": [1]}), "failedTests");
        check(json!({"configuration": {}}), "configuration");
        check(
            json!({"configuration": [{"digest": {"sha256": 1}}]}),
            "configuration.0.digest.sha256",
        );
        check(json!({"url": "x".repeat(4097)}), "url");
    }
}
