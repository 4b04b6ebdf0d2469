//! K8S-040: an image without a digest is pulled at every start.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    kubernetes::{Container, Field},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-040",
    name: "k8s_040_pull_policy",
    title: "an image without a digest is pulled at every start",
    severity: Severity::Low,
    action: Action::Warn,
    why: "A tag may move: a host that has pulled it once goes on with the old bytes, and two hosts run two programs under one name. Who may use the host's copy needs no right to pull it either.",
    mend: "name the image by its digest, or set `imagePullPolicy: Always`",
    bad: "image: r.example.com/a:1\nimagePullPolicy: IfNotPresent",
    good: "image: r.example.com/a:1@sha256:…",
    equivalents: &["KSV-0013", "CKV_K8S_15"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

const WHAT: &str = "may run an old copy of its image";
const EXPECTED: &str = "a digest, or `imagePullPolicy: Always`";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    manifests::whole_containers(context)
        .filter_map(|container| check_container(context, &container))
        .collect()
}

fn check_container(context: &RuleContext<'_>, container: &Container<'_>) -> Option<Raised> {
    let untold = |node| Some(manifests::untold(context, (container, node), WHAT, EXPECTED));
    let (at, image) = match container.field(&["image"]).text() {
        Field::Is(at, image) => (at, image),
        Field::Untold(node) => return untold(node),
        Field::Absent => {
            let part = (container, container.at());
            return Some(manifests::unclear(context, part, WHAT, "no `image`", EXPECTED));
        }
    };
    // Of a malformed name BASE-003 speaks.
    let name: plimsoll_model::reference::ImageName = image.parse().ok()?;
    if name.digest.is_some() {
        return None;
    }
    let is_latest = name.tag.as_ref().is_none_or(|tag| tag.as_str() == "latest");
    let found = match container.field(&["imagePullPolicy"]).text() {
        Field::Is(_, "Always") => return None,
        Field::Absent if is_latest => return None,
        Field::Is(_, policy) => format!("`{image}` with `imagePullPolicy: {policy}`"),
        Field::Absent => format!("`{image}` without `imagePullPolicy`, which means `IfNotPresent`"),
        Field::Untold(node) => return untold(node),
    };
    Some(manifests::fail(context, (container, at), WHAT, found, EXPECTED))
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    use crate::Action;

    fn case(fields: &str) -> Case {
        pod(&format!("{{containers: [{{{fields}}}]}}"))
    }

    #[test]
    fn a_tag_that_is_not_pulled_again_fails() {
        case("image: r.io/a:1").check("K8S-040", Expect::Fail);
        case("image: r.io/a, imagePullPolicy: Never").check("K8S-040", Expect::Fail);
        let text = object("v1", "Pod", "spec:\n  containers:\n    - image: a:1");
        placed("K8S-040", &text, &[(6, 14)]);
    }

    #[test]
    fn a_digest_and_always_pass() {
        case(&format!("image: '{}'", at_digest("r.io/a"))).check("K8S-040", Expect::Pass);
        case("image: r.io/a:1, imagePullPolicy: Always").check("K8S-040", Expect::Pass);
        case("image: r.io/a").check("K8S-040", Expect::Pass);
    }

    #[test]
    fn no_image_and_a_template_can_not_be_told() {
        for unknown in
            ["name: a", "image: '{{ x }}'", "image: [a]", "image: a:1, imagePullPolicy: '{{ x }}'"]
        {
            case(unknown).check("K8S-040", Expect::Unknown);
        }
    }

    #[test]
    fn rules_about_names_judge_the_images_of_pods() {
        for (image, rule) in [
            ("nginx:1", "BASE-004"),
            ("r.io/a", "BASE-010"),
            ("r.io/a:latest", "BASE-011"),
            ("r.io/a:1", "BASE-012"),
            ("'r.io/a@sha256:abcd'", "BASE-003"),
            ("docker.io/library/debian:9", "BASE-041"),
            ("docker.io/library/vault:1", "BASE-040"),
            ("evil.io/library/nginx:1", "BASE-031"),
        ] {
            case(&format!("image: {image}")).check(rule, Expect::Fail);
        }
        assert_eq!(case("image: nginx:1").findings("BASE-004")[0].action, Action::Warn);
        assert_eq!(case("image: nginx:1").places("BASE-004"), [(4, 29)]);
        let volume = "{containers: [{image: 'r.io/a:1'}], volumes: [{image: {reference: r.io/b}}]}";
        pod(volume).check("BASE-010", Expect::Fail);
        let policy = "bases: {allow: []}\npromotion: {to: \"r.io/*\"}";
        for rule in ["BASE-001", "BASE-020"] {
            case("image: r.io/a:1").policy(policy).check(rule, Expect::Pass);
            case("image: evil.io/a:1").policy(policy).check(rule, Expect::Fail);
        }
        case("image: '{{ x }}'").check("BASE-002", Expect::Unknown);
        let plain = "rules: {BASE-022: {registries: [r.io]}}";
        case("image: r.io/a:1").policy(plain).check("BASE-022", Expect::Fail);
        case("image: r.io.evil.io/a:1").policy(plain).check("BASE-022", Expect::Pass);
    }
}
