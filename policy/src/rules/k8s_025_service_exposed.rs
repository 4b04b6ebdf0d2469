//! K8S-025: Services are open to named addresses alone.

use super::{
    About, Raised, Rule, RuleContext, manifests,
    network::{self, Block},
};
use crate::{
    decide::Action,
    kubernetes::{Field, Object, look},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-025",
    name: "k8s_025_service_exposed",
    title: "Services are open to named addresses alone",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A Service of the type LoadBalancer or NodePort, or with external addresses, is open to whoever reaches the address, past every ingress with its encryption and its log-in.",
    mend: "use an Ingress or Gateway, or name who may come in `loadBalancerSourceRanges`",
    bad: "spec: {type: LoadBalancer, ports: [{port: 22}]}",
    good: "spec: {type: ClusterIP, ports: [{port: 8080}]}",
    equivalents: &["KSV-0108"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

/// Ports of databases, consoles and shells.
const ADMIN: [i64; 20] = [
    22, 23, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5601, 5672, 6379, 8001, 9200, 10_250, 10_255,
    11_211, 15_672, 27_017, 6443,
];
/// Annotations by which clouds keep a load balancer inside, each with its values.
const INTERNAL: [(&str, &[&str]); 11] = [
    ("cloud.google.com/load-balancer-type", &["internal"]),
    ("load-balancer.hetzner.cloud/disable-public-network", &["true"]),
    ("networking.gke.io/load-balancer-type", &["internal"]),
    ("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", &["intranet"]),
    ("service.beta.kubernetes.io/aws-load-balancer-internal", &["true", "0.0.0.0/0"]),
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", &["internal"]),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", &["true"]),
    ("service.beta.kubernetes.io/do-loadbalancer-network", &["internal"]),
    ("service.beta.kubernetes.io/oci-load-balancer-internal", &["true"]),
    ("service.beta.kubernetes.io/openstack-internal-load-balancer", &["true"]),
    ("service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", &["private"]),
];
/// The annotation that stands in for `loadBalancerSourceRanges`.
const RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let services = context.cluster().of_kind("v1", "Service");
    services.filter_map(|service| check_service(context, service)).collect()
}

fn check_service(context: &RuleContext<'_>, service: &Object) -> Option<Raised> {
    let what = "is open to everybody";
    let expected = "`type: ClusterIP`, or `loadBalancerSourceRanges` that name who may come";
    let untold = |node| Some(manifests::untold(context, (service, node), what, expected));
    let external = service.field(&["spec", "externalIPs"]);
    if let Field::Is(at, [_, ..]) = external.list() {
        return Some(manifests::fail(context, (service, at), what, "`externalIPs`", expected));
    }
    let (at, kind) = match service.field(&["spec", "type"]).text() {
        Field::Is(at, kind @ ("LoadBalancer" | "NodePort")) => (at, kind),
        Field::Is(..) | Field::Absent => {
            return external.list().untold().and_then(untold);
        }
        Field::Untold(node) => return untold(node),
    };
    let ports = service.field(&["spec", "ports"]).items();
    let of =
        |key: &'static str| move |port| look(port, &[key]).number().known().map(|(_, port)| port);
    let numbers = ports.iter().flat_map(|port| [of("port")(port), of("targetPort")(port)]);
    let admin = numbers.flatten().find(|port| ADMIN.contains(port));
    if let Some(port) = admin {
        let found = format!("`type: {kind}` with port {port}, by which one rules what runs");
        let raised = manifests::fail(context, (service, at), what, found, expected);
        return Some(raised.with_severity(Severity::High));
    }
    let ranges = service.field(&["spec", "loadBalancerSourceRanges"]);
    if let Some(node) = ranges.list().untold() {
        return untold(node);
    }
    let annotation = service.field(&["metadata", "annotations", RANGES]);
    if let Some(node) = annotation.text().untold() {
        return untold(node);
    }
    let listed = ranges.items().iter().map(|item| (item, look(item, &[]).text().known()));
    let mut listed: Vec<_> =
        listed.map(|(item, text)| (item, text.map(|(_, text)| text.trim()))).collect();
    if let (true, Some((_, node))) = (listed.is_empty(), annotation.known()) {
        let parts = node.text().unwrap_or_default().split(',').map(str::trim);
        listed.extend(parts.map(|part| (node, Some(part))));
    }
    if kind == "LoadBalancer" && !listed.is_empty() {
        let mut blocks = Vec::new();
        for (node, text) in listed {
            let Some(block) = text.and_then(Block::parse) else { return untold(node) };
            blocks.push(block);
        }
        let is_any = network::are_everything(&blocks);
        let found = "`loadBalancerSourceRanges` of every address";
        return is_any.then(|| manifests::fail(context, (service, at), what, found, expected));
    }
    if kind == "LoadBalancer" && is_internal(service) {
        return None;
    }
    let found = format!("`type: {kind}` without `loadBalancerSourceRanges`");
    Some(manifests::fail(context, (service, at), what, found, expected))
}

