use super::*;
use crate::{scan::scan, testing::index};
use plimsoll_model::{
    component::{ComponentKind, SourcePackage},
    inventory::{Distribution, Relation, RelationKind},
};
use proptest::prelude::*;

fn record(id: &str, ecosystem: &str, name: &str, events: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"2024-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{events}]}}]}}]}}"#
    )
}

/// A range from nothing to a fix, or without end.
fn until(fixed: Option<&str>) -> String {
    match fixed {
        Some(fixed) => format!(r#"{{"introduced":"0"}},{{"fixed":"{fixed}"}}"#),
        None => r#"{"introduced":"0"}"#.to_owned(),
    }
}

fn npm(name: &str, version: &str) -> Component {
    let purl = format!("pkg:npm/{name}@{version}").parse().unwrap();
    Component::new(purl, name, Some(version.to_owned()), "test")
}

fn advice(records: &[String], components: Vec<Component>, edges: &[(u32, u32)]) -> Advice {
    let relation = |(from, to): &(u32, u32)| Relation {
        from: ComponentId(*from),
        to: ComponentId(*to),
        kind: RelationKind::DependsOn,
    };
    let debian = Distribution {
        id: "debian".to_owned(),
        id_like: vec![],
        version_id: Some("12".to_owned()),
        codename: None,
        pretty_name: None,
    };
    let edges = edges.iter().map(relation).collect();
    let inventory = Inventory::new(Some(debian), components, edges, vec![]);
    let records: Vec<_> = records.iter().map(String::as_str).collect();
    let index = index(&records);
    advise(&inventory, &scan(&inventory, &index), &index)
}

/// A match under a name, for the tests beside this.
pub(super) fn found_under(name: &str) -> Match {
    let inventory = Inventory::new(None, vec![npm("x", "1.0.0")], vec![], vec![]);
    let index = index(&[&record("A", "npm", "x", &until(None))]);
    let scan = scan(&inventory, &index);
    let found = scan.matches().next().unwrap().1.clone();
    Match { matched_name: name.to_owned(), ..found }
}

fn upgrade(version: &str, clears: usize) -> Remedy {
    Remedy::Upgrade { version: version.to_owned(), clears }
}

#[track_caller]
fn check(records: &[String], expect: &Remedy) {
    let advice = advice(records, vec![npm("x", "1.0.0")], &[]);
    assert_eq!(&advice.steps[0].remedy, expect);
}

#[test]
fn the_smallest_version_that_clears_all_is_the_highest_of_the_first_fixes() {
    let all = [
        record("A", "npm", "x", &until(Some("1.0.5"))),
        record("B", "npm", "x", &until(Some("1.2.0"))),
        record(
            "C",
            "npm",
            "x",
            r#"{"introduced":"0"},{"fixed":"1.0.9"},{"introduced":"3.0.0"},{"fixed":"3.1.0"}"#,
        ),
    ];
    check(&all, &upgrade("1.2.0", 3));
}

#[test]
fn a_fix_that_has_another_flaw_is_not_advised() {
    let all = [
        record("A", "npm", "x", &until(Some("1.1.0"))),
        record("B", "npm", "x", r#"{"introduced":"1.1.0"},{"fixed":"1.1.2"}"#),
        record("C", "npm", "x", r#"{"introduced":"1.1.2"},{"fixed":"1.3.0"}"#),
    ];
    check(&all, &upgrade("1.3.0", 1));
}

#[test]
fn what_no_version_clears_is_left_and_counted() {
    let all =
        [record("A", "npm", "x", &until(Some("1.1.0"))), record("B", "npm", "x", &until(None))];
    check(&all, &upgrade("1.1.0", 1));
    let step = &advice(&all, vec![npm("x", "1.0.0")], &[]).steps[0];
    assert_eq!((step.flaws, step.stay()), (2, 1));
    check(&all[1..], &Remedy::NoVersion);
}

#[test]
fn a_record_that_disagrees_with_the_fix_of_another_keeps_the_flaw() {
    let alias = |record: String| record.replacen('{', r#"{"aliases":["CVE-1"],"#, 1);
    let all = [
        alias(record("A", "npm", "x", &until(Some("1.1.0")))),
        alias(record("B", "npm", "x", &until(None))),
    ];
    check(&all, &Remedy::NoVersion);
}

#[test]
fn malware_is_removed_whatever_fix_is_told() {
    let all = [record("MAL-2024-1", "npm", "x", &until(Some("1.0.1")))];
    check(&all, &Remedy::Remove);
    // Nor is anything advised that leads to it.
    let all = [
        record("A", "npm", "x", &until(Some("1.0.1"))),
        record("MAL-2024-1", "npm", "x", r#"{"introduced":"1.0.1"}"#),
    ];
    check(&all, &Remedy::NoVersion);
}

#[test]
fn the_direct_dependency_is_named_that_brings_it() {
    let mut app = npm("app", "0.0.0");
    app.kind = ComponentKind::Application;
    let all = [record("A", "npm", "deep", &until(Some("1.0.1")))];
    let components = vec![app, npm("deep", "1.0.0"), npm("direct", "5.0.0")];
    let advice = advice(&all, components, &[(0, 2), (2, 1)]);
    assert_eq!(advice.steps.len(), 1);
    assert_eq!(advice.steps[0].components, [ComponentId(1)]);
    assert_eq!(advice.steps[0].reach, Reach::Through(vec![ComponentId(2)]));
    assert_eq!(advice.steps[0].remedy, upgrade("1.0.1", 1));
    assert_eq!(advice.steps[0].command, None);
}

#[test]
fn packages_of_a_distribution_are_pinned() {
    let purl = "pkg:deb/debian/zlib1g@1%3A1.2.11-1".parse().unwrap();
    let mut zlib = Component::new(purl, "zlib1g", Some("1:1.2.11-1".to_owned()), "test");
    zlib.source = Some(SourcePackage { name: "zlib".to_owned(), version: "1:1.2.11-1".to_owned() });
    let all = [record("A", "Debian:12", "zlib", &until(Some("1:1.2.13-1")))];
    let step = &advice(&all, vec![zlib], &[]).steps[0];
    assert_eq!(step.reach, Reach::System);
    assert_eq!(step.command.as_deref(), Some("apt-get install zlib1g=1:1.2.13-1"));
}

#[test]
fn the_most_urgent_comes_first() {
    let all = [
        record("A", "npm", "a", &until(Some("2.0.0"))),
        record("MAL-2024-1", "npm", "z", &until(None)),
    ];
    let advice = advice(&all, vec![npm("a", "1.0.0"), npm("z", "1.0.0")], &[]);
    let remedies: Vec<_> = advice.steps.iter().map(|step| step.remedy.clone()).collect();
    assert_eq!(remedies, [Remedy::Remove, upgrade("2.0.0", 1)]);
    assert_eq!((advice.findings, advice.with_base), (2, 0));
}

/// Ranges of small versions: introduced, and fixed after it or never.
fn ranges() -> impl Strategy<Value = Vec<(u32, Option<u32>)>> {
    let range = (0_u32..8, proptest::option::of(1_u32..6))
        .prop_map(|(from, length)| (from, length.map(|length| from + length)));
    proptest::collection::vec(range, 1..6)
}

/// Whether a version has a flaw that a later one has not.
fn is_clearable(ranges: &[(u32, Option<u32>)], version: u32) -> bool {
    ranges
        .iter()
        .any(|(from, fixed)| *from <= version && fixed.is_some_and(|fixed| version < fixed))
}

proptest! {
    #[test]
    fn the_advised_version_is_the_lowest_that_leaves_nothing_to_clear(
        ranges in ranges(), installed in 0_u32..10
    ) {
        let records: Vec<String> = ranges.iter().enumerate().map(|(number, (from, fixed))| {
            let fixed = fixed.map(|fixed| format!(r#",{{"fixed":"{fixed}.0.0"}}"#)).unwrap_or_default();
            record(&format!("R{number}"), "npm", "x", &format!(r#"{{"introduced":"{from}.0.0"}}{fixed}"#))
        }).collect();
        let advice = advice(&records, vec![npm("x", &format!("{installed}.0.0"))], &[]);
        let candidates: BTreeSet<u32> =
            ranges.iter().filter_map(|(_, fixed)| *fixed).filter(|fixed| *fixed > installed).collect();
        let best = candidates.into_iter().find(|version| !is_clearable(&ranges, *version));
        let advised = advice.steps.first().and_then(|step| match &step.remedy {
            Remedy::Upgrade { version, .. } => Some(version.clone()),
            Remedy::Remove | Remedy::NoVersion => None,
        });
        if is_clearable(&ranges, installed) {
            prop_assert_eq!(advised, best.map(|version| format!("{version}.0.0")));
        } else {
            prop_assert_eq!(advised, None);
        }
    }
}
