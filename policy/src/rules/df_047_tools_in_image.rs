//! DF-047: tools for building and for attacking stay out of what ships.

use super::{
    About, Raised, Rule, RuleContext, commands, inputs,
    packages::{Operation, Verb},
};
use crate::{
    decide::Action,
    dockerfile::{Build, Command, Step, Word},
};
use plimsoll_model::Severity;
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "DF-047",
    name: "df_047_tools_in_image",
    title: "the image that is built has no compilers, downloaders and network tools",
    severity: Severity::Low,
    action: Action::Warn,
    why: "Whoever gets into the container finds at hand what is needed to go on.",
    mend: "build in a stage of its own and copy the result, or remove the tool in the `RUN` that installs it",
    bad: "FROM debian:12\nRUN apt-get update && apt-get install -y gcc netcat-openbsd",
    good: "FROM debian:12 AS build\nRUN apt-get update && apt-get install -y gcc && make\nFROM debian:12\nCOPY --from=build /app /app",
    equivalents: &["CIS 4.3", "DL3001"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a stage of its own for what is needed to build";
/// Packages, and the programs in them that justify one where the image itself runs them.
const TOOLS: [(&str, &[&str]); 39] = [
    ("gcc", &["gcc", "cc"]),
    ("g++", &["g++", "c++"]),
    ("gcc-c++", &["g++", "c++"]),
    ("clang", &["clang"]),
    ("make", &["make"]),
    ("cmake", &["cmake"]),
    ("build-essential", &["gcc", "make"]),
    ("build-base", &["gcc", "make"]),
    ("alpine-sdk", &["gcc", "make"]),
    ("@development-tools", &["gcc", "make"]),
    ("@development", &["gcc", "make"]),
    ("base-devel", &["gcc", "make"]),
    ("git", &["git"]),
    ("git-core", &["git"]),
    ("curl", &["curl"]),
    ("wget", &["wget"]),
    ("netcat", &["nc", "netcat"]),
    ("netcat-openbsd", &["nc", "netcat"]),
    ("netcat-traditional", &["nc", "netcat"]),
    ("nc", &["nc"]),
    ("ncat", &["nc", "ncat"]),
    ("nmap", &["nmap"]),
    ("nmap-ncat", &["nc", "ncat"]),
    ("socat", &["socat"]),
    ("telnet", &["telnet"]),
    ("inetutils-telnet", &["telnet"]),
    ("busybox-extras", &["telnet"]),
    ("ssh", &["ssh"]),
    ("openssh-client", &["ssh"]),
    ("openssh-clients", &["ssh"]),
    ("openssh-client-default", &["ssh"]),
    ("vim", &["vim", "vi"]),
    ("vim-tiny", &["vim", "vi"]),
    ("vim-enhanced", &["vim", "vi"]),
    ("vim-nox", &["vim", "vi"]),
    ("strace", &["strace"]),
    ("gdb", &["gdb"]),
    ("tcpdump", &["tcpdump"]),
    ("hydra", &["hydra"]),
];

const ABOUT: commands::Untold = commands::Untold {
    title: "it can not be told whether tools for building or for attacking are in the image",
    expected: EXPECTED,
    names: commands::PACKAGERS,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut all: Vec<_> =
        context.builds().iter().flat_map(|build| of_build(context, build)).collect();
    let runs = commands::in_image(context).filter(|placed| placed.is("RUN"));
    all.extend(commands::untold_of(context, runs, ABOUT));
    all
}

fn of_build(context: &RuleContext<'_>, build: &Build) -> Vec<Raised> {
    let stages = build.in_image();
    let steps: Vec<&Step> = stages.iter().flat_map(|stage| &stage.steps).collect();
    let of = |keywords: &'static [&str]| {
        let steps = steps.iter().filter(move |step| keywords.contains(&step.keyword()));
        steps.flat_map(|step| &step.script.commands)
    };
    let removed: BTreeSet<&str> = of(&["RUN"]).flat_map(removed_by).collect();
    let started = of(&["CMD", "ENTRYPOINT", "HEALTHCHECK"]).filter_map(Command::program);
    let started: BTreeSet<&str> = started.map(|(program, _)| program).collect();
    let is_kept = |name: &&str| {
        let name = name.split(['=', '/', ':', '<', '>', '~']).next().unwrap_or(name);
        let tool = TOOLS.iter().find(|(package, _)| *package == name);
        tool.is_some_and(|(_, programs)| {
            !removed.contains(name) && programs.iter().all(|program| !started.contains(program))
        })
    };
    let of_command = |command: &Command| {
        let operation = Operation::of(command)?;
        if operation.options.values(&["--virtual", "-t"]).any(|name| removed.contains(name)) {
            return None;
        }
        let kept = operation.installed().map(Word::text).filter(is_kept);
        let kept: Vec<_> = kept.map(|name| format!("`{name}`")).collect();
        let title = "tools for building or for attacking are in the image";
        let place = inputs::place(build, command.at);
        (!kept.is_empty()).then(|| context.fail(place, title, kept.join(", "), EXPECTED))
    };
    let runs = steps.iter().filter(|step| step.keyword() == "RUN" && !removes_unknown(step));
    let all = runs.flat_map(|step| &step.script.commands).filter_map(of_command);
    commands::once(all.collect())
}

