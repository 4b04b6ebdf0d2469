//! The controls of the CIS Docker Benchmark 1.6, by number.
//!
//! Numbers alone, with a few words of our own. Rules name the numbers that they look at among their equivalents (`CIS 4.1`), and
//! no rule is the whole of a control: what is seen is a file, not the host that runs it.
//!
//! Numbers and kinds are those of docker-bench-security 1.6.0, which is of that benchmark:
//! <https://github.com/docker/docker-bench-security/tree/master/tests>. The benchmark's own text has the same numbers, and since 1.6
//! has a person judge nearly all of sections 2, 4, 5 and 7; here [`Kind::Automated`] is what a program does judge.

use crate::{
    ConfigKind,
    decide::{Decision, Judged},
    rules::{self, About, Rule},
};
use plimsoll_model::finding::Outcome;

/// One control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// `4.1`.
    pub number: &'static str,
    /// Whether the benchmark has a person judge it.
    pub kind: Kind,
    /// What it is about.
    pub about: &'static str,
}

/// Who judges a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A program can.
    Automated,
    /// A program can, on the machine itself: what is seen here may break it, and does not show that it is kept.
    OnHost,
    /// A person has to.
    Manual,
}

/// What a decision says of a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// A rule sees it broken.
    Failed,
    /// A rule can not tell.
    Unknown,
    /// Its rules were judged and find nothing.
    Passed,
    /// It has rules, and none of them was judged here: what they look at was not given, or the policy has them off.
    NotJudged,
    /// No rule looks at it, or a person has to.
    NotCovered,
}

impl Status {
    /// As reports say it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Passed => "passed",
            Self::NotJudged => "not judged",
            Self::NotCovered => "not covered",
        }
    }
}

impl Control {
    /// The rules that look at it. Kubernetes has a benchmark of its own, with numbers of its own.
    pub fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        let is_about = |rule: &&Rule| {
            let mut numbers =
                rule.equivalents.iter().filter_map(|other| other.strip_prefix("CIS "));
            !rule.id.starts_with("K8S-") && numbers.any(|number| number == self.number)
        };
        rules::ALL.iter().copied().filter(is_about)
    }

    /// The findings about it. Those that somebody accepted are among them: accepted is not kept.
    pub fn findings<'d>(&self, decision: &'d Decision) -> Vec<&'d Judged> {
        let rules: Vec<_> = self.rules().map(|rule| rule.id).collect();
        let findings = decision.findings().iter();
        findings.filter(|judged| rules.contains(&judged.finding.rule)).collect()
    }

    /// What a decision says of it. A control that a person has to judge never passes: nothing that is found does not mean
    /// that somebody looked.
    pub fn status(&self, decision: &Decision) -> Status {
        let findings = self.findings(decision);
        let has = |outcome| findings.iter().any(|judged| judged.finding.outcome == outcome);
        let mut rules = self.rules().peekable();
        if has(Outcome::Fail) {
            Status::Failed
        } else if has(Outcome::Unknown) {
            Status::Unknown
        } else if self.kind != Kind::Automated || rules.peek().is_none() {
            Status::NotCovered
        } else if rules.any(|rule| self.is_shown_by(rule, decision)) {
            Status::Passed
        } else {
            Status::NotJudged
        }
    }
}

impl Control {
    /// Whether a rule that finds nothing shows that the control is kept. The second section is about the daemon, and only what
    /// its settings say shows that.
    fn is_shown_by(&self, rule: &Rule, decision: &Decision) -> bool {
        let has_settings = || {
            let kinds = [ConfigKind::Daemon, ConfigKind::Unit];
            rule.about.contains(&About::Configs)
                && kinds.iter().any(|kind| decision.configs().contains(kind))
        };
        decision.evaluated().contains(&rule.id)
            && (!self.number.starts_with("2.") || has_settings())
    }
}

const fn control(number: &'static str, kind: Kind, about: &'static str) -> Control {
    Control { number, kind, about }
}

