//! DF-023: the user's primary group is not that of root.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    inputs,
    options::{Options, Valued},
};
use crate::{
    decide::Action,
    dockerfile::{Build, Command, Expanded, Stage, User, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-023",
    name: "df_023_primary_group_is_root",
    title: "the user that the image runs as has a group other than root's",
    severity: Severity::Low,
    action: Action::Inform,
    why: "Files that root's group may write are then open to the process. (OpenShift wants group 0: turn the rule off there.)",
    mend: "give the user a group of its own: `USER 10001:10001`",
    bad: "FROM debian:12\nUSER 10001:0",
    good: "FROM debian:12\nUSER 10001:10001",
    equivalents: &["KSV-0116"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a group other than 0";
const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told which group the image runs with",
    expected: EXPECTED,
    names: &["useradd", "usermod", "adduser"],
};
const USERADD: Valued = Valued {
    letters: "ugGdsckKpbeflh",
    names: &[
        "--uid",
        "--gid",
        "--ingroup",
        "--home",
        "--home-dir",
        "--shell",
        "--comment",
        "--gecos",
    ],
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let untold = "it can not be told which group the target stage runs as";
    inputs::of_targets(context, (untold, EXPECTED), |build, stage| {
        check_stage(context, build, stage)
    })
}

fn check_stage(context: &RuleContext<'_>, build: &Build, stage: &Stage) -> Option<Raised> {
    let User::Set { at, user } = build.user(stage) else { return None };
    let title = "the image runs with root's group";
    match user {
        Expanded::Unknown { variable } => {
            let title = "it can not be told which group the image runs with";
            let found = format!("`USER` depends on `{variable}`, whose value is not known here");
            Some(context.unknown(inputs::place(build, at), title, found, EXPECTED))
        }
        Expanded::Known(text) => match text.split_once(':') {
            Some((_, group)) if is_root_group(group) => {
                let found = format!("`USER {text}`");
                Some(context.fail(inputs::place(build, at), title, found, EXPECTED))
            }
            // Root itself is DF-020's.
            None if text != "root" => {
                let steps = || build.chain(stage).flat_map(|stage| &stage.steps);
                let mut commands = steps().flat_map(|step| &step.script.commands);
                if let Some(command) = commands.find(|command| gives_root_group(command, text)) {
                    let found = format!("`{text}` is created with group 0");
                    let place = inputs::place(build, command.at);
                    return Some(context.fail(place, title, found, EXPECTED));
                }
                let placed = steps().map(|step| Placed { build, stage, step });
                let mut runs = placed.filter(|placed| placed.is("RUN"));
                // Of a number nobody needs to be created.
                let is_name = !text.bytes().all(|byte| byte.is_ascii_digit());
                runs.find_map(|run| commands::untold(context, run, ABOUT).into_iter().next())
                    .filter(|_| is_name)
            }
            Some(_) | None => None,
        },
    }
}

fn is_root_group(group: &str) -> bool {
    group == "root" || (!group.is_empty() && group.bytes().all(|byte| byte == b'0'))
}

/// Whether a command creates the user with root's group, or gives it that.
fn gives_root_group(command: &Command, user: &str) -> bool {
    let Some((program, arguments)) = command.program() else { return false };
    let groups: &[&str] = match program {
        "useradd" | "usermod" => &["-g", "--gid"],
        // Alpine's is `-G`.
        "adduser" => &["-G", "--gid", "--ingroup"],
        _ => return false,
    };
    let options = Options::of(arguments, USERADD);
    let is_about = options.operands.last().is_some_and(|name: &&Word| name.text() == user)
        || options.values(&["-u", "--uid"]).any(|id| id == user);
    is_about && options.values(groups).any(is_root_group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(dockerfile: &str) -> Case {
        Case::default().dockerfile(dockerfile)
    }

    #[test]
    fn the_group_of_root_fails_in_every_spelling() {
        for bad in ["10001:0", "app:root", "10001:00", "\"app:0\"", "${U:-app}:0\nENV X=y"] {
            let case = case(&format!("FROM scratch\nUSER {bad}"));
            case.check("DF-023", Expect::Fail);
            assert_eq!(case.places("DF-023"), [(2, 1)]);
            assert_eq!(case.findings("DF-023")[0].action, Action::Inform);
        }
        for (bad, place) in [
            ("RUN true && \\\n  useradd -r -g 0 app\nUSER app", (3, 3)),
            ("RUN useradd --gid=root --uid 5 app\nUSER 5", (2, 5)),
            ("RUN adduser -S -G root app\nUSER app", (2, 5)),
            ("RUN <<EOF\nuseradd app\nusermod -g 0 app\nEOF\nUSER app", (4, 1)),
        ] {
            let case = case(&format!("FROM debian\n{bad}"));
            case.check("DF-023", Expect::Fail);
            assert_eq!(case.places("DF-023"), [place]);
        }
    }

    #[test]
    fn another_group_passes() {
        for good in [
            "USER 10001:10001",
            "USER app",
            "RUN useradd -g app app\nUSER app",
            "RUN useradd -g 0 other && useradd app\nUSER app",
            "RUN useradd -g 0 app\nUSER app:app",
            "USER root",
            "RUN true",
        ] {
            case(&format!("FROM debian\n{good}")).check("DF-023", Expect::Pass);
        }
    }

    #[test]
    fn variables_without_value_can_not_be_told() {
        case("FROM debian\nARG G\nUSER 5:$G").check("DF-023", Expect::Unknown);
        let unread = case("FROM debian\nRUN useradd 'app\nUSER app");
        unread.check("DF-023", Expect::Unknown);
        assert_eq!(unread.places("DF-023"), [(2, 14)]);
        case("FROM debian\nRUN x 'y\nUSER 5").check("DF-023", Expect::Pass);
    }
}
