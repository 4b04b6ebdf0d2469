//! SEC-009: no secret stands in what describes how containers run.

use super::{
    About, Raised, Rule, RuleContext, manifests, secrets,
    services::{self, Judged},
};
use crate::{
    compose::Origin,
    decide::Action,
    kubernetes::{Field, is_template, look},
    secrets::is_named_secret,
    yaml::Node,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "SEC-009",
    name: "sec_009_literal_secret",
    title: "no secret stands in a compose file or a manifest",
    severity: Severity::High,
    action: Action::Deny,
    why: "Whoever reads the repository has the secret, and so has everyone who may look at the container, the pod or the cluster's store.",
    mend: "give it as a file: by `secrets` of a compose file, or by a volume or `valueFrom.secretKeyRef` of a pod, and change the secret that was written here",
    bad: "environment: {API_TOKEN: ghp_…}",
    good: "environment: {API_TOKEN_FILE: /run/secrets/api}",
    equivalents: &["KSV-0109", "KSV-01010", "KL env-var-secret"],
    about: &[About::Compose, About::Kubernetes],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no value, or one from outside the file";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = services::each(context, of_service);
    for container in manifests::containers(context) {
        let (env, untold) = container.list(&["env"]);
        if let Some(node) = untold {
            let what = "has a secret in a variable";
            raised.push(manifests::untold(context, (&container, node), what, EXPECTED));
        }
        // In an object of an unknown kind they may be a mapping.
        for entry in container.field(&["env"]).known().map_or(&[][..], |(_, env)| env.entries()) {
            let value = Field::Is(entry.value.defined, &entry.value);
            raised.extend(of_manifest(context, &container, (&entry.key, value)));
        }
        for item in env {
            let name = item.text_of("name").unwrap_or_default();
            raised.extend(of_manifest(context, &container, (name, look(item, &["value"]))));
        }
    }
    for object in context.cluster().of_kind("v1", "ConfigMap") {
        let data = object.field(&["data"]);
        if let Some(node) = data.mapping().untold() {
            raised.push(manifests::untold(context, (object, node), "has a secret", EXPECTED));
        }
        for entry in data.known().map(|(_, node)| node.entries()).unwrap_or_default() {
            let value = Field::Is(entry.value.defined, &entry.value);
            raised.extend(of_manifest(context, object, (&entry.key, value)));
        }
    }
    raised
}

/// What a variable brings in is not in the file. A default of a variable is.
fn of_service(on: &Judged<'_, '_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for entry in on.service.environment() {
        let is_given = entry.value.text().is_some_and(|text| text.origin == Origin::Variable);
        let value = entry.value.scalar().filter(|_| !is_given);
        let found = value.and_then(|value| secrets::literal(&entry.key, &value));
        raised.extend(
            found.map(|found| {
                on.fail(entry.value.at, "has a secret in a variable", found, EXPECTED)
            }),
        );
    }
    raised
}

/// What is to be said of a value of a manifest by the name that it has.
fn of_manifest(
    context: &RuleContext<'_>,
    part: &impl manifests::Part,
    (name, value): (&str, Field<'_, &Node>),
) -> Option<Raised> {
    let what = format!("has the secret `{name}` in plain text");
    let (at, node) = value.known()?;
    let text = node.text();
    let is_untold = text.is_none_or(is_template);
    if is_untold && is_named_secret(name) {
        return Some(manifests::untold(context, (part, node), &what, EXPECTED));
    }
    let found = secrets::literal(name, text?)?;
    Some(manifests::fail(context, (part, at), &what, found, EXPECTED))
}

#[cfg(test)]
mod tests {
    use crate::rules::{manifests::testing::*, testing::*};

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn secrets_in_the_file_fail_and_are_not_shown() {
        for (bad, place) in [
            ("{API_TOKEN: hunter2}", (3, 30)),
            ("['DB_PASSWORD=hunter2']", (3, 19)),
            ("{DB_PASSWORD: '${P:-hunter2}'}", (3, 32)),
            ("{DATABASE_URL: 'postgres://shop:hunter2@db/shop'}", (3, 33)),
        ] {
            let case = case(&format!("environment: {bad}"));
            case.check("SEC-009", Expect::Fail);
            assert_eq!(case.places("SEC-009"), [place], "{bad}");
            assert!(!format!("{:?}", case.findings("SEC-009")).contains("hunter2"));
        }
    }

    #[test]
    fn a_secret_that_is_merged_is_said_where_it_stands() {
        let text = "x-env: &env\n  API_TOKEN: hunter2\nservices:\n  a: {image: b, environment: {<<: *env, B: 1}}\n";
        assert_eq!(Case::default().compose(text).places("SEC-009"), [(2, 14)]);
    }

    #[test]
    fn secrets_from_elsewhere_pass() {
        for good in [
            "{API_TOKEN: '${API_TOKEN}'}",
            "{API_TOKEN: '${API_TOKEN:?needed}'}",
            "{API_TOKEN: }",
            "[API_TOKEN]",
            "{API_TOKEN_FILE: /run/secrets/t, REQUIRE_PASSWORD: 'true'}",
            "{DATABASE_URL: 'postgres://shop:${P}@db/shop', SITE: 'https://a.b/c'}",
        ] {
            case(&format!("environment: {good}")).check("SEC-009", Expect::Pass);
        }
    }

    fn env(entry: &str) -> Case {
        container(&format!("env: [{{{entry}}}]"))
    }

    #[test]
    fn secrets_in_manifests_fail_and_are_not_shown() {
        let case = env("name: DB_PASSWORD, value: hunter2");
        case.check("SEC-009", Expect::Fail);
        assert!(!format!("{:?}", case.findings("SEC-009")).contains("hunter2"));
        for bad in [
            "name: X, value: '-----BEGIN RSA PRIVATE KEY-----'",
            "name: DATABASE_URL, value: 'postgres://shop:hunter2@db/shop'",
        ] {
            env(bad).check("SEC-009", Expect::Fail);
        }
        let map = object("v1", "ConfigMap", "data: {apiKey: abc}");
        Case::default().kubernetes(&map).check("SEC-009", Expect::Fail);
        placed("SEC-009", &object("v1", "ConfigMap", "data:\n  db-password: abc"), &[(5, 16)]);
    }

    #[test]
    fn references_and_other_values_of_manifests_pass() {
        for good in [
            "name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: a, key: b}}",
            "name: DB_PASSWORD, value: $(OTHER)",
            "name: DB_PASSWORD, value: ''",
            "name: DB_PASSWORD_FILE, value: /run/secrets/db",
            "name: USE_TOKEN, value: 'true'",
            "name: HOST, value: db",
            "name: DATABASE_URL, value: 'postgres://shop:$(DB_PASSWORD)@db/shop'",
        ] {
            env(good).check("SEC-009", Expect::Pass);
        }
    }

    #[test]
    fn templates_can_not_be_told() {
        env("name: TOKEN, value: '{{ .Values.token }}'").check("SEC-009", Expect::Unknown);
        env("name: TOKEN, value: 5").check("SEC-009", Expect::Unknown);
        container("env: '{{ x }}'").check("SEC-009", Expect::Unknown);
        let map = object("v1", "ConfigMap", "data: '{{ x }}'");
        Case::default().kubernetes(&map).check("SEC-009", Expect::Unknown);
    }
}
