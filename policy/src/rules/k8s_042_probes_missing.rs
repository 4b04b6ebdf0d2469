//! K8S-042: containers tell whether they are alive and ready.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    kubernetes::{ContainerKind, Field},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-042",
    name: "k8s_042_probes_missing",
    title: "containers tell whether they are alive and ready",
    severity: Severity::Low,
    action: Action::Inform,
    why: "Without probes traffic goes to what is not ready, and what hangs is not started anew. Kubernetes does not look at the image's HEALTHCHECK.",
    mend: "write a `livenessProbe` and a `readinessProbe`",
    bad: "containers: [{name: a, image: b}]",
    good: "readinessProbe: {httpGet: {path: /ready, port: 8080}}",
    equivalents: &["CKV_K8S_8", "CKV_K8S_9"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

/// Kinds whose containers end by themselves.
const ENDING: [&str; 6] =
    ["Job", "CronJob", "Workflow", "CronWorkflow", "WorkflowTemplate", "ClusterWorkflowTemplate"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let (what, expected) = ("does not tell whether it is well", "both probes");
    manifests::whole_containers(context)
        .filter(|container| container.kind == ContainerKind::Main)
        // What ends by itself is not asked.
        .filter(|container| !ENDING.contains(&container.pod.object.kind.as_str()))
        .flat_map(|container| {
            ["livenessProbe", "readinessProbe"].map(|key| match container.field(&[key]).mapping() {
                Field::Is(_, node) if !node.entries().is_empty() => None,
                Field::Is(at, _) => {
                    let found = format!("an empty `{key}`");
                    Some(manifests::fail(context, (&container, at), what, found, expected))
                }
                Field::Absent => {
                    let part = (&container, container.at());
                    Some(manifests::fail(context, part, what, format!("no `{key}`"), expected))
                }
                Field::Untold(node) => {
                    Some(manifests::untold(context, (&container, node), what, expected))
                }
            })
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    #[test]
    fn both_probes_are_asked_for() {
        let probe = "{tcpSocket: {port: 1}}";
        container("tty: true").check("K8S-042", Expect::Fail);
        container(&format!("livenessProbe: {probe}")).check("K8S-042", Expect::Fail);
        container(&format!("livenessProbe: {probe}, readinessProbe: {probe}"))
            .check("K8S-042", Expect::Pass);
        container(&format!("livenessProbe: {probe}, readinessProbe: '{{{{ x }}}}'"))
            .check("K8S-042", Expect::Unknown);
        let job =
            "apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {containers: [{image: a}]}}}";
        Case::default().kubernetes(job).check("K8S-042", Expect::Pass);
        let text = object(
            "v1",
            "Pod",
            "spec:\n  containers:\n    - livenessProbe: {exec: {command: [a]}}",
        );
        placed("K8S-042", &text, &[(6, 7)]);
    }
}
