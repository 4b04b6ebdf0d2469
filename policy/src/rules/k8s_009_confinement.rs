//! K8S-009: the confinement of the kernel is in place.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    kubernetes::{Container, Field, Pod, look, standards},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-009",
    name: "k8s_009_confinement",
    title: "the confinement of the kernel is in place",
    severity: Severity::Medium,
    action: Action::Deny,
    why: "Seccomp, AppArmor, SELinux and the masks of /proc are what is left when a program in a container attacks the kernel. Seccomp is off unless it is asked for.",
    mend: "set `seccompProfile: {type: RuntimeDefault}` for the pod, and take what switches the others off away",
    bad: "securityContext: {seccompProfile: {type: Unconfined}}",
    good: "securityContext: {seccompProfile: {type: RuntimeDefault}}",
    equivalents: &[
        "CIS-K8s 5.7.2",
        "KSV-0030",
        "KSV-0104",
        "KSV-0002",
        "KSV-0025",
        "KSV-0027",
        "KSV-0026",
        "KSV-0103",
        "CKV_K8S_31",
    ],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for pod in context.cluster().pods() {
        raised.extend(sysctls(context, &pod));
        for container in pod.containers() {
            let host_process = container.merged(&["windowsOptions", "hostProcess"]);
            let host_process = ("hostProcess", host_process);
            let what = "is a process of the host";
            raised.extend(manifests::switched_on(context, &container, host_process, what));
            if !pod.is_windows() {
                raised.extend(seccomp(context, &container));
                raised.extend(app_armor(context, &container));
                raised.extend(proc_mount(context, &container));
                raised.extend(selinux(context, &container));
            }
        }
    }
    raised
}

fn seccomp(context: &RuleContext<'_>, container: &Container<'_>) -> Option<Raised> {
    let what = "is not confined by seccomp";
    let expected = "`seccompProfile: {type: RuntimeDefault}`, or `Localhost`";
    Some(match container.merged(&["seccompProfile", "type"]).text() {
        Field::Is(_, "RuntimeDefault" | "Localhost") => return None,
        Field::Is(at, found) => {
            let found = format!("`type: {found}`");
            manifests::fail(context, (container, at), what, found, expected)
        }
        Field::Absent if !container.is_whole() => return None,
        Field::Absent => {
            let part = (container, container.at());
            let found = "no `seccompProfile`";
            manifests::fail(context, part, what, found, expected).at_most(Action::Warn)
        }
        Field::Untold(node) => manifests::untold(context, (container, node), what, expected),
    })
}

fn app_armor(context: &RuleContext<'_>, container: &Container<'_>) -> Option<Raised> {
    let what = "is not confined by AppArmor";
    let expected = "no `Unconfined`";
    let key = format!("{}{}", standards::APP_ARMOR, container.name());
    let annotation = match container.pod.annotations().mapping() {
        Field::Is(_, node) => look(node, &[&key]),
        Field::Absent => Field::Absent,
        Field::Untold(node) => Field::Untold(node),
    };
    let profile = container.merged(&["appArmorProfile", "type"]).or(annotation);
    match profile.text() {
        Field::Is(at, found) if found.eq_ignore_ascii_case("unconfined") => {
            Some(manifests::fail(context, (container, at), what, format!("`{found}`"), expected))
        }
        Field::Is(..) | Field::Absent => None,
        Field::Untold(node) => Some(manifests::untold(context, (container, node), what, expected)),
    }
}

fn proc_mount(context: &RuleContext<'_>, container: &Container<'_>) -> Option<Raised> {
    let (what, expected) = ("sees all of /proc", "no `procMount`, or `Default`");
    match container.own(&["procMount"]).text() {
        Field::Is(_, "Default") | Field::Absent => None,
        Field::Is(at, found) => {
            let found = format!("`procMount: {found}`");
            Some(manifests::fail(context, (container, at), what, found, expected))
        }
        Field::Untold(node) => Some(manifests::untold(context, (container, node), what, expected)),
    }
}

fn selinux(context: &RuleContext<'_>, container: &Container<'_>) -> Vec<Raised> {
    let (what, expected) = ("has labels of SELinux of its own", "the labels of the runtime");
    let judge = |key: &str| match container.merged(&["seLinuxOptions", key]).text() {
        Field::Is(_, "") | Field::Absent => None,
        Field::Is(_, found) if key == "type" && standards::SELINUX_TYPES.contains(&found) => None,
        Field::Is(at, found) => {
            let found = format!("`{key}: {found}`");
            let raised = manifests::fail(context, (container, at), what, found, expected);
            Some(raised.at_most(Action::Warn))
        }
        Field::Untold(node) => Some(manifests::untold(context, (container, node), what, expected)),
    };
    ["type", "user", "role"].into_iter().filter_map(judge).collect()
}

