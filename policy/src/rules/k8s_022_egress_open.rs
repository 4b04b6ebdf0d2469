//! K8S-022: `NetworkPolicies` close egress too, and each namespace denies by default.

use super::{
    About, Raised, Rule, RuleContext, manifests,
    network::{self, Direction, Policy},
};
use crate::{
    decide::Action,
    kubernetes::{Labels, may_share, selects},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-022",
    name: "k8s_022_egress_open",
    title: "NetworkPolicies close egress too, and each namespace denies by default",
    severity: Severity::Low,
    action: Action::Warn,
    why: "A policy without `Egress` leaves the way out open: to other namespaces, to the internet, to the metadata of the cloud. Without one that selects every pod, the next pod is open.",
    mend: "add `Egress` to `policyTypes`, and a policy with an empty `podSelector` and no rules",
    bad: "spec: {podSelector: {}, policyTypes: [Ingress]}",
    good: "spec: {podSelector: {}, policyTypes: [Ingress, Egress]}",
    equivalents: &[],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let policies = network::policies(context);
    let (open, no_default) = ("leaves egress open", "stands in a namespace without a default");
    let mut raised = Vec::new();
    for policy in &policies {
        let at = policy.types_at();
        let others =
            || policies.iter().filter(|other| may_share(other.object, policy.object) == Some(true));
        let expected = "`policyTypes: [Ingress, Egress]`, here or in a policy for all pods";
        match policy.isolates(Direction::Egress) {
            Some(true) => {}
            Some(false) if others().any(|other| closes_egress(*other, *policy)) => {}
            Some(false) => {
                let found = "no `Egress` in `policyTypes`";
                raised.push(manifests::fail(context, (policy.object, at), open, found, expected));
            }
            None => {
                let found = "`policyTypes` that can not be read";
                raised.push(manifests::unclear(
                    context,
                    (policy.object, at),
                    open,
                    found,
                    expected,
                ));
            }
        }
        let is_first =
            others().next().is_some_and(|first| std::ptr::eq(first.object, policy.object));
        let selecting: Vec<_> = others().copied().map(default_deny).collect();
        if is_first && !selecting.contains(&Some(true)) {
            let part = (policy.object, policy.object.node.at);
            let expected = "a policy with an empty `podSelector` for ingress";
            raised.push(if selecting.contains(&None) {
                let found = "policies that can not be read";
                manifests::unclear(context, part, no_default, found, expected)
            } else {
                manifests::fail(context, part, no_default, "none that selects every pod", expected)
            });
        }
    }
    raised
}

/// Whether pods that nobody has thought of are closed by it.
fn default_deny(policy: Policy<'_>) -> Option<bool> {
    let selects_all = selects(policy.selector(), &Labels::Known(Vec::new()));
    match (selects_all, policy.isolates(Direction::Ingress)) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Whether `other` closes the way out for the pods of `policy`: it is for all of them, or for the same ones.
fn closes_egress(other: Policy<'_>, policy: Policy<'_>) -> bool {
    let is_for_all = selects(other.selector(), &Labels::Known(Vec::new())) == Some(true);
    other.isolates(Direction::Egress) == Some(true)
        && (is_for_all || network::is_same(other.selector(), policy.selector()))
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    fn policy(spec: &str) -> String {
        object("networking.k8s.io/v1", "NetworkPolicy", &format!("spec: {{{spec}}}"))
    }

    fn case(specs: &[&str]) -> Case {
        specs.iter().fold(Case::default(), |case, spec| case.kubernetes(&policy(spec)))
    }

    #[test]
    fn a_way_out_that_is_open_and_a_namespace_without_a_default_fail() {
        case(&["podSelector: {}, policyTypes: [Ingress]"]).check("K8S-022", Expect::Fail);
        case(&["podSelector: {}"]).check("K8S-022", Expect::Fail);
        let labels = "podSelector: {matchLabels: {a: b}}, policyTypes: [Ingress, Egress]";
        case(&[labels]).check("K8S-022", Expect::Fail);
        let rest = "spec:\n  podSelector: {}\n  policyTypes:\n    - Ingress";
        placed("K8S-022", &object("networking.k8s.io/v1", "NetworkPolicy", rest), &[(7, 5)]);
    }

    #[test]
    fn both_directions_pass_also_by_another_policy() {
        let all = "podSelector: {}, policyTypes: [Ingress, Egress]";
        case(&[all]).check("K8S-022", Expect::Pass);
        case(&["podSelector: {}, egress: [{to: [{podSelector: {}}]}]"])
            .check("K8S-022", Expect::Pass);
        case(&["podSelector: {matchLabels: {a: b}}", all]).check("K8S-022", Expect::Pass);
    }

    #[test]
    fn types_that_can_not_be_read_can_not_be_told() {
        case(&["podSelector: {}, policyTypes: '{{ x }}'"]).check("K8S-022", Expect::Unknown);
        // Whether it is a default for the namespace, by its selector.
        let selector = "podSelector: '{{ x }}', policyTypes: [Ingress, Egress]";
        case(&[selector]).check("K8S-022", Expect::Unknown);
        assert_eq!(case(&[selector]).places("K8S-022"), [(1, 1)]);
    }
}
