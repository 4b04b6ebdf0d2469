//! CMP-004: no container runtime is commanded over TCP without TLS.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{compose::HOLE, decide::Action};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-004",
    name: "cmp_004_runtime_over_tcp",
    title: "no container runtime is commanded over TCP without TLS",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "The API of a runtime without TLS is root on its host for everyone who reaches the port.",
    mend: "leave it out; where it has to be, use port 2376 with `DOCKER_TLS_VERIFY` or `--tlsverify`",
    bad: "environment: {DOCKER_HOST: 'tcp://dind:2375'}",
    good: "environment: {DOCKER_HOST: 'tcp://dind:2376', DOCKER_TLS_VERIFY: '1'}",
    equivalents: &["CIS 2.7"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no API of a runtime over TCP without TLS";
/// Where Docker listens without TLS.
const PLAIN: [u32; 2] = [2375, 4243];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, |on| {
        let mut raised: Vec<Raised> = host(on).into_iter().collect();
        raised.extend(listener(on));
        raised.extend(ports(on));
        raised
    })
}

fn host(on: &Judged<'_, '_>) -> Option<Raised> {
    const WHAT: &str = "commands a runtime over TCP without TLS";
    let node = on.service.node.at(&["environment", "DOCKER_HOST"])?;
    let value = node.scalar()?;
    let found = format!("`DOCKER_HOST={}`", node.written());
    if value.starts_with(HOLE) {
        return Some(on.unknown(node.at, WHAT, found, EXPECTED));
    }
    let is_plain = value.starts_with("http://") || value.ends_with(":2375");
    let verifies = on.service.variable("DOCKER_TLS_VERIFY").is_some_and(|value| !value.is_empty());
    (is_plain || (value.starts_with("tcp://") && !verifies))
        .then(|| on.fail(node.at, WHAT, found, EXPECTED))
}

fn listener(on: &Judged<'_, '_>) -> Option<Raised> {
    let words = on.service.words();
    let is_verified = |word: &str| word == "--tlsverify" || word == "--tlsverify=true";
    if words.iter().any(|(_, word)| is_verified(word)) {
        return None;
    }
    let mut before = "";
    for (at, word) in &words {
        let flag = ["-H=", "--host=", "-H"].iter().find_map(|flag| word.strip_prefix(flag));
        let address = if matches!(before, "-H" | "--host") { Some(word.as_str()) } else { flag };
        if let Some(address) = address.filter(|address| address.starts_with("tcp://")) {
            let found = format!("`{}`", format!("-H {address}").replace(HOLE, "…"));
            return Some(on.fail(
                *at,
                "offers or commands a runtime over TCP without TLS",
                found,
                EXPECTED,
            ));
        }
        before = word;
    }
    None
}

fn ports(on: &Judged<'_, '_>) -> Vec<Raised> {
    let is_plain = |range: Option<(u32, u32)>| {
        range.is_some_and(|(low, high)| PLAIN.iter().any(|port| (low..=high).contains(port)))
    };
    let raise = |port: crate::compose::Port| {
        let what = "publishes the port of a runtime without TLS";
        (is_plain(port.published_range()) || is_plain(port.target_range()))
            .then(|| on.fail(port.at, what, format!("`{}`", port.written), EXPECTED))
    };
    on.service.ports().into_iter().filter_map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn runtimes_over_plain_tcp_fail() {
        for (bad, place) in [
            ("environment: {DOCKER_HOST: 'tcp://dind:2375'}", (3, 32)),
            ("environment: ['DOCKER_HOST=tcp://dind']", (3, 19)),
            ("environment: {DOCKER_HOST: 'tcp://dind:2375', DOCKER_TLS_VERIFY: '1'}", (3, 32)),
            ("command: [dockerd, -H, 'tcp://0.0.0.0:2376']", (3, 28)),
            ("command: dockerd --host=tcp://0.0.0.0", (3, 14)),
            ("ports: ['2375:2375']", (3, 13)),
            ("ports: ['127.0.0.1:9999:2370-2380']", (3, 13)),
            ("ports: [{target: 2375}]", (3, 13)),
        ] {
            case(bad).check("CMP-004", Expect::Fail);
            assert_eq!(case(bad).places("CMP-004"), [place], "{bad}");
        }
    }

    #[test]
    fn tls_and_other_things_pass() {
        for good in [
            "environment: {DOCKER_HOST: 'tcp://dind:2376', DOCKER_TLS_VERIFY: 1}",
            "environment: {DOCKER_HOST: 'ssh://a@b'}",
            "command: [dockerd, --tlsverify, -H, 'tcp://0.0.0.0:2376']",
            "ports: ['8080:80']",
        ] {
            case(good).check("CMP-004", Expect::Pass);
        }
    }

    #[test]
    fn a_host_that_is_not_known_can_not_be_told() {
        case("environment: {DOCKER_HOST: '${DOCKER_HOST}'}").check("CMP-004", Expect::Unknown);
    }
}
