//! BASE-031: what looks like an official image is on Docker Hub, or on a mirror of it.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::decide::Action;
use plimsoll_model::{Severity, reference::Repository};

pub(crate) const RULE: Rule = Rule {
    id: "BASE-031",
    name: "base_031_official_elsewhere",
    title: "`library/` on another registry is a mirror that the policy names",
    severity: Severity::High,
    action: Action::Deny,
    why: "`example.org/library/debian` is whatever example.org says it is. Only on Docker Hub does `library/` mean an official image.",
    mend: "name the image on Docker Hub, or list the mirror under `bases.mirrors` and pin the digest",
    bad: "FROM example.org/library/debian:12",
    good: "FROM docker.io/library/debian:12",
    equivalents: &[],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let bases = context.policy().bases();
    inputs::check_names(context, "claims to be an official image elsewhere", |name| {
        let repository = &name.repository;
        let is_mirrored = bases.original(repository).is_some();
        let is_fine =
            !claims(repository) || is_mirrored || inputs::is_approved_by_name(context, name);
        (!is_fine).then(|| {
            let path = repository.path();
            let own = path.rsplit('/').next().unwrap_or(path);
            (
                format!("`{repository}`"),
                format!("`docker.io/library/{own}`, or a mirror of `bases.mirrors`"),
            )
        })
    })
}

fn claims(repository: &Repository) -> bool {
    let mut folders = repository.path().split('/').rev().skip(1);
    repository.registry() != "docker.io" && folders.next() == Some("library")
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    const MIRROR: &str = "bases: {mirrors: [{from: \"registry.corp/hub/*\", to: \"docker.io/*\"}]}";

    fn case(from: &str) -> Case {
        Case::default().policy(MIRROR).dockerfile(&format!("FROM {from}"))
    }

    #[test]
    fn library_elsewhere_fails() {
        for bad in [
            "evil.io/library/debian",
            "docker.io.evil.io/library/debian",
            "registry.corp/library/debian",
            "public.ecr.aws/docker/library/debian",
        ] {
            case(bad).check("BASE-031", Expect::Fail);
            assert_eq!(case(bad).places("BASE-031"), [(1, 6)]);
        }
    }

    #[test]
    fn docker_hub_a_mirror_and_what_the_policy_names_pass() {
        for good in [
            "debian",
            "docker.io/library/debian",
            "registry.corp/hub/library/debian",
            "evil.io/libraries/debian",
            "registry.corp/library",
        ] {
            case(good).check("BASE-031", Expect::Pass);
        }
        let named = case("registry.corp/library/debian")
            .policy("bases: {allow: [{repository: registry.corp/library/debian}]}");
        named.check("BASE-031", Expect::Pass);
    }
}
