//! VUL-007: every VEX statement counts, and is about something that is aboard.

use super::{About, Raised, Rule, RuleContext};
use crate::{
    decide::Action,
    vex::{Usage, Use},
};
use camino::Utf8Path;
use plimsoll_model::{Severity, finding::Place};
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "VUL-007",
    name: "vul_007_vex_without_effect",
    title: "every VEX statement counts, and is about something that is aboard",
    severity: Severity::Low,
    action: Action::Warn,
    why: "A statement that does not apply, for a letter in a package URL, fails in silence: nobody sees that nothing is cleared, or that what is aboard is no longer what was looked at.",
    mend: "correct what the statement names, or have it said by somebody whom `vex.issuers` names; remove what is of no use",
    bad: "products: [{\"@id\": \"pkg:deb/debian/zlib1g?distro=debian-12.13\"}]   # aboard: distro=debian-12",
    good: "products: [{\"@id\": \"pkg:deb/debian/zlib1g?distro=debian-12\"}]",
    equivalents: &[],
    about: &[About::Scan],
    parameters: &[],
    check,
};

/// How many statements without use a finding names, and how many findings there are of each other kind for one
/// document:
/// those of a vendor are about all that it sells.
const NAMED: usize = 5;
const EACH: usize = 50;

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let mut documents: BTreeMap<&Utf8Path, Vec<&Usage>> = BTreeMap::new();
    for usage in &context.subject.vex.usages {
        documents.entry(&usage.path).or_default().push(usage);
    }
    documents.into_iter().flat_map(|(path, usages)| document(context, path, &usages)).collect()
}

fn document(context: &RuleContext<'_>, path: &Utf8Path, usages: &[&Usage]) -> Vec<Raised> {
    let line = context.policy().vex().line;
    let of = |is: fn(&Use) -> bool| usages.iter().copied().filter(move |usage| is(&usage.usage));
    let mut raised = Vec::new();
    let near = of(|usage| matches!(usage, Use::Near(_))).take(EACH);
    raised.extend(near.map(|usage| {
        let title = format!("a VEX statement nearly applies: {}", usage.usage);
        fail(context, title, &describe(path, usage), "a statement about what is aboard")
    }));
    let refused = of(|usage| matches!(usage, Use::Refused(_))).take(EACH);
    raised.extend(refused.map(|usage| {
        let title = format!("a VEX statement does not count: {}", usage.usage);
        fail(context, title, &describe(path, usage), "a statement that can be believed")
    }));
    let unused: Vec<_> = of(|usage| matches!(usage, Use::Unused)).collect();
    if !unused.is_empty() {
        let named: Vec<_> = unused.iter().take(NAMED).map(|usage| describe(path, usage)).collect();
        let more = unused.len().saturating_sub(NAMED);
        let rest = if more == 0 { String::new() } else { format!("; and {more} more") };
        let title = "VEX statements are about nothing that is aboard";
        let found = format!("{}{rest}", named.join("; "));
        raised.push(fail(context, title.to_owned(), &found, "statements about what is aboard"));
    }
    raised.into_iter().map(|raised| raised.by_line(line)).collect()
}

fn fail(context: &RuleContext<'_>, title: String, found: &str, expected: &str) -> Raised {
    context.fail(Place::Policy, title, found, expected)
}

fn describe(path: &Utf8Path, usage: &Usage) -> String {
    format!("{path}, {}: {} {} in {}", usage.at, usage.flaw, usage.status.as_str(), usage.product)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;
    use plimsoll_model::Severity;
    use serde_json::{Value, json};

    fn case() -> Case {
        let flaw = found("CVE-1", Severity::Critical);
        Case::default().matched("pkg:deb/debian/a@1?distro=debian-12", flaw)
    }

    fn statement(product: &str) -> Value {
        json!({ "vulnerability": { "name": "CVE-1" }, "products": [{ "@id": product }], "status": "not_affected",
            "justification": "component_not_present" })
    }

    fn document(statements: &[Value]) -> Value {
        json!({ "@context": "https://openvex.dev/ns/v0.2.0", "@id": "a", "author": "x", "version": 1,
            "timestamp": "2026-01-01T00:00:00Z", "statements": statements })
    }

    #[test]
    fn a_statement_that_applies_is_no_finding() {
        let vex = document(&[statement("pkg:deb/debian/a")]);
        case().vex(&vex).check("VUL-007", Expect::Pass);
        case().check("VUL-007", Expect::Pass);
    }

    #[test]
    fn a_near_miss_names_the_difference() {
        let vex = document(&[statement("pkg:deb/debian/a?distro=debian-12.13")]);
        let judged = case().vex(&vex).findings("VUL-007");
        assert_eq!(judged.len(), 1);
        assert_eq!(
            judged[0].finding.title,
            "a VEX statement nearly applies: differs in qualifier distro: debian-12.13 against debian-12"
        );
        assert!(judged[0].finding.found.ends_with(
            ".json, statements[0]: CVE-1 not_affected in pkg:deb/debian/a?distro=debian-12.13"
        ));
    }

    #[test]
    fn one_without_use_is_told_and_many_are_counted() {
        let vex = document(&vec![statement("pkg:deb/debian/b"); 7]);
        let judged = case().vex(&vex).findings("VUL-007");
        assert_eq!(judged.len(), 1);
        assert_eq!(judged[0].finding.title, "VEX statements are about nothing that is aboard");
        assert!(judged[0].finding.found.ends_with("; and 2 more"), "{:?}", judged[0].finding);
        assert!(!judged[0].is_blocking());
    }

    #[test]
    fn one_that_does_not_count_says_why_at_the_line_that_says_so() {
        let vex = document(&[statement("pkg:deb/debian/a")]);
        let judged = case().vex(&vex).policy("vex: {issuers: [y]}").findings("VUL-007");
        assert_eq!(judged.len(), 1);
        assert_eq!(
            judged[0].finding.title,
            "a VEX statement does not count: its issuer `x` is not among `vex.issuers`"
        );
        assert_eq!(judged[0].policy_line.as_ref().map(|line| line.line), Some(2));
    }
}
