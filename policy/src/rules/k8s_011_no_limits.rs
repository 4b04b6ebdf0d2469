//! K8S-011: containers have requests and limits, and namespaces a quota.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    kubernetes::{Container, ContainerKind, Field, Object, look, may_share},
    yaml::{Node, Value},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-011",
    name: "k8s_011_no_limits",
    title: "containers have requests and limits, and namespaces a quota",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Without limits one container takes the memory and the processors of all others on its host.",
    mend: "set `resources.requests` and `resources.limits` for cpu and memory, and give the namespace a LimitRange and a ResourceQuota",
    bad: "containers: [{name: a, image: b}]",
    good: "resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: 500m, memory: 128Mi}}",
    equivalents: &[
        "KSV-0011",
        "KSV-0015",
        "KSV-0016",
        "KSV-0018",
        "KSV-0039",
        "KSV-0040",
        "CKV_K8S_10",
        "CKV_K8S_11",
        "CKV_K8S_12",
        "CKV_K8S_13",
    ],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let containers = manifests::whole_containers(context);
    // Those that are added to look for a fault can have none.
    let containers = containers.filter(|container| container.kind != ContainerKind::Ephemeral);
    let namespaces = context.cluster().of_kind("v1", "Namespace");
    let namespaces = namespaces.filter_map(|object| of_namespace(context, object));
    containers.filter_map(|container| of_container(context, &container)).chain(namespaces).collect()
}

fn of_container(context: &RuleContext<'_>, container: &Container<'_>) -> Option<Raised> {
    let what = "has no bounds";
    let expected = "requests and limits for cpu and memory";
    let own = container.field(&["resources"]);
    let of_pod = container.pod.field(&["resources"]);
    let mut missing = Vec::new();
    for (kind, resource) in
        [("limits", "cpu"), ("limits", "memory"), ("requests", "cpu"), ("requests", "memory")]
    {
        let at = |kind| within(own, kind, resource).or(within(of_pod, kind, resource));
        let set = at(kind);
        // A limit without a request is the request too.
        let set = if kind == "requests" { set.or(at("limits")) } else { set };
        if matches!(set, Field::Absent) || set.known().is_some_and(|(_, node)| is_zero(node)) {
            missing.push((kind, resource));
        }
        if let Some(node) = set.untold().or_else(|| unreadable(set)) {
            return Some(manifests::untold(context, (container, node), what, expected));
        }
    }
    if missing.is_empty() {
        return None;
    }
    let found: Vec<_> =
        missing.iter().map(|(kind, resource)| format!("`{kind}.{resource}`")).collect();
    let found = format!("no {}", found.join(", "));
    let part = (container, own.at(container.at()));
    match defaults(context, container.pod.object, &missing) {
        Some(true) => None,
        Some(false) => Some(manifests::fail(context, part, what, found, expected)),
        None => Some(manifests::unclear(context, part, what, found, expected)),
    }
}

/// The quantity of a resource.
fn within<'a>(resources: Field<'a, &'a Node>, kind: &str, resource: &str) -> Field<'a, &'a Node> {
    match resources {
        Field::Is(_, node) => look(node, &[kind, resource]),
        Field::Absent | Field::Untold(_) => resources,
    }
}

/// Whether a quantity is zero, which bounds nothing. <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
fn is_zero(node: &Node) -> bool {
    match &node.value {
        Value::Integer(value) => *value == 0,
        Value::Text(text) => {
            let is_digit = |char: char| char.is_ascii_digit() || char == '.';
            let digits = text.split(|char| !is_digit(char)).next().unwrap_or_default();
            !digits.is_empty() && digits.chars().all(|char| matches!(char, '0' | '.'))
        }
        Value::Null | Value::Boolean(_) | Value::OtherNumber | Value::List(_) | Value::Map(_) => {
            false
        }
    }
}

/// A value that is a template.
fn unreadable<'a>(field: Field<'a, &'a Node>) -> Option<&'a Node> {
    let (_, node) = field.known()?;
    node.text().is_some_and(crate::kubernetes::is_template).then_some(node)
}

