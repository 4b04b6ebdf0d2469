//! VUL-005: no component is malware.

use super::{
    About, Raised, Rule, RuleContext,
    vul_002_vulnerable_component::{matches, raise},
};
use crate::{decide::Action, policy::ConditionClass};
use plimsoll_model::{Severity, advisory::AdvisoryClass};

pub(crate) const RULE: Rule = Rule {
    id: "VUL-005",
    name: "vul_005_malicious_component",
    title: "no component is malware",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "A package that is malware has already run by the time it is found: when it was installed, in the build.",
    mend: "remove it, find out how it got in, and treat every secret of that build as known to others",
    bad: "crossenv   # named by a `MAL-` advisory: takes the environment and sends it away",
    good: "cross-env   # the package that was meant",
    equivalents: &[],
    about: &[About::Scan],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let gate = context.policy().gate();
    let condition = gate.fail.iter().find(|condition| condition.class == ConditionClass::Malware);
    matches(context)
        .filter(|(_, found)| found.advisory.class == AdvisoryClass::Malware)
        .map(|(component, found)| {
            let title = format!("{}: {} is malware", found.advisory.display_id(), component.name);
            let raised = raise(context, component, found, title);
            let raised = raised.with_severity(RULE.severity);
            if context.is_set() { raised } else { raised.by_line(condition.and_then(|c| c.line)) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;
    use plimsoll_model::{
        finding::Place,
        scan::{Match, ScanVerdict},
    };

    fn malware() -> Match {
        let mut found = found("MAL-1", Severity::Unknown);
        found.advisory.class = AdvisoryClass::Malware;
        found
    }

    #[test]
    fn malware_is_denied_whatever_the_gate_says() {
        let case = Case::default().matched("pkg:npm/crossenv@1", malware());
        for policy in ["", "gate: {fail: []}", "unknown: warn"] {
            let case = case.clone().policy(policy);
            case.check("VUL-005", Expect::Fail);
            let judged = case.findings("VUL-005");
            let place = &judged[0].finding.place;
            assert!(
                matches!(place, Place::Component { purl, .. } if purl.as_str() == "pkg:npm/crossenv@1"),
                "{place:?}"
            );
            assert!(judged[0].is_blocking() && judged[0].finding.severity == Severity::Critical);
        }
    }

    #[test]
    fn a_vulnerability_is_no_malware() {
        let flaw = found("CVE-1", Severity::Critical);
        Case::default().matched("pkg:npm/a@1", flaw).check("VUL-005", Expect::Pass);
        let clean = ScanVerdict::Clean;
        Case::default().component("pkg:npm/a@1", clean).check("VUL-005", Expect::Pass);
    }
}