/// Every control, by number.
pub const CONTROLS: &[Control] = &[
    control("1.1.1", Kind::Automated, "containers on a partition of their own"),
    control("1.1.2", Kind::Automated, "who may control the daemon"),
    control("1.1.3", Kind::Automated, "audit of the daemon"),
    control("1.1.4", Kind::Automated, "audit of /run/containerd"),
    control("1.1.5", Kind::Automated, "audit of /var/lib/docker"),
    control("1.1.6", Kind::Automated, "audit of /etc/docker"),
    control("1.1.7", Kind::Automated, "audit of docker.service"),
    control("1.1.8", Kind::Automated, "audit of containerd.sock"),
    control("1.1.9", Kind::Automated, "audit of docker.socket"),
    control("1.1.10", Kind::Automated, "audit of /etc/default/docker"),
    control("1.1.11", Kind::Automated, "audit of daemon.json"),
    control("1.1.12", Kind::Automated, "audit of containerd's config.toml"),
    control("1.1.13", Kind::Automated, "audit of /etc/sysconfig/docker"),
    control("1.1.14", Kind::Automated, "audit of containerd"),
    control("1.1.15", Kind::Automated, "audit of containerd-shim"),
    control("1.1.16", Kind::Automated, "audit of containerd-shim-runc-v1"),
    control("1.1.17", Kind::Automated, "audit of containerd-shim-runc-v2"),
    control("1.1.18", Kind::Automated, "audit of runc"),
    control("1.2.1", Kind::Manual, "hardened host"),
    control("1.2.2", Kind::Manual, "current version of Docker"),
    control("2.1", Kind::Manual, "daemon without root"),
    control("2.2", Kind::Automated, "no traffic between containers on the default bridge"),
    control("2.3", Kind::Automated, "log level"),
    control("2.4", Kind::Automated, "iptables left to the daemon"),
    control("2.5", Kind::Automated, "no insecure registries"),
    control("2.6", Kind::Automated, "no aufs"),
    control("2.7", Kind::Automated, "TLS with client certificates"),
    control("2.8", Kind::Manual, "default ulimits"),
    control("2.9", Kind::Automated, "user namespaces"),
    control("2.10", Kind::Automated, "default cgroup"),
    control("2.11", Kind::Automated, "base device size"),
    control("2.12", Kind::Automated, "authorization of clients"),
    control("2.13", Kind::OnHost, "central logging"),
    control("2.14", Kind::Automated, "no new privileges"),
    control("2.15", Kind::Automated, "live restore"),
    control("2.16", Kind::Automated, "no userland proxy"),
    control("2.17", Kind::Manual, "seccomp profile of the daemon"),
    control("2.18", Kind::Automated, "no experimental features"),
    control("3.1", Kind::Automated, "owner of docker.service"),
    control("3.2", Kind::Automated, "mode of docker.service"),
    control("3.3", Kind::Automated, "owner of docker.socket"),
    control("3.4", Kind::Automated, "mode of docker.socket"),
    control("3.5", Kind::Automated, "owner of /etc/docker"),
    control("3.6", Kind::Automated, "mode of /etc/docker"),
    control("3.7", Kind::Automated, "owner of registry certificates"),
    control("3.8", Kind::Automated, "mode of registry certificates"),
    control("3.9", Kind::Automated, "owner of the TLS CA"),
    control("3.10", Kind::Automated, "mode of the TLS CA"),
    control("3.11", Kind::Automated, "owner of the TLS certificate"),
    control("3.12", Kind::Automated, "mode of the TLS certificate"),
    control("3.13", Kind::Automated, "owner of the TLS key"),
    control("3.14", Kind::Automated, "mode of the TLS key"),
    control("3.15", Kind::Automated, "owner of Docker's socket"),
    control("3.16", Kind::Automated, "mode of Docker's socket"),
    control("3.17", Kind::Automated, "owner of daemon.json"),
    control("3.18", Kind::Automated, "mode of daemon.json"),
    control("3.19", Kind::Automated, "owner of /etc/default/docker"),
    control("3.20", Kind::Automated, "mode of /etc/default/docker"),
    control("3.21", Kind::Automated, "mode of /etc/sysconfig/docker"),
    control("3.22", Kind::Automated, "owner of /etc/sysconfig/docker"),
    control("3.23", Kind::Automated, "owner of containerd's socket"),
    control("3.24", Kind::Automated, "mode of containerd's socket"),
    control("4.1", Kind::Automated, "user other than root"),
    control("4.2", Kind::Manual, "trusted base images"),
    control("4.3", Kind::Manual, "no packages without need"),
    control("4.4", Kind::Manual, "scanned and rebuilt with patches"),
    control("4.5", Kind::OnHost, "content trust"),
    control("4.6", Kind::Automated, "health check"),
    control("4.7", Kind::Manual, "no update of package lists on its own"),
    control("4.8", Kind::Manual, "no setuid and setgid"),
    control("4.9", Kind::Manual, "COPY in place of ADD"),
    control("4.10", Kind::Manual, "no secrets in Dockerfiles"),
    control("4.11", Kind::Manual, "verified packages"),
    control("4.12", Kind::Manual, "signed artifacts verified"),
    control("5.1", Kind::Automated, "no swarm mode without need"),
    control("5.2", Kind::Automated, "AppArmor profile"),
    control("5.3", Kind::Automated, "SELinux options"),
    control("5.4", Kind::Automated, "few capabilities"),
    control("5.5", Kind::Automated, "no privileged containers"),
    control("5.6", Kind::Automated, "no sensitive directories of the host"),
    control("5.7", Kind::Automated, "no sshd"),
    control("5.8", Kind::Automated, "no privileged ports"),
    control("5.9", Kind::Manual, "needed ports alone"),
    control("5.10", Kind::Automated, "no network of the host"),
    control("5.11", Kind::Automated, "memory limit"),
    control("5.12", Kind::Automated, "CPU share"),
    control("5.13", Kind::Automated, "read-only root file system"),
    control("5.14", Kind::Automated, "ports on one interface"),
    control("5.15", Kind::Automated, "bounded restarts"),
    control("5.16", Kind::Automated, "no processes of the host"),
    control("5.17", Kind::Automated, "no IPC of the host"),
    control("5.18", Kind::Manual, "no devices of the host"),
    control("5.19", Kind::Manual, "ulimits where needed"),
    control("5.20", Kind::Automated, "no shared mounts"),
    control("5.21", Kind::Automated, "no UTS of the host"),
    control("5.22", Kind::Automated, "seccomp left on"),
    control("5.23", Kind::Automated, "no privileged exec"),
    control("5.24", Kind::Manual, "no exec as root"),
    control("5.25", Kind::Automated, "cgroup"),
    control("5.26", Kind::Automated, "no additional privileges"),
    control("5.27", Kind::Automated, "health check at run time"),
    control("5.28", Kind::Manual, "current image"),
    control("5.29", Kind::Automated, "limit on processes"),
    control("5.30", Kind::Manual, "not the default bridge"),
    control("5.31", Kind::Automated, "no user namespace of the host"),
    control("5.32", Kind::Automated, "no Docker socket"),
    control("6.1", Kind::Manual, "no sprawl of images"),
    control("6.2", Kind::Manual, "no sprawl of containers"),
    control("7.1", Kind::Automated, "few swarm managers"),
    control("7.2", Kind::Automated, "swarm services on one interface"),
    control("7.3", Kind::Automated, "encrypted overlay networks"),
    control("7.4", Kind::Manual, "secrets of swarm"),
    control("7.5", Kind::Automated, "auto-lock of managers"),
    control("7.6", Kind::Manual, "auto-lock key rotated"),
    control("7.7", Kind::Manual, "node certificates rotated"),
    control("7.8", Kind::Manual, "CA certificates rotated"),
    control("7.9", Kind::Manual, "management traffic apart"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::Case;
    use std::collections::BTreeSet;

    fn status(case: &Case, number: &str) -> Status {
        let control = CONTROLS.iter().find(|control| control.number == number).unwrap();
        control.status(&case.decide())
    }

    #[test]
    fn numbers_are_given_once_and_in_order() {
        let key = |number: &str| -> Vec<u32> {
            number.split('.').map(|part| part.parse().unwrap()).collect()
        };
        let keys: Vec<_> = CONTROLS.iter().map(|control| key(control.number)).collect();
        assert!(keys.is_sorted() && keys.iter().collect::<BTreeSet<_>>().len() == keys.len());
        assert_eq!(keys.len(), 117);
    }

    /// Those that docker-bench-security 1.6.0 leaves to a person; what it scores, and the one that it calls deprecated, a program
    /// judges.
    #[test]
    fn a_person_judges_what_docker_bench_leaves_to_one() {
        let manual = CONTROLS.iter().filter(|control| control.kind == Kind::Manual);
        let expected = [
            "1.2.1", "1.2.2", "2.1", "2.8", "2.17", "4.2", "4.3", "4.4", "4.7", "4.8", "4.9",
            "4.10", "4.11", "4.12", "5.9", "5.18", "5.19", "5.24", "5.28", "5.30", "6.1", "6.2",
            "7.4", "7.6", "7.7", "7.8", "7.9",
        ];
        assert_eq!(manual.map(|control| control.number).collect::<Vec<_>>(), expected);
    }

    /// What the sections of images and of containers are about, by the words that tell one control from its neighbours.
    #[test]
    fn the_numbers_of_images_and_of_containers_stand_for_what_rules_look_at() {
        let named = |number: &str| {
            let control = CONTROLS.iter().find(|control| control.number == number).unwrap();
            control.rules().map(|rule| rule.id).collect::<Vec<_>>()
        };
        let expected: [(&str, &[&str]); 11] = [
            ("4.1", &["CMP-010", "DF-020", "IMG-001"]),
            ("4.2", &["BASE-001", "BASE-050"]),
            ("4.3", &["DF-042", "DF-047", "FS-009"]),
            ("4.4", &["BASE-042", "BASE-054"]),
            ("4.6", &["DF-030", "IMG-002"]),
            ("4.7", &["DF-044"]),
            ("4.8", &["DF-100", "FS-001"]),
            ("4.9", &["DF-060"]),
            ("4.10", &["SEC-001", "SEC-002", "SEC-005", "SEC-006"]),
            ("4.11", &["DF-067"]),
            ("5.32", &["CMP-002", "DF-091"]),
        ];
        for (number, rules) in expected {
            assert_eq!(named(number), rules, "{number}");
        }
    }

    #[test]
    fn every_number_that_a_rule_names_is_one() {
        let numbers: BTreeSet<_> = CONTROLS.iter().map(|control| control.number).collect();
        for rule in rules::ALL.iter().filter(|rule| !rule.id.starts_with("K8S-")) {
            let named = rule.equivalents.iter().filter_map(|other| other.strip_prefix("CIS "));
            for number in named {
                assert!(numbers.contains(number), "{}: CIS {number}", rule.id);
            }
        }
    }

    #[test]
    fn a_control_fails_passes_or_was_not_judged() {
        let good = Case::default().dockerfile("FROM debian:13\nUSER 1000\nHEALTHCHECK CMD true\n");
        let bad = Case::default().dockerfile("FROM debian:13\nUSER root\n");
        assert_eq!((status(&good, "4.1"), status(&good, "4.6")), (Status::Passed, Status::Passed));
        assert_eq!((status(&bad, "4.1"), status(&bad, "4.6")), (Status::Failed, Status::Failed));
        let off = good.policy("rules: {\"DF-*\": off}");
        assert_eq!(status(&off, "4.1"), Status::NotJudged);
    }

    /// Settings of the daemon that are as they should be.
    const SETTINGS: &str = r#"{"icc": false, "userns-remap": "default", "live-restore": true, "no-new-privileges": true, "userland-proxy": false, "authorization-plugins": ["p"], "log-level": "info", "hosts": ["unix:///run/docker.sock"]}"#;

    #[test]
    fn nothing_shows_that_the_daemon_is_well_kept_but_its_settings() {
        let compose =
            "services: {a: {image: 'docker.io/library/debian:13', logging: {driver: local}}}";
        let compose = Case::default().compose(compose);
        for number in ["2.5", "2.7"] {
            assert_eq!(status(&compose, number), Status::NotJudged, "{number}");
        }
        // Whether logs are kept in one place, and whether content is trusted, is a matter of the machine.
        for number in ["2.13", "4.5"] {
            assert_eq!(status(&compose, number), Status::NotCovered, "{number}");
        }
        let workflow = "on: push\njobs: {a: {runs-on: x, steps: [{run: make}]}}\n";
        let pipeline = compose.config(".github/workflows/a.yml", workflow);
        assert_eq!(status(&pipeline, "2.7"), Status::NotJudged);
        let settings = pipeline.config("daemon.json", SETTINGS);
        assert_eq!(
            (status(&settings, "2.5"), status(&settings, "2.7")),
            (Status::Passed, Status::Passed)
        );
        let broken = Case::default().compose("services: {a: {image: b, logging: {driver: none}}}");
        assert_eq!(status(&broken, "2.13"), Status::Failed);
    }

    #[test]
    fn what_can_not_be_told_is_no_pass() {
        let case = Case::default().dockerfile("ARG WHO\nFROM debian:13\nUSER $WHO\n");
        assert_eq!(status(&case, "4.1"), Status::Unknown);
    }

    #[test]
    fn what_a_person_has_to_judge_never_passes() {
        let good = Case::default().dockerfile("FROM debian:13\nUSER 1000\n");
        for control in CONTROLS.iter().filter(|control| control.kind == Kind::Manual) {
            let status = control.status(&good.decide());
            assert!(matches!(status, Status::NotCovered | Status::Failed | Status::Unknown));
        }
        assert_eq!(status(&good, "6.1"), Status::NotCovered);
        assert_eq!(status(&good, "1.1.1"), Status::NotCovered, "no rule looks at hosts");
    }
}
