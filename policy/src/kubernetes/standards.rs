//! The Pod Security Standards of Kubernetes v1.34: which level a pod keeps to.
//!
//! <https://v1-34.docs.kubernetes.io/docs/concepts/security/pod-security-standards/>

use super::{Container, Field, Pod, look};
use crate::yaml::{At, Node};

/// Kernel parameters that are a pod's own.
pub(crate) const SAFE_SYSCTLS: [&str; 10] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_syncookies",
];
/// Types that runtimes give containers.
pub(crate) const SELINUX_TYPES: [&str; 4] =
    ["container_engine_t", "container_init_t", "container_kvm_t", "container_t"];
/// The annotations that name the `AppArmor` profile of a container begin so.
pub(crate) const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// Capabilities that the level baseline lets a container add.
const BASELINE_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
/// Volumes that the level restricted allows.
const RESTRICTED_VOLUMES: [&str; 8] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// A level, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Privileged,
    Baseline,
    Restricted,
}

/// What a pod has that a level does not allow.
#[derive(Debug)]
pub(crate) struct Breach {
    /// The lowest level that does not allow it.
    pub(crate) level: Level,
    pub(crate) at: At,
    /// What it is.
    pub(crate) found: String,
    pub(crate) certainty: Certainty,
}

/// Whether it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certainty {
    Seen,
    /// It can not be told.
    Unclear,
}

impl Level {
    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// Everything in a pod that a level does not allow.
pub(crate) fn breaches(pod: &Pod<'_>) -> Vec<Breach> {
    let mut found = Breaches(Vec::new());
    found.pod(pod);
    for container in pod.containers() {
        found.baseline(&container);
        found.hosts(&container);
        if container.is_whole() {
            found.restricted(&container);
        }
    }
    found.0
}

struct Breaches(Vec<Breach>);

impl Breaches {
    fn add(&mut self, level: Level, at: At, found: impl Into<String>) {
        let found = found.into();
        self.0.push(Breach { level, at, found, certainty: Certainty::Seen });
    }

    fn unclear(&mut self, level: Level, node: &Node, key: &str) {
        let found = format!("`{key}` is {}", node.value.describe());
        self.0.push(Breach { level, at: node.defined, found, certainty: Certainty::Unclear });
    }

    /// A switch that must not be on.
    fn off(&mut self, field: Field<'_, &Node>, key: &str) {
        match field.boolean() {
            Field::Is(at, true) => self.add(Level::Baseline, at, format!("`{key}: true`")),
            Field::Is(_, false) | Field::Absent => {}
            Field::Untold(node) => self.unclear(Level::Baseline, node, key),
        }
    }

    /// A text that is one of these, or absent.
    fn one_of(&mut self, field: Field<'_, &Node>, key: &str, allowed: &[&str]) {
        match field.text() {
            Field::Is(_, text) if allowed.contains(&text) => {}
            Field::Is(at, text) => self.add(Level::Baseline, at, format!("`{key}: {text}`")),
            Field::Absent => {}
            Field::Untold(node) => self.unclear(Level::Baseline, node, key),
        }
    }

    fn pod(&mut self, pod: &Pod<'_>) {
        for key in ["hostNetwork", "hostPID", "hostIPC"] {
            self.off(pod.own(&[key]), key);
        }
        let sysctls = pod.own(&["securityContext", "sysctls"]);
        if let Some(node) = sysctls.list().untold() {
            self.unclear(Level::Baseline, node, "sysctls");
        }
        for sysctl in sysctls.items() {
            self.one_of(look(sysctl, &["name"]), "sysctl", &SAFE_SYSCTLS);
        }
        if let Some(node) = pod.own(&["volumes"]).list().untold() {
            self.unclear(Level::Baseline, node, "volumes");
        }
        for volume in pod.volumes() {
            self.volume(volume);
        }
        match pod.annotations().mapping() {
            Field::Is(_, node) => {
                for entry in node.entries() {
                    let profile = entry.value.text().unwrap_or_default();
                    let is_allowed = ["", "runtime/default"].contains(&profile)
                        || profile.starts_with("localhost/");
                    if entry.key.starts_with(APP_ARMOR) && !is_allowed {
                        let found = format!("AppArmor `{profile}`");
                        self.add(Level::Baseline, entry.value.defined, found);
                    }
                }
            }
            Field::Absent => {}
            Field::Untold(node) => self.unclear(Level::Baseline, node, "annotations"),
        }
    }

