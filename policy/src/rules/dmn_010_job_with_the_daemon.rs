//! DMN-010: jobs of GitLab reach a daemon over TLS, and not the daemon of the host.
//!
//! <https://docs.gitlab.com/ci/docker/using_docker_build/>. What runners are configured to do stands in no pipeline, and is not seen.

use super::{About, Raised, Rule, RuleContext, configs};
use crate::{
    configs::{self as files, Config, ConfigKind},
    decide::Action,
    yaml::{Entry, Node, Value},
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
            let is_bind = key == "volumes"
                || ["-v", "--volume", "--mount"].iter().any(|flag| text.contains(flag));
            if text.contains("docker.sock") && is_bind {
                let place = config.place(config.within(at, text, "docker.sock"));
                let title = "a job is given the socket of the host's daemon";
                found.push(context.fail(place, title, "`docker.sock`", EXPECTED));
            }
            for set in ["DOCKER_TLS_CERTDIR=\"\"", "DOCKER_TLS_CERTDIR=''", "DOCKER_HOST=tcp://"] {
                let is_plain = !set.ends_with("//") || text.contains(":2375");
                if text.contains(set) && is_plain {
                    let place = config.place(config.within(at, text, set));
                    found.push(context.fail(place, PLAIN, format!("`{set}`"), EXPECTED));
                }
            }
        }
        found
    })
}

const PLAIN: &str = "a job reaches its daemon without TLS";

fn of_entry(context: &RuleContext<'_>, config: &Config, entry: &Entry) -> Option<Raised> {
    // A variable may have its value in a mapping with a description.
    let node = entry.value.get("value").unwrap_or(&entry.value);
    let fail = |title: &str, node: &Node| {
        let found = format!("`{}`: {}", entry.key, node.value.describe());
        Some(context.fail(config.place(entry.at), title, found, EXPECTED))
    };
    match (entry.key.as_str(), &node.value) {
        ("DOCKER_TLS_CERTDIR", Value::Null) => fail(PLAIN, node),
        ("DOCKER_TLS_CERTDIR", Value::Text(text)) if text.is_empty() => fail(PLAIN, node),
        ("DOCKER_HOST", Value::Text(text)) if text.contains('$') => {
            let title = "which daemon a job reaches can not be told";
            let found = format!("`{}`: {}", entry.key, node.value.describe());
            Some(context.unknown(config.place(entry.at), title, found, EXPECTED))
        }
        ("DOCKER_HOST", Value::Text(text))
            if text.starts_with("tcp://") && text.trim_end_matches('/').ends_with(":2375") =>
        {
            fail(PLAIN, node)
        }
        ("privileged", Value::Boolean(true)) => fail("a job is privileged", node),
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
            ("build:\n  script:\n    - docker run -v /var/run/docker.sock:/s x\n", (3, 30)),
            ("build:\n  privileged: true\n", (2, 3)),
        ] {
            gitlab(text).check("DMN-010", Expect::Fail);
            assert_eq!(gitlab(text).places("DMN-010"), [place], "{text}");
        }
    }

    #[test]
    fn daemons_over_tls_pass() {
        gitlab(RULE.good).check("DMN-010", Expect::Pass);
        gitlab("build: {script: [\"echo docker.sock\"]}").check("DMN-010", Expect::Pass);
    }

    #[test]
    fn variables_and_broken_files_can_not_be_told() {
        gitlab("variables: {DOCKER_HOST: $WHERE}").check("DMN-010", Expect::Unknown);
        gitlab("build: [").check("DMN-010", Expect::Unknown);
    }
}
