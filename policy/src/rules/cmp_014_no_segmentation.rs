//! CMP-014: services are on networks of their own, and databases on internal ones.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{Entry, Node, Service, Told},
    decide::Action,
};
use plimsoll_model::Severity;
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-014",
    name: "cmp_014_no_segmentation",
    title: "services are on networks of their own, and databases on internal ones",
    severity: Severity::Low,
    action: Action::Warn,
    why: "On one network, whoever breaks into the service at the front talks to the database directly, and from a network that is not internal the database talks to everybody.",
    mend: "name networks: one for what faces users, and one with `internal: true` for databases",
    bad: "services: {web: {image: a}, db: {image: postgres}}",
    good: "networks: {back: {internal: true}}",
    equivalents: &["CIS 5.30"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

/// Images of databases, by the last part of their names.
const DATABASES: [&str; 16] = [
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "mongo",
    "mongodb",
    "redis",
    "valkey",
    "memcached",
    "cassandra",
    "elasticsearch",
    "opensearch",
    "couchdb",
    "influxdb",
    "neo4j",
    "clickhouse-server",
];

/// The network of what names none.
const DEFAULT: &str = "default";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, |on| {
        if on.project.containers().nth(1).is_none() || on.service.node.get("network_mode").is_some()
        {
            return Vec::new();
        }
        let networks = networks(on.service);
        let only_default = networks.iter().all(|entry| entry.key == DEFAULT);
        if only_default {
            let (at, found) = match networks.first() {
                None => (
                    on.service.at,
                    "no `networks`, which is the default one with all other services",
                ),
                Some(entry) => (entry.at, "`networks: [default]`, which has all other services"),
            };
            return vec![on.fail(at, "is on the default network", found, "networks by name")];
        }
        if is_database(on.service) { database(on, networks) } else { Vec::new() }
    })
}

fn networks(service: &Service) -> &[Entry] {
    service.node.get("networks").map(Node::entries).unwrap_or_default()
}

fn is_database(service: &Service) -> bool {
    service.image_stem().is_some_and(|stem| DATABASES.contains(&stem.as_str()))
}

fn database(on: &Judged<'_, '_>, networks: &[Entry]) -> Vec<Raised> {
    let mut raised = Vec::new();
    for entry in networks {
        let found = format!("network `{}`", entry.key);
        let internal =
            on.project.networks.get(&entry.key).and_then(|network| network.get("internal"));
        let what = "is a database on a network that is not internal";
        match internal.map_or(Told::Is(false), Node::flag) {
            Told::Is(true) => {}
            Told::Is(false) => raised.push(on.fail(entry.at, what, found, "`internal: true`")),
            Told::Untold => raised.push(on.unknown(entry.at, what, found, "`internal: true`")),
        }
    }
    // A service at the front that has a network besides stands between its users and the database.
    let names: BTreeSet<&str> = networks.iter().map(|entry| entry.key.as_str()).collect();
    let is_shared = |other: &Entry| names.contains(other.key.as_str());
    let is_in_front = |other: &&Service| {
        other.node.get("ports").is_some_and(|ports| !ports.items().is_empty())
            && other.name != on.service.name
            && !self::networks(other).is_empty()
            && self::networks(other).iter().all(is_shared)
    };
    let front = on.project.containers().filter(|other| !is_database(other)).find(is_in_front);
    raised.extend(front.map(|front| {
        let found = format!("service `{}` publishes ports and has no other network", front.name);
        on.fail(
            on.service.at,
            "is a database on the network of the front",
            found,
            "a network for the front besides",
        )
    }));
    raised
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn one_network_for_all_fails() {
        let default = Case::default().compose("services:\n  a: {image: a}\n  b: {image: b}\n");
        default.check("CMP-014", Expect::Fail);
        assert_eq!(default.places("CMP-014"), [(2, 3), (3, 3)]);
        let written = "services:\n  a: {image: a, networks: [default]}\n  b: {image: b, networks: {default: }}\n";
        assert_eq!(Case::default().compose(written).places("CMP-014"), [(2, 28), (3, 28)]);
        let open = "services:\n  a: {image: a, networks: [n]}\n  db: {image: 'postgres:${V}', networks: [n]}\nnetworks: {n: }\n";
        assert_eq!(Case::default().compose(open).places("CMP-014"), [(3, 43)]);
        let front = "services:\n  a: {image: a, networks: [n], ports: ['1:1']}\n  db: {image: redis, networks: [n]}\nnetworks: {n: {internal: true}}\n";
        assert_eq!(Case::default().compose(front).places("CMP-014"), [(3, 3)]);
    }

    #[test]
    fn segments_pass() {
        let text = "services:\n  a: {image: a, networks: [f, n], ports: ['1:1']}\n  db: {image: redis, networks: [n]}\nnetworks: {f: , n: {internal: true}}\n";
        Case::default().compose(text).check("CMP-014", Expect::Pass);
        case("image: a").check("CMP-014", Expect::Pass);
    }

    #[test]
    fn a_network_that_is_not_known_can_not_be_told() {
        let text = "services:\n  a: {image: a, networks: [n]}\n  db: {image: redis, networks: [n]}\nnetworks: {n: {internal: '${I}'}}\n";
        Case::default().compose(text).check("CMP-014", Expect::Unknown);
    }
}
