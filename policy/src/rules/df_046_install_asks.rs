//! DF-046: package managers ask nobody, and the one for scripts is used.

use super::{
    About, Raised, Rule, RuleContext, commands,
    packages::{Manager, Operation, Verb},
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "DF-046",
    name: "df_046_install_asks",
    title: "package managers run without questions, and `apt-get` instead of `apt`",
    severity: Severity::Low,
    action: Action::Inform,
    why: "In a build nobody answers, and the interface of `apt` is for people and may change.",
    mend: "add `-y` (zypper: `--non-interactive`), and write `apt-get` for `apt`",
    bad: "FROM debian:12\nRUN apt install curl",
    good: "FROM debian:12\nRUN apt-get install -y curl",
    equivalents: &["DL3014", "DL3027", "DL3030", "DL3034", "DL3038", "DS-0021", "CKV_DOCKER_9"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether an install asks before it goes on",
    expected: "an answer that is given beforehand",
    names: commands::PACKAGERS,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut all = Vec::new();
    let runs: Vec<_> = commands::in_image(context).filter(|placed| placed.is("RUN")).collect();
    // A file of apt's own may say it for all.
    let says_yes = |word: &Word| word.text().contains("APT::Get::Assume-Yes");
    let mut words = runs.iter().flat_map(|placed| placed.commands()).flat_map(|c| &c.words);
    let is_configured = words.any(says_yes);
    for placed in runs {
        // `yes | apt-get install`.
        let answers = |(_, other): &(usize, &Command)| {
            matches!(other.program(), Some(("yes" | "echo" | "printf", _)))
        };
        let answered = placed.commands().enumerate().filter(answers);
        let readers = answered.flat_map(|(number, _)| placed.script().readers(number));
        let answered: BTreeSet<_> = readers.map(|command| command.at).collect();
        for command in placed.commands() {
            let Some(operation) = Operation::of(command) else { continue };
            if operation.program == "apt" {
                let (title, expected) = ("`apt` is used in a script", "`apt-get`");
                all.push(placed.fail_at(context, command, (title, expected), "`apt`"));
            }
            let is_told = operation.manager == Manager::Apt && is_configured;
            let missing =
                missing(&operation).filter(|_| !is_told && !answered.contains(&command.at));
            if let Some(expected) = missing {
                let title = format!("`{}` asks before it goes on", operation.program);
                let found = format!("no {expected}");
                all.push(placed.fail_at(context, command, (&title, expected), found));
            }
        }
        all.extend(commands::untold(context, placed, ABOUT));
    }
    commands::once(all)
}

/// What is missing for it to ask nothing.
fn missing(operation: &Operation<'_>) -> Option<&'static str> {
    if !matches!(operation.verb, Verb::Install | Verb::Upgrade | Verb::Remove) {
        return None;
    }
    let options = &operation.options;
    let is_yes = options.has(&["-y", "--yes", "--assume-yes", "--assumeyes"]);
    match operation.manager {
        Manager::Apt => {
            let quiet = options.all.iter().filter(|(name, _)| name == "-q").count();
            let is_quiet = options.values(&["-q", "--quiet"]).any(|level| level == "2");
            let is_set = |option: &str| option.to_ascii_lowercase().contains("assume-yes");
            let is_fine = is_yes
                || quiet > 1
                || is_quiet
                || options.has(&["--force-yes", "-s", "--simulate", "--download-only"])
                || options.values(&["-o", "--option"]).any(is_set);
            (!is_fine).then_some("`-y`")
        }
        Manager::Yum | Manager::Dnf => (!is_yes).then_some("`-y`"),
        Manager::Zypper => {
            let is_fine = is_yes
                || options.has(&[
                    "-n",
                    "--non-interactive",
                    "--no-confirm",
                    "--non-interactive-include-reboot-patches",
                ]);
            (!is_fine).then_some("`--non-interactive`")
        }
        Manager::Apk
        | Manager::Pip
        | Manager::Npm
        | Manager::Yarn
        | Manager::Pnpm
        | Manager::Gem
        | Manager::Go
        | Manager::Cargo => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\n{steps}"))
    }

    #[test]
    fn questions_and_apt_fail() {
        for (bad, place) in [
            ("RUN apt-get install curl", (2, 5)),
            ("RUN apt-get update && \\\n  apt-get install -q curl", (3, 3)),
            ("RUN apt install -y curl", (2, 5)),
            ("RUN apt update", (2, 5)),
            ("RUN apt-get upgrade", (2, 5)),
            ("RUN yum install curl", (2, 5)),
            ("RUN dnf install curl", (2, 5)),
            ("RUN zypper install curl", (2, 5)),
            ("RUN <<EOF\napt-get purge curl\nEOF", (3, 1)),
        ] {
            case(bad).check("DF-046", Expect::Fail);
            assert_eq!(case(bad).places("DF-046"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-046")[0].action, Action::Inform);
        }
    }

    #[test]
    fn commands_that_ask_nothing_pass() {
        for good in [
            "RUN apt-get install -y curl",
            "RUN apt-get -yqq install curl",
            "RUN apt-get install -qq curl",
            "RUN apt-get install --assume-yes curl",
            "RUN apt-get -q=2 install curl && apt-get --yes purge curl",
            "RUN yes | apt-get install curl",
            "RUN echo 'APT::Get::Assume-Yes \"true\";' > /etc/apt/apt.conf.d/y\nRUN apt-get install curl",
            "RUN yum -y install curl",
            "RUN dnf install --assumeyes curl",
            "RUN zypper -n install curl",
            "RUN zypper install -y curl",
            "RUN apt-get update && apt-get clean",
            "RUN apt-key x",
            "RUN apt install x\nFROM debian",
        ] {
            case(good).check("DF-046", Expect::Pass);
        }
    }
}
