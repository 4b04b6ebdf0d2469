//! DMN-010: jobs of GitLab reach a daemon over TLS, and not the daemon of the host.
//!
//! <https://docs.gitlab.com/ci/docker/using_docker_build/>. What runners are configured to do stands in no pipeline, and is not seen.

use super::{About, Raised, Rule, RuleContext, configs, job_commands};
use crate::{
    configs::{self as files, Config, ConfigKind},
    daemon::{Address, Started, Switch},
    decide::Action,
    yaml::{Entry, Value},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DMN-010",
    name: "dmn_010_job_with_the_daemon",
    title: "jobs reach a daemon over TLS, and never the host's",
    severity: Severity::High,
    action: Action::Warn,
    why: "A daemon without TLS in a job's network, or the host's socket in a job, gives whoever changes the pipeline root there.",
    mend: "leave `DOCKER_TLS_CERTDIR` at `/certs` and use port 2376, or build with BuildKit without root",
    bad: "variables:\n  DOCKER_TLS_CERTDIR: \"\"\n  DOCKER_HOST: tcp://docker:2375",
    good: "variables:\n  DOCKER_TLS_CERTDIR: /certs\n  DOCKER_HOST: tcp://docker:2376",
    equivalents: &[],
    about: &[About::Configs],
    parameters: &[],
    check,
};

const EXPECTED: &str = "a daemon of the job's own, over TLS on port 2376";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let of = (&[ConfigKind::Gitlab][..], EXPECTED);
    configs::of_kinds(context, of, |config| {
        let entries = files::entries(config.documents()).into_iter();
        let mut found: Vec<_> =
            entries.filter_map(|entry| of_entry(context, config, entry)).collect();
        for (key, at, text) in files::texts(config.documents()) {
            let of_text = of_text(key, text).into_iter();
            found.extend(of_text.map(|(part, title, is_seen)| {
                let place = config.place(config.within(at, text, part));
                let written = format!("`{part}`");
                match is_seen {
                    Seen::Yes => context.fail(place, title, written, EXPECTED),
                    Seen::Untold => context.unknown(place, title, written, EXPECTED),
                }
            }));
        }
        found
    })
}

const PLAIN: &str = "a job reaches its daemon without TLS";
const UNTOLD: &str = "whether a job reaches its daemon over TLS can not be told";
const HOST: &str = "a job gives a container the host of its daemon";

/// Whether it is there.
enum Seen {
    Yes,
    Untold,
}

/// What a text of a pipeline says of daemons and of containers: the part that says it, what it is, and whether that was seen.
fn of_text<'t>(key: &str, text: &'t str) -> Vec<(&'t str, &'static str, Seen)> {
    let mut found = Vec::new();
    if key == "volumes" {
        found.extend(job_commands::given_by_volume(text));
    }
    found.extend(job_commands::given_by_script(text));
    let given = found.into_iter().map(|given| match given.what {
        Some(_) => (given.word, HOST, Seen::Yes),
        None => (given.word, "what a job gives a container can not be told", Seen::Untold),
    });
    let mut found: Vec<_> = given.collect();
    for command in job_commands::commands(text) {
        found.extend(command.iter().filter_map(|word| assigned(word)));
        let started = if key == "command" || key == "entrypoint" || command.contains(&"dockerd") {
            Started::of(command.iter().copied())
        } else if let Some(rest) = job_commands::of_engine(&command) {
            Started::of_client(rest.iter().copied())
        } else {
            continue;
        };
        let tls = [("--tls", started.tls), ("--tlsverify", started.verifies)];
        for (name, _) in tls.into_iter().filter(|(_, switch)| *switch == Switch::Off) {
            let word = command.iter().find(|word| word.starts_with(name));
            found.extend(word.map(|word| (*word, PLAIN, Seen::Yes)));
        }
        let is_secure = started.tls == Switch::On || started.verifies == Switch::On;
        let hosts = started.hosts.into_iter().filter(|_| !is_secure);
        found.extend(
            hosts.filter_map(|host| reached(host).map(|(title, seen)| (host, title, seen))),
        );
    }
    found.truncate(job_commands::MOST);
    found
}

/// What an assignment of a shell says (`DOCKER_HOST=tcp://docker:2375`).
fn assigned(word: &str) -> Option<(&str, &'static str, Seen)> {
    let (name, value) = word.split_once('=')?;
    let value = value.trim_matches(['"', '\'']);
    match name {
        "DOCKER_TLS_CERTDIR" if value.is_empty() => Some((word, PLAIN, Seen::Yes)),
        "DOCKER_HOST" => reached(value).map(|(title, seen)| (word, title, seen)),
        _ => None,
    }
}

/// What is wrong with an address at which a daemon is reached.
fn reached(address: &str) -> Option<(&'static str, Seen)> {
    match Address::of(address).is_plain() {
        Some(true) => Some((PLAIN, Seen::Yes)),
        Some(false) => None,
        None => Some((UNTOLD, Seen::Untold)),
    }
}

