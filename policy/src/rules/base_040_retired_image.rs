//! BASE-040: the official image is still built.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{
    decide::Action,
    official::{self, Official},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-040",
    name: "base_040_retired_image",
    title: "the official image is built and patched",
    severity: Severity::High,
    action: Action::Deny,
    why: "An image that nobody builds any more gets no fixes: every flaw that is found in it stays.",
    mend: "move to the image that its maintainers name as successor",
    bad: "FROM centos:7",
    good: "FROM rockylinux:9",
    equivalents: &["Scout supported base"],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::check_names(context, "is not built any more", |name| {
        let found = match official::standing(&name.repository)? {
            Official::Retired => "has no tags any more",
            Official::Removed => "was taken off the list of official images",
            Official::Active | Official::Unlisted => return None,
        };
        let expected = format!("an image that is built, as of {}", official::DATE);
        Some((format!("`{}` {found}", name.repository), expected))
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn images_that_are_not_built_fail() {
        let case = |from: &str| Case::default().dockerfile(&format!("FROM {from}"));
        for bad in ["centos:7", "java", "plone", &at_digest("vault")] {
            case(bad).check("BASE-040", Expect::Fail);
            assert_eq!(case(bad).places("BASE-040"), [(1, 6)]);
        }
        for good in ["debian:12", "acme/centos", "quay.io/centos/centos:stream9", "debiann"] {
            case(good).check("BASE-040", Expect::Pass);
        }
    }
}
