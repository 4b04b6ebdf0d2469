//! BASE-011: a tag that floats by its very name stands only beside a digest.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::decide::Action;
use plimsoll_model::{Severity, reference::ImageName};

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
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

const FLOATING: [&str; 15] = [
    "latest", "stable", "edge", "lts", "current", "nightly", "rolling", "main", "master", "dev",
    "devel", "testing", "unstable", "canary", "mainline",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::check_names(context, "has a floating tag", |name| {
        is_floating(name).then(|| (format!("`{name}`"), "a version, or a digest".to_owned()))
    })
}

/// Whether a tag that floats by its very name stands without a digest.
pub(super) fn is_floating(name: &ImageName) -> bool {
    let tag = name.tag.as_ref().filter(|_| name.digest.is_none());
    tag.is_some_and(|tag| {
        // `lts-slim` floats as `lts` does.
        let word = tag.as_str().split(['-', '_']).next().unwrap_or_default();
        FLOATING.iter().any(|floating| floating.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(dockerfile: &str) -> Case {
        Case::default().dockerfile(dockerfile)
    }

    #[test]
    fn a_tag_that_floats_by_its_name_fails() {
        for tag in ["latest", "stable", "lts-slim", "EDGE", "nightly_x"] {
            case(&format!("FROM node:{tag}")).check("BASE-011", Expect::Fail);
        }
        case("ARG V=latest\nFROM node:$V").check("BASE-011", Expect::Fail);
        let copied = case("FROM node:22\nCOPY --from=node:latest / /");
        assert_eq!(copied.places("BASE-011"), [(2, 6)]);
    }

    #[test]
    fn a_version_and_a_digest_pass() {
        let pinned = at_digest("node:latest");
        for name in ["node:22", "node:latestish", "node", &pinned] {
            case(&format!("FROM {name}")).check("BASE-011", Expect::Pass);
        }
    }

    #[test]
    fn a_variable_without_a_value_is_left_to_its_own_rule() {
        case("ARG V\nFROM node:$V").check("BASE-011", Expect::Pass);
        case("ARG V\nFROM node:$V").check("BASE-002", Expect::Unknown);
    }
}
