//! BASE-012: an image is named by its digest.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-012",
    name: "base_012_not_pinned_by_digest",
    title: "every base image is pinned by digest",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Every tag can be moved, by its owner and by whoever has stolen the owner's password. A digest names the same bytes for ever.",
    mend: "append the digest: `plimsoll base approve` prints it",
    bad: "FROM debian:12",
    good: "FROM debian:12@sha256:…",
    equivalents: &["CKV_K8S_43", "buildx isCanonical"],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::check_names(context, "is not pinned by digest", |name| {
        name.digest.is_none().then(|| (format!("`{name}`"), format!("`{name}@sha256:…`")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(dockerfile: &str) -> Case {
        Case::default().dockerfile(dockerfile)
    }

    #[test]
    fn a_name_without_a_digest_warns_and_strict_denies() {
        let case = case("FROM debian:12");
        case.check("BASE-012", Expect::Fail);
        assert_eq!(case.places("BASE-012"), [(1, 6)]);
        assert_eq!(case.findings("BASE-012")[0].action, Action::Warn);
        let strict = case.policy("extends: strict").findings("BASE-012");
        assert_eq!(strict[0].action, Action::Deny);
    }

    #[test]
    fn a_digest_passes_and_a_variable_is_left_to_its_own_rule() {
        case(&format!("FROM {}", at_digest("debian:12"))).check("BASE-012", Expect::Pass);
        case("ARG D\nFROM debian@$D").check("BASE-012", Expect::Pass);
        case("ARG D\nFROM debian@$D").check("BASE-002", Expect::Unknown);
    }
}
