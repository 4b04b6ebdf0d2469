//! DF-091: nothing in the image is made to command a container runtime.

use super::{
    About, Raised, Rule, RuleContext,
    commands::{self, Placed},
    inputs,
    options::{Options, Valued},
    texts,
};
use crate::{
    decide::Action,
    dockerfile::{Argument, Command, Position, Word},
    host,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-091",
    name: "df_091_runtime_socket",
    title: "nothing in the image is made to command a container runtime",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Whoever commands the runtime of a host is root there. An image that expects its socket, or its API over TCP without TLS, asks for just that wherever it is run.",
    mend: "do without the socket; where the API is needed, ask a proxy in front of it that lets single calls through, named where the container is run",
    bad: "ENV DOCKER_HOST=tcp://docker:2375",
    good: "no `DOCKER_HOST`, and no socket of a runtime",
    equivalents: &["CIS 5.32"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no socket of a container runtime, and no `DOCKER_HOST` over TCP";
const TITLE: &str = "the image is made to command a container runtime";
const UNTOLD: &str = "it can not be told whether the image is made to command a container runtime";
const ABOUT: commands::Untold = commands::Untold { title: UNTOLD, expected: EXPECTED, names: &[] };

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    commands::of_reachable(context, ABOUT, |placed| match placed.step.keyword() {
        "ENV" | "ARG" => {
            let arguments = placed.step.arguments.iter();
            arguments.filter_map(|argument| of_pair(context, placed, argument)).collect()
        }
        "VOLUME" | "COPY" | "ADD" | "WORKDIR" => {
            let arguments = placed.step.arguments.iter();
            let socket = |argument: &Argument| {
                let text = argument.known().or(argument.written.as_deref())?;
                Some((argument.at, host::socket_in(text)?))
            };
            let found = arguments.filter_map(socket);
            let of_arguments =
                found.map(|(at, socket)| fail(context, placed, at, format!("`{socket}`")));
            of_arguments.chain(of_texts(context, placed)).collect()
        }
        _ => {
            let of_mounts = placed.step.instruction.flags.iter().filter_map(|flag| {
                let socket = host::socket_in(flag.value.as_deref()?)?;
                Some(fail(context, placed, flag.at, format!("`{socket}`")))
            });
            let found =
                placed.commands().filter_map(|command| Some((command.at, of_command(command)?)));
            let of_commands = found.map(|(at, found)| fail(context, placed, at, found));
            of_mounts.chain(of_commands).chain(of_texts(context, placed)).collect()
        }
    })
}

/// What stands in files that are written, and in scripts that are not read.
fn of_texts(context: &RuleContext<'_>, placed: Placed<'_>) -> impl Iterator<Item = Raised> {
    let found = texts::unread(placed).into_iter().filter_map(|(at, text)| {
        let hosts = ["DOCKER_HOST=tcp://", "DOCKER_HOST = \"tcp://", "DOCKER_HOST='tcp://"];
        let named = host::socket_in(text).map(|socket| format!("`{socket}`"));
        let is_host = || hosts.iter().any(|host| text.contains(host));
        Some((at, named.or_else(|| is_host().then(|| "`DOCKER_HOST` over TCP".to_owned()))?))
    });
    let raised: Vec<_> = found.map(|(at, found)| fail(context, placed, at, found)).collect();
    raised.into_iter()
}

fn fail(context: &RuleContext<'_>, placed: Placed<'_>, at: Position, found: String) -> Raised {
    context.fail(inputs::place(placed.build, at), TITLE, found, EXPECTED)
}

fn of_pair(context: &RuleContext<'_>, placed: Placed<'_>, argument: &Argument) -> Option<Raised> {
    let written = argument.written.as_deref()?;
    let text = argument.known().unwrap_or(written);
    if let Some(socket) = host::socket_in(text) {
        return Some(fail(context, placed, argument.at, format!("`{socket}`")));
    }
    if argument.name.as_deref() != Some("DOCKER_HOST") {
        return None;
    }
    if is_network(text.trim_start_matches(['"', '\''])) {
        return Some(fail(context, placed, argument.at, "`DOCKER_HOST` over TCP".to_owned()));
    }
    let scheme = text.trim_start_matches('"').split("://").next().unwrap_or_default();
    let is_hidden = argument.known().is_none() && (scheme.contains('$') || !text.contains("://"));
    is_hidden.then(|| {
        let found = "`DOCKER_HOST` depends on a variable whose value is not known here";
        context.unknown(inputs::place(placed.build, argument.at), UNTOLD, found, EXPECTED)
    })
}

/// What a command does with a socket or the API.
fn of_command(command: &Command) -> Option<String> {
    let assigned = command.assignments.iter().find_map(|(name, word)| {
        (name == "DOCKER_HOST" && is_network(word.text()))
            .then(|| "`DOCKER_HOST` over TCP".to_owned())
    });
    let (program, arguments) = command.program().unwrap_or_default();
    // What is printed at build time, and goes nowhere, does nothing.
    if matches!(program, "echo" | "printf") && command.redirects.is_empty() {
        return assigned;
    }
    // Also behind `env` and `export`.
    let exported = || {
        let words = command.words.iter().map(Word::text);
        let mut texts = words.filter_map(|text| text.strip_prefix("DOCKER_HOST="));
        texts.find(|text| is_network(text)).map(|_| "`DOCKER_HOST` over TCP".to_owned())
    };
    let listens = || {
        let is_docker = matches!(program, "docker" | "dockerd" | "docker-compose");
        (is_docker && asks_network(arguments)).then(|| format!("`{program}` over TCP"))
    };
    let names_socket = || {
        let assigned = command.assignments.iter().map(|(_, word)| word);
        let redirected = command.redirects.iter().map(|redirect| &redirect.to);
        let mut words = command.words.iter().chain(assigned).chain(redirected);
        words.find_map(|word| host::socket_in(word.text())).map(|socket| format!("`{socket}`"))
    };
    assigned.or_else(exported).or_else(listens).or_else(names_socket)
}

/// Whether the engine is told to listen at, or to be asked at, an address of a network.
fn asks_network(arguments: &[Word]) -> bool {
    let options = Options::of(arguments, Valued { letters: "Hcl", names: &["--host", "--docker"] });
    let named = options.values(&["-H", "--host"]).any(is_network);
    // `docker context create x --docker host=tcp://…`
    let endpoints = options.values(&["--docker"]).flat_map(|endpoint| endpoint.split(','));
    let mut hosts = endpoints.filter_map(|field| field.strip_prefix("host="));
    named || hosts.any(is_network) || arguments.iter().any(|word| word.text().starts_with("tcp://"))
}

/// Whether an address of a daemon is one of a network, and not secured by SSH. Without a scheme it is one of TCP.
fn is_network(address: &str) -> bool {
    let address = address.trim_start_matches('=').trim_matches(['"', '\'']);
    let is_told =
        !address.contains("://") && !address.is_empty() && !address.starts_with(['$', '/']);
    is_tcp(address) || is_told
}

fn is_tcp(address: &str) -> bool {
    let address = address.to_ascii_lowercase();
    ["tcp://", "http://", "https://"].iter().any(|scheme| address.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn sockets_fail_wherever_they_are_named() {
        let bad = [
            "FROM a\nVOLUME /data /var/run/docker.sock",
            "FROM a\nVOLUME [\"/run/containerd/containerd.sock\"]",
            "FROM a\nENV A=b SOCK=/run/podman/podman.sock",
            "FROM a\nENV DOCKER_HOST unix:///var/run/docker.sock",
            "FROM a\nARG S=/var/run/crio/crio.sock",
            "FROM a\nRUN x && ln -s /run/docker.sock /x",
            "FROM a\nRUN echo DOCKER=/var/run/docker.sock > /etc/env",
            "FROM a\nRUN S=/var/run/docker.sock x",
            "FROM a\nRUN <<EOF\nchmod 666 /var/run/docker.sock\nEOF\n",
            "FROM a\nRUN curl --unix-socket /var/run/docker.sock http://x",
            "FROM a\nRUN --mount=type=bind,source=x,target=/var/run/docker.sock x",
            "FROM a\nENTRYPOINT [\"x\", \"--endpoint=unix:///var/run/docker.sock\"]",
            "FROM a AS b\nRUN x /run/docker.sock\nFROM c\nCOPY --from=b / /",
        ];
        check_files("DF-091", Expect::Fail, &bad);
        let places = |at: usize| Case::default().dockerfile(bad[at]).places("DF-091");
        assert_eq!((places(0), places(2), places(5)), (vec![(2, 14)], vec![(2, 9)], vec![(2, 10)]));
    }

    #[test]
    fn the_api_over_a_network_fails() {
        let bad = [
            "FROM a\nENV DOCKER_HOST=tcp://docker:2375",
            "FROM a\nENV DOCKER_HOST=\"TCP://$HOST:2376\"",
            "FROM a\nENV DOCKER_HOST tcp://h",
            "FROM a\nARG P=2375\nENV DOCKER_HOST=tcp://h:$P",
            "FROM a\nRUN DOCKER_HOST=tcp://h docker ps",
            "FROM a\nRUN export DOCKER_HOST=tcp://h; x",
            "FROM a\nCMD dockerd -H tcp://0.0.0.0:2375",
            "FROM a\nCMD [\"dockerd\", \"--host=tcp://0.0.0.0:2375\"]",
            "FROM a\nRUN env DOCKER_HOST=tcp://x docker ps",
            "FROM a\nRUN docker -H=tcp://x:2375 ps",
            "FROM a\nCMD dockerd -H 0.0.0.0:2375",
            "FROM a\nCMD [\"dockerd\", \"-H\", \"unix:///x\", \"-H\", \"0.0.0.0:2375\"]",
            "FROM a\nRUN docker context create x --docker host=tcp://x:2375",
            "FROM a\nRUN docker context create x --docker=ca=/c,host=tcp://x:2375",
            "FROM a\nENV DOCKER_HOST=docker:2375",
        ];
        check_files("DF-091", Expect::Fail, &bad);
    }

    #[test]
    fn twins_that_command_nothing_pass() {
        let good = [
            "FROM a\nENV DOCKER_HOST=ssh://me@host DOCKER=docker.socket HOST=tcp://h:2375",
            "FROM a\nRUN echo 'mount /var/run/docker.sock'",
            "FROM a\n# /var/run/docker.sock\nRUN ls /var/run/app.sock # /var/run/docker.sock",
            "FROM a\nRUN curl tcp://h:1 && docker build .",
            "FROM a AS b\nRUN x /run/docker.sock\nFROM c",
            "FROM a\nRUN docker build https://h/x.git",
            "FROM a\nRUN docker -H ssh://me@h ps && env DOCKER_HOST=ssh://h docker ps",
            "FROM a\nRUN docker run -h name x && dockerd -H fd:// && docker -H $H ps",
            "FROM a\nENV DOCKER_HOST=\"\"",
            "FROM a\nENV DOCKER_HOST=ssh://$H",
        ];
        check_files("DF-091", Expect::Pass, &good);
    }

    #[test]
    fn an_address_without_a_value_can_not_be_told() {
        let bad = [
            "FROM a\nENV DOCKER_HOST=$H",
            "FROM a\nARG H\nENV DOCKER_HOST=\"${H}\"",
            "FROM a\nARG X\nENV DOCKER_HOST=t${X}://y",
            "FROM a\nARG X\nENV DOCKER_HOST=${X}tcp",
            "FROM a\nRUN x 'y",
        ];
        check_files("DF-091", Expect::Unknown, &bad);
    }
}
