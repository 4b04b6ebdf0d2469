//! SEC-001: no variable or label is made to hold a secret.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    inputs, secret_files as files, secrets,
};
use crate::{
    decide::Action,
    dockerfile::{Argument, Build, Step},
    secrets::is_named_secret,
};
use plimsoll_model::{Severity, finding::Place, image::ImageConfig};
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
    about: &[About::Dockerfiles, About::Image],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a mounted secret, or a variable that the container is given when it runs";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut raised = of_dockerfiles(context);
    raised.extend(
        context.facts().image.into_iter().flat_map(|image| of_image(context, &image.config)),
    );
    raised
}

/// The environment and the labels of the image, by their names. Of values that look like secrets SEC-008 speaks.
fn of_image(context: &RuleContext<'_>, config: &ImageConfig) -> Vec<Raised> {
    let variables = config.env.iter().filter_map(|pair| pair.split_once('='));
    let variables = variables.map(|(name, value)| ("Env", "variable", name, value));
    let labels = config.labels.iter();
    let labels = labels.map(|(name, value)| ("Labels", "label", name.as_str(), value.as_str()));
    let secret = variables
        .chain(labels)
        .filter(|(_, _, name, value)| is_named_secret(name) && !secrets::is_harmless(value));
    let raise = |(field, kind, name, _): (&str, &str, &str, &str)| {
        let name = files::name(name);
        let place = Place::Config { field: format!("config.{field}.{name}") };
        let title = format!("the {kind} `{name}` of the image holds a secret");
        // Never the value.
        context.fail(place, title, format!("a value of `{name}`"), EXPECTED)
    };
    secret.map(raise).collect()
}

fn of_dockerfiles(context: &RuleContext<'_>) -> Vec<Raised> {
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
    use super::*;
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
            "FROM a\nONBUILD ENV TOKEN=x",
            "FROM a AS b\nARG TOKEN\nFROM c\nCOPY --from=b / /",
            "FROM a\nENV PASS=x JWT=y",
            "FROM a\nENV DB_PASSWORD2=x",
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
            "FROM a\nENV BYPASS=x PASSENGER=x COMPASS=x JWT_ISSUER=x MAX_TOKENS=9 JWT=true",
        ];
        check_files("SEC-001", Expect::Pass, &good);
    }

    #[test]
    fn what_the_image_has_fails_where_it_is_and_no_value_is_shown() {
        let case = |env: &str, label: (&str, &str)| {
            Case::default().image_with(&["a"], |config| {
                config.env = vec![env.to_owned()];
                config.labels.insert(label.0.to_owned(), label.1.to_owned());
            })
        };
        let bad = case("DB_PASSWORD=hunter2x", ("token", "hunter2x"));
        let findings = bad.findings("SEC-001");
        let fields: Vec<_> = findings.iter().map(|judged| judged.finding.place.clone()).collect();
        let field = |field: &str| Place::Config { field: field.to_owned() };
        assert_eq!(fields, [field("config.Env.DB_PASSWORD"), field("config.Labels.token")]);
        assert_eq!(findings[0].finding.found, "a value of `DB_PASSWORD`");
        assert_eq!(findings[0].action, Action::Warn);
        assert!(!format!("{findings:?}").contains("hunter2"));
        for env in
            ["DB_PASSWORD=", "DB_PASSWORD=/run/secrets/db", "USE_TOKEN=true", "GPG_KEY=01", "TOKEN"]
        {
            case(env, ("org.opencontainers.image.title", "x")).check("SEC-001", Expect::Pass);
        }
    }

    #[test]
    fn no_value_is_shown() {
        let findings = Case::default().dockerfile("FROM a\nENV TOKEN=hunter2").findings("SEC-001");
        assert!(!format!("{findings:?}").contains("hunter2"));
    }
}
