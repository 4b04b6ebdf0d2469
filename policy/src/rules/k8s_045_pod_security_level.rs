//! K8S-045: pods keep to a level of the Pod Security Standards.

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    kubernetes::{
        Pod,
        standards::{self, Breach, Certainty, Level},
    },
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-045",
    name: "k8s_045_pod_security_level",
    title: "pods keep to a level of the Pod Security Standards",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A cluster that enforces the level refuses the pod, and one that does not runs what the level is there to prevent.",
    mend: "change what is found, or set the `level` that is meant; the levels are those of Kubernetes v1.34",
    bad: "spec: {hostNetwork: true}",
    good: "spec: {hostNetwork: false}",
    equivalents: &["PSA"],
    about: &[About::Kubernetes],
    parameters: &[Parameter {
        name: "level",
        kind: ParameterKind::Word(&["privileged", "baseline", "restricted"]),
        help: "the level of the Pod Security Standards that pods keep to; `baseline` unless set",
    }],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let wanted = match context.texts("level").first().map(String::as_str) {
        Some("privileged") => Level::Privileged,
        Some("restricted") => Level::Restricted,
        _ => Level::Baseline,
    };
    let expected = format!("what the level {} allows", wanted.as_str());
    let what = format!("does not keep to the level {}", wanted.as_str());
    // Of a part of a pod, what it leaves out is no breach, and another shape no fault.
    let is_said = |pod: &Pod<'_>, breach: &Breach| {
        let is_seen = breach.level == Level::Baseline && breach.certainty == Certainty::Seen;
        breach.level <= wanted && (pod.is_whole() || is_seen)
    };
    let pods = context.cluster().pods();
    pods.filter_map(|pod| {
        let breaches: Vec<_> =
            standards::breaches(&pod).into_iter().filter(|breach| is_said(&pod, breach)).collect();
        let seen = breaches.iter().find(|breach| breach.certainty == Certainty::Seen);
        let first = seen.or(breaches.first())?;
        let is_same = |breach: &&Breach| breach.certainty == first.certainty;
        let mut found: Vec<_> =
            breaches.iter().filter(is_same).map(|one| one.found.as_str()).collect();
        found.sort_unstable();
        found.dedup();
        let found = found.join(", ");
        let part = (&pod, first.at);
        Some(match first.certainty {
            Certainty::Seen => manifests::fail(context, part, &what, found, &expected),
            Certainty::Unclear => manifests::unclear(context, part, &what, found, &expected),
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    const RESTRICTED: &str = "allowPrivilegeEscalation: false, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}, capabilities: {drop: [ALL]}";

    fn strict(case: Case) -> Case {
        case.policy("rules: {K8S-045: {level: restricted}}")
    }

    #[test]
    fn each_control_of_the_level_baseline_fails() {
        for bad in [
            "securityContext: {privileged: true}",
            "securityContext: {procMount: Unmasked}",
            "securityContext: {capabilities: {add: [NET_RAW]}}",
            "securityContext: {seccompProfile: {type: Unconfined}}",
            "securityContext: {appArmorProfile: {type: Unconfined}}",
            "securityContext: {seLinuxOptions: {type: spc_t}}",
            "securityContext: {seLinuxOptions: {role: r}}",
            "securityContext: {windowsOptions: {hostProcess: true}}",
            "ports: [{hostPort: 1}]",
            "livenessProbe: {httpGet: {host: example.com}}",
            "lifecycle: {preStop: {tcpSocket: {host: example.com}}}",
        ] {
            container(bad).check("K8S-045", Expect::Fail);
        }
        for bad in [
            "hostNetwork: true",
            "hostPID: true",
            "hostIPC: true",
            "volumes: [{name: a, hostPath: {path: /x}}]",
            "securityContext: {sysctls: [{name: kernel.msgmax}]}",
        ] {
            pod(&format!("{{{bad}, containers: [{{image: a}}]}}")).check("K8S-045", Expect::Fail);
        }
        let text = object("v1", "Pod", "spec:\n  hostPID: true\n  containers: [{image: a}]");
        placed("K8S-045", &text, &[(5, 12)]);
    }

    #[test]
    fn each_control_of_the_level_restricted_fails_there_alone() {
        for (good, bad) in [
            ("runAsNonRoot: true", "runAsNonRoot: false"),
            ("runAsNonRoot: true", "runAsNonRoot: true, runAsUser: 0"),
            ("allowPrivilegeEscalation: false", "readOnlyRootFilesystem: true"),
            ("seccompProfile: {type: RuntimeDefault}", "readOnlyRootFilesystem: true"),
            ("drop: [ALL]", "drop: [NET_RAW]"),
            ("drop: [ALL]", "drop: [ALL], add: [CHOWN]"),
        ] {
            let case =
                container(&format!("securityContext: {{{}}}", RESTRICTED.replace(good, bad)));
            case.check("K8S-045", Expect::Pass);
            strict(case).check("K8S-045", Expect::Fail);
        }
        let nfs = format!(
            "{{containers: [{{image: a, securityContext: {{{RESTRICTED}}}}}], volumes: [{{name: a, nfs: {{}}}}]}}"
        );
        pod(&nfs).check("K8S-045", Expect::Pass);
        strict(pod(&nfs)).check("K8S-045", Expect::Fail);
        strict(pod(&nfs.replace("nfs", "emptyDir"))).check("K8S-045", Expect::Pass);
    }

    #[test]
    fn templates_can_not_be_told() {
        container("securityContext: {privileged: '{{ x }}'}").check("K8S-045", Expect::Unknown);
        pod("{hostPID: '{{ x }}', containers: [{image: a}]}").check("K8S-045", Expect::Unknown);
    }

    #[test]
    fn a_level_that_there_is_not_is_refused() {
        let text = "version: 1\nrules: {K8S-045: {level: strict}}";
        let error = crate::Policy::parse(text, "p.yaml".into()).unwrap_err().to_string();
        assert!(error.contains("`privileged`, `baseline`, `restricted`"), "{error}");
    }
}
