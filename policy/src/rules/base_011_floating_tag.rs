//! BASE-011: a tag that floats by its very name stands only beside a digest.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-011",
    name: "base_011_floating_tag",
    title: "no base image is named by a floating tag alone",
    severity: Severity::Medium,
    action: Action::Deny,
    why: "`latest` and its like name another image every few days: what was tested is not what is built.",
    mend: "write the version that was tested, best with its digest",
    bad: "FROM node:latest",
    good: "FROM node:22.11-slim@sha256:…",
    equivalents: &["DL3007", "DS-0001", "CKV_DOCKER_7", "DKL-DI-0006"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const FLOATING: [&str; 15] = [
    "latest", "stable", "edge", "lts", "current", "nightly", "rolling", "main", "master", "dev",
    "devel", "testing", "unstable", "canary", "mainline",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::check_names(context, "has a floating tag", |name| {
        let tag = name.tag.as_ref().filter(|_| name.digest.is_none())?;
        // `lts-slim` floats as `lts` does.
        let word = tag.as_str().split(['-', '_']).next().unwrap_or_default();
        let is_floating = FLOATING.iter().any(|floating| floating.eq_ignore_ascii_case(word));
        is_floating.then(|| (format!("`{name}`"), "a version, or a digest".to_owned()))
    })
}
