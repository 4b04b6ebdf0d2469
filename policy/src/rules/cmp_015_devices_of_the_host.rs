//! CMP-015: no service gets devices, shared mounts or unsafe kernel settings.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{HOLE, Node},
    decide::Action,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-015",
    name: "cmp_015_devices_of_the_host",
    title: "no service gets devices, shared mounts or unsafe kernel settings",
    severity: Severity::High,
    action: Action::Warn,
    why: "A device gives what is on it, a shared mount lets the container mount on its host, and settings of the kernel hold for more than the container.",
    mend: "remove it; for graphics cards reserve `deploy.resources.reservations.devices`",
    bad: "devices: ['/dev/sda:/dev/sda']",
    good: "volumes: ['data:/data']",
    equivalents: &["CIS 5.18", "CIS 5.20"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

/// Settings that hold for the namespaces of the container alone:
/// <https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls>.
const SAFE: [&str; 10] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, |on| {
        let mut raised = devices(on);
        raised.extend(mounts(on));
        for entry in on.service.node.get("sysctls").map(Node::entries).unwrap_or_default() {
            if !SAFE.contains(&entry.key.as_str()) {
                let found = format!("`sysctls: {}`", entry.key);
                raised.push(on.fail(
                    entry.at,
                    "sets what is not safe in the kernel",
                    found,
                    "safe settings alone",
                ));
            }
        }
        raised
    })
}

fn devices(on: &Judged<'_, '_>) -> Vec<Raised> {
    const EXPECTED: &str = "no device of the host";
    let mut raised = Vec::new();
    for key in ["devices", "device_cgroup_rules"] {
        for node in on.service.node.get(key).map(Node::one_or_more).unwrap_or_default() {
            let source = node.get("source").unwrap_or(node);
            let (value, found) =
                (source.scalar().unwrap_or_default(), format!("`{key}: {}`", source.written()));
            // What has a vendor and a class (`nvidia.com/gpu=all`) is given by a driver, not by its path.
            let is_device =
                value.starts_with('/') || key == "device_cgroup_rules" || !value.contains('=');
            if value.starts_with(HOLE) {
                raised.push(on.unknown(source.at, "gets a device", found, EXPECTED));
            } else if is_device {
                raised.push(on.fail(source.at, "gets a device", found, EXPECTED));
            }
        }
    }
    raised
}

fn mounts(on: &Judged<'_, '_>) -> Vec<Raised> {
    let raise = |mount: crate::compose::Mount| {
        let mode = mount.propagation?;
        let (found, expected) =
            (format!("propagation `{}`", mode.replace(HOLE, "…")), "`private` or `rprivate`");
        if mode.contains(HOLE) {
            return Some(on.unknown(mount.at, "shares mounts with its host", found, expected));
        }
        matches!(mode.as_str(), "shared" | "rshared" | "slave" | "rslave")
            .then(|| on.fail(mount.at, "shares mounts with its host", found, expected))
    };
    on.service.mounts().into_iter().filter_map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn devices_shared_mounts_and_settings_fail() {
        for (bad, place) in [
            ("devices: ['/dev/sda:/dev/sda']", (3, 15)),
            ("devices: [{source: /dev/sda, target: /dev/sda}]", (3, 24)),
            ("device_cgroup_rules: ['c 1:3 mr']", (3, 27)),
            ("volumes: ['./a:/a:ro,rshared']", (3, 15)),
            (
                "volumes: [{type: bind, source: ./a, target: /a, bind: {propagation: slave}}]",
                (3, 36),
            ),
            ("sysctls: {kernel.msgmax: 1}", (3, 15)),
            ("sysctls: ['net.core.somaxconn=1024']", (3, 15)),
        ] {
            case(bad).check("CMP-015", Expect::Fail);
            assert_eq!(case(bad).places("CMP-015"), [place], "{bad}");
        }
    }

    #[test]
    fn others_pass() {
        for good in [
            "devices: ['nvidia.com/gpu=all']",
            "volumes: ['./a:/a:private']",
            "sysctls: {net.ipv4.tcp_syncookies: 1}",
            "image: a",
        ] {
            case(good).check("CMP-015", Expect::Pass);
        }
    }

    #[test]
    fn what_is_not_known_can_not_be_told() {
        case("devices: ['${DEVICE}']").check("CMP-015", Expect::Unknown);
        case("volumes: ['./a:/a:${O}']").check("CMP-015", Expect::Unknown);
        case("volumes: ['./a:/a:${O:-ro}']").check("CMP-015", Expect::Pass);
        case("volumes: [{type: bind, source: ./a, target: /a, bind: {propagation: '${P}'}}]")
            .check("CMP-015", Expect::Unknown);
    }
}
