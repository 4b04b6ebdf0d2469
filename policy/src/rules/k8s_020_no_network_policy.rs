//! K8S-020: every pod is selected by a `NetworkPolicy`.

use super::{About, Raised, Rule, RuleContext, manifests, network};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-020",
    name: "k8s_020_no_network_policy",
    title: "every pod is selected by a NetworkPolicy",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A pod that no NetworkPolicy selects may be reached from every other, and may reach everything.",
    mend: "write a NetworkPolicy in its namespace that selects its labels, and one that denies the rest",
    bad: "kind: Deployment",
    good: "kind: NetworkPolicy\nspec: {podSelector: {}, policyTypes: [Ingress, Egress]}",
    equivalents: &["CIS-K8s 5.3.2", "CKV2_K8S_6"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let policies = network::policies(context);
    let foreign = network::foreign(context).next();
    let what = "is selected by no NetworkPolicy";
    let expected = "a NetworkPolicy in its namespace that selects it";
    let judge = |pod: crate::kubernetes::Pod<'_>| {
        let answers: Vec<_> = policies.iter().map(|policy| policy.selects(&pod)).collect();
        if answers.contains(&Some(true)) {
            return None;
        }
        let part = (&pod, pod.at());
        let found = if answers.contains(&None) {
            "policies of which it can not be told whether they select it".to_owned()
        } else if let Some(foreign) = foreign {
            format!(
                "none of the NetworkPolicies given, and `{}`, which is not read here",
                foreign.name()
            )
        } else {
            let found = "none of the NetworkPolicies given";
            return Some(manifests::fail(context, part, what, found, expected));
        };
        Some(manifests::unclear(context, part, what, found, expected))
    };
    manifests::whole_pods(context).filter_map(judge).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: x, labels: {app: web}}\nspec: {containers: [{image: a}]}\n";

    fn with(policy: &str) -> Case {
        Case::default().kubernetes(POD).kubernetes(policy)
    }

    fn policy(selector: &str) -> String {
        object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            &format!("spec: {{podSelector: {selector}}}"),
        )
    }

    #[test]
    fn a_pod_that_no_policy_selects_fails() {
        Case::default().kubernetes(POD).check("K8S-020", Expect::Fail);
        with(&policy("{matchLabels: {app: db}}")).check("K8S-020", Expect::Fail);
        with(&policy("{}").replace("namespace: x", "namespace: y")).check("K8S-020", Expect::Fail);
        placed("K8S-020", POD, &[(4, 7)]);
    }

    #[test]
    fn one_in_another_file_passes_it() {
        with(&policy("{}")).check("K8S-020", Expect::Pass);
        with(&policy("{matchLabels: {app: web}}")).check("K8S-020", Expect::Pass);
    }

    #[test]
    fn what_may_select_it_can_not_be_told() {
        with(&policy("{matchLabels: {app: '{{ x }}'}}")).check("K8S-020", Expect::Unknown);
        with(&policy("{}").replace(", namespace: x", "")).check("K8S-020", Expect::Unknown);
        with(&object("cilium.io/v2", "CiliumNetworkPolicy", "")).check("K8S-020", Expect::Unknown);
    }
}
