//! DF-042: apt installs what is asked for, and not what is recommended beside it.

use super::{
    About, Raised, Rule, RuleContext, commands,
    downloads::is_off,
    packages::{Manager, Operation, Verb},
};
use crate::{
    decide::Action,
    dockerfile::{Command, Step, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-042",
    name: "df_042_recommends_installed",
    title: "apt installs no recommended packages",
    severity: Severity::Low,
    action: Action::Inform,
    why: "Every package that nobody asked for may have flaws, and has to be kept up to date.",
    mend: "add `--no-install-recommends`, and name what is needed",
    bad: "FROM debian:12\nRUN apt-get update && apt-get install -y curl",
    good: "FROM debian:12\nRUN apt-get update && apt-get install -y --no-install-recommends curl",
    equivalents: &["CIS 4.3", "DL3015", "DS-0029"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "`--no-install-recommends`";

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether apt installs recommended packages",
    expected: EXPECTED,
    names: &["apt-get"],
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut all = Vec::new();
    let steps: Vec<_> = commands::in_image(context).collect();
    // A file of apt's own may say it for all.
    let is_configured = steps.iter().any(|placed| configures(placed.step));
    for placed in steps.into_iter().filter(|placed| placed.is("RUN") && !is_configured) {
        for command in placed.commands().filter(|command| takes_recommended(command)) {
            let title = "apt installs recommended packages too";
            let shown = command.words.iter().take(2).map(Word::text).collect::<Vec<_>>().join(" ");
            all.push(placed.fail_at(context, command, (title, EXPECTED), format!("`{shown} …`")));
        }
        all.extend(commands::untold(context, placed, ABOUT));
    }
    commands::once(all)
}

fn takes_recommended(command: &Command) -> bool {
    let Some(operation) = Operation::of(command) else { return false };
    let options = &operation.options;
    let is_off = |option: &str| {
        let (name, value) = option.split_once('=').unwrap_or_default();
        name.eq_ignore_ascii_case("APT::Install-Recommends") && is_off(value)
    };
    // Of local files the dependencies are asked for alike.
    operation.manager == Manager::Apt
        && operation.verb == Verb::Install
        && !options.has(&["--no-install-recommends", "--without-recommends", "-R"])
        && !options.values(&["-o", "--option"]).any(is_off)
}

fn configures(step: &Step) -> bool {
    let names = |text: &str| text.contains("Install-Recommends");
    let words = step.script.commands.iter().flat_map(|command| {
        let is_apt = Operation::of(command).is_some_and(|op| op.manager == Manager::Apt);
        command.words.iter().filter(move |_| !is_apt)
    });
    words.map(Word::text).any(names)
        || step.instruction.heredocs.iter().any(|heredoc| {
            names(&heredoc.content)
                && !heredoc.content.contains("--option")
                && heredoc.content.contains("Install-Recommends \"")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\n{steps}"))
    }

    #[test]
    fn recommended_packages_fail() {
        for (bad, place) in [
            ("RUN apt-get install -y curl", (2, 5)),
            ("RUN apt-get update && \\\n  apt-get -yq install curl", (3, 3)),
            ("RUN apt install -y curl", (2, 5)),
            ("RUN <<EOF\napt-get install -y curl\nEOF", (3, 1)),
            ("RUN apt-get install -y --install-recommends curl", (2, 5)),
            ("RUN apt-get install -o APT::Install-Recommends=true -y curl", (2, 5)),
        ] {
            case(bad).check("DF-042", Expect::Fail);
            assert_eq!(case(bad).places("DF-042"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-042")[0].action, Action::Inform);
        }
    }

    #[test]
    fn none_pass() {
        for good in [
            "RUN apt-get install -y --no-install-recommends curl",
            "RUN apt-get --no-install-recommends install -y curl",
            "RUN apt-get -o APT::Install-Recommends=0 install curl",
            "RUN apt-get install -yoAPT::Install-Recommends=false curl",
            "RUN echo 'APT::Install-Recommends \"false\";' > /etc/apt/apt.conf.d/00x\nRUN apt-get install -y curl",
            "COPY <<EOF /etc/apt/apt.conf.d/00x\nAPT::Install-Recommends \"0\";\nEOF\nRUN apt-get install -y curl",
            "RUN apt-get update",
            "RUN apk add curl",
            "RUN apt-get install -y curl\nFROM debian",
        ] {
            case(good).check("DF-042", Expect::Pass);
        }
    }
}
