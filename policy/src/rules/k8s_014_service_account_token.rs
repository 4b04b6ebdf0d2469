//! K8S-014: no pod has a token of the default service account, or one that nobody asked for.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    kubernetes::{Field, Pod, may_share},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-014",
    name: "k8s_014_service_account_token",
    title: "no pod has a token of the default service account, or one that nobody asked for",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "The token in a pod is an account of the cluster: who breaks into the pod has its rights. All pods that name no account share `default`.",
    mend: "set `automountServiceAccountToken: false`; where the program speaks to Kubernetes, give it an account of its own and set it to `true`",
    bad: "spec: {containers: [{name: a, image: b}]}",
    good: "spec: {automountServiceAccountToken: false}",
    equivalents: &["CIS-K8s 5.1.5", "CIS-K8s 5.1.6", "KSV-0036", "CKV_K8S_38"],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

const WHAT: &str = "has a token that nobody asked for";
const EXPECTED: &str =
    "`automountServiceAccountToken: false`, or an account of its own with `true`";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    manifests::whole_pods(context).filter_map(|pod| check_pod(context, &pod)).collect()
}

fn check_pod(context: &RuleContext<'_>, pod: &Pod<'_>) -> Option<Raised> {
    let fail = |found: &str| Some(manifests::fail(context, (pod, pod.at()), WHAT, found, EXPECTED));
    let unclear =
        |found: &str| Some(manifests::unclear(context, (pod, pod.at()), WHAT, found, EXPECTED));
    let account = pod.field(&["serviceAccountName"]).or(pod.field(&["serviceAccount"])).text();
    let account = match account {
        Field::Is(_, name) => name,
        Field::Absent => "default",
        Field::Untold(node) => {
            return Some(manifests::untold(context, (pod, node), WHAT, EXPECTED));
        }
    };
    let is_default = account == "default";
    match pod.field(&["automountServiceAccountToken"]).boolean() {
        Field::Is(_, true) if is_default => return fail("the token of the account `default`"),
        Field::Is(..) => return None,
        Field::Untold(node) => {
            return Some(manifests::untold(context, (pod, node), WHAT, EXPECTED));
        }
        Field::Absent if pod.is_run_by_another() => {
            return unclear("no `automountServiceAccountToken`: what runs it decides");
        }
        Field::Absent => {}
    }
    // The account decides.
    let mut accounts = context.cluster().of_kind("v1", "ServiceAccount").filter(|object| {
        object.field(&["metadata", "name"]).text().known().is_some_and(|(_, name)| name == account)
            && may_share(object, pod.object) == Some(true)
    });
    match accounts.next().map(|object| object.field(&["automountServiceAccountToken"]).boolean()) {
        Some(Field::Is(_, false)) => None,
        Some(Field::Is(_, true)) if !is_default => None,
        Some(Field::Untold(_)) => unclear("an account that can not be read"),
        Some(_) if is_default => fail("the token of the account `default`"),
        Some(_) => fail("no `automountServiceAccountToken`, in the pod or its account"),
        None if is_default => fail("no `automountServiceAccountToken`, and the account `default`"),
        None => unclear(&format!("the account `{account}`, which is in none of the files")),
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    fn case(fields: &str) -> Case {
        pod(&format!("{{containers: [{{image: a}}]{fields}}}"))
    }

    #[test]
    fn a_token_by_default_fails() {
        case("").check("K8S-014", Expect::Fail);
        case(", automountServiceAccountToken: true").check("K8S-014", Expect::Fail);
        let account = object("v1", "ServiceAccount", "");
        case(", serviceAccountName: a").kubernetes(&account).check("K8S-014", Expect::Fail);
        let text = object("v1", "Pod", "spec:\n  containers:\n    - image: a");
        placed("K8S-014", &text, &[(5, 3)]);
    }

    #[test]
    fn no_token_and_one_that_is_asked_for_pass() {
        case(", automountServiceAccountToken: false").check("K8S-014", Expect::Pass);
        case(", serviceAccountName: a, automountServiceAccountToken: true")
            .check("K8S-014", Expect::Pass);
        for mount in ["true", "false"] {
            let account =
                object("v1", "ServiceAccount", &format!("automountServiceAccountToken: {mount}"));
            case(", serviceAccountName: a").kubernetes(&account).check("K8S-014", Expect::Pass);
        }
    }

    #[test]
    fn an_account_that_is_not_given_can_not_be_told() {
        case(", serviceAccountName: a").check("K8S-014", Expect::Unknown);
        case(", serviceAccountName: '{{ x }}'").check("K8S-014", Expect::Unknown);
        case(", automountServiceAccountToken: '{{ x }}'").check("K8S-014", Expect::Unknown);
    }
}
