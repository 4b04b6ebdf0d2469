//! The guidelines that Plimsoll puts into force, and the rules that each of them comes to.

use crate::rules::Rule;

/// One guideline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guideline {
    /// What it asks for.
    pub sentence: &'static str,
    /// The rules, by id, or by family (`BASE-*`); some may be of versions to come.
    rules: &'static [&'static str],
}

impl Guideline {
    /// Whether a rule is there for this guideline.
    pub fn asks_for(&self, rule: &Rule) -> bool {
        self.rules.iter().any(|named| match named.strip_suffix('*') {
            Some(family) => rule.id.starts_with(family),
            None => rule.id == *named,
        })
    }
}

/// The guidelines that a rule is there for.
pub fn of(rule: &Rule) -> impl Iterator<Item = &'static Guideline> {
    GUIDELINES.iter().filter(move |guideline| guideline.asks_for(rule))
}

const fn guideline(sentence: &'static str, rules: &'static [&'static str]) -> Guideline {
    Guideline { sentence, rules }
}

/// All of them.
pub const GUIDELINES: &[Guideline] = &[
    guideline("base images come from trusted sources", &["BASE-*"]),
    guideline("approved images are tagged, all others blocked", &["BASE-001", "BASE-044", "PRO-*"]),
    guideline("builds with security issues are tracked and flagged", &["FLG-001"]),
    guideline("images are rebuilt rather than patched", &["BASE-043", "BASE-045"]),
    guideline(
        "vulnerabilities are searched in the image, the application's and the operating system's packages",
        &["VUL-*"],
    ),
    guideline("vulnerabilities are searched every single time", &["ATT-009"]),
    guideline("what is acceptable is written down", &["VUL-*", "EXC-*"]),
    guideline("nothing runs as root", &["DF-020", "IMG-001", "K8S-006"]),
    guideline(
        "no container socket is exposed",
        &["DF-081", "DF-091", "CMP-002", "CMP-004", "K8S-004", "DMN-001", "DMN-010"],
    ),
    guideline("no default configurations", &["K8S-015", "CMP-017", "CMP-019", "DMN-002"]),
    guideline("no secrets", &["SEC-*"]),
    guideline("health checks", &["DF-030", "IMG-002", "CMP-012", "K8S-042"]),
    guideline("resource limits", &["K8S-011", "CMP-008"]),
    guideline("namespaces", &["K8S-002", "K8S-013", "CMP-005"]),
    guideline("no any-any network policy", &["K8S-020", "K8S-021", "K8S-022", "CMP-014"]),
    guideline(
        "identity and access control on registries and consoles",
        &["REG-008", "REG-010", "K8S-014", "K8S-030", "CMP-019", "K8S-044"],
    ),
    guideline("registry metadata", &["IMG-007", "REG-*"]),
    guideline("automated policies", &["ATT-*"]),
    guideline("everything is kept updated", &["BASE-041", "BASE-042", "BASE-043"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Policy, Profile, rules};

    fn sentences(id: &str) -> Vec<&'static str> {
        of(rules::find(id).unwrap()).map(|guideline| guideline.sentence).collect()
    }

    #[test]
    fn a_rule_knows_its_guidelines() {
        assert_eq!(sentences("DF-020"), ["nothing runs as root"]);
        assert_eq!(
            sentences("BASE-043"),
            [
                "base images come from trusted sources",
                "images are rebuilt rather than patched",
                "everything is kept updated"
            ]
        );
        assert_eq!(sentences("DF-001"), [""; 0]);
    }

    #[test]
    fn the_profile_is_exactly_the_guidelines() {
        let policy = Policy::of_profile(Profile::Guidelines);
        for rule in rules::ALL {
            let action = policy.action(rule).value;
            let is_named = GUIDELINES.iter().any(|guideline| guideline.rules.contains(&rule.id));
            if is_named || rule.id == "DF-001" {
                assert_eq!(action, Some(Action::Deny), "{}", rule.id);
            } else if of(rule).next().is_some() {
                assert_eq!(action, Some(rule.action), "{}", rule.id);
            } else {
                assert_eq!(action, None, "{}", rule.id);
            }
        }
    }
}
