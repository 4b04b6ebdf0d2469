//! CMP-004: no container runtime is commanded over TCP without TLS.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{HOLE, Node},
    decide::Action,
    host,
};
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
/// Programs that take addresses without a scheme for those of TCP.
const ENGINES: [&str; 3] = ["docker", "dockerd", "dockerd-entrypoint.sh"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, |on| {
        let mut raised: Vec<Raised> = commanded(on).into_iter().collect();
        raised.extend(listener(on));
        raised.extend(in_docker(on));
        raised.extend(ports(on));
        raised
    })
}

/// The runtime that the service commands.
fn commanded(on: &Judged<'_, '_>) -> Option<Raised> {
    const WHAT: &str = "commands a runtime over TCP without TLS";
    let node = on.service.variable("DOCKER_HOST")?;
    let value = node.scalar()?;
    let found = format!("`DOCKER_HOST={}`", node.written());
    if value.starts_with(HOLE) {
        return Some(on.unknown(node.at, WHAT, found, EXPECTED));
    }
    let is_plain = value.starts_with("http://") || value.ends_with(":2375");
    let verifies = on.service.variable("DOCKER_TLS_VERIFY").and_then(Node::scalar);
    let verifies = verifies.unwrap_or_default();
    if is_plain || host::is_tcp(&value) && verifies.is_empty() {
        return Some(on.fail(node.at, WHAT, found, EXPECTED));
    }
    let is_untold = host::is_tcp(&value) && verifies.contains(HOLE);
    is_untold.then(|| on.unknown(node.at, WHAT, found, EXPECTED))
}

/// The runtime that it runs, or commands, by its command line.
fn listener(on: &Judged<'_, '_>) -> Option<Raised> {
    const WHAT: &str = "offers or commands a runtime over TCP without TLS";
    let words = on.service.words();
    let is_verified =
        |word: &str| matches!(word, "--tlsverify" | "--tlsverify=true" | "--tlsverify=1");
    if words.iter().any(|(_, word)| is_verified(word)) {
        return None;
    }
    let is_untold = |text: &str| text.starts_with([HOLE, '$']);
    let verifies = words.iter().find_map(|(_, word)| word.strip_prefix("--tlsverify="));
    let verifies = verifies.is_some_and(is_untold);
    let mut is_engine = on.service.image_stem().as_deref() == Some("docker");
    let mut before = "";
    for (at, word) in &words {
        let flag = ["-H=", "--host=", "-H"].iter().find_map(|flag| word.strip_prefix(flag));
        let address = if matches!(before, "-H" | "--host") { Some(word.as_str()) } else { flag };
        if let Some(address) = address.filter(|address| !address.is_empty()) {
            let found = format!("`{}`", format!("-H {address}").replace(HOLE, "…"));
            if is_engine && is_untold(address) || verifies && host::is_tcp(address) {
                return Some(on.unknown(*at, WHAT, found, EXPECTED));
            }
            if address.starts_with("tcp://") || is_engine && host::is_tcp(address) {
                return Some(on.fail(*at, WHAT, found, EXPECTED));
            }
        }
        let name = word.rsplit('/').next().unwrap_or_default();
        is_engine |= ENGINES.contains(&name);
        before = word;
    }
    None
}

/// Docker's own image with a daemon in it listens over TCP, and with TLS unless it is told not to.
fn in_docker(on: &Judged<'_, '_>) -> Option<Raised> {
    const WHAT: &str = "offers a runtime over TCP without TLS";
    let image = on.service.node.get("image").and_then(Node::scalar)?;
    let is_client = image.rsplit('/').next().is_some_and(|name| name.contains("cli"));
    if on.service.image_stem()? != "docker" || is_client {
        return None;
    }
    if let Some((at, _)) = on.service.words().into_iter().find(|(_, word)| word == "--tls=false") {
        return Some(on.fail(at, WHAT, "`--tls=false`", EXPECTED));
    }
    let node = on.service.variable("DOCKER_TLS_CERTDIR")?;
    let value = node.scalar()?;
    let found = format!("`DOCKER_TLS_CERTDIR={}`", node.written());
    if value.contains(HOLE) {
        return Some(on.unknown(node.at, WHAT, found, EXPECTED));
    }
    value.is_empty().then(|| on.fail(node.at, WHAT, found, EXPECTED))
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
            ("environment: {DOCKER_HOST: 'dind:2376'}", (3, 32)),
            ("command: [sh, -c, 'exec dockerd -H \"tcp://0.0.0.0:2376\" & wait']", (3, 23)),
            ("command: sh -c 'dockerd --host=tcp://0.0.0.0:2376'", (3, 14)),
            ("command: [/usr/bin/dockerd, -H, '0.0.0.0:2376']", (3, 37)),
            ("image: docker:29-dind\n    command: ['-H', ':2376']", (4, 21)),
            ("image: docker:29-dind\n    command: ['--tls=false']", (4, 15)),
            ("image: client/docker:dind\n    environment: {DOCKER_TLS_CERTDIR: ''}", (4, 39)),
            ("image: 'docker:${V}'\n    environment: {DOCKER_TLS_CERTDIR: ''}", (4, 39)),
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
            "command: [curl, -H, 'accept: text/html', 'http://a']",
            "command: [sh, -c, 'curl -H accept:text/html http://a']",
            "command: [dockerd, -H, 'unix:///run/docker.sock', -H, 'fd://']",
            "command: [sh, -c, 'docker exec a curl -H \"Accept: text/html\" http://a']",
            "image: docker:29-dind",
            "image: docker:29-cli\n    environment: {DOCKER_TLS_CERTDIR: ''}",
        ] {
            case(good).check("CMP-004", Expect::Pass);
        }
    }

    #[test]
    fn a_host_that_is_not_known_can_not_be_told() {
        for unknown in [
            "environment: {DOCKER_HOST: '${DOCKER_HOST}'}",
            "environment: [DOCKER_HOST]",
            "environment: {DOCKER_HOST: }",
            "environment: {DOCKER_HOST: 'tcp://d:2376', DOCKER_TLS_VERIFY: '${V}'}",
            "command: [dockerd, -H, '${H}']",
            "command: [sh, -c, 'dockerd -H $$H']",
            "command: [dockerd, '--tlsverify=${V}', -H, 'tcp://0.0.0.0:2376']",
            "image: docker:29-dind\n    environment: {DOCKER_TLS_CERTDIR: '${D}'}",
        ] {
            case(unknown).check("CMP-004", Expect::Unknown);
        }
    }

    #[test]
    fn variables_that_files_hand_on_count() {
        case("environment: [DOCKER_HOST]")
            .env_file(".env", "DOCKER_HOST=tcp://d:2375\n")
            .check("CMP-004", Expect::Fail);
        let handed = case("env_file: [{path: app.env}]");
        let bad = handed.clone().env_file("app.env", "DOCKER_HOST=tcp://d:2375\n");
        bad.check("CMP-004", Expect::Fail);
        assert_eq!(bad.places("CMP-004"), [(3, 23)]);
        handed
            .clone()
            .env_file("app.env", "DOCKER_HOST=tcp://d:2376\nDOCKER_TLS_VERIFY=1\n")
            .check("CMP-004", Expect::Pass);
        handed.env_file("app.env", "A=1\n").check("CMP-004", Expect::Pass);
        case("env_file: app.env\n    environment: {DOCKER_HOST: 'ssh://a@b'}")
            .env_file("app.env", "DOCKER_HOST=tcp://d:2375\n")
            .check("CMP-004", Expect::Pass);
    }
}
