//! K8S-002: no pod shares a namespace of the host.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-002",
    name: "k8s_002_host_namespace",
    title: "no pod shares a namespace of the host",
    severity: Severity::High,
    action: Action::Deny,
    why: "With the host's processes, memory or network in view a container reads what others do, and reaches what listens on the host alone.",
    mend: "take `hostPID`, `hostIPC` and `hostNetwork` away",
    bad: "spec: {hostPID: true}",
    good: "spec: {}",
    equivalents: &[
        "CIS-K8s 5.2.3",
        "CIS-K8s 5.2.4",
        "CIS-K8s 5.2.5",
        "KSV-0010",
        "KSV-0008",
        "KSV-0009",
        "CKV_K8S_17",
        "CKV_K8S_18",
        "CKV_K8S_19",
    ],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let pods = context.cluster().pods();
    pods.flat_map(|pod| {
        ["hostPID", "hostIPC", "hostNetwork"].map(|key| {
            let field = pod.own(&[key]);
            manifests::switched_on(context, &pod, (key, field), "shares a namespace of the host")
        })
    })
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    #[test]
    fn each_namespace_of_the_host_fails() {
        for key in ["hostPID", "hostIPC", "hostNetwork"] {
            let case = pod(&format!("{{{key}: true, containers: [{{image: a}}]}}"));
            case.check("K8S-002", Expect::Fail);
            let case = pod(&format!("{{{key}: yes please, containers: [{{image: a}}]}}"));
            case.check("K8S-002", Expect::Unknown);
            let case = pod(&format!("{{{key}: false, containers: [{{image: a}}]}}"));
            case.check("K8S-002", Expect::Pass);
        }
        let text = object("v1", "Pod", "spec:\n  hostIPC: true\n  containers: [{image: a}]");
        placed("K8S-002", &text, &[(5, 12)]);
    }
}
