use super::*;
use plimsoll_model::{Digest, difference::ViewIndex, scan::Origin};

const OLD: &str = "old";
const NEW: &str = "new";

/// A view by an index of packages, each a name with its version and flaws.
fn view(index: &str, packages: &[(&str, &str, &[&str])]) -> View {
    let index = ViewIndex {
        digest: Digest::of(index.as_bytes()),
        built: "2026-01-10T00:00:00Z".parse().unwrap(),
    };
    let mut view = View { index: Some(index), ..View::default() };
    for (name, version, flaws) in packages {
        let package = view.packages.entry(format!("pkg:npm/{name}")).or_default();
        package.versions.insert((*version).to_owned());
        for id in *flaws {
            package.add(id, flaw(&[id]));
        }
    }
    view
}

fn flaw(ids: &[&str]) -> FlawView {
    FlawView {
        ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        severity: Severity::High,
        fixed: Some(BTreeSet::new()),
        exploited: Some(Exploited::Unheard),
        origin: Some(Origin::Own),
        published: Some("2026-01-01T00:00:00Z".parse().unwrap()),
    }
}

fn package<'a>(view: &'a mut View, name: &str) -> &'a mut PackageView {
    view.packages.get_mut(&format!("pkg:npm/{name}")).unwrap()
}

/// Kind, flaw and cause of each change.
fn told(difference: &Difference) -> Vec<(&str, &str, &str)> {
    difference
        .changes
        .iter()
        .map(|change| (change.kind.as_str(), change.id.as_str(), change.cause.as_str()))
        .collect()
}

#[test]
fn by_one_index_whatever_differs_is_the_code() {
    let before = view(OLD, &[("a", "1", &["CVE-1", "CVE-2"]), ("gone", "1", &["CVE-9"])]);
    let after = view(OLD, &[("a", "2", &["CVE-2", "CVE-3"]), ("come", "1", &["CVE-4"])]);
    let found = difference(&before, &after, Crossed::default());
    assert_eq!(
        told(&found),
        [
            ("new", "CVE-3", "code"),
            ("new", "CVE-4", "code"),
            ("fixed", "CVE-1", "code"),
            ("fixed", "CVE-9", "code"),
        ]
    );
    assert_eq!(found.unchanged, 1);
    assert_eq!(found.new_findings().count(), 2);
}

#[test]
fn of_the_same_package_the_advisories_changed() {
    let before = view(OLD, &[("a", "1", &["CVE-1", "CVE-2"])]);
    let after = view(NEW, &[("a", "1", &["CVE-2", "CVE-3"])]);
    let found = difference(&before, &after, Crossed::default());
    assert_eq!(told(&found), [("new", "CVE-3", "advisories"), ("fixed", "CVE-1", "advisories")]);
}

#[test]
fn the_same_version_on_another_system_is_the_code() {
    let (before, after) = (view(OLD, &[("a", "1", &[])]), view(NEW, &[("a", "1", &["CVE-1"])]));
    let (one, other) = (view(NEW, &[("a", "1", &[])]), view(OLD, &[("a", "1", &["CVE-1"])]));
    let crossed = Crossed { before_by_later: Some(&one), after_by_earlier: Some(&other) };
    assert_eq!(told(&difference(&before, &after, crossed)), [("new", "CVE-1", "code")]);
}

/// A flaw that comes with version 2 and the new index; what each side shows by the other's index.
fn crossed((before_by_later, after_by_earlier): (bool, Option<bool>)) -> (Vec<Cause>, Vec<Cause>) {
    let flaws = |is_there: bool| if is_there { ["CVE-1"].as_slice() } else { &[] };
    let cause = |is_new: bool| {
        let before = view(OLD, &[("a", "1", flaws(!is_new))]);
        let after = view(NEW, &[("a", "2", flaws(is_new))]);
        let one = view(NEW, &[("a", "1", flaws(before_by_later))]);
        let other = after_by_earlier.map(|is_there| view(OLD, &[("a", "2", flaws(is_there))]));
        let crossed = Crossed { before_by_later: Some(&one), after_by_earlier: other.as_ref() };
        difference(&before, &after, crossed)
            .changes
            .into_iter()
            .map(|change| change.cause)
            .collect()
    };
    (cause(true), cause(false))
}

#[test]
fn the_cause_is_what_does_it_alone() {
    assert_eq!(crossed((false, Some(true))), (vec![Cause::Code], vec![Cause::Advisories]));
    assert_eq!(crossed((true, Some(false))), (vec![Cause::Advisories], vec![Cause::Code]));
    assert_eq!(crossed((true, Some(true))), (vec![Cause::Both], vec![Cause::Both]));
    assert_eq!(crossed((false, Some(false))), (vec![Cause::Both], vec![Cause::Both]));
}

#[test]
fn without_the_earlier_index_no_more_is_said_than_is_known() {
    // The old version has the flaw by today's advisories: it was there all along.
    assert_eq!(crossed((true, None)).0, [Cause::Advisories]);
    // It has not: the new version was needed for it, and perhaps a new record too.
    assert_eq!(crossed((false, None)).0[0].as_str(), "unknown");
    assert_eq!(crossed((true, None)).1, [Cause::Code]);
    assert_eq!(crossed((false, None)).1, [Cause::Advisories]);
}

