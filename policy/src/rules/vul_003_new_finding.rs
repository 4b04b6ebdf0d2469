//! VUL-003: no flaw is aboard that was not in the last promoted build.

use super::{
    About, Raised, Rule, RuleContext,
    vul_002_vulnerable_component::{matches, raise},
};
use crate::{decide::Action, facts::Since};
use plimsoll_model::{
    Severity,
    difference::{Cause, Difference, FindingChange, package_of},
    finding::Place,
};

pub(crate) const RULE: Rule = Rule {
    id: "VUL-003",
    name: "vul_003_new_finding",
    title: "no flaw is aboard that was not in the last promoted build",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A build that is no worse than what is deployed may go out; one that is worse makes a choice that somebody should make.",
    mend: "see what brought it with `plimsoll diff promoted:NAME SUBJECT`, then take the change back or a version with the fix",
    bad: "qs 6.5.2, where the last promoted build had 6.5.3",
    good: "rules: {VUL-003: deny}   # and nothing new since build 41",
    equivalents: &["docker scout compare"],
    about: &[About::Scan],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    match context.facts().since {
        // What this command judges is not compared with anything.
        None => Vec::new(),
        Some(Since::Untold(reason)) => {
            let title = "what is new since the last promoted build can not be told";
            let expected = "a promoted build of the same name in the ledger";
            vec![context.unknown(Place::Image, title, reason.clone(), expected)]
        }
        Some(Since::Build { build, difference }) => of_build(context, build, difference),
    }
}

fn of_build(context: &RuleContext<'_>, build: &str, difference: &Difference) -> Vec<Raised> {
    let mut raised = Vec::new();
    for change in difference.new_findings() {
        let found = matches(context).filter(|(component, found)| {
            found.advisory.display_id() == change.id
                && package_of(&component.purl) == change.package
        });
        raised.extend(found.map(|(component, found)| {
            let title = format!("{} is new since {build}{}", change.id, cause(change));
            raise(context, component, found, title)
        }));
    }
    raised.extend(difference.untold.iter().map(|untold| {
        let title = format!("{} could be evaluated in {build}, and can not now", untold.package);
        context.unknown(
            Place::Image,
            title,
            untold.reason.clone(),
            "something that can be evaluated",
        )
    }));
    raised
}

fn cause(change: &FindingChange) -> &'static str {
    match change.cause {
        Cause::Code => ": the code changed",
        Cause::Advisories => ": it was published since",
        Cause::Both => ": code and advisories changed",
        Cause::Unknown(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::difference::{FindingChangeKind, Untold};
    use std::collections::BTreeSet;

    fn since(ids: &[&str], untold: &[&str]) -> Since {
        let change = |id: &&str| FindingChange {
            kind: FindingChangeKind::New,
            package: "pkg:npm/a".to_owned(),
            id: (*id).to_owned(),
            ids: BTreeSet::new(),
            severity: Severity::High,
            before: BTreeSet::new(),
            after: BTreeSet::new(),
            cause: Cause::Code,
        };
        let untold = untold
            .iter()
            .map(|package| Untold { package: (*package).to_owned(), reason: "x".to_owned() });
        let difference = Difference {
            changes: ids.iter().map(change).collect(),
            unchanged: 1,
            untold: untold.collect(),
        };
        Since::Build { build: "build 7".to_owned(), difference }
    }

    fn case() -> Case {
        Case::default()
            .matched("pkg:npm/a@1", found("CVE-1", Severity::High))
            .matched("pkg:npm/b@1", found("CVE-1", Severity::High))
    }

    #[test]
    fn what_is_new_is_a_finding_about_its_own_component() {
        case().since(since(&[], &[])).check("VUL-003", Expect::Pass);
        let judged = case().since(since(&["CVE-1"], &[])).findings("VUL-003");
        assert_eq!(judged.len(), 1);
        assert_eq!(judged[0].finding.title, "CVE-1 is new since build 7: the code changed");
        assert_eq!(judged[0].finding.found, "a 1");
        let place = &judged[0].finding.place;
        assert!(
            matches!(place, Place::Component { purl, .. } if purl.as_str() == "pkg:npm/a@1"),
            "{place:?}"
        );
        assert_eq!(judged[0].finding.severity, Severity::High);
        assert_eq!(judged[0].action, Action::Warn);
        let denied = case().since(since(&["CVE-1"], &[])).policy("rules: {VUL-003: deny}");
        assert_eq!(denied.findings("VUL-003")[0].action, Action::Deny);
    }

    #[test]
    fn what_can_no_longer_be_told_is_not_fine() {
        case().since(since(&[], &["pkg:npm/c"])).check("VUL-003", Expect::Unknown);
        case().since(Since::Untold("no ledger".to_owned())).check("VUL-003", Expect::Unknown);
    }

    #[test]
    fn a_command_that_compares_nothing_says_nothing() {
        case().check("VUL-003", Expect::Pass);
    }
}