/// Whether a `LimitRange` of its namespace gives what is missing; `None` where it can not be told.
fn defaults(context: &RuleContext<'_>, object: &Object, missing: &[(&str, &str)]) -> Option<bool> {
    let mut answer = Some(false);
    for range in context.cluster().of_kind("v1", "LimitRange") {
        let near = may_share(range, object);
        let gives = range.field(&["spec", "limits"]).items().iter().any(|limit| {
            let key = |kind: &str| if kind == "limits" { "default" } else { "defaultRequest" };
            let has = |(kind, resource): &(&str, &str)| {
                let given =
                    look(limit, &[key(kind), resource]).or(look(limit, &["default", resource]));
                given.known().is_some_and(|(_, node)| !is_zero(node)) || given.untold().is_some()
            };
            limit.text_of("type") == Some("Container") && missing.iter().all(has)
        });
        match near {
            Some(true) if gives => return Some(true),
            None if gives => answer = None,
            _ => {}
        }
    }
    answer
}

fn of_namespace(context: &RuleContext<'_>, namespace: &Object) -> Option<Raised> {
    let (_, name) = namespace.field(&["metadata", "name"]).text().known()?;
    let kinds = ["ResourceQuota", "LimitRange"];
    let mut bounds = kinds.iter().flat_map(|kind| context.cluster().of_kind("v1", kind));
    let has_bounds =
        bounds.any(|object| object.namespace().known().is_some_and(|(_, own)| own == name));
    let part = (namespace, namespace.node.at);
    let (found, expected) = ("no ResourceQuota and no LimitRange", "one of them");
    (!has_bounds).then(|| manifests::fail(context, part, "has no bounds", found, expected))
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    const ALL: &str = "resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 1, memory: 1Gi}}";

    #[test]
    fn what_is_missing_fails() {
        for bad in [
            "tty: true",
            "resources: {}",
            "resources: {limits: {cpu: 1}}",
            "resources: {requests: {cpu: 1, memory: 1Gi}}",
        ] {
            container(bad).check("K8S-011", Expect::Fail);
        }
        let text = object(
            "v1",
            "Pod",
            "spec:\n  containers:\n    - image: a\n      resources: {limits: {cpu: 1}}",
        );
        placed("K8S-011", &text, &[(7, 18)]);
    }

    #[test]
    fn bounds_of_the_container_its_pod_and_its_namespace_pass() {
        container(ALL).check("K8S-011", Expect::Pass);
        container("resources: {limits: {cpu: 1, memory: 1Gi}}").check("K8S-011", Expect::Pass);
        pod(&format!("{{{ALL}, containers: [{{image: a}}]}}")).check("K8S-011", Expect::Pass);
        let range = "spec: {limits: [{type: Container, default: {cpu: 1, memory: 1Gi}}]}";
        let range = object("v1", "LimitRange", range);
        container("tty: true").kubernetes(&range).check("K8S-011", Expect::Pass);
        let elsewhere = range.replace("namespace: x", "namespace: y");
        container("tty: true").kubernetes(&elsewhere).check("K8S-011", Expect::Fail);
        let somewhere = range.replace(", namespace: x", "");
        container("tty: true").kubernetes(&somewhere).check("K8S-011", Expect::Unknown);
    }

    #[test]
    fn zero_bounds_nothing() {
        for bad in [
            ALL.replace("cpu: 1", "cpu: 0"),
            "resources: {limits: {cpu: 0, memory: 0}}".to_owned(),
            "resources: {limits: {cpu: 1, memory: 0Gi}}".to_owned(),
            "resources: {limits: {cpu: '0m', memory: 1Gi}}".to_owned(),
        ] {
            container(&bad).check("K8S-011", Expect::Fail);
        }
        container("resources: {limits: {cpu: 0.5, memory: 0.5Gi}}").check("K8S-011", Expect::Pass);
        container("resources: {limits: {cpu: 10m, memory: 100}}").check("K8S-011", Expect::Pass);
        let range = "spec: {limits: [{type: Container, default: {cpu: 0, memory: 0}}]}";
        let range = object("v1", "LimitRange", range);
        container("tty: true").kubernetes(&range).check("K8S-011", Expect::Fail);
    }

    #[test]
    fn a_namespace_without_a_quota_fails() {
        let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}";
        Case::default().kubernetes(namespace).check("K8S-011", Expect::Fail);
        let quota = object("v1", "ResourceQuota", "spec: {hard: {pods: 1}}");
        Case::default().kubernetes(namespace).kubernetes(&quota).check("K8S-011", Expect::Pass);
    }

    #[test]
    fn templates_can_not_be_told() {
        for unknown in [
            "resources: '{{ x }}'",
            "resources: {limits: '{{ x }}'}",
            "resources: {limits: {cpu: '{{ x }}'}}",
        ] {
            container(unknown).check("K8S-011", Expect::Unknown);
        }
    }
}
