//! DF-040: the lists of apt do not stay in the image.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    inputs,
    packages::{Manager, Operation, Verb},
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-040",
    name: "df_040_apt_lists_left",
    title: "what `apt-get update` fetches is removed in the same RUN",
    severity: Severity::Low,
    action: Action::Inform,
    why: "The lists make the image tens of megabytes larger, and packages that are installed from old ones are old.",
    mend: "end the same `RUN` with `rm -rf /var/lib/apt/lists/*`, or mount a cache on `/var/lib/apt/lists`",
    bad: "FROM debian:12\nRUN apt-get update && apt-get install -y curl",
    good: "FROM debian:12\nRUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
    equivalents: &["DL3009", "DKL-DI-0005"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "`rm -rf /var/lib/apt/lists/*` in the same `RUN`";

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether the lists of apt stay in the image",
    expected: EXPECTED,
    names: &["apt-get"],
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let runs: Vec<_> = commands::in_image(context).filter(|placed| placed.is("RUN")).collect();
    let raised = runs.iter().filter_map(|placed| of_step(context, *placed));
    let mut all: Vec<_> = raised.collect();
    all.extend(commands::untold_of(context, runs, ABOUT));
    commands::once(all)
}

fn of_step(context: &RuleContext<'_>, placed: Placed<'_>) -> Option<Raised> {
    let is_update = |command: &&Command| {
        Operation::of(command)
            .is_some_and(|op| op.manager == Manager::Apt && op.verb == Verb::Refresh)
    };
    let update = placed.commands().find(is_update)?;
    let is_mounted = commands::mounts(placed.step, |target| target.starts_with("/var/lib/apt"));
    if is_mounted || placed.commands().any(cleans) {
        return None;
    }
    if placed.commands().any(may_clean) {
        let place = inputs::place(placed.build, update.at);
        return Some(context.unknown(place, ABOUT.title, "`rm` of a variable", EXPECTED));
    }
    let title = "the lists of apt stay in the image";
    let found = format!("`{}` and no removal", shown(update));
    Some(placed.fail_at(context, update, (title, EXPECTED), found))
}

fn shown(command: &Command) -> String {
    command.words.iter().map(Word::text).collect::<Vec<_>>().join(" ")
}

fn cleans(command: &Command) -> bool {
    let is_removing = matches!(command.program(), Some(("rm" | "find", _)));
    let is_lists = |word: &Word| {
        let text = word.text();
        text.contains("/var/lib/apt") || (text.contains("/var/lib/{") && text.contains("apt"))
    };
    let is_clean = |word: &Word| matches!(word.text(), "distclean" | "dist-clean");
    let is_apt = Operation::of(command).is_some_and(|op| op.manager == Manager::Apt);
    (is_removing && command.words.iter().any(is_lists))
        || (is_apt && command.words.iter().any(is_clean))
}

fn may_clean(command: &Command) -> bool {
    let arguments = command.arguments_of("rm").unwrap_or_default();
    arguments.iter().any(|word| word.value.known().is_none() && word.written.starts_with('$'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(run: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\nRUN {run}"))
    }

    #[test]
    fn lists_that_stay_fail() {
        for (bad, place) in [
            ("apt-get update && apt-get install -y curl", (2, 5)),
            ("set -e; apt update -qq; apt install -y curl", (2, 13)),
            ("apt-get -y \\\n  update", (2, 5)),
            ("<<EOF\ntrue\napt-get update\nEOF", (4, 1)),
            ("apt-get update && rm -rf /tmp/*", (2, 5)),
            ("apt-get update && apt-get clean\nRUN rm -rf /var/lib/apt/lists/*", (2, 5)),
            ("sudo apt-get update", (2, 5)),
        ] {
            case(bad).check("DF-040", Expect::Fail);
            assert_eq!(case(bad).places("DF-040"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-040")[0].action, Action::Inform);
        }
    }

    #[test]
    fn lists_that_go_or_never_come_pass() {
        for good in [
            "apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
            "<<EOF\napt-get update\nrm -fr /tmp/* /var/lib/apt/lists\nEOF",
            "apt-get update && rm -rf /var/lib/{apt,dpkg}/",
            "apt-get update && find /var/lib/apt/lists -type f -delete",
            "apt-get update && apt-get distclean",
            "--mount=type=cache,target=/var/lib/apt apt-get update",
            "--mount=type=tmpfs,dst=/var/lib/apt/lists apt-get update",
            "apt-get install -y curl",
            "echo apt-get update",
            "apt-get update\nFROM debian",
        ] {
            case(good).check("DF-040", Expect::Pass);
        }
    }

    #[test]
    fn a_removal_of_a_variable_can_not_be_told() {
        case("apt-get update && rm -rf $LISTS").check("DF-040", Expect::Unknown);
    }
}
