//! DF-025: what starts as root does not leave it to the entry point to become somebody else.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    img_001_user_is_root::is_root,
    inputs,
    packages::Operation,
};
use crate::{
    decide::Action,
    dockerfile::{Build, Command, Source, Stage, Step, User, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-025",
    name: "df_025_root_at_start",
    title: "the image does not start as root to become another user by itself",
    severity: Severity::Low,
    action: Action::Warn,
    why: "An entry point that drops its rights holds all of them until then, and whoever starts the image with another entry point keeps them.",
    mend: "prepare files at build time and end with `USER`; where the first steps must be root's, accept it with an exception",
    bad: "FROM debian:12\nENTRYPOINT [\"gosu\", \"app\", \"/app\"]",
    good: "FROM debian:12\nUSER 10001\nENTRYPOINT [\"/app\"]",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "`USER`, and an entry point that changes nothing";
const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether the image becomes another user at its start",
    expected: EXPECTED,
    names: &BROUGHT,
};
/// Programs that give up root's rights.
const DROPPERS: [&str; 8] =
    ["gosu", "su-exec", "setpriv", "runuser", "s6-setuidgid", "chpst", "su", "setuidgid"];
/// Those among them that are brought in for that purpose alone.
const BROUGHT: [&str; 2] = ["gosu", "su-exec"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let untold = "it can not be told what the target stage starts";
    inputs::of_targets(context, (untold, EXPECTED), |build, stage| {
        check_stage(context, build, stage)
    })
}

fn check_stage(context: &RuleContext<'_>, build: &Build, stage: &Stage) -> Option<Raised> {
    if !starts_as_root(context, build, stage) {
        return None;
    }
    let start = start(build, stage)?;
    let title = "the image is root at start, and its entry point becomes another user";
    let place = inputs::place(build, start.at());
    let dropper = start.script.commands.iter().find_map(dropper);
    if let Some(program) = dropper {
        return Some(context.fail(place, title, format!("`{program}`"), EXPECTED));
    }
    let is_script = start.script.commands.first().is_some_and(|command| {
        command.words.first().is_some_and(|word| is_script(base_name(word.text())))
    });
    let brought = build.chain(stage).flat_map(|stage| &stage.steps).find_map(brought);
    let Some(program) = brought.filter(|_| is_script) else {
        let placed = |step| Placed { build, stage, step };
        let runs = build.chain(stage).flat_map(|stage| &stage.steps).map(placed);
        // What starts, and where that is a script, what brings its programs.
        let runs = runs.filter(|placed| placed.is("RUN") && is_script);
        let mut all = std::iter::once(placed(start)).chain(runs);
        return all.find_map(|placed| commands::untold(context, placed, ABOUT).into_iter().next());
    };
    let found = format!("a script as entry point, and `{program}` in the image");
    Some(context.fail(place, title, found, EXPECTED))
}

/// Whether it is known to, or nothing says otherwise.
fn starts_as_root(context: &RuleContext<'_>, build: &Build, stage: &Stage) -> bool {
    match build.user(stage) {
        User::Set { user, .. } => user.known().is_some_and(is_root),
        User::OfScratch(_) => true,
        User::OfImage(input) => match &input.source {
            Source::Image(name) => context
                .facts()
                .bases
                .and_then(|lock| lock.named(name).next()?.user())
                .is_none_or(|user| is_root(user.unwrap_or_default())),
            Source::Stage(_)
            | Source::Scratch
            | Source::Malformed(_)
            | Source::Unresolved { .. } => true,
        },
    }
}

/// The step that says what is started: the last `ENTRYPOINT`, else the last `CMD`.
fn start<'b>(build: &'b Build, stage: &'b Stage) -> Option<&'b Step> {
    let last = |keyword: &str| {
        let mut stages = build.chain(stage);
        stages.find_map(|stage| stage.steps.iter().rfind(|step| step.keyword() == keyword))
    };
    last("ENTRYPOINT").or_else(|| last("CMD"))
}

/// The program by which a command becomes another user.
fn dropper(command: &Command) -> Option<&'static str> {
    let (program, arguments) = command.program()?;
    let starters = match program {
        // `tini -- gosu app x`.
        "tini" | "dumb-init" | "catatonit" | "docker-init" => command.words.len(),
        _ => command.words.len().saturating_sub(arguments.len()),
    };
    let mut words = command.words.iter().take(starters).map(|word| base_name(word.text()));
    words.find_map(|word| DROPPERS.into_iter().find(|name| *name == word))
}

