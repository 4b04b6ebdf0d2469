//! K8S-023: every `NetworkPolicy` selects pods.

use super::{About, Raised, Rule, RuleContext, manifests, network};
use crate::{
    decide::Action,
    kubernetes::{Pod, may_share},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-023",
    name: "k8s_023_network_policy_selects_nothing",
    title: "every NetworkPolicy selects pods",
    severity: Severity::Low,
    action: Action::Warn,
    why: "A policy whose labels no pod has protects nothing: mostly a label was changed in one place.",
    mend: "correct the labels of `podSelector`, or take the policy away",
    bad: "podSelector: {matchLabels: {app: wbe}}",
    good: "podSelector: {matchLabels: {app: web}}",
    equivalents: &[],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let what = "selects nothing";
    let expected = "labels that a pod in its namespace has";
    let all: Vec<_> = context.cluster().pods().collect();
    let judge = |policy: network::Policy<'_>| {
        let at = policy.selector().at(policy.object.node.at);
        let is_near = |pod: &&Pod<'_>| may_share(policy.object, pod.object) != Some(false);
        let pods: Vec<_> = all.iter().filter(is_near).collect();
        let answers: Vec<_> = pods.iter().map(|pod| policy.selects(pod)).collect();
        if answers.contains(&Some(true)) || policy.selects_everything() == Some(true) {
            return None;
        }
        let part = (policy.object, at);
        Some(if pods.is_empty() {
            let found = "no pods of its namespace among the files";
            manifests::unclear(context, part, what, found, expected)
        } else if answers.contains(&None) {
            let found = "pods or labels that can not be read here";
            manifests::unclear(context, part, what, found, expected)
        } else {
            let found = format!("labels that none of {} pods in its namespace has", pods.len());
            manifests::fail(context, part, what, found, expected)
        })
    };
    network::policies(context).into_iter().filter_map(judge).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: x, labels: {app: web}}\nspec: {containers: [{image: a}]}\n";

    fn policy(selector: &str) -> String {
        object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            &format!("spec:\n  podSelector: {selector}"),
        )
    }

    #[test]
    fn labels_that_no_pod_has_fail() {
        let case = |selector: &str| Case::default().kubernetes(POD).kubernetes(&policy(selector));
        case("{matchLabels: {app: wbe}}").check("K8S-023", Expect::Fail);
        assert_eq!(case("{matchLabels: {app: wbe}}").places("K8S-023"), [(5, 16)]);
        case("{matchLabels: {app: web}}").check("K8S-023", Expect::Pass);
        case("{}").check("K8S-023", Expect::Pass);
        case("{matchLabels: {app: '{{ x }}'}}").check("K8S-023", Expect::Unknown);
        let alone = Case::default().kubernetes(&policy("{matchLabels: {app: web}}"));
        alone.check("K8S-023", Expect::Unknown);
    }

    #[test]
    fn the_third_document_is_placed() {
        let text = format!("{POD}---\n{POD}---\n{}", policy("{matchLabels: {app: wbe}}"));
        assert_eq!(Case::default().kubernetes(&text).places("K8S-023"), [(15, 16)]);
    }
}
