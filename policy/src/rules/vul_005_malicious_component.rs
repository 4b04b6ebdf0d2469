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
    bad: "crossenv 6.1.1   # MAL-2022-1234: takes the environment and sends it away",
    good: "cross-env 7.0.3",
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
