//! K8S-015: containers have a security context.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{decide::Action, kubernetes::Field};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-015",
    name: "k8s_015_no_security_context",
    title: "containers have a security context",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Without one, the defaults of the runtime hold, which are made for programs that need everything.",
    mend: "write a `securityContext` for the pod and for each container",
    bad: "containers: [{name: a, image: b}]",
    good: "containers: [{name: a, image: b, securityContext: {allowPrivilegeEscalation: false}}]",
    equivalents: &["KSV-0118", "CKV_K8S_29", "CKV_K8S_30"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let (what, expected) = ("has no security context", "a `securityContext`");
    manifests::whole_containers(context)
        .filter_map(|container| {
            let contexts = [
                &container.field(&["securityContext"]),
                &container.pod.field(&["securityContext"]),
            ];
            let contexts = contexts.map(|field| field.mapping());
            let is_said = contexts
                .iter()
                .any(|field| field.known().is_some_and(|(_, node)| !node.entries().is_empty()));
            if is_said {
                return None;
            }
            let untold = contexts.iter().find_map(|field| field.untold());
            Some(if let Some(node) = untold {
                manifests::untold(context, (&container, node), what, expected)
            } else {
                let at = match contexts {
                    [Field::Is(at, _), _] => at,
                    _ => container.at(),
                };
                manifests::fail(context, (&container, at), what, "none, or an empty one", expected)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    #[test]
    fn none_and_an_empty_one_fail() {
        container("tty: true").check("K8S-015", Expect::Fail);
        container("securityContext: {}").check("K8S-015", Expect::Fail);
        container("securityContext: {runAsUser: 1}").check("K8S-015", Expect::Pass);
        pod("{securityContext: {runAsUser: 1}, containers: [{image: a}]}")
            .check("K8S-015", Expect::Pass);
        container("securityContext: '{{ x }}'").check("K8S-015", Expect::Unknown);
        let text = object("v1", "Pod", "spec:\n  containers:\n    - image: a");
        placed("K8S-015", &text, &[(6, 7)]);
    }
}
