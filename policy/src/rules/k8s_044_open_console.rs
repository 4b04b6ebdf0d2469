//! K8S-044: no console of the cluster is open.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    kubernetes::{Container, Field, Object, look},
    yaml::At,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-044",
    name: "k8s_044_open_console",
    title: "no console of the cluster is open",
    severity: Severity::High,
    action: Action::Deny,
    why: "A dashboard without log-in, Tiller, a kubelet or an API server that answers strangers, and snippets of nginx in an Ingress each hand the cluster to whoever reaches them.",
    mend: "take the flag or the annotation away, and Tiller with it",
    bad: "args: [--enable-skip-login]",
    good: "args: [--namespace=shop]",
    equivalents: &["KSV-0102"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

/// Flags by which a console lets strangers in.
const FLAGS: [(&str, &[&str]); 8] = [
    ("--enable-skip-login", &["", "true"]),
    ("--enable-insecure-login", &["", "true"]),
    ("--anonymous-auth", &["", "true"]),
    ("--allow-snippet-annotations", &["", "true"]),
    ("--api.insecure", &["", "true"]),
    ("--disable-auth", &["", "true"]),
    ("--read-only-port", &["10255"]),
    ("--insecure-port", &["8080"]),
];
const WHAT: &str = "opens a console to strangers";
const EXPECTED: &str = "a console that asks who comes";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for container in manifests::containers(context) {
        raised.extend(check_container(context, &container));
    }
    for object in &context.cluster().objects {
        raised.extend(check_object(context, object));
    }
    raised
}

fn check_container(context: &RuleContext<'_>, container: &Container<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    if let Field::Is(at, image) = container.field(&["image"]).text() {
        let name = image.split(['@', ':']).next().unwrap_or_default();
        if name.rsplit('/').next() == Some("tiller") {
            let found = format!("Tiller (`{image}`)");
            raised.push(manifests::fail(context, (container, at), WHAT, found, EXPECTED));
        }
    }
    for list in ["command", "args"].map(|key| container.field(&[key])) {
        if let Some(node) = list.list().untold() {
            raised.push(
                manifests::untold(context, (container, node), WHAT, EXPECTED).at_most(Action::Warn),
            );
        }
        for item in list.items() {
            let text = item.text().unwrap_or_default();
            let flag = text.split_whitespace().find(|word| is_open(word));
            if let Some(flag) = flag {
                let found = format!("`{flag}`");
                raised.push(manifests::fail(context, (container, item.at), WHAT, found, EXPECTED));
            }
        }
    }
    raised
}

fn is_open(word: &str) -> bool {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    FLAGS.iter().any(|(flag, values)| *flag == name && values.contains(&value))
}

fn check_object(context: &RuleContext<'_>, object: &Object) -> Vec<Raised> {
    let fail =
        |at: At, found: String| manifests::fail(context, (object, at), WHAT, found, EXPECTED);
    let mut raised = Vec::new();
    if object.kind == "Ingress" {
        let annotations = object.field(&["metadata", "annotations"]);
        if let Some(node) = annotations.mapping().untold() {
            raised.push(manifests::untold(context, (object, node), WHAT, EXPECTED));
        }
        for entry in annotations.known().map(|(_, node)| node.entries()).unwrap_or_default() {
            if entry.key.starts_with("nginx.ingress.kubernetes.io/")
                && entry.key.ends_with("-snippet")
            {
                raised.push(fail(entry.at, format!("the annotation `{}`", entry.key)));
            }
        }
    }
    if object.is("v1", "ConfigMap") {
        let setting = object.field(&["data", "allow-snippet-annotations"]);
        if let Field::Is(at, "true") = setting.text() {
            raised.push(fail(at, "`allow-snippet-annotations`".to_owned()));
        }
    }
    if object.is("kubelet.config.k8s.io", "KubeletConfiguration") {
        match look(&object.node, &["readOnlyPort"]).number() {
            Field::Is(_, 0) | Field::Absent => {}
            Field::Is(at, port) => raised.push(fail(at, format!("`readOnlyPort: {port}`"))),
            Field::Untold(node) => {
                raised.push(manifests::untold(context, (object, node), WHAT, EXPECTED));
            }
        }
        let anonymous = object.field(&["authentication", "anonymous", "enabled"]);
        raised.extend(manifests::switched_on(context, object, ("enabled", anonymous), WHAT));
    }
    raised
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    #[test]
    fn consoles_that_let_strangers_in_fail() {
        for bad in [
            "args: [--enable-skip-login]",
            "args: ['--api.insecure=true']",
            "command: [kubelet, --read-only-port=10255]",
            "command: [sh, -c, 'kube-apiserver --anonymous-auth=true']",
        ] {
            container(bad).check("K8S-044", Expect::Fail);
        }
        pod("{containers: [{image: 'gcr.io/kubernetes-helm/tiller:v2.16.0'}]}")
            .check("K8S-044", Expect::Fail);
        let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  annotations:\n    nginx.ingress.kubernetes.io/configuration-snippet: x\n";
        placed("K8S-044", ingress, &[(5, 5)]);
        for bad in ["readOnlyPort: 10255", "authentication: {anonymous: {enabled: true}}"] {
            let kubelet = object("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration", bad);
            Case::default().kubernetes(&kubelet).check("K8S-044", Expect::Fail);
        }
        let map = object("v1", "ConfigMap", "data: {allow-snippet-annotations: 'true'}");
        Case::default().kubernetes(&map).check("K8S-044", Expect::Fail);
    }

    #[test]
    fn others_pass() {
        for good in
            ["args: [--enable-skip-login=false]", "args: [--read-only-port=0]", "args: [serve]"]
        {
            container(good).check("K8S-044", Expect::Pass);
        }
        let kubelet =
            object("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration", "readOnlyPort: 0");
        Case::default().kubernetes(&kubelet).check("K8S-044", Expect::Pass);
    }

    #[test]
    fn templates_can_not_be_told() {
        container("args: '{{ x }}'").check("K8S-044", Expect::Unknown);
        let kubelet = object(
            "kubelet.config.k8s.io/v1beta1",
            "KubeletConfiguration",
            "readOnlyPort: '{{ x }}'",
        );
        Case::default().kubernetes(&kubelet).check("K8S-044", Expect::Unknown);
    }
}