fn of_entry(context: &RuleContext<'_>, config: &Config, entry: &Entry) -> Option<Raised> {
    // A variable may have its value in a mapping with a description.
    let node = entry.value.get("value").unwrap_or(&entry.value);
    let place = || config.place(entry.at);
    let found = format!("`{}`: {}", entry.key, node.value.describe());
    match (entry.key.as_str(), &node.value) {
        ("DOCKER_TLS_CERTDIR", Value::Null) => Some(context.fail(place(), PLAIN, found, EXPECTED)),
        ("DOCKER_TLS_CERTDIR", Value::Text(text)) if text.is_empty() => {
            Some(context.fail(place(), PLAIN, found, EXPECTED))
        }
        ("DOCKER_HOST", Value::Text(text)) => match reached(text)? {
            (title, Seen::Yes) => Some(context.fail(place(), title, found, EXPECTED)),
            (title, Seen::Untold) => Some(context.unknown(place(), title, found, EXPECTED)),
        },
        ("privileged", Value::Boolean(true)) => {
            Some(context.fail(place(), "a job is privileged", found, EXPECTED))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn gitlab(text: &str) -> Case {
        Case::default().config(".gitlab-ci.yml", text)
    }

    #[test]
    fn daemons_without_tls_and_sockets_of_the_host_are_found_where_they_stand() {
        for (text, place) in [
            ("variables:\n  DOCKER_TLS_CERTDIR: \"\"\n", (2, 3)),
            ("variables:\n  DOCKER_TLS_CERTDIR:\n", (2, 3)),
            ("variables: {DOCKER_TLS_CERTDIR: {value: \"\", description: x}}\n", (1, 13)),
            ("build:\n  variables:\n    DOCKER_HOST: tcp://docker:2375/\n", (3, 5)),
            ("build:\n  script:\n    - export DOCKER_HOST=tcp://docker:2375\n", (3, 14)),
            ("build:\n  script:\n    - docker run -v /var/run/docker.sock:/s x\n", (3, 21)),
            ("build:\n  privileged: true\n", (2, 3)),
            ("variables: {DOCKER_HOST: \"tcp://docker\"}\n", (1, 13)),
            ("variables: {DOCKER_HOST: \"docker:2375\"}\n", (1, 13)),
            ("variables: {DOCKER_HOST: \"http://docker:2376\"}\n", (1, 13)),
            (
                "b:\n  services:\n    - name: docker:dind\n      command: [\"--tls=false\"]\n",
                (4, 18),
            ),
            ("b:\n  script:\n    - export DOCKER_HOST=\"tcp://docker:2375\"\n", (3, 14)),
            ("b:\n  script:\n    - export DOCKER_TLS_CERTDIR=\n", (3, 14)),
            ("b:\n  script:\n    - docker --debug -H tcp://docker:2375 build .\n", (3, 25)),
            ("b:\n  script:\n    - docker run -v /run/podman/podman.sock:/s x\n", (3, 21)),
            ("b:\n  script:\n    - docker run -v /var/run:/var/run x\n", (3, 21)),
            ("b:\n  script:\n    - docker run --privileged x\n", (3, 18)),
            ("b:\n  script:\n    - |\n      set -e\n      docker run --pid=host x\n", (5, 24)),
            ("b:\n  volumes: [\"/run/containerd:/s\"]\n", (2, 14)),
        ] {
            gitlab(text).check("DMN-010", Expect::Fail);
            assert_eq!(gitlab(text).places("DMN-010"), [place], "{text}");
        }
    }

    #[test]
    fn daemons_over_tls_pass() {
        gitlab(RULE.good).check("DMN-010", Expect::Pass);
        for script in [
            "echo docker.sock",
            "curl -H 'Accept: text/plain' https://example.com",
            "docker run x curl -H 'Host: a' http://b",
            "docker --tls -H tcp://docker:1234 build .",
            "docker -H ssh://a@b build .",
            "docker run -v $CI_PROJECT_DIR:/src -v /builds:/builds x",
            "export DOCKER_TLS_CERTDIR=/certs DOCKER_HOST=tcp://docker:2376",
        ] {
            let text = format!("build:\n  script:\n    - |\n      {script}\n");
            gitlab(&text).check("DMN-010", Expect::Pass);
        }
    }

    #[test]
    fn variables_and_broken_files_can_not_be_told() {
        gitlab("variables: {DOCKER_HOST: $WHERE}").check("DMN-010", Expect::Unknown);
        gitlab("variables: {DOCKER_HOST: \"tcp://docker:1234\"}").check("DMN-010", Expect::Unknown);
        gitlab("b: {script: [\"export DOCKER_HOST=$WHERE\"]}").check("DMN-010", Expect::Unknown);
        gitlab("b: {script: [\"docker run -v $DOCKER_SOCK:/s x\"]}")
            .check("DMN-010", Expect::Unknown);
        gitlab("build: [").check("DMN-010", Expect::Unknown);
    }
}
