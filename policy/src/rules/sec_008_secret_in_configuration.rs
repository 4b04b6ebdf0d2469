//! SEC-008: the configuration of the image shows no secret: build arguments and commands in its history, its
//! environment, its labels and what it runs.

use super::{About, Raised, Rule, RuleContext, secret_files as files};
use crate::{
    decide::Action,
    secrets::{Depth, Hit, build_arguments, is_secret_pair, search},
};
use plimsoll_model::{Severity, finding::Place, image::ImageConfig};

pub(crate) const RULE: Rule = Rule {
    id: "SEC-008",
    name: "sec_008_secret_in_configuration",
    title: "the image's configuration and its history show no secret",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "`docker history` and `docker inspect` show build arguments, commands and the environment to everybody who can pull the image; a registry shows them without a pull.",
    mend: "revoke the secret, it is known; build with `RUN --mount=type=secret` in place of an `ARG`, and give the container its secrets when it starts",
    bad: "ARG NPM_TOKEN\nRUN npm ci",
    good: "RUN --mount=type=secret,id=npm,env=NPM_TOKEN npm ci",
    equivalents: &["dockle#196"],
    about: &[About::Image],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no secret";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(image) = context.facts().image else { return Vec::new() };
    let mut raised = of_history(context, &image.config);
    for (field, text) in fields(&image.config) {
        raised.extend(of_text(context, &field, text));
    }
    raised
}

/// Build arguments by their names, besides all that looks like a secret.
fn of_history(context: &RuleContext<'_>, config: &ImageConfig) -> Vec<Raised> {
    let title = "the history of the image shows a build argument that is called a secret";
    let steps = config.history.iter().enumerate();
    let raised = steps.filter_map(|(at, step)| {
        let field = format!("history[{at}]");
        let arguments = build_arguments(&step.created_by);
        let secret: Vec<String> = arguments
            .iter()
            .filter(|pair| is_secret_pair(pair))
            .map(|(name, _)| format!("`{}`", files::name(name)))
            .collect();
        let place = || Place::Config { field: field.clone() };
        let found = || format!("the value of {}", secret.join(", "));
        let named = (!secret.is_empty()).then(|| context.fail(place(), title, found(), EXPECTED));
        match named {
            Some(raised) => Some(raised),
            None => of_text(context, &field, &step.created_by),
        }
    });
    raised.collect()
}

/// The fields of the configuration, each with its value.
fn fields(config: &ImageConfig) -> impl Iterator<Item = (String, &str)> {
    let name = |pair: &str| files::name(pair.split_once('=').map_or(pair, |(name, _)| name));
    let env =
        config.env.iter().map(move |pair| (format!("config.Env.{}", name(pair)), pair.as_str()));
    let labels = config
        .labels
        .iter()
        .map(|(key, value)| (format!("config.Labels.{}", files::name(key)), value.as_str()));
    let run = [
        ("config.Entrypoint", &config.entrypoint),
        ("config.Cmd", &config.command),
        ("config.OnBuild", &config.on_build),
    ];
    let run = run.into_iter().flat_map(|(field, texts)| {
        texts.iter().enumerate().map(move |(at, text)| (format!("{field}[{at}]"), text.as_str()))
    });
    env.chain(labels).chain(run)
}

fn of_text(context: &RuleContext<'_>, field: &str, text: &str) -> Option<Raised> {
    let hits = search(text.as_bytes(), Depth::Named);
    if hits.is_empty() {
        return None;
    }
    let told: Vec<String> = hits.iter().map(Hit::told).collect();
    let title = "the configuration of the image shows what looks like a secret";
    let place = Place::Config { field: field.to_owned() };
    let raised = context.fail(place, title, told.join(", "), EXPECTED);
    Some(raised.at_most(files::at_most(files::surest(&hits))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rules::testing::*,
        secrets::tests::{made, summed},
    };
    use plimsoll_model::image::{HistoryEntry, HistoryKind};

    fn history(created_by: &str) -> Case {
        let step =
            |text: &str| HistoryEntry { created_by: text.to_owned(), kind: HistoryKind::Layer };
        Case::default()
            .image_with(&["a"], |config| config.history = vec![step("FROM"), step(created_by)])
    }

    fn field(case: &Case) -> (String, String, Action) {
        let judged = &case.findings("SEC-008")[0];
        let Place::Config { field } = &judged.finding.place else { panic!("{judged:?}") };
        (field.clone(), judged.finding.found.clone(), judged.action)
    }

    #[test]
    fn build_arguments_that_are_secrets_fail_whatever_their_value_looks_like() {
        let case = history("|2 VERSION=1 NPM_TOKEN=hunter2 /bin/sh -c npm ci");
        case.check("SEC-008", Expect::Fail);
        let expect = ("history[1]".to_owned(), "the value of `NPM_TOKEN`".to_owned(), Action::Deny);
        assert_eq!(field(&case), expect);
        let token = summed("ghp_");
        let case = history(&format!("RUN |1 A={token} /bin/sh -c make"));
        let found = "a token of GitHub (`ghp_…`, 40 characters)".to_owned();
        assert_eq!(field(&case), ("history[1]".to_owned(), found, Action::Deny));
        history(&format!("RUN curl -u x:{token} y")).check("SEC-008", Expect::Fail);
    }

    #[test]
    fn the_environment_labels_and_commands_are_read_too() {
        let key = made("AKIA{U16}");
        let with = |change: &dyn Fn(&mut ImageConfig)| Case::default().image_with(&["a"], change);
        let env = with(&|config| config.env = vec![format!("AWS={key}")]);
        assert_eq!(field(&env).0, "config.Env.AWS");
        let label = with(&|config| {
            config.labels.insert("k".to_owned(), key.clone());
        });
        assert_eq!(field(&label).0, "config.Labels.k");
        let run = with(&|config| config.command = vec!["run".to_owned(), format!("--key={key}")]);
        assert_eq!(field(&run).0, "config.Cmd[1]");
        let named = with(&|config| config.env = vec![made("DB_PASSWORD={A20}")]);
        assert_eq!(field(&named).2, Action::Warn);
    }

    #[test]
    fn an_ordinary_configuration_passes() {
        for created_by in [
            "|1 VERSION=1.2 /bin/sh -c make",
            "|1 TOKEN_FILE=/run/secrets/t /bin/sh -c make",
            "|1 TOKEN= /bin/sh -c make",
            "ENV GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305",
            "COPY file:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945 in /",
        ] {
            history(created_by).check("SEC-008", Expect::Pass);
        }
    }
}
