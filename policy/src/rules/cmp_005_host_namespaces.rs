//! CMP-005: no service is in a namespace of its host.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{HOLE, Node, Told},
    decide::Action,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-005",
    name: "cmp_005_host_namespaces",
    title: "no service is in a namespace of its host",
    severity: Severity::High,
    action: Action::Deny,
    why: "Namespaces are what keeps containers apart. In those of the host a container sees its processes, its traffic and its memory.",
    mend: "remove it; publish the ports that are needed, and share namespaces with another service only",
    bad: "network_mode: host",
    good: "networks: [back]",
    equivalents: &["CIS 5.10", "CIS 5.16", "CIS 5.17", "CIS 5.21", "CIS 5.25", "CIS 5.31"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

const KEYS: [&str; 6] = ["network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, judge)
}

fn judge(on: &Judged<'_, '_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for key in KEYS {
        let Some(node) = on.service.node.get(key) else { continue };
        let value = node.scalar().unwrap_or_default();
        let (found, expected) =
            (format!("`{key}: {}`", node.written()), format!("no `{key}: host`"));
        let what = format!("has `{key}` of its host");
        if value == "host" {
            raised.push(on.fail(node.at, &what, found, expected));
        } else if may_be_host(&value) {
            raised.push(on.unknown(node.at, &what, found, expected));
        }
    }
    let networks = on.service.node.get("networks").map(Node::entries);
    for entry in networks.unwrap_or_default() {
        let network = on.project.networks.get(&entry.key);
        let Some(name) = network.and_then(|it| external_name(it, &entry.key)) else { continue };
        let (what, found) = ("is in the network of its host", format!("network `{}`", entry.key));
        if name == "host" {
            raised.push(on.fail(entry.at, what, found, "another network"));
        } else if may_be_host(&name) {
            raised.push(on.unknown(entry.at, what, found, "another network"));
        }
    }
    raised
}

/// Whether a value that depends on what is not known may come to `host`.
fn may_be_host(value: &str) -> bool {
    value.split_once(HOLE).is_some_and(|(known, _)| "host".starts_with(known))
}

/// The name of a network which is there already: its key, or what it is given; in files of old, that stands below `external`.
fn external_name(network: &Node, key: &str) -> Option<String> {
    let external = network.get("external").filter(|node| node.flag() != Told::Is(false))?;
    let name = network.get("name").or_else(|| external.get("name"));
    Some(name.and_then(Node::scalar).unwrap_or_else(|| key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn each_namespace_of_the_host_fails() {
        for key in KEYS {
            let case = case(&format!("{key}: host"));
            case.check("CMP-005", Expect::Fail);
            let column = u32::try_from(key.len()).unwrap() + 7;
            assert_eq!(case.places("CMP-005"), [(3, column)]);
        }
        let named = "services: {a: {image: b, networks: [n]}}\nnetworks: {n: {name: host, external: true}}\n";
        Case::default().compose(named).check("CMP-005", Expect::Fail);
        let of_old =
            "services: {a: {image: b, networks: [n]}}\nnetworks: {n: {external: {name: host}}}\n";
        Case::default().compose(of_old).check("CMP-005", Expect::Fail);
        assert_eq!(Case::default().compose(of_old).places("CMP-005"), [(1, 37)]);
    }

    #[test]
    fn others_pass() {
        for good in [
            "network_mode: none",
            "pid: 'service:db'",
            "pid: 'service:${S}'",
            "ipc: private",
            "networks: [a]",
        ] {
            case(good).check("CMP-005", Expect::Pass);
        }
    }

    #[test]
    fn a_mode_that_is_not_known_can_not_be_told() {
        case("network_mode: ${MODE}").check("CMP-005", Expect::Unknown);
        case("pid: 'ho${X}'").check("CMP-005", Expect::Unknown);
        let named = "services: {a: {image: b, networks: [n]}}\nnetworks: {n: {name: '${N}', external: true}}\n";
        Case::default().compose(named).check("CMP-005", Expect::Unknown);
        case("network_mode: ${MODE:-bridge}").check("CMP-005", Expect::Pass);
    }
}
