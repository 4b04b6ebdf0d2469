//! K8S-043: secrets are kept out of environments and manifests.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    kubernetes::{Field, look},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-043",
    name: "k8s_043_secret_in_environment",
    title: "secrets are kept out of environments and manifests",
    severity: Severity::High,
    action: Action::Warn,
    why: "Programs hand their environment on and write it into logs and reports. A Secret in a manifest is plain text in base64, for everybody who may read the repository.",
    mend: "mount the secret as a file, and let an operator or a sealed secret make the Secret",
    bad: "env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: b}}}]",
    good: "volumes: [{name: a, secret: {secretName: a}}]",
    equivalents: &["CIS-K8s 5.4.1", "CKV_K8S_35"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    let what = "has a secret in its environment";
    let expected = "a secret that is mounted as a file";
    for container in manifests::containers(context) {
        let lists = [("env", &["valueFrom", "secretKeyRef"][..]), ("envFrom", &["secretRef"][..])];
        for (key, path) in lists {
            let (items, untold) = container.list(&[key]);
            if let Some(node) = untold {
                raised.push(manifests::untold(context, (&container, node), what, expected));
            }
            for item in items {
                if let Field::Is(at, _) = look(item, path) {
                    let found = format!("`{}`", path.join("."));
                    let fail = manifests::fail(context, (&container, at), what, found, expected);
                    raised.push(fail.at_most(Action::Inform));
                }
            }
        }
    }
    for object in context.cluster().of_kind("v1", "Secret") {
        let (what, expected) = ("is a secret in a manifest", "a Secret that is made elsewhere");
        for key in ["data", "stringData"] {
            let data = object.field(&[key]);
            if let Some(node) = data.mapping().untold() {
                raised.push(manifests::untold(context, (object, node), what, expected));
            }
            let entries = data.known().map(|(_, node)| node.entries()).unwrap_or_default();
            let has_value = |entry: &&crate::yaml::Entry| entry.value.text() != Some("");
            if let Some(entry) = entries.iter().find(has_value) {
                let found = format!("a value of `{}` in `{key}`", entry.key);
                let part = (object, entry.value.defined);
                raised.push(match look(&entry.value, &[]).text() {
                    Field::Is(..) => manifests::fail(context, part, what, found, expected),
                    Field::Absent | Field::Untold(_) => {
                        manifests::untold(context, (object, &entry.value), what, expected)
                    }
                });
            }
        }
    }
    raised
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    use crate::Action;

    #[test]
    fn secrets_in_environments_are_told() {
        for bad in [
            "env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: b}}}]",
            "envFrom: [{secretRef: {name: a}}]",
        ] {
            container(bad).check("K8S-043", Expect::Fail);
            assert_eq!(container(bad).findings("K8S-043")[0].action, Action::Inform);
        }
        container("env: [{name: A, value: b}]").check("K8S-043", Expect::Pass);
        container("env: '{{ x }}'").check("K8S-043", Expect::Unknown);
    }

    #[test]
    fn a_secret_with_its_value_is_warned_of() {
        let secret = |rest: &str| Case::default().kubernetes(&object("v1", "Secret", rest));
        secret("data: {a: aHVudGVyMg==}").check("K8S-043", Expect::Fail);
        secret("stringData: {a: b}").check("K8S-043", Expect::Fail);
        secret("type: Opaque").check("K8S-043", Expect::Pass);
        secret("stringData: {a: ''}").check("K8S-043", Expect::Pass);
        secret("stringData: {a: '{{ x }}'}").check("K8S-043", Expect::Unknown);
        placed("K8S-043", &object("v1", "Secret", "data:\n  a: aHVudGVyMg=="), &[(5, 6)]);
    }
}
