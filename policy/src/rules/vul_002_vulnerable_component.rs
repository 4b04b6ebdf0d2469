//! VUL-002: no component has a flaw that the gate refuses.

use super::{About, Raised, Rule, RuleContext, find};
use crate::{
    decide::Action,
    policy::{Condition, ConditionClass, Leniency},
};
use jiff::Timestamp;
use plimsoll_model::{
    Finding, Severity,
    advisory::AdvisoryClass,
    component::Component,
    finding::{Place, Vulnerability},
    scan::{Fix, Match},
};

pub(crate) const RULE: Rule = Rule {
    id: "VUL-002",
    name: "vul_002_vulnerable_component",
    title: "no component has a flaw that `gate.fail` refuses",
    severity: Severity::High,
    action: Action::Deny,
    why: "A flaw that is published is a flaw that is searched for, by programs, within hours.",
    mend: "build again on a base and with dependencies that have the fix; where there is none, decide and write an exception",
    bad: "zlib1g 1:1.2.11   # CVE-2022-37434, critical, fixed in 1:1.2.11.dfsg-2+deb11u2",
    good: "zlib1g 1:1.2.11.dfsg-2+deb11u2",
    equivalents: &["conforma cve_blockers"],
    about: &[About::Scan],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let malware_is_denied = find("VUL-005")
        .is_some_and(|rule| context.policy().action(rule).value == Some(Action::Deny));
    matches(context)
        .filter(|(_, found)| {
            // VUL-005 says so, and denies it.
            found.advisory.class == AdvisoryClass::Vulnerability || !malware_is_denied
        })
        .map(|(component, found)| {
            let cleared = context.subject.vex.clearing(component, found);
            judge(context, component, found).cleared_by(cleared)
        })
        .collect()
}

/// Every match with its component.
pub(super) fn matches<'a>(
    context: &RuleContext<'a>,
) -> impl Iterator<Item = (&'a Component, &'a Match)> {
    let pair = context.facts().inventory.zip(context.facts().scan);
    pair.into_iter().flat_map(|(inventory, scan)| {
        scan.matches().filter_map(|(id, found)| Some((inventory.component(id)?, found)))
    })
}

/// The finding about a match.
pub(super) fn raise(
    context: &RuleContext<'_>,
    component: &Component,
    found: &Match,
    title: String,
) -> Raised {
    let version = component.version.as_deref().unwrap_or("without a version");
    let fixed = found.fix.versions();
    let expected = match fixed {
        [] => "a version without the flaw; none is known".to_owned(),
        versions => format!("{} or later", versions.join(" or ")),
    };
    let mut ids = found.advisory.aliases.clone();
    ids.push(found.advisory.id.clone());
    ids.sort();
    ids.dedup();
    let vulnerability = Vulnerability {
        id: found.advisory.display_id().to_owned(),
        ids,
        purl: component.purl.clone(),
        name: component.name.clone(),
        version: component.version.clone().unwrap_or_default(),
        fix: found.fix.clone(),
        score: found.advisory.cvss.as_ref().map(|cvss| cvss.score),
        risk: found.risk(),
        exploitation: found.exploitation,
        prediction: found.prediction,
        origin: found.origin,
    };
    let remedy = match fixed {
        [] => "no fix is known: remove the component, or decide and write an exception".to_owned(),
        versions => format!("rebuild with {} {}", component.name, versions.join(" or ")),
    };
    context
        .fail(place(component), title, format!("{} {version}", component.name), expected)
        .with_severity(found.advisory.severity)
        .with_vulnerability(vulnerability)
        .with_remedy(remedy)
}

/// Where a component was found first.
pub(super) fn place(component: &Component) -> Place {
    let location = component.locations.first();
    Place::Component {
        purl: component.purl.clone(),
        path: location.map(|location| location.path.to_string()).unwrap_or_default(),
        layer: location.and_then(|location| location.layer),
    }
}

