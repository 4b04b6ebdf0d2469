//! K8S-030: roles give narrow rights, and to somebody.

use super::{About, Raised, Rule, RuleContext, manifests};
use crate::{
    decide::Action,
    kubernetes::{Field, Object, is_template, look},
    yaml::Node,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "K8S-030",
    name: "k8s_030_rbac_too_wide",
    title: "roles give narrow rights, and to somebody",
    severity: Severity::High,
    action: Action::Deny,
    why: "Rights with `*` grow with the cluster. Who reads secrets, runs programs in pods, or gives rights to others has everything that these have.",
    mend: "name the verbs, the resources and, for secrets, the `resourceNames`; bind a role to one account in one namespace",
    bad: "rules: [{apiGroups: [\"\"], resources: [\"*\"], verbs: [\"*\"]}]",
    good: "rules: [{apiGroups: [\"\"], resources: [configmaps], verbs: [get]}]",
    equivalents: &[
        "CIS-K8s 5.1.1",
        "CIS-K8s 5.1.2",
        "CIS-K8s 5.1.3",
        "CIS-K8s 5.1.4",
        "KSV-0041",
        "KSV-0044",
        "KSV-0045",
        "KSV-0046",
        "KSV-0047",
        "KSV-0048",
        "KSV-0050",
        "KSV-0051",
        "KSV-0053",
        "KSV-0056",
        "KSV-0111",
        "KSV-0112",
        "KSV-0113",
        "KSV-0114",
        "KSV-0115",
        "KSV-0122",
        "KSV-0123",
    ],
    about: &[About::Kubernetes],
    parameters: &[],
    check,
};

/// Verbs by which one gives oneself the rights of others.
const VERBS: [&str; 3] = ["bind", "escalate", "impersonate"];
/// What one does to change something.
const WRITES: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
/// Resources by which one has what others have, with the verbs that it takes.
const RESOURCES: [(&str, &[&str]); 9] = [
    ("secrets", &["get", "list", "watch"]),
    ("pods/exec", &["create", "get"]),
    ("pods/attach", &["create", "get"]),
    ("pods/ephemeralcontainers", &["update", "patch"]),
    ("nodes/proxy", &["create", "get"]),
    ("serviceaccounts/token", &["create"]),
    ("certificatesigningrequests/approval", &["update", "patch"]),
    ("mutatingwebhookconfigurations", &["create", "update", "patch"]),
    ("validatingwebhookconfigurations", WRITES),
];
/// Resources that operators have to change, and by which one gets at what others have: pods run under any account of their
/// namespace, and policies and services decide who reaches whom.
const CHANGED: [(&str, &[&str]); 23] = [
    ("secrets", WRITES),
    ("pods", &["create", "update", "patch"]),
    ("pods/portforward", &["create", "get"]),
    ("podtemplates", &["create", "update", "patch"]),
    ("replicationcontrollers", &["create", "update", "patch"]),
    ("deployments", &["create", "update", "patch"]),
    ("replicasets", &["create", "update", "patch"]),
    ("statefulsets", &["create", "update", "patch"]),
    ("daemonsets", &["create", "update", "patch"]),
    ("jobs", &["create", "update", "patch"]),
    ("cronjobs", &["create", "update", "patch"]),
    ("nodes", &["create", "update", "patch", "delete", "deletecollection"]),
    ("namespaces", &["update", "patch"]),
    ("persistentvolumes", &["create"]),
    ("roles", WRITES),
    ("clusterroles", WRITES),
    ("rolebindings", WRITES),
    ("clusterrolebindings", WRITES),
    ("services", WRITES),
    ("endpoints", WRITES),
    ("endpointslices", WRITES),
    ("networkpolicies", WRITES),
    ("ingresses", WRITES),
];
/// The mapping of accounts of AWS to groups of a cluster.
const AWS_ACCOUNTS: &str = "aws-auth";
/// Groups and users that are not somebody.
const EVERYBODY: [&str; 5] = [
    "system:anonymous",
    "system:authenticated",
    "system:masters",
    "system:serviceaccounts",
    "system:unauthenticated",
];
const GROUP: &str = "rbac.authorization.k8s.io";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for kind in ["Role", "ClusterRole"] {
        for role in context.cluster().of_kind(GROUP, kind) {
            raised.extend(check_role(context, role));
        }
    }
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        for binding in context.cluster().of_kind(GROUP, kind) {
            raised.extend(check_binding(context, binding));
        }
    }
    raised
}

