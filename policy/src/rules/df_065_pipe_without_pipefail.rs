//! DF-065: a pipe fails where one of its commands fails.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-065",
    name: "df_065_pipe_without_pipefail",
    title: "pipes run with `pipefail`",
    severity: Severity::Low,
    action: Action::Inform,
    why: "Only the last command of a pipe decides: a download that breaks off goes on as if it were whole.",
    mend: "write `SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]`, or `set -o pipefail` in front of the pipe",
    bad: "FROM debian:12\nRUN curl -f https://example.com/list | sort > list",
    good: "FROM debian:12\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN curl -f https://example.com/list | sort > list",
    equivalents: &["DL4006"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "`set -o pipefail`";

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether a pipe hides a failure",
    expected: EXPECTED,
    names: &[],
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut all = Vec::new();
    for placed in commands::reachable(context).filter(|placed| placed.is("RUN")) {
        all.extend(commands::untold(context, placed, ABOUT));
        if placed.commands().any(sets) || shell_sets(placed) {
            continue;
        }
        // What only prints does not fail.
        let prints = |command: &Command| {
            matches!(command.program(), Some(("echo" | "printf" | "yes" | "true" | ":", _)))
        };
        let script = placed.script();
        let is_piped = |(number, command): &(usize, &Command)| {
            !prints(command) && script.readers(*number).next().is_some()
        };
        if let Some((_, command)) = placed.commands().enumerate().find(is_piped) {
            let title = "a pipe passes although its first commands fail";
            let shown = command.words.first().map(Word::text).unwrap_or_default();
            all.push(placed.fail_at(context, command, (title, EXPECTED), format!("`{shown} … |`")));
        }
    }
    all
}

/// `set -o pipefail`, `set -euo pipefail`, `bash -o pipefail`.
fn sets(command: &Command) -> bool {
    let is_setting = command.arguments_of("set").is_some() || command.is_shell();
    is_setting && command.has_word("pipefail")
}

/// Whether the `SHELL` that the step runs in sets it.
fn shell_sets(placed: Placed<'_>) -> bool {
    let own = placed.stage.steps.iter().take_while(|step| step.at() < placed.step.at());
    let below = placed.build.chain(placed.stage).skip(1).map(|stage| stage.steps.as_slice());
    let own: Vec<_> = own.collect();
    let shell = own.into_iter().rfind(|step| step.keyword() == "SHELL").or_else(|| {
        below.into_iter().find_map(|steps| steps.iter().rfind(|step| step.keyword() == "SHELL"))
    });
    let mut words = shell.into_iter().flat_map(|step| &step.arguments);
    words.any(|word| word.known().is_some_and(|text| text.contains("pipefail")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\n{steps}"))
    }

    #[test]
    fn pipes_that_hide_a_failure_fail() {
        for (bad, place) in [
            ("RUN curl x | sort", (2, 5)),
            ("RUN true && \\\n  wget -O- x \\\n  | wc -l > y", (3, 3)),
            ("RUN echo x | grep y | sort", (2, 14)),
            ("RUN <<EOF\nset -e\na | b\nEOF", (4, 1)),
            ("RUN bash -c 'a | b'", (2, 13)),
            ("SHELL [\"/bin/bash\", \"-c\"]\nRUN a | b", (3, 5)),
            (
                "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nSHELL [\"/bin/sh\", \"-c\"]\nRUN a | b",
                (4, 5),
            ),
        ] {
            case(bad).check("DF-065", Expect::Fail);
            assert_eq!(case(bad).places("DF-065"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-065")[0].action, Action::Inform);
        }
    }

    #[test]
    fn pipefail_and_what_can_not_fail_pass() {
        for good in [
            "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b",
            "SHELL [\"/bin/ash\", \"-eo\", \"pipefail\", \"-c\"]\nRUN a | b",
            "RUN set -o pipefail && a | b",
            "RUN set -euxo pipefail; a | b",
            "RUN <<EOF\nset -eo pipefail\na | b\nEOF",
            "RUN bash -o pipefail -c 'a | b'",
            "RUN echo 'ab  y' | sha256sum -c",
            "RUN a || b",
            "RUN echo 'a | b'",
            "SHELL [\"powershell\"]\nRUN a | b",
            "CMD a | b",
            "RUN a | b\nFROM c",
        ] {
            case(good).check("DF-065", Expect::Pass);
        }
        let inherited =
            "FROM a AS x\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nFROM x\nRUN a | b";
        Case::default().dockerfile(inherited).check("DF-065", Expect::Pass);
    }
}
