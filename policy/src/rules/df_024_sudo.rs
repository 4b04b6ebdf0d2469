//! DF-024: no `sudo`.

use super::{
    About, Raised, Rule, RuleContext, commands,
    commands::Placed,
    options::{Options, Valued},
    packages::Operation,
};
use crate::{
    decide::Action,
    dockerfile::{Command, Word},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-024",
    name: "df_024_sudo",
    title: "the image has no sudo",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "With sudo in the image the user that it runs as is root whenever it wants, and in a build it does nothing that `USER` does not.",
    mend: "switch with `USER root` and back for the steps that need it, and leave sudo out",
    bad: "FROM debian:12\nRUN apt-get update && apt-get install -y sudo",
    good: "FROM debian:12\nUSER root\nRUN apt-get update && apt-get install -y curl\nUSER 10001",
    equivalents: &["DL3004", "DS-0010", "CKV2_DOCKER_1", "DKL-DI-0001"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "`USER`, and no sudo";

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether a step uses sudo",
    expected: EXPECTED,
    names: &["sudo"],
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut all = Vec::new();
    for placed in commands::in_image(context) {
        for command in placed.commands() {
            if let Some(title) = complaint(command) {
                let shown = command.words.first().map(Word::text).unwrap_or_default();
                all.push(placed.fail_at(
                    context,
                    command,
                    (title, EXPECTED),
                    format!("`{shown} …`"),
                ));
            }
        }
        all.extend(of_files(context, placed));
        all.extend(commands::untold(context, placed, ABOUT));
    }
    commands::once(all)
}

fn complaint(command: &Command) -> Option<&'static str> {
    let starts = |word: &Word| matches!(word.text().rsplit('/').next(), Some("sudo"));
    // Behind the programs that start others: `env sudo x`, and the first word itself.
    let arguments = command.program().map_or(0, |(_, arguments)| arguments.len());
    let starters = command.words.len().saturating_sub(arguments);
    if command.words.iter().take(starters).any(starts) {
        return Some("a step runs sudo");
    }
    let is_sudo = |word: &Word| word.text().split(['=', ':']).next() == Some("sudo");
    if Operation::of(command).is_some_and(|operation| operation.installed().any(is_sudo)) {
        return Some("sudo is installed");
    }
    let is_rights = |file: &str| is_sudoers(file);
    if commands::writes_to(command, is_rights) || gives_rights(command) {
        return Some("a step gives rights to run programs as root");
    }
    None
}

/// Whether a command puts or edits a file of rights, or takes somebody into the group that has them.
fn gives_rights(command: &Command) -> bool {
    let Some((program, arguments)) = command.program() else { return false };
    let texts = || arguments.iter().map(Word::text);
    let is_group = |word: &str| word.split(',').any(|group| group == "sudo");
    match program {
        "install" | "cp" | "mv" | "ln" => texts().next_back().is_some_and(is_sudoers),
        "sed" | "perl" => texts().skip(1).any(is_sudoers),
        "usermod" | "useradd" | "gpasswd" => {
            let names = &["--groups", "--add", "--append"];
            let valued = Valued { letters: "Gaugdscpbekfu", names };
            // Of `usermod`, `-a` takes no value.
            let letters = if program == "gpasswd" { valued.letters } else { "Ggudscpbekf" };
            let options = Options::of(arguments, Valued { letters, ..valued });
            let is_member = options.values(&["-G", "--groups"]).any(is_group);
            let is_of_group = program == "gpasswd" && options.has(&["-a", "--add"]);
            is_member || (is_of_group && options.operands.iter().any(|word| is_group(word.text())))
        }
        "adduser" | "addgroup" => {
            texts().filter(|text| !text.starts_with('-')).count() > 1
                && texts().next_back().is_some_and(is_group)
        }
        _ => false,
    }
}

fn is_sudoers(file: &str) -> bool {
    file == "/etc/sudoers" || file.starts_with("/etc/sudoers.d")
}

fn of_files(context: &RuleContext<'_>, placed: Placed<'_>) -> Option<Raised> {
    if !(placed.is("COPY") || placed.is("ADD")) {
        return None;
    }
    let to = placed.step.arguments.last()?.known().filter(|to| is_sudoers(to))?;
    let title = "a file gives rights to run programs as root";
    Some(placed.fail(context, (title, EXPECTED), format!("`{to}`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(run: &str) -> Case {
        Case::default().dockerfile(&format!("FROM debian\n{run}"))
    }

    #[test]
    fn run_installed_and_allowed_fail() {
        for (bad, place) in [
            ("RUN sudo apt-get update", (2, 5)),
            ("RUN true && \\\n  /usr/bin/sudo -E -u app x", (3, 3)),
            ("RUN env A=b sudo x", (2, 5)),
            ("RUN <<EOF\ntrue\nsudo x\nEOF", (4, 1)),
            ("RUN apt-get install -y curl sudo", (2, 5)),
            ("RUN apk add --no-cache sudo=1.9", (2, 5)),
            ("RUN dnf -y install sudo", (2, 5)),
            ("RUN echo 'app ALL=(ALL) NOPASSWD:ALL' >> /etc/sudoers", (2, 5)),
            ("RUN echo x | tee /etc/sudoers.d/app", (2, 14)),
            ("COPY sudoers /etc/sudoers.d/app", (2, 1)),
            ("RUN install -m440 x /etc/sudoers.d/x", (2, 5)),
            ("RUN usermod -aG sudo app", (2, 5)),
            ("RUN true && useradd -m --groups=adm,sudo app", (2, 13)),
            ("RUN adduser app sudo", (2, 5)),
            ("RUN gpasswd -a app sudo", (2, 5)),
            ("RUN sed -i 's/x/y/' /etc/sudoers", (2, 5)),
            ("RUN mv x /etc/sudoers", (2, 5)),
            ("CMD sudo x", (2, 5)),
            ("ENTRYPOINT [\"sudo\", \"x\"]", (2, 12)),
        ] {
            case(bad).check("DF-024", Expect::Fail);
            assert_eq!(case(bad).places("DF-024"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-024")[0].action, Action::Warn);
        }
    }

    #[test]
    fn words_that_only_look_like_it_pass() {
        for good in [
            "RUN echo sudo",
            "RUN apt-get install -y sudoku",
            "RUN usermod -aG adm sudo && usermod -G sudoers app && useradd sudo && adduser sudo",
            "RUN gpasswd -d app sudo && cp /etc/sudoers /x && sed -n p /etc/passwd",
            "RUN apt-get remove -y sudo",
            "RUN $SUDO apt-get update",
            "COPY sudo.md /doc/",
            "RUN x\nFROM debian\nRUN y",
        ] {
            case(good).check("DF-024", Expect::Pass);
        }
        // What a stage runs that gives no layers is not in the image.
        case("RUN sudo x\nFROM debian").check("DF-024", Expect::Pass);
    }
}
