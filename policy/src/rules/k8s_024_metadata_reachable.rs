//! K8S-024: no `NetworkPolicy` lets pods reach the metadata of the cloud.

use super::{
    About, Raised, Rule, RuleContext, manifests,
    network::{self, Answer, Direction},
};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-024",
    name: "k8s_024_metadata_reachable",
    title: "no NetworkPolicy lets pods reach the metadata of the cloud",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "At 169.254.169.254 a cloud hands the credentials of the machine to whoever asks from it.",
    mend: "take the address out: `except: [169.254.169.254/32]`, or name narrower blocks",
    bad: "to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]",
    good: "to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 169.254.0.0/16]}}]",
    equivalents: &[],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

const ADDRESS: &str = "169.254.169.254";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let what = "lets pods reach the metadata of the cloud";
    let expected = format!("`except: [{ADDRESS}/32]`, or narrower blocks");
    let mut raised = Vec::new();
    for policy in network::policies(context) {
        let rules = policy.rules();
        for rule in rules.iter().filter(|rule| rule.direction == Direction::Egress) {
            match rule.reaches(ADDRESS) {
                Answer::No => {}
                Answer::Yes(at, found) => {
                    raised.push(manifests::fail(
                        context,
                        (policy.object, at),
                        what,
                        found,
                        &expected,
                    ));
                }
                Answer::Untold(at, why) => {
                    raised.push(manifests::unclear(
                        context,
                        (policy.object, at),
                        what,
                        why,
                        &expected,
                    ));
                }
            }
        }
    }
    raised
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    fn egress(rule: &str) -> Case {
        let spec = format!("spec: {{podSelector: {{}}, egress: [{rule}]}}");
        Case::default().kubernetes(&object("networking.k8s.io/v1", "NetworkPolicy", &spec))
    }

    #[test]
    fn a_block_with_the_address_in_it_fails() {
        for bad in [
            "{}",
            "{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}",
            "{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}",
            "{to: [{ipBlock: {cidr: 169.254.0.0/16}}], ports: [{port: 80}]}",
            "{to: [{ipBlock: {cidr: 169.254.169.254/32}}], ports: [{port: 1, endPort: 100}]}",
        ] {
            egress(bad).check("K8S-024", Expect::Fail);
        }
        let rest =
            "spec:\n  podSelector: {}\n  egress:\n    - to:\n        - ipBlock: {cidr: 0.0.0.0/0}";
        placed("K8S-024", &object("networking.k8s.io/v1", "NetworkPolicy", rest), &[(8, 27)]);
    }

    #[test]
    fn blocks_and_ports_without_it_pass() {
        for good in [
            "{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16]}}]}",
            "{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}",
            "{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}",
            "{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 80, protocol: UDP}]}",
            "{to: [{namespaceSelector: {}}]}",
        ] {
            egress(good).check("K8S-024", Expect::Pass);
        }
    }

    #[test]
    fn what_can_not_be_read_can_not_be_told() {
        for unknown in [
            "{to: [{ipBlock: {cidr: '{{ x }}'}}]}",
            "{to: [{ipBlock: {cidr: 0.0.0.0/0, except: ['{{ x }}']}}]}",
            "{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: '{{ x }}'}]}",
        ] {
            egress(unknown).check("K8S-024", Expect::Unknown);
        }
    }
}
