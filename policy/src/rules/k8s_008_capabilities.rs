//! K8S-008: containers drop all capabilities, and add none but `NET_BIND_SERVICE`.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    host,
    kubernetes::{Container, Field},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-008",
    name: "k8s_008_capabilities",
    title: "containers drop all capabilities, and add none but NET_BIND_SERVICE",
    severity: Severity::Medium,
    action: Action::Deny,
    why: "Capabilities are the parts of root. The default ones are more than programs need; some of those that can be added are as good as root on the host.",
    mend: "`capabilities: {drop: [ALL]}`, and no `add` but NET_BIND_SERVICE",
    bad: "securityContext: {capabilities: {add: [SYS_ADMIN]}}",
    good: "securityContext: {capabilities: {drop: [ALL]}}",
    equivalents: &[
        "CIS-K8s 5.2.8",
        "CIS-K8s 5.2.9",
        "CIS-K8s 5.2.10",
        "KSV-0003",
        "KSV-0004",
        "KSV-0022",
        "KSV-0005",
        "KSV-0120",
        "KSV-0119",
        "KSV-0106",
        "CKV_K8S_37",
        "CKV_K8S_28",
        "CKV_K8S_25",
        "CKV_K8S_39",
    ],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let containers = manifests::containers(context);
    let containers = containers.filter(|container| !container.pod.is_windows());
    containers
        .flat_map(|container| {
            let mut raised = added(context, &container);
            raised.extend(container.is_whole().then(|| kept(context, &container)).flatten());
            raised
        })
        .collect()
}

/// Whether it does not drop all of them.
fn kept(context: &RuleContext<'_>, container: &Container<'_>) -> Option<Raised> {
    let what = "keeps capabilities";
    let expected = "`drop: [ALL]`";
    let raised = match container.own(&["capabilities", "drop"]).list() {
        Field::Is(at, items) => {
            let dropped: Vec<_> =
                items.iter().filter_map(|item| item.text()).map(host::capability).collect();
            if dropped.iter().any(|name| name == "ALL") {
                return None;
            }
            if let Some(node) =
                items.iter().find(|item| item.text().is_none_or(crate::kubernetes::is_template))
            {
                manifests::untold(context, (container, node), what, expected)
            } else {
                let found = format!("`drop: [{}]`", dropped.join(", "));
                manifests::fail(context, (container, at), what, found, expected)
            }
        }
        Field::Absent => {
            let part = (container, container.at());
            manifests::fail(context, part, what, "no `capabilities.drop`", expected)
        }
        Field::Untold(node) => manifests::untold(context, (container, node), what, expected),
    };
    Some(raised.at_most(Action::Warn))
}

/// Those that it adds.
fn added(context: &RuleContext<'_>, container: &Container<'_>) -> Vec<Raised> {
    let what = "adds capabilities";
    let expected = "no `add` but NET_BIND_SERVICE";
    let (items, untold) = container.list(&["securityContext", "capabilities", "add"]);
    if let Some(node) = untold {
        return vec![manifests::untold(context, (container, node), what, expected)];
    }
    let judge = |item: &crate::yaml::Node| {
        let Some(name) = item.text().filter(|text| !crate::kubernetes::is_template(text)) else {
            return Some(manifests::untold(context, (container, item), what, expected));
        };
        let name = host::capability(name);
        if name == "NET_BIND_SERVICE" {
            return None;
        }
        let found = format!("`add: [{name}]`");
        let raised = manifests::fail(context, (container, item.defined), what, found, expected);
        Some(if host::is_dangerous(&name) {
            raised.with_severity(Severity::High)
        } else {
            raised.at_most(Action::Warn)
        })
    };
    items.iter().filter_map(judge).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    use crate::Action;

    fn case(capabilities: &str) -> Case {
        container(&format!("securityContext: {{capabilities: {capabilities}}}"))
    }

    #[test]
    fn what_is_as_good_as_root_is_denied_and_the_rest_warned_of() {
        for (bad, action) in [
            ("{drop: [ALL], add: [SYS_ADMIN]}", Action::Deny),
            ("{drop: [ALL], add: [cap_net_raw]}", Action::Deny),
            ("{drop: [ALL], add: [ALL]}", Action::Deny),
            ("{drop: [ALL], add: [CHOWN]}", Action::Warn),
            ("{drop: [NET_RAW]}", Action::Warn),
            ("{}", Action::Warn),
        ] {
            case(bad).check("K8S-008", Expect::Fail);
            assert_eq!(case(bad).findings("K8S-008")[0].action, action, "{bad}");
        }
        let text = object(
            "v1",
            "Pod",
            "spec:\n  containers:\n    - securityContext:\n        capabilities:\n          drop: [all]\n          add: [BPF]",
        );
        placed("K8S-008", &text, &[(9, 17)]);
    }

    #[test]
    fn all_dropped_passes() {
        case("{drop: [ALL]}").check("K8S-008", Expect::Pass);
        case("{drop: [all], add: [NET_BIND_SERVICE]}").check("K8S-008", Expect::Pass);
    }

    #[test]
    fn templates_can_not_be_told() {
        for unknown in [
            "'{{ x }}'",
            "{drop: '{{ x }}'}",
            "{drop: [ALL], add: ['{{ x }}']}",
            "{drop: ['{{ x }}']}",
        ] {
            case(unknown).check("K8S-008", Expect::Unknown);
        }
    }
}