/// What a command removes.
fn removed_by(command: &Command) -> Vec<&str> {
    let operation = Operation::of(command).filter(|operation| operation.verb == Verb::Remove);
    let packages = operation.map(|operation| operation.packages).unwrap_or_default();
    packages.into_iter().map(Word::text).collect()
}

/// Whether the step removes what a variable names, or everything that it marked before: it may be any of them.
fn removes_unknown(step: &Step) -> bool {
    let commands = &step.script.commands;
    let marks = commands
        .iter()
        .any(|command| command.arguments_of("apt-mark").is_some_and(|_| command.has_word("auto")));
    commands.iter().any(|command| {
        let Some(operation) = Operation::of(command) else { return false };
        let names_unknown = operation.packages.iter().any(|word| word.value.known().is_none());
        operation.verb == Verb::Remove && (marks || names_unknown)
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
    fn tools_that_stay_fail() {
        for (bad, place) in [
            ("RUN apt-get update && apt-get install -y gcc", (2, 23)),
            (
                "RUN apt-get update && \\\n  apt-get install -y --no-install-recommends \\\n  git=1:2 jq",
                (3, 3),
            ),
            ("RUN apk add --no-cache curl", (2, 5)),
            ("RUN apk add -t .d make && apk del .e", (2, 5)),
            ("RUN dnf install -y nmap-ncat", (2, 5)),
            ("RUN yum install -y vim-enhanced && yum remove -y nano", (2, 5)),
            ("RUN <<EOF\napt-get install -y netcat-openbsd\nEOF", (3, 1)),
            ("RUN apt-get install -y curl\nHEALTHCHECK CMD wget x", (2, 5)),
        ] {
            case(bad).check("DF-047", Expect::Fail);
            assert_eq!(case(bad).places("DF-047"), [place], "{bad}");
            assert_eq!(case(bad).findings("DF-047")[0].action, Action::Warn);
        }
        let found = case("RUN apt-get install -y a gcc=1 b git").findings("DF-047");
        assert_eq!(found[0].finding.found, "`gcc=1`, `git`");
    }

    #[test]
    fn removed_needed_and_in_another_stage_pass() {
        for good in [
            "RUN apt-get install -y gcc && make && apt-get purge -y --auto-remove gcc",
            "RUN apk add --no-cache --virtual .deps gcc make && make && apk del .deps",
            "RUN apk add -t .deps gcc && apk del --no-network .deps",
            "RUN B=gcc; apt-get install -y $B; apt-get purge -y $B",
            "RUN apt-mark auto '.*'; apt-get install -y gcc; apt-get purge -y --auto-remove",
            "RUN apt-get install -y gcc; apt-get purge -y $DEPS",
            "RUN apt-get install -y curl\nHEALTHCHECK CMD curl -f http://localhost/",
            "RUN apt-get install -y git\nENTRYPOINT [\"git\", \"serve\"]",
            "RUN apt-get install -y libcurl4 ca-certificates gcc-12-base",
            "RUN apt-get install -y gcc\nFROM debian\nCOPY --from=0 /a /a",
            "RUN echo apt-get install gcc",
        ] {
            case(good).check("DF-047", Expect::Pass);
        }
    }
}
