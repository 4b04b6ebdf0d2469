//! DF-102: the user of the container does not own what it runs.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    inputs,
};
use crate::{
    decide::Action,
    dockerfile::{Build, Stage, User, Word},
    host,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-102",
    name: "df_102_code_owned_by_runtime_user",
    title: "the user of the container does not own what it runs",
    severity: Severity::Low,
    action: Action::Inform,
    why: "What gets into the application may then rewrite its code, and stay there for as long as the container lives.",
    mend: "leave code and programs to root, and give the user the directories that it writes to alone",
    bad: "COPY --chown=app . /app\nUSER app",
    good: "COPY . /app\nUSER app",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "code that belongs to another user than the one that runs it";
const TITLE: &str = "the user of the container owns what it runs";
/// Where applications keep what they write.
const DATA: [&str; 11] = [
    "/var/lib",
    "/var/log",
    "/var/cache",
    "/var/run",
    "/run",
    "/data",
    "/home",
    "/tmp",
    "/var/tmp",
    "/var/spool",
    "/mnt",
];

/// What directories of such are called, wherever they are.
const NAMES: [&str; 10] =
    ["cache", "data", "db", "log", "logs", "storage", "tmp", "upload", "uploads", "var"];

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether the user of the container owns what it runs",
    expected: EXPECTED,
    names: &["chown"],
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let raise = |placed: Placed<'_>| {
        let user = runtime_user(placed.build)?;
        match placed.step.keyword() {
            "COPY" | "ADD" => {
                let flag = placed.step.instruction.flag("chown")?;
                let is_meant = owner(flag.value.as_deref()?) == user
                    && !placed
                        .step
                        .arguments
                        .last()
                        .and_then(|last| last.known())
                        .is_some_and(is_data);
                let found =
                    format!("`{} --chown={}`", placed.step.keyword(), flag.value.as_deref()?);
                let place = inputs::place(placed.build, flag.at);
                is_meant.then(|| context.fail(place, TITLE, found, EXPECTED))
            }
            "RUN" => {
                let owned = |command: &&crate::dockerfile::Command| {
                    command.arguments_of("chown").is_some_and(|arguments| owns(arguments, user))
                };
                let command = placed.commands().find(owned)?;
                let words: Vec<_> = command.words.iter().map(Word::text).collect();
                let place = inputs::place(placed.build, command.at);
                Some(context.fail(place, TITLE, format!("`{}`", words.join(" ")), EXPECTED))
            }
            _ => None,
        }
    };
    let is_meant = |placed: &Placed<'_>| placed.is("RUN") && runtime_user(placed.build).is_some();
    let untold = commands::untold_of(context, commands::in_image(context).filter(is_meant), ABOUT);
    commands::in_image(context).filter_map(raise).chain(untold).collect()
}

/// The user that the image runs as, where that is not root.
fn runtime_user(build: &Build) -> Option<&str> {
    // Which user it is, where that is not known here, DF-020 asks.
    let user = match build.user(target(build)?) {
        User::Set { user, .. } => owner(user.known()?),
        User::OfImage(_) | User::OfScratch(_) => return None,
    };
    Some(user).filter(|user| !matches!(*user, "" | "root" | "0"))
}

fn target(build: &Build) -> Option<&Stage> {
    build.stages.get(*build.target.as_ref().ok()?)
}

/// The user of `USER:GROUP`.
fn owner(text: &str) -> &str {
    text.split(':').next().unwrap_or_default().trim()
}

/// Whether `chown -R` gives something other than data to this user.
fn owns(arguments: &[Word], user: &str) -> bool {
    let is_deep = arguments.iter().any(|word| {
        let text = word.text();
        text == "--recursive"
            || (text.starts_with('-') && !text.starts_with("--") && text.contains('R'))
    });
    let mut others = arguments.iter().filter(|word| !word.text().starts_with('-'));
    let is_user = others.next().is_some_and(|word| owner(word.text()) == user);
    is_deep && is_user && others.any(|word| !is_data(word.text()))
}

fn is_data(path: &str) -> bool {
    let path = host::normal(path);
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_in = |data: &&str| {
        path.strip_prefix(*data).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    NAMES.contains(&name) || DATA.iter().any(is_in)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn code_of_the_runtime_user_is_shown() {
        let bad = [
            "FROM a\nCOPY --chown=app:app . /app\nUSER app",
            "FROM a\nADD --chown=10001 x /srv\nUSER 10001:0",
            "FROM a\nRUN x && chown -R app:app /app /data\nUSER app",
            "FROM a\nRUN chown --recursive app /opt\nUSER app:app",
            "FROM a AS b\nCOPY --chown=app . /app\nFROM b\nUSER app",
        ];
        check_files("DF-102", Expect::Fail, &bad);
        let places = |at: usize| Case::default().dockerfile(bad[at]).places("DF-102");
        assert_eq!((places(0), places(2)), (vec![(2, 6)], vec![(2, 10)]));
    }

    #[test]
    fn data_and_code_of_others_pass() {
        let good = [
            "FROM a\nCOPY . /app\nUSER app",
            "FROM a\nCOPY --chown=root:app . /app\nUSER app",
            "FROM a\nRUN chown -R app /var/lib/app /data && chown app /app\nUSER app",
            "FROM a\nCOPY --chown=app . /home/app/data\nUSER app",
            "FROM a\nRUN chown -R app log tmp storage\nUSER app",
            "FROM a\nCOPY --chown=0 . /app\nUSER 0",
            "FROM a AS b\nCOPY --chown=app . /app\nFROM c\nCOPY --from=b /app /app\nUSER app",
        ];
        check_files("DF-102", Expect::Pass, &good);
    }
}
