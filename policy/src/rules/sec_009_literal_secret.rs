//! SEC-009: no secret stands in the variables of a service.

use super::{
    About, Raised, Rule, RuleContext, secrets,
    services::{self, Judged},
};
use crate::{compose::Origin, decide::Action};
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

const EXPECTED: &str = "no value, or one from outside the file";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, judge)
}

/// What a variable brings in is not in the file. A default of a variable is.
fn judge(on: &Judged<'_, '_>) -> Vec<Raised> {
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
