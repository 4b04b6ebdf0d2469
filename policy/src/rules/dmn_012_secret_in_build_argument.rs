//! DMN-012: pipelines pass no secret as a build argument.

use super::{About, Raised, Rule, RuleContext, configs, job_commands, secrets::is_harmless};
use crate::{
    configs::{self as files, ConfigKind},
    decide::Action,
    secrets::is_named_secret,
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
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty()).map(bare);
    match key {
        "build-args" => return lines().collect(),
        // Of the action that runs `docker buildx bake`.
        "set" => return lines().filter_map(set).collect(),
        _ => {}
    }
    let mut found = Vec::new();
    let mut words = job_commands::words(text);
    while let Some(word) = words.next() {
        match word {
            "--build-arg" => found.extend(words.next()),
            "--set" => found.extend(words.next().and_then(set)),
            _ => {
                let argument = word.strip_prefix("--build-arg=").map(bare);
                let set = || word.strip_prefix("--set=").map(bare).and_then(set);
                found.extend(argument.or_else(set));
            }
        }
    }
    found
}

/// The build argument in an override of a bake file (`TARGET.args.NAME=VALUE`).
fn set(word: &str) -> Option<&str> {
    let (target, argument) = word.split_once(".args.")?;
    (!target.contains(['=', ' '])).then_some(argument)
}

/// Whether an argument is a secret, by its name or by the variable that its value is.
fn is_secret(argument: &str) -> bool {
    let (name, value) = argument.split_once('=').unwrap_or((argument, "$"));
    (is_named_secret(name) && !is_harmless(value)) || variables(value).any(is_named_secret)
}

/// The names of variables, secrets and outputs in a value: `$NAME`, `${NAME:-x}`, `%NAME%`, `${{ secrets.NAME }}`.
fn variables(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = value;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once(['$', '%'])?;
            if let Some(inner) = after.strip_prefix("{{") {
                // All of an expression is one name where it has a secret in it.
                let (inner, after) = inner.split_once("}}").unwrap_or((inner, ""));
                rest = after;
                return Some(of_expression(inner));
            }
            let after = after.strip_prefix('{').unwrap_or(after);
            let after = after.strip_prefix("env:").unwrap_or(after);
            let is_name = |char: char| char.is_alphanumeric() || char == '_';
            let end = after.find(|char| !is_name(char)).unwrap_or(after.len());
            let (name, after) = after.split_at_checked(end)?;
            // What ends a name in cmd begins none.
            rest = after.strip_prefix('%').unwrap_or(after);
            if !name.is_empty() {
                return Some(name);
            }
        }
    })
}

/// The name of what an expression of GitHub is.
fn of_expression(expression: &str) -> &str {
    if expression.contains("secrets.") || expression.contains("secrets[") {
        return "secret";
    }
    let is_name = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.');
    let parts = expression.split(|char| !is_name(char)).filter(|part| part.contains('.'));
    let last = |part: &'_ str| part.rsplit('.').next().is_some_and(is_named_secret);
    let mut parts = parts.filter(|part| last(part));
    parts.next().and_then(|part| part.rsplit('.').next()).unwrap_or_default()
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
            "docker build --build-arg GH_PAT=$X .",
            "docker build --build-arg NPM_AUTH=$A .",
            "docker build --build-arg DB_PASS=$P .",
            "docker build --build-arg npmToken=$X .",
            "docker build --build-arg A=$NPM_TOKEN .",
            "docker build --build-arg A=${CI_JOB_TOKEN} .",
            "docker build --build-arg A=${DEPLOY_PASSWORD:-x} .",
            "docker build --build-arg A=%NPM_TOKEN% .",
            "|\n      docker build --build-arg \\\n        NPM_TOKEN=$X .",
            "docker buildx bake --set app.args.NPM_TOKEN=$T",
            "docker buildx bake --set=*.args.A=$NPM_TOKEN",
            "docker compose build --build-arg=API_SECRET=$T",
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
        let with = |with: &str| {
            let text = format!("jobs: {{a: {{steps: [{{with: {{{with}}}}}]}}}}\n");
            Case::default().config(".github/workflows/ci.yml", &text)
        };
        for bad in [
            "build-args: \"C=${{ github.token }}\"",
            "build-args: \"C=${{ env.NPM_TOKEN }}\"",
            "build-args: \"C=${{ secrets['X'] }}\"",
            "set: \"*.args.X=${{ secrets.X }}\"",
            "set: \"app.args.NPM_TOKEN=${{ env.X }}\"",
        ] {
            with(bad).check("DMN-012", Expect::Fail);
        }
        for good in [
            "build-args: \"C=${{ github.sha }}\"",
            "build-args: \"C=${{ steps.meta.outputs.version }}\"",
            "set: \"*.platform=linux/amd64\"",
            "set: \"app.args.VERSION=${{ github.ref_name }}\"",
        ] {
            with(good).check("DMN-012", Expect::Pass);
        }
    }

    #[test]
    fn other_arguments_and_secret_mounts_pass() {
        for good in [
            "docker build --build-arg VERSION=$CI_COMMIT_TAG .",
            "docker build --build-arg TOKENIZER=fast --build-arg SECRET_FILE=/run/x .",
            "docker build --build-arg PUBLIC_API_KEY=$X --build-arg TOKEN= .",
            "docker build --build-arg USE_AUTH=true --build-arg A=token .",
            "docker build --build-arg A=${TOKEN_URL} --build-arg B=$GPG_KEY .",
            "docker buildx bake --set app.tags=a:$TOKEN_TTL",
            "docker build --build-arg A=registry/$NAME/token-service --build-arg B=${V:-token} .",
            "docker build --build-arg A=$ --build-arg B=100% .",
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
