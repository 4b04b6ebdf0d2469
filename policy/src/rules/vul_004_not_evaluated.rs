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
    parameters: &[
        Parameter {
            name: "allow",
            kind: ParameterKind::Texts,
            help: "types of package URL (`generic`, `maven`) that may go unevaluated; they are shown all the same",
        },
        Parameter {
            name: "max-unknowns",
            kind: ParameterKind::Number { low: 0, high: 1_000_000 },
            help: "how much may be there that could not be read or told, before it blocks (default 0); it is shown all the same",
        },
    ],
    check,
};

/// How many names a finding lists.
const SHOWN: usize = 5;

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let facts = context.facts();
    let mut raised: Vec<Raised> = Vec::new();
    let components = facts.inventory.map_or(0, |inventory| inventory.components().len());
    if let Some(scan) = facts.scan.filter(|scan| scan.verdicts.len() > components) {
        let title = "the scan is not of this inventory";
        let found = format!("{} verdicts on {components} components", scan.verdicts.len());
        raised.push(context.unknown(Place::Image, title, found, "one verdict on each component"));
    }
    let Some(inventory) = facts.inventory else { return raised };
    if let Some(scan) = facts.scan {
        let groups = groups(inventory, scan);
        raised.extend(groups.iter().filter_map(|(key, group)| of_group(context, key, group)));
        raised.extend(of_nothing(context, inventory));
    }
    let mut unread: BTreeMap<(&str, &str), Vec<&Unknown>> = BTreeMap::new();
    for unknown in &inventory.unknowns {
        unread.entry((unknown.cataloger, &unknown.reason)).or_default().push(unknown);
    }
    let limit = context.number("max-unknowns", 0);
    let is_within = i64::try_from(inventory.unknowns.len()).is_ok_and(|count| count <= limit);
    let of_unread = |group: &Vec<&Unknown>| {
        let raised = of_unread(context, group)?;
        Some(if is_within { raised.at_most(Action::Inform) } else { raised })
    };
    raised.extend(unread.values().filter_map(of_unread));
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

/// An image without any component has nothing in it that advisories are about, or something that nobody recognised.
fn of_nothing(context: &RuleContext<'_>, inventory: &Inventory) -> Option<Raised> {
    let title = "no component was found, so none was evaluated";
    let raised = context.unknown(Place::Image, title, "no components", "at least one component");
    let is_empty = inventory.components().is_empty() && inventory.unknowns.is_empty();
    is_empty.then(|| raised.at_most(Action::Warn))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;
    use crate::rules::testing::*;

    fn unsupported(kind: &str) -> ScanVerdict {
        ScanVerdict::NotEvaluated(NotEvaluated::UnsupportedKind { kind: kind.to_owned() })
    }

    fn generic() -> Case {
        (0..7).fold(Case::default(), |case, number| {
            case.component(&format!("pkg:generic/g{number}@1"), unsupported("generic"))
        })
    }

    #[test]
    fn one_finding_for_each_kind_and_reason() {
        let case = generic()
            .component("pkg:npm/a@1", ScanVerdict::NotEvaluated(NotEvaluated::NoVersion))
            .component("pkg:npm/b@1", ScanVerdict::Clean);
        case.check("VUL-004", Expect::Unknown);
        let judged = case.findings("VUL-004");
        assert_eq!(judged.len(), 2);
        assert_eq!(judged[0].finding.found, "g0, g1, g2, g3, g4 and 2 more");
        assert!(judged[0].finding.title.starts_with("7 components of type generic"));
        assert_eq!(
            judged[1].finding.title,
            "1 component of type npm was not evaluated: its version is not known"
        );
        assert_eq!(case.decide().verdict(), Verdict::Undecided);
    }

    #[test]
    fn evaluated_components_pass() {
        let case = Case::default().component("pkg:npm/b@1", ScanVerdict::Clean);
        case.check("VUL-004", Expect::Pass);
        assert_eq!(case.decide().verdict(), Verdict::Pass);
    }

    #[test]
    fn an_inventory_without_components_is_said() {
        let case = Case::default().index(index(jiff::SignedDuration::ZERO));
        case.check("VUL-004", Expect::Unknown);
        assert_eq!(case.findings("VUL-004")[0].action, Action::Warn);
    }

    #[test]
    fn a_scan_of_something_else_is_no_scan() {
        let case = Case::default().component("pkg:npm/a@1", ScanVerdict::Clean);
        case.clone().with_verdicts(&[ScanVerdict::Clean]).check("VUL-004", Expect::Pass);
        let clean = ScanVerdict::Clean;
        case.clone().with_verdicts(&[clean.clone(), clean]).check("VUL-004", Expect::Unknown);
        case.with_verdicts(&[]).check("VUL-004", Expect::Unknown);
    }

    #[test]
    fn allowed_kinds_are_shown_and_do_not_block() {
        let allowed = generic().policy("rules: {VUL-004: {allow: [generic]}}");
        assert_eq!(allowed.findings("VUL-004")[0].action, Action::Inform);
        assert_eq!(allowed.decide().verdict(), Verdict::Pass);
        let other = generic().policy("rules: {VUL-004: {allow: [npm]}}");
        assert_eq!(other.decide().verdict(), Verdict::Undecided);
        let warned = generic().policy("unknown: warn");
        assert_eq!(warned.findings("VUL-004")[0].action, Action::Warn);
    }

    #[test]
    fn an_exception_has_to_cover_the_whole_group() {
        let with = |pattern: &str| {
            generic().policy(&format!(
                "exceptions: [{{rule: VUL-004, component: \"{pattern}\", reason: r, owner: o, expires: 2026-12-31}}]"
            ))
        };
        assert_eq!(with("pkg:generic/*").decide().verdict(), Verdict::Pass);
        assert_eq!(with("pkg:generic/g0").decide().verdict(), Verdict::Undecided);
    }

    #[test]
    fn as_much_may_be_unknown_as_the_policy_says() {
        let unread = || {
            let case = Case::default().component("pkg:npm/a@1", ScanVerdict::Clean);
            case.unread("a/Cargo.lock", "it is cut").unread("b/Cargo.lock", "it is cut")
        };
        assert_eq!(unread().decide().verdict(), Verdict::Undecided);
        let limited =
            |limit: u32| unread().policy(&format!("rules: {{VUL-004: {{max-unknowns: {limit}}}}}"));
        assert_eq!(limited(1).decide().verdict(), Verdict::Undecided);
        assert_eq!(limited(2).decide().verdict(), Verdict::Pass);
        assert_eq!(limited(2).findings("VUL-004")[0].action, Action::Inform);
    }

    #[test]
    fn what_could_not_be_read_is_not_clean() {
        let case = Case::default()
            .unread("var/lib/dpkg/status", "line 3 has no colon")
            .unread("var/lib/dpkg/status.d/x", "line 3 has no colon");
        case.check("VUL-004", Expect::Unknown);
        let judged = case.findings("VUL-004");
        assert_eq!(judged.len(), 1);
        assert!(judged[0].finding.title.starts_with("2 files could not be read as dpkg"));
        let accepted = |path: &str| {
            let policy = format!(
                "exceptions: [{{rule: VUL-004, path: \"{path}\", reason: r, owner: o, expires: 2026-12-31}}]"
            );
            case.clone().policy(&policy).decide().verdict()
        };
        assert_eq!(accepted("/var/lib/dpkg/**"), Verdict::Pass);
        assert_eq!(accepted("/var/lib/dpkg/status"), Verdict::Undecided);
    }
}
