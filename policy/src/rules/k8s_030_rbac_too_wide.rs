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
        "KSV-0049",
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
/// Resources whose change is the rule of others, with the verbs that it takes.
const RESOURCES: [(&str, &[&str]); 9] = [
    ("secrets", &["get", "list", "watch"]),
    ("pods/exec", &["create", "get"]),
    ("pods/attach", &["create", "get"]),
    ("pods/ephemeralcontainers", &["update", "patch"]),
    ("nodes/proxy", &["create", "get"]),
    ("serviceaccounts/token", &["create"]),
    ("certificatesigningrequests/approval", &["update", "patch"]),
    ("mutatingwebhookconfigurations", &["create", "update", "patch"]),
    ("validatingwebhookconfigurations", &["create", "update", "patch", "delete"]),
];
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
    let judge = |rule| match too_wide(rule) {
        Ok(Some(found)) => Some(manifests::fail(context, (role, rule.at), what, found, expected)),
        Ok(None) => None,
        Err(node) => Some(manifests::untold(context, (role, node), what, expected)),
    };
    rules.items().iter().filter_map(judge).collect()
}

/// What is too wide in a rule of a role; an error is what can not be read.
fn too_wide(rule: &Node) -> Result<Option<String>, &Node> {
    let (verbs, resources) = (words(rule, "verbs")?, words(rule, "resources")?);
    // It is about paths of the server itself.
    if resources.is_empty() {
        let urls = words(rule, "nonResourceURLs")?;
        let is_all = urls.contains(&"*") && verbs.contains(&"*");
        return Ok(is_all.then(|| "`nonResourceURLs: [\"*\"]`".to_owned()));
    }
    if verbs.contains(&"*") {
        return Ok(Some("`verbs: [\"*\"]`".to_owned()));
    }
    if resources.iter().any(|resource| *resource == "*" || resource.starts_with("*/")) {
        return Ok(Some("`resources: [\"*\"]`".to_owned()));
    }
    if let Some(verb) = verbs.iter().find(|verb| VERBS.contains(verb)) {
        return Ok(Some(format!("`{verb}`")));
    }
    // Rights on named objects are narrow, but for those that no name narrows.
    let is_named = !words(rule, "resourceNames")?.is_empty();
    let narrowed = |verb: &&str| is_named && ["get", "update", "patch"].contains(verb);
    for resource in &resources {
        let listed = RESOURCES.iter().find(|(name, _)| {
            name == resource
                || resource
                    .strip_suffix("/*")
                    .is_some_and(|all| name.starts_with(&format!("{all}/")))
        });
        let dangerous = listed.map(|(_, verbs)| *verbs).unwrap_or_default();
        if let Some(verb) = verbs.iter().find(|verb| dangerous.contains(verb) && !narrowed(verb)) {
            return Ok(Some(format!("`{verb}` of `{resource}`")));
        }
    }
    Ok(None)
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
    use crate::rules::{manifests::testing::*, testing::*};

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
    fn narrow_rights_pass() {
        for good in [
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