fn check_role(context: &RuleContext<'_>, role: &Object) -> Vec<Raised> {
    let what = "gives wide rights";
    let expected = "named verbs and resources, none of them the rights of others";
    let rules = role.field(&["rules"]);
    if let Some(node) = rules.list().untold() {
        return vec![manifests::untold(context, (role, node), what, expected)];
    }
    if let Field::Is(at, _) = role.field(&["aggregationRule"]) {
        let found = "`aggregationRule`: the rights of other roles";
        return vec![
            manifests::unclear(context, (role, at), what, found, expected).at_most(Action::Warn),
        ];
    }
    let judge = |rule: &Node| match too_wide(rule) {
        Ok(Some((most, found))) => {
            let fail = manifests::fail(context, (role, rule.defined), what, found, expected);
            let is_milder = most == Action::Warn;
            let fail = if is_milder { fail.with_severity(Severity::Medium) } else { fail };
            Some(fail.at_most(most))
        }
        Ok(None) => None,
        Err(node) => Some(manifests::untold(context, (role, node), what, expected)),
    };
    rules.items().iter().filter_map(judge).collect()
}

/// What is too wide in a rule of a role, and the most that comes of it; an error is what can not be read.
fn too_wide(rule: &Node) -> Result<Option<(Action, String)>, &Node> {
    let (verbs, resources) = (words(rule, "verbs")?, words(rule, "resources")?);
    let denied = |found: &str| Ok(Some((Action::Deny, found.to_owned())));
    // It is about paths of the server itself.
    if resources.is_empty() {
        return Ok(all_paths(&verbs, &words(rule, "nonResourceURLs")?));
    }
    if verbs.contains(&"*") {
        return denied("`verbs: [\"*\"]`");
    }
    if resources.iter().any(|resource| *resource == "*" || resource.starts_with("*/")) {
        return denied("`resources: [\"*\"]`");
    }
    if let Some(verb) = verbs.iter().find(|verb| VERBS.contains(verb)) {
        return denied(&format!("`{verb}`"));
    }
    let names = words(rule, "resourceNames")?;
    let is_write = |verb: &&str| WRITES.contains(verb);
    if resources.contains(&"configmaps") && names.contains(&AWS_ACCOUNTS) {
        let change = verbs.iter().find(|verb| is_write(verb));
        if let Some(verb) = change {
            return denied(&format!("`{verb}` of `configmaps` `{AWS_ACCOUNTS}`"));
        }
    }
    let found = |table| listed(table, (&verbs, &resources, &names));
    let first = found(&RESOURCES).map(|found| (Action::Deny, found));
    Ok(first.or_else(|| found(&CHANGED).map(|found| (Action::Warn, found))))
}

/// Rights at every path of the server.
fn all_paths(verbs: &[&str], paths: &[&str]) -> Option<(Action, String)> {
    let all = paths.iter().find(|path| matches!(**path, "*" | "/*"))?;
    let is_read = verbs.iter().all(|verb| matches!(*verb, "get" | "head" | "options"));
    let most = if is_read { Action::Warn } else { Action::Deny };
    Some((most, format!("`nonResourceURLs: [\"{all}\"]`")))
}

