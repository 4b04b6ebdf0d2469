//! SEC-009: no secret stands in the variables of a service.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{HOLE, Origin},
    decide::Action,
    host,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "SEC-009",
    name: "sec_009_literal_secret",
    title: "no secret stands in the variables of a service",
    severity: Severity::High,
    action: Action::Deny,
    why: "Whoever reads the repository has the secret, and so has everyone who may inspect the container.",
    mend: "give it by `secrets`, as a file, or by a variable that is not in the repository",
    bad: "environment: {API_TOKEN: ghp_…}",
    good: "environment: {API_TOKEN_FILE: /run/secrets/api}",
    equivalents: &["KSV-0109", "KSV-01010", "CKV_K8S_35", "KL env-var-secret"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, judge)
}

/// What a variable brings in is not in the file. A default of a variable is.
fn judge(on: &Judged<'_, '_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for entry in on.service.environment() {
        let Some(value) = entry.value.scalar().filter(|value| !value.is_empty()) else { continue };
        let is_given = entry.value.text().is_some_and(|text| text.origin == Origin::Variable);
        let found = format!("a value of `{}`", entry.key);
        let expected = "no value, or one from outside the file";
        if host::is_secret_name(&entry.key) && !is_given && !is_switch(&value) {
            raised.push(on.fail(entry.value.at, "has a secret in a variable", found, expected));
        } else if password_in(&value).is_some_and(|password| !password.contains(HOLE)) && !is_given
        {
            raised.push(on.fail(entry.value.at, "has a secret in a URL", found, expected));
        }
    }
    raised
}

/// Whether a value only switches something on or off.
fn is_switch(value: &str) -> bool {
    matches!(
        value.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "0" | "1"
    ) || value.starts_with("/run/secrets/")
}

/// The password in a URL (`postgres://user:password@host`).
fn password_in(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    (!password.is_empty()).then_some(password)
}

#[cfg(test)]
mod tests {

    use crate::rules::testing::*;

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
}