    fn volume(&mut self, volume: &Node) {
        if volume.entries().is_empty() {
            return self.unclear(Level::Baseline, volume, "volume");
        }
        let source = volume.entries().iter().find(|entry| entry.key != "name");
        let Some(source) = source else { return };
        if volume.get("hostPath").is_some() {
            self.add(Level::Baseline, source.at, "a volume of the type `hostPath`");
        } else if !RESTRICTED_VOLUMES.contains(&source.key.as_str()) {
            let found = format!("a volume of the type `{}`", source.key);
            self.add(Level::Restricted, source.at, found);
        }
    }

    /// What the level baseline says of containers. It looks at what the pod says too, as what its containers inherit.
    fn baseline(&mut self, container: &Container<'_>) {
        self.off(container.own(&["privileged"]), "privileged");
        self.off(container.merged(&["windowsOptions", "hostProcess"]), "hostProcess");
        self.one_of(container.own(&["procMount"]), "procMount", &["Default"]);
        let profiles = ["RuntimeDefault", "Localhost"];
        for key in ["appArmorProfile", "seccompProfile"] {
            self.one_of(container.merged(&[key, "type"]), &format!("{key}.type"), &profiles);
        }
        let options = |key| container.merged(&["seLinuxOptions", key]);
        self.one_of(options("type"), "seLinuxOptions.type", &[&[""], &SELINUX_TYPES[..]].concat());
        self.one_of(options("user"), "seLinuxOptions.user", &[""]);
        self.one_of(options("role"), "seLinuxOptions.role", &[""]);
        let add = container.own(&["capabilities", "add"]);
        if let Some(node) = add.list().untold() {
            self.unclear(Level::Baseline, node, "capabilities.add");
        }
        for item in add.items() {
            let field = Field::Is(item.defined, item);
            self.one_of(field, "capabilities.add", &BASELINE_CAPABILITIES);
        }
        let ports = container.field(&["ports"]);
        if let Some(node) = ports.list().untold() {
            self.unclear(Level::Baseline, node, "ports");
        }
        for port in ports.items() {
            match look(port, &["hostPort"]).number() {
                Field::Is(_, 0) | Field::Absent => {}
                Field::Is(at, port) => self.add(Level::Baseline, at, format!("`hostPort: {port}`")),
                Field::Untold(node) => self.unclear(Level::Baseline, node, "hostPort"),
            }
        }
    }

    /// Probes and hooks that name a host, since v1.34.
    fn hosts(&mut self, container: &Container<'_>) {
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"].map(|key| vec![key]);
        let hooks = ["postStart", "preStop"].map(|key| vec!["lifecycle", key]);
        for path in probes.iter().chain(&hooks) {
            for kind in ["httpGet", "tcpSocket"] {
                let path = [path.as_slice(), &[kind, "host"]].concat();
                self.one_of(container.field(&path), &path.join("."), &[""]);
            }
        }
    }

    fn restricted(&mut self, container: &Container<'_>) {
        let level = Level::Restricted;
        match container.merged(&["runAsNonRoot"]).boolean() {
            Field::Is(_, true) => {}
            Field::Untold(node) => self.unclear(level, node, "runAsNonRoot"),
            field @ (Field::Is(..) | Field::Absent) => {
                self.add(level, field.at(container.at()), "no `runAsNonRoot: true`");
            }
        }
        // Of the pod and of the container, each by itself.
        match container.merged(&["runAsUser"]).number() {
            Field::Is(at, 0) => self.add(level, at, "`runAsUser: 0`"),
            Field::Is(..) | Field::Absent => {}
            Field::Untold(node) => self.unclear(level, node, "runAsUser"),
        }
        if container.pod.is_windows() {
            return;
        }
        match container.own(&["allowPrivilegeEscalation"]).boolean() {
            Field::Is(_, false) => {}
            Field::Untold(node) => self.unclear(level, node, "allowPrivilegeEscalation"),
            field @ (Field::Is(..) | Field::Absent) => {
                self.add(level, field.at(container.at()), "no `allowPrivilegeEscalation: false`");
            }
        }
        if matches!(container.merged(&["seccompProfile", "type"]), Field::Absent) {
            self.add(level, container.at(), "no `seccompProfile`");
        }
        let drop = container.own(&["capabilities", "drop"]);
        if !drop.items().iter().any(|item| item.text() == Some("ALL")) {
            match drop.list() {
                Field::Untold(node) => self.unclear(level, node, "capabilities.drop"),
                field @ (Field::Is(..) | Field::Absent) => {
                    self.add(level, field.at(container.at()), "no `drop: [ALL]`");
                }
            }
        }
        for item in container.own(&["capabilities", "add"]).items() {
            if item.text().is_some_and(|name| name != "NET_BIND_SERVICE") {
                self.add(level, item.defined, "`capabilities.add` of more than NET_BIND_SERVICE");
            }
        }
    }
}
