//! K8S-003: no volume is a directory of the host.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{decide::Action, host};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-003",
    name: "k8s_003_host_path",
    title: "no volume is a directory of the host",
    severity: Severity::High,
    action: Action::Deny,
    why: "A directory of the host outlives the container and crosses the wall around it; some are the host itself: its programs, accounts, devices, and the files of other pods.",
    mend: "use a volume that Kubernetes provides (`persistentVolumeClaim`, `emptyDir`, `configMap`)",
    bad: "volumes: [{name: v, hostPath: {path: /etc}}]",
    good: "volumes: [{name: v, emptyDir: {}}]",
    equivalents: &["CIS-K8s 5.2.12", "KSV-0023", "KSV-0121"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    manifests::host_paths(context)
        .map(|(object, field)| {
            let expected = "a volume that Kubernetes provides";
            let (what, found) = if let Some((at, path)) = field.text().known() {
                match host::sensitive(path) {
                    Some(directory) => {
                        let what = format!("has `{directory}` of the host");
                        let found = format!("`hostPath` `{path}`");
                        return manifests::fail(context, (object, at), &what, found, expected);
                    }
                    None => ("has a directory of the host", (at, path)),
                }
            } else {
                let node = field.untold().or(field.text().untold()).unwrap_or(&object.node);
                let what = "has a sensitive directory of the host";
                return manifests::untold(context, (object, node), what, expected);
            };
            let (at, path) = found;
            let found = format!("`hostPath` `{path}`");
            let raised = manifests::fail(context, (object, at), what, found, expected);
            raised.with_severity(Severity::Medium).at_most(Action::Warn)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    use crate::Action;

    fn volume(volume: &str) -> Case {
        pod(&format!("{{containers: [{{image: a}}], volumes: [{{name: v, {volume}}}]}}"))
    }

    #[test]
    fn a_sensitive_directory_is_denied_and_any_other_warned_of() {
        for (path, action) in [
            ("/etc", Action::Deny),
            ("/", Action::Deny),
            ("/var/lib/kubelet/x", Action::Deny),
            ("/data", Action::Warn),
        ] {
            let case = volume(&format!("hostPath: {{path: {path}}}"));
            case.check("K8S-003", Expect::Fail);
            assert_eq!(case.findings("K8S-003")[0].action, action, "{path}");
        }
        let text = object("v1", "PersistentVolume", "spec:\n  hostPath:\n    path: /etc");
        placed("K8S-003", &text, &[(6, 11)]);
    }

    #[test]
    fn other_volumes_pass() {
        volume("emptyDir: {}").check("K8S-003", Expect::Pass);
    }

    #[test]
    fn a_path_that_can_not_be_read_can_not_be_told() {
        for unknown in ["hostPath: {path: '{{ .Values.path }}'}", "hostPath: {}", "hostPath: x"] {
            volume(unknown).check("K8S-003", Expect::Unknown);
        }
    }
}
