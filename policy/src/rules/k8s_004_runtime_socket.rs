//! K8S-004: no pod has the socket of a container runtime.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{decide::Action, host};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-004",
    name: "k8s_004_runtime_socket",
    title: "no pod has the socket of a container runtime",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Who speaks to the runtime of the host starts a privileged container on it: the socket is the host. A directory above it has it too, and that it is mounted read-only changes nothing.",
    mend: "take the volume away; build images with a builder that needs no daemon, and read logs and metrics through the kubelet",
    bad: "volumes: [{name: v, hostPath: {path: /run/containerd}}]",
    good: "volumes: [{name: v, emptyDir: {}}]",
    equivalents: &["KSV-0006", "CKV_K8S_27"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let what = "has the socket of a container runtime";
    let expected = "no such volume";
    manifests::host_paths(context)
        .filter_map(|(object, field)| {
            let Some((at, path)) = field.text().known() else {
                let node = field.untold().or(field.text().untold()).unwrap_or(&object.node);
                return Some(manifests::untold(context, (object, node), what, expected));
            };
            let socket = host::socket(path)?;
            let found = format!("`hostPath` `{path}`, with `{socket}`");
            Some(manifests::fail(context, (object, at), what, found, expected))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    fn volume(path: &str) -> Case {
        pod(&format!(
            "{{containers: [{{image: a}}], volumes: [{{name: v, hostPath: {{path: {path}}}}}]}}"
        ))
    }

    #[test]
    fn the_sockets_of_all_engines_and_what_they_are_in_fail() {
        for path in [
            "/var/run/docker.sock",
            "/run/containerd/containerd.sock",
            "/run/crio",
            "/run/podman/podman.sock",
            "/",
            "/var",
            "/run",
            "/var/run/",
        ] {
            volume(path).check("K8S-004", Expect::Fail);
        }
        let text = object(
            "v1",
            "Pod",
            "spec:\n  containers: [{image: a}]\n  volumes:\n    - hostPath:\n        path: /run/crio/crio.sock",
        );
        placed("K8S-004", &text, &[(8, 15)]);
    }

    #[test]
    fn other_paths_pass_and_templates_can_not_be_told() {
        for good in ["/data", "/var/log", "/run/app"] {
            volume(good).check("K8S-004", Expect::Pass);
        }
        volume("'{{ .Values.socket }}'").check("K8S-004", Expect::Unknown);
    }
}