#[test]
fn a_record_that_is_younger_than_the_earlier_index_was_needed_as_well() {
    let before = view(OLD, &[("a", "1", &[])]);
    let mut after = view(NEW, &[("a", "2", &["CVE-1"])]);
    let today = view(NEW, &[("a", "1", &[])]);
    let crossed = Crossed { before_by_later: Some(&today), after_by_earlier: None };
    let young = package(&mut after, "a").flaws.get_mut("CVE-1").unwrap();
    young.published = Some("2026-02-01T00:00:00Z".parse().unwrap());
    assert_eq!(difference(&before, &after, crossed).changes[0].cause, Cause::Both);
}

#[test]
fn what_can_no_longer_be_evaluated_is_not_fixed() {
    let before = view(OLD, &[("a", "1", &["CVE-1"])]);
    let mut after = view(NEW, &[("a", "1.x", &[])]);
    package(&mut after, "a").untold = Some("no order".to_owned());
    let found = difference(&before, &after, Crossed::default());
    assert_eq!(found.changes[0].kind, FindingChangeKind::Untold("no order".to_owned()));
    let expect = Untold { package: "pkg:npm/a".to_owned(), reason: "no order".to_owned() };
    assert_eq!(found.untold, [expect]);
    assert!(found.has_untold());
    // As before it is nothing new.
    assert_eq!(difference(&after, &after, Crossed::default()), Difference::default());
}

#[test]
fn what_could_not_be_told_before_may_have_been_there() {
    let mut before = view(OLD, &[("a", "1", &[])]);
    package(&mut before, "a").untold = Some("no advisories".to_owned());
    let after = view(NEW, &[("a", "1", &["CVE-1"])]);
    let found = difference(&before, &after, Crossed::default());
    let expect = Cause::Unknown("before, it could not be told: no advisories".to_owned());
    assert_eq!(found.changes[0].cause, expect);
    assert!(!found.has_untold());
}

#[test]
fn a_flaw_under_another_name_is_the_same() {
    let mut before = view(OLD, &[("a", "1", &[])]);
    package(&mut before, "a").add("GHSA-1", flaw(&["GHSA-1"]));
    let mut after = view(NEW, &[("a", "1", &[])]);
    package(&mut after, "a").add("CVE-1", flaw(&["CVE-1", "GHSA-1"]));
    assert_eq!(difference(&before, &after, Crossed::default()).unchanged, 1);
    assert_eq!(difference(&after, &before, Crossed::default()).unchanged, 1);
}

#[test]
fn two_flaws_of_one_record_are_two() {
    let mut before = view(OLD, &[("a", "1", &[])]);
    package(&mut before, "a").add("CVE-1", flaw(&["CVE-1", "ALSA-1"]));
    let mut after = view(OLD, &[("a", "1", &[])]);
    package(&mut after, "a").add("CVE-2", flaw(&["CVE-2", "ALSA-1"]));
    let found = difference(&before, &after, Crossed::default());
    assert_eq!(told(&found), [("new", "CVE-2", "code"), ("fixed", "CVE-1", "code")]);
}

#[test]
fn what_is_said_of_a_flaw_may_change() {
    let before = view(OLD, &[("a", "1", &["CVE-1"])]);
    let change = |change: &dyn Fn(&mut FlawView)| {
        let mut after = view(NEW, &[("a", "1", &["CVE-1"])]);
        change(package(&mut after, "a").flaws.get_mut("CVE-1").unwrap());
        let mut found = difference(&before, &after, Crossed::default());
        let found = found.changes.remove(0);
        (found.kind, found.cause)
    };
    let changed = |attribute| FindingChangeKind::Changed(vec![attribute]);
    assert_eq!(
        change(&|flaw| flaw.severity = Severity::Critical),
        (changed(Attribute::Severity(Severity::High, Severity::Critical)), Cause::Advisories)
    );
    assert_eq!(
        change(&|flaw| flaw.fixed = Some(BTreeSet::from(["2".to_owned()]))),
        (changed(Attribute::FixAvailable), Cause::Advisories)
    );
    assert_eq!(
        change(&|flaw| flaw.exploited = Some(Exploited::Known)),
        (changed(Attribute::Exploited), Cause::Advisories)
    );
    assert_eq!(
        change(&|flaw| flaw.origin = Some(Origin::Base)),
        (changed(Attribute::Origin(Origin::Own, Origin::Base)), Cause::Code)
    );
}

#[test]
fn what_is_not_known_differs_from_nothing() {
    let mut before = view(OLD, &[("a", "1", &["CVE-1"])]);
    let known = package(&mut before, "a").flaws.get_mut("CVE-1").unwrap();
    (known.fixed, known.exploited, known.origin) = (None, None, None);
    let after = view(NEW, &[("a", "1", &["CVE-1"])]);
    assert_eq!(difference(&before, &after, Crossed::default()).unchanged, 1);
}

#[test]
fn without_an_index_no_cause_is_named() {
    let before = View { index: None, ..view(OLD, &[("a", "1", &[])]) };
    let after = view(NEW, &[("a", "1", &["CVE-1"])]);
    let found = difference(&before, &after, Crossed::default());
    assert_eq!(found.changes[0].cause.as_str(), "unknown");
}
