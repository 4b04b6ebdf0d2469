//! CMP-019: no console of administration is open to others.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{HOLE, Node, Spot, Told},
    decide::Action,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-019",
    name: "cmp_019_open_console",
    title: "no console of administration is open to others",
    severity: Severity::High,
    action: Action::Warn,
    why: "Consoles are made to do everything. One without a password, or one that the whole network can reach, is how it is done by others.",
    mend: "publish it on `127.0.0.1` or not at all, and demand a login",
    bad: "image: phpmyadmin:5\nports: ['8080:80']",
    good: "image: phpmyadmin:5\nports: ['127.0.0.1:8080:80']",
    equivalents: &[],
    about: &[About::Compose],
    parameters: &[],
    check,
};

/// Images that are consoles, by the last part of their names.
const CONSOLES: [&str; 16] = [
    "phpmyadmin",
    "adminer",
    "portainer",
    "portainer-ce",
    "portainer-ee",
    "mongo-express",
    "pgadmin4",
    "kibana",
    "opensearch-dashboards",
    "redis-commander",
    "redisinsight",
    "dozzle",
    "yacht",
    "cadvisor",
    "kafka-ui",
    "docker-registry-ui",
];
const EXPECTED: &str = "a console with a login that is published on one address, or not at all";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, |on| {
        let mut raised = published(on);
        raised.extend(without_login(on));
        raised
    })
}

/// Consoles, and management ports, that are published on all addresses.
fn published(on: &Judged<'_, '_>) -> Vec<Raised> {
    let Some(stem) = on.service.image_stem() else { return Vec::new() };
    let is_console = CONSOLES.contains(&stem.as_str());
    let guest = if stem == "rabbitmq" { uses_guest(on) } else { Told::Is(false) };
    let raise = |port: crate::compose::Port| {
        let is_management =
            port.target_range().is_some_and(|(low, high)| (low..=high).contains(&15672));
        if !is_console && (!is_management || guest == Told::Is(false)) {
            return None;
        }
        let found = format!("`{}` of `{stem}`", port.written);
        match port.is_open() {
            Told::Is(false) => None,
            Told::Is(true) if is_console || guest == Told::Is(true) => {
                Some(on.fail(port.at, "has its console open", found, EXPECTED))
            }
            Told::Is(true) | Told::Untold => {
                Some(on.unknown(port.at, "has its console open", found, EXPECTED))
            }
        }
    };
    on.service.ports().into_iter().filter_map(raise).collect()
}

/// Whether the account that everybody knows is the one there is.
fn uses_guest(on: &Judged<'_, '_>) -> Told<bool> {
    if on.service.variable("RABBITMQ_DEFAULT_USER_FILE").is_some() {
        return Told::Is(false);
    }
    let user = on.service.variable("RABBITMQ_DEFAULT_USER").and_then(Node::scalar);
    match user.as_deref() {
        None | Some("guest") => Told::Is(true),
        Some(user) if user.contains(HOLE) => Told::Untold,
        Some(_) => Told::Is(false),
    }
}

/// Consoles that ask nobody who they are.
fn without_login(on: &Judged<'_, '_>) -> Vec<Raised> {
    let is_on = |value: &str| matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes");
    let mut found: Vec<(Spot, String, String)> = Vec::new();
    for (at, word) in on.service.words() {
        let lower = word.to_ascii_lowercase();
        let Some(rest) = lower.strip_prefix("--api.insecure") else { continue };
        let value = rest.strip_prefix('=').unwrap_or("true").to_owned();
        found.push((at, "--api.insecure".to_owned(), value));
    }
    for name in [
        "TRAEFIK_API_INSECURE",
        "GF_AUTH_ANONYMOUS_ENABLED",
        "ME_CONFIG_BASICAUTH",
        "XPACK_SECURITY_ENABLED",
        "xpack.security.enabled",
    ] {
        let Some(node) = on.service.variable(name) else { continue };
        let Some(value) = node.scalar() else { continue };
        // The last three are switches of the login itself.
        let is_login = matches!(
            name,
            "ME_CONFIG_BASICAUTH" | "XPACK_SECURITY_ENABLED" | "xpack.security.enabled"
        );
        let value = match (is_login, value.to_ascii_lowercase().as_str()) {
            (true, "false") => "true".to_owned(),
            (true, value) if !value.contains(HOLE) => "false".to_owned(),
            _ => value,
        };
        found.push((node.at, name.to_owned(), value));
    }
    let raise = |(at, name, value): (Spot, String, String)| {
        let found = format!("`{name}`");
        if value.contains(HOLE) {
            return Some(on.unknown(at, "has a console without login", found, EXPECTED));
        }
        is_on(&value).then(|| on.fail(at, "has a console without login", found, EXPECTED))
    };
    found.into_iter().filter_map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn open_consoles_fail() {
        for (bad, place) in [
            ("image: phpmyadmin:5\n    ports: ['8080:80']", (4, 13)),
            ("image: docker.io/portainer/portainer-ce:2\n    ports: [9443]", (4, 13)),
            ("image: rabbitmq:4-management\n    ports: ['15672:15672']", (4, 13)),
            ("command: ['--api.insecure=true']", (3, 15)),
            ("command: --api.insecure", (3, 14)),
            ("command: [sh, -c, 'traefik --api.insecure=true']", (3, 23)),
            ("image: 'docker.io/library/adminer:${V}'\n    ports: ['8080:8080']", (4, 13)),
            ("image: '${R}/adminer@${D}'\n    ports: ['8080:8080']", (4, 13)),
            ("environment: {GF_AUTH_ANONYMOUS_ENABLED: 'true'}", (3, 46)),
            ("environment: ['xpack.security.enabled=false']", (3, 19)),
        ] {
            case(bad).check("CMP-019", Expect::Fail);
            assert_eq!(case(bad).places("CMP-019"), [place], "{bad}");
        }
    }

    #[test]
    fn others_pass() {
        for good in [
            "image: adminer:5\n    ports: ['127.0.0.1:8080:8080']",
            "image: adminer:5",
            "image: rabbitmq:4-management\n    ports: ['15672:15672']\n    environment: {RABBITMQ_DEFAULT_USER: shop}",
            "command: ['--api.insecure=false']",
            "environment: {GF_AUTH_ANONYMOUS_ENABLED: 'false', ME_CONFIG_BASICAUTH: 'true'}",
            "image: nginx:1\n    ports: ['80:80']",
        ] {
            case(good).check("CMP-019", Expect::Pass);
        }
    }

    #[test]
    fn what_is_not_known_can_not_be_told() {
        case("image: adminer:5\n    ports: ['${IP}:8080:8080']").check("CMP-019", Expect::Unknown);
        case("image: rabbitmq:4-management\n    ports: ['15672:15672']\n    environment: [RABBITMQ_DEFAULT_USER]")
            .check("CMP-019", Expect::Unknown);
        case("command: ['--api.insecure=${I}']").check("CMP-019", Expect::Unknown);
        case("environment: {GF_AUTH_ANONYMOUS_ENABLED: '${A}'}").check("CMP-019", Expect::Unknown);
    }
}
