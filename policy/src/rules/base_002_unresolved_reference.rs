//! BASE-002: it is known which images go in.

use super::{About, Raised, Rule, RuleContext, inputs};
use crate::{decide::Action, dockerfile::Source};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "BASE-002",
    name: "base_002_unresolved_reference",
    title: "every image that goes in is named without unknown variables",
    severity: Severity::High,
    action: Action::Deny,
    why: "Where a build argument without a value decides which image is used, whoever starts the build decides it, and nobody has judged that image.",
    mend: "give the `ARG` a default, or pass `--build-arg NAME=…`",
    bad: "ARG BASE\nFROM $BASE",
    good: "ARG BASE=debian:12\nFROM $BASE",
    equivalents: &["buildkit InvalidDefaultArgInFrom"],
    about: &[About::Dockerfiles, About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    inputs::of(context)
        .filter_map(|(place, input)| match &input.source {
            Source::Unresolved { variable } => {
                Some(inputs::unresolved(context, place, variable, input))
            }
            Source::Stage(_) | Source::Scratch | Source::Image(_) | Source::Malformed(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    fn case(dockerfile: &str) -> Case {
        Case::default().dockerfile(dockerfile)
    }

    #[test]
    fn a_variable_without_a_value_can_not_be_told_wherever_an_image_is_named() {
        case("ARG V\nFROM debian:$V").check("BASE-002", Expect::Unknown);
        case("FROM debian:$TARGETARCH").check("BASE-002", Expect::Unknown);
        let all = case("FROM debian\nARG V\nCOPY --from=$V / /\nRUN --mount=from=$V,target=/x y");
        assert_eq!(all.places("BASE-002"), [(3, 6), (4, 5)]);
    }

    #[test]
    fn an_image_of_a_pod_that_is_filled_in_later_can_not_be_told() {
        let pod = |image: &str| {
            let text = format!(
                "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - {{name: a, image: {image}}}\n"
            );
            Case::default().kubernetes(&text)
        };
        for unknown in ["'{{ .Values.image }}'", "'r.io/a:${TAG}'", "[a]", "5"] {
            pod(unknown).check("BASE-002", Expect::Unknown);
            assert_eq!(pod(unknown).places("BASE-002"), [(5, 24)], "{unknown}");
        }
        pod("r.io/a:1").check("BASE-002", Expect::Pass);
        let volume = "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: r.io/a}], volumes: [{name: v, image: {reference: '{{ x }}'}}]}\n";
        Case::default().kubernetes(volume).check("BASE-002", Expect::Unknown);
    }

    #[test]
    fn a_default_and_a_given_value_pass() {
        case("ARG V=12\nFROM debian:$V").check("BASE-002", Expect::Pass);
        case("ARG V\nFROM debian:$V").build_arg("V", "12").check("BASE-002", Expect::Pass);
        case("FROM debian AS a\nFROM a").check("BASE-002", Expect::Pass);
    }
}
