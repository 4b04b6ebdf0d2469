//! FLG-001: the build is not on the ledger's list of flagged builds.

use super::{About, Raised, Rule, RuleContext};
use crate::{
    decide::Action,
    facts::{Flag, Flags},
};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "FLG-001",
    name: "flg_001_flagged",
    title: "the build is not flagged",
    severity: Severity::High,
    action: Action::Deny,
    why: "Somebody, or a later look at the advisories, found this very build to be bad. Promoted again, by another name or from another registry, it would be back where it was taken from.",
    mend: "rebuild without what it was flagged for; where the flag was wrong, `plimsoll ledger clear ID --reason WHY --by WHO` takes it off the list",
    bad: "plimsoll promote r.example/app@sha256:86f3… r.example/prod/app:2   # build 17 is flagged: the signing key was stolen",
    good: "plimsoll ledger clear 17 --reason \"the key was another one\" --by security@example.com",
    equivalents: &[],
    about: &[About::Flags],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    match context.facts().flags {
        None => Vec::new(),
        Some(Flags::Untold(reason)) => {
            let title = "whether the build is flagged can not be told";
            let expected = "a ledger that can be read, and is whole";
            let raised = context.unknown(Place::Image, title, reason.clone(), expected);
            vec![
                raised
                    .with_remedy("restore the ledger, or name the right one with `--ledger FILE`"),
            ]
        }
        Some(Flags::Known(flags)) => raise(context, flags).into_iter().collect(),
    }
}

/// One finding for all flags: it is the build that is flagged.
fn raise(context: &RuleContext<'_>, flags: &[Flag]) -> Option<Raised> {
    let title = format!("the build is flagged: {}", flags.last()?.reason);
    let by =
        |flag: &Flag| format!("entry {} of the ledger, by {} at {}", flag.entry, flag.by, flag.at);
    let found = flags.iter().map(by).collect::<Vec<_>>().join("; ");
    Some(context.fail(
        Place::Image,
        title,
        found,
        "a build that nobody flagged, or whose flag was cleared",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn flag(entry: &str, reason: &str) -> Flag {
        let (reason, by) = (reason.to_owned(), "a@corp".to_owned());
        Flag { entry: entry.to_owned(), at: now(), by, reason }
    }

    fn case(flags: Flags) -> Case {
        Case::default().image(&["a"]).flags(flags)
    }

    #[test]
    fn a_flagged_build_is_blocked_with_who_and_why() {
        case(Flags::Known(vec![])).check("FLG-001", Expect::Pass);
        let judged = case(Flags::Known(vec![flag("17", "the key was stolen")])).findings("FLG-001");
        let [only] = judged.as_slice() else { panic!("{judged:?}") };
        assert_eq!(only.finding.title, "the build is flagged: the key was stolen");
        assert_eq!(only.finding.found, "entry 17 of the ledger, by a@corp at 2026-06-15T12:00:00Z");
        assert_eq!(only.finding.place, Place::Image);
        assert_eq!(only.action, Action::Deny);
        assert!(only.is_blocking());
        let two = case(Flags::Known(vec![flag("17", "a"), flag("18", "b")])).findings("FLG-001");
        let [only] = two.as_slice() else { panic!("{two:?}") };
        assert_eq!(only.finding.title, "the build is flagged: b");
        let each = ["17", "18"]
            .map(|id| format!("entry {id} of the ledger, by a@corp at 2026-06-15T12:00:00Z"));
        assert_eq!(only.finding.found, each.join("; "));
    }

    #[test]
    fn a_ledger_that_can_not_be_read_is_not_one_without_flags() {
        let untold = case(Flags::Untold("the chain is broken".to_owned()));
        untold.check("FLG-001", Expect::Unknown);
        assert!(untold.findings("FLG-001")[0].is_blocking());
        assert_eq!(untold.findings("FLG-001")[0].finding.found, "the chain is broken");
    }

    #[test]
    fn a_command_that_asks_no_ledger_says_nothing() {
        Case::default().image(&["a"]).check("FLG-001", Expect::Pass);
        let decision = Case::default().image(&["a"]).decide();
        assert!(!decision.evaluated().contains(&"FLG-001"));
    }
}
