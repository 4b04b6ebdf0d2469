//! BASE-010: an image is named with a tag or a digest.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-010",
    name: "base_010_untagged",
    title: "every base image is named with a tag or a digest",
    severity: Severity::Medium,
    action: Action::Deny,
    why: "Without either, `latest` is meant: whatever was pushed last, a new major version included.",
    mend: "write the version that was tested, best with its digest",
    bad: "FROM debian",
    good: "FROM debian:12.11@sha256:…",
    equivalents: &["DL3006", "DS-0001", "CKV_DOCKER_7"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::check_names(context, "has neither tag nor digest", |name| {
        name.is_untagged().then(|| (format!("`{name}`"), "a tag or a digest".to_owned()))
    })
}