fn judge(context: &RuleContext<'_>, component: &Component, found: &Match) -> Raised {
    let advisory = &found.advisory;
    let summary = if advisory.summary.is_empty() { "a known flaw" } else { &advisory.summary };
    let title = format!("{}: {summary}", advisory.display_id());
    let raised = raise(context, component, found, title);
    let gate = context.policy().gate();
    let holds = |wanted: Holds| {
        gate.fail.iter().find(|condition| holds(condition, found, context.now()) == wanted)
    };
    let unsure = |reason: &str, raised: Raised| {
        let raised = unknown(raised, reason);
        Raised {
            finding: Finding { expected: "what the gate asks for".to_owned(), ..raised.finding },
            ..raised
        }
    };
    if let Some(condition) = holds(Holds::Yes) {
        raised.by_line(condition.line)
    } else if let Some(condition) = holds(Holds::AgeUnknown) {
        unsure("its advisory has no date", raised).by_line(condition.line)
    } else if let Some(condition) = holds(Holds::SeverityUnknown) {
        let raised = unsure("its advisory states no severity", raised);
        match gate.unknown_severity.value {
            Leniency::Fail => raised.by_line(gate.unknown_severity.line.or(condition.line)),
            Leniency::Warn => raised.at_most(Action::Warn).by_line(gate.unknown_severity.line),
        }
    } else {
        raised.at_most(Action::Inform)
    }
}

fn unknown(mut raised: Raised, reason: &str) -> Raised {
    raised.finding.outcome = plimsoll_model::finding::Outcome::Unknown;
    raised.finding.found = format!("{}; {reason}", raised.finding.found);
    raised
}

/// Whether a condition holds for a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Yes,
    No,
    /// All the rest holds, and the advisory has no date.
    AgeUnknown,
    /// All the rest holds or may hold, and the advisory states no severity.
    SeverityUnknown,
}

