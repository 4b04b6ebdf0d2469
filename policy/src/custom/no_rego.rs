//! In place of Rego, in a build without it: no policy with such a rule is accepted, and none could tell.

use super::Answer;
use camino::Utf8Path;
use serde_json::Value;

pub(super) const IS_THERE: bool = false;

/// Facts for an engine that is not there.
pub(super) struct Input;

impl From<&Value> for Input {
    fn from(_facts: &Value) -> Self {
        Self
    }
}

const NOT_THERE: &str = "this build has no Rego: it was made without the feature `rego`";

pub(super) fn check(_file: &Utf8Path, _text: &str, _rule: &str) -> Result<(), String> {
    Err(NOT_THERE.to_owned())
}

pub(super) fn ask(
    _file: &Utf8Path,
    _text: &str,
    _rule: &str,
    _facts: &Input,
) -> Result<Answer, String> {
    Err(NOT_THERE.to_owned())
}
