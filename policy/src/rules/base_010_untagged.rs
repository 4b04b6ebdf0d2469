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
    equivalents: &["DL3006", "DS-0001", "CKV_DOCKER_7", "CKV_K8S_14"],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::check_names(context, "has neither tag nor digest", |name| {
        name.is_untagged().then(|| (format!("`{name}`"), "a tag or a digest".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(dockerfile: &str) -> Case {
        Case::default().dockerfile(dockerfile)
    }

    #[test]
    fn neither_tag_nor_digest_fails() {
        for bad in
            ["FROM debian", "FROM debian:12\nCOPY --from=nginx / /", "ARG V\nFROM a AS b\nFROM b"]
        {
            case(bad).check("BASE-010", Expect::Fail);
        }
        assert_eq!(case("\nFROM --platform=$X debian AS x").places("BASE-010"), [(2, 20)]);
    }

    #[test]
    fn a_tag_a_digest_a_stage_and_nothing_pass() {
        let pinned = format!("FROM {}", at_digest("debian"));
        for good in ["FROM debian:12", &pinned, "FROM debian:12 AS a\nFROM a", "FROM scratch"] {
            case(good).check("BASE-010", Expect::Pass);
        }
        case("ARG V=:12\nFROM debian${V}").check("BASE-010", Expect::Pass);
    }

    #[test]
    fn a_variable_without_a_value_is_left_to_its_own_rule() {
        for unknown in ["ARG V\nFROM debian${V}", "FROM debian:$TARGETARCH"] {
            case(unknown).check("BASE-010", Expect::Pass);
            case(unknown).check("BASE-002", Expect::Unknown);
        }
    }
}
