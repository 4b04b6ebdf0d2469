//! BASE-032: what is in Docker Hub's `library/` is in the list of official images.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{
    decide::Action,
    official::{self, Official},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-032",
    name: "base_032_not_official",
    title: "an image without a namespace is an official one",
    severity: Severity::High,
    action: Action::Deny,
    why: "Docker Hub's `library/` holds the official images alone. A name there that is not in their list is a slip of the pen, or one that somebody waits for.",
    mend: "check the name; the list is that of docker-library/official-images",
    bad: "FROM debain:12",
    good: "FROM debian:12",
    equivalents: &[],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::check_names(context, "is not in the list of official images", |name| {
        let is_unlisted = official::standing(&name.repository) == Some(Official::Unlisted);
        (is_unlisted && !inputs::is_approved_by_name(context, name)).then(|| {
            let expected = format!("a name in the list of {}", official::DATE);
            (format!("`{}`", name.repository), expected)
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn names_that_are_not_listed_fail_on_docker_hub_alone() {
        let case = |from: &str| Case::default().dockerfile(&format!("FROM {from}"));
        for bad in ["debain", "docker.io/library/notlisted:1"] {
            case(bad).check("BASE-032", Expect::Fail);
            assert_eq!(case(bad).places("BASE-032"), [(1, 6)]);
        }
        for good in ["debian", "acme/debain", "evil.io/library/notlisted", "centos", "plone"] {
            case(good).check("BASE-032", Expect::Pass);
        }
        case("notlisted")
            .approved("notlisted", &["a"], "2026-12-31")
            .check("BASE-032", Expect::Pass);
    }
}
