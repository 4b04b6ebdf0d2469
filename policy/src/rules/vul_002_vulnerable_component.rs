//! VUL-002: no component has a flaw that the gate refuses.

use super::{About, Raised, Rule, RuleContext, find};
use crate::{
    decide::Action,
    policy::{Condition, ConditionClass, ConditionExploitation, ConditionOrigin, Leniency},
};
use jiff::Timestamp;
use plimsoll_model::{
    Finding, Severity,
    advisory::AdvisoryClass,
    component::Component,
    finding::{Place, Vulnerability},
    risk::Exploitation,
    scan::{Fix, Match, Origin},
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
    let judged: Vec<_> = gate
        .fail
        .iter()
        .map(|condition| (condition, holds(condition, found, context.now())))
        .collect();
    let first = |is_wanted: fn(&Holds) -> bool| judged.iter().find(|(_, holds)| is_wanted(holds));
    let unsure = |reason: &str, raised: Raised| {
        let raised = unknown(raised, reason);
        Raised {
            finding: Finding { expected: "what the gate asks for".to_owned(), ..raised.finding },
            ..raised
        }
    };
    if let Some((condition, _)) = first(|holds| *holds == Holds::Yes) {
        raised.by_line(condition.line)
    } else if let Some((condition, Holds::Untold(reason))) =
        first(|holds| matches!(holds, Holds::Untold(_)))
    {
        unsure(reason, raised).by_line(condition.line)
    } else if let Some((condition, _)) = first(|holds| *holds == Holds::SeverityUnknown) {
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
    /// All the rest holds, and this is not known.
    Untold(&'static str),
    /// All the rest holds or may hold, and the advisory states no severity.
    SeverityUnknown,
}

impl Holds {
    /// Of something that is known only by luck.
    fn of(known: Option<bool>, unknown: &'static str) -> Self {
        match known {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None => Self::Untold(unknown),
        }
    }
}

/// A condition holds where all of its demands do. What is known not to hold decides over what is not known.
fn holds(condition: &Condition, found: &Match, now: Timestamp) -> Holds {
    let all = demands(condition, found, now);
    if all.contains(&Holds::No) {
        return Holds::No;
    }
    let unknown = |is_wanted: fn(&Holds) -> bool| all.iter().copied().find(is_wanted);
    unknown(|holds| *holds == Holds::SeverityUnknown)
        .or_else(|| unknown(|holds| matches!(holds, Holds::Untold(_))))
        .unwrap_or(Holds::Yes)
}

/// Every demand of a condition.
fn demands(condition: &Condition, found: &Match, now: Timestamp) -> [Holds; 8] {
    let advisory = &found.advisory;
    let is_fixable = matches!(found.fix, Fix::Fixed(_));
    let asked = |is_met: Option<bool>| Holds::of(Some(is_met.unwrap_or(true)), "");
    let severity = match (condition.severity, advisory.severity) {
        (Some(_), Severity::Unknown) => Holds::SeverityUnknown,
        (least, severity) => asked(least.map(|least| severity >= least)),
    };
    let age = |since: Option<Timestamp>, least| Some(now.duration_since(since?) >= least);
    [
        asked(match condition.class {
            ConditionClass::Any => None,
            ConditionClass::Malware => Some(advisory.class == AdvisoryClass::Malware),
        }),
        asked(condition.fixable.map(|wanted| wanted == is_fixable)),
        severity,
        condition.older_than.map_or(Holds::Yes, |least| {
            Holds::of(age(advisory.published, least), "its advisory has no date")
        }),
        condition.fixed_for.map_or(Holds::Yes, |least| match &found.fix {
            Fix::Fixed(fixed) => {
                let since = fixed.since.map(|since| since.at);
                Holds::of(age(since, least), "no record tells since when there is a fix")
            }
            Fix::NotFixed { .. } | Fix::WontFix { .. } | Fix::NoneKnown => Holds::No,
        }),
        condition.likelihood.map_or(Holds::Yes, |least| {
            let is_likely = found.prediction.map(|found| least.is_reached_by(found.probability));
            Holds::of(is_likely, "nobody has predicted how likely it is to be exploited")
        }),
        match condition.exploitation {
            ConditionExploitation::Any => Holds::Yes,
            ConditionExploitation::Known => exploited(found),
        },
        origin(condition.origin, found.origin),
    ]
}

fn exploited(found: &Match) -> Holds {
    let is_exploited = match found.exploitation {
        Exploitation::Known(_) => Some(true),
        Exploitation::NotListed => Some(false),
        Exploitation::NoCatalog => None,
    };
    Holds::of(is_exploited, "the index has no catalog of exploited flaws")
}

fn origin(wanted: ConditionOrigin, found: Origin) -> Holds {
    let unknown = "whether it came with the base image is not known";
    match (wanted, found) {
        (ConditionOrigin::Any, _)
        | (ConditionOrigin::Base, Origin::Base)
        | (ConditionOrigin::Own, Origin::Own) => Holds::Yes,
        (_, Origin::Unknown) => Holds::Untold(unknown),
        (ConditionOrigin::Base, Origin::Own) | (ConditionOrigin::Own, Origin::Base) => Holds::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;
    use crate::rules::testing::*;
    use jiff::SignedDuration;
    use plimsoll_model::{
        finding::Outcome::{self, Fail, Unknown},
        risk::{KnownExploited, Prediction, Ransomware},
        scan::{Dated, FixedSince},
    };

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
    fn a_fix_is_as_old_as_the_record_that_names_it() {
        let gate = "gate: {fail: [{severity: high, fixed-for: 14d}]}";
        let since = |days: i64| {
            let mut flaw = found("CVE-1", Severity::High);
            let at = now().checked_sub(SignedDuration::from_hours(days * 24)).unwrap();
            if let Fix::Fixed(fixed) = &mut flaw.fix {
                fixed.since = Some(FixedSince { at, dated: Dated::Published });
            }
            case(flaw).policy(gate)
        };
        check(&since(14), (Action::Deny, Fail));
        check(&since(13), (Action::Inform, Fail));
        check(&case(found("CVE-1", Severity::High)).policy(gate), (Action::Deny, Unknown));
        check(&case(unfixed(Severity::High)).policy(gate), (Action::Inform, Fail));
        check(&case(found("CVE-1", Severity::Low)).policy(gate), (Action::Inform, Fail));
    }

    #[test]
    fn exploited_flaws_and_likely_ones() {
        let of = |gate: &str, exploitation, prediction: Option<f64>| {
            let prediction =
                prediction.map(|probability| Prediction { probability, percentile: 0.0 });
            let flaw = Match { exploitation, prediction, ..found("CVE-1", Severity::Low) };
            case(flaw).policy(&format!("gate: {{fail: [{{{gate}}}]}}"))
        };
        let known = Exploitation::Known(KnownExploited {
            added: None,
            due: None,
            ransomware: Ransomware::Unknown,
        });
        let exploited = |exploitation| of("known-exploited: true", exploitation, None);
        check(&exploited(known), (Action::Deny, Fail));
        check(&exploited(Exploitation::NotListed), (Action::Inform, Fail));
        check(&exploited(Exploitation::NoCatalog), (Action::Deny, Unknown));
        let likely = |prediction| of("epss: 12.5%", Exploitation::NotListed, prediction);
        check(&likely(Some(0.125)), (Action::Deny, Fail));
        check(&likely(Some(0.124_9)), (Action::Inform, Fail));
        check(&likely(None), (Action::Deny, Unknown));
    }

    #[test]
    fn base_and_own_are_gated_apart() {
        let of = |origin, gate: &str| {
            let flaw = Match { origin, ..found("CVE-1", Severity::High) };
            case(flaw).policy(&format!("gate: {{fail: [{{severity: high, origin: {gate}}}]}}"))
        };
        for (origin, gate, expect) in [
            (Origin::Base, "base", (Action::Deny, Fail)),
            (Origin::Base, "own", (Action::Inform, Fail)),
            (Origin::Own, "own", (Action::Deny, Fail)),
            (Origin::Own, "base", (Action::Inform, Fail)),
            (Origin::Unknown, "own", (Action::Deny, Unknown)),
            (Origin::Unknown, "base", (Action::Deny, Unknown)),
        ] {
            check(&of(origin, gate), expect);
        }
    }

    #[test]
    fn probabilities() {
        use crate::policy::Likelihood;
        let least = |text: &str| text.parse::<Likelihood>();
        assert!(least("0.0001%").is_ok_and(|least| least.is_reached_by(0.000_001)));
        assert!(least("100%").is_ok_and(|least| least.is_reached_by(1.0)));
        assert!(least("1%").is_ok_and(|least| !least.is_reached_by(0.009_999)));
        for bad in [
            "",
            "%",
            "0%",
            "0.0000%",
            "10",
            "-1%",
            "1e1%",
            ".5%",
            "5.%",
            "100.0001%",
            "1.00001%",
            "1 %",
        ] {
            assert!(least(bad).is_err(), "{bad}");
        }
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
