//! K8S-021: no `NetworkPolicy` allows everything.

use super::{
    About, Raised, Rule, RuleContext, manifests,
    network::{self, Ports, Reach},
};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-021",
    name: "k8s_021_network_any_any",
    title: "no NetworkPolicy allows everything",
    severity: Severity::High,
    action: Action::Deny,
    why: "A rule of a NetworkPolicy that leaves out who, or names everybody, is an open door that looks like a wall: it isolates nothing, and no other policy takes back what it allows.",
    mend: "name the peers (`podSelector`, `namespaceSelector`, an `ipBlock` of those addresses) and the ports",
    bad: "ingress: [{}]",
    good: "ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 8080}]}]",
    equivalents: &[],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for policy in network::policies(context) {
        for rule in policy.rules() {
            let what = format!("allows {} of everything", rule.direction.what());
            let expected = format!("peers in `{}`, and ports", rule.direction.key());
            let (at, found) = match rule.reach() {
                Reach::Some => continue,
                Reach::Untold(at, why) => {
                    let part = (policy.object, at);
                    raised.push(manifests::unclear(context, part, &what, why, &expected));
                    continue;
                }
                Reach::Most(at, why) => {
                    let part = (policy.object, at);
                    let unclear = manifests::unclear(context, part, &what, why, &expected);
                    raised.push(unclear.at_most(Action::Warn));
                    continue;
                }
                Reach::Any(at, found) => (at, found),
            };
            let (ports, most) = match rule.ports() {
                Ports::Any => ("to every port", Action::Deny),
                Ports::Some => ("to some ports", Action::Warn),
                Ports::Untold => ("to ports that can not be read", Action::Deny),
            };
            let found = format!("{found}, {ports}");
            let fail = manifests::fail(context, (policy.object, at), &what, found, &expected);
            raised.push(fail.at_most(most));
        }
        for (direction, node) in policy.unreadable() {
            let what = format!("allows {} of everything", direction.what());
            let expected = "rules that name peers and ports";
            raised.push(manifests::untold(context, (policy.object, node), &what, expected));
        }
    }
    let foreign = network::foreign(context).map(|object| {
        let found = format!("an object of the kind `{}`, which is not read here", object.kind);
        let what = "allows traffic of everything";
        let part = (object, object.node.at);
        manifests::unclear(context, part, what, found, "a NetworkPolicy").at_most(Action::Warn)
    });
    raised.extend(foreign);
    raised
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    use crate::Action;

    fn policy(spec: &str) -> Case {
        let spec = format!("spec: {{podSelector: {{}}, {spec}}}");
        Case::default().kubernetes(&object("networking.k8s.io/v1", "NetworkPolicy", &spec))
    }

    #[test]
    fn every_way_to_allow_everything_is_denied_in_both_directions() {
        for peers in [
            "{}",
            "{PEERS: []}",
            "{PEERS: null}",
            "{PEERS: [], ports: []}",
            "{ports: [{}]}",
            "{ports: [{protocol: TCP}]}",
            "{ports: [{port: 1, endPort: 65535}]}",
            "{ports: [{port: 0, endPort: 65535}]}",
            "{PEERS: [{}]}",
            "{PEERS: [{ipBlock: {cidr: 0.0.0.0/0}}]}",
            "{PEERS: [{ipBlock: {cidr: 0.0.0.0/0, except: []}}]}",
            "{PEERS: [{ipBlock: {cidr: '::/0'}}]}",
            "{PEERS: [{ipBlock: {cidr: '0:0::0/0'}}]}",
            "{PEERS: [{ipBlock: {cidr: 10.1.2.3/0}}]}",
            "{PEERS: [{ipBlock: {cidr: 0.0.0.0/00}}]}",
            "{PEERS: [{ipBlock: {cidr: 0.0.0.0/1}}, {ipBlock: {cidr: 128.0.0.0/1}}]}",
            "{PEERS: [{ipBlock: {cidr: '8000::/1'}}, {ipBlock: {cidr: '::/1'}}]}",
            "{PEERS: [{ipBlock: {cidr: 128.0.0.0/1}}, {ipBlock: {cidr: 0.0.0.0/2}}, {ipBlock: {cidr: 64.0.0.0/2}}]}",
            "{PEERS: [{ipBlock: {cidr: 0.0.0.0/0, except: [1.1.1.1/32]}}, {ipBlock: {cidr: 0.0.0.0/0, except: [2.2.2.2/32]}}]}",
            "{PEERS: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}, {ipBlock: {cidr: 10.0.0.0/8}}]}",
            "{PEERS: [{namespaceSelector: {}}]}",
            "{PEERS: [{namespaceSelector: {}, podSelector: {}}]}",
            "{PEERS: [{namespaceSelector: {matchLabels: {}}}]}",
            "{PEERS: [{namespaceSelector: {matchExpressions: []}}]}",
            "{PEERS: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: Exists}]}}]}",
            "{PEERS: [{podSelector: {matchLabels: {a: b}}}, {namespaceSelector: {}}]}",
        ] {
            for (direction, key) in [("ingress", "from"), ("egress", "to")] {
                let rule = peers.replace("PEERS", key);
                let case = policy(&format!("{direction}: [{rule}]"));
                case.check("K8S-021", Expect::Fail);
                let actions: Vec<_> =
                    case.findings("K8S-021").iter().map(|judged| judged.action).collect();
                assert_eq!(actions, [Action::Deny], "{direction}: {rule}");
            }
        }
        let rest = "spec:\n  podSelector: {}\n  ingress:\n    - from:\n        - ipBlock:\n            cidr: 0.0.0.0/0\n  egress:\n    - {}";
        let text = object("networking.k8s.io/v1", "NetworkPolicy", rest);
        placed("K8S-021", &text, &[(9, 19), (11, 7)]);
    }

    #[test]
    fn everybody_to_some_ports_is_warned_of() {
        for rule in [
            "{ports: [{port: 443}]}",
            "{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: https}]}",
        ] {
            let case = policy(&format!("egress: [{rule}]"));
            case.check("K8S-021", Expect::Fail);
            assert_eq!(case.findings("K8S-021")[0].action, Action::Warn, "{rule}");
        }
    }

    #[test]
    fn rules_that_name_their_peers_pass() {
        for good in [
            "ingress: []",
            "policyTypes: [Ingress, Egress]",
            "ingress: [{from: [{podSelector: {}}]}]",
            "ingress: [{from: [{podSelector: {matchLabels: {a: b}}}], ports: [{port: 80}]}]",
            "ingress: [{from: [{namespaceSelector: {matchLabels: {a: b}}}]}]",
            "ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {a: b}}}]}]",
            "egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]",
            "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]",
            "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/1}}]}]",
            "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}, {ipBlock: {cidr: 10.0.0.0/9}}]}]",
            "ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: a, operator: DoesNotExist}]}, podSelector: {matchLabels: {a: b}}}]}]",
            // What is not among the types is not applied.
            "policyTypes: [Ingress], egress: [{}]",
        ] {
            policy(good).check("K8S-021", Expect::Pass);
        }
    }

    #[test]
    fn what_can_not_be_read_can_not_be_told() {
        for unknown in [
            "ingress: '{{ x }}'",
            "ingress: ['{{ x }}']",
            "ingress: [{from: '{{ x }}'}]",
            "ingress: [{from: ['{{ x }}']}]",
            "egress: [{to: [{ipBlock: {cidr: '{{ x }}'}}]}]",
            "egress: [{to: [{ipBlock: {cidr: 10.0.0.0}}]}]",
            "egress: [{to: [{ipBlock: {}}]}]",
            "ingress: [{from: [{namespaceSelector: '{{ x }}'}]}]",
            "policyTypes: '{{ x }}', egress: ['{{ x }}']",
            "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: '{{ x }}'}}]}]",
            "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: ['{{ x }}']}}]}]",
        ] {
            policy(unknown).check("K8S-021", Expect::Unknown);
        }
        // Who is left out alone is said: that may be nobody.
        for unknown in [
            "{namespaceSelector: {matchExpressions: [{key: a, operator: DoesNotExist}]}}",
            "{namespaceSelector: {matchExpressions: [{key: a, operator: NotIn, values: [b]}]}, podSelector: {}}",
            "{namespaceSelector: {}, podSelector: {matchExpressions: [{key: a, operator: DoesNotExist}]}}",
        ] {
            let case = policy(&format!("ingress: [{{from: [{unknown}]}}]"));
            case.check("K8S-021", Expect::Unknown);
            assert_eq!(case.findings("K8S-021")[0].action, Action::Warn, "{unknown}");
        }
        let cilium = object("cilium.io/v2", "CiliumNetworkPolicy", "spec: {}");
        Case::default().kubernetes(&cilium).check("K8S-021", Expect::Unknown);
    }
}
