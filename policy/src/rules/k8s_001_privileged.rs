//! K8S-001: no container is privileged.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-001",
    name: "k8s_001_privileged",
    title: "no container is privileged",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "A privileged container has every capability and every device of the host: who breaks into it has the host.",
    mend: "take `privileged: true` away, and add the one capability that is needed, if any",
    bad: "securityContext: {privileged: true}",
    good: "securityContext: {privileged: false}",
    equivalents: &["CIS-K8s 5.2.2", "KSV-0017", "CKV_K8S_16"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    manifests::containers(context)
        .filter_map(|container| {
            let field = container.own(&["privileged"]);
            manifests::switched_on(context, &container, ("privileged", field), "is privileged")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    #[test]
    fn a_privileged_container_of_any_kind_fails_where_it_says_so() {
        container("securityContext: {privileged: true}").check("K8S-001", Expect::Fail);
        let bad = "{name: b, image: a, securityContext: {privileged: true}}";
        for list in ["initContainers", "ephemeralContainers"] {
            let case = pod(&format!("{{containers: [{{name: c, image: a}}], {list}: [{bad}]}}"));
            case.check("K8S-001", Expect::Fail);
        }
        let text = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      containers:\n        - name: c\n          securityContext:\n            privileged: true\n";
        placed("K8S-001", text, &[(10, 25)]);
        let unknown = "apiVersion: example.com/v1\nkind: Thing\nspec: {pod: {containers: [{image: a, securityContext: {privileged: true}}]}}";
        Case::default().kubernetes(unknown).check("K8S-001", Expect::Fail);
    }

    #[test]
    fn what_an_alias_brings_is_found_where_it_stands() {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nx-sc: &sc\n  privileged: true\nspec:\n  containers:\n    - image: a\n      securityContext: *sc\n";
        let case = Case::default().kubernetes(text);
        case.check("K8S-001", Expect::Fail);
        assert_eq!(case.places("K8S-001"), [(5, 15)]);
    }

    #[test]
    fn what_is_not_privileged_passes() {
        container("securityContext: {privileged: false}").check("K8S-001", Expect::Pass);
        container("securityContext: {}").check("K8S-001", Expect::Pass);
        container("tty: true").check("K8S-001", Expect::Pass);
    }

    #[test]
    fn a_template_and_a_wrong_type_can_not_be_told() {
        for unknown in ["{privileged: '{{ .Values.p }}'}", "{privileged: 1}", "'{{ .Values.s }}'"] {
            let case = container(&format!("securityContext: {unknown}"));
            case.check("K8S-001", Expect::Unknown);
        }
    }
}
