//! DF-044: lists of packages are fetched where they are used.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    packages::{Manager, Operation, Verb},
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-044",
    name: "df_044_update_alone",
    title: "lists of packages are fetched in the RUN that installs from them",
    severity: Severity::Low,
    action: Action::Warn,
    why: "The step of `update` alone stays in the build cache, and later steps install from lists that are months old.",
    mend: "put `update` and `install` into one `RUN`, joined by `&&`",
    bad: "FROM debian:12\nRUN apt-get update\nRUN apt-get install -y curl",
    good: "FROM debian:12\nRUN apt-get update && apt-get install -y curl",
    equivalents: &["CIS 4.7", "DS-0017", "CKV_DOCKER_5", "CDI-0007"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "an install in the same `RUN`";

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether lists of packages are fetched alone",
    expected: EXPECTED,
    names: commands::PACKAGERS,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let runs: Vec<_> = commands::in_image(context).filter(|placed| placed.is("RUN")).collect();
    let mut all: Vec<_> = runs.iter().filter_map(|placed| of_step(context, *placed)).collect();
    all.extend(commands::untold_of(context, runs, ABOUT));
    commands::once(all)
}

fn of_step(context: &RuleContext<'_>, placed: Placed<'_>) -> Option<Raised> {
    let operation = |command: &Command| Operation::of(command).map(|op| (op.manager, op.verb));
    let is_system = |manager: Manager| {
        matches!(
            manager,
            Manager::Apt | Manager::Apk | Manager::Yum | Manager::Dnf | Manager::Zypper
        )
    };
    let is_refresh = |command: &&Command| {
        operation(command)
            .is_some_and(|(manager, verb)| is_system(manager) && verb == Verb::Refresh)
    };
    let update = placed.commands().find(is_refresh)?;
    // In a cache that is mounted the lists are as old as in any other.
    if placed.commands().any(may_install) || commands::mounts(placed.step, |_| true) {
        return None;
    }
    let shown = update.words.iter().map(Word::text).collect::<Vec<_>>().join(" ");
    let title = "lists of packages are fetched by a step that installs nothing";
    Some(placed.fail_at(context, update, (title, EXPECTED), format!("`{shown}`")))
}

/// Whether a command installs something, or runs something that may.
fn may_install(command: &Command) -> bool {
    if let Some(operation) = Operation::of(command) {
        // `apt-cache`, `apt-get download` and their like need the lists as well.
        return !matches!(operation.verb, Verb::Refresh | Verb::Clean | Verb::Remove);
    }
    let Some((program, arguments)) = command.program() else { return false };
    let is_path = command.words.first().is_some_and(|word| {
        word.text().contains('/')
            && !word.text().starts_with("/bin/")
            && !word.text().starts_with("/usr/")
    });
    let is_naming =
        |word: &Word| ["install", "setup", "deps"].iter().any(|part| word.text().contains(part));
    is_path
        || program.starts_with('$')
        || command.is_shell()
        || arguments.iter().any(is_naming)
        || matches!(
            program,
            "make"
                | "ansible-playbook"
                | "npx"
                | "."
                | "source"
                | "eval"
                | "apt-cache"
                | "aptitude"
                | "debootstrap"
                | "mmdebstrap"
                | "mk-build-deps"
                | "gdebi"
                | "unattended-upgrade"
                | "dpkg"
                | "tasksel"
                | "add-apt-repository"
                | "pecl"
                | "rosdep"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\n{steps}"))
    }

    #[test]
    fn an_update_alone_fails() {
        for (bad, place) in [
            ("RUN apt-get update\nRUN apt-get install -y curl", (2, 5)),
            ("RUN apt update && apt-get clean", (2, 5)),
            ("RUN set -e; \\\n  apt-get -qq update; rm -rf /tmp/x", (3, 3)),
            ("RUN [\"apt-get\", \"update\"]", (2, 5)),
            ("RUN apk update", (2, 5)),
            ("RUN dnf makecache", (2, 5)),
            ("RUN zypper --non-interactive refresh", (2, 5)),
            ("RUN <<EOF\napt-get update\nEOF", (3, 1)),
        ] {
            case(bad).check("DF-044", Expect::Fail);
            assert_eq!(case(bad).places("DF-044"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-044")[0].action, Action::Warn);
        }
    }

    #[test]
    fn an_update_for_something_passes() {
        for good in [
            "RUN apt-get update && apt-get install -y curl",
            "RUN apt-get update; apt-get -y upgrade",
            "RUN <<EOF\napt-get update\napt-get install -y curl\nEOF",
            "RUN apt-get update && ./install.sh",
            "RUN apt-get update && bash x.sh",
            "RUN apt-get update && npx playwright install --with-deps",
            "RUN apk update && apk add curl",
            "RUN yum update -y",
            "RUN apt-get update\nFROM debian",
        ] {
            case(good).check("DF-044", Expect::Pass);
        }
    }
}
