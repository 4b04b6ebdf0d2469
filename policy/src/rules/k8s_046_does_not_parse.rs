//! K8S-046: manifests can be read.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    kubernetes::{Object, PodKind},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-046",
    name: "k8s_046_does_not_parse",
    title: "manifests can be read",
    severity: Severity::High,
    action: Action::Deny,
    why: "What can not be read is not judged, and must not pass.",
    mend: "give what is rendered: `helm template`, `kubectl kustomize`; every document an object with `apiVersion` and `kind`",
    bad: "kind: {{ .Values.kind }}",
    good: "kind: Deployment",
    equivalents: &[],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let raise = |problem: &crate::kubernetes::Problem| {
        let (line, column) = (problem.at.line, problem.at.column);
        let place =
            plimsoll_model::finding::Place::Source { path: problem.path.clone(), line, column };
        let title = format!("{} can not be read", problem.what);
        context.unknown(place, title, &problem.why, "a manifest of Kubernetes, rendered")
    };
    let problems = context.cluster().problems.iter().map(raise);
    let objects = context.cluster().objects.iter();
    problems.chain(objects.filter_map(|object| of_parts(context, object))).collect()
}

/// An object of a kind that is not known, from which something is made that runs: what it says is judged, and what it leaves out
/// can not be. Said once for an object, and no reason to deny it.
fn of_parts(context: &RuleContext<'_>, object: &Object) -> Option<Raised> {
    let pods = object.pods();
    let part = pods.iter().find(|pod| pod.kind == PodKind::Part)?;
    let what = "runs more than it says here";
    let found = "an object of a kind that is not known, with a part of a pod or an image in it";
    let expected = "what is made of it, rendered";
    Some(
        manifests::unclear(context, (part, part.at()), what, found, expected).at_most(Action::Warn),
    )
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    #[test]
    fn what_can_not_be_read_is_never_fine() {
        for bad in [
            "a: 1",
            "kind: {{ .Values.kind }}",
            "{{- if .Values.x }}\nkind: Pod\n{{- end }}",
            "apiVersion: v1\nkind: Pod\nspec: '{{ toYaml .Values.spec }}'",
            "apiVersion: v1\nkind: Pod\nspec: {containers: ['{{ x }}']}",
            "apiVersion: v1\nkind: Pod\nspec: {containers: []}",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]",
        ] {
            Case::default().kubernetes(bad).check("K8S-046", Expect::Unknown);
        }
        let text = "apiVersion: v1\nkind: Namespace\n---\n{}\n---\nkind: {{ x }}\n";
        assert_eq!(Case::default().kubernetes(text).places("K8S-046")[0], (4, 1));
        assert_eq!(Case::default().kubernetes(text).places("K8S-046").len(), 2);
    }

    #[test]
    fn what_can_be_read_passes() {
        container("tty: true").check("K8S-046", Expect::Pass);
        Case::default().kubernetes("").check("K8S-046", Expect::Pass);
    }
}
