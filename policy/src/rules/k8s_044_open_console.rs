//! K8S-044: no console of the cluster is open.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    kubernetes::{Container, Field, Object, is_template, look},
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

/// Switches by which a console lets strangers in.
const SWITCHES: [&str; 6] = [
    "--enable-skip-login",
    "--enable-insecure-login",
    "--anonymous-auth",
    "--allow-snippet-annotations",
    "--api.insecure",
    "--disable-auth",
];
/// Ports where it lets strangers in, unless they are 0.
const PORTS: [&str; 2] = ["--read-only-port", "--insecure-port"];
/// What programs in Go take for yes, <https://pkg.go.dev/strconv#ParseBool>; a switch alone is on.
const YES: [&str; 7] = ["", "1", "t", "T", "TRUE", "true", "True"];
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
    let mut words: Vec<(At, &str)> = Vec::new();
    for key in ["command", "args"] {
        let (items, untold) = container.list(&[key]);
        if let Some(node) = untold {
            raised.push(
                manifests::untold(context, (container, node), WHAT, EXPECTED).at_most(Action::Warn),
            );
        }
        // Where a list is meant, a text is words of it all the same.
        let text = container.field(&[key]).text().known();
        let items = items.iter().filter_map(|item| Some((item.defined, item.text()?)));
        words.extend(items.chain(text).flat_map(|(at, text)| {
            text.split_whitespace().map(move |word| (at, word.trim_matches(['"', '\''])))
        }));
    }
    let following = words.iter().skip(1).map(|(_, word)| *word).chain([""]);
    for ((at, word), next) in words.iter().zip(following) {
        match flag(word, next) {
            Flag::Open(found) => {
                raised.push(manifests::fail(context, (container, *at), WHAT, found, EXPECTED));
            }
            Flag::Untold(found) => {
                raised.push(manifests::unclear(context, (container, *at), WHAT, found, EXPECTED));
            }
            Flag::Other => {}
        }
    }
    raised
}

/// What a word of a command line is.
enum Flag {
    /// It opens a console.
    Open(String),
    /// It may, by a value that is not known.
    Untold(String),
    /// Neither.
    Other,
}

fn flag(word: &str, next: &str) -> Flag {
    let (name, value) =
        word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    let is_switch = SWITCHES.contains(&name);
    if !is_switch && !PORTS.contains(&name) {
        return Flag::Other;
    }
    // A switch takes no word after it; a port that is given so does.
    let value = match value {
        Some(value) => value.trim_matches(['"', '\'']),
        None if is_switch => "",
        None => next,
    };
    let found = match (value, word.contains('=')) {
        ("", _) | (_, true) => format!("`{word}`"),
        (value, false) => format!("`{word} {value}`"),
    };
    if is_template(value) || value.contains('$') {
        return Flag::Untold(found);
    }
    let is_open = if is_switch {
        YES.contains(&value)
    } else {
        value.parse::<i64>().is_ok_and(|port| port != 0)
    };
    if is_open { Flag::Open(found) } else { Flag::Other }
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
                raised.push(fail(entry.defined, format!("the annotation `{}`", entry.key)));
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
            "args: [--read-only-port, '10255']",
            "args: [--read-only-port=10250]",
            "command: [kubelet], args: [--insecure-port, '1']",
            "args: [--anonymous-auth=True]",
            "args: [--enable-skip-login=1]",
            "args: ['--disable-auth=\"t\"']",
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
        for good in [
            "args: [--enable-skip-login=false]",
            "args: [--read-only-port=0]",
            "args: [serve]",
            "args: [--read-only-port, '0', '10255']",
            "args: [--anonymous-auth=False, --read-only-port]",
            "args: [--no-anonymous-auth=true]",
        ] {
            container(good).check("K8S-044", Expect::Pass);
        }
        let kubelet =
            object("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration", "readOnlyPort: 0");
        Case::default().kubernetes(&kubelet).check("K8S-044", Expect::Pass);
    }

    #[test]
    fn templates_can_not_be_told() {
        container("args: '{{ x }}'").check("K8S-044", Expect::Unknown);
        container("args: [--anonymous-auth=$(AUTH)]").check("K8S-044", Expect::Unknown);
        container("args: [--read-only-port, '${PORT}']").check("K8S-044", Expect::Unknown);
        let kubelet = object(
            "kubelet.config.k8s.io/v1beta1",
            "KubeletConfiguration",
            "readOnlyPort: '{{ x }}'",
        );
        Case::default().kubernetes(&kubelet).check("K8S-044", Expect::Unknown);
    }
}