fn is_script(name: &str) -> bool {
    name.strip_suffix(".sh").is_some() || name.contains("entrypoint")
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A program for that purpose which a step brings.
fn brought(step: &Step) -> Option<&'static str> {
    let is_of = |text: &str| {
        let name = base_name(text);
        let name = name.split(['=', ':', '@']).next().unwrap_or(name);
        BROUGHT.into_iter().find(|brought| name == *brought)
    };
    match step.keyword() {
        "RUN" => step.script.commands.iter().find_map(|command| {
            let operation = Operation::of(command);
            let installed = operation.iter().flat_map(Operation::installed);
            installed.map(Word::text).find_map(is_of)
        }),
        "COPY" => {
            let mut files = step.arguments.iter().filter_map(|word| word.known());
            files.find_map(is_of)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(dockerfile: &str) -> Case {
        Case::default().dockerfile(dockerfile)
    }

    #[test]
    fn entry_points_that_become_another_user_fail() {
        for (bad, place) in [
            ("FROM debian\nENTRYPOINT [\"gosu\", \"app\", \"/app\"]", (2, 1)),
            ("FROM debian\nUSER root\nENTRYPOINT exec su-exec app /app", (3, 1)),
            ("FROM debian\nENTRYPOINT [\"tini\", \"--\", \"gosu\", \"app\", \"x\"]", (2, 1)),
            ("FROM debian\nENTRYPOINT [\"/usr/bin/setpriv\", \"--reuid=1\", \"x\"]", (2, 1)),
            ("FROM debian\nCMD su app -c x", (2, 1)),
            ("FROM debian\nRUN apt-get install -y gosu\nENTRYPOINT [\"/entrypoint.sh\"]", (3, 1)),
            (
                "FROM alpine AS a\nRUN apk add su-exec=1\nFROM a\nENTRYPOINT [\"docker-entrypoint.sh\"]",
                (4, 1),
            ),
            (
                "FROM debian\nCOPY --from=tianon/gosu /gosu /usr/local/bin/gosu\nENTRYPOINT [\"/e.sh\"]",
                (3, 1),
            ),
        ] {
            case(bad).check("DF-025", Expect::Fail);
            assert_eq!(case(bad).places("DF-025"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-025")[0].action, Action::Warn);
        }
    }

    #[test]
    fn a_user_or_an_entry_point_that_changes_nothing_passes() {
        for good in [
            "FROM debian\nUSER 5\nENTRYPOINT [\"gosu\", \"app\", \"/app\"]",
            "FROM debian\nENTRYPOINT [\"/app\"]",
            "FROM debian\nENTRYPOINT [\"/entrypoint.sh\"]",
            "FROM debian\nRUN apt-get install -y gosu\nCMD [\"/app\"]",
            "FROM debian\nENTRYPOINT [\"/app\", \"--with\", \"su\"]",
            "FROM debian",
        ] {
            case(good).check("DF-025", Expect::Pass);
        }
        let text = "FROM debian:12\nENTRYPOINT [\"gosu\", \"app\", \"/app\"]";
        case(text).approved_with_user("debian:12", Some("5")).check("DF-025", Expect::Pass);
    }

    #[test]
    fn a_stage_that_is_not_there_can_not_be_told() {
        case("FROM debian").target("x").check("DF-025", Expect::Unknown);
        for (unread, place) in [
            ("FROM debian\nRUN x 'y\nENTRYPOINT [\"/e.sh\"]", (2, 8)),
            ("FROM debian\nCMD x 'y", (2, 8)),
        ] {
            case(unread).check("DF-025", Expect::Unknown);
            assert_eq!(case(unread).places("DF-025"), [place], "{unread}");
        }
        case("FROM debian\nRUN x 'y\nENTRYPOINT [\"/app\"]").check("DF-025", Expect::Pass);
    }
}
