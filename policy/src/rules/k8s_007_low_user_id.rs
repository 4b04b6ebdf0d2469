//! K8S-007: users and groups have numbers that no account of the host has.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{decide::Action, kubernetes::Field};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-007",
    name: "k8s_007_low_user_id",
    title: "users and groups have numbers that no account of the host has",
    severity: Severity::Low,
    action: Action::Inform,
    why: "A number below 10000 may be an account of the host: whoever gets out of the container is that account. Group 0 reads what root's group may.",
    mend: "set `runAsUser` and `runAsGroup` to numbers from 10000 on",
    bad: "securityContext: {runAsUser: 1000}",
    good: "securityContext: {runAsUser: 10001, runAsGroup: 10001}",
    equivalents: &["KSV-0020", "KSV-0021", "KSV-0116", "CKV_K8S_40"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

/// The first number that distributions leave alone.
const FIRST: i64 = 10_000;

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let containers = manifests::whole_containers(context);
    let containers = containers.filter(|container| !container.pod.is_windows());
    containers
        .flat_map(|container| {
            ["runAsUser", "runAsGroup"].map(|key| {
                let expected = format!("`{key}` from {FIRST} on");
                let what = "runs under a number that the host may know";
                match container.merged(&[key]).number() {
                    // Of root K8S-006 speaks.
                    Field::Is(_, 0) if key == "runAsUser" => None,
                    Field::Is(_, number) if number >= FIRST => None,
                    Field::Is(at, number) => {
                        let found = format!("`{key}: {number}`");
                        Some(manifests::fail(context, (&container, at), what, found, &expected))
                    }
                    Field::Absent => {
                        let part = (&container, container.at());
                        let found = format!("no `{key}`: the image decides");
                        Some(manifests::unclear(context, part, what, found, &expected))
                    }
                    Field::Untold(node) => {
                        Some(manifests::untold(context, (&container, node), what, &expected))
                    }
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
    fn low_numbers_fail_and_high_ones_pass() {
        for bad in ["runAsUser: 1000, runAsGroup: 10001", "runAsUser: 10001, runAsGroup: 0"] {
            container(&format!("securityContext: {{{bad}}}")).check("K8S-007", Expect::Fail);
        }
        container("securityContext: {runAsUser: 10000, runAsGroup: 10000}")
            .check("K8S-007", Expect::Pass);
        container("tty: true").check("K8S-007", Expect::Unknown);
        container("securityContext: {runAsUser: x, runAsGroup: y}")
            .check("K8S-007", Expect::Unknown);
        let text = object(
            "v1",
            "Pod",
            "spec:\n  securityContext:\n    runAsUser: 1000\n    runAsGroup: 10001\n  containers:\n    - image: a",
        );
        placed("K8S-007", &text, &[(6, 16)]);
    }
}
