//! K8S-010: the root file system of containers can not be written.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-010",
    name: "k8s_010_writable_root",
    title: "the root file system of containers can not be written",
    severity: Severity::Low,
    action: Action::Warn,
    why: "What can not be written can not be changed by who breaks in: no program that is replaced, no tool that is fetched.",
    mend: "set `readOnlyRootFilesystem: true`, with an `emptyDir` where the program has to write",
    bad: "securityContext: {}",
    good: "securityContext: {readOnlyRootFilesystem: true}",
    equivalents: &["KSV-0014", "CKV_K8S_22"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    manifests::whole_containers(context)
        .filter(|container| !container.pod.is_windows())
        .filter_map(|container| {
            let field = container.own(&["readOnlyRootFilesystem"]);
            let setting = ("readOnlyRootFilesystem", field, true);
            let part = (&container, container.at());
            manifests::not_set_to(context, part, setting, "can write its root file system")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    #[test]
    fn only_true_passes() {
        for bad in ["tty: true", "securityContext: {readOnlyRootFilesystem: false}"] {
            container(bad).check("K8S-010", Expect::Fail);
        }
        container("securityContext: {readOnlyRootFilesystem: true}").check("K8S-010", Expect::Pass);
        container("securityContext: {readOnlyRootFilesystem: '{{ x }}'}")
            .check("K8S-010", Expect::Unknown);
        let text = object("v1", "Pod", "spec:\n  containers:\n    - image: a");
        placed("K8S-010", &text, &[(6, 7)]);
    }
}