fn sysctls(context: &RuleContext<'_>, pod: &Pod<'_>) -> Vec<Raised> {
    let (what, expected) = ("sets a parameter of the host's kernel", "safe `sysctls` alone");
    let list = pod.own(&["securityContext", "sysctls"]);
    if let Some(node) = list.list().untold() {
        return vec![manifests::untold(context, (pod, node), what, expected)];
    }
    let judge = |item| match look(item, &["name"]).text() {
        Field::Is(_, name) if standards::SAFE_SYSCTLS.contains(&name) => None,
        Field::Is(at, name) => {
            let raised = manifests::fail(context, (pod, at), what, format!("`{name}`"), expected);
            Some(raised.at_most(Action::Warn))
        }
        Field::Absent => Some(manifests::untold(context, (pod, item), what, expected)),
        Field::Untold(node) => Some(manifests::untold(context, (pod, node), what, expected)),
    };
    list.items().iter().filter_map(judge).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    use crate::Action;

    const SECCOMP: &str = "seccompProfile: {type: RuntimeDefault}";

    fn case(fields: &str) -> Case {
        container(&format!("securityContext: {{{fields}}}"))
    }

    #[test]
    fn what_is_switched_off_is_denied() {
        for bad in [
            "seccompProfile: {type: Unconfined}".to_owned(),
            format!("{SECCOMP}, appArmorProfile: {{type: Unconfined}}"),
            format!("{SECCOMP}, procMount: Unmasked"),
            format!("{SECCOMP}, windowsOptions: {{hostProcess: true}}"),
        ] {
            case(&bad).check("K8S-009", Expect::Fail);
            assert_eq!(case(&bad).findings("K8S-009")[0].action, Action::Deny, "{bad}");
        }
        let annotated = "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {container.apparmor.security.beta.kubernetes.io/c: unconfined}}\nspec: {containers: [{name: c, securityContext: {seccompProfile: {type: RuntimeDefault}}}]}";
        Case::default().kubernetes(annotated).check("K8S-009", Expect::Fail);
        let text = object(
            "v1",
            "Pod",
            "spec:\n  containers:\n    - securityContext:\n        seccompProfile:\n          type: Unconfined",
        );
        placed("K8S-009", &text, &[(8, 17)]);
    }

    #[test]
    fn what_is_weaker_than_it_could_be_is_warned_of() {
        for bad in [
            "runAsUser: 1".to_owned(),
            format!("{SECCOMP}, seLinuxOptions: {{type: spc_t}}"),
            format!("{SECCOMP}, seLinuxOptions: {{user: system_u}}"),
        ] {
            case(&bad).check("K8S-009", Expect::Fail);
            assert_eq!(case(&bad).findings("K8S-009")[0].action, Action::Warn, "{bad}");
        }
        let sysctls = |name: &str| {
            pod(&format!(
                "{{securityContext: {{{SECCOMP}, sysctls: [{{name: {name}, value: '1'}}]}}, containers: [{{image: a}}]}}"
            ))
        };
        sysctls("kernel.msgmax").check("K8S-009", Expect::Fail);
        sysctls("net.ipv4.tcp_syncookies").check("K8S-009", Expect::Pass);
        sysctls("'{{ x }}'").check("K8S-009", Expect::Unknown);
    }

    #[test]
    fn a_profile_of_the_pod_passes_its_containers() {
        case(SECCOMP).check("K8S-009", Expect::Pass);
        let good = format!(
            "{{securityContext: {{{SECCOMP}, seLinuxOptions: {{type: container_t, level: 's0:c1'}}}}, containers: [{{image: a}}]}}"
        );
        pod(&good).check("K8S-009", Expect::Pass);
    }

    #[test]
    fn templates_can_not_be_told() {
        for unknown in [
            "seccompProfile: '{{ x }}'".to_owned(),
            format!("{SECCOMP}, procMount: '{{{{ x }}}}'"),
            format!("{SECCOMP}, appArmorProfile: 1"),
            format!("{SECCOMP}, seLinuxOptions: {{user: 1}}"),
        ] {
            case(&unknown).check("K8S-009", Expect::Unknown);
        }
    }
}
