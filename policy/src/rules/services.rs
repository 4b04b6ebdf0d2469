//! What the rules about compose files have in common.

use super::{Raised, RuleContext};
use crate::compose::{Node, Project, Service, Spot};
use std::collections::BTreeSet;

/// A service under a rule.
pub(super) struct Judged<'c, 'a> {
    pub(super) context: &'c RuleContext<'a>,
    pub(super) project: &'a Project,
    pub(super) service: &'a Service,
}

impl Judged<'_, '_> {
    /// The defect is there: `what` is said of the service.
    pub(super) fn fail(
        &self,
        at: Spot,
        what: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Raised {
        let title = format!("service `{}` {what}", self.service.name);
        self.context.fail(self.project.place(at), title, found, expected)
    }

    /// It can not be told: `what` is said of the service.
    pub(super) fn unknown(
        &self,
        at: Spot,
        what: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Raised {
        let title = format!("it can not be told whether service `{}` {what}", self.service.name);
        self.context.unknown(self.project.place(at), title, found, expected)
    }
}

/// A file or a directory of the host that services get by a name.
pub(super) struct Shared<'a> {
    /// What the name stands for: `volume`, `config` or `secret`.
    pub(super) kind: &'static str,
    pub(super) name: &'a str,
    /// The path on the host.
    pub(super) path: &'a Node,
}

/// What of the host services get by a name.
pub(super) fn shared(project: &Project) -> Vec<Shared<'_>> {
    let mut found = Vec::new();
    let paths: [(_, _, &[&str]); 3] = [
        ("volumes", "volume", &["driver_opts", "device"]),
        ("configs", "config", &["file"]),
        ("secrets", "secret", &["file"]),
    ];
    for (key, kind, path) in paths {
        for entry in project.root.get(key).map(Node::entries).unwrap_or_default() {
            let path = entry.value.at(path);
            found.extend(path.map(|path| Shared { kind, name: entry.key.as_str(), path }));
        }
    }
    found
}

/// What `judge` says of every service that runs a container; what several projects have in common is said once.
pub(super) fn each<'a>(
    context: &RuleContext<'a>,
    judge: impl Fn(&Judged<'_, 'a>) -> Vec<Raised>,
) -> Vec<Raised> {
    let mut raised = Vec::new();
    for project in context.projects() {
        for service in project.containers() {
            raised.extend(judge(&Judged { context, project, service }));
        }
    }
    once(raised)
}

/// The same without repetitions.
pub(super) fn once(mut raised: Vec<Raised>) -> Vec<Raised> {
    let mut seen = BTreeSet::new();
    raised.retain(|raised| {
        let finding = &raised.finding;
        seen.insert(format!("{:?}\n{}\n{}", finding.place, finding.title, finding.found))
    });
    raised
}