/// The first right in a table that a rule gives.
fn listed(
    table: &[(&str, &[&str])],
    (verbs, resources, names): (&[&str], &[&str], &[&str]),
) -> Option<String> {
    // Rights on named objects are narrow, but for those that no name narrows.
    let narrowed =
        |verb: &str| !names.is_empty() && ["get", "update", "patch", "delete"].contains(&verb);
    resources.iter().find_map(|resource| {
        let all = resource.strip_suffix("/*");
        let is_same = |name: &str| {
            name == *resource || name.split_once('/').is_some_and(|(name, _)| Some(name) == all)
        };
        let rights = table.iter().filter(|(name, _)| is_same(name)).flat_map(|(_, rights)| *rights);
        let mut given = rights.filter(|right| verbs.contains(right) && !narrowed(right));
        given.next().map(|verb| format!("`{verb}` of `{resource}`"))
    })
}

/// The words under a key; an error is what can not be read.
fn words<'a>(rule: &'a Node, key: &str) -> Result<Vec<&'a str>, &'a Node> {
    let list = look(rule, &[key]);
    if let Some(node) = list.list().untold() {
        return Err(node);
    }
    let word = |item: &'a Node| item.text().filter(|text| !is_template(text)).ok_or(item);
    list.items().iter().map(word).collect()
}

fn check_binding(context: &RuleContext<'_>, binding: &Object) -> Vec<Raised> {
    let what = "gives rights to too many, or too many rights";
    let expected = "one account, and a role with what it needs";
    let mut raised = Vec::new();
    let is_everywhere = binding.kind == "ClusterRoleBinding";
    match binding.field(&["roleRef", "name"]).text() {
        Field::Is(at, name) if name == "cluster-admin" || (is_everywhere && name == "admin") => {
            let found = format!("the role `{name}`");
            raised.push(manifests::fail(context, (binding, at), what, found, expected));
        }
        Field::Untold(node) => {
            raised.push(manifests::untold(context, (binding, node), what, expected));
        }
        Field::Is(..) | Field::Absent => {}
    }
    let subjects = binding.field(&["subjects"]);
    if let Some(node) = subjects.list().untold() {
        raised.push(manifests::untold(context, (binding, node), what, expected));
    }
    for subject in subjects.items() {
        let kind = subject.text_of("kind").unwrap_or_default();
        match look(subject, &["name"]).text() {
            Field::Is(at, name) => {
                let is_all =
                    EVERYBODY.contains(&name) || name.starts_with("system:serviceaccounts:");
                let is_default = kind == "ServiceAccount" && name == "default";
                if is_all || is_default {
                    let found = format!("the subject `{name}`");
                    raised.push(manifests::fail(context, (binding, at), what, found, expected));
                }
            }
            Field::Absent => {}
            Field::Untold(node) => {
                raised.push(manifests::untold(context, (binding, node), what, expected));
            }
        }
    }
    raised
}

#[cfg(test)]
mod tests {
    use crate::{
        Action,
        rules::{manifests::testing::*, testing::*},
    };

    fn role(rule: &str) -> Case {
        let rules = format!("rules: [{{apiGroups: [''], {rule}}}]");
        Case::default().kubernetes(&object("rbac.authorization.k8s.io/v1", "Role", &rules))
    }

    fn binding(role: &str, subject: &str) -> Case {
        let rest = format!("roleRef: {{kind: ClusterRole, name: {role}}}\nsubjects: [{subject}]");
        Case::default().kubernetes(&object(
            "rbac.authorization.k8s.io/v1",
            "ClusterRoleBinding",
            &rest,
        ))
    }

    #[test]
    fn wide_rights_fail() {
        for bad in [
            "resources: [pods], verbs: ['*']",
            "resources: ['*'], verbs: [get]",
            "resources: [secrets], verbs: [get]",
            "resources: [secrets], resourceNames: [a], verbs: [list]",
            "resources: [pods/exec], verbs: [create]",
            "resources: [pods/*], verbs: [create]",
            "resources: [roles], verbs: [escalate]",
            "resources: [users], verbs: [impersonate]",
            "resources: [nodes/proxy], verbs: [get]",
            "nonResourceURLs: ['*'], verbs: ['*']",
        ] {
            role(bad).check("K8S-030", Expect::Fail);
        }
        let rest = "rules:\n  - resources: [pods]\n    verbs: ['*']";
        placed("K8S-030", &object("rbac.authorization.k8s.io/v1", "ClusterRole", rest), &[(5, 5)]);
    }

