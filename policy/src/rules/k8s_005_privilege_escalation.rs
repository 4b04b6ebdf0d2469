//! K8S-005: no process may gain privileges.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-005",
    name: "k8s_005_privilege_escalation",
    title: "no process may gain privileges",
    severity: Severity::High,
    action: Action::Warn,
    why: "Without `allowPrivilegeEscalation: false` a setuid program in the image makes root of any user.",
    mend: "set `allowPrivilegeEscalation: false`",
    bad: "securityContext: {}",
    good: "securityContext: {allowPrivilegeEscalation: false}",
    equivalents: &["CIS-K8s 5.2.6", "KSV-0001", "CKV_K8S_20"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    manifests::whole_containers(context)
        .filter(|container| !container.pod.is_windows())
        .filter_map(|container| {
            let field = container.own(&["allowPrivilegeEscalation"]);
            let setting = ("allowPrivilegeEscalation", field, false);
            let part = (&container, container.at());
            manifests::not_set_to(context, part, setting, "may gain privileges")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    #[test]
    fn only_false_passes() {
        for bad in [
            "tty: true",
            "securityContext: {}",
            "securityContext: {allowPrivilegeEscalation: true}",
        ] {
            container(bad).check("K8S-005", Expect::Fail);
        }
        container("securityContext: {allowPrivilegeEscalation: false}")
            .check("K8S-005", Expect::Pass);
        container("securityContext: {allowPrivilegeEscalation: '{{ x }}'}")
            .check("K8S-005", Expect::Unknown);
        pod("{os: {name: windows}, containers: [{image: a}]}").check("K8S-005", Expect::Pass);
        let text = object("v1", "Pod", "spec:\n  containers:\n    - image: a");
        placed("K8S-005", &text, &[(6, 7)]);
    }
}
