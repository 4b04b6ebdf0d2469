//! K8S-013: workloads have a namespace of their own.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    kubernetes::{Field, Pod},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-013",
    name: "k8s_013_shared_namespace",
    title: "workloads have a namespace of their own",
    severity: Severity::Low,
    action: Action::Warn,
    why: "Quotas, policies and rights are given to namespaces. What runs in `default` shares them with everything else, and what runs beside Kubernetes itself shares its rights.",
    mend: "make a namespace for the application and name it in `metadata.namespace`",
    bad: "metadata: {name: web, namespace: default}",
    good: "metadata: {name: web, namespace: shop}",
    equivalents: &["CIS-K8s 5.7.4", "KSV-0110", "KSV-0037", "CKV_K8S_21"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

const SHARED: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let what = "runs in a namespace that it shares";
    let expected = "a namespace of its own";
    let objects = context.cluster().objects.iter();
    let objects = objects.filter(|object| object.pods().iter().any(Pod::is_whole));
    objects
        .filter_map(|object| match object.namespace() {
            Field::Is(at, name) => SHARED.contains(&name).then(|| {
                manifests::fail(
                    context,
                    (object, at),
                    what,
                    format!("`namespace: {name}`"),
                    expected,
                )
            }),
            Field::Absent => {
                let at = object.field(&["metadata"]).at(object.node.at);
                let found = "no `metadata.namespace`: whoever applies it decides";
                Some(manifests::unclear(context, (object, at), what, found, expected))
            }
            Field::Untold(node) => Some(manifests::untold(context, (object, node), what, expected)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    fn case(metadata: &str) -> Case {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {metadata}\nspec: {{containers: [{{image: a}}]}}"
        );
        Case::default().kubernetes(&text)
    }

    #[test]
    fn a_shared_namespace_fails_and_one_that_is_not_said_can_not_be_told() {
        for bad in ["default", "kube-system"] {
            case(&format!("{{name: a, namespace: {bad}}}")).check("K8S-013", Expect::Fail);
        }
        case("{name: a, namespace: shop}").check("K8S-013", Expect::Pass);
        case("{name: a}").check("K8S-013", Expect::Unknown);
        case("{name: a, namespace: '{{ x }}'}").check("K8S-013", Expect::Unknown);
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: default}";
        Case::default().kubernetes(service).check("K8S-013", Expect::Pass);
        let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  namespace: default\nspec: {containers: [{image: a}]}\n";
        placed("K8S-013", text, &[(4, 14)]);
    }
}
