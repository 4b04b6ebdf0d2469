//! K8S-012: no container has a port of the host.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    kubernetes::{Field, look},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-012",
    name: "k8s_012_host_port",
    title: "no container has a port of the host",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A port of the host is open to whoever reaches the host, past every Service and, with some networks, past every NetworkPolicy.",
    mend: "take `hostPort` away and make a Service",
    bad: "ports: [{containerPort: 80, hostPort: 80}]",
    good: "ports: [{containerPort: 8080}]",
    equivalents: &["CIS-K8s 5.2.13", "KSV-0024", "CKV_K8S_26"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let (what, expected) = ("has a port of the host", "no `hostPort`");
    manifests::containers(context)
        .flat_map(|container| {
            let (ports, untold) = container.list(&["ports"]);
            let untold =
                untold.map(|node| manifests::untold(context, (&container, node), what, expected));
            let judge = move |port| match look(port, &["hostPort"]).number() {
                Field::Is(_, 0) | Field::Absent => None,
                Field::Is(at, number) => {
                    let found = format!("`hostPort: {number}`");
                    Some(manifests::fail(context, (&container, at), what, found, expected))
                }
                Field::Untold(node) => {
                    Some(manifests::untold(context, (&container, node), what, expected))
                }
            };
            ports.iter().filter_map(judge).chain(untold).collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    #[test]
    fn a_port_of_the_host_fails() {
        container("ports: [{containerPort: 80, hostPort: 80}]").check("K8S-012", Expect::Fail);
        for good in ["ports: [{containerPort: 80}]", "ports: [{hostPort: 0}]", "tty: true"] {
            container(good).check("K8S-012", Expect::Pass);
        }
        for unknown in ["ports: [{hostPort: '{{ x }}'}]", "ports: '{{ x }}'"] {
            container(unknown).check("K8S-012", Expect::Unknown);
        }
        let text =
            object("v1", "Pod", "spec:\n  containers:\n    - ports:\n        - hostPort: 80");
        placed("K8S-012", &text, &[(7, 21)]);
    }
}