fn holds(condition: &Condition, found: &Match, now: Timestamp) -> Holds {
    let advisory = &found.advisory;
    let is_fixable = matches!(found.fix, Fix::Fixed(_));
    let is_class = match condition.class {
        ConditionClass::Any => true,
        ConditionClass::Malware => advisory.class == AdvisoryClass::Malware,
    };
    let is_old = match (condition.older_than, advisory.published) {
        (None, _) => Some(true),
        (Some(least), Some(published)) => Some(now.duration_since(published) >= least),
        (Some(_), None) => None,
    };
    let is_severe = match (condition.severity, advisory.severity) {
        (None, _) => Some(true),
        (Some(_), Severity::Unknown) => None,
        (Some(least), severity) => Some(severity >= least),
    };
    let is_met = is_class && condition.fixable.is_none_or(|wanted| wanted == is_fixable);
    match (is_met, is_severe, is_old) {
        (false, _, _) | (_, Some(false), _) | (_, _, Some(false)) => Holds::No,
        (true, Some(true), Some(true)) => Holds::Yes,
        (true, None, _) => Holds::SeverityUnknown,
        (true, Some(true), None) => Holds::AgeUnknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;
    use crate::rules::testing::*;
    use plimsoll_model::finding::Outcome::{self, Fail, Unknown};

    fn case(found: Match) -> Case {
        Case::default().matched("pkg:deb/debian/zlib1g@1?arch=amd64", found)
    }

    fn unfixed(severity: Severity) -> Match {
        Match { fix: Fix::NoneKnown, ..found("CVE-1", severity) }
    }

    #[track_caller]
    fn check(case: &Case, expect: (Action, Outcome)) {
        let judged = case.findings("VUL-002");
        assert_eq!(judged.len(), 1);
        assert_eq!((judged[0].action, judged[0].finding.outcome), expect);
    }

    #[test]
    fn severity_means_that_bad_or_worse() {
        let gate = "gate: {fail: [{severity: high}]}";
        for (severity, action) in [
            (Severity::Critical, Action::Deny),
            (Severity::High, Action::Deny),
            (Severity::Medium, Action::Inform),
            (Severity::Info, Action::Inform),
        ] {
            check(&case(unfixed(severity)).policy(gate), (action, Fail));
        }
    }

    #[test]
    fn everything_that_a_condition_names_has_to_hold() {
        let gate = "gate: {fail: [{severity: high, fixable: true, older-than: 30d}]}";
        let case = |found| case(found).policy(gate);
        check(&case(found("CVE-1", Severity::High)), (Action::Deny, Fail));
        check(&case(unfixed(Severity::High)), (Action::Inform, Fail));
        check(&case(found("CVE-1", Severity::Medium)), (Action::Inform, Fail));
        let mut young = found("CVE-1", Severity::High);
        young.advisory.published = Some(now());
        check(&case(young), (Action::Inform, Fail));
        let mut undated = found("CVE-1", Severity::High);
        undated.advisory.published = None;
        check(&case(undated), (Action::Deny, Unknown));
    }

    #[test]
    fn an_unknown_severity_is_never_harmless() {
        let found = || unfixed(Severity::Unknown);
        check(&case(found()), (Action::Warn, Unknown));
        check(&case(found()).policy("gate: {unknown-severity: fail}"), (Action::Deny, Unknown));
        check(&case(found()).policy("extends: strict"), (Action::Deny, Unknown));
        // Where no condition turns on it, it changes nothing.
        let fixable = "gate: {fail: [{severity: high, fixable: true}], unknown-severity: fail}";
        check(&case(found()).policy(fixable), (Action::Inform, Fail));
        check(&case(found()).policy("gate: {fail: [{fixable: false}]}"), (Action::Deny, Fail));
    }

    #[test]
    fn the_condition_is_named_and_the_fix_too() {
        let gate = "gate:\n  fail:\n    - {severity: critical}\n    - {severity: high}";
        let judged = case(found("CVE-1", Severity::High)).policy(gate).findings("VUL-002");
        assert_eq!(judged[0].policy_line.as_ref().map(|line| line.line), Some(5));
        assert_eq!(judged[0].finding.remedy, "rebuild with zlib1g 2");
        assert_eq!(judged[0].finding.found, "zlib1g 1");
    }

    #[test]
    fn an_exception_accepts_one_flaw_of_one_component_whatever_its_id_is_called() {
        let mut flaw = found("GHSA-1", Severity::Critical);
        flaw.advisory.aliases = vec!["CVE-1".to_owned()];
        let verdict = |scope: &str| {
            let exception = format!(
                "exceptions: [{{rule: vulnerability, {scope}, reason: r, owner: o, expires: 2026-12-31}}]"
            );
            case(flaw.clone()).policy(&exception).decide().verdict()
        };
        for good in [
            "id: cve-1",
            "id: GHSA-1, component: \"pkg:deb/debian/zlib1g\"",
            "id: CVE-1, component: \"pkg:deb/debian/zlib1g@1\"",
        ] {
            assert_eq!(verdict(good), Verdict::Pass, "{good}");
        }
        for bad in [
            "id: CVE-2",
            "id: CVE-11",
            "id: CVE-1, component: \"pkg:deb/debian/zlib\"",
            "id: CVE-1, component: \"pkg:deb/debian/zlib1g@2\"",
            "id: CVE-1, path: /else",
        ] {
            assert_eq!(verdict(bad), Verdict::Blocked, "{bad}");
        }
    }

    #[test]
    fn malware_is_left_to_its_own_rule_while_that_denies() {
        let mut malware = found("MAL-1", Severity::Unknown);
        malware.advisory.class = AdvisoryClass::Malware;
        case(malware.clone()).check("VUL-002", Expect::Pass);
        // Switched off there, the gate still refuses it.
        check(&case(malware).policy("rules: {VUL-005: off}"), (Action::Deny, Fail));
    }

    #[test]
    fn no_match_is_no_finding() {
        let clean = plimsoll_model::scan::ScanVerdict::Clean;
        Case::default().component("pkg:deb/debian/a@1", clean).check("VUL-002", Expect::Pass);
    }
}