    #[test]
    fn wide_bindings_fail() {
        let account = "{kind: ServiceAccount, name: web}";
        binding("cluster-admin", account).check("K8S-030", Expect::Fail);
        binding("admin", account).check("K8S-030", Expect::Fail);
        for subject in [
            "system:anonymous",
            "system:masters",
            "system:authenticated",
            "system:unauthenticated",
            "system:serviceaccounts:x",
        ] {
            let subject = format!("{{kind: Group, name: '{subject}'}}");
            binding("view", &subject).check("K8S-030", Expect::Fail);
        }
        binding("view", "{kind: ServiceAccount, name: default}").check("K8S-030", Expect::Fail);
        binding("view", account).check("K8S-030", Expect::Pass);
    }

    #[test]
    fn rights_that_operators_need_are_warned_of() {
        for (bad, found) in [
            ("resources: [pods], verbs: [create]", "`create` of `pods`"),
            ("resources: [secrets], verbs: [create]", "`create` of `secrets`"),
            (
                "resources: [secrets], resourceNames: [a], verbs: [deletecollection]",
                "`deletecollection` of `secrets`",
            ),
            ("resources: [deployments, daemonsets], verbs: [patch]", "`patch` of `deployments`"),
            ("resources: [rolebindings], verbs: [create]", "`create` of `rolebindings`"),
            ("resources: [networkpolicies], verbs: [delete]", "`delete` of `networkpolicies`"),
            ("resources: [ingresses], verbs: [update]", "`update` of `ingresses`"),
            ("resources: [nodes], verbs: [patch]", "`patch` of `nodes`"),
            ("resources: [persistentvolumes], verbs: [create]", "`create` of `persistentvolumes`"),
            ("resources: [namespaces], verbs: [patch]", "`patch` of `namespaces`"),
            ("nonResourceURLs: ['/*'], verbs: [get]", "`nonResourceURLs: [\"/*\"]`"),
        ] {
            let case = role(bad);
            case.check("K8S-030", Expect::Fail);
            let judged = &case.findings("K8S-030")[0];
            assert_eq!((judged.action, judged.finding.found.as_str()), (Action::Warn, found));
        }
        for bad in [
            "resources: [configmaps], resourceNames: [aws-auth], verbs: [update]",
            "nonResourceURLs: ['/*'], verbs: [get, post]",
            // What is worse comes first.
            "resources: [pods, secrets], verbs: [create, list]",
        ] {
            role(bad).check("K8S-030", Expect::Fail);
            assert_eq!(role(bad).findings("K8S-030")[0].action, Action::Deny, "{bad}");
        }
    }

    #[test]
    fn narrow_rights_pass() {
        for good in [
            "resources: [secrets], resourceNames: [tls], verbs: [update, patch, delete]",
            "resources: [configmaps], verbs: [create, update]",
            "resources: [configmaps], resourceNames: [aws-auth], verbs: [get]",
            "resources: [deployments/*], verbs: [get]",
            "resources: [events], verbs: [create, patch]",
            "resources: [configmaps, pods], verbs: [get, list, watch]",
            "resources: [secrets], resourceNames: [tls], verbs: [get]",
            "resources: [pods/log], verbs: [get]",
            "nonResourceURLs: [/metrics], verbs: [get]",
        ] {
            role(good).check("K8S-030", Expect::Pass);
        }
    }

    #[test]
    fn templates_can_not_be_told() {
        for unknown in
            ["resources: '{{ x }}', verbs: [get]", "resources: [pods], verbs: ['{{ x }}']"]
        {
            role(unknown).check("K8S-030", Expect::Unknown);
        }
        binding("'{{ x }}'", "{name: a}").check("K8S-030", Expect::Unknown);
        binding("view", "{name: '{{ x }}'}").check("K8S-030", Expect::Unknown);
        let aggregated = object(
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            "aggregationRule: {clusterRoleSelectors: []}",
        );
        Case::default().kubernetes(&aggregated).check("K8S-030", Expect::Unknown);
    }
}
