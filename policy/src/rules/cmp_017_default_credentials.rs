//! CMP-017: no service has a password that everybody knows, or secrets in a file of variables.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{self, HOLE, Node, Origin},
    decide::Action,
    secrets::is_named_secret,
};
use plimsoll_model::{Severity, finding::Place};
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-017",
    name: "cmp_017_default_credentials",
    title: "no service has a password that everybody knows, or secrets in a file of variables",
    severity: Severity::High,
    action: Action::Deny,
    why: "Default passwords are what attackers try first, and a file of variables beside the compose file is committed sooner or later.",
    mend: "give passwords by `secrets`, as files, and make each one up by chance",
    bad: "environment: {POSTGRES_PASSWORD: postgres}",
    good: "environment: {POSTGRES_PASSWORD_FILE: /run/secrets/db}",
    equivalents: &[],
    about: &[About::Compose],
    parameters: &[],
    check,
};

/// Passwords that are in documentation and in lists for guessing.
const KNOWN: [&str; 26] = [
    "postgres",
    "root",
    "admin",
    "administrator",
    "password",
    "passwd",
    "pass",
    "changeme",
    "changeit",
    "change_me",
    "secret",
    "example",
    "test",
    "guest",
    "user",
    "default",
    "mysql",
    "mongo",
    "redis",
    "rabbitmq",
    "minioadmin",
    "123456",
    "12345678",
    "qwerty",
    "toor",
    "letmein",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, |on| {
        let mut raised = variables(on);
        raised.extend(files(on));
        raised
    })
}

fn variables(on: &Judged<'_, '_>) -> Vec<Raised> {
    let users = users(on);
    let is_known = |password: &str| {
        let password = password.to_ascii_lowercase();
        !password.is_empty() && (KNOWN.contains(&password.as_str()) || users.contains(&password))
    };
    let mut raised = Vec::new();
    for entry in on.service.environment() {
        let Some(value) = entry.value.scalar().filter(|_| is_named_secret(&entry.key)) else {
            continue;
        };
        // What a variable brings in is not in this file, but a password that is known is one wherever it comes from.
        let is_given = entry.value.text().is_some_and(|text| text.origin == Origin::Variable);
        if !value.contains(HOLE) && is_known(&value) {
            let source = if is_given { ", from a variable" } else { "" };
            let found = format!("a well-known value of `{}`{source}", entry.key);
            raised.push(on.fail(
                entry.value.at,
                "has a password that everybody knows",
                found,
                "one made up by chance, from a file",
            ));
        }
    }
    raised
}

/// The users that the variables of a service name, in lower case: a password of the same name is no secret either.
fn users(on: &Judged<'_, '_>) -> BTreeSet<String> {
    let user = |entry: &compose::Entry| {
        let key = entry.key.to_ascii_uppercase();
        let is_name = ["USER", "USERNAME", "LOGIN"].iter().any(|end| key.ends_with(end));
        entry.value.scalar().filter(|_| is_name).map(|user| user.to_ascii_lowercase())
    };
    on.service.environment().iter().filter_map(user).collect()
}

/// Secrets in files of variables that are given. One that is not given is not beside the compose file, and can not be told.
fn files(on: &Judged<'_, '_>) -> Vec<Raised> {
    const EXPECTED: &str = "`secrets`, and no secret in a file of variables";
    let mut raised = Vec::new();
    for item in on.service.node.get("env_file").map(Node::one_or_more).unwrap_or_default() {
        let path = item.get("path").unwrap_or(item);
        let name = path.scalar().unwrap_or_default();
        let file = compose::given(on.context.facts().env_files, &on.project.beside(path.at, &name));
        let Some(file) = file else {
            let found = format!("`env_file: {}`, which is not given", path.written());
            let untold = on.unknown(path.at, "has secrets in a file of variables", found, EXPECTED);
            raised.push(untold.at_most(Action::Inform));
            continue;
        };
        for one in compose::assignments(&file.text) {
            let (line, name) = (one.line, one.name);
            let has_value =
                one.value.is_some_and(|value| !value.is_empty() && !value.starts_with('$'));
            if is_named_secret(name) && has_value {
                let place = Place::Source { path: file.path.clone(), line, column: 1 };
                let title = format!("a file of variables has the secret `{name}`");
                let at = path.at;
                let found = format!("`{name}`, which `env_file` in line {} hands on", at.line);
                raised.push(on.context.fail(place, title, found, EXPECTED));
            }
        }
    }
    raised
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn known_passwords_fail_and_are_not_shown() {
        for (bad, place) in [
            ("{POSTGRES_PASSWORD: postgres}", (3, 38)),
            ("['MYSQL_ROOT_PASSWORD=root']", (3, 19)),
            ("{DB_USER: shop, DB_PASSWORD: Shop}", (3, 47)),
            ("{DB_PASSWORD: '${DB_PASSWORD:-changeme}'}", (3, 32)),
            ("{DB_PASSWORD: 123456}", (3, 32)),
        ] {
            let case = case(&format!("environment: {bad}"));
            case.check("CMP-017", Expect::Fail);
            assert_eq!(case.places("CMP-017"), [place], "{bad}");
            assert!(!format!("{:?}", case.findings("CMP-017")).contains("changeme"));
        }
        case("environment: [POSTGRES_PASSWORD]")
            .env_file(".env", "POSTGRES_PASSWORD: postgres\n")
            .check("CMP-017", Expect::Fail);
        case("environment: {DB_PASSWORD: $P}")
            .env_file(".env", "P=admin")
            .check("CMP-017", Expect::Fail);
    }

    #[test]
    fn secrets_in_files_of_variables_fail_there() {
        let case = case("env_file: [./app.env]").env_file("app.env", "A=1\nAPI_TOKEN=s3cr3t\n");
        case.check("CMP-017", Expect::Fail);
        assert_eq!(case.places("CMP-017"), [(2, 1)]);
        assert!(!format!("{:?}", case.findings("CMP-017")).contains("s3cr3t"));
    }

    #[test]
    fn others_pass() {
        for good in [
            "environment: {DB_PASSWORD_FILE: /run/secrets/db, NAME: admin}",
            "environment: {DB_PASSWORD: '${P}'}",
            "environment: [DB_PASSWORD]",
            "image: a",
        ] {
            case(good).check("CMP-017", Expect::Pass);
        }
        case("env_file: app.env")
            .env_file("app.env", "A=1\nTOKEN=\n")
            .check("CMP-017", Expect::Pass);
    }

    #[test]
    fn a_file_that_is_not_given_can_not_be_told() {
        let case = case("env_file: [{path: ../app.env}]");
        case.check("CMP-017", Expect::Unknown);
        assert_eq!(case.findings("CMP-017")[0].action, Action::Inform);
    }
}
