//! SEC-001: no variable or label is made to hold a secret.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    inputs, secrets,
};
use crate::{
    decide::Action,
    dockerfile::{Argument, Build, Step},
    secrets::is_named_secret,
};
use plimsoll_model::Severity;
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "SEC-001",
    name: "sec_001_secret_in_variable",
    title: "no variable or label is made to hold a secret",
    severity: Severity::High,
    action: Action::Warn,
    why: "Values of `ENV` and `LABEL` are in the configuration of the image, those of `ARG` in its history: whoever can pull reads them.",
    mend: "mount the secret where the build needs it (`RUN --mount=type=secret`), and give it to the container when it runs",
    bad: "ENV API_TOKEN=0123456789",
    good: "RUN --mount=type=secret,id=api_token make",
    equivalents: &["CIS 4.10", "DL3064", "DS-0031", "CDI-0010"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a mounted secret, or a variable that the container is given when it runs";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let in_front = context
        .builds()
        .iter()
        .flat_map(|build| build.before.iter().map(move |step| (build, step)));
    let in_stages = commands::reachable(context).map(|Placed { build, step, .. }| (build, step));
    let mut seen = BTreeSet::new();
    let raise = |(build, step): (&Build, &Step)| {
        let meant = step.arguments.iter().filter(|argument| is_secret(step.keyword(), argument));
        let raised = meant.map(|argument| {
            let name = argument.name.as_deref().unwrap_or_default();
            let title = format!("`{} {name}` is made to hold a secret", step.keyword());
            // Never the value.
            let found = format!("`{} {name}`", step.keyword());
            context.fail(inputs::place(build, argument.at), title, found, EXPECTED)
        });
        raised.collect::<Vec<_>>()
    };
    let all = in_front
        .chain(in_stages)
        .filter(|(_, step)| matches!(step.keyword(), "ENV" | "ARG" | "LABEL"));
    all.filter(|(build, step)| seen.insert((build.path.clone(), step.at())))
        .flat_map(raise)
        .collect()
}

fn is_secret(keyword: &str, argument: &Argument) -> bool {
    let is_named = argument.name.as_deref().is_some_and(is_named_secret);
    let value = argument.known().or(argument.written.as_deref());
    is_named
        && match (keyword, value) {
            // Whoever builds is asked for it.
            ("ARG", None) => true,
            ("ARG", Some(value)) => {
                value.trim_matches(['"', '\'']).is_empty() || !secrets::is_harmless(value)
            }
            (_, value) => !value.is_none_or(secrets::is_harmless),
        }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn variables_and_labels_that_sound_like_secrets_fail() {
        let bad = [
            "FROM a\nENV A=b DB_PASSWORD=x",
            "FROM a\nENV API_KEY x y",
            "FROM a\nARG NPM_TOKEN",
            "FROM a\nARG NPM_TOKEN=",
            "FROM a\nARG T=x\nENV npmToken=$T",
            "ARG GITHUB_TOKEN\nFROM a",
            "FROM a\nLABEL com.example.secret=x",
            "FROM a AS b\nARG TOKEN\nFROM c\nCOPY --from=b / /",
        ];
        check_files("SEC-001", Expect::Fail, &bad);
        assert_eq!(Case::default().dockerfile(bad[0]).places("SEC-001"), [(2, 9)]);
        assert_eq!(Case::default().dockerfile(bad[5]).places("SEC-001"), [(1, 5)]);
    }

    #[test]
    fn twins_that_hold_none_pass() {
        let good = [
            "FROM a\nENV DB_PASSWORD=\"\" TOKEN= GPG_KEY=0123 DB_PASSWORD_FILE=/x",
            "FROM a\nENV DB_PASSWORD=/run/secrets/db MYSQL_RANDOM_ROOT_PASSWORD=yes USE_TOKEN=false",
            "FROM a\nARG SECRET_KEY_BASE_DUMMY=1\nARG PUBLIC_KEY=x",
            "FROM a\nRUN --mount=type=secret,id=token TOKEN=$(cat /run/secrets/token) x",
            "FROM a AS b\nARG TOKEN\nFROM c",
            "FROM a\nONBUILD ENV TOKEN=x",
        ];
        check_files("SEC-001", Expect::Pass, &good);
    }

    #[test]
    fn no_value_is_shown() {
        let findings = Case::default().dockerfile("FROM a\nENV TOKEN=hunter2").findings("SEC-001");
        assert!(!format!("{findings:?}").contains("hunter2"));
    }
}
