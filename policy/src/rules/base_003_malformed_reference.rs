//! BASE-003: what is named as an image can be one.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{decide::Action, dockerfile::Source};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-003",
    name: "base_003_malformed_reference",
    title: "every image that goes in is named by a well-formed reference",
    severity: Severity::High,
    action: Action::Deny,
    why: "Tools read a malformed reference differently: one takes `debian@sha256:abcd` for an error, another for a tag. What is judged has to be what is built.",
    mend: "write REGISTRY/REPOSITORY:TAG@sha256:… with a digest of 64 hexadecimal digits",
    bad: "FROM debian@sha256:abcd",
    good: "FROM debian:12",
    equivalents: &[],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::of(context)
        .filter_map(|(place, input)| match &input.source {
            Source::Malformed(error) => {
                let (kind, written) = (input.kind.as_str(), &input.written);
                let title = format!("`{kind}` takes `{written}`, which is no image reference");
                Some(context.fail(place, title, error.to_string(), "an image reference"))
            }
            Source::Stage(_) | Source::Scratch | Source::Image(_) | Source::Unresolved { .. } => {
                None
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn what_can_be_no_image_fails_and_what_can_passes() {
        let case = |from: &str| Case::default().dockerfile(&format!("FROM {from}"));
        for bad in ["debian@sha256:abcd", "Debian/X", "debian:-x", "debian@12", "a//b"] {
            case(bad).check("BASE-003", Expect::Fail);
        }
        for good in ["debian", "debian:12", &at_digest("debian:12"), "localhost:5000/a", "scratch"]
        {
            case(good).check("BASE-003", Expect::Pass);
        }
        let copy = Case::default().dockerfile("FROM debian\nCOPY --from=A:B:C / /");
        assert_eq!(copy.places("BASE-003"), [(2, 6)]);
    }
}
