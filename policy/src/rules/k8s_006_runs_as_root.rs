//! K8S-006: no container runs as root.

use super::{About, Raised, Rule, RuleContext, img_001_user_is_root::is_root, inputs, manifests};
use crate::{
    decide::Action,
    kubernetes::{Container, Field},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-006",
    name: "k8s_006_runs_as_root",
    title: "no container runs as root",
    severity: Severity::High,
    action: Action::Deny,
    why: "Root in the container is root on the host as soon as one isolation fails. Unless the manifest says otherwise, the image decides.",
    mend: "set `runAsNonRoot: true`, and `runAsUser` to the number of a user other than root",
    bad: "securityContext: {runAsUser: 0}",
    good: "securityContext: {runAsNonRoot: true, runAsUser: 10001}",
    equivalents: &["CIS-K8s 5.2.7", "KSV-0012", "KSV-0105", "CKV_K8S_23"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

const EXPECTED: &str = "`runAsNonRoot: true`, or a `runAsUser` other than 0";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let containers = manifests::containers(context);
    let containers = containers.filter(|container| !container.pod.is_windows());
    containers.filter_map(|container| check_container(context, &container)).collect()
}

fn check_container(context: &RuleContext<'_>, container: &Container<'_>) -> Option<Raised> {
    let what = "runs as root";
    let fail =
        |at, found: &str| Some(manifests::fail(context, (container, at), what, found, EXPECTED));
    let untold = |node| Some(manifests::untold(context, (container, node), what, EXPECTED));
    match container.merged(&["runAsUser"]).number() {
        Field::Is(at, 0) => return fail(at, "`runAsUser: 0`"),
        Field::Is(..) => return None,
        Field::Untold(node) => return untold(node),
        Field::Absent if !container.is_whole() => return None,
        Field::Absent => {}
    }
    let (at, stated) = match container.merged(&["runAsNonRoot"]).boolean() {
        // The kubelet does not start what would run as root.
        Field::Is(_, true) => return None,
        Field::Untold(node) => return untold(node),
        Field::Is(at, false) => (at, "`runAsNonRoot: false`"),
        Field::Absent => (container.at(), "neither `runAsNonRoot` nor `runAsUser`"),
    };
    match image_user(context, container) {
        Some(user) if is_root(&user) => {
            fail(at, &format!("{stated}, and an image that runs as root"))
        }
        Some(_) => None,
        None => {
            let found = format!("{stated}, and an image whose user is not known here");
            Some(manifests::unclear(context, (container, at), what, found, EXPECTED))
        }
    }
}

/// The user of the container's image, where that is known: it is the image that is judged, or one that is approved.
fn image_user(context: &RuleContext<'_>, container: &Container<'_>) -> Option<String> {
    let (_, name) = container.field(&["image"]).text().known()?;
    inputs::user_of(context, &name.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    #[test]
    fn root_fails_for_the_container_and_by_its_pod() {
        container("securityContext: {runAsUser: 0}").check("K8S-006", Expect::Fail);
        container("securityContext: {runAsNonRoot: true, runAsUser: 0}")
            .check("K8S-006", Expect::Fail);
        pod("{securityContext: {runAsUser: 0}, containers: [{image: a}]}")
            .check("K8S-006", Expect::Fail);
        let both = "{securityContext: {runAsUser: 7}, containers: [{image: a, securityContext: {runAsUser: 0}}]}";
        pod(both).check("K8S-006", Expect::Fail);
        let text = object(
            "v1",
            "Pod",
            "spec:\n  securityContext:\n    runAsUser: 0\n  containers:\n    - image: a",
        );
        placed("K8S-006", &text, &[(6, 16)]);
    }

    #[test]
    fn another_user_passes_also_where_the_container_overrules_its_pod() {
        for good in ["{runAsUser: 10001}", "{runAsNonRoot: true}"] {
            container(&format!("securityContext: {good}")).check("K8S-006", Expect::Pass);
            pod(&format!("{{securityContext: {good}, containers: [{{image: a}}]}}"))
                .check("K8S-006", Expect::Pass);
        }
        let both = "{securityContext: {runAsUser: 0}, containers: [{image: a, securityContext: {runAsUser: 7}}]}";
        pod(both).check("K8S-006", Expect::Pass);
    }

    #[test]
    fn where_the_manifest_is_silent_the_image_decides() {
        container("tty: true").check("K8S-006", Expect::Unknown);
        container("securityContext: {runAsNonRoot: false}").check("K8S-006", Expect::Unknown);
        container("securityContext: {runAsUser: '{{ x }}'}").check("K8S-006", Expect::Unknown);
        let judged = format!("{{containers: [{{image: 'r.io/a@{}'}}]}}", digest("manifest"));
        pod(&judged).image(&["a"]).check("K8S-006", Expect::Pass);
        pod(&judged).image_with(&["a"], |config| config.user = None).check("K8S-006", Expect::Fail);
        pod("{containers: [{image: 'docker.io/library/debian:12'}]}")
            .approved_with_user("docker.io/library/debian:12", Some("root"))
            .check("K8S-006", Expect::Fail);
        // Approvals of one name that differ say nothing.
        let two = |first, second| {
            pod("{containers: [{image: 'docker.io/library/debian:12'}]}")
                .approved_with_user("docker.io/library/debian:12", Some(first))
                .approved_again_with_user("docker.io/library/debian:12", Some(second))
        };
        two("10001", "root").check("K8S-006", Expect::Unknown);
        two("10001", "10001").check("K8S-006", Expect::Pass);
    }
}
