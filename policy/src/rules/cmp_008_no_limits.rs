//! CMP-008: every service has limits of memory, of processors and of processes.

use super::{
    About, Raised, Rule, RuleContext,
    services::{self, Judged},
};
use crate::{
    compose::{HOLE, Node, Spot},
    decide::Action,
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "CMP-008",
    name: "cmp_008_no_limits",
    title: "every service has limits of memory, of processors and of processes",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "One service without limits takes the whole host with it, by a leak, by a loop, or because somebody sends it the right request.",
    mend: "set `deploy.resources.limits` with `memory`, `cpus` and `pids`",
    bad: "image: acme/app",
    good: "deploy: {resources: {limits: {memory: 256M, cpus: '0.5', pids: 100}}}",
    equivalents: &["CIS 5.11", "CIS 5.12", "CIS 5.19", "CIS 5.29"],
    about: &[About::Compose],
    parameters: &[],
    check,
};

/// What is limited, and where that may be said.
const LIMITS: [(&str, &[&[&str]]); 3] = [
    ("memory", &[&["deploy", "resources", "limits", "memory"], &["mem_limit"]]),
    ("cpus", &[&["deploy", "resources", "limits", "cpus"], &["cpus"], &["cpu_quota"]]),
    ("pids", &[&["deploy", "resources", "limits", "pids"], &["pids_limit"]]),
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    services::each(context, judge)
}

fn judge(on: &Judged<'_, '_>) -> Vec<Raised> {
    let (mut missing, mut untold): (Vec<&str>, Vec<Spot>) = (Vec::new(), Vec::new());
    for (what, paths) in LIMITS {
        let nodes: Vec<&Node> = paths.iter().filter_map(|path| on.service.node.at(path)).collect();
        if nodes.iter().any(|node| is_limit(node)) {
            continue;
        }
        match nodes.iter().find(|node| node.scalar().is_some_and(|text| text.contains(HOLE))) {
            Some(node) => untold.push(node.at),
            None => missing.push(what),
        }
    }
    let mut raised = Vec::new();
    if !missing.is_empty() {
        let found = format!("no limit of {}", missing.join(", "));
        raised.push(on.fail(
            on.service.at,
            "may take all of its host",
            found,
            "limits of memory, cpus and pids",
        ));
    }
    let unknown = |at| {
        on.unknown(at, "has a limit", "a limit that depends on a variable", "a limit that is known")
    };
    raised.extend(untold.into_iter().map(unknown));
    for entry in on.service.node.get("ulimits").map(Node::entries).unwrap_or_default() {
        let values = [entry.value.scalar(), entry.value.get("hard").and_then(Node::scalar)];
        if values.into_iter().flatten().any(|value| value == "-1") {
            let found = format!("`ulimits: {}: -1`", entry.key);
            raised.push(on.fail(entry.value.at, "has a ulimit that is none", found, "a number"));
        }
    }
    raised
}

/// Whether it limits anything: zero and less mean that nothing is, in whatever unit.
fn is_limit(node: &Node) -> bool {
    let Some(text) = node.scalar() else {
        // A fraction.
        return matches!(node.value, crate::compose::Value::OtherNumber);
    };
    let text = text.trim();
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let number = text.get(..end).and_then(|number| number.parse::<f64>().ok());
    !text.contains(HOLE) && number.is_some_and(|number| number > 0.0)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    /// A service `web` on its first line with these lines below it.
    fn case(lines: &str) -> Case {
        Case::default().compose(&format!("services:\n  web:\n    {lines}\n"))
    }

    #[test]
    fn missing_limits_fail_at_the_service() {
        for bad in [
            "image: a",
            "mem_limit: 0",
            "mem_limit: 0b\n    cpus: 1\n    pids_limit: 9",
            "mem_limit: 1g\n    cpus: 0.0\n    pids_limit: 9",
            "mem_limit: 1g\n    cpus: '0.00'\n    pids_limit: 9",
            "mem_limit: 1g",
            "pids_limit: -1",
            "deploy: {resources: {limits: {cpus: '1'}}}",
        ] {
            case(bad).check("CMP-008", Expect::Fail);
            assert_eq!(case(bad).places("CMP-008"), [(2, 3)], "{bad}");
        }
        let limits = "mem_limit: 1g\n    cpus: 0.5\n    pids_limit: 9\n    ";
        let unlimited = case(&format!("{limits}ulimits: {{nofile: -1, nproc: {{hard: -1}}}}"));
        assert_eq!(unlimited.places("CMP-008"), [(6, 23), (6, 34)]);
    }

    #[test]
    fn limits_in_either_form_pass() {
        for good in [
            "mem_limit: 1g\n    cpus: 0.5\n    pids_limit: 9",
            "mem_limit: '0.5GiB'\n    cpus: '.5'\n    pids_limit: 9",
            "deploy: {resources: {limits: {memory: '${M:-1g}', cpus: '0.5', pids: 9}}}\n    ulimits: {nofile: 1024}",
        ] {
            case(good).check("CMP-008", Expect::Pass);
        }
    }

    #[test]
    fn a_limit_that_is_not_known_can_not_be_told() {
        case("mem_limit: ${M}\n    cpus: 1\n    pids_limit: 9").check("CMP-008", Expect::Unknown);
    }
}