/// Whether an annotation keeps it inside the network of its cloud.
fn is_internal(service: &Object) -> bool {
    let annotations = service.field(&["metadata", "annotations"]).known();
    annotations.map(|(_, node)| node.entries()).unwrap_or_default().iter().any(|entry| {
        let value = entry.value.text().unwrap_or_default().to_ascii_lowercase();
        INTERNAL.iter().any(|(key, values)| entry.key == *key && values.contains(&value.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    fn service(spec: &str) -> Case {
        Case::default().kubernetes(&object("v1", "Service", &format!("spec: {spec}")))
    }

    #[test]
    fn a_service_that_is_open_to_everybody_fails() {
        for bad in [
            "{type: LoadBalancer, ports: [{port: 443}]}",
            "{type: NodePort, ports: [{port: 443}]}",
            "{type: LoadBalancer, loadBalancerSourceRanges: []}",
            "{type: LoadBalancer, loadBalancerSourceRanges: [0.0.0.0/0]}",
            "{type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.0/8], ports: [{port: 22}]}",
            "{type: LoadBalancer, loadBalancerSourceRanges: [0.0.0.0/1, 128.0.0.0/1]}",
            "{type: LoadBalancer, loadBalancerSourceRanges: ['::/0']}",
            "{type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.0/8], ports: [{port: 443, targetPort: 22}]}",
            "{externalIPs: [1.2.3.4]}",
        ] {
            service(bad).check("K8S-025", Expect::Fail);
        }
        placed("K8S-025", &object("v1", "Service", "spec:\n  type: NodePort"), &[(5, 9)]);
    }

    #[test]
    fn one_inside_and_one_for_named_addresses_pass() {
        for good in [
            "{ports: [{port: 443}]}",
            "{type: ClusterIP, ports: [{port: 22}]}",
            "{type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.0/8], ports: [{port: 443}]}",
        ] {
            service(good).check("K8S-025", Expect::Pass);
        }
        let annotated = |annotation: &str| {
            let text = format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{annotations: {{{annotation}}}}}\nspec: {{type: LoadBalancer}}"
            );
            Case::default().kubernetes(&text)
        };
        for good in [
            "service.beta.kubernetes.io/aws-load-balancer-scheme: internal",
            "service.beta.kubernetes.io/azure-load-balancer-internal: 'true'",
            "service.beta.kubernetes.io/load-balancer-source-ranges: '10.0.0.0/8, 192.168.0.0/16'",
        ] {
            annotated(good).check("K8S-025", Expect::Pass);
        }
        for bad in [
            "acme.io/internal-docs: 'true'",
            "service.beta.kubernetes.io/aws-load-balancer-scheme: internet-facing",
            "service.beta.kubernetes.io/load-balancer-source-ranges: 0.0.0.0/0",
        ] {
            annotated(bad).check("K8S-025", Expect::Fail);
        }
        annotated("service.beta.kubernetes.io/load-balancer-source-ranges: '{{ x }}'")
            .check("K8S-025", Expect::Unknown);
        let internal = "apiVersion: v1\nkind: Service\nmetadata: {annotations: {networking.gke.io/load-balancer-type: Internal}}\nspec: {type: LoadBalancer}";
        Case::default().kubernetes(internal).check("K8S-025", Expect::Pass);
    }

    #[test]
    fn templates_can_not_be_told() {
        for unknown in [
            "{type: '{{ x }}'}",
            "{externalIPs: '{{ x }}'}",
            "{type: LoadBalancer, loadBalancerSourceRanges: ['{{ x }}']}",
            "{type: LoadBalancer, loadBalancerSourceRanges: '{{ x }}'}",
            "{type: LoadBalancer, loadBalancerSourceRanges: [office]}",
        ] {
            service(unknown).check("K8S-025", Expect::Unknown);
        }
    }
}
