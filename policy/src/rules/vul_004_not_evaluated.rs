//! VUL-004: what could not be evaluated is not clean.

use super::{
    About, Parameter, ParameterKind, Raised, Rule, RuleContext, vul_002_vulnerable_component::place,
};
use crate::decide::Action;
use plimsoll_model::{
    Inventory, Severity,
    component::Component,
    finding::Place,
    inventory::Unknown,
    scan::{NotEvaluated, Scan, ScanVerdict},
};
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "VUL-004",
    name: "vul_004_not_evaluated",
    title: "every component and every package database could be evaluated",
    severity: Severity::High,
    action: Action::Deny,
    why: "A component that no advisory covers has no known flaws in the way a locked room has no known mess.",
    mend: "import advisories that cover it (`plimsoll db update`), or say in the policy which kinds may go unevaluated",
    bad: "a Debian package, and an index without the advisories of Debian",
    good: "rules: {VUL-004: {allow: [generic]}}   # and everything else evaluated",
    equivalents: &[],
    about: &[About::Scan],
    parameters: &[Parameter {
        name: "allow",
        kind: ParameterKind::Texts,
        help: "types of package URL (`generic`, `maven`) that may go unevaluated; they are shown all the same",
    }],
    check,
};

/// How many names a finding lists.
const SHOWN: usize = 5;

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(inventory) = context.facts().inventory else { return Vec::new() };
    let mut raised: Vec<Raised> = Vec::new();
    if let Some(scan) = context.facts().scan {
        let groups = groups(inventory, scan);
        raised.extend(groups.iter().filter_map(|(key, group)| of_group(context, key, group)));
    }
    let mut unread: BTreeMap<(&str, &str), Vec<&Unknown>> = BTreeMap::new();
    for unknown in &inventory.unknowns {
        unread.entry((unknown.cataloger, &unknown.reason)).or_default().push(unknown);
    }
    raised.extend(unread.values().filter_map(|group| of_unread(context, group)));
    raised
}

/// Components by kind and reason. The reason leaves out what differs from one component to the next.
type Groups<'a> = BTreeMap<(&'a str, String), Vec<&'a Component>>;

fn groups<'a>(inventory: &'a Inventory, scan: &'a Scan) -> Groups<'a> {
    let mut groups = Groups::new();
    for (id, component) in inventory.iter() {
        let reason = match scan.verdict(id) {
            Some(ScanVerdict::Matched(_) | ScanVerdict::Clean) => continue,
            Some(ScanVerdict::NotEvaluated(reason)) => in_general(reason),
            Some(ScanVerdict::JudgedAs(_)) | None => "there is no verdict on it".to_owned(),
        };
        // Its files are those of a package that is judged, or listed here itself.
        if !matches!(scan.verdicts.get(id.index()), Some(ScanVerdict::JudgedAs(_)))
            || !matches!(scan.verdict(id), Some(ScanVerdict::NotEvaluated(_)))
        {
            groups.entry((component.purl.kind(), reason)).or_default().push(component);
        }
    }
    groups
}

fn in_general(reason: &NotEvaluated) -> String {
    if let NotEvaluated::UnorderableVersion { scheme, .. } = reason {
        format!("its version can not be ordered as {scheme}")
    } else if let NotEvaluated::UnusableAdvisory { .. } = reason {
        "an advisory about it can not be evaluated".to_owned()
    } else {
        reason.to_string()
    }
}

fn of_group(
    context: &RuleContext<'_>,
    key: &(&str, String),
    group: &[&Component],
) -> Option<Raised> {
    let (kind, reason) = key;
    let first = group.first()?;
    let names: Vec<&str> = group.iter().map(|component| component.name.as_str()).collect();
    let title = match group.len() {
        1 => format!("1 component of type {kind} was not evaluated: {reason}"),
        count => format!("{count} components of type {kind} were not evaluated: {reason}"),
    };
    let mut raised =
        context.unknown(place(first), title, listed(&names), "advisories that cover it");
    raised.also_about = group.iter().skip(1).map(|component| component.purl.clone()).collect();
    let is_allowed = context.texts("allow").iter().any(|allowed| allowed == kind);
    Some(if is_allowed { raised.at_most(Action::Inform) } else { raised })
}

fn of_unread(context: &RuleContext<'_>, group: &[&Unknown]) -> Option<Raised> {
    let first = group.first()?;
    let place = Place::File { path: first.path.to_string(), layer: first.layer };
    let paths: Vec<String> = group.iter().map(|unknown| unknown.path.to_string()).collect();
    let title =
        format!("{} could not be read as {}: {}", files(group), first.cataloger, first.reason);
    let names: Vec<&str> = paths.iter().map(String::as_str).collect();
    let mut raised = context
        .unknown(place, title, listed(&names), "a file that can be read")
        .with_remedy("mend or remove the file, or write an exception with its `path`");
    raised.also_at = paths.into_iter().skip(1).collect();
    Some(raised)
}

fn files(group: &[&Unknown]) -> String {
    match group.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    }
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().copied().take(SHOWN).collect();
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => shown.join(", "),
        Some(more) => format!("{} and {more} more", shown.join(", ")),
    }
}
