//! CMP-011: ports are published on one address, and not those of the system.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{Port, Told},
    decide::Action,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-011",
    name: "cmp_011_open_port",
    title: "ports are published on one address, and not those of the system",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A port without an address is open on every network of the host, past its firewall: Docker writes its own rules in front of it.",
    mend: "write the address: `127.0.0.1:8080:80`, and let one proxy face the network",
    bad: "ports: ['80:80']",
    good: "ports: ['127.0.0.1:8080:80']",
    equivalents: &["CIS 5.8", "CIS 5.14"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

/// Ports by which hosts are managed.
const MANAGEMENT: [u32; 4] = [22, 2375, 2376, 2377];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, |on| {
        on.service.ports().iter().filter_map(|port| judge(on, port)).collect()
    })
}

fn judge(on: &Judged<'_, '_>, port: &Port) -> Option<Raised> {
    const EXPECTED: &str = "an address and a port from 1024 on: `127.0.0.1:8080:80`";
    let found = format!("`{}`", port.written);
    let mut flaws = Vec::new();
    let open = port.is_open();
    if open == Told::Is(true) {
        flaws.push("on all addresses");
    }
    if port.published_range().is_some_and(|(low, _)| low > 0 && low < 1024) {
        flaws.push("on a port of the system");
    }
    let manages = |range: Option<(u32, u32)>| {
        range.is_some_and(|(low, high)| MANAGEMENT.iter().any(|port| (low..=high).contains(port)))
    };
    if manages(port.published_range()) || manages(port.target_range()) {
        flaws.push("what manages the host");
    }
    if !flaws.is_empty() {
        let what = format!("publishes {}", flaws.join(", "));
        return Some(on.fail(port.at, &what, found, EXPECTED));
    }
    if open == Told::Untold {
        return Some(on.unknown(port.at, "publishes on all addresses", found, EXPECTED));
    }
    port.is_untold()
        .then(|| on.unknown(port.at, "publishes on a port of the system", found, EXPECTED))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn ports_on_all_addresses_and_of_the_system_fail() {
        for bad in [
            "'8080:80'",
            "8080",
            "'0.0.0.0:8080:80'",
            "'[::]:8080:80/tcp'",
            "'127.0.0.1:80:80'",
            "'127.0.0.1:2222:22'",
            "{target: 80, published: '8080'}",
            "{target: 80, host_ip: '::0', published: '8080'}",
            "{target: 80, host_ip: '0:0:0:0:0:0:0:0', published: '8080'}",
            "{target: 80, host_ip: '::ffff:0.0.0.0', published: '8080'}",
            "{target: 80, host_ip: 127.0.0.1, published: 443}",
        ] {
            let case = case(&format!("ports: [{bad}]"));
            case.check("CMP-011", Expect::Fail);
            assert_eq!(case.places("CMP-011"), [(3, 13)], "{bad}");
        }
    }

    #[test]
    fn ports_of_one_address_pass() {
        for good in [
            "'127.0.0.1:8080:80'",
            "'[::1]:8080:80'",
            "{target: 80, host_ip: 127.0.0.1, published: '8080'}",
            "'10.0.0.1::80'",
        ] {
            case(&format!("ports: [{good}]")).check("CMP-011", Expect::Pass);
        }
    }

    #[test]
    fn an_address_that_is_not_known_can_not_be_told() {
        for unknown in ["'${IP}:8080:80'", "'${PORT}:80'", "'$PORTS'", "'127.0.0.1:${PORT}:80'"] {
            case(&format!("ports: [{unknown}]")).check("CMP-011", Expect::Unknown);
        }
    }
}
