//! Which rules each profile sets.
//!
//! Ids that no rule has yet are passed over. The tests list them, so that whoever adds such a rule sees that it is named here.

use crate::{
    decide::Action,
    policy::{Profile, RuleSetting, Switch},
    rules,
};
use std::collections::BTreeMap;

/// The rules that a profile sets.
pub(super) struct Table {
    /// Families that are off but for the rules that are denied by id.
    off: &'static [&'static str],
    /// Rules that block.
    deny: &'static [&'static str],
}

/// What a profile sets beside what it shares with the baseline.
pub(super) const fn of(profile: Profile) -> &'static Table {
    match profile {
        Profile::Baseline => &Table { off: &[], deny: &[] },
        Profile::Strict => &Table { off: &[], deny: STRICT },
        Profile::CisDocker => &Table { off: &[], deny: CIS_DOCKER },
        Profile::PssRestricted => &Table { off: &[], deny: PSS_RESTRICTED },
        Profile::Guidelines => &Table { off: NO_GUIDELINE, deny: GUIDELINES },
    }
}

/// What the strict policy does not let pass with a warning: digests, health checks, and root file systems that can be written to.
const STRICT: &[&str] = &["BASE-012", "CMP-009", "CMP-012", "DF-030", "IMG-002", "K8S-010"];

/// Rules that a control of the CIS Docker Benchmark asks for.
const CIS_DOCKER: &[&str] = &[
    "BASE-001", "BASE-022", "BASE-042", "BASE-050", "BASE-053", "BASE-054", "CMP-001", "CMP-002",
    "CMP-003", "CMP-004", "CMP-005", "CMP-006", "CMP-007", "CMP-008", "CMP-009", "CMP-010",
    "CMP-011", "CMP-012", "CMP-013", "CMP-014", "CMP-015", "CMP-018", "CMP-020", "DF-020",
    "DF-030", "DF-042", "DF-044", "DF-047", "DF-048", "DF-060", "DF-067", "DF-080", "DF-083",
    "DF-091", "DF-100", "DMN-001", "DMN-002", "FS-001", "FS-009", "IMG-001", "IMG-002", "IMG-003",
    "REG-001", "SEC-001", "SEC-002", "SEC-005", "SEC-006",
];

/// Rules that together are the level `restricted` of the Pod Security Standards.
const PSS_RESTRICTED: &[&str] = &[
    "K8S-001", "K8S-002", "K8S-003", "K8S-004", "K8S-005", "K8S-006", "K8S-008", "K8S-009",
    "K8S-012", "K8S-045",
];

/// Rules that a guideline asks for, and DF-001: what can not be read was not judged. Those of families that a guideline
/// asks for as a whole (BASE, EXC, VUL, FLG, PRO, REG, SEC, ATT) and that are not here keep the action of their own.
const GUIDELINES: &[&str] = &[
    "ATT-009", "BASE-001", "BASE-041", "BASE-042", "BASE-043", "BASE-044", "BASE-045", "CMP-002",
    "CMP-004", "CMP-005", "CMP-008", "CMP-012", "CMP-014", "CMP-017", "CMP-019", "DF-001",
    "DF-020", "DF-030", "DF-081", "DF-091", "DMN-001", "DMN-002", "DMN-010", "FLG-001", "IMG-001",
    "IMG-002", "IMG-007", "K8S-002", "K8S-004", "K8S-006", "K8S-011", "K8S-013", "K8S-014",
    "K8S-015", "K8S-020", "K8S-021", "K8S-022", "K8S-030", "K8S-042", "K8S-044", "REG-008",
    "REG-010",
];

/// Families of which guidelines ask for single rules alone.
const NO_GUIDELINE: &[&str] = &["DF-*", "IMG-*", "FS-*", "CMP-*", "K8S-*", "DMN-*"];

/// The settings of a table, of the rules that there are.
pub(super) fn settings(table: &Table) -> BTreeMap<&'static str, RuleSetting> {
    let set = |rule: &'static rules::Rule, switch| {
        let setting = RuleSetting { action: Some(switch), parameters: BTreeMap::new(), line: None };
        (rule.id, setting)
    };
    let off = table.off.iter().filter_map(|family| family.strip_suffix('*'));
    let off = off.flat_map(rules::family).map(|rule| set(rule, Switch::Off));
    let deny = table.deny.iter().filter_map(|id| rules::find(id));
    off.chain(deny.map(|rule| set(rule, Switch::On(Action::Deny)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn named(profile: Profile) -> impl Iterator<Item = &'static str> {
        let table = of(profile);
        table.off.iter().chain(table.deny).copied()
    }

    #[test]
    fn everything_named_is_a_rule_or_a_family() {
        let there = rules::families().into_iter();
        let there: BTreeSet<String> =
            there.chain(rules::ALL.iter().map(|rule| rule.id.to_owned())).collect();
        let missing: Vec<&str> =
            Profile::ALL.into_iter().flat_map(named).filter(|id| !there.contains(*id)).collect();
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn the_text_names_what_the_table_names() {
        for profile in Profile::ALL {
            let text = profile.text().split_once("rules:\n").map_or("", |(_, after)| after);
            let lines = text.lines().take_while(|line| line.starts_with("  "));
            let keys = lines.filter_map(|line| Some(line.trim().split_once(": ")?.0));
            let in_text: BTreeSet<&str> = keys.map(|key| key.trim_matches('"')).collect();
            assert_eq!(in_text, named(profile).collect(), "{}", profile.as_str());
        }
    }

    #[test]
    fn every_rule_with_a_number_of_cis_blocks_in_its_profile() {
        let numbered = rules::ALL.iter().filter(|rule| {
            let is_of_docker = !rule.id.starts_with("K8S-") && !rule.id.starts_with("VUL-");
            is_of_docker && rule.equivalents.iter().any(|other| other.starts_with("CIS "))
        });
        let missing: Vec<_> =
            numbered.map(|rule| rule.id).filter(|id| !CIS_DOCKER.contains(id)).collect();
        assert_eq!(missing, [""; 0]);
    }
}
