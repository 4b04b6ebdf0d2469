//! What to do about what was found: the same words for the table and Markdown, and the same facts as JSON.

use super::node::Node;
use crate::stages::advise::{Advised, AdvisedBase};
use plimsoll_model::{Inventory, component::ComponentId, scan::Origin};
use plimsoll_vuln::advice::{Reach, Remedy, Step};
use serde_json::{Value, json};

/// Steps that are spelled out for people; the JSON has them all.
const SHOWN: usize = 10;
/// Direct dependencies that are named.
const NAMED: usize = 3;

/// One line for each step, the base image first.
pub(super) fn lines(advised: &Advised, inventory: &Inventory) -> Vec<String> {
    let advice = &advised.advice;
    let mut lines = Vec::new();
    if let Some(base) = advised.base.as_ref().filter(|_| advice.with_base > 0) {
        lines.push(of_base(base, advice.with_base, advice.findings));
    }
    let helpful = |step: &&Step| step.remedy != Remedy::NoVersion;
    let steps: Vec<_> = advice.steps.iter().filter(helpful).collect();
    lines.extend(steps.iter().take(SHOWN).filter_map(|step| of_step(step, inventory)));
    if let Some(more @ 1..) = steps.len().checked_sub(SHOWN) {
        lines.push(format!("{more} more in `-o json`"));
    }
    let hopeless = advice.steps.len().saturating_sub(steps.len());
    if hopeless > 0 {
        lines.push(format!("of {hopeless} packages no version is known that clears anything"));
    }
    lines
}

fn of_base(base: &AdvisedBase, with_base: usize, findings: usize) -> String {
    let share = format!("{with_base} of {findings} findings come with the base image");
    match &base.newer {
        Some(newer) => format!("rebuild on {newer}: {share} {}", base.name),
        None => format!("{share} {}: no newer one is approved", base.name),
    }
}

fn of_step(step: &Step, inventory: &Inventory) -> Option<String> {
    let component = inventory.component(*step.components.first()?)?;
    let (kind, name) = (component.purl.kind(), &component.name);
    let own = component.version.as_deref().unwrap_or("without a version");
    let Remedy::Upgrade { version, clears } = &step.remedy else {
        return Some(format!("remove {name} {own} ({kind}): it is malware"));
    };
    let what = match &step.command {
        Some(command) => format!("{command}  # {own} -> {version}"),
        None => format!("{name} {own} -> {version} ({kind})"),
    };
    let through = match &step.reach {
        Reach::Through(direct) => through(&step.components, direct, inventory),
        Reach::System => String::new(),
        Reach::Unknown => "; what brings it aboard is not known".to_owned(),
    };
    Some(format!("{what}, clears {clears} of {}{through}", step.flaws))
}

/// Which direct dependencies have to move; nothing where the package is the only one.
fn through(own: &[ComponentId], direct: &[ComponentId], inventory: &Inventory) -> String {
    let others: Vec<_> = direct.iter().filter(|id| !own.contains(id)).collect();
    let is_direct = others.len() < direct.len();
    let mut names: Vec<String> = others
        .iter()
        .filter_map(|id| inventory.component(**id))
        .take(NAMED)
        .map(|component| {
            let version = component.version.as_deref().unwrap_or_default();
            format!("{} {version}", component.name).trim_end().to_owned()
        })
        .collect();
    if let Some(more @ 1..) = others.len().checked_sub(NAMED) {
        names.push(format!("{more} more"));
    }
    match (names.is_empty(), is_direct) {
        (true, _) => String::new(),
        (false, true) => format!("; also brought by {}", names.join(", ")),
        (false, false) => format!("; brought by {}", names.join(", ")),
    }
}

/// Everything, for programs.
pub(super) fn as_json<'a>(advised: &'a Advised, inventory: &'a Inventory) -> Node<'a> {
    let purl = |id: &ComponentId| inventory.component(*id).map(|component| &component.purl);
    let step = move |step: &Step| {
        let (version, clears) = match &step.remedy {
            Remedy::Upgrade { version, clears } => (Some(version), *clears),
            Remedy::Remove => (None, step.flaws),
            Remedy::NoVersion => (None, 0),
        };
        json!({
            "purl": step.components.first().and_then(purl),
            "copies": step.components.len(),
            "remedy": match step.remedy {
                Remedy::Upgrade { .. } => "upgrade",
                Remedy::Remove => "remove",
                Remedy::NoVersion => "none",
            },
            "version": version,
            "findings": step.flaws,
            "clears": clears,
            "command": step.command,
            "origin": (step.origin != Origin::Unknown).then(|| step.origin.as_str()),
            "directDependencies": match &step.reach {
                Reach::Through(direct) => json!(direct.iter().filter_map(purl).collect::<Vec<_>>()),
                Reach::System | Reach::Unknown => Value::Null,
            },
        })
    };
    let base = advised.base.as_ref().map(|base| {
        json!({
            "name": base.name,
            "newer": base.newer,
            "findings": advised.advice.with_base,
            "of": advised.advice.findings,
        })
    });
    Node::Object(vec![
        ("steps", Node::list(move || advised.advice.steps.iter().map(step))),
        ("base", base.into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_base_no_more_is_said_than_is_known() {
        let base = |newer: Option<&str>| AdvisedBase {
            name: "debian:12".to_owned(),
            newer: newer.map(str::to_owned),
        };
        assert_eq!(
            of_base(&base(None), 2, 5),
            "2 of 5 findings come with the base image debian:12: no newer one is approved"
        );
        assert_eq!(
            of_base(&base(Some("debian:12@sha256:b (approved 2026-05-01)")), 2, 5),
            "rebuild on debian:12@sha256:b (approved 2026-05-01): 2 of 5 findings come with the base image debian:12"
        );
    }
}
