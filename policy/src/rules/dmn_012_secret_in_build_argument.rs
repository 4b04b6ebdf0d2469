//! DMN-012: pipelines pass no secret as a build argument.

use super::{About, Raised, Rule, RuleContext, configs};
use crate::{
    configs::{self as files, ConfigKind},
    decide::Action,
    yaml::At,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DMN-012",
    name: "dmn_012_secret_in_build_argument",
    title: "pipelines pass no secret as a build argument",
    severity: Severity::High,
    action: Action::Deny,
    why: "Build arguments are kept in the history of the image, and often in its provenance: whoever can pull it reads them.",
    mend: "pass it with `--secret` and read it in `RUN --mount=type=secret`",
    bad: "docker build --build-arg NPM_TOKEN=$NPM_TOKEN .",
    good: "docker build --secret id=npm,env=NPM_TOKEN .",
    equivalents: &[],
    about: &[About::Configs],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a secret mount";
/// The most findings in one file: each is looked for in it again.
const MOST: usize = 1_000;
/// Parts of names of secrets.
const PARTS: [&str; 9] = [
    "TOKEN",
    "SECRET",
    "SECRETS",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "CREDENTIALS",
    "APIKEY",
];
/// Ends of names of keys that are secret.
const KEYS: [&str; 4] = ["API_KEY", "PRIVATE_KEY", "ACCESS_KEY", "SIGNING_KEY"];
/// Ends of names of what is about a secret, and is none.
const ABOUT: [&str; 5] = ["_FILE", "_PATH", "_URL", "_NAME", "_ID"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let of = (&[ConfigKind::Gitlab, ConfigKind::Workflow][..], EXPECTED);
    configs::of_kinds(context, of, |config| {
        let texts = files::texts(config.documents()).into_iter();
        let arguments = texts.flat_map(|(key, at, text)| {
            arguments(key, text).into_iter().map(move |argument| (at, text, argument))
        });
        let raise = |(at, text, argument): (At, &str, &str)| {
            let name = argument.split('=').next().unwrap_or_default();
            let is_secret = is_secret(argument);
            if !is_secret && !name.contains('$') {
                return None;
            }
            let place = config.place(config.within(at, text, argument));
            // Its value may be the secret itself, and is not shown.
            let found = format!("`{name}`");
            Some(if is_secret {
                let title = format!("the build argument `{name}` is a secret");
                context.fail(place, title, found, EXPECTED)
            } else {
                let title = "which build argument is passed can not be told";
                context.unknown(place, title, found, EXPECTED)
            })
        };
        let mut found: Vec<_> = arguments.filter_map(raise).take(MOST + 1).collect();
        if found.len() > MOST {
            let place = config.place(At { line: 1, column: 1 });
            let title = "the file passes too many build arguments to look at each";
            let many = format!("more than {MOST}");
            found.push(context.unknown(place, title, many, EXPECTED));
        }
        found
    })
}

/// The build arguments (`NAME=VALUE`, or `NAME` for the variable of that name) in a text.
fn arguments<'t>(key: &str, text: &'t str) -> Vec<&'t str> {
    let bare = |word: &'t str| word.trim_matches(['"', '\'']);
    if key == "build-args" {
        return text.lines().map(str::trim).filter(|line| !line.is_empty()).map(bare).collect();
    }
    let mut found = Vec::new();
    let mut words = text.split_whitespace().map(bare);
    while let Some(word) = words.next() {
        if word == "--build-arg" {
            found.extend(words.next());
        } else if let Some(argument) = word.strip_prefix("--build-arg=") {
            found.push(bare(argument));
        }
    }
    found
}

fn is_secret(argument: &str) -> bool {
    let (name, value) = argument.split_once('=').unwrap_or((argument, "$"));
    let upper = name.to_ascii_uppercase().replace('-', "_");
    let is_about = ABOUT.iter().any(|end| upper.ends_with(end)) || upper.contains("PUBLIC");
    let is_named = upper.split('_').any(|part| PARTS.contains(&part))
        || KEYS.iter().any(|end| upper.ends_with(end));
    (is_named && !is_about && !value.is_empty()) || value.contains("secrets.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn gitlab(script: &str) -> Case {
        let text = format!("build:\n  script:\n    - {script}\n");
        Case::default().config(".gitlab-ci.yml", &text)
    }

    #[test]
    fn secrets_as_build_arguments_are_denied_and_not_shown() {
        for bad in [
            "docker build --build-arg NPM_TOKEN=$NPM_TOKEN .",
            "docker build --build-arg NPM_TOKEN .",
            "docker build --build-arg=db_password=hunter2 .",
            "docker build --build-arg \"API_KEY=$KEY\" .",
            "executor --build-arg AWS_SECRET_ACCESS_KEY=$X",
        ] {
            gitlab(bad).check("DMN-012", Expect::Fail);
        }
        let case = gitlab("docker build --build-arg=db_password=hunter2 .");
        assert!(!format!("{:?}", case.findings("DMN-012")).contains("hunter2"));
        assert_eq!(case.places("DMN-012"), [(3, 32)]);
    }

    #[test]
    fn secrets_of_workflows_are_denied_whatever_they_are_called() {
        let text = "jobs:\n  build:\n    steps:\n      - uses: docker/build-push-action@v6\n        with:\n          build-args: |\n            VERSION=1\n            X=${{ secrets.NPM }}\n      - run: |\n          echo\n          docker build --build-arg TOKEN=${{ env.T }} .\n";
        let case = Case::default().config(".github/workflows/ci.yml", text);
        case.check("DMN-012", Expect::Fail);
        assert_eq!(case.places("DMN-012"), [(8, 13), (11, 36)]);
    }

    #[test]
    fn other_arguments_and_secret_mounts_pass() {
        for good in [
            "docker build --build-arg VERSION=$CI_COMMIT_TAG .",
            "docker build --build-arg TOKENIZER=fast --build-arg SECRET_FILE=/run/x .",
            "docker build --build-arg PUBLIC_API_KEY=$X --build-arg TOKEN= .",
            RULE.good,
        ] {
            gitlab(good).check("DMN-012", Expect::Pass);
        }
    }

    #[test]
    fn thousands_of_them_end_somewhere_and_say_so() {
        let many: Vec<_> = (0..2_000).map(|n| format!(" --build-arg T{n}_TOKEN")).collect();
        let found = gitlab(&format!("docker build{} .", many.concat())).findings("DMN-012");
        assert_eq!(found.len(), MOST + 2);
        assert!(found.iter().any(|judged| judged.finding.found == "more than 1000"));
    }

    #[test]
    fn an_argument_without_a_known_name_can_not_be_told() {
        gitlab("docker build --build-arg $EXTRA .").check("DMN-012", Expect::Unknown);
        Case::default().config(".gitlab-ci.yml", "a: [").check("DMN-012", Expect::Unknown);
    }
}
